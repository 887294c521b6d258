#!/usr/bin/env python3
"""mailctl dns and client-config: what a domain and its users' programs need."""

import hashlib
import io
import os
import plistlib
import re
import subprocess
import unittest
import xml.etree.ElementTree as xml

from deliver_lib import Site
from instance import need

LISTENERS = """
smtpd {
  listen "0.0.0.0:25" { role = "mx" }
  listen "0.0.0.0:587" { role = "submission" tls = "starttls" }
  listen "[::]:465" { role = "submission" tls = "implicit" }
  listen "127.0.0.1:2465" { role = "submission" tls = "implicit" }
}
imapd {
  listen "127.0.0.1:100" { tls = "implicit" }
  listen "0.0.0.0:993" { tls = "implicit" }
}
pop3d { listen "0.0.0.0:110" { tls = "off" } }
certificate "a" { chain = "@DIR@/etc/c.pem" key = "@DIR@/etc/k.pem" }
"""


class Client(unittest.TestCase):
    def site(self, extra=LISTENERS, **kw):
        s = Site(extra, **kw)
        self.addCleanup(s.close)
        return s

    def ok(self, site, *argv):
        p = site.run("mailctl", *argv)
        self.assertEqual((p.returncode, p.stderr), (0, b""), p)
        return p.stdout.decode()

    def records(self, text):
        lines = [x for x in text.splitlines() if x and not x.startswith(";")]
        return [re.fullmatch(r"(\S+)\.\tIN (\S+)\t(.*)", x).groups() for x in lines]

    def test_dns_lists_every_domain_and_service(self):
        got = self.records(self.ok(self.site(domains=("x.test", "b\u00fccher.test")), "dns"))
        for d in ("x.test", "xn--bcher-kva.test"):
            self.assertIn((d, "MX", "10 mx.test."), got)
            self.assertIn((d, "TXT", '"v=spf1 mx -all"'), got)
            for name, data in (("submissions", "0 1 465 mx.test."), ("submission", "10 1 587 mx.test."),
                               ("imaps", "0 1 993 mx.test."), ("imap", "0 0 0 ."),
                               ("pop3s", "0 0 0 ."), ("pop3", "0 0 0 .")):
                with self.subTest(name):
                    self.assertIn(("_%s._tcp.%s" % (name, d), "SRV", data), got)
        self.assertIn(("mx.test", "TXT", '"v=spf1 a -all"'), got)

    def test_dns_of_one_domain(self):
        s = self.site(domains=("x.test", "y.test"))
        text = self.ok(s, "dns", "Y.test")
        self.assertIn("y.test.\tIN MX", text)
        self.assertNotIn("x.test.\tIN MX", text)
        for argv, code in ((["z.test"], 65), (["x.test", "y.test"], 64), (["--all"], 64)):
            p = s.run("mailctl", "dns", *argv)
            self.assertEqual((p.returncode, p.stdout), (code, b""), p)
            self.assertTrue(p.stderr)

    def test_tlsa_is_of_the_published_key(self):
        need("openssl")
        s = self.site()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", "/CN=mx.test", "-keyout", s.path("etc/k.pem"),
                        "-out", s.path("etc/c.pem")], check=True, capture_output=True)
        self.assertIn("no TLSA records", self.ok(s, "dns"))
        os.mkdir(s.path("run/keyd"))
        with open(s.path("etc/c.pem")) as f, open(s.path("run/keyd/certificates"), "w") as out:
            out.write("merpati-certificates 1\ncertificate a\n" + f.read() + "end\n")
        spki = subprocess.run(["openssl", "pkey", "-in", s.path("etc/k.pem"), "-pubout", "-outform", "DER"],
                              check=True, capture_output=True).stdout
        self.assertIn(("_25._tcp.mx.test", "TLSA", "3 1 1 " + hashlib.sha256(spki).hexdigest()),
                      self.records(self.ok(s, "dns")))

    def servers(self, text):
        return {x.get("type"): {y.tag: y.text for y in x}
                for x in xml.fromstring(text).iter() if x.tag.endswith("Server")}

    def test_thunderbird(self):
        s = self.site()
        for argv in ((), ("x.test",), ("alice@x.test",)):
            got = self.servers(self.ok(s, "client-config", "thunderbird", *argv))
            self.assertEqual(sorted(got), ["imap", "pop3", "smtp"])
            for kind, port, socket in (("imap", "993", "SSL"), ("pop3", "110", "plain"), ("smtp", "465", "SSL")):
                self.assertEqual((got[kind]["hostname"], got[kind]["port"], got[kind]["socketType"],
                                  got[kind]["username"]), ("mx.test", port, socket, "%EMAILADDRESS%"))

    def test_loopback_counts_when_there_is_nothing_else(self):
        s = self.site('smtpd { listen "127.0.0.1:10587" { role = "submission" } }\n'
                      'imapd { listen "127.0.0.1:10143" {} }\n'
                      'certificate "a" { chain = "/c" key = "/k" }\n')
        got = self.servers(self.ok(s, "client-config", "thunderbird"))
        self.assertEqual({k: (v["port"], v["socketType"]) for k, v in got.items()},
                         {"imap": ("10143", "STARTTLS"), "smtp": ("10587", "STARTTLS")})

    def test_outlook(self):
        text = self.ok(self.site(), "client-config", "outlook", "o'brien&co@x.test")
        ns = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
        got = {x.find(ns + "Type").text: {y.tag[len(ns):]: y.text for y in x}
               for x in xml.fromstring(text).iter(ns + "Protocol")}
        self.assertEqual(sorted(got), ["IMAP", "POP3", "SMTP"])
        self.assertEqual((got["IMAP"]["Port"], got["IMAP"]["SSL"], got["IMAP"]["Encryption"]), ("993", "on", "SSL"))
        self.assertEqual((got["POP3"]["SSL"], "Encryption" in got["POP3"]), ("off", False))
        self.assertEqual(got["SMTP"]["LoginName"], "o'brien&co@x.test")

    def test_apple(self):
        s = self.site()
        first, again, other = (plistlib.load(io.BytesIO(self.ok(s, "client-config", "apple", a).encode()))
                               for a in ("alice@x.test", "alice@x.test", "bob@x.test"))
        self.assertEqual(first, again)
        self.assertNotEqual(first["PayloadUUID"], other["PayloadUUID"])
        self.assertRegex(first["PayloadUUID"], r"^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$")
        mail = first["PayloadContent"][0]
        self.assertEqual((mail["EmailAddress"], mail["EmailAccountType"], mail["IncomingMailServerPortNumber"],
                          mail["IncomingMailServerUseSSL"], mail["OutgoingMailServerPortNumber"]),
                         ("alice@x.test", "EmailTypeIMAP", 993, True, 465))
        self.assertNotIn("IncomingPassword", mail)

    def test_what_is_refused(self):
        s = self.site()
        for argv, code in (((), 64), (("mutt",), 64), (("apple",), 64), (("outlook", "x.test"), 64),
                           (("apple", "a@x.test", "b@x.test"), 64), (("apple", "a@elsewhere.test"), 65),
                           (("apple", "@x.test"), 65), (("thunderbird", "elsewhere.test"), 65),
                           (("apple", "a" * 600 + "@x.test"), 65)):
            with self.subTest(argv):
                p = s.run("mailctl", "client-config", *argv)
                self.assertEqual((p.returncode, p.stdout), (code, b""), p)
                self.assertTrue(p.stderr)
        p = self.site("").run("mailctl", "client-config", "thunderbird")
        self.assertEqual((p.returncode, p.stdout), (78, b""), p)


if __name__ == "__main__":
    unittest.main(verbosity=2)
