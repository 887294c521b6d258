#!/usr/bin/env python3
"""smtpd: commands in whatever order, of clients that leave at whatever octet.
Here no process may die of it, and what is in the spool is what was said to be.
MERPATI_SEED begins elsewhere."""

import os
import random
import re
import socket
import unittest

from smtp_lib import Case

SEED = int(os.environ.get("MERPATI_SEED", "1"))
TALKS = 250
WORDS = (
    b"EHLO client.example.org", b"HELO x", b"LHLO x", b"EHLO", b"MAIL FROM:<>",
    b"MAIL FROM:<a@example.org>", b"MAIL FROM:<a@example.org> SIZE=9 RET=HDRS",
    b"RCPT TO:<bob@example.test>", b"RCPT TO:<postmaster>",
    b"RCPT TO:<no@example.test>", b"RCPT TO:<x@elsewhere.test> NOTIFY=NEVER",
    b"DATA", b"DATA\r\na: b\r\n\r\nc\r\n.", b"DATA\r\n.", b"DATA\r\n\0\r\n.",
    b"DATA\r\na\n.\r\n.", b"BDAT 0", b"BDAT 0 LAST", b"BDAT 6\r\na: b\r\n",
    b"BDAT 99\r\na: b",
    b"BDAT 7 LAST\r\na: b\r\nc", b"BDAT 99999999", b"BDAT 3\r\n\0\0\n",
    b"BDAT x", b"RSET", b"NOOP", b"QUIT", b"VRFY bob@example.test",
    b"EXPN list@example.test", b"HELP", b"VERB", b"STARTTLS",
    b"AUTH PLAIN AGJvYgBzZWNyZXQ=", b"AUTH LOGIN", b"AUTH PLAIN =", b"*",
    b"AUTH SCRAM-SHA-256 bixuPWJvYixyPWFiYw==", b"", b"X" * 3000, b"\xff\0",
)
BEGINNINGS = ((), WORDS[:1], WORDS[:1] + WORDS[5:6],
              WORDS[:1] + WORDS[5:6] + WORDS[7:8], WORDS[2:3] + WORDS[4:5])
ROLES = ("mx", "mx", "submission", "lmtp")


class Random(Case):

    def talk(self, rnd):
        c = self.client(rnd.choice(("192.0.2.1", "127.0.0.1")),
                        role=rnd.choice(ROLES))
        words = list(rnd.choice(BEGINNINGS)) + rnd.choices(
            WORDS, k=rnd.randrange(12))
        octets = b"\r\n".join(words) + b"\r\n"
        if rnd.random() < .6:
            octets = octets[:rnd.randrange(len(octets)) + 1]
        said = b""
        try:
            if rnd.random() < .5:
                c.send(octets)
            else:
                for line in octets.splitlines(True):
                    c.send(line)
            if rnd.random() < .8:       # else it leaves at once
                c.ours.shutdown(socket.SHUT_WR)
                while data := c.ours.recv(65536):
                    said += data
        except OSError:
            pass                        # it was thrown out
        log = c.log()
        self.assertEqual(c.proc.returncode, 0, (octets, log))
        return said, re.findall(r"event=queued id=(\w+)", log)

    def test_whatever_comes(self):
        acknowledged, queued = set(), set()
        for seed in range(SEED, SEED + TALKS):
            with self.subTest(seed=seed):
                said, ids = self.talk(random.Random(seed))
                acknowledged.update(
                    re.findall(rb"queued as (\w{20})", said))
                queued.update(ids)
        self.assertLessEqual({x.decode() for x in acknowledged}, queued)
        self.assertEqual({m.id for m in self.inst.messages()}, queued)
        self.assertTrue(acknowledged)


if __name__ == "__main__":
    unittest.main(verbosity=2)
