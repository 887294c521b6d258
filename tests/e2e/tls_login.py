"""TLS of imapd and pop3d up to the login, with the whole suite: every port,
real clients, every mechanism, and who plays foul."""

import base64
import hashlib
import imaplib
import os
import poplib
import re
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import warnings

import scram_lib
from harness import PATIENCE
from imap_tools import letter, ok
from instance import Instance, need, wait_for
from net import Net, need_net
from remote_certs import Cert

warnings.simplefilter("ignore", DeprecationWarning)     # of old TLS versions, tried on purpose
USERS = ("alice", "bob", "curl", "mbsync", "fetchmail", "mpop")
CONFIG = {"": {"log-level": '"debug"'}, "keyd": {"check": "1s"}}


def b64(octets):
    return base64.b64encode(octets).decode()


class Lines:
    """A connection that speaks in lines, TLS or not."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE)
        self.buf = b""

    def line(self):
        while b"\n" not in self.buf:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buf)
            self.buf += more
        line, _, self.buf = self.buf.partition(b"\n")
        return line.decode().rstrip("\r")

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def ask(self, text):
        self.send(text)
        return self.line()

    def until(self, start):
        """Lines up to and with the one that starts so."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        return lines

    def over(self):
        """The server has nothing more to say."""
        try:
            return self.buf == b"" and self.sock.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def wrap(self, context, name="127.0.0.1"):
        assert self.buf == b"", self.buf
        self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def close(self):
        self.sock.close()


class Suite(unittest.TestCase):
    config = CONFIG
    more = ""

    @classmethod
    def setUpClass(cls):
        need("openssl")
        cls.i = Instance(USERS, config=cls.config, more_config=cls.more)
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def connect(self, port, address="127.0.0.1"):
        c = Lines(socket.create_connection((address, self.i.port(port)), PATIENCE))
        self.addCleanup(c.close)
        return c

    def imap(self, **attributes):
        """Past STARTTLS, before the login."""
        c = self.connect(143)
        self.assertIn(" STARTTLS", c.line())
        self.assertEqual(c.ask("s STARTTLS"), "s OK Begin TLS now")
        c.wrap(self.i.tls(**attributes))
        return c

    def pop(self, **attributes):
        c = self.connect(110)
        c.line()
        self.assertEqual(c.ask("STLS"), "+OK Begin TLS now")
        c.wrap(self.i.tls(**attributes))
        return c

    def fill(self, user, n=1):
        before = len(self.i.deliveries(user))
        with self.i.smtp() as s:
            for k in range(n):
                s.sendmail("bob@example.test", [self.i.address(user)], letter("letter %d" % k))
        wait_for(lambda: len(self.i.deliveries(user)) >= before + n)

    def wait_log(self, service, pattern):
        wait_for(lambda: re.search(pattern, self.i.log(service)))

    def program(self, argv, code=0, **keys):
        r = subprocess.run(argv, capture_output=True, timeout=2 * PATIENCE, **keys)
        self.assertEqual(r.returncode, code, r.stdout[-3000:] + r.stderr[-3000:])
        return r.stdout + r.stderr


class Ports(Suite):
    """Four ports, right and wrong passwords, several kinds of client."""

    def wrong(self, login):
        with self.assertRaises((imaplib.IMAP4.error, poplib.error_proto)) as e:
            login()
        self.assertRegex(str(e.exception), "AUTHENTICATIONFAILED|AUTH")

    def test_python_imap(self):
        alice, right = self.i.address("alice"), self.i.password("alice")
        for context in (self.i.tls(), self.i.tls(maximum_version=ssl.TLSVersion.TLSv1_2)):
            for port in (143, 993):
                if port == 993:
                    c = imaplib.IMAP4_SSL("127.0.0.1", self.i.port(port), ssl_context=context, timeout=PATIENCE)
                else:
                    c = imaplib.IMAP4("127.0.0.1", self.i.port(port), timeout=PATIENCE)
                    self.assertIn("STARTTLS", c.capabilities)
                    ok(c.starttls(context))
                self.assertNotIn("STARTTLS", c.capabilities)
                self.assertNotIn("LOGINDISABLED", c.capabilities)
                self.assertIn("AUTH=PLAIN", c.capabilities)
                if context.maximum_version != ssl.TLSVersion.TLSv1_2:
                    self.wrong(lambda: c.login(alice, "wrong"))
                ok(c.login(alice, right))
                ok(c.select())
                c.logout()

    def test_python_pop(self):
        for context in (self.i.tls(), self.i.tls(maximum_version=ssl.TLSVersion.TLSv1_2)):
            for port in (110, 995):
                if port == 995:
                    c = poplib.POP3_SSL("127.0.0.1", self.i.port(port), context=context, timeout=PATIENCE)
                else:
                    c = poplib.POP3("127.0.0.1", self.i.port(port), timeout=PATIENCE)
                    self.assertIn("STLS", c.capa())
                    c.stls(context)
                capa = c.capa()
                self.assertNotIn("STLS", capa)
                self.assertIn("PLAIN", capa["SASL"])
                if context.maximum_version != ssl.TLSVersion.TLSv1_2:
                    c.user(self.i.address("bob"))
                    self.wrong(lambda: c.pass_("wrong"))
                c.user(self.i.address("alice"))
                self.assertTrue(c.pass_(self.i.password("alice")).startswith(b"+OK"))
                self.assertNotIn("STLS", c.capa())
                c.quit()

    def s_client(self, port, *args, data=b"", code=0):
        return self.program(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.i.port(port), "-CAfile",
                             self.i.certificate(), "-verify_return_error", "-verify_ip", "127.0.0.1", "-crlf",
                             "-ign_eof", *args], code, input=data).decode(errors="replace")

    def test_s_client(self):
        name, word = self.i.address("alice"), self.i.password("alice")
        imap = ("a LOGIN %s %s\nb SELECT INBOX\nc LOGOUT\n" % (name, word)).encode()
        pop = ("USER %s\nPASS %s\nSTAT\nQUIT\n" % (name, word)).encode()
        for version in ("-tls1_2", "-tls1_3"):
            for port, data, answer, extra in (
                    (993, imap, "b OK [READ-WRITE]", ()), (143, imap, "b OK [READ-WRITE]", ("-starttls", "imap")),
                    (995, pop, "+OK Goodbye", ()), (110, pop, "+OK Goodbye", ("-starttls", "pop3"))):
                text = self.s_client(port, version, *extra, data=data)
                self.assertIn("Verify return code: 0 (ok)", text)
                self.assertIn(answer, text)

    def test_alpn(self):
        for port, name in ((993, "imap"), (995, "pop3")):
            text = self.s_client(port, "-alpn", "http/1.1," + name, data=b"a LOGOUT\n" if port == 993 else b"QUIT\n")
            self.assertIn("ALPN protocol: " + name, text)

    def test_old_versions_are_refused(self):
        for port, extra in ((993, ()), (995, ()), (143, ("-starttls", "imap")), (110, ("-starttls", "pop3"))):
            for version in ("-tls1", "-tls1_1"):
                r = subprocess.run(["openssl", "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect",
                                    "127.0.0.1:%d" % self.i.port(port), *extra], input=b"",
                                   capture_output=True, timeout=PATIENCE)
                self.assertNotEqual(r.returncode, 0)
                self.assertIn(b"alert protocol version", r.stderr)
        self.wait_log("imapd", r'event=tls-failed ip=127\.0\.0\.1 why=failed text=".*no TLS version in common')

    def curl(self, url, *args, user="curl", password=None, code=0):
        need("curl")
        return self.program(["curl", "-sS", "--max-time", "60", "--cacert", self.i.certificate(), "--url", url,
                             "-u", "%s:%s" % (self.i.address(user), password or self.i.password(user)), *args], code)

    def test_curl(self):
        self.fill("curl")
        for port, path in ((993, "imaps://%s/INBOX;MAILINDEX=1"), (143, "imap://%s/INBOX;MAILINDEX=1"),
                           (995, "pop3s://%s/1"), (110, "pop3://%s/1")):
            url = path % ("127.0.0.1:%d" % self.i.port(port))
            self.assertIn(b"Subject: letter 0", self.curl(url, "--ssl-reqd"))
            self.assertIn(b"Subject: letter 0", self.curl(url, "--ssl-reqd", "--login-options", "AUTH=PLAIN"))
        self.curl("pop3s://127.0.0.1:%d/1" % self.i.port(995), password="wrong", code=67)
        self.curl("imaps://127.0.0.1:%d/" % self.i.port(993), password="wrong", code=67)
        # Somebody else's certificate is refused by the client.
        self.program(["curl", "-sS", "--url", "imaps://127.0.0.1:%d/" % self.i.port(993), "-u", "a:b"], 60)
        self.wait_log("imapd", r"event=tls-failed ip=127\.0\.0\.1 why=failed text=.*trust")

    def test_mpop(self):
        need("mpop")
        self.fill("mpop")
        for port, start in ((995, "off"), (110, "on")):
            with tempfile.TemporaryDirectory() as d:
                with open(d + "/rc", "w") as f:
                    os.fchmod(f.fileno(), 0o600)
                    f.write("account a\nhost localhost\nport %d\nuser %s\npassword %s\nauth on\ntls on\n"
                            "tls_starttls %s\ntls_trust_file %s\nkeep on\ndelivery mbox %s/got\nuidls_file %s/uidls\n"
                            % (self.i.port(port), self.i.address("mpop"), self.i.password("mpop"), start,
                               self.i.certificate(), d, d))
                open(d + "/got", "w").close()
                self.program(["mpop", "-C", d + "/rc", "-a"], env=dict(os.environ, HOME=d))
                with open(d + "/got") as f:
                    self.assertIn("Subject: letter 0", f.read())

    def test_fetchmail(self):
        need("fetchmail")
        self.fill("fetchmail")
        for port, protocol, how in ((993, "IMAP", "ssl"), (143, "IMAP", 'sslproto "TLS1.2+"'),
                                    (995, "POP3", "ssl"), (110, "POP3", 'sslproto "TLS1.2+"')):
            with tempfile.TemporaryDirectory() as d:
                with open(d + "/rc", "w") as f:
                    os.fchmod(f.fileno(), 0o600)
                    f.write('poll localhost protocol %s port %d no dns\n user "%s" password "%s" %s sslcertck '
                            'sslcertfile "%s" keep fetchall\n mda "cat >>%s/got"\n'
                            % (protocol, self.i.port(port), self.i.address("fetchmail"),
                               self.i.password("fetchmail"), how, self.i.certificate(), d))
                self.program(["fetchmail", "-f", d + "/rc", "--pidfile", d + "/pid", "-i", d + "/ids"],
                             env=dict(os.environ, HOME=d, FETCHMAILHOME=d))
                with open(d + "/got") as f:
                    self.assertIn("Subject: letter 0", f.read())

    def test_mbsync(self):
        need("mbsync")
        self.fill("mbsync", 3)
        for port, kind in ((993, "IMAPS"), (143, "STARTTLS")):
            with tempfile.TemporaryDirectory() as d:
                os.mkdir(d + "/near")
                with open(d + "/rc", "w") as f:
                    f.write("IMAPAccount server\nHost localhost\nPort %d\nUser %s\nPass %s\nSSLType %s\n"
                            "CertificateFile %s\nSystemCertificates no\n\nIMAPStore far\nAccount server\n\n"
                            "MaildirStore near\nInbox %s/near/INBOX\n\nChannel all\nFar :far:\nNear :near:\n"
                            "Create Near\nSyncState *\n" % (
                                self.i.port(port), self.i.address("mbsync"), self.i.password("mbsync"), kind,
                                self.i.certificate(), d))
                self.program(["mbsync", "-c", d + "/rc", "all"], env=dict(os.environ, HOME=d))
                self.assertEqual(len(os.listdir(d + "/near/INBOX/new")), 3)


class Mechanisms(Suite):
    """SASL in IMAP and POP3, answered by authd."""

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


class Hostile(Suite):
    config = {"": {"log-level": '"debug"'}, "imapd": {"login-timeout": "4s"}, "pop3d": {"login-timeout": "4s"}}

    def test_octets_behind_starttls_are_thrown_away(self):
        for port, command, answer, probe, right in (
                (143, b"a STARTTLS\r\nx NOOP\r\ny LOGOUT\r\n", "a OK Begin TLS now", "b NOOP", "b OK NOOP completed"),
                (110, b"STLS\r\nQUIT\r\n", "+OK Begin TLS now", "UTF8", "+OK UTF-8 is welcome")):
            c = self.connect(port)
            c.line()
            c.send(command)
            self.assertEqual(c.line(), answer)
            c.wrap(self.i.tls())
            self.assertEqual(c.ask(probe), right)
        self.wait_log("imapd", r"level=warn event=tls-injected ip=127\.0\.0\.1 octets=%d" % len("x NOOP\r\ny LOGOUT\r\n"))
        self.wait_log("pop3d", r"event=tls-injected ip=127\.0\.0\.1 octets=6")

    def test_state_before_tls_is_forgotten(self):
        c = self.connect(110)
        c.line()
        c.ask("USER " + self.i.address("alice"))
        c.ask("STLS")
        c.wrap(self.i.tls())
        self.assertEqual(c.ask("PASS " + self.i.password("alice")), "-ERR Send USER first")

    def test_failures_are_not(self):
        c = self.connect(143)
        c.line()
        for n in range(2):
            self.assertIn("AUTHENTICATIONFAILED", c.ask("a LOGIN %s wrong" % self.i.address("alice")))
        c.ask("a STARTTLS")
        c.wrap(self.i.tls())
        self.assertIn("AUTHENTICATIONFAILED", c.ask("a LOGIN %s wrong" % self.i.address("alice")))
        self.assertEqual(c.line(), "* BYE Too many failed logins")
        self.assertTrue(c.over())

    def test_twice(self):
        self.assertEqual(self.imap().ask("a STARTTLS"), "a BAD TLS is there already")
        self.assertEqual(self.pop().ask("STLS"), "-ERR TLS is there already")
        c = self.connect(993)
        c.wrap(self.i.tls())
        self.assertNotIn("STARTTLS", c.line())
        self.assertEqual(c.ask("a STARTTLS"), "a BAD TLS is there already")

    def test_arguments(self):
        c = self.connect(143)
        c.line()
        self.assertEqual(c.ask("a STARTTLS now"), "a BAD Too many arguments")
        c = self.connect(110)
        c.line()
        self.assertEqual(c.ask("STLS now"), "-ERR STLS has no arguments")

    def test_half_open_handshakes_time_out(self):
        hello = ssl.MemoryBIO()
        try:
            self.i.tls().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = hello.read()
        waiting = []
        began = time.monotonic()
        for port in (993, 995):
            for sent in (b"", hello[:50], hello):
                waiting.append(self.connect(port))
                waiting[-1].send(sent)
        for c in waiting:
            while c.sock.recv(65536):
                pass
            self.assertGreater(time.monotonic() - began, 2)
        for service in ("imapd", "pop3d"):
            self.wait_log(service, "event=tls-failed ip=127.0.0.1 why=timeout")

    def test_garbage(self):
        for port, service in ((993, "imapd"), (995, "pop3d")):
            for data in (b"GET / HTTP/1.0\r\n\r\n", b"a CAPABILITY\r\n" * 20, b"\x16\x03\x01" + b"\xff" * 300):
                c = self.connect(port)
                c.send(data)
                try:
                    while c.sock.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
            self.wait_log(service, "why=failed text=.*HTTP")
        c = self.imap()
        # In the middle of TLS.
        os.write(c.sock.fileno(), b"a NOOP\r\n" * 10)
        self.assertTrue(c.over())
        self.assertEqual(self.imap().ask("a NOOP"), "a OK NOOP completed")

    def test_keyd_is_away(self):
        self.i.svc("keyd", "-d -wd")
        try:
            c = self.connect(143)
            c.line()
            self.assertEqual(c.ask("a STARTTLS"), "a NO [UNAVAILABLE] TLS is not possible now")
            self.assertEqual(c.ask("b NOOP"), "b OK NOOP completed")
            p = self.connect(110)
            p.line()
            self.assertEqual(p.ask("STLS"), "-ERR [SYS/TEMP] TLS is not possible now")
            self.wait_log("imapd", "event=keyd-unreachable ip=127.0.0.1")
        finally:
            self.i.svc("keyd", "-u -wU")
        c = self.connect(143)
        c.line()
        self.assertEqual(c.ask("a STARTTLS"), "a OK Begin TLS now")

    def test_renegotiation(self):
        for port, quit in ((993, b"a LOGOUT\n"), (995, b"QUIT\n")):
            p = subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % self.i.port(port)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            time.sleep(0.7)
            p.stdin.write(b"R\n")
            p.stdin.flush()
            time.sleep(0.7)
            try:
                text = p.communicate(quit, timeout=PATIENCE)[0]
            except BrokenPipeError:
                text = p.stdout.read()
            self.assertIn(b"RENEGOTIATING", text)
            self.assertIn(b"no renegotiation", text)


class Far(unittest.TestCase):
    """A client that is not of this machine."""

    def test_no_password_before_tls(self):
        need_net()
        with Net() as net:
            h = net.host("merpati", 1)
            other = net.host("client", 2)
            with Instance(USERS, config=CONFIG, host=h) as i, other.inside():
                c = Lines(socket.create_connection((h.addr, 143), PATIENCE))
                first = c.line()
                self.assertIn(" STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256]", first)
                for line in ("a LOGIN %s {%d}" % (i.address("alice"), 5), "a AUTHENTICATE PLAIN"):
                    self.assertEqual(c.ask(line), "a NO [PRIVACYREQUIRED] Passwords are accepted only with TLS: "
                                     "send STARTTLS first")
                self.assertEqual(c.ask("a STARTTLS"), "a OK Begin TLS now")
                context = i.tls(check_hostname=False)
                c.wrap(context)
                self.assertNotIn("LOGINDISABLED", c.ask("a CAPABILITY"))
                c.line()
                self.assertTrue(c.ask("a LOGIN %s %s" % (i.address("alice"), i.password("alice"))).startswith("a OK"))
                c.close()
                c = Lines(socket.create_connection((h.addr6, 110), PATIENCE))
                c.line()
                c.send("CAPA")
                capa = c.until(".")
                self.assertIn("STLS", capa)
                self.assertIn("SASL SCRAM-SHA-256", capa)
                self.assertNotIn("USER", capa)
                for line in ("USER " + i.address("alice"), "AUTH PLAIN"):
                    self.assertEqual(c.ask(line), "-ERR [AUTH] Passwords are accepted only with TLS: send STLS first")
                self.assertEqual(c.ask("STLS"), "+OK Begin TLS now")
                c.wrap(context)
                c.ask("USER " + i.address("alice"))
                self.assertTrue(c.ask("PASS " + i.password("alice")).startswith("+OK Logged in"))
                c.close()
                self.assertRegex(i.log("authd"), "event=auth-ok service=imap .*ip=10.77.0.2")


class ByHand(unittest.TestCase):
    """-i, for a super-server: TLS for who asks for it."""

    def test_starttls(self):
        with Instance(USERS, config=CONFIG) as i:
            for program, command, quit, right in (("imapd", "a STARTTLS", "b LOGOUT", "* BYE Goodbye"),
                                                  ("pop3d", "STLS", "QUIT", "+OK Goodbye")):
                with socket.create_server(("127.0.0.1", 0)) as listening:
                    c = Lines(socket.create_connection(listening.getsockname()[:2]))
                    theirs, _ = listening.accept()
                # keyd answers the service's user only.
                who = {"user": "merpati-" + program, "group": "merpati-" + program} if os.geteuid() == 0 else {}
                p = subprocess.Popen([i.dir + "/libexec/" + program, "-i", "-c", i.dir + "/etc/merpati.conf"],
                                     stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, **who)
                theirs.close()
                c.line()
                self.assertIn("Begin TLS now", c.ask(command))
                c.wrap(i.tls())
                self.assertEqual(c.ask(quit), right)
                c.close()
                p.communicate(timeout=PATIENCE)


if __name__ == "__main__":
    unittest.main()
