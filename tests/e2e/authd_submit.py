#!/usr/bin/env python3
"""authd decides who may send what, and how much."""

import unittest

from authd_lib import Suite
from authd_sasl_lib import USERS
from harness import until

ALIASES = """info: alice@example.org
team: info, bob@example.org
deep: team
outside: alice@elsewhere.example
loop: loop2
loop2: loop
hidden: carl+box@example.org
@example.net: carl@example.org
"""


class Submit(unittest.TestCase):
    def start(self, more=""):
        suite = Suite(USERS.replace(
            "bob@example.org:{PLAIN}builder",
            "bob@example.org:{PLAIN}builder::::::"
            "senders=Boss@Elsewhere.example,*@lists.example"), ALIASES,
            more=more)
        self.addCleanup(suite.remove)
        suite.start("spawner")
        suite.start("authd")
        self.suite = suite
        self.peer = suite.authd("merpati-smtpd")
        self.addCleanup(self.peer.close)

    def may(self, user, sender, count=0):
        a = self.peer.ask("submit", ("user", user), ("sender", sender),
                          ("count", count))
        self.assertEqual(a["verb"], "may")
        return a["may"]

    def test_own_addresses_only(self):
        self.start()
        for user, sender, may in (
                ("alice@example.org", "alice@example.org", "yes"),
                ("ALICE@example.org", "Alice@EXAMPLE.org", "yes"),
                ("alice@example.org", "alice+news@example.org", "yes"),
                ("alice@example.org", "", "yes"),
                ("alice@example.org", "info@example.org", "yes"),
                ("alice@example.org", "info+x@example.org", "yes"),
                ("alice@example.org", "deep@example.org", "yes"),
                ("bob@example.org", "deep@example.org", "yes"),
                ("carl@example.org", "hidden@example.org", "yes"),
                ("carl@example.org", "any@example.net", "yes"),
                ("bob@example.org", "boss@elsewhere.example", "yes"),
                ("bob@example.org", "any@Lists.example", "yes"),
                ("alice@example.org", "bob@example.org", "no"),
                ("alice@example.org", "bob+alice@example.org", "no"),
                ("alice@example.org", "boss@elsewhere.example", "no"),
                ("alice@example.org", "outside@example.org", "no"),
                ("alice@example.org", "loop@example.org", "no"),
                ("alice@example.org", "nobody@example.org", "no"),
                ("alice@example.org", "any@example.net", "no"),
                ("alice@example.org", "alice@elsewhere.example", "no"),
                ("alice@example.org", "alice@example.org.", "no"),
                ("alice@example.org", "not an address", "no"),
                ("bob@example.org", "any@sub.lists.example", "no"),
                ("bob@example.org", "*@lists.example ", "no"),
                ("nobody@example.org", "nobody@example.org", "no"),
                ("nobody@example.org", "", "no"),
                ("dora@example.org", "dora@example.org", "no"),
                ("emil@example.org", "emil@example.org", "no")):
            self.assertEqual(self.may(user, sender), may, (user, sender))
            self.assertEqual(self.may(user, sender, 1), may)
        log = self.suite.log("authd")
        self.assertIn("event=submit-refused user=alice@example.org "
                      "sender=bob@example.org reason=sender\n", log)
        self.assertIn("user=dora@example.org sender=dora@example.org "
                      "reason=user\n", log)

    def test_an_hour_holds_so_much(self):
        # 3600 an hour: one comes back each second.
        self.start("smtpd { user-messages = 5 user-recipients = 3600 }")
        alice = "alice@example.org"
        self.assertEqual(self.may(alice, alice, 3601), "later")
        self.assertEqual(self.may(alice, alice, 3000), "yes")
        self.assertEqual(self.may(alice, alice, 3000), "later")
        self.assertEqual(self.may(alice, alice, 500), "yes")
        # Refusals cost nothing, and neither does asking.
        for _ in range(20):
            self.assertEqual(self.may(alice, alice), "yes")
        self.assertEqual(self.may(alice, "bob@example.org", 1), "no")
        for _ in range(3):
            self.assertEqual(self.may(alice, alice, 1), "yes")
        self.assertEqual(self.may(alice, alice, 1), "later")
        self.assertEqual(self.may(alice, alice), "later")
        # Others have hours of their own.
        self.assertEqual(self.may("bob@example.org", "bob@example.org", 5),
                         "yes")
        log = self.suite.log("authd")
        self.assertIn("event=submit-refused user=alice@example.org "
                      "sender=alice@example.org reason=recipients\n", log)
        self.assertIn("reason=messages\n", log)

    def test_what_was_used_comes_back_steadily(self):
        self.start("smtpd { user-messages = 0 user-recipients = 36000 }")
        bob = "bob@example.org"
        self.assertEqual(self.may(bob, bob, 36000), "yes")
        self.assertEqual(self.may(bob, bob, 20), "later")
        until(lambda: self.may(bob, bob, 20) == "yes")
        self.assertEqual(self.may(bob, bob, 1000), "later")

    def test_no_bounds(self):
        self.start("smtpd { user-messages = 0 user-recipients = 0 }")
        bob = "bob@example.org"
        for _ in range(50):
            self.assertEqual(self.may(bob, bob, 4000000000), "yes")


if __name__ == "__main__":
    unittest.main()
