"""A client's side of every SASL mechanism, and of the three protocols that
carry them.

An exchange is a generator: it yields the initial response (None: there is
none) and then an answer to each challenge that it is sent.
"""

import base64
import hashlib
import hmac
import socket

import scram_lib
from harness import PATIENCE
from tls_login_lib import Lines, b64

# --- mechanisms: f(connection, user, word) ---------------------------------


def plain(c, user, word, late=False, act=""):
    message = ("%s\0%s\0%s" % (act, user, word)).encode()
    if late:
        assert (yield None) == b""
    yield message


def login(c, user, word, early=False):
    if early:
        challenge = yield user.encode()
    else:
        assert (yield None) == b"Username:"
        challenge = yield user.encode()
    assert challenge == b"Password:", challenge
    yield word.encode()


def scram(c, user, word, name="SHA-256", bind=None, flag="n", spoil=False):
    data = b""
    if bind:
        data = BINDINGS[bind](c) if hasattr(c.sock, "version") else b"\0" * 32
    if spoil:
        data = bytes([data[0] ^ 1]) + data[1:]
    gs2 = "p=%s,," % bind if bind else flag + ",,"
    s = scram_lib.Client(user, word, name, gs2, data)
    last, proof = s.final((yield (gs2 + s.first).encode()).decode())
    challenge = yield ("%s,p=%s" % (last, proof)).encode()
    assert challenge.decode() == "v=" + s.signature(), challenge
    yield b""


def external(c, user, word, who=""):
    yield who.encode()


def bearer(message, status):
    challenge = yield message.encode()
    assert b'"status":"%s"' % status in challenge, challenge
    yield b"\1"


def oauthbearer(c, user, word):
    return bearer("n,a=%s,\1host=localhost\1port=143\1auth=Bearer %s\1\1" % (user, word), b"invalid_token")


def xoauth2(c, user, word):
    return bearer("user=%s\1auth=Bearer %s\1\1" % (user, word), b"401")


# --- channel bindings ------------------------------------------------------


def _label(name, secret, label, octets):
    """HKDF-Expand-Label of RFC 8446 7.1, of one block at most."""
    label = b"tls13 " + label
    context = hashlib.new(name, b"").digest()
    info = octets.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.new(secret, info + b"\1", name).digest()[:octets]


def exporter(c):
    """RFC 9266, from what a client may log of its keys: Python's ssl cannot
    be asked (RFC 8446 7.5)."""
    with open(c.keys) as f:
        secret = [bytes.fromhex(x.split()[2]) for x in f if x.startswith("EXPORTER_SECRET ")][0]
    name = {32: "sha256", 48: "sha384"}[len(secret)]
    return _label(name, _label(name, secret, b"EXPORTER-Channel-Binding", len(secret)), b"exporter", 32)


def end_point(c):
    return hashlib.sha256(c.sock.getpeercert(True)).digest()


def unique(c):
    """RFC 5929 3; TLS 1.3 has none: made up."""
    return c.sock.get_channel_binding("tls-unique") if c.sock.version() == "TLSv1.2" else b"\0" * 12


BINDINGS = {"tls-exporter": exporter, "tls-server-end-point": end_point, "tls-unique": unique}

# --- protocols -------------------------------------------------------------


class Door(Lines):
    """A connection that has not logged in yet.  keys: where TLS may note its
    secrets."""

    def __init__(self, at, source=None):
        super().__init__(socket.create_connection(at, PATIENCE, (source, 0) if source else None))

    def secure(self, context, keys, implicit):
        self.keys = context.keylog_filename = keys
        if not implicit:
            self.expect(self.starttls(), "tls")
        self.wrap(context)

    def expect(self, line, verdict):
        assert line.startswith(self.VERDICTS[verdict]), "%s: %r" % (verdict, line)

    def all_of(self, line):
        """The end of the answer that began so."""
        return line

    def auth(self, mechanism, exchange=None):
        """The last line of the answer."""
        answer = None if exchange is None else next(exchange)
        initial = "" if answer is None else " " + (b64(answer) or "=")
        line = self.ask("%s %s%s" % (self.AUTH, mechanism, initial))
        while line.startswith(self.MORE) and exchange is not None:
            line = self.ask(b64(exchange.send(base64.b64decode(line[len(self.MORE):]))))
        return self.all_of(line)


class Smtp(Door):
    NAME = "smtp"
    AUTH, MORE = "AUTH", "334 "
    VERDICTS = {"right": "235 2.7.0 ", "wrong": "535 5.7.8 ", "foreign": "535 5.7.8 ", "malformed": "501 5.5.2 ",
                "cancelled": "501 5.7.0 ",
                "absent": "504 5.5.4 ", "clear": "538 5.7.11 ", "command": "500 5.5.2 ", "no-auth": "502 5.5.1 ",
                "tls": "220 2.0.0 ", "tls-off": "502 5.5.1 ", "tls-twice": "503 5.5.1 ", "tls-later": "454 4.7.0 "}

    def greeting(self):
        assert self.line().startswith("220 ")

    def offers(self):
        self.send("EHLO client.test")
        return [x[4:] for x in self.until("250 ")]

    def offered(self):
        """Mechanisms, and whether there is TLS to ask for."""
        offers = self.offers()
        return ([x.split()[1:] for x in offers if x.startswith("AUTH ")] or [[]])[0], "STARTTLS" in offers

    def password(self, user, word):
        return self.ask("USER " + user)

    def starttls(self):
        return self.ask("STARTTLS")

    def outside(self):
        line = self.ask("MAIL FROM:<alice@example.test>")
        assert line.startswith("530 5.7.0 "), line

    def inside(self, user):
        """The user sends from his own address and from no other's."""
        self.offers()
        for sender, start in ((user, "250 2.1.0 "), ("alice@example.test", "553 5.7.1 ")):
            line = self.ask("MAIL FROM:<%s>" % sender)
            assert line.startswith(start), line
            self.ask("RSET")


class Imap(Door):
    NAME = "imap"
    AUTH, MORE = "a AUTHENTICATE", "+ "
    VERDICTS = {"right": "a OK ", "wrong": "a NO [AUTHENTICATIONFAILED] ", "foreign": "a NO [AUTHORIZATIONFAILED] ",
                "malformed": "a BAD The mechanism",
                "cancelled": "a BAD Cancelled", "absent": "a NO [CANNOT] ", "clear": "a NO [PRIVACYREQUIRED] ",
                "tls": "a OK Begin", "tls-off": "a BAD STARTTLS is not", "tls-twice": "a BAD TLS is there",
                "tls-later": "a NO [UNAVAILABLE] "}

    def greeting(self):
        assert self.line().startswith("* OK ")

    def all_of(self, line):
        while line.startswith("* "):
            line = self.line()
        return line

    def offered(self):
        words = self.ask("a CAPABILITY").split()
        self.line()
        # A client that knows no SASL must know too.
        assert ("LOGINDISABLED" in words) == ("AUTH=PLAIN" not in words), words
        return [x[5:] for x in words if x.startswith("AUTH=")], "STARTTLS" in words

    def password(self, user, word):
        return self.all_of(self.ask("a LOGIN %s %s" % (user, word)))

    def starttls(self):
        return self.ask("a STARTTLS")

    def outside(self):
        line = self.ask("b SELECT INBOX")
        assert line.startswith("b BAD Log in first"), line

    def inside(self, user):
        self.send("b SELECT INBOX")
        assert self.until("b ")[-1].startswith("b OK [READ-WRITE]")


class Pop3(Door):
    NAME = "pop3"
    AUTH, MORE = "AUTH", "+ "
    VERDICTS = {"right": "+OK Logged in", "wrong": "-ERR [AUTH] Wrong", "foreign": "-ERR [AUTH] Nobody",
                "malformed": "-ERR The mechanism",
                "cancelled": "-ERR Cancelled", "absent": "-ERR That mechanism is not offered",
                "clear": "-ERR [AUTH] Passwords are", "tls": "+OK Begin", "tls-off": "-ERR STLS is not",
                "tls-twice": "-ERR TLS is there", "tls-later": "-ERR [SYS/TEMP] "}

    def greeting(self):
        assert self.line().startswith("+OK ")

    def offered(self):
        self.send("CAPA")
        offers = self.until(".")
        mechanisms = [x.split()[1:] for x in offers if x.startswith("SASL ")][0]
        assert ("USER" in offers) == ("PLAIN" in mechanisms), offers
        self.send("AUTH")
        assert self.until(".") == ["+OK"] + mechanisms + ["."]
        return mechanisms, "STLS" in offers

    def password(self, user, word):
        line = self.ask("USER " + user)
        return self.ask("PASS " + word) if line.startswith("+OK") else line

    def starttls(self):
        return self.ask("STLS")

    def outside(self):
        line = self.ask("STAT")
        assert line.startswith("-ERR Log in first"), line

    def inside(self, user):
        line = self.ask("STAT")
        assert line == "+OK 0 0", line
