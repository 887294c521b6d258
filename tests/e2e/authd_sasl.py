#!/usr/bin/env python3
"""authd's other proofs through its socket: SCRAM and its passes, app
passwords, certificates, tokens; and who may send what, and how much."""

import base64
import hashlib
import json
import os
import re
import socket
import statistics
import subprocess
import threading
import time
import unittest

from authd_lib import Suite, WithSuite, crypted, proof
from harness import PATIENCE, ROOT, out, sanitized, until
from scram_lib import Client, keys

FINGERPRINT = hashlib.sha256(b"alice's certificate").hexdigest()
OTHER = hashlib.sha256(b"nobody's").hexdigest()
USERS = """alice@example.org:%s::::::scram-sha-256=%s certificate=%s
bob@example.org:{PLAIN}builder
carl@example.org:{SCRAM-SHA-256}%s
dora@example.org:{PLAIN}d::::::nologin certificate=%s
emil@example.org:!x::::::scram-sha-256=%s certificate=%s
fred@example.org:%s
old@example.org:{SCRAM-SHA-1}%s
gina@example.org:
""" % (crypted("wonderland"), keys("wonderland"), FINGERPRINT, keys("c"),
       hashlib.sha256(b"dora").hexdigest(), keys("e"),
       hashlib.sha256(b"emil").hexdigest(), crypted("f"),
       keys("o", "SHA-1"))


def app_hash(password, salt=b"0123456789abcdef"):
    return "{SSHA256}" + base64.b64encode(
        hashlib.sha256(password.encode() + salt).digest() + salt).decode()


class Sasl(WithSuite):
    users = USERS

    def begin(self, client, service="imap", who="merpati-imapd", ip="",
              peer=None):
        p = peer or self.suite.authd(who)
        a = p.ask("scram", ("user", client.user),
                  ("hash", client.hash_name.encode()),
                  ("nonce", client.nonce), ("service", service.encode()),
                  ("ip", ip.encode()))
        if peer is None:
            p.close()
        self.assertEqual((a["verb"], a["later"]), ("first", "0"))
        return a

    def prove(self, client, first, service="imap", who="merpati-imapd",
              ip="", spoil=None, user=None):
        last, secret = client.final(first["message"])
        if spoil == "proof":
            secret = ("B" if secret[0] == "A" else "A") + secret[1:]
        if spoil == "nonce":
            last = last[:-1] + ("x" if last[-1] != "x" else "y")
        p = self.suite.authd(who)
        a = p.ask("check", *proof(user or client.user, secret, service, ip,
                                  "scram"),
                  ("exchange", first["exchange"].encode()),
                  ("first", client.first), ("last", last))
        p.close()
        return a

    def scram(self, user, password, hash_name="SHA-256", **more):
        client = Client(user, password, hash_name)
        a = self.prove(client, self.begin(client), **more)
        if a["verdict"] == "ok":
            self.assertEqual(a["signature"], client.signature())
            self.assertRegex(a["pass"], "^[0-9a-f]{32}$")
        else:
            self.assertEqual((a["user"], a["signature"], a["pass"]),
                             ("", "", ""))
        return a

    def pass_(self, user, secret, service="imap", who="merpati-imapd"):
        p = self.suite.authd(who)
        a = p.ask("check", *proof(user, secret, service, "", "pass"))
        p.close()
        return a["verdict"]

    def forgive(self):
        """The right password ends what wrong ones have to wait for."""
        self.assertEqual(self.check("alice@example.org", "wonderland"), "ok")

    def test_scram_of_whoever_has_keys(self):
        for user, password, hash_name in (
                ("alice@example.org", "wonderland", "SHA-256"),
                ("ALICE@Example.Org", "wonderland", "SHA-256"),
                ("bob@example.org", "builder", "SHA-256"),
                ("bob@example.org", "builder", "SHA-256"),  # remembered
                ("bob@example.org", "builder", "SHA-1"),
                ("carl@example.org", "c", "SHA-256"),
                ("old@example.org", "o", "SHA-1")):
            a = self.scram(user, password, hash_name)
            self.assertEqual(a["verdict"], "ok", user)
            self.assertEqual(a["user"], user.lower())
            self.assertEqual(self.pass_(user, a["pass"]), "ok")
        self.suite.wait_log(
            "authd", "event=auth-ok service=imap user=alice@example.org "
            "ip=- method=scram\n")

    def test_scram_is_refused_alike(self):
        """All at once: each waits half a second."""
        cases = (("alice@example.org", "wonderlane", "SHA-256"),
                 ("alice@example.org", "wonderland", "SHA-1"),
                 ("bob@example.org", "Builder", "SHA-256"),
                 ("carl@example.org", "", "SHA-256"),
                 ("emil@example.org", "e", "SHA-256"),
                 ("fred@example.org", "f", "SHA-256"),
                 ("gina@example.org", "", "SHA-256"),
                 ("nobody@example.org", "x", "SHA-256"))
        peers = []
        for case in cases:
            client = Client(*case)
            first = self.begin(client)
            last, secret = client.final(first["message"])
            p = self.suite.authd("merpati-imapd")
            p.send("check", *proof(client.user, secret, "imap", "", "scram"),
                   ("exchange", first["exchange"].encode()),
                   ("first", client.first), ("last", last))
            peers.append(p)
        for p, case in zip(peers, cases):
            a = p.receive()
            self.assertEqual((a["verdict"], a["user"], a["signature"],
                              a["pass"]), ("bad", "", "", ""), case)
            p.close()
        self.assertEqual(self.scram("dora@example.org", "d")["verdict"],
                         "disabled")
        log = self.suite.log("authd")
        for user, reason in (("fred", "no-keys"), ("nobody", "unknown"),
                             ("emil", "unknown"), ("carl", "password")):
            self.assertIn("user=%s@example.org ip=- reason=%s method=scram\n"
                          % (user, reason), log)

    def test_a_proof_serves_once_and_for_who_began(self):
        client = Client("alice@example.org", "wonderland")
        first = self.begin(client)
        self.assertEqual(self.prove(client, first)["verdict"], "ok")
        self.assertEqual(self.prove(client, first)["verdict"], "later")
        for more in ({"service": "pop3"}, {"user": "bob@example.org"}) + (
                ({"who": "merpati-pop3d"},) if ROOT else ()):
            first = self.begin(client)
            self.assertEqual(self.prove(client, first, **more)["verdict"],
                             "bad", more)
            self.forgive()
        for spoil in ("proof", "nonce"):
            self.forgive()
            first = self.begin(client)
            self.assertEqual(self.prove(client, first, spoil=spoil)
                             ["verdict"], "bad")
            # Not even the right one after it.
            self.assertEqual(self.prove(client, first)["verdict"], "later")
        # Proofs of an earlier exchange, and of none.
        old, new = self.begin(client), self.begin(client)
        last, secret = client.final(old["message"])
        p = self.suite.authd("merpati-imapd")
        for exchange, verdict in ((new["exchange"], "bad"), ("", "later"),
                                  ("0" * 32, "later"), ("z" * 32, "later")):
            a = p.ask("check", *proof(client.user, secret, "imap", "",
                                      "scram"),
                      ("exchange", exchange.encode()),
                      ("first", client.first), ("last", last))
            self.assertEqual(a["verdict"], verdict, exchange)
        p.close()

    def test_the_oldest_of_too_many_exchanges_goes(self):
        p = self.suite.authd("merpati-imapd")
        client = Client("alice@example.org", "wonderland")
        first = self.begin(client, peer=p)
        names = {self.begin(client, peer=p)["exchange"]
                 for _ in range(4096)}
        p.close()
        self.assertEqual(len(names), 4096)
        self.assertEqual(self.prove(client, first)["verdict"], "later")
        self.assertEqual(self.scram("alice@example.org", "wonderland")
                         ["verdict"], "ok")

    def test_a_pass_serves_once_and_for_who_got_it(self):
        user = "alice@example.org"
        a = self.scram(user, "wonderland")
        self.assertEqual(self.pass_(user, a["pass"], service="smtp"), "bad")
        self.forgive()
        self.assertEqual(self.pass_("bob@example.org", a["pass"]), "bad")
        self.assertEqual(self.pass_("", a["pass"]), "bad")
        if ROOT:
            self.assertEqual(self.pass_(user, a["pass"],
                                        who="merpati-pop3d"), "bad")
        self.assertEqual(self.pass_(user, a["pass"]), "ok")
        self.assertEqual(self.pass_(user, a["pass"]), "later")
        for wrong in ("", "0" * 32, a["pass"][:-1], "x" * 32):
            self.assertEqual(self.pass_(user, wrong), "later")

    def test_a_pass_opens_a_session(self):
        a = self.scram("alice@example.org", "wonderland")
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        p = self.suite.authd("merpati-imapd")
        s = p.ask("session", *proof("alice@example.org", a["pass"], "imap",
                                    "", "pass"), ("tag", "a"), ("ahead", ""),
                  fds=[theirs.fileno()])
        theirs.close()
        self.assertEqual(s["verdict"], "ok")
        self.assertIn(b"user alice@example.org\n", ours.recv(4096))
        ours.close()
        # A proof itself opens none: its signature would reach nobody.
        pair = socket.socketpair()
        self.assertTrue(p.refused(
            "session", *proof("alice@example.org", "x", "imap", "", "scram"),
            ("exchange", b""), ("first", ""), ("last", ""), ("tag", "a"),
            ("ahead", ""), fds=[pair[0].fileno()]))
        for s in pair:
            s.close()
        p.close()

    def test_salts_tell_nobody_who_exists(self):
        def first(user, hash_name="SHA-256"):
            client = Client(user, "", hash_name)
            m = self.begin(client)["message"]
            return re.fullmatch(r"r=[!-+\--~]+,s=([^,]+),i=(\d+)",
                                m).groups()
        names = ("nobody@example.org", "bob@example.org", "fred@example.org",
                 "emil@example.org", "alice@example.org")
        before = {n: first(n) for n in names}
        # Rounds and salt lengths are those of people with keys.
        self.assertEqual({(len(s), i) for s, i in before.values()},
                         {(24, "4096")})
        self.assertEqual(len({s for s, _ in before.values()}), len(names))
        self.assertEqual(first("NOBODY@example.org"), first(names[0]))
        self.assertEqual(first("x@mail.example.org"), first("x"))
        self.assertNotEqual(first(names[0], "SHA-1")[0], before[names[0]][0])
        self.suite.stop("authd")
        self.suite.start("authd")
        self.assertEqual({n: first(n) for n in names}, before)
        st = os.stat(self.suite.path("state/authd/salt-key"))
        self.assertEqual(st.st_mode & 0o777, 0o600)
        self.assertNotIn("state-failed", self.suite.log("authd"))

    def test_keys_as_the_secret_check_passwords(self):
        self.assertEqual(self.check("carl@example.org", "c"), "ok")
        self.assertEqual(self.check("carl@example.org", "c"), "ok")
        self.assertEqual(self.check("old@example.org", "o"), "ok")
        self.assertEqual(self.check("carl@example.org", "C",
                                    ip="192.0.2.60"), "bad")

    def test_certificates(self):
        def ask(user, secret):
            p = self.suite.authd("merpati-imapd")
            a = p.ask("check", *proof(user, secret, "imap", "",
                                      "certificate"))
            p.close()
            return a["verdict"], a["user"]
        alice = ("ok", "alice@example.org")
        self.assertEqual(ask("", FINGERPRINT), alice)
        self.assertEqual(ask("Alice@example.org", FINGERPRINT), alice)
        for user, secret in (("bob@example.org", FINGERPRINT), ("", OTHER),
                             ("alice@example.org", OTHER), ("", ""),
                             ("", FINGERPRINT[:-1]),
                             ("nobody@example.org", FINGERPRINT),
                             ("", hashlib.sha256(b"emil").hexdigest())):
            self.assertEqual(ask(user, secret), ("bad", ""), (user, secret))
            self.forgive()
        self.assertEqual(ask("", hashlib.sha256(b"dora").hexdigest()),
                         ("disabled", ""))
        self.suite.wait_log(
            "authd", "event=auth-ok service=imap user=alice@example.org "
            "ip=- method=certificate\n")

    def test_malformed_questions_close_the_connection(self):
        good = dict(user=b"alice", hash=b"SHA-256", nonce=b"abc",
                    service=b"imap", ip=b"")
        for key, value in (("hash", b"MD5"), ("nonce", b""),
                           ("nonce", b"a,b"), ("nonce", b"+20"),
                           ("nonce", b"a" * 129), ("service", b"ssh"),
                           ("user", b"+00"), ("ip", b"x" * 64)):
            fields = {**good, key: value}
            self.assertTrue(self.suite.authd("merpati-imapd").refused(
                "scram", *fields.items()), (key, value))
        for fields in (proof("a", "b", "imap", "", "trust"),
                       proof("a", "b", "imap", "", "scram"),
                       proof("a", "b" * 1025, "imap", ""),
                       proof("a", "b" * 4097, "imap", "", "token"),
                       proof("a", "b", "imap", "", "pass") + (("x", b""),)):
            self.assertTrue(self.suite.authd("merpati-imapd").refused(
                "check", *fields), fields[0])
        if ROOT:
            submit = ("submit", ("user", "alice@example.org"),
                      ("sender", ""), ("count", 0))
            for who in ("merpati-imapd", "merpati-pop3d", "merpati-queue",
                        "merpati-mail"):
                self.assertTrue(self.suite.authd(who).refused(*submit), who)
            self.assertTrue(self.suite.authd("merpati-queue").refused(
                "scram", *good.items()))
            self.assertTrue(self.suite.authd("merpati-smtpd").refused(
                "app-uses"))

    def test_the_right_one_is_not_held_back(self):
        """Others fail from the same address, and as the same user."""
        ip = "203.0.113.77"
        flood = []
        for n in range(40):
            p = self.suite.authd("merpati-imapd")
            p.send("check", *proof("alice@example.org" if n % 2 else
                                   "x%d@example.org" % n, "guess%d" % n,
                                   "imap", ip))
            flood.append(p)
        flood[0].receive()      # at least one has failed, others wait
        for _ in range(3):      # not remembered, then remembered
            start = time.time()
            self.assertEqual(self.check("alice@example.org", "wonderland",
                                        "imap", ip), "ok")
            waited = time.time() - start
            self.assertEqual(self.scram("alice@example.org", "wonderland",
                                        ip=ip)["verdict"], "ok")
        # Remembered: no hash, no delay.  8 s is what a wrong one waits.
        self.assertLess(waited, 4)
        for p in flood:
            p.close()

    def test_unknown_and_wrong_take_as_long(self):
        def times(user, method):
            seen = []
            for n in range(4):
                ip = "2001:db8:%x:%x::1" % (hash(user + method) & 0xffff, n)
                start = time.monotonic()
                if method == "scram":
                    self.scram(user % n, "wrong", ip=ip)
                else:
                    self.check(user % n, "wrong", "imap", ip)
                seen.append(time.monotonic() - start)
            return statistics.median(seen)
        self.suite.write("users", USERS + "".join(
            "t%d@example.org:%s::::::scram-sha-256=%s\n" % (
                n, crypted("x"), keys("x")) for n in range(4)))
        until(lambda: self.check("t3@example.org", "x") == "ok")
        for method in ("password", "scram"):
            known = times("t%d@example.org", method)
            unknown = times("u%d@example.org", method)
            if not sanitized():     # whose times say nothing
                self.assertLess(max(known, unknown) / min(known, unknown), 1.25,
                                (method, known, unknown))
        self.suite.write("users", USERS)


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

    def test_a_broken_file_changes_nothing(self):
        self.suite.write("app-passwords", "alice@example.org:x\n")
        until(lambda: self.check("gina@example.org", "gina-word") == "ok" and
              "event=tables-error text=" in self.suite.log("authd"))
        self.assertEqual(self.check("gina@example.org", "gina-word"), "ok")


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


class Tokens(WithSuite):
    """With a tokend that says what it is asked for."""

    users = USERS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.makedirs(cls.suite.path("run/tokend"), exist_ok=True)
        cls.path = cls.suite.path("run/tokend/tokend.sock")

    def ask(self, token, user=""):
        p = self.suite.authd("merpati-imapd")
        a = p.ask("check", *proof(user, token, "imap", "", "token"))
        p.close()
        return a["verdict"], a["user"]

    def tokend(self, answers, count):
        """Answers so many questions, then goes."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(self.path)
        os.chmod(self.path, 0o666)
        s.listen(5)
        s.settimeout(PATIENCE)

        def serve():
            c, _ = s.accept()
            for _ in range(count):
                head, body = c.recv(65536).decode().split("\n", 1)
                token = body.split(" ", 1)[1].rstrip("\n")
                said = answers[token]
                if said is None:
                    break
                c.send(("merpati 1 token %s\n%s" % (
                    head.split(" ")[3], said)).encode())
            c.close()
            s.close()
            os.unlink(self.path)
        t = threading.Thread(target=serve)
        t.start()
        return t

    def test_tokend_decides(self):
        self.assertEqual(self.ask("any"), ("later", ""))
        self.suite.wait_log("authd", "event=tokend-down")
        good = "status active\nuser alice@example.org\nseconds 60\n"
        answers = {
            "good": good,
            "bare": good.replace("alice", "ALICE"),
            "bad": "status inactive\nuser \nseconds 0\n",
            "slow": "status later\nuser \nseconds 0\n",
            "stranger": good.replace("alice", "stranger"),
            "disabled": good.replace("alice", "dora"),
            "locked": good.replace("alice", "emil"),
            "crash": None,
        }
        t = self.tokend(answers, 20)
        alice = ("ok", "alice@example.org")
        self.assertEqual(self.ask("good"), alice)
        self.assertEqual(self.ask("good", "alice@example.org"), alice)
        self.assertEqual(self.ask("bare"), alice)
        self.assertEqual(self.ask("good", "bob@example.org"), ("bad", ""))
        self.assertEqual(self.ask("bad"), ("bad", ""))
        self.assertEqual(self.ask("slow"), ("later", ""))
        self.assertEqual(self.ask("stranger"), ("bad", ""))
        self.assertEqual(self.ask("locked"), ("bad", ""))
        self.assertEqual(self.ask("disabled"), ("disabled", ""))
        self.assertEqual(self.ask(""), ("bad", ""))
        self.assertEqual(self.ask("crash"), ("later", ""))
        t.join(PATIENCE)
        # And it comes back, then talks nonsense.
        t = self.tokend({"good": good, "mad": "status active\nuser \n"}, 2)
        self.assertEqual(self.ask("good"), alice)
        self.assertEqual(self.ask("mad"), ("later", ""))
        t.join(PATIENCE)
        self.suite.wait_log("authd", "event=tokend-malformed")


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


class State(unittest.TestCase):
    def test_without_a_state_directory_it_serves_and_says_so(self):
        s = Suite(USERS)
        self.addCleanup(s.remove)
        with open(s.path("state/authd"), "w") as f:
            f.write("no directory")
        s.start("spawner")
        s.start("authd")
        s.wait_log("authd", "event=state-failed path=")
        p = s.authd("merpati-imapd")
        self.assertEqual(p.ask("check", *proof("bob@example.org",
                                               "builder"))["verdict"], "ok")
        p.close()


if __name__ == "__main__":
    unittest.main()
