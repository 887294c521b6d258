"""Real IMAP clients with a whole instance: mbsync, offlineimap, mutt, fetchmail,
curl, and all that Python's imaplib can ask."""

import contextlib
import fcntl
import imaplib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from imap_tools import (Mailboxes, Mbsync, Session, fetch_flags, files, imap_text, letter, nothing_moved, ok,
                        summary)
from instance import need

OFFLINEIMAP = """
[general]
accounts = a
metadata = {dir}/meta
ui = basic
socktimeout = 60
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {dir}/near
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = PLAIN, LOGIN
expunge = yes
usecompression = {compression}
"""

MUTTRC = """
set ssl_starttls=no ssl_force_tls=no
set imap_user="{user}" imap_pass="{password}"
set folder="imap://127.0.0.1:{port}/" spoolfile="imap://127.0.0.1:{port}/INBOX"
set record="" postponed="" trash=""
set header_cache="" message_cachedir="" wait_key=no confirmappend=no confirmcreate=no
set delete=yes move=no mark_old=no quit=yes pipe_split=no pipe_decode=no imap_passive=yes
set imap_condstore=yes imap_qresync=yes imap_deflate=yes sleep_time=0
"""

USERS = ("mbsync", "offline", "offlinez", "mutt", "fetchmail", "curl", "lib", "idle", "utf8")


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan")
        cls.i = Mailboxes(users=USERS)
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def setUp(self):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        self.dir = d.name

    def imap(self, user, mailbox=None):
        s = self.enterContext(contextlib.closing(Session(self.i, user)))
        if mailbox is not None:
            ok(s.c.select(mailbox))
        return s.c

    def told(self, argv, code=0, **keys):
        r = subprocess.run(argv, capture_output=True, timeout=120, **keys)
        text = (r.stdout + r.stderr).decode("utf-8", "replace")
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(r.returncode, codes, text)
        return r.stdout.decode("utf-8", "replace")


class Mbsyncs(Clients):
    def start(self):
        self.m = Mbsync(self.dir, self.i.port(143), self.i.address("mbsync"), self.i.password("mbsync"))
        return self.m

    def test_both_ways(self):
        c = self.imap("mbsync", "INBOX")
        for n in range(6):
            ok(c.append("INBOX", "\\Flagged" if n == 0 else None, '"02-Nov-2020 10:00:0%d +0000"' % n,
                        letter("far %d" % n)))
        uni = imap_text("Ärger/Köln & Bonn")
        ok(c.create('"%s"' % uni))
        ok(c.append('"%s"' % uni, "\\Seen \\Answered", None, letter("deep", "ä\r\n" * 3000)))
        m = self.start()
        sent = m.run()
        self.assertEqual(m.flags("INBOX"), {"far %d" % n: "F" if n == 0 else "" for n in range(6)})
        self.assertEqual(m.flags(uni), {"deep": "RS"})
        self.assertTrue(all(",U=" in x for x in files(m.box("INBOX"))), files(m.box("INBOX")))
        # CopyArrivalDate takes INTERNALDATE along.
        times = {os.stat(m.box("INBOX") + "/" + x).st_mtime // 3600 for x in files(m.box("INBOX"))}
        self.assertEqual(times, {1604311200 // 3600})
        again = m.run()
        self.assertTrue(nothing_moved(again), again)
        self.assertGreater(sent["FETCH BODY"], 6)

        self.change_near(m)
        self.change_far(c)
        m.run()
        self.both_alike(c, m)
        again = m.run()
        self.assertTrue(nothing_moved(again), again)

    def path(self, m, subject):
        for name in files(m.box("INBOX")):
            with open(m.box("INBOX") + "/" + name, "rb") as f:
                if b"Subject: %s\n" % subject.encode() in f.read().replace(b"\r\n", b"\n"):
                    return m.box("INBOX") + "/" + name
        raise KeyError(subject)

    def change_near(self, m):
        """What mutt would do to the local Maildir: a flag, a deletion, a new letter, a folder."""
        inbox = m.box("INBOX")
        old = self.path(m, "far 1")
        base = os.path.basename(old).partition(":")[0]
        os.rename(old, "%s/cur/%s:2,RS" % (inbox, base))
        old = self.path(m, "far 2")
        os.rename(old, "%s/cur/%s:2,ST" % (inbox, os.path.basename(old).partition(":")[0]))
        with open(inbox + "/new/1700000000.1.near", "wb") as f:
            f.write(letter("near new").replace(b"\r\n", b"\n"))
        made = m.box("Made Here")
        for sub in ("", "/cur", "/new", "/tmp"):
            os.mkdir(made + sub)
        with open(made + "/cur/1700000001.1.near:2,FS", "wb") as f:
            f.write(letter("in a new folder").replace(b"\r\n", b"\n"))

    def change_far(self, c):
        uid = {v[3].split(b"<")[1]: k for k, v in summary(c).items()}
        ok(c.uid("store", str(uid[b"far3@example.test>"]), "+FLAGS", r"(\Deleted)"))
        ok(c.expunge())
        ok(c.uid("store", str(uid[b"far4@example.test>"]), "+FLAGS", r"(\Seen \Draft)"))
        ok(c.append("INBOX", None, None, letter("far new")))
        ok(c.create('"Far/Made"'))
        ok(c.append('"Far/Made"', "\\Seen", None, letter("far folder")))

    def both_alike(self, c, m):
        want = {"far 0": "F", "far 1": "RS", "far 4": "DS", "far 5": "", "far new": "", "near new": ""}
        self.assertEqual(m.flags("INBOX"), want)
        ok(c.select("INBOX"))
        letters = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "D": "\\Draft"}
        here = {re.sub(rb"Message-ID: <(.*)@.*", rb"\1", v[3], flags=re.I).decode(): v[2] for v in summary(c).values()}
        self.assertEqual(here, {k.replace(" ", ""): frozenset(letters[x] for x in v) for k, v in want.items()})
        self.assertEqual(m.flags("Far/Made"), {"far folder": "S"})
        ok(c.select('"Made Here"'))
        self.assertEqual([v[2] for v in summary(c).values()], [{"\\Seen", "\\Flagged"}])
        far = [re.search(rb'"/" "?(.*?)"?$', x)[1].decode() for x in ok(c.list())
               if b"\\No" not in x]
        self.assertEqual(m.boxes(), sorted(far))


class Offlineimap(Clients):
    def run_it(self):
        r = subprocess.run(["offlineimap", "-o", "-c", self.dir + "/rc", "-u", "basic"], capture_output=True,
                           text=True, timeout=120, env=dict(os.environ, HOME=self.dir))
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def sync_both_ways(self, user, compression):
        need("offlineimap")
        c = self.imap(user, "INBOX")
        for n in range(4):
            ok(c.append("INBOX", None, None, letter("far %d" % n)))
        ok(c.create("Lists/One"))
        ok(c.append("Lists/One", "\\Seen", None, letter("listed")))
        with open(self.dir + "/rc", "w") as f:
            f.write(OFFLINEIMAP.format(dir=self.dir, port=self.i.port(143), user=self.i.address(user),
                                       password=self.i.password(user), compression=compression))
        self.run_it()
        inbox = self.dir + "/near/INBOX"
        self.assertEqual(len(files(inbox)), 4)
        self.assertRegex(files(self.dir + "/near/Lists.One")[0], r":2,S$")
        for name in files(inbox):
            with open(inbox + "/" + name) as f:
                if "far 1" in f.read():
                    os.rename(inbox + "/" + name, "%s/cur/%s:2,FS"
                              % (inbox, os.path.basename(name).partition(":")[0]))
        with open(inbox + "/new/1700000000.1.near", "wb") as f:
            f.write(letter("near new").replace(b"\r\n", b"\n"))
        ok(c.uid("store", "3", "+FLAGS", r"(\Answered)"))
        ok(c.uid("store", "4", "+FLAGS", r"(\Deleted)"))
        ok(c.expunge())
        self.run_it()
        ok(c.noop())
        self.assertEqual(fetch_flags(c), {1: set(), 2: {"\\Seen", "\\Flagged"}, 3: {"\\Answered"}, 5: set()})
        self.assertEqual(len(files(inbox)), 4)
        before = (summary(c), files(inbox))
        text = self.run_it()
        self.assertNotRegex(text, r"(?i)copy message|adding flags|deleting flags|deleting \d|error")
        ok(c.noop())
        self.assertEqual((summary(c), files(inbox)), before)

    def test_both_ways(self):
        self.sync_both_ways("offline", "no")

    def test_compressed(self):
        self.sync_both_ways("offlinez", "yes")


class Mutt(Clients):
    def mutt(self, keys, mailbox="INBOX", seconds=40):
        """Run mutt on a terminal of its own; what it drew."""
        need("mutt")
        with open(self.dir + "/muttrc", "w") as f:
            f.write(MUTTRC.format(port=self.i.port(143), user=self.i.address("mutt"),
                                  password=self.i.password("mutt")))
        env = dict(os.environ, HOME=self.dir, TERM="xterm", LC_ALL="C.UTF-8")
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.execvpe("mutt", ["mutt", "-n", "-F", self.dir + "/muttrc", "-e", "push '%s'" % keys,
                                    "-f", "imap://127.0.0.1:%d/%s" % (self.i.port(143), mailbox)], env)
            finally:
                os._exit(127)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 40, 132, 0, 0))
        drawn, end = b"", time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                if not select.select([fd], [], [], 1)[0]:
                    continue
                try:
                    piece = os.read(fd, 65536)
                except OSError:
                    piece = b""
                if not piece:
                    self.assertEqual(os.waitpid(pid, 0)[1], 0, drawn[-3000:])
                    pid = None
                    return drawn.decode("utf-8", "replace")
                drawn += piece
        finally:
            os.close(fd)
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self.fail("mutt did not end:\n%s" % drawn[-3000:])

    def test_reads_flags_files_and_changes_folder(self):
        c = self.imap("mutt", "INBOX")
        for n in range(5):
            ok(c.append("INBOX", "\\Seen" if n == 0 else None, None, letter("letter %d" % n)))
        ok(c.create("Kept"))
        out = self.dir + "/out"
        self.mutt("<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >%s<enter>"
                  "<untag-pattern>~A<enter><limit>~N<enter><tag-pattern>~N<enter>"
                  "<tag-prefix><pipe-message>cat >%s.new<enter><untag-pattern>~A<enter><exit>" % (out, out))
        with open(out) as f:
            self.assertEqual(f.read().count("Message-ID: <letter"), 5)
        with open(out + ".new") as f:
            self.assertEqual(f.read().count("Message-ID: <letter"), 4)

        self.mutt("<search>~s letter.3<enter><flag-message>"
                  "<search>~s letter.1<enter><delete-message>"
                  "<search>~s letter.2<enter><save-message>=Kept<enter>"
                  "<sync-mailbox><quit>")
        ok(c.noop())
        self.assertEqual({v[3].decode()[13:-14]: v[2] for v in summary(c).values()
                          if v[3].decode()[13:-14] in ("letter1", "letter2", "letter3")},
                         {"letter3": summary(c)[4][2]})
        self.assertIn("\\Flagged", summary(c)[4][2])
        self.assertEqual(sorted(summary(c)), [1, 4, 5])
        ok(c.select("Kept"))
        self.assertEqual([v[3] for v in summary(c).values()], [b"Message-ID: <letter2@example.test>"])

        self.mutt("<change-folder>=Kept<enter><tag-pattern>~A<enter><tag-prefix>"
                  "<pipe-message>cat >%s<enter><tag-prefix><copy-message>=INBOX<enter><quit>" % out)
        with open(out) as f:
            self.assertIn("letter2", f.read())
        ok(c.select("INBOX"))
        self.assertEqual(sorted(summary(c)), [1, 4, 5, 6])

        # New folders by its browser, and a search that the server does.
        self.mutt("<change-folder>?<create-mailbox>Made/ByMutt<enter><exit>"
                  "<limit>=b text<enter><tag-pattern>=s 'letter'<enter><exit>")
        self.assertIn(b"Made/ByMutt", b"".join(ok(c.list())))


class Fetchmail(Clients):
    def fetch(self, keep, code=0):
        with open(self.dir + "/rc", "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write('poll 127.0.0.1 protocol IMAP port %d auth password no dns\n'
                    ' user "%s" password "%s" sslproto "" %s\n mda "cat >>%s/got"\n'
                    % (self.i.port(143), self.i.address("fetchmail"), self.i.password("fetchmail"),
                       "keep" if keep else "nokeep fetchall", self.dir))
        open(self.dir + "/got", "w").close()
        self.told(["fetchmail", "-f", self.dir + "/rc", "--pidfile", self.dir + "/pid", "-i",
                   self.dir + "/ids"], code, env=dict(os.environ, HOME=self.dir, FETCHMAILHOME=self.dir))
        with open(self.dir + "/got", errors="replace") as f:
            return f.read()

    def test_keep_and_not(self):
        need("fetchmail")
        c = self.imap("fetchmail", "INBOX")
        for n in range(3):
            ok(c.append("INBOX", None, None, letter("mail %d" % n, ".\r\nä %d\r\n" % n)))
        got = self.fetch(True)
        self.assertEqual([got.count("ä %d\n" % n) for n in range(3)], [1, 1, 1])
        ok(c.noop())
        self.assertEqual(fetch_flags(c), {n: {"\\Seen"} for n in (1, 2, 3)})
        self.assertEqual(self.fetch(True, 1), "")       # 1: no new mail
        got = self.fetch(False)
        self.assertEqual(got.count("Subject: mail"), 3)
        ok(c.noop())
        self.assertEqual(fetch_flags(c), {})


class Curl(Clients):
    def curl(self, path, *args, code=0):
        need("curl")
        return self.told(["curl", "-sS", "--max-time", "60", "--url",
                          "imap://127.0.0.1:%d/%s" % (self.i.port(143), path), "-u",
                          "%s:%s" % (self.i.address("curl"), self.i.password("curl")), *args], code)

    def test_everything(self):
        text = letter("uploaded", "ä.\r\n.\r\n")
        with open(self.dir + "/m", "wb") as f:
            f.write(text)
        for _ in range(2):
            self.curl("INBOX", "-T", self.dir + "/m")
        self.assertIn('* LIST', self.curl(""))
        self.assertRegex(self.curl(""), r'(?m)^\* LIST \(.*\) "/" "?INBOX"?\r?$')
        self.assertRegex(self.curl("INBOX?ALL"), r"^\* SEARCH 1 2\r?\n$")
        self.assertRegex(self.curl("INBOX?SUBJECT uploaded".replace(" ", "%20")), r"\* SEARCH 1 2")
        self.assertRegex(self.curl("INBOX?SUBJECT nothing".replace(" ", "%20")), r"^\* SEARCH\r?\n$")
        self.assertEqual(self.curl("INBOX;MAILINDEX=1").encode(), text)
        self.assertEqual(self.curl("INBOX;UID=2").encode(), text)
        self.assertEqual(self.curl("INBOX;UID=2;SECTION=TEXT").encode(), text.partition(b"\r\n\r\n")[2])
        self.curl("INBOX;UID=99", code=78)
        self.assertIn("* 2 EXISTS", self.curl("", "-X", "EXAMINE INBOX"))
        self.curl("", "-X", "CREATE Neu")
        self.assertRegex(self.curl("", "-X", "LIST \"\" *"), r'"/" "?Neu"?')
        self.curl("INBOX", "-X", "STORE 1 +FLAGS.SILENT (\\Flagged)")
        self.assertIn("\\Flagged", self.curl("INBOX", "-X", "FETCH 1 (FLAGS UID)"))
        self.assertIn("MESSAGES 2", self.curl("", "-X", "STATUS INBOX (MESSAGES UIDNEXT)"))
        self.curl("Gone;UID=1", code=(78, 9, 67))
        self.told(["curl", "-sS", "--url", "imap://127.0.0.1:%d/" % self.i.port(143), "-u", "curl:wrong"], 67)


class Imaplib(Clients):
    def test_logins(self):
        c = imaplib.IMAP4("127.0.0.1", self.i.port(143), timeout=60)
        with self.assertRaises(imaplib.IMAP4.error):
            c.login(self.i.address("lib"), "wrong")
        plain = "\0%s\0%s" % (self.i.address("lib"), self.i.password("lib"))
        ok(c.authenticate("PLAIN", lambda _: plain.encode()))
        self.assertEqual(c.state, "AUTH")
        ok(c.noop())
        self.assertEqual(c.logout()[0], "BYE")
        c = imaplib.IMAP4("127.0.0.1", self.i.port(143), timeout=60)
        with self.assertRaises(imaplib.IMAP4.error):
            c.login_cram_md5(self.i.address("lib"), "x")
        c.shutdown()
        with imaplib.IMAP4("127.0.0.1", self.i.port(143), timeout=60) as c:
            c.login(self.i.address("lib"), self.i.password("lib"))

    def test_folders(self):
        c = self.imap("lib")
        ok(c.create("Box"))
        ok(c.create('"Box/In side"'))
        self.assertEqual(ok(c.create("Box"), "NO")[0][:16], b"[ALREADYEXISTS] ")
        names = [re.search(rb'"/" "?(.*?)"?$', x)[1] for x in ok(c.list())]
        for name in (b"INBOX", b"Box", b"Box/In side"):
            self.assertIn(name, names)
        self.assertEqual(len(ok(c.list('""', "Box/%"))), 1)
        ok(c.subscribe("Box"))
        self.assertIn(b"Box", b"".join(ok(c.lsub())))
        ok(c.unsubscribe("Box"))
        self.assertNotIn(b'Box"', b"".join(x or b"" for x in ok(c.lsub('""', "Box"))))
        ok(c.rename("Box", "Kiste"))
        self.assertIn(b"Kiste/In side", b"".join(ok(c.list())))
        self.assertRegex(ok(c.status("Kiste", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))[0],
                         rb'^"?Kiste"? \(MESSAGES 0 RECENT 0 UIDNEXT 1 UIDVALIDITY \d+ UNSEEN 0\)$')
        ok(c.delete('"Kiste/In side"'))
        ok(c.delete("Kiste"))
        ok(c.delete("Kiste"), "NO")
        ok(c.select("Kiste"), "NO")
        self.assertIn(b'(("" "/")) NIL NIL', ok(c.namespace())[0])
        for refused in (lambda: c.getacl("INBOX"), lambda: c.setacl("INBOX", "x", "lr"), lambda: c.myrights("INBOX"),
                        lambda: c.proxyauth("x"), lambda: c.setannotation("INBOX", "/x", "y")):
            with self.assertRaises(imaplib.IMAP4.error) as e:
                refused()
            self.assertIn("BAD", str(e.exception))
        root = ok(c.getquotaroot("INBOX"))
        self.assertIn(b"INBOX", root[0][0])
        self.assertIn(c.getquota("nobody")[0], ("NO",))

    def test_letters(self):
        c = self.imap("lib", "INBOX")
        ok(c.create("Second"))
        for n in range(5):
            ok(c.append("INBOX", "(\\Seen)" if n == 2 else "", imaplib.Time2Internaldate(1600000000 + n * 86400),
                        letter("Re: käse" if n == 3 else "letter %d" % n, "grün %d\r\n" % n,
                               "In-Reply-To: <letter0@example.test>\r\n" if n == 1 else "")))
        self.assertEqual(ok(c.select("INBOX")), [b"5"])
        self.assertTrue(c.response("UIDVALIDITY")[1][0].isdigit())
        self.assertEqual(ok(c.search(None, "ALL")), [b"1 2 3 4 5"])
        self.assertEqual(ok(c.search("UTF-8", "BODY", '"3"')), [b"4"])
        c.literal = "käse".encode()
        self.assertEqual(ok(c.uid("search", "CHARSET", "UTF-8", "SUBJECT")), [b"4"])
        self.assertEqual(c.search("KOI-99", "ALL")[0], "NO")
        self.assertEqual(ok(c.search(None, "UNSEEN", "SINCE", "14-Sep-2020")), [b"2 4 5"])
        self.assertEqual(ok(c.sort("(REVERSE DATE)", "UTF-8", "SEEN")), [b"3"])
        self.assertEqual(ok(c.sort("(REVERSE ARRIVAL)", "UTF-8", "ALL")), [b"5 4 3 2 1"])
        self.assertEqual(ok(c.thread("REFERENCES", "UTF-8", "1:3")), [b"(1 2)(3)"])
        self.assertEqual(ok(c.thread("ORDEREDSUBJECT", "UTF-8", "1")), [b"(1)"])
        self.fetched(c)
        self.moved(c)

    def fetched(self, c):
        got = ok(c.fetch("3", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"))[0]
        self.assertIn(b'INTERNALDATE "15-Sep-2020', got)
        self.assertIn(b'"letter 2"', got)
        self.assertEqual(imaplib.ParseFlags(got), (b"\\Seen",))
        self.assertEqual(time.mktime(imaplib.Internaldate2tuple(got)), 1600000000 + 2 * 86400)
        self.assertEqual(ok(c.fetch("1", "(RFC822)"))[0][1], letter("letter 0", "grün 0\r\n"))
        self.assertEqual(ok(c.fetch("2", "(BODY.PEEK[TEXT]<0.3>)"))[0][1], "grü".encode()[:3])

    def moved(self, c):
        ok(c.store("2", "+FLAGS", "(\\Flagged Work)"))
        self.assertIn(b"Work", ok(c.fetch("2", "(FLAGS)"))[0])
        ok(c.store("2", "FLAGS.SILENT", "(\\Answered)"))
        self.assertEqual(imaplib.ParseFlags(ok(c.fetch("2", "(FLAGS)"))[0].replace(b"\\Recent ", b"")), (b"\\Answered",))
        ok(c.copy("1:2", "Second"))
        self.assertRegex(c.response("COPYUID")[1][0], rb"^\d+ 1:2 1:2$")
        ok(c.uid("MOVE", "3", "Second"))
        self.assertEqual(ok(c.copy("1", "Nowhere"), "NO")[0][:12], b"[TRYCREATE] ")
        self.assertEqual(ok(c.status("Second", "(MESSAGES)"))[0].split()[-1], b"3)")
        ok(c.store("1,4", "+FLAGS", "\\Deleted"))
        self.assertEqual(c.response("EXPUNGE")[1], [b"3"])     # MOVE's
        self.assertEqual(len(ok(c.expunge())), 2)
        self.assertIn(ok(c.recent())[0], (None, b"0"))
        ok(c.check())
        ok(c.store("1", "+FLAGS", "\\Deleted"))
        ok(c.close())
        self.assertEqual(ok(c.select("INBOX", readonly=True)), [b"1"])
        ok(c.store("1", "+FLAGS", "\\Seen"), "NO")
        ok(c.unselect())
        self.assertEqual(c.state, "AUTH")

    def test_utf8(self):
        c = self.imap("utf8")
        ok(c.enable("UTF8=ACCEPT"))
        self.assertTrue(c.utf8_enabled)
        ok(c.create('"Grüße/日本"'))
        self.assertIn("Grüße/日本".encode(), b"".join(ok(c.list())))
        # imaplib 3.11 puts APPEND's "UTF8 (" into the literal: so by one without UTF8.
        ok(self.imap("utf8").append('"%s"' % imap_text("Grüße/日本"), None, None, letter("ägrößer")))
        self.assertEqual(ok(c.select('"Grüße/日本"')), [b"1"])
        self.assertEqual(ok(c.search(None, "SUBJECT", '"ägröß"')), [b"1"])
        self.assertIn("ägrößer".encode(), ok(c.fetch("1", "(ENVELOPE)"))[0])

    def test_idle(self):
        c = self.imap("idle", "INBOX")
        tag = c._new_tag()
        c.send(tag + b" IDLE\r\n")
        self.assertEqual(c.readline()[:1], b"+")
        other = self.imap("idle", "INBOX")
        ok(other.append("INBOX", None, None, letter("arrives")))
        self.assertEqual(c.readline(), b"* 1 EXISTS\r\n")
        ok(other.store("1", "+FLAGS", "\\Seen"))
        while b"FETCH (" not in (line := c.readline()):
            self.assertIn(b"RECENT", line)
        self.assertIn(b"\\Seen", line)
        c.send(b"DONE\r\n")
        while not (line := c.readline()).startswith(tag):
            self.assertTrue(line.startswith(b"* "), line)
        self.assertIn(b" OK", line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
