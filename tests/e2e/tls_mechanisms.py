"""SASL under TLS in imapd and pop3d, answered by authd."""

import base64
import hashlib
import re
import ssl
import tempfile
import unittest

import scram_lib
from remote_certs import Cert
from tls_login_lib import Suite, b64


class Mechanisms(Suite):
    more = 'tls { client-certificates = yes }\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dir = tempfile.mkdtemp(dir=cls.i.home)
        cls.word = "kiosk-word"
        cls.card = Cert(cls.dir, "card")
        with open(cls.card.path) as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        with open(cls.i.dir + "/etc/users", "a") as f:
            f.write("carol@example.test:{PLAIN}%s::::::scram-sha-256=%s\n" % (cls.word, scram_lib.keys(cls.word)))
            f.write("dora@example.test:{PLAIN}x::::::certificate=%s\n" % hashlib.sha256(der).hexdigest())
        p = cls.i.mailctl("reload")
        assert p.returncode == 0, p

    def imap_login(self, c, mechanism, initial, answers):
        """Send each answer to a challenge; the tagged line.  A callable gets the challenge."""
        last = c.ask("a AUTHENTICATE %s%s" % (mechanism, "" if initial is None else " " + initial))
        return self.turns(c, last, answers)

    def pop_login(self, c, mechanism, initial, answers):
        last = c.ask("AUTH %s%s" % (mechanism, "" if initial is None else " " + initial))
        return self.turns(c, last, answers)

    def turns(self, c, last, answers):
        for a in answers:
            self.assertTrue(last.startswith("+ "), last)
            last = c.ask(a(base64.b64decode(last[2:])) if callable(a) else a)
        while last.startswith("* "):
            last = c.line()
        return last

    def both(self, mechanism, initial, answers, wrong=None):
        """With IMAP and with POP3; a wrong one, for which authd lets wait, with one of them.
        initial and answers may be functions of the connection."""
        for kind, make, login, good, bad in (
                ("imap", self.imap, self.imap_login, "a OK ", "a NO [AUTHENTICATIONFAILED]"),
                ("pop", self.pop, self.pop_login, "+OK Logged in", "-ERR [AUTH] Wrong")):
            if wrong not in (None, kind):
                continue
            c = make()
            a = answers(c) if callable(answers) else answers
            first = initial(c) if callable(initial) else initial
            got = login(c, mechanism, first, a)
            self.assertTrue(got.startswith(bad if wrong else good), got)
            c.close()

    def plain(self, user="carol", word=None):
        return b64(("\0%s\0%s" % (self.i.address(user), word or self.word)).encode())

    def test_what_is_announced(self):
        c = self.imap()
        self.assertEqual(c.ask("a CAPABILITY"), "* CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE "
                         "AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN")
        c = self.pop()
        self.assertEqual(c.ask("AUTH"), "+OK")
        self.assertEqual(c.until("."), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN", "."])
        self.assertIn("SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", (c.send("CAPA"), c.until("."))[1])

    def test_plain(self):
        self.both("PLAIN", self.plain(), [])
        self.both("PLAIN", None, [self.plain()])
        self.both("PLAIN", self.plain(word="wrong"), [], "imap")
        self.both("PLAIN", self.plain("nobody"), [], "pop")

    def test_login(self):
        name = b64(self.i.address("carol").encode())
        self.both("LOGIN", None, [name, b64(self.word.encode())])
        self.both("LOGIN", name, [b64(self.word.encode())])
        self.both("LOGIN", None, [name, b64(b"wrong")], "pop")

    def scram(self, mechanism, word, binding=None, user="carol"):
        """(initial, answers) as functions of the connection."""
        def initial(c):
            gs2, data = "n,,", b""
            if binding is not None:
                gs2, data = "p=tls-server-end-point,,", binding(c)
            c.scram = scram_lib.Client(self.i.address(user), word, gs2=gs2, binding=data)
            return b64((gs2 + c.scram.first).encode())

        def answers(c):
            def final(challenge):
                last, proof = c.scram.final(challenge.decode())
                return b64(("%s,p=%s" % (last, proof)).encode())

            def seen(challenge):
                self.assertEqual(challenge.decode(), "v=" + c.scram.signature())
                return ""
            return [final, seen]
        return initial, answers

    @staticmethod
    def end_point(c):
        return hashlib.sha256(c.sock.getpeercert(True)).digest()

    def test_scram(self):
        initial, answers = self.scram("SCRAM-SHA-256", self.word)
        self.both("SCRAM-SHA-256", initial, answers)

    def test_scram_plus(self):
        initial, answers = self.scram("SCRAM-SHA-256-PLUS", self.word, self.end_point)
        self.both("SCRAM-SHA-256-PLUS", initial, answers)

    def test_scram_refusals(self):
        for mechanism, binding, word, user, kind in (
                ("SCRAM-SHA-256", None, "wrong", "alice", "pop"), ("SCRAM-SHA-256", None, "wrong", "nobody", "imap"),
                ("SCRAM-SHA-256-PLUS", lambda c: b"\0" * 32, self.word, "carol", "imap")):
            initial, answers = self.scram(mechanism, word, binding, user)
            self.both(mechanism, initial, lambda c, a=answers: a(c)[:1], kind)

    def test_what_authd_never_hears_of_is_logged(self):
        carol = self.i.address("carol")
        initial, answers = self.scram("SCRAM-SHA-256-PLUS", self.word, lambda c: b"\0" * 32)
        self.both("SCRAM-SHA-256-PLUS", initial, lambda c: answers(c)[:1], "imap")
        self.assertEqual(self.imap().ask("a AUTHENTICATE PLAIN x"), "a BAD The mechanism does not know such a message")
        self.assertIn("may act", self.pop().ask("AUTH PLAIN " + b64(("bob\0%s\0x" % carol).encode())))
        c = self.connect(465)
        c.wrap(self.i.tls())
        self.assertTrue(c.line().startswith("220 "))
        self.assertTrue(c.ask("HELO x").startswith("250 "))
        # It can bind, and says that the server cannot.
        first = b64(("y,,n=%s,r=0123456789abcdef" % carol).encode())
        self.assertTrue(c.ask("AUTH SCRAM-SHA-256 " + first).startswith("535 "))
        for service, program, user, mechanism, reason in (
                ("imap", "imapd", carol, "SCRAM-SHA-256-PLUS", "another connection's binding"),
                ("imap", "imapd", "-", "PLAIN", "not a line of base 64"),
                ("pop3", "pop3d", carol, "PLAIN", "as somebody else"),
                ("smtp", "smtpd", carol, "SCRAM-SHA-256", "binding hidden from client")):
            self.wait_log(program, 'event=sasl-failed service=%s user=%s ip=127.0.0.1 mechanism=%s reason="%s"'
                          % (service, re.escape(user), mechanism, reason))
        # What authd says it logs itself.
        initial, answers = self.scram("SCRAM-SHA-256", "wrong")
        self.both("SCRAM-SHA-256", initial, lambda c: answers(c)[:1], "pop")
        self.wait_log("authd", "event=auth-failed service=pop3 user=%s" % re.escape(carol))
        self.assertNotIn("mechanism=SCRAM-SHA-256 ", self.i.log("pop3d"))

    def test_external(self):
        for tls, word, good in (((self.card.path, self.card.key), "=", True), (None, "=", False)):
            for port, command, right in ((993, "a AUTHENTICATE EXTERNAL ", "a OK "), (995, "AUTH EXTERNAL ", "+OK L")):
                context = self.i.tls()
                if tls:
                    context.load_cert_chain(*tls)
                c = self.connect(port)
                c.wrap(context)
                c.line()
                got = c.ask(command + word)
                self.assertEqual(got.startswith(right), good, got)
                if not good:
                    self.assertIn("That mechanism is not offered", got)

    def test_a_stranger_s_certificate(self):
        other = Cert(self.dir, "other")
        context = self.i.tls()
        context.load_cert_chain(other.path, other.key)
        c = self.connect(993)
        c.wrap(context)
        self.assertIn("AUTH=EXTERNAL", c.line())
        self.assertTrue(c.ask("a AUTHENTICATE EXTERNAL =").startswith("a NO [AUTHENTICATIONFAILED]"))
        self.assertTrue(c.ask("b LOGIN %s %s" % (self.i.address("carol"), self.word)).startswith("b OK"))

    def test_nonsense(self):
        c = self.imap()
        for line, answer in (("a AUTHENTICATE", "a BAD Missing"), ("a AUTHENTICATE CRAM-MD5", "a NO [CANNOT]"),
                             ("a AUTHENTICATE PLAIN !!!", "a BAD"), ("a AUTHENTICATE PLAIN *", "a BAD "),
                             ("a AUTHENTICATE SCRAM-SHA-256 " + b64(b"n,,n=x"), "a BAD"),
                             ("a AUTHENTICATE EXTERNAL", "a NO [CANNOT]")):
            self.assertTrue(c.ask(line).startswith(answer), line)
        self.assertEqual(c.ask("a AUTHENTICATE PLAIN"), "+ ")
        self.assertTrue(c.ask("x" * 20000).startswith("a BAD"))
        self.assertEqual(c.ask("a NOOP"), "a OK NOOP completed")
        long = b64(b"\0" + self.i.address("carol").encode() + b"\0" + b"x" * 1000)
        self.assertTrue(c.ask("a AUTHENTICATE PLAIN " + long).startswith("a NO [AUTHENTICATIONFAILED]"))


if __name__ == "__main__":
    unittest.main()
