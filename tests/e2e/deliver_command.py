#!/usr/bin/env python3
"""deliver(1) under its four names, against a server on the submit socket."""

import os
import pwd
import re
import subprocess
import unittest

from deliver_lib import PATIENCE, Site, Submit

USER = pwd.getpwuid(65534 if os.geteuid() == 0 else os.geteuid()).pw_name


class Command(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)

    def serve(self, **kw):
        self.smtp = Submit(self.site, **kw)
        self.addCleanup(self.smtp.close)
        return self.smtp

    def run_ok(self, *argv, **kw):
        p = self.site.run(*argv, **kw)
        self.assertEqual((p.returncode, p.stderr), (0, b""), p)
        return p

    def code(self, want, *argv, **kw):
        p = self.site.run(*argv, **kw)
        self.assertEqual(p.returncode, want, p)
        self.assertNotIn(b"Sanitizer", p.stderr)
        return p


class Sending(Command):
    def test_a_plain_message_is_completed(self):
        s = self.serve()
        p = self.run_ok("deliver", "-v", "-f", "al@y.test", "-F", "Al, Ba",
                        "bob@x.test", stdin=b"Subject: hi\n\nbody\n.x\n")
        self.assertEqual(p.stdout, b"queued as 1%019d\n" % 1)
        (mail, rcpts, data), = s.messages
        self.assertTrue(mail.startswith("MAIL FROM:<al@y.test> SIZE="))
        self.assertEqual(rcpts, ["RCPT TO:<bob@x.test>"])
        head, body = data.split(b"\r\n\r\n", 1)
        self.assertEqual(body, b"body\r\n.x\r\n")
        self.assertIn(b'\r\nFrom: "Al, Ba" <al@y.test>', b"\r\n" + head)
        self.assertRegex(head, rb"(?m)^Date: \w{3}, +\d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}\r?$")
        self.assertRegex(head, rb"(?m)^Message-ID: <\S+@mx\.test>\r?$")

    def test_the_caller_is_the_sender(self):
        s = self.serve()
        self.run_ok("sendmail", "bob", stdin=b"To: bob\n\nx\n")
        (mail, rcpts, data), = s.messages
        self.assertTrue(mail.startswith("MAIL FROM:<%s@mx.test>" % USER), mail)
        self.assertEqual(rcpts, ["RCPT TO:<bob@mx.test>"])
        # In brackets behind a real name, if the user has one.
        self.assertRegex(data, rb"\r\nFrom: (.*<)?%s@mx\.test>?\r\n" %
                         re.escape(USER.encode()))
        self.assertIn(b"To: bob@mx.test\r\n", data)

    def test_cron(self):
        s = self.serve()
        self.run_ok("sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem",
                    "root", stdin=b"From: root (Cron Daemon)\nTo: root\n"
                    b"Subject: Cron\n\nout\n.\nmore \xff\n")
        (mail, rcpts, data), = s.messages
        self.assertIn("BODY=8BITMIME", mail)
        self.assertIn(b"From: root@mx.test (Cron Daemon)\r\n", data)
        self.assertTrue(data.endswith(b"out\r\n.\r\nmore \xff\r\n"))

    def test_recipients_from_the_header(self):
        s = self.serve()
        self.run_ok("sendmail", "-t", "-i", "extra@x.test",
                    stdin=b"To: A <a@x.test>, b\nBcc: c@x.test,\n a@x.test\n\nx\n")
        (_, rcpts, data), = s.messages
        self.assertEqual(rcpts, ["RCPT TO:<%s>" % a for a in (
            "a@x.test", "b@mx.test", "c@x.test", "extra@x.test")])
        self.assertNotIn(b"cc:", data)

    def test_a_lone_dot_ends_without_i(self):
        s = self.serve()
        self.run_ok("sendmail", "bob", stdin=b"Subject: x\n\none\n.\ntwo\n")
        self.assertTrue(s.messages[0][2].endswith(b"\r\n\r\none\r\n"))

    def test_dsn_options_and_the_null_sender(self):
        s = self.serve()
        self.run_ok("sendmail", "-f", "<>", "-N", "success,failure", "-R",
                    "hdrs", "-V", "id+1", "bob", stdin=b"\n")
        self.assertRegex(s.messages[0][0],
                         r"^MAIL FROM:<> .*RET=HDRS ENVID=id\+2B1")
        self.assertEqual(s.messages[0][1],
                         ["RCPT TO:<bob@mx.test> NOTIFY=SUCCESS,FAILURE"])

    def test_odd_messages(self):
        s = self.serve()
        for text, body in ((b"", b""), (b"\n", b""), (b"no header\n", b"no header\r\n"),
                           (b"Subject: x", b""), (b"\r\rx\r\n", b"\r\nx\r\n"),
                           (b"a: b\n" + b"y" * 100000, b"y" * 100000 + b"\r\n")):
            self.run_ok("deliver", "-i", "bob", stdin=text)
            data = s.messages.pop()[2]
            head, got = data.split(b"\r\n\r\n", 1)
            self.assertEqual(got, body)
            self.assertIn(b"From: ", head)
            self.assertNotIn(b"\n", data.replace(b"\r\n", b""))

    def test_fifty_megabytes(self):
        s = self.serve()
        line = b"." + b"x" * 70 + b"\n"
        self.run_ok("deliver", "-i", "bob", stdin=b"Subject: big\n\n" + line * 720000)
        self.assertTrue(s.messages[0][2].endswith(b"\r\n\r\n" +
                        line.replace(b"\n", b"\r\n") * 720000))

    def test_internationalised_addresses(self):
        s = self.serve()
        self.run_ok("deliver", "-f", "al@y.test", "j\u00f6@x.test", stdin=b"\n")
        self.assertIn("SMTPUTF8", s.messages[0][0])
        s.close()
        self.serve(ext=["8BITMIME"])
        p = self.code(65, "deliver", "-f", "al@y.test", "j\u00f6@x.test", stdin=b"\n")
        self.assertIn(b"internationalised", p.stderr)

    def test_two_hundred_recipients(self):
        s = self.serve()
        to = ["u%d@x.test" % n for n in range(200)]
        self.run_ok("deliver", *to, *to, stdin=b"\n")
        self.assertEqual(sorted(s.messages[0][1]),
                         sorted("RCPT TO:<%s>" % a for a in to))
        s.close()
        s = self.serve(ext=[])
        self.run_ok("deliver", *to, stdin=b"\n")
        self.assertEqual(len(s.messages[0][1]), 200)

    def test_a_gateway_changes_no_header(self):
        s = self.serve()
        self.run_ok("deliver", "-G", "bob", stdin=b"To: al\n\nx\n")
        self.assertEqual(s.messages[0][2], b"To: al\r\n\r\nx\r\n")


class Refusals(Command):
    def test_wrong_usage(self):
        for argv in (["deliver"], ["deliver", "-Z", "bob"], ["sendmail", "-bd"],
                     ["deliver", "bob", "-v"]):
            p = self.code(64, *argv)
            self.assertIn(b"usage: deliver", p.stderr)
        p = self.run_ok("deliver", "--help")
        self.assertIn(b"usage: deliver", p.stdout)

    def test_no_suite_no_mail(self):
        p = self.code(75, "deliver", "bob", stdin=b"x\n")
        self.assertIn(b"submit.sock", p.stderr)

    def test_no_configuration(self):
        self.code(78, "deliver", "bob", stdin=b"x\n",
                  env=dict(self.site.env, MERPATI_CONF="/nonexistent"))

    def test_replies_become_exit_codes(self):
        for refuse, want in (
                ({"bob@x.test": "550 5.1.1 no such user"}, 67),
                ({"bob@x.test": "452 4.2.2 full"}, 75),
                ({"MAIL": "552 5.3.4 too big"}, 65),
                ({"MAIL": "550 5.7.1 not you"}, 77),
                ({"DATA": "554 5.5.1 no"}, 69),
                ({".": "451 4.3.0 later"}, 75),
                ({".": "554 5.6.0 bad"}, 65),
                ({".": None}, 75), ({"EHLO": None}, 75)):
            s = self.serve(refuse=refuse)
            p = self.code(want, "deliver", "al@x.test", "bob@x.test",
                          stdin=b"x\n")
            self.assertNotEqual(p.stderr, b"")
            self.assertEqual(s.messages, [])
            s.close()

    def test_bad_data(self):
        s = self.serve()
        self.code(65, "deliver", "bob", stdin=b"a\0b\n")
        self.code(65, "deliver", "a@b@c", stdin=b"x\n")
        self.code(65, "deliver", "-f", "a b", "bob", stdin=b"x\n")
        self.code(65, "sendmail", "-t", stdin=b"Subject: x\n\nx\n")
        self.code(65, "sendmail", "-t", stdin=b"To: <a@x.test\n\nx\n")
        self.code(65, "deliver", "bob\r\nRCPT TO:<eve@x.test>", stdin=b"x\n")
        self.assertEqual(s.messages, [])

    def test_a_message_over_the_limit(self):
        with open(self.site.conf, "a") as f:
            f.write("message-size = 10K\n")
        s = self.serve()
        p = self.code(65, "deliver", "bob", stdin=b"x" * 20000)
        self.assertIn(b"message-size", p.stderr)
        self.assertEqual(s.messages, [])

    def test_a_read_error_sends_nothing(self):
        s = self.serve()
        fd = os.open(self.site.dir, os.O_RDONLY)    # read(2) says EISDIR
        try:
            self.code(74, "deliver", "bob", stdin=fd)
        finally:
            os.close(fd)
        self.assertEqual(s.messages, [])

    def test_a_killed_caller_sends_nothing(self):
        s = self.serve()
        kw = {}
        if os.geteuid() == 0:
            kw = dict(user=self.site.uid, group=self.site.uid, extra_groups=[])
        p = subprocess.Popen([self.site.path("bin/deliver"), "bob"],
                             stdin=subprocess.PIPE, env=self.site.env, **kw)
        p.stdin.write(b"Subject: half\n\nhalf")
        p.stdin.flush()
        p.kill()
        p.wait(PATIENCE)
        p.stdin.close()
        self.assertEqual(s.messages, [])


class Others(Command):
    def test_bs_is_an_smtp_session(self):
        s = self.serve()
        p = self.run_ok("sendmail", "-bs", stdin=(
            b"EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
            b"x\r\n.\r\nQUIT\r\n"))
        self.assertTrue(p.stdout.startswith(b"220 "))
        self.assertTrue(p.stdout.endswith(b"221 2.0.0 bye\r\n"))
        self.assertEqual(s.messages[0][2], b"x\r\n")
        s.close()
        os.unlink(self.site.path("run/smtpd/submit.sock"))
        p = self.code(75, "sendmail", "-bs", stdin=b"EHLO me\r\n")
        self.assertTrue(p.stdout.startswith(b"421 "))

    def test_bv_asks_and_sends_nothing(self):
        s = self.serve(refuse={"eve@x.test": "550 5.1.1 unknown"})
        p = self.code(67, "sendmail", "-bv", "bob@x.test", "eve@x.test",
                      "al@x.test")
        self.assertEqual(re.sub(rb"\.\.\. .*", b"", p.stdout).split(),
                         [b"bob@x.test", b"eve@x.test", b"al@x.test"])
        self.assertIn(b"eve@x.test... 550 5.1.1 unknown", p.stdout)
        self.run_ok("sendmail", "-bv", "bob@x.test")
        self.assertEqual(s.messages, [])

    def test_mailq_and_newaliases_are_mailctl(self):
        with open(self.site.path("etc/aliases"), "w") as f:
            f.write("root: pm\n")
        for argv in (["mailq"], ["sendmail", "-bp"]):
            p = self.site.run(*argv)
            self.assertIn(b"empty", p.stdout, p)
        for argv in (["newaliases"], ["sendmail", "-bi"]):
            p = self.site.run(*argv)
            self.assertEqual(p.returncode, 0, p)
            self.assertIn(b"1 alias", p.stdout)
        self.code(75, "sendmail", "-q")
        self.code(64, "sendmail", "-qIx")


if __name__ == "__main__":
    unittest.main()
