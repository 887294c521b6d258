#!/usr/bin/env python3
"""deliver -w: jobs into Maildirs, refusals, and what a broken world does."""

import os
import socket
import subprocess
import unittest

from deliver_lib import PATIENCE, Site, Submit, Worker, mails

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


class Forward(Deliver):
    def forward(self, text, mode=0o600):
        home = os.path.dirname(self.box)
        os.makedirs(home, exist_ok=True)
        path = home + "/forward"
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        for p in (self.site.path("mail/x.test"), home, path):
            os.chown(p, self.site.uid, -1)

    def submit(self, **kw):
        s = Submit(self.site, **kw)
        self.addCleanup(s.close)
        return s

    def test_a_forward_goes_on_with_its_sender_and_a_mark(self):
        s = self.submit()
        self.forward("# mine\nal@z.test, eve@z.test\n")
        verdict, code, text = self.w.deliver(LETTER)
        self.assertEqual((verdict, code), ("ok", "2.0.0"), text)
        (mail, rcpts, data), = s.messages
        self.assertTrue(mail.startswith("MAIL FROM:<s@y.test> "))
        self.assertIn("BODY=8BITMIME", mail)
        self.assertNotIn("SMTPUTF8", mail)
        self.assertEqual(rcpts, ["RCPT TO:<al@z.test>", "RCPT TO:<eve@z.test>"])
        self.assertEqual(data, b"Delivered-To: bob@x.test\r\n" + LETTER)
        self.assertEqual(mails(self.box), {})

    def test_smtputf8_is_asked_for_when_the_letter_had_it(self):
        s = self.submit()
        self.forward("al@z.test\n")
        self.assertEqual(self.w.deliver(LETTER, utf8=1)[0], "ok")
        self.assertIn("SMTPUTF8", s.messages[0][0])

    def test_a_copy_is_kept_and_made_before_the_dot(self):
        s = self.submit()
        seen = []
        s.at_dot = lambda: seen.append(len(mails(self.box)))
        self.forward("\\bob\nal@z.test\n")
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")
        self.assertEqual(seen, [1])
        self.assertEqual(len(mails(self.box)), 1)
        self.assertEqual(len(s.messages), 1)

    def test_his_own_address_alone_delivers_here(self):
        self.forward("bob@x.test\n")
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")
        self.assertEqual(len(mails(self.box)), 1)

    def test_failures_are_temporary_and_nothing_is_done_twice(self):
        self.forward("\\bob\nal@z.test\n")
        self.assertEqual(self.w.deliver(LETTER)[0], "temp")   # no smtpd
        self.assertEqual(mails(self.box), {})
        for refuse in ({"MAIL": "550 5.7.1 no"},
                       {"al@z.test": "550 5.1.1 unknown"},
                       {"DATA": "452 4.3.1 full"}, {"DATA": None}):
            s = self.submit(refuse=refuse)
            verdict, code, text = self.w.deliver(LETTER)
            self.assertEqual((verdict, code), ("temp", "4.2.4"), text)
            self.assertEqual(mails(self.box), {})
            self.assertEqual(s.messages, [])
            s.close()
        for refuse in ({".": "451 4.3.0 later"}, {".": None}):
            s = self.submit(refuse=refuse)
            self.assertEqual(self.w.deliver(LETTER)[0], "temp")
            self.assertEqual(len(mails(self.box)), 1)
            s.close()
        s = self.submit()
        self.assertEqual(self.w.deliver(LETTER, again=1)[0], "ok")
        self.assertEqual(len(mails(self.box)), 1)
        self.assertEqual(len(s.messages), 1)

    def test_a_copy_that_fails_sends_no_forward(self):
        s = self.submit()
        self.forward("\\bob\nal@z.test\n")
        self.assertEqual(self.w.deliver(LETTER, quota_octets=10)[:2],
                         ("temp", "4.2.2"))
        self.assertEqual(s.messages, [])
        self.assertEqual(mails(self.box), {})

    def test_unsafe_or_bad_files_are_temporary(self):
        s = self.submit()
        for text, mode in (("al@z.test\n", 0o620), ("al@z.test\n", 0o602),
                           ("|prog\n", 0o600), ("/tmp/file\n", 0o600),
                           (":include:/etc/passwd\n", 0o600),
                           ("al@\n", 0o600), ("a@z.test\n" * 8000, 0o600)):
            self.forward(text, mode)
            verdict, code, why = self.w.deliver(LETTER)
            self.assertEqual((verdict, code), ("temp", "4.3.5"), text[:40])
            self.assertIn("forward file", why)
            self.assertNotIn("\n", why)
        self.assertEqual(s.messages, [])
        self.assertEqual(mails(self.box), {})
        self.forward("")
        self.assertEqual(self.w.deliver(LETTER)[0], "ok")
        self.assertEqual(len(mails(self.box)), 1)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_another_users_file_is_not_believed(self):
        self.forward("al@z.test\n", 0o644)
        os.chown(os.path.dirname(self.box) + "/forward", 1, -1)
        self.assertEqual(self.w.deliver(LETTER)[:2], ("temp", "4.3.5"))


class Quota(Deliver):
    def test_over_the_limit_is_temporary(self):
        size = len(LETTER)
        self.assertEqual(self.w.deliver(LETTER, quota_octets=size * 3)[0],
                         "ok")
        self.assertEqual(
            self.w.deliver(LETTER, number=1, quota_octets=size * 2),
            ("temp", "4.2.2", "mailbox full"))
        self.assertEqual(len(mails(self.box)), 1)
        # a try again of the one that is there already is no news
        self.assertEqual(self.w.deliver(LETTER, again=1,
                                        quota_octets=size * 3)[0], "ok")

    def test_messages_are_counted(self):
        for n in range(3):
            self.assertEqual(self.w.deliver(LETTER, number=n, quota_count=3)[0],
                             "ok")
        self.assertEqual(self.w.deliver(LETTER, number=3, quota_count=3)[:2],
                         ("temp", "4.2.2"))
        with open(self.box + "/maildirsize") as f:
            self.assertEqual(f.readline(), "3C\n")

    def test_usage_is_told_to_authd(self):
        told = []
        path = self.site.path("run/authd/authd.sock")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(path)
        os.chmod(path, 0o666)
        s.listen(5)
        s.settimeout(PATIENCE)
        with s:
            self.assertEqual(self.w.deliver(LETTER, quota_octets=10 ** 6)[0],
                             "ok")
            c, _ = s.accept()
            with c:
                c.settimeout(PATIENCE)
                lines = c.recv(32768).decode().splitlines()
                told = dict(x.split(" ", 1) for x in lines[1:])
                c.send(b"merpati 1 ok %s\n" % lines[0].split()[-1].encode())
                self.assertTrue(lines[0].startswith("merpati 1 usage "))
                self.assertEqual(told["user"], "bob@x.test")
                self.assertEqual(told["count"], "1")
                (data,) = mails(self.box).values()
                self.assertEqual(int(told["octets"]), len(data))
                # without a quota nothing is told
                self.assertEqual(self.w.deliver(LETTER, number=1)[0], "ok")
                c.settimeout(0.3)
                self.assertRaises(TimeoutError, c.recv, 100)

    def test_a_silent_authd_does_not_matter(self):
        self.assertEqual(self.w.deliver(LETTER, quota_octets=10 ** 6)[0], "ok")
        self.assertEqual(self.w.deliver(LETTER, number=1,
                                        quota_octets=10 ** 6)[0], "ok")


class Mbox(Deliver):
    extra = 'mailbox = "mbox"\nmbox-path = "@DIR@/mail/%d/%n/mbox"'

    def test_letters_are_appended(self):
        for n in range(2):
            self.assertEqual(self.w.deliver(LETTER + b"From here\r\n",
                                            number=n)[0], "ok")
        with open(os.path.dirname(self.box) + "/mbox", "rb") as f:
            data = f.read()
        self.assertEqual(data.count(b"From s@y.test "), 2)
        self.assertEqual(data.count(b"\n>From here\n"), 2)
        self.assertEqual(data.count(b"\nDelivered-To: bob@x.test\n"), 2)

    def test_its_size_is_the_quota(self):
        self.assertEqual(self.w.deliver(LETTER, quota_octets=200)[0], "ok")
        self.assertEqual(self.w.deliver(LETTER, number=1, quota_octets=200)[:2],
                         ("temp", "4.2.2"))


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
