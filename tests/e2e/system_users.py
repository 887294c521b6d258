#!/usr/bin/env python3
"""users = system: an account of this machine gets mail and logs in with its
password, which PAM checks.  Makes accounts and removes them; root only."""

import imaplib
import os
import pwd
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from authd_lib import Peer, account  # noqa: E402
from harness import ROOT, out, until  # noqa: E402
from instance import Instance, need  # noqa: E402

if not os.path.exists(out("pamd")):
    print("pamd was not built: no libpam")
    sys.exit(77)
if not ROOT:
    print("only root can make accounts")
    sys.exit(77)

NAME = "mptest%d" % os.getpid()


class SystemInstance(Instance):
    def make(self):
        super().make()
        # It has learnt meanwhile that accounts are users.
        subprocess.run([self.home + "/inst/share/make-instance", "-H", "mail." + self.domain, self.dir], check=True)


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("useradd", "userdel", "usermod", "chpasswd")
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        cls.run_ = staticmethod(lambda *a, **k: subprocess.run(a, check=True, env=env, capture_output=True, **k))
        cls.made = []
        cls.addClassCleanup(cls.remove)
        for name in (NAME, NAME + "x"):
            cls.run_("useradd", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)
            cls.made.append(name)
        cls.set_password(NAME, "first Password 1")
        cls.instance = SystemInstance(config={
            "": {"users": '{ "file", "system" }', "log-level": '"debug"'}, "authd": {"cache": "1h"}})
        cls.enterClassContext(cls.instance)

    @classmethod
    def remove(cls):
        for name in cls.made:
            cls.run_("userdel", name)

    @classmethod
    def set_password(cls, name, password):
        cls.run_("chpasswd", input=("%s:%s\n" % (name, password)).encode())

    def login(self, name, password):
        """True, or what the server said."""
        c = imaplib.IMAP4("127.0.0.1", self.instance.port(143), timeout=60)
        try:
            c.login(name, password)
        except imaplib.IMAP4.error as e:
            c.sock.close()
            return str(e)
        c.select()
        c.logout()
        return True

    def test_the_password_logs_in(self):
        host = "mail." + self.instance.domain
        for name in (NAME, "%s@%s" % (NAME, host), "%s@%s" % (NAME.upper(), self.instance.domain)):
            self.assertIs(self.login(name, "first Password 1"), True)
        home = "%s/mail/%s/%s" % (self.instance.dir, host, NAME)
        self.assertEqual(os.stat(home).st_uid, pwd.getpwnam(NAME).pw_uid)
        self.assertFalse(os.path.exists("%s/mail/%s/%s" % (self.instance.dir, self.instance.domain, NAME)))
        # Users of the file are still there.
        self.instance.imap("alice").logout()

    def test_wrong_ones_do_not(self):
        for name, password in ((NAME, "first Password 2"), (NAME + "x", "x"), (NAME + "x", "!"), (NAME, "*"),
                               ("root", "x"), ("nosuch" + NAME, "x"), (NAME + "@elsewhere.example", "first Password 1")):
            self.assertIn("AUTHENTICATIONFAILED", self.login(name, password), name)
        self.assertIn("event=auth-failed", self.instance.log("authd"))
        self.assertNotIn("Password 2", self.instance.log())

    def test_mail_arrives(self):
        i = self.instance
        for to in ("%s@%s" % (NAME, i.domain), "%s+tag@mail.%s" % (NAME, i.domain)):
            with i.smtp() as s:
                s.sendmail("alice@" + i.domain, [to], "From: alice@%s\r\nSubject: x\r\n\r\nhello\r\n" % i.domain)
        maildir = "%s/mail/mail.%s/%s/Maildir/new" % (i.dir, i.domain, NAME)
        until(lambda: os.path.isdir(maildir) and len(os.listdir(maildir)) == 2)
        for f in os.listdir(maildir):
            self.assertEqual(os.stat(maildir + "/" + f).st_uid, pwd.getpwnam(NAME).pw_uid)
        with i.smtp() as s:
            s.ehlo()
            s.mail("alice@" + i.domain)
            for nobody in ("root", "daemon", "nobody", "merpati-smtpd", "nosuch" + NAME):
                code, text = s.rcpt("%s@%s" % (nobody, "mail." + i.domain))
                # root is an alias of postmaster.
                self.assertEqual(code, 250 if nobody == "root" else 550, nobody)

    def test_an_account_that_has_expired_is_out(self):
        self.set_password(NAME + "x", "second Password 1")
        self.assertIs(self.login(NAME + "x", "second Password 1"), True)
        self.run_("usermod", "--expiredate", "1", NAME + "x")
        until(lambda: self.login(NAME + "x", "second Password 1") is not True)
        self.assertIn("AUTHENTICATIONFAILED", self.login(NAME + "x", "second Password 1"))
        self.assertIn("event=account-refused", self.instance.log("pamd"))
        self.run_("usermod", "--expiredate", "", NAME + "x")

    def test_a_new_password_counts(self):
        self.set_password(NAME + "x", "third Password 1")
        until(lambda: self.login(NAME + "x", "third Password 1") is True)
        self.set_password(NAME + "x", "fourth Password 1")
        until(lambda: self.login(NAME + "x", "third Password 1") is not True)
        self.assertIs(self.login(NAME + "x", "fourth Password 1"), True)

    def test_app_passwords_are_for_accounts_too(self):
        i = self.instance
        r = i.mailctl("app-password", "add", "%s@%s" % (NAME, i.domain), "phone")
        self.assertEqual(r.returncode, 0, r.stderr)
        until(lambda: self.login(NAME, r.stdout.split()[-1]) is True)
        self.assertEqual(i.mailctl("check").returncode, 0)
        r = i.mailctl("app-password", "revoke", "%s@%s" % (NAME, i.domain), "phone")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotEqual(i.mailctl("app-password", "add", "root@" + i.domain, "phone").returncode, 0)

    def test_only_authd_asks_and_only_about_people(self):
        path = self.instance.dir + "/run/pamd/pamd.sock"
        for user in ("nobody", "merpati-imapd", NAME):
            p = Peer(path, account(user).pw_uid)
            self.assertTrue(p.refused("password", ("user", NAME), ("password", "first Password 1"), ("ip", b"")))
            p.close()
        p = Peer(path, account("merpati-auth").pw_uid)
        for user, password, verdict in ((NAME, "first Password 1", "ok"), (NAME, "other", "bad"), ("root", "x", "bad"),
                                        ("nosuch", "x", "bad")):
            a = p.ask("password", ("user", user), ("password", password), ("ip", b"192.0.2.1"))
            self.assertEqual(a["verdict"], verdict, user)
        p.close()

    def test_it_runs_with_no_more_than_it_needs(self):
        with open("/proc/%d/status" % self.instance.pid("pamd")) as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.assertEqual(set(status["Uid"].split()), {str(pwd.getpwnam("merpati-pam").pw_uid)})
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")

    def test_status_and_check_know_it(self):
        self.assertIn("pamd/pamd.sock           answers", self.instance.mailctl("status").stdout)
        r = self.instance.mailctl("check")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("no keys for SCRAM", r.stderr)

    def test_zz_without_pamd_others_still_log_in(self):
        i = self.instance
        i.svc("pamd", "-wD -d")
        try:
            self.assertIn("UNAVAILABLE", self.login(NAME, "not remembered"))
            i.imap("alice").logout()
        finally:
            i.svc("pamd", "-wU -u")
        self.assertIs(self.login(NAME, "first Password 1"), True)


if __name__ == "__main__":
    unittest.main()
