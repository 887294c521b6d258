"""Letters go in by real clients and come out by real clients, byte for byte."""

import os
import poplib
import re
import smtplib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, sanitized, wait_for  # noqa: E402

HEAD = b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: %s\r\n" \
       b"Date: Sat, 21 Nov 2026 20:39:32 +0000\r\nMessage-ID: <%s@example.test>\r\n"


def letter(name, body, extra=b""):
    return HEAD % (name.encode(), name.encode()) + extra + b"\r\n" + body


LETTERS = {
    "plain": letter("plain", b"Hello Bob.\r\n"),
    "empty": letter("empty", b""),
    "eightbit": letter("eightbit", bytes(range(128, 256)) + "\u00e9\u4e16\r\n".encode(),
                       b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
                       b"Content-Transfer-Encoding: 8bit\r\n"),
    "dots": letter("dots", b".\r\n..\r\n...\r\n.hidden\r\na.\r\n.\r\n"),
    "million": letter("million", (b"x" * 70 + b"\r\n") * 14564),
    "blank-lines": letter("blank-lines", b"\r\n\r\n\r\nend\r\n\r\n"),
}


def content(raw):
    """A retrieved message without the trace lines that our side added."""
    lines = raw.split(b"\r\n")
    while lines and (re.match(rb"(Return-Path|Delivered-To|Received):", lines[0])
                     or lines[0][:1] in (b" ", b"\t")):
        lines.pop(0)
    return b"\r\n".join(lines)


class Roundtrip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan")
        cls.i = Instance(users=("alice", "bob", "carol", "dave", "erin", "frank"))
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def receive(self, user, n=1, seconds=30):
        """n messages by poplib, then deleted."""
        wait_for(lambda: len(self.i.deliveries(user)) >= n, seconds)
        p = self.i.pop(user)
        self.assertEqual(p.stat()[0], n)
        got = []
        for k in range(1, n + 1):
            size = int(p.list(k).split()[2])
            raw = b"".join(x + b"\r\n" for x in p.retr(k)[1])
            self.assertEqual(size, len(raw))
            got.append(raw)
            p.dele(k)
        p.quit()
        return got

    def check(self, user, sent):
        self.assertEqual(content(self.receive(user)[0]), sent)

    def test_smtplib_to_poplib(self):
        for name, text in LETTERS.items():
            with self.subTest(name), self.i.smtp() as s:
                s.sendmail("alice@example.test", ["bob@example.test"], text)
                self.check("bob", text)

    def test_fifty_megabytes(self):
        n = 5 if sanitized() else 50
        text = letter("huge", (b"0123456789" * 7 + b"\r\n") * (n * 1000000 // 72))
        with self.i.smtp(timeout=120) as s:
            s.sendmail("alice@example.test", ["bob@example.test"], text)
        self.check("bob", text)

    def test_swaks(self):
        need("swaks")
        for k, name in enumerate(("plain", "eightbit", "dots")):
            with tempfile.NamedTemporaryFile() as f:
                # swaks takes a last lone dot for the end of data.
                f.write(LETTERS[name].removesuffix(b"\r\n.\r\n") + b"\r\n")
                f.flush()
                login = ["--auth", "--auth-user", "alice@example.test", "--auth-password",
                         self.i.password("alice")] if k % 2 else []
                r = subprocess.run(["swaks", "--server", "127.0.0.1:%d" % self.i.port((25, 587)[k % 2]), *login,
                                    "--from", "alice@example.test", "--to", "carol@example.test",
                                    "--data", "@" + f.name, "--suppress-data"],
                                   capture_output=True, text=True, timeout=60)
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
            got = content(self.receive("carol")[0])
            # swaks ends its data with a line end of its own.
            self.assertEqual(got.rstrip(b"\r\n"), LETTERS[name].removesuffix(b"\r\n.\r\n").rstrip(b"\r\n"))

    def test_curl_both_ways(self):
        need("curl")
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/m", "wb") as f:
                f.write(LETTERS["dots"])
            subprocess.run(["curl", "-sS", "--url", "smtp://127.0.0.1:%d" % self.i.port(25),
                            "--mail-from", "alice@example.test", "--mail-rcpt", "dave@example.test",
                            "-T", d + "/m"], check=True, timeout=60)
            wait_for(lambda: self.i.deliveries("dave"), 10)
            r = subprocess.run(["curl", "-sS", "--url", "pop3://127.0.0.1:%d/1" % self.i.port(110), "-u",
                                "dave@example.test:secret-dave"], check=True, timeout=60, capture_output=True)
            self.assertEqual(content(r.stdout), LETTERS["dots"])

    def fetched(self, argv, env, out):
        r = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        with open(out, "rb") as f:
            return f.read()

    def test_fetchmail(self):
        need("fetchmail")
        with self.i.smtp() as s:
            s.sendmail("alice@example.test", ["erin@example.test"], LETTERS["eightbit"])
        wait_for(lambda: self.i.deliveries("erin"), 10)
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/rc", "w") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write('poll 127.0.0.1 protocol POP3 port %d auth password no dns\n'
                        ' user "erin@example.test" password "secret-erin" sslproto ""\n'
                        ' mda "cat >%s/got"\n' % (self.i.port(110), d))
            got = self.fetched(["fetchmail", "-f", d + "/rc", "--pidfile", d + "/pid", "-i", d + "/ids"],
                               dict(os.environ, HOME=d, FETCHMAILHOME=d), d + "/got")
        body = LETTERS["eightbit"].split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")
        self.assertEqual(got.split(b"\n\n", 1)[1].rstrip(b"\n"), body.rstrip(b"\n"))

    def test_mpop(self):
        need("mpop")
        with self.i.smtp() as s:
            s.sendmail("alice@example.test", ["frank@example.test"], LETTERS["blank-lines"])
        wait_for(lambda: self.i.deliveries("frank"), 10)
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/rc", "w") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write("account a\nhost 127.0.0.1\nport %d\nuser frank@example.test\npassword secret-frank\n"
                        "auth plain\ntls off\ndelivery mbox %s/got\nuidls_file %s/uidls\n"
                        % (self.i.port(110), d, d))
            open(d + "/got", "w").close()
            got = self.fetched(["mpop", "-C", d + "/rc", "-a"], dict(os.environ, HOME=d), d + "/got")
        body = LETTERS["blank-lines"].split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")
        self.assertTrue(got.rstrip(b"\n").endswith(body.rstrip(b"\n")), got)

    def test_deliver_command(self):
        r = self.i.deliver("-v", "-f", "alice@example.test", "bob@example.test",
                           input=b"Subject: by pipe\nTo: bob@example.test\n\nHello\n.\nstill here\n")
        r2 = self.i.deliver("-i", "bob@example.test", input=b"Subject: two\n\n.\nlast\n")
        self.assertEqual((r.returncode, r2.returncode), (0, 0), r.stderr + r2.stderr)
        got = self.receive("bob", 2)
        text = b"".join(got)
        self.assertIn(b"Message-ID:", got[0])
        self.assertIn(b"\r\nFrom: ", text)
        self.assertIn(b"\r\n.\r\nlast\r\n", text)
        self.assertNotIn(b"still here", text)

    def test_wrong_password_and_unknown_user_are_refused(self):
        for user, word in (("bob@example.test", "wrong"), ("nobody@example.test", "secret-bob")):
            p = poplib.POP3("127.0.0.1", self.i.port(110), timeout=30)
            p.user(user)
            with self.assertRaises(poplib.error_proto):
                p.pass_(word)
            p.close()
        with self.i.smtp() as s, self.assertRaises(smtplib.SMTPRecipientsRefused) as e:
            s.sendmail("a@b.test", ["nobody@example.test"], LETTERS["plain"])
        self.assertEqual(e.exception.recipients["nobody@example.test"][0], 550)
        self.assertIn(b"5.1.1", e.exception.recipients["nobody@example.test"][1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
