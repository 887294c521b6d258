"""Sessions without a process: what is left behind, and what brings them back."""

import os
import shutil
import signal
import socket
import threading
import time
import unittest

import side_by_side
from imap_lib import eventually, letter
from imap_served import Place


class Base(unittest.TestCase):
    imapd = "park-after = 1s"

    def setUp(self):
        self.place = Place(self.imapd)
        self.addCleanup(self.place.remove)
        for n in range(5):
            self.place.put(letter("number %d" % (n + 1)), flags="S" if n < 2 else "")


class Parked(Base):
    def test_between_commands(self):
        c = self.place.login()
        self.assertEqual(len(self.place.processes()), 1)
        self.place.wait_parked()
        with open("/proc/%d/cmdline" % self.place.process.pid) as f:
            self.assertIn("imap-session: 1 sessions, 1 parked", f.read())
        self.assertTrue(c.quiet(0.2))
        c.ok("NOOP")
        c.select()
        self.place.wait_parked()
        self.assertEqual(c.ok("FETCH 1:* (UID BODY[])").numbers("FETCH"), [1, 2, 3, 4, 5])
        self.place.wait_parked()
        self.place.quit(c)
        self.place.wait_parked()
        # One line for all its processes, which says what each of them did.
        log = self.place.text_of_log()
        self.assertEqual(log.count("event=imap-session user=alice"), 1, log)
        self.assertRegex(log, r"event=imap-session user=alice@example.test ip=192.0.2.1 fetched=5 .*end=logout")

    def test_what_the_client_knows_stays(self):
        """sequence numbers, flags that were told, \\Recent, a saved search, read-only"""
        c = self.place.login(enable="CONDSTORE")
        r = c.select()
        self.assertEqual(r.numbers("EXISTS"), [5])
        self.assertEqual(r.numbers("RECENT"), [5])
        c.ok("SEARCH RETURN (SAVE) UNSEEN")
        self.place.wait_parked()
        d = self.place.login()
        d.select()
        d.ok("STORE 2 +FLAGS (\\Deleted $Mine)")
        d.ok("UID EXPUNGE 2")
        d.ok("UID STORE 4 +FLAGS (\\Flagged $Mine)")
        d.ok("NOOP")
        self.place.wait_parked()
        # It was not told yet: 3 is still the third, and the keyword is new.
        r = c.ok("FETCH 3 (UID)")
        self.assertEqual(r.fetched()[3]["UID"], 3)
        self.assertIn("$Mine", str(r.all("FLAGS")))
        self.assertIn("\\Flagged", r.fetched()[4]["FLAGS"])
        self.assertEqual(r.numbers("EXPUNGE"), [])
        self.place.wait_parked()
        r = c.ok("NOOP")
        self.assertEqual(r.numbers("EXPUNGE"), [2])
        self.place.wait_parked()
        r = c.ok("UID FETCH $ (FLAGS)")
        self.assertEqual([x["UID"] for x in r.fetched().values()], [3, 4, 5])
        self.assertTrue(all("\\Recent" in x["FLAGS"] for x in r.fetched().values()), r)
        self.assertTrue(all("MODSEQ" not in x for x in r.fetched().values()), r)
        c.ok("EXAMINE INBOX")
        self.place.wait_parked()
        c.no("STORE 1 +FLAGS (\\Seen)")

    def test_enabled(self):
        """RFC 7162 3.2.3: ENABLE lasts as long as the connection"""
        c = self.place.login(enable="QRESYNC UTF8=ACCEPT")
        c.select()
        self.place.wait_parked()
        d = self.place.login()
        d.select()
        d.ok("STORE 1,3 +FLAGS (\\Deleted)")
        d.ok("EXPUNGE")
        d.ok('CREATE "&AOQ-"')
        r = c.ok("NOOP")
        self.assertEqual([x.words for x in r.all("VANISHED")], [["1,3"]])
        self.place.wait_parked(0)
        self.assertIn(b"\xc3\xa4", c.ok('LIST "" *').all("LIST")[0].raw + b"".join(
            x.raw for x in c.ok('LIST "" *').all("LIST")))
        # RFC 9755 3: and what the client says is read so.
        self.place.wait_parked()
        c.select('"\u00e4"')

    def test_no_mailbox(self):
        c = self.place.login()
        c.select()
        c.ok("UNSELECT")
        self.place.wait_parked()
        self.assertIn("No mailbox", c.bad("FETCH 1 UID").text)
        c.idle()
        self.place.wait_parked()
        self.assertEqual(c.done().status, "OK")

    def test_many_gaps(self):
        for n in range(300):
            self.place.put(letter("more %d" % n), flags="S")
        c = self.place.login()
        c.select()
        c.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % ",".join(str(n) for n in range(1, 306, 2)))
        c.ok("EXPUNGE")
        self.place.wait_parked()
        self.assertEqual(c.ok("FETCH 1:* (UID)").fetched()[152]["UID"], 304)

    def test_pipelined(self):
        """What came with the command before is not lost, nor a part of a line."""
        c = self.place.login()
        c.select()
        c.send(b"a NOOP\r\nb NO")
        self.assertEqual(c.response().tag, "a")
        time.sleep(3.5)
        # Something is read ahead: it stays.
        self.assertEqual(len(self.place.processes()), 1)
        c.send(b"OP\r\n")
        self.assertEqual(c.response().tag, "b")
        self.place.wait_parked()


class Idle(Base):
    def test_news_bring_it_back(self):
        """RFC 2177 3"""
        c = self.place.login()
        c.select()
        c.idle()
        for n in range(3):
            self.place.wait_parked()
            begun = time.monotonic()
            self.place.put(letter("new %d" % n))
            self.assertEqual((c.response().name, c.response().name), ("EXISTS", "RECENT"))
            self.assertLess(time.monotonic() - begun, 15)
        self.place.wait_parked()
        path = self.place.maildir() + "/cur/" + self.place.cur()[0]
        os.rename(path, path + "F")
        r = c.response()
        self.assertIn("\\Flagged", str(r.words), r)
        self.place.wait_parked()
        r = c.done()
        self.assertEqual((r.status, r.untagged), ("OK", []))
        self.assertEqual(c.ok("FETCH 1:* (UID)").numbers("FETCH"), list(range(1, 9)))

    def test_another_session_brings_it_back(self):
        """by the wake socket, which its process left behind"""
        c = self.place.login()
        c.select()
        c.idle()
        self.place.wait_parked()
        wake = self.place.home() + "/wake"
        self.assertEqual(len(os.listdir(wake)), 1)
        d = self.place.login()
        d.select()
        d.ok("STORE 1 +FLAGS (\\Answered)")
        self.assertEqual(c.response().number, 1)
        self.place.wait_parked()
        d.ok("STORE 4:5 +FLAGS (\\Deleted)")
        d.ok("EXPUNGE")
        names = [c.response().name for _ in range(2)]
        while names[-2:] != ["EXPUNGE", "EXPUNGE"]:     # who is quick sees \\Deleted first
            names.append(c.response().name)
        c.done()
        self.assertTrue(eventually(lambda: not os.path.exists(wake)))

    def test_a_mailbox_that_goes(self):
        c = self.place.login()
        c.ok("CREATE Box")
        c.select("Box")
        c.idle()
        self.place.wait_parked()
        d = self.place.login()
        d.ok("DELETE Box")
        self.assertEqual(c.response().name, "BYE")
        self.assertTrue(c.at_end())
        self.place.wait_log("end=lost")
        # Another one of that name is another one.
        d.ok("CREATE Box")
        d.select("Box")
        self.place.wait_parked()
        shutil.rmtree(self.place.maildir() + "/.Box")
        self.place.folder(".Box")
        d.start("NOOP")
        self.assertEqual(d.response().name, "BYE")
        self.assertTrue(d.at_end())

    def test_a_mailbox_that_cannot_be_looked_at(self):
        """It can be read as it was known, by who stays; it is not gone."""
        c, d = self.place.login(), self.place.login()
        c.select()
        c.idle()
        d.select()
        self.place.wait_parked()
        cur = self.place.maildir() + "/cur"
        os.chmod(cur, 0o400)
        self.place.put(letter("new"))
        self.place.wait_log("event=imap-sync-failed")
        r = d.ok("FETCH 1 (UID)")
        self.assertEqual(r.fetched()[1]["UID"], 1)
        self.place.quit(d)
        # Nobody comes and goes.
        self.place.wait_parked(1)
        one, = self.place.processes()
        time.sleep(5)
        self.assertEqual(self.place.processes(), [one])
        os.chmod(cur, 0o700)

    def test_a_mailbox_that_cannot_be_opened(self):
        c = self.place.login()
        c.select()
        self.place.wait_parked()
        cur = self.place.maildir() + "/cur"
        os.chmod(cur, 0)
        c.start("NOOP")
        r = c.response()
        self.assertEqual((r.name, r.code), ("BYE", "UNAVAILABLE"))
        self.assertTrue(c.at_end())
        self.place.wait_log("event=imap-mailbox-failed")
        os.chmod(cur, 0o700)

    def test_an_account_that_cannot_be_opened(self):
        c = self.place.login()
        c.select()
        c.ok("FETCH 1:* (BODY.PEEK[])")
        self.place.wait_parked()
        os.chmod(self.place.home(), 0)
        c.start("NOOP")
        r = c.response()
        self.assertEqual((r.name, r.code), ("BYE", "CONTACTADMIN"))
        self.assertTrue(c.at_end())
        os.chmod(self.place.home(), 0o700)
        # What it did before is in its line all the same.
        self.place.wait_log("fetched=5 appended=0 expunged=0 end=refused")

    def test_the_index_goes(self):
        c = self.place.login()
        c.select()
        c.idle()
        self.place.wait_parked()
        shutil.rmtree(self.place.home() + "/index")
        self.place.put(letter("new"))
        self.assertEqual((c.response().number, c.response().name), (6, "RECENT"))
        self.assertEqual(c.done().status, "OK")
        self.assertEqual([x["UID"] for x in c.ok("FETCH 1:* (UID)").fetched().values()],
                         [1, 2, 3, 4, 5, 6])

    @unittest.skipIf(os.geteuid() != 0, "needs root: a letter where the session cannot write")
    def test_uids_of_a_session_keep_its_process(self):
        """Those of letters that cannot be renamed: they are not to turn into others."""
        c = self.place.login()
        c.select()
        dirs = [self.place.maildir() + x for x in ("/cur", "/new")]
        for d in dirs:
            os.chmod(d, 0o500)
        first = self.place.put(letter("a"))
        self.place.put(letter("b"))
        self.assertEqual(c.ok("NOOP").numbers("EXISTS"), [7])
        self.assertNotEqual(c.ok("FETCH 6 (UID)").fetched()[6]["UID"], 6)
        time.sleep(4)
        self.assertEqual(len(self.place.processes()), 1)
        for d in dirs:
            os.chmod(d, 0o700)
        os.unlink(first)
        c.start("NOOP")
        self.assertEqual((c.response().name, c.response().name), ("OK", "BYE"))
        self.assertTrue(c.at_end())

    def test_notify_keeps_its_process(self):
        """RFC 5465: so does COMPRESS; neither is in the note"""
        c = self.place.login()
        c.ok("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")
        c.idle()
        time.sleep(4)
        self.assertEqual(len(self.place.processes()), 1)
        c.done()


class Ends(Base):
    def test_the_client_leaves(self):
        c = self.place.login()
        c.select()
        c.idle()
        self.place.wait_parked()
        c.close()
        self.place.wait_log("end=dropped")
        self.place.wait_parked()
        self.assertTrue(eventually(lambda: not os.path.exists(self.place.home() + "/wake")))

    def test_the_server_stops(self):
        """all are told: RFC 9051 7.1.5"""
        all = [self.place.login() for _ in range(3)]
        all[0].select()
        all[1].select()
        all[1].idle()
        self.place.wait_parked()
        all.append(self.place.login())
        self.place.process.terminate()
        for c in all:
            r = c.response()
            self.assertEqual((r.name, r.code), ("BYE", "UNAVAILABLE"), r)
            self.assertTrue(c.at_end())
        self.assertEqual(self.place.process.wait(20), 0)

    def test_authd_goes(self):
        """Its end is no session's end; the last one ends the server."""
        c, d = self.place.login(), self.place.login()
        self.place.wait_parked()
        self.place.server.close()
        time.sleep(0.3)
        c.ok("NOOP")
        self.place.wait_parked()
        self.place.quit(c)
        self.place.quit(d)
        self.assertEqual(self.place.process.wait(20), 0)

    @unittest.skipIf(os.geteuid() != 0, "needs root: who is not dumpable is not to be looked at")
    def test_nothing_is_left(self):
        self.place.login()
        self.place.wait_parked()
        before = self.place.descriptors()
        for _ in range(3):
            some = [self.place.login() for _ in range(5)]
            for n, c in enumerate(some):
                c.select()
                if n % 2:
                    c.idle()
            self.place.wait_parked()
            for c in some:
                c.close()
            self.place.wait_parked()
        self.assertTrue(eventually(lambda: self.place.descriptors() == before))


class Silent(Base):
    imapd = "park-after = 1s\nidle-timeout = 4s"

    def test_too_long(self):
        """RFC 9051 5.4: counted from the client's last word, parked or not"""
        c, d = self.place.login(), self.place.login()
        d.idle()
        begun = time.monotonic()
        for x in (c, d):
            r = x.response()
            self.assertEqual((r.name, r.text), ("BYE", "You were silent for too long"))
            self.assertTrue(x.at_end())
        self.assertGreater(time.monotonic() - begun, 3)
        self.place.wait_log("end=timeout")


class Limits(Base):
    imapd = "park-after = 1s\nmax-connections-per-user = 3\nmax-connections = 5"

    def test_the_parked_count(self):
        all = [self.place.login() for _ in range(3)]
        self.place.wait_parked()
        r = self.place.session().response()
        self.assertEqual((r.name, r.code), ("NO", "LIMIT"))
        all += [self.place.login("bob"), self.place.login("bob")]
        self.place.wait_parked()
        r = self.place.session("bob").response()
        self.assertEqual((r.name, r.code), ("NO", "UNAVAILABLE"))
        self.place.quit(all.pop())
        self.assertTrue(eventually(lambda: self.place.session("bob").response().name == "OK"))


class Never(Base):
    imapd = "park-after = 0"

    def test_it_keeps_its_process(self):
        c = self.place.login()
        time.sleep(3)
        self.assertEqual(len(self.place.processes()), 1)
        self.place.quit(c)


class Others(Base):
    imapd = "park-after = 1s\nmax-connections-per-user = 20"

    @unittest.skipIf(os.geteuid() != 0, "needs root: who is not dumpable is not to be looked at")
    def test_no_session_has_anothers_descriptors(self):
        """Where mailboxes share a uid: those who are parked are out of reach."""
        all = [self.place.login("user%d" % n) for n in range(5)]
        for c in all:
            c.select()
            c.idle()
        self.place.wait_parked()
        c = self.place.login()
        pid, = self.place.processes()
        c.ok("NOOP")
        # 1 is authd's here, as 0 was.
        links = [os.readlink("/proc/%d/fd/%s" % (pid, x))
                 for x in os.listdir("/proc/%d/fd" % pid) if x != "1"]
        # Its connection and the way to park.
        self.assertEqual(len([x for x in links if x.startswith("socket:")]), 2, links)
        self.assertFalse([x for x in links if "epoll" in x or "inotify" in x], links)

    def test_a_packet_of_nobody(self):
        """A session may park itself and nobody else: by a process of another kind."""
        c = self.place.login()
        self.place.wait_parked()
        # Nothing but sessions reaches the socket; what is on authd's is not parking.
        a, b = socket.socketpair()
        with a, b:
            socket.send_fds(self.place.server, [b"merpati 1 park 0\nuntil 1\n"], [a.fileno()])
        self.place.wait_log("event=ipc-bad-request")
        c.ok("NOOP")

    def wake_all(self, count, users):
        """So many sessions of so many users, in IDLE and parked, and a letter to each user."""
        all = [self.place.login("u%d" % (n % users)) for n in range(count)]
        for c in all:
            c.select()
            c.idle()
        self.place.wait_parked()
        for n in range(users):
            self.place.put(letter("new"), user="u%d" % n)
        for c in all:
            self.assertEqual((c.response().name, c.response().name), ("EXISTS", "RECENT"))
        return all

    @unittest.skipIf(os.geteuid() != 0, "needs root: it uses up what the uid of other tests has")
    def test_more_than_inotify_serves(self):
        """of instances the kernel gives a uid 128; the server has one for all"""
        self.place = Place(self.imapd, uid=100000 + os.getpid())
        self.addCleanup(self.place.remove)
        self.wake_all(150, 20)

    def test_at_once(self):
        """50 that wake together"""
        all = self.wake_all(50, 10)
        self.place.wait_parked()
        threads = [threading.Thread(target=c.done) for c in all]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        for c in all:
            self.place.quit(c)


if __name__ == "__main__":
    signal.alarm(280)
    side_by_side.main()
