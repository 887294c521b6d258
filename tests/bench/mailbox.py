"""Mailboxes to measure on: letters as people get them, the same every time."""

import base64
import os
import quopri
import random

WORDS = None


def words():
    """20,000 words, a few of them frequent."""
    global WORDS
    if WORDS is None:
        r = random.Random(5)
        syllables = [c + v + e for c in "bdfgklmnprst" for v in "aeiou" for e in ("", "n", "r", "s", "l")]
        WORDS = ["".join(r.choice(syllables) for _ in range(r.randint(1, 4))) for _ in range(20000)]
    return WORDS


def text(r, octets):
    w, out, line, have = words(), [], "", 0
    while have < octets:
        # Zipf, roughly.
        line += w[int(len(w) * r.random() ** 3)] + " "
        if len(line) > 68:
            out.append(line.rstrip())
            have += len(line)
            line = ""
    return "\n".join(out) + "\n"


def letter(n, size=None):
    """Octets of letter n, LF line ends: plain, quoted-printable, alternative or with an attachment."""
    r = random.Random(n)
    size = size or r.randint(2000, 10000)
    who = "%s %s <%s@%s.example>" % (r.choice(words()).title(), r.choice(words()).title(), r.choice(words()),
                                     r.choice(words()))
    subject = " ".join(r.choice(words()) for _ in range(r.randint(2, 8)))
    if n % 7 == 0:
        subject = "=?utf-8?B?%s?=" % base64.b64encode(("Größe " + subject[:30]).encode()).decode()
    head = ("Return-Path: <sender@example.org>\nDelivered-To: bob@example.test\n"
            "Received: from mail.example.org (mail.example.org [192.0.2.1])\n\tby mail.example.test with ESMTPS id %020d\n"
            "\tfor <bob@example.test>; Sun, 22 Nov 2026 %02d:%02d:%02d +0000\n"
            "Message-ID: <%d.%s@example.org>\nDate: Sun, 22 Nov 2026 %02d:%02d:%02d +0000\n"
            "From: %s\nTo: Bob <bob@example.test>\nSubject: %s\nMIME-Version: 1.0\n"
            % (n, n // 3600 % 24, n // 60 % 60, n % 60, n, r.choice(words()), n // 3600 % 24, n // 60 % 60, n % 60,
               who, subject))
    if n % 3 == 1:
        head += "In-Reply-To: <%d.x@example.org>\nReferences: <1.a@example.org>\n <%d.x@example.org>\n" % (n - 1, n - 1)
    body = text(r, size)
    kind = n % 4
    if kind == 0:
        head += "Content-Type: text/plain; charset=us-ascii\n\n"
    elif kind == 1:
        head += "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        body = quopri.encodestring(body.replace("a", "ä").encode()[:size]).decode()
    elif kind == 2:
        head += 'Content-Type: multipart/alternative; boundary="=_%d"\n\n' % n
        body = ("--=_%d\nContent-Type: text/plain; charset=utf-8\n\n%s\n--=_%d\nContent-Type: text/html; charset=utf-8\n"
                "Content-Transfer-Encoding: quoted-printable\n\n<html><body><p>%s</p></body></html>\n\n--=_%d--\n"
                % (n, body[:size // 2], n, body[:size // 2], n))
    else:
        head += 'Content-Type: multipart/mixed; boundary="=_%d"\n\n' % n
        body = ("--=_%d\nContent-Type: text/plain\n\n%s\n--=_%d\nContent-Type: application/pdf; name=\"a.pdf\"\n"
                "Content-Disposition: attachment; filename=\"a.pdf\"\nContent-Transfer-Encoding: base64\n\n%s\n--=_%d--\n"
                % (n, body[:size // 2], n, base64.encodebytes(r.randbytes(size // 3)).decode(), n))
    return (head + body).encode()


def fill(maildir, count, size=None, seen=True, owner=None):
    """Letters into cur/, named with the sizes as both servers write them."""
    for sub in ("tmp", "new", "cur"):
        os.makedirs("%s/%s" % (maildir, sub), mode=0o700, exist_ok=True)
    for n in range(count):
        octets = letter(n, size)
        name = "%s/cur/%d.M%06dP1.bench,S=%d,W=%d:2,%s" % (maildir, 1763740000 + n, n % 1000000, len(octets),
                                                       len(octets) + octets.count(b"\n"), "S" if seen and n % 5 else "")
        with open(name, "wb") as f:
            f.write(octets)
    if owner:
        home = os.path.dirname(maildir)
        for d in (os.path.dirname(home), home):
            os.chown(d, *owner)
        for root, dirs, files in os.walk(maildir):
            for x in dirs + files + ["."]:
                os.chown(os.path.join(root, x), *owner)
