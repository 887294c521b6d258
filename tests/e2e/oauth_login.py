#!/usr/bin/env python3
"""Logins with tokens: IMAP and POP3 by way of authd and tokend, to an
introspection endpoint."""

import base64
import imaplib
import os
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PATIENCE, out, until  # noqa: E402
from instance import Instance  # noqa: E402
from remote_certs import Cert  # noqa: E402
from token_lib import Endpoint, active  # noqa: E402

if not os.path.exists(out("tokend")):
    print("tokend was not built: no libcurl or jansson")
    sys.exit(77)


def oauthbearer(user, token):
    return ("n,%s,\1host=localhost\1port=143\1auth=Bearer %s\1\1" % ("a=" + user if user else "", token)).encode()


def xoauth2(user, token):
    return ("user=%s\1auth=Bearer %s\1\1" % (user, token)).encode()


class Lines:
    """A connection by lines, in clear, from loopback."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.sock.makefile("rwb")
        self.greeting = self.read()

    def read(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, line):
        self.file.write(line.encode() + b"\r\n")
        self.file.flush()
        return self.read()

    def close(self):
        self.file.close()
        self.sock.close()


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = Instance(config={"": {"log-level": '"debug"'}})
        i = cls.instance
        ca = Cert(i.home, "ca")
        os.chmod(ca.path, 0o644)
        cls.endpoint = Endpoint(Cert(i.home, "sso", ca, "DNS:localhost"))
        cls.addClassCleanup(cls.endpoint.close)
        cls.endpoint.answers = {
            "alices": active("alice@example.test"), "bobs": active("bob@example.test"),
            "strangers": active("nobody@example.test"), "broken": lambda h: h.say(500, b"")}
        i.more_config = 'oauth { introspection-url = "%s"\nca-file = "%s"\nscope = "" }\n' % (
            cls.endpoint.url(), ca.path)
        cls.enterClassContext(i)

    def imap(self):
        c = imaplib.IMAP4("127.0.0.1", self.instance.port(143), timeout=PATIENCE)
        self.addCleanup(lambda: (c.file.close(), c.sock.close()))
        return c

    def login(self, mechanism, first):
        """What the server asked after the first answer, or None if it was
        content; then the connection."""
        c = self.imap()
        asked = []

        def answer(challenge):
            asked.append(challenge)
            return first if len(asked) == 1 else b"\1"
        try:
            c.authenticate(mechanism, answer)
        except c.error as e:
            return asked[1:], str(e), c
        return None, "", c

    def test_mechanisms_are_announced(self):
        c = self.imap()
        self.assertIn("AUTH=OAUTHBEARER", c.capabilities)
        self.assertIn("AUTH=XOAUTH2", c.capabilities)
        p = Lines(self.instance.port(110))
        self.assertEqual(p.say("CAPA")[:3], "+OK")
        capa = []
        while (line := p.read()) != ".":
            capa.append(line)
        sasl = [x.split()[1:] for x in capa if x.startswith("SASL ")][0]
        self.assertIn("OAUTHBEARER", sasl)
        self.assertIn("XOAUTH2", sasl)
        p.close()

    def test_right_tokens_log_in(self):
        for mechanism, first in (("OAUTHBEARER", oauthbearer("alice@example.test", "alices")),
                                 ("OAUTHBEARER", oauthbearer("", "alices")),
                                 ("XOAUTH2", xoauth2("alice@example.test", "alices")),
                                 ("XOAUTH2", xoauth2("bob@example.test", "bobs"))):
            asked, error, c = self.login(mechanism, first)
            self.assertIsNone(asked, error)
            self.assertEqual(c.select()[0], "OK")
            c.logout()

    def test_wrong_ones_are_told_why_and_refused(self):
        for mechanism, first in (("OAUTHBEARER", oauthbearer("alice@example.test", "unknown")),
                                 ("OAUTHBEARER", oauthbearer("bob@example.test", "alices")),
                                 ("OAUTHBEARER", oauthbearer("", "strangers")),
                                 ("XOAUTH2", xoauth2("alice@example.test", "bobs")),
                                 ("XOAUTH2", xoauth2("nobody@example.test", "strangers"))):
            asked, error, c = self.login(mechanism, first)
            self.assertIsNotNone(asked, first)
            self.assertEqual(len(asked), 1)
            self.assertIn(b'"status":"invalid_token"' if mechanism == "OAUTHBEARER" else b'"status":"401"', asked[0])
            self.assertIn("AUTHENTICATIONFAILED", error)

    def test_an_empty_one_asks_for_the_challenge(self):
        asked, error, c = self.login("OAUTHBEARER", b"n,,\1auth=\1\1")
        self.assertEqual(len(asked), 1)
        self.assertIn(b"invalid_token", asked[0])
        before = list(self.endpoint.asked)
        self.assertEqual(before, self.endpoint.asked)
        # The same connection may try again.
        first = []
        c.authenticate("OAUTHBEARER", lambda _: first.append(1) or oauthbearer("", "alices"))
        self.assertEqual(first, [1])
        c.logout()

    def test_malformed_ones_reach_nobody(self):
        before = len(self.endpoint.asked)
        for mechanism, first in (("OAUTHBEARER", b"n,,\1auth=Bearer a b\1\1"), ("OAUTHBEARER", b"x"),
                                 ("XOAUTH2", b"user=a\1auth=Basic YTpi\1\1")):
            asked, error, c = self.login(mechanism, first)
            self.assertEqual(asked, [])
            self.assertNotIn("AUTHENTICATIONFAILED", error)
        self.assertEqual(len(self.endpoint.asked), before)

    def test_a_server_that_fails_is_not_the_users_fault(self):
        asked, error, c = self.login("XOAUTH2", xoauth2("alice@example.test", "broken"))
        self.assertIn("UNAVAILABLE", error)
        until(lambda: "event=introspection-failed" in self.instance.log("tokend"))

    def test_pop3_takes_them(self):
        p = Lines(self.instance.port(110))
        text = base64.b64encode(xoauth2("alice@example.test", "alices")).decode()
        self.assertTrue(p.say("AUTH XOAUTH2 " + text).startswith("+OK"))
        self.assertTrue(p.say("STAT").startswith("+OK"))
        p.say("QUIT")
        p.close()
        p = Lines(self.instance.port(110))
        text = base64.b64encode(oauthbearer("bob@example.test", "alices")).decode()
        challenge = p.say("AUTH OAUTHBEARER " + text)
        self.assertTrue(challenge.startswith("+ "))
        self.assertIn(b"invalid_token", base64.b64decode(challenge[2:]))
        self.assertTrue(p.say("AQ==").startswith("-ERR"))
        p.close()

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_logs_in(self):
        for scheme, port in (("imap", 143), ("pop3", 110)):
            for mechanism in ("OAUTHBEARER", "XOAUTH2"):
                for token, good in (("alices", True), ("unknown", False)):
                    r = subprocess.run(["curl", "-sS", "--max-time", "60", "--login-options", "AUTH=" + mechanism,
                                        "--user", "alice@example.test:", "--oauth2-bearer", token,
                                        "%s://127.0.0.1:%d/" % (scheme, self.instance.port(port))],
                                       capture_output=True, text=True, timeout=2 * PATIENCE)
                    self.assertEqual(r.returncode == 0, good, (scheme, mechanism, token, r.stderr))

    def test_no_token_is_in_any_log(self):
        self.login("XOAUTH2", xoauth2("alice@example.test", "secretsecret"))
        self.login("XOAUTH2", xoauth2("alice@example.test", "alices"))
        log = self.instance.log()
        self.assertNotIn("secretsecret", log)
        self.assertNotIn("Bearer", log)

    def test_status_and_check_know_tokend(self):
        self.assertIn("tokend/tokend.sock       answers", self.instance.mailctl("status").stdout)
        r = self.instance.mailctl("check")
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_zz_without_tokend_others_still_log_in(self):
        self.instance.svc("tokend", "-wD -d")
        try:
            asked, error, c = self.login("XOAUTH2", xoauth2("alice@example.test", "fresh"))
            self.assertIn("UNAVAILABLE", error)
            self.instance.imap("alice").logout()
        finally:
            self.instance.svc("tokend", "-wU -u")
        asked, error, c = self.login("XOAUTH2", xoauth2("alice@example.test", "alices"))
        self.assertIsNone(asked, error)


if __name__ == "__main__":
    unittest.main()
