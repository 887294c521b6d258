"""ps shows who runs as whom; two mailbox uids are apart."""

import os
import pwd
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, need, process_tree, user_name, wait_for  # noqa: E402

OTHER = "merpati-test2"
WHO = {
    "smtpd": "merpati-smtpd", "queue-runner": "merpati-queue", "authd": "merpati-auth",
    "pop3d": "merpati-pop3d", "imapd": "merpati-imapd", "spawner": "root", "resolver": "merpati-resolver",
    "remote": "merpati-remote", "keyd": "merpati-key",
}


class Privileges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan")
        if os.geteuid() != 0:
            raise unittest.SkipTest("several uids take root")
        made = False
        try:
            pwd.getpwnam(OTHER)
        except KeyError:
            subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OTHER],
                           check=True)
            made = True
        cls.other = pwd.getpwnam(OTHER)
        cls.i = Instance(users=("alice", "bob"), extra_users="carol@example.test:{PLAIN}secret-carol:%d:%d::::\n"
                         % (cls.other.pw_uid, cls.other.pw_gid))
        if made:
            cls.addClassCleanup(subprocess.run, ["userdel", OTHER])
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def processes(self):
        """(program, uid, pid) of everything below s6-svscan."""
        found = []
        for pid in process_tree(self.i.svscan.pid):
            try:
                with open("/proc/%d/status" % pid) as f:
                    s = dict(x.split(":", 1) for x in f.read().splitlines() if ":" in x)
            except OSError:
                continue
            uids = s["Uid"].split()
            self.assertEqual(len(set(uids)), 1, s)
            found.append((s["Name"].strip(), user_name(int(uids[0])), pid, s))
        return found

    def test_the_table(self):
        for u in ("bob", "carol"):
            with self.i.smtp() as s:
                s.sendmail("alice@example.test", [u + "@example.test"], "Subject: x\r\n\r\nx\r\n")
            wait_for(lambda: self.i.deliveries(u), 15)
        self.i.users.append("carol")
        bob, carol = self.i.pop("bob"), self.i.pop("carol")
        seen = {}
        for name, user, pid, s in self.processes():
            print("%-16s %-14s %d" % (name, user, pid))
            seen.setdefault(name, set()).add(user)
            if user == "root":
                self.assertTrue(name.startswith("s6-") or name == "spawner", name)
            elif not name.startswith("s6-"):
                self.assertEqual(s["NoNewPrivs"].strip(), "1", name)
                self.assertEqual(int(s["CapEff"], 16), 0, name)
                self.assertNotIn("0", s["Groups"].split(), name)
        for name, user in WHO.items():
            self.assertEqual(seen.get(name), {user}, name)
        self.assertEqual(seen["deliver"], {"merpati-mail", OTHER})
        self.assertEqual(seen["pop3-session"], {"merpati-mail", OTHER})
        self.assertGreaterEqual(bob.stat()[0], 1)
        self.assertGreaterEqual(carol.stat()[0], 1)
        bob.quit()
        carol.quit()

    def test_mailboxes_belong_to_their_uids_and_are_closed(self):
        with self.i.smtp() as s:
            s.sendmail("a@b.test", ["carol@example.test"], "Subject: y\r\n\r\ny\r\n")
        wait_for(lambda: self.i.deliveries("carol"), 15)
        home = self.i.dir + "/mail/example.test/carol"
        st = os.stat(home)
        self.assertEqual(st.st_uid, self.other.pw_uid)
        self.assertEqual(stat.S_IMODE(st.st_mode) & 0o077, 0)
        for path in self.i.deliveries("carol"):
            st = os.stat(path)
            self.assertEqual((st.st_uid, stat.S_IMODE(st.st_mode) & 0o077), (self.other.pw_uid, 0))
        st = os.stat(self.i.dir + "/etc/users")
        self.assertEqual(stat.S_IMODE(st.st_mode) & 0o007, 0)

    def test_nothing_is_set_id(self):
        for root, _, files in os.walk(self.i.home + "/inst"):
            for f in files:
                self.assertEqual(os.lstat(root + "/" + f).st_mode & 0o6000, 0)

    def test_strangers_cannot_ask_authd_or_the_queue(self):
        code = ("import socket,sys\n"
                "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
                "s.settimeout(5)\n"
                "s.connect(sys.argv[1]); s.send(sys.argv[2].encode().decode('unicode_escape').encode())\n"
                "print(len(s.recv(4000)))\n")
        for sock, packet in (("authd/authd.sock", "merpati 1 lookup 1\\naddress bob@example.test\\n"),
                             ("queue/control.sock", "merpati 1 status 1\\n")):
            r = subprocess.run(["setpriv", "--reuid", str(self.other.pw_uid + 20000), "--clear-groups",
                                "/usr/bin/python3", "-c", code, self.i.dir + "/run/" + sock, packet],
                               capture_output=True, text=True, timeout=20)
            self.assertTrue(r.returncode != 0 or r.stdout.strip() == "0", (sock, r.stdout, r.stderr))


if __name__ == "__main__":
    unittest.main(verbosity=2)
