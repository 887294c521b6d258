"""A full disk: 452, nothing lost, and recovery by itself."""

import os
import smtplib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, wait_for  # noqa: E402

TEXT = b"Subject: %d\r\nX-Token: t%d.\r\n\r\n" + b"x" * 20000 + b"\r\n"


class FullDisk(unittest.TestCase):
    def setUp(self):
        need("s6-svscan")
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system takes root")
        self.i = Instance(users=("alice", "bob"), config={"": {"min-free": "256K"}})
        self.i.make()
        self.mounts = []
        self.addCleanup(self.clean)

    def mount(self, name, size):
        """A tmpfs in place of a directory of the instance, its files kept."""
        d = self.i.dir + "/" + name
        keep = tempfile.mkdtemp(dir=self.i.home)
        subprocess.run(["cp", "-a", d + "/.", keep], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=755" % size, "tmpfs", d], check=True)
        self.mounts.append(d)
        subprocess.run(["cp", "-a", keep + "/.", d], check=True)
        subprocess.run(["chown", "--reference=" + keep, d], check=True)
        return d

    def clean(self):
        self.i.stop()
        for d in self.mounts:
            subprocess.run(["umount", "-l", d])
        self.i.__exit__(None)

    def fill(self, d):
        with open(d + "/ballast", "wb") as f:
            try:
                while True:
                    os.write(f.fileno(), b"\0" * 65536)
            except OSError:
                pass
            try:
                while True:
                    os.write(f.fileno(), b"\0" * 512)
            except OSError:
                pass
        return d + "/ballast"

    def send(self, k):
        with self.i.smtp() as s:
            s.sendmail("alice@example.test", ["bob@example.test"], TEXT % (k, k))

    def tokens(self):
        found = set()
        for path in self.i.deliveries("bob"):
            with open(path) as f:
                found.add(f.read().split("X-Token: t")[1].split(".")[0])
        return found

    def test_spool_full(self):
        spool = self.mount("spool", "8m")
        self.i.start()
        self.send(1)
        wait_for(lambda: self.tokens() == {"1"})
        # It leaves the spool after it is in the mailbox.
        wait_for(lambda: self.i.queued() == 0)
        ballast = self.fill(spool)
        with self.assertRaises(smtplib.SMTPResponseException) as e:
            self.send(2)
        self.assertEqual(e.exception.smtp_code, 452)
        self.assertIn(b"4.3.1", e.exception.smtp_error)
        os.unlink(ballast)
        self.send(3)
        wait_for(lambda: self.tokens() == {"1", "3"})
        wait_for(lambda: self.i.queued() == 0)

    def test_spool_fills_while_a_letter_comes_in(self):
        self.mount("spool", "4m")
        self.i.start()
        acked = set()
        refused = 0
        self.i.svc("queue-runner", "-d")
        wait_for(lambda: self.i.pid("queue-runner") == -1)
        for k in range(300):
            try:
                self.send(k)
                acked.add(str(k))
            except smtplib.SMTPResponseException as e:
                self.assertIn(e.smtp_code, (452, 451))
                refused += 1
        self.assertGreater(refused, 0)
        self.assertGreater(len(acked), 50)
        self.i.svc("queue-runner", "-u")
        wait_for(lambda: self.tokens() >= acked)
        wait_for(lambda: self.i.queued() == 0)
        self.send(999)
        wait_for(lambda: "999" in self.tokens())

    def test_mailboxes_full(self):
        mail = self.mount("mail", "2m")
        self.i.set_config({"queue": {"retry": "1s"}})
        self.i.start()
        self.send(1)
        wait_for(lambda: self.tokens() == {"1"})
        # It leaves the spool after it is in the mailbox.
        wait_for(lambda: self.i.queued() == 0)
        ballast = self.fill(mail)
        self.send(2)
        wait_for(lambda: "event=deferred" in self.i.log("queue-runner"))
        self.assertEqual(self.tokens(), {"1"})
        os.unlink(ballast)
        wait_for(lambda: self.tokens() == {"1", "2"})
        left = os.listdir(self.i.maildir("bob") + "/tmp")
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
