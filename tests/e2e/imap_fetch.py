"""FETCH of imap-session: each case with the section of the RFC it is about."""

import base64
import os
import quopri
import time
import unittest

from imap_lib import Literal, Place, letter, wire

PLAIN = letter("plain", "one\ntwo\n")
NESTED = b"""\
From: "Nested, B." <b@example.test>
To: a@example.test, Group: c@example.test, d@example.test;
Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <nested@example.test>
In-Reply-To: <plain@example.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

gr=C3=BC=C3=9Fe=
 und mehr
--inner
Content-Type: text/html

<p>hi</p>
--inner--
--outer
Content-Type: application/octet-stream; name=x.bin
Content-Disposition: attachment; filename=x.bin
Content-Transfer-Encoding: base64

""" + base64.encodebytes(bytes(range(256)) * 3) + b"""\
--outer
Content-Type: message/rfc822
Content-Description: the first

From: c@example.test
Subject: forwarded
Content-Type: message/rfc822

Subject: deeper
Content-Type: multipart/mixed; boundary=deep

--deep

deepest
--deep--
--outer
Content-Type: text/plain
Content-Transfer-Encoding: x-unheard-of

??
--outer--
epilogue
"""
CRLF = letter("crlf", "a\nb\n").replace(b"\n", b"\r\n")
EIGHT = b"Subject: gr\xfc\xdfe\nFrom: \xc3\xa4 <a@b>\n\n\xe4\xf6\xfc\n"
UNBOUND = b"Content-Type: multipart/mixed; boundary=none\n\njust text\n"
EMPTY = b"\n"
ONLY_HEADER = b"Subject: only a header\n"
BIG = letter("big", "".join("line %d %s\n" % (i, "x" * (i % 120)) for i in range(15000)))
LETTERS = [PLAIN, NESTED, CRLF, EIGHT, UNBOUND, EMPTY, ONLY_HEADER, BIG]
NAMES = ["PLAIN", "NESTED", "CRLF", "EIGHT", "UNBOUND", "EMPTY", "ONLY_HEADER", "BIG"]


def part(text):
    return wire(text.encode() if isinstance(text, str) else text)


class Base(unittest.TestCase):
    letters = LETTERS
    enable = "IMAP4rev2"

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        for n, content in enumerate(self.letters):
            self.place.put(content, flags="S" if n % 2 else "F", when=1000000000 + n)
        self.c = self.place.login(enable=self.enable)
        self.c.select()

    def fetch(self, which, items):
        """The items of one message."""
        return self.c.ok("FETCH %d %s" % (which, items)).fetched()[which]

    def one(self, which, item, name=None):
        got = self.fetch(which, item)
        name = (name or item).upper().replace(".PEEK", "")
        return got[name]


class Items(Base):
    def test_items_without_the_file(self):
        """RFC 9051 6.4.5: FLAGS, UID, INTERNALDATE, RFC822.SIZE"""
        r = self.c.ok("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)").fetched()
        self.assertEqual(sorted(r), list(range(1, len(LETTERS) + 1)))
        for n, content in enumerate(LETTERS):
            got = r[n + 1]
            self.assertEqual(got["UID"], n + 1)
            self.assertEqual(got["RFC822.SIZE"], len(wire(content)))
            self.assertEqual(got["FLAGS"], ["\\Seen" if n % 2 else "\\Flagged"])
            when = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(1000000000 + n))
            self.assertEqual(got["INTERNALDATE"].decode().replace(" 9-", "09-"), when)

    def test_macros(self):
        """RFC 9051 6.4.5: ALL, FAST, FULL"""
        fast = {"FLAGS", "INTERNALDATE", "RFC822.SIZE"}
        self.assertEqual(set(self.fetch(1, "FAST")), fast)
        self.assertEqual(set(self.fetch(1, "all")), fast | {"ENVELOPE"})
        self.assertEqual(set(self.fetch(1, "FULL")), fast | {"ENVELOPE", "BODY"})
        for bad in ("(ALL)", "(FAST UID)", "FULL UID", "ALL[]"):
            self.c.bad("FETCH 1 " + bad)

    def test_envelope(self):
        """RFC 9051 7.5.2"""
        e = self.one(2, "ENVELOPE")
        self.assertEqual(e[0], b"Mon, 2 Nov 2026 10:00:00 +0000")
        self.assertEqual(e[1], b"=?utf-8?q?gr=C3=BC=C3=9Fe?=")
        sender = [[b"Nested, B.", None, b"b", b"example.test"]]
        self.assertEqual(e[2:5], [sender] * 3)
        self.assertEqual(e[5], [[None, None, b"a", b"example.test"],
                                [None, None, b"Group", None],
                                [None, None, b"c", b"example.test"],
                                [None, None, b"d", b"example.test"],
                                [None, None, None, None]])
        self.assertEqual(e[6:], [None, None, b"<plain@example.test>", b"<nested@example.test>"])
        self.assertEqual(self.one(6, "ENVELOPE"), [None] * 10)
        self.assertEqual(self.one(4, "ENVELOPE")[1], b"gr\xfc\xdfe")

    def test_body_and_bodystructure(self):
        """RFC 9051 7.5.2: basic, extended, multipart, message"""
        self.assertEqual(self.one(1, "BODY"), [b"text", b"plain", [b"charset", b"us-ascii"],
                         None, None, b"7bit", 10, 2])
        full = self.one(2, "BODYSTRUCTURE")
        alternative, binary, message, strange = full[:4]
        self.assertEqual(full[4:], [b"mixed", [b"boundary", b"outer"], None, None, None])
        self.assertEqual(alternative[2:], [b"alternative", [b"boundary", b"inner"],
                         None, None, None])
        self.assertEqual([p[1] for p in alternative[:2]], [b"plain", b"html"])
        self.assertEqual(binary[:6], [b"application", b"octet-stream", [b"name", b"x.bin"],
                         None, None, b"base64"])
        self.assertEqual(binary[8], [b"attachment", [b"filename", b"x.bin"]])
        self.assertEqual(message[:2] + message[4:5], [b"message", b"rfc822", b"the first"])
        self.assertEqual(message[7][1], b"forwarded")
        self.assertEqual(message[8][7][1], b"deeper")
        self.assertEqual(message[8][8][1], b"mixed")
        self.assertEqual(strange[5], b"x-unheard-of")
        self.assertEqual(len(self.one(2, "BODY")), 5)
        self.assertEqual(self.one(5, "BODY")[-1], b"mixed")

    def leaves(self, body, number=""):
        """(part number, octets) of all that have octets; RFC 9051 6.4.5.1."""
        if isinstance(body[0], list):
            for n, p in enumerate(x for x in body if isinstance(x, list) and
                                  isinstance(x[0], (list, bytes)) and len(x) > 6 or
                                  isinstance(x, list) and isinstance(x[0], list)):
                yield from self.leaves(p, "%s%s%d" % (number, number and ".", n + 1))
            return
        yield number or "1", body[6]
        if body[0].lower() == b"message" and len(body) > 8 and isinstance(body[8], list):
            inner = body[8]
            if isinstance(inner[0], list):
                yield from self.leaves(inner, number)
            else:
                yield from self.leaves(inner, number + ".1")

    def test_sizes_are_those_of_the_sections(self):
        """RFC 9051 7.5.2: body size in octets of the transfer encoding"""
        for n in range(1, len(LETTERS) + 1):
            if NAMES[n - 1] == "UNBOUND":
                continue		# its empty text part cannot be fetched
            for number, octets in self.leaves(self.one(n, "BODY")):
                got = self.one(n, "BODY.PEEK[%s]" % number)
                self.assertEqual(len(got), octets, (NAMES[n - 1], number))

    def test_facts_are_the_same_twice(self):
        """made, then from the index"""
        items = "(ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[HEADER] EMAILID PREVIEW)"
        first = self.c.ok("FETCH 1:* " + items)
        again = self.c.ok("FETCH 1:* " + items)
        self.assertEqual([r.raw for r in first.untagged], [r.raw for r in again.untagged])

    def test_emailid_and_threadid(self):
        """RFC 8474 5.1, 5.2: a copy has the same EMAILID"""
        self.c.ok("COPY 1:2 INBOX")
        n = len(LETTERS)
        r = self.c.ok("FETCH 1:* (EMAILID THREADID)").fetched()
        ids = [r[i]["EMAILID"][0] for i in range(1, n + 3)]
        self.assertEqual(ids[:2], ids[n:])
        self.assertEqual(len(set(ids[:n])), n)
        self.assertTrue(all(0 < len(x) <= 255 and x.isalnum() for x in ids))
        self.assertEqual({r[i]["THREADID"] for i in r}, {None})

    def test_savedate(self):
        """RFC 8514 4.2"""
        self.assertEqual(self.one(1, "SAVEDATE"), b"14-Nov-2023 22:13:21 +0000")

    def test_preview(self):
        """RFC 8970 3.1, 3.2"""
        self.assertEqual(self.fetch(2, "PREVIEW (LAZY)"), {"PREVIEW": None})
        self.assertEqual(self.one(2, "PREVIEW"), "grüße und mehr".encode())
        self.assertEqual(self.fetch(2, "(UID PREVIEW (LAZY))"),
                         {"UID": 2, "PREVIEW": "grüße und mehr".encode()})
        self.assertEqual(self.one(6, "PREVIEW"), b"")
        for bad in ("PREVIEW (FUZZY)", "(PREVIEW (LAZY) (LAZY))", "PREVIEW ()"):
            self.c.bad("FETCH 1 " + bad)

    def test_nonsense(self):
        """RFC 9051 9: fetch, fetch-att, section"""
        for args in ("", " ", " 1", " 1 ", " 1 ()", " 1 FOO", " 1 (UID", " 1 UID FLAGS",
                     " x FLAGS", " 0 FLAGS", " 1, FLAGS", " 1:,2 FLAGS", " ,1 FLAGS",
                     " 9 FLAGS", " 1:9 FLAGS", " 4294967296 FLAGS", " -1 FLAGS",
                     " 1 BODY[", " 1 BODY[1.]", " 1 BODY[0]", " 1 BODY[MIME]",
                     " 1 BODY[1.2.3.FOO]", " 1 BODY[]<0>", " 1 BODY[]<0.0>",
                     " 1 BODY[]<1.-1>", " 1 BODY[HEADER.FIELDS]",
                     " 1 BODY[HEADER.FIELDS ()]", " 1 BODY[HEADER.FIELDS (a:)]",
                     " 1 BINARY[TEXT]", " 1 BINARY.SIZE[1]<0.1>", " 1 RFC822<0.1>",
                     " 1 UID (FOO)", " 1 UID ()", " 1 UID (CHANGEDSINCE)",
                     " 1 (UID  FLAGS)", " 1  UID", "  1 UID", " 1 UID "):
            with self.subTest(args):
                self.c.bad("FETCH" + args)
                self.c.ok("NOOP")


SECTIONS = [
    # letter, section, wanted; RFC 9051 6.4.5.1
    (1, "HEADER", PLAIN[:-len("one\ntwo\n")]),
    (1, "TEXT", "one\ntwo\n"),
    (1, "1", "one\ntwo\n"),
    (1, "1.MIME", PLAIN[:-len("one\ntwo\n")]),
    (1, "2", None), (1, "1.1", None), (1, "1.TEXT", None), (1, "1.HEADER", None),
    (2, "1.1", "gr=C3=BC=C3=9Fe=\n und mehr"),
    (2, "1.1.MIME", "Content-Type: text/plain; charset=utf-8\n"
     "Content-Transfer-Encoding: quoted-printable\n\n"),
    (2, "1.2", "<p>hi</p>"),
    (2, "1.MIME", "Content-Type: multipart/alternative; boundary=inner\n\n"),
    (2, "2", base64.encodebytes(bytes(range(256)) * 3)[:-1]),
    (2, "3.HEADER", "From: c@example.test\nSubject: forwarded\n"
     "Content-Type: message/rfc822\n\n"),
    (2, "3.HEADER.FIELDS (subject)", "Subject: forwarded\n\n"),
    (2, "3.HEADER.FIELDS.NOT (From CONTENT-type)", "Subject: forwarded\n\n"),
    (2, "3.1.HEADER", "Subject: deeper\nContent-Type: multipart/mixed; boundary=deep\n\n"),
    (2, "3.1.1", "deepest"), (2, "3.1.1.MIME", "\n"),
    (2, "3.1.2", None), (2, "3.2", None), (2, "3.1.1.1", None),
    (2, "3.MIME", "Content-Type: message/rfc822\nContent-Description: the first\n\n"),
    (2, "4", "??"), (2, "5", None), (2, "1.3", None), (2, "4.HEADER", None),
    (2, "1.TEXT", None), (2, "99999999", None), (2, ".".join(["1"] * 150), None),
    (2, "HEADER.FIELDS (MIME-Version x)", "MIME-Version: 1.0\n\n"),
    (2, "HEADER.FIELDS (x)", "\n"),
    (3, "HEADER.FIELDS (Subject)", "Subject: crlf\n\n"), (3, "TEXT", "a\nb\n"),
    (4, "HEADER", EIGHT[:EIGHT.index(b"\n\n") + 2]), (4, "TEXT", b"\xe4\xf6\xfc\n"),
    (5, "TEXT", "just text\n"), (5, "1", None),
    (6, "", "\n"), (6, "HEADER", "\n"), (6, "TEXT", ""), (6, "1", ""),
    (7, "HEADER", ONLY_HEADER), (7, "TEXT", ""), (7, "HEADER.FIELDS (Subject)",
     ONLY_HEADER + b"\n"),
]


class Sections(Base):
    def test_table(self):
        """RFC 9051 6.4.5.1"""
        for n, section, want in SECTIONS:
            with self.subTest("%s BODY[%s]" % (NAMES[n - 1], section)):
                got = self.fetch(n, "BODY.PEEK[%s]" % section)
                ((name, value),) = got.items()
                self.assertEqual(value, None if want is None else part(want))

    def test_whole_letters(self):
        """RFC 9051 6.4.5, RFC 3501 6.4.5: BODY[], RFC822 and its halves"""
        for n, content in enumerate(LETTERS):
            self.assertEqual(self.one(n + 1, "BODY.PEEK[]"), wire(content))
            got = self.fetch(n + 1, "(RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)")
            self.assertEqual(got["RFC822"], wire(content))
            self.assertEqual(got["RFC822.HEADER"] + got["RFC822.TEXT"], wire(content))
            self.assertEqual(got["RFC822.SIZE"], len(wire(content)))

    def test_partial(self):
        """RFC 9051 6.4.5: <origin.count>, cut off at the end"""
        for n, section in ((1, ""), (1, "HEADER"), (2, "1.1"), (2, "TEXT"), (2, "2"),
                           (2, "3.HEADER.FIELDS (Subject)"), (3, "")):
            item = "BODY.PEEK[%s]" % section
            (whole,) = self.fetch(n, item).values()
            items = ["%s<%d.%d>" % (item, at, size) for at in
                     (0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole), len(whole) + 9)
                     for size in (1, 7, len(whole), 4294967295)]
            got = self.c.ok("FETCH %d (%s)" % (n, " ".join(items[:14])))
            rest = self.c.ok("FETCH %d (%s)" % (n, " ".join(items[14:])))
            words = got.all("FETCH")[0].words[0] + rest.all("FETCH")[0].words[0]
            for item_, (name, value) in zip(items, zip(words[::2], words[1::2])):
                at, size = map(int, item_[item_.rindex("<") + 1:-1].split("."))
                self.assertTrue(name.endswith("<%d>" % at))
                self.assertEqual(value, whole[at:at + size], item_)

    def test_every_octet_of_a_line_end(self):
        """RFC 9051 6.4.5: the CR that is not in the file counts"""
        whole = wire(PLAIN)
        items = " ".join("BODY.PEEK[]<%d.1>" % at for at in range(60, 120))
        words = self.c.ok("FETCH 1 (%s)" % items).all("FETCH")[0].words[0]
        self.assertEqual(b"".join(words[1::2]), whole[60:120])

    def test_large_in_pieces(self):
        """RFC 9051 6.4.5: 1 MB, whole and in pieces"""
        n, whole = len(LETTERS), wire(BIG)
        for size in (65536, 100000, len(whole)):
            got = b"".join(self.one(n, "BODY.PEEK[]<%d.%d>" % (at, size), "BODY[]<%d>" % at)
                           for at in range(0, len(whole), size))
            self.assertEqual(got, whole)
        text = self.one(n, "BODY.PEEK[1]")
        self.assertTrue(whole.endswith(b"\r\n\r\n" + text))
        at = len(text) - 1000
        self.assertEqual(self.one(n, "BODY.PEEK[TEXT]<%d.500>" % at, "BODY[TEXT]<%d>" % at),
                         text[at:at + 500])

    def test_fields_as_literals(self):
        """RFC 9051 9: header-fld-name is an astring"""
        r = self.c.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (", Literal(b"SUBJECT"), ' "to" ',
                      Literal(b"cc", plus=True), ")]")
        self.assertIn(b"Subject: plain\r\n\r\n", r.untagged[0].raw)

    def test_long_header_and_many_fields(self):
        """headers beyond what the index keeps"""
        many = b"".join(b"X-%d: %s\n" % (i, b"y" * 100) for i in range(1000))
        self.place.put(b"Subject: long\n" + many + b"\nbody\n")
        self.c.ok("NOOP")
        n = len(LETTERS) + 1
        self.assertEqual(self.one(n, "BODY.PEEK[HEADER]"), wire(b"Subject: long\n" + many +
                                                                b"\n"))
        self.assertEqual(self.one(n, "BODY.PEEK[HEADER.FIELDS (SUBJECT X-999)]"),
                         b"Subject: long\r\nX-999: " + b"y" * 100 + b"\r\n\r\n")

    def test_several_at_once(self):
        """RFC 9051 6.4.5: more than one section of more than one message"""
        r = self.c.ok("FETCH 1:2 (UID BODY.PEEK[1.1] BODY.PEEK[HEADER.FIELDS (To)] "
                      "BODY.PEEK[1.1.MIME]<0.7>)").fetched()
        self.assertEqual(r[1]["BODY[1.1]"], None)
        self.assertEqual(r[2]["BODY[1.1]"], part("gr=C3=BC=C3=9Fe=\n und mehr"))
        self.assertEqual(r[2]["BODY[1.1.MIME]<0>"], b"Content")
        self.c.no("FETCH 1 (" + " ".join(["BODY.PEEK[1]"] * 101) + ")", code="LIMIT")


class Binary(Base):
    def test_decoded(self):
        """RFC 3516 4.2, RFC 9051 6.4.5: BINARY, BINARY.SIZE"""
        octets = bytes(range(256)) * 3
        qp = quopri.decodestring(b"gr=C3=BC=C3=9Fe=\n und mehr")
        for number, want in (("2", octets), ("1.1", qp), ("1.2", b"<p>hi</p>")):
            got = self.fetch(2, "(BINARY.PEEK[%s] BINARY.SIZE[%s])" % (number, number))
            self.assertEqual(got["BINARY[%s]" % number], want)
            self.assertEqual(got["BINARY.SIZE[%s]" % number], len(want))
        self.assertEqual(self.one(2, "BINARY.PEEK[2]<250.10>", "BINARY[2]<250>"),
                         octets[250:260])
        self.assertEqual(self.one(2, "BINARY.PEEK[2]<800.10>", "BINARY[2]<800>"), b"")
        self.assertIn(b"BINARY[2] ~{768}\r\n", self.c.ok("FETCH 2 BINARY.PEEK[2]")
                      .untagged[0].raw)

    def test_not_there(self):
        """RFC 3516 4.2"""
        self.assertIsNone(self.one(2, "BINARY.PEEK[9]"))
        self.assertEqual(self.one(2, "BINARY.SIZE[9]"), 0)

    def test_unknown_encoding(self):
        """RFC 3516 4.3: NO [UNKNOWN-CTE]; the other way works"""
        self.c.no("FETCH 2 BINARY.PEEK[4]", code="UNKNOWN-CTE")
        self.c.no("FETCH 2 BINARY.SIZE[4]", code="UNKNOWN-CTE")
        self.assertEqual(self.one(2, "BODY.PEEK[4]"), b"??")

    def test_sets_seen(self):
        """RFC 3516 4.2: BINARY as BODY, BINARY.PEEK and BINARY.SIZE not"""
        self.c.ok("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])")
        self.assertNotIn("\\Seen", self.one(1, "FLAGS"))
        self.assertIn("\\Seen", self.fetch(1, "BINARY[1]")["FLAGS"])


class Seen(Base):
    def test_bodies_set_seen(self):
        """RFC 9051 6.4.5: \\Seen is set, and told with the same answer"""
        for n, item, sets in ((1, "BODY[HEADER]", True), (3, "RFC822", True),
                              (5, "RFC822.TEXT", True), (7, "RFC822.HEADER", False)):
            got = self.fetch(n, item)
            self.assertEqual("\\Seen" in got.get("FLAGS", []), sets, item)
            self.assertEqual("\\Seen" in self.one(n, "FLAGS"), sets, item)
        self.assertEqual(len([f for f in self.place.files() if "S" in f.split(":2,")[1]]), 7)

    def test_already_seen_is_not_told(self):
        self.assertNotIn("FLAGS", self.fetch(2, "BODY[1.1]"))

    def test_once(self):
        """no second FETCH tells it again"""
        r = self.c.ok("FETCH 1:* BODY[TEXT]<0.1>")
        self.assertEqual(len(r.all("FETCH")), len(LETTERS))
        self.assertEqual(self.c.ok("NOOP").untagged, [])

    def test_others_hear_of_it(self):
        """RFC 9051 7.5.2"""
        other = self.place.login(enable="IMAP4rev2")
        other.select()
        self.c.ok("FETCH 1 BODY[TEXT]")
        self.assertIn("\\Seen", other.ok("NOOP").fetched()[1]["FLAGS"])

    def test_examine(self):
        """RFC 9051 6.3.3"""
        self.c.select(how="EXAMINE")
        self.assertNotIn("FLAGS", self.fetch(1, "BODY[]"))
        self.assertNotIn("\\Seen", self.one(1, "FLAGS"))


class Modifiers(Base):
    enable = "IMAP4rev2 CONDSTORE QRESYNC"

    def modseqs(self):
        r = self.c.ok("FETCH 1:* MODSEQ").fetched()
        return {n: v["MODSEQ"][0] for n, v in r.items()}

    def test_changedsince(self):
        """RFC 7162 3.1.4.1: only what changed, with MODSEQ"""
        since = max(self.modseqs().values())
        self.assertEqual(self.c.ok("FETCH 1:* FLAGS (CHANGEDSINCE %d)" % since).untagged, [])
        self.c.ok("STORE 3 +FLAGS.SILENT (\\Answered)")
        r = self.c.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % since).fetched()
        self.assertEqual(list(r), [3])
        self.assertEqual(set(r[3]), {"UID", "FLAGS", "MODSEQ"})
        self.assertGreater(r[3]["MODSEQ"][0], since)
        r = self.c.ok("FETCH 1:* UID (CHANGEDSINCE 0)").fetched()
        self.assertEqual(len(r), len(LETTERS))

    def test_vanished(self):
        """RFC 7162 3.2.6"""
        since = max(self.modseqs().values())
        self.c.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.c.ok("EXPUNGE").all("VANISHED")[0].words, ["2,4"])
        r = self.c.ok("UID FETCH 1:3 (FLAGS) (CHANGEDSINCE %d VANISHED)" % since)
        (v,) = r.all("VANISHED")
        self.assertEqual(v.words[0], ["EARLIER"])
        self.assertEqual(str(v.words[1]), "2")
        self.assertEqual(r.untagged[0], v)
        for bad in ("FETCH 1:* UID (CHANGEDSINCE 1 VANISHED)", "UID FETCH 1 UID (VANISHED)"):
            self.c.bad(bad)
        plain = self.place.login(enable="CONDSTORE")
        plain.select()
        plain.bad("UID FETCH 1 UID (CHANGEDSINCE 1 VANISHED)")

    def test_partial(self):
        """RFC 9394 3.3"""
        def uids(arg):
            r = self.c.ok("UID FETCH 1:* UID (%s)" % arg).fetched()
            return [v["UID"] for v in r.values()]
        n = len(LETTERS)
        self.assertEqual(uids("PARTIAL 1:3"), [1, 2, 3])
        self.assertEqual(uids("PARTIAL 3:1"), [1, 2, 3])
        self.assertEqual(uids("PARTIAL -1:-2"), [n - 1, n])
        self.assertEqual(uids("PARTIAL %d:%d" % (n, n + 5)), [n])
        self.assertEqual(uids("PARTIAL 100:200"), [])
        self.assertEqual(uids("PARTIAL -100:-200"), [])
        since = max(self.modseqs().values())
        self.c.ok("STORE 2,5,7 +FLAGS.SILENT (\\Answered)")
        self.assertEqual(uids("PARTIAL 2:3 CHANGEDSINCE %d" % since), [5, 7])
        self.assertEqual(uids("CHANGEDSINCE %d PARTIAL -1:-1" % since), [7])
        for bad in ("PARTIAL", "PARTIAL 0:1", "PARTIAL 1:-1", "PARTIAL 1:*", "PARTIAL 1",
                    "PARTIAL 1:2 PARTIAL 1:2"):
            self.c.bad("UID FETCH 1:* UID (%s)" % bad)

    def test_condstore_by_use(self):
        """RFC 7162 3.1: FETCH MODSEQ and CHANGEDSINCE enable it"""
        for command in ("FETCH 1 MODSEQ", "FETCH 1 UID (CHANGEDSINCE 1)"):
            c = self.place.login(enable="IMAP4rev2")
            c.select()
            r = c.ok(command)
            self.assertIn("HIGHESTMODSEQ", r.codes())
            self.assertIn("MODSEQ", c.ok("STORE 1 +FLAGS (a)").fetched()[1])


class Gone(Base):
    def test_files_that_are_removed(self):
        """RFC 2180 4.1, RFC 9051 7.1 EXPUNGEISSUED: what is left is sent"""
        d = self.place.maildir() + "/cur/"
        for name in os.listdir(d):
            if name.startswith("1700000002."):
                os.unlink(d + name)
        r = self.c.do("FETCH 1:3 BODY.PEEK[]")
        self.assertIn((r.status, r.code), [("NO", "EXPUNGEISSUED"), ("OK", None)])
        self.assertEqual(sorted(r.fetched()), [1, 3])
        r = self.c.ok("UID FETCH 1:3 BODY.PEEK[TEXT]").fetched()
        self.assertIn(wire(b"one\ntwo\n"), [v["BODY[TEXT]"] for v in r.values()])

    def test_expunged_by_another_session(self):
        """RFC 9051 7.5.1: numbers stay while FETCH runs by number"""
        other = self.place.login(enable="IMAP4rev2")
        other.select()
        other.ok("STORE 1 +FLAGS (\\Deleted)")
        other.ok("EXPUNGE")
        r = self.c.no("FETCH 1:2 FLAGS", code="EXPUNGEISSUED")
        self.assertEqual(list(r.fetched()), [2])
        self.assertEqual(r.all("EXPUNGE"), [])
        self.assertEqual(self.c.ok("UID FETCH 1 FLAGS").numbers("EXPUNGE"), [1])

    def test_renamed_by_another_program(self):
        """a flag set by mutt does not lose the letter"""
        d = self.place.maildir() + "/cur/"
        for name in os.listdir(d):
            if not name.endswith("R"):
                os.rename(d + name, d + name + "T")
        self.assertEqual(self.one(1, "BODY.PEEK[]"), wire(PLAIN))

    def test_sparse_uids(self):
        """RFC 9051 6.4.9: UIDs that are not there are no error"""
        self.c.ok("STORE 2:4 +FLAGS.SILENT (\\Deleted)")
        self.c.ok("EXPUNGE")
        for which, want in (("1:*", [1, 5, 6, 7, 8]), ("2:5", [5]), ("*", [8]), ("99:*", [8]),
                            ("2,3,100", []), ("8:7", [7, 8])):
            r = self.c.ok("UID FETCH %s UID" % which).fetched()
            self.assertEqual([v["UID"] for v in r.values()], want, which)


class UidOnly(Base):
    enable = "UIDONLY IMAP4rev2"

    def test_responses(self):
        """RFC 9586 3.2, 3.3"""
        r = self.c.ok("UID FETCH 2:3 (FLAGS RFC822.SIZE)")
        self.assertEqual([x.name for x in r.untagged], ["UIDFETCH"] * 2)
        self.assertEqual(r.fetched()[2], {"FLAGS": ["\\Seen"],
                                          "RFC822.SIZE": len(wire(NESTED))})
        self.assertEqual(self.c.ok("UID FETCH 1 UID").fetched(), {1: {"UID": 1}})
        self.assertEqual(self.c.bad("FETCH 1 UID").code, "UIDREQUIRED")


class Rev1(Base):
    enable = ""
    letters = [PLAIN, b"Content-Type: message/global\n\nSubject: \xc3\xa4\n\nx\n"]

    def test_recent(self):
        """RFC 3501 2.3.2"""
        self.assertIn("\\Recent", self.one(1, "FLAGS"))

    def test_message_global(self):
        """RFC 6855 3: BODY for who has not enabled UTF8"""
        self.assertEqual(len(self.one(2, "BODY")), 7)
        c = self.place.login(enable="UTF8=ACCEPT")
        c.select()
        self.assertEqual(c.ok("FETCH 2 BODY").fetched()[2]["BODY"][7][1], "ä".encode())


class Speed(unittest.TestCase):
    def test_pieces_of_a_large_part(self):
        """50 MB in pieces of 64 KiB take little more than at once"""
        place = Place()
        self.addCleanup(place.remove)
        line = b"x" * 75 + b"\n"
        place.put(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                  b"Content-Transfer-Encoding: base64\n\n" + line * 650000 + b"--b--\n")
        c = place.login(enable="IMAP4rev2")
        c.select()

        def cpu():
            with open("/proc/%d/stat" % c.process.pid) as f:
                words = f.read().rpartition(")")[2].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        for item in ("BODY", "BINARY"):
            before = cpu()
            whole = c.ok("FETCH 1 %s.PEEK[1]" % item).fetched()[1][item + "[1]"]
            at_once = cpu() - before
            before, got = cpu(), 0
            for at in range(0, len(whole), 65536):
                r = c.ok("FETCH 1 %s.PEEK[1]<%d.65536>" % (item, at)).fetched()[1]
                piece = r["%s[1]<%d>" % (item, at)]
                self.assertEqual(piece, whole[at:at + 65536])
                got += len(piece)
            self.assertEqual(got, len(whole))
            pieces = cpu() - before
            self.assertLess(pieces, 10 * at_once + 2.0, item)


if __name__ == "__main__":
    unittest.main(verbosity=2)
