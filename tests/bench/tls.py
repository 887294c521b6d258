"""TLS beside Dovecot and Postfix: handshakes, letters, octets, idle sessions."""

import shutil
import socket
import statistics
import tempfile
import time

from imap import REST, Imap, Table, idle_memory, run_seconds, with_mailbox
from instance import Instance, cpu_seconds, trusting, wait_for
from mailbox import letter
from peers import USER, Postfix
from report import compare, header


def keys_of(m):
    """The certificate and key that make-instance made, where a peer can read them."""
    d = tempfile.mkdtemp(prefix="keys", dir=m.home)
    return tuple(shutil.copy("%s/etc/keys/%s" % (m.dir, f), d) for f in ("mail.chain.pem", "mail.key.pem"))


def logins(n, resume):
    """A connection each; resume: the first one's session is taken up again."""
    def run(peer):
        tls = trusting()
        first = Imap(peer.imap_port(True), tls).login()
        session = first.s.session if resume else None
        first.logout()
        before, began, resumed = cpu_seconds(peer.pid_root()), time.monotonic(), 0
        for _ in range(n):
            c = Imap(peer.imap_port(True), tls if resume else trusting(), session).login()
            resumed += c.s.session_reused
            # A ticket is for one time.
            session = c.s.session if resume else None
            c.logout()
        wall = time.monotonic() - began
        time.sleep(0.3)
        if resumed != (n if resume else 0):
            raise RuntimeError("%d of %d were resumed" % (resumed, n))
        return (cpu_seconds(peer.pid_root()) - before) / n, wall / n
    return run


def octets(times):
    """(CPU, time) of a mebibyte out of a large letter."""
    def run(peer):
        c = Imap(peer.imap_port(True), trusting()).login()
        c.ask(b"SELECT INBOX")
        c.ask(b"FETCH 1 BODY.PEEK[]")
        before, began = run_seconds(peer.pid_root()), time.monotonic()
        total = 0
        for _ in range(times):
            c.ask(b"FETCH 1 BODY.PEEK[]")
            total += c.octets
        wall = time.monotonic() - began
        cpu = run_seconds(peer.pid_root()) - before
        c.logout()
        return cpu / (total / 2**20), wall / (total / 2**20)
    return run


# --- SMTP ------------------------------------------------------------------

class Smtp(Instance):
    def pid_root(self):
        return self.svscan.pid

    def smtp_port(self):
        return self.port(25)

    def new(self):
        return self.maildir("bob") + "/new"


class Line:
    """A client of one letter: as little work as may be."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 60)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply(b"220")

    def reply(self, code):
        data = b""
        while not (data.endswith(b"\r\n") and data.rstrip().rpartition(b"\n")[2][3:4] == b" "):
            got = self.s.recv(65536)
            if not got:
                raise RuntimeError("closed: %r" % data)
            data += got
        if not data.startswith(code):
            raise RuntimeError("%r" % data)

    def say(self, line, code):
        self.s.sendall(line + b"\r\n")
        self.reply(code)

    def secure(self, tls):
        self.say(b"EHLO bench.test", b"250")
        self.say(b"STARTTLS", b"220")
        self.s = tls.wrap_socket(self.s)

    def send(self, text):
        self.say(b"EHLO bench.test", b"250")
        self.say(b"MAIL FROM:<alice@example.test>", b"250")
        self.say(b"RCPT TO:<%s>" % USER.encode(), b"250")
        self.say(b"DATA", b"354")
        self.say(text + b"\r\n.", b"250")
        self.say(b"QUIT", b"221")
        self.s.close()


def letters(peer, n, tls):
    from bench import count, empty
    empty(peer.new())
    # As it is before its delivery, which Delivered-To would say was done.
    text = letter(1, 4096).replace(b"\n", b"\r\n")
    text = text[text.index(b"Received:"):]
    before, began = cpu_seconds(peer.pid_root()), time.monotonic()
    for _ in range(n):
        c = Line(peer.smtp_port())
        if tls:
            c.secure(trusting())
        c.send(text)
    wait_for(lambda: count(peer.new()) >= n, 300, 0.02)
    wall = time.monotonic() - began
    time.sleep(0.3)
    return (cpu_seconds(peer.pid_root()) - before) / n, wall / n


def bench_tls(ground, rounds, scale):
    scale = min(scale, 1)
    with Smtp(parent=ground) as m, Postfix(ground, keys=keys_of(m)) as p:
        header("Postfix", "a letter of 4 KiB, a connection each")
        for tls in (False, True):
            for peer in (m, p):
                letters(peer, 20, tls)
            n = int(300 * scale) or 20
            rows = [(letters(m, n, tls), letters(p, n, tls)) for _ in range(rounds)]
            compare("STARTTLS" if tls else "in clear", *zip(*rows))

    def few(peers):
        t = Table(rounds, "IMAP over TLS")
        n = int(200 * scale) or 20
        t.compare("login and logout, full handshake", peers, logins(n, False))
        t.compare("login and logout, resumed", peers, logins(n, True))
    with_mailbox(ground, 10, None, few, keys=keys_of)

    def large(peers):
        Table(rounds, "IMAP over TLS").compare("BODY.PEEK[] of 50 MB, a MiB", peers, octets(4))
    with_mailbox(ground, 1, 50_000_000, large, keys=keys_of)

    def idle(peers):
        n = int(1000 * scale) or 50
        for peer in peers:
            got = [idle_memory(peer, n, trusting()) for _ in range(rounds)]
            for i, seconds in enumerate(REST):
                one = [x[i] for x in got]
                print("idle TLS session with a mailbox selected, %d of them, after %d s, %s: %.0f KiB each "
                      "(rounds: %s)" % (n, seconds, peer.name, statistics.median(one),
                                        " ".join("%.0f" % x for x in one)), flush=True)
    with_mailbox(ground, 100, None, idle, keys=keys_of, user_connections=1100)
