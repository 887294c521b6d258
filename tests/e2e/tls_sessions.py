"""Sessions over TLS, whose TLS end stays in imapd and pop3d: octets, ends,
restarts, new certificates, many clients."""

import contextlib
import hashlib
import os
import random
import re
import resource
import signal
import socket
import ssl
import struct
import tempfile
import time
import unittest
import zlib
from pathlib import Path

from harness import PATIENCE, replace_file, sanitized
from imap_tools import letter, ok
from instance import Instance, need, process_tree, wait_for
from remote_certs import Cert
from tls_login_lib import Lines

LARGE = 50 * 1024 * 1024
MANY = 100
SILENT = 1000
CONFIG = {"": {"message-size": "80M"}, "keyd": {"check": "1s"}, "authd": {"hashers": "2"},
          "imapd": {"max-connections-per-user": "300", "login-timeout": "5m"},
          "pop3d": {"login-timeout": "5m"}}


def large_letter():
    """50 MB of lines that nothing can compress much."""
    r = random.Random(5)
    lines = [r.randbytes(36).hex().encode() + b"\r\n" for _ in range(10000)]
    body = b"".join(lines)
    return letter("large") + body * (LARGE // len(body) + 1)


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as f:
            return f.read()
    except OSError:
        return ""


class Sessions(unittest.TestCase):
    config = CONFIG
    users = ("alice", "bob", "carol", "dora", "erin", "frank", "gina")

    @classmethod
    def setUpClass(cls):
        need("openssl")
        cls.i = Instance(cls.users, config=cls.config)
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def tls_ends(self, service="imapd"):
        return [p for p in process_tree(self.i.pid(service)) if " tls" in command_line(p)]

    def sessions(self, user, program="imap-session"):
        return [p for p in process_tree(self.i.svscan.pid)
                if command_line(p).startswith("%s: %s" % (program, self.i.address(user)))]

    def login(self, user, context=None, more=b""):
        """An IMAPS connection past LOGIN, with more behind it in the same record."""
        c = Lines(socket.create_connection(("127.0.0.1", self.i.port(993)), PATIENCE))
        self.addCleanup(c.close)
        c.wrap(context or self.i.tls())
        c.line()
        c.send(("a LOGIN %s %s\r\n" % (self.i.address(user), self.i.password(user))).encode() + more)
        self.assertTrue(c.line().startswith("a OK "))
        return c

    def idle(self, user):
        c = self.login(user)
        c.send(b"s SELECT INBOX\r\nb IDLE\r\n")
        c.until("+ ")
        return c

    def clean_end(self, c):
        """close_notify, not just an end."""
        c.sock.suppress_ragged_eofs = False
        self.assertEqual(c.sock.recv(1), b"")


class Octets(Sessions):
    def test_a_large_letter_both_ways(self):
        data = large_letter()
        c = self.i.imaps("alice", 4 * PATIENCE)
        ok(c.append("INBOX", None, None, data))
        ok(c.select())
        got = ok(c.fetch("1", "(BODY.PEEK[])"))[0][1]
        self.assertEqual(hashlib.sha256(got).hexdigest(), hashlib.sha256(data).hexdigest())
        c.logout()
        p = self.i.pops("alice", 4 * PATIENCE)
        self.assertEqual(p.stat()[0], 1)
        p._putcmd("RETR 1")
        p._getresp()
        digest = hashlib.sha256()
        while (line := p.file.readline()) != b".\r\n":
            digest.update(line[1:] if line.startswith(b".") else line)
        self.assertEqual(digest.hexdigest(), hashlib.sha256(data).hexdigest())
        p.quit()

    def test_what_follows_login_is_not_lost(self):
        c = self.login("bob", more=b"b SELECT INBOX\r\nc NOOP\r\n")
        self.assertTrue(c.until("b ")[-1].startswith("b OK"))
        self.assertTrue(c.until("c ")[-1].startswith("c OK"))
        # More than one read of ours, and commands of all sizes.
        big = letter("big", "y" * 70 + "\r\n") + b"x" * 60 + b"\r\n"
        big += (b"z" * 77 + b"\r\n") * 3000
        c = self.login("bob", more=b"b APPEND INBOX {%d+}\r\n" % len(big) + big + b"\r\nc NOOP\r\n" * 1 +
                       b"d NOOP\r\n" * 2000 + b"e LOGOUT\r\n")
        lines = c.until("e OK")
        self.assertTrue(lines[0].startswith("b OK [APPENDUID"))
        self.assertEqual(sum(x.startswith("d OK") for x in lines), 2000)
        self.clean_end(c)

    def test_pipelined_pop3(self):
        c = Lines(socket.create_connection(("127.0.0.1", self.i.port(995)), PATIENCE))
        self.addCleanup(c.close)
        c.wrap(self.i.tls())
        c.send(("USER %s\r\nPASS %s\r\nSTAT\r\n" % (self.i.address("carol"), self.i.password("carol"))).encode() +
               b"NOOP\r\n" * 3000 + b"QUIT\r\n")
        lines = c.until("+OK Goodbye")
        self.assertEqual(lines.count("+OK"), 3000)
        self.clean_end(c)

    def test_idle_is_told(self):
        c = self.idle("dora")
        # Long enough for both processes to give their buffers back.
        time.sleep(3)
        for n in range(2):
            with self.i.smtp() as s:
                s.sendmail("bob@example.test", [self.i.address("dora")], letter("news"))
            c.until("* %d EXISTS" % (n + 1))
        c.send("DONE")
        self.assertTrue(c.until("b ")[-1].startswith("b OK"))

    def test_compress(self):
        c = self.login("erin", more=b"b COMPRESS DEFLATE\r\n")
        self.assertTrue(c.line().startswith("b OK"))
        deflate, inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        body = b"".join(b"%d squared is %d\r\n" % (n, n * n) for n in range(50000))
        text = letter("squeezed") + body
        c.sock.sendall(deflate.compress(b"c APPEND INBOX {%d+}\r\n" % len(text) + text + b"\r\nd SELECT INBOX\r\n"
                                        b"e FETCH 1 BODY.PEEK[]\r\nf LOGOUT\r\n") + deflate.flush(zlib.Z_SYNC_FLUSH))
        got = b""
        while not re.search(rb"^f OK[^\n]*\n", got[-200:], re.M):
            more = c.sock.recv(65536)
            self.assertNotEqual(more, b"")
            got += inflate.decompress(more)
        self.assertIn(text, got)

    def test_who_does_not_read_holds_little(self):
        data = large_letter()
        c = self.i.imaps("frank", 4 * PATIENCE)
        before = set(self.tls_ends())
        ok(c.append("INBOX", None, None, data))
        c.logout()
        c = self.login("frank", more=b"b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n")
        pid, = set(self.tls_ends()) - before
        time.sleep(1)
        # With the pages that it shares with its parent, which has some 900 KiB.
        with open("/proc/%d/status" % pid) as f:
            held = int(re.search(r"RssAnon:\s+(\d+) kB", f.read())[1])
        if not sanitized():
            self.assertLess(held, 2048)
        c.until("* 1 FETCH")
        want = len(data) - len(c.buf)
        digest = hashlib.sha256(c.buf[:len(data)])
        self.assertGreater(want, 0)
        while want > 0:
            more = c.sock.recv(65536)
            self.assertNotEqual(more, b"")
            digest.update(more[:want])
            want -= len(more)
        self.assertEqual(digest.hexdigest(), hashlib.sha256(data).hexdigest())


class Ends(Sessions):
    """Neither side stays behind the other."""

    def gone(self, user, service="imapd", program="imap-session"):
        wait_for(lambda: not self.sessions(user, program))
        wait_for(lambda: not self.tls_ends(service))

    def test_the_client(self):
        for how in ("close_notify", "fin", "reset"):
            c = self.idle("alice")
            self.assertEqual(len(self.sessions("alice")), 1)
            if how == "close_notify":
                with contextlib.suppress(OSError):
                    c.sock.unwrap()
            elif how == "reset":
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
            self.gone("alice")

    def test_in_the_middle(self):
        c = self.login("alice", more=b"b APPEND INBOX {1000+}\r\nhalf of it")
        wait_for(lambda: self.sessions("alice"))
        c.close()
        self.gone("alice")

    def test_pop3(self):
        p = self.i.pops("carol")
        self.assertEqual(len(self.tls_ends("pop3d")), 1)
        p.sock.close()
        p.file.close()
        self.gone("carol", "pop3d", "pop3-session")

    def test_the_session(self):
        c = self.idle("bob")
        pid, = self.sessions("bob")
        os.kill(pid, signal.SIGKILL)
        self.clean_end(c)
        self.gone("bob")

    def test_the_tls_end(self):
        c = self.idle("bob")
        pid, = self.tls_ends()
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(c.over())
        self.gone("bob")

    def test_a_restart_of_the_sessions(self):
        c = self.idle("dora")
        self.i.svc("spawner", "-r")
        c.until("* BYE")
        self.clean_end(c)
        self.gone("dora")
        wait_for(lambda: self.i.mailctl("status").returncode == 0)

    def test_a_restart_of_imapd(self):
        waiting = [self.idle("erin") for _ in range(5)]
        quiet = [self.login("frank") for _ in range(5)]
        before = self.i.pid("imapd")
        self.i.svc("imapd", "-r")
        for c in waiting + quiet:
            c.until("* BYE")
            self.clean_end(c)
        self.gone("erin")
        self.gone("frank")
        wait_for(lambda: self.i.pid("imapd") not in (-1, before))
        self.i.wait_ready()
        self.i.imaps("erin").logout()

    def test_a_restart_of_pop3d(self):
        p = self.i.pops("gina")
        self.i.svc("pop3d", "-r")
        self.assertEqual(p.file.readline(), b"")
        p.sock.close()
        self.gone("gina", "pop3d", "pop3-session")
        self.i.wait_ready()
        self.i.pops("gina").quit()

    def test_nothing_is_said_wrong(self):
        self.assertNotRegex(self.i.log("imapd") + self.i.log("pop3d"), "signal=(11|6|7)|status=[1-9]|Sanitizer")


class Certificates(Sessions):
    def replace(self, name):
        """As an admin does who does not use mailctl."""
        keys = self.i.dir + "/etc/keys"
        d = tempfile.mkdtemp(dir=self.i.home)
        cert = Cert(d, name, names="DNS:mail.example.test,IP:127.0.0.1")
        for source, to in ((cert.path, "mail.chain.pem"), (cert.key, "mail.key.pem")):
            replace_file("%s/%s" % (keys, to), Path(source).read_bytes())
        with open(cert.path) as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def test_a_new_one_while_sessions_are_open(self):
        first = self.i.shown(993)
        old = self.i.tls()
        sessions = [self.login(self.users[n % 7], old) for n in range(MANY)]
        for c in sessions[:MANY // 2]:
            c.send(b"s SELECT INBOX\r\nb IDLE\r\n")
        half = Lines(socket.create_connection(("127.0.0.1", self.i.port(143)), PATIENCE))
        self.addCleanup(half.close)
        half.line()
        pop = self.i.pops("alice", context=old)
        pids = {s: self.i.pid(s) for s in ("imapd", "pop3d")}
        second = self.replace("second")
        for port in (993, 995):
            wait_for(lambda p=port: self.i.shown(p) == second)
        self.assertNotEqual(first, second)
        # The same process, begun anew.
        self.assertEqual(pids, {s: self.i.pid(s) for s in pids})
        with self.i.smtp() as s:
            s.sendmail("bob@example.test", [self.i.address(u) for u in self.users], letter("news"))
        for n, c in enumerate(sessions):
            if n < MANY // 2:
                c.until("* 1 EXISTS")
                c.send("DONE")
                c.until("b OK")
            c.send("c NOOP")
            self.assertTrue(c.until("c ")[-1].startswith("c OK"))
        self.assertEqual(len(pop.list()[1]), 0)
        # A connection that had not shaken hands goes on, too.
        self.assertEqual(half.ask("a STARTTLS"), "a OK Begin TLS now")
        half.wrap(self.i.tls())
        self.assertEqual(half.ask("b NOOP"), "b OK NOOP completed")
        for c in sessions:
            c.send("z LOGOUT")
        for c in sessions:
            c.until("z OK")
            self.clean_end(c)
        pop.quit()
        self.i.imaps("alice", context=self.i.tls()).logout()


class Silence(Sessions):
    def test_a_thousand_silent_clients(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < SILENT + 500:
            raise unittest.SkipTest("%d descriptors are too few" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SILENT + 500), hard))
        many = 100 if sanitized() else SILENT
        silent = []
        try:
            for n in range(many):
                silent.append(socket.create_connection(("127.0.0.1", self.i.port(993 if n % 2 else 143)), PATIENCE))
            for s in silent[::2]:
                self.assertTrue(s.recv(10))
            took = []
            for _ in range(10):
                began = time.monotonic()
                self.i.imaps("alice").logout()
                took.append(time.monotonic() - began)
            # One of ten may be had by whatever else the machine does.
            self.assertLess(min(took), 1)
        finally:
            for s in silent:
                s.close()


if __name__ == "__main__":
    unittest.main()
