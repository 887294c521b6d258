#!/usr/bin/env python3
"""Submission as people use it: their programs, every mechanism, TLS, what they
may send, on a whole instance; and two instances that send to each other."""

import contextlib
import email
import os
import re
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import unittest

from instance import Instance, need, trusting, wait_for

PATIENCE = 60
EXTRA = """\
dora@example.test:{PLAIN}secret-dora::::::senders=office@elsewhere.test,*@dora.test
few@example.test:{PLAIN}secret-few::::::
many@example.test:{PLAIN}secret-many::::::
"""
ALIASES = """\
sales@example.test: alice@example.test, bob@example.test
team@example.test: sales@example.test
"""


def letter(token, sender="alice@example.test", to="bob@example.test", more=""):
    return "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n%s\r\nhello\r\n" % (sender, to, token, more)


class Suite(unittest.TestCase):
    config = {"smtpd": {"user-messages": "1000000", "user-recipients": "1000000", "max-rate": "1000000"}}

    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        cls.i = Instance(users=("alice", "bob"), config=cls.config, extra_users=EXTRA)
        cls.addClassCleanup(lambda: cls.i.__exit__(None, None, None))
        cls.i.make()
        with open(cls.i.dir + "/etc/aliases", "a") as f:
            f.write(ALIASES)
        cls.i.start()
        cls.ca = cls.i.dir + "/etc/keys/mail.chain.pem"
        cls.tokens = 0

    @classmethod
    def token(cls):
        cls.tokens += 1
        return "token%dx" % cls.tokens

    def context(self):
        return ssl.create_default_context(cafile=self.ca)

    @contextlib.contextmanager
    def session(self, port=587, user=None, password=None):
        """smtplib, under TLS, logged in when there is a user."""
        if port == 465:
            s = smtplib.SMTP_SSL("127.0.0.1", self.i.port(465), "laptop.home.test", timeout=PATIENCE,
                                 context=self.context())
        else:
            s = smtplib.SMTP("127.0.0.1", self.i.port(port), "laptop.home.test", timeout=PATIENCE)
            s.starttls(context=self.context())
        with contextlib.closing(s):
            if user:
                s.login(self.i.address(user), password or self.i.password(user))
            s.ehlo()
            yield s

    def arrived(self, user, token):
        """The letter in the user's mailbox, as text."""
        def look():
            for path in self.i.deliveries(user):
                with open(path, errors="replace") as f:
                    text = f.read()
                if token in text:
                    return text
            return None
        return wait_for(look, PATIENCE)

    def received(self, text):
        fields = email.message_from_string(text).get_all("Received")
        return re.sub(r"\s+", " ", fields[-1])


class Clients(Suite):

    def test_a_letter_from_one_user_to_another(self):
        token = self.token()
        with self.session(465, "alice") as s:
            s.sendmail("alice@example.test", ["bob@example.test"], "Subject: %s\r\n\r\nhello\r\n" % token)
        text = self.arrived("bob", token)
        for read in (self.by_pop3, self.by_imap):
            self.assertIn(token, read("bob", token))
        m = email.message_from_string(text)
        self.assertEqual(m["From"], "<alice@example.test>")
        self.assertTrue(m["Date"])
        self.assertRegex(m["Message-ID"], r"^<\w{20}@mail\.example\.test>$")
        self.assertRegex(self.received(text), r"^from client\.invalid \(address withheld\) by mail\.example\.test "
                         r"\(Merpati\) with ESMTPSA \(TLSv1\.3 TLS_\w+\) id \w{20} for <bob@example\.test>;")
        self.assertNotIn("127.0.0.1", text)
        self.assertNotIn("laptop", text)

    def by_pop3(self, user, token):
        p = self.i.pop(user)
        found = ""
        for n in range(1, p.stat()[0] + 1):
            text = b"\n".join(p.retr(n)[1]).decode()
            found = text if token in text else found
        p.quit()
        return found

    def by_imap(self, user, token):
        c = self.i.imap(user)
        c.select("INBOX", readonly=True)
        n = c.search(None, "SUBJECT", token)[1][0].split()[-1]
        text = c.fetch(n, "(BODY.PEEK[])")[1][0][1].decode()
        c.logout()
        return text

    def swaks(self, *args, ok=True, code=None):
        token = self.token()
        r = subprocess.run(["swaks", "--server", "127.0.0.1", "--from", "alice@example.test", "--to",
                            "bob@example.test", "--header", "Subject: " + token, "--helo", "laptop.home.test", *args],
                           capture_output=True, text=True, timeout=PATIENCE)
        said = r.stdout + r.stderr
        if ok:
            self.assertEqual(r.returncode, 0, said)
            self.assertIn("ESMTPSA", self.received(self.arrived("bob", token)))
        else:
            self.assertNotEqual(r.returncode, 0, said)
            self.assertRegex(said, r"(?m)^<\S* +%s" % code)
        return said

    def test_swaks(self):
        need("swaks")
        good = ["--auth-user", "alice@example.test", "--auth-password", self.i.password("alice")]
        bad = ["--auth-user", "alice@example.test", "--auth-password", "mistaken"]
        for where in (["--port", str(self.i.port(587)), "--tls"], ["--port", str(self.i.port(465)),
                                                                     "--tls-on-connect"]):
            for mechanism in ("PLAIN", "LOGIN"):
                with self.subTest(mechanism, where=where):
                    self.swaks(*where, "--auth", mechanism, *good)
        # One each: who guesses waits longer and longer.
        self.swaks("--port", str(self.i.port(587)), "--tls", "--auth", "LOGIN", *bad, ok=False, code="535 5.7.8")
        self.swaks("--port", str(self.i.port(587)), "--tls", ok=False, code="530 5.7.0")

    def msmtp(self, auth, port, more, password=None):
        token = self.token()
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/rc", "w") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write("account default\nhost 127.0.0.1\nport %d\nfrom alice@example.test\nauth %s\n"
                        "user alice@example.test\npassword %s\ntls_trust_file %s\n%s\n" % (
                            self.i.port(port), auth, password or self.i.password("alice"), self.ca, more))
            r = subprocess.run(["msmtp", "-C", d + "/rc", "bob@example.test"], input=letter(token).encode(),
                               capture_output=True, timeout=PATIENCE, env=dict(os.environ, HOME=d))
        return r, token

    def test_msmtp(self):
        need("msmtp")
        for auth in ("plain", "login", "scram-sha-256", "on"):
            for port, more in ((587, "tls on\ntls_starttls on"), (465, "tls on\ntls_starttls off")):
                with self.subTest(auth, port=port):
                    r, token = self.msmtp(auth, port, more)
                    self.assertEqual(r.returncode, 0, r.stderr)
                    self.assertIn("ESMTPSA", self.received(self.arrived("bob", token)))
        for auth in ("plain", "scram-sha-256"):
            r, _ = self.msmtp(auth, 465, "tls on\ntls_starttls off", "mistaken")
            self.assertIn(r.returncode, (76, 77), r.stderr)
        # SCRAM shows nothing to who listens: it is there in clear, and plain on loopback.
        r, token = self.msmtp("scram-sha-256", 587, "tls off")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(" with ESMTPA id", self.received(self.arrived("bob", token)))

    def test_curl(self):
        need("curl")
        with tempfile.TemporaryDirectory() as d:
            for url, more in (("smtps://127.0.0.1:%d" % self.i.port(465), []),
                              ("smtp://127.0.0.1:%d" % self.i.port(587), ["--ssl-reqd"])):
                for options in ("", "AUTH=PLAIN", "AUTH=LOGIN"):
                    token = self.token()
                    with open(d + "/m", "w") as f:
                        f.write(letter(token))
                    for password, code in ((self.i.password("alice"), 0), ("mistaken", 67))[:1 if options else 2]:
                        r = subprocess.run(["curl", "-sS", "--cacert", self.ca, *more, "--url", url, "-u",
                                            "alice@example.test:" + password, "--mail-from", "alice@example.test",
                                            "--mail-rcpt", "bob@example.test", "-T", d + "/m",
                                            *(["--login-options", options] if options else [])],
                                           capture_output=True, text=True, timeout=PATIENCE)
                        self.assertEqual(r.returncode, code, r.stderr)
                    self.assertIn("ESMTPSA", self.received(self.arrived("bob", token)))

    def test_openssl_at_both_ports(self):
        for how in (["-connect", "127.0.0.1:%d" % self.i.port(465)],
                    ["-starttls", "smtp", "-connect", "127.0.0.1:%d" % self.i.port(25)],
                    ["-starttls", "smtp", "-connect", "127.0.0.1:%d" % self.i.port(587)]):
            for version, ok in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
                r = subprocess.run(["openssl", "s_client", *how, version, "-CAfile", self.ca, "-verify_return_error",
                                    "-quiet", "-ign_eof", "-cipher", "ALL:@SECLEVEL=0"], input=b"EHLO x\r\nQUIT\r\n",
                                   capture_output=True, timeout=PATIENCE)
                self.assertEqual(b"\n221 2.0.0" in r.stdout, ok, (how, version, r.stderr))

    def test_no_renegotiation(self):
        p = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.i.port(465), "-tls1_2"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # The greeting in the middle of a handshake would end it another way.
        for line in p.stdout:
            if line.startswith(b"220 "):
                break
        self.assertIn(b":no renegotiation:", p.communicate(b"R\n", timeout=PATIENCE)[1])


class Rules(Suite):

    def send(self, user, sender, rcpts=("bob@example.test",), token="x"):
        """The answer to MAIL, or to the first refused command."""
        with self.session(465, user) as s:
            code, text = s.mail(sender)
            if code == 250:
                for r in rcpts:
                    s.rcpt(r)
                try:
                    code, text = s.data(letter(token))
                except smtplib.SMTPDataError as e:
                    code, text = e.smtp_code, e.smtp_error
            return code, text.decode()

    def test_senders(self):
        for user, sender, want in (("alice", "alice@example.test", 250), ("alice", "ALICE@Example.Test", 250),
                                   ("alice", "alice+lists@example.test", 250), ("alice", "", 250),
                                   ("alice", "sales@example.test", 250), ("bob", "team@example.test", 250),
                                   ("alice", "bob@example.test", 553), ("alice", "alice@elsewhere.test", 553),
                                   ("alice", "nobody@example.test", 553), ("dora", "dora@example.test", 250),
                                   ("dora", "office@elsewhere.test", 250), ("dora", "any@dora.test", 250),
                                   ("dora", "other@elsewhere.test", 553), ("dora", "sales@example.test", 553),
                                   ("dora", "any@sub.dora.test", 553), ("alice", "any@dora.test", 553)):
            with self.subTest(user, sender=sender):
                code, text = self.send(user, sender)
                self.assertEqual(code, want, text)
                if want == 553:
                    self.assertTrue(text.startswith("5.7.1 "), text)

    def test_the_field_from_is_free(self):
        token = self.token()
        with self.session(465, "alice") as s:
            s.sendmail("alice@example.test", ["bob@example.test"], letter(token, sender="boss@elsewhere.test"))
        self.assertIn("From: <boss@elsewhere.test>", self.arrived("bob", token))

    def test_loopback_must_log_in_too(self):
        with smtplib.SMTP("127.0.0.1", self.i.port(587), timeout=PATIENCE) as s:
            s.ehlo()
            self.assertEqual(s.mail("alice@example.test")[0], 530)
        # deliver(1) has its own way, and port 25 relays for trusted networks.
        token = self.token()
        r = self.i.deliver("-f", "alice@example.test", "bob@example.test", input=letter(token).encode())
        self.assertEqual(r.returncode, 0, r.stderr)
        self.arrived("bob", token)
        with self.i.smtp() as s:
            s.ehlo()
            self.assertFalse(s.has_extn("auth"))
            self.assertTrue(s.has_extn("starttls"))
            self.assertEqual(s.docmd("AUTH", "PLAIN AGEAYg==")[0], 502)

    def test_long_responses(self):
        """Tokens are long, and a client may send one with the command."""
        with self.session(465) as s:
            s.ehlo()
            for octets, code in ((3000, 501), (9000, 501), (9300, 500)):
                self.assertEqual(s.docmd("AUTH", "PLAIN " + "A" * (octets // 3 * 4))[0], code)
            # Other commands are as short as before.
            self.assertEqual(s.docmd("NOOP", "x" * 3000)[0], 500)
            s.login("alice@example.test", self.i.password("alice"))
            self.assertEqual(s.docmd("AUTH", "PLAIN " + "A" * 4000)[0], 500)

    def test_failures(self):
        with self.session(465) as s:
            for _ in range(2):
                with self.assertRaises(smtplib.SMTPAuthenticationError) as e:
                    s.user, s.password = "alice@example.test", "mistaken"
                    s.auth("PLAIN", s.auth_plain)
                self.assertEqual(e.exception.smtp_code, 535)
            self.assertEqual(s.docmd("AUTH", "PLAIN *")[0], 501)
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                s.auth("PLAIN", s.auth_plain)
            self.assertEqual(s.getreply()[0], 421)
            with self.assertRaises((smtplib.SMTPServerDisconnected, OSError)):
                s.noop()
        wait_for(lambda: "event=auth-failed" in self.i.log("authd"), PATIENCE)
        self.assertNotIn("event=auth-failed", self.i.log("smtpd"))
        self.assertNotIn("mistaken", self.i.log())


class Rates(Suite):
    config = {"smtpd": {"user-messages": "3", "user-recipients": "5"}}
    send = Rules.send

    def test_messages_and_recipients(self):
        for _ in range(3):
            self.assertEqual(self.send("many", "many@example.test")[0], 250)
        code, text = self.send("many", "many@example.test")
        self.assertEqual(code, 450)
        self.assertTrue(text.startswith("4.7.1 "), text)
        # Others have their own; theirs are recipients of one message.
        self.assertEqual(self.send("few", "few@example.test", ["bob@example.test", "alice@example.test"] * 2)[0], 250)
        code, text = self.send("few", "few@example.test", ["bob@example.test", "alice@example.test"])
        self.assertEqual((code, text[:5]), (450, "4.7.1"))
        self.assertEqual(self.send("few", "few@example.test")[0], 250)


class Second(Instance):
    domain = "second.test"


class TwoInstances(unittest.TestCase):
    """What remote sends under TLS with the certificate checked."""

    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        cls.to = Second(users=("zoe",))
        cls.to.__enter__()
        cls.addClassCleanup(lambda: cls.to.__exit__(None, None, None))
        # Where remote may read it.
        cert = shutil.copy(cls.to.dir + "/etc/keys/mail.chain.pem", cls.to.home + "/ca.pem")
        cls.i = Instance(users=("alice",), more_config="""
            route "second.test" { via = "[127.0.0.1]:%d" tls = "verified" }
            remote { ca-file = "%s" }
            """ % (cls.to.port(25), cert), config={"queue": {"retry": "1s"}})
        cls.i.__enter__()
        cls.addClassCleanup(lambda: cls.i.__exit__(None, None, None))

    def test_port_25_verified(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.i.port(465), timeout=PATIENCE, context=trusting()) as s:
            s.login("alice@example.test", self.i.password("alice"))
            s.sendmail("alice@example.test", ["zoe@second.test"], letter("verified", to="zoe@second.test"))
        wait_for(lambda: self.to.deliveries("zoe"), PATIENCE)
        with open(self.to.deliveries("zoe")[0]) as f:
            fields = email.message_from_string(f.read()).get_all("Received")
        self.assertRegex(fields[0], r"(?s)from mail\.example\.test .*with ESMTPS \(TLSv1\.3 ")
        self.assertRegex(fields[1], r"(?s)with ESMTPSA \(TLSv1\.3 ")


if __name__ == "__main__":
    unittest.main()
