"""POP3 programs alone: sessions by socketpair, and a stand-in for authd."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

import harness
from harness import out as program
from harness import xdecode, xencode


class Client:
    """A POP3 client that shows every octet."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(60)
        self.file = sock.makefile("rb")

    def line(self):
        return self.file.readline()

    def send(self, data):
        self.sock.sendall(data)

    def ask(self, command):
        self.send(command.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.line().decode("utf-8", "surrogateescape").rstrip("\r\n")

    def body(self):
        """Lines up to the lone dot, as sent."""
        lines = []
        while True:
            line = self.file.readline()
            if line == b".\r\n":
                return b"".join(lines)
            if not line:
                raise EOFError(b"".join(lines[-2:]))
            lines.append(line)

    def ask_long(self, command):
        first = self.ask(command)
        assert first.startswith("+OK"), first
        return self.body()

    def listing(self, command):
        return [x.split() for x in self.ask_long(command).decode().splitlines()]

    def at_end(self):
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.sock.close()


def unstuff(body):
    return b"".join(x[1:] if x.startswith(b".") else x for x in body.splitlines(True))


class Place:
    """A configuration and mail homes in a temporary directory."""

    program, client = "pop3-session", Client

    def __init__(self, pop3d="", top="", parent=None, imapd=""):
        self.dir = tempfile.mkdtemp(prefix="mpop", dir=parent)
        os.chmod(self.dir, 0o755)
        self.uid = self.gid = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.uid, self.gid = nobody.pw_uid, nobody.pw_gid
        os.makedirs(self.dir + "/run/authd")
        os.makedirs(self.dir + "/mail")
        self.own(self.dir + "/mail")
        self.conf = self.dir + "/merpati.conf"
        self.log = self.dir + "/log"
        self.configure(pop3d, top, imapd)
        self.children = []
        self.clients = []

    def configure(self, pop3d="", top="", imapd=""):
        with open(self.conf, "w") as f:
            f.write('hostname = "mail.example.test"\ndomains = { "example.test" }\n'
                    'postmaster = "postmaster@example.test"\nrun-dir = "%s/run"\n%s\n'
                    'pop3d {\n%s\n}\nimapd {\n%s\n}\n' % (self.dir, top, pop3d, imapd))

    def own(self, path):
        if self.uid is not None:
            os.chown(path, self.uid, self.gid)

    def home(self, user="alice"):
        home = "%s/mail/%s" % (self.dir, user)
        if not os.path.isdir(home):
            os.mkdir(home)
            self.own(home)
        return home

    def maildir(self, user="alice"):
        d = self.home(user) + "/Maildir"
        if not os.path.isdir(d):
            for sub in ("", "/new", "/cur", "/tmp"):
                os.mkdir(d + sub)
                self.own(d + sub)
        return d

    def add(self, name, content, folder="new", user="alice"):
        path = "%s/%s/%s" % (self.maildir(user), folder, name)
        with open(path, "wb") as f:
            f.write(content)
        self.own(path)
        return path

    def cur(self, user="alice"):
        return sorted(os.listdir(self.maildir(user) + "/cur"))

    def privileges(self):
        return {} if self.uid is None else {"user": self.uid, "group": self.gid,
                                            "extra_groups": []}

    def copy(self, name):
        """The program where another user may execute it."""
        to = "%s/%s" % (self.dir, name)
        if not os.path.exists(to):
            shutil.copy2(program(name), to)
            os.chmod(to, 0o755)
        return to

    def start(self, args, sock, **kw):
        with open(self.log, "ab") as log:
            p = subprocess.Popen(args, stdin=sock, stdout=sock, stderr=log, **kw)
        self.children.append(p)
        return p

    def session(self, user="alice"):
        """A session by hand; the client has not read the first line."""
        ours, theirs = socket.socketpair()
        p = self.start([self.copy(self.program), "-i", "-u", user + "@example.test",
                        "-m", self.home(user), "-c", self.conf], theirs,
                       **self.privileges())
        theirs.close()
        c = self.client(ours)
        c.process = p
        self.clients.append(c)
        return c

    def login(self, user="alice"):
        c = self.session(user)
        first = c.line()
        assert first.startswith(b"+OK"), first
        return c

    def quit(self, c):
        answer = c.ask("QUIT")
        c.process.wait(60)
        c.close()
        return answer

    def text_of_log(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def wait_log(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.text_of_log():
            if time.monotonic() > end:
                raise AssertionError("no %r in:\n%s" % (text, self.text_of_log()))
            time.sleep(0.02)

    def remove(self):
        for c in self.clients:
            c.close()
        for p in self.children:
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Authd:
    """Answers `session' for known passwords and hands the connection on."""

    def __init__(self, place, passwords):
        self.place = place
        self.passwords = passwords
        self.asked = []
        self.usage = []
        self.verdict = None
        self.path = place.dir + "/run/authd/authd.sock"
        self.server = None
        self.quota = (0, 0)
        self.tag = b""
        self.acceptor = harness.Acceptor(harness.unix_listener(self.path), self.talk)

    def start_server(self, name="pop3-session"):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = self.place.start([self.place.copy(name), "-S", "-c",
                                         self.place.conf], theirs,
                                        **self.place.privileges())
        theirs.close()
        self.server = ours

    def hand(self, user, ip, ahead, fd):
        packet = ("merpati 1 handed 1\nuser %s\nhome %s\nip %s\ntag %s\nquota-octets %d\n"
                  "quota-count %d\nahead %s\n"
                  % (xencode(user), xencode(self.place.home(user.split(b"@")[0].decode()).encode()),
                     ip, xencode(self.tag), self.quota[0], self.quota[1], xencode(ahead)))
        socket.send_fds(self.server, [packet.encode()], [fd])

    def answer(self, data, fds):
        lines = data.decode().splitlines()
        verb, number = lines[0].split()[2:4]
        fields = dict(x.partition(" ")[::2] for x in lines[1:])
        if verb == "usage":
            self.usage.append((fields["octets"], fields["count"]))
            return "merpati 1 ok %s\n" % number
        user, password = xdecode(fields["user"]), xdecode(fields["secret"])
        self.asked.append((user, password, fields["service"], fields["ip"],
                           xdecode(fields["ahead"])))
        self.tag = xdecode(fields["tag"])
        verdict = self.verdict
        if verdict is None:
            verdict = "ok" if self.passwords.get(user) == password else "bad"
        if verdict == "ok":
            self.hand(user, fields["ip"], xdecode(fields["ahead"]), fds[0])
        return "merpati 1 verdict %s\nverdict %s\nuser %s\nsignature \npass \n" % (
            number, verdict, fields["user"] if verdict == "ok" else "")

    def talk(self, conn):
        with conn:
            while True:
                data, fds, _, _ = socket.recv_fds(conn, 40000, 4)
                if not data:
                    return
                answer = self.answer(data, fds)
                for fd in fds:
                    os.close(fd)
                conn.sendall(answer.encode())

    def close(self):
        self.acceptor.close()
        if self.server:
            self.server.close()
