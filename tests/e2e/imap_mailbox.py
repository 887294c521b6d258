"""Mailboxes and their names: CREATE, DELETE, RENAME, LIST, LSUB, STATUS, METADATA, QUOTA; each case with its section."""

import os
import unittest

from imap_lib import Literal, Place, letter

DEFAULTS = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]


class Base(unittest.TestCase):
    enable = ""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.c = self.place.login(enable=self.enable)

    def names(self, command='LIST "" *', c=None):
        """Name to attributes, in the order told."""
        r = (c or self.c).ok(command)
        return {x.words[2].decode() if isinstance(x.words[2], bytes) else x.words[2]: sorted(x.words[0])
                for x in r.untagged if x.name in ("LIST", "LSUB")}

    def own(self, command='LIST "" *', c=None):
        """But for the mailboxes every account has."""
        return [x for x in self.names(command, c) if x not in DEFAULTS]

    def status(self, name, items):
        r = self.c.ok("STATUS %s (%s)" % (name, items))
        words = r.all("STATUS")[0].words
        return dict(zip(words[1][::2], words[1][1::2]))


class Names(Base):
    def test_a_new_account_has_mailboxes_with_uses(self):
        """RFC 6154 2"""
        names = self.names()
        self.assertEqual(list(names), DEFAULTS)
        for name in DEFAULTS[1:]:
            self.assertEqual(names[name], sorted(["\\HasNoChildren", "\\" + name]))
        self.assertEqual(sorted(self.names('LSUB "" *')), sorted(DEFAULTS[1:]))

    def test_create_and_delete(self):
        """RFC 9051 6.3.4, 6.3.5; RFC 8474 4.1"""
        r = self.c.ok("CREATE a")
        self.assertEqual(r.code, "MAILBOXID")
        self.assertEqual(self.status("a", "MAILBOXID")["MAILBOXID"], r.args[0])
        self.assertEqual(self.c.no("CREATE a").code, "ALREADYEXISTS")
        self.assertEqual(self.c.no("CREATE inbox").code, "ALREADYEXISTS")
        self.c.ok("CREATE a/b/c/")
        self.assertEqual(self.own(), ["a", "a/b", "a/b/c"])
        self.c.ok("DELETE a")
        names = self.names()
        self.assertEqual(names["a"], ["\\HasChildren", "\\NonExistent", "\\Noselect"])
        self.assertEqual(self.c.no("DELETE a").code, "NONEXISTENT")
        self.assertEqual(self.c.no("SELECT a").code, "NONEXISTENT")
        self.c.ok("DELETE a/b/c")
        self.assertEqual(self.own(), [])
        self.c.no("DELETE INBOX", code="CANNOT")

    def test_names_that_cannot_be(self):
        """RFC 9051 5.1"""
        for name in ('""', "/a", "a//b", ".", "..", "a/../b", '"a.b"', "../../etc/passwd", "&", "a&b", "&AC8-", '"&AAA-"',
                     "x" * 255, "/".join("abcdefghijklmnopqrstu")):
            with self.subTest(name):
                r = self.c.do("CREATE " + name)
                self.assertEqual((r.status, r.code), ("NO", "CANNOT"))
        for name in ("a\x01b", "a\x7f"):
            self.assertIn(self.c.do("CREATE", " ", Literal(name.encode())).status, ("NO", "BAD"))
        home = os.path.dirname(self.place.maildir("alice"))
        self.assertEqual([x for x in os.listdir(os.path.dirname(home)) if x.startswith("..")], [])

    def test_utf7_and_utf8(self):
        """RFC 3501 5.1.3, RFC 6855 3"""
        self.c.ok("CREATE Entw&APw-rfe")
        self.assertIn("Entw&APw-rfe", self.own())
        self.assertTrue(os.path.isdir(self.place.maildir("alice") + "/.Entw&APw-rfe"))
        other = self.place.login(enable="UTF8=ACCEPT")
        self.assertIn("Entwürfe", self.own(c=other))
        other.ok('SELECT "Entwürfe"')
        other.ok('CREATE "R&D"')
        self.assertIn("R&-D", self.own())
        self.c.ok("SELECT R&-D")
        # Composed and not are one name.
        other.ok('CREATE "Re\u0301sume\u0301"')
        self.assertIn("Résumé", self.own(c=other))
        other.ok('SELECT "Re\u0301sume\u0301"')

    def test_rename(self):
        """RFC 9051 6.3.6"""
        for name in ("a", "a/b", "ab"):
            self.c.ok("CREATE " + name)
        was = self.status("a/b", "UIDVALIDITY MAILBOXID")
        self.c.ok("RENAME a x/y")
        self.assertEqual(self.own(), ["ab", "x", "x/y", "x/y/b"])
        self.assertEqual(self.status("x/y/b", "UIDVALIDITY MAILBOXID"), was)
        self.c.no("RENAME none new", code="NONEXISTENT")
        self.c.no("RENAME ab x/y", code="ALREADYEXISTS")
        self.c.no("RENAME ab INBOX", code="ALREADYEXISTS")
        self.c.no("RENAME x/y x/y/z", code="CANNOT")

    def test_rename_inbox(self):
        """RFC 9051 6.3.6: its letters leave, it and its children stay"""
        for n in range(3):
            self.place.put(letter("n%d" % n), flags="S")
        self.c.ok("CREATE INBOX/kept")
        self.c.ok("RENAME INBOX old")
        self.assertEqual(self.own(), ["INBOX/kept", "old"])
        self.assertEqual(self.status("INBOX", "MESSAGES")["MESSAGES"], 0)
        self.assertEqual(self.status("old", "MESSAGES UNSEEN"), {"MESSAGES": 3, "UNSEEN": 0})

    def test_a_name_used_again_is_another_mailbox(self):
        """RFC 9051 2.3.1.1"""
        seen = set()
        for _ in range(4):
            self.c.ok("CREATE a")
            seen.add(self.status("a", "UIDVALIDITY")["UIDVALIDITY"])
            self.c.ok("DELETE a")
        self.assertEqual(len(seen), 4)

    def test_deleting_what_another_session_has_open(self):
        """RFC 9051 6.3.5: that session is told, and ends or goes on without"""
        self.c.ok("CREATE a")
        other = self.place.login()
        other.select("a")
        self.c.ok("DELETE a")
        tag, _ = other.start("APPEND INBOX ", Literal(b"Subject: x\r\n\r\n", plus=True))
        answers = [other.response(), other.response()]
        self.assertEqual([(x.name, x.code) for x in answers], [("OK", "APPENDUID"), ("BYE", None)])
        self.assertEqual(self.status("INBOX", "MESSAGES")["MESSAGES"], 1)
        self.assertNotIn("a", self.names())

    def test_special_use(self):
        """RFC 6154 3, 5.3"""
        self.c.no("CREATE s (USE (\\Sent))", code="USEATTR")
        self.c.no("CREATE s (USE (\\All))", code="USEATTR")
        self.c.no("CREATE s (USE (\\Marked))", code="USEATTR")
        self.c.bad("CREATE s (FOO (\\Sent))")
        self.c.ok("DELETE Sent")
        self.c.ok("CREATE s (USE (\\Sent))")
        self.assertIn("\\Sent", self.names()["s"])
        self.c.ok("RENAME s t")
        self.assertIn("\\Sent", self.names()["t"])
        self.assertEqual(sorted(self.names('LIST (SPECIAL-USE) "" *')), sorted(DEFAULTS[1:-2] + ["Trash", "t"]))


class List(Base):
    def setUp(self):
        super().setUp()
        for name in ("a", "a/b", "a/b/c", "d/e"):
            self.c.ok("CREATE " + name)

    def test_patterns(self):
        """RFC 9051 6.3.9"""
        for args, want in (('"" %', ["a", "d"]), ('"" *', ["a", "a/b", "a/b/c", "d", "d/e"]), ('"" a/%', ["a/b"]),
                           ('a/ %', ["a/b"]), ('a/ *', ["a/b", "a/b/c"]), ('"" %/%', ["a/b", "d/e"]), ('"" a', ["a"]),
                           ('"" A', []), ('"" *c', ["a/b/c"]), ('"" d/E', []), ('"" "nothing"', []),
                           ('"" (a d/%)', ["a", "d/e"])):
            with self.subTest(args):
                self.assertEqual(self.own("LIST " + args), want)
        self.assertEqual(list(self.names('LIST "" inbox')), ["INBOX"])
        self.assertEqual(list(self.names('LIST "" iNb%')), ["INBOX"])
        r = self.c.ok('LIST "" ""').all("LIST")[0]
        self.assertEqual(r.words, [["\\Noselect"], b"/", b""])

    def test_children(self):
        """RFC 3348, RFC 9051 7.3.1"""
        names = self.names()
        self.assertIn("\\HasChildren", names["a"])
        self.assertIn("\\HasNoChildren", names["a/b/c"])
        self.assertEqual(names["d"], ["\\HasChildren", "\\NonExistent", "\\Noselect"])
        other = self.place.login(enable="IMAP4rev2")
        self.assertEqual(self.names(c=other)["d"], ["\\HasChildren", "\\NonExistent"])

    def test_subscriptions(self):
        """RFC 5258 3.1; RFC 9051 6.3.7, 6.3.8"""
        for name in DEFAULTS[1:]:
            self.c.ok("UNSUBSCRIBE " + name)
        self.c.ok("SUBSCRIBE a/b/c")
        self.c.ok("SUBSCRIBE gone/x")
        self.assertEqual(self.names('LIST (SUBSCRIBED) "" *'), {
            "a/b/c": ["\\HasNoChildren", "\\Subscribed"],
            "gone/x": ["\\HasNoChildren", "\\NonExistent", "\\Noselect", "\\Subscribed"]})
        self.assertEqual(self.names('LSUB "" *')["a/b/c"], [])
        self.assertEqual(self.names('LSUB "" %')["a"], ["\\Noselect"])
        self.assertNotIn("\\Subscribed", self.names()["a/b/c"])
        self.assertIn("\\Subscribed", self.names('LIST "" * RETURN (SUBSCRIBED CHILDREN)')["a/b/c"])
        r = self.c.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" %')
        info = {x.words[2]: x.words[3:] for x in r.all("LIST")}
        self.assertEqual(info[b"a"], [[b"CHILDINFO", [b"SUBSCRIBED"]]])
        self.c.ok("UNSUBSCRIBE a/b/c")
        self.c.ok("UNSUBSCRIBE never/was")

    def test_status_with_it(self):
        """RFC 5819 2"""
        self.place.put(letter(), folder=".a")
        r = self.c.ok('LIST "" %% RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)' .replace("%%", "%"))
        told = [(x.name, x.words[2] if x.name == "LIST" else x.words[0]) for x in r.untagged]
        self.assertEqual(told[told.index(("LIST", b"a")) + 1], ("STATUS", b"a"))
        self.assertNotIn(("STATUS", b"d"), told)
        self.assertEqual([x.words[1] for x in r.all("STATUS") if x.words[0] == b"a"], [["MESSAGES", 1, "UNSEEN", 1]])

    def test_what_is_wrong(self):
        """RFC 5258 3"""
        for args in ('(RECURSIVEMATCH) "" *', '(FOO) "" *', '"" * RETURN (FOO)', '"" * FOO ()', '"" * RETURN (STATUS ())',
                     '"" () ', '"" *  ', '""', "", '"" (a', '"" (%s)' % " ".join("a" * 101)):
            with self.subTest(args):
                self.c.bad("LIST " + args)


class Status(Base):
    def test_items(self):
        """RFC 9051 6.3.11, RFC 8438, RFC 7162 3.1.7, RFC 7889 4, RFC 9208 4.1.4"""
        self.place.put(letter("1"), flags="S")
        self.place.put(letter("2"))
        self.place.put(letter("3"), flags="ST")
        s = self.status("inbox", "MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT "
                        "DELETED-STORAGE MAILBOXID")
        self.assertEqual([s[k] for k in ("MESSAGES", "RECENT", "UIDNEXT", "UNSEEN", "DELETED")], [3, 3, 4, 1, 1])
        self.c.select()
        sizes = [v["RFC822.SIZE"] for v in self.c.ok("FETCH 1:* RFC822.SIZE").fetched().values()]
        self.assertEqual(s["SIZE"], sum(sizes))
        self.assertEqual(s["DELETED-STORAGE"], sizes[2])
        self.assertEqual(self.status("INBOX", "RECENT")["RECENT"], 0)
        self.assertGreaterEqual(s["HIGHESTMODSEQ"], 1)
        self.assertEqual(s["APPENDLIMIT"], 64 << 20)
        self.assertEqual(s["MAILBOXID"], ["F%d" % s["UIDVALIDITY"]])

    def test_what_is_wrong(self):
        self.c.no("STATUS none (MESSAGES)", code="NONEXISTENT")
        for args in ("INBOX ()", "INBOX (FOO)", "INBOX MESSAGES", "INBOX (MESSAGES", "INBOX"):
            self.c.bad("STATUS " + args)


class Metadata(Base):
    def get(self, args):
        r = self.c.ok("GETMETADATA " + args)
        found = r.all("METADATA")
        return dict(zip(found[0].words[1][::2], found[0].words[1][1::2])) if found else {}

    def test_set_and_get(self):
        """RFC 5464 4.2, 4.3"""
        self.c.ok('SETMETADATA INBOX (/private/Comment "mine" /shared/vendor/x/y ', Literal(b"a\r\nb"), ")")
        self.assertEqual(self.get("INBOX /private/comment"), {"/private/comment": b"mine"})
        self.assertEqual(self.get("INBOX (/private/comment /shared/none)"),
                         {"/private/comment": b"mine", "/shared/none": None})
        self.assertEqual(self.get("(DEPTH infinity) INBOX /shared/vendor"), {"/shared/vendor/x/y": b"a\r\nb"})
        self.assertEqual(self.get("(DEPTH 1) INBOX /shared/vendor"), {})
        r = self.c.ok("GETMETADATA (MAXSIZE 3) INBOX /private/comment")
        self.assertEqual((r.code, r.args), ("METADATA", ["LONGENTRIES", 4]))
        self.c.ok("SETMETADATA INBOX (/private/comment NIL)")
        self.assertEqual(self.get("INBOX /private/comment"), {"/private/comment": None})
        self.c.ok('SETMETADATA "" (/shared/comment "all")')
        self.assertEqual(self.get('"" /shared/comment'), {"/shared/comment": b"all"})

    def test_what_is_wrong(self):
        """RFC 5464 3, 4.3"""
        for args in ("INBOX (comment \"x\")", "INBOX (/private/a* \"x\")", "INBOX (/private/a// \"x\")", "INBOX ()",
                     "INBOX /private/a \"x\"", "INBOX (/other/a \"x\")", "INBOX (/private/a)"):
            with self.subTest(args):
                self.c.bad("SETMETADATA " + args)
        self.c.no('SETMETADATA none (/private/a "x")', code="NONEXISTENT")
        r = self.c.no("SETMETADATA INBOX (/private/a ", Literal(b"x" * 20000), ")", code="METADATA")
        self.assertEqual(r.args, ["MAXSIZE", 16384])


class Quota(Base):
    def test_without_limits(self):
        """RFC 9208 4.2, 4.3, 4.1.3"""
        r = self.c.ok("GETQUOTAROOT INBOX")
        self.assertEqual(r.all("QUOTAROOT")[0].words, [b"INBOX"])
        self.assertEqual(r.all("QUOTA"), [])
        self.c.no("GETQUOTA account", code="NONEXISTENT")
        self.c.no("GETQUOTA none", code="NONEXISTENT")
        self.c.no("GETQUOTAROOT none", code="NONEXISTENT")
        self.c.no("SETQUOTA account (STORAGE 1)", code="NOPERM")

    def test_namespace(self):
        """RFC 9051 6.3.10"""
        r = self.c.ok("NAMESPACE").all("NAMESPACE")[0]
        self.assertEqual(r.words, [[[b"", b"/"]], None, None])


if __name__ == "__main__":
    unittest.main()
