#!/usr/bin/env python3
"""queue-runner and mail for other hosts, with made-up authd, resolver and
remote: destinations, pauses, fairness, reports."""

import os
import signal
import threading
import time

import side_by_side
from harness import PATIENCE
from queue_lib import Case, LETTER, status_of, until, xdecode
from queue_remote_lib import DOWN, FAR_OK, FAR_PERM, FAR_TEMP, Far

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")
X, Y = "x@far.example", "y@far.example"


class FarCase(Case):
    world_class = Far
    world_keys = {"queue": "retry = 1s\nwarn-after = 1h\nexpire = 2h"}


class Delivery(FarCase):
    def test_a_letter_goes_and_is_gone(self):
        i = self.w.put(ALICE, X)
        self.w.gone(i)
        job = self.w.jobs_of(i)[0]
        self.assertEqual((job["sender"], job["host"], job["content"]),
                         (ALICE, "mx.far.example", LETTER))
        line = until(lambda: self.w.events("relayed", id=i))[0]
        for word in ("to=" + X, "host=mx.far.example", "addr=192.0.2.1",
                     "code=2.0.0"):
            self.assertIn(word, line)
        self.assertEqual(self.w.left(), [])
        # Nothing that authd would have to know.
        self.assertEqual(self.w.authd.asked, [])

    def test_connections_and_answers_are_used_again(self):
        for _ in range(30):
            self.w.gone(self.w.put(ALICE, X))
        self.assertEqual(len(self.w.opened), 1)
        self.assertEqual(self.w.asked, [("route", "far.example")])

    def test_a_job_has_what_the_envelope_says(self):
        self.w.gone(self.w.put(
            ALICE, [X + " notify=SUCCESS,DELAY orcpt=rfc822;xx@far.example",
                    Y], extra=["flags 8bit dots longline utf8", "ret HDRS",
                               "envid QQ1"]))
        job = self.w.remote_jobs[0]
        self.assertEqual([job[k] for k in ("eightbit", "utf8", "dots",
                                           "longline", "ret", "envid")],
                         ["1", "1", "1", "1", "2", "QQ1"])
        self.assertEqual([(r["address"], r["notify"], r.get("orcpt"))
                          for r in job["rcpts"]],
                         [(X, "10", "rfc822;xx@far.example"),
                          (Y, "0", None)])

    def test_recipients_behind_the_same_hosts_travel_together(self):
        self.w.routes["one.example"] = ("ok", [("b.host", 10), ("a.host", 10)])
        self.w.routes["two.example"] = ("ok", [("a.host", 20), ("b.host", 20)])
        # The same ones, but not as well liked: another destination.
        self.w.routes["four.example"] = ("ok", [("a.host", 10), ("b.host", 20)])
        self.w.routes["five.example"] = ("ok", [("b.host", 10), ("a.host", 20)])
        i = self.w.put(ALICE, ["a@one.example", "b@two.example",
                               "c@one.example", "d@three.example",
                               "e@four.example", "f@five.example", BOB])
        self.w.gone(i)
        self.assertEqual(sorted(len(j["rcpts"]) for j in self.w.jobs_of(i)),
                         [1, 1, 1, 3])
        self.assertEqual(len(self.w.delivered), 1)

    def test_an_unsigned_domain_does_not_decide_for_a_signed_one(self):
        """The same hosts, of which one answer has TLSA records."""
        for d in ("signed.example", "unsigned.example"):
            self.w.routes[d] = ("ok", ["a.host"])
        self.w.dane.add("signed.example")
        self.w.gone(self.w.put(ALICE, "x@signed.example"))
        self.w.gone(self.w.put(ALICE, "x@unsigned.example"))
        i = self.w.put(ALICE, ["y@signed.example", "y@unsigned.example"])
        self.w.gone(i)
        self.assertEqual(len(self.w.jobs_of(i)), 2)
        self.assertEqual(sorted(o["dane"] for o in self.w.opened),
                         ["none", "tlsa"])

    def test_outcomes_are_each_recipients_own(self):
        self.w.remote_verdict = lambda j: {
            "all": FAR_OK, Y: FAR_PERM, "z@far.example": FAR_TEMP}
        i = self.w.put(ALICE, [X, Y, "z@far.example"])
        until(lambda: self.w.path(i, ".s") and
              self.w.letters(i) == "DFP")
        r = until(lambda: self.w.reports(ALICE))[0]
        s = status_of(r)
        self.assertEqual(len(s), 1)
        self.assertEqual(s[0]["Status"], "5.1.1")
        self.assertEqual(s[0]["Remote-MTA"], "dns; mx.far.example")
        self.assertEqual(s[0]["Diagnostic-Code"],
                         "smtp; 550 5.1.1 no such user")
        self.assertIn(" mx.far.example 450 4.7.1 greylisted\n",
                      self.w.state(i))
        self.w.remote_verdict = lambda j: FAR_OK
        self.w.gone(i)

    def test_greylisting_does_not_pause_the_destination(self):
        self.w.remote_verdict = lambda j: {"all": FAR_OK, X: FAR_TEMP}
        i = self.w.put(ALICE, X)
        until(lambda: self.w.events("deferred", id=i))
        self.w.gone(self.w.put(ALICE, Y))
        self.assertEqual(self.w.events("destination-paused"), [])
        self.w.remote_verdict = lambda j: FAR_OK
        self.w.gone(i)

    def test_no_such_domain_bounces_at_once(self):
        self.w.routes["none.example"] = ("none", ("5.1.2", "no such domain"))
        self.w.gone(self.w.put(ALICE, "x@none.example"))
        s = status_of(until(lambda: self.w.reports(ALICE))[0])[0]
        self.assertEqual(s["Status"], "5.1.2")
        self.assertNotIn("Remote-MTA", s)

    def test_null_mx_bounces_with_its_code(self):
        self.w.routes["null.example"] = ("null-mx", ("5.1.10", "no mail"))
        self.w.gone(self.w.put(ALICE, "x@null.example"))
        s = status_of(until(lambda: self.w.reports(ALICE))[0])[0]
        self.assertEqual(s["Status"], "5.1.10")

    def test_an_alias_may_lead_to_an_address_with_utf8(self):
        self.w.aliases["list@example.test"] = [
            "\u00fc@far.example", X, "x@b\u00fccher.example"]
        i = self.w.put(ALICE, "list@example.test")
        self.w.gone(i)
        self.assertEqual(sorted(
            (j["utf8"], r["address"]) for j in self.w.jobs_of(i)
            for r in j["rcpts"]), [("0", X), ("0", "x@xn--bcher-kva.example"),
                                   ("1", "\u00fc@far.example")])

    def test_a_lookup_that_fails_is_a_try(self):
        self.w.ttl = 1
        self.w.routes["temp.example"] = ("temp", ("4.4.3", "SERVFAIL"))
        i = self.w.put(ALICE, "x@temp.example")
        until(lambda: self.w.path(i, ".s"))
        self.assertIn(" 0 4.4.3 - SERVFAIL\n", self.w.state(i))
        del self.w.routes["temp.example"]
        self.w.gone(i)

    def test_identical_questions_are_asked_once(self):
        self.w.resolver_stop()
        time.sleep(0.2)
        ids = [self.w.put(ALICE, X) for _ in range(50)]
        time.sleep(0.5)
        self.w.resolver_start()
        for i in ids:
            self.w.gone(i)
        self.assertEqual(self.w.asked.count(("route", "far.example")), 1)


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
        self.assertLessEqual(self.w.open_all, 105)    # some closing
        self.assertLessEqual(max(self.w.open_most.values()), 20)

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
        self.assertIn(self.w.open_most["mx.far.example"], range(12, 21))

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
        self.assertLessEqual(self.w.open_most["mx.far.example"], 4)
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


class Reports(FarCase):
    world_keys = {"queue": "retry = 1s\nwarn-after = 2s\nexpire = 6s"}

    def test_success_is_reported_as_relayed_without_dsn(self):
        i = self.w.put(ALICE, X + " notify=SUCCESS")
        self.w.gone(i)
        s = status_of(until(lambda: self.w.reports(ALICE))[0])[0]
        self.assertEqual((s["Action"], s["Status"], s["Remote-MTA"]),
                         ("relayed", "2.0.0", "dns; mx.far.example"))

    def test_success_of_several_is_reported_as_what_it_was(self):
        i = self.w.put(ALICE, [X + " notify=SUCCESS", BOB +
                               " notify=SUCCESS", Y])
        self.w.gone(i)
        s = status_of(until(lambda: self.w.reports(ALICE))[0])
        self.assertEqual(sorted(x["Action"] for x in s),
                         ["delivered", "relayed"])

    def test_a_report_that_cannot_be_written_sends_nothing_twice(self):
        queue = os.path.join(self.w.spool, "queue")
        dirs = [os.path.join(queue, d) for d in os.listdir(queue)]
        dirs = [d for d in dirs if os.path.isdir(d)]
        for d in dirs:
            os.chmod(d, 0o555)
        i = self.w.put(ALICE, X + " notify=SUCCESS")
        self.w.gone(i)
        self.assertEqual(len(self.w.arrived()), 1)
        self.assertEqual(len(self.w.events("report-forgone", id=i)), 1)
        for d in dirs:
            os.chmod(d, 0o755)

    def test_success_is_the_next_hosts_business_with_dsn(self):
        self.w.remote_verdict = lambda j: {"dsn": 1, "all": FAR_OK}
        i = self.w.put(ALICE, X + " notify=SUCCESS")
        self.w.gone(i)
        i = self.w.put(ALICE, [X + " notify=SUCCESS", Y])
        self.w.gone(i)
        time.sleep(0.3)
        self.assertEqual(self.w.reports(ALICE), [])
        self.assertEqual(self.w.events("reported"), [])

    def test_the_hosts_words_come_back_after_the_last_try(self):
        self.w.remote_verdict = lambda j: FAR_TEMP
        i = self.w.put(ALICE, X)
        self.w.gone(i)
        reports = until(lambda: len(self.w.reports(ALICE)) == 2 and
                        self.w.reports(ALICE))
        for r in reports:
            s = status_of(r)[0]
            self.assertEqual(s["Remote-MTA"], "dns; mx.far.example")
            self.assertEqual(s["Diagnostic-Code"],
                             "smtp; 450 4.7.1 greylisted")
        self.assertEqual([status_of(r)[0]["Action"] for r in reports],
                         ["delayed", "failed"])

    def test_a_bounce_that_is_refused_ends_there(self):
        self.w.remote_verdict = lambda j: FAR_PERM
        self.w.gone(self.w.put("far@far.example", X))
        until(lambda: self.w.events("double-bounce"))
        until(lambda: not self.w.left())
        self.assertEqual(len(self.w.remote_jobs), 2)

    def test_a_lists_owner_did_not_ask_for_the_senders_report(self):
        self.w.aliases["list@example.test"] = [
            (X, "owner-list@example.test"), Y]
        i = self.w.put(ALICE, "list@example.test notify=SUCCESS",
                       extra=["ret FULL", "envid QQ7"])
        self.w.gone(i)
        jobs = {j["sender"]: j for j in self.w.jobs_of(i)}
        self.assertEqual(jobs["owner-list@example.test"]["envid"], "")
        self.assertEqual(jobs["owner-list@example.test"]["ret"], "0")
        self.assertEqual(jobs[ALICE]["envid"], "QQ7")


class Routes(FarCase):
    world_keys = {
        "queue": "retry = 1s\nwarn-after = 1h\nexpire = 2h",
        "top": '''
route "*" { via = "[relay.example]:587" user = "me" password-file = "/pw" }
route "far.example" { via = "mx" tls = "verified" }
route ".far.example" { via = "[192.0.2.9]:2525" }
route "box.example" { via = "lmtp:unix:/run/box" }
route "hub.example" { via = "mail.hub" }
'''}

    def opened(self, to):
        n = len(self.w.opened)
        self.w.gone(self.w.put(ALICE, to))
        o = self.w.opened[n]
        return (o["hosts"], o["port"], o["tls"], o["user"], o["lmtp"])

    def test_each_domain_has_its_route(self):
        self.assertEqual(self.opened("x@any.example"),
                         (["relay.example"], "587", "required", "me", "0"))
        self.assertEqual(self.opened(X),
                         (["mx.far.example"], "25", "verified", "", "0"))
        self.assertEqual(self.opened("x@a.b.far.example"),
                         (["[192.0.2.9]"], "2525", "opportunistic", "", "0"))
        self.assertEqual(self.opened("x@box.example"),
                         ([], "0", "off", "", "1"))
        self.assertEqual(self.opened("x@hub.example"),
                         (["mx.mail.hub"], "25", "opportunistic", "", "0"))
        self.assertEqual(self.w.opened[0]["password-file"], "/pw")
        self.assertEqual(self.w.asked, [("addresses", "relay.example:587"),
                                        ("route", "far.example"),
                                        ("route", "mail.hub:25")])

    def test_one_relay_is_one_destination(self):
        i = self.w.put(ALICE, ["x@d%d.example" % n for n in range(50)])
        self.w.gone(i)
        self.assertEqual(len(self.w.jobs_of(i)), 1)
        self.assertEqual(self.w.asked, [("addresses", "relay.example:587")])

    def test_a_relay_that_is_not_found_bounces_nothing(self):
        self.w.routes["relay.example"] = ("none", ("5.1.2", "no such host"))
        i = self.w.put(ALICE, "x@any.example")
        until(lambda: self.w.path(i, ".s"))
        self.assertIn("relay.example is not to be found", self.w.state(i))
        self.assertEqual(self.w.reports(), [])


class Curve(FarCase):
    world_keys = {"queue": "retry = { 1s, 3s, 6s }\nwarn-after = 1h\n"
                  "expire = 2h"}

    def test_tries_follow_the_curve(self):
        self.w.remote_verdict = lambda j: FAR_TEMP
        i = self.w.put(ALICE, X)
        until(lambda: len(self.w.jobs_of(i)) == 4)
        at = [j["at"] for j in self.w.jobs_of(i)]
        for gap, want in zip([b - a for a, b in zip(at, at[1:])], (1, 3, 6)):
            # Times are whole seconds, and a busy machine is late.
            self.assertGreater(gap, want - 1.1)
            self.assertLess(gap, 2 * want + 4)


if __name__ == "__main__":
    side_by_side.main()
