#!/usr/bin/env python3
"""remote against hosts that are away, hang up, fall silent or babble: which
is tried next, what becomes of a kept connection, when it is enough."""

import os
import signal
import socket
import threading
import time
import unittest

import remote_lib
import side_by_side
from harness import PATIENCE, until
from remote_lib import ALL, BAD, Host, Remote, host_lines


class Case(remote_lib.Case):
    def one(self, host, *args, **kw):
        """A job of its own: the result, and the outcome of recipient 0."""
        with self.remote.open([host]) as d:
            r = d.job(*args, **kw)
        return r, r.outcomes[0]

    def temp(self, host, said, code="4.4.2"):
        r, o = self.one(host)
        self.assertEqual(o[:2], ("temp", code), o)
        self.assertIn(said, o[3])
        self.assertEqual(host.messages, [])
        return r


class Hosts(Case):
    """Which host is tried."""
    settings = {"connect_timeout": "4s"}
    # The kernel would try a dead address for two minutes.
    limit = 25

    def test_refused_then_the_next(self):
        good = self.host(address="127.0.0.3")
        d = self.remote.open([host_lines("mx1.y.test", ["127.0.0.2"], 10),
                              host_lines("mx2.y.test", ["127.0.0.3"], 20)],
                             port=good.port)
        self.addCleanup(d.close)
        r = d.job()
        self.assertEqual((r.verdicts(), r.host, r.addr),
                         (["ok"], "mx2.y.test", "127.0.0.3"))

    def test_nobody_there(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            d = self.remote.open([host_lines()], port=s.getsockname()[1])
            self.addCleanup(d.close)
            r = d.job(rcpts=["b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["temp", "temp"])
        self.assertTrue(r.destination_failed)
        self.assertFalse(r.kept)
        self.assertEqual(r.outcomes[0][1:], ("4.4.1", False,
                         "cannot connect to mx.y.test[127.0.0.1]: "
                         "Connection refused"))
        self.assertTrue(d.closed())

    def blackhole(self, address, port):
        """A socket whose backlog is full: nobody answers there."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.bind((address, port))
        s.listen(0)
        fill = []
        for _ in range(4):
            c = socket.socket()
            self.addCleanup(c.close)
            c.setblocking(False)
            try:
                c.connect((address, port))
            except BlockingIOError:
                pass
            fill.append(c)
        time.sleep(0.1)
        return s

    def test_a_dead_address_costs_no_more_than_its_share(self):
        good = self.host(address="127.0.0.5")
        self.blackhole("127.0.0.4", good.port)
        d = self.remote.open([host_lines("mx1.y.test",
                                         ["127.0.0.4", "127.0.0.5"])],
                             port=good.port)
        self.addCleanup(d.close)
        began = time.monotonic()
        r = d.job()
        self.assertEqual((r.verdicts(), r.addr), (["ok"], "127.0.0.5"))
        self.assertLess(time.monotonic() - began, self.limit)

    def test_all_dead_is_over_in_time(self):
        s = socket.socket()
        self.addCleanup(s.close)
        s.bind(("127.0.0.6", 0))
        port = s.getsockname()[1]
        s.close()
        self.blackhole("127.0.0.6", port)
        self.blackhole("127.0.0.7", port)
        d = self.remote.open([host_lines("mx1.y.test", ["127.0.0.6"]),
                              host_lines("mx2.y.test", ["127.0.0.7"], 20)],
                             port=port)
        self.addCleanup(d.close)
        began = time.monotonic()
        r = d.job()
        self.assertLess(time.monotonic() - began, self.limit)
        self.assertTrue(r.destination_failed)
        self.assertIn("timed out", r.outcomes[0][3])

    def pair(self, says, **kw):
        """A bad host at .8, a good one at .9 on the same port."""
        bad = self.host(says, address="127.0.0.8", **kw)
        good = Host(address="127.0.0.9", port=bad.port)
        self.addCleanup(good.close)
        d = self.remote.open([host_lines("bad.y.test", ["127.0.0.8"], 10),
                              host_lines("good.y.test", ["127.0.0.9"], 20)],
                             port=bad.port)
        self.addCleanup(d.close)
        return bad, good, d

    def test_a_host_that_will_not_talk_leads_to_the_next(self):
        for says in ({"connect": "421 4.3.2 busy"},
                     {"connect": "450 4.7.1 not you"},
                     {"connect": "554 5.7.1 blocked"},
                     {"connect": "521 no mail here"},
                     {"connect": "what"},
                     {"connect": None},
                     {"EHLO": "421 go away"},
                     {"EHLO": "451 later"},
                     {"EHLO": "550 no", "HELO": "550 no"},
                     {"EHLO": None},
                     {"MAIL": "421 4.3.2 shutting down"},
                     {"MAIL": None}):
            bad, good, d = self.pair(says)
            r = d.job()
            self.assertEqual((r.verdicts(), r.host), (["ok"], "good.y.test"),
                             says)
            self.assertEqual(bad.connections, 1)
            self.assertEqual(len(good.messages), 1)

    def test_nobody_talks(self):
        for says, code, words in (
                ({"connect": "421 4.3.2 busy"}, "4.3.2", "421 4.3.2 busy"),
                ({"connect": "554 5.7.1 blocked"}, "4.7.1",
                 "554 5.7.1 blocked"),
                ({"EHLO": "451 later"}, "4.0.0", "451 later"),
                ({"MAIL": "421 4.3.2 down"}, "4.3.2", "421 4.3.2 down"),
                ({"EHLO": "550 5.7.1 no", "HELO": "550 5.7.1 no"}, "4.7.1",
                 "550 5.7.1 no")):
            h = self.host(says)
            r, o = self.one(h)
            self.assertEqual(o, ("temp", code, True, words))
            self.assertTrue(r.destination_failed)
            self.assertFalse(r.kept)
            self.assertEqual((r.host, r.addr), ("mx.y.test", "127.0.0.1"))

    def test_521_from_all_is_for_good(self):
        r, o = self.one(self.host({"connect": "521 we never do"}))
        self.assertEqual(o, ("perm", "5.3.2", True, "521 we never do"))
        self.assertFalse(r.destination_failed)

    def test_refusals_of_mail_go_to_no_other_host(self):
        for says, verdict in (({"MAIL": "550 5.7.1 no"}, "perm"),
                              ({"RCPT": "450 4.2.0 grey"}, "temp"),
                              ({".": "451 4.3.0 later"}, "temp")):
            bad, good, d = self.pair(says)
            r = d.job()
            self.assertEqual((r.verdicts(), r.host), ([verdict],
                                                      "bad.y.test"))
            self.assertEqual(good.connections, 0)
            self.assertFalse(r.destination_failed)


class Kept(Case):
    """What becomes of a connection between two jobs."""
    settings = {"idle": "4s", "connect_timeout": "3s"}

    def two(self, each, **kw):
        h = self.host(each=each, **kw)
        d = self.open(h)
        self.assertEqual(d.job().verdicts(), ["ok"])
        return h, d

    def after_first(self, what):
        """Do what behind the answer to the first message."""
        def dot(conn, line):
            conn.host.messages.append((conn.mail, conn.rcpts, b""))
            conn.send("250 2.0.0 taken\r\n")
            time.sleep(0.3)
            if what:
                conn.send(what)
            return None
        return {".": dot}

    def test_a_host_that_hung_up_is_called_again(self):
        for what in (None, "421 4.4.2 idle for too long\r\n", "250 what\r\n"):
            h, d = self.two([self.after_first(what), {}])
            time.sleep(0.6)
            r = d.job()
            self.assertEqual(r.verdicts(), ["ok"], what)
            self.assertTrue(r.kept)
            self.assertEqual(h.connections, 2)
            self.assertEqual(len(h.messages), 2)

    def test_the_end_shows_only_at_mail(self):
        for reply in (None, "421 4.4.2 idle for too long"):
            for ext in (ALL, []):
                h, d = self.two([{"MAIL": [True, reply]}, {}], ext=ext)
                r = d.job()
                self.assertEqual(r.verdicts(), ["ok"])
                self.assertEqual(h.connections, 2)

    def test_rset_that_fails_is_a_dead_connection(self):
        for reply in (None, "421 bye", "500 what"):
            h = self.host(each=[{"RCPT": "550 5.1.1 no", "RSET": reply}, {}])
            d = self.open(h)
            self.assertEqual(d.job().verdicts(), ["perm"])
            self.assertEqual(d.job().verdicts(), ["ok"])
            self.assertEqual(h.connections, 2)

    def test_dead_again_is_the_hosts_failure(self):
        h, d = self.two([{"MAIL": [True, None]}, {"MAIL": None}])
        r = d.job()
        self.assertEqual(r.verdicts(), ["temp"])
        self.assertTrue(r.destination_failed)
        self.assertEqual(h.connections, 2)

    def test_idle_ones_go_with_quit(self):
        h = self.host()
        d = self.open(h)
        d.job()
        began = time.monotonic()
        self.assertTrue(d.closed())
        self.assertGreater(time.monotonic() - began, 3)
        self.assertEqual(h.wait_ended(1), ["quit"])

    def test_quit_that_is_not_answered(self):
        h = self.host({"QUIT": ""})
        d = self.open(h)
        d.job()
        d.close()
        time.sleep(0.2)
        # Others are served meanwhile.
        self.assertEqual(self.one(self.host())[1][0], "ok")
        self.assertEqual(h.wait_ended(1), ["quit"])

    def test_an_idle_end_loses_no_job(self):
        """Jobs sent around the idle time are answered or not taken."""
        h = self.host()
        for n, (began, d) in enumerate([(time.monotonic(), self.open(h))
                                        for _ in range(4)]):
            time.sleep(max(0, began + 3.97 + n * 0.02 - time.monotonic()))
            before = len(h.messages)
            try:
                d.send()
            except OSError:
                self.assertEqual(len(h.messages), before)
                continue
            try:
                self.assertEqual(d.answer().verdicts(), ["ok"])
            except (EOFError, ConnectionResetError):
                self.assertEqual(len(h.messages), before)


class Cut(Case):
    """Connections that end, or go silent, in every state."""
    settings = {"greeting_timeout": "2s", "command_timeout": "2s",
                "data_timeout": "2s", "connect_timeout": "2s"}
    processes = 8
    # Whoever is slow is so for twice as long, and we are through before.
    slow, limit = 50, 25

    def silent(self, conn, line):
        time.sleep(self.slow)
        return None

    def test_after_rcpt_all_are_put_off(self):
        self.after_mail("RCPT")

    def test_after_data_all_are_put_off(self):
        self.after_mail("DATA")

    def test_after_the_end_all_are_put_off(self):
        self.after_mail(".")

    def after_mail(self, event):
        for reply, code in ((None, "4.4.2"), ("421 4.3.2 down", "4.3.2"),
                            (self.silent, "4.4.2"), ("what?", "4.4.2")):
            for ext in (ALL, []):
                h = self.host({event: reply}, ext=ext)
                r, o = self.one(h, rcpts=["b@y.test", "c@y.test"])
                self.assertEqual(r.verdicts(), ["temp", "temp"])
                self.assertEqual(o[1], code, (event, reply, o))
                self.assertFalse(r.kept)
                self.assertFalse(r.destination_failed)
                self.assertEqual(h.messages, [])
                self.assertEqual(h.connections, 1)

    def test_what_was_refused_before_stays_so(self):
        h = self.host({"b@y.test": "550 5.1.1 no", ".": None})
        r, _ = self.one(h, rcpts=["b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["perm", "temp"])

    def test_silence_before_mail(self):
        for says, at in (({"connect": ""}, "greeting"), ({"EHLO": ""},
                                                         "EHLO")):
            h = self.host({k: self.silent for k in says})
            began = time.monotonic()
            r = self.temp(h, "at %s" % ("the greeting" if at == "greeting"
                                        else at))
            self.assertLess(time.monotonic() - began, self.limit)
            self.assertTrue(r.destination_failed)

    def outcomes(self, hosts):
        """Of a job for each, at once, within the limit."""
        began = time.monotonic()
        places = [self.open(self.host(says)) for says in hosts]
        for d in places:
            d.send()
        found = [d.answer().outcomes[0] for d in places]
        self.assertLess(time.monotonic() - began, self.limit)
        return found

    def drip(self, conn, line):
        """A byte now and then, never a line."""
        for c in "250-" + "x" * (self.slow * 5):
            conn.send(c)
            time.sleep(0.2)
        return None

    def test_an_octet_now_and_then_is_no_reply(self):
        for o in self.outcomes({event: self.drip} for event in (
                "connect", "EHLO", "MAIL", "RCPT", "DATA", ".")):
            self.assertEqual(o[:2], ("temp", "4.4.2"))
            self.assertIn("did not answer in time", o[3])

    def test_a_line_now_and_then_is_no_reply(self):
        def lines(conn, line):
            for _ in range(self.slow * 10):
                conn.send("250-more\r\n")
                time.sleep(0.1)
            return None
        for o in self.outcomes({event: lines} for event in (
                "EHLO", "MAIL", ".")):
            self.assertEqual(o[:2], ("temp", "4.4.2"))

    def test_a_host_that_takes_nothing(self):
        def sleep(conn, line):
            conn.send("354 go\r\n")
            time.sleep(self.slow)
            return None
        h = self.host({"DATA": sleep}, ext=[])
        began = time.monotonic()
        r, o = self.one(h, b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200000)
        self.assertEqual(o[:2], ("temp", "4.4.2"))
        self.assertLess(time.monotonic() - began, self.limit)


class Killed(Case):
    bad = ("Sanitizer", "runtime error")

    def test_remote_serves_others_after_a_killed_child(self):
        asked = threading.Event()
        h = self.host({"MAIL": lambda c, line: asked.set() or
                       time.sleep(PATIENCE)})
        d = self.open(h)
        d.send()
        until(asked.is_set)
        for pid in self.remote.children():
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(d.closed())
        self.assertEqual(self.one(self.host())[1][0], "ok")
        self.remote.wait_log("child-crashed pid=")
        self.assertIn("signal=9", self.remote.log())


class Hostile(Case):
    settings = {"greeting_timeout": "3s", "command_timeout": "3s",
                "data_timeout": "3s"}

    def flood(self, text, times):
        def f(conn, line):
            for _ in range(times):
                conn.send(text)
            return None
        return f

    def test_replies_without_an_end(self):
        for event in ("connect", "EHLO", "MAIL", "RCPT", "DATA", "."):
            first = "220-" if event == "connect" else "250-"
            h = self.host({event: self.flood((first + "x" * 60 + "\r\n") *
                                             100, 500)})
            self.temp(h, "reply without an end")

    def test_lines_of_ten_megabytes(self):
        for event in ("connect", "EHLO", "MAIL", "RCPT", "DATA", "."):
            h = self.host({event: self.flood("2" * 65536, 160)})
            self.temp(h, "line without an end")

    def test_what_is_no_reply(self):
        for said in ("\r\n", "250\0 ok\r\n", "2500 ok\r\n", "25\r\n",
                     "250-a\r\n350 b\r\n", "\xff\xfe\r\n",
                     "250 a\rb\r\n", "-50 ok\r\n"):
            h = self.host({"MAIL": lambda c, line, said=said:
                           c.send(said) or None})
            r, o = self.one(h)
            self.assertEqual(o[0], "temp", said)

    def test_who_speaks_before_the_turn(self):
        h = self.host({"connect": "220 hi\r\n250 hello\r\n250 ok\r\n"
                       "250 ok\r\n354 go\r\n250 taken"})
        self.temp(h, "spoke before its turn")
        h = self.host({"EHLO": "250 hi\r\n250 ok\r\n250 ok\r\n354 go\r\n"
                       "250 taken"})
        self.temp(h, "spoke before its turn")

    def test_an_acceptance_before_the_message(self):
        """354 and 250 at once: the content goes out all the same."""
        h = self.host({"DATA": "250 taken unseen"})
        self.temp(h, "answered DATA with 250")
        h = self.host({"DATA": "354 go\r\n250 taken unseen"})
        r, o = self.one(h)
        self.assertEqual(o[0], "temp")
        self.assertIn("spoke before its turn", o[3])

    def test_words_that_are_not_text(self):
        h = self.host({"RCPT": lambda c, line: c.send(
            b"550 5.1.1 \x01\x1b[31m\xff\xc3\xb6 \x7f" + b"y" * 2000 +
            b"\r\n") or ""})
        r, o = self.one(h)
        self.assertEqual(o[0], "perm")
        self.assertTrue(o[3].startswith("550 5.1.1 ??[31m"))
        self.assertLess(len(o[3]), 600)
        self.remote.wait_log("event=not-sent")

    def test_features_beyond_measure(self):
        h = self.host(ext=["AUTH " + "X" * 3000, "SIZE " + "9" * 3000] +
                      ["PIPELINING"] * 150)
        self.assertEqual(self.one(h)[1][0], "ok")

    def test_a_hundred_hosts_of_the_kind_leave_no_child(self):
        h = self.host({"EHLO": None})
        for _ in range(40):
            self.one(h)
        until(lambda: not self.remote.children(), what="the last to end")


class Program(unittest.TestCase):
    def test_sigterm_lets_a_job_finish(self):
        remote = Remote()
        gate = threading.Event()
        h = Host({".": lambda c, line: gate.wait(PATIENCE) and True})
        idle, busy = Host(), remote.open([h])
        waiting = remote.open([idle])
        waiting.job()
        busy.send()
        until(lambda: len(h.commands) >= 3)
        remote.p.send_signal(signal.SIGTERM)
        self.assertTrue(waiting.closed())
        self.assertEqual(idle.wait_ended(1), ["quit"])
        gate.set()
        r = busy.answer()
        self.assertEqual(r.verdicts(), ["ok"])
        self.assertFalse(r.kept)
        code, log = remote.close()
        self.assertEqual(code, 0)
        self.assertIn("event=stopping", log)
        for bad in BAD + ("children-killed",):
            self.assertNotIn(bad, log)
        for h in (h, idle):
            h.close()

    def test_packets_that_make_no_sense(self):
        remote = Remote()
        h = Host()
        for packet in (b"what", b"merpati 1 job 1\n", b"merpati 1 open 1\n",
                       b"\0" * 30000):
            with remote.connect() as s:
                s.sendall(packet)
                self.assertEqual(s.recv(100), b"")
        with remote.open([h]) as d:
            d.sock.sendall(b"merpati 1 job 1\nid x\n")
            self.assertTrue(d.closed())
        with remote.open([h]) as d:
            r = d.job(len=10 ** 6)          # more than the file has
            self.assertEqual(r.outcomes[0][:3], ("temp", "4.3.0", False))
            self.assertFalse(r.kept)
        self.assertEqual(h.messages, [])
        h.close()
        code, log = remote.close()
        self.assertEqual(code, 0)
        for bad in BAD:
            self.assertNotIn(bad, log)
        self.assertIn("event=message-unreadable", log)

    def test_only_queue_runner_may_ask(self):
        if os.geteuid() != 0:
            self.skipTest("needs another uid")
        remote = Remote()
        with remote.connect(as_uid=0) as s:
            try:
                s.sendall(b"merpati 1 open 1\n")
                self.assertEqual(s.recv(100), b"")
            except OSError:
                pass
        code, log = remote.close()
        self.assertIn("event=refused uid=0", log)

    def test_more_than_there_is_room_for_wait(self):
        remote = Remote(max_connections="1", connect_timeout="5s")
        h = Host()
        places = [remote.open([h]) for _ in range(20)]
        for d in places:
            d.send()
        for d in places:
            self.assertEqual(d.answer().verdicts(), ["ok"])
            d.close()
        h.close()
        code, log = remote.close()
        self.assertEqual(code, 0)
        for bad in BAD:
            self.assertNotIn(bad, log)


if __name__ == "__main__":
    side_by_side.main()
