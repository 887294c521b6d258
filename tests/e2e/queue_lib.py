"""What the queue_*.py tests share: a queue-runner with a spool of its own, an
authd made of a table, and workers that do what the test tells them."""

import email
import os
import random
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

import harness
from harness import (NOBODY, PATIENCE, as_user, memory_directory, out,
                     sanitizer_options, start_ready, until, xencode)

RUNNER = out("queue-runner")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(when=None):
    number = int(time.time() if when is None else when)
    front = ""
    for _ in range(7):
        front = ALPHABET[number & 31] + front
        number >>= 5
    return front + "".join(random.choice(ALPHABET) for _ in range(13))


def xdecode(text):
    return harness.xdecode(text).decode("utf-8", "surrogateescape")


def envelope(sender, rcpts, content, arrived=None, extra=()):
    """A spool file.  rcpts: "address" or "address notify=... orcpt=..."."""
    arrived = time.time() if arrived is None else arrived
    lines = ["merpati 1", "block %d", "size %d" % len(content), "head 0",
             "arrived %.6f" % arrived, "from " + xencode(sender)]
    lines += list(extra)
    lines.append("rcpts %d" % len(rcpts))
    lines += ["rcpt " + r for r in rcpts] + ["end", ""]
    text = "\n".join(lines)
    block = (len(text) + 8 + 4095) // 4096 * 4096
    head = (text % block).encode()
    return head + b"\n" * (block - len(head)) + content


LETTER = (b"From: Alice <alice@example.test>\r\nTo: bob@example.test\r\n"
          b"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\nHello.\r\n")


class Packets:
    """A SEQPACKET socket whose packets go to self.packet(conn, ...)."""

    def fields(self, packet):
        lines = packet.decode("utf-8", "surrogateescape").split("\n")
        verb, number = lines[0].split(" ")[2:4]
        return verb, number, dict(
            line.split(" ", 1) for line in lines[1:] if line)


class Authd(Packets):
    def __init__(self, world, path):
        self.world, self.path = world, path
        self.asked = []
        self.acceptor = harness.Acceptor(harness.unix_listener(path), self.serve)

    def serve(self, conn):
        while True:
            try:
                packet = conn.recv(65536)
                if not packet:
                    return
                verb, number, f = self.fields(packet)
                if verb == "deliver":
                    self.worker(conn, number)
                elif verb == "lookup":
                    self.lookup(conn, number, xdecode(f["address"]))
                else:
                    self.expand(conn, number, xdecode(f["address"]))
            except OSError:
                return

    def lookup(self, conn, number, address):
        self.asked.append(address)
        mailbox = address.startswith("\\")
        address = address.lstrip("\\")
        kind, user = "unknown", ""
        if address.startswith(("temp", "broken")):
            kind = "temp" if address.startswith("temp") else "broken"
        elif address in self.world.aliases and not mailbox:
            kind = "alias"
        elif address in self.world.users:
            kind, user = "user", address
        elif not address.endswith("@example.test"):
            kind = "remote"
        conn.sendall(("merpati 1 found %s\nkind %s\nfull 0\nuser %s\nuid %d\n"
                      "gid 1\nhome /nowhere\nquota-octets 0\nquota-count 0\n"
                      % (number, kind, xencode(user),
                         self.world.users.get(address, 0))).encode())

    def expand(self, conn, number, address):
        results = self.world.aliases.get(address)
        if not isinstance(results, list):
            conn.sendall(("merpati 1 expanded %s\nstatus %s\n" %
                          (number, results or "none")).encode())
            return
        fd = os.memfd_create("expanded")
        for r in results:
            a, owner = r if isinstance(r, tuple) else (r, "")
            os.write(fd, ("%s %s %s\n" % (xencode(a), xencode(owner) or "-",
                                          "-")).encode())
        os.lseek(fd, 0, os.SEEK_SET)
        socket.send_fds(conn, [("merpati 1 expanded %s\nstatus ok\n" %
                                number).encode()], [fd])
        os.close(fd)

    def worker(self, conn, number):
        if not self.world.workers_on:
            conn.sendall(("merpati 1 worker %s\nstatus later\n" %
                          number).encode())
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        Worker(self.world, ours).start()
        socket.send_fds(conn, [("merpati 1 worker %s\nstatus ok\n" %
                                number).encode()], [theirs.fileno()])
        theirs.close()

    def close(self):
        self.acceptor.close(cut=True)


class Worker(Packets, threading.Thread):
    """Answers each job with what world.verdict(job) says: (verdict, code,
    text), "die" or "hang"."""

    def __init__(self, world, sock):
        super().__init__(daemon=True)
        self.world, self.sock = world, sock

    def run(self):
        self.world.started += 1
        with self.sock:
            while True:
                try:
                    packet, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
                except OSError:
                    return
                if not packet:
                    return
                _, number, job = self.fields(packet)
                job = {k: xdecode(v) for k, v in job.items()}
                job["content"] = os.pread(fds[0], int(job["len"]),
                                          int(job["offset"]))
                for fd in fds:
                    os.close(fd)
                verdict = self.world.verdict(job)
                self.world.jobs.append(job)
                if verdict == "die":
                    return
                if verdict == "hang":
                    time.sleep(60)
                    return
                if verdict[0] == "ok":
                    self.world.delivered.append(job)
                try:
                    self.sock.sendall((
                        "merpati 1 result %s\nid %s\nnumber %s\nverdict %s\n"
                        "code %s\ntext %s\n" % (number, job["id"],
                                                job["number"], verdict[0],
                                                verdict[1],
                                                xencode(verdict[2]))
                    ).encode())
                except OSError:
                    return


OK = ("ok", "2.0.0", "delivered")
TEMP = ("temp", "4.3.0", "not today")
PERM = ("perm", "5.7.1", "not wanted")


class World:
    """A spool, an authd, workers and a queue-runner.  Clocks in seconds."""

    def __init__(self, queue="retry = 1s\nwarn-after = 3s\nexpire = 6s",
                 top="", authd=True, start=True, on_disk=False):
        self.dir = tempfile.mkdtemp(prefix="merpati.", dir=os.environ.get(
            "MERPATI_WORK"))
        # Those who look for crashes of the machine are the suite_*.py.
        self.spool = os.path.join(self.dir, "spool") if on_disk else \
            memory_directory("merpati-spool.")
        self.run = os.path.join(self.dir, "run")
        for d in ["tmp", "new", "hold", "queue"] + [
                "queue/" + a + b for a in ALPHABET for b in ALPHABET]:
            os.makedirs(os.path.join(self.spool, d))
        os.makedirs(os.path.join(self.run, "authd"))
        os.makedirs(os.path.join(self.run, "queue"))
        os.mkfifo(os.path.join(self.spool, "trigger"))
        self.conf = os.path.join(self.dir, "merpati.conf")
        with open(self.conf, "w") as f:
            f.write('hostname = "mail.example.test"\n'
                    'domains = { "example.test" }\n'
                    'postmaster = "postmaster@example.test"\n'
                    'spool-dir = "%s"\nrun-dir = "%s"\n'
                    'mail-home = "%s/mail/%%d/%%n"\n%s\nqueue {\n%s\n}\n' %
                    (self.spool, self.run, self.dir, top, queue))
        self.users = {"bob@example.test": 1, "alice@example.test": 1,
                      "carol@example.test": 2, "postmaster@example.test": 1}
        self.aliases = {}
        self.verdict = lambda job: OK
        self.workers_on = True
        self.jobs, self.delivered, self.started = [], [], 0
        self.process = None
        self.logname = os.path.join(self.dir, "log")
        self.own()
        self.authd = None
        if authd:
            self.authd_start()
        if start:
            self.start()

    def own(self):
        if os.getuid() != 0:
            return
        for top in (self.dir, self.spool):
            os.chmod(top, 0o755)
            for path, _, files in os.walk(top):
                for name in [path] + [os.path.join(path, f) for f in files]:
                    os.chown(name, NOBODY, NOBODY)

    def authd_start(self):
        self.authd = Authd(self, os.path.join(self.run, "authd",
                                              "authd.sock"))

    def authd_stop(self):
        self.authd.close()
        self.authd = None

    def start(self):
        self.process, ready = start_ready(
            [RUNNER, "-c", self.conf], self.logname, sanitizer_options(),
            **as_user())
        if not ready:
            self.process.wait(PATIENCE)
            self.process = None
            raise AssertionError("it did not start:\n" + self.log())

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def restart(self, sig=signal.SIGKILL):
        self.kill(sig)
        self.start()

    def log(self):
        with open(self.logname, errors="replace") as f:
            return f.read()

    def events(self, event, **keys):
        found = []
        for line in self.log().splitlines():
            if "event=%s " % event in line + " " and all(
                    " %s=%s " % (k, v) in line + " "
                    for k, v in keys.items()):
                found.append(line)
        return found

    def put(self, sender, rcpts, content=LETTER, ring=True, where="new",
            when=None, **keys):
        """Write a message as smtpd does; its id."""
        ident = new_id(when)
        if isinstance(rcpts, str):
            rcpts = [rcpts]
        tmp = os.path.join(self.spool, "tmp", ident)
        with open(tmp, "wb") as f:
            f.write(envelope(sender, rcpts, content, arrived=when, **keys))
        if os.getuid() == 0:
            os.chown(tmp, NOBODY, NOBODY)
        if where == "queue":
            where = "queue/" + ident[-2:]
        os.rename(tmp, os.path.join(self.spool, where, ident))
        if ring:
            self.ring(ident)
        return ident

    def ring(self, ident):
        try:
            fd = os.open(os.path.join(self.spool, "trigger"),
                         os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return
        os.write(fd, ident.encode() + b"\n")
        os.close(fd)

    def path(self, ident, suffix=""):
        """Where the message is, or None."""
        for d in ("new", "queue/" + ident[-2:], "hold"):
            p = os.path.join(self.spool, d, ident + suffix)
            if os.path.exists(p):
                return p
        return None

    def left(self):
        """Every message in the spool, by name relative to it."""
        out = []
        for d in ("new", "queue", "hold"):
            for path, _, files in os.walk(os.path.join(self.spool, d)):
                out += [os.path.relpath(os.path.join(path, f), self.spool)
                        for f in files if f != "poison"]
        return sorted(out)

    def gone(self, ident, patience=PATIENCE):
        until(lambda: self.path(ident) is None, patience,
              lambda: "%s to go\n%s" % (ident, self.log()))

    def gone_at_once(self, ident):
        """Gone, and not after a wait for another try."""
        self.gone(ident)
        deferred = self.events("deferred", id=ident)
        assert not deferred, deferred

    def state(self, ident):
        with open(self.path(ident, ".s")) as f:
            return f.read()

    def letters(self, ident):
        return "".join(line[0] for line in self.state(ident).splitlines()
                       if len(line) > 6 and line[1] == " " and
                       line[2:6].isdigit())

    def reports(self, to=None):
        """The reports delivered so far, parsed."""
        return [email.message_from_bytes(j["content"])
                for j in self.delivered if j["sender"] == "" and
                (to is None or j["recipient"] == to)]

    def ask(self, verb, fields="", fds=(), sock=None):
        """One question on the control socket: answer verb, fields, fds."""
        s = sock or socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        if sock is None:
            s.connect(os.path.join(self.run, "queue", "control.sock"))
        socket.send_fds(s, [("merpati 1 %s 7\n%s" % (verb, fields)).encode()],
                        list(fds))
        packet, got, _, _ = socket.recv_fds(s, 65536, 4)
        if sock is None:
            s.close()
        lines = packet.decode().split("\n")
        return (lines[0].split(" ")[2],
                dict(x.split(" ", 1) for x in lines[1:] if x), got)

    def select(self, verb, by, value, more=""):
        return self.ask(verb, "by %s\nvalue %s\n%s" % (by, xencode(value),
                                                       more))

    def listing(self, by="all", value=""):
        r, w = os.pipe()
        verb, fields, _ = self.ask("list", "by %s\nvalue %s\n" %
                                   (by, xencode(value)), [w])
        os.close(w)
        assert verb == "done", (verb, fields)
        with open(r) as f:
            lines = f.read().splitlines()
        assert lines and lines[-1] == "end %d" % (len(lines) - 1), lines[-1:]
        return [dict(p.split("=", 1) for p in line.split(" "))
                for line in lines[:-1]]

    def status(self):
        return {k: int(v) for k, v in self.ask("status")[1].items()}

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.authd:
            self.authd.close()
        for top in (self.dir, self.spool):
            shutil.rmtree(top, ignore_errors=True)


def status_of(report, part=None):
    """The fields of a report's recipients (RFC 3464), one dict each."""
    for p in report.walk():
        if p.get_content_type() in ("message/delivery-status",
                                    "message/global-delivery-status"):
            return [dict(b.items()) for b in p.get_payload()[1:]]
    raise AssertionError("no delivery-status in the report")


class Case(unittest.TestCase):
    world_class = World
    world_keys = {}

    def setUp(self):
        self.w = self.world_class(**self.world_keys)
        self.addCleanup(self.w.close)
        self.addCleanup(self.show_log)

    def run(self, result=None):
        self.result = result
        self.before = len(result.failures) + len(result.errors)
        return super().run(result)

    def show_log(self):
        # A test that was skipped has none.
        log = self.w.log() if os.path.exists(self.w.logname) else ""
        if len(self.result.failures) + len(self.result.errors) > self.before:
            print("--- log of", self.id(), "\n" + log[-6000:])
        if "AddressSanitizer" in log or "runtime error:" in log:
            self.fail(log[-6000:])
