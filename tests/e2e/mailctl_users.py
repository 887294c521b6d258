#!/usr/bin/env python3
"""mailctl user, alias and check: the files it writes, the faults it finds."""

import base64
import hashlib
import json
import os
import pty
import re
import select
import subprocess
import threading
import unittest

from deliver_lib import PATIENCE, Site
from remote_certs import Cert, openssl
from scram_lib import keys


HASH = ("$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2"
        "CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.")


class Mailctl(unittest.TestCase):
    extra = ""

    def setUp(self):
        self.site = Site(self.extra)
        self.addCleanup(self.site.close)
        self.users = self.site.path("etc/users")

    def ok(self, *argv, **kw):
        p = self.site.run("mailctl", *argv, **kw)
        self.assertEqual(p.returncode, 0, p)
        return p.stdout.decode()

    def code(self, want, *argv, **kw):
        p = self.site.run("mailctl", *argv, **kw)
        self.assertEqual(p.returncode, want, p)
        self.assertNotEqual(p.stderr, b"")
        return p.stderr.decode()

    def write(self, name, text, mode=0o640):
        with open(self.site.path(name), "w") as f:
            f.write(text)
        os.chmod(self.site.path(name), mode)
        os.chown(self.site.path(name), self.site.uid, -1)

    def text(self):
        with open(self.users) as f:
            return f.read()


class Users(Mailctl):
    def test_users_come_and_go(self):
        word = self.ok("user", "add", "--generate", "Al@X.test").strip()
        self.assertRegex(word, r"^[a-z1-9]{20}$")
        self.ok("user", "add", "--stdin", "--quota", "1G", "bob@x.test",
                stdin=b"se:cret\nrest")
        lines = self.text().splitlines()
        self.assertRegex(lines[0], r"^al@x\.test:\{CRYPT\}\$y\$[^:]+::::::"
                         r"scram-sha-256=[^ ]+$")
        self.assertRegex(lines[1], ":quota=1G scram-sha-256=[^ ]+$")
        self.assertEqual(os.stat(self.users).st_mode & 0o777, 0o640)
        before = self.text()
        self.ok("user", "passwd", "--stdin", "al@x.test", stdin=b"other\n")
        self.assertNotEqual(self.text().splitlines()[0], before.splitlines()[0])
        self.assertEqual(self.text().splitlines()[1], before.splitlines()[1])
        listed = json.loads(self.ok("user", "list", "--json"))
        self.assertEqual([u["address"] for u in listed],
                         ["al@x.test", "bob@x.test"])
        self.assertNotIn("$y$", json.dumps(listed))
        self.assertNotIn("scram", json.dumps(listed))
        self.assertEqual(self.ok("user", "list"), "al@x.test\nbob@x.test quota=1G\n")
        self.ok("user", "del", "al@x.test")
        self.assertEqual(self.ok("user", "list", "x.test"), "bob@x.test quota=1G\n")
        self.assertEqual(self.ok("user", "list", "y.test"), "")

    def test_names_are_composed_as_logins_are(self):
        self.ok("user", "add", "--no-password", "bu\u0308be@x.test")
        self.assertTrue(self.text().endswith("b\u00fcbe@x.test:!::::::\n"), self.text())
        self.ok("user", "del", "bu\u0308be@x.test")
        self.assertNotIn("be@x.test", self.text())

    def test_hashes_are_what_crypt_makes(self):
        self.ok("user", "add", "--stdin", "al@x.test", stdin=b"hunter2\n")
        h = re.search(r"\{CRYPT\}([^:]+)", self.text()).group(1)
        perl = subprocess.run(["perl", "-e", "print crypt('hunter2', $ARGV[0])", h],
                              capture_output=True)
        if perl.returncode == 0:
            self.assertEqual(perl.stdout.decode(), h)

    def keys(self, name, user="al@x.test"):
        line = re.search(r"(?m)^%s:.*" % re.escape(user), self.text()).group(0)
        return re.findall(r"[ :]%s=([^ ]+)" % name, line)

    def test_keys_of_scram_are_made_beside_the_hash(self):
        word = "s\u00fc\u00df=, x"
        self.ok("user", "add", "--stdin", "al@x.test", stdin=word.encode() + b"\n")
        (mine,) = self.keys("scram-sha-256")
        rounds, salt, _, _ = mine.split(",")
        self.assertEqual(rounds, "10000")
        self.assertEqual(mine, keys(word, "SHA-256", 10000, base64.b64decode(salt)))
        self.assertEqual(self.keys("scram-sha-1"), [])
        with open(self.site.conf, "a") as f:
            f.write('authd { scram-iterations = 5000 '
                    'mechanisms = { "PLAIN", "SCRAM-SHA-1" } }\n')
        self.ok("user", "passwd", "--stdin", "al@x.test", stdin=b"other\n")
        (other,) = self.keys("scram-sha-256")
        (weak,) = self.keys("scram-sha-1")
        self.assertTrue(other.startswith("5000,"))
        self.assertEqual(weak, keys("other", "SHA-1", 5000,
                                    base64.b64decode(weak.split(",")[1])))
        # Without a password there are none, and old ones do not stay.
        self.ok("user", "passwd", "--no-password", "al@x.test")
        self.assertEqual(self.text(), "al@x.test:!::::::\n")

    def test_a_user_is_shown_without_secrets(self):
        self.write("etc/users", "zed@x.test:{PLAIN}secret::::::senders=a@b,*@c "
                   "certificate=%s quota=5K nologin\n" % ("0a" * 32))
        self.ok("user", "add", "--generate", "al@x.test")
        said = self.ok("user", "show", "AL@x.test")
        self.assertRegex(said, r"(?m)^password +yescrypt$")
        self.assertRegex(said, r"(?m)^scram-sha-256 10000 rounds$")
        self.assertRegex(said, r"(?m)^scram-sha-1 +none$")
        self.assertNotIn(self.keys("scram-sha-256")[0].split(",")[2], said)
        zed = json.loads(self.ok("user", "show", "--json", "zed@x.test"))
        self.assertEqual(zed["certificate"], ["0a" * 32])
        self.assertEqual(zed["senders"], ["a@b,*@c"])
        self.assertEqual((zed["password"], zed["scram-sha-256"], zed["login"],
                          zed["quota"]), ("plain", "computed", "no", 5120))
        self.assertNotIn("secret", json.dumps(zed))
        self.code(67, "user", "show", "no@x.test")
        self.code(64, "user", "show")

    def test_certificates_are_named(self):
        pem = Cert(self.site.dir, "al").path
        print_ = hashlib.sha256(openssl("x509", "-in", pem, "-outform",
                                        "DER")).hexdigest()
        self.write("etc/users", "al@x.test:{PLAIN}x::::::quota=5\n"
                   "bob@x.test:{PLAIN}x\n")
        before = self.text()
        self.ok("user", "certificate", "add", "al@x.test", pem)
        self.assertEqual(self.keys("certificate"), [print_])
        self.assertIn("quota=5 certificate", self.text())
        self.assertIn("another user's", self.code(
            65, "user", "certificate", "add", "bob@x.test", pem))
        self.code(65, "user", "certificate", "add", "bob@x.test", self.users)
        self.code(66, "user", "certificate", "add", "bob@x.test", "/nonexistent")
        self.code(67, "user", "certificate", "add", "no@x.test", pem)
        self.code(64, "user", "certificate", "add", "al@x.test")
        self.ok("user", "certificate", "remove", "al@x.test")
        self.assertEqual(self.text(), before)

    def test_schemes(self):
        for scheme, start in (("sha512-crypt", "{SHA512-CRYPT}$6$"),
                              ("bcrypt", "{BLF-CRYPT}$2b$")):
            self.write("etc/users", "")
            with open(self.site.conf, "a") as f:
                f.write('authd { scheme = "%s" }\n' % scheme)
            self.ok("user", "add", "--generate", "al@x.test")
            self.assertIn(":" + start, self.text())
            with open(self.site.conf) as f:
                keep = f.read().replace('authd { scheme = "%s" }\n' % scheme, "")
            with open(self.site.conf, "w") as f:
                f.write(keep)

    def test_the_rest_of_the_file_stays(self):
        odd = ("# my users\n\nzed@x.test:{PLAIN}z:5:6:g:/h:/s:a=b c=d:e\n"
               "what is this\nal@x.test:old::\n# end")
        self.write("etc/users", odd)
        self.ok("user", "passwd", "--stdin", "al@x.test", stdin=b"n\n")
        new = self.text()
        self.assertEqual(re.sub(r"(?m)^al@x\.test:.*", "al@x.test:old::", new), odd)
        self.ok("user", "add", "--no-password", "eve@x.test")
        self.assertEqual(self.text(), new + "\neve@x.test:!::::::\n")
        self.assertIn("eve@x.test (no password)", self.ok("user", "list"))
        self.ok("user", "del", "zed@x.test")
        self.assertNotIn("zed", self.text())

    def test_refusals_change_nothing(self):
        self.write("etc/users", "al@x.test:{PLAIN}x::::::\n")
        before = self.text()
        for want, argv, stdin in (
                (73, ("add", "--stdin", "AL@x.test"), b"x\n"),
                (65, ("add", "--stdin", "al@other.test"), b"x\n"),
                (65, ("add", "--stdin", "a b@x.test"), b"x\n"),
                (65, ("add", "--stdin", '"a:b"@x.test'), b"x\n"),
                (65, ("add", "--stdin", "al@"), b"x\n"),
                (65, ("add", "--stdin", "new@x.test"), b"\n"),
                (65, ("add", "--stdin", "new@x.test"), b""),
                (65, ("add", "--stdin", "new@x.test"), b"a\tb\n"),
                (65, ("add", "--stdin", "new@x.test"), b"a" * 2000),
                (66, ("add", "new@x.test"), b""),
                (67, ("passwd", "--stdin", "no@x.test"), b"x\n"),
                (67, ("del", "no@x.test"), b""),
                (64, ("add", "--stdin", "--uid", "x", "new@x.test"), b"x\n"),
                (64, ("add", "--stdin", "--home", "rel", "new@x.test"), b"x\n"),
                (64, ("add", "--stdin", "--quota", "1:2", "n@x.test"), b"x\n"),
                (65, ("add", "--stdin", "--quota", "lots", "n@x.test"), b"x\n"),
                (65, ("add", "--stdin", "--home", "/a/../b", "n@x.test"), b"x\n"),
                (64, ("add",), b""), (64, ("frob", "al@x.test"), b""),
                (64, ("add", "--what", "a@x.test"), b"")):
            self.code(want, "user", *argv, stdin=stdin, start_new_session=True)
            self.assertEqual(self.text(), before)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_the_files_owner_and_mode_stay(self):
        self.write("etc/users", "", 0o640)
        os.chown(self.users, 1, 2)
        p = self.site.run("mailctl", "user", "add", "--no-password", "a@x.test",
                          "--uid", "7", "--gid", "7", as_root=True)
        self.assertEqual(p.returncode, 0, p)
        st = os.stat(self.users)
        self.assertEqual((st.st_uid, st.st_gid, st.st_mode & 0o777), (1, 2, 0o640))

    def test_two_at_once_lose_nothing(self):
        def add(n):
            self.site.run("mailctl", "user", "add", "--no-password", "u%d@x.test" % n)
        threads = [threading.Thread(target=add, args=(n,)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(PATIENCE)
        self.assertEqual(len(self.text().splitlines()), 12)
        self.assertEqual([n for n in os.listdir(self.site.path("etc"))
                          if n.endswith(".tmp")], [])

    def test_the_terminal_is_asked_without_echo(self):
        pid, fd = pty.fork()
        if pid == 0:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(self.site.uid)
                os.setuid(self.site.uid)
            os.execve(self.site.path("bin/mailctl"),
                      ["mailctl", "user", "add", "al@x.test"], self.site.env)
        seen = b""
        for answer in (b"pa55\n", b"pa55\n"):
            want = seen.count(b": ") + 1
            while seen.count(b": ") < want:
                if not select.select([fd], [], [], PATIENCE)[0]:
                    self.fail(seen)
                seen += os.read(fd, 1000)
            os.write(fd, answer)
        try:
            while select.select([fd], [], [], PATIENCE)[0]:
                more = os.read(fd, 1000)
                if not more:
                    break
                seen += more
        except OSError:
            pass
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, seen)
        self.assertNotIn(b"pa55", seen)
        self.assertIn("al@x.test:{CRYPT}", self.text())


class Aliases(Mailctl):
    def test_list(self):
        self.write("etc/aliases", "root: al@x.test,\n bob@x.test\n@x.test: al@x.test\n")
        self.assertIn("root: al@x.test, bob@x.test\n", self.ok("alias", "list"))
        names = {a["name"] for a in json.loads(self.ok("alias", "list", "--json"))}
        self.assertEqual(names, {"root", "@x.test"})

    def test_errors_name_file_and_line(self):
        self.write("etc/users", "")
        for text, why in (("root: al@x.test\nbad line\n", "aliases:2: "),
                          ("root: |prog\n", "aliases:1: "),
                          ("root: :include:/nonexistent\n", "/nonexistent"),
                          ("a: b\nb: a\nroot: x@y.test\n", "loop")):
            self.write("etc/aliases", text)
            self.assertIn(why, self.code(78, "alias", "check"))

    def test_warnings(self):
        self.write("etc/users", "pm@x.test:{PLAIN}x::::::\n")
        self.write("etc/aliases", "info: nobody@x.test, pm+tag@x.test\n")
        p = self.site.run("mailctl", "alias", "check")
        self.assertEqual(p.returncode, 0, p)
        self.assertIn(b"no alias root", p.stderr)
        self.assertIn(b"leads to nobody: nobody@x.test", p.stderr)
        self.assertNotIn(b"pm+tag", p.stderr)


class Check(Mailctl):
    def setUp(self):
        super().setUp()
        self.write("etc/users", "pm@x.test:{PLAIN}x::::::\n")
        self.write("etc/aliases", "root: pm@x.test\n", 0o644)
        for d in ("spool/tmp", "spool/new", "spool/queue", "spool/hold",
                  "run/keyd", "run/remote", "run/resolver", "run/spawner",
                  "run/tokend"):
            os.mkdir(self.site.path(d), 0o700)
            os.chown(self.site.path(d), self.site.uid, -1)
        os.mkfifo(self.site.path("spool/trigger"), 0o600)
        os.chown(self.site.path("spool/trigger"), self.site.uid, -1)

    def test_a_good_one(self):
        self.assertIn(": good", self.ok("check"))

    def test_each_fault_is_named(self):
        for path, mode in (("spool/queue", 0o755), ("etc/users", 0o644),
                           ("etc/merpati.conf", 0o666), ("run", 0o777),
                           ("etc/aliases", 0o664)):
            old = os.stat(self.site.path(path)).st_mode & 0o7777
            os.chmod(self.site.path(path), mode)
            self.assertIn("/%s: mode %04o" % (path, mode), self.code(78, "check"))
            os.chmod(self.site.path(path), old)
        os.rmdir(self.site.path("spool/hold"))
        self.assertIn("spool/hold: No such file", self.code(78, "check"))
        os.mkdir(self.site.path("spool/hold"), 0o700)
        os.chown(self.site.path("spool/hold"), self.site.uid, -1)
        self.ok("check")
        self.write("etc/users", "pm@x.test:{PLAIN}x::::::\nbad\n")
        self.assertIn("etc/users:2: ", self.code(78, "check"))
        self.write("etc/users", "al@x.test:{PLAIN}x::::::\n")
        self.assertIn("postmaster", self.code(78, "check"))

    def warned(self):
        p = self.site.run("mailctl", "check")
        self.assertEqual(p.returncode, 0, p)
        return p.stderr.decode()

    def test_users_without_keys_are_counted(self):
        pm = "pm@x.test:{PLAIN}x::::::\n"
        self.assertNotIn("SCRAM", self.warned())
        self.write("etc/users", pm + "".join(
            "u%d@x.test:%s\n" % (n, s) for n, s in enumerate((
                HASH, HASH + "::::::nologin", "!" + HASH, "", HASH))))
        self.assertIn("warning: 2 users with a password have no keys for "
                      "SCRAM", self.warned())
        with open(self.site.conf, "a") as f:
            f.write('authd { mechanisms = { "PLAIN" } }\n')
        self.assertNotIn("SCRAM", self.warned())

    def test_lists_are_read_too(self):
        with open(self.site.conf, "a") as f:
            f.write('relay-domains = { "relay.test" }\n'
                    'relay-recipients = "%(d)s/relays"\n'
                    'smtpd { access-client = { "%(d)s/clients" } '
                    'access-sender = { "%(d)s/senders" } }\n' %
                    {"d": self.site.path("etc")})
        good = {"relays": "x@relay.test\n", "clients": "192.0.2.1 refuse\n",
                "senders": "@spam.test discard\n"}
        for name, text in good.items():
            self.write("etc/" + name, text)
        self.ok("check")
        for name, bad, why in (("relays", "word\n", ":2: neither local@domain"),
                               ("clients", "192.0.2.2 refus\n", ":2: the action"),
                               ("senders", "spam.test discard\n", ":2: neither")):
            self.write("etc/" + name, good[name] + bad)
            for command in "check", "reload":
                self.assertIn("error: %s%s" % (self.site.path("etc/" + name), why),
                              self.code(78, command))
            os.unlink(self.site.path("etc/" + name))
            self.assertIn("etc/%s: No such file" % name, self.code(78, "check"))
            self.write("etc/" + name, good[name])
        # Not more than smtpd takes.
        os.truncate(self.site.path("etc/clients"), 64 << 20)
        self.assertNotIn("etc/clients: Message too long", self.code(78, "check"))
        os.truncate(self.site.path("etc/clients"), (64 << 20) + 1)
        self.assertIn("etc/clients: Message too long", self.code(78, "check"))

    def test_app_passwords_of_nobody(self):
        line = "no@x.test:pad:{SSHA256}%s:t\n" % ("A" * 64)
        self.write("etc/app-passwords", line)
        self.assertIn("app-passwords:1: no user no@x.test", self.warned())
        self.write("etc/app-passwords", line, 0o644)
        self.assertIn("app-passwords: mode 0644", self.code(78, "check"))
        self.write("etc/app-passwords", line + line)
        self.assertIn("app-passwords:2: two of one name",
                      self.code(78, "check"))

    def test_ports(self):
        import socket
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(1)
            a = "127.0.0.1:%d" % s.getsockname()[1]
            with open(self.site.conf, "a") as f:
                f.write('smtpd { listen "%s" { role = "mx" } }\n'
                        'pop3d { listen "%s" { role = "pop3" } }\n' % (a, a))
            err = self.code(78, "check")
            self.assertIn("another program has this port", err)
            self.assertIn("named twice", err)

    def test_a_bad_configuration(self):
        with open(self.site.conf, "a") as f:
            f.write("frobnicate = 1\n")
        self.assertRegex(self.code(78, "check"), r"merpati\.conf:\d+: ")

    def test_usage(self):
        self.code(64)
        self.code(64, "what")
        self.code(64, "check", "x")
        self.assertIn("usage: mailctl", self.ok("--help"))


if __name__ == "__main__":
    unittest.main()
