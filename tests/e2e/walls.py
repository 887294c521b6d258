#!/usr/bin/env python3
"""Who has taken over a process that reads what strangers send reaches what
its manual page says and nothing else.  A library (wall_probe.c) is preloaded
into the programs of an instance; on a signal it tries from inside."""

import errno
import glob
import os
import re
import signal
import smtplib
import socket
import subprocess
import unittest

from harness import PATIENCE
from instance import Instance, need, process_tree, sanitized, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = signal.SIGRTMIN + 1


def walls(log):
    """Landlock's ABI and whether there is seccomp, as the log tells."""
    told = re.findall(r"event=(?:wall landlock=(\d+) seccomp=([01])|no-wall)", log)
    assert told, log
    return int(told[-1][0] or 0), told[-1][1] == "1"


class Probed(Instance):
    """Its programs have the probe in them."""

    environment = ""
    programs = ("smtpd", "pop3d", "imapd", "remote", "resolver", "keyd", "tokend", "imap-session",
                "pop3-session")

    def make(self):
        super().make()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.probe = self.home + "/probe"
        os.mkdir(self.probe)
        os.chmod(self.probe, 0o777)
        with open(self.probe + "/file", "w"):
            pass
        library = self.home + "/probe.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE + "/wall_probe.c"], check=True)
        os.chmod(library, 0o755)
        for name in self.programs:
            path, = [p for p in glob.glob(self.home + "/inst/**/" + name, recursive=True) if os.path.isfile(p)]
            os.makedirs(self.home + "/real", exist_ok=True)
            os.rename(path, "%s/real/%s" % (self.home, name))
            with open(path, "w") as f:
                f.write("""#!/bin/sh
# Not the shell: it would be probed, too.
export %s WALL_PROBE_DIR=%s WALL_PROBE_PORT=%d ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
exec env LD_PRELOAD=%s %s/real/%s "$@"
""" % (self.environment, self.probe, self.listener.getsockname()[1], library, self.home, name))
            os.chmod(path, 0o755)

    def __exit__(self, *args):
        self.listener.close()
        super().__exit__(*args)

    def probed(self, service, pid):
        """What a process says: {try: errno's name, "" or "killed"}.  None: it
        has left."""
        fresh = self.probe + "/fresh"
        if os.path.exists(fresh):
            os.unlink(fresh)
        said = r"event=probe pid=%d (.*)" % pid
        before = len(re.findall(said, self.log(service)))
        try:
            os.kill(pid, PROBE)
        except ProcessLookupError:
            return None
        wait_for(lambda: len(re.findall(said, self.log(service))) > before or not os.path.exists("/proc/%d" % pid))
        if len(re.findall(said, self.log(service))) == before:
            return None
        pairs = re.findall(r"(\w+)=(\w+)", re.findall(said, self.log(service))[-1])
        return {k: "" if v == "0" else errno.errorcode[int(v)] if v.isdigit() else v for k, v in pairs}

    def below(self, service):
        parent = self.pid(service)
        return wait_for(lambda: [pid for pid in process_tree(parent) if pid != parent])

    def children(self, service):
        """What they say."""
        return wait_for(lambda: [did for did in [self.probed(service, pid) for pid in self.below(service)] if did])


class Walls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("cc", "s6-svscan")
        cls.i = Probed()
        cls.i.make()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)
        os.makedirs(cls.i.dir + "/etc/lists/a")
        os.chmod(cls.i.dir + "/etc", 0o755)
        # Somebody who takes connections and says nothing.
        with open(cls.i.dir + "/etc/merpati.conf", "a") as f:
            f.write('route "silent.test" { via = "[127.0.0.1]:%d" }\n' % cls.i.listener.getsockname()[1])
        cls.i.set_config({"smtpd": {"access-client": '{ "%s" }' % cls.list("a")}})
        cls.write(cls.list("a"), "")
        cls.i.start()

    @classmethod
    def list(cls, directory):
        return "%s/etc/lists/%s/access" % (cls.i.dir, directory)

    @staticmethod
    def write(path, text):
        """By rename, as an editor does."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def inside(self, service, did, exec="EACCES", read="EACCES", connect="EACCES", **sockets):
        level, seccomp = walls(self.i.log(service))
        if level:
            self.assertEqual((did["read"], did["make"]), (read, "EACCES"), did)
            self.assertEqual(did["exec"], exec if seccomp else "EACCES", did)
        if level >= 4 or seccomp and connect != "":
            self.assertIn(did["connect"], (connect, "EPERM") if connect else "", did)
        if level >= 6 or seccomp:
            self.assertEqual(did["signal"], "EPERM", did)
        if not seccomp:
            return
        deadly = ["mount", "bpf", "unshare", "namespace"] + ([] if sanitized() else ["trace"])
        self.assertEqual({k: did[k] for k in deadly}, {k: "killed" for k in deadly}, did)
        expected = {"packet": "EPERM", "interfaces": "EPERM", "datagram": "EPERM", "unix": "", "setuid": "EPERM",
                    "abort": "aborted"}
        expected.update(sockets)
        self.assertEqual({k: did[k] for k in expected}, expected, did)

    def test_listeners(self):
        for service in ("smtpd", "pop3d", "imapd"):
            with self.subTest(service):
                # smtpd's serve many; to the others it would be dear, and Landlock refuses it.
                level = walls(self.i.log(service))[0]
                killed = service == "smtpd" or level < 6
                for did in self.i.children(service):
                    self.inside(service, did, exec="killed" if killed else "EACCES",
                                datagram="EPERM" if killed else "")
                # Only the children: it executes itself anew.
                self.assertEqual({"read": "", "make": "", "exec": "", "connect": ""}.items() -
                                 self.i.probed(service, self.i.pid(service)).items(), set())

    def test_helpers(self):
        for service, reach in (
                ("resolver", {"connect": "", "datagram": "", "interfaces": ""}),
                ("tokend", {"connect": "", "datagram": "", "interfaces": ""}), ("keyd", {"read": ""})):
            with self.subTest(service):
                self.inside(service, self.i.probed(service, self.i.pid(service)), exec="killed", **reach)

    def connected(self):
        """Each process reads its lists for itself: one may still refuse by what
        another test has withdrawn."""
        try:
            return self.i.smtp()
        except smtplib.SMTPConnectError:
            return None

    def test_remote(self):
        with wait_for(self.connected) as s:
            s.sendmail("bob@example.test", ["x@silent.test"], "Subject: x\r\n\r\nx\r\n")
        for did in self.i.children("remote"):
            self.inside("remote", did, exec="killed", connect="", datagram="")

    def test_sessions(self):
        imap, pop = self.i.imap("alice"), self.i.pop("bob")
        for did in self.i.children("spawner"):
            # The servers of the uid have system calls forbidden, sessions are walled in.
            if did["read"] != "":
                self.inside("spawner", did, exec="killed")
        self.assertEqual(imap.noop()[0], "OK")
        self.assertTrue(pop.noop().startswith(b"+OK"))
        imap.logout()
        pop.quit()

    def test_a_killed_process_is_an_event(self):
        """The parent executes itself anew, behind what it had, and serves."""
        if not walls(self.i.log("imapd"))[1]:
            self.skipTest("no seccomp")
        parent = self.i.pid("imapd")
        filters = self.filters(parent)
        child, = self.i.below("imapd")
        os.kill(child, PROBE + 1)
        wait_for(lambda: "event=child-killed pid=%d signal=31" % child in self.i.log("imapd"))
        wait_for(lambda: "event=exec-anew" in self.i.log("imapd"))
        self.i.imap("alice").logout()
        self.assertEqual(self.i.pid("imapd"), parent)
        self.assertEqual(self.filters(parent), filters)
        self.assertTrue(walls(self.i.log("imapd"))[1])
        for did in self.i.children("imapd"):
            self.assertEqual(did["bpf"], "killed")
        self.assertEqual(self.i.log("imapd").count("child-killed"), 1)

    @staticmethod
    def filters(pid):
        with open("/proc/%d/status" % pid) as f:
            return re.findall(r"Seccomp\w*:\s*\d+", f.read())

    def greeting(self):
        with socket.create_connection(("127.0.0.1", self.i.port(25)), PATIENCE) as s:
            return s.recv(1000)[:3]

    def test_a_list_is_read_again(self):
        self.assertEqual(self.greeting(), b"220")
        self.write(self.list("a"), "127.0.0.1 refuse away\n")
        wait_for(lambda: self.greeting() == b"554")
        # A link to another place: the process that has no way there leaves.
        self.write(self.list("b"), "")
        os.symlink(self.list("b"), self.list("a") + ".new")
        os.rename(self.list("a") + ".new", self.list("a"))
        wait_for(lambda: self.greeting() == b"220")
        self.write(self.list("b"), "127.0.0.1 refuse away\n")
        wait_for(lambda: self.greeting() == b"554")
        self.write(self.list("b"), "")
        wait_for(lambda: self.greeting() == b"220")


class NoWalls(unittest.TestCase):
    """A kernel, or a container, without them: told, and served."""

    def place(self, environment):
        need("cc", "s6-svscan")
        i = Probed()
        i.environment = environment
        return i

    def served(self, i):
        with i.smtp() as s:
            s.sendmail("bob@example.test", ["alice@example.test"], "Subject: x\r\n\r\nx\r\n")
        wait_for(lambda: i.deliveries("alice"))
        pop = i.pop("alice")
        self.assertEqual(pop.stat()[0], 1)
        pop.quit()
        imap = i.imap("alice")
        self.assertEqual(imap.select()[1], [b"1"])
        return imap

    def test_without(self):
        with self.place("WALL_PROBE_NO_WALLS=1") as i:
            self.served(i).logout()
            for service in ("smtpd", "pop3d", "imapd", "remote", "resolver", "tokend", "keyd", "spawner"):
                self.assertIn("event=no-wall", i.log(service))

    def test_without_landlock(self):
        """What it would have refused of system calls, seccomp does."""
        with self.place("WALL_PROBE_NO_LANDLOCK=1") as i:
            imap = self.served(i)
            level, seccomp = walls(i.log("imapd"))
            self.assertEqual(level, 0)
            if seccomp:
                for service in ("smtpd", "pop3d", "imapd"):
                    for did in i.children(service):
                        self.assertEqual((did["exec"], did["connect"], did["signal"], did["abort"]),
                                         ("killed", "EPERM", "EPERM", "aborted"), did)
                self.assertIn("EPERM", [did["signal"] for did in i.children("spawner")])
            imap.logout()


if __name__ == "__main__":
    unittest.main(verbosity=2)
