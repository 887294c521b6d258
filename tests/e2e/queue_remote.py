#!/usr/bin/env python3
"""queue-runner and mail for other hosts, with made-up authd, resolver and
remote: what is sent where, reports, routes.  queue_remote_load.py has many
letters, pauses and failures."""

import os
import time

import side_by_side
from queue_lib import LETTER, status_of, until
from queue_remote_lib import FAR_OK, FAR_PERM, FAR_TEMP, FarCase

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")
X, Y = "x@far.example", "y@far.example"


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
