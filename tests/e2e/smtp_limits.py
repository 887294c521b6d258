#!/usr/bin/env python3
"""smtpd: every limit holds: lines, errors, time, size, recipients, room."""

import os
import subprocess
import time
import unittest

from smtp_lib import NOBODY, SMTPD, Case

LETTER = b"x: y\r\n\r\n.\r\n"


class Lines(Case):

    def test_long_commands(self):
        c = self.client()
        c.hello()
        fits = "NOOP " + "x" * (2048 - 7)
        self.starts(c.cmd(fits), "250")
        self.starts(c.cmd(fits + "x"), "500 5.5.2")
        self.starts(c.cmd("NOOP " + "x" * 500000), "500 5.5.2")
        self.starts(c.cmd("NOOP"), "250")

    def test_a_line_without_an_end(self):
        c = self.client()
        try:
            for _ in range(80):
                c.send(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            self.starts(c.reply(), "421 4.5.2")
        except ConnectionResetError:
            pass
        self.assertIn("event=closed", c.log())

    def test_many_parameters(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<a@example.org>" + " SIZE=1" * 20),
                    "501")
        self.starts(c.cmd("RCPT TO:<%s@example.test>" % ("x" * 256)), "503")
        self.starts(c.cmd("MAIL FROM:<%s@example.org>" % ("x" * 256)),
                    "553 5.1.7")
        self.starts(c.cmd("MAIL FROM:<a@%s>" % ("x." * 140 + "org")), "5")
        # Four times what RFC 5321 4.5.3.1.1 asks for.
        self.starts(c.cmd("MAIL FROM:<%s@example.org>" % ("x" * 255)), "250")


class Errors(Case):
    smtpd = "max-errors = 5"

    def test_too_many(self):
        c = self.client()
        for _ in range(4):
            self.starts(c.cmd("FOO"), "500")
        self.starts(c.cmd("FOO"), "500")
        self.starts(c.reply(), "421 4.7.0")
        self.assertTrue(c.closed())
        self.assertIn("event=closed client=192.0.2.1 helo=\"\" reason=errors "
                      "commands=5 errors=5 messages=0", c.log())

    def test_guessing_names(self):
        c = self.client()
        c.hello()
        c.cmd("MAIL FROM:<a@example.org>")
        for n in range(5):
            self.starts(c.cmd("RCPT TO:<no%d@example.test>" % n), "550")
        self.starts(c.reply(), "421 4.7.0")


class Recipients(Case):
    smtpd = "max-recipients = 3\nmax-recipients-submission = 200"

    def test_mx(self):
        c = self.client()
        self.assertIn("LIMITS RCPTMAX=3", c.hello())
        c.envelope(rcpts=["u%d@example.test" % n for n in range(3)])
        self.starts(c.cmd("RCPT TO:<u4@example.test>"), "452 4.5.3")
        self.starts(c.data(LETTER), "250")
        c.close()
        self.assertEqual(len(self.inst.messages()[0].rcpts), 3)

    def test_submission(self):
        c = self.client("127.0.0.1", role="submission")
        c.hello()
        c.send("MAIL FROM:<>\r\n" + "".join(
            "RCPT TO:<u%d.%s@example.test>\r\n" % (n, "x" * 50)
            for n in range(201)))
        codes = [c.reply()[:3] for _ in range(202)]
        self.assertEqual(codes, ["250"] * 201 + ["452"])
        # An envelope of several blocks, and content beyond memory.
        body = b"line\r\n" * 60000
        self.starts(c.data(b"x: y\r\n\r\n" + body + b".\r\n"), "250")
        c.close()
        m = self.inst.messages()[0]
        self.assertEqual(len(m.rcpts), 200)
        self.assertTrue(m.content.endswith(body))


class Size(Case):
    top = "message-size = 100K"

    def test_declared(self):
        c = self.client()
        self.assertIn("SIZE 102400", c.hello())
        for size in ("102401", "99999999999999999999"):
            self.starts(c.cmd("MAIL FROM:<a@example.org> SIZE=" + size),
                        "552 5.3.4")
        self.starts(c.cmd("MAIL FROM:<a@example.org> SIZE=102400"), "250")

    def test_sent(self):
        c = self.client()
        c.hello()
        for n, code in ((102400 - 2, "250 2.0.0"), (102400 - 1, "552 5.3.4"),
                        (150000, "552 5.3.4")):
            c.envelope()
            self.starts(c.data(b"x" * n + b"\r\n.\r\n"), code)
        self.starts(c.cmd("NOOP"), "250")
        c.close()
        self.assertEqual(len(self.inst.messages()), 1)

    def test_endless(self):
        c = self.client()
        c.hello()
        c.envelope()
        self.starts(c.cmd("DATA"), "354")
        try:
            for _ in range(100):
                c.send(b"x" * 65000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            self.starts(c.reply(), "552 5.3.4")
        except ConnectionResetError:
            pass
        self.assertIn("reason=endless-data", c.log())

    def test_bdat(self):
        c = self.client()
        c.hello()
        c.envelope()
        c.send(b"BDAT 102000\r\n" + b"x" * 102000)
        self.starts(c.reply(), "250")
        c.send(b"BDAT 401\r\n" + b"x" * 401)
        self.starts(c.reply(), "552 5.3.4")
        self.starts(c.cmd("NOOP"), "250")
        c.envelope()
        self.starts(c.cmd("BDAT 9000000000"), "552 5.3.4")
        self.assertTrue(c.closed())


class Idle(Case):
    smtpd = "idle-timeout = 1s\ndata-timeout = 1s"

    def test_before_a_command(self):
        c = self.client()
        self.starts(c.reply(), "421 4.4.2")
        self.assertTrue(c.closed())
        self.assertIn("reason=timeout", c.log())

    def test_in_data(self):
        c = self.client()
        c.hello()
        c.envelope()
        c.cmd("DATA")
        c.send("x: y\r\n")
        self.starts(c.reply(), "421 4.4.2")
        self.assertTrue(c.closed())
        c.close()
        self.assertEqual(self.inst.messages(), [])


class SlowDrip(Case):
    smtpd = "total-timeout = 2s"

    def drip(self, c, octet):
        began = time.monotonic()
        try:
            while time.monotonic() - began < 50:
                c.send(octet)
                time.sleep(0.05)
                c.ours.setblocking(False)
                try:
                    data = c.ours.recv(4096)
                    if b"421" in data or not data:
                        break
                except BlockingIOError:
                    pass
                c.ours.setblocking(True)
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertLess(time.monotonic() - began, 40)
        c.ours.setblocking(True)
        self.assertIn("reason=timeout", c.log())

    def test_commands(self):
        self.drip(self.client(), b"N")

    def test_data(self):
        c = self.client()
        c.hello()
        c.envelope()
        c.cmd("DATA")
        self.drip(c, b"x")
        self.assertEqual(self.inst.messages(), [])


class Room(Case):
    top = "min-free = 1000000G"

    def test_no_room(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "452 4.3.1")


class FullDisk(Case):

    def setUp(self):
        super().setUp()
        spool = self.inst.path("spool")
        if os.getuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=600k,mode=755",
                 "tmpfs", spool], capture_output=True).returncode != 0:
            self.skipTest("cannot mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", spool])
        for d in ("tmp", "new"):
            os.mkdir(os.path.join(spool, d))
            os.chown(os.path.join(spool, d), NOBODY, NOBODY)

    def test_452_and_recovery(self):
        c = self.client()
        c.hello()
        c.envelope()
        self.starts(c.data(b"x" * 76 + b"\r\n.\r\n"), "250")
        c.envelope()
        self.starts(c.data((b"x" * 76 + b"\r\n") * 20000 + b".\r\n"),
                    "452 4.3.1")
        self.assertEqual(self.inst.leavings(), [])
        # In memory it still fits, on disk it does not.
        filler = os.path.join(self.inst.spool, "filler")
        with open(filler, "wb") as f:
            f.write(b"x" * 450000)
        c.envelope()
        self.starts(c.data((b"x" * 76 + b"\r\n") * 3000 + b".\r\n"),
                    "452 4.3.1")
        self.assertEqual(self.inst.leavings(), [])
        os.unlink(filler)
        c.envelope()
        self.starts(c.data((b"x" * 76 + b"\r\n") * 3000 + b".\r\n"),
                    "250")
        c.close()
        self.assertEqual(len(self.inst.messages()), 2)


class NoSpool(Case):

    def test_spool_gone(self):
        os.rename(self.inst.path("spool"), self.inst.path("away"))
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "451 4.3.0")
        os.rename(self.inst.path("away"), self.inst.path("spool"))
        self.assertIn("event=spool-unavailable", c.log())
        # A process with walls does not find it later: it leaves.
        c = self.client()
        c.hello()
        c.envelope()
        self.starts(c.data(LETTER), "250")

    def cannot_write(self, directory, letter):
        c = self.client()
        c.hello()
        c.envelope()
        os.rmdir(self.inst.path("spool/" + directory))
        self.starts(c.data(letter), "451 4.3.0")
        self.assertIn("event=spool-error", c.log())

    def test_small_letter_that_cannot_be_written(self):
        self.cannot_write("new", LETTER)

    def test_large_letter_that_cannot_be_written(self):
        self.cannot_write("tmp", LETTER[:-3] + (b"x" * 70 + b"\r\n") * 5000 + b".\r\n")


class Usage(unittest.TestCase):

    def test_usage(self):
        for args, code in ((["-h"], 0), (["--help"], 0), (["-x"], 64),
                           (["-r", "pop3"], 64), (["word"], 64)):
            p = subprocess.run([SMTPD] + args, capture_output=True,
                               text=True, timeout=60)
            self.assertEqual(p.returncode, code)
            out, err = (p.stdout, p.stderr) if code == 0 else (
                p.stderr, p.stdout)
            self.assertIn("usage: smtpd", out)
            self.assertEqual(err, "")


if __name__ == "__main__":
    unittest.main()
