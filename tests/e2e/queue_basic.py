#!/usr/bin/env python3
"""queue-runner with made-up authd and workers: delivery, aliases, retries,
warnings, bounces, success notices, double bounces, restarts."""

import os
import signal
import threading
import time

import side_by_side
from queue_lib import (Case, LETTER, OK, PERM, TEMP, World, status_of, until)

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")


class Delivery(Case):
    world_keys = {"queue": "retry = 1s"}

    def test_letter_to_one_is_delivered_and_gone(self):
        # What the scan at the start finds may have been tried before.
        until(lambda: not self.w.status()["scanning"])
        i = self.w.put(ALICE, BOB)
        self.w.gone(i)
        job = self.w.delivered[0]
        self.assertEqual(job["content"], LETTER)
        self.assertEqual((job["id"], job["sender"], job["recipient"],
                          job["user"], job["again"]),
                         (i, ALICE, BOB, BOB, "0"))
        until(lambda: self.w.events("delivered", id=i))
        self.assertEqual(len([x for x in self.w.log().splitlines()
                              if i in x]), 1)

    def test_no_state_is_written_on_the_fast_path(self):
        self.w.gone(self.w.put(ALICE, BOB))
        for _ in range(20):
            i = self.w.put(ALICE, BOB)
        until(lambda: not self.w.left())
        self.assertEqual(len(self.w.delivered), 21)
        self.assertEqual(self.w.authd.asked.count(BOB), 1)
        self.assertEqual(os.listdir(os.path.join(self.w.spool, "queue",
                                                 i[-2:])), [])

    def test_what_lies_in_new_is_found_at_start(self):
        self.w.kill(signal.SIGTERM)
        ids = [self.w.put(ALICE, BOB, ring=False) for _ in range(5)]
        self.w.start()
        for i in ids:
            self.w.gone(i)
        self.assertEqual({j["again"] for j in self.w.delivered}, {"1"})

    def test_what_cannot_be_read_at_start_is_found_later(self):
        self.w.workers_on = False
        i = self.w.put(ALICE, [BOB, CAROL])
        until(lambda: self.w.path(i, ".s"))
        self.w.kill()
        xx = os.path.join(self.w.spool, "queue", i[-2:])
        mode = os.stat(xx).st_mode & 0o7777
        os.chmod(xx, 0)
        self.w.start()
        until(lambda: self.w.events("scan-failed"))
        self.w.workers_on = True
        os.chmod(xx, mode)
        self.w.gone(i)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [BOB, CAROL])

    def test_bell_with_rubbish_is_survived(self):
        fd = os.open(os.path.join(self.w.spool, "trigger"), os.O_WRONLY)
        os.write(fd, b"../../etc/passwd\nzzz\n\n" + b"x" * 300 +
                 b"\n" + b"0" * 20 + b"\n")
        os.close(fd)
        i = self.w.put(ALICE, BOB)
        self.w.gone(i)

    def test_several_recipients_each_get_it_once(self):
        i = self.w.put(ALICE, [BOB, CAROL, "Bob@example.test"])
        self.w.gone(i)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [BOB, CAROL])
        until(lambda: self.w.events("removed", id=i))
        self.assertEqual(self.w.left(), [])

    def test_aliases_are_expanded(self):
        self.w.aliases["list@example.test"] = [BOB, (CAROL,
                                               "owner-list@example.test")]
        i = self.w.put(ALICE, ["list@example.test", BOB])
        self.w.gone(i)
        got = sorted((j["recipient"], j["sender"]) for j in self.w.delivered)
        self.assertEqual(got, [(BOB, ALICE),
                               (CAROL, "owner-list@example.test")])

    def test_alias_that_names_itself_is_delivered_to_its_mailbox(self):
        self.w.aliases[BOB] = [BOB, CAROL]
        self.w.gone(self.w.put(ALICE, BOB))
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [BOB, CAROL])

    def test_alias_loop_bounces(self):
        self.w.aliases["loop@example.test"] = "loop"
        self.w.gone(self.w.put(ALICE, "loop@example.test"))
        r = until(lambda: self.w.reports(ALICE))[0]
        self.assertEqual(status_of(r)[0]["Status"], "5.4.6")

    def test_many_recipients(self):
        for n in range(2500):
            self.w.users["u%d@example.test" % n] = n % 3
        i = self.w.put(ALICE, ["u%d@example.test" % n for n in range(2500)])
        self.w.gone(i)
        self.assertEqual(len({j["recipient"] for j in self.w.delivered}),
                         2500)
        self.assertEqual(len(self.w.delivered), 2500)

    def test_burst_is_delivered(self):
        ids = [self.w.put(ALICE, (BOB, CAROL)[n % 2]) for n in range(500)]
        for i in ids:
            self.w.gone(i)
        self.assertEqual(len(self.w.delivered), 500)

    def test_hung_destination_does_not_hold_up_another(self):
        self.w.verdict = lambda j: "hang" if j["user"] == BOB else OK
        for _ in range(300):
            self.w.put(ALICE, BOB)
        time.sleep(1)
        ids = [self.w.put(ALICE, CAROL) for _ in range(50)]
        for i in ids:
            self.w.gone(i)

    def test_corrupt_message_is_held_and_postmaster_told(self):
        i = self.w.put(ALICE, BOB, ring=False)
        p = self.w.path(i)
        with open(p, "r+b") as f:
            f.write(b"merpati 9")
        self.w.ring(i)
        until(lambda: (self.w.path(i) or "").startswith(
            os.path.join(self.w.spool, "hold")))
        note = until(lambda: self.w.reports("postmaster@example.test"))[0]
        self.assertIn(i, note["Subject"])

    def test_message_that_is_not_whole_is_left_alone(self):
        i = self.w.put(ALICE, BOB, ring=False)
        p = self.w.path(i)
        with open(p, "rb") as f:
            whole = f.read()
        os.truncate(p, len(whole) - 1)
        self.w.ring(i)
        time.sleep(0.5)
        self.assertEqual(self.w.path(i), p)
        with open(p, "ab") as f:
            f.write(whole[-1:])
        self.w.ring(i)
        self.w.gone(i)


class Failure(Case):
    def test_retries_then_one_warning_then_bounce(self):
        self.w.verdict = lambda j: OK if j["sender"] == "" else TEMP
        began = time.time()
        i = self.w.put(ALICE, BOB)
        until(lambda: self.w.path(i, ".s"))
        self.assertEqual(self.w.letters(i), "P")
        self.assertIn(" 0 4.3.0 - not today\n", self.w.state(i))
        self.w.gone(i)
        self.assertGreaterEqual(time.time() - began, 6)
        tries = [j for j in self.w.jobs if j["id"] == i]
        # As many as there is time for; a busy machine has less of it.
        self.assertIn(len(tries), range(3, 9))
        self.assertEqual(tries[1]["again"], "1")
        reports = until(lambda: len(self.w.reports(ALICE)) == 2 and
                        self.w.reports(ALICE))
        self.assertEqual(status_of(reports[0])[0]["Action"], "delayed")
        self.assertEqual(status_of(reports[0])[0]["Status"], "4.3.0")
        s = status_of(reports[1])[0]
        self.assertEqual(s["Action"], "failed")
        self.assertEqual(s["Final-Recipient"], "rfc822; " + BOB
                         if "; " in s["Final-Recipient"] else
                         "rfc822;" + BOB)
        self.assertEqual(reports[1].get_content_type(), "multipart/report")
        until(lambda: not self.w.left())
        self.assertEqual(len(self.w.events("warned", id=i)), 1)
        self.assertEqual(len(self.w.events("bounced", id=i)), 1)

    def test_restart_keeps_the_clock(self):
        self.w.close()
        # The restarts come long before the warning is due.
        self.w = World(queue="retry = 1s\nwarn-after = 7s\nexpire = 9s")
        self.addCleanup(self.w.close)
        self.w.verdict = lambda j: OK if j["sender"] == "" else TEMP
        began = time.time()
        i = self.w.put(ALICE, BOB)
        for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            time.sleep(1.1)
            self.w.restart(sig)
        self.w.gone(i)
        self.assertGreaterEqual(time.time() - began, 8.5)
        # A kill between delivery and its note may bring one twice.
        until(lambda: len(self.w.reports(ALICE)) >= 2)
        self.assertEqual(len(self.w.events("warned", id=i)), 1)
        self.assertEqual(len(self.w.events("bounced", id=i)), 1)

    def test_permanent_failure_bounces_at_once(self):
        self.w.verdict = lambda j: OK if j["sender"] == "" else PERM
        i = self.w.put(ALICE, BOB + " orcpt=rfc822;b@example.test",
                       extra=["envid QQ1"])
        self.w.gone_at_once(i)
        r = until(lambda: self.w.reports(ALICE))[0]
        s = status_of(r)[0]
        self.assertEqual(s["Status"], "5.7.1")
        self.assertIn("not wanted", str(r))
        self.assertEqual(len([j for j in self.w.jobs if j["id"] == i]), 1)

    def test_unknown_user_bounces_with_5_1_1(self):
        self.w.gone_at_once(self.w.put(ALICE, "nobody@example.test"))
        r = until(lambda: self.w.reports(ALICE))[0]
        self.assertEqual(status_of(r)[0]["Status"], "5.1.1")

    def test_one_of_several_fails(self):
        self.w.verdict = lambda j: PERM if j["recipient"] == BOB else OK
        self.w.gone_at_once(self.w.put(ALICE, [BOB, CAROL,
                                               "nobody@example.test"]))
        r = until(lambda: self.w.reports(ALICE))
        self.assertEqual(len(r), 1)
        self.assertEqual(sorted(s["Status"] for s in status_of(r[0])),
                         ["5.1.1", "5.7.1"])
        self.assertEqual(len([j for j in self.w.delivered
                              if j["recipient"] == CAROL]), 1)

    def test_null_sender_is_a_double_bounce(self):
        self.w.verdict = lambda j: PERM
        i = self.w.put("", BOB)
        self.w.gone_at_once(i)
        until(lambda: self.w.events("double-bounce", id=i))
        until(lambda: not self.w.left())

    def test_bounce_that_fails_ends_there(self):
        self.w.verdict = lambda j: PERM
        self.w.gone_at_once(self.w.put(ALICE, BOB))
        until(lambda: self.w.events("double-bounce"))
        until(lambda: not self.w.left())
        self.assertEqual(len(self.w.jobs), 2)

    def test_notify_never_says_nothing(self):
        self.w.verdict = lambda j: PERM
        self.w.gone_at_once(self.w.put(ALICE, BOB + " notify=NEVER"))
        until(lambda: not self.w.left())
        self.assertEqual(len(self.w.jobs), 1)

    def test_notify_without_delay_gets_no_warning(self):
        self.w.verdict = lambda j: OK if j["sender"] == "" else TEMP
        i = self.w.put(ALICE, BOB + " notify=FAILURE")
        self.w.gone(i)
        until(lambda: self.w.reports(ALICE))
        self.assertEqual(self.w.events("warned", id=i), [])

    def test_notify_success_is_reported(self):
        i = self.w.put(ALICE, [BOB + " notify=SUCCESS", CAROL])
        self.w.gone_at_once(i)
        r = until(lambda: self.w.reports(ALICE))[0]
        s = status_of(r)
        self.assertEqual([(x["Action"], x["Status"]) for x in s],
                         [("delivered", "2.0.0")])
        i = self.w.put(ALICE, BOB + " notify=SUCCESS")
        self.w.gone_at_once(i)
        until(lambda: len(self.w.reports(ALICE)) == 2)

    def test_owner_of_a_list_gets_its_bounces(self):
        self.w.users["owner-list@example.test"] = 1
        self.w.aliases["list@example.test"] = [
            (BOB, "owner-list@example.test"), CAROL]
        self.w.verdict = lambda j: OK if j["sender"] == "" else PERM
        self.w.gone_at_once(self.w.put(ALICE, "list@example.test"))
        until(lambda: self.w.reports("owner-list@example.test"))
        r = until(lambda: self.w.reports(ALICE))
        self.assertEqual(len(status_of(r[0])), 1)


class Quota(Case):
    world_keys = {"queue": "retry = 1s\nexpire = 5h\nquota-grace = 3s"}

    def test_full_mailbox_bounces_after_its_grace(self):
        self.w.verdict = lambda j: OK if j["sender"] == "" else (
            "temp", "4.2.2", "mailbox is full")
        i = self.w.put(ALICE, BOB)
        self.w.gone(i)
        r = until(lambda: self.w.reports(ALICE))[0]
        self.assertEqual(status_of(r)[0]["Status"], "5.2.2")


class SoftBounce(Case):
    world_keys = {"queue": "retry = 1s\nexpire = 5h",
                  "top": "soft-bounce = yes"}

    def test_nothing_bounces(self):
        i = self.w.put(ALICE, "nobody@example.test")
        until(lambda: self.w.path(i, ".s"))
        time.sleep(1.5)
        self.assertIn(" 0 4.1.1 ", self.w.state(i))
        self.assertEqual(self.w.events("bounced"), [])


class Broken(Case):
    """authd finds an error in what it should say of an address."""

    world_keys = {"queue": "retry = 1s\nwarn-after = 3s\nexpire = 8s"}

    def test_others_do_not_wait_for_a_broken_alias(self):
        self.w.aliases["list@example.test"] = "broken"
        i = self.w.put(ALICE, ["list@example.test", BOB])
        until(lambda: self.w.delivered)
        self.assertEqual([j["recipient"] for j in self.w.delivered], [BOB])
        until(lambda: " 4.3.5 " in self.w.state(i))
        self.assertIn("expand=1", self.w.state(i))
        self.w.restart()
        # Bob is on the list, and has it.
        self.w.aliases["list@example.test"] = [
            BOB, CAROL, ("postmaster@example.test", "owner-list@example.test")]
        self.w.gone(i)
        self.assertEqual(sorted((j["recipient"], j["sender"])
                                for j in self.w.delivered),
                         [(BOB, ALICE), (CAROL, ALICE),
                          ("postmaster@example.test",
                           "owner-list@example.test")])
        self.assertEqual(self.w.left(), [])

    def test_one_that_is_no_alias_any_more(self):
        self.w.aliases[BOB] = "broken"
        i = self.w.put(ALICE, BOB)
        until(lambda: self.w.path(i, ".s") and " 4.3.5 " in self.w.state(i))
        self.assertEqual(self.w.delivered, [])
        del self.w.aliases[BOB]
        self.w.gone(i)
        self.assertEqual([j["recipient"] for j in self.w.delivered], [BOB])

    def test_one_that_names_itself(self):
        self.w.aliases[BOB] = "broken"
        i = self.w.put(ALICE, BOB)
        until(lambda: self.w.path(i, ".s") and " 4.3.5 " in self.w.state(i))
        self.w.aliases[BOB] = [BOB, CAROL]
        self.w.gone(i)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [BOB, CAROL])

    def test_the_sender_hears_of_it(self):
        self.w.aliases["list@example.test"] = "broken"
        self.w.gone(self.w.put(ALICE, ["list@example.test",
                                       "broken@example.test", BOB]))
        r = until(lambda: len(self.w.reports(ALICE)) > 1 and
                  self.w.reports(ALICE))
        said = [sorted((s["Action"], s["Status"],
                        s["Final-Recipient"].split(";")[1].strip())
                       for s in status_of(x)) for x in r]
        both = ["broken@example.test", "list@example.test"]
        self.assertEqual(sorted(said), [[("delayed", "4.3.5", a) for a in both],
                                        [("failed", "4.4.7", a) for a in both]])
        self.assertEqual([j["recipient"] for j in self.w.delivered
                          if j["recipient"] != ALICE], [BOB])


class Ours(Case):
    world_keys = {"queue": "retry = 1s\nwarn-after = 1s\nexpire = 2s"}

    def test_authd_away_is_no_failure_of_the_letter(self):
        self.w.authd_stop()
        i = self.w.put(ALICE, BOB)
        time.sleep(3)
        self.assertTrue(self.w.path(i))
        self.assertIsNone(self.w.path(i, ".s"))
        self.w.authd_start()
        self.w.gone(i)
        self.assertEqual(self.w.reports(), [])
        self.assertEqual(len(self.w.delivered), 1)

    def test_no_worker_is_no_failure_of_the_letter(self):
        self.w.workers_on = False
        i = self.w.put(ALICE, BOB)
        time.sleep(3)
        self.assertTrue(self.w.path(i))
        self.w.workers_on = True
        self.w.gone(i)
        self.assertEqual(self.w.reports(), [])

    def test_another_worker_comes_when_one_hangs(self):
        first = []
        self.w.verdict = lambda j: "hang" if not first and not first.append(j) else OK
        for _ in range(60):
            self.w.put(ALICE, BOB)
        # More than one worker may hold wait; nothing new comes to remind of it.
        until(lambda: len(self.w.delivered) >= 20)
        self.assertGreaterEqual(self.w.started, 2)

    def test_worker_killer_is_held_at_the_third(self):
        self.w.verdict = lambda j: "die" if b"poison" in j["content"] else OK
        i = self.w.put(ALICE, BOB, LETTER + b"poison\r\n")
        until(lambda: (self.w.path(i) or "").startswith(
            os.path.join(self.w.spool, "hold")))
        self.assertEqual(len([j for j in self.w.jobs if j["id"] == i]), 3)
        until(lambda: self.w.reports("postmaster@example.test"))

    def test_note_that_is_held_brings_no_other(self):
        self.w.verdict = lambda j: "die"
        self.w.put(ALICE, BOB, LETTER + b"poison\r\n")
        until(lambda: len(self.w.events("held")) == 2)
        time.sleep(4)
        self.assertEqual(len(self.w.events("held")), 2)
        self.assertEqual(len([x for x in self.w.left() if
                              x.startswith("queue")]), 0)

    def test_workers_that_all_die_condemn_nobody(self):
        self.w.verdict = lambda j: "die"
        ids = [self.w.put(ALICE, BOB) for _ in range(6)]
        time.sleep(5)
        self.assertLessEqual(len(self.w.events("held")), 1)
        self.w.verdict = lambda j: OK
        for i in ids:
            until(lambda: "hold" in (self.w.path(i) or "hold"))


class Stop(Case):
    def test_sigterm_waits_for_what_is_in_flight(self):
        began = threading.Event()
        self.w.verdict = lambda j: began.set() or time.sleep(1) or OK
        i = self.w.put(ALICE, BOB)
        until(began.is_set)
        self.assertEqual(self.w.kill(signal.SIGTERM), 0)
        self.assertIsNone(self.w.path(i))

    def test_sigterm_does_not_wait_for_ever(self):
        self.w.verdict = lambda j: "hang"
        i = self.w.put(ALICE, BOB)
        until(lambda: self.w.jobs)
        began = time.time()
        self.assertEqual(self.w.kill(signal.SIGTERM), 0)
        # The worker takes a minute.
        self.assertLess(time.time() - began, 40)
        self.assertTrue(self.w.path(i))


if __name__ == "__main__":
    side_by_side.main()
