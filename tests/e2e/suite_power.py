"""Power loss: the disk stops at an instant, and what was acknowledged is there.

Plain build only; as root.  An ext4 image with a journal carries a whole
instance.  EXT4_IOC_SHUTDOWN without flushing the journal ends the file system
in one instant: what no fsync waited for is gone, as with the power.  Then
the image is mounted again, the journal is replayed, and the suite started.
MERPATI_ROUNDS: how often, and then without a limit of time.
"""

import collections
import ctypes
import fcntl
import os
import random
import re
import shutil
import signal
import smtplib
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, process_tree, sanitized, wait_for  # noqa: E402

SHUTDOWN = 0x8004587d       # _IOR('X', 125, uint32_t)
NOLOGFLUSH = 2
ROUNDS = int(os.environ.get("MERPATI_ROUNDS", 8))
SENDERS = 4
LINE = 64                   # characters of a line, without its end


CLONE_NEWNS = 0x00020000


def setUpModule():
    """A mount namespace of our own: one that another test makes meanwhile (ip
    netns exec does) would hold a copy of our mounts, and a file system that
    lives on there spoils the image when it is mounted again here."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0:
        run("mount", "--make-rprivate", "/")


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout.strip()


class Disk:
    """A file system in an image, whose power can be cut."""

    def __init__(self, mkfs=("-t", "ext4"), options="rw", size=512 << 20):
        self.dir = tempfile.mkdtemp(prefix="mppower")
        os.chmod(self.dir, 0o755)
        self.image, self.path = self.dir + "/image", self.dir + "/m"
        self.options = options
        self.loop = None
        with open(self.image, "wb") as f:
            f.truncate(size)
        run("mke2fs", "-q", "-F", "-b", "4096", *mkfs, self.image)
        os.mkdir(self.path)
        self.mount()

    def mount(self):
        self.loop = run("losetup", "-f", "--show", self.image)
        # Past the host's page cache: a write takes as long as one does.
        subprocess.run(["losetup", "--direct-io=on", self.loop], capture_output=True)
        run("mount", "-o", self.options, self.loop, self.path)

    def umount(self):
        if os.path.ismount(self.path):
            def gone():
                return subprocess.run(["umount", self.path], capture_output=True).returncode == 0
            wait_for(gone, 10, 0.05)
        if self.loop:
            run("losetup", "-d", self.loop)
            self.loop = None
            # It goes when its last user has gone, and only then.
            wait_for(lambda: not run("losetup", "-j", self.image), 10, 0.02)

    def cut(self):
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def users(self):
        """Processes that run from the disk or stand in it: this test's."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for link in ("exe", "cwd"):
                try:
                    if os.readlink("/proc/%s/%s" % (pid, link)).startswith(self.path + "/"):
                        found.append(int(pid))
                        break
                except OSError:
                    pass
        return found

    def restore(self):
        """Replay the journal, look at the result with other eyes, mount."""
        self.umount()
        self.mount()
        self.umount()
        r = subprocess.run(["e2fsck", "-fn", self.image], capture_output=True, text=True)
        if r.returncode:
            raise AssertionError("e2fsck:\n" + r.stdout[:2000])
        self.mount()

    def close(self):
        try:
            self.umount()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


class Root(unittest.TestCase):
    def setUp(self):
        need("mke2fs", "e2fsck", "losetup", "mount")
        if os.geteuid() != 0:
            self.skipTest("mounting a file system takes root")
        if sanitized():
            self.skipTest("with the plain build only")

    def disk(self, *args, **kw):
        try:
            d = Disk(*args, **kw)
        except subprocess.CalledProcessError as e:
            if kw.get("optional"):
                return None
            self.skipTest("no loop device: %s" % e.stderr.strip())
        self.addCleanup(d.close)
        return d


class Method(Root):
    """What the cut takes away, and what durable.c relies on, one by one."""

    KINDS = {
        "ext4": (("-t", "ext4"), "rw"),
        "ext4, data=writeback": (("-t", "ext4"), "data=writeback"),
        "ext4, data=journal": (("-t", "ext4"), "data=journal"),
        "ext4, fast_commit": (("-t", "ext4", "-O", "fast_commit"), "rw"),
        "ext3": (("-t", "ext3"), "rw"),
    }
    FILES = 20
    TEXT = b"All of it.\n" * 700

    def write(self, path, sync):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, self.TEXT)
        if sync:
            os.fsync(fd)
        return fd

    def whole(self, path):
        try:
            with open(path, "rb") as f:
                return f.read() == self.TEXT
        except FileNotFoundError:
            return False

    def together(self, d):
        """durable_sync_all(): renamed, written out, and one commit for all."""
        libc = ctypes.CDLL(None, use_errno=True)
        fds = []
        for n in range(self.FILES):
            fds.append(self.write("%s/tmp/all%d" % (d.path, n), False))
            os.rename("%s/tmp/all%d" % (d.path, n), "%s/new/all%d" % (d.path, n))
        for how in (2, 7):      # begin to write, see it written
            for fd in fds:
                self.assertEqual(libc.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), how), 0)
        os.fchmod(fds[0], 0o600)
        os.fsync(fds[0])
        for fd in fds:
            os.close(fd)

    def one(self, d, together):
        for sub in ("tmp", "new", "late"):
            os.mkdir(d.path + "/" + sub)
        run("sync", "-f", d.path)
        for n in range(self.FILES):
            os.close(self.write("%s/tmp/late%d" % (d.path, n), True))
        for n in range(self.FILES):
            # The order of spool_writer_commit() and maildir_deliver().
            fd = self.write("%s/tmp/%d" % (d.path, n), False)
            os.rename("%s/tmp/%d" % (d.path, n), "%s/new/%d" % (d.path, n))
            os.fsync(fd)
            os.close(fd)
        if together:
            self.together(d)
        for n in range(self.FILES):
            os.close(self.write("%s/new/unsynced%d" % (d.path, n), False))
            os.rename("%s/tmp/late%d" % (d.path, n), "%s/late/%d" % (d.path, n))
        d.cut()
        d.restore()
        kept = [sum(self.whole(d.path + f % n) for n in range(self.FILES))
                for f in ("/new/unsynced%d", "/late/%d", "/new/%d") + ("/new/all%d",) * together]
        return kept

    def test_a_cut_takes_what_was_not_synced_and_only_that(self):
        for kind, (mkfs, options) in self.KINDS.items():
            with self.subTest(kind):
                d = self.disk(mkfs, options, size=64 << 20)
                unsynced, late, renamed = self.one(d, False)
                print("%s: of %d files without fsync %d are left, renamed after it %d, renamed before it %d"
                      % (kind, self.FILES, unsynced, late, renamed))
                self.assertLess(unsynced, self.FILES)
                self.assertLess(late, self.FILES)
                self.assertEqual(renamed, self.FILES)


    def test_one_commit_holds_all_that_was_written_out(self):
        for kind, (mkfs, options) in self.KINDS.items():
            with self.subTest(kind):
                for _ in range(3):
                    together = self.one(self.disk(mkfs, options, size=64 << 20), True)[3]
                    self.assertEqual(together, self.FILES)


class Letters:
    """Letters whose text follows from their token."""

    def __init__(self):
        rng = random.Random(5)
        self.lines = [rng.randbytes(LINE // 2).hex() for _ in range(6000)]

    def lines_of(self, token):
        at, count = map(int, token.split(".")[-2:])
        return self.lines[at:at + count] + ["the end of " + token]

    def token(self, rng, *parts):
        most = rng.choice([90, 90, 900, 4600])      # 300 KB at most
        least = 4100 if most == 4600 and rng.random() < 0.5 else 0
        count = rng.randint(least, most)
        return ".".join(map(str, parts + (rng.randrange(6000 - count), count)))

    def text(self, token, to):
        return "\r\n".join(["From: alice@example.test", "To: " + ", ".join(to), "Subject: " + token,
                            "X-Token: " + token, ""] + self.lines_of(token) + [""])

    def fault(self, path):
        """(token or None, what is wrong with the file or None)"""
        with open(path, "rb") as f:
            text = f.read()
        said = re.search(r",S=(\d+)", path)
        m = re.search(rb"^X-Token: (\S+)$", text, re.M)
        token = m.group(1).decode("ascii", "replace") if m else None
        head, _, body = text.partition(b"\n\n")
        if not said or int(said.group(1)) != len(text):
            return token, "%d octets" % len(text)
        if token is None or b"\0" in head or body.decode("ascii", "replace").splitlines() != self.lines_of(token):
            return token, "%d zeroes in %d octets" % (text.count(b"\0"), len(text))
        return token, None


class Power(Root):
    def setUp(self):
        super().setUp()
        need("s6-svscan")
        self.letters = Letters()
        self.lock = threading.Lock()
        self.rng = random.Random()
        self.count = collections.Counter()
        self.wrong = []
        self.begin()

    def begin(self):
        self.disk = Root.disk(self)
        self.i = Instance(users=("alice", "bob", "carol"), parent=self.disk.path,
                          config={"queue": {"retry": "1s"}})
        self.addCleanup(self.end)
        self.i.make()
        run("sync", "-f", self.disk.path)

    def end(self):
        self.i.stop()
        self.kill()

    def kill(self):
        """All at once, as the power does; those the list misses with the next."""
        roots = [self.i.svscan.pid] if self.i.svscan else []
        pids = [p for r in roots for p in process_tree(r)]
        for _ in range(200):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if self.i.svscan:
                self.i.svscan.wait(10)
                self.i.svscan = None
            pids = self.disk.users()
            if not pids:
                return
            time.sleep(0.02)
        raise AssertionError("cannot be killed: %s" % pids)

    # --- senders ------------------------------------------------------------

    def send(self, turn, k):
        rng = random.Random()
        n = 0
        while self.sending:
            try:
                with self.i.smtp(timeout=10) as s:
                    for _ in range(10):
                        if not self.sending:
                            return
                        n += 1
                        users = rng.choice([["bob"], ["carol"], ["bob", "carol"]])
                        to = [u + "@example.test" for u in users]
                        token = self.letters.token(rng, turn, k, n)
                        refused = s.sendmail("alice@example.test", to, self.letters.text(token, to))
                        with self.lock:
                            self.acked |= {(token, u) for u, a in zip(users, to) if a not in refused}
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def senders(self, turn):
        self.sending, self.acked = True, set()
        threads = [threading.Thread(target=self.send, args=(turn, k)) for k in range(SENDERS)]
        for t in threads:
            t.start()
        return threads

    # --- what is found ------------------------------------------------------

    def paths(self, *subs):
        """Messages below directories of the spool."""
        return [d + "/" + f for sub in subs for d, _, files in os.walk(self.i.dir + "/spool/" + sub)
                for f in files if len(f) == 20]

    def to_do(self):
        """Whole messages: a torn one was never acknowledged and is held after an hour."""
        found = []
        for path in self.paths("new", "queue"):
            try:
                with open(path, "rb") as f:
                    text = f.read()
                if text[:1] != b"\0" and b"\nthe end of " in text:
                    found.append(path)
            except FileNotFoundError:
                pass
        return found

    def look(self, turn, acked, late):
        found = collections.Counter()
        for user in ("bob", "carol"):
            for path in self.i.deliveries(user):
                token, fault = self.letters.fault(path)
                if fault:
                    was = "acknowledged" if (token, user) in acked else "not acknowledged, or nobody knows"
                    self.wrong.append("round %d: torn, %s: %s (%s)" % (turn, was, path, fault))
                else:
                    found[token, user] += 1
                os.unlink(path)
        for token, user in sorted(acked - set(found)):
            self.wrong.append("round %d: MISSING for %s: %s" % (turn, user, token))
        self.count.update(rounds=1, acknowledged=len(acked), missing=len(acked - set(found)),
                          after_the_cut=len(late), of_them_gone=len(late - set(found)), found=len(found),
                          duplicates=sum(found.values()) - len(found), tmp_left=len(self.paths("tmp")),
                          torn_in_new=len(self.paths("new")))
        for path in self.paths("new"):
            os.unlink(path)

    def one_round(self, turn):
        # In every second round deliveries are many at the cut.
        if turn % 2:
            self.i.svc("queue-runner", "-wd -T 60000 -d")
        threads = self.senders(turn)
        try:
            time.sleep(self.rng.uniform(0.4, 1.2))
            if turn % 2:
                self.i.svc("queue-runner", "-u")
                time.sleep(self.rng.uniform(0.05, 0.6))
            # An fsync that is under way at the cut may return 0 without having done it:
            # the kernel's abort is not a real loss of power for it.  So
            # what counts is what was acknowledged before.
            with self.lock:
                acked = set(self.acked)
            waiting = len(self.paths("new", "queue"))
            self.disk.cut()
        finally:
            self.sending = False
            self.kill()
            for t in threads:
                t.join()
        late = self.acked - acked
        self.disk.restore()
        torn = sum(self.letters.fault(p)[1] is not None for u in ("bob", "carol") for p in self.i.deliveries(u))
        self.count.update(waiting_at_the_cut=waiting, queued_after_it=len(self.paths("new", "queue")),
                          torn_deliveries_after_it=torn)
        self.start()
        try:
            wait_for(lambda: not self.to_do())
        except AssertionError:
            for path in self.to_do()[:5]:
                with open(path, "rb") as f:
                    print(path, os.fstat(f.fileno()), f.read()[:300])
            print(self.i.log("queue-runner")[-5000:])
            raise
        self.look(turn, acked, late)
        run("sync", "-f", self.disk.path)

    def start(self):
        for s in self.i.services():     # else the old status says "ready"
            status = "%s/service/%s/supervise/status" % (self.i.dir, s)
            if os.path.exists(status):
                os.unlink(status)
        self.i.start()

    def test_nothing_acknowledged_is_lost(self):
        self.i.start()
        began = time.monotonic()
        turn = 0
        while turn < ROUNDS and ("MERPATI_ROUNDS" in os.environ or not self.count["rounds"]
                                 or time.monotonic() - began < 45):
            self.one_round(turn)
            turn += 1
        self.count["held"] = len(self.paths("hold"))
        print(", ".join("%s %d" % x for x in self.count.items()))
        print("\n".join(self.wrong))
        self.assertEqual(self.wrong, [])
        self.assertGreater(self.count["acknowledged"], 100)
        self.assertLessEqual(self.count["duplicates"], self.count["acknowledged"] / 100)
        self.no_rubbish()

    def no_rubbish(self):
        """What a cut left in tmp/ goes when smtpd starts a day later."""
        tmp = self.i.dir + "/spool/tmp"
        for name in os.listdir(tmp):
            os.utime(tmp + "/" + name, (0, 0))
        self.i.svc("smtpd", "-wR -r -T 15000")
        wait_for(lambda: not os.listdir(tmp), 10)
        for user in ("bob", "carol"):
            d = self.i.maildir(user) + "/tmp"
            self.assertEqual(os.listdir(d), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
