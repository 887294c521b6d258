"""Merpati, a foreign Postfix and a nameserver with signed zones as three hosts
of a net of their own: letters both ways, and all that can keep them."""

import email
import email.policy
import hashlib
import os
import re
import smtplib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, wait_for  # noqa: E402
from net import Net, need_net  # noqa: E402
from net_dns import Nameserver  # noqa: E402
from net_smtp import Fake, ForeignPostfix  # noqa: E402

RETRY, WARN, EXPIRE = 1, 6, 24      # seconds for 15 minutes, 4 hours, 5 days
PATIENCE = 60

# Numbers of hosts: 1 Merpati, 2 nsd, 3 Postfix, 4 other servers, 5 one that
# is switched off and on, 6 one without IPv4.
ROOT = "ns.test. A 10.77.0.2\n"
TEST = """\
ns              A       10.77.0.2
example         MX      10 mail.example
mail.example    A       10.77.0.1
                AAAA    fd77::1
postfix         MX      10 mx.postfix
mx.postfix      A       10.77.0.3
                AAAA    fd77::3
prefer          MX      20 far.prefer
                MX      10 near.prefer
near.prefer     A       10.77.4.1
far.prefer      A       10.77.4.2
fallback        MX      10 dead.fallback
                MX      20 alive.fallback
dead.fallback   A       10.77.4.3
alive.fallback  A       10.77.4.4
six             MX      10 mx.six
mx.six          AAAA    fd77::6
null            MX      0 .
implicit        A       10.77.4.5
alias           CNAME   implicit
loop            MX      10 mail.example
                MX      20 far.prefer
noaddress       MX      10 nowhere.noaddress
grey            MX      10 mx.grey
mx.grey         A       10.77.4.6
rude            MX      10 mx.rude
mx.rude         A       10.77.4.7
cut             MX      10 mx.cut
mx.cut          A       10.77.4.8
silent          MX      10 mx.silent
mx.silent       A       10.77.4.9
off             MX      10 mx.off
mx.off          A       10.77.0.5
gone            MX      10 mx.gone
mx.gone         A       10.77.4.10
backup          MX      10 first.backup
                MX      20 mail.example
first.backup    A       10.77.4.11
part            MX      10 mx.part
mx.part         A       10.77.4.12
busy            MX      10 mx.busy
mx.busy         A       10.77.4.13
bare            MX      10 mx.bare
mx.bare         A       10.77.4.14
_25._tcp.mx.bare TLSA   3 1 1 {right}
dane            MX      10 mx.dane
mx.dane         A       10.77.0.3
_25._tcp.mx.dane TLSA   3 1 1 {right}
wrong           MX      10 mx.wrong
mx.wrong        A       10.77.0.3
_25._tcp.mx.wrong TLSA  3 1 1 {wrong}
"""
PLAIN = """\
@       MX      10 mx
mx      A       10.77.0.3
_25._tcp.mx TLSA 3 1 1 {wrong}
"""
BOGUS = "@ MX 10 mx\nmx A 10.77.0.3\n"
ROUTES = """
route "smart.test" {{
  via = "[mx.postfix.test]:587"
  user = "relayed"
  password-file = "{d}/relay.password"
  tls = "verified"
}}
route "badpass.test" {{
  via = "[mx.postfix.test]:587"
  user = "relayed"
  password-file = "{d}/wrong.password"
}}
route "badname.test" {{ via = "[mx.dane.test]:587"  user = "relayed"  password-file = "{d}/relay.password"  tls = "verified" }}
route "bymx.test" {{ via = "postfix.test:25"  tls = "required" }}
route ".sub.test" {{ via = "[10.77.4.15]" }}
"""
POSTFIX = ["postfix.test", "dane.test", "wrong.test", "plain.test", "bogus.test", "smart.test", "bymx.test"]

HEAD = b"From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Sat, 21 Nov 2026 20:39:32 +0000\r\n" \
       b"Message-ID: <%s@client.test>\r\n"
BODIES = {
    "plain": b"Hello.\r\n",
    "empty": b"",
    "dots": b".\r\n..\r\n...\r\n.hidden\r\na.\r\n.\r\n",
    "eightbit": bytes(range(128, 256)) + "\u00e9\u4e16\r\n".encode(),
    "blank-lines": b"\r\n\r\n\r\nend\r\n\r\n",
    "big": (b"x" * 70 + b"\r\n") * 28000,
}
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n"


def letter(token, sender, rcpt, body=b"Hello.\r\n", extra=b""):
    t = token.encode()
    return HEAD % (sender.encode(), rcpt.encode(), t, t) + extra + b"\r\n" + body


def content(raw):
    """Without the trace lines of either side."""
    lines = raw.replace(b"\r\n", b"\n").split(b"\n")
    while lines and (re.match(rb"(Return-Path|Delivered-To|X-Original-To|Received):", lines[0])
                     or lines[0][:1] in (b" ", b"\t")):
        lines.pop(0)
    return b"\n".join(lines)


def certificate(d):
    """A self-signed one for Postfix; the digest of its key, for TLSA 3 1 1."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", d + "/key.pem", "-out", d + "/cert.pem", "-days", "30", "-subj",
                    "/CN=mx.postfix.test", "-addext",
                    "subjectAltName=DNS:mx.postfix.test"], check=True, capture_output=True)
    pub = subprocess.run(["openssl", "x509", "-in", d + "/cert.pem", "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pub, check=True,
                         capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


class Remote(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_net()
        need("s6-svscan", "nsd", "ldns-signzone", "postfix", "openssl", "dovecot")
        cls.net = net = cls.enterClassContext(Net())
        cls.dir = d = net.dir
        hosts = [net.host(name, k) for k, name in enumerate(("merpati", "ns", "postfix", "others", "off"), 1)]
        cls.merpati, cls.ns, cls.postfix, cls.others, cls.off = hosts
        cls.six = net.host("six", 6, ipv4=False)
        for k in range(1, 16):
            cls.others.add("10.77.4.%d/16" % k)
        for h in (cls.merpati, cls.postfix):
            h.resolv_conf(cls.ns.addr)
        right = certificate(d)
        cls.keys = {"right": right, "wrong": hashlib.sha256(b"another").hexdigest()}
        cls.dns = dns = Nameserver(cls.ns, d + "/dns")
        dns.zone(".", ROOT)
        dns.zone("test.", TEST.format(**cls.keys))
        dns.zone("bogus.test.", BOGUS, bogus="mx.bogus.test.")
        dns.zone("plain.test.", PLAIN.format(**cls.keys), signed=False)
        dns.zone("broken.test.", "", served=False)
        dns.start()
        cls.pf = ForeignPostfix(cls.postfix, POSTFIX, parent=d, extra=(
            "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = %s/cert.pem\nsmtpd_tls_key_file = %s/key.pem\n"
            # It sends nothing in clear: our own TLS takes its letters.
            "smtpd_tls_received_header = yes\nsmtp_tls_security_level = encrypt\n" % (d, d)), users={"relayed": "in-secret"})
        cls.pf.start()
        cls.addClassCleanup(cls.pf.close)
        cls.fakes = []
        cls.addClassCleanup(lambda: [f.close() for f in cls.fakes])
        for name, password in (("relay", "in-secret"), ("wrong", "mistaken")):
            with open("%s/%s.password" % (d, name), "w") as f:
                f.write(password + "\n")
        cls.i = i = Instance(users=("alice", "bob", "carol"), parent=d, host=cls.merpati, more_config=ROUTES.format(
            d=d), config={
            "": {"relay-domains": '{ "backup.test" }'},
            "queue": {"retry": "%ds" % RETRY, "warn-after": "%ds" % WARN, "expire": "%ds" % EXPIRE},
            "resolver": {"trust-anchor": '"%s"' % dns.anchor, "timeout": "5s"},
            "remote": {"connect-timeout": "2s", "greeting-timeout": "6s", "ca-file": '"%s/cert.pem"' % d}})
        cls.enterClassContext(i)
        # The long life begins now and is looked at by the last test.
        cls.life_began = time.time()
        cls.life = cls.send_("life", "carol@example.test", "dead@gone.test")

    # --- tools ----------------------------------------------------------------

    @classmethod
    def fake(cls, number, rules=None, host=None):
        f = Fake(host or cls.others, rules, addr="::" if host else "10.77.4.%d" % number)
        cls.fakes.append(f)
        return f

    @classmethod
    def send_(cls, token, sender, *rcpts, text=None):
        """Into Merpati as one of its own; the letter's id."""
        with cls.i.smtp() as s:
            s.ehlo()
            s.mail(sender)
            for r in rcpts:
                code, said = s.rcpt(r)
                if code != 250:
                    raise AssertionError("%s: %d %s" % (r, code, said))
            code, said = s.data(text or letter(token, sender, rcpts[0]))
            if code != 250:
                raise AssertionError("%d %s" % (code, said))
        return re.search(rb"\b[0-9a-hjkmnp-tv-z]{20}\b", said).group().decode()

    def send(self, token, *rcpts, sender="alice@example.test", text=None):
        return self.send_(token, sender, *rcpts, text=text)

    def lines(self, i, event=None):
        """Log lines of a letter."""
        return [x for x in self.i.log().splitlines() if i in x and (event is None or "event=%s " % event in x)]

    def line(self, i, event, seconds=PATIENCE):
        try:
            return wait_for(lambda: self.lines(i, event), seconds, 0.1)[0]
        except AssertionError:
            raise AssertionError("no event=%s of %s in\n%s" % (event, i, "\n".join(self.lines(i))))

    def gone(self, i):
        """The queue is done with the letter."""
        wait_for(lambda: not any(i in files for _, _, files in os.walk(self.i.dir + "/spool")), PATIENCE, 0.1)

    def arrived(self, fake, token, seconds=PATIENCE):
        """The one letter with the token that the fake server took."""
        def found():
            return [x for x in fake.letters if token.encode() in x[2]]
        try:
            got = wait_for(found, seconds)
        except AssertionError:
            raise AssertionError("%s did not arrive:\n%s" % (token, self.i.log()[-4000:]))
        self.assertEqual(len(got), 1)
        return got[0]

    def at_postfix(self, token, seconds=PATIENCE):
        try:
            got = wait_for(lambda: self.pf.received(token), seconds)
        except AssertionError:
            raise AssertionError("%s did not arrive:\n%s\n%s" % (token, self.i.log()[-3000:], self.pf.log()[-2000:]))
        self.assertEqual(len(got), 1)
        return got[0]

    def mine(self, user, token):
        found = []
        for path in self.i.deliveries(user):
            with open(path, "rb") as f:
                raw = f.read()
            if token.encode() in raw:
                found.append(raw)
        return found

    def bounce(self, token, user="alice", seconds=PATIENCE):
        """The bounce of the letter with this token: its parts for programs, and all of it."""
        def found():
            return [x for x in self.mine(user, token) if b"multipart/report" in x and b"Action: failed" in x]
        try:
            got = wait_for(found, seconds)
        except AssertionError:
            raise AssertionError("no bounce of %s:\n%s" % (token, self.i.log()[-4000:]))
        self.assertEqual(len(got), 1)
        return self.report(got[0]), got[0].decode(errors="replace")

    def report(self, raw):
        m = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(m.get_content_type(), "multipart/report")
        self.assertEqual(m.get_param("report-type"), "delivery-status")
        self.assertEqual(m["Return-Path"].strip("<> "), "")
        parts = list(m.iter_parts())
        self.assertEqual(parts[0].get_content_type(), "text/plain")
        self.assertEqual(parts[1].get_content_type(), "message/delivery-status")
        blocks = parts[1].get_payload()
        self.assertEqual(m.defects, [])
        return blocks[0], blocks[1:]

    # --- both ways -------------------------------------------------------------

    def test_to_postfix_byte_for_byte(self):
        for name, body in BODIES.items():
            token = "out-" + name
            text = letter(token, "alice@example.test", "joe@postfix.test", body, MIME if name == "eightbit" else b"")
            i = self.send(token, "joe@postfix.test", text=text)
            with self.subTest(name):
                got = self.at_postfix(token)
                self.assertEqual(content(got), text.replace(b"\r\n", b"\n"))
                self.assertIn(b"by mail.example.test (Merpati)", got)
                self.gone(i)

    def test_from_postfix_byte_for_byte(self):
        for name, body in BODIES.items():
            token = "in-" + name
            text = letter(token, "joe@postfix.test", "bob@example.test", body, MIME if name == "eightbit" else b"")
            with self.pf.smtp() as s:
                s.sendmail("joe@postfix.test", ["bob@example.test"], text)
            with self.subTest(name):
                got = wait_for(lambda: self.mine("bob", token), PATIENCE)
                self.assertEqual(len(got), 1)
                self.assertEqual(content(got[0]), text.replace(b"\r\n", b"\n"))
                self.assertRegex(got[0], rb"(?s)from mx\.postfix\.test .*by mail\.example\.test \(Merpati\) "
                                 rb"with ESMTPS \(TLSv1\.3 ")

    def test_answer_by_the_other_way(self):
        """A bounce that Postfix makes finds its way back."""
        self.send("return", "joe@nothere.postfix.test", "joe@postfix.test")
        with self.pf.smtp() as s:
            s.sendmail("alice@example.test", ["no-such-user@example.test"],
                       letter("returned", "alice@example.test", "no-such-user@example.test"))
        got = wait_for(lambda: [x for x in self.mine("alice", "returned") if b"MAILER-DAEMON" in x], PATIENCE)
        self.assertIn(b"5.1.1", got[0])

    def test_starttls_where_it_is_offered(self):
        i = self.send("tls", "joe@postfix.test")
        self.assertRegex(self.at_postfix("tls").decode(), r"using TLSv1\.[23]")
        self.assertRegex("".join(self.lines(i)), r'tls="?TLSv1\.[23]')

    def test_utf8_address(self):
        with self.i.smtp() as s:
            s.ehlo()
            if not s.has_extn("smtputf8"):
                self.skipTest("SMTPUTF8 is not offered")
            s.sendmail("alice@example.test", ["j\u00f6rg@postfix.test"],
                       "Subject: gr\u00fc\u00dfe utf8-token\r\n\r\nHello.\r\n".encode(),
                       mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        self.assertIn("j\u00f6rg@postfix.test".encode(), self.at_postfix("utf8-token"))

    # --- the way ---------------------------------------------------------------

    def test_the_preferred_host_gets_it(self):
        near, far = self.fake(1), self.fake(2)
        for k in range(5):
            self.send("prefer-%d" % k, "x@prefer.test")
            self.arrived(near, "prefer-%d" % k)
        self.assertEqual(far.connections, 0)

    def test_the_next_host_when_the_first_is_dead(self):
        alive = self.fake(4)
        self.send("fallback", "x@fallback.test")
        self.arrived(alive, "fallback", 10)

    def test_a_host_with_ipv6_alone(self):
        six = self.fake(0, host=self.six)
        i = self.send("sixth", "x@six.test")
        self.arrived(six, "sixth", 10)
        self.assertIn("fd77::6", "".join(self.lines(i)))

    def test_a_domain_without_mx(self):
        f = self.fake(5)
        self.send("implicit", "x@implicit.test")
        self.arrived(f, "implicit")
        self.send("by-cname", "x@alias.test")
        self.arrived(f, "by-cname")
        self.send("literal", "x@[10.77.4.5]")
        self.assertEqual(self.arrived(f, "literal")[1], ["x@[10.77.4.5]"])

    def test_null_mx_bounces(self):
        self.send("null-mx", "x@null.test")
        (_, (rcpt,)), _ = self.bounce("null-mx")
        self.assertEqual(rcpt["Status"], "5.1.10")
        self.assertEqual(rcpt["Action"], "failed")

    def test_nxdomain_bounces(self):
        i = self.send("nxdomain", "x@nowhere.test", "y@nowhere.invalid")
        (_, rcpts), _ = self.bounce("nxdomain")
        self.assertEqual([r["Status"] for r in rcpts], ["5.1.2"] * 2)
        self.assertEqual(self.lines(i, "deferred"), [])

    def test_mx_without_address(self):
        i = self.send("noaddress", "x@noaddress.test")
        wait_for(lambda: self.lines(i, "deferred") or self.lines(i, "failed"), PATIENCE)

    def test_a_loop_is_seen(self):
        i = self.send("loop", "x@loop.test")
        (_, (rcpt,)), _ = self.bounce("loop")
        self.assertEqual(self.lines(i, "deferred"), [])
        self.assertEqual(rcpt["Status"], "5.4.6")

    def test_servfail_is_deferred(self):
        for domain in ("broken.test", "bogus.test"):
            with self.subTest(domain):
                i = self.send("servfail-" + domain, "x@" + domain)
                self.assertIn("code=4.", self.line(i, "deferred"))
                time.sleep(2 * RETRY)
                self.assertEqual(self.lines(i, "failed"), [])
                self.assertEqual(self.pf.received("servfail-" + domain), [])

    # --- DANE ------------------------------------------------------------------

    def test_tlsa_right(self):
        i = self.send("dane-right", "joe@dane.test")
        self.assertRegex(self.at_postfix("dane-right").decode(), r"using TLSv1\.[23]")
        said = wait_for(lambda: re.search(r'tls=("[^"]*"|\S+)', "".join(self.lines(i))), 20)
        self.assertIn("dane", said.group(1))

    def test_tlsa_wrong_then_mended(self):
        i = self.send("dane-wrong", "joe@wrong.test")
        self.assertIn("code=4.7", self.line(i, "deferred"))
        time.sleep(2 * RETRY)
        self.assertEqual(self.pf.received("dane-wrong"), [])
        self.assertEqual(self.lines(i, "failed"), [])
        self.dns.change("test.", TEST.format(right=self.keys["right"], wrong=self.keys["right"]))
        self.at_postfix("dane-wrong")

    def test_tlsa_but_no_tls(self):
        bare = self.fake(14)
        i = self.send("dane-bare", "x@bare.test")
        self.assertIn("code=4.7", self.line(i, "deferred"))
        time.sleep(2 * RETRY)
        self.assertEqual([x for x in bare.commands if x.startswith("MAIL")], [])

    def test_tlsa_of_an_unsigned_zone_is_nothing(self):
        i = self.send("insecure", "joe@plain.test")
        self.assertRegex(self.at_postfix("insecure").decode(), r"using TLSv1\.[23]")
        self.assertNotIn("dane", "".join(re.findall(r'tls=("[^"]*"|\S+)', "".join(self.lines(i)))))

    # --- smarthosts --------------------------------------------------------------

    def test_smarthost_with_a_password(self):
        i = self.send("smart", "joe@smart.test")
        got = self.at_postfix("smart").decode()
        self.assertIn("(Authenticated sender: relayed)", got)
        self.assertIn("using TLSv1", got)
        self.assertNotIn("in-secret", self.i.log())
        self.gone(i)

    def test_smarthost_that_refuses_the_password(self):
        i = self.send("badpass", "joe@badpass.test")
        self.line(i, "deferred")
        self.assertEqual(self.pf.received("badpass"), [])
        self.assertNotIn("mistaken", self.i.log())

    def test_smarthost_of_another_name(self):
        i = self.send("badname", "joe@badname.test")
        self.assertIn("code=4.7", self.line(i, "deferred"))
        self.assertEqual(self.pf.received("badname"), [])

    def test_routes_by_mx_and_for_subdomains(self):
        f = self.fake(15)
        self.send("bymx", "joe@bymx.test")
        self.send("subdomain", "joe@a.sub.test")
        self.at_postfix("bymx")
        self.arrived(f, "subdomain")

    # --- later, or never ---------------------------------------------------------

    def test_greylisting(self):
        seen = {}

        def grey(fake, arg):
            first = seen.setdefault(arg.split()[0], time.monotonic())
            return "450 4.2.0 Greylisted, come back" if time.monotonic() - first < 0.5 else None
        f = self.fake(6, {"RCPT": grey})
        i = self.send("grey", "x@grey.test")
        line = self.line(i, "deferred")
        self.assertIn("code=4.2.0", line)
        self.assertIn("Greylisted, come back", line)
        self.arrived(f, "grey")
        self.assertEqual(self.mine("alice", "\r\nSubject: grey\r\n"), [])

    def test_refusals_quote_the_host(self):
        self.fake(7, {"RCPT": lambda f, arg: "550 5.1.1 <x@rude.test> lives here no more"})
        i = self.send("rude", "x@rude.test")
        (_, (rcpt,)), text = self.bounce("rude")
        self.assertEqual(rcpt["Status"], "5.1.1")
        self.assertIn("lives here no more", rcpt["Diagnostic-Code"])
        self.assertTrue(rcpt["Diagnostic-Code"].startswith("smtp;"))
        self.assertIn("mx.rude.test", rcpt["Remote-MTA"])
        self.assertIn("lives here no more", text.split("message/delivery-status")[0])
        self.assertEqual(self.lines(i, "deferred"), [])

    def test_one_of_three_is_refused(self):
        f = self.fake(12, {"RCPT": lambda f, arg: "550 5.1.1 No" if "two@" in arg else None})
        self.send("one-of-three", "one@part.test", "two@part.test", "three@part.test")
        self.assertEqual(sorted(self.arrived(f, "one-of-three")[1]), ["one@part.test", "three@part.test"])
        (_, (rcpt,)), _ = self.bounce("one-of-three")
        self.assertIn("two@part.test", rcpt["Final-Recipient"])

    def test_cut_at_the_final_dot(self):
        cuts = []

        def dot(fake, text):
            cuts.append(1)
            return "close" if len(cuts) == 1 else None
        f = self.fake(8, {".": dot})
        self.send("cut", "x@cut.test")
        self.arrived(f, "cut")

    def test_a_silent_host_delays_nobody_else(self):
        self.fake(9, {"GREETING": "silence"})
        letters = [self.send("silent-%d" % k, "x@silent.test") for k in range(3)]

        def deferred():
            return [x for i in letters for x in self.lines(i, "deferred")]
        self.send("beside", "joe@postfix.test")
        self.at_postfix("beside")
        # Before anybody's patience with that host has ended.
        self.assertEqual(deferred(), [])
        # One is enough: the host is paused then, and the others wait for their turn.
        wait_for(deferred)

    def test_421_then_success(self):
        busy = [True]
        f = self.fake(13, {"GREETING": lambda f, arg: "421 4.3.2 Too busy" if busy[0] else None})
        i = self.send("busy", "x@busy.test")
        self.assertIn("Too busy", self.line(i, "deferred"))
        busy[0] = False
        self.arrived(f, "busy")

    def test_off_for_retries_then_on(self):
        f = self.fake(0, host=self.off)
        self.off.down()
        i = self.send("off", "x@off.test")
        try:
            wait_for(lambda: len(self.lines(i, "deferred")) >= 3, PATIENCE, 0.2)
            self.assertEqual(f.letters, [])
        finally:
            self.off.up()
        self.arrived(f, "off")
        self.gone(i)

    def test_retry_now_by_mailctl(self):
        """Nothing ever listens there; alone, it would be tried after the pause."""
        i = self.send("again", "x@gone.test", sender="bob@example.test")
        self.line(i, "deferred")
        before = len(self.lines(i, "deferred"))
        r = self.i.mailctl("queue", "retry", "domain", "gone.test")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        wait_for(lambda: len(self.lines(i, "deferred")) > before, PATIENCE, 0.1)
        self.assertIn("x@gone.test", self.i.mailctl("queue", "list").stdout)

    def test_backup_for_another_domain(self):
        with self.postfix.inside():
            s = smtplib.SMTP("10.77.0.1", 25, "client.test", timeout=30)
        with s:
            s.sendmail("joe@postfix.test", ["x@backup.test"], letter("backup", "joe@postfix.test", "x@backup.test"))
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                s.sendmail("joe@postfix.test", ["x@grey.test"], letter("relay", "joe@postfix.test", "x@grey.test"))
        time.sleep(RETRY)
        self.arrived(self.fake(11), "backup")

    # --- the whole life ------------------------------------------------------------

    def test_zz_five_days_in_seconds(self):
        left = self.life_began + EXPIRE + 10 - time.time()
        (_, (rcpt,)), text = self.bounce("life", "carol", max(left, PATIENCE))
        tries = len(self.lines(self.life, "deferred"))
        took = time.time() - self.life_began
        print("%d tries in %.0f s, one every %d s" % (tries, took, RETRY))
        self.assertGreaterEqual(tries, EXPIRE // RETRY // 6)
        self.assertLessEqual(tries, EXPIRE // RETRY + 3)
        self.assertEqual(rcpt["Action"], "failed")
        self.assertRegex(rcpt["Status"], r"^[45]\.4\.")
        self.assertIn("dead@gone.test", rcpt["Final-Recipient"])
        self.assertIn("refused", text.lower())
        warnings = [x for x in self.mine("carol", "life") if b"Action: delayed" in x]
        self.assertEqual(len(warnings), 1)
        _, (rcpt,) = self.report(warnings[0])
        self.assertIn("dead@gone.test", rcpt["Final-Recipient"])
        self.assertIn("refused", warnings[0].decode().lower())
        self.gone(self.life)


if __name__ == "__main__":
    unittest.main(verbosity=2)
