"""pop3d before login, and the way of a connection to its session."""

import base64
import os
import signal
import socket
import subprocess
import time
import unittest

from pop3_lib import Authd, Client, Place, program

PLAIN = base64.b64encode(b"\0alice@example.test\0secret").decode()


class Base(unittest.TestCase):
    pop3d = ""

    def setUp(self):
        self.place = Place(self.pop3d)
        self.addCleanup(self.place.remove)
        self.place.add("1700000000.M1P1.h", b"Subject: hi\n\nhello\n")
        self.authd = Authd(self.place, {b"alice@example.test": b"secret",
                                        b"bob@example.test": b" two  blanks "})
        self.addCleanup(self.authd.close)
        self.authd.start_server()

    def connect(self, address="127.0.0.1"):
        """pop3d -i on a TCP connection of its own."""
        with socket.create_server((address, 0)) as listening:
            ours = socket.create_connection(listening.getsockname()[:2])
            theirs, _ = listening.accept()
        p = self.place.start([program("pop3d"), "-i", "-c", self.place.conf], theirs)
        theirs.close()
        c = Client(ours)
        c.process = p
        self.place.clients.append(c)
        self.assertTrue(c.line().startswith(b"+OK mail.example.test "))
        return c


class Login(Base):
    def test_user_and_pass_lead_to_the_session(self):
        c = self.connect()
        self.assertTrue(c.ask("user alice@example.test").startswith("+OK"))
        self.assertEqual(c.ask("PASS secret"), "+OK Logged in, 1 messages")
        self.assertEqual(c.process.wait(20), 0)
        self.assertEqual(c.ask("STAT"), "+OK 1 22")
        self.assertEqual(c.ask_long("RETR 1"), b"Subject: hi\r\n\r\nhello\r\n")
        self.assertTrue(c.ask("QUIT").startswith("+OK"))
        self.assertTrue(c.at_end())
        self.assertEqual(self.authd.asked, [(b"alice@example.test", b"secret", "pop3",
                                             "127.0.0.1", b"")])
        self.place.wait_log("event=pop3-session user=alice@example.test ip=127.0.0.1 "
                            "retrieved=1 deleted=0 octets=22 end=quit ms=")

    def test_passwords_may_hold_blanks(self):
        c = self.connect()
        c.ask("USER bob@example.test")
        self.assertTrue(c.ask("PASS  two  blanks ").startswith("+OK"))

    def test_auth_plain_with_an_initial_response(self):
        c = self.connect()
        self.assertTrue(c.ask("AUTH PLAIN " + PLAIN).startswith("+OK Logged in"))

    def test_auth_plain_without_one(self):
        c = self.connect()
        self.assertEqual(c.ask("auth plain"), "+ ")
        self.assertTrue(c.ask(PLAIN).startswith("+OK Logged in"))

    def test_auth_login(self):
        c = self.connect()
        self.assertEqual(c.ask("AUTH LOGIN"), "+ VXNlcm5hbWU6")
        self.assertEqual(c.ask(base64.b64encode(b"alice@example.test").decode()), "+ UGFzc3dvcmQ6")
        self.assertTrue(c.ask(base64.b64encode(b"secret").decode()).startswith("+OK Logged in"))

    def test_auth_refusals(self):
        c = self.connect()
        self.assertEqual(c.ask("AUTH PLAIN"), "+ ")
        self.assertTrue(c.ask("*").startswith("-ERR"))
        for bad in ("AUTH PLAIN =", "AUTH PLAIN !!!!", "AUTH CRAM-MD5", "AUTH PLAINX", "AUTH EXTERNAL",
                    "AUTH PLAIN " + base64.b64encode(b"alice\0secret").decode()):
            self.assertTrue(c.ask(bad).startswith("-ERR"), bad)
        foreign = base64.b64encode(b"bob\0alice@example.test\0secret").decode()
        self.assertTrue(c.ask("AUTH PLAIN " + foreign).startswith("-ERR [AUTH]"))
        self.assertEqual(self.authd.asked, [])
        self.assertEqual(c.ask_long("AUTH"), b"SCRAM-SHA-256\r\nPLAIN\r\nLOGIN\r\n")

    def test_everything_in_one_write(self):
        c = self.connect()
        c.send(b"CAPA\r\nUTF8\r\nUSER alice@example.test\r\nPASS secret\r\nSTAT\r\nUIDL\r\n"
               b"RETR 1\r\nDELE 1\r\nQUIT\r\n")
        self.assertIn(b"PIPELINING\r\n", c.body())
        answers = c.file.read()
        self.assertEqual(answers.count(b"+OK"), 9 - 1)
        self.assertTrue(answers.endswith(b"+OK Goodbye\r\n"))
        self.assertEqual(self.place.cur(), [])

    def test_much_read_ahead_is_not_lost(self):
        c = self.connect()
        many = 4000
        c.send(b"USER alice@example.test\r\nPASS secret\r\n" + b"NOOP\r\n" * many + b"QUIT\r\n")
        c.line()
        self.assertTrue(c.line().startswith(b"+OK Logged in"))
        self.assertEqual(c.file.read(), b"+OK\r\n" * many + b"+OK Goodbye\r\n")

    def test_capabilities_before_and_after(self):
        c = self.connect()
        before = c.ask_long("CAPA").decode().split("\r\n")
        for tag in ("USER", "SASL SCRAM-SHA-256 PLAIN LOGIN", "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE",
                    "PIPELINING", "UTF8 USER", "EXPIRE NEVER", "IMPLEMENTATION Merpati"):
            self.assertIn(tag, before)
        self.assertNotIn("STLS", before)
        c.ask("USER alice@example.test")
        c.ask("PASS secret")
        after = c.ask_long("CAPA").decode().split("\r\n")
        self.assertNotIn("USER", after)
        self.assertIn("TOP", after)

    def test_wrong_passwords_and_the_limit(self):
        c = self.connect()
        for n in range(3):
            self.assertTrue(c.ask("USER alice@example.test").startswith("+OK"))
            self.assertTrue(c.ask("PASS wrong").startswith("-ERR [AUTH]"))
        self.assertTrue(c.at_end())
        self.assertEqual(len(self.authd.asked), 3)

    def test_verdicts(self):
        c = self.connect()
        for verdict, answer in (("later", "-ERR [SYS/TEMP]"), ("disabled", "-ERR [AUTH]")):
            self.authd.verdict = verdict
            c.ask("USER alice@example.test")
            self.assertTrue(c.ask("PASS secret").startswith(answer))

    def test_authd_away(self):
        os.unlink(self.authd.path)
        c = self.connect()
        c.ask("USER alice@example.test")
        self.assertTrue(c.ask("PASS secret").startswith("-ERR [SYS/TEMP]"))
        self.place.wait_log("event=authd-unreachable")

    def test_order_and_nonsense(self):
        c = self.connect()
        for bad in ("PASS secret", "STAT", "RETR 1", "NOOP", "APOP alice 0123", "STLS",
                    "XYZZY", "USER", ""):
            self.assertTrue(c.ask(bad).startswith("-ERR"), bad)
        self.assertTrue(c.ask("LIST").startswith("-ERR"))
        self.assertTrue(c.at_end(), "ten senseless commands are enough")

    def test_long_lines(self):
        c = self.connect()
        self.assertTrue(c.ask("CAPA " + "x" * 300).startswith("-ERR"))
        self.assertTrue(c.ask("USER " + "x" * 100000).startswith("-ERR"))
        self.assertTrue(c.ask("USER " + "x" * 1000).startswith("-ERR"))
        c.ask("USER alice@example.test")
        self.assertTrue(c.ask("PASS " + "x" * 1025).startswith("-ERR"))
        c.send(b"USER al\0ice\r\n")
        self.assertTrue(c.line().startswith(b"-ERR"))
        c.send(b"US\rER alice\r\n")
        self.assertTrue(c.line().startswith(b"-ERR"))
        self.assertEqual(self.authd.asked, [])

    def test_strangers_are_asked_for_no_password(self):
        env = dict(os.environ, TCPREMOTEIP="192.0.2.1", TCPREMOTEPORT="4321")
        p = subprocess.run([program("pop3d"), "-i", "-c", self.place.conf], env=env,
                           input=b"CAPA\r\nUSER alice@example.test\r\nAUTH\r\nAUTH PLAIN x\r\nQUIT\r\n",
                           stdout=subprocess.PIPE, timeout=60)
        answers = p.stdout.decode().split("\r\n")
        self.assertNotIn("USER", answers)
        self.assertNotIn("SASL PLAIN", answers)
        self.assertEqual(len([x for x in answers if x.startswith("-ERR [AUTH] Passwords")]), 2)
        self.assertIn("+OK Goodbye", answers)

    def test_a_pipe_is_no_session(self):
        p = subprocess.run([program("pop3d"), "-i", "-c", self.place.conf],
                           input=b"USER alice@example.test\r\nPASS secret\r\n",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertIn(b"-ERR [SYS/PERM]", p.stdout)
        self.assertEqual(self.authd.asked, [])

    def test_usage(self):
        for name in ("pop3d", "pop3-session"):
            p = subprocess.run([program(name), "-h"], stdout=subprocess.PIPE)
            self.assertEqual(p.returncode, 0)
            self.assertTrue(p.stdout.startswith(b"usage: " + name.encode()))
            for args in (["-x"], ["extra"], ["-i", "-S"]):
                p = subprocess.run([program(name)] + args, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL)
                self.assertEqual(p.returncode, 64, (name, args))
                self.assertIn(b"usage: ", p.stderr)

    def test_the_server_drains(self):
        c = self.connect()
        c.ask("USER alice@example.test")
        c.ask("PASS secret")
        c.ask("DELE 1")
        # authd closes: no new sessions, the old one goes on to its end.
        self.authd.server.close()
        time.sleep(0.3)
        self.assertIsNone(self.authd.process.poll())
        self.assertEqual(c.ask("NOOP"), "+OK")
        self.authd.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.authd.process.wait(20), 0)
        self.assertTrue(c.line().startswith(b"-ERR [SYS/TEMP]"))
        self.assertTrue(c.at_end())
        self.assertEqual(len(self.place.cur()), 1)
        self.place.wait_log("end=stopped")

    def test_usage_is_reported_after_a_removal(self):
        self.authd.quota = (100000, 10)
        c = self.connect()
        c.ask("USER alice@example.test")
        c.ask("PASS secret")
        c.ask("DELE 1")
        self.assertTrue(c.ask("QUIT").startswith("+OK"))
        end = time.monotonic() + 60
        while not self.authd.usage and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.authd.usage, [("0", "0")])


class Impatient(Base):
    pop3d = "login-timeout = 1s\nmax-connections = 1"

    def test_a_slow_login_is_ended(self):
        c = self.connect()
        self.assertTrue(c.line().startswith(b"-ERR [SYS/TEMP]"))
        self.assertTrue(c.at_end())

    def test_sessions_are_bounded(self):
        self.place.maildir("bob")
        a, b = self.connect(), self.connect()
        a.ask("USER alice@example.test")
        self.assertTrue(a.ask("PASS secret").startswith("+OK"))
        b.ask("USER bob@example.test")
        self.assertTrue(b.ask("PASS  two  blanks ").startswith("-ERR [SYS/TEMP]"))
        self.assertTrue(b.at_end())
        self.assertTrue(a.ask("QUIT").startswith("+OK"))


class PerUser(Base):
    pop3d = "max-connections-per-user = 1"

    def test_sessions_of_a_user_are_bounded(self):
        self.place.maildir("bob")
        a, b = self.connect(), self.connect()
        for c in a, b:
            c.ask("USER alice@example.test")
        self.assertTrue(a.ask("PASS secret").startswith("+OK"))
        self.assertEqual(b.ask("PASS secret"),
                         "-ERR [SYS/TEMP] You have too many sessions already")
        self.assertTrue(b.at_end())
        self.place.wait_log("event=pop3-user-full user=alice@example.test ip=127.0.0.1 count=1")
        c = self.connect()
        c.ask("USER bob@example.test")
        self.assertTrue(c.ask("PASS  two  blanks ").startswith("+OK"))
        self.assertTrue(a.ask("QUIT").startswith("+OK"))


if __name__ == "__main__":
    unittest.main()
