"""5,000 letters leave while queue-runner, remote and resolver die by SIGKILL
at random moments.  Every letter arrives; duplicates are counted."""

import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, process_tree, sanitized, wait_for  # noqa: E402
from net import Net, need_net  # noqa: E402
from net_dns import Nameserver  # noqa: E402
from net_tools import Sink, compile_tool, source  # noqa: E402

LETTERS = 1000 if sanitized() else 5000
CONNECTIONS = 40
DOMAINS = 20
KILLS = 2           # of each kind at least, while letters leave
KINDS = ("queue-runner", "resolver", "remote", "remote's child")
PATIENCE = 75


class Kill(unittest.TestCase):
    def setUp(self):
        need_net()
        need("s6-svscan", "nsd", "ldns-signzone", "cc", "ss")
        net = self.enterContext(Net())
        self.dir = d = net.dir
        self.merpati, ns, others = (net.host(n, k) for k, n in enumerate(("merpati", "ns", "others"), 1))
        self.merpati.resolv_conf(ns.addr)
        dns = Nameserver(ns, d + "/dns")
        dns.zone(".", "ns.test. A 10.77.0.2\n")
        records = ["ns A 10.77.0.2", "example MX 10 mail.example", "mail.example A 10.77.0.1"]
        addresses = ["10.77.4.%d" % k for k in range(1, DOMAINS + 1)]
        for k, a in enumerate(addresses, 1):
            others.add(a + "/16")
            records += ["d%d MX 10 mx.d%d" % (k, k), "mx.d%d A %s" % (k, a)]
        dns.zone("test.", "\n".join(records) + "\n")
        dns.start()
        for name in ("sink", "source"):
            compile_tool(name, d)
        self.sink = Sink(others, d, addresses, tokens=True)
        self.i = self.enterContext(Instance(users=("alice",), parent=d, host=self.merpati, config={
            "queue": {"retry": "1s"}, "resolver": {"trust-anchor": '"%s"' % dns.anchor, "timeout": "3s"},
            # What is under way is what a kill of queue-runner can send twice.
            "remote": {"connect-timeout": "5s", "max-connections": str(CONNECTIONS)}}))
        self.kills = dict.fromkeys(KINDS, 0)
        self.rng = random.Random()

    def kill_one(self):
        kind = min(KINDS, key=lambda k: (self.kills[k], self.rng.random()))
        pid = self.i.pid(kind.partition("'")[0])
        if kind == "remote's child" and pid > 1:
            children = process_tree(pid)[1:]
            if not children:
                return
            pid = self.rng.choice(children)
        if pid > 1:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills[kind] += 1
            except ProcessLookupError:
                pass

    def test_every_letter_arrives(self):
        began = time.monotonic()
        feeder = source(self.merpati, self.dir, 25, 4, LETTERS, 2000, DOMAINS, "test")
        # Kills from the first letter that left until enough, then it may rest.
        wait_for(lambda: self.sink.counts()[0] > 0, 30)
        end = time.monotonic() + PATIENCE
        while min(self.kills.values()) < KILLS and time.monotonic() < end and (
                feeder.poll() is None or self.i.queued()):
            self.kill_one()
            time.sleep(self.rng.uniform(0.02, 0.4))
        self.assertEqual(feeder.wait(60), 0)
        self.i.wait_ready()
        try:
            wait_for(lambda: self.i.queued() == 0, PATIENCE, 0.2)
        except AssertionError:
            print("still queued: %d\n%s" % (self.i.queued(), self.i.mailctl("queue", "list").stdout[:3000]))
        got = self.sink.tokens()
        print("not sent because nobody asked any more: %d" % self.i.log("remote").count("event=answer-lost"))
        missing = set(map(str, range(LETTERS))) - set(got)
        duplicates = len(got) - len(set(got))
        print("%d letters, %d missing, %d duplicates, %d connections, %.0f s, kills %s" % (
            LETTERS, len(missing), duplicates, self.sink.counts()[2], time.monotonic() - began, self.kills))
        for token in sorted(missing)[:5]:
            r = subprocess.run(["grep", "-rl", "X-Token: %s\r" % token, self.i.dir + "/spool"],
                               capture_output=True, text=True)
            print("missing:", token, r.stdout)
            for f in r.stdout.split():
                print("\n".join(x for x in self.i.log().splitlines() if os.path.basename(f) in x))
        self.assertEqual(missing, set())
        # What was under way at a kill: no more than there are connections.
        self.assertLessEqual(duplicates, CONNECTIONS * (self.kills["remote"] + self.kills["queue-runner"])
                             + self.kills["remote's child"])
        self.assertEqual(self.i.deliveries("alice"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
