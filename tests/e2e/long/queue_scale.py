#!/usr/bin/env python3
"""100,000 deferred messages: start, memory, new mail meanwhile, listing.
Plain build only: it measures."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from queue_lib import Case, LETTER, NOBODY, envelope, new_id, until

COUNT = 100000
BOB, ALICE = "bob@example.test", "alice@example.test"


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])


class Scale(Case):
    world_keys = {"start": False, "queue": "retry = 1h\nwarn-after = 4h\n"
                  "expire = 5d"}

    def fill(self):
        text = envelope("news@lists.example.org", ["x@elsewhere.example"],
                        LETTER)
        state = ("merpati-state 1\narrived %d\nsize %d\nfrom "
                 "news@lists.example.org\nwarned -\nrcpts 1\n"
                 "P 0000 x@elsewhere.example\nend\n%d 0 4.4.0 remote delivery "
                 "is not available in this version\n" % (
                     time.time(), len(LETTER), time.time())).encode()
        base = time.time() + 600
        for n in range(COUNT):
            i = new_id(time.time() - n % 86400)
            p = os.path.join(self.w.spool, "queue", i[-2:], i)
            for name, data in ((p, text), (p + ".s", state)):
                fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
                os.write(fd, data)
                if os.getuid() == 0:
                    os.fchown(fd, NOBODY, NOBODY)
                os.close(fd)
            os.utime(p + ".s", (base + n % 3600, base + n % 3600))

    def test_a_hundred_thousand_deferred(self):
        self.fill()
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
        print("ready %.2f s, new letter served at %.2f s, scanned %.2f s, "
              "%d KiB; listed %.2f s, selected %.2f s" % (
                  ready, served, scanned, memory, listed, picked))
        self.assertEqual(len(items), COUNT)
        self.assertEqual(one, [])
        self.assertEqual(status["deferred"], COUNT)
        self.assertLess(scanned, 5)
        self.assertLess(served, 1)
        self.assertLess(memory, 30 * 1024)
        self.assertLess(listed, 4)      # Python's part included

    def tearDown(self):
        self.w.kill()


if __name__ == "__main__":
    unittest.main()
