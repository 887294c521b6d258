"""How much memory a service has, with the kernel's part: stacks, page tables,
sockets.  A control group counts it, whatever else the machine does and without
the client's end; where there is none, the whole machine's use is taken."""

import os
import time

from instance import process_tree

V1 = "/sys/fs/cgroup/memory"
V2 = "/sys/fs/cgroup"


def used_kib():
    """Memory in use but for caches, page tables and kernel's part included."""
    with open("/proc/meminfo") as f:
        m = {x.split(":")[0]: int(x.split()[1]) for x in f}
    return m["MemTotal"] - m["MemFree"] - m["Buffers"] - m["Cached"] - m["SReclaimable"]


class Memory:
    """Of the processes below root and of what they will start; kib() counts
    what was taken since."""

    def __init__(self, root):
        self.dir = self._group()
        if self.dir:
            for pid in process_tree(root):
                try:
                    with open(self.dir + "/cgroup.procs", "w") as f:
                        f.write(str(pid))
                except OSError:
                    pass            # it is gone
        else:
            print("no memory control group: the figure is the whole machine's")

    @staticmethod
    def _group():
        if os.path.exists(V1 + "/memory.usage_in_bytes"):
            top = V1
        elif os.path.exists(V2 + "/cgroup.controllers"):
            top = V2
            try:
                with open(top + "/cgroup.subtree_control", "w") as f:
                    f.write("+memory")
            except OSError:
                return None
        else:
            return None
        group = "%s/merpati-bench-%d-%d" % (top, os.getpid(), time.monotonic_ns())
        try:
            os.mkdir(group)
        except OSError:
            return None
        return group

    def _read(self, name):
        with open(self.dir + "/" + name) as f:
            return f.read()

    def kib(self):
        if not self.dir:
            return used_kib()
        v1 = os.path.exists(self.dir + "/memory.usage_in_bytes")
        stat = dict(x.split() for x in self._read("memory.stat").splitlines())
        used = int(self._read("memory.usage_in_bytes" if v1 else "memory.current"))
        return (used - int(stat["cache" if v1 else "file"])) / 1024

    def close(self):
        """The processes go back to the top; the group goes."""
        if not self.dir:
            return
        top = os.path.dirname(self.dir)
        for _ in range(50):
            for pid in self._read("cgroup.procs").split():
                try:
                    with open(top + "/cgroup.procs", "w") as f:
                        f.write(pid)
                except OSError:
                    pass
            try:
                os.rmdir(self.dir)
                return
            except OSError:
                time.sleep(0.1)


def growth(root, n, connect, close, settle):
    """KiB for each of n connections below root, after each of settle's seconds:
    connect() makes one, close() ends what it gave."""
    group = Memory(root)
    try:
        time.sleep(1)
        before = group.kib()
        clients = [connect() for _ in range(n)]
        after, begun = [], time.monotonic()
        for seconds in settle:
            time.sleep(max(0, begun + seconds - time.monotonic()))
            after.append(group.kib())
        for c in clients:
            close(c)
        time.sleep(3)
    finally:
        group.close()
    return [(x - before) / n for x in after]
