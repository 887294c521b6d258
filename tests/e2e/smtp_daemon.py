#!/usr/bin/env python3
"""smtpd as the daemon: listeners, the pool, the submit socket, draining."""

import os
import signal
import smtplib
import socket
import threading
import time

import side_by_side
from harness import PATIENCE, as_user, free_ports, start_ready, until
from smtp_lib import SMTPD, Case, proxy_v2


class Daemon(Case):
    limits = ""

    def setUp(self):
        super().setUp()
        self.mx, self.sub, self.lmtp, self.proxied = free_ports(4)
        self.inst.configure(smtpd='''
            listen "127.0.0.1:%d" { role = "mx" }
            listen "127.0.0.1:%d" { role = "submission" }
            listen "127.0.0.1:%d" { role = "lmtp" }
            listen "127.0.0.1:%d" { role = "mx" proxy = yes }
            %s''' % (self.mx, self.sub, self.lmtp, self.proxied, self.limits))
        self.proc, ready = start_ready([SMTPD, "-c", self.inst.conf],
                                       self.inst.path("log"), **as_user())
        self.addCleanup(self.stop)
        self.assertTrue(ready, self.log())
        self.submit = os.path.join(self.inst.run, "smtpd", "submit.sock")

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
        self.assertEqual(self.proc.wait(PATIENCE), 0)

    def log(self):
        with open(self.inst.path("log"), errors="replace") as f:
            return f.read()

    def letter(self, port, n=1):
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as s:
            for _ in range(n):
                s.sendmail("a@example.org", ["bob@example.test"],
                           "Subject: x\n\n.hello\n")


class Work(Daemon):

    def test_every_listener(self):
        self.letter(self.mx)
        self.letter(self.sub)
        with smtplib.LMTP("127.0.0.1", self.lmtp) as s:
            s.sendmail("a@example.org", ["bob@example.test"], "x: y\n\n")
        with socket.create_connection(("127.0.0.1", self.proxied),
                                      PATIENCE) as s:
            s.sendall(proxy_v2("198.51.100.7"))
            self.assertTrue(s.recv(100).startswith(b"220 "))
        self.assertEqual(len(self.inst.messages()), 3)
        # Three in one tick of the clock have no order.
        self.assertEqual(sorted(m.content for m in self.inst.messages()),
                         [b"Subject: x\r\n\r\n.hello\r\n"] * 2 +
                         [b"x: y\r\n\r\n"])

    def test_submit_socket(self):
        me = os.getuid()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.submit)
            f = s.makefile("rb")
            self.assertTrue(f.readline().startswith(b"220 "))
            s.sendall(b"EHLO here\r\n")
            while not f.readline().startswith(b"250 "):
                pass
            s.sendall(b"MAIL FROM:<a@example.test>\r\n"
                      b"RCPT TO:<x@elsewhere.test>\r\nDATA\r\n")
            self.assertEqual([f.readline()[:3] for _ in range(3)],
                             [b"250", b"250", b"354"])
            s.sendall(b"Subject: x\r\n\r\n.\r\n")
            self.assertTrue(f.readline().startswith(b"250 2.0.0"))
        m = self.inst.messages()[0]
        self.assertEqual(m.keys["uid"], str(me))
        self.assertIn(b"from uid %d" % me, m.head)
        self.assertNotIn("client-ip", m.keys)

    def test_many_at_once_and_more_than_a_process_serves(self):
        threads = [threading.Thread(target=lambda: [
            self.letter(self.mx, 2) for _ in range(30)]) for _ in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(2 * PATIENCE)
        self.assertEqual(len(self.inst.messages()), 300)
        self.assertEqual(self.inst.leavings(), [])

    def test_no_connection_goes_to_a_process_that_leaves(self):
        for n in range(1500):
            with socket.create_connection(("127.0.0.1", self.mx),
                                          PATIENCE) as s:
                self.assertTrue(s.recv(100).startswith(b"220 "), n)
                s.sendall(b"QUIT\r\n")
                self.assertTrue(s.recv(100).startswith(b"221 "), n)
                self.assertEqual(s.recv(1), b"")

    def test_the_bell_is_rung(self):
        trigger = os.open(os.path.join(self.inst.spool, "trigger"),
                          os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, trigger)
        self.letter(self.mx, 3)
        rung = os.read(trigger, 4096).decode().split("\n")
        self.assertEqual(sorted(rung[:-1]),
                         sorted(m.id for m in self.inst.messages()))

    def test_sigterm_lets_a_letter_end(self):
        s = smtplib.SMTP("127.0.0.1", self.mx, timeout=PATIENCE)
        idle = smtplib.SMTP("127.0.0.1", self.mx, timeout=PATIENCE)
        s.ehlo()
        idle.ehlo()
        s.mail("a@example.org")
        s.rcpt("bob@example.test")
        s.putcmd("DATA")
        self.assertEqual(s.getreply()[0], 354)
        self.proc.send_signal(signal.SIGTERM)
        self.assertEqual(idle.getreply()[0], 421)
        time.sleep(0.3)
        s.send(b"x: y\r\n\r\n.\r\n")
        self.assertEqual(s.getreply()[0], 250)
        self.assertEqual(s.getreply()[0], 421)
        s.close()
        idle.close()
        self.assertEqual(self.proc.wait(PATIENCE), 0)
        self.assertEqual(len(self.inst.messages()), 1)


class Signals(Daemon):
    limits = "drain-timeout = 30s"

    def children(self):
        with open("/proc/%d/task/%d/children" %
                  (self.proc.pid, self.proc.pid)) as f:
            return [int(pid) for pid in f.read().split()]

    def test_sigterm_soon_after_a_crash_still_ends_it(self):
        s = smtplib.SMTP("127.0.0.1", self.mx, timeout=PATIENCE)
        s.ehlo()
        s.mail("a@example.org")
        s.rcpt("bob@example.test")
        s.putcmd("DATA")
        self.assertEqual(s.getreply()[0], 354)
        with smtplib.SMTP("127.0.0.1", self.mx, timeout=PATIENCE) as idle:
            idle.ehlo()
        newest = max(self.children())
        os.kill(newest, signal.SIGABRT)   # a sanitizer takes SEGV
        until(lambda: "child-killed" in self.log())
        self.proc.send_signal(signal.SIGTERM)
        # A new image would have come in that time.
        for _ in range(26):
            time.sleep(0.4)
            s.send(b"x: y\r\n")
        s.send(b"\r\n.\r\n")
        self.assertEqual(s.getreply()[0], 250)
        s.close()
        # Before the drain-timeout.
        self.assertEqual(self.proc.wait(25), 0)
        self.assertNotIn("event=exec-anew", self.log())

    def test_a_crash_with_a_broken_configuration_does_not_end_it(self):
        with smtplib.SMTP("127.0.0.1", self.mx, timeout=PATIENCE) as s:
            s.ehlo()
        with open(self.inst.conf, "a") as f:
            f.write("nonsense = 1\n")
        os.kill(max(self.children()), signal.SIGABRT)
        until(lambda: "event=reload-refused" in self.log() or
              self.proc.poll() is not None)
        self.letter(self.mx)
        self.assertEqual(len(self.inst.messages()), 1)

    def test_many_sighups_do_not_end_it(self):
        for n in range(300):
            self.proc.send_signal(signal.SIGHUP)
            time.sleep(0.0007 * (n % 13))
            self.assertIsNone(self.proc.poll(), n)
        self.letter(self.mx)
        self.assertEqual(len(self.inst.messages()), 1)


    def test_who_begins_anew_ends_all_the_same(self):
        for n in range(30):
            self.proc.send_signal(signal.SIGHUP)
            time.sleep(0.0009 * (n % 15))
            self.stop()
            self.proc, ready = start_ready([SMTPD, "-c", self.inst.conf], self.inst.path("log"), **as_user())
            self.assertTrue(ready, self.log())


class Full(Daemon):
    limits = "max-connections = 2"

    def test_421(self):
        conns = []
        for want in (b"220", b"220", b"421"):
            s = socket.create_connection(("127.0.0.1", self.mx), PATIENCE)
            conns.append(s)
            self.assertEqual(s.recv(100)[:3], want)
        for s in conns:
            s.close()
        self.assertIn("why=max-connections", self.log())


class Share(Daemon):
    limits = "max-connections = 8"

    def test_strangers_keep_nobody_from_submitting(self):
        def dial(n):
            s = socket.create_connection(("127.0.0.1", self.proxied), PATIENCE)
            self.addCleanup(s.close)
            s.sendall(proxy_v2("198.51.100.%d" % n))
            return s, s.recv(100)[:3]
        conns = [dial(n) for n in range(8)]
        self.assertEqual([reply for _, reply in conns], [b"220"] * 6 + [b"421"] * 2)
        self.assertIn("why=mx-share ip=198.51.100.6", self.log())

        def served():
            with socket.create_connection(("127.0.0.1", self.sub), PATIENCE) as s:
                return s.recv(100)[:3] == b"220"
        until(served, what="who was refused to leave the process")
        self.letter(self.sub)
        conns[0][0].close()
        until(lambda: dial(9)[1] == b"220", what="room for another")


class Proxied(Daemon):
    limits = "max-per-address = 2"

    def test_the_limits_are_the_client_s_not_the_proxy_s(self):
        conns = []
        for ip, want in (("198.51.100.7", b"220"), ("198.51.100.7", b"220"),
                         ("198.51.100.7", b"421"), ("198.51.100.8", b"220"),
                         ("2001:db8::7", b"220")):
            s = socket.create_connection(("127.0.0.1", self.proxied), PATIENCE)
            conns.append(s)
            s.sendall(proxy_v2(ip))
            self.assertEqual(s.recv(100)[:3], want)
        for s in conns:
            s.close()
        self.assertIn("why=max-per-address ip=198.51.100.7", self.log())


class OneUid(Daemon):
    limits = "max-connections = 4"
    CALLER = 65533

    def dial(self, s):
        try:
            os.seteuid(self.CALLER if os.getuid() == 0 else os.getuid())
            s.settimeout(PATIENCE)
            s.connect(self.submit)
        finally:
            os.seteuid(os.getuid())
        return s.recv(100)[:3]

    def test_a_local_user_cannot_take_every_process(self):
        conns = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        self.assertEqual([self.dial(s) for s in conns],
                         [b"220", b"220", b"421", b"421"])
        self.letter(self.mx)
        for s in conns:
            s.close()

        def again():
            with socket.socket(socket.AF_UNIX) as s:
                return self.dial(s) == b"220"
        until(again, what="ended connections to count no longer")


if __name__ == "__main__":
    side_by_side.main()
