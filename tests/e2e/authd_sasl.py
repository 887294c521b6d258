#!/usr/bin/env python3
"""authd's other proofs through its socket: SCRAM and its passes, certificates."""

import hashlib
import os
import re
import socket
import statistics
import time
import unittest

from authd_lib import Suite, WithSuite, crypted, proof
from authd_sasl_lib import FINGERPRINT, USERS
from harness import PATIENCE, ROOT, sanitized, until
from scram_lib import Client, keys

OTHER = hashlib.sha256(b"nobody's").hexdigest()


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

    def test_a_proof_that_leads_to_no_login_leaves_a_trace(self):
        self.assertEqual(self.scram("carl@example.org", "c", "SHA-256", ip="192.0.2.77")["verdict"], "ok")
        self.suite.wait_log(
            "authd", "event=auth-proved service=imap user=carl@example.org "
            "ip=192.0.2.77 method=scram\n")

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
