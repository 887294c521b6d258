"""TLS of imapd and pop3d up to the login, with the whole suite: every port,
real clients, far ones, and -i."""

import imaplib
import os
import poplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

from harness import PATIENCE
from imap_tools import ok
from instance import Instance, need
from net import Net, need_net
from tls_login_lib import CONFIG, USERS, Lines, Suite

warnings.simplefilter("ignore", DeprecationWarning)     # of old TLS versions, tried on purpose


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
