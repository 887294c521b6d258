#!/usr/bin/env python3
"""remote against hosts that do as they should, or refuse: what is sent, and
what is made of their answers.  remote_hosts.py has those that do not."""

import email
import os
import socket
import time

import remote_lib
import side_by_side
from remote_lib import ALL, ID, LETTER, Remote, host_lines


class Case(remote_lib.Case):
    def one(self, host, *args, **kw):
        """A job of its own: the result, and the outcome of recipient 0."""
        with self.remote.open([host]) as d:
            r = d.job(*args, **kw)
        return r, r.outcomes[0]


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


if __name__ == "__main__":
    side_by_side.main()
