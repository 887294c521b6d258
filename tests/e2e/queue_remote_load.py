#!/usr/bin/env python3
"""queue-runner and mail for other hosts, with made-up authd, resolver and
remote: many letters, fairness, pauses, their control, what goes away."""

import os
import signal
import threading
import time

import side_by_side
from harness import PATIENCE
from queue_lib import LETTER, until, xdecode
from queue_remote_lib import DOWN, FAR_OK, FAR_TEMP, Far, FarCase

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")
X, Y = "x@far.example", "y@far.example"


class Many(FarCase):
    def test_ten_thousand_recipients_beside_one(self):
        # Slow until the others are through, so that it is not through first.
        hurry = threading.Event()
        self.w.remote_verdict = lambda j: hurry.wait(
            1 if j["sender"] == ALICE else 0.02) and False or FAR_OK
        rcpts = ["u%d@far.example" % n for n in range(5000)]
        rcpts += ["u%d@d%d.example" % (n, n % 500) for n in range(5000)]
        big = self.w.put(ALICE, rcpts)
        until(lambda: len(self.w.arrived()) > 300)
        small = self.w.put(CAROL, Y)
        other = self.w.put(CAROL, "x@elsewhere.example")
        self.w.gone(small)
        self.w.gone(other)
        self.assertTrue(self.w.path(big), "the big one has gone already")
        self.assertLess(len(self.w.arrived()), len(rcpts))
        hurry.set()
        self.w.gone(big, 200)
        got = [a for i, a in self.w.arrived() if i == big]
        self.assertEqual(sorted(got), sorted(rcpts))
        self.assertLessEqual(max(len(j["rcpts"])
                                 for j in self.w.remote_jobs), 100)
        self.assertLessEqual(self.w.busy_all, 100)
        self.assertLessEqual(max(self.w.busy_most.values()), 20)
        self.assertLessEqual(self.w.open_all, 150)      # some closing

    def test_senders_share_a_destination(self):
        self.w.remote_verdict = lambda j: time.sleep(0.05) or FAR_OK
        for _ in range(2000):
            self.w.put(ALICE, X)
        until(lambda: len(self.w.arrived()) > 20)
        self.w.gone(self.w.put(CAROL, Y))
        self.assertLess(len(self.w.arrived()), 1000)

    def test_connections_grow_with_success(self):
        # Slow enough to need them all.
        self.w.remote_verdict = lambda j: time.sleep(0.1) or FAR_OK
        ids = [self.w.put(ALICE, X) for _ in range(300)]
        for i in ids:
            self.w.gone(i)
        self.assertIn(self.w.busy_most["mx.far.example"], range(12, 21))

    def test_a_host_that_takes_few_connections_gets_few(self):
        def verdict(job):
            time.sleep(0.02)
            with self.w.lock:
                many = self.w.open_now["mx.far.example"] > 4
            if many:
                return {"failed": 1, "kept": 0, "all": (
                    "temp", "4.7.0", "421 4.7.0 too many connections", 1)}
            return FAR_OK
        self.w.remote_verdict = verdict
        ids = [self.w.put(ALICE, X) for _ in range(200)]
        for i in ids:
            self.w.gone(i)
        self.assertLess(len(self.w.remote_jobs), 300)

    def test_a_host_that_hangs_up_gets_no_more_connections(self):
        """421 in the middle of a conversation, RFC 5321 3.8."""
        self.w.remote_verdict = lambda j: time.sleep(0.02) or {
            "kept": 0, "all": ("temp", "4.7.0", "421 4.7.0 slow down", 1)}
        ids = [self.w.put(ALICE, X) for _ in range(60)]
        until(lambda: len(set(j["id"] for j in self.w.remote_jobs)) == 60)
        self.assertLessEqual(self.w.busy_most["mx.far.example"], 4)
        self.w.remote_verdict = lambda j: FAR_OK
        for i in ids:
            self.w.gone(i)

    def test_slow_destinations_do_not_delay_a_fast_one(self):
        def verdict(job):
            if job["host"].startswith("mx.slow"):
                return "hang"
            return FAR_OK
        self.w.remote_verdict = verdict
        for n in range(600):
            self.w.put(ALICE, "x@slow%d.example" % (n % 60))
        time.sleep(2)
        began = time.time()
        for n in range(20):
            self.w.gone(self.w.put(ALICE, "x@fast%d.example" % n))
            self.w.gone(self.w.put(ALICE, BOB))
        # The slow ones take two minutes each.
        self.assertLess(time.time() - began, 90)
        self.w.hanging.set()


class Pause(FarCase):
    world_keys = {"queue": "retry = 3s\nwarn-after = 1h\nexpire = 2h"}

    def test_a_failed_destination_gets_one_probe(self):
        self.w.remote_verdict = lambda j: DOWN
        ids = [self.w.put(ALICE, X) for _ in range(200)]
        until(lambda: self.w.events("destination-paused"))
        paused, first = time.time(), len(self.w.remote_jobs)
        until(lambda: len(self.w.events("deferred")) == 200)

        def probes():
            return len([j for j in self.w.remote_jobs if "far" in j["host"]])

        def assert_one_a_pause():
            n = probes()        # first, as the clock goes on
            self.assertLessEqual(n, 6 + (time.time() - paused) // 3)
        assert_one_a_pause()
        # None of them is tried while the pause goes on, new ones neither.
        late = self.w.put(CAROL, Y)
        until(lambda: self.w.path(late, ".s"))
        until(lambda: "refuses the connection" in self.w.state(late))
        assert_one_a_pause()
        # Others go.
        self.w.remote_verdict = lambda j: DOWN if "far" in j["host"] else \
            FAR_OK
        self.w.gone(self.w.put(ALICE, "x@else.example"))
        # The pauses: a probe each.
        until(lambda: probes() > first)
        time.sleep(8)
        assert_one_a_pause()
        self.w.remote_verdict = lambda j: FAR_OK
        for i in ids + [late]:
            self.w.gone(i)
        until(lambda: self.w.events("destination-open"))

    def test_a_connection_lost_during_a_pause_blocks_nothing(self):
        self.w.gone(self.w.put(ALICE, X))
        go = {Y: threading.Event(), "z@far.example": threading.Event()}
        at_host = threading.Event()
        first = {Y: "die", "z@far.example": DOWN}

        def verdict(job):
            who = job["rcpts"][0]["address"]
            if who not in first:
                return FAR_OK
            at_host.set()
            go[who].wait(PATIENCE)
            return first.pop(who)
        self.w.remote_verdict = verdict
        # The one that is lost is on a connection that has worked.
        lost = self.w.put(ALICE, Y)
        until(at_host.is_set)
        down = self.w.put(ALICE, "z@far.example")
        until(lambda: len(self.w.opened) == 2)
        go["z@far.example"].set()
        until(lambda: self.w.events("destination-paused"))
        go[Y].set()
        self.w.gone(lost)
        self.w.gone(down)

    def test_retry_domain_lifts_a_pause(self):
        self.w.close()
        self.w = Far(queue="retry = 1h\nwarn-after = 2h\nexpire = 5h")
        self.addCleanup(self.w.close)
        self.w.remote_verdict = lambda j: DOWN
        ids = [self.w.put(ALICE, X) for _ in range(20)]
        until(lambda: len(self.w.events("deferred")) == 20)
        self.w.remote_verdict = lambda j: FAR_OK
        self.assertEqual(self.w.select("retry", "domain", "far.example"),
                         ("done", {"count": "20"}, []))
        for i in ids:
            self.w.gone(i)

    def test_a_paused_destination_still_warns_and_bounces(self):
        self.w.close()
        self.w = Far(queue="retry = 4s\nwarn-after = 3s\nexpire = 9s")
        self.addCleanup(self.w.close)
        self.w.remote_verdict = lambda j: DOWN
        ids = [self.w.put(ALICE, X) for _ in range(5)]
        for i in ids:
            self.w.gone(i)
        for i in ids:
            self.assertEqual(len(self.w.events("warned", id=i)), 1)
            self.assertEqual(len(self.w.events("bounced", id=i)), 1)


class Control(FarCase):
    world_keys = {"queue": "retry = 1h\nwarn-after = 2h\nexpire = 5h"}

    def destinations(self):
        r, w = os.pipe()
        verb, fields, _ = self.w.ask("destinations", "", [w])
        os.close(w)
        self.assertEqual(verb, "done")
        with open(r) as f:
            lines = f.read().splitlines()
        self.assertEqual(lines[-1], "end %d" % (len(lines) - 1))
        return {d["dest"]: d for d in (
            {k: xdecode(v) for k, v in (p.split("=", 1)
                                        for p in line.split(" "))}
            for line in lines[:-1])}

    def test_destinations_and_tries_are_shown(self):
        self.assertEqual(self.destinations(), {})
        self.w.remote_verdict = lambda j: DOWN if "far" in j["host"] else \
            "hang"
        began = int(time.time())
        ids = [self.w.put(ALICE, X) for _ in range(7)]
        hung = self.w.put(ALICE, "x@slow.example")
        until(lambda: len(self.w.events("deferred")) == 7)
        until(lambda: len(self.w.opened) > 1)
        d = self.destinations()
        self.assertEqual(sorted(d), ["smtp:mx.far.example:25",
                                     "smtp:mx.slow.example:25"])
        far = d["smtp:mx.far.example:25"]
        self.assertEqual([far[k] for k in ("state", "connections", "deferred",
                                           "waiting", "code", "host")],
                         ["paused", "0", "7", "0", "4.4.1", ""])
        self.assertGreaterEqual(int(far["next"]), began + 58)
        self.assertLessEqual(int(far["next"]), time.time() + 61)
        self.assertIn("refuses the connection", far["reason"])
        slow = d["smtp:mx.slow.example:25"]
        self.assertEqual([slow[k] for k in ("state", "connections", "next")],
                         ["open", "1", "0"])
        status = self.w.status()
        self.assertEqual([status[k] for k in ("connections", "paused",
                                              "resolver", "remote")],
                         [1, 1, 1, 1])
        items = {i["id"]: i for i in self.w.listing()}
        self.assertEqual(items[hung]["where"], "active")
        for i in ids:
            self.assertEqual(items[i]["tries"], "1")
            self.assertEqual(items[i]["code"], "4.4.1")
        self.w.hanging.set()

    def test_retry_of_one_message_is_a_probe(self):
        self.w.remote_verdict = lambda j: DOWN
        ids = [self.w.put(ALICE, X) for _ in range(5)]
        until(lambda: len(self.w.events("deferred")) == 5)
        n = len(self.w.remote_jobs)
        self.w.select("retry", "id", ids[3])
        until(lambda: len(self.w.remote_jobs) == n + 1)
        self.w.remote_verdict = lambda j: FAR_OK
        self.w.select("retry", "id", ids[2])
        self.w.gone(ids[2])
        until(lambda: self.w.events("destination-open"))

    def test_another_recipient_need_not_wait_for_a_pause(self):
        self.w.remote_verdict = lambda j: DOWN
        i = self.w.put(ALICE, X)
        until(lambda: self.w.events("deferred", id=i))
        self.w.select("reroute", "id", i, "address " + BOB + "\n")
        self.w.gone(i)
        self.assertEqual(len(self.w.delivered), 1)

    def test_retry_of_a_domain_asks_the_resolver_again(self):
        self.w.ttl = 3600
        self.w.routes["far.example"] = ("temp", ("4.4.3", "SERVFAIL"))
        i = self.w.put(ALICE, X)
        until(lambda: self.w.events("deferred", id=i))
        del self.w.routes["far.example"]
        self.w.select("retry", "domain", "far.example")
        self.w.gone(i)


class Failures(FarCase):
    def test_remote_away_is_no_failure_of_the_letter(self):
        self.w.remote_stop()
        i = self.w.put(ALICE, X)
        until(lambda: self.w.events("remote-unreachable"))
        time.sleep(2)
        self.assertIsNone(self.w.path(i, ".s"))
        self.w.remote_start()
        self.w.gone(i)
        until(lambda: self.w.events("remote-back"))

    def test_resolver_away_is_no_failure_of_the_letter(self):
        self.w.resolver_stop()
        i = self.w.put(ALICE, X)
        until(lambda: self.w.events("resolver-unreachable"))
        time.sleep(2)
        self.assertIsNone(self.w.path(i, ".s"))
        self.w.resolver_start()
        self.w.gone(i)

    def test_remote_killed_with_jobs_under_way_loses_nothing(self):
        self.w.remote_verdict = lambda j: time.sleep(0.02) or FAR_OK
        ids = [self.w.put(ALICE, "x@d%d.example" % (n % 7))
               for n in range(400)]
        for _ in range(3):
            time.sleep(0.4)
            self.w.remote_stop()
            time.sleep(0.1)
            self.w.remote_start()
        for i in ids:
            self.w.gone(i)
        self.assertEqual({i for i, _ in self.w.arrived()}, set(ids))
        self.assertEqual(self.w.events("held"), [])

    def test_a_message_that_kills_remote_is_held_at_the_third(self):
        self.w.remote_verdict = lambda j: "die" if b"poison" in \
            j["content"] else FAR_OK
        i = self.w.put(ALICE, X, LETTER + b"poison\r\n")
        until(lambda: "hold" in (self.w.path(i) or ""))
        self.w.gone(self.w.put(ALICE, Y))
        until(lambda: self.w.reports("postmaster@example.test"))

    def test_stopping_remote_is_no_messages_fault(self):
        def hang(job):
            self.w.at_work = True
            return "hang"
        self.w.at_work = False
        self.w.remote_verdict = hang
        i = self.w.put(ALICE, X)
        for n in range(3):
            until(lambda: len(self.w.opened) == n + 1)
            until(lambda: self.w.at_work)
            self.w.at_work = False
            self.w.remote_stop()
            until(lambda: len(self.w.events("remote-lost")) == n + 1)
            if n == 2:
                self.w.remote_verdict = lambda j: FAR_OK
            self.w.remote_start()
        self.w.gone(i)
        self.assertEqual(self.w.events("held"), [])
        self.assertEqual(len(self.w.arrived()), 1)
        self.w.hanging.set()

    def test_what_cannot_be_removed_is_sent_once(self):
        """A file system that has become read-only."""
        new = os.path.join(self.w.spool, "new")
        i = self.w.put(ALICE, X, ring=False)
        os.chmod(new, 0o555)
        self.w.ring(i)
        until(lambda: len(self.w.events("remove-failed", id=i)) == 3)
        self.assertEqual(len(self.w.arrived()), 1)
        os.chmod(new, 0o755)
        self.w.gone(i)
        self.assertEqual(len(self.w.arrived()), 1)

    def test_a_host_that_said_no_is_not_asked_for_the_others_sake(self):
        self.w.close()
        self.w = Far(queue="retry = 30s\nwarn-after = 1h\nexpire = 2h")
        self.addCleanup(self.w.close)
        self.w.remote_verdict = lambda j: FAR_TEMP if "far" in j["host"] \
            else "die"
        i = self.w.put(ALICE, [X, "x@else.example"])
        until(lambda: self.w.path(i, ".s"))
        time.sleep(11.5)
        self.assertEqual(len([j for j in self.w.jobs_of(i)
                              if "far" in j["host"]]), 1)

    def test_killed_queue_runner_sends_what_is_left(self):
        self.w.remote_verdict = lambda j: time.sleep(0.02) or FAR_OK
        ids = [self.w.put(ALICE, "x@d%d.example" % (n % 7))
               for n in range(300)]
        for _ in range(3):
            time.sleep(0.3)
            self.w.restart(signal.SIGKILL)
        for i in ids:
            self.w.gone(i)
        got = [i for i, _ in self.w.arrived()]
        self.assertEqual(set(got), set(ids))


if __name__ == "__main__":
    side_by_side.main()
