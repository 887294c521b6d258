"""Eight sessions on one account do whatever comes, other programs change the
Maildir meanwhile, and every response is checked against a model.

MERPATI_MODEL_SEED repeats a run, as far as the timing does;
MERPATI_MODEL_SECONDS is how long each of the two runs takes;
MERPATI_MODEL_TRACE names a file for all that happened in the last one."""

import collections
import os
import random
import signal
import shutil
import time
import unittest

from imap_lib import Place
from imap_model_jobs import SERIAL, Jobs
from imap_model_lib import Disk, Lost, Session, World, Wrong

SECONDS = float(os.environ.get("MERPATI_MODEL_SECONDS", "10"))
SEED = os.environ.get("MERPATI_MODEL_SEED")
TRACE = os.environ.get("MERPATI_MODEL_TRACE")
KINDS = ("", "IMAP4rev2", "CONDSTORE", "QRESYNC", "IMAP4rev2 QRESYNC", "QRESYNC UIDONLY", "",
         "IMAP4rev2 CONDSTORE")
NAMES = ("Work", "Work/new", "Bin", "Old")
QUIET = 15      # seconds until foreign changes must have been noticed
FULL = 60       # letters; then it is time to delete


class Run(Jobs):
    def __init__(self, place, seed, lose_index):
        self.random = random.Random(seed)
        self.place, self.lose_index = place, lose_index
        self.world, self.disk = World(), Disk(place)
        self.world.trace = TRACE and open(TRACE, "w", encoding="utf-8")
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

    # --- folders ------------------------------------------------------------------

    def tree(self, s):
        """CREATE, DELETE, RENAME: nobody else gives a command meanwhile."""
        self.wake(s)
        if s.may_end():
            # It ended after its last answer, or will after this one: not to be lost.
            s.client.process.send_signal(signal.SIGKILL)
            s.client.process.wait()
            s.client.close()
            s.connect()
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
            for other in self.sessions:
                # It may notice before the mailbox is called that again.
                if other.view is not None and other.view.name == name:
                    other.view.renamed = True
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
        validity = w.live["INBOX"]
        w.live[to] = None
        self.alone(s, self.emptying(s, to, validity))
        after = self.disk.content(to)
        if after != before:
            raise Wrong("of INBOX %s became %s" % (before, after))
        # With flags: who has \Deleted may go before any session looks.
        for command in ("SELECT " + to, "UID FETCH 1:* (UID FLAGS %s)" % SERIAL):
            self.alone(s, self.must(s, command))
        w.acked.update((s.view.validity, u) for u in s.view.slots)

    def emptying(self, s, to, validity):
        """All may go, also those of which no session was told a serial yet."""
        yield from self.must(s, "RENAME INBOX " + to)
        out = yield ("STATUS INBOX (UIDNEXT UIDVALIDITY)",)
        told = next(r.words[1] for r in out if r.name == "STATUS")
        told = dict(zip(told[::2], told[1::2]))
        if validity not in (None, told["UIDVALIDITY"]):
            raise Wrong("another UIDVALIDITY")
        self.world.emptied[told["UIDVALIDITY"]] = told["UIDNEXT"]

    # --- others ---------------------------------------------------------------------

    def deliver(self):
        serial, text = self.letter()
        name = self.mailbox()
        self.world.slack[serial] = 1
        self.world.happened("somebody", "letter %s to %s" % (serial, name))
        self.place.put(text, folder=os.path.basename(self.disk.directory(name))
                       if name != "INBOX" else ".")

    def remove_index(self):
        self.count["index removed"] += 1
        self.world.happened("somebody", "index removed")
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
        self.world.happened("somebody", "letter %s, %s to %s" % (
            serial, path, to if what < 0.7 or what >= 0.9 else "nowhere"))
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
        self.come_to_rest(self.sessions)

    def come_to_rest(self, sessions):
        """Foreign changes that hide in a tick of the clock are noticed later."""
        end = time.monotonic() + QUIET
        while True:
            wrong = self.unsettled(sessions)
            if wrong is None:
                return
            if time.monotonic() > end:
                raise Wrong(wrong)
            time.sleep(0.3)

    def unsettled(self, sessions):
        for s in sessions:
            if s.view is not None:
                self.alone(s, self.fetch(s, True))
        for s in sessions:
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
            self.alone(s, self.must(s, "EXAMINE " + name))
            # Perhaps nobody had selected it when the others came to rest.
            self.come_to_rest([s])
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
