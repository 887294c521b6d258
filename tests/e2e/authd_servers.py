#!/usr/bin/env python3
"""authd, spawner and servers that only say who they are.

Runs as root (then with two mailbox uids) and as an ordinary user.
"""

import os
import pwd
import re
import signal
import socket
import time
import unittest

from authd_lib import OTHER_UID, Suite, WithSuite, proof
from harness import PATIENCE, ROOT


class Servers(WithSuite):
    users = "alice@example.org:{PLAIN}a\nbob@example.net:{PLAIN}b\n"
    if ROOT:
        users += "olga@example.org:{PLAIN}o:%d:%d\n" % (OTHER_UID,
                                                        OTHER_UID)
        users += "low@example.org:{PLAIN}l:5:5\n"

    def session(self, user, password, service=b"pop3", ahead="",
                tag="", peer=None, wait=True):
        """The verdict and what the session server said."""
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        p = peer or self.suite.authd("merpati-imapd" if service == b"imap"
                                     else "merpati-pop3d")
        p.send("session", *proof(user, password, service.decode(),
                                 "192.0.2.7"), ("tag", tag), ("ahead", ahead), fds=[theirs.fileno()])
        theirs.close()
        if not wait:
            return p, ours
        verdict = p.receive()["verdict"]
        said = b""
        while verdict == "ok":
            more = ours.recv(65536)
            if not more:
                break
            said += more
        ours.close()
        if peer is None:
            p.close()
        return verdict, said.decode()

    def test_a_session_reaches_its_uid(self):
        people = [("alice@example.org", "a", self.suite.mail_uid)]
        if ROOT:
            people.append(("olga@example.org", "o", OTHER_UID))
        for user, password, uid in people:
            verdict, said = self.session(user, password, ahead="STAT\r\n")
            self.assertEqual(verdict, "ok")
            home = self.suite.path("mail/example.org/" + user.split("@")[0])
            self.assertIn("merpati 1 handed 0\nuser %s\nhome %s\n"
                          "ip 192.0.2.7\ntag \nquota-octets 0\nquota-count 0\n"
                          "ahead STAT+0D+0A\n" % (user, home), said)
            self.assertIn("uid=%d " % uid, said)
            self.assertIn("argv=['-S', '-c', '%s']" %
                          self.suite.path("etc/merpati.conf"), said)
            self.assertIn("env=['MERPATI_CONF'] fds=[]", said)
            if ROOT:
                self.assertRegex(said, r"groups=\[(%d)?\]" %
                                 (OTHER_UID if uid == OTHER_UID else
                                  pwd.getpwuid(uid).pw_gid))
            st = os.stat(home)
            self.assertEqual((st.st_uid, st.st_mode & 0o777), (uid, 0o700))

    def test_a_server_is_kept_and_replaced_when_it_died(self):
        pids = []
        for _ in range(3):
            verdict, said = self.session("alice@example.org", "a")
            self.assertEqual(verdict, "ok")
            pids.append(int(re.search(r"pid=(\d+)", said).group(1)))
        self.assertEqual(len(set(pids)), 1)
        os.kill(pids[0], signal.SIGKILL)
        verdict, said = self.session("alice@example.org", "a")
        self.assertEqual(verdict, "ok")
        self.assertNotIn("pid=%d " % pids[0], said)
        self.suite.wait_log("spawner", "event=server-died kind=pop3 uid=%d "
                            "pid=%d signal=9" % (self.suite.mail_uid,
                                                 pids[0]))

    def test_a_wrong_password_hands_nothing_over(self):
        p, conn = self.session("alice@example.org", "x", wait=False)
        self.assertEqual(p.receive()["verdict"], "bad")
        self.assertEqual(conn.recv(100), b"")
        p.close()
        conn.close()
        self.assertTrue(self.suite.authd("merpati-pop3d").refused(
            "session", *proof("alice@example.org", "a", "smtp", ""), ("tag", ""), ("ahead", ""),
            fds=[0]))

    def test_imap_goes_to_its_own_server_with_the_tag(self):
        pids = set()
        for service, tag in (b"imap", "a1]"), (b"pop3", ""), (b"imap", "b"):
            verdict, said = self.session("alice@example.org", "a", service=service, tag=tag)
            self.assertEqual(verdict, "ok")
            self.assertIn("\ntag %s\n" % tag, said)
            pids.add(re.search(r"pid=(\d+)", said).group(1))
        self.assertEqual(len(pids), 2)

    def test_a_program_that_is_missing_is_for_later(self):
        path = self.suite.path("libexec/imap-session")
        os.rename(path, path + ".hidden")
        self.addCleanup(os.rename, path + ".hidden", path)
        verdict, _ = self.session("alice@example.org", "a", service=b"imap")
        self.assertEqual(verdict, "later")
        self.suite.wait_log("authd", "event=server-failed kind=imap")

    def test_a_tag_that_would_end_a_line_is_refused(self):
        pair = socket.socketpair()
        for tag in ("a\r\nb", "a b", "x" * 65):
            self.assertTrue(self.suite.authd("merpati-pop3d").refused(
                "session", *proof("alice@example.org", "a", "imap", ""), ("tag", tag), ("ahead", ""),
                fds=[pair[0].fileno()]))
        for p in pair:
            p.close()

    def worker(self, user):
        p = self.suite.authd("merpati-queue")
        a = p.ask("deliver", ("user", user))
        p.close()
        if a["status"] != "ok":
            self.assertEqual(a["fds"], [])
            return None
        s = socket.socket(fileno=a["fds"][0])
        s.settimeout(PATIENCE)
        s.send(b"hello")
        return s, s.recv(10000).decode()

    def test_workers_are_fresh_and_of_the_uid(self):
        s, said = self.worker("bob@example.net")
        self.assertIn("uid=%d " % self.suite.mail_uid, said)
        self.assertIn("argv=['-w', ", said)
        t, again = self.worker("bob@example.net")
        self.assertNotEqual(re.search("pid=.*? ", said).group(0),
                            re.search("pid=.*? ", again).group(0))
        s.close()
        t.close()
        self.assertIsNone(self.worker("nobody@example.net"))
        if ROOT:
            s, said = self.worker("olga@example.org")
            self.assertIn("uid=%d gid=%d " % (OTHER_UID, OTHER_UID), said)
            s.close()
            self.assertIsNone(self.worker("low@example.org"))
            self.suite.wait_log("spawner", "uid below min-uid")

    def test_spawner_may_be_killed(self):
        s = self.suite
        s.stop("spawner", signal.SIGKILL)
        # Asked while it is down: it waits for the next one.
        p = s.authd("merpati-queue")
        p.send("deliver", ("user", "alice@example.org"))
        time.sleep(0.3)
        s.start("spawner")
        a = p.receive()
        self.assertEqual(a["status"], "ok")
        os.close(a["fds"][0])
        p.close()
        self.assertEqual(self.session("alice@example.org", "a")[0], "ok")


class Spawner(unittest.TestCase):
    def setUp(self):
        self.suite = Suite("")
        self.addCleanup(self.suite.remove)
        self.suite.start("spawner")
        self.uid = self.suite.mail_uid
        self.gid = pwd.getpwuid(self.uid).pw_gid if ROOT else os.getgid()

    def server(self, kind, uid, gid):
        p = self.suite.spawner()
        a = p.ask("server", ("kind", kind), ("uid", uid), ("gid", gid))
        p.close()
        for fd in a["fds"][1:]:
            os.close(fd)
        return a["status"], a["text"], a["fds"][:1]

    def home(self, path, uid=None):
        p = self.suite.spawner()
        a = p.ask("home", ("path", path),
                  ("uid", self.uid if uid is None else uid),
                  ("gid", self.gid))
        p.close()
        return a["status"]

    def test_uids_it_refuses(self):
        status, _, fds = self.server("deliver", self.uid, self.gid)
        self.assertEqual(status, "ok")
        os.close(fds[0])
        uids = [(0, self.gid), (99, self.gid), (self.uid, 0)] if ROOT \
            else [(self.uid + 1, self.gid), (0, 0)]
        for uid, gid in uids:
            status, text, fds = self.server("deliver", uid, gid)
            self.assertEqual((status, fds), ("refused", []), (uid, gid))
            self.assertNotEqual(text, "")

    def test_what_is_no_question_closes_the_connection(self):
        for fields in ((("kind", "sh"), ("uid", self.uid), ("gid", 5000)),
                       (("kind", "../deliver"), ("uid", 1), ("gid", 1)),
                       (("kind", "pop3"), ("uid", 2 ** 32 - 1),
                        ("gid", 5000)),
                       (("kind", "pop3"), ("uid", b"-1"), ("gid", 5000)),
                       (("uid", 1),)):
            self.assertTrue(self.suite.spawner().refused("server", *fields))
        self.assertTrue(self.suite.spawner().refused("exec"))

    @unittest.skipUnless(ROOT, "skipped: needs other uids")
    def test_only_authd_may_ask(self):
        st = os.stat(self.suite.path("run/spawner/spawner.sock"))
        self.assertEqual((st.st_uid, st.st_mode & 0o777),
                         (self.suite.auth_uid, 0o600))
        with self.assertRaises(PermissionError):
            self.suite.spawner(self.suite.mail_uid)
        self.assertTrue(self.suite.spawner(0).refused(
            "server", ("kind", "deliver"), ("uid", self.uid),
            ("gid", self.gid)))

    def test_a_program_that_is_missing(self):
        path = self.suite.path("libexec/imap-session")
        os.rename(path, path + ".hidden")
        self.addCleanup(os.rename, path + ".hidden", path)
        status, text, _ = self.server("imap", self.uid, self.gid)
        self.assertEqual(status, "later")
        self.assertIn("No such file", text)

    def test_homes(self):
        s = self.suite
        a = s.path("mail/example.org/a")
        self.assertEqual(self.home(a), "ok")
        self.assertEqual(self.home(a), "ok")
        st = os.stat(a)
        self.assertEqual((st.st_uid, st.st_mode & 0o777),
                         (self.uid, 0o700))
        st = os.stat(s.path("mail/example.org"))
        self.assertEqual((st.st_uid, st.st_mode & 0o777),
                         (os.geteuid(), 0o711))
        for bad in ("/etc/x", s.path("mail"), s.path("mail/"),
                    s.path("mail/../x"), s.path("mail//x"),
                    s.path("mail/./x"), s.path("mail/a/.."),
                    s.path("mailx/y"), "mail/x", "", "/"):
            self.assertEqual(self.home(bad), "refused", bad)
        os.mkdir(s.path("elsewhere"))
        os.symlink(s.path("elsewhere"), s.path("mail/link"))
        self.assertNotEqual(self.home(s.path("mail/link/b")), "ok")
        self.assertNotEqual(self.home(s.path("mail/link")), "ok")
        os.mkdir(s.path("mail/open"))
        os.chmod(s.path("mail/open"), 0o777)
        self.assertEqual(self.home(s.path("mail/open/b")), "refused")
        self.assertEqual(os.listdir(s.path("elsewhere")), [])
        if not ROOT:
            return
        os.mkdir(s.path("mail/foreign"), 0o755)
        os.chown(s.path("mail/foreign"), OTHER_UID, OTHER_UID)
        self.assertEqual(self.home(s.path("mail/foreign/b")), "refused")
        self.assertEqual(self.home(s.path("mail/foreign/b"), OTHER_UID),
                         "ok")
        self.assertEqual(self.home(s.path("mail/foreign/b")), "refused")
        self.assertEqual(self.home(s.path("mail/example.org/z"), 0),
                         "refused")

    def test_sigterm_ends_its_children(self):
        socks = []
        for _ in range(3):
            _, _, fds = self.server("deliver", self.uid, self.gid)
            socks.append(socket.socket(fileno=fds[0]))
        for s in socks:
            s.settimeout(PATIENCE)
            s.send(b"x")
            s.recv(10000)
        self.assertEqual(self.suite.stop("spawner"), 0)
        for s in socks:
            self.assertEqual(s.recv(100), b"")
            s.close()


if __name__ == "__main__":
    unittest.main()
