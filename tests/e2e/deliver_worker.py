#!/usr/bin/env python3
"""deliver -w: jobs into Maildirs, refusals, and what a broken world does."""

import os
import socket
import subprocess
import unittest

from deliver_lib import PATIENCE, Site, Worker, mails

LETTER = (b"From: s@y.test\r\nTo: bob@x.test\r\nSubject: hi\r\n\r\n"
          b"one\r\n.two\r\n\xff\r\n")


class Deliver(unittest.TestCase):
    extra = ""

    def setUp(self):
        self.site = Site(self.extra)
        self.addCleanup(self.site.close)
        self.w = Worker(self.site)
        self.box = self.site.path("mail/x.test/bob/Maildir")

    def tearDown(self):
        code, log = self.w.close()
        self.assertEqual(code, getattr(self, "exit_code", 0), log)
        self.assertNotIn("Sanitizer", log)


class Maildir(Deliver):
    def test_a_letter_arrives_with_its_head_lines(self):
        self.assertEqual(self.w.deliver(LETTER)[:2], ("ok", "2.0.0"))
        (name, data), = mails(self.box).items()
        self.assertEqual(data, b"Return-Path: <s@y.test>\n"
                         b"Delivered-To: bob@x.test\n" +
                         LETTER.replace(b"\r\n", b"\n"))
        self.assertIn(",S=%d" % len(data), name)
        st = os.stat(os.path.join(self.box, "new", name))
        self.assertEqual((st.st_uid, st.st_mode & 0o777),
                         (self.site.uid, 0o600))

    def test_a_home_is_made(self):
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")
        self.assertEqual(os.stat(self.box).st_mode & 0o777, 0o700)

    def test_many_jobs_are_answered_in_order(self):
        for n in range(20):
            self.w.send(LETTER, number=n)
        for n in range(20):
            self.assertEqual(self.w.answer()[0], "ok")
        self.assertEqual(len(mails(self.box)), 20)

    def test_the_null_sender_and_an_offset(self):
        self.assertEqual(self.w.deliver(b"X" * 100 + LETTER, offset=100,
                                        len=len(LETTER), sender="")[0], "ok")
        (data,) = mails(self.box).values()
        self.assertTrue(data.startswith(b"Return-Path: <>\n"))
        self.assertNotIn(b"XX", data)

    def test_a_second_try_makes_no_second_letter(self):
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")
        self.assertEqual(self.w.deliver(LETTER, again=1)[0], "ok")
        self.assertEqual(len(mails(self.box)), 1)

    def test_a_loop_is_refused_for_ever(self):
        for mark in (b"Delivered-To: bob@x.test", b"delivered-to:  Bob@X.test"):
            self.assertEqual(self.w.deliver(mark + b"\r\n" + LETTER)[:2],
                             ("perm", "5.4.6"))
        # also behind a header section longer than the first look
        self.assertEqual(
            self.w.deliver(b"X-Long: " + b"a" * 20000 +
                           b"\r\nDelivered-To: bob@x.test\r\n" + LETTER)[:2],
            ("perm", "5.4.6"))
        self.assertEqual(mails(self.box), {})

    def test_others_marks_and_body_lines_are_no_loop(self):
        for m in (b"Delivered-To: eve@x.test\r\n" + LETTER,
                  LETTER + b"Delivered-To: bob@x.test\r\n",
                  b"X-Delivered-To: bob@x.test\r\n" + LETTER):
            self.assertEqual(self.w.deliver(m, number=len(m))[0], "ok")

    def test_a_home_that_cannot_be_made_is_temporary(self):
        with open(self.site.path("mail/x.test"), "w"):
            pass
        verdict, code, text = self.w.deliver(LETTER)
        self.assertEqual((verdict, code), ("temp", "4.3.0"))
        self.assertIn("Not a directory", text)
        os.unlink(self.site.path("mail/x.test"))
        os.chmod(self.site.path("mail"), 0o500)
        verdict, code, text = self.w.deliver(LETTER)
        self.assertEqual((verdict, code), ("temp", "4.3.0"))
        self.assertIn("Permission denied", text)
        os.chmod(self.site.path("mail"), 0o700)
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")

    def test_a_message_cut_short_is_temporary(self):
        self.assertEqual(self.w.deliver(LETTER, len=10000)[0], "temp")
        self.assertEqual(mails(self.box), {})

    def test_fifty_megabytes(self):
        big = b"Subject: big\r\n\r\n" + b"0123456789abcdef" * 4 * 800000 + \
            b"\r\n"
        self.assertEqual(self.w.deliver(big)[0], "ok")
        (data,) = mails(self.box).values()
        self.assertTrue(data.endswith(big[16:].replace(b"\r\n", b"\n")))

    def test_a_malformed_job_ends_the_worker(self):
        self.w.sock.send(b"merpati 1 job 1\nid x\n")
        self.assertEqual(self.w.sock.recv(100), b"")
        self.exit_code = 76


class Life(unittest.TestCase):
    def test_it_ends_when_idle(self):
        site = Site("spawner { idle = 1s }")
        self.addCleanup(site.close)
        w = Worker(site)
        self.assertEqual(w.p.wait(PATIENCE), 0)
        w.close()

    def test_it_wants_a_seqpacket_socket(self):
        site = Site()
        self.addCleanup(site.close)
        p = site.run("deliver", "-w", stdin=subprocess.DEVNULL)
        self.assertEqual(p.returncode, 64)
        self.assertIn(b"event=bad-start", p.stderr)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_it_never_runs_as_root(self):
        site = Site()
        self.addCleanup(site.close)
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with a, b:
            p = site.run("deliver", "-w", stdin=b, as_root=True)
        self.assertNotEqual(p.returncode, 0)
        self.assertIn(b"event=refused-root", p.stderr)


if __name__ == "__main__":
    unittest.main()
