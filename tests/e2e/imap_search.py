#!/usr/bin/env python3
"""
SEARCH in imap-session: each key of RFC 9051 6.4.4 and its extensions on letters as
the world sends them, and random programs beside a model.
"""

import base64
import calendar
import os
import quopri
import random
import re
import shutil
import time
import unittest

from imap_lib import Filled, Literal, letter

DAY = 86400
DAY0 = calendar.timegm((2026, 11, 1, 0, 0, 0))


def numbers(r):
    """What SEARCH or ESEARCH told, as a list."""
    for x in r.untagged:
        if x.name == "SEARCH":
            return [n for n in x.words if isinstance(n, int)]
        if x.name == "ESEARCH":
            return expand(esearch(r).get("ALL"))
    raise AssertionError(r)


def expand(text):
    out = []
    for part in str(text).split(",") if text is not None else []:
        a, _, b = part.partition(":")
        out.extend(range(int(a), int(b or a) + 1))
    return out


def esearch(r):
    """ESEARCH's data items, UID among them; TAG too."""
    [x] = r.all("ESEARCH")
    out, words = {}, list(x.words)
    if words and isinstance(words[0], list):
        out[str(words[0][0])] = words[0][1].decode()
        words = words[1:]
    if words and str(words[0]) == "UID":
        out["UID"] = True
        words = words[1:]
    out.update(zip(map(str, words[::2]), words[1::2]))
    return out


LETTERS = [
    # 1
    (b"From: Alice <alice@example.org>\nTo: \"Bob B.\" <bob@example.net>\n"
     b"Subject: Lunch on\n Friday\nDate: Mon, 2 Nov 2026 23:30:00 -0800\n"
     b"Message-ID: <one@example.org>\nX-Spam: no\n\n"
     b"Shall we meet for\nlunch at the  harbour?\n", "S", 0),
    # 2: encoded words in two charsets, quoted-printable
    (b"From: =?utf-8?b?SsO8cmdlbg==?= <j@example.org>\nCc: copy@example.org\n"
     b"Subject: =?iso-8859-1?q?Gr=FC=DFe_aus?= =?utf-8?q?_K=C3=B6ln?=\n"
     b"Date: Tue, 3 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
     b"Content-Type: text/plain; charset=iso-8859-1\n"
     b"Content-Transfer-Encoding: quoted-printable\n\n"
     b"Die Stra=DFe ist na=\n=DF und der Himmel grau=2E\n", "RS", 1),
    # 3: parts, base64 in KOI8-R, HTML, RFC 2231
    (b"From: carol@example.com\nBcc: secret@example.com\nSubject: parts\n"
     b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npreamble walrus\n"
     b"--b\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n"
     + base64.encodebytes("Привет мир\n".encode("koi8-r")) +
     b"--b\nContent-Type: text/html\n\n<p>fish <b>&amp;</b> ch<i>ips</i></p>\n"
     b"--b\nContent-Type: application/pdf;\n name*0*=utf-8''%e2%82%ac%20;\n"
     b" name*1*=rates.pdf\n\nnot to be found: opossum\n--b--\n", "", 2),
    # 4: a message in a message
    (b"From: dave@example.com\nSubject: Fwd: ticket\nDate: Fri, 6 Nov 2026 08:00:00 +0100\n"
     b"Content-Type: message/rfc822\n\nFrom: inner@example.com\n"
     b"Subject: =?utf-8?q?t=C3=AFcket?= 99\n\nThe inner words\n", "F", 3),
    # 5: broken in every way
    (b"Subject: =?x-nowhere?q?broken\nDate: nonsense\n"
     b"Content-Type: multipart/mixed; boundary=zz\n\n--zz\n"
     b"Content-Type: text/plain; charset=x-nowhere\n\ncaf\xe9 open end", "T", 4),
    # 6: Japanese, in ISO-2022-JP
    ("Subject: =?iso-2022-jp?b?%s?=\nFrom: yuki@example.jp\n"
     "Content-Type: text/plain; charset=iso-2022-jp\n\n"
     % base64.b64encode("会議の件".encode("iso2022_jp")).decode()).encode()
    + "明日の会議について\n".encode("iso2022_jp"),
]
LETTERS[5] = (LETTERS[5], "D", 5)


class Base(Filled):
    def search(self, *program):
        return numbers(self.c.ok("SEARCH ", *program))


class Keys(Base):
    """RFC 9051 6.4.4, RFC 3501 6.4.4."""

    @classmethod
    def fill(cls):
        for content, flags, day in LETTERS:
            cls.place.put(content, flags=flags or "", when=DAY0 + day * DAY + 3600)

    def check(self, table):
        for program, want in table:
            parts = program if isinstance(program, tuple) else (program,)
            with self.subTest(program=program):
                self.assertEqual(self.search(*parts), want)

    def test_sets(self):
        self.check([
            ("ALL", [1, 2, 3, 4, 5, 6]), ("1:2,4", [1, 2, 4]), ("*", [6]), ("5:*", [5, 6]),
            ("6:5", [5, 6]), ("UID 2:4", [2, 3, 4]), ("UID 100", []), ("UID 100:*", [6]), ("NOT 1:4", [5, 6]),
            ("2:4 3:6", [3, 4])])

    def test_flags(self):
        self.check([
            ("SEEN", [1, 2]), ("UNSEEN", [3, 4, 5, 6]), ("ANSWERED", [2]), ("UNANSWERED", [1, 3, 4, 5, 6]),
            ("FLAGGED", [4]), ("UNFLAGGED", [1, 2, 3, 5, 6]), ("DELETED", [5]), ("UNDELETED", [1, 2, 3, 4, 6]),
            ("DRAFT", [6]), ("UNDRAFT", [1, 2, 3, 4, 5]), ("KEYWORD nothing", []),
            ("UNKEYWORD nothing", [1, 2, 3, 4, 5, 6]), ("OLD", []), ("RECENT UNSEEN", [3, 4, 5, 6]),
            ("NEW", [3, 4, 5, 6])])

    def test_dates(self):
        self.check([
            ("ON 2-Nov-2026", [2]), ("BEFORE 2-Nov-2026", [1]), ("SINCE 5-Nov-2026", [5, 6]),
            ("SINCE \"2-Nov-2026\" BEFORE 4-Nov-2026", [2, 3]), ("NOT ON 2-Nov-2026", [1, 3, 4, 5, 6]),
            # The day that stands in the field, whatever its zone.
            ("SENTON 2-Nov-2026", [1]), ("SENTON 3-Nov-2026", [2]), ("SENTSINCE 3-Nov-2026", [2, 4]),
            ("SENTBEFORE 3-Nov-2026", [1]), ("NOT SENTSINCE 1-Jan-1970", [3, 5, 6])])

    def test_sizes(self):
        sizes = [len(x[0].replace(b"\n", b"\r\n")) for x in LETTERS]
        for n in sizes:
            with self.subTest(size=n):
                self.assertEqual(self.search("LARGER %d" % n),
                                 [i + 1 for i, s in enumerate(sizes) if s > n])
                self.assertEqual(self.search("SMALLER %d" % n),
                                 [i + 1 for i, s in enumerate(sizes) if s < n])

    def test_header_fields(self):
        u = lambda t: Literal(t.encode(), plus=True)  # noqa: E731
        self.check([
            ("SUBJECT lunch", [1]), ("SUBJECT \"lunch on friday\"", [1]), (("SUBJECT ", u("grüß")), [2]),
            (("SUBJECT ", u("AUS KÖLN")), [2]), ("SUBJECT koln", []), (("SUBJECT ", u("会議")), [6]),
            ("SUBJECT \"\"", [1, 2, 3, 4, 5, 6]), ("SUBJECT x-nowhere", [5]),
            ("FROM alice", [1]), (("FROM ", u("jÜr")), [2]), ("FROM EXAMPLE.COM", [3, 4]), ("TO \"bob b\"", [1]),
            ("CC copy", [2]), ("BCC secret", [3]), ("HEADER X-Spam no", [1]), ("HEADER x-spam \"\"", [1]),
            ("HEADER Date \"\"", [1, 2, 4, 5]), ("HEADER X-Nothing \"\"", []), ("HEADER Message-ID <one@", [1]),
            (("HEADER Subject ", u("köln")), [2]), ("HEADER To bob", [1])])

    def test_texts(self):
        u = lambda t: Literal(t.encode(), plus=True)  # noqa: E731
        table = [
            ("BODY harbour", [1]), ("BODY \"MEET FOR LUNCH AT THE HARBOUR\"", [1]), ("BODY theharbour", []),
            ("BODY Friday", []), ("TEXT friday", [1]), ("TEXT \"x-spam: no\"", [1]), ("BODY \"x-spam\"", []),
            (("BODY ", u("straß")), [2]), (("BODY ", u("naß")), [2]), ("BODY grau.", [2]), ("BODY =2E", []),
            (("BODY ", u("ПРИВЕТ")), [3]), ("BODY \"fish <b>\"", [3]), ("BODY \"fish & chips\"", [3]),
            ("BODY walrus", []), ("BODY opossum", []), ("TEXT rates.pdf", [3]), (("TEXT ", u("€ rates")), [3]),
            ("BODY rates.pdf", []), ("BODY \"inner words\"", [4]), ("BODY inner@example", []),
            ("TEXT inner@example", [4]), (("TEXT ", u("tïcket")), [4]), (("BODY ", u("café")), [5]),
            ("BODY \"open end\"", [5]), (("BODY ", u("明日")), [6]), ("BODY absentee", []), ("TEXT absentee", []),
            ("BODY \"\"", [1, 2, 3, 4, 5, 6]), ("NOT BODY harbour", [2, 3, 4, 5, 6]), ("BODY ha", [1])]
        self.check(table)
        # Again with what the first round left, and after it is gone.
        self.check(table)
        shutil.rmtree(self.place.home() + "/index")
        self.check(table)

    def test_keys_combined(self):
        self.check([
            ("OR SEEN DRAFT", [1, 2, 6]), ("NOT (SEEN ANSWERED)", [1, 3, 4, 5, 6]),
            ("OR (SEEN UNANSWERED) NOT OR 1:4 6", [1, 5]), ("OR BODY harbour SUBJECT parts", [1, 3]),
            ("UNSEEN OR TEXT ticket BODY open", [4, 5]), ("(((ALL)))", [1, 2, 3, 4, 5, 6]),
            ("NOT NOT NOT SEEN", [3, 4, 5, 6]), ("NOT ALL", [])])

    def test_charsets(self):
        """RFC 9051 6.4.4, RFC 6855 3."""
        self.assertEqual(self.search("CHARSET UTF-8 SUBJECT ", Literal("köln".encode())), [2])
        self.assertEqual(self.search("CHARSET us-ascii SUBJECT lunch"), [1])
        r = self.c.no("SEARCH CHARSET KOI8-R SUBJECT x", code="BADCHARSET")
        self.assertEqual(r.args, [["US-ASCII", "UTF-8"]])
        c = self.place.login(enable="UTF8=ACCEPT")
        c.select(how="EXAMINE")
        c.bad("SEARCH CHARSET UTF-8 ALL")
        self.assertEqual(numbers(c.ok("SEARCH SUBJECT \"köln\"")), [2])
        self.place.quit(c)

    def test_what_is_wrong_is_refused(self):
        for program in ("", " ", " FOO", " ALL ", " ()", " (ALL", " NOT", " OR ALL", " 0", " 7", " 1:7", " UID 0",
                        " UID a", " ON yesterday", " ON 31-Feb-2026", " OLDER 0", " LARGER -1", " MODSEQ x",
                        " HEADER From", " SUBJECT", " KEYWORD \\Seen", " RETURN (FOO) ALL", " RETURN (MIN ALL",
                        " RETURN (ALL PARTIAL 1:2) ALL", " CHARSET UTF-8"):
            with self.subTest(program=program):
                self.c.bad("SEARCH" + program)
                self.c.ok("NOOP")       # so many BADs in a row would end it
        self.c.no("SEARCH" + " NOT" * 60 + " ALL", code="LIMIT")
        self.c.no("SEARCH" + " 1" * 1001, code="LIMIT")
        self.c.no("SEARCH SUBJECT ", Literal(b"x" * 5000), code="LIMIT")

    def test_extensions(self):
        """RFC 5032, RFC 8514, RFC 8474."""
        age = int(time.time()) - (DAY0 + 3 * DAY)
        if age > 0:
            self.assertEqual(self.search("OLDER %d" % age), [1, 2, 3])
            self.assertEqual(self.search("YOUNGER %d" % age), [4, 5, 6])
        self.assertEqual(self.search("SAVEDATESUPPORTED"), [1, 2, 3, 4, 5, 6])
        # Of the names that imap_lib gives.
        self.assertEqual(self.search("SAVEDON 14-Nov-2023"), [1, 2, 3, 4, 5, 6])
        self.assertEqual(self.search("SAVEDBEFORE 14-Nov-2023"), [])
        self.assertEqual(self.search("SAVEDSINCE 15-Nov-2023"), [])
        ids = {n: f["EMAILID"][0] for n, f in self.c.ok("FETCH 1:* (EMAILID)").fetched().items()}
        for n, i in ids.items():
            self.assertEqual(self.search("EMAILID %s" % i), [n])
        self.assertEqual(self.search("EMAILID M123"), [])
        self.assertEqual(self.search("THREADID T123"), [])


class Returns(Base):
    """ESEARCH (RFC 4731), SEARCHRES (RFC 5182), PARTIAL (RFC 9394), MODSEQ (RFC 7162)."""

    @classmethod
    def fill(cls):
        for i in range(10):
            cls.place.put(letter("number %d" % i, "words\n"), flags="S" if i % 2 else "")

    def setUp(self):
        self.c.ok("EXAMINE INBOX")

    def test_esearch(self):
        for options, want in (
                ("", {"ALL": "1,3,5,7,9"}), ("ALL", {"ALL": "1,3,5,7,9"}), ("MIN", {"MIN": 1}), ("MAX", {"MAX": 9}),
                ("COUNT", {"COUNT": 5}), ("MIN MAX COUNT", {"MIN": 1, "MAX": 9, "COUNT": 5}),
                ("PARTIAL 2:3", {"PARTIAL": ["2:3", "3,5"]}), ("PARTIAL -1:-2", {"PARTIAL": ["-1:-2", "7,9"]}),
                ("PARTIAL 5:9", {"PARTIAL": ["5:9", 9]}), ("PARTIAL 9:6", {"PARTIAL": ["9:6", None]}),
                ("PARTIAL -6:-9 COUNT", {"PARTIAL": ["-6:-9", None], "COUNT": 5})):
            with self.subTest(options=options):
                r = self.c.ok("SEARCH RETURN (%s) UNSEEN" % options)
                got = esearch(r)
                self.assertEqual(got.pop("TAG"), r.tagged.tag)
                self.assertEqual({k: [str(x) if isinstance(x, str) else x for x in v] if isinstance(v, list) else v
                                  for k, v in got.items()}, want)
        r = esearch(self.c.ok("UID SEARCH RETURN (MIN COUNT) UNSEEN"))
        self.assertTrue(r["UID"])
        r = esearch(self.c.ok("SEARCH RETURN (MIN MAX ALL COUNT) FLAGGED"))
        self.assertEqual((r.get("MIN"), r.get("ALL"), r["COUNT"]), (None, None, 0))

    def test_rev2_tells_esearch(self):
        c = self.place.login(enable="IMAP4rev2")
        c.select(how="EXAMINE")
        r = c.ok("SEARCH UNSEEN")
        self.assertEqual((r.all("SEARCH"), numbers(r)), ([], [1, 3, 5, 7, 9]))
        self.assertNotIn("ALL", esearch(c.ok("UID SEARCH FLAGGED")))
        self.place.quit(c)

    def test_saved_results(self):
        for options, want in (
                ("SAVE", [1, 3, 5, 7, 9]), ("SAVE ALL", [1, 3, 5, 7, 9]), ("SAVE COUNT", [1, 3, 5, 7, 9]),
                ("SAVE MIN", [1]), ("SAVE MAX", [9]), ("MIN SAVE MAX", [1, 9]), ("SAVE MIN COUNT", [1, 3, 5, 7, 9]),
                ("SAVE PARTIAL 2:3", [3, 5]), ("SAVE PARTIAL 2:3 MIN", [1, 3, 5]),
                ("SAVE PARTIAL -2:-2 MIN MAX", [1, 7, 9]), ("SAVE PARTIAL 2:3 COUNT", [1, 3, 5, 7, 9])):
            with self.subTest(options=options):
                r = self.c.ok("SEARCH RETURN (%s) UNSEEN" % options)
                self.assertEqual(len(r.all("ESEARCH")), options != "SAVE")
                self.assertEqual(self.search("$"), want)
        self.c.ok("SEARCH RETURN (SAVE) 2:4")
        self.assertEqual(sorted(self.c.ok("FETCH $ FLAGS").fetched()), [2, 3, 4])
        self.assertEqual(numbers(self.c.ok("UID SEARCH UID $ SEEN")), [2, 4])
        # Narrowing it down by itself (RFC 5182 2.4).
        self.c.ok("SEARCH RETURN (SAVE) $ SEEN")
        self.assertEqual(self.search("$"), [2, 4])
        # BAD leaves it, NO empties it (RFC 5182 2.1).
        self.c.bad("SEARCH RETURN (SAVE) FOO")
        self.assertEqual(self.search("$"), [2, 4])
        self.c.no("SEARCH RETURN (SAVE) CHARSET X-A SUBJECT y")
        self.assertEqual(self.search("$"), [])
        self.c.ok("SEARCH RETURN (SAVE) 1")
        self.c.ok("EXAMINE INBOX")
        self.assertEqual(self.search("$"), [])

    def test_modification_sequences(self):
        c = self.place.login()
        c.select()
        r = c.ok("SEARCH MODSEQ 1")
        self.assertIn("HIGHESTMODSEQ", r.codes())
        highest = r.all("SEARCH")[0].words[-1]
        self.assertEqual(str(highest[0]), "MODSEQ")
        after = c.ok("STORE 3 +FLAGS (\\Flagged)").fetched()[3]["MODSEQ"][0]
        self.assertGreater(after, highest[1])
        r = c.ok("SEARCH MODSEQ %d" % after)
        self.assertEqual(r.all("SEARCH")[0].words, [3, ["MODSEQ", after]])
        self.assertEqual(c.ok("SEARCH MODSEQ %d" % (after + 1)).all("SEARCH")[0].words, [])
        self.assertEqual(numbers(c.ok('SEARCH MODSEQ "/flags/\\\\flagged" all %d' % after)), [3])
        # RFC 4731 3.2: of the first, the last, or all that are told.
        got = esearch(c.ok("SEARCH RETURN (MIN) MODSEQ 1"))
        self.assertLess(got["MODSEQ"], after)
        self.assertEqual(esearch(c.ok("SEARCH RETURN (ALL) MODSEQ 1"))["MODSEQ"], after)
        self.assertNotIn("MODSEQ", esearch(c.ok("SEARCH RETURN (ALL) UNSEEN")))
        c.ok("STORE 3 -FLAGS (\\Flagged)")
        self.place.quit(c)

    def test_uid_only(self):
        """RFC 9586 3."""
        c = self.place.login(enable="UIDONLY")
        c.select(how="EXAMINE")
        self.assertEqual(c.bad("SEARCH ALL").code, "UIDREQUIRED")
        self.assertEqual(c.bad("UID SEARCH 1:2").code, "UIDREQUIRED")
        self.assertEqual(numbers(c.ok("UID SEARCH UID 1:2")), [1, 2])
        self.place.quit(c)

    def test_expunged_by_others(self):
        """A letter that is gone, and of which the client was not told, is not found."""
        self.place.put(letter("transient"), folder=".Gone")
        self.place.put(letter("lasting"), folder=".Gone")
        c, d = self.place.login(), self.place.login()
        c.select("Gone")
        d.select("Gone")
        d.ok("STORE 1 +FLAGS (\\Deleted)")
        d.ok("EXPUNGE")
        r = c.ok("SEARCH SUBJECT lasting")
        self.assertEqual((numbers(r), r.all("EXPUNGE")), ([2], []))
        self.assertEqual(numbers(c.ok("SEARCH NOT SUBJECT lasting")), [])
        self.assertEqual(c.ok("NOOP").numbers("EXPUNGE"), [1])
        self.place.quit(c)
        self.place.quit(d)


WORDS = ("apple apricot banana blueberry cherry cranberry damson elder fig gooseberry grape "
         "lemon lime mango melon nectarine orange papaya peach pear plum quince raspberry "
         "straße größe été naïve zürich ångström привет мир").split()


class Model:
    """A letter, and what each key says of it."""

    def __init__(self, rng, n):
        pick = lambda k: [rng.choice(WORDS) for _ in range(k)]  # noqa: E731
        self.subject = " ".join(pick(rng.randint(1, 4)))
        self.sender = " ".join(pick(2))
        self.body = "\n".join(" ".join(pick(rng.randint(3, 9))) for _ in range(rng.randint(1, 30)))
        self.flags = "".join(f for f in "DFRST" if rng.random() < 0.3)
        self.when = DAY0 + rng.randrange(10 * DAY)
        self.sent = rng.randrange(28) + 1
        self.n = n
        self.header = ("From: =?utf-8?b?%s?= <a%d@example.org>\nSubject: =?utf-8?b?%s?=\n"
                       "Date: Mon, %d Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n" % (
                           base64.b64encode(self.sender.encode()).decode(), n,
                           base64.b64encode(self.subject.encode()).decode(), self.sent))
        self.content = self.header.encode() + self.encode(rng)

    def encode(self, rng):
        raw = self.body.encode()
        how = rng.randrange(3)
        if how == 0:
            return (b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
                    + base64.encodebytes(raw))
        if how == 1:
            return (b"Content-Type: text/plain; charset=utf-8\n"
                    b"Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(raw))
        return (b"Content-Type: multipart/alternative; boundary=x9\n\n--x9\n"
                b"Content-Type: text/plain; charset=utf-8\n\n" + raw + b"\n--x9\n"
                b"Content-Type: application/octet-stream\n\nhidden apple\n--x9--\n")

    def day(self):
        return (self.when - DAY0) // DAY + 1


def fold(text):
    """Near enough to i;unicode-casemap for these words."""
    return re.sub(r"\s+", " ", text).upper().replace("SS", "ß").replace("ẞ", "ß")


class Program:
    """A random program: its words, and a predicate."""

    def __init__(self, rng, depth=0):
        kind = rng.randrange(12 if depth < 3 else 9)
        self.parts, self.has = getattr(self, "key%d" % min(kind, 11))(rng, depth)

    def text(self, rng):
        w = rng.choice(WORDS)
        if rng.random() < 0.5:
            i = rng.randrange(len(w) - 1)
            w = w[i:i + rng.randint(2, 6)]
        elif rng.random() < 0.3:
            w += " " + rng.choice(WORDS)
        if rng.random() < 0.5:
            w = w.upper() if "ß" not in w else w
        return w

    def string(self, t):
        return Literal(t.encode(), plus=True)

    def key0(self, rng, depth):
        name, f = rng.choice([("SEEN", "S"), ("ANSWERED", "R"), ("FLAGGED", "F"), ("DELETED", "T"), ("DRAFT", "D")])
        if rng.random() < 0.5:
            return ["UN" + name], lambda m: f not in m.flags
        return [name], lambda m: f in m.flags

    def key1(self, rng, depth):
        d = rng.randint(1, 10)
        return rng.choice([
            (["ON %d-Nov-2026" % d], lambda m: m.day() == d),
            (["BEFORE %d-Nov-2026" % d], lambda m: m.day() < d),
            (["SINCE %d-Nov-2026" % d], lambda m: m.day() >= d)])

    def key2(self, rng, depth):
        d = rng.randint(1, 28)
        return rng.choice([
            (["SENTON %d-Nov-2026" % d], lambda m: m.sent == d),
            (["SENTBEFORE %d-Nov-2026" % d], lambda m: m.sent < d),
            (["SENTSINCE %d-Nov-2026" % d], lambda m: m.sent >= d)])

    def key3(self, rng, depth):
        t = self.text(rng)
        return ["SUBJECT ", self.string(t)], lambda m: fold(t) in fold(m.subject)

    def key4(self, rng, depth):
        t = self.text(rng)
        return ["FROM ", self.string(t)], lambda m: fold(t) in fold("%s <a%d@example.org>" % (m.sender, m.n))

    def key5(self, rng, depth):
        t = self.text(rng)
        return ["BODY ", self.string(t)], lambda m: fold(t) in fold(m.body)

    key6 = key5

    def key7(self, rng, depth):
        t = self.text(rng)
        return ["TEXT ", self.string(t)], lambda m: (
            fold(t) in fold(m.body) or fold(t) in fold("Subject: " + m.subject)
            or fold(t) in fold("From: %s <a%d@example.org>" % (m.sender, m.n))
            or any(fold(t) in fold(line) for line in m.content.decode().split("\n--x9--")[0].split("\n")
                   if re.match(r"(Date|MIME-Version|Content-[A-Za-z-]+): ", line)))

    def key8(self, rng, depth):
        a, b = sorted((rng.randint(1, 60), rng.randint(1, 60)))
        return ["%d:%d" % (a, b)], lambda m: a <= m.n <= b

    def key9(self, rng, depth):
        p = Program(rng, depth + 1)
        return ["NOT "] + p.parts, lambda m: not p.has(m)

    def key10(self, rng, depth):
        p, q = Program(rng, depth + 1), Program(rng, depth + 1)
        return ["OR "] + p.parts + [" "] + q.parts, lambda m: p.has(m) or q.has(m)

    def key11(self, rng, depth):
        p, q = Program(rng, depth + 1), Program(rng, depth + 1)
        return ["("] + p.parts + [" "] + q.parts + [")"], lambda m: p.has(m) and q.has(m)


class Random(Base):
    """Programs at random against the model."""

    @classmethod
    def fill(cls):
        cls.seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        cls.rng = random.Random(cls.seed)
        cls.letters = [Model(cls.rng, i + 1) for i in range(60)]
        for m in cls.letters:
            cls.place.put(m.content, flags=m.flags or "", when=m.when)

    def test_as_the_model_says(self):
        for i in range(400):
            p = Program(self.rng)
            want = [m.n for m in self.letters if p.has(m)]
            self.assertEqual(self.search(*p.parts), want, "SEED=%d, %d: %r" % (
                self.seed, i, [x.data.decode() if isinstance(x, Literal) else x for x in p.parts]))
            if i == 200:
                shutil.rmtree(self.place.home() + "/index")

    def test_new_letters_are_found_at_once(self):
        self.assertEqual(self.search("BODY tamarillo"), [])
        self.place.put(letter("late", "a tamarillo\n"), folder=".Late")
        c = self.place.login()
        c.select("Late")
        self.assertEqual(numbers(c.ok("SEARCH BODY tamarillo")), [1])
        for i in range(5):
            self.place.put(letter("late", "word%d tamarillo\n" % i), folder=".Late")
            c.ok("NOOP")
            self.assertEqual(numbers(c.ok("SEARCH BODY tamarillo")), list(range(1, i + 3)))
            self.assertEqual(numbers(c.ok("SEARCH BODY word%d" % i)), [i + 2])
        self.place.quit(c)

    def test_a_deleted_mailbox_leaves_no_search_index(self):
        texts = lambda: {n for n in os.listdir(self.place.home() + "/index") if n.startswith("text.")}  # noqa: E731
        before = texts()
        self.place.put(letter("short-lived", "a tamarillo\n"), folder=".Brief")
        c = self.place.login()
        c.select("Brief")
        self.assertEqual(numbers(c.ok("SEARCH BODY tamarillo")), [1])
        self.assertEqual(len(texts() - before), 2)
        c.ok("CLOSE")
        c.ok("DELETE Brief")
        self.assertEqual(texts() - before, set())
        self.place.quit(c)

    def test_a_damaged_search_index_changes_nothing(self):
        want = self.search("BODY melon")
        d = self.place.home() + "/index"
        names = [n for n in os.listdir(d) if n.startswith("text.")]
        self.assertTrue(names)
        for i in range(12):
            for n in names:
                path = d + "/" + n
                size = os.path.getsize(path)
                with open(path, "r+b") as f:
                    if i % 4 == 3:
                        f.truncate(self.rng.randrange(size + 1))
                    elif size:
                        f.seek(self.rng.randrange(size))
                        f.write(os.urandom(20))
            self.assertEqual(self.search("BODY melon"), want)
            self.assertEqual(self.search("BODY melon"), want)


if __name__ == "__main__":
    unittest.main()
