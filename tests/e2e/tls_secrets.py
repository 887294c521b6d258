#!/usr/bin/env python3
"""What talks to the network holds no secret: the memory of every such process,
searched while it serves TLS.  Root and the plain build only (a sanitizer's
shadow memory is larger than the disk)."""

import base64
import imaplib
import os
import poplib
import re
import smtplib
import ssl
import subprocess
import unittest

from instance import Instance, need, process_tree, sanitized, trusting

HASH = subprocess.run(["openssl", "passwd", "-6", "-salt", "merpatitest", "secret-carol"],
                      capture_output=True, text=True).stdout.strip()


def memory(pid):
    """(start, octets) of every readable mapping."""
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)", line)
            if not m or m.group(3) in ("[vvar]", "[vsyscall]"):
                continue
            start, end = int(m.group(1), 16), int(m.group(2), 16)
            try:
                mem.seek(start)
                yield start, mem.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue        # a page that cannot be had


def numbers(key):
    """The secret numbers of a key file, as octets in both orders: OpenSSL keeps
    its numbers with the lowest word first."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"],
                          check=True, capture_output=True, text=True).stdout
    for name in ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2"):
        m = re.search(r"^%s:\n((?:    .*\n)+)" % name, text, re.M)
        if m:
            n = bytes.fromhex(re.sub(r"[^0-9a-f]", "", m.group(1))).lstrip(b"\0")
            # Enough of it to be no accident.
            yield name, n[:16]
            yield name + " reversed", n[::-1][-16:] if len(n) > 16 else n[::-1]
            yield name + " from its low end", n[-16:]
            yield name + " from its low end, reversed", n[::-1][:16]


def pem(path):
    with open(path) as f:
        lines = [x.strip() for x in f if not x.startswith("-")]
    # Of an EC key, the second line has half of the secret number.
    yield "PEM", lines[1].encode()


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        if os.geteuid() != 0:
            raise unittest.SkipTest("reading other processes' memory takes root")
        if sanitized():
            raise unittest.SkipTest("with the plain build only")
        cls.i = Instance(users=("alice", "bob"), extra_users="carol@example.test:%s::::::\n" % HASH)
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        cls.i.make()
        cls.keys = [cls.i.dir + "/etc/keys/mail.key.pem"]
        cls.add_rsa()
        p = cls.i.mailctl("user", "add", "dave@example.test", "--stdin", input="another-secret-of-dave\n")
        assert p.returncode == 0, p
        cls.i.start()

    @classmethod
    def add_rsa(cls):
        """A second certificate of the other kind, so both kinds are looked for."""
        d = cls.i.dir + "/etc/keys"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=mail.example.test", "-addext", "subjectAltName=DNS:mail.example.test",
                        "-keyout", d + "/rsa.key.pem", "-out", d + "/rsa.chain.pem"],
                       check=True, capture_output=True)
        for f in ("rsa.key.pem", "rsa.chain.pem"):
            st = os.stat(cls.keys[0])
            os.chown(d + "/" + f, st.st_uid, st.st_gid)
            os.chmod(d + "/" + f, 0o640)
        with open(cls.i.dir + "/etc/merpati.conf", "a") as f:
            f.write('certificate "rsa" { chain = "%s/rsa.chain.pem" key = "%s/rsa.key.pem" }\n' % (d, d))
        cls.keys.append(d + "/rsa.key.pem")

    def context(self, sigalgs=None):
        c = trusting()
        if sigalgs:
            c.maximum_version = ssl.TLSVersion.TLSv1_2
            c.set_ciphers(sigalgs)
        return c

    def connections(self):
        """One of every kind, before its login and after, with either key."""
        i, held = self.i, []
        # POP3 lets one session into a mailbox.
        for algs, pop in ((None, "dave"), ("ECDHE-RSA-AES128-GCM-SHA256", "carol")):
            c = self.context(algs)
            held.append(imaplib.IMAP4_SSL("127.0.0.1", i.port(993), ssl_context=c))
            m = imaplib.IMAP4_SSL("127.0.0.1", i.port(993), ssl_context=c)
            m.login("carol@example.test", "secret-carol")
            m.select()
            m.send(b"x IDLE\r\n")
            held.append(m)
            held.append(poplib.POP3_SSL("127.0.0.1", i.port(995), context=c))
            p = poplib.POP3("127.0.0.1", i.port(110))
            p.stls(c)
            p.user(pop + "@example.test")
            p.pass_({"dave": "another-secret-of-dave", "carol": "secret-carol"}[pop])
            held.append(p)
            s = smtplib.SMTP("127.0.0.1", i.port(25))
            s.starttls(context=c)
            held.append(s)
            s = smtplib.SMTP_SSL("127.0.0.1", i.port(465), context=c)
            s.login("carol@example.test", "secret-carol")
            held.append(s)
        return held

    def secrets(self):
        for k, key in enumerate(self.keys):
            for name, octets in list(numbers(key)) + list(pem(key)):
                yield "%s of %s" % (name, os.path.basename(key)), octets
        with open(self.i.dir + "/etc/users") as f:
            text = f.read()
        yield "carol's hash", HASH.encode()
        dave = next(x for x in text.splitlines() if x.startswith("dave@"))
        yield "dave's hash", dave.split(":")[1].encode()
        scram = re.search(r"scram-sha-256=(\S+)", dave).group(1).split(",")
        for name, octets in (("stored", scram[2]), ("server", scram[3])):
            yield "dave's SCRAM %s key, base 64" % name, octets.encode()
            yield "dave's SCRAM %s key" % name, base64.b64decode(octets)

    def passwords(self):
        """As people type them, and as SASL has them on the line."""
        for user, word in (("carol", "secret-carol"), ("dave", "another-secret-of-dave")):
            plain = "\0%s@example.test\0%s" % (user, word)
            yield user + "'s password", word.encode()
            yield user + "'s password, base 64", base64.b64encode(word.encode()).rstrip(b"=")
            yield user + "'s PLAIN, base 64", base64.b64encode(plain.encode()).rstrip(b"=")[8:]

    def found(self, pids, secrets):
        got = set()
        for pid in pids:
            for _, octets in memory(pid):
                got |= {name for name, s in secrets if s in octets}
        return got

    def test_nothing_is_found_where_strangers_come_in(self):
        held = self.connections()
        self.assertEqual(len(held), 12)
        secrets = list(self.secrets())
        # The search does find them where they are.
        self.assertTrue(self.found([self.i.pid("keyd")], secrets) &
                        {n for n, _ in secrets if "prime1" in n})
        self.assertTrue(self.found([self.i.pid("keyd")], secrets) & {n for n, _ in secrets if n.startswith("priv")})
        self.assertIn("dave's hash", self.found([self.i.pid("authd")], secrets))
        # Nor do those who logged in leave their password behind.
        secrets += list(self.passwords())
        looked = 0
        for service in ("smtpd", "imapd", "pop3d", "resolver", "remote"):
            tree = process_tree(self.i.pid(service))
            with self.subTest(service):
                self.assertEqual(self.found(tree, secrets), set())
            looked += len(tree)
        # Parents, and a process for each connection at least.
        self.assertGreaterEqual(looked, 5 + len(held))


if __name__ == "__main__":
    unittest.main(verbosity=2)
