"""TLS of imapd and pop3d with who plays foul."""

import os
import ssl
import subprocess
import time
import unittest

from harness import PATIENCE
from tls_login_lib import Suite


class Hostile(Suite):
    config = {"": {"log-level": '"debug"'}, "imapd": {"login-timeout": "4s"}, "pop3d": {"login-timeout": "4s"}}

    def test_octets_behind_starttls_are_thrown_away(self):
        for port, command, answer, probe, right in (
                (143, b"a STARTTLS\r\nx NOOP\r\ny LOGOUT\r\n", "a OK Begin TLS now", "b NOOP", "b OK NOOP completed"),
                (110, b"STLS\r\nQUIT\r\n", "+OK Begin TLS now", "UTF8", "+OK UTF-8 is welcome")):
            c = self.connect(port)
            c.line()
            c.send(command)
            self.assertEqual(c.line(), answer)
            c.wrap(self.i.tls())
            self.assertEqual(c.ask(probe), right)
        self.wait_log("imapd", r"level=warn event=tls-injected ip=127\.0\.0\.1 octets=%d" % len("x NOOP\r\ny LOGOUT\r\n"))
        self.wait_log("pop3d", r"event=tls-injected ip=127\.0\.0\.1 octets=6")

    def test_state_before_tls_is_forgotten(self):
        c = self.connect(110)
        c.line()
        c.ask("USER " + self.i.address("alice"))
        c.ask("STLS")
        c.wrap(self.i.tls())
        self.assertEqual(c.ask("PASS " + self.i.password("alice")), "-ERR Send USER first")

    def test_failures_are_not(self):
        c = self.connect(143)
        c.line()
        for n in range(2):
            self.assertIn("AUTHENTICATIONFAILED", c.ask("a LOGIN %s wrong" % self.i.address("alice")))
        c.ask("a STARTTLS")
        c.wrap(self.i.tls())
        self.assertIn("AUTHENTICATIONFAILED", c.ask("a LOGIN %s wrong" % self.i.address("alice")))
        self.assertEqual(c.line(), "* BYE Too many failed logins")
        self.assertTrue(c.over())

    def test_twice(self):
        self.assertEqual(self.imap().ask("a STARTTLS"), "a BAD TLS is there already")
        self.assertEqual(self.pop().ask("STLS"), "-ERR TLS is there already")
        c = self.connect(993)
        c.wrap(self.i.tls())
        self.assertNotIn("STARTTLS", c.line())
        self.assertEqual(c.ask("a STARTTLS"), "a BAD TLS is there already")

    def test_arguments(self):
        c = self.connect(143)
        c.line()
        self.assertEqual(c.ask("a STARTTLS now"), "a BAD Too many arguments")
        c = self.connect(110)
        c.line()
        self.assertEqual(c.ask("STLS now"), "-ERR STLS has no arguments")

    def test_half_open_handshakes_time_out(self):
        hello = ssl.MemoryBIO()
        try:
            self.i.tls().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = hello.read()
        waiting = []
        began = time.monotonic()
        for port in (993, 995):
            for sent in (b"", hello[:50], hello):
                waiting.append(self.connect(port))
                waiting[-1].send(sent)
        for c in waiting:
            while c.sock.recv(65536):
                pass
            self.assertGreater(time.monotonic() - began, 2)
        for service in ("imapd", "pop3d"):
            self.wait_log(service, "event=tls-failed ip=127.0.0.1 why=timeout")

    def test_garbage(self):
        for port, service in ((993, "imapd"), (995, "pop3d")):
            for data in (b"GET / HTTP/1.0\r\n\r\n", b"a CAPABILITY\r\n" * 20, b"\x16\x03\x01" + b"\xff" * 300):
                c = self.connect(port)
                c.send(data)
                try:
                    while c.sock.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
            self.wait_log(service, "why=failed text=.*HTTP")
        c = self.imap()
        # In the middle of TLS.
        os.write(c.sock.fileno(), b"a NOOP\r\n" * 10)
        self.assertTrue(c.over())
        self.assertEqual(self.imap().ask("a NOOP"), "a OK NOOP completed")

    def test_keyd_is_away(self):
        self.i.svc("keyd", "-d -wd")
        try:
            c = self.connect(143)
            c.line()
            self.assertEqual(c.ask("a STARTTLS"), "a NO [UNAVAILABLE] TLS is not possible now")
            self.assertEqual(c.ask("b NOOP"), "b OK NOOP completed")
            p = self.connect(110)
            p.line()
            self.assertEqual(p.ask("STLS"), "-ERR [SYS/TEMP] TLS is not possible now")
            self.wait_log("imapd", "event=keyd-unreachable ip=127.0.0.1")
        finally:
            self.i.svc("keyd", "-u -wU")
        c = self.connect(143)
        c.line()
        self.assertEqual(c.ask("a STARTTLS"), "a OK Begin TLS now")

    def test_renegotiation(self):
        for port, quit in ((993, b"a LOGOUT\n"), (995, b"QUIT\n")):
            p = subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % self.i.port(port)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            time.sleep(0.7)
            p.stdin.write(b"R\n")
            p.stdin.flush()
            time.sleep(0.7)
            try:
                text = p.communicate(quit, timeout=PATIENCE)[0]
            except BrokenPipeError:
                text = p.stdout.read()
            self.assertIn(b"RENEGOTIATING", text)
            self.assertIn(b"no renegotiation", text)


if __name__ == "__main__":
    unittest.main()
