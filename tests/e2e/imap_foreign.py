"""Other programs change a Maildir while sessions have it selected, and between: renames,
removals, copies, restored backups; its index vanishes or turns to rubbish; it is read-only, full
or over quota; and letters come in while a client waits."""

import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import imap_lib
from imap_lib import Literal, eventually
from imap_tools import Mailboxes, files, letter, own, put
from instance import need, sanitized

USERS = ("flags", "moved", "removed", "copied", "restored", "backup", "index", "rubbish", "live", "readonly", "bound",
         "quota", "idle", "other")
QUOTA = 40000


class Client(imap_lib.Client):
    """A TCP connection that has logged in."""

    def __init__(self, instance, user, mailbox="INBOX"):
        super().__init__(socket.create_connection(("127.0.0.1", instance.port(143)), 60))
        self.response()
        self.ok('LOGIN "%s" "%s"' % (instance.address(user), instance.password(user)))
        self.ok("ENABLE CONDSTORE")
        if mailbox:
            self.selected = self.select(mailbox)

    def letters(self):
        """UID to (flags, subject); sequence numbers in order."""
        r = self.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found, numbers = {}, []
        for n, x in sorted(r.fetched().items()):
            if "UID" not in x:
                continue
            subject = next(v for k, v in x.items() if k.startswith("BODY["))
            found[x["UID"]] = (frozenset(x["FLAGS"]) - {"\\Recent"}, subject.decode().strip()[9:])
            numbers.append(n)
        assert list(found) == sorted(found), r
        assert numbers == list(range(1, len(numbers) + 1)), r
        return found

    def subjects(self):
        return [s for _, s in self.letters().values()]

    def settles(self, f, seconds=20):
        """NOOP until f() of the letters is true."""
        def look():
            self.ok("NOOP")
            self.last = self.letters()
            return f(self.last)
        assert eventually(look, seconds), self.last

    def append(self, *subjects):
        for subject in subjects:
            self.ok("APPEND INBOX ", Literal(letter(subject)))

    def modseq(self):
        return self.ok("STATUS INBOX (HIGHESTMODSEQ)").all("STATUS")[0].words[1][1]


class Base(unittest.TestCase):
    def client(self, user, mailbox="INBOX"):
        c = Client(self.i, user, mailbox)
        self.addCleanup(c.close)
        return c

    def filled(self, user, n=5):
        c = self.client(user)
        c.append(*("%s %d" % (user, k) for k in range(1, n + 1)))
        c.ok("NOOP")
        return c

    def path(self, user, subject):
        d = self.i.maildir(user)
        for name in files(d):
            with open(d + "/" + name) as f:
                if "Subject: %s\n" % subject in f.read():
                    return d + "/" + name
        raise KeyError(subject)

    def refused(self, c, *command, codes=("OVERQUOTA", "LIMIT", "NOPERM", "READ-ONLY")):
        """NO with one of these codes, and words for people."""
        r = c.do(*command)
        self.assertEqual(r.status, "NO", r)
        self.assertIn(r.code, codes, r)
        self.assertGreater(len(r.text), 5)


class Foreign(Base):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan")
        cls.i = Mailboxes(users=USERS)
        cls.i.make()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        cls.i.set_users("limited@example.test:{PLAIN}secret-limited::::::userdb_quota_rule=*:bytes=%d\n" % QUOTA)
        cls.i.start()

    def test_flags_in_names(self):
        c = self.filled("flags")
        before = c.letters()
        modseq = c.modseq()
        for subject, flags in (("flags 2", "FS"), ("flags 3", "T"), ("flags 4", "DFPRST")):
            old = self.path("flags", subject)
            os.rename(old, old.replace("/new/", "/cur/").partition(":")[0] + ":2," + flags)
        want = {1: set(), 2: {"\\Flagged", "\\Seen"}, 3: {"\\Deleted"},
                4: {"\\Draft", "\\Flagged", "\\Answered", "\\Seen", "\\Deleted"}, 5: set()}
        c.settles(lambda now: {u: f - {"$Forwarded"} for u, (f, _) in now.items()} == want)
        self.assertEqual({u: s for u, (_, s) in c.letters().items()}, {u: s for u, (_, s) in before.items()})
        self.assertGreater(c.modseq(), modseq)
        # A rename that takes a flag away, right before and after our own STORE.
        old = self.path("flags", "flags 2")
        os.rename(old, old.partition(":")[0] + ":2,F")
        c.ok("STORE 1:5 +FLAGS.SILENT (\\Answered)")
        old = self.path("flags", "flags 4")
        os.rename(old, old.partition(":")[0] + ":2,")
        c.settles(lambda now: now[2][0] == {"\\Flagged", "\\Answered"} and now[4][0] == set())
        self.assertEqual(list(c.letters()), [1, 2, 3, 4, 5])
        self.assertEqual(self.client("flags").letters(), c.letters())

    def test_new_to_cur_and_names_without_keys(self):
        d = self.i.maildir("moved")
        c = self.client("moved")
        for n in range(6):
            put(d, letter("moved %d" % n))
        c.settles(lambda now: len(now) == 6)
        before = c.letters()
        for n in range(6):
            old = self.path("moved", "moved %d" % n)
            base = os.path.basename(old).partition(":")[0]
            if n > 3:       # as a program that knows no keys would call it
                base = re.sub(r",[A-Z]=[^,]*", "", base)
            os.rename(old, "%s/cur/%s:2,S" % (d, base))
        c.settles(lambda now: len(now) == 6 and all("\\Seen" in f for f, _ in now.values()))
        now = c.letters()
        self.assertEqual({s: u for u, (_, s) in now.items() if u in before and int(s[-1]) <= 3},
                         {s: u for u, (_, s) in before.items() if int(s[-1]) <= 3})
        for u, (_, s) in now.items():
            self.assertEqual(before.get(u, (None, s))[1], s)
        self.assertEqual(self.client("moved").letters(), now)

    def test_files_that_vanish(self):
        c, idler = self.filled("removed", 8), self.client("removed")
        idler.idle()
        os.unlink(self.path("removed", "removed 3"))
        os.unlink(self.path("removed", "removed 7"))
        # What is not noticed yet is answered for, somehow; never with another letter.
        for uid in (3, 7, 4):
            r = c.do("UID FETCH %d (BODY.PEEK[])" % uid)
            self.assertIn(r.status, ("OK", "NO"))
            for x in r.fetched().values():
                for k, v in x.items():
                    if k == "BODY[]" and v:
                        self.assertIn(b"Subject: removed %d\r\n" % x["UID"], v)
        c.settles(lambda now: list(now) == [1, 2, 4, 5, 6, 8])
        told = [idler.response() for _ in range(2)]
        self.assertEqual([r.name for r in told], ["EXPUNGE"] * 2)
        idler.done()
        self.assertEqual(idler.letters(), c.letters())
        # And the whole mailbox.
        for name in files(self.i.maildir("removed")):
            os.unlink(self.i.maildir("removed") + "/" + name)
        c.settles(lambda now: now == {})
        c.append("after")
        self.assertEqual(list(self.client("removed").letters()), [9])

    def test_copies_with_the_key(self):
        c = self.filled("copied", 4)
        c.ok("CREATE Other")
        c.ok("STORE 1:4 +FLAGS (\\Seen)")
        before = c.letters()
        d = self.i.maildir("copied")
        for n, to in ((1, d + "/cur/copy."), (2, d + "/.Other/cur/"), (3, d + "/new/a."), (4, d + "/cur/0.")):
            old = self.path("copied", "copied %d" % n)
            self.assertIn(",I=", old)
            new = to + os.path.basename(old)
            if "/new/" in new:
                new = new.partition(":")[0]
            shutil.copy2(old, new)
            own(new)
        c.settles(lambda now: len(now) == 7)
        now = c.letters()
        self.assertEqual({u: now[u] for u in before}, before)
        self.assertEqual(sorted(s for u, (_, s) in now.items() if u > 4), ["copied 1", "copied 3", "copied 4"])
        other = self.client("copied", "Other")
        self.assertEqual([s for _, s in other.letters().values()], ["copied 2"])
        self.assertEqual(self.client("copied").letters(), now)

    def test_files_that_come_back(self):
        c = self.filled("restored", 5)
        d = self.i.maildir("restored")
        c.ok("STORE 1:5 +FLAGS (\\Seen)")
        kept = tempfile.mkdtemp(dir=self.i.home)
        subprocess.run(["cp", "-a", d + "/cur", kept], check=True)
        c.ok("STORE 2:3 +FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        c.append("restored 6")
        c.ok("NOOP")
        known = c.letters()
        self.assertEqual(list(known), [1, 4, 5, 6])
        time.sleep(2.1)
        subprocess.run(["cp", "-a", kept + "/cur", d], check=True)
        c.settles(lambda now: len({s for _, s in now.values()}) == 6)
        now = c.letters()
        # To who knew the mailbox, new ones come behind those it knows.
        self.assertEqual(list(now)[:4], list(known))
        self.assertEqual({u: s for u, (_, s) in now.items() if u in known}, {u: s for u, (_, s) in known.items()})
        self.assertEqual(self.client("restored").letters(), now)

    def test_an_older_backup_of_all(self):
        """Even the files that count UIDs are old: no UID may mean another letter."""
        c = self.filled("backup", 3)
        d = self.i.maildir("backup")
        kept = tempfile.mkdtemp(dir=self.i.home)
        subprocess.run(["cp", "-a", d, kept], check=True)
        c.append("backup 4", "backup 5")
        c.ok("UID STORE 2 +FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        validity = c.selected.codes()["UIDVALIDITY"][0]
        seen = {u: s for u, (_, s) in c.letters().items()} | {2: "backup 2"}
        c.ok("LOGOUT")
        time.sleep(2.1)
        shutil.rmtree(d)
        subprocess.run(["cp", "-a", kept + "/Maildir", d], check=True)
        c = self.client("backup")
        c.append("backup 6")
        c.settles(lambda now: len(now) == 4)
        if c.selected.codes()["UIDVALIDITY"][0] == validity:
            for u, (_, s) in c.letters().items():
                self.assertEqual(seen.get(u, s), s, (u, seen))

    def index(self, user):
        return os.path.dirname(self.i.maildir(user)) + "/index"

    def test_the_index_goes_at_any_moment(self):
        n, rounds = 30, 8 if sanitized() else 20       # so often it goes
        storing, idler = self.filled("index", n), self.client("index")
        before = storing.letters()
        modseq = storing.modseq()
        stop, rng = threading.Event(), random.Random(4)
        gone = [0]

        def remove():
            while not stop.wait(rng.random() * 0.05):
                shutil.rmtree(self.index("index"), ignore_errors=True)
                gone[0] += 1

        idler.idle()
        t = threading.Thread(target=remove)
        t.start()
        want = {u: set() for u in before}
        try:
            end = time.monotonic() + 20
            while gone[0] < rounds and time.monotonic() < end:
                uids = rng.sample(sorted(before), 7)
                flag = rng.choice(("\\Seen", "\\Flagged", "\\Answered", "\\Draft"))
                add = rng.random() < 0.7
                storing.ok("UID STORE %s %sFLAGS (%s)" % (",".join(map(str, uids)), "+" if add else "-", flag))
                for u in uids:
                    (want[u].add if add else want[u].discard)(flag)
                self.assertEqual(storing.ok("UID SEARCH ALL").all("SEARCH")[0].words, sorted(before))
        finally:
            stop.set()
            t.join()
        self.assertGreater(gone[0], 3)
        idler.done()
        want = {u: (frozenset(f), before[u][1]) for u, f in want.items()}
        for c in (storing, idler, self.client("index")):
            c.ok("NOOP")
            self.assertEqual(c.letters(), want)
        self.assertGreater(storing.modseq(), modseq)
        # What one does, the others hear, though the index is a new one.
        idler.idle()
        shutil.rmtree(self.index("index"), ignore_errors=True)
        storing.ok("UID STORE 1 FLAGS (\\Deleted)")
        told = idler.response()
        self.assertEqual((told.name, told.number), ("FETCH", 1))
        idler.done()

    def spoil(self, path, how):
        size = os.path.getsize(path)
        with open(path, "r+b") as f:
            if how == "empty":
                f.truncate(0)
            elif how == "half":
                f.truncate(size // 2 // 4096 * 4096)
            elif how == "odd":
                f.truncate(max(size // 2 - 777, 1))
            elif how == "head":
                f.write(random.Random(1).randbytes(8192))
            elif how == "pages":
                f.seek(8192)
                f.write(random.Random(2).randbytes(max(size - 8192, 4096)))
            else:
                f.write(random.Random(3).randbytes(size))

    def test_an_index_of_rubbish(self):
        c = self.filled("rubbish", 20)
        c.ok("UID STORE 3,5 FLAGS (\\Seen Work)")
        before = c.letters()
        c.ok("LOGOUT")
        data = self.index("rubbish") + "/data.mdb"
        for how in ("empty", "half", "odd", "head", "pages", "all"):
            with self.subTest(how):
                eventually(lambda: not self.sessions("rubbish"))
                self.spoil(data, how)
                c = self.client("rubbish")
                self.assertEqual(c.letters(), before)
                c.ok("UID STORE 7 FLAGS (\\Answered)")
                c.ok("UID STORE 7 FLAGS ()")
                c.ok("LOGOUT")
        self.assertRegex(self.i.log(), r"event=index-\S+ .*")

    def test_an_index_spoilt_under_sessions(self):
        """That one may cost the connection, never the mailbox."""
        c = self.filled("live", 20)
        before = c.letters()
        for how in ("half", "all", "empty"):
            with self.subTest(how):
                c = self.client("live")
                self.spoil(self.index("live") + "/data.mdb", how)
                try:
                    self.assertEqual(c.letters(), before)
                    c.ok("UID STORE 2 +FLAGS (\\Flagged)")
                    c.ok("UID STORE 2 -FLAGS (\\Flagged)")
                except (EOFError, OSError):
                    print("a session ended when its index was spoilt (%s)" % how)
                c = self.client("live")
                c.ok("UID STORE 2 FLAGS ()")
                self.assertEqual(c.letters(), before)

    def sessions(self, user):
        """Pids of processes that hold the user's mailbox open."""
        home, found = os.path.dirname(self.i.maildir(user)), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if any(os.readlink("/proc/%s/fd/%s" % (pid, fd)).startswith(home)
                       for fd in os.listdir("/proc/%s/fd" % pid)):
                    found.append(pid)
            except OSError:
                continue
        return found

    def read_only(self, user, c):
        """c had it selected when it became so."""
        for c, new in ((c, False), (self.client(user), True)):
            self.assertEqual(c.subjects(), ["%s %d" % (user, k) for k in range(1, 5)])
            self.assertEqual(c.ok("SEARCH SUBJECT 3").all("SEARCH")[0].words, [3])
            self.refused(c, "STORE 1 +FLAGS (\\Flagged)")
            self.refused(c, "APPEND INBOX ", Literal(letter("x")))
            self.refused(c, "CREATE Another")
            self.refused(c, "COPY 1 INBOX", codes=("LIMIT", "NOPERM", "READ-ONLY"))
            r = c.do("UID EXPUNGE 1:4")
            self.assertIn(r.status, ("OK", "NO"))
            self.assertEqual(len(c.letters()), 4)
            c.ok("NOOP")

    def test_a_maildir_without_write_permission(self):
        c = self.filled("readonly", 4)
        c.ok("STORE 1:4 FLAGS (\\Deleted)")
        d, modes = self.i.maildir("readonly"), {}
        for at, dirs, names in list(os.walk(d)):
            for path in [at] + [at + "/" + n for n in names]:
                modes[path] = os.stat(path).st_mode & 0o7777
                os.chmod(path, modes[path] & ~0o222)
        try:
            self.read_only("readonly", c)
        finally:
            for path, mode in modes.items():
                os.chmod(path, mode)
        c.ok("STORE 1 -FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        self.assertEqual(len(c.letters()), 1)

    def test_a_file_system_that_is_read_only(self):
        if os.geteuid() != 0:
            self.skipTest("mounting takes root")
        c = self.filled("bound", 4)
        c.ok("STORE 1:4 FLAGS (\\Deleted)")
        c.ok("LOGOUT")
        home = os.path.dirname(self.i.maildir("bound"))
        subprocess.run(["mount", "--bind", home, home], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", home], check=True)
            self.read_only("bound", self.client("bound"))
        finally:
            subprocess.run(["umount", "-l", home], check=True)

    def test_over_quota(self):
        c = self.client("limited")
        c.ok("CREATE Second")
        big = letter("big", "x" * 70 + "\r\n") .replace(b"x" * 70, (b"x" * 70 + b"\r\n") * 200)
        c.ok("APPEND INBOX ", Literal(big))
        c.ok("APPEND INBOX ", Literal(big))
        self.refused(c, "APPEND INBOX ", Literal(big), codes=("OVERQUOTA",))
        self.refused(c, "COPY 1:2 Second", codes=("OVERQUOTA",))
        c.ok("MOVE 1 Second")
        self.assertEqual(c.subjects(), ["big"])
        self.refused(c, "APPEND INBOX ", Literal(big), codes=("OVERQUOTA",))
        c.ok("STORE 1 +FLAGS (\\Deleted)")
        c.ok("EXPUNGE")
        c.ok("APPEND INBOX ", Literal(big))

    def test_told_at_once_while_idle(self):
        c = self.client("idle")
        c.idle()
        took = []
        for n in range(1, 6):
            with self.i.smtp() as s:
                s.sendmail("a@client.test", [self.i.address("idle")], letter("idle %d" % n))
            while c.response().name != "EXISTS":
                pass
            now = time.time()
            took.append(now - max(os.stat(p).st_ctime for p in self.i.deliveries("idle")))
            self.assertLess(took[-1], 1)
        print("told %s ms after delivery" % ", ".join("%.1f" % (x * 1000) for x in took))
        began = time.time()
        put(self.i.maildir("idle"), letter("by another program"))
        while c.response().name != "EXISTS":
            pass
        print("and %.0f ms after another program's" % ((time.time() - began) * 1000))
        self.assertLess(time.time() - began, 32)
        c.done()
        self.assertEqual(len(c.letters()), 6)


class FullDisk(Base):
    def setUp(self):
        need("s6-svscan")
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system takes root")
        self.i = Mailboxes(users=("alice",))
        self.i.make()
        self.addCleanup(lambda: self.i.__exit__(None, None, None))
        self.mail = self.i.dir + "/mail"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "tmpfs", self.mail], check=True)
        self.addCleanup(lambda: (self.i.stop(), subprocess.run(["umount", "-l", self.mail])))
        self.i.start()

    def fill(self):
        with open(self.mail + "/ballast", "wb") as f:
            for size in (65536, 512):
                try:
                    while True:
                        os.write(f.fileno(), b"\0" * size)
                except OSError:
                    pass

    def test_reads_go_on(self):
        c = self.filled("alice", 20)
        c.ok("STORE 1:5 +FLAGS (\\Seen)")
        before = c.letters()
        self.fill()
        for c in (c, self.client("alice")):
            self.assertEqual(c.letters(), before)
            self.assertEqual(len(c.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE)").fetched()), 20)
            self.assertEqual(c.ok("SEARCH SUBJECT 12 BODY text").all("SEARCH")[0].words, [12])
            for _ in range(2):
                self.refused(c, "APPEND INBOX ", Literal(letter("no room")))
                self.refused(c, "CREATE More")
                self.refused(c, "SUBSCRIBE Entwurf")
            r = c.do("STORE 6 +FLAGS (\\Flagged)")      # a rename may need no room
            if r.status == "NO":
                self.assertIn(r.code, ("OVERQUOTA", "LIMIT", "NOPERM"), r)
            c.do("STORE 6 -FLAGS (\\Flagged)")
        shutil.rmtree(os.path.dirname(self.i.maildir("alice")) + "/index")
        self.fill()
        self.assertEqual(self.client("alice").letters(), before)
        left = os.listdir(self.i.maildir("alice") + "/tmp")
        self.assertEqual(left, [])
        os.unlink(self.mail + "/ballast")
        c.append("room again")
        self.assertEqual(self.client("alice").subjects()[-1], "room again")
        c.ok("UID STORE 6 +FLAGS (\\Answered)")
        self.assertEqual(self.client("alice").letters()[6][0], {"\\Answered"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
