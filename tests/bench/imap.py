"""imapd beside Dovecot: the same letters, the same commands, alternating."""

import glob
import os
import pwd
import random
import shutil
import socket
import statistics
import threading
import time

from instance import Instance, cpu_seconds, process_tree
from mailbox import fill, letter, words
from memory import growth
from peers import PASSWORD, USER, Dovecot


class Imap:
    """A client that reads as fast as Python can and looks at little."""

    def __init__(self, port, tls=None, session=None):
        self.s = socket.create_connection(("127.0.0.1", port), 120)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.s = tls.wrap_socket(self.s, session=session)
        self.n = 0
        self.rest = b""
        self.until(lambda data: data.endswith(b"\r\n"))

    def until(self, done):
        data = self.rest
        while not done(data):
            got = self.s.recv(1 << 20)
            if not got:
                raise RuntimeError("closed: %r" % data[-300:])
            data += got
        return data

    def ask(self, command, ok=True, keep=100000):
        """Send it and read to the tagged response; the first and last octets."""
        self.n += 1
        tag = b"b%d" % self.n
        self.s.sendall(tag + b" " + command + b"\r\n")
        tail, head, octets = b"", b"", 0
        while True:
            got = self.s.recv(1 << 20)
            if not got:
                raise RuntimeError("closed after %r: %r" % (command[:80], tail[-300:]))
            octets += len(got)
            if len(head) < keep:
                head += got
            tail = (tail + got)[-2000:]
            if tail.endswith(b"\r\n"):
                last = tail[:-2].rpartition(b"\r\n")[2]
                if last.startswith(tag + b" "):
                    break
        if ok and not last.startswith(tag + b" OK"):
            raise RuntimeError("%r: %r" % (command[:80], last))
        self.octets = octets
        return head

    def append(self, box, octets):
        self.n += 1
        self.s.sendall(b"b%d APPEND %s {%d+}\r\n%s\r\n" % (self.n, box, len(octets), octets))
        self.until(lambda data: b"b%d " % self.n in data and data.endswith(b"\r\n"))

    def login(self):
        self.ask(b"LOGIN %s %s" % (USER.encode(), PASSWORD.encode()))
        return self

    def logout(self):
        self.s.sendall(b"z LOGOUT\r\n")
        while self.s.recv(4096):
            pass
        self.s.close()


def run_seconds(root):
    """Time on a processor of those that live, in seconds, to the nanosecond."""
    total = 0
    for pid in process_tree(root):
        try:
            with open("/proc/%d/schedstat" % pid) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


class Ours(Instance):
    name = "Merpati"

    def __init__(self, ground, user_connections=10):
        super().__init__(users=("alice",), parent=ground, extra_users="%s:{PLAIN}%s::::::\n" % (USER, PASSWORD),
                         config={"imapd": {"max-connections": "1300", "max-connections-per-user": str(user_connections)}})

    def pid_root(self):
        return self.svscan.pid

    def imap_port(self, tls=False):
        return self.port(993 if tls else 143)

    def forget(self):
        """No index, as after a restored backup."""
        home = os.path.dirname(self.maildir("bob"))
        shutil.rmtree(home + "/index", ignore_errors=True)

    def mail(self):
        return self.maildir("bob")


class Theirs(Dovecot):
    name = "Dovecot"

    def pid_root(self):
        return self.process.pid

    def imap_port(self, tls=False):
        return self.base + (993 if tls else 143)

    def forget(self):
        for f in glob.glob(self.dir + "/home/Maildir/**/dovecot.index*", recursive=True) + \
                glob.glob(self.dir + "/home/Maildir/**/.*/dovecot.index*", recursive=True):
            os.unlink(f)

    def mail(self):
        return self.dir + "/home/Maildir"


# --- measuring -----------------------------------------------------------------

def cost(peer, client, command):
    """(cpu, wall) of one command of a session that lives on."""
    client.ask(b"NOOP")
    before, began = run_seconds(peer.pid_root()), time.monotonic()
    client.ask(command)
    wall = time.monotonic() - began
    return run_seconds(peer.pid_root()) - before, wall


class Table:
    def __init__(self, rounds, what="IMAP", other="Dovecot"):
        self.rounds = rounds
        print("\n| %-46s | ms CPU  | %-7s | ratio | ms      | %-7s | ratio |"
              % ("%s, medians of %d" % (what, rounds), other, other))
        print("| %s | ------- | ------- | ----- | ------- | ------- | ----- |" % ("-" * 46))

    def row(self, title, ours, theirs):
        a, b = ([statistics.median(x[k] for x in side) for k in (0, 1)] for side in (ours, theirs))
        print("| %-46s | %7.2f | %7.2f | %5.2f | %7.2f | %7.2f | %5.2f |"
              % (title, a[0] * 1e3, b[0] * 1e3, a[0] / b[0], a[1] * 1e3, b[1] * 1e3, a[1] / b[1]), flush=True)

    def compare(self, title, peers, fn):
        got = [[], []]
        for _ in range(self.rounds):
            for k, peer in enumerate(peers):
                got[k].append(fn(peer))
        self.row(title, *got)


def logins(n):
    def run(peer):
        Imap(peer.imap_port()).login().logout()
        before, began = cpu_seconds(peer.pid_root()), time.monotonic()
        for _ in range(n):
            Imap(peer.imap_port()).login().logout()
        wall = time.monotonic() - began
        time.sleep(0.3)
        return (cpu_seconds(peer.pid_root()) - before) / n, wall / n
    return run


def in_session(command, before=(b"SELECT INBOX",), cold=False, after=(), times=1, wait=0):
    """The command's cost; before and after, in the same session, are not counted."""
    def run(peer):
        if cold:
            peer.forget()
        time.sleep(wait)
        c = Imap(peer.imap_port()).login()
        for x in before:
            c.ask(x)
        total = [0, 0]
        for _ in range(times):
            got = cost(peer, c, command)
            total = [total[0] + got[0], total[1] + got[1]]
        for x in after:
            c.ask(x)
        c.logout()
        return total[0] / times, total[1] / times
    return run


def fresh_folder(name):
    return (b"CREATE " + name, b"SELECT INBOX")


def drop_folder(name):
    return (b"UNSELECT", b"DELETE " + name)


def moves(peer):
    """10,000 out of a folder into another, by a fresh copy."""
    c = Imap(peer.imap_port()).login()
    for x in (b"CREATE from", b"CREATE to", b"SELECT INBOX", b"COPY 1:* from", b"SELECT from"):
        c.ask(x)
    got = cost(peer, c, b"MOVE 1:* to")
    for x in (b"UNSELECT", b"DELETE from", b"DELETE to"):
        c.ask(x)
    c.logout()
    return got


def expunges(peer):
    c = Imap(peer.imap_port()).login()
    for x in (b"CREATE gone", b"SELECT INBOX", b"COPY 1:* gone", b"SELECT gone", b"STORE 1:* +FLAGS.SILENT (\\Deleted)"):
        c.ask(x)
    got = cost(peer, c, b"EXPUNGE")
    for x in (b"UNSELECT", b"DELETE gone"):
        c.ask(x)
    c.logout()
    return got


def appends(connections, total):
    """(cpu, wall) a letter."""
    def run(peer):
        c = Imap(peer.imap_port()).login()
        c.ask(b"CREATE appended")
        clients = [Imap(peer.imap_port()).login() for _ in range(connections)]
        octets = letter(1, 4096).replace(b"\n", b"\r\n")

        def one(client):
            for _ in range(total // connections):
                client.append(b"appended", octets)
        threads = [threading.Thread(target=one, args=(x,)) for x in clients]
        before, began = run_seconds(peer.pid_root()), time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        wall = time.monotonic() - began
        cpu = run_seconds(peer.pid_root()) - before
        for x in clients:
            x.logout()
        c.ask(b"DELETE appended")
        c.logout()
        return cpu / total, wall / total
    return run


def wakes(n):
    """(nothing, seconds from the letter's name to "* n EXISTS")."""
    def run(peer):
        c = Imap(peer.imap_port()).login()
        c.ask(b"CREATE idle")
        c.ask(b"SELECT idle")
        c.s.sendall(b"i IDLE\r\n")
        c.until(lambda data: data.startswith(b"+"))
        box, took = peer.mail() + "/.idle", []
        owner = os.stat(box)
        for k in range(n):
            time.sleep(0.2 + random.random() / 5)
            name = "%d.M%dP9.bench" % (time.time(), k)
            with open(box + "/tmp/" + name, "wb") as f:
                f.write(letter(k))
            os.chown(f.name, owner.st_uid, owner.st_gid)
            began = time.monotonic()
            os.rename(f.name, box + "/new/" + name)
            c.until(lambda data: b"EXISTS" in data)
            took.append(time.monotonic() - began)
            c.s.setblocking(False)
            try:
                time.sleep(0.05)
                c.s.recv(4096)
            except BlockingIOError:
                pass
            c.s.setblocking(True)
        c.s.sendall(b"DONE\r\n")
        c.until(lambda data: b"i OK" in data)
        for x in drop_folder(b"idle"):
            c.ask(x)
        c.logout()
        return 1, statistics.median(took)
    return run


REST = (5, 75)      # who is idle gives memory back after 2 s, its process after a minute


def idle_memory(peer, n, tls=None):
    """KiB a session, after each of REST's seconds."""
    def login():
        c = Imap(peer.imap_port(tls is not None), tls).login()
        c.ask(b"SELECT INBOX")
        return c

    def idle():
        c = login()
        c.s.sendall(b"i IDLE\r\n")
        c.until(lambda data: data.startswith(b"+"))
        return c

    first = login()
    kib = growth(peer.pid_root(), n, idle, lambda c: c.s.close(), REST)
    first.s.close()
    return kib


# --- the parts -----------------------------------------------------------------

def owner_of(peer):
    u = pwd.getpwnam("merpati-mail")
    return u.pw_uid, u.pw_gid


def with_mailbox(ground, count, size, fn, keys=None, **ours):
    """Both peers with the same letters, and no index.  keys(ours): the
    certificate and key that Dovecot is to use too."""
    with Ours(ground, **ours) as m:
        fill(m.mail(), count, size, owner=owner_of(m))
        with Theirs(ground, m.mail(), keys=keys and keys(m)) as d:
            for peer in (m, d):
                c = Imap(peer.imap_port()).login()
                c.ask(b"SELECT INBOX")      # UIDs are given once
                c.logout()
            time.sleep(3)                   # directory times can be trusted
            fn((m, d))


def bench_imap(ground, rounds, scale):
    t = Table(rounds)
    few = max(int(10000 * scale), 100)
    many = max(int(100000 * scale), 1000)

    def small(peers):
        t.compare("login and logout", peers, logins(int(200 * min(scale, 1)) or 20))
    with_mailbox(ground, 10, None, small)

    def large(peers):
        t.compare("SELECT of %d, cold" % many, peers, in_session(b"SELECT INBOX", before=(), cold=True))
        t.compare("SELECT of %d, warm" % many, peers, in_session(b"SELECT INBOX", before=(), wait=3))
        t.compare("FETCH 1:* (UID FLAGS) of %d" % many, peers, in_session(b"FETCH 1:* (UID FLAGS)"))
    with_mailbox(ground, many, 300, large)

    def middle(peers):
        word = words()[4000].encode()
        t.compare("ENVELOPE BODYSTRUCTURE of %d, cold" % few, peers,
                  in_session(b"FETCH 1:* (ENVELOPE BODYSTRUCTURE)", cold=True))
        t.compare("ENVELOPE BODYSTRUCTURE of %d, warm" % few, peers,
                  in_session(b"FETCH 1:* (ENVELOPE BODYSTRUCTURE)"))
        t.compare("SEARCH SUBJECT of %d" % few, peers, in_session(b"SEARCH SUBJECT %s" % word,
                  before=(b"SELECT INBOX", b"SEARCH SUBJECT x")))
        t.compare("SEARCH BODY of %d, first time" % few, peers,
                  in_session(b"SEARCH BODY %s" % word, cold=True))
        t.compare("SEARCH BODY of %d, warm" % few, peers,
                  in_session(b"SEARCH BODY %s" % word, before=(b"SELECT INBOX", b"SEARCH BODY qqq")))
        t.compare("BODY.PEEK[] of 1000", peers, in_session(b"FETCH 1:1000 (BODY.PEEK[])"))
        t.compare("STORE +FLAGS of %d" % few, peers, in_session(b"STORE 1:* +FLAGS (\\Flagged)",
                  after=(b"STORE 1:* -FLAGS.SILENT (\\Flagged)",)))
        t.compare("COPY of %d" % few, peers, in_session(b"COPY 1:* copied", before=fresh_folder(b"copied"),
                  after=drop_folder(b"copied")))
        t.compare("MOVE of %d" % few, peers, moves)
        t.compare("EXPUNGE of %d" % few, peers, expunges)
        t.compare("APPEND, 1 connection, a letter", peers, appends(1, int(1000 * min(scale, 1)) or 50))
        t.compare("APPEND, 10 connections, a letter", peers, appends(9, int(1800 * min(scale, 1)) or 90))
        t.compare("IDLE, wake-up after delivery", peers, wakes(15))
    with_mailbox(ground, few, None, middle)

    def idle(peers):
        n = int(1000 * min(scale, 1)) or 50
        for peer in peers:
            print("idle session with a mailbox selected, %d of them, %s: %.0f KiB each after %d s, "
                  "%.0f after %d s" % ((n, peer.name) + tuple(
                      x for pair in zip(idle_memory(peer, n), REST) for x in pair)), flush=True)
    with_mailbox(ground, 100, None, idle, user_connections=1100)
