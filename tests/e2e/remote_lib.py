"""What the remote_*.py tests share: a remote program on a socket of its own,
queue-runner's side of it, and hosts on loopback that do as they are told."""

import os
import shutil
import signal
import socket
import ssl
import tempfile
import threading
import unittest

import harness
from harness import NOBODY, PATIENCE, ROOT, as_user, out, start_ready, until
from harness import xencode as xtext

ID = "0123456789abcdefghjk"
ALL = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000", "DSN",
       "ENHANCEDSTATUSCODES")
LETTER = b"From: a@x.test\r\nSubject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"


# What no log may have.
BAD = ("Sanitizer", "runtime error", "child-crashed", "assertion")


def unxtext(text):
    return harness.xdecode(text).decode("utf-8", "replace")


class Host:
    """An SMTP or LMTP server.

    says: what it does otherwise than a good host, by event: "connect", a verb,
    "." (the end of a message), an address in RCPT.  A string is the reply, a
    list one for each time, None hangs up, a function gets (conn, line) and
    returns any of these, or True: go on as a good host.  each: a list of such
    dictionaries, for the first, second ... connection; the last one stays."""

    def __init__(self, says=None, ext=ALL, each=None, address="127.0.0.1",
                 lmtp=False, path=None, tls=None, implicit=False, auth=None,
                 port=0):
        self.each = each or [says or {}]
        self.ext, self.lmtp, self.tls, self.auth = ext, lmtp, tls, auth
        self.implicit = implicit
        self.messages = []      # (mail line, [rcpt lines], octets)
        self.commands = []      # all lines but content
        self.connections = 0
        self.peers = []
        self.ended = []         # how each connection ended
        self.lock = threading.Lock()
        if path:
            self.sock = harness.unix_listener(path, socket.SOCK_STREAM)
            self.port = 0
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in address
                                      else socket.AF_INET)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind((address, port))
            self.port = self.sock.getsockname()[1]
        self.address = address
        self.sock.listen(50)
        self.acceptor = harness.Acceptor(self.sock, self.serve)

    def serve(self, sock):
        with self.lock:
            n = self.connections
            self.connections += 1
        conn = Conn(self, sock, self.each[min(n, len(self.each) - 1)])
        try:
            self.peers.append(sock.getpeername())
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn.talk()
            how = "quit"
        except (EOFError, OSError, ssl.SSLError) as e:
            how = "cut" if isinstance(e, EOFError) else str(e)
        with self.lock:
            self.ended.append(how)
        conn.close()

    def wait_ended(self, n):
        until(lambda: len(self.ended) >= n,
              what=lambda: "%d connections to end: %r" % (n, self.ended))
        return self.ended

    def verbs(self):
        return [c.split(" ")[0].split(":")[0].upper() for c in self.commands]

    def close(self):
        self.acceptor.close()


class Hangup(EOFError):
    pass


class Conn:
    def __init__(self, host, sock, says):
        self.host, self.sock, self.says = host, sock, dict(says)
        self.count = {}
        self.data = b""
        self.secure = False
        self.reset()

    def reset(self):
        self.mail, self.rcpts, self.chunks = None, [], b""

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.data += data

    def line(self):
        while b"\r\n" not in self.data:
            self.more()
        line, self.data = self.data.split(b"\r\n", 1)
        return line.decode("utf-8", "surrogateescape")

    def take(self, n):
        while len(self.data) < n:
            self.more()
        out, self.data = self.data[:n], self.data[n:]
        return out

    def content(self):
        data, at = bytearray(b"\r\n" + self.data), 0
        while True:
            end = data.find(b"\r\n.\r\n", max(0, at - 4))
            if end >= 0:
                break
            at = len(data)
            self.data = b""
            self.more()
            data += self.data
        self.data = bytes(data[end + 5:])
        return bytes(data[:end + 2]).replace(b"\r\n.", b"\r\n")[2:]

    def event(self, name, line, good, before=None):
        """Say what says has for it, or what a good host would."""
        what = self.says.get(name, True)
        if isinstance(what, list):
            n = self.count.get(name, 0)
            self.count[name] = n + 1
            what = what[min(n, len(what) - 1)]
        if callable(what):
            what = what(self, line)
        if what is None:
            raise Hangup
        if what is True:
            what = good
        if before:
            before(what)
        if what:
            self.send(what + "\r\n")
        return what

    def start_tls(self):
        self.sock = self.host.tls.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def talk(self):
        if self.host.implicit:
            self.start_tls()
        if not self.event("connect", "", "220 fake ESMTP").startswith("220"):
            self.line()
            return
        while True:
            line = self.line()
            with self.host.lock:
                self.host.commands.append(line)
            verb = line.split(":")[0].split(" ")[0].upper()
            if getattr(self, "do_" + verb.lower(), self.do_other)(
                    verb, line) == "quit":
                return

    def do_ehlo(self, verb, line):
        ext = list(self.host.ext)
        if self.host.tls and not self.secure:
            ext.append("STARTTLS")
        if self.host.auth:
            ext.append("AUTH " + self.host.auth)
        lines = ["fake"] + ext
        self.event(verb, line, "\r\n".join(
            "250%s%s" % ("-" if i < len(lines) - 1 else " ", x)
            for i, x in enumerate(lines)))

    do_lhlo = do_ehlo

    def do_helo(self, verb, line):
        self.event(verb, line, "250 fake")

    def do_starttls(self, verb, line):
        if self.event(verb, line, "220 go").startswith("220"):
            self.data = b""
            self.start_tls()

    def do_mail(self, verb, line):
        if self.event(verb, line, "250 2.1.0 ok").startswith("2"):
            self.mail = line

    def do_rcpt(self, verb, line):
        address = line[line.index("<") + 1:line.index(">")]
        name = address if address in self.says else verb
        if self.mail is None:
            self.send("503 5.5.1 MAIL first\r\n")
        elif self.event(name, line, "250 2.1.5 ok").startswith("2"):
            self.rcpts.append(line)

    def accept(self, data):
        """At the end of a message: the reply, or one for each recipient."""
        noted = []

        def note(reply):
            if reply.startswith("2") and not noted:
                noted.append(True)
                with self.host.lock:
                    self.host.messages.append((self.mail, self.rcpts, data))
        for i in range(len(self.rcpts) if self.host.lmtp else 1):
            self.event(".", "", "250 2.0.0 taken", note)
        self.reset()

    def do_data(self, verb, line):
        if not self.rcpts and "DATA" not in self.says:
            self.send("554 5.5.1 no valid recipients\r\n")
            return
        if self.event(verb, line, "354 go").startswith("3"):
            self.accept(self.content())

    def do_bdat(self, verb, line):
        words = line.split()
        self.chunks += self.take(int(words[1]))
        if "LAST" in words:
            self.accept(self.chunks)
        else:
            self.send("250 ok\r\n")

    def do_rset(self, verb, line):
        self.reset()
        self.event(verb, line, "250 2.0.0 reset")

    def do_quit(self, verb, line):
        self.event(verb, line, "221 2.0.0 bye")
        return "quit"

    def do_other(self, verb, line):
        self.event(verb, line, "500 5.5.1 what")


class Result:
    def __init__(self, packet):
        lines = packet.decode().splitlines()
        assert lines[0].startswith("merpati 1 result "), packet
        self.outcomes = {}      # number: (verdict, code, said, text)
        group = {}
        for line in lines[1:]:
            key, value = line.split(" ", 1)
            if key == "rcpt":
                self.outcomes[int(value)] = (
                    group["verdict"], group["code"], group["said"] == "1",
                    unxtext(group["text"]))
            elif key in ("verdict", "code", "said", "text"):
                group[key] = value
            else:
                setattr(self, key.replace("-", "_"), unxtext(value))
        self.kept = self.kept == "1"
        self.destination_failed = self.destination_failed == "1"
        self.dsn = self.dsn == "1"

    def verdicts(self):
        return [v[0] for _, v in sorted(self.outcomes.items())]


class Destination:
    """A connection to remote: one child there."""

    def __init__(self, remote, packet):
        self.sock = remote.connect()
        self.sock.sendall(packet.encode())
        self.asked = 0

    def send(self, message=LETTER, rcpts=("b@y.test",), **over):
        job = dict(id=ID, sender="a@x.test", envid="", ret=0,
                   eightbit=int(any(c > 127 for c in message)), utf8=0,
                   dots=1, longline=0, offset=7, len=len(message))
        job.update(over)
        self.asked += 1
        text = "merpati 1 job %d\n" % self.asked
        for k, v in job.items():
            text += "%s %s\n" % (k, v if isinstance(v, int) else xtext(v))
        for i, r in enumerate(rcpts):
            a, notify, orcpt = r if isinstance(r, tuple) else (r, 0, None)
            text += "rcpt %d\naddress %s\nnotify %d\n" % (i, xtext(a), notify)
            if orcpt:
                text += "orcpt %s\n" % xtext(orcpt)
        with tempfile.TemporaryFile() as f:
            f.write(b"padding" + message + b"and what is behind it")
            f.flush()
            socket.send_fds(self.sock, [text.encode()], [f.fileno()])

    def answer(self):
        packet = self.sock.recv(40000)
        if not packet:
            raise EOFError("remote closed the connection")
        return Result(packet)

    def job(self, *args, **over):
        self.send(*args, **over)
        return self.answer()

    def closed(self):
        """Has the other side gone, now or soon?"""
        return self.sock.recv(40000) == b""

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def host_lines(name="mx.y.test", addrs=("127.0.0.1",), preference=10,
               secure=0, dane="none", tlsa=()):
    return ("host %s\npreference %d\nsecure %d\n%sdane %s\n%s" % (
        xtext(name), preference, secure,
        "".join("addr %s\n" % a for a in addrs), dane,
        "".join("tlsa %s\n" % t for t in tlsa)))


class Remote:
    """A remote program; settings go into its section of merpati.conf."""

    def __init__(self, top="", **settings):
        self.dir = tempfile.mkdtemp(prefix="mr", dir="/tmp")
        self.uid = NOBODY if ROOT else os.geteuid()
        for d in ("run", "run/remote", "etc"):
            os.mkdir(os.path.join(self.dir, d))
        conf = os.path.join(self.dir, "etc/merpati.conf")
        # Hosts that do as they should have time, on a busy machine too.
        values = {"connect-timeout": "20s", "greeting-timeout": "20s",
                  "command-timeout": "20s", "data-timeout": "20s",
                  "helo": '"me.test"'}
        values.update({k.replace("_", "-"): v for k, v in settings.items()})
        with open(conf, "w") as f:
            f.write('hostname = "me.test"\npostmaster = "p@me.test"\n'
                    'run-dir = "%s/run"\n%s\nremote {\n%s}\n'
                    # Passwords are read where a route has one.
                    'route "password.test" { via = "[192.0.2.1]:25" '
                    'user = "me" password-file = "%s/etc/password" }\n' % (
                        self.dir, top,
                        "".join("  %s = %s\n" % i for i in values.items()),
                        self.dir))
        for root, dirs, files in os.walk(self.dir):
            for n in [""] + dirs + files:
                os.chown(os.path.join(root, n), self.uid, -1)
        os.chmod(self.dir, 0o755)
        # Copied: the build may lie where another uid cannot look.
        self.program = os.path.join(self.dir, "remote")
        shutil.copy(out("remote"), self.program)
        self.p, ready = start_ready([self.program, "-c", conf],
                                    os.path.join(self.dir, "log"), **as_user())
        if not ready:
            raise AssertionError("remote did not start:\n" + self.log())

    def connect(self, as_uid=None):
        """SO_PEERCRED notes who calls connect(2)."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        if ROOT:
            os.seteuid(self.uid if as_uid is None else as_uid)
        try:
            s.connect(os.path.join(self.dir, "run/remote/remote.sock"))
        finally:
            if ROOT:
                os.seteuid(0)
        return s

    def open(self, hosts=(), port=25, lmtp=0, tls="opportunistic", path="",
             user="", password_file=""):
        """hosts: host_lines(), or Host objects (the first's port)."""
        lines = ""
        for h in hosts:
            if isinstance(h, Host):
                port, h = h.port, host_lines(addrs=(h.address,))
            lines += h
        return Destination(self, (
            "merpati 1 open 1\nlmtp %d\ntls %s\nport %d\npath %s\nuser %s\n"
            "password-file %s\n%s" % (lmtp, tls, port, xtext(path),
                                      xtext(user), xtext(password_file),
                                      lines)))

    def log(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()

    def wait_log(self, text):
        until(lambda: text in self.log(),
              what=lambda: "%r in:\n%s" % (text, self.log()))

    def children(self):
        with open("/proc/%d/task/%d/children" % ((self.p.pid,) * 2)) as f:
            return [int(pid) for pid in f.read().split()]

    def close(self, sig=signal.SIGTERM):
        self.p.send_signal(sig)
        code = self.p.wait(PATIENCE)
        log = self.log()
        shutil.rmtree(self.dir)
        return code, log


class Case(unittest.TestCase):
    """One remote for all tests of a class, or for those of a process."""

    settings = {}
    bad = BAD
    processes = 4

    @classmethod
    def setUpClass(cls):
        cls.remote = Remote(**cls.settings)

    @classmethod
    def tearDownClass(cls):
        code, log = cls.remote.close()
        for bad in cls.bad:
            if bad in log:
                raise AssertionError(log)
        if code != 0:
            raise AssertionError("exit code %d:\n%s" % (code, log))

    def host(self, *args, **kw):
        h = Host(*args, **kw)
        self.addCleanup(h.close)
        return h

    def open(self, *hosts, **kw):
        d = self.remote.open(hosts, **kw)
        self.addCleanup(d.close)
        return d
