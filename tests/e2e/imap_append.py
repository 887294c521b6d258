"""APPEND and REPLACE of imap-session, each case with its section."""

import os
import time
import unittest

from imap_lib import Literal, Place, letter, wire

LETTER = wire(letter("appended", "first line\nsecond line\n"))


class Base(unittest.TestCase):
    top = "message-size = 512K\n"
    enable = "IMAP4rev2"

    def setUp(self):
        self.place = Place(top=self.top)
        self.addCleanup(self.place.remove)
        self.place.folder(".Drafts")
        self.place.put(letter("old", "old body\n"))
        self.c = self.place.login(enable=self.enable)
        self.c.select()

    def whole(self, n, c=None):
        return (c or self.c).ok("FETCH %d BODY.PEEK[]" % n).fetched()[n]["BODY[]"]

    def left(self):
        """Nothing half-made stays."""
        for folder in (".", ".Drafts"):
            self.assertEqual(os.listdir(self.place.folder(folder) + "/tmp"), [])


class Append(Base):
    def test_append(self):
        """RFC 9051 6.3.12: octets, flags, date; APPENDUID"""
        r = self.c.ok("APPEND INBOX (\\Seen \\Draft Work) \" 7-Feb-2011 22:43:04 -0800\" ",
                      Literal(LETTER))
        self.assertEqual(r.code, "APPENDUID")
        self.assertEqual(r.args[1], 2)
        self.assertEqual(r.numbers("EXISTS"), [2])
        got = self.c.ok("FETCH 2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
        got = got.fetched()[2]
        self.assertEqual(got["UID"], 2)
        self.assertEqual(sorted(got["FLAGS"]), ["Work", "\\Draft", "\\Seen"])
        self.assertEqual(got["INTERNALDATE"], b" 8-Feb-2011 06:43:04 +0000")
        self.assertEqual(got["RFC822.SIZE"], len(LETTER))
        self.assertEqual(got["BODY[]"], LETTER)

    def test_octets_come_back(self):
        """RFC 9051 6.3.12: 8-bit, long lines, no line end, lines of dots"""
        for n, content in enumerate((b"x", b"\r\n", b"\r\n\r\n", b"a: b\r\n\r\n.\r\n..\r\n",
                                     bytes(range(1, 256)).replace(b"\n", b"")
                                     .replace(b"\r", b""), b"y" * 100000,
                                     b"A: b\r\n\r\n" + b"z\r\n" * 50000)):
            self.c.ok("APPEND INBOX ", Literal(content, plus=bool(n % 2)))
            self.assertEqual(self.whole(n + 2), content)

    def test_bare_line_ends(self):
        """a bare LF becomes CRLF, as everything stored is sent"""
        self.c.ok("APPEND INBOX ", Literal(b"A: b\n\nc\n"))
        self.assertEqual(self.whole(2), b"A: b\r\n\r\nc\r\n")

    def test_other_mailbox(self):
        """RFC 9051 6.3.12: nothing of it is told here; the session there hears"""
        there = self.place.login(enable="IMAP4rev2")
        there.select("Drafts")
        r = self.c.ok("APPEND Drafts (\\Draft) ", Literal(LETTER))
        self.assertEqual(r.untagged, [])
        self.assertEqual(there.ok("NOOP").numbers("EXISTS"), [1])
        self.assertEqual(self.whole(1, there), LETTER)

    def test_without_selected(self):
        """RFC 9051 6.3: authenticated state is enough"""
        c = self.place.login()
        r = c.ok("APPEND INBOX ", Literal(LETTER))
        self.assertEqual(r.untagged, [])

    def test_dates(self):
        """RFC 9051 9: date-time"""
        for date in ("01-Jan-1970 00:00:00 +0000", "29-Feb-2024 23:59:59 +1400",
                     " 1-Jan-2100 00:00:00 -1200"):
            self.c.ok('APPEND INBOX "%s" ' % date, Literal(b"x", plus=True))
        for date in ("1-Jan-1970", "32-Jan-1970 00:00:00 +0000", "", "now",
                     "30-Feb-2024 00:00:00 +0000", "01-Jan-1970 24:00:00 +0000",
                     "01-Jan-1970 00:00:00", "01-Foo-1970 00:00:00 +0000"):
            self.c.bad('APPEND INBOX "%s" ' % date, Literal(b"x", plus=True))
        r = self.c.ok("FETCH 2:4 INTERNALDATE").fetched()
        self.assertEqual(r[3]["INTERNALDATE"], b"29-Feb-2024 09:59:59 +0000")

    def test_no_date_is_now(self):
        self.c.ok("APPEND INBOX ", Literal(b"x"))
        got = self.c.ok("FETCH 2 (INTERNALDATE SAVEDATE)").fetched()[2]
        now = {time.strftime("%d-%b-%Y", time.gmtime(time.time() - s)) for s in (0, 60)}
        for v in got.values():
            self.assertIn(v.decode()[:11].replace(" ", "0"), now)

    def test_refused_before_it_is_sent(self):
        """RFC 9051 7.6, RFC 7889 3: no "+" for what will not be taken"""
        for args, code in (("Nowhere {10}", "TRYCREATE"), ("INBOX {524289}", "TOOBIG"),
                           ("INBOX {99999999999}", "TOOBIG"), ("INBOX {0}", "CANNOT"),
                           ("Nowhere (\\Seen) {10}", "TRYCREATE"),
                           ("INBOX (%s) {10}" % ("k" * 101), "LIMIT")):
            tag = self.c.tag()
            self.c.send(("%s APPEND %s\r\n" % (tag, args)).encode())
            r = self.c.response()
            self.assertEqual((r.tag, r.name, r.code), (tag, "NO", code), args)
        for args in ("INBOX (\\Recent) {10}", "INBOX (\\Seen {10}", "INBOX \"x\" {10}",
                     "INBOX {x}", "INBOX {10", "INBOX", "", "INBOX text", "INBOX \"t\"",
                     "INBOX () () {10}", "INBOX{10}", "INBOX  {10}", "INBOX {-1}"):
            tag = self.c.tag()
            self.c.send(("%s APPEND %s\r\n" % (tag, args)).encode())
            r = self.c.response()
            self.assertEqual((r.tag, r.name), (tag, "BAD"), args)
            self.c.ok("NOOP")
        self.left()
        self.assertEqual(len(self.place.files()), 1)

    def test_refused_literals_that_come_anyway(self):
        """RFC 7888 4: {n+} is read and thrown away"""
        for args, lit in (("Nowhere ", LETTER), ("INBOX (\\Recent) ", LETTER),
                          ("INBOX ", b"")):
            r = self.c.do("APPEND " + args, Literal(lit, plus=True))
            self.assertIn(r.status, ("NO", "BAD"))
            self.c.ok("NOOP")
        r = self.c.do("APPEND INBOX ", Literal(b"x" * 524289, plus=True))
        self.assertEqual((r.status, r.code), ("NO", "TOOBIG"))

    def test_appendlimit(self):
        """RFC 7889 2: the capability says the number"""
        self.assertIn("APPENDLIMIT=524288", [str(x) for x in self.c.greeting.args])
        self.c.ok("APPEND INBOX ", Literal(b"x" * 524288))

    def test_nul(self):
        """RFC 9051 4.3.1, RFC 3516 4.4"""
        self.c.bad("APPEND INBOX ", Literal(b"a\0b", plus=True))
        self.c.no("APPEND INBOX ", Literal(b"a\0b", binary=True), code="UNKNOWN-CTE")
        self.c.ok("APPEND INBOX ", Literal(b"a\xffb", binary=True))
        self.assertEqual(self.whole(2), b"a\xffb")
        self.left()

    def test_utf8(self):
        """RFC 6855 4: UTF8 (~{n})"""
        text = "Subject: grüße\r\n\r\nä\r\n".encode()
        self.c.ok("APPEND INBOX (\\Seen) UTF8 (", Literal(text, binary=True), ")")
        self.assertEqual(self.whole(2), text)
        self.c.bad("APPEND INBOX UTF8 (", Literal(text, plus=True), ")")
        self.c.bad("APPEND INBOX UTF8 ", Literal(text, plus=True, binary=True))
        self.left()

    def test_cut_off(self):
        """a connection that breaks within the literal leaves nothing"""
        c = self.place.login()
        c.send(b"a APPEND INBOX {1000+}\r\nhalf of it")
        c.close()
        c.process.wait(30)
        self.left()
        self.assertEqual(len(self.place.files()), 1)

    def test_slowly(self):
        """octet by octet"""
        c = self.place.login()
        for octet in b"a APPEND INBOX {5+}\r\n\r\nx\r\n (\\Seen) {1+}\r\ny\r\n":
            c.send(bytes([octet]))
        r = c.response()
        self.assertEqual((r.name, [str(x) for x in r.args[1:]]), ("OK", ["2:3"]))


class Multi(Base):
    def test_multiappend(self):
        """RFC 3502 3: all or none, each with its own flags and date"""
        r = self.c.ok("APPEND INBOX (\\Seen) ", Literal(b"one\r\n"),
                      ' " 7-Feb-2011 22:43:04 +0000" ', Literal(b"two\r\n", plus=True),
                      " (\\Draft) ", Literal(b"three\r\n", binary=True))
        self.assertEqual([str(x) for x in r.args[1:]], ["2:4"])
        self.assertEqual(r.numbers("EXISTS"), [4])
        got = self.c.ok("FETCH 2:4 (FLAGS BODY.PEEK[] INTERNALDATE)").fetched()
        self.assertEqual([v["BODY[]"] for v in got.values()], [b"one\r\n", b"two\r\n",
                                                               b"three\r\n"])
        self.assertEqual([v["FLAGS"] for v in got.values()], [["\\Seen"], [], ["\\Draft"]])
        self.assertEqual(got[3]["INTERNALDATE"], b" 7-Feb-2011 22:43:04 +0000")

    def test_one_refused_refuses_all(self):
        """RFC 3502 3"""
        for last in (" (\\Recent) {1+}\r\nx", " {1+}\r\nx trailing", " {0+}\r\n", " x",
                     " {524289}"):
            r = self.c.do("APPEND INBOX ", Literal(b"one", plus=True), last)
            self.assertIn(r.status, ("NO", "BAD"), last)
        self.c.no("APPEND INBOX ", Literal(b"one"), " ", Literal(b"a\0", binary=True))
        self.assertEqual(len(self.place.files()), 1)
        self.left()

    def test_many(self):
        parts = []
        for n in range(200):
            parts += [" ", Literal(b"n%d" % n, plus=True)]
        r = self.c.ok("APPEND INBOX", *parts)
        self.assertEqual([str(x) for x in r.args[1:]], ["2:201"])
        self.assertEqual(self.whole(201), b"n199")


class Catenate(Base):
    def test_catenate(self):
        """RFC 4469 3, 6: text and parts of other letters"""
        self.place.put(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\npart one\n--b\n"
                       b"Content-Type: text/html\n\npart two\n--b--\n")
        self.c.ok("NOOP")
        v = self.c.select().codes()["UIDVALIDITY"][0]
        head = b"Subject: new\r\nMIME-Version: 1.0\r\n\r\n"
        for url, want in (
                ("/INBOX;UIDVALIDITY=%d/;UID=1/;SECTION=TEXT" % v, b"old body\r\n"),
                ("/INBOX/;UID=2/;SECTION=1", b"part one"),
                ("/inbox/;uid=2/;section=2.MIME", b"Content-Type: text/html\r\n\r\n"),
                ("/INBOX/;UID=2/;SECTION=2/;PARTIAL=5.3", b"two"),
                ("/INBOX/;UID=2/;SECTION=2/;PARTIAL=5", b"two"),
                (";UID=1/;SECTION=HEADER.FIELDS%20(Subject)", b"Subject: old\r\n\r\n"),
                ("/;UID=2/;SECTION=1", b"part one"),
                ("imap://mail.example.test/INBOX/;UID=2/;SECTION=1", b"part one"),
                ("imap://alice%40example.test@mail.example.test/INBOX/;UID=2/;SECTION=1",
                 b"part one"),
                ("/INBOX/;UID=1", wire(letter("old", "old body\n")))):
            with self.subTest(url):
                r = self.c.ok("APPEND Drafts (\\Draft) CATENATE (TEXT ", Literal(head),
                              ' URL "%s" TEXT ' % url, Literal(b"\r\nend\r\n", plus=True),
                              ")")
                c = self.place.login(enable="IMAP4rev2")
                c.select("Drafts")
                self.assertEqual(c.ok("UID FETCH %d BODY.PEEK[]" % r.args[1]).untagged[0]
                                 .fetch()["BODY[]"], head + want + b"\r\nend\r\n")

    def test_badurl(self):
        """RFC 4469 5: NO [BADURL], and nothing is there"""
        for url in ("/INBOX/;UID=99", "/Nowhere/;UID=1", "/INBOX;UIDVALIDITY=1/;UID=1",
                    "/INBOX/;UID=1/;SECTION=9", "/INBOX/;UID=1/;SECTION=FOO",
                    "/INBOX", "/INBOX/;SECTION=1", "http://x/", "x", "/INBOX/;UID=0",
                    "imap://other.example/INBOX/;UID=1", "/INBOX/;UID=1/;SECTION=1]",
                    "imap://bob@mail.example.test/INBOX/;UID=1", "/../etc/;UID=1",
                    "/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20%7B5%7D",
                    "/INBOX/;UID=1;URLAUTH=anonymous", "/INBOX/;UID=1/;PARTIAL=x"):
            with self.subTest(url):
                self.c.no("APPEND Drafts CATENATE (TEXT ", Literal(b"x", plus=True),
                          ' URL "%s")' % url, code="BADURL")
        self.assertEqual(self.place.files(".Drafts"), [])
        self.left()

    def test_syntax(self):
        """RFC 4469 8"""
        for args in ("CATENATE", "CATENATE ", "CATENATE ()", "CATENATE (TEXT)",
                     "CATENATE (TEXT \"x\")", "CATENATE (URL)", "CATENATE (FOO x)",
                     "CATENATE (TEXT {1+}\r\nx", "CATENATE (TEXT {1+}\r\nx URL)",
                     "CATENATE TEXT {1+}\r\nx"):
            with self.subTest(args):
                self.c.bad("APPEND INBOX " + args)
        self.c.no("APPEND INBOX CATENATE (TEXT ", Literal(b"", plus=True), ")")
        self.c.no("APPEND INBOX CATENATE (TEXT ", Literal(b"x" * 500000, plus=True),
                  " TEXT {100000}", code="TOOBIG")
        self.left()

    def test_with_multiappend(self):
        """RFC 4469 7, RFC 3502"""
        r = self.c.ok("APPEND INBOX CATENATE (URL /INBOX/;UID=1) (\\Seen) CATENATE (TEXT ",
                      Literal(b"x"), ") ", Literal(b"y", plus=True))
        self.assertEqual([str(x) for x in r.args[1:]], ["2:4"])


class Replace(Base):
    def test_replace(self):
        """RFC 8508 3.1, 3.2, 3.3: APPENDUID, then the old one goes"""
        r = self.c.ok("REPLACE 1 INBOX (\\Draft) ", Literal(LETTER))
        self.assertEqual([x.name for x in r.untagged], ["OK", "EXPUNGE", "EXISTS"])
        self.assertEqual((r.untagged[0].code, r.untagged[0].args[1]), ("APPENDUID", 2))
        self.assertEqual(self.whole(1), LETTER)
        r = self.c.ok("UID REPLACE 2 Drafts ", Literal(b"x", plus=True))
        self.assertEqual(r.numbers("EXPUNGE"), [1])
        self.assertEqual((len(self.place.files()), len(self.place.files(".Drafts"))), (0, 1))

    def test_refused(self):
        """RFC 8508 3.1: the old one stays"""
        self.c.no("REPLACE 1 Nowhere {5}", code="TRYCREATE")
        self.c.no("UID REPLACE 9 INBOX {5}")
        self.c.no("REPLACE 1 INBOX {524289}", code="TOOBIG")
        for bad in ("REPLACE 2 INBOX {5}", "REPLACE 0 INBOX {5}", "REPLACE INBOX {5}",
                    "REPLACE 1 INBOX", "REPLACE"):
            self.c.bad(bad)
        self.c.bad("REPLACE 1 INBOX ", Literal(b"x", plus=True), " ", Literal(b"y", plus=True))
        self.assertEqual(len(self.place.files()), 1)
        self.left()
        self.c.select(how="EXAMINE")
        self.c.no("REPLACE 1 INBOX {5}")

    def test_uidonly(self):
        """RFC 9586 3"""
        c = self.place.login(enable="UIDONLY IMAP4rev2")
        c.select()
        self.assertEqual(c.bad("REPLACE 1 INBOX {5}").code, "UIDREQUIRED")
        r = c.ok("UID REPLACE 1 INBOX ", Literal(b"x"))
        self.assertEqual(str(r.all("VANISHED")[0].words[0]), "1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
