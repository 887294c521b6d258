"""Merpati beside Postfix and Dovecot, in one run, alternating.

    tests/bench/run [letters|pop3|memory|remote|deferred|resolver|imap|authd]...
        [--rounds N] [--scale F]

As root it makes an ext4 image with a journal, mounts it by a loop device and
puts every spool and mailbox there.  CPU is utime + stime of a peer's whole
process tree, reaped children included; ratios are ours / theirs, medians of
the rounds.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from instance import Instance, cpu_seconds, wait_for  # noqa: E402
from memory import growth  # noqa: E402
from peers import HASH, PASSWORD, USER, Dovecot, Postfix  # noqa: E402
from questions import bench_authd, bench_resolver  # noqa: E402, F401
from report import compare, header, largest_processes  # noqa: E402
from imap import bench_imap  # noqa: E402, F401
from remote import bench_deferred, bench_remote  # noqa: E402, F401
from tls import bench_tls  # noqa: E402, F401

SIZE = 4096


class Ground:
    """The journalled image."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mpbench")
        os.chmod(self.dir, 0o755)
        img, self.path = self.dir + "/image", self.dir + "/m"
        with open(img, "wb") as f:
            f.truncate(4 << 30)
        # Inodes enough for 400,000 files.
        subprocess.run(["mkfs.ext4", "-q", "-F", "-i", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", img], check=True)
        os.mkdir(self.path)
        subprocess.run(["mount", "-o", "loop", img, self.path], check=True)
        what = subprocess.run(["findmnt", "-n", "-o", "FSTYPE,OPTIONS", "--target", self.path],
                              capture_output=True, text=True).stdout.strip()
        print("ground: %s, a loop image with a journal; %d processors" % (what, os.cpu_count()))

    def close(self):
        subprocess.run(["umount", "-l", self.path])
        shutil.rmtree(self.dir, ignore_errors=True)


class Merpati(Instance):
    def __init__(self, ground, plain=True):
        users = "" if plain else "%s:%s::::::\n" % (USER, HASH)
        super().__init__(users=("alice", "bob") if plain else ("alice",), parent=ground, extra_users=users,
                         config={"smtpd": {"max-connections": "1200"}})

    def pid_root(self):
        return self.svscan.pid

    def smtp_port(self):
        return self.port(25)

    def pop_port(self):
        return self.port(110)

    def new(self):
        return self.maildir("bob") + "/new"


# --- units of work ---------------------------------------------------------

def count(d):
    try:
        return sum(1 for _ in os.scandir(d))
    except FileNotFoundError:
        return 0


def empty(d):
    if os.path.isdir(d):
        for e in os.scandir(d):
            os.unlink(e.path)


def send(peer, sessions, each, total):
    """Letters over connections that carry `each` of them; (cpu, wall) per letter."""
    empty(peer.new())
    os.sync()
    before, began = cpu_seconds(peer.pid_root()), time.monotonic()
    sent = 0
    while sent < total:
        # With -d a session carries all its letters; without, one each.
        n = total if each == 1 else sessions * each
        # Python's own time-out looks every 50 ms whether it is over.
        subprocess.run(["timeout", "300", "smtp-source", "-s", str(sessions), "-l", str(SIZE), "-f",
                        "alice@example.test", "-t", USER, "-m", str(n)] + ([] if each == 1 else ["-d"])
                       + ["127.0.0.1:%d" % peer.smtp_port()], check=True)
        sent += n
    wait_for(lambda: count(peer.new()) >= sent, 300, 0.005)
    wall = time.monotonic() - began
    time.sleep(0.3)         # what is logged and removed behind
    return (cpu_seconds(peer.pid_root()) - before) / sent, wall / sent


class Pop:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 60)
        self.f = self.s.makefile("rb", 1 << 16)
        self.line()

    def line(self):
        got = self.f.readline()
        if not got.startswith(b"+OK"):
            raise RuntimeError("POP3: %r" % got)
        return got

    def ask(self, command):
        self.s.sendall(command + b"\r\n")
        return self.line()

    def login(self):
        self.ask(b"USER " + USER.encode())
        self.ask(b"PASS " + PASSWORD.encode())
        return self

    def quit(self):
        self.ask(b"QUIT")
        self.f.close()
        self.s.close()


def logins(peer, n):
    Pop(peer.pop_port()).login().quit()
    before, began = cpu_seconds(peer.pid_root()), time.monotonic()
    for _ in range(n):
        Pop(peer.pop_port()).login().quit()
    wall = time.monotonic() - began
    time.sleep(0.3)
    return (cpu_seconds(peer.pid_root()) - before) / n, wall / n


def retrieve(peer, n, times):
    octets = 0
    before, began = cpu_seconds(peer.pid_root()), time.monotonic()
    for _ in range(times):
        p = Pop(peer.pop_port()).login()
        for k in range(1, n + 1):
            p.ask(b"RETR %d" % k)
            while True:
                line = p.f.readline()
                if line == b".\r\n":
                    break
                octets += len(line)
        p.quit()
    wall = time.monotonic() - began
    time.sleep(0.3)
    if octets < n * times * SIZE // 2:
        raise RuntimeError("only %d octets" % octets)
    return (cpu_seconds(peer.pid_root()) - before) / times, wall / times


def idle_memory(peer, n):
    """KiB a connection that said EHLO and then nothing."""
    def idle():
        s = socket.create_connection(("127.0.0.1", peer.smtp_port()), 60)
        s.recv(500)
        s.sendall(b"EHLO idle.test\r\n")
        s.recv(1000)
        return s

    return growth(peer.pid_root(), n, idle, socket.socket.close, (2,))[0]


# --- the parts ---------------------------------------------------------------

def bench_letters(ground, rounds, scale):
    with Merpati(ground) as m, Postfix(ground) as p:
        header("Postfix", "a letter of 4 KiB, SMTP to Maildir")
        send(m, 1, 1, 50)
        send(p, 1, 1, 50)
        for sessions, each, total in ((1, 1, 2000), (1, 100, 2000), (20, 1, 2000), (20, 100, 2000)):
            total = max(int(total * scale), sessions * each)
            rows = [(send(m, sessions, each, total), send(p, sessions, each, total)) for _ in range(rounds)]
            compare("%d connection%s, %d letter%s each" % (sessions, "s" * (sessions > 1), each, "s" * (each > 1)),
                    *zip(*rows))


def bench_pop3(ground, rounds, scale):
    for plain in (True, False):
        n = 1000 if plain else 1
        with Merpati(ground, plain) as m:
            text = "Subject: bench\r\n\r\n" + ("x" * 70 + "\r\n") * (SIZE // 72)
            with m.smtp() as s:
                for _ in range(n):
                    s.sendmail("alice@example.test", [USER], text)
            wait_for(lambda: len(m.deliveries("bob")) >= n, 120)
            with Dovecot(ground, m.maildir("bob"), plain) as d:
                header("Dovecot", "POP3, " + ("{PLAIN}" if plain else "{SHA512-CRYPT}"))
                k = int((200 if plain else 100) * scale)
                rows = [(logins(m, k), logins(d, k)) for _ in range(rounds)]
                compare("login and QUIT, mailbox of %d" % n, *zip(*rows))
                if plain:
                    retrieve(m, n, 1)
                    retrieve(d, n, 1)
                    rows = [(retrieve(m, n, 2), retrieve(d, n, 2)) for _ in range(rounds)]
                    compare("RETR of 1,000 letters", *zip(*rows))


def bench_memory(ground, rounds, scale):
    n = int(1000 * min(scale, 1))
    ours = []
    for turn in range(rounds):
        # A fresh instance each time: processes of the pool outlive their clients.
        with Merpati(ground) as m:
            ours.append(idle_memory(m, n))
            if turn == rounds - 1:
                print("\nidle SMTP connection, %d of them: %.0f KiB each (rounds: %s)"
                      % (n, statistics.median(ours), " ".join("%.0f" % x for x in ours)))
                largest_processes(m)
    with Postfix(ground) as p:
        print("Postfix for scale, 90 of them: %.0f KiB each" % idle_memory(p, 90))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("what", nargs="*", default=[])
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--scale", type=float, default=1)
    args = a.parse_args()
    ground = Ground()
    try:
        for name in args.what or ("letters", "pop3", "memory", "remote", "deferred", "resolver", "authd", "imap", "tls"):
            globals()["bench_" + name](ground.path, args.rounds, args.scale)
    finally:
        ground.close()


if __name__ == "__main__":
    main()
