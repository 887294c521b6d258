"""What the sessions of imap_model.py do: each job yields commands and is given
their responses."""

import signal
import time

from imap_lib import Literal, letter, wire
from imap_model_lib import Wrong, atoms, clean, numbers, ranges

FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "$Forwarded", "blue",
         "$Label1", "green")
SERIAL = "BODY.PEEK[HEADER.FIELDS (X-SERIAL)]"


class Jobs:
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
        try:
            r = (yield parts)[-1]
        except GeneratorExit:
            # BYE, because the selected mailbox is gone, instead of an answer.
            self.world.slack.update((x, 1) for x in serials)
            self.world.may_go_serial.update(serials)
            raise
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
            s.send(("x UID STORE 1:* +FLAGS.SILENT %s\r\n" % atoms(flags)).encode())
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
                # None: one went whose UID had not been told before.
                if not {u, None} & s.gone and view.find(u, not s.uidonly) is None:
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
