#!/usr/bin/env python3
"""mailctl certificate, and what check, status and reload say of certificates,
with the whole suite."""

import json
import os
import pwd
import shutil
import stat
import tempfile
import unittest

from instance import Instance, need, wait_for
from keyd_lib import RSA, Pair
from remote_certs import Cert


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        cls.i = Instance(config={"keyd": {"check": "1s"}})
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        cls.dir = tempfile.mkdtemp(prefix="mpnew")
        os.chmod(cls.dir, 0o755)        # keyd is to find chains here
        cls.addClassCleanup(shutil.rmtree, cls.dir)

    def setUp(self):
        with open(self.i.dir + "/etc/merpati.conf") as f:
            self.conf = f.read()
        self.addCleanup(self.configure, "")

    def configure(self, more, old=None, new=None):
        text = self.conf.replace(old, new) if old else self.conf
        if old:
            self.assertNotEqual(text, self.conf)
        with open(self.i.dir + "/etc/merpati.conf", "w") as f:
            f.write(text + more)

    def mailctl(self, *argv, code=0):
        p = self.i.mailctl(*argv)
        self.assertEqual(p.returncode, code, p)
        return p

    def listed(self):
        return {x["name"]: x for x in json.loads(self.mailctl("certificate", "--json").stdout)}

    def key(self, name="mail"):
        return self.i.dir + "/etc/keys/%s.key.pem" % name

    def test_0_the_first_certificate(self):
        c = self.listed()["mail"]
        self.assertEqual(c["names"], "mail.example.test, localhost, 127.0.0.1, ::1")
        self.assertEqual((c["key"], c["issuer"], c["ocsp"]), ("EC P-256", "itself", False))
        self.assertIn(c["days"], (3649, 3650))
        text = self.mailctl("certificate").stdout
        self.assertIn("mail\n  names      mail.example.test, localhost", text)
        self.assertEqual(text, self.mailctl("certificate", "list").stdout)

    def test_check_and_status_are_content(self):
        p = self.mailctl("check")
        self.assertNotIn("keys", p.stderr)
        self.assertIn("keyd/keyd.sock", self.mailctl("status").stdout)
        s = json.loads(self.mailctl("status", "--json").stdout)
        self.assertEqual([x["name"] for x in s["certificates"]], ["mail"])
        self.assertIn("keyd", [x["name"] for x in s["programs"]])

    def test_install_in_place(self):
        new = Pair(self.dir, "new", RSA, days=90)
        p = self.mailctl("certificate", "install", "mail", new.chain, new.key)
        self.assertIn("installed", p.stdout)
        self.assertEqual(p.stderr, "")
        c = self.listed()["mail"]
        self.assertEqual(c["key"], "RSA 2048")
        self.assertIn(c["days"], (89, 90))
        st = os.stat(self.key())
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o640)
        if os.geteuid() == 0:
            self.assertEqual(st.st_uid, 0)
            self.assertEqual(st.st_gid, pwd.getpwnam("merpati-key").pw_gid)
        self.assertEqual(os.listdir(self.i.dir + "/etc/keys").sort(),
                         ["mail.chain.pem", "mail.key.pem"].sort())
        self.mailctl("check")
        # Once more from where it is, as somebody's hook may say it.
        p = self.mailctl("certificate", "install", "mail",
                         self.i.dir + "/etc/keys/mail.chain.pem", self.key())
        self.assertIn("there already", p.stdout)

    def test_what_is_bad_is_not_installed(self):
        a, b = Pair(self.dir, "a"), Pair(self.dir, "b")
        with open(self.key(), "rb") as f:
            before = f.read()
        nothing = self.dir + "/nothing"
        for chain, key, said in ((a.chain, b.key, "the key is not"), (nothing, a.key, "No such file"),
                                 (a.chain, nothing, "No such file"), (a.key, a.key, "no certificate"),
                                 (a.chain, a.chain, "no private key")):
            p = self.mailctl("certificate", "install", "mail", chain, key, code=65)
            self.assertIn(said, p.stderr)
        with open(self.key(), "rb") as f:
            self.assertEqual(f.read(), before)
        for argv, code in ((("install",), 64), (("install", "mail", a.chain), 64), (("frobnicate",), 64),
                           (("install", "../x", a.chain, a.key), 64), (("install", ".x", a.chain, a.key), 64)):
            self.mailctl("certificate", *argv, code=code)
        self.assertEqual(sorted(os.listdir(self.i.dir + "/etc/keys")), ["mail.chain.pem", "mail.key.pem"])

    def test_a_further_one(self):
        more = Pair(self.dir, "more", names="DNS:other.example")
        p = self.mailctl("certificate", "install", "more", more.chain, more.key)
        self.addCleanup(os.unlink, self.key("more"))
        self.addCleanup(os.unlink, self.i.dir + "/etc/keys/more.chain.pem")
        self.assertIn("not for mail.example.test", p.stderr)
        self.assertIn('certificate "more" {', p.stdout)
        self.assertEqual(list(self.listed()), ["mail"])
        section = p.stdout[p.stdout.index("  certificate"):p.stdout.index("and then")]
        self.configure(section)
        pid, log = self.i.pid("keyd"), self.mailctl("reload").stdout
        # As an ordinary user nobody can see which program keyd runs.
        if os.geteuid() == 0:
            self.assertEqual(self.i.pid("keyd"), pid)
            self.assertNotIn("keyd: restarted", log)
        self.assertEqual(list(self.listed()), ["mail", "more"])
        self.configure("")
        self.mailctl("reload")
        self.assertEqual(list(self.listed()), ["mail"])

    def test_one_that_ends_soon(self):
        soon = Pair(self.dir, "soon", days=3)
        self.mailctl("certificate", "install", "mail", soon.chain, soon.key)
        self.assertRegex(self.mailctl("certificate").stdout, "ONLY [23] days")
        self.assertRegex(self.mailctl("status").stdout, "ONLY [23] days left")
        self.assertRegex(self.mailctl("check").stderr, "expires in [23] days")

    def test_one_that_has_ended_stops_no_reload(self):
        """The domains of others go on, and new settings may be the cure."""
        gone = Cert(self.dir, "gone", names="DNS:gone.example", days=-1)
        kept = [self.i.dir + "/etc/keys/gone.%s.pem" % x for x in ("chain", "key")]
        for file, copy, like in zip((gone.path, gone.key), kept, ("mail.chain.pem", "mail.key.pem")):
            shutil.copyfile(file, copy)
            self.addCleanup(os.unlink, copy)
            st = os.stat(self.i.dir + "/etc/keys/" + like)
            os.chmod(copy, st.st_mode & 0o777)
            os.chown(copy, st.st_uid, st.st_gid)
        self.configure('certificate "gone" { chain = "%s"\n key = "%s" }\n' % tuple(kept))
        self.assertIn("error: %s: has expired" % kept[0], self.mailctl("check", code=78).stderr)
        p = self.mailctl("reload")
        self.assertIn("warning: %s: has expired" % kept[0], p.stderr)
        self.assertIn("smtpd: restarted", p.stdout)
        self.mailctl("status", code=69)
        self.configure("")
        self.mailctl("reload")

    def test_check_finds_faults(self):
        other = Pair(self.dir, "far", names="DNS:far.example")
        for section, said in (
                ('certificate "x" { chain = "%s"\n key = "%s" }\n' % (other.chain, self.key()), "the key is not"),
                ('certificate "x" { chain = "/nowhere"\n key = "/nowhere" }\n', "/nowhere: No such file")):
            self.configure(section)
            self.assertIn(said, self.mailctl("check", code=78).stderr)
            self.assertIn(said, self.mailctl("reload", code=78).stderr)
        keys = self.i.dir + "/etc/keys"
        self.configure("", 'certificate "mail" {', 'certificate "x" { chain = "%s"\n key = "%s" }\n#' % (
            other.chain, other.key) + '\ncertificate "mail" {')
        p = self.mailctl("check", code=78 if os.geteuid() == 0 else 0)
        if os.geteuid() == 0:
            self.assertIn("keyd may not read it", p.stderr)
            os.chmod(self.key(), 0o600)
            self.configure("")
            self.assertIn("keyd may not read it", self.mailctl("check", code=78).stderr)
        os.chmod(self.key(), 0o644)
        self.configure("")
        self.assertIn("may read this private key", self.mailctl("check", code=78).stderr)
        os.chmod(self.key(), 0o640)
        self.mailctl("check")
        self.assertTrue(os.path.isdir(keys))

    def test_check_looks_at_listeners(self):
        self.configure("", "pop3d {", 'pop3d {\n  listen "127.0.0.9:995" { role = "pop3" }\n'
                       '  listen "0.0.0.0:10" { role = "pop3" tls = "off" }\n')
        p = self.mailctl("check")
        self.assertIn('listen "127.0.0.9:995": on this port TLS is expected', p.stderr)
        self.assertIn('listen "0.0.0.0:10": without TLS', p.stderr)

    def test_a_keyd_that_is_down(self):
        new = Pair(self.dir, "late")
        self.i.svc("keyd", "-wD -d")
        try:
            p = self.mailctl("certificate", "install", "mail", new.chain, new.key)
            self.assertIn("keyd does not run", p.stdout)
            p = self.mailctl("status", code=69)
            self.assertIn("keyd/keyd.sock           NO ANSWER", p.stdout)
        finally:
            self.i.svc("keyd", "-wU -u")
        wait_for(lambda: self.listed()["mail"]["days"] in (89, 90))


if __name__ == "__main__":
    unittest.main(verbosity=2)
