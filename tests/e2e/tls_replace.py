#!/usr/bin/env python3
"""Certificates change and keyd is restarted while the whole suite speaks TLS:
no session drops, no handshake fails, and new ones get the new certificate."""

import imaplib
import poplib
import shutil
import smtplib
import ssl
import tempfile
import threading
import time
import unittest

from harness import replace_file
from instance import Instance, need, trusting, wait_for
from keyd_lib import RSA, Pair

SESSIONS = 100
IMPLICIT = (465, 993, 995)


def der_of(path):
    with open(path) as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


class Replace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        many = {"max-connections-per-user": str(2 * SESSIONS)}
        cls.i = Instance(config={"keyd": {"check": "1s"}, "imapd": many, "pop3d": many})
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        cls.dir = tempfile.mkdtemp(prefix="mpnew")
        cls.addClassCleanup(shutil.rmtree, cls.dir)

    def imap(self, implicit):
        if implicit:
            c = imaplib.IMAP4_SSL("127.0.0.1", self.i.port(993), ssl_context=trusting(), timeout=60)
        else:
            c = imaplib.IMAP4("127.0.0.1", self.i.port(143), timeout=60)
            c.starttls(trusting())
        c.login("alice@example.test", self.i.password("alice"))
        c.select()
        return c

    def pop(self, implicit):
        if implicit:
            c = poplib.POP3_SSL("127.0.0.1", self.i.port(995), context=trusting(), timeout=60)
        else:
            c = poplib.POP3("127.0.0.1", self.i.port(110), timeout=60)
            c.stls(trusting())
        return c        # before its login: a mailbox has one POP3 session

    def smtp(self, implicit):
        if implicit:
            c = smtplib.SMTP_SSL("127.0.0.1", self.i.port(465), context=trusting(), timeout=60)
        else:
            c = smtplib.SMTP("127.0.0.1", self.i.port(587), timeout=60)
            c.starttls(context=trusting())
        c.login("bob@example.test", self.i.password("bob"))
        return c

    def install(self, pair):
        p = self.i.mailctl("certificate", "install", "mail", pair.chain, pair.key)
        self.assertEqual(p.returncode, 0, p)

    def test_a_hundred_sessions_see_nothing(self):
        pids = {s: self.i.pid(s) for s in ("imapd", "pop3d", "smtpd", "keyd")}
        old = der_of(self.i.dir + "/etc/keys/mail.chain.pem")
        self.assertEqual({self.i.shown(p) for p in IMPLICIT}, {old})
        imaps = [self.imap(n % 2 == 0) for n in range(SESSIONS - 30)]
        smtps = [self.smtp(n % 2 == 0) for n in range(10)]
        pops = [self.pop(n % 2 == 0) for n in range(20)]
        for n, kind in enumerate((RSA, "ec")):
            new = Pair(self.dir, "new%d" % n, *([RSA] if kind == RSA else []))
            self.install(new)
            want = der_of(new.chain)
            for port in IMPLICIT:
                wait_for(lambda: self.i.shown(port) == want)
            for c in imaps:
                self.assertEqual(c.noop()[0], "OK")
            for c in pops:
                self.assertIn("UIDL", c.capa())
            for c in smtps:
                self.assertEqual(c.noop()[0], 250)
        # Who had begun goes on in every way: a letter arrives, is seen and fetched.
        smtps[0].sendmail("bob@example.test", ["alice@example.test"], "Subject: still there\r\n\r\nx\r\n")
        wait_for(lambda: self.i.deliveries("alice"))
        for c in imaps[:4]:
            wait_for(lambda: (c.noop(), c.search(None, "ALL")[1][0])[1] == b"1")
            self.assertIn(b"still there", c.fetch("1", "(BODY.PEEK[HEADER])")[1][0][1])
        pops[0].user("alice@example.test")
        pops[0].pass_(self.i.password("alice"))
        self.assertEqual(pops[0].stat()[0], 1)
        for c in imaps:
            c.logout()
        for c in pops + smtps:
            c.quit()
        # Nobody was restarted for it.
        self.assertEqual(pids, {s: self.i.pid(s) for s in pids})

    def replace(self, name):
        """As certbot does it, by files alone.  The new one in DER."""
        new = Pair(self.dir, name)
        for what, path in (("key", new.key), ("chain", new.chain)):
            with open(path, "rb") as f:
                replace_file("%s/etc/keys/mail.%s.pem" % (self.i.dir, what), f.read())
        return der_of(new.chain)

    def test_who_came_before_begins_tls_with_the_new_one(self):
        imap = imaplib.IMAP4("127.0.0.1", self.i.port(143), timeout=60)
        pop = poplib.POP3("127.0.0.1", self.i.port(110), timeout=60)
        smtps = [smtplib.SMTP("127.0.0.1", self.i.port(p), "client.test", timeout=60) for p in (25, 587)]
        for s in smtps:
            s.ehlo()
        want = self.replace("hook")
        # This keyd never had the old key.
        self.i.svc("keyd", "-wR -r")
        imap.starttls(trusting())
        pop.stls(trusting())
        for s in smtps:
            s.starttls(context=trusting())
        self.assertEqual([c.sock.getpeercert(True) == want for c in (imap, pop, *smtps)], [True] * 4)
        imap.logout()
        for c in (pop, *smtps):
            c.quit()

    def test_a_listener_that_cannot_begin_anew_has_the_new_one(self):
        conf = self.i.dir + "/etc/merpati.conf"
        with open(conf, "rb") as f:
            good = f.read()
        self.addCleanup(replace_file, conf, good)
        replace_file(conf, good + b"\nnonsense = 1\n")
        want = self.replace("night")
        for port in IMPLICIT:
            wait_for(lambda: self.i.shown(port) == want)
        wait_for(lambda: "event=reload-refused" in self.i.log("imapd"))

    def test_handshakes_wait_for_a_keyd_that_is_restarted(self):
        errors, done = [], threading.Event()
        count = [0]

        def shake():
            while not done.is_set():
                try:
                    self.i.shown(993)
                    count[0] += 1
                except OSError as e:
                    errors.append(e)

        threads = [threading.Thread(target=shake) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for _ in range(5):
                n = count[0]
                self.i.svc("keyd", "-wR -r")
                wait_for(lambda: count[0] > n + 5)
        finally:
            done.set()
            for t in threads:
                t.join()
        told = [x for log in ("imapd", "keyd") for x in self.i.log(log).splitlines()
                if "event=tls-failed" in x or "event=not-signed" in x]
        self.assertEqual(errors, [], told)

    def test_a_handshake_outlasts_five_seconds_without_keyd(self):
        self.i.svc("keyd", "-d -wd")
        up = threading.Timer(5, self.i.svc, ("keyd", "-u"))
        up.start()
        try:
            self.assertTrue(self.i.shown(993))
        finally:
            up.join()

    def test_a_bad_file_changes_nothing(self):
        chain = self.i.dir + "/etc/keys/mail.chain.pem"
        before, pid = self.i.shown(993), self.i.pid("imapd")
        shutil.copy(chain, self.dir + "/kept")
        with open(chain, "w") as f:
            f.write("rubbish\n")
        wait_for(lambda: "bad-certificate" in self.i.log("keyd"))
        self.assertEqual(self.i.shown(993), before)
        with open(self.dir + "/kept") as f, open(chain, "w") as g:
            g.write(f.read())
        time.sleep(2)
        self.assertEqual((self.i.shown(993), self.i.pid("imapd")), (before, pid))


if __name__ == "__main__":
    unittest.main(verbosity=2)
