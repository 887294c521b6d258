#!/usr/bin/env python3
"""smtpd: sessions as RFC 5321 tells them, LMTP, pipelining, what is said when."""

import re
import unittest

from smtp_lib import ALIASES, Case


class Session(Case):

    def test_a_letter(self):
        c = self.client()
        self.assertEqual(c.greeting, "220 mail.example.test ESMTP Merpati")
        answer = c.hello()
        for word in ("PIPELINING", "SIZE 67108864", "8BITMIME", "SMTPUTF8",
                     "CHUNKING", "DSN", "LIMITS RCPTMAX=1000", "HELP",
                     "ENHANCEDSTATUSCODES"):
            self.assertRegex(answer, r"(?m)^250[- ]%s$" % word)
        self.assertNotIn("BINARYMIME", answer)
        self.assertNotIn("STARTTLS", answer)
        c.envelope()
        answer = c.data("Subject: x\r\n\r\nhello\r\n.\r\n")
        self.assertRegex(answer,
                         r"^250 2\.0\.0 ok, queued as [0-9a-z]{20}$")
        self.starts(c.cmd("QUIT"), "221 2.0.0")
        self.assertTrue(c.closed())
        log = c.log()
        m = self.inst.messages()[0]
        self.assertTrue(answer.endswith(m.id))
        self.assertEqual(m.content, b"Subject: x\r\n\r\nhello\r\n")
        self.assertEqual(m.rcpts, ["bob@example.test"])
        self.assertEqual(m.keys["from"], "a@example.org")
        self.assertEqual(m.keys["client-ip"], "192.0.2.1")
        self.assertEqual(m.keys["client-helo"], "client.example.org")
        head = re.sub(r"\r\n\s+", " ", m.head.decode())
        self.assertRegex(head, r"^Received: from client\.example\.org "
                         r"\(\[192\.0\.2\.1\]\) by mail\.example\.test "
                         r"\(Merpati\) with ESMTP id %s for "
                         r"<bob@example\.test>; .* [-+]\d{4}\r\n$" % m.id)
        self.assertEqual(log.count("\n"), 1)
        self.assertIn("event=queued id=%s from=a@example.org "
                      "to=bob@example.test nrcpt=1 size=21 client=192.0.2.1 "
                      "helo=client.example.org" % m.id, log)

    def test_several_letters_one_connection(self):
        c = self.client()
        c.hello()
        for n in range(5):
            c.envelope("a%d@example.org" % n, ["bob@example.test",
                                               "alice@example.test"])
            self.starts(c.data("n: %d\r\n\r\n.\r\n" % n), "250")
        c.cmd("QUIT")
        c.close()
        found = self.inst.messages()
        self.assertEqual(len(found), 5)
        self.assertEqual(len({m.id for m in found}), 5)
        self.assertNotIn(b"for <", found[0].head)
        # Positive answers are remembered: two questions, not ten.
        self.assertEqual(len(self.inst.authd.asked), 2)

    def test_helo(self):
        c = self.client()
        self.assertEqual(c.hello("HELO"), "250 mail.example.test")
        c.envelope()
        self.starts(c.data("x: y\r\n\r\n.\r\n"), "250")
        c.close()
        self.assertIn(b"with SMTP id", self.inst.messages()[0].head)

    def test_order(self):
        c = self.client()
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "503 5.5.1")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "503 5.5.1")
        self.starts(c.cmd("DATA"), "503 5.5.1")
        self.starts(c.cmd("EHLO"), "501 5.5.4")
        self.starts(c.cmd("LHLO x"), "500 5.5.2")
        c.hello()
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "503 5.5.1")
        self.starts(c.cmd("DATA"), "503 5.5.1")
        self.starts(c.cmd("mail from:<a@example.org>"), "250 2.1.0")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "503 5.5.1")
        self.starts(c.cmd("DATA"), "503 5.5.1")
        self.starts(c.cmd("rcpt to:<nobody@example.test>"), "550 5.1.1")
        self.starts(c.cmd("DATA"), "554 5.5.1")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "250 2.1.5")
        self.starts(c.cmd("DATA now"), "501 5.5.4")
        self.starts(c.cmd("RSET"), "250 2.0.0")
        self.starts(c.cmd("DATA"), "503 5.5.1")
        # EHLO resets too.
        c.envelope()
        c.hello()
        self.starts(c.cmd("DATA"), "503 5.5.1")
        # A wrong EHLO leaves the state as it was.
        c.envelope()
        self.starts(c.cmd("EHLO two words"), "501 5.5.4")
        self.starts(c.data("x: y\r\n\r\n.\r\n"), "250")
        self.starts(c.cmd("RSET x"), "501 5.5.4")
        self.starts(c.cmd("NOOP whatever"), "250 2.0.0")
        self.starts(c.cmd("QUIT"), "221")

    def test_unknown_commands(self):
        c = self.client()
        for verb in ("FOO", "", "  ", "MAILFROM:<a@b>", "\xff"):
            self.starts(c.cmd(verb), "500 5.5.2")
        for verb in ("STARTTLS", "AUTH PLAIN", "ETRN x", "SEND x", "TURN"):
            self.starts(c.cmd(verb), "502 5.5.1")
        c.send(b"NO\0OP\r\n")
        self.starts(c.reply(), "500 5.5.2")

    def test_web_browser(self):
        c = self.client()
        self.starts(c.cmd("POST / HTTP/1.1"), "421 4.7.0")
        self.assertTrue(c.closed())
        self.assertIn("event=not-smtp", c.log())

    def test_help_vrfy_expn_for_strangers(self):
        c = self.client()
        answer = c.cmd("HELP MAIL")
        self.starts(answer, "214-2.0.0")
        for verb in ("RCPT", "BDAT", "EHLO", "postmaster@"):
            self.assertIn(verb, answer)
        for name in ("bob", "nobody", "bob@example.test"):
            self.starts(c.cmd("VRFY " + name), "252 2.5.0")
            self.starts(c.cmd("EXPN " + name), "252 2.5.0")
        self.starts(c.cmd("VRFY"), "501 5.5.4")
        self.starts(c.cmd("VERB"), "502")
        self.assertEqual(self.inst.authd.asked, [])

    def test_vrfy_expn_verb_for_the_trusted(self):
        c = self.client("127.0.0.1")
        self.starts(c.cmd("VRFY bob@example.test"),
                    "250 2.1.5 <bob@example.test>")
        self.starts(c.cmd("VRFY <bob@example.test>"), "250")
        self.starts(c.cmd("VRFY nobody@example.test"), "550 5.1.1")
        self.starts(c.cmd("VRFY postmaster"),
                    "250 2.1.5 <postmaster@mail.example.test>")
        self.starts(c.cmd("VRFY nobody"),
                    "550 5.1.1 <nobody@mail.example.test>")
        self.starts(c.cmd("EXPN nobody"),
                    "550 5.1.1 <nobody@mail.example.test>")
        self.starts(c.cmd("VRFY x@elsewhere.test"), "252")
        self.starts(c.cmd("VRFY temp@example.test"), "451 4.3.0")
        self.starts(c.cmd("VRFY <<"), "501 5.1.3")
        answer = c.cmd("EXPN list@example.test")
        self.assertEqual(answer, "\n".join(
            ["250-2.1.5 <alice@example.test>",
             "250 2.1.5 <bob@example.test>"]))
        self.assertEqual(len(ALIASES["list@example.test"]), 2)
        self.starts(c.cmd("EXPN nobody@example.test"), "550 5.1.1")
        self.starts(c.cmd("EXPN bob@example.test"), "550 5.2.4")
        self.starts(c.cmd("VERB"), "250 2.0.0")
        c.hello()
        self.starts(c.cmd("MAIL FROM:<>"), "250")
        self.assertIn("mailbox of bob@example.test",
                      c.cmd("RCPT TO:<bob@example.test>"))
        self.assertIn("alias", c.cmd("RCPT TO:<list@example.test>"))
        self.assertIn("remote", c.cmd("RCPT TO:<x@elsewhere.test>"))
        self.assertRegex(c.data("x: y\r\n\r\n.\r\n"),
                         r"queued as \w{20}, 8 octets for 3 recipients")

    def test_null_sender_and_postmaster(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<>"), "250 2.1.0")
        for to in ("<Postmaster>", "<postmaster@mail.example.test>",
                   "<postmaster@example.com>",
                   "<@relay.example.org:bob@example.test>"):
            self.starts(c.cmd("RCPT TO:" + to), "250 2.1.5")
        self.starts(c.data("x: y\r\n\r\n.\r\n"), "250")
        c.close()
        m = self.inst.messages()[0]
        self.assertEqual(m.keys["from"], "")
        self.assertEqual(m.rcpts, ["postmaster@mail.example.test"] * 3 +
                         ["bob@example.test"])

    def test_a_broken_connection_leaves_nothing(self):
        for stop in (b"", b"Subject: half", b"Subject: x\r\n\r\nbody\r\n.\r"):
            c = self.client()
            c.hello()
            c.envelope()
            self.starts(c.cmd("DATA"), "354")
            c.send(stop)
            self.assertIn("event=lost stage=data", c.log())
        # A large one has begun its file: that goes too.
        c = self.client()
        c.hello()
        c.envelope()
        c.cmd("DATA")
        c.send(b"x: y\r\n" * 100000)
        c.close()
        self.assertEqual(self.inst.messages(), [])
        self.assertEqual(self.inst.leavings(), [])


class Pipelining(Case):

    def test_all_commands_in_one_go(self):
        c = self.client()
        c.hello()
        c.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<bob@example.test>\r\n"
               "RCPT TO:<nobody@example.test>\r\nDATA\r\n")
        self.assertEqual([c.reply()[:3] for _ in range(4)],
                         ["250", "250", "550", "354"])
        c.send("x: y\r\n\r\n.\r\nMAIL FROM:<a@example.org>\r\n"
               "RCPT TO:<bob@example.test>\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        self.assertEqual([c.reply()[:3] for _ in range(6)],
                         ["250", "250", "250", "250", "250", "221"])

    def test_all_rejected(self):
        c = self.client()
        c.hello()
        c.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<no@example.test>\r\n"
               "DATA\r\n")
        self.assertEqual([c.reply()[:3] for _ in range(3)],
                         ["250", "550", "554"])
        self.starts(c.cmd("QUIT"), "221")

    def test_octet_by_octet(self):
        c = self.client()
        for line in ("EHLO me\r\n", "MAIL FROM:<a@example.org>\r\n",
                     "RCPT TO:<bob@example.test>\r\n"):
            for octet in line:
                c.send(octet)
            self.starts(c.reply(), "250")
        self.starts(c.cmd("DATA"), "354")
        for octet in "x: y\r\n\r\n..a\r\n.\r\n":
            c.send(octet)
        self.starts(c.reply(), "250")
        c.close()
        self.assertEqual(self.inst.messages()[0].content,
                         b"x: y\r\n\r\n.a\r\n")

    def test_improper_from_a_stranger(self):
        for before, burst, verb in (
                ("", "EHLO me\r\nMAIL FROM:<a@example.org>\r\n", "EHLO"),
                ("MAIL FROM:<a@example.org>\r\nRCPT TO:<bob@example.test>",
                 "DATA\r\nx: y\r\n\r\n.\r\n", "DATA")):
            c = self.client()
            if before:
                c.hello()
                for line in before.split("\r\n"):
                    c.cmd(line)
            c.send(burst)
            self.starts(c.reply(), "554 5.5.1")
            self.assertTrue(c.closed())
            self.assertIn("event=improper-pipelining client=192.0.2.1 helo=",
                          c.log())
        self.assertEqual(self.inst.messages(), [])

    def test_improper_from_the_trusted_is_only_noted(self):
        c = self.client("127.0.0.1")
        c.send("EHLO me\r\nMAIL FROM:<a@example.org>\r\n"
               "RCPT TO:<bob@example.test>\r\nDATA\r\nx: y\r\n\r\n.\r\n"
               "QUIT\r\n")
        self.assertEqual([c.reply()[:3] for _ in range(6)],
                         ["250", "250", "250", "354", "250", "221"])
        self.assertEqual(c.log().count("event=improper-pipelining"), 1)
        self.assertEqual(len(self.inst.messages()), 1)


class Lmtp(Case):

    def test_a_reply_per_recipient(self):
        c = self.client(role="lmtp")
        self.assertIn("LMTP", c.greeting)
        self.starts(c.cmd("EHLO x"), "500")
        self.starts(c.cmd("HELO x"), "500")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "503")
        answer = c.hello("LHLO")
        self.assertIn("PIPELINING", answer)
        self.assertIn("ENHANCEDSTATUSCODES", answer)
        c.envelope(rcpts=["bob@example.test", "alice@example.test"])
        self.starts(c.cmd("RCPT TO:<no@example.test>"), "550 5.1.1")
        self.starts(c.data("x: y\r\n\r\n.\r\n"), "250 2.0.0")
        self.starts(c.reply(), "250 2.0.0")
        self.starts(c.cmd("NOOP"), "250")
        c.close()
        m = self.inst.messages()
        self.assertEqual(len(m), 1)
        self.assertIn(b"with LMTP id", m[0].head)

    def test_no_recipient(self):
        c = self.client(role="lmtp")
        c.hello("LHLO")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "250")
        self.starts(c.cmd("RCPT TO:<no@example.test>"), "550")
        self.starts(c.cmd("DATA"), "503")

    def test_refusal_per_recipient(self):
        c = self.client(role="lmtp")
        c.hello("LHLO")
        c.envelope(rcpts=["bob@example.test"] * 3)
        self.starts(c.data(b"x: y\0\r\n\r\n.\r\n"), "550 5.6.0")
        self.starts(c.reply(), "550 5.6.0")
        self.starts(c.reply(), "550 5.6.0")
        self.starts(c.cmd("NOOP"), "250")

    def test_bdat(self):
        c = self.client(role="lmtp")
        c.hello("LHLO")
        c.envelope(rcpts=["bob@example.test", "alice@example.test"])
        c.send("BDAT 3\r\nx: BDAT 5 LAST\r\ny\r\n\r\n")
        self.starts(c.reply(), "250 2.0.0 3 octets")
        self.starts(c.reply(), "250 2.0.0 ok, queued")
        self.starts(c.reply(), "250 2.0.0 ok, queued")
        self.starts(c.cmd("NOOP"), "250")


if __name__ == "__main__":
    unittest.main()
