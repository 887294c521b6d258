"""pop3-session over a socketpair, with every octet in view."""

import os
import poplib
import re
import socket
import stat
import subprocess
import threading
import time
import unittest

from pop3_lib import Place, unstuff

MESSAGES = {
    # name: (stored, as sent without dot-stuffing)
    "1700000001.M1P1.h": (b"Subject: one\n\nbody\n", b"Subject: one\r\n\r\nbody\r\n"),
    "1700000002.M1P1.h": (b"A: 1\n\n.\n..\n.x\nend", b"A: 1\r\n\r\n.\r\n..\r\n.x\r\nend\r\n"),
    "1700000003.M1P1.h": (b"A: 1\r\n\r\nkept\r\n", b"A: 1\r\n\r\nkept\r\n"),
    "1700000004.M1P1.h": (b"", b""),
    "1700000005.M1P1.h": (b"no header end\n", b"no header end\r\n"),
    "1700000006.M1P1.h": (b"A: \xc3\xa9\xff\n\nx\0y\n", b"A: \xc3\xa9\xff\r\n\r\nx\0y\r\n"),
    "1700000007.M1P1.h": (b"A: 1\n\n" + b"line of a long one\n" * 20000,
                          b"A: 1\r\n\r\n" + b"line of a long one\r\n" * 20000),
    "1700000008.M1P1.h": (b"A: 1\n\n" + b"y" * 300000, b"A: 1\r\n\r\n" + b"y" * 300000 + b"\r\n"),
}


class Base(unittest.TestCase):
    pop3d = top = ""
    messages = MESSAGES

    def setUp(self):
        self.place = Place(self.pop3d, self.top)
        self.addCleanup(self.place.remove)
        for name, (stored, _) in self.messages.items():
            self.place.add(name, stored)
        self.sent = [sent for _, sent in self.messages.values()]

    def path(self, n):
        """The file that is message n now."""
        return "%s/cur/%s" % (self.place.maildir(), self.place.cur()[n - 1])


class Session(Base):
    def test_every_message_byte_for_byte(self):
        c = self.place.login()
        for n, sent in enumerate(self.sent, 1):
            first = c.ask("RETR %d" % n)
            self.assertEqual(first, "+OK %d octets" % len(sent))
            body = c.body()
            self.assertEqual(unstuff(body), sent)
            self.assertTrue(all(x != b".\r\n" for x in body.splitlines(True)))
        self.assertTrue(self.place.quit(c).startswith("+OK"))

    def test_sizes(self):
        c = self.place.login()
        sizes = [len(x) for x in self.sent]
        self.assertEqual(c.ask("STAT"), "+OK %d %d" % (len(sizes), sum(sizes)))
        self.assertEqual([(int(a), int(b)) for a, b in c.listing("LIST")],
                         list(enumerate(sizes, 1)))
        self.assertEqual(c.ask("LIST 2"), "+OK 2 %d" % sizes[1])
        # Counted once: the names tell it from now on.
        for name, size in zip(self.place.cur(), sizes):
            self.assertIn(",W=%d" % size, name)
        self.place.quit(c)

    def wrong(self, n, old, new):
        """Message n has a name that lies."""
        path = self.path(n)
        self.assertIn(old, path)
        os.rename(path, path.replace(old, new))

    def test_wrong_sizes_in_names_are_corrected(self):
        c = self.place.login()
        c.ask("STAT")
        self.place.quit(c)
        right, sizes = self.place.cur(), [len(x) for x in self.sent]
        big = sizes.index(max(sizes)) + 1
        self.assertGreater(max(sizes), 65536)
        # Such as can be, and such as cannot.
        self.wrong(1, ",W=%d" % sizes[0], ",W=%d" % (sizes[0] + 1))
        self.wrong(big, ",W=%d" % sizes[big - 1], ",W=%d" % (sizes[big - 1] - 1))
        self.wrong(2, ",W=%d" % sizes[1], ",W=99999")
        stored = re.search(",S=[0-9]+", self.path(3)).group(0)
        self.wrong(3, stored, stored + "0")
        c = self.place.login()
        self.assertEqual(c.ask("LIST 1"), "+OK 1 %d" % (sizes[0] + 1))
        for n in (2, 3):
            self.assertEqual(c.ask("LIST %d" % n), "+OK %d %d" % (n, sizes[n - 1]))
        self.assertEqual(c.ask("RETR 1"), "+OK %d octets" % sizes[0])
        c.body()
        # What does not go in one piece is told and then found out.
        c.ask_long("RETR %d" % big)
        for n in (1, 2, 3, big):
            self.assertEqual(c.ask("LIST %d" % n), "+OK %d %d" % (n, sizes[n - 1]))
        self.assertEqual(self.place.cur(), right)
        # A size of the file that cannot be seen without it.
        self.place.quit(c)
        right = self.place.cur()
        self.wrong(big, re.search(",S=[0-9]+", self.path(big)).group(0), ",S=%d" % (
            sizes[big - 1] - 100))
        self.wrong(big, ",W=%d" % sizes[big - 1], ",W=%d" % (sizes[big - 1] - 50))
        c = self.place.login()
        self.assertEqual(c.ask("LIST %d" % big), "+OK %d %d" % (big, sizes[big - 1] - 50))
        self.assertEqual(c.ask("RETR %d" % big), "+OK %d octets" % sizes[big - 1])
        c.body()
        self.assertEqual(self.place.cur(), right)
        self.place.quit(c)

    def test_top(self):
        c = self.place.login()
        self.assertEqual(c.ask_long("TOP 1 0"), b"Subject: one\r\n\r\n")
        self.assertEqual(c.ask_long("TOP 1 1"), self.sent[0])
        self.assertEqual(c.ask_long("TOP 1 4000000000"), self.sent[0])
        self.assertEqual(c.ask_long("TOP 2 2"), b"A: 1\r\n\r\n..\r\n...\r\n")
        self.assertEqual(c.ask_long("TOP 4 5"), b"")
        self.assertEqual(c.ask_long("TOP 5 0"), b"no header end\r\n")
        self.assertEqual(len(c.ask_long("TOP 7 10000")), 8 + 20 * 10000)
        for bad in ("TOP", "TOP 1", "TOP 1 -1", "TOP 99 1", "TOP 0 1", "TOP 1 2 3"):
            self.assertTrue(c.ask(bad).startswith("-ERR"), bad)
        self.place.quit(c)
        self.assertFalse([x for x in self.place.cur() if x.endswith("S")])

    def test_deleting_happens_at_quit(self):
        c = self.place.login()
        for n in (1, 3, 4):
            self.assertTrue(c.ask("DELE %d" % n).startswith("+OK"))
        for bad in ("DELE 1", "RETR 1", "LIST 1", "UIDL 3", "TOP 4 1", "DELE 0", "DELE 9",
                    "DELE", "DELE x", "RETR 4294967297"):
            self.assertTrue(c.ask(bad).startswith("-ERR"), bad)
        left = [len(x) for n, x in enumerate(self.sent, 1) if n not in (1, 3, 4)]
        self.assertEqual(c.ask("STAT"), "+OK %d %d" % (len(left), sum(left)))
        self.assertEqual([int(a) for a, _ in c.listing("LIST")], [2, 5, 6, 7, 8])
        self.assertEqual([int(a) for a, _ in c.listing("UIDL")], [2, 5, 6, 7, 8])
        self.assertEqual(len(self.place.cur()), 8)
        self.assertEqual(self.place.quit(c), "+OK Goodbye")
        self.assertEqual(len(self.place.cur()), 5)
        c = self.place.login()
        self.assertEqual(c.ask("STAT"), "+OK 5 %d" % sum(left))
        self.place.quit(c)
        self.place.wait_log("deleted=3")

    def test_rset(self):
        c = self.place.login()
        c.ask("DELE 1")
        c.ask("DELE 2")
        self.assertTrue(c.ask("RSET").startswith("+OK"))
        self.assertEqual(c.ask("LIST 1"), "+OK 1 %d" % len(self.sent[0]))
        self.place.quit(c)
        self.assertEqual(len(self.place.cur()), 8)

    def test_a_dropped_connection_changes_nothing(self):
        c = self.place.login()
        c.ask_long("RETR 1")
        c.ask("DELE 1")
        c.ask("DELE 2")
        before = self.place.cur()
        c.close()
        c.process.wait(20)
        self.assertEqual(self.place.cur(), before)
        self.place.wait_log("retrieved=1 deleted=0")
        self.assertIn("end=dropped", self.place.text_of_log())

    def test_dropped_while_a_message_is_sent(self):
        c = self.place.login()
        c.ask("DELE 1")
        c.send(b"RETR 8\r\n" * 50 + b"QUIT\r\n")
        c.file.read(1000)
        # With a reset, so that what was sent before cannot be read any more.
        c.close()
        c.process.wait(20)
        self.assertEqual(len(self.place.cur()), 8)

    def test_sigterm_changes_nothing(self):
        c = self.place.login()
        c.ask("DELE 1")
        c.process.terminate()
        self.assertTrue(c.line().startswith(b"-ERR [SYS/TEMP]"))
        self.assertTrue(c.at_end())
        self.assertEqual(c.process.wait(20), 0)
        self.assertEqual(len(self.place.cur()), 8)
        self.place.wait_log("end=stopped")

    def test_retrieved_is_seen_after_quit(self):
        c = self.place.login()
        c.ask_long("RETR 2")
        self.assertFalse([x for x in self.place.cur() if x.endswith("S")])
        self.place.quit(c)
        flags = [x.rpartition(":2,")[2] for x in self.place.cur()]
        self.assertEqual(flags, ["", "S", "", "", "", "", "", ""])

    def test_one_session_a_mailbox(self):
        first = self.place.login()
        second = self.place.session()
        self.assertTrue(second.line().startswith(b"-ERR [IN-USE]"))
        self.assertTrue(second.at_end())
        other = self.place.login("bob")
        self.place.quit(other)
        self.assertTrue(first.ask("QUIT").startswith("+OK"))
        # No wait: the lock is gone before the answer.
        third = self.place.login()
        self.place.quit(third)

    def test_uidls_stay(self):
        c = self.place.login()
        uidl = dict(c.listing("UIDL"))
        self.assertEqual(len(set(uidl.values())), 8)
        for u in uidl.values():
            self.assertRegex(u, "^[0-9a-f]{16}$")
        self.assertEqual(c.ask("UIDL 3"), "+OK 3 " + uidl["3"])
        c.ask("DELE 2")
        c.ask("DELE 8")
        self.place.quit(c)
        # A message later than all, though its name says otherwise.
        self.place.add("1600000000.M1P1.h", b"A: new\n\n")
        c = self.place.login()
        again = [b for _, b in c.listing("UIDL")]
        kept = [uidl["%d" % n] for n in (1, 3, 4, 5, 6, 7)]
        self.assertEqual(again[:-1], kept)
        self.assertNotIn(again[-1], uidl.values())
        self.assertGreater(again[-1][:8], uidl["8"][:8])
        self.place.quit(c)

    def test_flags_changed_by_others_are_followed(self):
        c = self.place.login()
        for n in (1, 2, 3):
            os.rename(self.path(n), self.path(n).rpartition(":")[0] + ":2,FT")
        self.assertEqual(unstuff(c.ask_long("RETR 1")), self.sent[0])
        self.assertEqual(unstuff(c.ask_long("RETR 2")), self.sent[1])
        self.assertEqual(c.ask("LIST 3"), "+OK 3 %d" % len(self.sent[2]))
        c.ask("DELE 3")
        os.rename(self.path(3), self.path(3).rpartition(":")[0] + ":2,R")
        os.rename(self.path(1), self.path(1).rpartition(":")[0] + ":2,DT")
        self.assertEqual(self.place.quit(c), "+OK Goodbye")
        self.assertEqual(len(self.place.cur()), 7)
        self.assertTrue(self.place.cur()[0].endswith(":2,DST"))
        self.assertTrue(self.place.cur()[1].endswith(":2,FST"))

    def test_vanished_messages_are_said_to_be(self):
        c = self.place.login()
        c.ask("STAT")
        os.unlink(self.path(8))
        os.unlink(self.path(2))
        for command in ("RETR 2", "TOP 2 1", "RETR 8", "RETR 2"):
            self.assertRegex(c.ask(command), "^-ERR Message . is gone")
        self.assertEqual(unstuff(c.ask_long("RETR 1")), self.sent[0])
        c.ask("DELE 2")
        c.ask("DELE 1")
        self.assertEqual(self.place.quit(c), "+OK Goodbye")
        self.assertEqual(len(self.place.cur()), 5)
        self.place.wait_log("deleted=1 ")

    def test_what_cannot_be_removed_is_said_at_quit(self):
        c = self.place.login()
        c.ask("STAT")
        path = self.path(1)
        os.unlink(path)
        os.mkdir(path)
        c.ask("DELE 1")
        c.ask("DELE 2")
        self.assertTrue(self.place.quit(c).startswith("-ERR [SYS/TEMP]"))
        self.assertEqual(len(self.place.cur()), 7)
        self.place.wait_log("event=pop3-remove-failed")

    def test_no_link_or_pipe_is_followed(self):
        c = self.place.login()
        c.ask("STAT")
        for n, make in ((1, lambda p: os.symlink("/etc/passwd", p)), (2, os.mkfifo)):
            path = self.path(n)
            os.unlink(path)
            make(path)
        for n in (1, 2):
            self.assertTrue(c.ask("RETR %d" % n).startswith("-ERR [SYS/"), n)
        self.assertEqual(c.ask("NOOP"), "+OK")
        self.place.quit(c)

    def test_pipelining(self):
        c = self.place.login()
        c.send(b"STAT\r\nRETR 1\r\nNOOP\r\nLIST\r\nDELE 1\r\nTOP 2 0\r\nQUIT\r\n")
        whole = c.file.read()
        self.assertEqual(whole.count(b"\r\n.\r\n"), 3)
        self.assertTrue(whole.endswith(b"+OK Goodbye\r\n"))
        self.assertEqual(len(self.place.cur()), 7)

    def test_pieces_of_commands(self):
        c = self.place.login()
        for octet in b"LIST 1\r\nNOOP\n":
            c.send(bytes([octet]))
            time.sleep(0.002)
        self.assertEqual(c.line(), b"+OK 1 %d\r\n" % len(self.sent[0]))
        self.assertEqual(c.line(), b"+OK\r\n")

    def test_nonsense_is_refused_and_ends(self):
        c = self.place.login()
        for bad in ("", "HELO", "USER x", "PASS x", "AUTH PLAIN", "STLS", "UTF8", "STAT 1",
                    "NOOP 1", "QUIT now", "UIDL 1 2", "X" * 300, "X" * 200000, "R\rETR 1"):
            self.assertTrue(c.ask(bad).startswith("-ERR"), bad[:20])
        self.assertEqual(c.ask("NOOP"), "+OK")
        c.send(b"?\r\n" * 50)
        self.assertEqual(c.file.read().count(b"-ERR"), 6)
        self.place.wait_log("end=errors")

    def test_capabilities(self):
        c = self.place.login()
        tags = c.ask_long("capa").decode().split("\r\n")
        for tag in ("TOP", "UIDL", "RESP-CODES", "PIPELINING", "EXPIRE NEVER", "UTF8 USER"):
            self.assertIn(tag, tags)

    def test_a_new_mailbox_is_empty(self):
        c = self.place.login("carol")
        self.assertEqual(c.ask("STAT"), "+OK 0 0")
        self.assertEqual(c.listing("LIST"), [])
        self.assertEqual(c.listing("UIDL"), [])
        self.assertTrue(c.ask("RETR 1").startswith("-ERR"))
        self.assertTrue(self.place.quit(c).startswith("+OK"))

    def test_mail_that_arrives_meanwhile_waits(self):
        c = self.place.login()
        self.place.add("1800000000.M1P1.h", b"later\n")
        self.assertTrue(c.ask("STAT").startswith("+OK 8 "))
        self.place.quit(c)
        c = self.place.login()
        self.assertTrue(c.ask("STAT").startswith("+OK 9 "))

    def test_a_mailbox_that_cannot_be_had(self):
        d = self.place.home("dave") + "/Maildir"
        with open(d, "w"):
            pass
        c = self.place.session("dave")
        self.assertTrue(c.line().startswith(b"-ERR [SYS/"))
        self.assertTrue(c.at_end())
        self.place.wait_log("event=pop3-mailbox-failed")
        self.place.wait_log("end=refused")

    def test_the_lock_file_is_no_link(self):
        victim = self.place.dir + "/mail/victim"
        os.symlink(victim, self.place.maildir() + "/pop3.lock")
        c = self.place.session()
        self.assertTrue(c.line().startswith(b"-ERR [SYS/"))
        self.assertFalse(os.path.exists(victim))

    def test_pythons_poplib(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]

            def serve():
                conn, _ = s.accept()
                with conn:
                    self.place.start([self.place.copy("pop3-session"), "-i", "-u",
                                      "alice@example.test", "-m", self.place.home(), "-c",
                                      self.place.conf], conn, **self.place.privileges())
            t = threading.Thread(target=serve)
            t.start()
            p = poplib.POP3("127.0.0.1", port, timeout=60)
            t.join()
        self.assertEqual(p.stat()[0], 8)
        self.assertEqual(len(p.list()[1]), 8)
        for n, sent in enumerate(self.sent[:6], 1):
            self.assertEqual(b"".join(x + b"\r\n" for x in p.retr(n)[1]), sent)
        self.assertEqual(p.top(1, 0)[1], [b"Subject: one", b""])
        p.dele(1)
        p.rset()
        p.dele(2)
        self.assertIn("UIDL", p.capa())
        self.assertEqual(len(p.uidl()[1]), 7)
        p.quit()
        end = time.monotonic() + 60
        while len(self.place.cur()) != 7 and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(len(self.place.cur()), 7)

    def test_files_are_private(self):
        self.place.quit(self.place.login())
        mode = os.stat(self.place.maildir() + "/pop3.lock").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)


class Idle(Base):
    pop3d = "idle-timeout = 1s"

    def test_silence_ends_without_a_word(self):
        c = self.place.login()
        c.ask("DELE 1")
        self.assertTrue(c.at_end())
        self.assertEqual(len(self.place.cur()), 8)
        self.place.wait_log("end=timeout")

    def test_a_client_that_does_not_read(self):
        c = self.place.login()
        c.ask("DELE 1")
        c.send(b"RETR 8\r\n" * 20 + b"QUIT\r\n")
        self.assertEqual(c.process.wait(30), 0)
        self.assertEqual(len(self.place.cur()), 8)


class Delay(Base):
    pop3d = "login-delay = 3s"

    def test_logins_are_kept_apart(self):
        c = self.place.login()
        self.assertIn(b"LOGIN-DELAY 3\r\n", c.ask_long("CAPA"))
        self.place.quit(c)
        c = self.place.session()
        self.assertTrue(c.line().startswith(b"-ERR [LOGIN-DELAY]"))
        lock = self.place.maildir() + "/pop3.lock"
        then = time.time() - 10
        os.utime(lock, (then, then))
        self.place.quit(self.place.login())


class Expire(Base):
    pop3d = "expire = 30"
    messages = {}

    def test_old_messages_go_at_quit(self):
        now = int(time.time())
        self.place.add("%d.M1P1.h" % (now - 31 * 86400), b"A: old\n\n")
        self.place.add("%d.M2P1.h" % (now - 29 * 86400), b"A: young\n\n")
        self.place.add("untimed.h", b"A: untimed\n\n")
        c = self.place.login()
        self.assertIn(b"EXPIRE 30\r\n", c.ask_long("CAPA"))
        c.close()
        c.process.wait(20)
        self.assertEqual(len(self.place.cur()), 3)
        self.place.quit(self.place.login())
        self.assertEqual(len(self.place.cur()), 2)


class ExpireAtOnce(Base):
    pop3d = "expire = 0"

    def test_retrieved_messages_go_at_quit(self):
        c = self.place.login()
        self.assertIn(b"EXPIRE 0\r\n", c.ask_long("CAPA"))
        c.ask_long("RETR 1")
        c.ask_long("TOP 2 1")
        self.place.quit(c)
        self.assertEqual(len(self.place.cur()), 7)


@unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
class FullDisk(Base):
    messages = {}

    def test_mail_can_be_read_and_removed(self):
        mail = self.place.dir + "/mail"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=12", "tmpfs",
                           mail]).returncode:
            self.skipTest("mount is not possible here")
        self.addCleanup(subprocess.run, ["umount", "-l", mail])
        self.place.own(mail)
        for n in range(5):
            self.place.add("170000000%d.M1P1.h" % n, b"A: %d\n\n" % n)
        with self.assertRaises(OSError):
            for n in range(20):
                with open("%s/fill%d" % (mail, n), "wb") as f:
                    f.write(b"x" * 65536)
        c = self.place.login()
        uidl = [b for _, b in c.listing("UIDL")]
        self.assertEqual(len(set(uidl)), 5)
        other = self.place.session()
        self.assertTrue(other.line().startswith(b"-ERR [IN-USE]"))
        # UIDs that cannot be kept are in no order of time.
        which = c.ask_long("RETR 2").decode().split()[1]
        c.ask("DELE 2")
        self.assertEqual(self.place.quit(c), "+OK Goodbye")
        new = os.listdir(self.place.maildir() + "/new")
        self.assertEqual(len(new) + len(self.place.cur()), 4)
        self.assertFalse([x for x in new + self.place.cur() if x.startswith("170000000%s." % which)])


class TextFile(Base):
    top = 'mailbox = "mbox"\nmbox-path = "/var/mail/%n"'

    def test_accounts_with_one_file_are_refused(self):
        c = self.place.session()
        self.assertTrue(c.line().startswith(b"-ERR [SYS/PERM] Mail is kept in one text file"))
        self.assertTrue(c.at_end())


if __name__ == "__main__":
    unittest.main()
