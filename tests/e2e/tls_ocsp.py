#!/usr/bin/env python3
"""An OCSP response from a file, through keyd, to a client that asks for it (RFC 6066 8)."""

import os
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import replace_file
from instance import Instance, need, wait_for
from remote_certs import Cert, openssl


class Ocsp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        cls.i = Instance(config={"keyd": {"check": "1s"}})
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        cls.dir = tempfile.mkdtemp(dir=cls.i.home)
        cls.ca = Cert(cls.dir, "ca")
        cls.mail = Cert(cls.dir, "mail.example.test", cls.ca, "DNS:mail.example.test")

        conf = cls.i.dir + "/etc/merpati.conf"
        with open(conf) as f:
            text = f.read()
        section = 'certificate "mail" {'
        assert section in text, text
        with open(conf, "w") as f:
            f.write(text.replace(section, '%s\n\tocsp = "%s/etc/keys/mail.ocsp.der"' % (section, cls.i.dir)))
        p = cls.i.mailctl("reload")
        assert p.returncode == 0, p

    def respond(self, revoked=False):
        """What the issuer says of the certificate now, for a day."""
        name = os.path.join(self.dir, "ocsp")
        serial = openssl("x509", "-in", self.mail.path, "-noout", "-serial").decode().strip().partition("=")[2]
        soon = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 86400))
        now = time.strftime("%y%m%d%H%M%SZ", time.gmtime())
        with open(name + ".index", "w") as f:
            f.write("%s\t%s\t%s\t%s\tunknown\t/CN=mail.example.test\n" % (
                "R" if revoked else "V", soon, now if revoked else "", serial))
        openssl("ocsp", "-issuer", self.ca.path, "-cert", self.mail.path, "-no_nonce", "-reqout", name + ".req")
        openssl("ocsp", "-index", name + ".index", "-CA", self.ca.path, "-rsigner", self.ca.path,
                "-rkey", self.ca.key, "-reqin", name + ".req", "-ndays", "1", "-respout", name + ".der")
        return name + ".der"

    def put(self, source, target):
        replace_file("%s/etc/keys/%s" % (self.i.dir, target), Path(source).read_bytes())

    def told(self, port, more=()):
        """What s_client says of the response."""
        p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.i.port(port), "-status",
                            "-CAfile", self.ca.path, "-servername", "mail.example.test", *more],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        m = re.search(r"Cert Status: (\w+)", p.stdout)
        if m:
            return m.group(1)
        return "none" if "OCSP response: no response sent" in p.stdout else p.stdout[:400]

    def test_it_is_stapled_on_every_way_in(self):
        self.assertEqual(self.told(993), "none")
        self.put(self.respond(), "mail.ocsp.der")
        self.put(self.mail.key, "mail.key.pem")
        self.put(self.mail.chain, "mail.chain.pem")
        for port, more in ((993, ()), (995, ()), (465, ()), (143, ("-starttls", "imap")), (110, ("-starttls", "pop3")),
                           (587, ("-starttls", "smtp")), (25, ("-starttls", "smtp"))):
            with self.subTest(port=port):
                wait_for(lambda: self.told(port, more) == "good", 30)
        # Another is looked at without anybody being told; this one tells the admin, not clients.
        self.put(self.respond(revoked=True), "mail.ocsp.der")
        wait_for(lambda: self.told(993) == "none", 30)
        self.assertIn('event=bad-ocsp name=mail', self.i.log("keyd"))
        self.put(self.respond(), "mail.ocsp.der")
        wait_for(lambda: self.told(993) == "good", 30)


if __name__ == "__main__":
    unittest.main()
