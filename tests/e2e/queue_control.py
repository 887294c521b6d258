#!/usr/bin/env python3
"""What an admin asks of queue-runner by its control socket."""

import os
import socket
import threading
import time

import side_by_side
from harness import xencode
from queue_lib import Case, OK, PERM, TEMP, until

BOB, ALICE, CAROL = ("bob@example.test", "alice@example.test",
                     "carol@example.test")


class Control(Case):
    world_keys = {"queue": "retry = 1h\nwarn-after = 4h\nexpire = 5d"}

    def deferred(self, sender=ALICE, rcpts=BOB):
        self.w.verdict = lambda j: TEMP
        i = self.w.put(sender, rcpts)
        until(lambda: self.w.path(i, ".s") and self.w.events("deferred",
                                                             id=i))
        until(lambda: self.w.status()["active"] == 0)
        return i

    def test_list_and_selectors(self):
        a = self.deferred()
        b = self.deferred("zoe@example.org", [BOB, CAROL])
        c = self.deferred("", CAROL)
        items = {x["id"]: x for x in self.w.listing()}
        self.assertEqual(set(items), {a, b, c})
        self.assertEqual(items[a]["where"], "deferred")
        self.assertEqual(items[a]["code"], "4.3.0")
        self.assertEqual(items[b]["pending"], "2")
        self.assertAlmostEqual(int(items[a]["next"]), time.time() + 3600,
                               delta=60)
        for by, value, want in (
                ("id", a, {a}), ("sender", "", {c}),
                ("recipient", CAROL, {b, c}),
                ("domain", "example.org", {b}), ("sender", "x@y", set())):
            self.assertEqual({x["id"] for x in self.w.listing(by, value)},
                             want)

    def test_retry_by_id_and_by_recipient(self):
        a, b = self.deferred(), self.deferred(ALICE, CAROL)
        self.w.verdict = lambda j: OK
        self.assertEqual(self.w.select("retry", "id", a)[:2],
                         ("done", {"count": "1"}))
        self.w.gone(a)
        self.assertTrue(self.w.path(b))
        self.assertEqual(self.w.select("retry", "recipient", CAROL)[:2],
                         ("done", {"count": "1"}))
        self.w.gone(b)

    def test_hold_survives_a_restart_and_release_lets_go(self):
        a = self.deferred(ALICE, [BOB, CAROL])
        self.assertEqual(self.w.select("hold", "all", "",
                                       "reason because\n")[:2],
                         ("done", {"count": "1"}))
        self.assertIn("/hold/", self.w.path(a))
        self.assertEqual(self.w.status()["hold"], 1)
        self.w.restart()
        until(lambda: not self.w.status()["scanning"])
        self.assertEqual(self.w.status()["hold"], 1)
        item = self.w.listing()[0]
        self.assertEqual((item["where"], item["reason"]),
                         ("hold", "because"))
        self.assertEqual(self.w.select("retry", "id", a)[0], "error")
        self.w.verdict = lambda j: OK
        self.assertEqual(self.w.select("release", "id", a)[0], "done")
        self.w.gone(a)
        self.assertEqual(self.w.left(), [])
        self.assertEqual(len(self.w.delivered), 2)

    def test_remove(self):
        a, b = self.deferred(), self.deferred()
        self.assertEqual(self.w.select("remove", "id", a)[0], "done")
        self.assertIsNone(self.w.path(a))
        self.assertEqual(self.w.select("remove", "id", a)[0], "error")
        self.w.select("hold", "id", b, "reason \n")
        self.assertEqual(self.w.select("remove", "all", "")[1]["count"], "1")
        self.assertEqual(self.w.left(), [])
        self.assertEqual(self.w.status()["hold"], 0)

    def test_reroute(self):
        a = self.deferred(ALICE, [BOB, CAROL])
        self.w.verdict = lambda j: OK
        self.assertEqual(self.w.select("reroute", "recipient", BOB,
                                       "address postmaster@example.test\n")
                         [:2], ("done", {"count": "1"}))
        self.w.gone(a)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [CAROL, "postmaster@example.test"])
        self.assertEqual(self.w.select("reroute", "all", "",
                                       "address no+20address\n")[0], "error")

    def test_reroute_to_an_alias_is_expanded(self):
        self.w.aliases["both@example.test"] = [CAROL,
                                               "postmaster@example.test"]
        a = self.deferred(ALICE, BOB)
        self.w.verdict = lambda j: OK
        self.w.select("reroute", "id", a, "address both@example.test\n")
        self.w.gone(a)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [CAROL, "postmaster@example.test"])

    def test_whom_it_was_for_is_told_in_its_own_alphabet(self):
        """ORCPT of a recipient who came without: RFC 6533 3."""
        self.w.verdict = lambda j: TEMP
        until(lambda: not self.w.status()["scanning"])
        lists = {"gr\u00fcn@example.test": "utf-8;", "green@example.test": "rfc822;"}
        for address, kind in lists.items():
            for late in False, True:
                self.w.aliases[address] = "broken" if late else [BOB, CAROL]
                a = self.w.put(ALICE, xencode(address), extra=["flags utf8"])
                until(lambda: self.w.events("deferred", id=a) and
                      self.w.status()["active"] == 0)
                if late:
                    self.w.aliases[address] = [BOB, CAROL]
                    self.w.select("retry", "id", a)
                until(lambda: CAROL in self.w.state(a))
                self.assertEqual(self.w.state(a).count(
                    "orcpt=" + kind + address), 2, (kind, late))
            a = self.w.put(ALICE, xencode(address), extra=["flags utf8"], ring=False)
            self.w.select("reroute", "id", a, "address %s\n" % CAROL)
            until(lambda: self.w.path(a, ".s") and CAROL in self.w.state(a))
            self.assertIn("orcpt=" + kind + address, self.w.state(a))

    def test_reroute_of_one_leaves_the_aliases_of_others(self):
        dave = "dave@example.test"
        self.w.users[dave] = 3
        self.w.aliases[BOB] = [BOB, dave]
        until(lambda: not self.w.status()["scanning"])
        a = self.w.put(ALICE, [BOB, CAROL], ring=False)
        self.assertEqual(self.w.select("reroute", "recipient", CAROL,
                                       "address postmaster@example.test\n")[0],
                         "done")
        self.w.gone(a)
        self.assertEqual(sorted(j["recipient"] for j in self.w.delivered),
                         [BOB, dave, "postmaster@example.test"])

    def test_reroute_before_the_bell_is_not_forgotten(self):
        """smtpd has renamed it, and not yet rung."""
        until(lambda: not self.w.status()["scanning"])
        for order in ("reroute", "reroute and ring"):
            a = self.w.put(ALICE, BOB, ring=False)
            self.assertEqual(self.w.select("reroute", "id", a, "address " +
                                           CAROL + "\n")[0], "done")
            if "ring" in order:
                self.w.ring(a)
            self.w.gone(a)
            self.assertEqual(self.w.delivered[-1]["recipient"], CAROL)

    def test_no_failure_joins_a_report_that_is_written(self):
        """A state that cannot be written must not make one report of two."""
        dave = "dave@example.test"
        self.w.users[dave] = 3
        a = self.deferred(ALICE, [BOB, CAROL, dave])
        xx = os.path.join(self.w.spool, "queue", a[-2:])
        self.w.aliases["list@example.test"] = "temp"
        self.w.select("reroute", "recipient", dave,
                      "address list@example.test\n")
        until(lambda: self.w.status()["active"] == 0)
        os.chmod(xx, 0o500)
        self.addCleanup(os.chmod, xx, 0o700)
        self.w.aliases["list@example.test"] = [dave, "postmaster@example.test"]
        bad = [BOB]
        self.w.verdict = lambda j: (
            TEMP if j["sender"] == "" else
            PERM if j["recipient"] in bad else TEMP)
        for more in ([], [CAROL]):
            bad += more
            before = len(self.w.jobs)
            self.w.select("retry", "id", a)
            until(lambda: len(self.w.jobs) > before)
            until(lambda: self.w.status()["active"] == 0)
        os.chmod(xx, 0o700)
        self.w.verdict = lambda j: (
            TEMP if j["sender"] == "" else
            PERM if j["recipient"] in bad else OK)
        self.w.select("retry", "id", a)
        self.w.gone(a)
        until(lambda: self.w.status()["active"] == 0)
        self.w.verdict = lambda j: OK
        self.w.select("retry", "all", "")
        told = lambda: "".join(str(r) for r in self.w.reports(ALICE))
        until(lambda: "rfc822; " + BOB in told())
        until(lambda: "rfc822; " + CAROL in told())

    def test_show_gives_the_files(self):
        a = self.deferred()
        verb, fields, fds = self.w.select("show", "id", a)
        self.assertEqual((verb, fields["where"]), ("shown", "1"))
        self.assertEqual(len(fds), 2)
        self.assertTrue(os.pread(fds[0], 9, 0), b"merpati 1")
        self.assertTrue(os.pread(fds[1], 15, 0), b"merpati-state 1")
        for fd in fds:
            with self.assertRaises(OSError):
                os.write(fd, b"x")
            os.close(fd)
        self.assertEqual(self.w.select("show", "all", "")[0], "error")

    def test_what_is_being_tried_waits_for_its_end(self):
        end = threading.Event()
        self.w.verdict = lambda j: end.wait(30) and TEMP
        a = self.w.put(ALICE, BOB)
        until(lambda: self.w.status()["active"])
        self.assertEqual(self.w.listing()[0]["where"], "active")
        self.assertEqual(self.w.select("hold", "id", a, "reason x\n")[0],
                         "done")
        end.set()
        until(lambda: "/hold/" in self.w.path(a))
        self.assertEqual(self.w.reports("postmaster@example.test"), [])

    def test_malformed_requests_close_the_client(self):
        for packet in (b"merpati 1 explode 1\n", b"merpati 2 status 1\n",
                       b"", b"rubbish", b"merpati 1 retry 1\nby all\n",
                       b"merpati 1 list 1\nby all\nvalue \n"):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.settimeout(10)
            s.connect(os.path.join(self.w.run, "queue", "control.sock"))
            s.send(packet)
            self.assertEqual(s.recv(1000), b"")
            s.close()
        self.assertEqual(self.w.ask("status")[0], "numbers")

    def test_reader_that_goes_away_harms_nobody(self):
        for _ in range(8):
            self.w.put(ALICE, "x@elsewhere.example")
        for _ in range(6):
            r, w = os.pipe()
            os.close(r)
            self.w.ask("list", "by all\nvalue \n", [w])
            os.close(w)

        def listed():
            try:
                return len(self.w.listing()) == 8
            except AssertionError:
                return False    # others are still at it
        until(listed)

    def test_strangers_are_refused(self):
        if os.getuid() != 0:
            self.skipTest("takes root")
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setgroups([])
                os.setgid(12345)
                os.setuid(12345)
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect(os.path.join(self.w.run, "queue", "control.sock"))
                s.send(b"merpati 1 status 1\n")
                code = 0 if s.recv(1000) == b"" else 2
            except OSError:
                code = 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)


if __name__ == "__main__":
    side_by_side.main()
