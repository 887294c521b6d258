#!/usr/bin/env python3
"""smtpd: what stands between DATA and the dot, BDAT, and ways to smuggle."""

import os
import unittest

from smtp_lib import Case

HEAD = b"Subject: x\r\n\r\n"


class Data(Case):

    def send(self, content, **kw):
        """One letter; the reply and, when accepted, its message."""
        c = self.client(**kw)
        c.hello()
        c.envelope()
        before = {m.id for m in self.inst.messages()}
        answer = c.data(content + b".\r\n")
        self.starts(c.cmd("QUIT"), "221")
        c.close()
        found = [m for m in self.inst.messages() if m.id not in before]
        return answer, found[0] if found else None

    def test_byte_for_byte(self):
        for body in (b"", b"\r\n", b"hello\r\n", b"\xff\xfe\x80\r\n",
                     b"tab\tvt\x0bff\x0c esc\x1b del\x7f\r\n",
                     b"x" * 998 + b"\r\n", b"x" * 100000 + b"\r\n",
                     (b"a" * 76 + b"\r\n") * 14000, b"\r\n" * 5000):
            answer, m = self.send(HEAD + body)
            self.starts(answer, "250")
            self.assertEqual(m.content, HEAD + body)
            self.assertEqual("8bit" in m.flags, b"\xff" in body)
            self.assertEqual("longline" in m.flags, len(body) == 100002)

    def test_dots(self):
        answer, m = self.send(HEAD + b"..\r\n...\r\n.a\r\na.\r\n")
        self.starts(answer, "250")
        self.assertEqual(m.content, HEAD + b".\r\n..\r\na\r\na.\r\n")
        self.assertIn("dots", m.flags)

    def test_no_header_at_all(self):
        answer, m = self.send(b"hello\r\n")
        self.starts(answer, "250")
        self.assertEqual(m.content, b"hello\r\n")
        self.assertTrue(m.head.endswith(b"\r\n\r\n"))
        answer, m = self.send(b"")
        self.starts(answer, "250")
        self.assertEqual(m.content, b"")

    def test_fifty_megabytes(self):
        piece = HEAD + os.urandom(1000).hex().encode() + b"\r\n"
        content = piece + b"".join(b"%075d\r\n" % n for n in range(680000))
        answer, m = self.send(content)
        self.starts(answer, "250")
        self.assertEqual(m.content, content)
        self.assertEqual(self.inst.leavings(), [])

    def test_nul(self):
        for role, ip in (("mx", "192.0.2.1"), ("submission", "127.0.0.1")):
            answer, m = self.send(HEAD + b"a\0b\r\n", role=role, ip=ip)
            self.starts(answer, "550 5.6.0")
            self.assertIsNone(m)

    def test_hops(self):
        line = b"Received: from a by b; now\r\n"
        answer, m = self.send(line * 50 + HEAD)
        self.starts(answer, "250")
        answer, m = self.send(line * 51 + HEAD)
        self.starts(answer, "554 5.4.6")
        self.assertIsNone(m)
        answer, m = self.send(HEAD + line * 60)
        self.starts(answer, "250")


SMUGGLE = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r",
    b"\r\n.\r\r\n", b"\n\n.\r\r\n", b"\r.\n", b"\n.\r", b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
]


class Smuggling(Case):
    """The second letter must never be seen as one."""

    SECOND = (b"MAIL FROM:<admin@example.test>\r\n"
              b"RCPT TO:<alice@example.test>\r\nDATA\r\n"
              b"Subject: smuggled\r\n\r\nboo\r\n.\r\n")

    def test_strangers_are_refused(self):
        for role, hello in (("mx", "EHLO"), ("lmtp", "LHLO")):
            for end in SMUGGLE:
                c = self.client(role=role)
                c.hello(hello)
                c.envelope()
                answer = c.data(HEAD + b"body" + end + self.SECOND)
                self.starts(answer, "550 5.6.")
                if b"\0" in end:
                    continue
                self.assertTrue(c.closed(), end)
                self.assertIn("event=refused stage=data code=550", c.log())
        self.assertEqual(self.inst.messages(), [])
        self.assertEqual(self.inst.leavings(), [])

    def test_waiting_for_the_smuggled_end_is_answered(self):
        c = self.client()
        c.hello()
        c.envelope()
        self.starts(c.data(HEAD + b"body\n.\n"), "550 5.6.11")
        self.assertTrue(c.closed())

    def test_submission_makes_it_one_letter(self):
        for role in ("submission", "submit"):
            for end in SMUGGLE:
                if b"\0" in end:
                    continue
                c = self.client("127.0.0.1", role=role)
                c.hello()
                c.envelope()
                self.starts(c.data(HEAD + b"body" + end + self.SECOND), "250")
                self.starts(c.cmd("QUIT"), "221")
                c.close()
                m = self.inst.messages()[-1]
                self.assertIn("bare", m.flags)
                self.assertIn(b"Subject: smuggled\r\n", m.content)
                bare = m.content.replace(b"\r\n", b"")
                self.assertNotIn(b"\n", bare)
                self.assertNotIn(b"\r", bare)
                self.assertEqual(m.rcpts, ["bob@example.test"])

    def test_bare_line_ends_in_commands(self):
        c = self.client()
        for line in (b"EHLO x\n", b"EHLO x\ry\r\n", b"NOOP\r\r\n"):
            c.send(line)
            self.starts(c.reply(), "500 5.5.2")
        c = self.client("127.0.0.1", role="submission")
        c.send(b"EHLO x\n")
        self.starts(c.reply(), "250")


class Bdat(Case):

    def test_chunks(self):
        c = self.client()
        c.hello()
        c.envelope()
        c.send(b"BDAT 14\r\n" + HEAD)
        self.starts(c.reply(), "250 2.0.0 14 octets")
        # A dot is a dot here.
        c.send(b"BDAT 0\r\nBDAT 3\r\n.\r\nBDAT 6 LAST\r\n..\r\nx\n")
        self.starts(c.reply(), "250 2.0.0 0 octets")
        self.starts(c.reply(), "250 2.0.0 3 octets")
        self.starts(c.reply(), "550 5.6.11")
        self.assertTrue(c.closed())
        c = self.client()
        c.hello()
        c.envelope()
        c.send(b"BDAT 14\r\n" + HEAD + b"BDAT 3\r\n.\r\nBDAT 5 LAST\r\n"
               b"..\r\nxNOOP\r\n")
        self.starts(c.reply(), "250")
        self.starts(c.reply(), "250")
        self.starts(c.reply(), "250 2.0.0 ok, queued as")
        self.starts(c.reply(), "250")
        c.close()
        m = self.inst.messages()[0]
        self.assertEqual(m.content, HEAD + b".\r\n..\r\nx\r\n")
        self.assertIn("dots", m.flags)

    def test_cr_and_lf_in_two_chunks(self):
        c = self.client()
        c.hello()
        c.envelope()
        c.send(b"BDAT 3\r\na:\rBDAT 2\r\n\n\rBDAT 1 LAST\r\n\n")
        for _ in range(3):
            self.starts(c.reply(), "250")
        c.close()
        self.assertEqual(self.inst.messages()[0].content, b"a:\r\n\r\n")

    def test_refused_chunks_are_read_past(self):
        c = self.client()
        c.hello()
        c.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        self.starts(c.reply(), "503")
        c.cmd("MAIL FROM:<a@example.org>")
        c.send(b"BDAT 6\r\nQUIT\r\n")
        self.starts(c.reply(), "503")
        c.cmd("RCPT TO:<no@example.test>")
        c.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        self.starts(c.reply(), "554")
        self.starts(c.cmd("RSET"), "250")
        c.envelope()
        c.send(b"BDAT 4\r\na: \0")
        self.starts(c.reply(), "550 5.6.0")
        c.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        self.starts(c.reply(), "503")
        c.envelope()
        c.send(b"BDAT 4\r\na: b")
        self.starts(c.reply(), "250")
        for line in ("MAIL FROM:<x@example.org>", "DATA",
                     "RCPT TO:<bob@example.test>"):
            self.starts(c.cmd(line), "503")
        self.starts(c.cmd("RSET"), "250")
        self.starts(c.cmd("QUIT"), "221")
        c.close()
        self.assertEqual(self.inst.messages(), [])

    def test_who_leaves_amid_a_chunk(self):
        for before, sender in ((), "-"), (("MAIL FROM:<>",), '""'), \
                (("MAIL FROM:<a@example.org>",), "a@example.org"), \
                (("MAIL FROM:<a@example.org>",
                  "RCPT TO:<bob@example.test>"), "a@example.org"):
            with self.subTest(before):
                c = self.client()
                c.hello()
                for line in before:
                    self.starts(c.cmd(line), "250")
                c.send(b"BDAT 6\r\nQUI")
                log = c.log()
                self.assertEqual(c.proc.returncode, 0)
                self.assertRegex(log, "event=lost stage=data .* from=%s " %
                                 sender)
        self.assertEqual(self.inst.messages(), [])

    def test_syntax_closes(self):
        for line in ("BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST",
                     "BDAT 99999999999999999999"):
            c = self.client()
            c.hello()
            c.envelope()
            self.starts(c.cmd(line), "501 5.5.4")
            self.assertTrue(c.closed())


class Completion(Case):
    """RFC 6409 8."""

    def one(self, role, content, sender="a@example.test"):
        c = self.client("127.0.0.1", role=role)
        c.hello()
        c.envelope(sender)
        self.starts(c.data(content + b".\r\n"), "250")
        c.close()
        return self.inst.messages()[-1]

    def test_submission(self):
        m = self.one("submission", HEAD)
        self.assertIn(b"\r\nDate: ", m.head)
        self.assertIn(b"\r\nMessage-ID: <%s@mail.example.test>\r\n" %
                      m.id.encode(), m.head)
        self.assertIn(b"\r\nFrom: <a@example.test>\r\n", m.head)
        self.assertNotIn(b"127.0.0.1", m.head)
        self.assertNotIn(b"client.example.org", m.head)
        # Whose letter it is, is told by nobody.
        self.assertNotIn(b"From: ", self.one("submission", HEAD, "").head)

    def test_submit(self):
        m = self.one("submit", HEAD)
        self.assertIn(b"\r\nFrom: <a@example.test>\r\n", m.head)
        self.assertRegex(m.keys["uid"], r"^\d+$")
        m = self.one("submit", b"From: x@y\r\nDate: z\r\nMessage-Id: <q>\r\n")
        self.assertEqual(m.head.count(b"\r\nDate"), 0)
        self.assertNotIn(b"From: <", m.head)

    def test_mx_completes_nothing(self):
        m = self.one("mx", HEAD)
        self.assertNotIn(b"Date: ", m.head)

    def test_unqualified_names(self):
        c = self.client("127.0.0.1", role="submission")
        c.hello()
        self.starts(c.cmd("MAIL FROM:<root>"), "250")
        self.starts(c.cmd("RCPT TO:<uwe>"), "250")
        self.starts(c.data(HEAD + b".\r\n"), "250")
        c.close()
        m = self.inst.messages()[-1]
        self.assertEqual(m.keys["from"], "root@mail.example.test")
        self.assertEqual(m.rcpts, ["uwe@mail.example.test"])
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<root>"), "501")


if __name__ == "__main__":
    unittest.main()
