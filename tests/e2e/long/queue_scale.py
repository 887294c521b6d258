#!/usr/bin/env python3
"""200,000 deferred messages: start, memory, new mail meanwhile, listing, rest,
and all of them due while their destination is away.  Plain build only: it
measures."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from queue_lib import Case, LETTER, NOBODY, envelope, new_id, until
from queue_remote_lib import DOWN, FAR_OK, Far

COUNT = 200000
BOB, ALICE = "bob@example.test", "alice@example.test"


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


def cpu(pid):
    """Seconds."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Scale(Case):
    world_class = Far
    world_keys = {"start": False, "on_disk": True, "queue": "retry = 1h\nwarn-after = 2d\n"
                  "expire = 5d"}

    def fill(self, first, spread):
        text = envelope("news@lists.example.org", ["x@elsewhere.example"],
                        LETTER)
        state = ("merpati-state 2\narrived %d\nsize %d\nfrom "
                 "news@lists.example.org\nwarned -\nrcpts 1\n"
                 "P 0000 x@elsewhere.example\nend\n%d 0 4.4.1 - 192.0.2.1 "
                 "refuses the connection\n" % (
                     time.time(), len(LETTER), time.time())).encode()
        base = time.time() + first
        for n in range(COUNT):
            i = new_id(time.time() - n % 86400)
            p = os.path.join(self.w.spool, "queue", i[-2:], i)
            for name, data in ((p, text), (p + ".s", state)):
                fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
                os.write(fd, data)
                if os.getuid() == 0:
                    os.fchown(fd, NOBODY, NOBODY)
                os.close(fd)
            os.utime(p + ".s", (base + n % spread, base + n % spread))

    def test_all_are_due_and_the_destination_is_away(self):
        self.fill(-10, 1)
        self.w.remote_verdict = lambda j: DOWN if j["host"] == \
            "mx.elsewhere.example" else FAR_OK
        self.w.start()
        pid = self.w.process.pid
        until(lambda: self.w.events("destination-paused"))
        began = time.monotonic()
        for n in range(20):
            self.w.gone(self.w.put(ALICE, BOB), 10)
            self.w.gone(self.w.put(ALICE, "x@else%d.example" % n), 10)
        served = time.monotonic() - began
        until(lambda: self.w.events("scanned"), 60)
        # Once each is looked at, to know where it goes.
        def quiet():
            was = cpu(pid)
            time.sleep(1)
            return cpu(pid) - was < 0.03
        until(quiet, 120)
        memory, used = rss(pid), cpu(pid)
        print("40 letters beside it in %.2f s, %d KiB, CPU %.1f s" % (
            served, memory, used))
        self.assertLess(memory, 60 * 1024)
        self.assertLess(served, 8)
        tried = len([j for j in self.w.remote_jobs
                     if j["host"] == "mx.elsewhere.example"])
        self.assertLess(tried, 10)
        # The probe: again none of them is opened.
        until(lambda: len([j for j in self.w.remote_jobs if j["host"] ==
                           "mx.elsewhere.example"]) > tried, 90)
        until(quiet, 60)
        print("a probe: CPU %.2f s, %d KiB" % (cpu(pid) - used, rss(pid)))
        self.assertLess(cpu(pid) - used, 3)
        self.assertLess(rss(pid), 60 * 1024)

    def test_two_hundred_thousand_deferred(self):
        self.fill(600, 3600)
        began = time.monotonic()
        self.w.start()
        ready = time.monotonic() - began
        i = self.w.put(ALICE, BOB)
        self.w.gone(i)
        served = time.monotonic() - began
        until(lambda: self.w.events("scanned"), 60)
        scanned = time.monotonic() - began
        memory = rss(self.w.process.pid)
        status = self.w.status()
        began = time.monotonic()
        items = self.w.listing()
        listed = time.monotonic() - began
        began = time.monotonic()
        one = self.w.listing("domain", "elsewhere.test")
        picked = time.monotonic() - began
        rest = cpu(self.w.process.pid)
        time.sleep(10)
        rest = cpu(self.w.process.pid) - rest
        print("ready %.2f s, new letter served at %.2f s, scanned %.2f s, "
              "%d KiB; listed %.2f s, selected %.2f s; CPU in 10 s "
              "of rest %.2f s" % (ready, served, scanned, memory, listed,
                                  picked, rest))
        self.assertEqual(len(items), COUNT)
        self.assertEqual(one, [])
        self.assertEqual(status["deferred"], COUNT)
        self.assertLess(scanned, 5)
        self.assertLess(served, 1)
        self.assertLess(memory, 60 * 1024)
        self.assertLess(listed, 10)     # Python's part included
        self.assertLess(rest, 0.05)

    def tearDown(self):
        self.w.kill()


if __name__ == "__main__":
    unittest.main()
