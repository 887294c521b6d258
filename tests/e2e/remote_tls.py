#!/usr/bin/env python3
"""remote and TLS: every policy with good hosts and bad ones; AUTH."""

import base64
import hashlib
import hmac
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

import remote_lib
import side_by_side
from remote_lib import LETTER, host_lines


def openssl(*args, **kw):
    return subprocess.run(["openssl"] + list(args), check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          **kw).stdout


def setUpModule():
    """An authority, a certificate of mx.y.test from it, one from nobody."""
    global work
    if not shutil.which("openssl"):
        raise unittest.SkipTest("openssl is not installed")
    work = tempfile.mkdtemp(prefix="mrt", dir="/tmp")
    os.chmod(work, 0o755)
    unittest.addModuleCleanup(shutil.rmtree, work)
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "30"]
    for name in ("ca", "nobody"):
        openssl(*new, "-x509", "-subj", "/CN=" + name, "-keyout",
                work + "/%s.key" % name, "-out", work + "/%s.pem" % name,
                "-addext", "subjectAltName=DNS:mx.y.test")
    openssl(*new, "-subj", "/CN=mx", "-keyout", work + "/mx.key", "-out",
            work + "/mx.csr")
    with open(work + "/ext", "w") as f:
        f.write("subjectAltName=DNS:mx.y.test\n")
    openssl("x509", "-req", "-in", work + "/mx.csr", "-CA", work + "/ca.pem",
            "-CAkey", work + "/ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", work + "/ext", "-out", work + "/mx.pem")
    os.chmod(work + "/ca.pem", 0o644)


def context(name="mx", **kw):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(work + "/%s.pem" % name, work + "/%s.key" % name)
    for k, v in kw.items():
        setattr(c, k, v)
    return c


def tlsa(name="mx"):
    """3 1 1: the hash of the public key."""
    pub = openssl("x509", "-in", work + "/%s.pem" % name, "-noout",
                  "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", input=pub)
    return "3 1 1 " + hashlib.sha256(der).hexdigest()


class Case(remote_lib.Case):
    @classmethod
    def setUpClass(cls):
        cls.settings = {"ca_file": '"%s/ca.pem"' % work,
                        "command_timeout": "4s", "greeting_timeout": "4s"}
        super().setUpClass()

    def open(self, host, lines=None, **kw):
        d = self.remote.open([lines or host_lines()], port=host.port, **kw)
        self.addCleanup(d.close)
        return d

    def failed(self, r, code, words):
        self.assertEqual(r.outcomes[0][:2], ("temp", code), r.outcomes)
        self.assertIn(words, r.outcomes[0][3])
        self.assertTrue(r.destination_failed)
        self.assertFalse(r.kept)


def garbage(conn, line):
    """A host that offers TLS and has none."""
    conn.send("220 go\r\n")
    conn.more()
    conn.send(b"\x15\x03\x01\x00\x02\x02\x28" + b"no tls here\r\n")
    return None


class Policy(Case):
    def test_opportunistic(self):
        for c, version in ((context(), "TLSv1.3"), (context(
                maximum_version=ssl.TLSVersion.TLSv1_2), "TLSv1.2")):
            h = self.host(tls=c)
            d = self.open(h)
            for n in range(3):
                r = d.job()
                self.assertEqual((r.verdicts(), r.tls), (["ok"], version))
                time.sleep(0.1)
            self.assertEqual(h.connections, 1)
            self.assertEqual(h.verbs()[:4],
                             ["EHLO", "STARTTLS", "EHLO", "MAIL"])
            self.assertEqual(h.messages[2][2], LETTER)
            d.close()
            self.assertEqual(h.wait_ended(1), ["quit"])

    def test_large_messages(self):
        letter = b"a: b\r\n\r\n" + b"".join(b".%d\r\n" % n
                                            for n in range(200000))
        for ext in (["PIPELINING"], ["CHUNKING"]):
            h = self.host(tls=context(), ext=ext)
            r = self.open(h).job(letter)
            self.assertEqual(r.verdicts(), ["ok"])
            self.assertEqual(h.messages[0][2], letter)

    def test_off(self):
        h = self.host(tls=context())
        r = self.open(h, tls="off").job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], ""))
        self.assertNotIn("STARTTLS", h.verbs())

    def test_opportunistic_without_an_offer(self):
        h = self.host()
        r = self.open(h).job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], ""))
        for reply in ("454 4.7.0 not now", "501 what", "500 no"):
            h = self.host({"STARTTLS": reply}, tls=context())
            r = self.open(h).job()
            self.assertEqual((r.verdicts(), r.tls), (["ok"], ""))
            self.assertEqual(h.connections, 1)

    def test_broken_tls_is_done_without(self):
        for says in (garbage, lambda c, line: c.send("220 go\r\n") or None,
                     lambda c, line: c.send("220 go\r\n") or time.sleep(30)):
            h = self.host({"STARTTLS": says}, tls=context())
            d = self.open(h)
            r = d.job()
            self.assertEqual((r.verdicts(), r.tls), (["ok"], ""))
            self.assertEqual(h.connections, 2)
            self.assertEqual(h.verbs().count("STARTTLS"), 1)

    def test_and_not_tried_again_at_once(self):
        says = {"STARTTLS": garbage, "QUIT": ""}
        h = self.host(each=[says, dict(says, **{"MAIL": [True, None]}), says],
                      tls=context())
        d = self.open(h)
        for n in range(2):
            self.assertEqual(d.job().verdicts(), ["ok"])
        self.assertEqual(h.connections, 3)
        self.assertEqual(h.verbs().count("STARTTLS"), 1)

    def test_old_tls_is_none(self):
        c = context()
        try:
            c.minimum_version = ssl.TLSVersion.TLSv1
            c.maximum_version = ssl.TLSVersion.TLSv1_1
            c.set_ciphers("ALL:@SECLEVEL=0")
        except (ValueError, ssl.SSLError):
            self.skipTest("this Python has no old TLS")
        h = self.host(tls=c)
        r = self.open(h).job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], ""))
        r = self.open(h, tls="required").job()
        self.failed(r, "4.7.5", "no TLS with")

    def test_required(self):
        h = self.host(tls=context("nobody"))
        r = self.open(h, tls="required").job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], "TLSv1.3"))
        h = self.host()
        self.failed(self.open(h, tls="required").job(), "4.7.4",
                    "offers no TLS")
        h = self.host({"STARTTLS": "454 4.7.0 not now"}, tls=context())
        self.failed(self.open(h, tls="required").job(), "4.7.0",
                    "454 4.7.0 not now")
        h = self.host({"STARTTLS": garbage}, tls=context())
        self.failed(self.open(h, tls="required").job(), "4.7.5",
                    "no TLS with mx.y.test[127.0.0.1]")
        self.assertEqual(h.connections, 1)
        h = self.host({"EHLO": "500 what"}, tls=context())
        self.failed(self.open(h, tls="required").job(), "4.7.4",
                    "offers no TLS")
        self.assertEqual(h.messages, [])

    def test_verified(self):
        h = self.host(tls=context())
        r = self.open(h, tls="verified").job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"],
                                                 "TLSv1.3 verified"))
        r = self.open(h, host_lines("other.y.test"), tls="verified").job()
        self.failed(r, "4.7.5", "no TLS with other.y.test")
        h = self.host(tls=context("nobody"))
        r = self.open(h, tls="verified").job()
        self.failed(r, "4.7.5", "no TLS with")
        self.assertEqual(h.connections, 1)
        self.assertEqual(h.messages, [])

    def test_words_before_the_handshake(self):
        """RFC 3207 6: what comes behind 220 in the clear is not ours."""
        for tls in ("opportunistic", "required"):
            h = self.host({"STARTTLS": lambda c, line: c.send(
                "220 go\r\n250 fake\r\n250 ok\r\n") or time.sleep(1)},
                tls=context())
            r = self.open(h, tls=tls).job()
            self.assertEqual(r.verdicts(), ["temp"])
            self.assertEqual(h.connections, 1)

    def test_a_host_that_ends_tls_between_jobs(self):
        def dot(conn, line):
            conn.send("250 2.0.0 taken\r\n")
            time.sleep(0.2)
            conn.sock = conn.sock.unwrap()
            return None
        h = self.host(each=[{".": dot}, {}], tls=context())
        d = self.open(h)
        self.assertEqual(d.job().verdicts(), ["ok"])
        time.sleep(0.5)
        self.assertEqual(d.job().verdicts(), ["ok"])
        self.assertEqual(h.connections, 2)

    def test_port_465(self):
        try:
            h = self.host(address="127.0.0.46", port=465, tls=context(),
                          implicit=True)
        except OSError:
            self.skipTest("port 465 cannot be had")
        lines = host_lines(addrs=["127.0.0.46"])
        for tls, name in (("off", "TLSv1.3"), ("required", "TLSv1.3"),
                          ("verified", "TLSv1.3 verified")):
            r = self.open(h, lines, tls=tls).job()
            self.assertEqual((r.verdicts(), r.tls), (["ok"], name))
        self.assertNotIn("STARTTLS", h.verbs())

    def test_lmtp(self):
        h = self.host(tls=context(), lmtp=True)
        r = self.open(h, lmtp=1, tls="required").job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], "TLSv1.3"))
        self.assertEqual(h.verbs()[:3], ["LHLO", "STARTTLS", "LHLO"])


class Dane(Case):
    def lines(self, records, **kw):
        return host_lines(secure=1, dane="tlsa", tlsa=records, **kw)

    def test_the_right_key(self):
        h = self.host(tls=context("nobody"))
        for tls in ("opportunistic", "required"):
            r = self.open(h, self.lines([tlsa("nobody")]), tls=tls).job()
            self.assertEqual((r.verdicts(), r.tls), (["ok"], "TLSv1.3 dane"))

    def test_one_of_several(self):
        h = self.host(tls=context())
        r = self.open(h, self.lines([tlsa("nobody"), tlsa()])).job()
        self.assertEqual(r.tls, "TLSv1.3 dane")

    def test_the_wrong_key(self):
        h = self.host(tls=context())
        for tls in ("opportunistic", "required"):
            r = self.open(h, self.lines([tlsa("nobody")]), tls=tls).job()
            self.failed(r, "4.7.5", "no TLS with")
        self.assertEqual(h.messages, [])

    def test_no_tls_where_dane_promises_it(self):
        h = self.host()
        self.failed(self.open(h, self.lines([tlsa()])).job(), "4.7.4",
                    "offers no TLS")
        h = self.host({"STARTTLS": garbage}, tls=context())
        self.failed(self.open(h, self.lines([tlsa()])).job(), "4.7.5",
                    "no TLS with")
        self.assertEqual(h.connections, 1)

    def test_records_nobody_can_use(self):
        h = self.host(tls=context())
        record = "0 0 1 " + "00" * 32
        r = self.open(h, self.lines([record])).job()
        self.assertEqual((r.verdicts(), r.tls), (["ok"], "TLSv1.3"))
        self.failed(self.open(self.host(), self.lines([record])).job(),
                    "4.7.4", "offers no TLS")

    def test_a_wrong_host_leads_to_the_next(self):
        bad = self.host(tls=context("nobody"), address="127.0.0.47")
        good = self.host(tls=context(), address="127.0.0.48", port=bad.port)
        r = self.open(bad, self.lines([tlsa()], addrs=["127.0.0.47"]) +
                      self.lines([tlsa()], name="two.y.test",
                                 addrs=["127.0.0.48"], preference=20)).job()
        self.assertEqual((r.verdicts(), r.host, r.tls),
                         (["ok"], "two.y.test", "TLSv1.3 dane"))
        self.assertEqual(len(good.messages), 1)

    def test_hidden_records(self):
        h = self.host(tls=context())
        lost = host_lines(secure=1, dane="failed")
        for tls in ("opportunistic", "required"):
            self.failed(self.open(h, lost, tls=tls).job(), "4.7.5", "TLSA")
        self.assertEqual(h.connections, 0)
        for tls in ("off", "verified"):
            self.assertEqual(self.open(h, lost, tls=tls).job().verdicts(),
                             ["ok"])


def b64(s):
    return base64.b64encode(s.encode() if isinstance(s, str) else s).decode()


def unb64(s):
    return base64.b64decode(s).decode()


class Scram:
    """The server's side of SCRAM-SHA-256, without channel binding."""

    def __init__(self, password, lie=False):
        self.password, self.lie = password, lie

    def __call__(self, conn, line):
        words = line.split()
        if words[1] != "SCRAM-SHA-256":
            return "504 5.5.4 unknown"
        bare = unb64(words[2]).split(",", 2)[2]
        nonce = dict(x.split("=", 1) for x in bare.split(","))["r"] + "srv"
        salt = b"0123456789abcdef"
        first = "r=%s,s=%s,i=4096" % (nonce, b64(salt))
        conn.send("334 %s\r\n" % b64(first))
        final = unb64(conn.line())
        without, proof = final.rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt,
                                     4096)

        def mac(key, text):
            return hmac.new(key, text.encode(), hashlib.sha256).digest()
        auth = ",".join((bare, first, without))
        key = mac(salted, "Client Key")
        sign = mac(hashlib.sha256(key).digest(), auth)
        want = bytes(a ^ b for a, b in zip(key, sign))
        if not hmac.compare_digest(want, base64.b64decode(proof)):
            return "535 5.7.8 wrong"
        v = mac(mac(salted, "Server Key"), auth)
        conn.send("334 %s\r\n" % b64("v=" + b64(v if not self.lie else
                                                bytes(32))))
        answer = conn.line()
        if answer == "*":
            return "501 5.7.0 cancelled"
        return "235 2.7.0 welcome"


class Auth(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.remote.dir + "/etc/password"
        with open(cls.file, "w") as f:
            f.write("s3cret +=\nnot this\n")
        os.chown(cls.file, cls.remote.uid, -1)
        os.chmod(cls.file, 0o600)

    def login(self, host, **kw):
        kw.setdefault("user", "u@x.test")
        kw.setdefault("password_file", self.file)
        return self.open(host, **kw).job()

    def test_plain_under_tls(self):
        h = self.host({"AUTH": "235 2.7.0 welcome"}, tls=context(),
                      auth="LOGIN PLAIN")
        r = self.login(h)
        self.assertEqual(r.verdicts(), ["ok"])
        line = [c for c in h.commands if c.startswith("AUTH")]
        self.assertEqual(line, ["AUTH PLAIN " + b64("\0u@x.test\0s3cret +=")])
        self.assertNotIn("s3cret", self.remote.log())

    def test_login_under_tls(self):
        got = []

        def login(conn, line):
            conn.send("334 %s\r\n" % b64("Username:"))
            got.append(unb64(conn.line()))
            conn.send("334 %s\r\n" % b64("Password:"))
            got.append(unb64(conn.line()))
            return "235 2.7.0 welcome"
        h = self.host({"AUTH": login}, tls=context(), auth="LOGIN")
        self.assertEqual(self.login(h).verdicts(), ["ok"])
        self.assertEqual(got, ["u@x.test", "s3cret +="])

    def test_never_in_the_clear(self):
        for mechanisms in ("PLAIN LOGIN", "LOGIN", "CRAM-MD5", ""):
            h = self.host({"AUTH": "235 welcome"}, auth=mechanisms)
            self.failed(self.login(h), "4.7.0", "no authentication with")
            self.assertNotIn("AUTH", h.verbs())
        h = self.host({"AUTH": "235 welcome", "STARTTLS": garbage},
                      auth="PLAIN", tls=context())
        self.failed(self.login(h), "4.7.0", "no authentication with")
        self.assertNotIn("AUTH", h.verbs())

    def test_scram(self):
        for kw in ({}, {"tls": context()}):
            h = self.host({"AUTH": Scram("s3cret +=")},
                          auth="PLAIN SCRAM-SHA-256", **kw)
            self.assertEqual(self.login(h).verdicts(), ["ok"])

    def test_a_server_that_does_not_know_the_password(self):
        h = self.host({"AUTH": Scram("s3cret +=", lie=True)},
                      auth="SCRAM-SHA-256")
        self.failed(self.login(h), "4.7.0", "no authentication with")
        h = self.host({"AUTH": "235 2.7.0 come in"}, auth="SCRAM-SHA-256")
        self.failed(self.login(h), "4.7.0", "without knowing the password")
        self.assertEqual(h.messages, [])

    def test_a_wrong_password(self):
        h = self.host({"AUTH": Scram("other")}, auth="SCRAM-SHA-256")
        self.failed(self.login(h), "4.7.8", "535 5.7.8 wrong")
        for reply in ("535 5.7.8 no", "454 4.7.0 later", None, "",
                      "334 " + "A" * 3000, "334 !!!"):
            h = self.host({"AUTH": reply}, tls=context(), auth="PLAIN")
            r = self.login(h)
            self.assertEqual(r.verdicts(), ["temp"], reply)
            self.assertTrue(r.destination_failed)
            self.assertEqual(h.messages, [])

    def test_challenges_without_an_end(self):
        def ask(conn, line):
            for _ in range(1000):
                conn.send("334 \r\n")
                if conn.line() == "*":
                    return "501 cancelled"
            return "235 at last"
        for mechanisms in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            h = self.host({"AUTH": ask}, tls=context(), auth=mechanisms)
            r = self.login(h)
            self.assertEqual(r.verdicts(), ["temp"], mechanisms)
            self.assertTrue(r.destination_failed)

    def test_no_offer(self):
        h = self.host(tls=context())
        self.failed(self.login(h), "4.7.0", "no authentication with")

    def test_no_password(self):
        h = self.host({"AUTH": "235 welcome"}, tls=context(), auth="PLAIN")
        for name in ("/nonexistent", self.remote.dir, "/dev/zero"):
            self.failed(self.login(h, password_file=name), "4.3.5",
                        "cannot be read here")
        self.remote.wait_log("event=password-file-unreadable")
        self.assertEqual(h.messages, [])

    def test_without_a_user_there_is_none(self):
        h = self.host(tls=context(), auth="PLAIN")
        self.assertEqual(self.login(h, user="").verdicts(), ["ok"])
        self.assertNotIn("AUTH", h.verbs())


if __name__ == "__main__":
    side_by_side.main()
