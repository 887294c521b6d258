#!/usr/bin/env python3
"""remote, TLS and AUTH when the host or somebody on the way cheats: what is
never sent, whatever they try.  remote_tls.py has the policies themselves."""

import base64
import hashlib
import hmac
import os
import shutil
import ssl
import tempfile
import threading
import time
import unittest

import remote_lib
import side_by_side
from harness import until
from instance import need
from remote_certs import Cert
from remote_lib import BAD, LETTER, host_lines

HOST = "mx.y.test"
SETTINGS = {"command_timeout": "4s", "greeting_timeout": "4s"}
need("openssl")


class Case(remote_lib.Case):
    """With certificates."""

    bad = BAD + ("hunter2",)

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="mt", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        os.chmod(cls.dir, 0o755)
        cls.ca = Cert(cls.dir, "ca")
        cls.good = Cert(cls.dir, "good", cls.ca, "DNS:" + HOST)
        cls.wrong = Cert(cls.dir, "wrong", cls.ca, "DNS:mx.evil.test")
        cls.expired = Cert(cls.dir, "expired", cls.ca, "DNS:" + HOST, -1)
        cls.own = Cert(cls.dir, "own", None, "DNS:" + HOST)
        cls.settings = dict(SETTINGS, ca_file='"%s"' % cls.ca.path)
        super().setUpClass()

    def one(self, host, message=LETTER, dane=None, **kw):
        """A job of its own: the result.  dane: TLSA records."""
        line = host_lines(HOST, [host.address], secure=int(bool(dane)),
                          dane="tlsa" if dane else "none", tlsa=dane or ())
        with self.remote.open([line], port=host.port, **kw) as d:
            return d.job(message)

    def goes(self, host, shown, **kw):
        r = self.one(host, **kw)
        self.assertEqual(r.verdicts(), ["ok"], r.outcomes)
        self.assertEqual(r.tls, shown)
        self.assertEqual([m[2] for m in host.messages], [LETTER])
        return r

    def stays(self, host, said, code, **kw):
        """Put off, and the host has seen no more than EHLO."""
        r = self.one(host, **kw)
        self.assertEqual(r.outcomes[0][:2], ("temp", code), r.outcomes)
        self.assertIn(said, r.outcomes[0][3])
        self.assertTrue(r.destination_failed)
        self.assertLessEqual(set(host.verbs()),
                             {"EHLO", "STARTTLS", "QUIT", "AUTH", "*"})
        self.assertEqual(host.messages, [])
        return r


def garbage(conn, line):
    conn.send("220 go\r\n")
    conn.more()
    conn.send("500 what is that?\r\n")
    conn.more()
    return None


def cut(conn, line):
    conn.send("220 go\r\n")
    conn.more()
    return None


def silence(conn, line):
    conn.send("220 go\r\n")
    while True:
        conn.more()


def trickle(conn, line):
    conn.send("220 go\r\n")
    conn.more()
    conn.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0")
    while True:
        conn.send(b"x")
        time.sleep(0.05)


HALFWAY = (("garbage", garbage, "not TLS"), ("cut", cut, "closed"),
           ("silence", silence, "timed out"),
           ("trickle", trickle, "timed out"))


class Opportunistic(Case):
    def test_offered_is_taken_whatever_the_certificate(self):
        for cert in (self.own, self.good, self.wrong, self.expired):
            h = self.host(tls=cert.context())
            self.goes(h, "TLSv1.3")
            # RFC 3207 4.2: what was learnt before TLS is forgotten.
            self.assertEqual(h.verbs()[:4],
                             ["EHLO", "STARTTLS", "EHLO", "MAIL"])

    def test_failing_halfway_means_clear_on_a_new_connection(self):
        for name, how, why in HALFWAY:
            with self.subTest(name):
                h = self.host({"STARTTLS": how}, tls=self.own.context())
                self.goes(h, "")
                self.assertEqual(h.connections, 2)
                self.assertEqual(h.verbs().count("STARTTLS"), 1)
                self.remote.wait_log(why)

    def test_refused_after_the_handshake(self):
        """A host that wants our certificate says so late in TLS 1.3."""
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            c = self.own.context(newest=newest)
            c.load_verify_locations(self.ca.path)
            c.verify_mode = ssl.CERT_REQUIRED
            h = self.host(tls=c)
            self.goes(h, "")
            self.assertEqual(h.connections, 2)
            h = self.host(tls=c)
            r = self.one(h, tls="required")
            self.assertEqual(r.verdicts(), ["temp"])
            self.assertIn(r.outcomes[0][1], ("4.4.2", "4.7.5"))
            self.assertEqual(h.messages, [])

    def test_injected_replies_end_it(self):
        def inject(conn, line):
            conn.send("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")
            conn.more()
            return None
        h = self.host({"STARTTLS": inject}, tls=self.own.context())
        r = self.one(h)
        self.assertEqual(r.verdicts(), ["temp"])
        self.assertEqual(r.outcomes[0][1], "4.7.0")
        self.assertEqual(h.messages, [])
        self.assertEqual(h.connections, 1)

    def test_features_in_clear_do_not_count(self):
        """Somebody on the way writes SIZE 5 and no 8BITMIME."""
        h = self.host({"EHLO": ["250-x\r\n250-SIZE 5\r\n250 STARTTLS", True]},
                      tls=self.own.context())
        self.goes(h, "TLSv1.3")
        self.assertIn(" SIZE=", h.messages[0][0])

    def test_an_idle_421_is_noticed(self):
        """Even before the connection ends."""
        sent = []

        def idle(conn):
            time.sleep(0.1)
            conn.send("421 4.4.2 too long idle\r\n")
            sent.append(conn)

        def taken(conn, line):
            threading.Thread(target=idle, args=(conn,), daemon=True).start()
            return True
        for tls in (self.own.context(), None):
            h = self.host({".": taken}, tls=tls)
            with self.remote.open([h]) as d:
                for _ in range(3):
                    before = len(sent)
                    self.assertEqual(d.job().verdicts(), ["ok"])
                    until(lambda: len(sent) > before)
            self.assertEqual(h.connections, 3)


class Required(Case):
    def test_nothing_goes_in_clear(self):
        self.stays(self.host(), "no TLS", "4.7.4", tls="required")
        for reply in ("454 4.7.0 not now", "502 5.5.1 what"):
            h = self.host({"STARTTLS": reply}, tls=self.own.context())
            self.stays(h, reply, reply[4:9].replace("5.", "4.", 1),
                       tls="required")
        for name, how, why in HALFWAY:
            with self.subTest(name):
                h = self.host({"STARTTLS": how}, tls=self.own.context())
                self.stays(h, why, "4.7.5", tls="required")
                self.assertEqual(h.connections, 1)
        v = ssl.TLSVersion.TLSv1_1
        self.stays(self.host(tls=self.own.context(ssl.TLSVersion.TLSv1, v)),
                   "no TLS version", "4.7.5", tls="required")

    def test_starttls_struck_out_of_the_list(self):
        h = self.host({"EHLO": "250-x\r\n250 XXXXXXXA"},
                      tls=self.own.context())
        self.stays(h, "no TLS", "4.7.4", tls="required")

    def test_the_next_host_is_tried(self):
        self.next_host("required", {}, "TLSv1.3")

    def next_host(self, tls, first, shown):
        bad = self.host(address="127.0.0.1", **first)
        good = self.host(address="127.0.0.2", port=bad.port,
                         tls=self.good.context())
        with self.remote.open([host_lines(HOST, ["127.0.0.1"], 10),
                               host_lines(HOST, ["127.0.0.2"], 20)],
                              port=bad.port, tls=tls) as d:
            r = d.job()
        self.assertEqual((r.verdicts(), r.addr, r.tls),
                         (["ok"], "127.0.0.2", shown))
        self.assertEqual(bad.messages, [])
        self.assertEqual(len(good.messages), 1)

    def test_verified(self):
        self.goes(self.host(tls=self.good.context()), "TLSv1.3 verified",
                  tls="verified")
        for cert, why in ((self.wrong, "hostname mismatch"),
                          (self.expired, "expired"),
                          (self.own, "self-signed")):
            h = self.host(tls=cert.context())
            self.stays(h, why, "4.7.5", tls="verified")
            self.assertEqual(h.connections, 1)
        self.stays(self.host(), "no TLS", "4.7.4", tls="verified")
        self.next_host("verified", {"tls": self.wrong.context()},
                       "TLSv1.3 verified")

    @unittest.skipIf(os.geteuid(), "port 465 takes root")
    def test_implicit_tls(self):
        def on_465(*args, **kw):
            try:
                return self.host(*args, address="127.0.0.77", port=465, **kw)
            except OSError as e:
                self.skipTest("port 465: %s" % e)
        h = on_465(tls=self.good.context(), implicit=True)
        for tls, shown in (("opportunistic", ""), ("required", ""),
                           ("verified", " verified")):
            self.goes(h, "TLSv1.3" + shown, tls=tls)
            h.messages.clear()
        self.assertNotIn("STARTTLS", h.verbs())
        h.close()
        # A host that greets in clear there is not spoken to.
        h = on_465()
        self.stays(h, "not TLS", "4.7.5")
        h.close()


class Dane(Case):
    def test_right(self):
        for cert, record in ((self.own, (3, 1, 1)), (self.wrong, (3, 0, 2)),
                             (self.expired, (3, 1, 1))):
            self.goes(self.host(tls=cert.context()), "TLSv1.3 dane",
                      dane=[cert.tlsa(*record)])
        self.goes(self.host(tls=self.good.context()), "TLSv1.3 dane",
                  dane=[self.ca.tlsa(2, 0, 1)])
        self.goes(self.host(tls=self.good.context()), "TLSv1.3 dane",
                  dane=[self.own.tlsa(3, 1, 1), self.good.tlsa(3, 1, 1)],
                  tls="required")

    def test_wrong(self):
        for cert, tlsa, why in (
                (self.good, self.own.tlsa(3, 1, 1), "TLSA"),
                (self.good, self.own.tlsa(2, 0, 1), "certificate refused"),
                (self.wrong, self.ca.tlsa(2, 0, 1), "hostname mismatch"),
                (self.expired, self.ca.tlsa(2, 0, 1), "expired")):
            h = self.host(tls=cert.context())
            self.stays(h, why, "4.7.5", dane=[tlsa])
            self.assertEqual(h.connections, 1)

    def test_clear_is_no_way_out(self):
        dane = [self.own.tlsa(3, 1, 1)]
        self.stays(self.host(), "no TLS", "4.7.4", dane=dane)
        h = self.host({"STARTTLS": "454 4.7.0 no"}, tls=self.own.context())
        self.stays(h, "454", "4.7.0", dane=dane)
        for name, how, why in HALFWAY:
            with self.subTest(name):
                h = self.host({"STARTTLS": how}, tls=self.own.context())
                self.stays(h, why, "4.7.5", dane=dane)

    def test_unusable_records_mean_encrypted(self):
        """RFC 7672 2.2."""
        for tlsa in (self.good.tlsa(1, 1, 1), self.ca.tlsa(0, 0, 1),
                     "3 1 9 00", "9 9 9 00"):
            self.goes(self.host(tls=self.own.context()), "TLSv1.3",
                      dane=[tlsa])
            self.stays(self.host(), "no TLS", "4.7.4", dane=[tlsa])
        # One that is usable counts, and it is wrong.
        self.stays(self.host(tls=self.own.context()), "TLSA", "4.7.5",
                   dane=[self.own.tlsa(1, 1, 1), self.good.tlsa(3, 1, 1)])

    def test_a_wrong_host_is_passed_over(self):
        self.passed_over("tlsa", [self.good.tlsa(3, 1, 1)], 1)

    def test_a_host_without_an_answer_to_tlsa_is_not_spoken_to(self):
        """RFC 7672 2.1.1: somebody may have kept the answer from us."""
        self.passed_over("failed", [], 0)

    def passed_over(self, dane, tlsa, connections):
        bad = self.host(tls=self.own.context(), address="127.0.0.1")
        good = self.host(tls=self.own.context(), address="127.0.0.2",
                         port=bad.port)
        with self.remote.open(
                [host_lines("a." + HOST, ["127.0.0.1"], 10, 1, dane, tlsa),
                 host_lines(HOST, ["127.0.0.2"], 20, 1, "tlsa",
                            [self.own.tlsa(3, 1, 1)])],
                port=bad.port) as d:
            r = d.job()
        self.assertEqual((r.verdicts(), r.addr, r.tls),
                         (["ok"], "127.0.0.2", "TLSv1.3 dane"))
        self.assertEqual(bad.connections, connections)
        self.assertEqual(bad.messages, [])
        self.assertEqual(len(good.messages), 1)


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else
                            data.encode()).decode()


class Login:
    """AUTH on a host: knows "user" and "hunter2"; rounds, lie: how the
    server's side of SCRAM goes wrong."""

    def __init__(self, rounds=4096, lie=None):
        self.rounds, self.lie = rounds, lie
        self.mechanism = self.bound = None
        self.heard = []

    def __call__(self, conn, line):
        words = line.split()
        self.mechanism = words[1]
        initial = words[2] if len(words) > 2 else None
        good = getattr(self, words[1].split("-")[0].lower())(
            conn, initial, words[1])
        return "235 2.7.0 welcome" if good else "535 5.7.8 no"

    def ask(self, conn, text):
        conn.send("334 %s\r\n" % b64(text))
        answer = conn.line()
        if answer == "*":
            raise EOFError("cancelled")
        return base64.b64decode(answer)

    def plain(self, conn, initial, mechanism):
        self.heard.append(base64.b64decode(initial))
        return self.heard[-1] == b"\0user\0hunter2"

    def login(self, conn, initial, mechanism):
        self.heard = [self.ask(conn, "Username:"),
                      self.ask(conn, "Password:")]
        return self.heard == [b"user", b"hunter2"]

    def scram(self, conn, initial, mechanism):
        if self.lie == "at once":
            return True
        name = "sha256" if "SHA-256" in mechanism else "sha1"
        first = base64.b64decode(initial).decode()
        flag, _, bare = first.split(",", 2)
        binding = b""
        if mechanism.endswith("-PLUS"):
            self.bound = flag
            binding = conn.sock.get_channel_binding("tls-unique")
        nonce = bare.split("r=")[1] + "%server"
        salt = b"0123456789abcdef"
        question = "r=%s,s=%s,i=%d" % (nonce, b64(salt), self.rounds)
        answer = self.ask(conn, question).decode()
        head, proof = answer.rsplit(",p=", 1)
        if head != "c=%s,r=%s" % (b64((flag + ",,").encode() + binding),
                                  nonce):
            return False

        def mac(key, what):
            return hmac.digest(key, what, name)
        salted = hashlib.pbkdf2_hmac(name, b"hunter2", salt, self.rounds)
        auth = ",".join((bare, question, head)).encode()
        key = mac(salted, b"Client Key")
        sign = mac(hashlib.new(name, key).digest(), auth)
        if base64.b64decode(proof) != bytes(
                a ^ b for a, b in zip(key, sign)):
            return False
        if self.lie == "no signature":
            return True
        server = mac(mac(salted, b"Server Key"), auth)
        if self.lie == "signature":
            server = bytes(len(server))
        self.ask(conn, "v=" + b64(server))
        return True


class Sasl(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.words = {}
        for name, word in (("good", "hunter2\n"), ("bad", "wrong"),
                           ("empty", "")):
            cls.words[name] = os.path.join(cls.remote.dir, "etc", name)
            with open(cls.words[name], "w") as f:
                f.write(word)
            os.chown(cls.words[name], cls.remote.uid, -1)
            os.chmod(cls.words[name], 0o400)

    def kw(self, word="good", **kw):
        return dict(user="user", password_file=self.words.get(word, word),
                    **kw)

    def with_auth(self, mechanisms, login=None, tls=True, newest=None):
        login = login or Login()
        return login, self.host(
            {"AUTH": login}, auth=mechanisms,
            tls=self.own.context(newest=newest) if tls else None)

    def test_each_mechanism(self):
        for mech in ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"):
            login, h = self.with_auth(mech)
            self.goes(h, "TLSv1.3", **self.kw())
            self.assertEqual(login.mechanism, mech)
            login, h = self.with_auth(mech)
            self.stays(h, "535", "4.7.8", **self.kw("bad"))

    def test_bound_to_the_channel(self):
        for mech in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"):
            login, h = self.with_auth("PLAIN SCRAM-SHA-256 " + mech,
                                      newest=ssl.TLSVersion.TLSv1_2)
            self.goes(h, "TLSv1.2", **self.kw())
            self.assertEqual((login.mechanism, login.bound),
                             (mech, "p=tls-unique"))

    def test_the_best_is_chosen(self):
        login, h = self.with_auth("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 "
                                  "SCRAM-SHA-256 NTLM EXTERNAL")
        self.goes(h, "TLSv1.3", **self.kw())
        self.assertEqual(login.mechanism, "SCRAM-SHA-256")

    def test_the_list_under_tls_counts(self):
        login, h = self.with_auth("PLAIN")
        h.each[0]["EHLO"] = ["250-x\r\n250-AUTH LOGIN\r\n250 STARTTLS", True]
        self.goes(h, "TLSv1.3", **self.kw())
        self.assertEqual(login.mechanism, "PLAIN")

    def test_no_password_in_clear(self):
        for mechs in ("PLAIN LOGIN", "CRAM-MD5", "SCRAM-SHA-256-PLUS"):
            login, h = self.with_auth(mechs, tls=False)
            self.stays(h, "no SASL mechanism", "4.7.0", **self.kw())
            self.assertIsNone(login.mechanism)
        # Proving that one knows it is another matter.
        login, h = self.with_auth("PLAIN SCRAM-SHA-1", tls=False)
        self.goes(h, "", **self.kw())
        self.assertEqual(login.mechanism, "SCRAM-SHA-1")

    def test_who_does_not_know_the_password_gets_no_letter(self):
        for lie in ("at once", "no signature", "signature"):
            login, h = self.with_auth("SCRAM-SHA-256", Login(lie=lie))
            r = self.one(h, **self.kw())
            self.assertEqual(r.verdicts(), ["temp"], lie)
            self.assertEqual(h.messages, [])
            self.assertNotIn("MAIL", h.verbs())

    def test_rounds_are_bounded(self):
        for rounds in (1, 4095, 1000001, 4294967295):
            login, h = self.with_auth("SCRAM-SHA-256", Login(rounds))
            started = time.monotonic()
            r = self.one(h, **self.kw())
            self.assertIn("rounds", r.outcomes[0][3])
            self.assertLess(time.monotonic() - started, 40)
            self.assertEqual(h.messages, [])

    def test_challenges_are_bounded(self):
        for bad in ("334 " + "A" * 3000, "334 ====", "334 \u00e4", "334",
                    "334-x\r\n334 y"):
            h = self.host({"AUTH": bad, "*": "501 ok"}, tls=self.own.context(),
                          auth="SCRAM-SHA-256")
            self.assertEqual(self.one(h, **self.kw()).verdicts(), ["temp"])
            self.assertEqual(h.messages, [])

    def test_temporary_trouble_is_told_in_the_host_s_words(self):
        h = self.host({"AUTH": "454 4.7.0 try later"}, auth="PLAIN",
                      tls=self.own.context())
        self.stays(h, "454 4.7.0 try later", "4.7.0", **self.kw())

    def test_the_login_holds_for_further_letters(self):
        login, h = self.with_auth("SCRAM-SHA-256")
        with self.remote.open([h], **self.kw()) as d:
            for _ in range(3):
                self.assertEqual(d.job().verdicts(), ["ok"])
        self.assertEqual(h.verbs().count("AUTH"), 1)


if __name__ == "__main__":
    side_by_side.main()
