#!/usr/bin/env python3
"""remote against hosts that do as they should, and hosts that do not."""

import email
import os
import signal
import socket
import threading
import time
import unittest

from remote_lib import (ALL, ID, LETTER, PATIENCE, Host, Remote, host_lines)

BAD = ("Sanitizer", "runtime error", "child-crashed", "assertion")


class Case(unittest.TestCase):
    """One remote for all tests of a class."""
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.remote = Remote(**cls.settings)

    @classmethod
    def tearDownClass(cls):
        code, log = cls.remote.close()
        for bad in BAD:
            if bad in log:
                raise AssertionError(log)
        if code != 0:
            raise AssertionError("exit code %d:\n%s" % (code, log))

    def host(self, *args, **kw):
        h = Host(*args, **kw)
        self.addCleanup(h.close)
        return h

    def open(self, *hosts, **kw):
        d = self.remote.open(hosts, **kw)
        self.addCleanup(d.close)
        return d

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


class Good(Case):
    def test_a_letter_arrives_as_it_is(self):
        h = self.host()
        d = self.open(h)
        r = d.job()
        self.assertEqual(r.id, ID)
        self.assertEqual(r.outcomes, {0: ("ok", "2.0.0", True,
                                          "250 2.0.0 taken")})
        self.assertTrue(r.kept)
        self.assertTrue(r.dsn)
        self.assertFalse(r.destination_failed)
        self.assertEqual((r.host, r.addr, r.tls),
                         ("mx.y.test", "127.0.0.1", ""))
        self.assertEqual(h.messages, [("MAIL FROM:<a@x.test> SIZE=%d" %
                                       len(LETTER), ["RCPT TO:<b@y.test>"],
                                       LETTER)])
        d.close()
        self.assertEqual(h.wait_ended(1), ["quit"])
        self.assertEqual(h.verbs(), ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"])
        self.assertEqual(h.commands[0], "EHLO me.test")

    def test_the_connection_is_used_again(self):
        h = self.host()
        d = self.open(h)
        for n in range(5):
            r = d.job(b"x: %d\r\n\r\n" % n)
            self.assertEqual(r.verdicts(), ["ok"])
        self.assertEqual(h.connections, 1)
        self.assertEqual([m[2] for m in h.messages],
                         [b"x: %d\r\n\r\n" % n for n in range(5)])
        self.assertNotIn("RSET", h.verbs())

    def test_what_is_large_goes_whole(self):
        h = self.host(ext=["PIPELINING", "8BITMIME"])
        letter = b"a: b\r\n\r\n" + b"".join(
            b".%d\r\n" % n for n in range(300000))
        r, o = self.one(h, letter)
        self.assertEqual(o[0], "ok")
        self.assertEqual(h.messages[0][2], letter)

    def test_without_pipelining_one_at_a_time(self):
        h = self.host(ext=[])
        r, o = self.one(h, rcpts=["b%d@y.test" % n for n in range(3)])
        self.assertEqual(r.verdicts(), ["ok"] * 3)
        self.assertFalse(r.dsn)
        self.assertEqual(h.messages[0][0], "MAIL FROM:<a@x.test>")

    def test_a_host_of_old_gets_helo(self):
        for code in ("500 what", "502 5.5.1 no", "550 never"):
            h = self.host({"EHLO": code}, ext=[])
            r, o = self.one(h)
            self.assertEqual(o[0], "ok")
            self.assertEqual(h.verbs()[:2], ["EHLO", "HELO"])

    def test_chunks_where_they_are_offered(self):
        h = self.host(ext=ALL + ("CHUNKING",))
        d = self.open(h)
        for _ in range(2):
            self.assertEqual(d.job().verdicts(), ["ok"])
        self.assertEqual(h.messages[1][2], LETTER)
        self.assertEqual(h.commands[3], "BDAT %d LAST" % len(LETTER))
        self.assertNotIn("DATA", h.verbs())

    def test_dsn_parameters(self):
        h = self.host()
        self.one(h, rcpts=[("b@y.test", 12, "rfc822;b+o=b@z.test"),
                           ("c@y.test", 1, None), ("d@y.test", 2, None)],
                 ret=2, envid="q q", sender="")
        mail, rcpts, _ = h.messages[0]
        self.assertEqual(mail, "MAIL FROM:<> SIZE=%d RET=HDRS ENVID=q+20q" %
                         len(LETTER))
        self.assertEqual(rcpts, [
            "RCPT TO:<b@y.test> NOTIFY=FAILURE,DELAY "
            "ORCPT=rfc822;b+2Bo+3Db@z.test",
            "RCPT TO:<c@y.test> NOTIFY=NEVER",
            "RCPT TO:<d@y.test> NOTIFY=SUCCESS"])

    def test_ipv6(self):
        try:
            h = self.host(address="::1")
        except OSError:
            self.skipTest("no IPv6 here")
        r, o = self.one(h)
        self.assertEqual((o[0], r.addr), ("ok", "::1"))

    def test_lf_ends_a_reply_line_too(self):
        h = self.host({"MAIL": lambda c, line: c.send("250 ok\n") or ""})
        h.each[0]["MAIL"] = lambda c, line: (c.send("250 ok\n"),
                                             setattr(c, "mail", line), "")[2]
        r, o = self.one(h)
        self.assertEqual(o[0], "ok")


class Verdicts(Case):
    def test_each_recipient_has_its_own(self):
        h = self.host({"b1@y.test": "550 5.1.1 who is that",
                       "b2@y.test": "450 4.2.1 greylisted",
                       "b3@y.test": "551 try <x@z.test>",
                       "b4@y.test": "550 4.1.1 the classes disagree",
                       "b5@y.test": "251 will forward",
                       "b6@y.test": "353 what"})
        for ext in (ALL, []):
            h.ext = ext
            r, _ = self.one(h, rcpts=["b%d@y.test" % n for n in range(8)])
            self.assertEqual(r.verdicts(), ["ok", "perm", "temp", "perm",
                                            "perm", "ok", "temp", "ok"])
            self.assertEqual(r.outcomes[1], (
                "perm", "5.1.1", True, "550 5.1.1 who is that"))
            self.assertEqual(r.outcomes[2][1], "4.2.1")
            self.assertEqual(r.outcomes[3][1:], ("5.0.0", True,
                                                 "551 try <x@z.test>"))
            self.assertEqual(r.outcomes[4][1], "5.0.0")
            self.assertTrue(r.kept)
            self.assertFalse(r.destination_failed)
        self.assertEqual(len(h.messages), 2)
        self.assertEqual(len(h.messages[0][1]), 3)

    def test_refusals_of_all(self):
        for event in ("MAIL", "DATA", "."):
            for reply, verdict in (("550 5.7.1 no", "perm"),
                                   ("451 4.3.0 not now", "temp"),
                                   ("554 no", "perm")):
                for ext in (ALL, [], ALL + ("CHUNKING",)):
                    if "CHUNKING" in ext and event == "DATA":
                        continue
                    h = self.host({event: [reply, True]}, ext=ext)
                    d = self.open(h)
                    r = d.job(rcpts=["b@y.test", "c@y.test"])
                    self.assertEqual(r.verdicts(), [verdict] * 2)
                    self.assertEqual(r.outcomes[0][3], reply)
                    self.assertTrue(r.kept)
                    self.assertFalse(r.destination_failed)
                    # And the connection is good for another.
                    self.assertEqual(d.job().verdicts(), ["ok"])
                    self.assertEqual(h.connections, 1)

    def test_nobody_accepted_and_yet_354(self):
        h = self.host({"RCPT": ["550 5.1.1 no", "450 no", True],
                       "DATA": "354 go", ".": ["554 no recipients", True]})
        d = self.open(h)
        r = d.job(rcpts=["b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["perm", "temp"])
        self.assertEqual(d.job().verdicts(), ["ok"])
        self.assertEqual(h.connections, 1)
        self.assertEqual(len(h.messages), 1)
        self.assertEqual(h.messages[0][2], LETTER)

    def test_nobody_accepted(self):
        h = self.host({"RCPT": "550 5.1.1 no"})
        d = self.open(h)
        for n in range(2):
            self.assertEqual(d.job().verdicts(), ["perm"])
        self.assertEqual(h.connections, 1)
        self.assertEqual(h.verbs().count("RSET"), 1)

    def test_too_many_recipients_get_transactions_of_their_own(self):
        for reply in ("452 4.5.3 too many", "452 too many",
                      "552 too many recipients"):
            for ext in (ALL, [], ALL + ("CHUNKING",)):
                h = self.host(ext=ext)
                h.each[0]["RCPT"] = (
                    lambda c, line, reply=reply: True if len(c.rcpts) < 30
                    else reply)
                r, _ = self.one(h, rcpts=["b%d@y.test" % n
                                          for n in range(100)])
                self.assertEqual(r.verdicts(), ["ok"] * 100)
                self.assertEqual([len(m[1]) for m in h.messages],
                                 [30, 30, 30, 10])
                self.assertEqual(len(set(sum((m[1] for m in h.messages),
                                             []))), 100)
                self.assertEqual(h.connections, 1)

    def test_452_at_once_is_a_deferral(self):
        h = self.host({"RCPT": "452 4.5.3 none today"})
        r, _ = self.one(h, rcpts=["b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["temp", "temp"])
        h = self.host({"RCPT": [True, "452 4.2.2 mailbox full"]})
        r, _ = self.one(h, rcpts=["b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["ok", "temp"])
        self.assertEqual(r.outcomes[1][1], "4.2.2")

    def test_too_large_is_not_even_tried(self):
        h = self.host(ext=["SIZE 20"])
        r, o = self.one(h)
        self.assertEqual(o[:3], ("perm", "5.3.4", False))
        self.assertNotIn("MAIL", h.verbs())
        for ext in ("SIZE", "SIZE 0", "SIZE 1000"):
            self.assertEqual(self.one(self.host(ext=[ext]))[1][0], "ok")

    def test_eightbit(self):
        h = self.host()
        letter = b"a: b\r\n\r\n\xc3\xb6\r\n"
        self.assertEqual(self.one(h, letter)[1][0], "ok")
        self.assertIn(" BODY=8BITMIME", h.messages[0][0])

    def test_eightbit_is_converted_for_hosts_of_old(self):
        letter = (b"Content-Type: text/plain; charset=utf-8\r\n"
                  b"Content-Transfer-Encoding: 8bit\r\n\r\n"
                  b".\xc3\xb6=\r\n" + b"long " * 300 + b"\r\n")
        for ext in (["SIZE"], ["SIZE", "CHUNKING", "PIPELINING"]):
            h = self.host(ext=ext)
            r, o = self.one(h, letter)
            self.assertEqual(o[0], "ok")
            mail, _, got = h.messages[0]
            self.assertNotIn("BODY", mail)
            self.assertNotIn("SIZE", mail)
            self.assertTrue(got.isascii())
            m = email.message_from_bytes(got)
            self.assertEqual(m["Content-Transfer-Encoding"],
                             "quoted-printable")
            self.assertEqual(m.get_payload(decode=True),
                             letter.partition(b"\r\n\r\n")[2])

    def test_long_lines_are_converted_for_all(self):
        letter = (b"Content-Type: text/plain\r\n\r\n" + b"x" * 3000 +
                  b"\r\n")
        h = self.host(ext=ALL + ("CHUNKING",))
        r, o = self.one(h, letter, longline=1)
        self.assertEqual(o[0], "ok")
        got = h.messages[0][2]
        self.assertLess(max(map(len, got.split(b"\r\n"))), 999)
        self.assertEqual(email.message_from_bytes(got).get_payload(
            decode=True), b"x" * 3000 + b"\r\n")

    def test_what_cannot_be_converted_goes_back(self):
        letter = (b"Content-Type: multipart/mixed\r\n\r\n"
                  b"--b\r\n\r\n\xc3\xb6\r\n--b--\r\n")
        h = self.host(ext=[])
        r, o = self.one(h, letter)
        self.assertEqual(o[:3], ("perm", "5.6.3", False))
        self.assertIn("no boundary", o[3])
        self.assertNotIn("MAIL", h.verbs())
        # Only too long: let the host decide.
        letter = letter.replace(b"\xc3\xb6", b"x" * 2000)
        r, o = self.one(h, letter, longline=1)
        self.assertEqual(h.messages[0][2], letter)
        h = self.host(ext=[])
        r, o = self.one(h, letter, len=10 ** 6)
        self.assertEqual(o[:3], ("temp", "4.3.0", False))

    def test_utf8(self):
        h = self.host()
        r, o = self.one(h, "a: \u00f6\r\n\r\n".encode(), utf8=1,
                        sender="\u00e4@x.test",
                        rcpts=[("\u00f6@y.test", 4, "utf-8;\u00f6@z.test")])
        self.assertEqual(o[0], "ok")
        self.assertEqual(h.messages[0][0], "MAIL FROM:<\u00e4@x.test> "
                         "SIZE=9 BODY=8BITMIME SMTPUTF8")
        self.assertEqual(h.messages[0][1], [
            "RCPT TO:<\u00f6@y.test> NOTIFY=FAILURE "
            "ORCPT=utf-8;\u00f6@z.test"])
        h = self.host(ext=["8BITMIME"])
        r, o = self.one(h, "a: \u00f6\r\n\r\n".encode(), utf8=1)
        self.assertEqual(o[:3], ("perm", "5.6.7", False))
        self.assertNotIn("MAIL", h.verbs())

    def test_refused_in_the_middle_and_cut(self):
        def enough(conn, line):
            conn.send("354 go\r\n")
            conn.take(100000)
            conn.send("552 5.3.4 enough\r\n")
            conn.sock.shutdown(socket.SHUT_WR)
            time.sleep(0.3)
            return None
        h = self.host({"DATA": enough}, ext=["PIPELINING"])
        r, o = self.one(h, b"a: b\r\n\r\n" + b"x" * 70 + b"\r\n" * 4000000)
        # The reset may overtake the words; then it is a cut like any other.
        self.assertIn(o[:2], (("perm", "5.3.4"), ("temp", "4.4.2")))
        self.assertFalse(r.kept)


class Hosts(Case):
    """Which host is tried."""
    settings = {"connect_timeout": "4s"}

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
        self.assertLess(time.monotonic() - began, 3)

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
        self.assertLess(time.monotonic() - began, 6)
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
    settings = {"idle": "3s", "connect_timeout": "3s"}

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
        self.assertGreater(time.monotonic() - began, 2)
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
        for n in range(4):
            d = self.open(h)
            time.sleep(2.97 + n * 0.02)
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
    settings = {"greeting_timeout": "1s", "command_timeout": "1s",
                "data_timeout": "1s", "connect_timeout": "2s"}

    def test_after_mail_all_are_put_off(self):
        def silent(conn, line):
            time.sleep(2)
            return None
        for event in ("RCPT", "DATA", "."):
            for reply, code in ((None, "4.4.2"), ("421 4.3.2 down", "4.3.2"),
                                (silent, "4.4.2"), ("what?", "4.4.2")):
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
            def silent(conn, line, at=at):
                time.sleep(3)
                return None
            h = self.host({k: silent for k in says})
            began = time.monotonic()
            r = self.temp(h, "at %s" % ("the greeting" if at == "greeting"
                                        else at))
            self.assertLess(time.monotonic() - began, 2.5)
            self.assertTrue(r.destination_failed)

    def drip(self, conn, line):
        """A byte now and then, never a line."""
        for c in "250-" + "x" * 200:
            conn.send(c)
            time.sleep(0.2)
        return None

    def test_an_octet_now_and_then_is_no_reply(self):
        for event in ("connect", "EHLO", "MAIL", "RCPT", "DATA", "."):
            h = self.host({event: self.drip})
            began = time.monotonic()
            r, o = self.one(h)
            self.assertEqual(o[:2], ("temp", "4.4.2"))
            self.assertIn("did not answer in time", o[3])
            self.assertLess(time.monotonic() - began, 4, event)

    def test_a_line_now_and_then_is_no_reply(self):
        def lines(conn, line):
            for _ in range(100):
                conn.send("250-more\r\n")
                time.sleep(0.1)
            return None
        for event in ("EHLO", "MAIL", "."):
            began = time.monotonic()
            r, o = self.one(self.host({event: lines}))
            self.assertEqual(o[:2], ("temp", "4.4.2"))
            self.assertLess(time.monotonic() - began, 4, event)

    def test_a_host_that_takes_nothing(self):
        def sleep(conn, line):
            conn.send("354 go\r\n")
            time.sleep(8)
            return None
        h = self.host({"DATA": sleep}, ext=[])
        began = time.monotonic()
        r, o = self.one(h, b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200000)
        self.assertEqual(o[:2], ("temp", "4.4.2"))
        self.assertLess(time.monotonic() - began, 6)

    def test_remote_serves_others_after_a_killed_child(self):
        h = self.host({"MAIL": lambda c, line: time.sleep(0.5) or True})
        d = self.open(h)
        d.send()
        time.sleep(0.2)
        with open("/proc/%d/task/%d/children" % ((self.remote.p.pid,) * 2)) \
                as f:
            for pid in f.read().split():
                os.kill(int(pid), signal.SIGKILL)
        self.assertTrue(d.closed())
        self.assertEqual(self.one(self.host())[1][0], "ok")

    @classmethod
    def tearDownClass(cls):
        code, log = cls.remote.close()
        assert "child-crashed pid=" in log and "signal=9" in log, log
        assert "Sanitizer" not in log and "runtime error" not in log, log


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
        time.sleep(0.3)
        with open("/proc/%d/task/%d/children" % ((self.remote.p.pid,) * 2)) \
                as f:
            self.assertEqual(f.read().split(), [])


class Lmtp(Case):
    def path(self):
        p = self.remote.dir + "/lmtp"
        if os.path.exists(p):
            os.unlink(p)
        return p

    def test_a_socket(self):
        p = self.path()
        h = self.host(lmtp=True, path=p)
        d = self.remote.open(lmtp=1, path=p)
        self.addCleanup(d.close)
        for n in range(2):
            r = d.job(rcpts=["b@y.test", "c@y.test"])
            self.assertEqual(r.verdicts(), ["ok", "ok"])
        self.assertEqual((r.host, r.addr), ("localhost", p))
        self.assertEqual(h.connections, 1)
        self.assertEqual(h.verbs()[0], "LHLO")
        self.assertEqual(len(h.messages), 2)

    def test_one_reply_for_each_recipient(self):
        replies = ["250 2.0.0 ok", "452 4.2.2 full", "550 5.2.1 off"]
        for ext in (ALL, ALL + ("CHUNKING",), []):
            h = self.host({".": replies}, lmtp=True, ext=ext)
            d = self.open(h, lmtp=1)
            r = d.job(rcpts=["a@y.test", "b@y.test", "c@y.test"])
            self.assertEqual(r.verdicts(), ["ok", "temp", "perm"])
            self.assertEqual(r.outcomes[1][3], "452 4.2.2 full")
            self.assertTrue(r.kept)

    def test_only_for_the_accepted(self):
        h = self.host({"b@y.test": "550 5.1.1 no", ".": ["250 ok",
                                                         "451 4.2.0 busy"]},
                      lmtp=True)
        d = self.open(h, lmtp=1)
        r = d.job(rcpts=["a@y.test", "b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["ok", "perm", "temp"])

    def test_cut_between_the_replies(self):
        h = self.host({".": ["250 2.0.0 ok", None]}, lmtp=True)
        d = self.open(h, lmtp=1)
        r = d.job(rcpts=["a@y.test", "b@y.test", "c@y.test"])
        self.assertEqual(r.verdicts(), ["ok", "temp", "temp"])
        self.assertFalse(r.kept)

    def test_no_helo(self):
        h = self.host({"LHLO": "500 what"}, lmtp=True)
        d = self.open(h, lmtp=1)
        r = d.job()
        self.assertEqual(r.verdicts(), ["temp"])
        self.assertTrue(r.destination_failed)
        self.assertNotIn("HELO", h.verbs())

    def test_no_socket(self):
        for p, why in ((self.path(), "No such file"),
                       ("/" + "x" * 150, "File name too long")):
            d = self.remote.open(lmtp=1, path=p)
            self.addCleanup(d.close)
            r = d.job()
            self.assertEqual(r.verdicts(), ["temp"])
            self.assertIn(why, r.outcomes[0][3])
            self.assertTrue(r.destination_failed)


class Source(Case):
    settings = {"source_ipv4": '"127.0.0.33"', "ipv6": "no"}

    def test_connections_come_from_the_source_address(self):
        h = self.host()
        self.assertEqual(self.one(h)[1][0], "ok")
        self.assertEqual(h.peers[0][0], "127.0.0.33")

    def test_a_family_that_is_off_is_not_tried(self):
        d = self.remote.open([host_lines(addrs=["::1"])])
        self.addCleanup(d.close)
        r = d.job()
        self.assertEqual(r.outcomes[0][:2], ("temp", "4.4.4"))
        self.assertTrue(r.destination_failed)

    def test_a_source_nobody_has(self):
        remote = Remote(source_ipv4='"192.0.2.1"')
        h = self.host()
        with remote.open([h]) as d:
            r = d.job()
        self.assertEqual(r.outcomes[0][:2], ("temp", "4.4.1"))
        self.assertIn("Cannot assign requested address", r.outcomes[0][3])
        self.assertEqual(remote.close()[0], 0)


class Program(unittest.TestCase):
    def test_sigterm_lets_a_job_finish(self):
        remote = Remote()
        gate = threading.Event()
        h = Host({".": lambda c, line: gate.wait(PATIENCE) and True})
        idle, busy = Host(), remote.open([h])
        waiting = remote.open([idle])
        waiting.job()
        busy.send()
        while len(h.commands) < 3:
            time.sleep(0.01)
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
    unittest.main(verbosity=1)
