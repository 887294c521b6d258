"""Letters to other hosts: through the queue to a sink beside Postfix, and a
queue full of what cannot go now."""

import os
import re
import statistics
import time

from instance import Instance, cpu_seconds, wait_for
from net import Net
from net_dns import Nameserver
from net_tools import Sink, compile_tool, source
from peers import Postfix
from report import compare, cpu_by_name, header

DOMAINS = 100
SIZE = 4096
SESSIONS = 20


class Stage:
    """The peers' host, a nameserver, and a sink with 100 addresses."""

    def __init__(self, ground):
        self.ground, self.net = ground, Net()

    def __enter__(self):
        net = self.net.__enter__()
        try:
            self.build(net)
        except BaseException:
            net.close()
            raise
        return self

    def build(self, net):
        self.mta, ns, sink = (net.host(n, k) for k, n in enumerate(("mta", "ns", "sink"), 1))
        self.mta.resolv_conf(ns.addr)
        self.dns = Nameserver(ns, self.ground + "/dns", ttl=3600)
        self.dns.zone(".", "ns.test. A 10.77.0.2\n")
        records = ["ns A 10.77.0.2", "example MX 10 mail.example", "mail.example A 10.77.0.1"]
        addresses = ["10.77.4.%d" % k for k in range(1, DOMAINS + 1)]
        for k, a in enumerate(addresses, 1):
            sink.add(a + "/16")
            records += ["d%d.many MX 10 mx.d%d.many" % (k, k), "mx.d%d.many A %s" % (k, a)]
        records += ["d1.one MX 10 mx.d1.many"]
        self.dns.zone("test.", "\n".join(records) + "\n")
        self.dns.start()
        for name in ("sink", "source"):
            compile_tool(name, self.ground)
        self.sink = Sink(sink, self.ground, addresses)

    def __exit__(self, *_):
        self.net.__exit__()


class Merpati(Instance):
    def __init__(self, stage, config=None):
        super().__init__(users=("alice",), parent=stage.ground, host=stage.mta, config={
            "smtpd": {"max-connections": "1200"}, "resolver": {"trust-anchor": '"%s"' % stage.dns.anchor},
            **(config or {})})

    def pid_root(self):
        return self.svscan.pid

    def smtp_port(self):
        return 25


def pass_on(stage, peer, total, domains):
    """Letters in by SMTP and out by SMTP; (cpu, wall) per letter."""
    os.sync()
    have, before, began = stage.sink.counts(), cpu_seconds(peer.pid_root()), time.monotonic()
    feeder = source(stage.mta, stage.ground, peer.smtp_port(), SESSIONS, total, SIZE, domains,
                    "one.test" if domains == 1 else "many.test")
    wait_for(lambda: stage.sink.counts()[0] >= have[0] + total, 600, 0.02)
    wall = time.monotonic() - began
    if feeder.wait(10):
        raise RuntimeError("source failed")
    time.sleep(0.5)         # what is logged and removed behind
    now = stage.sink.counts()
    if now[0] != have[0] + total:
        print("duplicates: %d" % (now[0] - have[0] - total))
    print("  %-8s %6d connections, %.1f s" % (type(peer).__name__, now[2] - have[2], wall))
    return (cpu_seconds(peer.pid_root()) - before) / total, wall / total


def bench_remote(ground, rounds, scale):
    total = int(20000 * scale)
    with Stage(ground) as stage, Merpati(stage) as m, Postfix(ground, stage.mta) as p:
        rows = {}
        for domains in (1, DOMAINS):
            for peer in (m, p):
                pass_on(stage, peer, 200, domains)
            before = cpu_by_name(m.pid_root())
            rows[domains] = [(pass_on(stage, m, total, domains), pass_on(stage, p, total, domains))
                             for _ in range(rounds)]
            after = cpu_by_name(m.pid_root())
            each = {n: (c - before.get(n, 0)) / total / rounds * 1e3 for n, c in after.items()}
            print("ms CPU a letter:", ", ".join("%s %.3f" % x for x in sorted(each.items(), key=lambda x: -x[1])
                                                if x[1] >= 0.001))
        header("Postfix", "a letter of 4 KiB, in by SMTP and out by SMTP")
        for domains, r in rows.items():
            compare("%d letters to %s" % (total, "1 host" if domains == 1 else "%d hosts" % domains), *zip(*r))


# --- a full queue -------------------------------------------------------------

REST = 15           # seconds
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def fresh_ids(like, n):
    """Ids with the time of `like` and random ends that differ."""
    seen = set()
    while len(seen) < n:
        r = int.from_bytes(os.urandom(9), "big")
        seen.add(like[:7] + "".join(ALPHABET[r >> 5 * k & 31] for k in range(13)))
    return seen


def multiply(spool, n):
    """The one deferred letter of the spool, n times over, due in hours."""
    found = [os.path.join(d, f) for d, _, files in os.walk(spool + "/queue") for f in files if len(f) == 20]
    path, = found
    model = os.path.basename(path)
    texts = []
    for name in (path, path + ".s"):
        with open(name, "rb") as f:
            texts.append(f.read())
    st = os.stat(path)
    due = time.time() + 4 * 3600
    for k, i in enumerate(fresh_ids(model, n)):
        name = "%s/queue/%s/%s" % (spool, i[-2:], i)
        domain = b"d%03d.many" % (k % 1000)
        for suffix, text in zip(("", ".s"), texts):
            fd = os.open(name + suffix, os.O_WRONLY | os.O_CREAT | os.O_EXCL, st.st_mode & 0o777)
            os.write(fd, text.replace(b"d000.many", domain))
            os.fchown(fd, st.st_uid, st.st_gid)
            os.close(fd)
        os.utime(name + ".s", (due + k % 3600, due + k % 3600))
    for name in (path, path + ".s"):
        os.unlink(name)


def status_kib(pid, key):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^%s:\s+(\d+)" % key, f.read(), re.M).group(1))


def ticks(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scanned(m):
    return len(re.findall(r"event=scanned ", m.log("queue-runner")))


def start_full(m):
    """Seconds until a new letter is served and all is known; the process."""
    times, before, new = {}, scanned(m), len(m.deliveries("alice"))
    began = time.monotonic()
    m.svc("queue-runner", "-u")
    m.deliver("alice@example.test", input=b"Subject: now\n\nNow.\n")

    def done():
        now = time.monotonic() - began
        if "served" not in times and len(m.deliveries("alice")) > new:
            times["served"] = now
        if "scanned" not in times and scanned(m) > before:
            times["scanned"] = now
        return len(times) == 2
    wait_for(done, 120, 0.02)
    return times


def full_round(m):
    """Started with cold and with warm caches, then at rest."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")
    cold = start_full(m)
    m.svc("queue-runner", "-wD -T 10000 -d")
    warm = start_full(m)
    pid = m.pid("queue-runner")
    rss = status_kib(pid, "VmHWM")
    time.sleep(2)
    before, all_before = ticks(pid), cpu_seconds(m.pid_root())
    time.sleep(REST)
    idle, all_idle = ticks(pid) - before, cpu_seconds(m.pid_root()) - all_before
    m.svc("queue-runner", "-wD -T 10000 -d")
    print("  cold: new letter served after %.2f s, all known after %.2f s; warm: %.2f s, %.2f s; peak RSS %d KiB; "
          "CPU in %d s at rest: queue-runner %.2f s, all %.2f s"
          % (cold["served"], cold["scanned"], warm["served"], warm["scanned"], rss, REST, idle, all_idle), flush=True)
    return cold["scanned"], warm["scanned"], cold["served"], rss, idle


def bench_deferred(ground, rounds, scale):
    n = int(200000 * scale)
    with Stage(ground) as stage:
        stage.dns.change("test.", stage.dns.zones["test."].records + "d000.many MX 10 mx.d000.many\n"
                         "mx.d000.many A 10.77.5.1\n")
        with Merpati(stage, {"remote": {"connect-timeout": "1s"}}) as m:
            with m.smtp() as s:
                s.sendmail("alice@example.test", ["x@d000.many.test"], "Subject: later\r\n\r\nLater.\r\n")
            wait_for(lambda: "event=deferred" in m.log("queue-runner"), 30)
            time.sleep(0.5)
            m.svc("queue-runner", "-wD -T 10000 -d")
            empty = time.monotonic()
            multiply(m.dir + "/spool", n)
            print("\n%d deferred letters made in %.0f s" % (n, time.monotonic() - empty))
            rows = [full_round(m) for _ in range(rounds)]
            med = [statistics.median(r[k] for r in rows) for k in range(5)]
            print("%d deferred: all known after %.2f s (cold caches %.2f s), new mail served after %.2f s, "
                  "%.1f MB, %.2f %% CPU at rest" % (n, med[1], med[0], med[2], med[3] / 1024, med[4] / REST * 100))
