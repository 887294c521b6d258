#!/usr/bin/env python3
"""smtpd: AUTH and what our users may send, beside an authd made of a table."""

import base64
import re
import unittest

from smtp_lib import SECRET, Case

LETTER = b"x: y\r\n\r\n.\r\n"
ALICE, BOB = "alice@example.test", "bob@example.test"


def b64(text):
    return base64.b64encode(text.encode("utf-8")).decode()


def plain(user=ALICE, secret=SECRET, acting=""):
    return b64("%s\0%s\0%s" % (acting, user, secret))


class Users(Case):
    smtpd = "trusted-submission = no"

    def user(self, ip=None, name=ALICE):
        c = self.client(ip, role="submission")
        c.hello()
        self.starts(c.cmd("AUTH PLAIN " + plain(name)), "235 2.7.0")
        return c


class Auth(Users):

    def test_where_it_is_announced(self):
        # A pipe and loopback need no TLS, there is none here.
        for ip in (None, "127.0.0.1", "::1"):
            answer = self.client(ip, role="submission").hello()
            self.assertRegex(answer, r"(?m)^250-AUTH .*\bPLAIN\b.*\bLOGIN\b")
            self.assertNotIn("EXTERNAL", answer)
            self.assertNotIn("STARTTLS", answer)
        self.assertNotIn("PLAIN", self.client(role="submission").hello())
        for role in ("mx", "submit", "lmtp"):
            c = self.client("127.0.0.1", role=role)
            self.assertNotIn("AUTH", c.hello("LHLO" if role == "lmtp" else "EHLO"))
            self.starts(c.cmd("AUTH PLAIN " + plain()), "502 5.5.1")
            self.starts(c.cmd("STARTTLS"), "502 5.5.1")

    def test_mechanisms(self):
        for turns in ((("AUTH PLAIN " + plain(), "235 2.7.0"),),
                      (("auth plain", "334 "), (plain(), "235 2.7.0")),
                      (("AUTH PLAIN " + plain(acting=ALICE), "235 2.7.0"),),
                      (("AUTH LOGIN", "334 VXNlcm5hbWU6"), (b64(ALICE), "334 UGFzc3dvcmQ6"),
                       (b64(SECRET), "235 2.7.0")),
                      (("AUTH LOGIN " + b64(ALICE), "334 "), (b64(SECRET), "235 2.7.0"))):
            c = self.client(role="submission", ip="127.0.0.1")
            c.hello()
            for line, answer in turns:
                self.starts(c.cmd(line), answer)
            self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "250")
        check = self.inst.authd.checks[-1]
        self.assertEqual([check[k] for k in ("method", "user", "secret", "service", "ip")],
                         ["password", ALICE, SECRET, "smtp", "127.0.0.1"])

    def test_order(self):
        c = self.client(None, role="submission")
        self.starts(c.cmd("AUTH PLAIN " + plain()), "503 5.5.1")
        c.hello()
        self.starts(c.cmd("AUTH"), "501 5.5.4")
        self.starts(c.cmd("AUTH PLAIN a b"), "501 5.5.4")
        self.starts(c.cmd("AUTH PLAIN " + plain()), "235")
        self.starts(c.cmd("AUTH PLAIN " + plain()), "503 5.5.1")
        self.starts(c.cmd("AUTH LOGIN"), "503 5.5.1")
        # It outlives EHLO and RSET.
        c.hello()
        self.starts(c.cmd("RSET"), "250")
        self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "250")
        self.starts(c.cmd("AUTH PLAIN " + plain()), "503 5.5.1")

    def test_refusals(self):
        for line, answer in (("AUTH PLAIN " + plain(secret="wrong"), "535 5.7.8"),
                             ("AUTH PLAIN " + plain(user="nobody"), "535 5.7.8"),
                             ("AUTH PLAIN " + plain(acting=BOB), "535 5.7.8"),
                             ("AUTH PLAIN " + plain(user="full@example.test"), "525 5.7.13"),
                             ("AUTH PLAIN !!!!", "501 5.5.2"),
                             ("AUTH PLAIN " + b64("x"), "501 5.5.2"),
                             ("AUTH PLAIN =", "501 5.5.2"),
                             ("AUTH PLAIN *", "501 5."),
                             ("AUTH CRAM-MD5", "504 5.5.4"),
                             ("AUTH EXTERNAL =", "504 5.5.4")):
            c = self.client(None, role="submission")
            c.hello()
            self.starts(c.cmd(line), answer)
            self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "530 5.7.0")
            # The next try is a new one.
            self.starts(c.cmd("AUTH PLAIN " + plain()), "235")

    def test_the_unknown_and_the_wrong_are_told_the_same(self):
        c = self.client(None, role="submission")
        c.hello()
        self.assertEqual(c.cmd("AUTH PLAIN " + plain(secret="wrong")), c.cmd("AUTH PLAIN " + plain(user="nobody")))

    def test_cancelled(self):
        c = self.client(None, role="submission")
        c.hello()
        self.starts(c.cmd("AUTH PLAIN"), "334")
        self.starts(c.cmd("*"), "501 5.7.0")
        self.starts(c.cmd("AUTH LOGIN"), "334")
        self.starts(c.cmd(b64(ALICE)), "334")
        self.starts(c.cmd("*"), "501 5.7.0")
        self.starts(c.cmd("NOOP"), "250")
        self.assertEqual(self.inst.authd.checks, [])

    def test_long_lines(self):
        c = self.client(None, role="submission")
        c.hello()
        # The command and the exchange have lines of 12,288 octets (RFC 4954 4).
        self.starts(c.cmd("AUTH PLAIN " + "A" * 2048), "501 5.5.2")
        self.starts(c.cmd("AUTH PLAIN " + "A" * 12288), "500 5.5.2")
        self.starts(c.cmd("AUTH PLAIN"), "334")
        self.starts(c.cmd("A" * 12284), "501 5.5.2")
        self.starts(c.cmd("AUTH PLAIN"), "334")
        self.starts(c.cmd("A" * 12288), "500 5.5.6")
        self.starts(c.cmd("AUTH PLAIN"), "334")
        self.starts(c.cmd(plain(secret="s" * 1024)), "535 5.7.8")
        self.starts(c.cmd("AUTH PLAIN"), "334")
        self.starts(c.cmd(plain(secret="s" * 1025)), "501 5.5.2")
        self.starts(c.cmd("A" * 3000), "500 5.5.2")

    def test_three_failures_close(self):
        c = self.client("127.0.0.1", role="submission")
        c.hello()
        for _ in range(2):
            self.starts(c.cmd("AUTH PLAIN " + plain(secret="wrong")), "535 5.7.8")
        # An accident is none.
        self.starts(c.cmd("AUTH PLAIN !"), "501")
        self.starts(c.cmd("AUTH PLAIN " + plain(secret="wrong")), "535 5.7.8")
        self.starts(c.reply(), "421 4.7.0")
        self.assertTrue(c.closed())
        log = c.log()
        self.assertIn("reason=auth-failures", log)
        self.assertNotIn("wrong", log)

    def test_without_tls_no_password_from_elsewhere(self):
        c = self.client(role="submission")
        self.assertNotRegex(c.hello(), r"AUTH.* (PLAIN|LOGIN)")
        self.starts(c.cmd("AUTH PLAIN " + plain()), "538 5.7.11")
        self.starts(c.cmd("AUTH LOGIN"), "538 5.7.11")
        self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "530 5.7.0")
        self.assertEqual(self.inst.authd.checks, [])

    def test_pipelined(self):
        c = self.client(None, role="submission")
        c.hello()
        c.send("AUTH PLAIN %s\r\nMAIL FROM:<%s>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n" % (plain(), ALICE))
        for code in ("235", "250", "250", "354"):
            self.starts(c.reply(), code)
        c.send(LETTER)
        self.starts(c.reply(), "250")
        # What comes instead of a response is none.
        c = self.client(None, role="submission")
        c.hello()
        c.send("AUTH PLAIN\r\nMAIL FROM:<%s>\r\nNOOP\r\n" % ALICE)
        for code in ("334", "501 5.5.2", "250"):
            self.starts(c.reply(), code)

    def test_the_connection_ends_inside(self):
        c = self.client(None, role="submission")
        c.hello()
        self.starts(c.cmd("AUTH LOGIN"), "334")
        self.assertEqual(c.close(), 0)

    def test_authd_has_no_time(self):
        self.inst.authd.later = "check"
        c = self.client(None, role="submission")
        c.hello()
        for _ in range(5):
            self.starts(c.cmd("AUTH PLAIN " + plain()), "454 4.7.0")


class NoAuthd(Users):
    authd = False

    def test_later(self):
        c = self.client(None, role="submission")
        c.hello()
        self.starts(c.cmd("AUTH PLAIN " + plain()), "454 4.7.0")
        self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "530 5.7.0")
        self.assertIn("event=authd-unreachable", c.log())


class Senders(Users):

    def test_who_is_not_logged_in_sends_nothing(self):
        for ip in (None, "127.0.0.1", "192.0.2.1"):
            c = self.client(ip, role="submission")
            c.hello()
            self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "530 5.7.0")
            self.starts(c.cmd("VRFY bob@example.test"), "250" if ip == "127.0.0.1" else "252")

    def test_relay(self):
        c = self.user()
        c.envelope(ALICE, ["x@elsewhere.test", BOB])
        self.starts(c.cmd("RCPT TO:<nobody@example.test>"), "550 5.1.1")
        self.starts(c.data(LETTER), "250")
        self.assertIn("user=" + ALICE, c.log())
        m = self.inst.messages()[0]
        self.assertEqual(m.keys["auth"], ALICE)
        self.assertEqual(m.keys["from"], ALICE)

    def test_only_ones_own_addresses(self):
        c = self.user()
        for sender, answer in ((ALICE, "250"), ("ally@example.test", "250"), ("", "250"), (BOB, "553 5.7.1"),
                               ("a@elsewhere.test", "553 5.7.1"), ("ALICE", "553 5.7.1")):
            self.starts(c.cmd("MAIL FROM:<%s>" % sender), answer)
            self.starts(c.cmd("RSET"), "250")
        log = c.log()
        self.assertRegex(log, r'event=refused stage=mail code=553 status=5\.7\.1 client=uid:.* text="[^"]*" '
                         "user=%s\n" % re.escape(ALICE))

    def test_rates_at_mail(self):
        c = self.user()
        self.inst.authd.later = "submit"
        self.starts(c.cmd("MAIL FROM:<%s>" % ALICE), "450 4.7.1")

    def test_recipients_are_counted_once_before_the_data(self):
        c = self.user()
        c.envelope(ALICE, [BOB, ALICE, "x@elsewhere.test"])
        self.starts(c.data(LETTER), "250")
        self.assertEqual([(x["sender"], x["count"]) for x in self.inst.authd.submits], [(ALICE, "0"), (ALICE, "3")])
        c.envelope("", [BOB])
        c.send(b"BDAT 3\r\nx: BDAT 3 LAST\r\ny\r\n")
        self.starts(c.reply(), "250")
        self.starts(c.reply(), "250")
        self.assertEqual([(x["sender"], x["count"]) for x in self.inst.authd.submits[2:]], [("", "0"), ("", "1")])

    def test_too_many_recipients(self):
        four = [BOB, ALICE, "x@elsewhere.test", "y@elsewhere.test"]
        c = self.user()
        c.envelope(ALICE, four)
        self.starts(c.cmd("DATA"), "450 4.7.1")
        self.starts(c.cmd("RCPT TO:<%s>" % BOB), "503")
        # The rest of a message in chunks is none.
        c.envelope(ALICE, four)
        self.inst.authd.later = None
        c.send(b"BDAT 3\r\nx: BDAT 3 LAST\r\ny\r\nNOOP\r\n")
        self.starts(c.reply(), "450 4.7.1")
        self.starts(c.reply(), "503 5.5.1")
        self.starts(c.reply(), "250")
        self.assertEqual(self.inst.messages(), [])

    def test_a_message_has_not_more_recipients_than_an_hour(self):
        """Put off at DATA it would be tried again for ever."""
        self.inst.configure(smtpd="trusted-submission = no user-recipients = 3")
        c = self.user()
        self.assertIn("LIMITS RCPTMAX=3\n", c.hello().replace("\r", ""))
        c.envelope(ALICE, [BOB, ALICE, "x@elsewhere.test"])
        self.starts(c.cmd("RCPT TO:<y@elsewhere.test>"), "452 4.5.3")
        self.starts(c.data(LETTER), "250")
        # Where nobody logs in nobody has hours.
        self.inst.configure(smtpd="trusted-submission = yes user-recipients = 3")
        c = self.client("127.0.0.1", role="submission")
        self.assertIn("LIMITS RCPTMAX=10000", c.hello())
        self.assertIn("LIMITS RCPTMAX=3", self.client("192.0.2.1", role="submission").hello())

    def test_received(self):
        c = self.user("127.0.0.1")
        c.envelope(ALICE)
        self.starts(c.data(LETTER), "250")
        head = self.inst.messages()[0].head
        self.assertIn(b" with ESMTPA id ", head)
        self.assertIn(b"\r\nFrom: <alice@example.test>\r\n", head)
        for secret in (b"127.0.0.1", b"client.example.org"):
            self.assertNotIn(secret, head)
        self.starts(c.cmd("MAIL FROM:<%s> SMTPUTF8" % ALICE), "250")
        self.starts(c.cmd("RCPT TO:<%s>" % BOB), "250")
        self.starts(c.data(LETTER), "250")
        self.assertIn(b" with UTF8SMTPA id ", self.inst.messages()[1].head)

    def test_auth_of_mail(self):
        def letter(c, sender, value):
            self.starts(c.cmd("MAIL FROM:<%s> AUTH=%s" % (sender, value)), "250")
            self.starts(c.cmd("RCPT TO:<%s>" % BOB), "250")
            self.starts(c.data(LETTER), "250")
            return self.inst.messages()[-1].keys.get("auth")
        c = self.user()
        self.assertEqual(letter(c, ALICE, BOB), ALICE)
        # Of those who may relay it is believed, of others not.
        for role, ip, value, kept in (("mx", "127.0.0.1", "x+2By@example.org", "x+2By@example.org"),
                                      ("mx", "127.0.0.1", "<>", None), ("mx", "192.0.2.1", BOB, None),
                                      ("submit", None, BOB, BOB)):
            c = self.client(ip, role=role)
            c.hello()
            self.assertEqual(letter(c, "a@example.org", value), kept)
        self.starts(c.cmd("MAIL FROM:<a@example.org> AUTH=+zz"), "501 5.5.4")


class ReceivedClient(Users):
    smtpd = "received-client = yes\ntrusted-submission = no"

    def test_the_client_is_named(self):
        c = self.user("127.0.0.1")
        c.envelope(ALICE)
        self.starts(c.data(LETTER), "250")
        self.assertIn(b"from client.example.org ([127.0.0.1])", self.inst.messages()[0].head)


if __name__ == "__main__":
    unittest.main()
