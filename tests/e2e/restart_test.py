#!/usr/bin/env python3
"""A restart of a listener refuses no connection: mailbind and s6-fdholder."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PATIENCE  # noqa: E402
from instance import Instance, need, wait_for  # noqa: E402


class Knocker(threading.Thread):
    """Connects again and again; every connection must get its greeting."""

    def __init__(self, port, greeting):
        super().__init__(daemon=True)
        self.port, self.greeting = port, greeting
        self.stopped = threading.Event()
        self.good, self.refused, self.other = 0, 0, []

    def run(self):
        while not self.stopped.wait(0.005):
            try:
                with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as s:
                    s.settimeout(PATIENCE)
                    got = s.recv(500)
                if got.startswith(self.greeting):
                    self.good += 1
                elif got:
                    self.other.append(got)
                # An empty answer: it was being served by what was killed.
            except ConnectionRefusedError:
                self.refused += 1
            except ConnectionResetError:
                pass
            except OSError as e:
                self.other.append(e)

    def end(self):
        self.stopped.set()
        self.join(2 * PATIENCE)
        return self


class Restart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "s6-fdholder-list")
        cls.i = Instance(config={"smtpd": {"max-rate": "1000000"}, "pop3d": {"max-rate": "1000000"}})
        cls.i.__enter__()
        cls.addClassCleanup(lambda: cls.i.__exit__(None, None, None))

    def held(self):
        r = subprocess.run(["s6-fdholder-list", self.i.dir + "/run/fdholder/fdholder.sock"],
                           capture_output=True, text=True, timeout=PATIENCE)
        return set(r.stdout.splitlines())

    def wanted(self):
        base = self.i.base
        return {"smtpd unix:%s/run/smtpd/submit.sock" % self.i.dir, "smtpd 127.0.0.1:%d" % (base + 25),
                "smtpd 127.0.0.1:%d" % (base + 465),
                "smtpd 127.0.0.1:%d" % (base + 587), "pop3d 127.0.0.1:%d" % (base + 110),
                "pop3d 127.0.0.1:%d" % (base + 995), "imapd 127.0.0.1:%d" % (base + 143),
                "imapd 127.0.0.1:%d" % (base + 993)}

    def knock(self, act):
        smtp = Knocker(self.i.port(25), b"220 ")
        pop = Knocker(self.i.port(110), b"+OK")
        smtp.start()
        pop.start()
        time.sleep(0.3)
        act()
        time.sleep(0.3)
        for k in (smtp.end(), pop.end()):
            self.assertEqual(k.refused, 0)
            self.assertEqual(k.other, [])
            self.assertGreater(k.good, 5)

    def restart(self, service, how="-r"):
        before = self.i.pid(service)
        self.i.svc(service, how)
        wait_for(lambda: self.i.pid(service) not in (before, -1))
        self.i.wait_ready()

    def test_1_the_holder_has_them_all(self):
        wait_for(lambda: self.held() == self.wanted())

    def test_2_restarts_refuse_nothing(self):
        self.knock(lambda: [self.restart(s) for s in ("smtpd", "pop3d", "smtpd", "pop3d")])

    def test_3_kills_refuse_nothing(self):
        def kill():
            for s in ("smtpd", "pop3d"):
                pid = self.i.pid(s)
                os.kill(pid, signal.SIGKILL)
                wait_for(lambda: self.i.pid(s) not in (pid, -1))
            self.i.wait_ready()
        self.knock(kill)

    def test_4_a_killed_holder_gets_them_back(self):
        time.sleep(1.1)             # services that have just started are left alone

        def kill():
            pid = self.i.pid("fdholder")
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: self.i.pid("fdholder") not in (pid, -1))
            self.i.wait_ready()
        self.knock(kill)
        if os.geteuid() == 0:
            wait_for(lambda: self.held() == self.wanted())
        else:                       # only root may take them: at the next start
            for service in ("smtpd", "pop3d", "imapd"):
                self.restart(service)
            self.assertEqual(self.held(), self.wanted())
        self.knock(lambda: [self.restart(s) for s in ("smtpd", "pop3d")])

    def test_5_without_a_holder_services_bind(self):
        self.i.svc("fdholder", "-d")
        wait_for(lambda: self.i.pid("fdholder") == -1)
        for s in ("smtpd", "pop3d"):
            before = self.i.pid(s)
            self.i.svc(s, "-r")
            wait_for(lambda: self.i.pid(s) not in (before, -1))
            subprocess.run(["s6-svwait", "-U", "-t", str(1000 * PATIENCE), self.i.dir + "/service/" + s], check=True)
        with self.i.smtp() as s:
            self.assertEqual(s.noop()[0], 250)
        self.i.svc("fdholder", "-u")
        self.i.wait_ready()

    def test_6_sockets_no_longer_configured_are_released(self):
        path = self.i.dir + "/etc/merpati.conf"
        with open(path) as f:
            text = f.read()
        gone = self.i.base + 587
        with open(path, "w") as f:
            f.write(re.sub(r'(?m)^.*listen "127\.0\.0\.1:%d".*\n' % gone, "", text))
        self.restart("smtpd")
        self.restart("smtpd")
        self.assertNotIn("smtpd 127.0.0.1:%d" % gone, self.held())
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gone), 5)
        with self.i.smtp() as s:
            self.assertEqual(s.noop()[0], 250)

    def test_7_strangers_get_nothing_from_the_holder(self):
        if os.geteuid() != 0:
            self.skipTest("only root has strangers here")
        r = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                            "s6-fdholder-list", self.i.dir + "/run/fdholder/fdholder.sock"],
                           capture_output=True, text=True, timeout=PATIENCE)
        self.assertNotEqual(r.returncode, 0)
        self.assertEqual(r.stdout, "")

    def test_8_a_bad_configuration_is_told_and_tried_again(self):
        path = self.i.dir + "/etc/merpati.conf"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text + "\nhostnam = \"x\"\n")
        self.i.svc("smtpd", "-r")
        wait_for(lambda: "hostnam" in self.i.log("smtpd"))
        with open(path, "w") as f:
            f.write(text)
        self.i.wait_ready()
        with self.i.smtp() as s:
            self.assertEqual(s.noop()[0], 250)


class Mailbind(unittest.TestCase):
    def run_it(self, *args):
        from instance import build_dir
        return subprocess.run([build_dir() + "/out/mailbind", *args], capture_output=True, text=True,
                              timeout=PATIENCE, stdin=subprocess.DEVNULL)

    def test_usage(self):
        for args in ([], ["smtpd"], ["nosuch", "true"], ["-x"], ["-r", "smtpd"], ["-c"]):
            r = self.run_it(*args)
            self.assertEqual(r.returncode, 64, args)
            self.assertIn("usage: mailbind", r.stderr)
        for arg in ("-h", "--help"):
            r = self.run_it(arg)
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            self.assertIn("usage: mailbind", r.stdout)

    def test_configuration(self):
        self.assertEqual(self.run_it("-c", "/nonexistent", "smtpd", "true").returncode, 78)


if __name__ == "__main__":
    unittest.main(verbosity=2)
