"""STORE, COPY, MOVE and EXPUNGE of imap-session, each case with its section."""

import os
import threading
import unittest

from imap_lib import Literal, Place, letter, wire

SYSTEM = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"]


class Base(unittest.TestCase):
    count = 6
    enable = "IMAP4rev2"

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        for n in range(self.count):
            self.place.put(letter("number %d" % (n + 1)), flags="S" if n == 0 else "")
        self.place.folder(".Other")
        self.c = self.client()

    def client(self, enable=None, how="SELECT"):
        c = self.place.login(enable=self.enable if enable is None else enable)
        c.select(how=how)
        return c

    def flags(self, n, c=None):
        return sorted((c or self.c).ok("FETCH %d FLAGS" % n).fetched()[n]["FLAGS"])

    def uids(self, c=None):
        r = (c or self.c).ok("UID FETCH 1:* UID").fetched()
        return [v["UID"] for v in r.values()]

    def names(self, folder="."):
        """Flag letters of the files by the number in their subject."""
        out = {}
        d = self.place.folder(folder)
        for sub in ("/cur/", "/new/"):
            for name in os.listdir(d + sub):
                with open(d + sub + name, "rb") as f:
                    subject = f.read().split(b"Subject: number ")[1].split(b"\n")[0]
                out[int(subject)] = name.partition(":2,")[2]
        return out


class Store(Base):
    def test_operations(self):
        """RFC 9051 6.4.6: FLAGS, +FLAGS, -FLAGS, with and without parentheses"""
        for item, want in (("FLAGS (\\Flagged)", ["\\Flagged"]),
                           ("+FLAGS (\\Seen \\Draft)", ["\\Draft", "\\Flagged", "\\Seen"]),
                           ("-FLAGS \\Flagged \\Seen", ["\\Draft"]),
                           ("flags \\Deleted", ["\\Deleted"]),
                           ("+FLAGS ()", ["\\Deleted"]), ("-FLAGS (\\Seen)", ["\\Deleted"]),
                           ("FLAGS ()", []),
                           ("+FLAGS (%s)" % " ".join(SYSTEM), sorted(SYSTEM)),
                           ("-FLAGS (%s)" % " ".join(SYSTEM[1:]), ["\\Answered"])):
            with self.subTest(item):
                r = self.c.ok("STORE 2 " + item)
                self.assertEqual(sorted(r.fetched()[2]["FLAGS"]), want)
                self.assertEqual(self.flags(2), want)

    def test_files(self):
        """flags are letters of the file's name, for every program"""
        self.c.ok("STORE 2:3 +FLAGS.SILENT (%s)" % " ".join(SYSTEM))
        self.assertEqual(self.names()[2], "DFRST")
        self.c.ok("STORE 3 FLAGS.SILENT ($Forwarded)")
        self.assertEqual(self.names()[3], "P")
        self.assertEqual(self.names()[1], "S")

    def test_silent(self):
        """RFC 9051 6.4.6"""
        self.assertEqual(self.c.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)").untagged, [])
        self.assertEqual(self.c.ok("NOOP").untagged, [])
        self.assertEqual(self.flags(6), ["\\Flagged"])

    def test_sets(self):
        """RFC 9051 9: sequence-set; 6.4.9: UIDs that are not there"""
        for which, want in (("1", [1]), ("*", [6]), ("2,4:5", [2, 4, 5]), ("5:4", [4, 5]),
                            ("1:*", [1, 2, 3, 4, 5, 6]), ("3,3,3", [3])):
            r = self.c.ok("STORE %s +FLAGS (x)" % which)
            self.assertEqual(sorted(r.fetched()), want)
        r = self.c.ok("UID STORE 5:99,200 -FLAGS (x)")
        self.assertEqual([v["UID"] for v in r.fetched().values()], [5, 6])
        self.assertEqual(self.c.ok("UID STORE 100:200 FLAGS ()").untagged, [])

    def test_keywords(self):
        """RFC 9051 2.3.2: kept, told first, case ignored"""
        r = self.c.ok("STORE 1 +FLAGS (Work $Label1)")
        self.assertEqual([x.name for x in r.untagged], ["FLAGS", "OK", "FETCH"])
        self.assertIn("Work", r.all("FLAGS")[0].words[0])
        self.assertEqual(self.flags(1), ["$Label1", "Work", "\\Seen"])
        r = self.c.ok("STORE 2 +FLAGS (WORK)")
        self.assertEqual(r.all("FLAGS"), [])
        self.assertEqual(self.flags(2), ["Work"])
        other = self.client()
        self.assertEqual(self.flags(1, other), ["$Label1", "Work", "\\Seen"])
        self.c.ok("STORE 1 -FLAGS (unheard-of)")

    def test_too_many_keywords(self):
        """26 letters: NO [LIMIT], and PERMANENTFLAGS without \\*"""
        for n in range(26):
            r = self.c.ok("STORE 1 +FLAGS (k%d)" % n)
        self.assertNotIn("\\*", r.codes()["PERMANENTFLAGS"][0])
        self.c.no("STORE 1 +FLAGS (k26)", code="LIMIT")
        self.c.ok("STORE 2 +FLAGS (k25)")
        self.assertEqual(len(self.flags(1)), 27)
        self.c.no("STORE 1 +FLAGS (%s)" % ("x" * 101), code="LIMIT")

    def test_read_only(self):
        """RFC 9051 6.3.3"""
        c = self.client(how="EXAMINE")
        for command in ("STORE 1 FLAGS ()", "UID STORE 1 +FLAGS.SILENT (x)", "EXPUNGE",
                        "UID EXPUNGE 1", "MOVE 1 Other", "UID MOVE 1 Other"):
            c.no(command)
        self.assertEqual(self.names()[1], "S")

    def test_nonsense(self):
        """RFC 9051 9: store"""
        for args in ("", " 1", " 1 FLAGS", " 1 FLAGS ", " 1 FLAGS (", " 1 FLAGS (\\Seen",
                     " 1 FLAGS \\Seen)", " 1 FLAGS (\\Seen) x", " 1 *FLAGS ()",
                     " 1 +FLAG ()", " 1 FLAGS.QUIET ()", " 1 UID 3", " 0 FLAGS ()",
                     " 7 FLAGS ()", " x FLAGS ()", " 1 FLAGS (\\Recent)",
                     " 1 FLAGS (\\Foo)", " 1 FLAGS (\\*)", " 1 FLAGS (a b%)",
                     " 1 FLAGS (\"a\")", " 1 FLAGS ((a))", " 1 (UNCHANGEDSINCE) FLAGS ()",
                     " 1 (UNCHANGEDSINCE x) FLAGS ()", " 1 (UNCHANGEDSINCE 1 FLAGS ()",
                     " 1 () FLAGS ()", " 1 (CHANGEDSINCE 1) FLAGS ()",
                     " 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()"):
            with self.subTest(args):
                self.c.bad("STORE" + args)
                self.c.ok("NOOP")
        self.c.bad("STORE 1 FLAGS (", Literal(b"a", plus=True), ")")

    def test_other_sessions(self):
        """RFC 9051 7.5.2"""
        other = self.client()
        self.c.ok("STORE 1,3 +FLAGS.SILENT (\\Flagged new)")
        r = other.ok("NOOP")
        self.assertEqual(sorted(r.fetched()), [1, 3])
        self.assertIn("new", r.all("FLAGS")[0].words[0])

    def test_gone(self):
        """RFC 2180 4.2: by number NO, by UID OK; the others are done"""
        other = self.client()
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        r = self.c.no("STORE 1:3 +FLAGS (x)", code="EXPUNGEISSUED")
        self.assertEqual(sorted(r.fetched()), [1, 3])
        self.assertEqual(self.c.ok("UID STORE 2:4 +FLAGS (y)").numbers("EXPUNGE"), [2])
        self.assertEqual(self.flags(2), ["x", "y"])

    def test_foreign_rename(self):
        """another program sets a flag between: both are kept"""
        d = self.place.maildir() + "/cur/"
        self.c.ok("STORE 3 +FLAGS (\\Seen)")
        for name in os.listdir(d):
            with open(d + name, "rb") as f:
                if b"number 3" in f.read():
                    os.rename(d + name, d + name.replace(":2,S", ":2,RS"))
        self.c.ok("STORE 3 +FLAGS (\\Flagged)")
        self.assertEqual(self.flags(3), ["\\Answered", "\\Flagged", "\\Seen"])


class Condstore(Base):
    enable = "IMAP4rev2 CONDSTORE"

    def modseq(self, n):
        return self.c.ok("FETCH %d MODSEQ" % n).fetched()[n]["MODSEQ"][0]

    def test_unchangedsince(self):
        """RFC 7162 3.1.3: [MODIFIED], and the others are done"""
        since = max(self.modseq(n) for n in range(1, 7))
        self.c.ok("STORE 2,4 +FLAGS.SILENT (\\Answered)")
        r = self.c.ok("STORE 1:5 (UNCHANGEDSINCE %d) +FLAGS (\\Flagged)" % since)
        self.assertEqual(r.code, "MODIFIED")
        self.assertEqual(str(r.args[0]), "2,4")
        self.assertEqual(sorted(r.fetched()), [1, 3, 5])
        self.assertTrue(all(v["MODSEQ"][0] > since for v in r.fetched().values()))
        self.assertEqual(self.flags(2), ["\\Answered"])
        r = self.c.ok("UID STORE 1:* (UNCHANGEDSINCE 0) FLAGS ()")
        self.assertEqual((r.code, str(r.args[0])), ("MODIFIED", "1:6"))
        r = self.c.ok("STORE 2 (UNCHANGEDSINCE %d) FLAGS ()" % self.modseq(2))
        self.assertIsNone(r.code)

    def test_silent_tells_modseqs(self):
        """RFC 7162 3.1.3"""
        r = self.c.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)").fetched()
        self.assertEqual([set(v) for v in r.values()], [{"UID", "MODSEQ"}] * 2)
        self.assertEqual(self.c.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)").untagged, [])

    def test_modseqs_grow(self):
        """RFC 7162 3.1: and are no higher than HIGHESTMODSEQ"""
        last = 0
        for n in range(1, 7):
            got = self.c.ok("STORE %d +FLAGS (x)" % n).fetched()[n]["MODSEQ"][0]
            self.assertGreater(got, last)
            last = got
        r = self.client().select()
        self.assertEqual(r.codes()["HIGHESTMODSEQ"], [last])

    def test_no_change_no_modseq(self):
        before = self.modseq(1)
        self.c.ok("STORE 1 +FLAGS (\\Seen)")
        self.assertEqual(self.modseq(1), before)

    def test_condition_enables(self):
        """RFC 7162 3.1"""
        c = self.client("IMAP4rev2")
        r = c.ok("STORE 1 (UNCHANGEDSINCE 9223372036854775807) +FLAGS (z)")
        self.assertIn("HIGHESTMODSEQ", r.codes())
        self.assertIn("MODSEQ", r.fetched()[1])

    def test_race(self):
        """RFC 7162 3.1.3: of many who compare and set, one wins"""
        since = self.modseq(1)
        results = []

        def attempt(n):
            c = self.client()
            results.append(c.ok("STORE 1 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Flagged)"
                                % since).code)
        threads = [threading.Thread(target=attempt, args=(n,)) for n in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(results, key=str), ["MODIFIED"] * 5 + [None])


class Copy(Base):
    def other(self):
        c = self.place.login(enable="IMAP4rev2")
        c.select("Other")
        return c

    def test_copyuid(self):
        """RFC 4315 3, RFC 9051 6.4.7: flags, dates and octets go along"""
        self.c.ok("STORE 2 +FLAGS (\\Flagged Work)")
        r = self.c.ok("COPY 1:2,4 Other")
        self.assertEqual(r.code, "COPYUID")
        self.assertEqual([str(x) for x in r.args[1:]], ["1:2,4", "1:3"])
        c = self.other()
        self.assertEqual(r.args[0], c.select("Other").codes()["UIDVALIDITY"][0])
        self.assertEqual(self.flags(2, c), ["Work", "\\Flagged"])
        items = "(INTERNALDATE RFC822.SIZE BODY.PEEK[])"
        self.assertEqual(c.ok("FETCH 3 " + items).fetched()[3],
                         self.c.ok("FETCH 4 " + items).fetched()[4])
        self.assertEqual(len(self.uids()), 6)

    def test_by_uid(self):
        """RFC 9051 6.4.9"""
        r = self.c.ok("UID COPY 5:100 Other")
        self.assertEqual([str(x) for x in r.args[1:]], ["5:6", "1:2"])
        r = self.c.ok("UID COPY 100:200 Other")
        self.assertIsNone(r.code)

    def test_into_itself(self):
        """RFC 9051 6.4.7"""
        r = self.c.ok("COPY 1 INBOX")
        self.assertEqual([str(x) for x in r.args[1:]], ["1", "7"])
        self.assertEqual(r.numbers("EXISTS"), [7])

    def test_links(self):
        """no octet is copied"""
        self.c.ok("COPY 1 Other")
        d = self.place.folder(".Other")
        (name,) = os.listdir(d + "/cur") + os.listdir(d + "/new")
        path = d + "/cur/" + name
        self.assertEqual(os.stat(path if os.path.exists(path) else
                                 d + "/new/" + name).st_nlink, 2)

    def test_refused(self):
        """RFC 9051 6.4.7: [TRYCREATE], and nothing is done"""
        for name in ("Nowhere", "Other/Below", "."):
            r = self.c.do("COPY 1 " + name)
            self.assertEqual(r.status, "NO", name)
        self.c.no("COPY 1 Nowhere", code="TRYCREATE")
        self.c.no("MOVE 1 Nowhere", code="TRYCREATE")
        for bad in ("COPY 7 Other", "COPY 0 Other", "COPY 1", "COPY", "COPY 1 Other x",
                    "COPY x Other", "MOVE 1:7 Other", "MOVE 1", "UID COPY 0 Other"):
            self.c.bad(bad)
            self.c.ok("NOOP")
        self.assertEqual(len(self.uids()), 6)
        self.assertEqual(self.place.files(".Other"), [])

    def test_move(self):
        """RFC 6851 3.3, 4.3: COPYUID first, then EXPUNGE"""
        r = self.c.ok("MOVE 2:3 Other")
        self.assertEqual([x.name for x in r.untagged], ["OK", "EXPUNGE", "EXPUNGE"])
        self.assertEqual(r.untagged[0].code, "COPYUID")
        self.assertEqual([str(x) for x in r.untagged[0].args[1:]], ["2:3", "1:2"])
        self.assertEqual(self.uids(), [1, 4, 5, 6])
        self.assertEqual(sorted(self.names(".Other")), [2, 3])
        r = self.c.ok("UID MOVE 6,7 Other")
        self.assertEqual(r.numbers("EXPUNGE"), [4])
        self.assertEqual(self.c.ok("UID MOVE 99 Other").untagged, [])

    def test_move_qresync(self):
        """RFC 7162 3.2.10: VANISHED, HIGHESTMODSEQ"""
        c = self.client("IMAP4rev2 QRESYNC")
        r = c.ok("MOVE 2:3 Other")
        self.assertEqual([str(x.words[0]) for x in r.all("VANISHED")], ["2:3"])
        self.assertEqual(r.code, "HIGHESTMODSEQ")
        self.assertEqual(c.select().codes()["HIGHESTMODSEQ"], r.args)

    def test_move_into_itself(self):
        """RFC 6851 3.3: allowed; the letter stays, by another UID"""
        self.c.ok("MOVE 1 INBOX")
        self.assertEqual(len(self.uids()), 6)
        self.assertEqual(sorted(self.names()), [1, 2, 3, 4, 5, 6])

    def test_gone(self):
        """RFC 2180 4.4.1"""
        other = self.client()
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        self.c.no("COPY 2 Other")
        self.assertEqual(self.place.files(".Other"), [])

    def test_many(self):
        for n in range(300):
            self.place.put(letter("number %d" % (n + 100)))
        self.c.ok("NOOP")
        r = self.c.ok("COPY 1:* Other")
        self.assertEqual([str(x) for x in r.args[1:]], ["1:306", "1:306"])
        r = self.c.ok("MOVE 2:305 Other")
        self.assertEqual(len(r.all("EXPUNGE")), 304)
        self.assertEqual(len(self.place.files(".Other")), 610)


class Expunge(Base):
    def test_expunge(self):
        """RFC 9051 6.4.3, 7.5.1: numbers are right at each response"""
        self.c.ok("STORE 2,4:5 +FLAGS.SILENT (\\Deleted)")
        uids = self.uids()
        r = self.c.ok("EXPUNGE")
        for n in r.numbers("EXPUNGE"):
            del uids[n - 1]
        self.assertEqual(uids, [1, 3, 6])
        self.assertEqual(self.uids(), uids)
        self.assertEqual(sorted(self.names()), [1, 3, 6])
        self.assertEqual(self.c.ok("EXPUNGE").untagged, [])

    def test_uid_expunge(self):
        """RFC 4315 2.1: only these, and only with \\Deleted"""
        self.c.ok("STORE 2,4:5 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.c.ok("UID EXPUNGE 1:2,100").numbers("EXPUNGE"), [2])
        self.assertEqual(self.c.ok("UID EXPUNGE 3").untagged, [])
        for bad in ("UID EXPUNGE", "UID EXPUNGE x", "UID EXPUNGE 0", "EXPUNGE 2",
                    "UID EXPUNGE 1 2"):
            self.c.bad(bad)
        self.assertEqual(self.uids(), [1, 3, 4, 5, 6])

    def test_condstore_and_qresync(self):
        """RFC 7162 3.2.7: [HIGHESTMODSEQ], VANISHED"""
        c = self.client("IMAP4rev2 CONDSTORE")
        c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        r = c.ok("EXPUNGE")
        self.assertEqual((r.code, r.numbers("EXPUNGE")), ("HIGHESTMODSEQ", [1]))
        c = self.client("IMAP4rev2 QRESYNC")
        c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        r = c.ok("EXPUNGE")
        self.assertEqual([str(x.words[0]) for x in r.all("VANISHED")], ["2:3"])
        self.assertEqual(c.select().codes()["HIGHESTMODSEQ"], r.args)

    def test_only_what_is_known(self):
        """what came since, \\Deleted already, is no business of this EXPUNGE"""
        self.place.put(letter("number 7"), flags="T")
        self.assertEqual(self.c.ok("EXPUNGE").numbers("EXPUNGE"), [])
        self.assertEqual(len(self.uids()), 7)

    def test_other_sessions(self):
        """RFC 9051 7.5.1: told at the next moment, not during FETCH by number"""
        other = self.client()
        self.c.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        self.c.ok("EXPUNGE")
        self.assertEqual(other.ok("STORE 6 FLAGS.SILENT (\\Seen)").numbers("EXPUNGE"), [])
        self.assertEqual(sorted(other.ok("NOOP").numbers("EXPUNGE")), [1, 2])

    def test_index_removed(self):
        """rm -rf of the index: nothing is lost"""
        self.c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        index = self.place.home() + "/index"
        for name in os.listdir(index):
            os.unlink(index + "/" + name)
        self.assertEqual(self.c.ok("EXPUNGE").numbers("EXPUNGE"), [1])
        self.assertEqual(self.uids(), [2, 3, 4, 5, 6])
        self.assertEqual(self.c.ok("FETCH 1 BODY.PEEK[]").fetched()[1]["BODY[]"],
                         wire(letter("number 2")))


class UidOnly(Base):
    enable = "UIDONLY IMAP4rev2"

    def test_commands(self):
        """RFC 9586 3"""
        for bad in ("STORE 1 FLAGS ()", "COPY 1 Other", "MOVE 1 Other"):
            self.assertEqual(self.c.bad(bad).code, "UIDREQUIRED")
        r = self.c.ok("UID STORE 3 +FLAGS (\\Deleted)")
        self.assertEqual(r.all("UIDFETCH")[0].number, 3)
        self.assertEqual(str(self.c.ok("EXPUNGE").all("VANISHED")[0].words[0]), "3")
        r = self.c.ok("UID MOVE 1 Other")
        self.assertEqual(str(r.all("VANISHED")[0].words[0]), "1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
