#!/usr/bin/env python3
"""What a crash at each step leaves (doc/queue.md), and what the next start
makes of it; then kill -9 at random while letters move."""

import os
import random
import subprocess
import time

import side_by_side
from queue_lib import (ALPHABET, Case, LETTER, NOBODY, OK, PERM, TEMP,
                       envelope, new_id, status_of, until)

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")


def state(letters, sender=ALICE, rcpts=(BOB, CAROL), tries=(), warned="-"):
    lines = ["merpati-state 1", "arrived %d" % time.time(),
             "size %d" % len(LETTER), "from " + sender, "warned " + warned,
             "rcpts %d" % len(rcpts)]
    lines += ["%s %s" % (x, r) for x, r in zip(letters, rcpts)]
    return "\n".join(lines + ["end"] + list(tries) + [""])


class Leavings(Case):
    world_keys = {"start": False, "queue": "retry = 1h\nwarn-after = 2h\n"
                  "expire = 5h"}

    def file(self, name, text):
        p = os.path.join(self.w.spool, name)
        with open(p, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        if os.getuid() == 0:
            os.chown(p, NOBODY, NOBODY)
        return p

    def message(self, where, letters=None, ident=None, **keys):
        ident = ident or new_id()
        d = where if where != "queue" else "queue/" + ident[-2:]
        self.file("%s/%s" % (d, ident), envelope(ALICE, [BOB, CAROL], LETTER))
        if letters is not None:
            self.file("%s/%s.s" % (d, ident), state(letters, **keys))
            past = time.time() - 100
            os.utime(os.path.join(self.w.spool, d, ident + ".s"),
                     (past, past))
        return ident

    def runs(self, ident):
        self.w.start()
        self.w.gone(ident)
        until(lambda: not self.w.left(), what="the spool to be empty")
        return sorted(j["recipient"] for j in self.w.delivered
                      if j["id"] == ident)

    def test_moved_but_no_state_yet(self):
        self.assertEqual(self.runs(self.message("queue")), [BOB, CAROL])
        self.assertEqual({j["again"] for j in self.w.delivered}, {"1"})

    def test_state_cut_off(self):
        i = self.message("queue", ["P 0000", "P 0000"])
        p = self.w.path(i, ".s")
        os.truncate(p, os.stat(p).st_size - 4)
        self.assertEqual(self.runs(i), [BOB, CAROL])

    def test_state_lost_to_zeros(self):
        i = self.message("queue")
        self.file("queue/%s/%s.s" % (i[-2:], i), b"\0" * 200)
        self.assertEqual(self.runs(i), [BOB, CAROL])

    def test_content_lost_to_zeros_is_not_delivered(self):
        """Power went between smtpd's rename and its fsync: nobody heard 250."""
        whole = self.w.put(ALICE, BOB, ring=False)
        torn = self.w.put(ALICE, CAROL, ring=False)
        with open(self.w.path(torn), "r+b") as f:
            f.seek(-10, 2)
            f.write(b"\0" * 10)
        self.w.start()
        until(lambda: self.w.path(whole) is None)
        time.sleep(0.5)
        self.assertEqual([j["recipient"] for j in self.w.jobs], [BOB])
        self.assertIsNotNone(self.w.path(torn))

    def test_half_written_files_are_swept(self):
        i = self.message("queue", ["D 0000", "P 0000"])
        self.file("queue/%s/.%s.s" % (i[-2:], i), "merpati-st")
        self.file("queue/00/.%s" % new_id(), "merpati 1\n")
        self.assertEqual(self.runs(i), [CAROL])

    def test_delivered_ones_are_not_tried_again(self):
        self.assertEqual(self.runs(self.message(
            "queue", ["D 0000", "P 0000"])), [CAROL])

    def test_all_done_but_not_removed(self):
        self.assertEqual(self.runs(self.message(
            "queue", ["D 0000", "F 0001"])), [])

    def test_state_alone_is_rubbish(self):
        i = self.message("queue", ["P 0000", "P 0000"])
        os.unlink(self.w.path(i))
        self.w.start()
        until(lambda: not self.w.left())
        self.assertEqual(self.w.jobs, [])

    def test_bounce_noted_but_not_written(self):
        i = self.message("queue", ["D 0000", "B 0003"],
                         tries=["%d 1 5.7.1 not wanted" % time.time()])
        self.assertEqual(self.runs(i), [])
        r = self.w.reports(ALICE)
        self.assertEqual(len(r), 1)
        self.assertEqual([s["Status"] for s in status_of(r[0])], ["5.7.1"])
        self.assertIn("not wanted", str(r[0]))

    def test_bounce_written_but_not_noted_is_the_same_bounce(self):
        i = self.message("queue", ["D 0000", "B 0003"],
                         tries=["%d 1 5.7.1 not wanted" % time.time()])
        self.w.workers_on = False
        self.w.start()
        self.w.gone(i)
        bounce = [n[-20:] for n in self.w.left() if n[-20:] != i]
        self.assertEqual(len(bounce), 1)
        self.w.kill()
        self.message("queue", ["D 0000", "B 0003"], ident=i)
        self.w.workers_on = True
        self.assertEqual(self.runs(i), [])
        # Delivered already when it is written again, it comes again: under
        # its id, by which deliver knows it.
        self.assertEqual({j["id"] for j in self.w.delivered}, set(bounce))
        self.assertIn(len(self.w.reports(ALICE)), (1, 2))

    def test_two_batches_stay_apart(self):
        i = self.message("queue", ["B 0001", "B 0002"],
                         tries=["5 0 5.1.1 a", "6 1 5.1.2 b"])
        self.assertEqual(self.runs(i), [])
        self.assertEqual(sorted(status_of(r)[0]["Status"]
                                for r in self.w.reports(ALICE)),
                         ["5.1.1", "5.1.2"])

    def test_success_noted_but_not_reported(self):
        i = self.message("queue", ["S 0001", "D 0000"])
        self.assertEqual(self.runs(i), [])
        self.assertEqual(status_of(self.w.reports(ALICE)[0])[0]["Action"],
                         "delivered")

    def test_hold_half_done(self):
        i = self.message("queue", ["D 0000", "P 0000"])
        self.file("hold/%s.r" % i, "because\n")
        self.file("hold/%s.s" % i, state(["D 0000", "P 0000"]))
        self.assertEqual(self.runs(i), [CAROL])

    def test_release_half_done(self):
        i = self.message("hold", ["D 0000", "P 0000"])
        self.file("queue/%s/%s.s" % (i[-2:], i), "rubbish")
        self.w.start()
        until(lambda: not self.w.status()["scanning"])
        self.assertEqual(len(self.w.left()), 2)
        self.assertEqual(self.w.select("release", "id", i)[0], "done")
        self.w.gone(i)
        self.assertEqual([j["recipient"] for j in self.w.delivered], [CAROL])

    def test_damaged_state_is_held_not_guessed(self):
        i = self.message("queue", ["D 0000", "Q 0000"])
        self.w.start()
        until(lambda: "/hold/" in self.w.path(i))
        self.assertTrue(os.path.exists(os.path.join(self.w.spool, "hold",
                                                    i + ".s")))
        until(lambda: self.w.reports("postmaster@example.test"))

    def test_next_try_is_kept(self):
        i = self.message("queue", ["D 0000", "P 0000"])
        soon = int(time.time()) + 4     # in whole seconds
        os.utime(self.w.path(i, ".s"), (soon, soon))
        self.runs(i)
        self.assertGreaterEqual(time.time(), soon - 0.01)

    def test_poison_is_held_at_the_third_start(self):
        i = self.w.put(ALICE, BOB, ring=False)
        ledger = self.file("queue/poison", b"")
        for n in range(3):
            slots = [b" " * 31 + b"\n"] * 128
            slots[0] = i.encode() + b" " * 11 + b"\n"
            if n > 0:
                slots[1] = i.encode() + b" %d" % n + b" " * 9 + b"\n"
            with open(ledger, "wb") as f:
                f.write(b"".join(slots))
            self.w.workers_on = False
            self.w.start()
            if n < 2:
                time.sleep(0.5)
                self.assertNotIn("/hold/", self.w.path(i))
            else:
                until(lambda: "/hold/" in self.w.path(i))
            self.w.kill()

    def test_second_runner_is_refused(self):
        self.w.start()
        first, self.w.process = self.w.process, None
        with self.assertRaises(AssertionError):
            self.w.start()
        self.assertIn("event=ledger-unusable", self.w.log())
        self.w.process = first


class FullDisk(Case):
    world_keys = {"start": False, "queue": "retry = 1s\nwarn-after = 2h\n"
                  "expire = 5h"}

    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("takes root")
        spool = self.w.spool
        if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=6m,mode=755",
                            "none", spool], stderr=subprocess.DEVNULL):
            self.skipTest("cannot mount a small file system")
        self.addCleanup(subprocess.call, ["umount", "-l", spool])
        for d in ["tmp", "new", "hold", "queue"] + [
                "queue/" + a + b for a in ALPHABET for b in ALPHABET]:
            os.mkdir(os.path.join(spool, d))
        os.mkfifo(os.path.join(spool, "trigger"))
        self.w.own()

    def fill(self):
        with open(os.path.join(self.w.spool, "filler"), "wb", 0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass

    def test_nothing_is_lost_and_all_goes_on_by_itself(self):
        self.w.start()
        self.w.verdict = lambda j: OK if j["sender"] == "" else (
            PERM if j["recipient"] == BOB else TEMP)
        bounces = self.w.put(ALICE, BOB, ring=False)
        waits = self.w.put(ALICE, CAROL, ring=False)
        several = self.w.put(ALICE, [BOB, CAROL], ring=False)
        plain = self.w.put(ALICE, ALICE, ring=False)
        self.fill()
        for i in (bounces, waits, several, plain):
            self.w.ring(i)
        until(lambda: self.w.events("report-failed", id=bounces))
        until(lambda: self.w.events("state-write-failed", id=waits))
        time.sleep(1)
        for i in (bounces, waits, several):
            self.assertTrue(self.w.path(i))
        self.w.restart()
        time.sleep(2)
        for i in (bounces, waits, several):
            self.assertTrue(self.w.path(i))
        os.unlink(os.path.join(self.w.spool, "filler"))
        self.w.gone(bounces)
        self.w.verdict = lambda j: OK if j["recipient"] != BOB else PERM
        for i in (waits, several, plain):
            self.w.gone(i)
        until(lambda: not [x for x in self.w.left()])
        told = sorted(s["Status"] for r in self.w.reports(ALICE)
                      for s in status_of(r))
        self.assertEqual(told, ["5.7.1", "5.7.1"])


class Random(Case):
    world_keys = {"queue": "retry = 1s\nwarn-after = 30s\nexpire = 60s"}

    def verdict(self, job):
        if job["sender"] == "":
            return OK
        roll = random.random()
        # At the third that a message is suspected of it is held, as it should.
        if roll < 0.03 and self.deaths < 2:
            self.deaths += 1
            return "die"
        if roll < 0.25:
            return TEMP
        if job["recipient"].startswith("no"):
            return PERM
        return OK

    def test_nothing_is_lost_by_kill_9(self):
        self.deaths = 0
        self.w.verdict = self.verdict
        for n in range(40):
            self.w.users["u%d@example.test" % n] = n % 3
            self.w.users["no%d@example.test" % n] = n % 3
        self.w.aliases["list@example.test"] = [
            "u%d@example.test" % n for n in range(8)]
        want = set()
        for n in range(25):
            for _ in range(8):
                k = random.randrange(40)
                rcpts = random.choice((
                    ["u%d@example.test" % k], ["no%d@example.test" % k],
                    ["u%d@example.test" % (k + d) for d in range(3)
                     if k + d < 40], ["list@example.test"],
                    ["no%d@example.test" % k, "u%d@example.test" % k]))
                i = self.w.put(ALICE, rcpts)
                for r in rcpts:
                    for x in self.w.aliases.get(r, [r]):
                        want.add((i, x))
            time.sleep(random.random() * 0.3)
            self.deaths = 2
            self.w.restart()
            self.deaths = 0
        until(lambda: not self.w.left(), 90, "the spool to be empty: %s" %
              self.w.left()[:5])
        got = {(j["id"], j["recipient"]) for j in self.w.delivered
               if j["sender"]}
        lost = {(i, r) for i, r in want - got}
        told = set()
        for r in self.w.reports(ALICE):
            for s in status_of(r):
                told.add(s["Final-Recipient"].split(";")[1].strip())
        self.assertEqual({r for _, r in lost if not r.startswith("no")},
                         set())
        self.assertEqual({r for _, r in lost} - told, set())
        self.assertEqual(self.w.events("held"), [])
        bounced = {line.split("id=")[1].split(" ")[0]
                   for line in self.w.events("bounced")}
        self.assertEqual({i for i, _ in lost}, bounced)


if __name__ == "__main__":
    side_by_side.main()
