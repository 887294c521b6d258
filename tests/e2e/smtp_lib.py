"""What the smtp_*.py tests share: an instance with nothing in it but a spool,
an authd made of a table, and a client of `smtpd -i` over a socket pair."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

import harness
from harness import (NOBODY, PATIENCE, as_user, out, sanitizer_options,
                     xdecode)

SMTPD = out("smtpd")

USERS = ("bob@example.test", "alice@example.test", "full@example.test",
         "postmaster@mail.example.test")
ALIASES = {"list@example.test": ["alice@example.test", "bob@example.test"]}
SECRET = "secret"           # of every user
MINE = {"alice@example.test": ("alice@example.test", "ally@example.test"),
        "bob@example.test": ("bob@example.test",)}


class Authd:
    """Answers as doc/protocols.md says."""

    def __init__(self, path):
        self.asked = []             # lookups
        self.checks = []            # the fields of each check, submit
        self.submits = []
        self.later = None           # a verb that is answered "later"
        self.acceptor = harness.Acceptor(harness.unix_listener(path), self.serve)

    def serve(self, conn):
        with conn:
            while True:
                try:
                    packet = conn.recv(65536)
                except OSError:
                    return
                if not packet:
                    return
                head, *lines = packet.decode("utf-8").splitlines()
                verb, number = head.split(" ")[2:4]
                field = {k: xdecode(v).decode("utf-8") for k, _, v in
                         (x.partition(" ") for x in lines)}
                try:
                    if verb == "check":
                        conn.sendall(self.verdict(number, field).encode())
                    elif verb == "submit":
                        conn.sendall(self.may(number, field).encode())
                    elif verb == "lookup":
                        self.asked.append(field["address"])
                        conn.sendall(self.found(
                            number, field["address"]).encode())
                    else:
                        self.expanded(conn, number, field["address"])
                except OSError:
                    return

    def verdict(self, number, field):
        self.checks.append(field)
        user = field["user"]
        verdict = "ok"
        if self.later == "check":
            verdict = "later"
        elif user not in USERS or field["secret"] != SECRET:
            verdict = "bad"
        elif user.startswith("full@"):
            verdict = "disabled"
        return ("merpati 1 verdict %s\nverdict %s\nuser %s\nsignature \n"
                "pass \n" % (number, verdict, user if verdict == "ok" else ""))

    def may(self, number, field):
        self.submits.append(field)
        may = "yes"
        if self.later == "submit" or int(field["count"]) > 3:
            may = "later"
        elif field["sender"] not in MINE[field["user"]] + ("",):
            may = "no"
        return "merpati 1 may %s\nmay %s\n" % (number, may)

    def found(self, number, address):
        kind, user, full = "unknown", "", 0
        if address in ALIASES:
            kind = "alias"
        elif address.endswith("@relay.test"):
            if address.startswith("ok"):
                kind = "relay"
        elif address.startswith("temp@"):
            kind = "temp"
        elif address.startswith("odd@"):
            kind = "remote"
        elif address in USERS or address.startswith("u"):
            kind, user = "user", address
            full = int(address.startswith("full"))
        return ("merpati 1 found %s\nkind %s\nfull %d\nuser %s\nuid 1\n"
                "gid 1\nhome /nowhere\nquota-octets 0\nquota-count 0\n" %
                (number, kind, full, user))

    def expanded(self, conn, number, address):
        if address not in ALIASES:
            conn.sendall(("merpati 1 expanded %s\nstatus none\n" %
                          number).encode())
            return
        fd = os.memfd_create("expanded")
        for a in ALIASES[address]:
            os.write(fd, ("%s - -\n" % a).encode())
        os.lseek(fd, 0, os.SEEK_SET)
        socket.send_fds(conn, [("merpati 1 expanded %s\nstatus ok\n" %
                                number).encode()], [fd])
        os.close(fd)

    def close(self):
        self.acceptor.close()


class Instance:
    """A directory with a configuration, a spool and a made-up authd."""

    def __init__(self, top="", smtpd="", authd=True):
        self.dir = tempfile.mkdtemp(prefix="merpati.", dir=os.environ.get(
            "MERPATI_WORK"))
        self.spool = os.path.join(self.dir, "spool")
        self.run = os.path.join(self.dir, "run")
        for d in ("spool/tmp", "spool/new", "spool/queue", "spool/hold",
                  "run/authd", "run/smtpd", "etc"):
            os.makedirs(os.path.join(self.dir, d))
        os.mkfifo(os.path.join(self.spool, "trigger"))
        self.conf = os.path.join(self.dir, "etc", "merpati.conf")
        self.authd = None
        if authd:
            self.authd = Authd(os.path.join(self.run, "authd", "authd.sock"))
        self.configure(top, smtpd)
        if os.getuid() == 0:
            os.chmod(self.dir, 0o755)
            for path, dirs, files in os.walk(self.dir):
                for name in [path] + [os.path.join(path, f) for f in files]:
                    os.chown(name, NOBODY, NOBODY)

    def configure(self, top="", smtpd=""):
        if "trusted-submission" not in smtpd:
            smtpd += "\ntrusted-submission = yes"
        with open(self.conf, "w") as f:
            f.write('hostname = "mail.example.test"\n'
                    'domains = { "example.test", "example.com" }\n'
                    'relay-domains = { "relay.test" }\n'
                    'postmaster = "postmaster@mail.example.test"\n'
                    'spool-dir = "%s"\nrun-dir = "%s"\n'
                    'mail-home = "%s/mail/%%d/%%n"\n'
                    '%s\n%s\nsmtpd {\n%s\n}\n' %
                    (self.spool, self.run, self.dir, "" if "min-free" in top
                     else "min-free = 1K", top, smtpd))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def messages(self):
        """The spool's messages, oldest first."""
        new = os.path.join(self.spool, "new")
        return [Message(os.path.join(new, n)) for n in
                sorted(os.listdir(new), key=lambda n: os.stat(
                    os.path.join(new, n)).st_mtime_ns)]

    def leavings(self):
        return os.listdir(os.path.join(self.spool, "tmp"))

    def close(self):
        if self.authd:
            self.authd.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Message:
    """A spool file taken apart."""

    def __init__(self, path):
        with open(path, "rb") as f:
            raw = f.read()
        self.id = os.path.basename(path)
        text = raw[:raw.index(b"\nend\n") + 1].decode("utf-8")
        self.lines = text.splitlines()
        self.keys = {}
        self.rcpts = []
        for line in self.lines:
            key, _, value = line.partition(" ")
            if key == "rcpt":
                self.rcpts.append(value)
            else:
                self.keys[key] = value
        block, head = int(self.keys["block"]), int(self.keys["head"])
        self.head = raw[block - head:block]
        self.content = raw[block:]
        assert len(self.content) == int(self.keys["size"])

    @property
    def flags(self):
        return self.keys.get("flags", "").split()


class Client:
    """A connection to `smtpd -i`.  ip None: a pipe without an address."""

    def __init__(self, instance, ip="192.0.2.1", role="mx", args=(),
                 greet=True, early=b""):
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(PATIENCE)
        if early:
            self.ours.sendall(early)
        env = {"PATH": os.environ.get("PATH", "/bin:/usr/bin")}
        env.update(sanitizer_options())
        if ip is not None:
            env["TCPREMOTEIP"] = ip
            env["TCPREMOTEPORT"] = "12345"
        self.log_file = tempfile.TemporaryFile()
        self.proc = subprocess.Popen(
            [SMTPD, "-i", "-r", role, "-c", instance.conf, *args],
            stdin=theirs, stdout=theirs, stderr=self.log_file, env=env,
            **as_user())
        theirs.close()
        self.pending = b""
        self.greeting = None
        if greet:
            self.greeting = self.reply()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("utf-8")
        self.ours.sendall(data)

    def line(self):
        while b"\n" not in self.pending:
            data = self.ours.recv(65536)
            if not data:
                raise EOFError(self.pending)
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        assert line.endswith(b"\r"), line
        assert len(line) <= 511, len(line)
        return line[:-1].decode("utf-8")

    def reply(self):
        """A whole reply: "250 text", lines joined by LF."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
            assert lines[-1][:3] == lines[0][:3], lines
        return "\n".join(lines)

    def cmd(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def hello(self, verb="EHLO"):
        return self.cmd(verb + " client.example.org")

    def envelope(self, sender="a@example.org", rcpts=("bob@example.test",)):
        assert self.cmd("MAIL FROM:<%s>" % sender).startswith("250")
        for r in rcpts:
            assert self.cmd("RCPT TO:<%s>" % r).startswith("250")

    def data(self, content):
        """DATA with content as it goes on the wire, the end included."""
        answer = self.cmd("DATA")
        assert answer.startswith("354"), answer
        self.send(content)
        return self.reply()

    def closed(self):
        """Does the server close now?"""
        if self.pending:
            return False
        try:
            return self.ours.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.ours.close()
        try:
            self.proc.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.proc.send_signal(signal.SIGKILL)
            self.proc.wait()
            raise
        return self.proc.returncode

    def log(self):
        """Everything logged; the session must be over."""
        self.close()
        self.log_file.seek(0)
        text = self.log_file.read().decode("utf-8", "replace")
        self.log_file.close()
        return text


class Case(unittest.TestCase):
    """A test with an instance and clients that are cleaned up."""

    top = smtpd = ""
    authd = True

    def setUp(self):
        self.inst = Instance(self.top, self.smtpd, self.authd)
        self.addCleanup(self.inst.close)

    def client(self, *args, **kw):
        c = Client(self.inst, *args, **kw)
        self.addCleanup(self._end, c)
        return c

    def _end(self, c):
        code = c.close()
        if not c.log_file.closed:
            c.log_file.seek(0)
            log = c.log_file.read().decode("utf-8", "replace")
            c.log_file.close()
            self.assertNotIn("Sanitizer", log)
            self.assertNotIn("runtime error", log)
        self.assertEqual(code, 0)

    def starts(self, answer, *what):
        for w in what:
            if answer.startswith(w):
                return
        self.fail("%r, wanted %r" % (answer, what))


def proxy_v2(ip, port=1111, command=1, tail=b""):
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    raw = socket.inet_pton(family, ip)
    here = raw[:-1] + b"\xfe"
    body = raw + here + struct.pack("!HH", port, 25) + tail
    return (b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20 | command,
            0x21 if family == socket.AF_INET6 else 0x11]) +
            struct.pack("!H", len(body)) + body)
