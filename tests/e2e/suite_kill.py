"""2,000 letters move while every program in turn dies by SIGKILL.

Every acknowledged letter must arrive; a duplicate is allowed but counted.
"""

import os
import random
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, process_tree, sanitized, wait_for  # noqa: E402

LETTERS = 600 if sanitized() else 2000
SENDERS = 4
NAMES = ("smtpd", "queue-runner", "authd", "spawner", "deliver", "fdholder")
KILLS = 4           # of each, while letters move
TEXT = "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: %s\r\nX-Token: %s\r\n\r\n%s\r\n"


def comm(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().split(b"\0")
    except OSError:
        return [b""]


class Kill(unittest.TestCase):
    def setUp(self):
        need("s6-svscan")
        self.i = Instance(users=("alice", "bob", "carol"))
        self.i.__enter__()
        self.addCleanup(lambda: self.i.__exit__(None, None, None))
        self.acked = []
        self.lock = threading.Lock()
        self.deadline = time.monotonic() + 240

    def send_some(self, k):
        """Sends its share; what was not acknowledged is sent again under a new token."""
        rng = random.Random(k)
        done = 0
        while (done < LETTERS // SENDERS or min(self.kills.values()) < KILLS) and time.monotonic() < self.deadline:
            token = "%d-%d-%d" % (k, done, rng.getrandbits(40))
            rcpts = [["bob@example.test"], ["carol@example.test"],
                     ["bob@example.test", "carol@example.test"]][done % 3]
            try:
                with self.i.smtp(timeout=20) as s:
                    # Those refused, while authd was away, are in what comes back.
                    refused = s.sendmail("alice@example.test", rcpts, TEXT % (token, token, "x" * rng.randrange(6000)))
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)
                continue
            with self.lock:
                self.acked += [(token, r.split("@")[0]) for r in rcpts if r not in refused]
            done += 1

    def killers(self):
        """Every process of the suite below s6, one after the other."""
        rng = random.Random(7)
        kills = self.kills
        while self.sending and time.monotonic() < self.deadline:
            name = min(kills, key=lambda n: (kills[n], rng.random()))
            if name == "deliver" or (kills[name] % 2 and name in ("smtpd", "authd")):
                # A worker, a pool process, a hasher: below the supervised one.
                prog = b"deliver" if name == "deliver" else name.encode()
                pids = [p for p in process_tree(self.i.svscan.pid) if comm(p)[0].endswith(b"/" + prog)
                        or comm(p)[0].startswith(prog + b":")]
                pid = rng.choice(pids) if pids else -1
            else:
                pid = self.i.pid(name)
            if pid > 1:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            kills[name] += 1
            time.sleep(rng.uniform(0.05, 0.5))

    def tokens(self, user):
        found = []
        for path in self.i.deliveries(user):
            with open(path, errors="replace") as f:
                m = re.search(r"^X-Token: (\S+)$", f.read(), re.M)
            self.assertIsNotNone(m, "a torn letter: " + path)
            found.append(m.group(1))
        return found

    def where(self, token):
        """Files of the spool that hold the token, and what the log says of their ids."""
        found = subprocess.run(["grep", "-rl", token, self.i.dir + "/spool"], capture_output=True, text=True).stdout
        ids = [f.rsplit("/", 1)[1] for f in found.split()]
        return found, [x for x in self.i.log().splitlines() if any(i in x for i in ids)]

    def test_nothing_acknowledged_is_lost(self):
        self.sending = True
        self.kills = {n: 0 for n in NAMES}
        threads = [threading.Thread(target=self.send_some, args=(k,)) for k in range(SENDERS)]
        for t in threads:
            t.start()
        killer = threading.Thread(target=self.killers)
        killer.start()
        for t in threads:
            t.join()
        self.sending = False
        killer.join()
        self.i.wait_ready()
        try:
            wait_for(lambda: self.i.queued() == 0, 90, 0.2)
        except AssertionError:
            print("still queued: %d\n%s" % (self.i.queued(), self.i.mailctl("queue", "list").stdout))
        missing = duplicates = 0
        for user in ("bob", "carol"):
            got = self.tokens(user)
            want = {t for t, u in self.acked if u == user}
            for token in want - set(got):
                print("missing:", user, token, self.where(token))
                missing += 1
            duplicates += len(got) - len(set(got))
        print("acknowledged %d, missing %d, duplicates %d, kills %s"
              % (len(self.acked), missing, duplicates, self.kills))
        self.assertGreaterEqual(len(self.acked), LETTERS)
        self.assertEqual(missing, 0)
        self.assertLess(duplicates, len(self.acked) / 100)

    def test_a_restart_of_a_listener_refuses_no_connection(self):
        refused = []
        served = [0]
        self.going = True

        def knock():
            while self.going:
                try:
                    with socket.create_connection(("127.0.0.1", self.i.port(25)), 60) as s:
                        s.settimeout(60)
                        if s.recv(100)[:3] in (b"220", b"421"):
                            served[0] += 1
                        else:
                            refused.append("closed without a greeting")
                except OSError as e:
                    refused.append(repr(e))
                time.sleep(0.005)

        t = threading.Thread(target=knock)
        t.start()
        try:
            for _ in range(5):
                self.i.svc("smtpd", "-wR -r -T 60000")
                time.sleep(0.2)
        finally:
            self.going = False
            t.join()
        self.assertEqual(refused, [])
        self.assertGreater(served[0], 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
