#!/usr/bin/env python3
"""authd and app passwords, by hand and by mailctl."""

import base64
import hashlib
import json
import os
import subprocess
import unittest

from authd_lib import WithSuite, proof
from authd_sasl_lib import USERS
from harness import PATIENCE, ROOT, out, until
from scram_lib import Client


def app_hash(password, salt=b"0123456789abcdef"):
    return "{SSHA256}" + base64.b64encode(
        hashlib.sha256(password.encode() + salt).digest() + salt).decode()


class Apps(WithSuite):
    users = USERS

    def setUp(self):
        self.suite.write("app-passwords", "# by hand\n"
                         "alice@example.org:phone:%s:20260101T000000Z\n"
                         "alice@example.org:mail only:%s:20260101T000000Z:"
                         "imap,smtp\n"
                         "gina@example.org:pad:%s:20260101T000000Z\n"
                         "emil@example.org:pad:%s:20260101T000000Z\n"
                         "dora@example.org:pad:%s:20260101T000000Z\n"
                         "gone@example.org:pad:%s:20260101T000000Z\n" % tuple(
                             app_hash(p) for p in ("phone-word", "mail-word",
                                                   "gina-word", "emil-word",
                                                   "dora-word", "gone-word")))
        until(lambda: self.check("gina@example.org", "gina-word") == "ok")

    def test_each_opens_what_it_may(self):
        for user, word, service, verdict in (
                ("alice@example.org", "phone-word", "imap", "ok"),
                ("alice@example.org", "phone-word", "pop3", "ok"),
                ("Alice@example.org", "mail-word", "smtp", "ok"),
                ("alice@example.org", "mail-word", "pop3", "bad"),
                ("alice@example.org", "wonderland", "imap", "ok"),
                ("gina@example.org", "gina-word", "imap", "ok"),
                ("gina@example.org", "phone-word", "imap", "bad"),
                ("emil@example.org", "emil-word", "imap", "bad"),
                ("dora@example.org", "dora-word", "imap", "disabled"),
                ("gone@example.org", "gone-word", "imap", "bad"),
                ("gina@example.org", "", "imap", "bad")):
            self.assertEqual(self.check(user, word, service,
                                        "192.0.2.%d" % len(word)), verdict,
                             (user, word, service))
        log = self.suite.log("authd")
        self.assertIn("method=app-password app=phone\n", log)
        self.assertIn('reason=service method=app-password app="mail only"\n',
                      log)
        self.assertNotIn("-word", log)

    def test_the_last_use_is_known_and_kept(self):
        def uses():
            p = self.suite.authd(0 if ROOT else None)
            a = p.ask("app-uses")
            with os.fdopen(a["fds"][0], "rb") as f:
                f.seek(0)
                text = f.read().decode()
            p.close()
            return text
        self.assertEqual(self.check("alice@example.org", "phone-word",
                                    "imap", "2001:db8::5"), "ok")
        line = r"(?m)^alice@example.org:phone:\d{8}T\d{6}Z:imap:2001:db8::5$"
        self.assertRegex(uses(), line)
        path = self.suite.path("state/authd/app-passwords-used")
        self.suite.stop("authd")
        with open(path) as f:
            self.assertRegex(f.read(), line)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, "a") as f:
            f.write("nonsense\n:::::\na@b:\x1b[2J:x:y:z\n")
        self.suite.start("authd")
        self.assertRegex(uses(), line)
        self.assertNotIn("\x1b", uses())
        # One that was revoked is forgotten.
        self.suite.write("app-passwords", "")
        until(lambda: self.check("gina@example.org", "gina-word",
                                 ip="192.0.2.99") == "bad")
        self.assertEqual(uses(), "")

    def test_a_wrong_line_is_no_app_password(self):
        with open(self.suite.path("etc/app-passwords")) as f:
            good = f.read()
        self.suite.write("app-passwords", "alice@example.org:x\n" + good)
        until(lambda: self.check("gina@example.org", "gina-word") == "ok" and
              "event=tables-error text=" in self.suite.log("authd"))
        self.assertEqual(self.check("gina@example.org", "gina-word"), "ok")
        self.assertEqual(self.check("alice@example.org", "phone-word",
                                    "imap"), "ok")


class Mailctl(WithSuite):
    """An app password's life, from mailctl's making it to its end."""

    users = USERS

    def mailctl(self, *args, code=0, json_=False):
        p = subprocess.run([out("mailctl"), "-c",
                            self.suite.path("etc/merpati.conf"), *args],
                           capture_output=True, timeout=PATIENCE)
        self.assertEqual(p.returncode, code, p)
        return json.loads(p.stdout) if json_ else p.stdout.decode()

    def add(self, *args):
        word = self.mailctl("app-password", "add", *args).strip()
        self.assertRegex(word, "^[a-z1-9]{20}$")
        path = self.suite.path("etc/app-passwords")
        if ROOT:    # as etc's group would have it
            os.chown(path, 0, os.stat(self.suite.path("etc/users")).st_gid)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        return word

    def test_from_the_first_to_the_last_day(self):
        alice = "alice@example.org"
        one = self.add(alice, "my phone")
        two = self.add("ALICE@example.org", "pad", "--services", "imap")
        self.assertNotEqual(one, two)
        with open(self.suite.path("etc/app-passwords")) as f:
            self.assertNotIn(one, f.read())
        until(lambda: self.check(alice, two, "imap") == "ok")
        self.assertEqual(self.check(alice, two, "smtp", "192.0.2.50"), "bad")
        said = self.mailctl("app-password", "list", "--json", json_=True)
        self.assertEqual([(a["user"], a["name"], a["services"], a["service"],
                           a["ip"]) for a in said],
                         [(alice, "my phone", "all", None, None),
                          (alice, "pad", "imap", "imap", "192.0.2.1")])
        self.assertEqual(self.check(alice, one, "smtp", "192.0.2.4"), "ok")
        lines = self.mailctl("app-password", "list", alice)
        self.assertRegex(lines, r"(?m)^alice@example.org  my phone  all  "
                         r"created \d{8}T\d{6}Z  last used \d{8}T\d{6}Z by "
                         r"smtp from 192.0.2.4$")
        self.assertEqual(self.mailctl("app-password", "list",
                                      "bob@example.org"), "")
        # Without authd its file tells, which it wrote in the end.
        self.suite.stop("authd")
        self.assertEqual(self.mailctl("app-password", "list", alice), lines)
        self.suite.start("authd")
        self.mailctl("app-password", "revoke", alice, "my phone")
        until(lambda: self.check(alice, one, "imap", "192.0.2.70") == "bad")
        self.assertEqual(self.check(alice, two, "imap"), "ok")
        self.assertEqual(self.check(alice, "wonderland", "imap"), "ok")
        # With the user they go: the next of that name has none.
        self.add("fred@example.org", "pad")
        self.mailctl("user", "del", "fred@example.org")
        self.assertNotIn("fred", self.mailctl("app-password", "list"))
        self.assertIn("alice", self.mailctl("app-password", "list"))

    def test_refusals(self):
        bob = "bob@example.org"
        self.add(bob, "one")
        for code, args in ((73, ("add", bob, "one")),
                           (65, ("add", bob, "")), (65, ("add", bob, "a:b")),
                           (65, ("add", bob, " a")),
                           (65, ("add", bob, "x" * 65)),
                           (65, ("add", "bob@elsewhere.example", "x")),
                           (67, ("add", "nobody@example.org", "x")),
                           (64, ("add", bob, "x", "--services", "ssh")),
                           (64, ("add", bob, "x", "--services", "imap,")),
                           (64, ("add", bob)), (64, ("list", bob, "x")),
                           (64, ("revoke", bob)), (64, ()),
                           (67, ("revoke", bob, "two")),
                           (67, ("revoke", "carl@example.org", "one"))):
            self.mailctl("app-password", *args, code=code)
        self.assertIn(" one ", self.mailctl("app-password", "list", bob))
        for n in range(31):
            self.mailctl("app-password", "add", bob, "n%d" % n)
        self.mailctl("app-password", "add", bob, "many", code=65)

    def test_a_new_password_serves_both_ways(self):
        word = self.mailctl("user", "add", "--generate",
                            "new@example.org").strip()
        until(lambda: self.check("new@example.org", word) == "ok")
        p = self.suite.authd("merpati-imapd")
        client = Client("new@example.org", word)
        first = p.ask("scram", ("user", client.user), ("hash", b"SHA-256"),
                      ("nonce", client.nonce), ("service", b"imap"),
                      ("ip", b""))
        last, secret = client.final(first["message"])
        a = p.ask("check", *proof(client.user, secret, "imap", "", "scram"),
                  ("exchange", first["exchange"].encode()),
                  ("first", client.first), ("last", last))
        self.assertEqual((a["verdict"], a["signature"]),
                         ("ok", client.signature()))
        p.close()


if __name__ == "__main__":
    unittest.main()
