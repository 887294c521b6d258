"""What an IMAP client may rely on, kept beside what the server says: World for
what holds in all sessions, View for a selected mailbox, Session for one
connection that checks every response."""

import os
import time

SYSTEM = {"\\Answered": "R", "\\Flagged": "F", "\\Deleted": "T", "\\Seen": "S",
          "\\Draft": "D", "$Forwarded": "P"}
# RFC 9051 7.5.1, RFC 9586: numbers must not move under these.
NO_EXPUNGE = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")


class Wrong(AssertionError):
    pass


class Lost(Exception):
    """The server said BYE, and might."""


def ranges(numbers):
    """[1, 2, 3, 7] as "1:3,7"."""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join("%d" % a if a == b else "%d:%d" % (a, b) for a, b in out)


def numbers(text):
    """The reverse, in the order that is written."""
    out = []
    for part in str(text).split(","):
        a, _, b = part.partition(":")
        out += range(int(a), int(b or a) + 1)
    return out


def clean(flags):
    """\\Recent is of a session, not of a letter."""
    return frozenset(str(f) for f in flags if str(f) != "\\Recent")


class World:
    def __init__(self):
        self.live = {}          # mailbox: UIDVALIDITY, None before it is known
        self.dead = set()       # UIDVALIDITYs of mailboxes that were deleted
        self.serial = {}        # (validity, uid): X-Serial
        self.flags = {}         # (validity, uid, modseq): flags
        self.acked = set()      # (validity, uid) that the server answered for
        self.slack = {}         # X-Serial: letters that came without an answer
        self.may_go = set()     # (validity, uid) that somebody may remove
        self.may_go_serial = set()
        self.emptied = {}       # validity: UIDNEXT when all its letters were moved
        self.went = []          # (validity, uid, who) told in this round
        self.same = []          # ((validity, uid), (validity, uid)): copies
        self.uidnext = {}       # validity: the highest of finished rounds
        self.modseq = {}
        self.top = {}           # validity: the highest UID of finished rounds
        self.fresh = []         # what becomes the last three after this round
        self.trace = None       # a file for all that happens

    def happened(self, who, what):
        if self.trace:
            self.trace.write("%.3f %s: %s\n" % (time.monotonic(), who, what))

    def know_serial(self, validity, uid, serial):
        was = self.serial.setdefault((validity, uid), serial)
        if was != serial:
            raise Wrong("UID %d of %d was letter %s and is %s" % (uid, validity, was, serial))

    def know_flags(self, validity, uid, modseq, flags):
        was = self.flags.setdefault((validity, uid, modseq), flags)
        if was != flags:
            raise Wrong("UID %d of %d at modseq %d had %s and has %s"
                        % (uid, validity, modseq, sorted(was), sorted(flags)))

    def acknowledge(self, validity, uid):
        """A new letter, by APPENDUID or COPYUID."""
        if (validity, uid) in self.acked:
            raise Wrong("UID %d of %d given twice" % (uid, validity))
        if uid <= self.top.get(validity, 0):
            raise Wrong("UID %d of %d is below older ones" % (uid, validity))
        self.acked.add((validity, uid))

    def copied(self, one, other):
        self.acknowledge(*other)
        self.same.append((one, other))
        if one in self.may_go:
            self.may_go.add(other)

    def may(self, validity, uid):
        if (validity, uid) in self.may_go or uid < self.emptied.get(validity, 0):
            return True
        serial = self.serial.get((validity, uid))
        # Not looked at while it was there: then nothing can be said.
        return serial is None or serial in self.may_go_serial

    def end_round(self):
        """All commands are answered: what was told is the past now."""
        for _ in range(3):
            for one, other in self.same:
                if one in self.serial:
                    self.know_serial(*other, self.serial[one])
                elif other in self.serial:
                    self.know_serial(*one, self.serial[other])
                if one in self.may_go:
                    self.may_go.add(other)
        self.same = [x for x in self.same if x[0] not in self.serial]
        for validity, uid, who in self.went:
            if not self.may(validity, uid):
                raise Wrong("%s: UID %d of %d (letter %s) went, and nobody removed it"
                            % (who, uid, validity, self.serial[(validity, uid)]))
        self.went = []
        for kind, validity, value in self.fresh:
            table = getattr(self, kind)
            table[validity] = max(table.get(validity, 0), value)
        self.fresh = []

    def see(self, kind, validity, value):
        self.fresh.append((kind, validity, value))


class View:
    """What the client was told of its mailbox."""

    def __init__(self, name, read_only):
        self.name, self.read_only = name, read_only
        self.validity = self.uidnext = 0
        self.highest = 0
        self.renamed = False    # since; perhaps it has its old name again
        self.slots = []         # sequence number - 1: UID, None when not told
        self.flags = {}
        self.modseq = {}

    def known(self):
        return [u for u in self.slots if u is not None]

    def place(self, n, uid):
        """Sequence number n has this UID."""
        if not 1 <= n <= len(self.slots):
            raise Wrong("message %d of %d" % (n, len(self.slots)))
        was = self.slots[n - 1]
        if was is not None:
            if was != uid:
                raise Wrong("message %d had UID %d and has %d" % (n, was, uid))
            return
        low = [u for u in self.slots[:n - 1] if u is not None]
        high = [u for u in self.slots[n:] if u is not None]
        if (low and low[-1] >= uid) or (high and high[0] <= uid):
            raise Wrong("UID %d of message %d does not ascend" % (uid, n))
        self.slots[n - 1] = uid

    def find(self, uid, numbered):
        """The index of a UID, of one not told where it must be, or None."""
        if uid in self.slots:
            return self.slots.index(uid)
        if not numbered and None in self.slots:
            # Where the others are does not matter: RFC 9586 has no numbers.
            self.slots = sorted(self.known() + [uid]) + [None] * (self.slots.count(None) - 1)
            return self.slots.index(uid)
        for i, u in enumerate(self.slots):
            if u is not None and u > uid:
                return i - 1 if i and self.slots[i - 1] is None else None
        return len(self.slots) - 1 if self.slots and self.slots[-1] is None else None

    def drop(self, i):
        uid = self.slots.pop(i)
        self.flags.pop(uid, None)
        self.modseq.pop(uid, None)
        return uid


class Session:
    """One connection.  kind: what it enables."""

    def __init__(self, world, place, name, kind):
        self.world, self.place, self.name, self.kind = world, place, name, kind
        self.history = []
        self.connect()

    def connect(self):
        self.client = self.place.login(enable=self.kind)
        self.rev2 = "IMAP4rev2" in self.kind
        self.uidonly = "UIDONLY" in self.kind
        self.qresync = "QRESYNC" in self.kind
        self.condstore = self.qresync or "CONDSTORE" in self.kind
        self.view = self.next = None
        self.idling = None
        self.verb, self.uid = "", False
        self.told, self.gone, self.earlier = {}, set(), []
        self.note("(connected)")

    def note(self, what):
        self.world.happened(self.name, what)
        self.history.append(what)
        del self.history[:-40]

    # --- commands ---------------------------------------------------------

    def start(self, *parts):
        """Send a command; what it is decides which answers are allowed."""
        first = parts[0].split()
        self.uid = first[0] == "UID"
        self.verb = first[1] if self.uid else first[0]
        self.told, self.gone, self.earlier, self.found = {}, set(), [], None
        self.next = None
        if self.verb in ("SELECT", "EXAMINE"):
            self.next = View(first[1], self.verb == "EXAMINE")
            if self.view is None:
                self.view, self.next = self.next, None
        self.note("C: " + repr(parts[0])[:300])
        try:
            self.tag, _ = self.client.start(*parts)
        except (BrokenPipeError, ConnectionResetError):
            self.tag = "gone"

    def response(self):
        try:
            return self.client.response()
        except (EOFError, ConnectionResetError):
            if self.history[-1].startswith("S: b'* BYE") and self.may_end():
                raise Lost() from None
            raise Wrong("the connection ended") from None

    def may_end(self):
        """Its mailbox was deleted, renamed, or is another of that name."""
        v = self.view
        return v is not None and (v.renamed or v.name not in self.world.live or
                                  self.world.live[v.name] != v.validity)

    def finish(self):
        """All responses up to the tagged one, checked."""
        out = []
        while True:
            r = self.response()
            self.note("S: " + repr(r.raw)[:300])
            out.append(r)
            self.take(r)
            if r.tag == self.tag:
                break
        self.ended(out[-1])
        return out

    def do(self, *parts):
        self.start(*parts)
        return self.finish()

    def idle(self):
        """IDLE up to the "+"."""
        self.start("IDLE")
        while True:
            r = self.response()
            self.note("S: " + repr(r.raw)[:300])
            if r.tag == "+":
                break
            self.take(r)
            if r.tag == self.tag:
                raise Wrong("IDLE refused: %r" % r)
        self.idling = True

    def send(self, data):
        """To a session that may have ended: its BYE is still to be read."""
        try:
            self.client.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def done(self):
        self.idling = None
        self.send(b"DONE\r\n")
        return self.finish()

    # --- responses --------------------------------------------------------

    def take(self, r):
        if r.tag not in ("*", self.tag):
            raise Wrong("a response for %s" % r.tag)
        if r.name in ("OK", "NO", "BAD", "PREAUTH"):
            return self.condition(r)
        how = getattr(self, "take_" + r.name.lower(), None)
        if how is None:
            if r.name not in ("BYE", "FLAGS", "LIST", "STATUS", "CAPABILITY", "ENABLED"):
                raise Wrong("what is that?")
            return None
        if self.view is None and r.name not in ("SEARCH", "ESEARCH"):
            raise Wrong("of which mailbox?")
        return how(r)

    def condition(self, r):
        if r.name == "BAD" or r.code in ("SERVERBUG", "CLIENTBUG"):
            raise Wrong("refused")
        if r.code == "CLOSED":
            self.view, self.next = self.next, None
        elif r.code == "UIDVALIDITY":
            self.validity(r.args[0])
        elif r.code == "UIDNEXT":
            self.uidnext(r.args[0])
        elif r.code == "HIGHESTMODSEQ":
            self.highest(r.args[0])
        elif r.code == "COPYUID":
            self.copied(*r.args)

    def validity(self, validity):
        v = self.view
        v.validity = validity
        was = self.world.live.get(v.name)
        if was is None:
            if validity in self.world.dead or validity in self.world.live.values():
                raise Wrong("UIDVALIDITY %d was another mailbox's" % validity)
            self.world.live[v.name] = validity
        elif was != validity:
            raise Wrong("UIDVALIDITY of %s was %d" % (v.name, was))

    def uidnext(self, n):
        v, w = self.view, self.world
        if n < w.uidnext.get(v.validity, 0):
            raise Wrong("UIDNEXT falls")
        if n <= w.top.get(v.validity, 0):
            raise Wrong("UIDNEXT is not above UID %d" % w.top[v.validity])
        v.uidnext = n
        w.see("uidnext", v.validity, n)

    def highest(self, n):
        v, w = self.view, self.world
        if v is None:
            return      # CLOSE
        if n < v.highest:
            raise Wrong("HIGHESTMODSEQ falls")
        if self.verb in ("SELECT", "EXAMINE") and n < w.modseq.get(v.validity, 0):
            raise Wrong("HIGHESTMODSEQ was %d" % w.modseq[v.validity])
        v.highest = n
        w.see("modseq", v.validity, n)

    def copied(self, validity, one, other):
        one, other = numbers(one), numbers(other)
        if len(one) != len(other) or other != sorted(other):
            raise Wrong("COPYUID's sets")
        for a, b in zip(one, other):
            self.world.copied((self.view.validity, a), (validity, b))
            self.world.see("top", validity, b)

    def take_exists(self, r):
        slots = self.view.slots
        if r.number < len(slots):
            raise Wrong("EXISTS shrinks")
        slots += [None] * (r.number - len(slots))

    def take_recent(self, r):
        if self.rev2 or r.number > len(self.view.slots):
            raise Wrong("RECENT")

    def may_expunge(self):
        if self.verb in NO_EXPUNGE and not self.uid:
            raise Wrong("in answer to " + self.verb)

    def went(self, i):
        uid = self.view.drop(i)
        self.gone.add(uid)
        if uid is not None:
            self.world.went.append((self.view.validity, uid, self.name))

    def take_expunge(self, r):
        self.may_expunge()
        if self.qresync or self.uidonly:
            raise Wrong("not VANISHED")
        if not 1 <= r.number <= len(self.view.slots):
            raise Wrong("there is no such message")
        self.went(r.number - 1)

    def take_vanished(self, r):
        if not self.qresync and not self.uidonly:
            raise Wrong("not EXPUNGE")
        if isinstance(r.words[0], list):
            if self.verb not in ("SELECT", "EXAMINE"):
                raise Wrong("EARLIER")
            self.earlier += numbers(r.words[1])
            return
        self.may_expunge()
        for uid in numbers(r.words[0]):
            i = self.view.find(uid, not self.uidonly)
            if i is None:
                raise Wrong("UID %d was not there" % uid)
            self.view.slots[i] = uid
            self.went(i)

    def take_fetch(self, r):
        if self.uidonly:
            raise Wrong("not UIDFETCH")
        items = r.fetch()
        uid = items.get("UID")
        if uid is None:
            if not 1 <= r.number <= len(self.view.slots):
                raise Wrong("there is no such message")
            uid = self.view.slots[r.number - 1]
        else:
            self.view.place(r.number, uid)
        if uid is not None:
            self.fetched(uid, items)

    def take_uidfetch(self, r):
        if not self.uidonly:
            raise Wrong("not FETCH")
        i = self.view.find(r.number, False)
        if i is None:
            raise Wrong("UID %d is not there" % r.number)
        self.view.slots[i] = r.number
        self.fetched(r.number, r.fetch())

    def fetched(self, uid, items):
        v, w = self.view, self.world
        w.see("top", v.validity, uid)
        self.told.setdefault(uid, []).append(items)
        flags, modseq = items.get("FLAGS"), items.get("MODSEQ")
        for name, value in items.items():
            if name.startswith("BODY["):
                w.know_serial(v.validity, uid, value.decode().split(":")[1].strip())
        if modseq is not None:
            modseq = modseq[0]
            if modseq < v.modseq.get(uid, 1):
                raise Wrong("MODSEQ of UID %d falls" % uid)
            v.modseq[uid] = modseq
            w.see("modseq", v.validity, modseq)
        elif flags is not None and self.condstore and self.verb != "FETCH":
            # RFC 7162 3.1: whatever caused it, but a FETCH that did not ask
            raise Wrong("FLAGS without MODSEQ")
        if flags is not None:
            v.flags[uid] = clean(flags)
            if "\\Deleted" in v.flags[uid]:
                w.may_go.add((v.validity, uid))
            if modseq is not None:
                w.know_flags(v.validity, uid, modseq, v.flags[uid])

    def items(self):
        return "(UID FLAGS MODSEQ)" if self.condstore else "(UID FLAGS)"

    def take_search(self, r):
        self.found = [int(x) for x in r.words if not isinstance(x, list)]

    def take_esearch(self, r):
        words, self.found = list(r.words), []
        if "ALL" in words:
            self.found = numbers(words[words.index("ALL") + 1])

    # --- after the tagged response ------------------------------------------

    def ended(self, r):
        if self.verb in ("SELECT", "EXAMINE"):
            if r.name != "OK":
                self.view = self.next = None
            elif not self.view.validity or not self.view.uidnext:
                raise Wrong("SELECT without UIDVALIDITY or UIDNEXT")
            elif self.verb == "EXAMINE" and r.code != "READ-ONLY":
                raise Wrong("EXAMINE is not READ-ONLY")
        elif self.verb in ("CLOSE", "UNSELECT") and r.name == "OK":
            self.view = None
        elif r.code == "APPENDUID" and r.name == "OK":
            for uid in numbers(r.args[1]):
                self.world.acknowledge(r.args[0], uid)
                self.world.see("top", r.args[0], uid)


class Disk:
    """The letters as they lie there, whoever put them."""

    def __init__(self, place):
        self.place, self.serials = place, {}

    def directory(self, mailbox):
        d = self.place.maildir()
        return d if mailbox == "INBOX" else d + "/." + mailbox.replace("/", ".")

    def keywords(self):
        try:
            with open(self.place.maildir() + "/keywords") as f:
                return dict(line.split() for line in f)
        except FileNotFoundError:
            return {}

    def paths(self, mailbox):
        d = self.directory(mailbox)
        return [d + sub + name for sub in ("/cur/", "/new/")
                for name in sorted(os.listdir(d + sub)) if not name.startswith(".")]

    def serial(self, path):
        base = os.path.basename(path).split(",")[0].split(":")[0]
        if base not in self.serials:
            with open(path, "rb") as f:
                head = f.read(2000)
            self.serials[base] = head.split(b"X-Serial: ")[1].split()[0].decode()
        return self.serials[base]

    def flags(self, path):
        letters = os.path.basename(path).partition(":2,")[2]
        names = {v: k for k, v in SYSTEM.items()}
        names.update(self.keywords())
        return frozenset(names[x] for x in letters)

    def key(self, path):
        """(UIDVALIDITY, UID) of the name, or None."""
        for part in os.path.basename(path).partition(":")[0].split(","):
            if part.startswith("I="):
                validity, _, uid = part[2:].partition(".")
                return int(validity, 36), int(uid)
        return None

    def content(self, mailbox):
        """(serial, flags) of every letter, sorted.  Sessions that idle rename files."""
        for _ in range(100):
            try:
                before = self.paths(mailbox)
                found = sorted((self.serial(p), sorted(self.flags(p))) for p in before)
            except FileNotFoundError:
                continue
            if self.paths(mailbox) == before:
                return found
        raise Wrong("%s is never at rest" % mailbox)


def atoms(flags):
    return "(" + " ".join(sorted(flags)) + ")"


