#!/usr/bin/env python3
"""smtpd: STARTTLS and TLS from the first octet, with keyd, beside an authd made
of a table."""

import base64
import os
import re
import resource
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

from harness import NOBODY, PATIENCE, ROOT, as_user, free_ports, out, replace_file, sanitized, start_ready, until
from remote_certs import Cert
from smtp_lib import SECRET, SMTPD, Case, proxy_v2

HOST = "mail.example.test"
ALICE, BOB = "alice@example.test", "bob@example.test"
PLAIN = base64.b64encode(("\0%s\0%s" % (ALICE, SECRET)).encode()).decode()
LETTER = "Subject: x\r\n\r\nhello\r\n"
LISTENERS = ("mx", "submission", "lmtp", "mx proxy", "submission proxy", "submission implicit",
             "submission implicit proxy", "mx off")


def setUpModule():
    global certs, ca
    certs = tempfile.mkdtemp(prefix="merpati.certs.")
    ca = Cert(certs, "ca")


def tearDownModule():
    shutil.rmtree(certs)


class Tls(Case):
    limits = ""
    more = ""

    def setUp(self):
        super().setUp()
        self.keys = self.inst.path("keys")
        self.make_place(self.keys)
        self.make_place(os.path.join(self.inst.run, "keyd"))
        self.certificate("first")
        self.port = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        listen = "\n".join('listen "127.0.0.1:%d" { role = "%s"%s%s }' % (
            port, name.split()[0], ' tls = "implicit"' if "implicit" in name else
            ' tls = "off"' if "off" in name else "", " proxy = yes" if "proxy" in name else "")
            for name, port in self.port.items())
        self.inst.configure("""
            certificate "mail" { chain = "%s/chain" key = "%s/key" }
            keyd { check = 1s }
            log-level = debug
            %s""" % (self.keys, self.keys, self.more), "trusted-submission = no\n%s\n%s" % (listen, self.limits))
        self.keyd = None
        self.start_keyd()
        self.addCleanup(lambda: self.stop(self.keyd))
        self.smtpd, ready = start_ready([SMTPD, "-c", self.inst.conf], self.inst.path("log"), **as_user())
        self.addCleanup(lambda: self.stop(self.smtpd))
        self.assertTrue(ready, self.log())

    def make_place(self, path):
        os.mkdir(path, 0o755)
        if ROOT:
            os.chown(path, NOBODY, NOBODY)

    def certificate(self, name, names="DNS:%s,IP:127.0.0.1" % HOST):
        """Put another one in place, as admins do."""
        cert = Cert(certs, name, ca, names)
        for source, to in ((cert.chain, "chain"), (cert.key, "key")):
            replace_file(os.path.join(self.keys, to), Path(source).read_bytes(), 0o600, (NOBODY, NOBODY))

    def start_keyd(self):
        self.keyd, ready = start_ready([out("keyd"), "-c", self.inst.conf], self.inst.path("log"), **as_user())
        self.assertTrue(ready, self.log())

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)

    def log(self):
        with open(self.inst.path("log"), errors="replace") as f:
            return f.read()

    def logged(self, text):
        until(lambda: re.search(text, self.log()), what=lambda: "%s in\n%s" % (text, self.log()))

    def context(self, newest=None, oldest=None):
        c = ssl.create_default_context(cafile=ca.path)
        with warnings.catch_warnings():         # old ones are the point
            warnings.simplefilter("ignore", DeprecationWarning)
            if newest:
                c.set_ciphers("ALL:@SECLEVEL=0")
                c.minimum_version = oldest or newest
                c.maximum_version = newest
        return c

    def connect(self, name, client="192.0.2.1"):
        """A socket; where a PROXY header is wanted, client's."""
        s = socket.create_connection(("127.0.0.1", self.port[name]), PATIENCE)
        self.addCleanup(s.close)
        if "proxy" in name:
            s.sendall(proxy_v2(client))
        return s

    def talk(self, name, client="192.0.2.1"):
        return Talk(self, self.connect(name, client), "implicit" not in name)


class Talk:
    """A client that knows nothing by itself."""

    def __init__(self, case, sock, greet=True):
        self.case, self.sock, self.pending = case, sock, b""
        if greet:
            self.case.starts(self.reply(), "220 ")

    def tls(self, context=None, name=HOST):
        self.sock = (context or self.case.context()).wrap_socket(self.sock, server_hostname=name)
        self.case.addCleanup(self.sock.close)
        return self

    def line(self):
        while b"\r\n" not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError(self.pending)
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line.decode("utf-8")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def cmd(self, line):
        self.sock.sendall(line.encode("utf-8") + b"\r\n")
        return self.reply()

    def starttls(self, context=None):
        self.case.starts(self.cmd("STARTTLS"), "220 2.0.0")
        return self.tls(context)

    def letter(self, sender="a@example.org", params=""):
        for line, code in (("MAIL FROM:<%s>%s" % (sender, params), "250"), ("RCPT TO:<%s>" % BOB, "250"),
                           ("DATA", "354"), (LETTER + ".", "250")):
            self.case.starts(self.cmd(line), code)
        return self.case.inst.messages()[-1]

    def closed(self):
        try:
            return not self.pending and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True


class Starttls(Tls):

    def test_mx(self):
        c = self.talk("mx")
        self.assertIn("250-STARTTLS\n", c.cmd("EHLO client.example.org"))
        self.assertIn("STARTTLS", c.cmd("HELP"))
        c.starttls()
        self.assertEqual(c.sock.version(), "TLSv1.3")
        answer = c.cmd("EHLO client.example.org")
        self.assertNotIn("STARTTLS", answer)
        self.assertNotIn("AUTH", answer)
        head = c.letter().head
        self.assertRegex(head, rb"(?s)^Received: from client\.example\.org.* with ESMTPS "
                         rb"\(TLSv1\.3 TLS_[A-Z0-9_]+\)\r\n\tid ")
        self.starts(c.cmd("STARTTLS"), "503 5.5.1")
        self.starts(c.cmd("QUIT"), "221")
        self.assertEqual(c.sock.recv(1), b"")           # by close_notify
        self.logged(r"event=tls client=127\.0\.0\.1 version=TLSv1\.3 cipher=TLS_\w+ sni=mail\.example\.test")

    def test_what_was_said_before_is_forgotten(self):
        c = self.talk("mx")
        c.cmd("EHLO client.example.org")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "250")
        self.starts(c.cmd("RCPT TO:<%s>" % BOB), "250")
        c.starttls()
        self.starts(c.cmd("DATA"), "503 5.5.1")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "503 5.5.1")
        c.cmd("EHLO client.example.org")
        self.starts(c.cmd("DATA"), "503 5.5.1")
        c.letter()
        self.assertEqual(len(self.inst.messages()), 1)

    def test_a_login_is_forgotten(self):
        c = self.talk("submission")
        c.cmd("EHLO client.example.org")
        self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")        # loopback
        c.starttls()
        c.cmd("EHLO client.example.org")
        self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "530 5.7.0")
        self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")
        c.letter(ALICE)

    def test_arguments_and_where_there_is_none(self):
        c = self.talk("mx")
        self.starts(c.cmd("STARTTLS now"), "501 5.5.4")
        self.starts(c.cmd("NOOP"), "250")
        c = self.talk("mx off")
        self.assertNotIn("STARTTLS", c.cmd("EHLO x"))
        self.assertNotIn("STARTTLS", c.cmd("HELP"))
        self.starts(c.cmd("STARTTLS"), "502 5.5.1")

    def test_injected_commands_are_thrown_away(self):
        for more in (b"RSET\r\n", b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.test>\r\n", b"\0", b"E"):
            with self.subTest(more):
                c = self.talk("mx")
                c.cmd("EHLO client.example.org")
                c.sock.sendall(b"STARTTLS\r\n" + more)
                self.starts(c.reply(), "220")
                c.tls()
                # Had one been obeyed, its reply would come first.
                self.starts(c.cmd("EHLO client.example.org"), "250-" + HOST)
                self.starts(c.cmd("DATA"), "503")
                self.logged(r"event=tls-injected client=127\.0\.0\.1 octets=%d\n" % len(more))

    def test_words_of_received(self):
        def head(talk, verb, params=""):
            talk.starttls().cmd(verb + " client.example.org")
            return talk.letter(ALICE, params).head
        self.assertIn(b" with SMTP (TLSv1.3 ", head(self.talk("mx"), "HELO"))
        self.assertIn(b" with UTF8SMTPS (TLSv1.3 ", head(self.talk("mx"), "EHLO", " SMTPUTF8"))
        c = self.talk("lmtp")
        self.assertIn("STARTTLS", c.cmd("LHLO x"))
        self.assertIn(b" with LMTPS (TLSv1.3 ", head(c, "LHLO"))
        for params, word in (("", b"ESMTPSA"), (" SMTPUTF8", b"UTF8SMTPSA")):
            c = self.talk("submission").starttls()
            c.cmd("EHLO client.example.org")
            self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")
            self.assertIn(b" with %s (TLSv1.3 " % word, c.letter(ALICE, params).head)

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            c = self.talk("mx")
            with self.assertRaises((ssl.SSLError, OSError)):
                c.starttls(self.context(version))
            self.logged("event=tls-failed client=127.0.0.1 why=failed")
        c = self.talk("mx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context = ssl.create_default_context(cafile=ca.path)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        c.starttls(context)
        c.cmd("EHLO x")
        self.assertRegex(c.letter().head, rb"\(TLSv1\.2 ECDHE-")

    def test_what_is_no_handshake_closes(self):
        for data in (b"EHLO x\r\n" * 5, b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\0" * 500):
            c = self.talk("mx")
            self.starts(c.cmd("STARTTLS"), "220")
            c.sock.sendall(data)
            # An alert perhaps, but no reply in clear.
            got = b""
            try:
                while part := c.sock.recv(4096):
                    got += part
            except ConnectionResetError:
                pass
            self.assertNotIn(b"421", got)
            self.assertNotIn(b"250", got)
        self.logged("event=tls-failed client=127.0.0.1 why=failed")
        # The client who leaves in the middle.
        c = self.talk("mx")
        self.starts(c.cmd("STARTTLS"), "220")
        c.sock.close()
        self.logged("event=tls-failed client=127.0.0.1 why=closed")

    def test_openssl(self):
        r = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:%d" % self.port["mx"],
                            "-CAfile", ca.path, "-verify_return_error", "-verify_hostname", HOST, "-quiet",
                            "-ign_eof"], input=b"EHLO x\r\nQUIT\r\n", capture_output=True, timeout=PATIENCE)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(b"ENHANCEDSTATUSCODES", r.stdout)
        self.assertIn(b"221 2.0.0", r.stdout)

    def test_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.port["submission"], "client.example.org", timeout=PATIENCE) as s:
            s._host = HOST                      # the certificate's
            s.starttls(context=self.context())
            s.login(ALICE, SECRET)
            s.sendmail(ALICE, [BOB, "x@elsewhere.test"], LETTER)
        self.assertEqual(self.inst.messages()[0].keys["auth"], ALICE)


class Passwords(Tls):

    def test_from_elsewhere_only_under_tls(self):
        c = self.talk("submission proxy")
        answer = c.cmd("EHLO client.example.org")
        self.assertIn("STARTTLS", answer)
        self.assertNotRegex(answer, "AUTH.* (PLAIN|LOGIN)")
        for line in ("AUTH PLAIN " + PLAIN, "AUTH PLAIN", "AUTH LOGIN"):
            self.starts(c.cmd(line), "538 5.7.11")
        answer = c.cmd("MAIL FROM:<%s>" % ALICE)
        self.starts(answer, "530 5.7.0")
        self.assertIn("STARTTLS", answer)
        self.assertEqual(self.inst.authd.checks, [])
        c.starttls()
        self.assertRegex(c.cmd("EHLO client.example.org"), r"(?m)^250-AUTH .*\bPLAIN\b.*\bLOGIN\b")
        self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")
        self.assertEqual(self.inst.authd.checks[0]["ip"], "192.0.2.1")
        head = c.letter(ALICE).head
        self.assertIn(b" with ESMTPSA (", head)
        self.assertNotIn(b"192.0.2.1", head)

    def test_the_process_leaves_with_the_connection(self):
        def children():
            with open("/proc/%d/task/%d/children" % (self.smtpd.pid, self.smtpd.pid)) as f:
                return set(f.read().split())

        def serves():
            for pid in children():
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    if b"submission 127.0.0.1" in f.read():
                        return pid
            return None
        for login in (False, True):
            c = self.talk("submission").starttls()
            c.cmd("EHLO x")
            pid = until(serves)
            if login:
                self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")
            self.starts(c.cmd("QUIT"), "221")
            c.sock.close()
            if login:
                until(lambda: pid not in children())
            else:
                until(lambda: not serves())
                self.assertIn(pid, children())


class Implicit(Tls):

    def test_from_the_first_octet(self):
        c = self.talk("submission implicit").tls()
        self.starts(c.reply(), "220 " + HOST)
        answer = c.cmd("EHLO client.example.org")
        self.assertNotIn("STARTTLS", answer)
        self.assertRegex(answer, r"(?m)^250-AUTH .*\bPLAIN\b")
        self.starts(c.cmd("STARTTLS"), "503 5.5.1")
        self.starts(c.cmd("AUTH PLAIN " + PLAIN), "235")
        self.assertIn(b" with ESMTPSA (TLSv1.3 ", c.letter(ALICE).head)

    def test_smtplib_and_curl(self):
        port = self.port["submission implicit"]
        with smtplib.SMTP_SSL("127.0.0.1", port, "client.example.org", timeout=PATIENCE, context=self.context()) as s:
            s.login(ALICE, SECRET)
            s.sendmail(ALICE, BOB, LETTER)
        self.assertEqual(self.inst.messages()[0].keys["auth"], ALICE)
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        path = self.inst.write("letter", LETTER)
        r = subprocess.run(["curl", "-sS", "--cacert", ca.path, "--url", "smtps://127.0.0.1:%d" % port, "-u",
                            "%s:%s" % (ALICE, SECRET), "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", path],
                           capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(len(self.inst.messages()), 2)

    def test_clear_text_is_answered_by_nothing_readable(self):
        s = self.connect("submission implicit")
        s.sendall(b"EHLO x\r\n")
        got = b""
        try:
            while part := s.recv(4096):
                got += part
        except ConnectionResetError:
            pass
        self.assertNotIn(b"220", got)
        self.logged("event=tls-failed client=127.0.0.1 why=failed")

    def test_behind_a_proxy(self):
        # The header, and the first of TLS in the same segment.
        for split in (False, True):
            s = self.connect("submission implicit")
            s.close()
            s = socket.create_connection(("127.0.0.1", self.port["submission implicit proxy"]), PATIENCE)
            self.addCleanup(s.close)
            into, outof = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context().wrap_bio(into, outof, server_hostname=HOST)
            head = proxy_v2("192.0.2.9", tail=b"\x04\0\3abc")
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    data = head + outof.read()
                    head = b""
                    if split:
                        for k in range(len(data)):
                            s.sendall(data[k:k + 1])
                    else:
                        s.sendall(data)
                    into.write(s.recv(65536))
            s.sendall(outof.read())
            while True:
                try:
                    self.assertTrue(tls.read(100).startswith(b"220 "))
                    break
                except ssl.SSLWantReadError:
                    into.write(s.recv(65536))
            self.logged(r"event=tls client=192\.0\.2\.9 ")


class Silent(Tls):
    limits = "idle-timeout = 1s"

    def test_half_a_handshake_ends(self):
        for name, data in (("submission implicit", b""), ("submission implicit", b"\x16\x03\x01\x02\0\1"),
                           ("mx", b"STARTTLS\r\n")):
            s = self.connect(name)
            s.sendall(data)
            while s.recv(4096):
                pass
        self.logged("event=tls-failed client=127.0.0.1 why=timeout")


class Many(Tls):
    limits = "max-connections = 1100"

    def test_a_thousand_silent_ones_keep_nobody_out(self):
        n = 50 if sanitized() else 1000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < n + 100:
            self.skipTest("%d descriptors at most" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
        for k in range(n):
            s = self.connect(("submission implicit", "mx")[k % 2])
            if k % 4 == 2:
                s.sendall(b"\x16\x03\x01\x02\0\1")
        for name in ("submission implicit", "mx", "submission"):
            c = self.talk(name)
            if name == "submission implicit":
                self.starts(c.tls().reply(), "220")
            else:
                c.starttls()
            self.starts(c.cmd("QUIT"), "221")
        self.assertNotIn("event=connection-refused", self.log())


class Keyd(Tls):

    def test_without_it(self):
        self.stop(self.keyd)
        c = self.talk("mx")
        c.cmd("EHLO client.example.org")
        self.starts(c.cmd("STARTTLS"), "454 4.7.0")
        # The letter need not wait.
        self.assertIn(b" with ESMTP id ", c.letter().head)
        c = self.talk("submission implicit")
        with self.assertRaises((ssl.SSLError, OSError)):
            c.tls()
        self.logged("event=keyd-unreachable")
        self.logged("event=tls-failed client=127.0.0.1 why=local")
        self.start_keyd()
        c = self.talk("mx").starttls()
        c.cmd("EHLO x")
        c.letter()

    def test_a_new_certificate_disturbs_nobody(self):
        def serial():
            with self.talk("mx").starttls().sock as s:
                return s.getpeercert()["serialNumber"]
        old = self.talk("mx").starttls()
        old.cmd("EHLO client.example.org")
        first = old.sock.getpeercert()["serialNumber"]
        self.assertEqual(serial(), first)
        self.certificate("second")
        until(lambda: serial() != first)
        old.letter()
        self.starts(old.cmd("QUIT"), "221")


class Resumed(Tls):

    def test_tickets(self):
        context = self.context()
        c = self.talk("submission implicit")
        c.tls(context)
        self.starts(c.reply(), "220")
        self.starts(c.cmd("NOOP"), "250")
        session = c.sock.session
        self.assertIsNotNone(session)
        s = context.wrap_socket(self.connect("submission implicit"), server_hostname=HOST, session=session)
        self.addCleanup(s.close)
        self.assertTrue(s.recv(100).startswith(b"220 "))
        self.assertTrue(s.session_reused)
        self.logged("event=tls .* resumed=1")


if __name__ == "__main__":
    unittest.main()
