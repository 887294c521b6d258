"""Hosts in network namespaces, joined by a switch that is itself a namespace.

    with Net() as net:
        h = net.host("merpati", 1)          # 10.77.0.1 and fd77::1
        h.popen(["nsd", "-d"])              # a process on that host
        with h.inside():                    # sockets made here live there
            s = socket.create_connection(...)
        h.down(); h.up()

The host's own namespace is not touched: no interface, address or route is
made in it.  Takes root.  Whatever ends the test, the namespaces and the
processes in them go with it; those of a run that was killed are cleared
away by the next one.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

PREFIX = "mpnet"
RUN = "/run/netns/"
ETC = "/etc/netns/"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ip(*args, check=True):
    r = subprocess.run(["ip", *args], capture_output=True, text=True, timeout=30)
    if check and r.returncode:
        raise RuntimeError("ip %s: %s" % (" ".join(args), r.stderr.strip()))
    return r.stdout


def need_net():
    """Skip where namespaces cannot be made."""
    if os.geteuid():
        raise unittest.SkipTest("network namespaces take root")
    if not shutil.which("ip"):
        raise unittest.SkipTest("ip is not installed")
    name = "%s%d-try" % (PREFIX, os.getpid())
    try:
        ip("netns", "add", name)
    except RuntimeError as e:
        raise unittest.SkipTest("no network namespaces here: %s" % e)
    ip("netns", "del", name, check=False)


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET):
        e = ctypes.get_errno()
        raise OSError(e, "setns: " + os.strerror(e))


def remove(name):
    """A namespace of ours, with the processes in it."""
    for _ in range(50):
        pids = ip("netns", "pids", name, check=False).split()
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.02)
    ip("netns", "del", name, check=False)
    shutil.rmtree(ETC + name, ignore_errors=True)


def sweep():
    """What runs that are dead left behind."""
    with contextlib.suppress(OSError):
        for name in os.listdir(RUN):
            m = re.match(PREFIX + r"(\d+)-", name)
            if m and not os.path.exists("/proc/" + m.group(1)):
                remove(name)
    with contextlib.suppress(OSError):
        for name in os.listdir(ETC):
            m = re.match(PREFIX + r"(\d+)-", name)
            if m and not os.path.exists("/proc/" + m.group(1)):
                shutil.rmtree(ETC + name, ignore_errors=True)
        os.rmdir(ETC)


class Host:
    def __init__(self, net, name, number, ipv4=True, ipv6=True):
        self.net, self.name = net, name
        self.ns = "%s%d-%s" % (PREFIX, os.getpid(), name)
        self.addr = "10.77.0.%d" % number
        self.addr6 = "fd77::%x" % number
        self.processes = []
        port = "p%d" % number
        ip("netns", "add", self.ns)
        ip("link", "add", "eth0", "netns", self.ns, "type", "veth", "peer", "name", port, "netns", net.switch)
        self.link = port
        ip("-n", net.switch, "link", "set", port, "master", "br0", "up")
        ip("-n", self.ns, "link", "set", "lo", "up")
        # nodad: an address that waits to be found unique cannot be bound.
        if ipv4:
            self.add(self.addr + "/16")
        if ipv6:
            self.add(self.addr6 + "/64")
        ip("-n", self.ns, "link", "set", "eth0", "up")
        self.fd = os.open(RUN + self.ns, os.O_RDONLY | os.O_CLOEXEC)

    def add(self, address, dev="eth0"):
        ip("-n", self.ns, "addr", "add", address, "dev", dev, *(["nodad"] if ":" in address else []))

    def resolv_conf(self, *servers):
        """The /etc/resolv.conf that processes on this host will see."""
        os.makedirs(ETC + self.ns, exist_ok=True)
        with open("%s%s/resolv.conf" % (ETC, self.ns), "w") as f:
            f.write("".join("nameserver %s\n" % s for s in servers))

    @property
    def prefix(self):
        """In front of a command; it execs, so the process id is the command's."""
        return ["ip", "netns", "exec", self.ns]

    def run(self, argv, **kw):
        return subprocess.run(self.prefix + argv, **kw)

    def popen(self, argv, **kw):
        p = subprocess.Popen(self.prefix + argv, **kw)
        self.processes.append(p)
        return p

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is on this host; a socket stays where it was made."""
        setns(self.fd)
        try:
            yield self
        finally:
            setns(self.net.home)

    def down(self):
        """Pull the cable: packets vanish, and neighbours go unanswered."""
        ip("-n", self.net.switch, "link", "set", self.link, "down")

    def up(self):
        ip("-n", self.net.switch, "link", "set", self.link, "up")

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.terminate()
        for p in self.processes:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        os.close(self.fd)
        remove(self.ns)


class Net:
    """dir is a directory that goes with the net."""

    def __init__(self, parent=None):
        self.switch = "%s%d-switch" % (PREFIX, os.getpid())
        self.hosts, self.home, self.parent, self.dir = [], -1, parent, None

    def terminated(self, *_):
        self.close()
        os._exit(143)

    def __enter__(self):
        sweep()
        # A test that takes too long gets this; it would leave processes.
        signal.signal(signal.SIGTERM, self.terminated)
        self.dir = tempfile.mkdtemp(prefix="mpnet", dir=self.parent)
        os.chmod(self.dir, 0o755)
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            ip("netns", "add", self.switch)
            ip("-n", self.switch, "link", "add", "br0", "type", "bridge")
            ip("-n", self.switch, "link", "set", "br0", "up")
        except BaseException:
            self.close()
            raise
        return self

    def host(self, name, number, **kw):
        h = Host(self, name, number, **kw)
        self.hosts.append(h)
        return h

    def close(self):
        for h in self.hosts:
            with contextlib.suppress(OSError):
                h.close()
        remove(self.switch)
        if self.home != -1:
            os.close(self.home)
            self.home = -1
        with contextlib.suppress(OSError):
            os.rmdir(ETC)
        if self.dir and not os.environ.get("MERPATI_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def __exit__(self, *_):
        self.close()
