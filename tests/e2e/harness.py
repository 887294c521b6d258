"""What all tests of single programs share: the build, waiting, ports that
nobody else takes, starting a program until it is ready, and what it costs."""

import os
import select
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("MERPATI_BUILD") or (
    TOP + "/build" if os.path.isdir(TOP + "/build/out") else TOP))
ROOT = os.geteuid() == 0
NOBODY = 65534
# Seconds for any one wait.  What should be there comes long before, but the
# machine may be slow and busy: only what never comes pays for it.
PATIENCE = 60
# As tests/run has it: a process that nobody may trace cannot look for leaks.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")


def sanitized():
    with open(BUILD + "/Makefile") as f:
        return "-fsanitize=address" in f.read()


def out(program):
    return os.path.join(BUILD, "out", program)


def until(condition, patience=PATIENCE, what="it", longest=0.1):
    """Wait until condition() is true and return what it said.  what may be
    a function that tells it once the wait was in vain; longest, the seconds
    between two looks."""
    end = time.monotonic() + patience
    step = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + (what() if callable(what) else what))
        time.sleep(step)
        step = min(step * 1.5, longest)     # looking takes CPU from what it waits for


_held = []
# Below those the kernel gives to clients.
FIRST, LAST = 10000, 32000


def _hold(ports):
    """Whether they are free for UDP and TCP.  Then they are held, by names
    that last as long as this process: no test beside it takes one of them
    before the program listens, or while it is down."""
    names = []
    try:
        for port in ports:
            names.append(socket.socket(socket.AF_UNIX))
            names[-1].bind("\0merpati-test-port-%d" % port)
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
    except OSError:
        for name in names:
            name.close()
        return False
    _held.extend(names)
    return True


def free_ports(n):
    """Ports of loopback."""
    first = os.getpid() * 37 % (LAST - FIRST)
    ports = []
    for k in range(LAST - FIRST):
        port = FIRST + (first + k) % (LAST - FIRST)
        if _hold([port]):
            ports.append(port)
            if len(ports) == n:
                return ports
    raise RuntimeError("no free ports")


def free_base():
    """A BASE so that the standard ports above it are free on loopback."""
    bases = range(FIRST, LAST - 1000, 100)
    for k in range(len(bases)):
        base = bases[(os.getpid() + k) % len(bases)]
        if _hold([base + p for p in (25, 110, 143, 465, 587, 993, 995)]):
            return base
    raise RuntimeError("no free ports")


def free_port():
    return free_ports(1)[0]


def as_user(uid=NOBODY, gid=None):
    """Keywords for subprocess: as root, that uid without further groups."""
    if not ROOT:
        return {}
    return {"user": uid, "group": uid if gid is None else gid, "extra_groups": []}


def start_ready(argv, log, env=None, **keys):
    """Start a daemon, its messages going to the end of the file log.  Returns
    the process and whether it said that it is ready (if not, it has ended
    or closed NOTIFY_FD)."""
    ready, theirs = os.pipe()
    try:
        with open(log, "ab") as f:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, pass_fds=[theirs],
                                       env=dict(os.environ if env is None else env, NOTIFY_FD=str(theirs)), **keys)
    except BaseException:
        os.close(ready)
        raise
    finally:
        os.close(theirs)
    with open(ready, "rb") as f:
        return process, f.read(1) == b"\n"


def sanitizer_options():
    """The environment of a program that gets no other."""
    return {k: os.environ[k] for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if k in os.environ}


def memory_directory(prefix):
    """A new directory in memory, where a thousand directories are made in
    no time; on disk when there is no room.  Programs may not run there."""
    where = None
    try:
        if shutil.disk_usage("/dev/shm").free > 64 << 20 and os.access("/dev/shm", os.W_OK):
            where = "/dev/shm"
    except OSError:
        pass
    return tempfile.mkdtemp(prefix=prefix, dir=where)


def replace_file(path, data, mode=None, owner=None):
    """As who changes a file in use should: written beside it, then renamed.
    Mode and, as root, owner (uid, gid) are the old file's unless given."""
    if os.path.exists(path):
        old = os.stat(path)
        mode = stat.S_IMODE(old.st_mode) if mode is None else mode
        owner = owner or (old.st_uid, old.st_gid)
    new = path + ".new"
    with open(new, "wb") as f:
        f.write(data)
    os.chmod(new, 0o644 if mode is None else mode)
    if ROOT and owner:
        os.chown(new, *owner)
    os.rename(new, path)


def unix_listener(path, kind=socket.SOCK_SEQPACKET):
    """A socket there that everybody may connect to, in place of what was."""
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    os.chmod(path, 0o666)
    sock.listen(200)
    return sock


def shut_down(sock):
    """Wakes who reads or accepts there."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Acceptor:
    """serve(connection) in a thread for each one that comes to sock.

    Who only closes sock may leave a thread that is about to accept on its
    number, which is the next test's listener by then; close() waits."""

    def __init__(self, sock, serve):
        self.sock, self.serve = sock, serve
        self.connections = set()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.connections.add(conn)
            threading.Thread(target=self.each, args=(conn,), daemon=True).start()

    def each(self, conn):
        try:
            with conn:
                self.serve(conn)
        except (EOFError, OSError):
            pass
        finally:
            self.connections.discard(conn)

    def close(self, cut=False):
        """cut: as if it were killed, with all who serve."""
        shut_down(self.sock)
        self.thread.join(20)
        self.sock.close()
        for conn in list(self.connections) if cut else ():
            shut_down(conn)


def xencode(text):
    """The xtext of packets and spool files."""
    octets = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return "".join(chr(c) if 0x21 <= c < 0x7f and c not in b"+=" else "+%02X" % c for c in octets)


def xdecode(text):
    """The octets of xtext."""
    head, *rest = text.encode("utf-8", "surrogateescape").split(b"+")
    return head + b"".join(bytes([int(x[:2], 16)]) + x[2:] for x in rest)


# --- what it costs ---------------------------------------------------------

def cpu_of(pid):
    """Seconds of CPU of a process without threads, to the nanosecond."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e9


class Echo:
    """What the machine takes for a packet that is only sent back: the
    measure of what a program does besides."""

    def __init__(self):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            self.sock.close()
            poll = select.poll()
            poll.register(theirs, select.POLLIN)
            try:
                while poll.poll() and (packet := theirs.recv(65536)):
                    theirs.send(packet)
            finally:
                os._exit(0)
        theirs.close()

    def ask(self, packet=b"merpati 1 route 1\nname only.example.test\n"):
        self.sock.send(packet)
        self.sock.recv(65536)

    def close(self):
        self.sock.close()
        os.waitpid(self.pid, 0)


def cpu_each(pid, n, ask):
    """Seconds of CPU the process takes for each of n questions."""
    before = cpu_of(pid)
    for _ in range(n):
        ask()
    return (cpu_of(pid) - before) / n


def cpu_beside_echo(pid, n, ask, rounds=6):
    """CPU seconds a question, and that as multiple of a packet sent back.  By
    turns, and the best of each: what else runs on the machine disturbs either."""
    echo = Echo()
    try:
        ours, bare = zip(*((cpu_each(pid, n, ask), cpu_each(echo.pid, n, echo.ask)) for _ in range(rounds)))
    finally:
        echo.close()
    return min(ours), min(ours) / min(bare)
