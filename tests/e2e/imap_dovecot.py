"""Moving over from Dovecot: a Maildir that it filled, taken over by imapd.

A client must notice nothing: UIDVALIDITY, UIDs, flags, keywords, INTERNALDATE,
subscriptions are the same, and mbsync, which knows the mailboxes from Dovecot, has
nothing to do.
"""

import contextlib
import os
import re
import shutil
import tempfile
import unittest

from imap_tools import (DOVECOT, Dovecot, Mailboxes, Mbsync, Session, imap_text, letter, nothing_moved, ok, own,
                        own_all, put, summary)
from instance import need

FOLDERS = ("Sent", imap_text("Entwürfe & Pläne"), imap_text("Årkiv/2024/März"), "Lists/a.b".replace(".", "-"),
           imap_text("日本語"), "Empty")
# Other keywords in each folder, so that Dovecot gives one letter different meanings.
KEYWORDS = {"INBOX": ("Work", "$Label1", "Zu_Haus"), FOLDERS[0]: ("$Forwarded", "Work"),
            FOLDERS[1]: ("$Label1", "$Junk", "Work"), FOLDERS[4]: ("only-here",)}


def state(c):
    """What a client could remember of the whole account."""
    boxes = {}
    names = [re.search(rb'"/" "?(.*?)"?$', x)[1].decode() for x in ok(c.list()) if b"\\No" not in x]
    for name in names:
        ok(c.select('"%s"' % name, readonly=True))
        validity = c.response("UIDVALIDITY")[1][0]
        boxes[name] = (validity, int(c.response("UIDNEXT")[1][0]), summary(c))
    subscribed = {re.search(rb'"/" "?(.*?)"?$', x)[1].decode() for x in ok(c.lsub()) if x and b"\\No" not in x}
    return boxes, subscribed


@unittest.skipUnless(DOVECOT and os.path.exists("/usr/lib/dovecot/imap"), "dovecot-imapd is not installed")
class MovingOver(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        need("s6-svscan")
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        self.dir = d.name
        os.chmod(self.dir, 0o711)
        self.i = Mailboxes(users=("alice",))
        self.addCleanup(lambda: self.i.__exit__(None, None, None))
        self.i.make()
        self.home = self.i.home_of("alice")
        self.user, self.password = self.i.address("alice"), self.i.password("alice")

    def dovecot(self):
        return Dovecot(self.dir, self.home, self.password)

    def fill(self, c):
        """By IMAP: letters, gaps in the UIDs, dates, flags, keywords, folders."""
        for name in FOLDERS[1:]:
            ok(c.create('"%s"' % name))
        for name in ("INBOX", FOLDERS[0], FOLDERS[1], FOLDERS[2], FOLDERS[4]):
            self.fill_box(c, name)
        for name in (FOLDERS[1], FOLDERS[4], "Empty"):
            ok(c.subscribe('"%s"' % name))
        ok(c.unsubscribe("Empty"))

    def fill_box(self, c, name):
        for n in range(12):
            ok(c.append('"%s"' % name, "\\Seen" if n % 2 else None,
                        '"%02d-Mar-2019 10:%02d:00 +0100"' % (n + 1, n),
                        letter("%s %d" % (FOLDERS.index(name) if name in FOLDERS else "inbox", n), "line\r\n" * n * 40)))
        ok(c.select('"%s"' % name))
        ok(c.uid("store", "3,7,12", "+FLAGS", "\\Deleted"))
        ok(c.expunge())
        ok(c.uid("store", "2", "+FLAGS", "(\\Answered \\Flagged)"))
        ok(c.uid("store", "4", "+FLAGS", "(\\Draft)"))
        for n, word in enumerate(KEYWORDS.get(name, ())):
            ok(c.uid("store", "%d,10" % (n + 5), "+FLAGS", "(%s)" % word))

    def filled(self):
        """Fill, and put some letters there that Dovecot only reads."""
        with self.dovecot() as d:
            c = d.imap(self.user)
            self.fill(c)
            maildir = self.home + "/Maildir"
            put(maildir, letter("delivered"), when=1500000000)
            put(maildir, letter("also delivered"), "FS", when=1500000001)
            m = Mbsync(self.dir, d.port, self.user, self.password)
            m.run()
            c.logout()
            c = d.imap(self.user)
            before = state(c)
            m.run()
            self.assertTrue(nothing_moved(m.run()))
            c.logout()
        return before, m

    def merpati(self):
        return self.enterContext(contextlib.closing(Session(self.i, "alice"))).c

    def compare(self, before, after):
        for name, (validity, uidnext, letters) in before[0].items():
            with self.subTest(name):
                self.assertIn(name, after[0])
                self.assertEqual(after[0][name][0], validity)
                self.assertGreaterEqual(after[0][name][1], uidnext)
                self.assertEqual(after[0][name][2], letters)
        self.assertEqual(after[1], before[1])

    def test_a_client_notices_nothing(self):
        before, m = self.filled()
        self.assertTrue(any("only-here" in x[2] for x in before[0][FOLDERS[4]][2].values()))
        self.i.start()
        self.compare(before, state(self.merpati()))
        m.configure(self.i.port(143), self.user, self.password)
        sent = m.run()
        # Folders that a new account is given may be new; no letter is.
        self.assertFalse(set(sent) & {"FETCH BODY", "APPEND", "STORE", "EXPUNGE"}, sent)
        sent = m.run()
        self.assertTrue(nothing_moved(sent), sent)
        self.both_ways(m)
        self.without_their_files(before)

    def both_ways(self, m):
        """From now on it is ours: flags and letters go both ways."""
        c = self.merpati()
        ok(c.append("INBOX", "\\Flagged", None, letter("new here")))
        inbox = m.box("INBOX")
        with open(inbox + "/new/1700000000.1.near", "wb") as f:
            f.write(letter("new there").replace(b"\r\n", b"\n"))
        m.run()
        self.assertEqual(m.flags("INBOX")["new here"], "F")
        ok(c.select("INBOX"))
        uids = sorted(summary(c))
        self.assertEqual(uids[-2:], [uids[-3] + 1, uids[-3] + 2])
        self.assertTrue(nothing_moved(m.run()))
        ok(c.uid("store", "%d:%d" % tuple(uids[-2:]), "+FLAGS", "\\Deleted"))
        ok(c.expunge())

    def without_their_files(self, before):
        """Nor when Dovecot's files and our index are gone later."""
        for d, _, names in os.walk(self.home + "/Maildir"):
            for n in names:
                if n.startswith("dovecot"):
                    os.unlink(d + "/" + n)
        shutil.rmtree(self.home + "/index", ignore_errors=True)
        after = state(self.merpati())
        self.compare(before, after)

    def test_letters_of_both_after_a_crash_of_neither(self):
        """A uidlist that knows too much or too little, and garbage in it."""
        before, _ = self.filled()
        maildir = self.home + "/Maildir"
        with open(maildir + "/dovecot-uidlist", "a") as f:
            f.write("900 :gone.host\nrubbish\n901\n")
        own(maildir + "/dovecot-uidlist")
        sent = maildir + "/.Sent"
        os.unlink(sent + "/dovecot-uidlist")
        with open(maildir + "/." + FOLDERS[1] + "/dovecot-keywords", "w") as f:
            f.write("0 $Label1\nx\n77 far\n1 $Junk\n2 Work\n")
        own_all(maildir)
        put(maildir, letter("later"))
        self.i.start()
        after = state(self.merpati())
        inbox, had = after[0]["INBOX"], before[0]["INBOX"]
        self.assertEqual(inbox[0], had[0])
        self.assertEqual({u: x for u, x in inbox[2].items() if u in had[2]}, had[2])
        new = [u for u in inbox[2] if u not in had[2]]
        self.assertEqual(len(new), 1)
        self.assertGreaterEqual(new[0], had[1])
        self.assertEqual(len(after[0]["Sent"][2]), len(before[0]["Sent"][2]))
        self.assertNotEqual(after[0]["Sent"][0], before[0]["Sent"][0])
        self.assertEqual(after[0][FOLDERS[1]], before[0][FOLDERS[1]][:1] + after[0][FOLDERS[1]][1:2]
                         + before[0][FOLDERS[1]][2:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
