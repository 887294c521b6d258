"""NOTIFY (RFC 5465), over a socketpair."""

import os
import time
import unittest

from imap_lib import Literal, Place, letter, wire


class Base(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        for n in range(3):
            self.place.put(letter("number %d" % (n + 1)), flags="S")
        for name in (".Work", ".Work.Deep", ".Lists"):
            self.place.folder(name)

    def expect(self, c, name, seconds=40):
        """The next response, which is of that name."""
        c.sock.settimeout(seconds)
        r = c.response()
        self.assertEqual(r.name, name, r)
        return r


class Words(Base):
    def test_bad_ones(self):
        """RFC 5465 3, 5, 8"""
        c = self.place.login()
        for bad in ("NOTIFY", "NOTIFY SET", "NOTIFY FOO", "NOTIFY NONE x", "NOTIFY SET STATUS",
                    "NOTIFY SET FOO (personal NONE)", "NOTIFY SET ()", "NOTIFY SET (personal)",
                    "NOTIFY SET (nobody (MessageNew MessageExpunge))",
                    "NOTIFY SET (personal (MessageNew))",
                    "NOTIFY SET (personal (MessageExpunge))",
                    "NOTIFY SET (personal (FlagChange))",
                    "NOTIFY SET (personal (MessageNew (UID) MessageExpunge))",
                    "NOTIFY SET (selected (MailboxName))",
                    "NOTIFY SET (selected (MessageNew (FOO) MessageExpunge))",
                    "NOTIFY SET (selected (MessageNew (UID MessageExpunge)))",
                    "NOTIFY SET (selected NONE) (selected-delayed NONE)",
                    "NOTIFY SET (mailboxes (MessageNew MessageExpunge))",
                    "NOTIFY SET (subtree () (MessageNew MessageExpunge))",
                    "NOTIFY SET (personal (MessageNew MessageExpunge)"):
            c.bad(bad)
            c.ok("NOOP")

    def test_events_that_there_are_not(self):
        """RFC 5465 5: BADEVENT"""
        c = self.place.login()
        for no in ("AnnotationChange", "MessageNew MessageExpunge XEvent"):
            r = c.no("NOTIFY SET (personal (%s))" % no, code="BADEVENT")
            self.assertIn("MessageNew", r.args[0])

    def test_none(self):
        """RFC 5465 4: nothing is told, until it is asked for"""
        c = self.place.login()
        c.select()
        c.ok("NOTIFY NONE")
        self.place.put(letter("new"))
        self.assertEqual(c.ok("NOOP").untagged, [])
        r = c.ok("NOTIFY SET (selected (MessageNew MessageExpunge))")
        self.assertEqual(r.numbers("EXISTS"), [4])


class Selected(Base):
    def test_new_mail_between_commands(self):
        """RFC 5465 5.2: with what is asked for"""
        c = self.place.login(enable="IMAP4rev2")
        c.select()
        c.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) "
             "MessageExpunge FlagChange))")
        other = self.place.login()
        other.ok("APPEND INBOX ", *self.literal(letter("told at once")))
        self.assertEqual(self.expect(c, "EXISTS").number, 4)
        r = self.expect(c, "FETCH")
        self.assertEqual(r.number, 4)
        self.assertEqual(r.fetch()["BODY[HEADER.FIELDS (SUBJECT)]"],
                         b"Subject: told at once\r\n\r\n")
        other.select()
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        r = self.expect(c, "FETCH")
        self.assertIn("\\Flagged", r.fetch()["FLAGS"])
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        self.expect(c, "FETCH")
        other.ok("EXPUNGE")
        self.assertEqual(self.expect(c, "EXPUNGE").number, 2)

    def literal(self, content):
        return [Literal(wire(content))]

    def test_answer_of_what_brought_it(self):
        """Telling of a new letter does not take APPENDUID, COPYUID away"""
        c = self.place.login()
        c.select()
        c.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))")
        r = c.ok("APPEND INBOX ", *self.literal(letter("own")))
        self.assertEqual([x["UID"] for x in r.fetched().values()], [4])
        self.assertEqual((r.code, r.args[1:]), ("APPENDUID", [4]))
        r = c.ok("COPY 1 INBOX")
        self.assertEqual([x["UID"] for x in r.fetched().values()], [5])
        self.assertEqual((r.code, r.args[1:]), ("COPYUID", [1, 5]))

    def test_delayed(self):
        """RFC 5465 6.2: expunges wait for a command"""
        c = self.place.login(enable="IMAP4rev2")
        c.select()
        c.ok("NOTIFY SET (selected-delayed (MessageNew MessageExpunge))")
        other = self.place.login()
        other.select()
        other.ok("STORE 2 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        other.ok("APPEND INBOX ", *self.literal(letter("new")))
        self.assertEqual(self.expect(c, "EXISTS").number, 4)
        self.assertTrue(c.quiet(0.5))
        self.assertEqual(c.ok("NOOP").numbers("EXPUNGE"), [2])

    def test_without_flags(self):
        """RFC 5465 5.4"""
        c = self.place.login(enable="IMAP4rev2")
        c.select()
        c.ok("NOTIFY SET (selected (MessageNew MessageExpunge))")
        other = self.place.login()
        other.select()
        other.ok("STORE 1 +FLAGS (\\Flagged)")
        self.assertTrue(c.quiet(1))
        self.assertFalse(c.ok("NOOP").fetched())


class Others(Base):
    def test_status_at_once(self):
        """RFC 5465 4: STATUS"""
        c = self.place.login()
        c.select()
        r = c.ok("NOTIFY SET STATUS (selected (MessageNew MessageExpunge)) "
                 "(subtree Work (MessageNew MessageExpunge)) (personal NONE)")
        told = {x.words[0]: x.words[1] for x in r.all("STATUS")}
        self.assertEqual(sorted(told), [b"Work", b"Work/Deep"])
        items = told[b"Work"]
        values = dict(zip(items[::2], items[1::2]))
        self.assertEqual(values["MESSAGES"], 0)
        self.assertEqual(values["UIDNEXT"], 1)
        self.assertIn("UIDVALIDITY", values)

    def test_new_mail_elsewhere(self):
        """RFC 5465 5.2, 5.3"""
        c = self.place.login(enable="CONDSTORE")
        c.ok("NOTIFY SET (mailboxes (Work Lists) (MessageNew MessageExpunge)) (personal NONE)")
        other = self.place.login()
        other.ok("APPEND Work/Deep ", *self.literal())
        other.ok("APPEND Work ", *self.literal())
        begun = time.monotonic()
        r = self.expect(c, "STATUS")
        self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(r.words[0], b"Work")
        values = dict(zip(r.words[1][::2], r.words[1][1::2]))
        self.assertEqual((values["MESSAGES"], values["UIDNEXT"]), (1, 2))
        self.assertIn("HIGHESTMODSEQ", values)
        self.assertTrue(c.quiet(0.5))

    def literal(self):
        return [Literal(wire(letter("x")))]

    def test_flags_elsewhere(self):
        """RFC 5465 5.4"""
        self.place.put(letter("w"), flags="S", folder=".Work")
        c = self.place.login()
        c.ok("NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
        other = self.place.login()
        other.select("Work")
        other.ok("STORE 1 -FLAGS (\\Seen)")
        r = self.expect(c, "STATUS")
        values = dict(zip(r.words[1][::2], r.words[1][1::2]))
        self.assertEqual(values["UNSEEN"], 1)

    def test_in_idle(self):
        """RFC 5465 3"""
        c = self.place.login()
        c.select()
        c.ok("NOTIFY SET (selected (MessageNew MessageExpunge)) "
             "(personal (MessageNew MessageExpunge))")
        c.idle()
        other = self.place.login()
        other.ok("APPEND Lists ", *self.literal())
        self.expect(c, "STATUS")
        other.ok("APPEND INBOX ", *self.literal())
        self.expect(c, "EXISTS")
        self.expect(c, "RECENT")
        self.assertEqual(c.done().status, "OK")

    def test_names(self):
        """RFC 5465 5.7"""
        c = self.place.login()
        c.ok("NOTIFY SET (personal (MailboxName SubscriptionChange))")
        other = self.place.login()
        other.ok("CREATE Fresh")
        r = self.expect(c, "LIST")
        self.assertEqual(r.words[2], b"Fresh")
        self.assertNotIn("\\NonExistent", r.words[0])
        other.ok("RENAME Fresh Stale")
        r = self.expect(c, "LIST")
        self.assertEqual(r.words[2], b"Stale")
        self.assertEqual(r.words[3], [b"OLDNAME", [b"Fresh"]])
        other.ok("DELETE Stale")
        r = self.expect(c, "LIST")
        self.assertEqual((r.words[0], r.words[2]), (["\\NonExistent"], b"Stale"))

    def test_subscriptions(self):
        """RFC 5465 5.8"""
        c = self.place.login()
        c.ok("NOTIFY SET (personal (SubscriptionChange))")
        other = self.place.login()
        other.ok("SUBSCRIBE Work")
        r = self.expect(c, "LIST")
        self.assertEqual((r.words[0], r.words[2]), (["\\Subscribed"], b"Work"))
        other.ok("UNSUBSCRIBE Work")
        r = self.expect(c, "LIST")
        self.assertEqual((r.words[0], r.words[2]), ([], b"Work"))

    def test_metadata(self):
        """RFC 5465 5.9, 5.10; RFC 5464 4.4.2"""
        c = self.place.login()
        c.ok("NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))")
        other = self.place.login()
        other.ok('SETMETADATA Work (/private/comment "one")')
        r = self.expect(c, "METADATA")
        self.assertEqual(r.words, [b"Work", b"/private/comment"])
        other.ok('SETMETADATA Work (/private/comment NIL)')
        r = self.expect(c, "METADATA")
        self.assertEqual(r.words, [b"Work", b"/private/comment"])
        other.ok('SETMETADATA "" (/private/comment "x")')
        r = self.expect(c, "METADATA")
        self.assertEqual(r.words, [b"", b"/private/comment"])

    def test_too_many(self):
        """RFC 5465 5.8: NOTIFICATIONOVERFLOW"""
        for n in range(2001):
            d = self.place.maildir() + "/.m%d" % n
            os.mkdir(d)
            os.mkdir(d + "/cur")
            os.mkdir(d + "/new")
            os.mkdir(d + "/tmp")
            self.place.own(d)
        c, other = self.place.login(), self.place.login()
        other.select()
        other.start("IDLE")
        self.assertEqual(other.response().tag, "+")
        c.no("NOTIFY SET (personal (MailboxName))", code="NOTIFICATIONOVERFLOW")
        c.ok("NOOP")


if __name__ == "__main__":
    unittest.main()
