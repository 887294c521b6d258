#!/usr/bin/env python3
"""The quickstart as people meet it: twice, two instances side by side, stop.

Runs in a copy of the tree, as the caller and, when that is root, also as an
ordinary user that is made for the test.  Plain build only.
"""
import os
import pathlib
import poplib
import pwd
import shutil
import smtplib
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from harness import PATIENCE, free_base

TOP = pathlib.Path(__file__).resolve().parents[2]
USER = "merpati-tester"
PORTS = (25, 110, 143, 465, 587, 993, 995)


def processes(path):
    """Processes with the path in their arguments."""
    found = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            args = (proc / "cmdline").read_bytes()
        except OSError:
            continue
        if str(path).encode() in args and int(proc.name) != os.getpid():
            found.append((proc.name, args.replace(b"\0", b" ")))
    return found


class Quickstart:
    """The tests; mixed into one class for each kind of caller."""

    user = None             # name, or None for the caller
    quick = 5               # seconds

    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(
            prefix="merpati-quick.", dir="/tmp"))
        cls.work.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.work, True)
        cls.tree = cls.work / "tree"
        # With the build that is there: objects are not what is tested.
        shutil.copytree(TOP, cls.tree, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "build-*", "instance*", "__pycache__"))
        cls.uid = os.getuid()
        if cls.user:
            info = pwd.getpwnam(cls.user)
            cls.uid = info.pw_uid
            for path in [cls.work, *cls.work.rglob("*")]:
                os.chown(path, info.pw_uid, info.pw_gid,
                         follow_symlinks=False)
        cls.dirs = [cls.work / "a", cls.work / "b"]
        cls.bases = [free_base(), free_base()]
        cls.addClassCleanup(cls.stop_all)

    @classmethod
    def stop_all(cls):
        for d in cls.dirs:
            cls.quickstart("-d", d, "stop")

    @classmethod
    def quickstart(cls, *args, timeout=280):
        how = {}
        env = {"PATH": os.environ["PATH"], "HOME": str(cls.work)}
        if cls.user:
            info = pwd.getpwnam(cls.user)
            how = {"user": info.pw_uid, "group": info.pw_gid,
                   "extra_groups": []}
        return subprocess.run(
            ["./quickstart", *map(str, args)], cwd=cls.tree, env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout, **how)

    def ok(self, result):
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def passwords(self, d):
        return dict(line.split() for line in
                    (d / "etc/passwords").read_text().splitlines())

    def svstat(self, what, service):
        return subprocess.run(
            ["s6-svstat", "-o", what, str(service)], check=True,
            stdout=subprocess.PIPE, text=True).stdout.strip()

    def round_trip(self, d, base, text):
        """A letter from alice to bob with Python's own libraries."""
        with smtplib.SMTP("127.0.0.1", base + 25, timeout=PATIENCE) as smtp:
            smtp.sendmail("alice@example.test", ["bob@example.test"],
                          f"Subject: {text}\r\n\r\n{text}\r\n")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            pop = poplib.POP3("127.0.0.1", base + 110, timeout=PATIENCE)
            try:
                pop.user("bob@example.test")
                pop.pass_(self.passwords(d)["bob@example.test"])
                for n in range(1, len(pop.list()[1]) + 1):
                    lines = pop.retr(n)[1]
                    if f"Subject: {text}".encode() in lines:
                        return
                pop.quit()
            except poplib.error_proto as e:
                self.assertIn(b"IN-USE", e.args[0])
            finally:
                pop.close()
            time.sleep(0.2)
        self.fail(f"{text} did not arrive in {d}")

    def test_1_first_start_sends_a_letter(self):
        t0 = time.monotonic()
        out = self.ok(self.quickstart("-d", self.dirs[0], "-p",
                                      self.bases[0]))
        # Quick is what takes no longer, but for what else runs here.
        type(self).quick = max(5, 3 * (time.monotonic() - t0))
        self.assertIn("Dear Bob", out)
        self.assertIn("all with TLS", out)
        self.assertIn(f"127.0.0.1:{self.bases[0] + 25}", out)
        self.assertIn(f"127.0.0.1:{self.bases[0] + 110}", out)
        for port in PORTS:
            self.assertIn(f"127.0.0.1:{self.bases[0] + port} ", out)
        for name, word in self.passwords(self.dirs[0]).items():
            self.assertIn(name, out)
            self.assertIn(word, out)

    def test_2_passwords_are_private(self):
        st = (self.dirs[0] / "etc/passwords").stat()
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o600)
        self.assertEqual(st.st_uid, self.uid)
        self.assertEqual(set(self.passwords(self.dirs[0])),
                         {"alice@example.test", "bob@example.test"})

    def test_3_second_start_is_quick_and_changes_nothing(self):
        before = (self.dirs[0] / "etc/passwords").read_text()
        pids = {p for p, a in processes(self.dirs[0]) if b"supervise" in a}
        t0 = time.monotonic()
        self.ok(self.quickstart("-d", self.dirs[0]))
        self.assertLess(time.monotonic() - t0, self.quick)
        self.assertEqual(before, (self.dirs[0] / "etc/passwords").read_text())
        self.assertEqual(pids, {p for p, a in processes(self.dirs[0])
                                if b"supervise" in a})

    def test_4_two_instances_side_by_side(self):
        self.ok(self.quickstart("-d", self.dirs[1], "-p", self.bases[1]))
        for d, base in zip(self.dirs, self.bases):
            self.ok(self.quickstart("-d", d, "status"))
            self.round_trip(d, base, f"to-{d.name}")
        self.assertIn("Dear Bob", self.ok(
            self.quickstart("-d", self.dirs[1], "letter")))
        self.assertNotEqual(self.passwords(self.dirs[0]),
                            self.passwords(self.dirs[1]))

    def test_5_another_base_for_the_same_directory_is_refused(self):
        r = self.quickstart("-d", self.dirs[0], "-p", self.bases[1])
        self.assertEqual(r.returncode, 64, r.stdout)

    def test_6_ports_that_others_have_are_refused(self):
        r = self.quickstart("-d", self.work / "c", "-p", self.bases[0])
        self.assertEqual(r.returncode, 69, r.stdout)
        self.assertIn("in use", r.stdout)

    def test_7_restart_with_everything_present_is_quick(self):
        self.ok(self.quickstart("-d", self.dirs[0], "stop"))
        self.round_trip(self.dirs[1], self.bases[1], "b-goes-on")
        t0 = time.monotonic()
        self.ok(self.quickstart("-d", self.dirs[0]))
        self.assertLess(time.monotonic() - t0, self.quick)
        self.round_trip(self.dirs[0], self.bases[0], "a-is-back")

    def test_8_killed_programs_come_back(self):
        d, base = self.dirs[0], self.bases[0]
        services = sorted(d.glob("service/[a-z]*"))
        # Only the supervised processes themselves, each known to s6.
        for s in services:
            pid = self.svstat("pid", s)
            self.assertNotEqual(pid, "-1", s.name)
            os.kill(int(pid), 9)
        # s6-svwait of another user gets no events: ask instead.
        until = time.monotonic() + PATIENCE
        while not all(self.svstat("ready", s) == "true" for s in services):
            self.assertLess(time.monotonic(), until, self.quickstart(
                "-d", d, "status").stdout)
            time.sleep(0.1)
        until = time.monotonic() + PATIENCE
        while True:             # each waits a second after a crash
            try:
                self.round_trip(d, base, "after-kill")
                break
            except (OSError, EOFError, smtplib.SMTPException):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def test_8a_orphans_of_a_killed_svscan_are_ended(self):
        d, base = self.dirs[0], self.bases[0]
        (svscan,) = [int(p) for p, a in processes(d)
                     if a.startswith(b"s6-svscan ")]
        os.kill(svscan, 9)
        self.ok(self.quickstart("-d", d))
        self.round_trip(d, base, "after-svscan")
        (svscan,) = [int(p) for p, a in processes(d)
                     if a.startswith(b"s6-svscan ")]
        os.kill(svscan, 9)
        self.ok(self.quickstart("-d", d, "stop"))
        self.assertEqual([a for p, a in processes(d) if b"log" not in a], [])
        self.ok(self.quickstart("-d", d))

    def test_9_stop_leaves_nothing(self):
        for d, base in zip(self.dirs, self.bases):
            self.ok(self.quickstart("-d", d, "stop"))
            for port in PORTS:
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", base + port), 5)
            until = time.monotonic() + PATIENCE
            while processes(d) and time.monotonic() < until:
                time.sleep(0.1)
            self.assertEqual(processes(d), [])
            self.ok(self.quickstart("-d", d, "stop"))
            self.assertEqual(
                self.quickstart("-d", d, "status").returncode, 1)


class AsCaller(Quickstart, unittest.TestCase):
    pass


@unittest.skipIf(os.getuid() != 0, "already an ordinary user")
class AsOrdinaryUser(Quickstart, unittest.TestCase):
    user = USER

    @classmethod
    def setUpClass(cls):
        subprocess.run(["useradd", "--system", "--no-create-home",
                        "--shell", "/bin/sh", USER], check=True)
        cls.addClassCleanup(subprocess.run, ["userdel", USER], check=False)
        super().setUpClass()


class Refusals(unittest.TestCase):
    """What is refused before anything is touched."""

    def refused(self, code, *args):
        r = subprocess.run([str(TOP / "quickstart"), *args], text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(r.returncode, code, r.stdout)
        return r.stdout

    def test_usage(self):
        for args in (["fly"], ["-x"], ["start", "stop"], ["-p", "x"],
                     ["-p", "60001"], ["-p", "-1"], ["-p", "123456"]):
            with self.subTest(args=args):
                self.refused(64, *args)

    def test_help(self):
        self.assertIn("usage: quickstart", self.refused(0, "-h"))
        self.assertIn("usage: quickstart", self.refused(0, "--help"))

    def test_paths(self):
        for path in ("/tmp/with blank", "/tmp/a\"b", "/tmp/a\nb", "/tmp/a$b",
                     "/tmp/a,b", "/tmp/" + "x" * 90):
            with self.subTest(path=path):
                self.refused(64, "-d", path)
                self.assertFalse(os.path.exists(path))

    def test_no_instance(self):
        self.refused(0, "-d", "/tmp/merpati-none", "stop")
        self.refused(1, "-d", "/tmp/merpati-none", "status")
        self.refused(1, "-d", "/tmp/merpati-none", "letter")
        self.assertFalse(os.path.exists("/tmp/merpati-none"))


@unittest.skipIf(os.getuid() != 0, "only root's instances move")
class Hidden(unittest.TestCase):
    """Below a directory that only root may search, DIR is a link."""

    def test_instance_moves(self):
        hidden = pathlib.Path(tempfile.mkdtemp(prefix="merpati-hid."))
        self.addCleanup(shutil.rmtree, hidden, True)
        name = f"quick-{os.getpid()}"
        d, real = hidden / name, pathlib.Path("/var/lib/merpati") / name
        self.addCleanup(shutil.rmtree, real, True)

        def run(*args):
            return subprocess.run(
                [str(TOP / "quickstart"), "-d", str(d), *args], text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=280)
        self.addCleanup(run, "stop")
        r = run("-p", str(free_base()))
        self.assertEqual(r.returncode, 0, r.stdout)
        self.assertEqual(os.readlink(d), str(real))
        self.assertIn("Dear Bob", r.stdout)
        self.assertEqual(run("stop").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
