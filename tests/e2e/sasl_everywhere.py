#!/usr/bin/env python3
"""Every way in and every mechanism: the right secret logs in, a wrong one does
not, what is not offered is refused, and by the right code each time."""

import collections
import concurrent.futures
import contextlib
import functools
import hashlib
import itertools
import os
import re
import ssl
import tempfile
import unittest

import scram_lib
from authd_lib import crypted
from harness import free_ports, out
from instance import Instance, need
from net import Net, need_net
from remote_certs import Cert
from sasl_lib import Imap, Pop3, Smtp, bearer, external, login, oauthbearer, plain, scram, xoauth2
from token_lib import Endpoint, active

WORD, WRONG = "quite-right-word", "mistaken-word"
ALL = "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL OAUTHBEARER XOAUTH2 PLAIN LOGIN".split()
NEEDS_TLS = {"SCRAM-SHA-256-PLUS", "EXTERNAL"}
SHOWS_SECRETS = {"OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN", None}
NOBODYS = "SCRAM-SHA-1-PLUS SCRAM-SHA-512 CRAM-MD5 DIGEST-MD5 NTLM GSSAPI ANONYMOUS".split()

# tls: how it begins, None: everything in clear.
Way = collections.namedtuple("Way", "door port tls")
WAYS = [Way(Smtp, 587, "starttls"), Way(Smtp, 465, "implicit"), Way(Pop3, 110, "starttls"),
        Way(Pop3, 995, "implicit"), Way(Imap, 143, "starttls"), Way(Imap, 993, "implicit")]
IN_CLEAR = [Way(Smtp, 587, None), Way(Pop3, 110, None), Way(Imap, 143, None)]

# mechanism None: the protocol's own command for a password.  secret: what the
# users file has.  more: the exchange's arguments.  wrong: (verdict, other
# arguments) of what is tried before, two at most, as the third closes.
Row = collections.namedtuple("Row", "mechanism secret exchange more wrong version", defaults=(None,))
WORDS = ("wrong", {"word": WRONG})
SPOILT = ("wrong", {"spoil": True})
ROWS = [
    Row(None, "crypt", None, {}, [WORDS]),
    Row("PLAIN", "crypt", plain, {}, [WORDS, ("foreign", {"act": "alice@example.test"})]),
    Row("PLAIN", "scram-256", plain, {"late": True}, [WORDS, ("malformed", {"word": ""})]),
    Row("LOGIN", "scram-1", login, {}, [WORDS, ("malformed", {"word": ""})]),
    Row("LOGIN", "plain", login, {"early": True}, [WORDS]),
    Row("SCRAM-SHA-1", "scram-1", scram, {"name": "SHA-1"}, [WORDS]),
    Row("SCRAM-SHA-1", "plain", scram, {"name": "SHA-1"}, [WORDS]),
    Row("SCRAM-SHA-256", "crypt", scram, {}, [WORDS, ("malformed", {"bind": "tls-server-end-point"})]),
    Row("SCRAM-SHA-256", "scram-256", scram, {}, [WORDS]),
    Row("SCRAM-SHA-256-PLUS", "crypt", scram, {"bind": "tls-exporter"}, [WORDS, SPOILT]),
    Row("SCRAM-SHA-256-PLUS", "scram-256", scram, {"bind": "tls-server-end-point"}, [WORDS, SPOILT]),
    Row("SCRAM-SHA-256-PLUS", "plain", scram, {"bind": "tls-server-end-point"},
        [("malformed", {"bind": "tls-unique"}), ("malformed", {"bind": None})]),
    Row("SCRAM-SHA-256-PLUS", "scram-256", scram, {"bind": "tls-unique"}, [WORDS, SPOILT], ssl.TLSVersion.TLSv1_2),
    Row("SCRAM-SHA-256-PLUS", "crypt", scram, {"bind": "tls-server-end-point"}, [WORDS], ssl.TLSVersion.TLSv1_2),
    Row("EXTERNAL", "card", external, {}, [("wrong", {"who": "alice@example.test"})]),
    Row("OAUTHBEARER", "token", oauthbearer, {}, [WORDS, ("wrong", {"word": "alices"})]),
    Row("XOAUTH2", "token", xoauth2, {}, [WORDS, ("wrong", {"word": "alices"})]),
]
CAROL = "carol@example.test"


def address(n):
    return "u%d@example.test" % n


class Matrix(unittest.TestCase):
    """A user and a client's address for each cell, so that the delays of wrong
    passwords do not add up."""
    host = None
    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        if not os.path.exists(out("tokend")):
            raise unittest.SkipTest("tokend was not built: no libcurl or jansson")
        cls.endpoint = Endpoint()
        cls.addClassCleanup(cls.endpoint.close)
        cls.endpoint.answers = {"alices": active("alice@example.test")}
        cls.i = i = Instance(host=cls.host, config={"authd": {
            "mechanisms": "{ %s }" % ", ".join('"%s"' % m for m in ALL)}}, more_config=(
                'tls { client-certificates = yes }\noauth { introspection-url = "%s" }\n' % cls.endpoint.url()))
        cls.addClassCleanup(i.__exit__, None, None, None)
        cls.dir = tempfile.mkdtemp(dir=i.home)
        cls.secrets = {"crypt": "%s::::::scram-sha-256=%s" % (crypted(WORD), scram_lib.keys(WORD)),
                       "plain": "{PLAIN}%s::::::" % WORD, "scram-256": "{SCRAM-SHA-256}%s::::::" % scram_lib.keys(WORD),
                       "scram-1": "{SCRAM-SHA-1}%s::::::" % scram_lib.keys(WORD, "SHA-1"), "token": "{PLAIN}x::::::"}
        cls.cells = [(n, way, row) for n, (way, row) in enumerate(itertools.product(cls.ways, ROWS))]
        i.extra_users = "%s:{PLAIN}%s::::::\n" % (CAROL, WORD) + "".join(
            "%s:%s\n" % (address(n), cls.secret(n, row)) for n, _, row in cls.cells)
        i.make()
        cls.listen_without_tls()
        i.start()

    @classmethod
    def listen_without_tls(cls):
        cls.off = free_ports(3)
        path = cls.i.dir + "/etc/merpati.conf"
        with open(path) as f:
            text = f.read()
        for port, service, role in zip(cls.off, ("smtpd", "pop3d", "imapd"), ("submission", "pop3", "imap")):
            text = re.sub(r"(?m)^%s \{$" % service, r'\g<0>\n  listen "127.0.0.1:%d" { role = "%s" tls = "off" }' % (
                port, role), text)
        with open(path, "w") as f:
            f.write(text)

    @classmethod
    def secret(cls, n, row):
        """The rest of the user's line; what a cell needs beside it is made."""
        if row.secret == "token":
            cls.endpoint.answers["token-of-u%d" % n] = active(address(n))
        if row.secret != "card":
            return cls.secrets[row.secret]
        with open(cls.card(n).path) as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        return "{PLAIN}x::::::certificate=%s" % hashlib.sha256(der).hexdigest()

    @classmethod
    @functools.cache
    def card(cls, n):
        return Cert(cls.dir, "card%d" % n)

    @classmethod
    def dial(cls, way, n):
        return way.door(("127.0.0.1", cls.i.port(way.port)), "127.77.%d.%d" % (n // 250, n % 250 + 1))

    @classmethod
    @contextlib.contextmanager
    def connection(cls, way, n=9999, card=None, version=ssl.TLSVersion.TLSv1_3):
        """Client n's, as far as one may come without a login."""
        with contextlib.closing(cls.dial(way, n)) as c:
            context = cls.i.tls(check_hostname=False, maximum_version=version)
            if card is not None:
                context.load_cert_chain(card.path, card.key)
            keys = cls.dir + "/keys%d" % next(cls.numbers)
            if way.tls == "implicit":
                c.secure(context, keys, True)
            c.greeting()
            c.offer = c.offered()
            if way.tls == "starttls":
                assert c.offer[1]
                c.secure(context, keys, False)
                c.offer = c.offered()
            yield c

    def attempt(self, c, row, user, word, more):
        if row.mechanism is None:
            return c.password(user, more.get("word", word))
        return c.auth(row.mechanism, row.exchange(c, user, **{"word": word, **row.more, **more}))

    def cell(self, n, way, row):
        card = self.card(n) if row.mechanism == "EXTERNAL" and way.tls else None
        offered = [m for m in ALL if (way.tls or m not in NEEDS_TLS) and (card or m != "EXTERNAL") and
                   (way.tls or self.safe or m not in SHOWS_SECRETS)]
        word = "token-of-u%d" % n if row.secret == "token" else WORD
        with self.connection(way, n, card, row.version or ssl.TLSVersion.TLSv1_3) as c:
            self.assertEqual(c.offer, (offered, way.tls is None))
            c.outside()
            if row.mechanism is None and way.door is Smtp:
                c.expect(c.password(address(n), word), "command")
            elif row.mechanism in offered or row.mechanism is None and "PLAIN" in offered:
                for verdict, more in row.wrong:
                    c.expect(self.attempt(c, row, address(n), word, more), verdict)
                    c.outside()
                c.expect(self.attempt(c, row, address(n), word, {}), "right")
                c.inside(address(n))
                return "event=auth-ok service=%s user=%s ip=%s " % (c.NAME, address(n), c.sock.getsockname()[0])
            else:
                c.expect(c.password(address(n), word) if row.mechanism is None else c.auth(row.mechanism), "clear")
                c.outside()
        return ""

    def parallel(self, function, cells):
        """function(*cell) of each; their results."""
        results = []
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = [(cell, pool.submit(function, *cell)) for cell in cells]
        for cell, job in jobs:
            with self.subTest(cell):
                results.append(job.result())
        return results

    def check_every_cell(self):
        log, results = self.i.log, self.parallel(self.cell, self.cells)
        for event in filter(None, results):
            self.assertIn(event, log("authd"))
        print("%d cells, in %d of them a login" % (len(results), sum(map(bool, results))))
        for text in (WORD, WRONG, "token-of", "Sanitizer", "runtime error"):
            self.assertNotIn(text, log())


class Near(Matrix):
    """From this machine."""
    ways, safe = WAYS + IN_CLEAR, True

    def test_every_cell(self):
        self.check_every_cell()

    def everywhere(self, ways, function, *more, **keys):
        """function(way, c, ...) on a connection of each way, and of each of
        what is more; clients that were not here before."""
        def one(way, *more):
            with self.connection(way, 10000 + next(self.numbers), **keys) as c:
                function(way, c, *more)
        self.parallel(one, itertools.product(ways, *more))

    def test_port_25_has_no_logins(self):
        def check(way, c, mechanism):
            self.assertEqual(c.offer, ([], way.tls is None))
            c.expect(c.auth(mechanism), "no-auth")
            c.expect(c.auth(mechanism, iter([b""])), "no-auth")
        self.everywhere([Way(Smtp, 25, None), Way(Smtp, 25, "starttls")], check, ALL + NOBODYS)

    def test_what_nobody_offers(self):
        def check(way, c, mechanism):
            verdict = "clear" if mechanism == "EXTERNAL" and not way.tls else "absent"
            c.expect(c.auth(mechanism), verdict)
            c.expect(c.auth(mechanism, iter([b""])), verdict)
            c.outside()
        self.everywhere(self.ways, check, NOBODYS + ["EXTERNAL"])

    def test_a_stranger_s_card(self):
        def check(way, c):
            c.expect(c.auth("EXTERNAL", external(c, "", "")), "wrong")
            c.outside()
            c.expect(c.auth("PLAIN", plain(c, CAROL, WORD)), "right")
        self.everywhere(WAYS, check, card=self.card(-1))

    def test_a_binding_hidden_from_the_client(self):
        """It could bind and was told that we cannot: somebody is between."""
        def check(way, c):
            line = c.auth("SCRAM-SHA-256", scram(c, CAROL, WORD, flag="y"))
            c.expect(line, "wrong" if way.tls else "right")
        self.everywhere(self.ways, check)

    def test_no_answer_and_no_user(self):
        def check(way, c):
            self.assertTrue(c.auth("PLAIN").startswith(c.MORE))
            c.expect(c.ask("*"), "cancelled")
            self.assertTrue(c.auth("LOGIN").startswith(c.MORE))
            c.expect(c.ask("!"), "malformed")
            nobody = "nobody%d@example.test" % next(self.numbers)
            c.expect(c.auth("PLAIN", plain(c, nobody, WORD)), "wrong")
            c.expect(c.auth("SCRAM-SHA-256", scram(c, nobody, WORD)), "wrong")
            c.outside()
        self.everywhere(self.ways, check)

    def test_a_challenge_is_told_once(self):
        """RFC 7628 4.3: no token, to see what the server says."""
        def check(way, c):
            c.expect(c.auth("OAUTHBEARER", bearer("n,,\1auth=\1\1", b"invalid_token")), "wrong")
            c.outside()
            c.expect(c.auth("XOAUTH2", bearer("user=a\1auth=\1\1", b"401")), "wrong")
            c.outside()
        self.everywhere(self.ways, check)

    def test_starttls_where_there_is_none(self):
        def twice(way, c):
            c.expect(c.starttls(), "tls-twice")
            c.outside()

        def off(way, c):
            self.assertFalse(c.offer[1])
            c.expect(c.starttls(), "tls-off")
            c.expect(c.auth("PLAIN", plain(c, CAROL, WORD)), "right")
            c.inside(CAROL)
            self.assertRegex(c.starttls(), r"^(502 5\.5\.1 |a BAD |-ERR )")
        self.everywhere(WAYS, twice)
        self.everywhere([Way(w.door, port - self.i.port(0), None) for w, port in zip(IN_CLEAR, self.off)], off)

    def test_starttls_after_the_login(self):
        def check(way, c):
            c.expect(c.auth("PLAIN", plain(c, CAROL, WORD)), "right")
            if way.door is Smtp:    # who it was is forgotten
                c.secure(self.i.tls(), self.dir + "/keys", False)
                c.offered()
                c.outside()
            else:
                self.assertRegex(c.starttls(), r"^(a BAD |-ERR )")
                c.inside(CAROL)
        self.everywhere(IN_CLEAR, check)

    def test_zz_starttls_while_keyd_is_away(self):
        def later(way, c):
            c.expect(c.starttls(), "tls-later")
            if way.port != 25:
                c.expect(c.auth("PLAIN", plain(c, CAROL, WORD)), "right")

        def none(way):
            with self.assertRaises(OSError), self.connection(way):
                pass
        self.i.svc("keyd", "-wD -d")
        try:
            self.everywhere(IN_CLEAR + [Way(Smtp, 25, None)], later)
            self.parallel(none, [(way,) for way in WAYS if way.tls == "implicit"])
        finally:
            self.i.svc("keyd", "-wU -u")
        self.everywhere(WAYS, lambda way, c: c.expect(c.auth("PLAIN", plain(c, CAROL, WORD)), "right"))


class Far(Matrix):
    """From another machine, in clear: no secret is let out."""
    ways, safe = IN_CLEAR, False

    def test_every_cell(self):
        self.check_every_cell()

    @classmethod
    def setUpClass(cls):
        need_net()
        cls.net = cls.enterClassContext(Net())
        cls.host, cls.client = cls.net.host("merpati", 1), cls.net.host("client", 2)
        for n in range(len(cls.ways) * len(ROWS)):
            cls.client.add("10.77.1.%d/16" % (n + 1))
        super().setUpClass()

    @classmethod
    def dial(cls, way, n):
        with cls.client.inside():
            return way.door((cls.host.addr, way.port), "10.77.1.%d" % (n + 1))


if __name__ == "__main__":
    unittest.main()
