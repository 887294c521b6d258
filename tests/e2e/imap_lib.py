"""imap-session alone, over a socketpair, and an IMAP client that hides nothing."""

import os
import re
import socket
import time
import unittest

import pop3_lib

USER = "alice@example.test"


class Atom(str):
    """A word that was neither quoted nor a literal."""


class Literal:
    """An argument sent as a literal: plus: {n+}, binary: ~{n}."""

    def __init__(self, data, plus=False, binary=False):
        self.data, self.plus, self.binary = data, plus, binary


class Reader:
    """Words of a response: Atom, int, bytes (strings), None (NIL), lists."""

    def __init__(self, data):
        self.data, self.pos = data, 0

    def peek(self):
        return self.data[self.pos:self.pos + 1]

    def blanks(self):
        while self.peek() == b" ":
            self.pos += 1

    def string(self):
        out, self.pos = b"", self.pos + 1
        while self.peek() != b'"':
            if self.peek() == b"\\":
                self.pos += 1
            if self.pos >= len(self.data):
                raise ValueError("unterminated string: %r" % self.data)
            out, self.pos = out + self.peek(), self.pos + 1
        self.pos += 1
        return out

    def literal(self):
        m = re.compile(rb"~?\{(\d+)\}\r\n").match(self.data, self.pos)
        n = int(m.group(1))
        out = self.data[m.end():m.end() + n]
        self.pos = m.end() + n
        return out

    def list(self):
        out, self.pos = [], self.pos + 1
        while True:
            self.blanks()
            if self.peek() == b")":
                self.pos += 1
                return out
            out.append(self.word())

    def atom(self):
        """BODY[HEADER.FIELDS (TO "A]")]<0> is one word."""
        start = self.pos
        m = re.compile(rb"(BODY|BINARY|BINARY\.SIZE)\[", re.I).match(self.data, start)
        if m:
            self.pos = self.data.index(b"]", start) + 1
        while self.peek() not in (b" ", b"(", b")", b"\r", b""):
            self.pos += 1
        if self.pos == start:
            raise ValueError("unexpected %r in %r" % (self.peek(), self.data))
        return self.data[start:self.pos].decode("utf-8", "surrogateescape")

    def word(self):
        c = self.peek()
        if c == b'"':
            return self.string()
        if c == b"(":
            return self.list()
        if c == b"{" or self.data[self.pos:self.pos + 2] == b"~{":
            return self.literal()
        word = self.atom()
        if word.isdigit():
            return int(word)
        return None if word.upper() == "NIL" else Atom(word)

    def words(self):
        out = []
        while True:
            self.blanks()
            if self.peek() in (b"", b"\r"):
                return out
            out.append(self.word())


class Response:
    """
    tag "*", "+" or a command's; number ("* 3 EXISTS") or None; name in upper case;
    code ("UIDNEXT"), args (its words) and text of OK, NO, BAD, BYE, PREAUTH; words of
    the others.
    """

    def __init__(self, raw):
        self.raw = raw
        self.number = self.code = self.args = None
        self.name, self.text, self.words = "", "", []
        tag, _, rest = raw[:-2].partition(b" ")
        self.tag = tag.decode()
        if self.tag == "+":
            self.text = rest.decode("utf-8", "replace")
            return
        first, _, after = rest.partition(b" ")
        if first.isdigit():
            self.number = int(first)
            first, _, after = after.partition(b" ")
        self.name = first.decode().upper()
        if self.name in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
            self.condition(after)
        else:
            self.words = Reader(after).words()

    def condition(self, rest):
        if rest.startswith(b"["):
            inner, _, rest = rest[1:].partition(b"]")
            # BADCHARSET and PERMANENTFLAGS have lists, but none has "]".
            name, _, args = inner.partition(b" ")
            self.code = name.decode().upper()
            self.args = Reader(args).words()
            rest = rest.lstrip(b" ")
        self.text = rest.decode("utf-8", "replace")

    def fetch(self):
        """FETCH's data items by name, upper case."""
        items = self.words[0]
        return {str(k).upper(): v for k, v in zip(items[::2], items[1::2])}

    def __repr__(self):
        return "<%r>" % self.raw


class Result:
    """What a command brought: untagged responses and the tagged one."""

    def __init__(self, tagged, untagged):
        self.tagged, self.untagged = tagged, untagged
        self.status, self.code = tagged.name, tagged.code
        self.args, self.text = tagged.args, tagged.text

    def all(self, name):
        return [r for r in self.untagged if r.name == name]

    def codes(self):
        """Response codes of untagged OKs and NOs: name to args."""
        return {r.code: r.args for r in self.untagged if r.code}

    def numbers(self, name):
        return [r.number for r in self.all(name)]

    def fetched(self):
        """Sequence number (or UID of UIDFETCH) to data items."""
        out = {}
        for r in self.untagged:
            if r.name in ("FETCH", "UIDFETCH"):
                out.setdefault(r.number, {}).update(r.fetch())
        return out

    def __repr__(self):
        return "%r %r" % (self.tagged, self.untagged)


class Client:
    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(60)
        self.file = sock.makefile("rb")
        self.tags = 0

    def raw_response(self):
        """One response with its literals, every octet."""
        out = b""
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise EOFError(out + line)
            out += line
            m = re.search(rb"~?\{(\d+)\}\r\n$", line)
            if not m:
                return out
            n = int(m.group(1))
            data = self.file.read(n)
            if len(data) != n:
                raise EOFError(out + data)
            out += data

    def response(self):
        return Response(self.raw_response())

    def send(self, data):
        self.sock.sendall(data)

    def tag(self):
        self.tags += 1
        return "A%d" % self.tags

    def start(self, *parts, tag=None):
        """Send a command, literals too; (tag, what came while waiting for "+")."""
        tag = tag or self.tag()
        line, before = tag.encode() + b" ", []
        for part in parts:
            if isinstance(part, str):
                part = part.encode("utf-8", "surrogateescape")
            if isinstance(part, bytes):
                line += part
                continue
            line += b"%s{%d%s}\r\n" % (b"~" if part.binary else b"", len(part.data),
                                       b"+" if part.plus else b"")
            if not part.plus:
                self.send(line)
                line = b""
                while True:
                    r = self.response()
                    if r.tag == "+":
                        break
                    before.append(r)
                    if r.tag == tag:
                        return tag, before
            line += part.data
        self.send(line + b"\r\n")
        return tag, before

    def finish(self, tag, before=()):
        untagged = list(before)
        while True:
            if untagged and untagged[-1].tag == tag:
                return Result(untagged[-1], untagged[:-1])
            untagged.append(self.response())

    def do(self, *parts, tag=None):
        """A command to its tagged response, whatever that is."""
        return self.finish(*self.start(*parts, tag=tag))

    def ok(self, *parts):
        r = self.do(*parts)
        assert r.status == "OK", r
        return r

    def no(self, *parts, code=None):
        r = self.do(*parts)
        assert r.status == "NO" and (code is None or r.code == code), r
        return r

    def bad(self, *parts):
        r = self.do(*parts)
        assert r.status == "BAD", r
        return r

    def select(self, mailbox="INBOX", how="SELECT"):
        return self.ok("%s %s" % (how, mailbox))

    def idle(self):
        """IDLE up to "+"."""
        self.idling, before = self.start("IDLE")
        while True:
            r = self.response()
            if r.tag == "+":
                return before
            before.append(r)

    def done(self):
        self.send(b"DONE\r\n")
        return self.finish(self.idling)

    def quiet(self, seconds=0.3):
        """Nothing comes for so long."""
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b"?"
        except (socket.timeout, TimeoutError):
            return True
        finally:
            self.sock.settimeout(60)

    def at_end(self):
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.sock.close()


class Place(pop3_lib.Place):
    """A configuration and mail homes; session() starts imap-session -i."""

    program, client = "imap-session", Client

    def __init__(self, imapd="", top="", parent=None):
        super().__init__("", top, parent, imapd)

    def login(self, user="alice", enable=""):
        c = self.session(user)
        c.greeting = c.response()
        assert c.greeting.name == "PREAUTH", c.greeting
        if enable:
            c.ok("ENABLE " + enable)
        return c

    def quit(self, c):
        r = c.ok("LOGOUT")
        c.process.wait(60)
        c.close()
        return r

    def folder(self, name, user="alice"):
        """The Maildir++ directory of ".Sent", made when it is not there."""
        if name in (".", "INBOX"):
            return self.maildir(user)
        d = self.maildir(user) + "/" + name
        if not os.path.isdir(d):
            for sub in ("", "/new", "/cur", "/tmp"):
                os.mkdir(d + sub)
                self.own(d + sub)
            self.write(d + "/maildirfolder", b"")
        return d

    def write(self, path, content):
        with open(path, "wb") as f:
            f.write(content)
        self.own(path)
        return path

    def put(self, content, flags="", folder=".", user="alice", when=None, name=None):
        """A letter by another program: in new/, or with flags in cur/.  Its path."""
        d = self.folder(folder, user)
        self.letters = getattr(self, "letters", 0) + 1
        name = name or "%d.M%dP1.h" % (1700000000 + self.letters, self.letters)
        tmp = self.write("%s/tmp/%s" % (d, name), content)
        if when is not None:
            os.utime(tmp, (when, when))
        to = "%s/new/%s" % (d, name)
        if flags:
            to = "%s/cur/%s:2,%s" % (d, name, flags)
        os.rename(tmp, to)
        return to

    def files(self, folder=".", user="alice"):
        """Names in cur/ and new/."""
        d = self.folder(folder, user)
        return sorted(os.listdir(d + "/cur") + os.listdir(d + "/new"))


class Filled(unittest.TestCase):
    """With the letters that fill() puts into the inbox, which is selected."""

    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.fill()
        cls.c = cls.place.login()
        cls.c.select()

    @classmethod
    def tearDownClass(cls):
        cls.place.remove()


def letter(subject="test", body="text\n", extra=""):
    return ("From: Bob <bob@example.test>\nTo: Alice <alice@example.test>\n"
            "Subject: %s\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n"
            "Message-ID: <%s@example.test>\n%s\n%s"
            % (subject, re.sub(r"\W", "", subject), extra, body)).encode()


def wire(content):
    """A stored letter as it is sent."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def eventually(f, seconds=20):
    """Wait until f() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = f()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)
