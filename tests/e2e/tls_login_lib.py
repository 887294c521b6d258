"""What the tests of TLS up to the login share: lines, and an instance with
certificates."""

import base64
import re
import socket
import ssl
import subprocess
import unittest

from harness import PATIENCE
from imap_tools import letter
from instance import Instance, need, wait_for

USERS = ("alice", "bob", "curl", "mbsync", "fetchmail", "mpop")
CONFIG = {"": {"log-level": '"debug"'}, "keyd": {"check": "1s"}}


def b64(octets):
    return base64.b64encode(octets).decode()


class Lines:
    """A connection that speaks in lines, TLS or not."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE)
        self.buf = b""

    def line(self):
        while b"\n" not in self.buf:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buf)
            self.buf += more
        line, _, self.buf = self.buf.partition(b"\n")
        return line.decode().rstrip("\r")

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def ask(self, text):
        self.send(text)
        return self.line()

    def until(self, start):
        """Lines up to and with the one that starts so."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        return lines

    def over(self):
        """The server has nothing more to say."""
        try:
            return self.buf == b"" and self.sock.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def wrap(self, context, name="127.0.0.1"):
        assert self.buf == b"", self.buf
        self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def close(self):
        self.sock.close()


class Suite(unittest.TestCase):
    config = CONFIG
    more = ""

    @classmethod
    def setUpClass(cls):
        need("openssl")
        cls.i = Instance(USERS, config=cls.config, more_config=cls.more)
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def connect(self, port, address="127.0.0.1"):
        c = Lines(socket.create_connection((address, self.i.port(port)), PATIENCE))
        self.addCleanup(c.close)
        return c

    def imap(self, **attributes):
        """Past STARTTLS, before the login."""
        c = self.connect(143)
        self.assertIn(" STARTTLS", c.line())
        self.assertEqual(c.ask("s STARTTLS"), "s OK Begin TLS now")
        c.wrap(self.i.tls(**attributes))
        return c

    def pop(self, **attributes):
        c = self.connect(110)
        c.line()
        self.assertEqual(c.ask("STLS"), "+OK Begin TLS now")
        c.wrap(self.i.tls(**attributes))
        return c

    def fill(self, user, n=1):
        before = len(self.i.deliveries(user))
        with self.i.smtp() as s:
            for k in range(n):
                s.sendmail("bob@example.test", [self.i.address(user)], letter("letter %d" % k))
        wait_for(lambda: len(self.i.deliveries(user)) >= before + n)

    def wait_log(self, service, pattern):
        wait_for(lambda: re.search(pattern, self.i.log(service)))

    def program(self, argv, code=0, **keys):
        r = subprocess.run(argv, capture_output=True, timeout=2 * PATIENCE, **keys)
        self.assertEqual(r.returncode, code, r.stdout[-3000:] + r.stderr[-3000:])
        return r.stdout + r.stderr
