"""Eight sessions on one account do whatever comes, other programs change the
Maildir meanwhile, and every response is checked against a model.

MERPATI_MODEL_SEED repeats a run, as far as the timing does;
MERPATI_MODEL_SECONDS is how long each of the two runs takes."""

import collections
import os
import random
import shutil
import signal
import time
import unittest

from imap_lib import Literal, Place, letter, wire
from imap_model_lib import Disk, Lost, Session, World, Wrong, atoms, clean, numbers, ranges

SECONDS = float(os.environ.get("MERPATI_MODEL_SECONDS", "10"))
SEED = os.environ.get("MERPATI_MODEL_SEED")
KINDS = ("", "IMAP4rev2", "CONDSTORE", "QRESYNC", "IMAP4rev2 QRESYNC", "QRESYNC UIDONLY", "",
         "IMAP4rev2 CONDSTORE")
FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "$Forwarded", "blue",
         "$Label1", "green")
NAMES = ("Work", "Work/new", "Bin", "Old")
SERIAL = "BODY.PEEK[HEADER.FIELDS (X-SERIAL)]"
QUIET = 15      # seconds until foreign changes must have been noticed
FULL = 60       # letters; then it is time to delete


class Run:
    def __init__(self, place, seed, lose_index):
        self.random = random.Random(seed)
        self.place, self.lose_index = place, lose_index
        self.world, self.disk = World(), Disk(place)
        self.world.live["INBOX"] = None
        self.serials = 0
        self.memories = []      # (validity, modseq, {uid: flags})
        self.count = collections.Counter()
        self.lost_at = -20      # the round
        for _ in range(5):
            self.deliver()
        self.sessions = [Session(self.world, place, "session %d (%s)" % (n, kind), kind)
                         for n, kind in enumerate(KINDS)]
        self.current = self.sessions[0]

    # --- driving ------------------------------------------------------------

    def chance(self, p):
        return self.random.random() < p

    def step(self, s, job, out, waiting):
        self.current = s
        try:
            command = job.send(out)
        except StopIteration:
            return
        s.start(*command)
        waiting.append((s, job))

    def drive(self, jobs):
        """Commands of several sessions at the same time."""
        waiting = []
        for s, job in jobs:
            self.step(s, job, None, waiting)
        if self.lose_index and self.chance(0.01):
            self.remove_index()
        if len(jobs) > 1 and self.chance(0.3):
            self.foreign()
        while waiting:
            s, job = waiting.pop(0)
            self.current = s
            try:
                out = s.finish()
            except Lost:
                self.count["lost"] += 1
                job.close()
                s.connect()
                continue
            self.step(s, job, out, waiting)
        self.world.end_round()

    def alone(self, s, job):
        self.drive([(s, job)])

    def wake(self, s):
        """No session that idles may be given a command."""
        self.current = s
        if s.idling:
            try:
                s.done()
            except Lost:
                s.connect()

    def round(self):
        r = self.random
        if self.chance(0.3):
            self.foreign()
        if self.lose_index and self.chance(0.01):
            self.remove_index()
        if self.chance(0.04):
            return self.tree(r.choice(self.sessions))
        if self.chance(0.03):
            return self.resync(r.choice([s for s in self.sessions if s.qresync]))
        chosen = [r.choice(self.sessions)]
        if self.chance(0.5):
            chosen = r.sample(self.sessions, r.randint(2, len(self.sessions)))
        jobs = []
        for s in chosen:
            if s.idling and self.chance(0.5):
                continue
            self.wake(s)
            if self.chance(0.05):
                self.begin_idle(s)
            else:
                jobs.append((s, self.job(s, len(chosen) == 1)))
        self.drive(jobs)

    def begin_idle(self, s):
        try:
            s.idle()
        except Lost:
            s.connect()

    def job(self, s, alone):
        if s.view is None:
            return self.random.choice((self.select, self.select, self.select, self.append,
                                       self.status))(s, alone)
        jobs = [self.append] * 3 + [self.noop] * 3 + [self.select] * 2 + \
            [self.search, self.fetch, self.serial, self.remember] * 3 + \
            [self.leave, self.again, self.status]
        if s.view.slots:
            jobs += [self.copy] * 3
            if not s.view.read_only:
                jobs += [self.store] * 12 + [self.move] * 3 + [self.expunge] * 3
                if len(s.view.slots) > FULL:
                    jobs += [self.clear] * 20
        job = self.random.choice(jobs)
        self.count[job.__name__] += 1
        return job(s, alone)

    def fine(self, s, r, *codes):
        """OK, or NO with one of the codes, or because its mailbox is gone."""
        if r.name != "OK" and r.code not in codes and not s.may_end():
            raise Wrong("not OK: %r" % r)
        return r.name == "OK"

    # --- jobs: each yields commands and is given their responses --------------

    def some(self, s):
        """("UID " or "", set, UIDs): letters the client knows."""
        known = s.view.known()
        if not known:
            return None
        uids = self.random.sample(known, self.random.choice((1, 1, 2, 3, len(known)))
                                  if len(known) > 3 else 1)
        if s.uidonly or self.chance(0.5):
            return "UID ", ranges(uids), uids
        return "", ranges(s.view.slots.index(u) + 1 for u in uids), uids

    def mailbox(self):
        return self.random.choice(sorted(self.world.live) + ["INBOX"] * 2)

    def some_flags(self):
        return frozenset(self.random.sample(FLAGS, self.random.choice((0, 1, 1, 2, 3))))

    def letter(self):
        self.serials += 1
        return str(self.serials), letter("letter %d" % self.serials,
                                         "word%d\n" % self.serials * self.random.randint(1, 50),
                                         "X-Serial: %d\n" % self.serials)

    def append(self, s, alone):
        to, parts, serials = self.mailbox(), [], []
        for _ in range(self.random.choice((1, 1, 1, 2, 5))):
            serial, text = self.letter()
            flags = self.some_flags()
            if "\\Deleted" in flags:
                self.world.may_go_serial.add(serial)
            serials.append(serial)
            parts += ["%s%s " % (" " if parts else "APPEND %s " % to, atoms(flags)),
                      Literal(wire(text), plus=True)]
        r = (yield parts)[-1]
        if not self.fine(s, r):
            return
        if r.code != "APPENDUID" or len(numbers(r.args[1])) != len(serials):
            raise Wrong("no APPENDUID")
        for uid, serial in zip(numbers(r.args[1]), serials):
            self.world.know_serial(r.args[0], uid, serial)

    def noop(self, s, alone):
        yield ("NOOP",)

    def select(self, s, alone):
        how = "EXAMINE" if self.chance(0.15) else "SELECT"
        more = " (CONDSTORE)" if s.condstore and self.chance(0.3) else ""
        out = yield ("%s %s%s" % (how, self.mailbox(), more),)
        self.fine(s, out[-1])

    def leave(self, s, alone):
        out = yield (self.random.choice(("CLOSE", "UNSELECT")),)
        self.fine(s, out[-1])

    def again(self, s, alone):
        """Log out, or end the process in the middle of its life."""
        if self.chance(0.5):
            yield ("LOGOUT",)
        elif s.view is not None and self.chance(0.5):
            flags = self.some_flags() - {"\\Deleted"}
            s.client.send(("x UID STORE 1:* +FLAGS.SILENT %s\r\n" % atoms(flags)).encode())
            time.sleep(self.random.random() * 0.003)
        s.client.process.send_signal(signal.SIGKILL)
        s.client.process.wait()
        s.client.close()
        s.connect()

    def status(self, s, alone):
        name = self.mailbox()
        out = yield ("STATUS %s (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)" % name,)
        s.condstore = True      # RFC 7162 3.1
        self.fine(s, out[-1])
        for r in out:
            if r.name != "STATUS":
                continue
            v = dict(zip(r.words[1][::2], r.words[1][1::2]))
            validity, w = v["UIDVALIDITY"], self.world
            if w.live.get(name) not in (None, validity):
                raise Wrong("another UIDVALIDITY")
            if v["UIDNEXT"] < w.uidnext.get(validity, 0) or \
                    v["UIDNEXT"] <= w.top.get(validity, 0):
                raise Wrong("UIDNEXT falls")
            if v["HIGHESTMODSEQ"] < w.modseq.get(validity, 0):
                raise Wrong("HIGHESTMODSEQ falls")
            w.see("uidnext", validity, v["UIDNEXT"])
            w.see("modseq", validity, v["HIGHESTMODSEQ"])

    def copy(self, s, alone):
        some = self.some(s)
        if some:
            out = yield ("%sCOPY %s %s" % (some[0], some[1], self.mailbox()),)
            if self.fine(s, out[-1], "EXPUNGEISSUED", "INUSE"):
                if alone and not some[0] and out[-1].code != "COPYUID":
                    raise Wrong("no COPYUID")
            elif s.view is not None:
                # Others may have seen what it made and took back.
                self.world.may_go_serial.update(
                    self.world.serial.get((s.view.validity, u), "") for u in some[2])

    def move(self, s, alone):
        some = self.some(s)
        if some:
            self.world.may_go.update((s.view.validity, u) for u in some[2])
            out = yield ("%sMOVE %s %s" % (some[0], some[1], self.mailbox()),)
            self.fine(s, out[-1], "EXPUNGEISSUED", "INUSE")

    def expunge(self, s, alone):
        if alone:
            yield ("NOOP",)
            if s.view is None or not s.view.slots:
                return
        before, validity = dict(s.view.flags), s.view.validity
        some = self.some(s)
        uids = s.view.known()
        if some and self.chance(0.5):
            uids = some[2]
            out = yield ("UID EXPUNGE " + ranges(uids),)
        else:
            out = yield ("EXPUNGE",)
        if not self.fine(s, out[-1]) or not alone:
            return
        for uid in s.gone:
            # Foreign hands may have made it so.
            if uid in before and (uid not in uids or "\\Deleted" not in before[uid]) and \
                    not self.world.may_go_serial.intersection(
                        [self.world.serial.get((validity, uid), "?")]) and \
                    (validity, uid) in self.world.serial:
                raise Wrong("UID %d was not to go" % uid)
        for uid in uids:
            if uid in s.view.slots and uid not in s.told and \
                    "\\Deleted" in before.get(uid, ()):
                raise Wrong("UID %d was to go" % uid)

    def clear(self, s, alone):
        uids = s.view.known()
        uids = self.random.sample(uids, len(uids) // 2)
        if uids:
            self.world.may_go.update((s.view.validity, u) for u in uids)
            yield ("UID STORE %s +FLAGS.SILENT (\\Deleted)" % ranges(uids),)
            for uid in uids:
                if s.view and "FLAGS" not in s.told.get(uid, [{}])[-1]:
                    s.view.flags.pop(uid, None)
            if s.view:
                yield ("EXPUNGE",)

    def store(self, s, alone):
        if alone:
            yield ("NOOP",)
        some = s.view and self.some(s)
        if not some:
            return
        uid, words, uids = some
        view, before = s.view, dict(s.view.modseq)
        sign = self.random.choice("+- ").strip()
        silent = self.chance(0.3)
        flags = self.some_flags()
        since, condition = None, ""
        if s.condstore and self.chance(0.4):
            since = self.random.choice([view.highest, 1, max(before.values(), default=1)] +
                                       [before.get(u, 1) for u in uids])
            condition = "(UNCHANGEDSINCE %d) " % since
        if "\\Deleted" in flags and sign != "-":
            self.world.may_go.update((view.validity, u) for u in uids)
        out = yield ("%sSTORE %s %s%sFLAGS%s %s" % (uid, words, condition, sign,
                                                    ".SILENT" if silent else "", atoms(flags)),)
        r = out[-1]
        fine = self.fine(s, r, "EXPUNGEISSUED", "MODIFIED", "INUSE")
        modified = numbers(r.args[0]) if r.code == "MODIFIED" else []
        if not uid:
            modified = [view.slots[n - 1] for n in modified]
        if set(modified) - set(uids) or (modified and since is None):
            raise Wrong("MODIFIED of what was not to be changed")
        told = s.told
        for u in uids:
            # RFC 7162 3.1.3
            if u in modified or u not in view.slots:
                continue
            if since is not None and fine and before.get(u, 0) > since and \
                    before[u] == view.modseq.get(u):
                raise Wrong("UID %d has changed since" % u)
            self.stored(s, alone and fine, u, told.get(u, []), sign, flags, silent)
        if modified and s.view is view:
            yield ("UID FETCH %s (MODSEQ)" % ranges(modified),)
            for u in modified:
                if u in view.slots and u in s.told and view.modseq[u] <= since:
                    raise Wrong("UID %d has not changed since" % u)

    def stored(self, s, sure, uid, told, sign, flags, silent):
        """What a STORE that nobody disturbed said of a letter."""
        view = s.view
        told = [x for x in told if "FLAGS" in x]
        if silent and not told:
            was = view.flags.pop(uid, None)
            if was is not None and sure:
                view.flags[uid] = {"+": was | flags, "-": was - flags, "": flags}[sign]
        if not sure or not told or silent:
            return
        now = clean(told[0]["FLAGS"])
        if (sign == "+" and not now >= flags) or (sign == "-" and now & flags) or \
                (sign == "" and now != flags):
            raise Wrong("STORE %s%s of UID %d gave %s" % (sign, sorted(flags), uid, sorted(now)))

    def nobody_idles(self):
        return not any(s.idling for s in self.sessions)

    def fetch(self, s, alone):
        """All flags; after a NOOP they can be no news (RFC 9051 7.5.2)."""
        if alone:
            yield ("NOOP",)
        if s.view is None:
            return
        view, before = s.view, dict(s.view.flags)
        known = list(view.known())
        word = "UID FETCH 1:*" if s.uidonly or not view.slots or self.chance(0.5) else \
            "FETCH 1:*"
        out = yield ("%s %s" % (word, s.items()),)
        if not self.fine(s, out[-1], "EXPUNGEISSUED") or s.view is not view:
            return
        missing = [u for u in known if u in view.slots and u not in s.told]
        # Without an index FETCH must look at the files first.
        if alone and self.nobody_idles() and self.count["rounds"] > self.lost_at + 20:
            for u, items in s.told.items():
                now = clean(next(x["FLAGS"] for x in items if "FLAGS" in x))
                if u in before and now != before[u]:
                    raise Wrong("UID %d had %s, has %s, and nothing was told"
                                % (u, sorted(before[u]), sorted(now)))
        if missing:
            yield ("NOOP",)
            if s.view is view and set(missing) & set(view.slots):
                raise Wrong("no answer for UIDs %s" % missing)

    def serial(self, s, alone):
        """Every UID still stands for the same letter."""
        out = yield ("UID FETCH 1:* (UID %s)" % SERIAL,)
        self.fine(s, out[-1], "EXPUNGEISSUED")

    def search(self, s, alone):
        if alone:
            yield ("NOOP",)
        if s.view is None:
            return
        view, before = s.view, dict(s.view.flags)
        slots = list(view.slots)
        key, test = self.random.choice((
            ("ALL", lambda f: True), ("SEEN", lambda f: "\\Seen" in f),
            ("UNFLAGGED", lambda f: "\\Flagged" not in f),
            ("KEYWORD blue", lambda f: "blue" in f), ("DELETED", lambda f: "\\Deleted" in f),
            ("OR DRAFT UNANSWERED", lambda f: "\\Draft" in f or "\\Answered" not in f)))
        uid = "UID " if s.uidonly or self.chance(0.5) else ""
        out = yield ("%sSEARCH %s" % (uid, key),)
        if not self.fine(s, out[-1]) or s.view is not view:
            return
        if s.found is None or len(set(s.found)) != len(s.found):
            raise Wrong("no answer, or double")
        if uid and key == "ALL":
            for u in sorted(s.found):
                if u not in s.gone and view.find(u, not s.uidonly) is None:
                    raise Wrong("UID %d is not in the view" % u)
        if not uid and s.found and not 1 <= max(s.found) <= len(slots):
            raise Wrong("numbers above EXISTS")
        if not alone or not self.nobody_idles():
            return
        found = set(s.found) if uid else {slots[n - 1] for n in s.found}
        wrong = [u for u, f in before.items() if u in view.slots and u not in s.told and
                 u in slots and test(f) != (u in found)]
        if wrong:
            yield ("NOOP",)
            if s.view is view and [u for u in wrong if u in view.slots]:
                raise Wrong("SEARCH %s is wrong for UIDs %s" % (key, wrong))

    # --- RFC 7162 3.2.5 ---------------------------------------------------------

    def remember(self, s, alone):
        yield ("NOOP",)
        if s.view is None or not s.condstore:
            return
        if None in s.view.slots or set(s.view.slots) - set(s.view.flags):
            yield ("UID FETCH 1:* " + s.items(),)
            if s.view is None:
                return
            yield ("NOOP",)
        v = s.view
        if v is None or None in v.slots or set(v.slots) - set(v.flags):
            return
        # All up to the latest change it saw was told by NOOP.
        modseq = max([v.highest] + list(v.modseq.values()))
        self.memories.append((v.validity, modseq, {u: v.flags[u] for u in v.slots}))
        if len(self.memories) > 50:
            self.memories.pop(self.random.randrange(50))

    def resync(self, s):
        if self.memories:
            self.wake(s)
            self.count["resync"] += 1
            self.alone(s, self.replay(s, *self.random.choice(self.memories)))

    def replay(self, s, validity, modseq, flags):
        names = [n for n, v in self.world.live.items() if v == validity]
        args = "%d %d" % (validity, modseq)
        known = None
        if flags and self.chance(0.4):
            known = set(self.random.sample(sorted(flags), self.random.randint(1, len(flags))))
            args += " " + ranges(known)
        if flags and not s.uidonly and self.chance(0.4):
            uids = sorted(flags)
            some = sorted(self.random.sample(range(len(uids)), self.random.randint(1, len(uids))))
            args += " (%s %s)" % (ranges(n + 1 for n in some), ranges(uids[n] for n in some))
        out = yield ("%s %s (QRESYNC (%s))" % (self.random.choice(("SELECT", "EXAMINE")),
                                               names[0] if names else self.mailbox(), args),)
        self.fine(s, out[-1])
        view, told, earlier = s.view, dict(s.told), set(s.earlier)
        if view.validity != validity:
            if told or earlier:
                raise Wrong("a replay of another mailbox")
            return
        yield from self.compare(s, view, told, earlier, known,
                                {u: f for u, f in flags.items() if known is None or u in known})

    def compare(self, s, view, told, earlier, known, state):
        """What SELECT replayed with what is there."""
        if known is not None and (set(told) | earlier) - known:
            raise Wrong("news of UIDs that were not asked for")
        for uid in earlier:
            state.pop(uid, None)
        for uid, items in told.items():
            state[uid] = clean(items[-1]["FLAGS"])
        gone = set()
        for command in ("UID FETCH 1:* (UID FLAGS MODSEQ)", "NOOP"):
            yield (command,)
            gone |= s.gone
        if s.view is not view:
            return
        there = {u for u in view.slots if u is not None and u < view.uidnext and
                 (known is None or u in known)}
        if set(state) - gone != there:
            raise Wrong("replayed are UIDs %s, there are %s" % (sorted(set(state) - gone),
                                                                sorted(there)))
        if earlier & set(view.slots):
            raise Wrong("VANISHED names what is there")
        for uid in there:
            if view.modseq[uid] <= view.highest and state[uid] != view.flags[uid]:
                raise Wrong("replayed flags of UID %d are %s, they are %s"
                            % (uid, sorted(state[uid]), sorted(view.flags[uid])))

    # --- folders ------------------------------------------------------------------

    def tree(self, s):
        """CREATE, DELETE, RENAME: nobody else gives a command meanwhile."""
        self.wake(s)
        live, r = self.world.live, self.random
        free = [n for n in NAMES if n not in live]
        taken = [n for n in NAMES if n in live]
        if free and (not taken or self.chance(0.6)):
            live[free[0]] = None
            return self.alone(s, self.must(s, "CREATE " + free[0]))
        name = r.choice(taken)
        if free and self.chance(0.5):
            if self.chance(0.3):
                return self.rename_inbox(s, free[0])
            if name + "/new" in live or free[0].startswith(name):
                return None
            live[free[0]] = live.pop(name)
            return self.alone(s, self.must(s, "RENAME %s %s" % (name, free[0])))
        if name + "/new" in live:
            return None
        self.world.dead.add(live.pop(name))
        return self.alone(s, self.must(s, "DELETE " + name))

    def must(self, s, command):
        self.count[command.split()[0]] += 1
        out = yield (command,)
        if out[-1].name != "OK":
            raise Wrong("not OK")

    def rename_inbox(self, s, to):
        """RFC 9051 6.3.6: its letters move, and get UIDs there."""
        w = self.world
        before = self.disk.content("INBOX")
        w.may_go.update(x for x in list(w.serial) + sorted(w.acked)
                        if x[0] == w.live["INBOX"])
        w.live[to] = None
        self.alone(s, self.must(s, "RENAME INBOX " + to))
        after = self.disk.content(to)
        if after != before:
            raise Wrong("of INBOX %s became %s" % (before, after))
        for command in ("SELECT " + to, "UID FETCH 1:* (UID %s)" % SERIAL):
            self.alone(s, self.must(s, command))
        w.acked.update((s.view.validity, u) for u in s.view.slots)

    # --- others ---------------------------------------------------------------------

    def deliver(self):
        serial, text = self.letter()
        name = self.mailbox()
        self.world.slack[serial] = 1
        self.place.put(text, folder=os.path.basename(self.disk.directory(name))
                       if name != "INBOX" else ".")

    def remove_index(self):
        self.count["index removed"] += 1
        self.lost_at = self.count["rounds"]
        shutil.rmtree(self.place.home() + "/index", ignore_errors=True)

    def foreign(self):
        if self.chance(0.4):
            return self.deliver()
        name = self.mailbox()
        try:
            path = self.random.choice(self.disk.paths(name) or [""])
            if path:
                self.touch(name, path)
        except FileNotFoundError:
            pass        # a session renamed it
        return None

    def touch(self, name, path):
        """Another program's flags, removal, or move between folders."""
        serial, key = self.disk.serial(path), self.disk.key(path)
        base = os.path.basename(path).partition(":")[0]
        d = self.disk.directory(name)
        what = self.random.random()
        if what < 0.7:
            letters = "".join(sorted(self.random.sample("DFPRST", self.random.randint(0, 3))))
            to = "%s/cur/%s:2,%s" % (d, base, letters)
            gone = "T" in letters
        else:
            gone = True
            to = "%s/cur/%s" % (self.disk.directory(self.mailbox()), os.path.basename(path))
        if gone:
            self.world.may_go_serial.add(serial)
            if key is not None:
                self.world.may_go.add(key)
        if what < 0.7:
            os.rename(path, to)
        elif what < 0.9:
            os.unlink(path)
        else:
            self.world.slack[serial] = self.world.slack.get(serial, 0) + 1
            os.rename(path, to if ":2," in to else to + ":2,")
        self.count["foreign change"] += 1

    # --- rest -----------------------------------------------------------------------

    def settle(self):
        """Nobody does anything: all sessions come to say what lies on the disk."""
        for s in self.sessions:
            self.wake(s)
        self.world.end_round()
        names = sorted(self.world.live)
        for n, s in enumerate(self.sessions):
            if s.view is None or s.view.name not in self.world.live:
                self.alone(s, self.must(s, "SELECT " + names[n % len(names)]))
        end = time.monotonic() + QUIET
        while True:
            wrong = self.unsettled()
            if wrong is None:
                return
            if time.monotonic() > end:
                raise Wrong(wrong)
            time.sleep(0.3)

    def unsettled(self):
        for s in self.sessions:
            if s.view is not None:
                self.alone(s, self.fetch(s, True))
        for s in self.sessions:
            if s.view is None:
                self.alone(s, self.must(s, "SELECT INBOX"))
            self.alone(s, self.serial(s, True))
            v = s.view
            if set(v.slots) - set(v.flags):
                return "%s does not know all flags" % s.name
            told = sorted((self.world.serial[v.validity, u], sorted(v.flags[u]))
                          for u in v.slots)
            there = self.disk.content(v.name)
            if told != there:
                self.current = s
                return "%s: told %s, there is %s" % (s.name, told, there)
        return None

    def last(self):
        """Nothing acknowledged is missing, nothing is double."""
        self.settle()
        w, s = self.world, self.sessions[0]
        present = {}
        for name in sorted(w.live):
            for command in ("EXAMINE " + name, "UID FETCH 1:* (UID %s)" % SERIAL):
                self.alone(s, self.must(s, command))
            for uid in s.view.slots:
                present[s.view.validity, uid] = w.serial[s.view.validity, uid]
        for key in sorted(w.acked - set(present)):
            if key[0] in w.live.values() and not w.may(*key):
                raise Wrong("UID %d of %d is missing" % (key[1], key[0]))
        extra = collections.Counter(v for k, v in present.items() if k not in w.acked)
        for serial, n in extra.items():
            if n > w.slack.get(serial, 0):
                raise Wrong("letter %s is there %d times too often: %s" % (
                    serial, n - w.slack.get(serial, 0),
                    {k: k in w.acked for k in present if present[k] == serial}))
        removed = {w.serial[k] for k in w.serial if k in w.may_go or k[0] in w.dead}
        for serial in set(w.slack) - set(present.values()) - removed - w.may_go_serial:
            if not self.in_dead(serial):
                raise Wrong("letter %s is missing" % serial)
        for s in [s for s in self.sessions if s.qresync]:
            for memory in self.memories:
                self.alone(s, self.replay(s, *memory))

    def in_dead(self, serial):
        """Delivered to a mailbox that was deleted before anybody looked."""
        return bool(self.world.dead) and serial not in self.world.serial.values()

    def go(self, seconds):
        end = time.monotonic() + seconds
        rest = time.monotonic() + seconds / 2
        while time.monotonic() < end:
            self.count["rounds"] += 1
            self.round()
            if time.monotonic() > rest:
                self.settle()
                rest = end
        self.last()


class Model(unittest.TestCase):
    def run_for(self, lose_index):
        seed = SEED or str(random.SystemRandom().randrange(10 ** 6))
        print("seed %s" % seed, flush=True)
        place = Place()
        self.addCleanup(place.remove)
        run = Run(place, seed, lose_index)
        try:
            run.go(SECONDS)
        except (Wrong, OSError, ValueError, LookupError, TypeError) as e:
            log = place.text_of_log()[-6000:]
            raise AssertionError("seed %s, %s: %s\n%s\n%s" % (
                seed, run.current.name, e, "\n".join(run.current.history), log)) from e
        print(dict(run.count))
        self.assertNotIn("Sanitizer", place.text_of_log())

    def test_the_index_stays(self):
        """RFC 9051, 7162, 9586: eight sessions on one account"""
        self.run_for(False)

    def test_the_index_vanishes(self):
        """DESIGN: whoever removes it at any moment changes nothing that clients see"""
        self.run_for(True)


if __name__ == "__main__":
    unittest.main()
