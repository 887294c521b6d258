#!/usr/bin/env python3
"""SORT and THREAD in imap-session (RFC 5256, RFC 5957)."""

import calendar
import os
import random
import time
import unittest

from imap_lib import Filled, Literal, Place, letter

DAY0 = calendar.timegm((2026, 11, 1, 0, 0, 0))


def order(r):
    [x] = r.all("SORT")
    return x.words


def threads(r):
    [x] = r.all("THREAD")
    return x.raw[len(b"* THREAD"):].strip().decode()


class Sort(Filled):
    """RFC 5256 3 and RFC 5957 3."""

    LETTERS = [
        # subject, from, to, cc, date, arrived, body
        ("Re: banana", "Zoe <alice@x.example>", "d@y.example", "", "2 Nov 2026 10:00:00 +0000", 5, 30),
        ("apple", "bob@x.example", "Anna <z@y.example>", "k@y.example", "2 Nov 2026 10:00:00 +0100", 4, 20),
        ("=?utf-8?q?=C3=84pfel?=", "\"Carol\" <a@x.example>", "c@y.example", "", None, 3, 10),
        ("[list] Fwd: Apple", "=?utf-8?q?=C3=89mile?= <e@x.example>", "b@y.example", "j@y.example",
         "1 Nov 2026 10:00:00 +0000", 2, 40),
        ("", "dave@x.example", "", "", "3 Nov 2026 10:00:00 +0000", 1, 20),
    ]

    @classmethod
    def fill(cls):
        for subject, sender, to, cc, date, day, size in cls.LETTERS:
            h = "From: %s\nSubject: %s\n" % (sender, subject)
            for name, value in (("To", to), ("Cc", cc), ("Date", date)):
                if value:
                    h += "%s: %s\n" % (name, value)
            h += "X: " + "x" * (300 - len(h)) + "\n"
            cls.place.put((h + "\n" + "b" * size + "\n").encode(), when=DAY0 + day * 86400)

    def test_keys(self):
        for keys, want in (
                ("ARRIVAL", [5, 4, 3, 2, 1]), ("REVERSE ARRIVAL", [1, 2, 3, 4, 5]),
                # Without a Date it is INTERNALDATE that counts: day 3.
                ("DATE", [4, 2, 1, 5, 3]), ("REVERSE DATE", [3, 5, 1, 2, 4]),
                ("SIZE", [3, 5, 2, 1, 4]), ("REVERSE SIZE", [4, 1, 2, 5, 3]),
                # Decomposed: A, a diaeresis, PFEL.
                ("SUBJECT", [5, 2, 4, 3, 1]), ("SUBJECT REVERSE ARRIVAL", [5, 2, 4, 3, 1]),
                ("SUBJECT ARRIVAL", [5, 4, 2, 3, 1]),
                ("FROM", [3, 1, 2, 5, 4]), ("REVERSE FROM", [4, 5, 2, 1, 3]), ("TO", [5, 4, 3, 1, 2]),
                ("CC", [1, 3, 5, 4, 2]),
                ("DISPLAYFROM", [2, 3, 5, 4, 1]), ("DISPLAYTO", [5, 2, 4, 3, 1]),
                ("REVERSE CC REVERSE SIZE", [2, 4, 1, 5, 3])):
            with self.subTest(keys=keys):
                self.assertEqual(order(self.c.ok("SORT (%s) UTF-8 ALL" % keys)), want)
                self.assertEqual(order(self.c.ok("UID SORT (%s) US-ASCII 2:4" % keys)),
                                 [n for n in want if 2 <= n <= 4])

    def test_of_what_is_found(self):
        self.assertEqual(order(self.c.ok("SORT (SUBJECT) UTF-8 SUBJECT ", Literal("äpfel".encode()))), [3])
        self.assertEqual(order(self.c.ok("SORT (SUBJECT) UTF-8 FLAGGED")), [])

    def test_what_is_wrong_is_refused(self):
        for words in ("", " DATE UTF-8 ALL", " () UTF-8 ALL", " (DATE UTF-8 ALL", " (FOO) UTF-8 ALL",
                      " (REVERSE) UTF-8 ALL", " (DATE) UTF-8", " (DATE) UTF-8 FOO", " (DATE)"):
            with self.subTest(words=words):
                self.c.bad("SORT" + words)
                self.c.ok("NOOP")
        self.c.no("SORT (DATE) KOI8-R ALL", code="BADCHARSET")
        self.c.no("SORT (%s) UTF-8 ALL" % " ".join(["DATE"] * 40), code="LIMIT")


class Thread(Filled):
    """RFC 5256 3: both algorithms."""

    LETTERS = [
        # id, subject, hour, references, in-reply-to
        ("a", "Picnic", 1, "", ""),
        ("b", "Re: Picnic", 2, "<a@x>", ""),
        ("c", "Re: Picnic", 3, "<a@x> <b@x>", ""),
        ("d", "Re: Picnic", 4, "", "<a@x>"),
        ("e", "Rain", 5, "", ""),
        ("f", "Re: Rain", 6, "", ""),
        ("g", "Lost", 7, "<gone@x>", ""),
        ("h", "Found", 8, "<gone@x>", ""),
        ("i", "Lone", 9, "<never@x>", ""),
    ]

    @classmethod
    def fill(cls):
        for name, subject, hour, references, reply in cls.LETTERS:
            h = "From: a@b\nMessage-ID: <%s@x>\nSubject: %s\nDate: Mon, 2 Nov 2026 %02d:00:00 +0000\n" % (
                name, subject, hour)
            if references:
                h += "References: %s\n" % references.replace(" ", "\n ")
            if reply:
                h += "In-Reply-To: %s\n" % reply
            cls.place.put((h + "\nx\n").encode())

    def test_references(self):
        self.assertEqual(threads(self.c.ok("THREAD REFERENCES UTF-8 ALL")),
                         "(1 (2 3)(4))(5 6)((7)(8))(9)")
        self.assertEqual(threads(self.c.ok("UID THREAD REFERENCES UTF-8 ALL")),
                         "(1 (2 3)(4))(5 6)((7)(8))(9)")
        # What is not searched for is a gap.
        self.assertEqual(threads(self.c.ok("THREAD REFERENCES UTF-8 NOT 2")), "(1 (3)(4))(5 6)((7)(8))(9)")
        self.assertEqual(threads(self.c.ok("THREAD REFERENCES UTF-8 2:4")), "((2 3)(4))")

    def test_ordered_subject(self):
        self.assertEqual(threads(self.c.ok("THREAD ORDEREDSUBJECT UTF-8 ALL")),
                         "(1 (2)(3)(4))(5 6)(7)(8)(9)")

    def test_nothing_found(self):
        for how in ("REFERENCES", "ORDEREDSUBJECT"):
            self.assertEqual(self.c.ok("THREAD %s UTF-8 FLAGGED" % how).all("THREAD")[0].raw, b"* THREAD\r\n")

    def test_what_is_wrong_is_refused(self):
        for words in ("", " REFS UTF-8 ALL", " REFERENCES", " REFERENCES UTF-8", " REFERENCES UTF-8 FOO"):
            with self.subTest(words=words):
                self.c.bad("THREAD" + words)
                self.c.ok("NOOP")
        self.c.no("THREAD REFERENCES X-A ALL", code="BADCHARSET")


class Node:
    def __init__(self, message=None):
        self.message, self.parent, self.children = message, None, []

    def add(self, child):
        child.parent = self
        self.children.append(child)

    def above(self, other):
        while other is not None and other is not self:
            other = other.parent
        return other is self

    def key(self):
        m = self.message or self.children[0].message
        return m["date"], m["n"]

    def subject(self):
        return (self.message or self.children[0].message)["subject"]

    def reply(self):
        return self.message is not None and self.message["reply"]


def prune(node, top=False):
    for c in node.children:
        prune(c)
    out = []
    for c in node.children:
        if c.message is not None or (top and len(c.children) > 1):
            out.append(c)
        else:
            out.extend(c.children)
    node.children = out
    for c in out:
        c.parent = node


def arrange(node):
    for c in node.children:
        arrange(c)
    node.children.sort(key=Node.key)


def show(node):
    def one(n):
        inner = [one(c) for c in n.children]
        text = "" if n.message is None else str(n.message["n"])
        if len(inner) == 1:
            return text + (" " if text else "") + inner[0]
        return text + (" " if text and inner else "") + "".join("(%s)" % x for x in inner)
    return "".join("(%s)" % one(c) for c in node.children)


def model(messages):
    """RFC 5256 3's REFERENCES, once more and with recursion."""
    ids, every, root = {}, [], Node()

    def node(i):
        if i not in ids:
            ids[i] = Node()
            every.append(ids[i])
        return ids[i]

    for m in messages:
        own = node(m["id"])
        if own.message is not None:
            own = Node()
            every.append(own)
        own.message = m
        before = None
        for i in m["references"]:
            n = node(i)
            if before is not None and n.parent is None and not n.above(before):
                before.add(n)
            before = n
        if own.parent is not None:
            own.parent.children.remove(own)
            own.parent = None
        if before is not None and not own.above(before):
            before.add(own)
    for n in [n for n in every if n.parent is None]:
        root.add(n)
    prune(root, True)
    for n in root.children:
        if n.message is None:
            n.children.sort(key=Node.key)
    root.children.sort(key=Node.key)
    table = {}
    for n in root.children:
        old = table.get(n.subject())
        if n.subject() and (old is None or (old.message is not None and (
                n.message is None or (old.reply() and not n.reply())))):
            table[n.subject()] = n
    for n in list(root.children):
        old = table.get(n.subject())
        if not n.subject() or old is n:
            continue
        root.children.remove(n)
        if old.message is None:
            for c in (n.children if n.message is None else [n]):
                old.add(c)
        elif n.reply() and not old.reply():
            old.add(n)
        else:
            dummy = Node()
            dummy.parent = root
            root.children[root.children.index(old)] = dummy
            dummy.add(old)
            dummy.add(n)
            table[n.subject()] = dummy
    arrange(root)
    root.children.sort(key=Node.key)
    return show(root)


class Random(unittest.TestCase):
    """REFERENCES on tangled letters beside the model."""

    def test_as_the_model_says(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        rng = random.Random(seed)
        place = Place()
        self.addCleanup(place.remove)
        for box in range(25):
            messages = []
            for n in range(1, rng.randint(2, 25)):
                m = {"n": n, "id": "%d@x" % rng.randint(1, 20), "subject": rng.choice(["S", "T", "U", ""]),
                     "reply": rng.random() < 0.5, "date": DAY0 + rng.randint(0, 20) * 3600,
                     "references": ["%d@x" % rng.randint(1, 20) for _ in range(rng.choice([0, 0, 1, 2, 3]))]}
                m["reply"] = m["reply"] and m["subject"] != ""
                messages.append(m)
                place.put(("From: a@b\nMessage-ID: <%s>\nSubject: %s%s\nDate: %s\n%s\nx\n" % (
                    m["id"], "Re: " if m["reply"] else "", m["subject"],
                    time.strftime("%d %b %Y %H:%M:%S +0000", time.gmtime(m["date"])),
                    "References: %s\n" % " ".join("<%s>" % r for r in m["references"]) if m["references"] else "")
                ).encode(), folder=".Box%d" % box)
            c = place.login()
            c.select("Box%d" % box)
            self.assertEqual(threads(c.ok("THREAD REFERENCES UTF-8 ALL")), model(messages),
                             "SEED=%d box %d: %r" % (seed, box, messages))
            place.quit(c)


class Large(unittest.TestCase):
    def test_a_thread_as_deep_as_the_mailbox(self):
        place = Place()
        self.addCleanup(place.remove)
        n = 2000
        for i in range(n):
            place.put(letter("deep%d" % i, extra="References: <deep%d@example.test>\n" % (i - 1) if i else ""))
        c = place.login()
        c.select()
        self.assertEqual(threads(c.ok("THREAD REFERENCES UTF-8 ALL")), "(%s)" % " ".join(
            str(i + 1) for i in range(n)))
        self.assertEqual(order(c.ok("SORT (SUBJECT) UTF-8 1:3")), [1, 2, 3])
        place.quit(c)


if __name__ == "__main__":
    unittest.main()
