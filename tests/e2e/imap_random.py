#!/usr/bin/env python3
"""IMAP and POP3: commands in whatever order, from several clients of one
account that leave at whatever octet.  Here no process may die of it, and
every command that was sent whole gets exactly one answer.  MERPATI_SEED
begins elsewhere, MERPATI_ROUNDS says how many."""

import os
import random
import re
import shutil
import socket
import threading
import time
import unittest
import zlib

from imap_lib import Place, letter, wire
from imap_login import PLAIN
from pop3_lib import Authd, program

SEED = int(os.environ.get("MERPATI_SEED", "1"))
ROUNDS = int(os.environ.get("MERPATI_ROUNDS", "60"))
SECONDS = 15 if "MERPATI_ROUNDS" not in os.environ else 36000
SETS = ("1", "1:*", "*", "0", "4294967295", "4294967296", "*:4294967295", "2,1,2",
        "$", "1:3", "5:2", "1,", "4294967295:*", "2:4", "99", ":", "1:2:3", "*,*")
BOXES = ("INBOX", "inbox", "Work", "Work/Deep", "Gone", "Sent", '""', "a//b", "/", "&AAA-",
         "INBOX/x", '"w o"', "{3+}\r\nNew", "..", "&Jjo-", "*", "x" * 300, "Work/")
FLAGS = ("(\\Seen)", "\\Deleted", "(\\Deleted $x a b)", "()", "(\\Recent)", "(\\Bad", "($Forwarded)",
         "\\Deleted \\Seen", "(%s)" % " ".join("k%d" % n for n in range(40)))
ITEMS = ("ALL", "FULL", "FLAGS", "(UID FLAGS MODSEQ)", "BODY[]", "(BODY.PEEK[1.2.3]<0.0>)",
         "BODY.PEEK[HEADER.FIELDS (From {2+}\r\nTo)]", "BINARY[1]", "BINARY.SIZE[2]", "BODY[1.MIME]<9999.1>",
         "BODY[]<4294967295.4294967295>", "(PREVIEW (LAZY) SAVEDATE EMAILID THREADID)", "BODYSTRUCTURE", "()",
         "BODY[0]", "(RFC822 RFC822.TEXT)", "FLAGS (CHANGEDSINCE 1 VANISHED)", "FLAGS (CHANGEDSINCE 0)",
         "UID (PARTIAL -1:-2)", "UID (PARTIAL 4294967295:1)", "ENVELOPE (CHANGEDSINCE 18446744073709551615)")
KEYS = ("ALL", "$", "UID $", "NOT $", "UNSEEN", "DELETED", "TEXT hello", "BODY {2+}\r\nhe", "OR SEEN (NOT 1:*)",
        "MODSEQ 1", "LARGER 4294967295", "OLDER 0", "SINCE 1-Jan-2026", "HEADER x \"\"", "UID 0", "FUZZY SUBJECT a",
        "(" * 60 + "ALL" + ")" * 60, "KEYWORD a", "SAVEDBEFORE 1-Jan-2026", "EMAILID x", "CHARSET x ALL", "")
RETURNS = ("", "RETURN () ", "RETURN (SAVE) ", "RETURN (MIN MAX COUNT SAVE) ", "RETURN (PARTIAL 1:4294967295) ",
           "RETURN (PARTIAL -1:-3 SAVE) ", "RETURN (ALL PARTIAL 1:2) ", "RETURN (COUNT) ", "RETURN (PARTIAL 0:1) ")
LITERALS = ("{9+}\r\na: b\r\n\r\nc", "{9}\r\na: b\r\n\r\nc", "~{9+}\r\na: b\r\n\r\nc", "{0+}\r\n", "{3+}\r\na\0b",
            "(\\Seen a) \"01-Jan-2026 00:00:00 +0000\" {4+}\r\nx: y", "{1+}\r\na {1+}\r\nb", "UTF8 (~{4+}\r\nx: y)",
            "CATENATE (URL \"/INBOX/;UID=1\" TEXT {2+}\r\nab)", "CATENATE (URL \";UID=1\")", "CATENATE ()",
            "CATENATE (URL \"/;UID=1/;SECTION=HEADER.FIELDS%20({3+}\")", "CATENATE (URL \"/Work/;UID=4294967295\")",
            "CATENATE (URL \";UID=1/;SECTION=1.2/;PARTIAL=0.1\")", "CATENATE (TEXT {3+}\r\na: URL {4+}\r\n\0\0\0\0)",
            "CATENATE (TEXT {4+}\r\na: b URL \"imap://x/\")", "{4294967296+}", "{18446744073709551616}",
            "CATENATE (URL \"/INBOX;UIDVALIDITY=1/;UID=2\"", "{2}")
NOTIFIES = ("NONE", "SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge FlagChange))", "SET STATUS (personal "
            "(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))", "SET (subtree Work NONE)",
            "SET (selected-delayed (MessageNew (FLAGS) MessageExpunge)) (inboxes (MessageNew MessageExpunge))",
            "SET (mailboxes (Work Gone) (MessageNew MessageExpunge))", "SET (personal NONE) (selected NONE)", "SET (")
ODD = ("", "NOOP", "CAPABILITY", "LOGOUT", "CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "UID EXPUNGE 1:*", "NAMESPACE",
       "ID NIL", "ID (\"name\" \"x\")", "ENABLE QRESYNC", "ENABLE UIDONLY", "ENABLE IMAP4rev2 UTF8=ACCEPT", "UID",
       "STARTTLS", "AUTHENTICATE PLAIN", "LOGIN a b", "IDLE\r\nDONE", "IDLE\r\nODD", "IDLE\r\n", "IDLE x", "XYZ",
       "UID NOOP", "COMPRESS GZIP", "LIST \"\" *", "LIST (SUBSCRIBED) \"\" (% *) RETURN (STATUS (MESSAGES SIZE) CHILDREN)",
       "LIST (RECURSIVEMATCH) \"\" *", "LSUB \"\" %", "GETQUOTA x", "GETQUOTAROOT INBOX", "SETQUOTA \"\" (STORAGE 0)",
       "GETMETADATA \"\" /shared/admin", "X" * 70000, "NOOP \0", "\xff", "SORT (SUBJECT) UTF-8 $",
       "UID SORT RETURN (PARTIAL 1:1 SAVE) (REVERSE DISPLAYFROM DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL",
       "UID THREAD ORDEREDSUBJECT UTF-8 $", "SORT () UTF-8 ALL", "THREAD X UTF-8 ALL", "COMPRESS DEFLATE\r\nrest")


def template(rnd):
    """A command without its tag."""
    box, where, uid = rnd.choice(BOXES), rnd.choice(SETS), rnd.choice(("", "UID "))
    return rnd.choice((
        lambda: rnd.choice(ODD), lambda: rnd.choice(ODD),
        lambda: "%s %s" % (rnd.choice(("SELECT", "SELECT", "EXAMINE", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE")), box),
        lambda: "SELECT %s" % rnd.choice(("INBOX", "Work", "Gone")),
        lambda: "SELECT %s (%s)" % (box, rnd.choice(("CONDSTORE", "QRESYNC (1 0)", "QRESYNC (1 1 1:9 (1:2 1:3))",
                                                     "QRESYNC (4294967295 18446744073709551615)", ""))),
        lambda: "RENAME %s %s" % (box, rnd.choice(BOXES)),
        lambda: "STATUS %s (%s)" % (box, rnd.choice(("MESSAGES", "UIDNEXT UNSEEN SIZE DELETED", "HIGHESTMODSEQ", "x", ""))),
        lambda: "%sFETCH %s %s" % (uid, where, rnd.choice(ITEMS)),
        lambda: "%sFETCH %s %s" % (uid, where, rnd.choice(ITEMS)),
        lambda: "%sSTORE %s %s%sFLAGS%s %s" % (uid, where, rnd.choice(("", "(UNCHANGEDSINCE 0) ", "(UNCHANGEDSINCE 99) ")),
                                               rnd.choice("+- ").strip(), rnd.choice(("", ".SILENT")), rnd.choice(FLAGS)),
        lambda: "%s%s %s %s" % (uid, rnd.choice(("COPY", "MOVE")), where, box),
        lambda: "%sSEARCH %s%s" % (uid, rnd.choice(RETURNS), rnd.choice(KEYS)),
        lambda: "SEARCH RETURN (SAVE) %s" % rnd.choice(KEYS),
        lambda: "APPEND %s %s" % (rnd.choice(("INBOX", box)), rnd.choice(LITERALS)),
        lambda: "%sREPLACE %s %s %s" % (uid, where, box, rnd.choice(LITERALS)),
        lambda: "NOTIFY %s" % rnd.choice(NOTIFIES),
        lambda: "SETMETADATA %s (/private/comment %s)" % (box, rnd.choice(("NIL", "x", "{2+}\r\na\n", "~{1+}\r\n\0"))),
        lambda: "GETMETADATA %s %s /private/comment" % (rnd.choice(("(DEPTH infinity)", "(MAXSIZE 0)", "")), box),
    ))()


LOGINS = ("LOGIN alice@example.test wrong", "LOGIN {1}\r\na {1+}\r\nb", "LOGIN \"\" \"\"", "AUTHENTICATE PLAIN\r\n*",
          "AUTHENTICATE PLAIN =", "AUTHENTICATE LOGIN\r\nYQ==\r\n*", "AUTHENTICATE SCRAM-SHA-256 bixuPWEscj1hYmM=",
          "AUTHENTICATE SCRAM-SHA-256\r\n*", "AUTHENTICATE X", "AUTHENTICATE PLAIN\r\n!!", "LOGIN {99999+}", "STARTTLS",
          "LOGIN alice@example.test {6+}\r\nsecret", "AUTHENTICATE PLAIN " + PLAIN, "LOGIN a", "LOGIN \"a", "SELECT a",
          "NOOP", "LOGOUT", "ID NIL", "ID (\"a\" {2000+}", "CAPABILITY", "UID", "", "\0", "X" * 9000)
POPS = ("CAPA", "STAT", "LIST", "LIST 1", "LIST 0", "LIST 4294967295", "UIDL", "UIDL 99", "UIDL 2", "RETR 1", "RETR 2",
        "RETR 0", "RETR 4294967296", "TOP 1 0", "TOP 2 4294967295", "TOP 1", "TOP 9 9", "DELE 1", "DELE 2", "DELE 3",
        "DELE 0", "RSET", "NOOP", "QUIT", "USER a", "PASS b", "AUTH", "STLS", "UTF8", "LANG", "", "X" * 600, "\0", "RETR x")
POP_LOGINS = ("USER alice@example.test", "USER ", "USER " + "x" * 300, "PASS wrong", "PASS ", "PASS secret", "AUTH",
              "AUTH PLAIN\r\n*", "AUTH PLAIN =", "AUTH PLAIN " + PLAIN, "AUTH X", "AUTH SCRAM-SHA-256\r\n*", "STLS", "QUIT",
              "STLS x", "CAPA", "NOOP", "STAT", "\0", "AUTH LOGIN\r\nYQ==\r\n*", "UTF8", "LANG *", "APOP a b")


class Talk(threading.Thread):
    """What one client says, in pieces, and what it hears until the end."""

    def __init__(self, client, words, rnd, tagged, begin=()):
        super().__init__(daemon=True)
        self.client, self.rnd, self.tagged = client, rnd, tagged
        self.heard, self.inflate, self.deflate = b"", None, None
        self.words = list(begin) + words
        pieces = [(b"T%d " % n if tagged else b"") + w.encode("latin-1") + b"\r\n" for n, w in enumerate(self.words)]
        self.cut = rnd.random() < .5
        if self.cut and len(pieces) > len(begin):
            pieces[-1] = pieces[-1][:rnd.randrange(len(pieces[-1]))]
        self.pieces = pieces
        self.leaves = rnd.random() < .15
        self.compress = tagged and not begin == () and rnd.random() < .2
        self.reader = threading.Thread(target=self.read, daemon=True)

    def read(self):
        try:
            while data := self.client.sock.recv(65536):
                self.heard += self.inflate.decompress(data) if self.inflate else data
                found = re.search(rb"\nC OK .*?\n", self.heard)
                if self.compress and not self.inflate and found:
                    # A server that is told to stop says more at once.
                    rest, self.heard = self.heard[found.end():], self.heard[:found.end()]
                    self.inflate = zlib.decompressobj(-15)
                    self.heard += self.inflate.decompress(rest)
        except (OSError, zlib.error):
            pass

    def send(self, octets):
        if self.deflate:
            octets = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.client.send(octets)

    def start_compression(self):
        """Everything was answered before: the answer is all that comes."""
        self.client.send(b"C COMPRESS DEFLATE\r\n")
        end = time.monotonic() + 60
        while not re.search(rb"\r\nC .*\n", self.heard) and self.reader.is_alive() and time.monotonic() < end:
            time.sleep(0.002)
        if b"\r\nC OK" in self.heard:
            self.deflate = zlib.compressobj(wbits=-15)

    def run(self):
        batch = b""
        self.reader.start()
        try:
            if self.compress:
                self.start_compression()
            for piece in self.pieces:
                batch += piece
                if self.rnd.random() < .5:
                    self.send(batch)
                    batch = b""
                    time.sleep(self.rnd.random() * .01)
            self.send(batch)
            self.client.sock.shutdown(socket.SHUT_RDWR if self.leaves else socket.SHUT_WR)
        except OSError:
            pass                        # it was thrown out
        self.reader.join(60)

    def lines(self):
        """Of what was heard, without what literals hold."""
        rest, out = self.heard, []
        while rest:
            line, end, rest = rest.partition(b"\r\n")
            if not end:
                raise AssertionError("no whole line: %r" % line[-200:])
            out.append(line)
            m = re.search(rb"\{(\d+)\}$", line)
            if m:
                rest = rest[int(m.group(1)):]
        return out

    def check_tagged(self):
        """Each has one answer, in turn, up to where the server ended."""
        lines = self.lines()
        tags = [m.group(1).decode() for line in lines if (m := re.match(rb"(T\d+) (OK|NO|BAD) ", line))]
        sure = self.sure()
        sent = ["T%d" % n for n in range(sure)]
        ended = any(x.startswith(b"* BYE") and b"connection is over" not in x for x in lines)
        if ended:
            sent = sent[:len(tags)]
        assert tags[:len(sent)] == sent and len(tags) == len(set(tags)), (sure, tags, lines[-5:])

    def sure(self):
        """How many of the first commands must have an answer."""
        for n, w in enumerate(self.words):
            if re.search(r"\{\d+\+?\}$", w) or w.endswith("IDLE\r\n") or "DEFLATE\r\n" in w or w == "AUTHENTICATE PLAIN":
                return n                # it takes what follows
        return len(self.words) - self.cut

    def check_pop(self):
        lines = self.heard.split(b"\r\n")
        assert lines.pop() == b"", self.heard[-100:]
        if lines and not lines[0].startswith((b"+OK", b"-ERR")):
            raise AssertionError(lines[0])
        n = 1
        for w in self.words:
            if n == len(lines):
                break
            verb = w.split(" ")[0].strip()
            assert re.match(rb"\+OK|-ERR", lines[n]), (w, lines[n])
            many = lines[n].startswith(b"+OK") and (
                verb in ("CAPA", "RETR", "TOP") or w in ("LIST", "UIDL"))
            n = lines.index(b".", n) + 1 if many else n + 1
            if verb == "QUIT":
                break
        assert n == len(lines) or self.cut, lines[n:]


class Servers(Authd):
    """Hands connections on to the server of their protocol, and hangs up at
    what it does not know."""

    def __init__(self, place):
        self.servers, self.processes = {}, []
        super().__init__(place, {b"alice@example.test": b"secret"})
        for service in ("imap", "pop3"):
            self.start_server(service + "-session")
            self.servers[service] = self.server
            self.processes.append(self.process)

    def answer(self, data, fds):
        service = re.search(rb"\nservice (\w+)", data)
        if service:
            self.server = self.servers[service[1].decode()]
        return super().answer(data, fds)

    def talk(self, conn):
        try:
            super().talk(conn)
        except (KeyError, OSError):
            pass

    def close(self):
        super().close()
        for server in self.servers.values():
            server.close()


class Random(unittest.TestCase):

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def connect(self, user, name):
        self.place.program = name
        c = self.place.session(user)
        return c

    def fill(self, user, rnd):
        for n in range(rnd.randrange(5)):
            body = "hello\n" * rnd.choice((0, 1, 300, 20000))
            self.place.put(letter("n %d" % n, body), flags=rnd.choice(("", "S", "ST")), user=user)
        if rnd.random() < .7:
            self.place.put(wire(letter("w")), folder=".Work", user=user)

    def disturb(self, user, rnd):
        """Another program's doings, while clients talk."""
        d = self.place.maildir(user)
        for _ in range(rnd.randrange(4)):
            time.sleep(rnd.random() * .02)
            what = rnd.randrange(4)
            if what == 0:
                self.place.put(letter("late"), user=user)
            elif what == 1:
                shutil.rmtree(d + "/.Work", ignore_errors=True)
            elif what == 2:
                for name in os.listdir(d + "/cur")[:1]:
                    try:
                        os.unlink(d + "/cur/" + name)
                    except FileNotFoundError:
                        pass
            else:
                shutil.rmtree(d + "/.Gone", ignore_errors=True)

    def ended(self, c, what):
        self.assertEqual(c.process.wait(60), 0, (what, self.place.text_of_log()[-3000:]))

    def round(self, seed):
        rnd = random.Random(seed)
        user = "u%d" % seed
        self.fill(user, rnd)
        talks = []
        for n in range(rnd.randrange(1, 4)):
            own = random.Random(rnd.random())
            c = self.connect(user, "imap-session")
            begin = own.choice(((), ("SELECT INBOX",), ("SELECT INBOX", "SEARCH RETURN (SAVE) ALL"),
                                ("ENABLE UIDONLY", "SELECT INBOX"), ("ENABLE QRESYNC", "SELECT Work"),
                                ("CREATE Gone", "SELECT Gone"), ("SELECT INBOX", "NOTIFY " + NOTIFIES[1])))
            talks.append(Talk(c, [template(own) for _ in range(own.randrange(1, 14))], own, True, begin))
        if rnd.random() < .5:
            own = random.Random(rnd.random())
            talks.append(Talk(self.connect(user, "pop3-session"), own.choices(POPS, k=own.randrange(1, 12)), own, False))
        for t in talks:
            t.start()
        self.disturb(user, rnd)
        if rnd.random() < .1 and talks[0].heard:
            talks[0].client.process.terminate()
        self.over(talks)
        shutil.rmtree(self.place.home(user), ignore_errors=True)

    def over(self, talks, check=True):
        for t in talks:
            t.join(120)
            self.ended(t.client, t.words)
            if not t.leaves and check:
                try:
                    t.check_tagged() if t.tagged else t.check_pop()
                except AssertionError as e:
                    raise AssertionError(t.words, t.pieces[-1], *e.args) from None
            self.heard.update(re.findall(rb"(?m)^(?:T\d+ (?:OK|NO|BAD)|\+OK|-ERR)(?= |\r)",
                                         re.sub(rb"T\d+", b"T0", t.heard)))
            t.client.file.close()
            t.client.sock.close()
            self.place.clients.remove(t.client)

    def rounds(self, f):
        self.heard = set()
        end = time.monotonic() + SECONDS
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                f(seed)
            if time.monotonic() > end:
                break
        self.assertEqual(self.heard, {b"T0 OK", b"T0 NO", b"T0 BAD", b"+OK", b"-ERR"})
        log = self.place.text_of_log()
        bad = re.findall(".*(?:Sanitizer|runtime error).*", log)
        self.assertEqual(bad, [])

    def test_sessions(self):
        self.rounds(self.round)

    def login_round(self, seed):
        rnd = random.Random(seed)
        imap = rnd.random() < .6
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname()[:2])
            theirs, _ = listening.accept()
        p = self.place.start([program("imapd" if imap else "pop3d"), "-i", "-c", self.place.conf], theirs)
        theirs.close()
        c = self.place.client(ours)
        c.process = p
        self.place.clients.append(c)
        words = rnd.choices(LOGINS if imap else POP_LOGINS, k=rnd.randrange(1, 9))
        if rnd.random() < .6:
            words[rnd.randrange(len(words)):] = [
                "AUTHENTICATE PLAIN " + PLAIN, *(template(rnd) for _ in range(8))] if imap else [
                "AUTH PLAIN " + PLAIN, *rnd.choices(POPS, k=8)]
        t = Talk(c, words, rnd, imap)
        t.start()
        self.over([t], imap)

    def test_logins(self):
        for n in range(3):
            self.place.put(letter("n %d" % n))
        authd = Servers(self.place)
        self.addCleanup(authd.close)
        self.rounds(self.login_round)
        self.assertEqual([p.poll() for p in authd.processes], [None, None])
        self.assertNotIn("-session-killed", self.place.text_of_log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
