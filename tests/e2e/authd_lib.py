"""What the authd_*.py tests share: authd and spawner of an instance, with
servers that only say who they are, and connections to them as some uid."""

import array
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from harness import (PATIENCE, ROOT, out, replace_file, sanitizer_options,
                     start_ready, until, xdecode, xencode)

OTHER_UID = 22001           # the second mailbox uid; needs no account

# What stands in for deliver and the session servers.
SERVER = r'''#!%s -IS
import array, os, socket, sys
s = socket.socket(fileno=0)
def who(given=()):
    return "uid=%%d gid=%%d groups=%%s pid=%%d argv=%%s env=%%s fds=%%s" %% (
        os.getuid(), os.getgid(), os.getgroups(), os.getpid(), sys.argv[1:],
        sorted(k for k in os.environ if not k.startswith("LC_")),
        [f for f in range(3, 100) if f not in given and os.path.exists("/proc/self/fd/%%d" %% f)
         and "seq" not in os.readlink("/proc/self/fd/%%d" %% f)
         and "/proc" not in os.readlink("/proc/self/fd/%%d" %% f)])
while True:
    data, anc, flags, _ = s.recvmsg(65536, 64)
    if not data:
        sys.exit(0)
    fds = array.array("i")
    for _, _, raw in anc:
        fds.frombytes(raw)
    if fds:
        os.write(fds[0], data + who(fds).encode() + b"\n")
        os.close(fds[0])
    else:
        s.send(who().encode())
''' % ("/usr/bin/python3" if os.path.exists("/usr/bin/python3")
       else sys.executable)    # one that other uids may execute


def packet(verb, ident, *fields):
    text = b"merpati 1 %s %d\n" % (verb.encode(), ident)
    for key, value in fields:
        if isinstance(value, int):
            value = b"%d" % value
        elif isinstance(value, str):
            value = xencode(value).encode()
        text += key.encode() + b" " + value + b"\n"
    return text


def proof(user, secret, service="pop3", ip="192.0.2.1", method="password"):
    """The fields of check, and the first ones of session."""
    return (("method", method.encode()), ("user", user), ("secret", secret),
            ("service", service.encode()), ("ip", ip.encode()))


class Peer:
    """One connection, as some uid."""

    def __init__(self, path, uid=None):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(PATIENCE)
        self.ident = 0
        if ROOT and uid is not None:
            os.seteuid(uid)
        try:
            self.sock.connect(path)
        finally:
            if ROOT:
                os.seteuid(0)

    def send(self, verb, *fields, fds=()):
        self.ident += 1
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                array.array("i", fds))] if fds else []
        self.sock.sendmsg([packet(verb, self.ident, *fields)], anc)

    def receive(self):
        data, anc, _, _ = self.sock.recvmsg(65536, 64)
        fds = array.array("i")
        for _, _, raw in anc:
            fds.frombytes(raw)
        if not data:
            return None
        head, *lines = data.decode().split("\n")[:-1]
        _, _, verb, ident = head.split(" ")
        answer = {"verb": verb, "id": int(ident), "fds": list(fds)}
        for line in lines:
            key, value = line.split(" ", 1)
            answer[key] = xdecode(value).decode()
        return answer

    def ask(self, verb, *fields, fds=()):
        self.send(verb, *fields, fds=fds)
        answer = self.receive()
        if answer is not None:
            assert answer["id"] == self.ident, answer
        return answer

    def refused(self, verb, *fields, fds=()):
        """True when the question closes the connection."""
        try:
            return self.ask(verb, *fields, fds=fds) is None
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()

    __del__ = close


def account(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home",
                        "--shell", "/usr/sbin/nologin", "-U", name],
                       check=True)
        return pwd.getpwnam(name)


def crypted(password, salt=None):
    return subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"] + (
            ["-salt", salt] if salt else []), input=password.encode(),
        stdout=subprocess.PIPE, check=True).stdout.decode().strip()


class Suite:
    """authd and spawner of an instance in a temporary directory."""

    def __init__(self, users, aliases="", extra="", more=""):
        self.dir = tempfile.mkdtemp(prefix="merpati-auth.")
        os.chmod(self.dir, 0o755)
        self.procs = {}
        for d in ("etc", "run", "run/authd", "run/spawner", "libexec",
                  "mail", "state"):
            os.mkdir(self.path(d), 0o755)
            os.chmod(self.path(d), 0o755)
        self.auth_uid = os.getuid()
        self.mail_uid = os.getuid()
        if ROOT:
            self.auth_uid = account("merpati-auth").pw_uid
            self.mail_uid = account("merpati-mail").pw_uid
            for n in ("smtpd", "queue", "pop3d", "imapd"):
                account("merpati-" + n)
            os.chown(self.path("run/authd"), self.auth_uid, -1)
            os.chown(self.path("state"), self.auth_uid, -1)
            os.chmod(self.path("mail"), 0o711)
        for n in ("deliver", "pop3-session", "imap-session"):
            with open(self.path("libexec/" + n), "w") as f:
                f.write(SERVER)
            os.chmod(self.path("libexec/" + n), 0o755)
        self.write("users", users)
        self.write("aliases", aliases)
        self.write("relays", "x@relay.example\n")
        with open(self.path("etc/merpati.conf"), "w") as f:
            f.write("""
hostname = "mail.example.org"
domains = { "example.org", "example.net" }
relay-domains = { "relay.example" }
relay-recipients = "%(d)s/etc/relays"
postmaster = "alice@example.org"
spool-dir = "%(d)s/spool"
run-dir = "%(d)s/run"
mail-home = "%(d)s/mail/%%d/%%n"
users-file = "%(d)s/etc/users"
app-passwords-file = "%(d)s/etc/app-passwords"
aliases-file = "%(d)s/etc/aliases"
libexec-dir = "%(d)s/libexec"
log-level = "debug"
authd { hashers = 2 cache = 60 state = "%(d)s/state/authd" }
spawner { min-uid = 100 %(x)s }
%(more)s
""" % {"d": self.dir, "x": extra, "more": more})

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        """As mailctl does it: a new file in the place of the old."""
        replace_file(self.path("etc/" + name), text.encode(), 0o640,
                     (0, pwd.getpwuid(self.auth_uid).pw_gid) if ROOT else None)

    def start(self, name, **args):
        if ROOT and name == "authd":
            pw = pwd.getpwuid(self.auth_uid)
            args.update(user=pw.pw_uid, group=pw.pw_gid, extra_groups=[])
        self.procs[name], ready = start_ready(
            [out(name), "-c", self.path("etc/merpati.conf")],
            self.path(name + ".log"), sanitizer_options(), cwd="/", **args)
        if not ready:
            raise RuntimeError("%s not ready:\n%s" % (name, self.log(name)))
        return self.procs[name]

    def stop(self, name, sig=signal.SIGTERM):
        p = self.procs.pop(name, None)
        if p is None:
            return None
        p.send_signal(sig)
        return p.wait(PATIENCE)

    def log(self, name):
        with open(self.path(name + ".log")) as f:
            return f.read()

    def wait_log(self, name, text):
        until(lambda: text in self.log(name),
              what=lambda: "%s in:\n%s" % (text, self.log(name)))

    def authd(self, service=None):
        uid = None
        if ROOT and service is not None:
            uid = service if isinstance(service, int) else \
                account(service).pw_uid
        return Peer(self.path("run/authd/authd.sock"), uid)

    def spawner(self, uid=None):
        return Peer(self.path("run/spawner/spawner.sock"),
                    self.auth_uid if uid is None else uid)

    def remove(self):
        for name in list(self.procs):
            self.stop(name)
        shutil.rmtree(self.dir)


class WithSuite(unittest.TestCase):
    users = ""
    aliases = ""

    @classmethod
    def setUpClass(cls):
        cls.suite = Suite(cls.users, cls.aliases)
        cls.addClassCleanup(cls.suite.remove)
        cls.suite.start("spawner")
        cls.suite.start("authd")

    def lookup(self, address, peer=None):
        p = peer or self.suite.authd("merpati-smtpd")
        a = p.ask("lookup", ("address", address))
        if peer is None:
            p.close()
        return a

    def check(self, user, password, service="pop3", ip="192.0.2.1",
              peer=None):
        p = peer or self.suite.authd("merpati-pop3d")
        a = p.ask("check", *proof(user, password, service, ip))
        if peer is None:
            p.close()
        return a["verdict"]


def many_users(n):
    # A home that is there: no question to spawner.
    line = ":%s::::/::quota=1G\n" % crypted("x")
    return Suite("".join("user%d@example.org%s" % (k, line)
                         for k in range(n)))


def loading(suite):
    """The milliseconds of each time that the tables were read."""
    return [int(ms) for ms in re.findall(
        r"event=tables-loaded .*ms=(\d+)", suite.log("authd"))]
