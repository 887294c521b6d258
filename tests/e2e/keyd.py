#!/usr/bin/env python3
"""keyd through its socket and with real files: what it signs and for whom, what
happens when files change, when they are bad, and when it starts."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import NOBODY, ROOT, until
from keyd_lib import KEYD, RSA, Keyd, Pair, being
from remote_certs import openssl

SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="mpkeys")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.ec = Pair(cls.dir, "ec")
        cls.rsa = Pair(cls.dir, "rsa", RSA)
        cls.other = Pair(cls.dir, "other")

    def keyd(self, certificates, **keys):
        k = Keyd(certificates, **keys)
        self.addCleanup(k.close)
        return k

    def started(self, certificates, **keys):
        return self.keyd(certificates, **keys).start()


class Signing(Base):
    def test_signatures_verify(self):
        k = self.started({"ec": self.ec, "rsa": self.rsa})
        with k.client() as c:
            for pair, scheme in ((self.ec, "ecdsa"), (self.rsa, "rsa-pss"), (self.rsa, "rsa-pkcs1")):
                for digest, size in SIZES.items():
                    data = os.urandom(size)
                    verb, fields = c.sign(pair.id, scheme, digest, data)
                    self.assertEqual((verb, fields["ok"]), ("signed", "1"))
                    signature = bytes.fromhex(fields["data"])
                    self.assertTrue(pair.verifies(scheme, digest, data, signature, k.dir), (scheme, digest))
                    self.assertFalse(pair.verifies(scheme, digest, os.urandom(size), signature, k.dir))

    def test_what_does_not_fit_is_not_signed(self):
        k = self.started({"ec": self.ec, "rsa": self.rsa})
        with k.client() as c:
            for key, scheme in (("0" * 64, "ecdsa"), (self.ec.id, "rsa-pss"), (self.ec.id, "rsa-pkcs1"),
                                (self.rsa.id, "ecdsa"), (self.other.id, "ecdsa")):
                self.assertEqual(c.sign(key, scheme, "sha256", bytes(32)), ("signed", {"ok": "0"}))
            # And it still signs what does.
            self.assertEqual(c.sign(self.ec.id, "ecdsa", "sha256", bytes(32))[1]["ok"], "1")
        k.wait("event=not-signed", times=5)

    def test_malformed_packets_end_the_connection_alone(self):
        k = self.started({"ec": self.ec})
        good = ("key %s\nscheme ecdsa\ndigest sha256\ndata %s\n" % (self.ec.id, "00" * 32)).encode()
        head = b"merpati 1 sign 1\n"
        bad = [b"x", b"\0", b"\n", b"merpati 2 sign 1\n" + good, b"merpati 1 sign\n" + good, head,
               head + good[:-1], head + good + good, head + good + b"more 1\n", head + good.replace(b"ecdsa", b"raw"),
               head + good.replace(b"sha256", b"md5"), head + good.replace(b"sha256", b"sha512"),
               head + good.replace(b"data 00", b"data "), head + good.replace(b"data ", b"data zz"),
               head + good.replace(b"key ", b"key 0"), head + good.replace(b"key", b"kez"),
               head + good.replace(b"ecdsa", b"ecdsa\0"), b"merpati 1 decrypt 1\n" + good,
               b"merpati 1 ticket 1\nname 00\n", b"merpati 1 ticket 1\n" + good, b"merpati 1 reload 1\n" + good,
               b"merpati 1 signed 1\nok 0\n", b"x" * 40000]
        with k.client() as steady:
            for packet in bad:
                with k.client() as c:
                    self.assertIsNone(c.raw(packet), packet)
                self.assertEqual(steady.raw(head + good)[1]["ok"], "1")
        self.assertIsNone(k.process.poll())

    def test_many_ask_at_once(self):
        k = self.started({"ec": self.ec})
        clients = [k.client() for _ in range(200)]
        for c in clients:
            c.sock.send(("merpati 1 sign 1\nkey %s\nscheme ecdsa\ndigest sha256\ndata %s\n" % (
                self.ec.id, "11" * 32)).encode())
        for c in clients:
            self.assertIn(b"ok 1", c.sock.recv(65536))
            c.close()

    @unittest.skipUnless(ROOT, "several uids take root")
    def test_only_the_services_may_ask(self):
        k = self.started({"ec": self.ec})
        # root is an admin, and no service.
        with k.client(0) as c:
            self.assertEqual(c.ask("reload"), ("ok", {}))
        for verb in ("sign", "ticket"):
            with k.client(0) as c:
                self.assertIsNone(c.sign(self.ec.id, "ecdsa", "sha256", bytes(32))
                                  if verb == "sign" else c.ask("ticket"))
        k.wait("event=forbidden uid=0", times=2)
        # Anybody else is not heard at all.
        with k.client(NOBODY - 3) as c:
            self.assertIsNone(c.ask("ticket"))
        k.wait("event=ipc-refused uid=%d" % (NOBODY - 3))

    def test_nobody_of_its_uid_reads_its_memory(self):
        k = self.started({"ec": self.ec})
        with being(NOBODY):
            for name in ("mem", "maps", "environ"):
                with self.assertRaises(PermissionError):
                    with open("/proc/%d/%s" % (k.process.pid, name), "rb") as f:
                        f.read(1)


class Files(Base):
    def test_a_replaced_certificate_is_used_and_nobody_is_dropped(self):
        k = self.started({"mail": self.ec, "rsa": self.rsa})
        self.assertEqual(k.names(), ["mail", "rsa"])
        with k.client() as c:
            k.put("mail", self.other)
            until(lambda: k.published(self.other), what=k.log)
            self.assertFalse(k.published(self.ec))
            self.assertEqual(c.sign(self.other.id, "ecdsa", "sha256", bytes(32))[1]["ok"], "1")
            # Who still has the old one is in the middle of a handshake.
            self.assertEqual(c.sign(self.ec.id, "ecdsa", "sha256", bytes(32))[1]["ok"], "1")
            self.assertEqual(c.sign(self.rsa.id, "rsa-pss", "sha256", bytes(32))[1]["ok"], "1")
        self.assertEqual(k.names(), ["mail", "rsa"])

    def test_bad_new_files_leave_the_old_in_place(self):
        k = self.started({"mail": self.ec})
        before = os.stat(k.public).st_ino
        bad = [("chain", b"rubbish\n", "no certificate"), ("key", b"rubbish\n", "no private key"),
               ("chain", b"", "no certificate")]
        for what, data, said in bad:
            k.put("mail", self.ec)
            n = k.count("event=bad-certificate")
            k.write("mail", what, data)
            k.wait("event=bad-certificate name=mail", said, times=1)
            until(lambda: k.count("event=bad-certificate") > n)
            self.assert_signs(k, self.ec)
        # The key of another certificate.
        k.put("mail", self.ec)
        with open(self.other.key, "rb") as f:
            k.write("mail", "key", f.read())
        k.wait("event=bad-certificate", "not that of the first")
        n = k.count("event=bad-certificate")
        # And none at all.
        os.unlink(k.file("mail", "chain"))
        k.wait("event=bad-certificate", "No such file")
        n = k.count("event=bad-certificate")
        time.sleep(3)       # three looks: it is said once
        self.assertEqual(k.count("event=bad-certificate"), n)
        self.assert_signs(k, self.ec)
        self.assertEqual(os.stat(k.public).st_ino, before)
        k.put("mail", self.other)
        until(lambda: k.published(self.other), what=k.log)
        self.assert_signs(k, self.other)

    def test_a_key_that_may_be_read_only_later_is_taken_then(self):
        k = self.started({"mail": self.ec})
        for what, path in (("key", self.other.key), ("chain", self.other.chain)):
            with open(path, "rb") as f:
                k.write("mail", what, f.read(), 0)
        k.wait("event=bad-certificate name=mail", "Permission denied")
        for what in ("key", "chain"):
            os.chmod(k.file("mail", what), 0o600)
        until(lambda: k.published(self.other), what=k.log)
        self.assert_signs(k, self.other)

    def assert_signs(self, k, pair):
        with k.client() as c:
            self.assertEqual(c.sign(pair.id, "ecdsa", "sha256", bytes(32))[1]["ok"], "1")

    def test_one_that_ends_soon_is_warned_of(self):
        k = self.started({"soon": Pair(self.dir, "soon", days=3), "ec": self.ec}, keyd="check = 1s warn = 14d")
        k.wait("event=certificate-expires name=soon days=")
        self.assertRegex(k.log(), "days=[23] ")
        time.sleep(3)
        self.assertEqual(k.count("event=certificate-expires"), 1)      # once a day

    def test_one_that_has_ended_is_warned_of_and_used(self):
        old = Pair(self.dir, "old")
        request = openssl("x509", "-x509toreq", "-in", old.chain, "-signkey", old.key)
        with open(old.chain, "wb") as f:
            f.write(openssl("x509", "-req", "-days", "-1", "-signkey", old.key, data=request))
        k = self.started({"old": old})
        k.wait("event=certificate-expired name=old days=-")
        self.assert_signs(k, old)

    def test_a_key_that_everybody_may_read_is_warned_of(self):
        k = self.keyd({"ec": self.ec})
        os.chmod(k.file("ec", "key"), 0o644)
        k.start()
        k.wait("event=key-exposed name=ec")

    def test_kinds_of_keys_that_are_refused(self):
        k = self.started({"ec": self.ec})
        secret = Pair(self.dir, "secret")
        with open(secret.key, "rb") as f:
            data = f.read()
        with open(secret.key, "wb") as f:
            f.write(openssl("pkey", "-aes128", "-passout", "pass:x", data=data))
        for pair, said in ((secret, "passphrase"), (Pair(self.dir, "ed", "ed25519"), "ED25519"),
                           (Pair(self.dir, "small", "rsa:1024"), "1024 bits")):
            k.put("ec", pair)
            k.wait("event=bad-certificate", said)
        self.assert_signs(k, self.ec)

    def test_the_public_file_changes_only_when_it_must(self):
        k = self.started({"ec": self.ec})
        before = os.stat(k.public)
        self.assertEqual(before.st_mode & 0o777, 0o644)
        k.put("ec", self.ec)        # the same once more
        k.wait("event=certificate-loaded", times=2)
        k.stop()
        k.start()
        k.wait("event=certificate-loaded", times=3)
        self.assertEqual(os.stat(k.public).st_ino, before.st_ino)
        self.assertEqual(k.count("event=published"), 1)


class Tickets(Base):
    def test_keys_turn_and_end(self):
        k = self.started({"ec": self.ec}, keyd="ticket-life = 4s")
        with k.client() as c:
            verb, first = c.ask("ticket")
            self.assertEqual((verb, first["known"]), ("ticket-key", "1"))
            self.assertEqual([len(first[x]) for x in ("name", "aes", "hmac")], [32, 64, 64])
            self.assertLessEqual(int(first["fresh"]), 2)
            self.assertLessEqual(int(first["left"]), 4)

            def another():
                new = c.ask("ticket")[1]
                return new if new["name"] != first["name"] else None
            second = until(another, longest=0.05)
            self.assertNotEqual(second["aes"], first["aes"])
            self.assertNotEqual(second["hmac"], first["hmac"])
            verb, old = c.ask("ticket", name=first["name"])
            if old["known"] == "1":         # else this machine is very slow
                self.assertEqual((old["aes"], old["fresh"]), (first["aes"], "0"))
            until(lambda: c.ask("ticket", name=first["name"])[1] == {"known": "0"})
            self.assertEqual(c.ask("ticket", name="00" * 16)[1], {"known": "0"})

    def test_a_restart_forgets_them(self):
        k = self.started({"ec": self.ec})
        with k.client() as c:
            first = c.ask("ticket")[1]
        with k.client() as c:
            self.assertEqual(c.ask("ticket")[1]["name"], first["name"])
        self.assertEqual(k.stop(), 0)
        k.start()
        with k.client() as c:
            self.assertEqual(c.ask("ticket", name=first["name"])[1], {"known": "0"})
            self.assertNotEqual(c.ask("ticket")[1]["aes"], first["aes"])

    def test_without_tickets_none_is_lent(self):
        k = self.started({"ec": self.ec}, more="tls { tickets = no }")
        with k.client() as c:
            self.assertEqual(c.ask("ticket")[1], {"known": "0"})


class Start(Base):
    def test_without_a_certificate_it_waits(self):
        k = self.started({})
        k.wait("event=no-certificates")
        with open(k.public) as f:
            self.assertEqual(f.read(), "merpati-certificates 1\nend\n")
        with k.client() as c:
            self.assertEqual(c.sign("0" * 64, "ecdsa", "sha256", bytes(32))[1], {"ok": "0"})
        self.assertEqual(k.stop(), 0)

    def test_none_that_is_good_is_78(self):
        k = self.keyd({"ec": self.ec})
        k.write("ec", "key", b"rubbish\n")
        self.assertEqual(k.run(), 78)
        self.assertIn("event=bad-certificate name=ec file=%s reason=" % k.file("ec", "key"), k.log())
        with open(k.conf, "a") as f:
            f.write("nonsense = 1\n")
        self.assertEqual(k.run(), 78)
        self.assertIn("merpati.conf:", k.log())

    def test_one_that_is_good_is_enough(self):
        k = self.keyd({"one": self.ec, "two": self.rsa})
        os.unlink(k.file("one", "chain"))
        k.start()
        self.assertEqual(k.names(), ["two"])
        k.put("one", self.ec)
        until(lambda: k.names() == ["one", "two"], what=k.log)

    def test_root_and_wrong_usage_are_refused(self):
        k = self.keyd({"ec": self.ec})
        p = subprocess.run([KEYD, "-x"],
                           capture_output=True)
        self.assertEqual((p.returncode, p.stdout), (64, b""))
        if ROOT:
            p = subprocess.run([KEYD, "-c", k.conf], capture_output=True)
            self.assertEqual(p.returncode, 75)
            self.assertIn(b"event=refused-root", p.stderr)

    def test_a_reload_reads_the_configuration(self):
        k = self.started({"ec": self.ec}, keyd="check = 1h")
        k.put("rsa", self.rsa)
        k.configure(["ec", "rsa"])
        with k.client() as c:
            self.assertEqual(c.ask("reload"), ("ok", {}))
            self.assertEqual(k.names(), ["ec", "rsa"])
            ticket = c.ask("ticket")[1]["name"]
            # One file is bad: that is said, the old one stays, keys too.
            k.write("rsa", "chain", b"rubbish\n")
            verb, fields = c.ask("reload")
            self.assertEqual(verb, "error")
            self.assertIn("no+20certificate", fields["text"])
            self.assertEqual(k.names(), ["ec", "rsa"])
            with open(k.conf, "a") as f:
                f.write("nonsense = 1\n")
            verb, fields = c.ask("reload")
            self.assertIn("nonsense", fields["text"])
            self.assertEqual(k.names(), ["ec", "rsa"])
            self.assertEqual(c.ask("ticket")[1]["name"], ticket)
            k.configure(["ec"])
            self.assertEqual(c.ask("reload"), ("ok", {}))
            self.assertEqual(k.names(), ["ec"])
        k.configure([])
        k.process.send_signal(signal.SIGHUP)
        until(lambda: k.names() == [], what=k.log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
