"""imapd before login, and the way of a connection to its session."""

import base64
import imaplib
import os
import socket
import subprocess
import unittest

from instance import Instance
from pop3_lib import Authd, Client, Place, program

PLAIN = base64.b64encode(b"\0alice@example.test\0secret").decode()
CAPABILITY = "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN"
PASSWORDS = {b"alice@example.test": b"secret", b"bob@example.test": b' "two\\ blanks ',
             "ülf@example.test".encode(): "größe".encode(), b"carl@example.test": b"\xe9\r\n{1}"}


class FakeSession(Authd):
    """Where a session would begin: says what it was given, and hangs up."""

    def hand(self, user, ip, ahead, fd):
        self.handed = (user, self.tag, ip, ahead)
        with socket.socket(fileno=os.dup(fd)) as s:
            s.sendall(self.tag + b" OK Logged in\r\n")
            s.shutdown(socket.SHUT_RDWR)


class Base(unittest.TestCase):
    imapd = ""

    def setUp(self):
        self.place = Place(imapd=self.imapd)
        self.addCleanup(self.place.remove)
        self.authd = FakeSession(self.place, PASSWORDS)
        self.addCleanup(self.authd.close)

    def connect(self, greeting="* OK [%s] mail.example.test Merpati ready" % CAPABILITY):
        """imapd -i on a TCP connection of its own."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname()[:2])
            theirs, _ = listening.accept()
        p = self.place.start([program("imapd"), "-i", "-c", self.place.conf], theirs)
        theirs.close()
        c = Client(ours)
        c.process = p
        self.place.clients.append(c)
        self.assertEqual(c.line().decode().rstrip("\r\n"), greeting)
        return c

    def loggedin(self, c, answer, tag="a"):
        self.assertEqual(answer, tag + " OK Logged in")
        self.assertTrue(c.at_end())
        self.assertEqual(c.process.wait(20), 0)


class Login(Base):
    def test_login_with_every_kind_of_string(self):
        for words in ("alice@example.test secret", '"alice@example.test" "secret"',
                      "alice@example.test {6+}\r\nsecret", "{18+}\r\nalice@example.test {6+}\r\nsecret",
                      '"\\"x\\"" x'):
            c = self.connect()
            answer = c.ask("a login " + words)
            if "x" not in words.split()[-1]:
                self.loggedin(c, answer)
                self.assertEqual(self.authd.asked[-1], (b"alice@example.test", b"secret", "imap",
                                                        "127.0.0.1", b""))
            else:
                self.assertTrue(answer.startswith("a NO [AUTHENTICATIONFAILED] "), answer)

    def test_a_literal_waits(self):
        c = self.connect()
        self.assertEqual(c.ask("A1.b] LOGIN {18}"), "+ OK")
        self.assertEqual(c.ask("alice@example.test {6}"), "+ OK")
        self.loggedin(c, c.ask("secret"), "A1.b]")
        self.assertEqual(self.authd.handed[1], b"A1.b]")

    def test_passwords_of_every_kind(self):
        c = self.connect()
        self.loggedin(c, c.ask('a LOGIN bob@example.test " \\"two\\\\ blanks "'))
        c = self.connect()
        self.loggedin(c, c.ask('a LOGIN "ülf@example.test" "größe"'))
        c = self.connect()
        c.send(b"a LOGIN carl@example.test {6+}\r\n\xe9\r\n{1}\r\n")
        self.loggedin(c, c.line().decode().rstrip())

    def test_authenticate_plain(self):
        c = self.connect()
        self.loggedin(c, c.ask("a AUTHENTICATE PLAIN " + PLAIN))
        c = self.connect()
        self.assertEqual(c.ask("a authenticate plain"), "+ ")
        self.loggedin(c, c.ask(PLAIN))

    def test_authenticate_refusals(self):
        c = self.connect()
        self.assertEqual(c.ask("a AUTHENTICATE PLAIN"), "+ ")
        self.assertEqual(c.ask("*"), "a BAD Cancelled")
        self.assertEqual(c.ask("b NOOP"), "b OK NOOP completed")
        for bad, how in (("=", "BAD"), ("!!!!", "BAD"), ("*", "BAD"), ("x y", "BAD"), ("{1+}\r\nx", "BAD"),
                         (base64.b64encode(b"alice\0secret").decode(), "BAD")):
            self.assertTrue(c.ask("a AUTHENTICATE PLAIN " + bad).startswith("a %s " % how), bad)
        self.assertEqual(c.ask("a AUTHENTICATE CRAM-MD5"), "a NO [CANNOT] That mechanism is not offered")
        foreign = base64.b64encode(b"bob\0alice@example.test\0secret").decode()
        self.assertTrue(c.ask("a AUTHENTICATE PLAIN " + foreign).startswith("a NO [AUTHORIZATIONFAILED] "))
        self.assertEqual(self.authd.asked, [])

    def test_imaplib(self):
        c = self.connect()
        port = socket.create_server(("127.0.0.1", 0))
        del c

        class Over(imaplib.IMAP4):
            def open(over, host="", p=0, timeout=None):
                ours = socket.create_connection(port.getsockname()[:2])
                theirs, _ = port.accept()
                self.place.start([program("imapd"), "-i", "-c", self.place.conf], theirs)
                theirs.close()
                over.sock = ours
                over.file = ours.makefile("rb")

        with port:
            m = Over()
            self.assertIn("IMAP4REV1", m.capabilities)
            self.assertIn("LITERAL+", m.capabilities)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                m.login("alice@example.test", "wrong")
            self.assertEqual(m.login("alice@example.test", "secret")[0], "OK")
            m.shutdown()
            m = Over()
            self.assertEqual(m.authenticate("PLAIN", lambda _: b"\0bob@example.test\0 \"two\\ blanks ")[0], "OK")
            m.shutdown()

    def test_everything_in_one_write(self):
        c = self.connect()
        c.send(b'1 CAPABILITY\r\n2 ID ("name" "x" "a" NIL)\r\n3 NOOP\r\n4 LOGIN alice@example.test {6+}\r\n'
               b"secret\r\n5 LIST \"\" *\r\n6 APPEND x {3+}\r\nabc\r\n")
        self.assertEqual(c.file.read().decode().split("\r\n"), [
            "* " + CAPABILITY, "1 OK CAPABILITY completed", '* ID ("name" "Merpati")', "2 OK ID completed",
            "3 OK NOOP completed", "4 OK Logged in", ""])
        self.assertEqual(self.authd.handed, (b"alice@example.test", b"4", "127.0.0.1",
                                             b'5 LIST "" *\r\n6 APPEND x {3+}\r\nabc\r\n'))

    def test_much_read_ahead_fits(self):
        c = self.connect()
        c.send(b"a NOOP\r\n" + b"a LOGIN alice@example.test secret\r\n" + b"a NOOP\r\n" * 4000)
        self.assertEqual(c.line(), b"a OK NOOP completed\r\n")
        self.assertEqual(c.line(), b"a OK Logged in\r\n")
        self.assertLessEqual(len(self.authd.handed[3]), 8192)

    def test_wrong_passwords_and_the_limit(self):
        c = self.connect()
        for n in range(3):
            self.assertEqual(c.ask("a LOGIN alice@example.test wrong"),
                             "a NO [AUTHENTICATIONFAILED] Wrong user name or password")
        self.assertEqual(c.line(), b"* BYE Too many failed logins\r\n")
        self.assertTrue(c.at_end())
        self.assertEqual(len(self.authd.asked), 3)

    def test_verdicts(self):
        c = self.connect()
        for verdict, code in (("later", "UNAVAILABLE"), ("disabled", "CONTACTADMIN")):
            self.authd.verdict = verdict
            self.assertRegex(c.ask("a LOGIN alice@example.test secret"), r"^a NO \[%s\] " % code)

    def test_authd_away(self):
        os.unlink(self.authd.path)
        c = self.connect()
        self.assertTrue(c.ask("a LOGIN alice@example.test secret").startswith("a NO [UNAVAILABLE]"))
        self.place.wait_log("event=authd-unreachable")

    def test_order_and_nonsense(self):
        for bad, answer in (("a SELECT INBOX", "a BAD Log in first"), ("a uid fetch 1 (flags)", "a BAD Log in first"),
                            ("a ENABLE IMAP4rev2", "a BAD Log in first"), ("a IDLE", "a BAD Log in first"),
                            ("a STARTTLS", "a BAD STARTTLS is not offered"), ("a XYZZY", "a BAD Unknown command"),
                            ("a LOGIN", "a BAD Missing argument"), ("a LOGIN x", "a BAD Missing argument"),
                            ("a LOGIN x y z", "a BAD Too many arguments"), ("a LOGIN \"x", "a BAD Missing closing quote"),
                            ("a LOGIN x \"\"", "a NO [AUTHENTICATIONFAILED] Wrong user name or password"),
                            ("a LOGIN \"x\ty\" z", "a NO [AUTHENTICATIONFAILED] Wrong user name or password"),
                            ("a NOOP x", "a BAD Too many arguments"), ("a CAPABILITY ", "a BAD Too many arguments"),
                            ("a ID", "a BAD Missing argument"), ("a ID ()  ", "a BAD Too many arguments"),
                            ("a ID (x NIL)", "a BAD String expected"), ("a ID (\"x\")", "a BAD Blank expected"),
                            ("a ID (" + " ".join(['"x" NIL'] * 31) + ")", "a BAD Too many fields"),
                            ("a", "a BAD Missing argument"), ("", "* BAD Tag and command expected"),
                            ("+ NOOP", "* BAD Tag and command expected"), ("GET / HTTP/1.1", "GET BAD Unknown command"),
                            ("x" * 65 + " NOOP", "* BAD Tag and command expected")):
            c = self.connect()
            self.assertEqual(c.ask(bad), answer)
            self.assertEqual(c.ask("b ID NIL"), '* ID ("name" "Merpati")')
            self.assertEqual(c.line(), b"b OK ID completed\r\n")
            self.assertEqual(c.ask("c LOGOUT"), "* BYE Goodbye")
            self.assertEqual(c.line(), b"c OK LOGOUT completed\r\n")
            self.assertTrue(c.at_end())
        self.assertEqual(self.authd.asked, [])

    def test_ten_errors_are_enough(self):
        c = self.connect()
        for n in range(10):
            self.assertEqual(c.ask("a LIST x *"), "a BAD Log in first")
        self.assertEqual(c.line(), b"* BYE Too many errors\r\n")
        self.assertTrue(c.at_end())
        self.place.wait_log("event=imap-too-many-errors ip=127.0.0.1")

    def test_lines_and_literals_have_bounds(self):
        c = self.connect()
        self.assertEqual(c.ask("a LOGIN " + "x" * 100000), "a BAD Command line too long")
        self.assertEqual(c.ask("a LOGIN {1025}"), "a NO [LIMIT] Literal too large")
        self.assertEqual(c.ask("a LOGIN {1025+}\r\n" + "x" * 1025 + " {2+}\r\nyy"), "a NO [LIMIT] Literal too large")
        self.assertEqual(c.ask("a APPEND INBOX {500000+}\r\n" + "y" * 500000), "a BAD Log in first")
        self.assertEqual(c.ask("a NOOP\n"), "a BAD CR and LF only come together")
        self.assertEqual(c.line(), b"* BAD Tag and command expected\r\n")
        c.send(b"a LOGIN x {3+}\r\na\0b\r\n")
        self.assertEqual(c.line(), b"a BAD NUL in a literal\r\n")
        self.assertEqual(c.ask("a NOOP"), "a OK NOOP completed")
        self.assertEqual(c.ask("a APPEND INBOX {99999999+}"), "a BAD Log in first")
        self.assertTrue(c.line().startswith(b"* BYE "))
        self.assertTrue(c.at_end())
        self.assertEqual(self.authd.asked, [])

    def test_strangers_are_asked_for_no_password(self):
        env = dict(os.environ, TCPREMOTEIP="192.0.2.1", TCPREMOTEPORT="4321")
        p = subprocess.run([program("imapd"), "-i", "-c", self.place.conf], env=env,
                           input=b"1 CAPABILITY\r\n2 LOGIN alice@example.test {6}\r\n3 AUTHENTICATE PLAIN\r\n4 LOGOUT\r\n",
                           stdout=subprocess.PIPE, timeout=60)
        answers = p.stdout.decode().split("\r\n")
        self.assertIn("[CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE LOGINDISABLED AUTH=SCRAM-SHA-256]", answers[0])
        self.assertNotIn("AUTH=PLAIN", p.stdout.decode())
        self.assertNotIn("+", [x[:1] for x in answers])
        for n in "23":
            self.assertEqual(len([x for x in answers if x.startswith(n + " NO [PRIVACYREQUIRED] ")]), 1)
        self.assertIn("4 OK LOGOUT completed", answers)

    def test_a_pipe_is_no_session(self):
        p = subprocess.run([program("imapd"), "-i", "-c", self.place.conf],
                           input=b"a LOGIN alice@example.test secret\r\n",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertIn(b"a NO [CANNOT] ", p.stdout)
        self.assertEqual(self.authd.asked, [])

    def test_usage(self):
        p = subprocess.run([program("imapd"), "-h"], stdout=subprocess.PIPE)
        self.assertEqual(p.returncode, 0)
        self.assertTrue(p.stdout.startswith(b"usage: imapd"))
        for args in (["-x"], ["extra"], ["-S"]):
            p = subprocess.run([program("imapd")] + args, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
            self.assertEqual(p.returncode, 64, args)
            self.assertIn(b"usage: ", p.stderr)

    def test_no_proxy_header(self):
        self.place.configure(imapd='listen "127.0.0.1:1" { proxy = yes }')
        p = subprocess.run([program("imapd"), "-i", "-c", self.place.conf], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
        self.assertEqual(p.returncode, 78)
        self.assertIn(b"PROXY", p.stderr)


class Impatient(Base):
    imapd = "login-timeout = 1s"

    def test_a_slow_login_is_ended(self):
        c = self.connect()
        self.assertEqual(c.line(), b"* BYE Too slow, goodbye\r\n")
        self.assertTrue(c.at_end())
        self.place.wait_log("event=imap-login-timeout ip=127.0.0.1")

    def test_so_is_one_in_a_literal(self):
        c = self.connect()
        self.assertEqual(c.ask("a LOGIN {5}"), "+ OK")
        self.assertEqual(c.ask("xx"), "* BYE Too slow, goodbye")
        self.assertTrue(c.at_end())

    def test_so_is_one_in_an_exchange(self):
        c = self.connect()
        self.assertEqual(c.ask("a AUTHENTICATE PLAIN"), "+ ")
        self.assertEqual(c.line(), b"* BYE Too slow, goodbye\r\n")
        self.assertTrue(c.at_end())


class WithSuite(unittest.TestCase):
    """The daemon under s6, with authd, spawner and what it starts."""

    def test_it_listens_and_authd_judges(self):
        with Instance() as i:
            m = imaplib.IMAP4("127.0.0.1", i.port(143), timeout=60)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                m.login(i.address("alice"), "wrong")
            m.logout()
            self.assertIn("event=auth-failed", i.log("authd"))
            self.assertRegex(i.log("authd"), r"event=auth-failed service=imap user=alice@example\.test ip=127\.0\.0\.1")
            r = i.mailctl("status")
            self.assertIn("127.0.0.1:%d" % i.port(143), r.stdout)
            self.assertIn("Merpati ready", r.stdout)


if __name__ == "__main__":
    unittest.main()
