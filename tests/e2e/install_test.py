#!/usr/bin/env python3
"""make install, uninstall and dist; what make-instance makes.  Plain build only."""

import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import TOP, build_dir  # noqa: E402

PROGRAMS = {
    "bin/mailctl", "bin/deliver", "bin/sendmail", "bin/mailq", "bin/newaliases",
    "libexec/merpati/mailbind", "libexec/merpati/smtpd", "libexec/merpati/queue-runner",
    "libexec/merpati/authd", "libexec/merpati/resolver", "libexec/merpati/remote",
    "libexec/merpati/spawner", "libexec/merpati/pop3d", "libexec/merpati/imapd",
    "libexec/merpati/pop3-session", "libexec/merpati/deliver", "share/merpati/make-instance",
}


class Install(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mpi", dir="/tmp"))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir, True)

    def make(self, *args, cwd=None):
        r = subprocess.run(["make", "-s", *args], cwd=cwd or build_dir(), text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
        self.assertEqual(r.returncode, 0, r.stdout)
        return r.stdout

    def files(self, top):
        return {str(p.relative_to(top)) for p in top.rglob("*") if not p.is_dir() or p.is_symlink()}

    def test_install_and_uninstall(self):
        dest = self.dir / "dest"
        self.make("install", "DESTDIR=%s" % dest, "prefix=/usr/local", "bindir=/usr/local/bin",
                  "libexecdir=/usr/local/libexec/merpati", "mandir=/usr/local/share/man")
        top = dest / "usr/local"
        have = self.files(top)
        self.assertEqual(PROGRAMS - have, set())
        for name in PROGRAMS:
            st = (top / name).stat()
            self.assertEqual(stat.S_IMODE(st.st_mode), 0o755, name)
        pages = [n for n in have if n.startswith("share/man/")]
        self.assertEqual(len(pages), len(list(pathlib.Path(TOP, "man").glob("*.[1-9]"))))
        text = (top / "share/merpati/make-instance").read_text()
        self.assertIn("bindir=/usr/local/bin\n", text)
        self.assertIn("libexecdir=/usr/local/libexec/merpati\n", text)
        for p in top.rglob("*"):
            if p.is_file() and b"\n" in p.read_bytes() and "@" in p.name:
                self.fail(p)
        self.make("uninstall", "DESTDIR=%s" % dest, "prefix=/usr/local", "bindir=/usr/local/bin",
                  "libexecdir=/usr/local/libexec/merpati", "mandir=/usr/local/share/man")
        self.assertEqual(self.files(dest), set())

    def test_dist_can_be_built(self):
        if not os.path.exists(TOP + "/.git"):
            self.skipTest("dist is made of what is committed")
        source = TOP
        if os.path.isdir(TOP + "/.git"):    # git clones only what is the caller's own
            source = str(self.dir / "source.git")
            shutil.copytree(TOP + "/.git", source)
        subprocess.run(["git", "clone", "-q", source, str(self.dir / "clone")], check=True)
        build = self.dir / "clone/build"
        build.mkdir()
        for cmd in (["../configure"], ["make", "-s", "dist"]):
            r = subprocess.run(cmd, cwd=build, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=120)
            self.assertEqual(r.returncode, 0, r.stdout)
        (tarball,) = build.glob("merpati-*.tar.gz")
        with tarfile.open(tarball) as t:
            t.extractall(self.dir / "dist")
        (tree,) = (self.dir / "dist").iterdir()
        for name in ("configure", "README.md", "LICENSE", "quickstart", "s6/make-instance"):
            self.assertTrue((tree / name).exists(), name)
        r = subprocess.run(["./configure"], cwd=tree, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(r.returncode, 0, r.stdout)
        # That every file of every program is there, not that it compiles once more.
        self.make("-n", "all", cwd=tree)

    def test_configure_says_what_is_missing(self):
        r = subprocess.run([TOP + "/configure", "PKG_CONFIG=false", "CPPFLAGS=-nostdinc"],
                           cwd=self.dir, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=120)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("Debian package", r.stdout)
        r = subprocess.run([TOP + "/configure", "--enable-whatever", "--with-x=y", "--help"],
                           cwd=self.dir, text=True, stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(r.returncode, 0)
        r = subprocess.run([TOP + "/configure", "--frobnicate"], cwd=self.dir,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertNotEqual(r.returncode, 0)

    # --- make-instance ----------------------------------------------------

    def instance(self, *args):
        share = self.dir / "inst"
        if not share.exists():
            self.make("install", "prefix=%s" % share, "bindir=%s/bin" % share,
                      "libexecdir=%s/libexec" % share, "mandir=%s/man" % share, "sharedir=%s/share" % share)
        return subprocess.run([str(share / "share/make-instance"), *args], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    def test_instance_has_the_owners_and_modes(self):
        d = self.dir / "i"
        r = self.instance("-H", "mail.example.org", "-a", "127.0.0.1", "-b", "20000", str(d))
        self.assertEqual(r.returncode, 0, r.stdout)
        root = os.geteuid() == 0
        table = {
            ".": ("root", 0o755), "etc": ("root", 0o2755), "etc/users": ("root", 0o640),
            "spool": ("root", 0o755), "spool/tmp": ("merpati-smtpd", 0o2770),
            "spool/new": ("merpati-smtpd", 0o2770), "spool/queue": ("merpati-queue", 0o700),
            "spool/queue/00": ("merpati-queue", 0o700), "spool/queue/zz": ("merpati-queue", 0o700),
            "spool/hold": ("merpati-queue", 0o700),
            "spool/trigger": ("merpati-queue", 0o620 if root else 0o600),
            "mail": ("root", 0o711), "run/authd": ("merpati-auth", 0o755),
            "run/queue": ("merpati-queue", 0o755), "run/smtpd": ("merpati-smtpd", 0o755),
            "etc/keys": ("root", 0o2750), "etc/keys/mail.key.pem": ("root", 0o640),
            "etc/keys/mail.chain.pem": ("root", 0o644), "etc/app-passwords": ("root", 0o640),
            "run/keyd": ("merpati-key", 0o755), "state/authd": ("merpati-auth", 0o700),
            "run/remote": ("merpati-remote", 0o755),
            "run/resolver": ("merpati-resolver", 0o755),
            "run/spawner": ("root", 0o755), "run/fdholder": ("root", 0o700),
            "log/smtpd": ("merpati-log", 0o2750), "service/smtpd/run": ("root", 0o755),
        }
        for name, (owner, mode) in table.items():
            st = (d / name).stat()
            self.assertEqual(stat.S_IMODE(st.st_mode), mode, name)
            if root:
                self.assertEqual(pwd.getpwuid(st.st_uid).pw_name, owner, name)
        self.assertEqual(len(list((d / "spool/queue").iterdir())), 1024)
        check = subprocess.run([str(d / "bin/mailctl"), "-c", str(d / "etc/merpati.conf"), "check"],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertNotIn("merpati.conf:", check.stdout)
        for run in d.glob("service/*/run"):
            self.assertNotIn("@", run.read_text().replace(str(d), ""), run)

    def test_instance_again_keeps_what_is_there(self):
        d = self.dir / "i"
        self.assertEqual(self.instance("-H", "a.example.org", str(d)).returncode, 0)
        (d / "etc/merpati.conf").write_text("mine")
        (d / "etc/users").write_text("mine")
        os.chmod(d / "etc/users", 0o600)
        (d / "service/smtpd/run").write_text("old")
        (d / "service/smtpd/down").write_text("")
        self.assertEqual(self.instance("-H", "b.example.org", str(d)).returncode, 0)
        self.assertEqual((d / "etc/merpati.conf").read_text(), "mine")
        self.assertEqual((d / "etc/users").read_text(), "mine")
        self.assertEqual(stat.S_IMODE((d / "etc/users").stat().st_mode), 0o600)
        self.assertIn("mailbind", (d / "service/smtpd/run").read_text())
        self.assertTrue((d / "service/smtpd/down").exists())

    def test_instance_refuses(self):
        for args, code in (([], 64), (["-x", "/tmp/x"], 64), (["a", "b"], 64),
                           (["/tmp/with blank"], 78), (["/tmp/" + "y" * 80], 78),
                           (["-H", 'a"b', "/tmp/mp-none"], 78), (["-D", "x}", "/tmp/mp-none"], 78)):
            r = self.instance(*args)
            self.assertEqual(r.returncode, code, (args, r.stdout))
        self.assertFalse(os.path.exists("/tmp/mp-none"))
        self.assertIn("usage: make-instance", self.instance("--help").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
