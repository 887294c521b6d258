#!/usr/bin/env python3
"""tokend against introspection endpoints that are right, wrong, slow, huge,
false or not there."""

import base64
import os
import shutil
import signal
import ssl
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from authd_lib import Peer, account  # noqa: E402
from harness import (PATIENCE, ROOT, as_user, free_port, out,  # noqa: E402
                     sanitizer_options, start_ready, until)
from remote_certs import Cert  # noqa: E402
from token_lib import Endpoint, active, cut, endless, slow  # noqa: E402

if not os.path.exists(out("tokend")):
    print("tokend was not built: no libcurl or jansson")
    sys.exit(77)

SECRET = "s3:cr&t %"


class Tokend:
    def __init__(self, oauth):
        self.dir = tempfile.mkdtemp(prefix="mptoken")
        os.chmod(self.dir, 0o755)
        os.makedirs(self.dir + "/run/tokend")
        self.who = {}
        if ROOT:
            pw = account("merpati-token")
            account("merpati-auth")
            self.who = as_user(pw.pw_uid, pw.pw_gid)
            os.chown(self.dir + "/run/tokend", pw.pw_uid, pw.pw_gid)
        self.secret = self.dir + "/secret"
        with open(self.secret, "w") as f:
            f.write(SECRET + "\n")
        os.chmod(self.secret, 0o640)
        if ROOT:
            os.chown(self.secret, 0, pw.pw_gid)
        self.conf = self.dir + "/merpati.conf"
        with open(self.conf, "w") as f:
            f.write('hostname = "mail.example.test"\npostmaster = "root@example.test"\nlog-level = "debug"\n'
                    'run-dir = "%s/run"\noauth {\n%s\n}\n' % (self.dir, oauth.replace("SECRET", self.secret)))
        self.logfile = self.dir + "/log"
        self.process = None

    def start(self):
        self.process, ready = start_ready([out("tokend"), "-c", self.conf], self.logfile,
                                          dict(sanitizer_options(), PATH=os.environ["PATH"]), cwd="/", **self.who)
        if not ready:
            raise AssertionError("tokend left: " + self.log())
        return self

    def log(self):
        with open(self.logfile) as f:
            return f.read()

    def peer(self, user="merpati-auth"):
        uid = None
        if ROOT:
            uid = account(user).pw_uid if user else 0
        return Peer(self.dir + "/run/tokend/tokend.sock", uid)

    def ask(self, token):
        p = self.peer()
        try:
            a = p.ask("token", ("token", token))
        finally:
            p.close()
        return a["status"], a["user"], int(a["seconds"])

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        code = self.process.returncode if self.process else 0
        shutil.rmtree(self.dir)
        return code


LATER = ("later", "", 0)
INACTIVE = ("inactive", "", 0)


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certs = tempfile.mkdtemp(prefix="mptokencert")
        os.chmod(cls.certs, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.certs)
        cls.ca = Cert(cls.certs, "ca")
        os.chmod(cls.ca.path, 0o644)
        cls.good = Cert(cls.certs, "good", cls.ca, "DNS:localhost")

    def endpoint(self, cert="good", **keys):
        e = Endpoint(self.good if cert == "good" else cert, **keys)
        self.addCleanup(e.close)
        return e

    def tokend(self, url, more="", ca=None):
        t = Tokend('introspection-url = "%s"\nca-file = "%s"\n%s' % (url, ca or self.ca.path, more))
        self.addCleanup(t.stop)
        return t.start()

    def test_tokens_are_judged(self):
        e = self.endpoint()
        now = time.time()
        e.answers = {
            "good": active(), "name": active("j\u00fcrgen@example.org"),
            "short": active(exp=now + 30), "old": active(exp=now - 1),
            "early": active(nbf=now + 1000), "nobody": {"active": True},
            "other": active(token_type="DPoP"),
            "a+b/c~d-e.f==": active("odd"),
        }
        t = self.tokend(e.url())
        self.assertEqual(t.ask("good"), ("active", "bob", 60))
        self.assertEqual(t.ask("name"), ("active", "j\u00fcrgen@example.org", 60))
        status, user, seconds = t.ask("short")
        self.assertEqual((status, user), ("active", "bob"))
        self.assertLessEqual(seconds, 30)
        for token in ("old", "early", "nobody", "other", "unknown"):
            self.assertEqual(t.ask(token), INACTIVE, token)
        self.assertEqual(t.ask("a+b/c~d-e.f=="), ("active", "odd", 60))
        path, headers, form = e.last
        self.assertEqual(path, "/introspect?x=y")
        self.assertEqual(form, {"token": ["a+b/c~d-e.f=="], "token_type_hint": ["access_token"]})
        self.assertNotIn("Authorization", headers)
        self.assertEqual(headers["Accept"], "application/json")
        log = t.log()
        for token in list(e.answers) + ["unknown"]:
            if token not in ("name", "other", "good"):
                self.assertNotIn("=" + token, log)
        self.assertIn("event=token-refused reason=\"expired\"", log)

    def test_good_answers_are_remembered_and_others_are_not(self):
        e = self.endpoint()
        e.answers = {"good": active(), "brief": active(exp=time.time() + 2.5)}
        t = self.tokend(e.url())
        for _ in range(3):
            self.assertEqual(t.ask("good")[:2], ("active", "bob"))
            t.ask("bad")
        self.assertEqual(e.asked.count("good"), 1)
        self.assertEqual(e.asked.count("bad"), 3)
        # One connection serves many questions.
        self.assertEqual(e.connections, 1)
        self.assertEqual(t.ask("brief")[0], "active")
        e.answers["brief"] = {"active": False}
        until(lambda: t.ask("brief") == INACTIVE)

    def test_nothing_is_remembered_when_told_so(self):
        e = self.endpoint()
        e.answers = {"good": active()}
        t = self.tokend(e.url(), "cache = 0")
        for _ in range(3):
            self.assertEqual(t.ask("good"), ("active", "bob", 0))
        self.assertEqual(e.asked.count("good"), 3)

    def test_the_client_says_who_it_is(self):
        e = self.endpoint()
        text = "%s:%s" % (urllib.parse.quote("mail:1", safe=""), urllib.parse.quote(SECRET, safe=""))
        e.auth = "Basic " + base64.b64encode(text.encode()).decode()
        e.answers = {"good": active("x", email="bob@example.org", scope="a mail b")}
        t = self.tokend(e.url(), 'client-id = "mail:1"\nclient-secret-file = "SECRET"\n'
                        'user-claim = "email"\nscope = "mail"')
        self.assertEqual(t.ask("good"), ("active", "bob@example.org", 60))
        e.answers["good2"] = active("x", email="bob@example.org", scope="a mails b")
        self.assertEqual(t.ask("good2"), INACTIVE)
        e.auth = "Basic other"
        self.assertEqual(t.ask("bad"), LATER)
        self.assertIn("status 401", t.log())
        self.assertNotIn("s3:cr", t.log())

    def test_servers_that_are_not_what_they_should_be(self):
        e = self.endpoint()
        e.answers = {
            "garbage": lambda h: h.say(200, b"\xff\x00<html>"),
            "empty": lambda h: h.say(200, b""),
            "list": lambda h: h.say(200, [active()]),
            "text": lambda h: h.say(200, active(), kind="text/html"),
            "jwt": lambda h: h.say(200, active(), kind="application/token-introspection+jwt"),
            "huge": lambda h: h.say(200, active(x="a" * 100000)),
            "error": lambda h: h.say(500, active()),
            "created": lambda h: h.say(201, active()),
            "elsewhere": lambda h: h.say(302, active(), headers=[("Location", e.url())]),
            "again": lambda h: h.say(307, active(), headers=[("Location", e.url())]),
            "cut": cut, "endless": endless, "gone": lambda h: h.connection.close(),
            "good": active(),
        }
        t = self.tokend(e.url(), "timeout = 3s")
        for token in e.answers:
            if token != "good":
                self.assertEqual(t.ask(token), LATER, token)
        # No second question anywhere, and all is well afterwards.
        self.assertFalse([a for a in e.asked if a.startswith("GET")])
        self.assertEqual(e.asked.count("again"), 1)
        self.assertEqual(t.ask("good")[0], "active")
        self.assertIn('reason="its answer is too long"', t.log())

    def test_certificates_are_checked(self):
        other = Cert(self.certs, "other")
        os.chmod(other.path, 0o644)
        for cert, host, ca in ((Cert(self.certs, "wrong", self.ca, "DNS:elsewhere.example"), "localhost", None),
                               (Cert(self.certs, "past", self.ca, "DNS:localhost", -1), "localhost", None),
                               (Cert(self.certs, "self", None, "DNS:localhost"), "localhost", None),
                               (self.good, "127.0.0.1", None),
                               (self.good, "localhost", other.path),
                               (self.good, "localhost", "/nonexistent")):
            e = self.endpoint(cert)
            e.answers = {"good": active()}
            t = self.tokend(e.url(host), ca=ca)
            self.assertEqual(t.ask("good"), LATER)
            self.assertEqual(e.asked, [])
            self.assertIn("event=introspection-failed", t.log())

    def test_old_tls_is_refused(self):
        e = self.endpoint()
        e.context = self.good.context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
        t = self.tokend(e.url())
        self.assertEqual(t.ask("good"), LATER)
        self.assertEqual(e.asked, [])

    def test_clear_text_on_this_machine_only(self):
        e = self.endpoint(None)
        e.answers = {"good": active()}
        t = self.tokend(e.url("127.0.0.1"))
        self.assertEqual(t.ask("good")[0], "active")
        with self.assertRaises(AssertionError):
            self.tokend("http://sso.example.test/")

    def test_a_server_that_is_down_comes_back(self):
        port = free_port()
        t = self.tokend("https://localhost:%d/introspect" % port)
        self.assertEqual(t.ask("good"), LATER)
        e = self.endpoint(port=port)
        e.answers = {"good": active()}
        self.assertEqual(t.ask("good")[0], "active")

    def test_a_slow_server_delays_only_its_questions(self):
        e = self.endpoint()
        e.answers = {"slow%d" % k: slow for k in range(12)}
        e.answers["good"] = active()
        e.answers["known"] = active()
        t = self.tokend(e.url(), "timeout = 2s")
        t.ask("known")
        peers = [t.peer() for _ in range(12)]
        for k, p in enumerate(peers):
            p.send("token", ("token", "slow%d" % k))
        # What is remembered does not wait for them.
        self.assertEqual(t.ask("known")[0], "active")
        for p in peers:
            self.assertEqual(p.receive()["status"], "later")
            p.close()
        # Eight at once, and no more.
        self.assertLessEqual(e.connections, 1 + 12)
        e.release.set()
        self.assertEqual(t.ask("good")[0], "active")

    def test_no_more_than_eight_ask_at_once(self):
        e = self.endpoint()
        e.answers = {"slow%d" % k: slow for k in range(30)}
        t = self.tokend(e.url(), "timeout = 15s")
        peers = [t.peer() for _ in range(30)]
        for k, p in enumerate(peers):
            p.send("token", ("token", "slow%d" % k))
        until(lambda: len(e.asked) >= 8)
        time.sleep(0.5)
        self.assertEqual(len(e.asked), 8)
        e.release.set()
        for p in peers:
            self.assertEqual(p.receive()["status"], "active")
            p.close()
        self.assertEqual(len(e.asked), 30)

    def test_who_dies_is_replaced(self):
        e = self.endpoint()
        e.answers = {"slow": slow, "good": active()}
        t = self.tokend(e.url())
        p = t.peer()
        p.send("token", ("token", "slow"))
        until(lambda: e.asked)
        with open("/proc/%d/task/%d/children" % (t.process.pid, t.process.pid)) as f:
            child = int(f.read().split()[0])
        os.kill(child, signal.SIGKILL)
        self.assertEqual(p.receive()["status"], "later")
        p.close()
        self.assertEqual(t.ask("good")[0], "active")

    def test_without_a_server_it_waits(self):
        t = Tokend("")
        self.addCleanup(t.stop)
        t.start()
        self.assertEqual(t.ask("good"), LATER)
        self.assertIn("event=idle", t.log())

    def test_a_secret_that_cannot_be_read_is_an_error(self):
        for text in (None, "", "a\nb\n", "a" * 2000):
            t = Tokend('introspection-url = "https://localhost/"\nclient-id = "a"\nclient-secret-file = "SECRET"')
            os.unlink(t.secret)
            if text is not None:
                with open(t.secret, "w") as f:
                    f.write(text)
                os.chmod(t.secret, 0o644)
            with self.assertRaises(AssertionError):
                t.start()
            self.assertIn("event=no-client-secret", t.log())
            self.assertEqual(t.process.wait(PATIENCE), 78)
            t.stop()

    def test_only_authd_asks_and_only_this(self):
        t = self.tokend("https://localhost:%d/" % free_port())
        for verb, fields in (("check", (("token", "a"),)), ("token", ()), ("token", (("token", ""),)),
                             ("token", (("token", "a"), ("user", "b"))), ("token", (("token", "a" * 4097),))):
            p = t.peer()
            self.assertTrue(p.refused(verb, *fields))
            p.close()
        if ROOT:
            for user in ("nobody", "merpati-imapd"):
                p = t.peer(user)
                self.assertTrue(p.refused("token", ("token", "a")))
                p.close()
            self.assertEqual(t.peer(None).ask("token", ("token", "a"))["status"], "later")

    def test_it_ends_when_told(self):
        e = self.endpoint()
        e.answers = {"slow": slow}
        t = Tokend('introspection-url = "%s"\nca-file = "%s"' % (e.url(), self.ca.path)).start()
        p = t.peer()
        p.send("token", ("token", "slow"))
        until(lambda: e.asked)
        with open("/proc/%d/task/%d/children" % (t.process.pid, t.process.pid)) as f:
            child = int(f.read().split()[0])
        self.assertEqual(t.stop(), 0)
        self.assertFalse(os.path.exists("/proc/%d" % child))
        p.close()


if __name__ == "__main__":
    unittest.main()
