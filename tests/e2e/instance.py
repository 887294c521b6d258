"""A complete private instance under s6 for end-to-end tests and benchmarks.

    with Instance(config={"queue": {"retry": "1s"}}) as i:
        i.smtp() ... i.pop("alice") ... i.imap("bob") ... i.deliveries("bob")

With host=, a Host of net.py, it runs there, on the standard ports of every
address.

It installs the build named by MERPATI_BUILD (default: the tree's build/ or
the tree itself) below a temporary directory, lets make-instance make
the rest, and ends every process it started.
"""

import contextlib
import imaplib
import os
import poplib
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from harness import PATIENCE, free_base, sanitized, until  # noqa: F401

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77


def build_dir():
    for d in (os.environ.get("MERPATI_BUILD"), TOP + "/build", TOP):
        if d and os.path.exists(os.path.join(d, "out/smtpd")):
            return os.path.abspath(d)
    sys.exit("no build found: run tests/run, or make")


def need(*programs):
    """Skip the whole test file, saying why, when a program is missing."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for p in programs:
        if not shutil.which(p, path=path):
            raise unittest.SkipTest("%s is not installed" % p)


def wait_for(what, seconds=PATIENCE, step=None):
    """Until what() is true; its value, or AssertionError at the deadline.
    Who gives few seconds waits longer: the machine may be slow."""
    return until(what, max(seconds, PATIENCE), longest=step or 0.1)


def process_tree(root):
    """Pids of root and all below it."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                ppid = int(f.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(ppid, []).append(int(pid))
    tree, todo = [], [root]
    while todo:
        pid = todo.pop()
        tree.append(pid)
        todo += children.get(pid, [])
    return tree


def cpu_seconds(root):
    """utime + stime of the tree, children reaped in it included."""
    total = 0
    for pid in process_tree(root):
        try:
            with open("/proc/%d/stat" % pid) as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(x) for x in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def trusting():
    """A client's context that speaks with anybody."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


class Instance:
    domain = "example.test"

    def __init__(self, users=("alice", "bob"), config=None, parent=None, base=None,
                 extra_users="", host=None, more_config=""):
        self.build = build_dir()
        self.home = tempfile.mkdtemp(prefix="mp", dir=parent)
        os.chmod(self.home, 0o755)
        self.dir = self.home + "/i"
        self.users = list(users)
        self.config = config or {}
        self.extra_users = extra_users
        self.more_config = more_config     # lines for the end of merpati.conf
        self.host = host
        self.base = 0 if host else base or free_base()
        self.svscan = None
        self.root = os.geteuid() == 0

    # --- making it --------------------------------------------------------

    def make(self):
        t = self.home + "/inst"
        subprocess.run(["make", "-s", "-C", self.build, "install", "prefix=" + t,
                        "bindir=%s/bin" % t, "libexecdir=%s/libexec" % t,
                        "sharedir=%s/share" % t, "mandir=%s/man" % t],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([t + "/share/make-instance", "-H", "mail." + self.domain, "-D",
                        self.domain, "-P", "postmaster@" + self.domain, "-a",
                        "0.0.0.0 [::]" if self.host else "127.0.0.1", "-b", str(self.base), self.dir], check=True)
        self.set_config(self.config)
        with open(self.dir + "/etc/merpati.conf", "a") as f:
            f.write(self.more_config)
        self.set_users(self.extra_users)
        with open(self.dir + "/etc/aliases", "a") as f:
            f.write("postmaster@%s: %s@%s\n" % (self.domain, self.users[0], self.domain))

    def set_config(self, sections):
        """Merge {"": {key: value}, section: {key: value}} into merpati.conf."""
        path = self.dir + "/etc/merpati.conf"
        with open(path) as f:
            lines = f.read().splitlines()
        for section, keys in sections.items():
            for key, value in keys.items():
                if section:
                    lines = self._set_in_section(lines, section, key, value)
                else:
                    lines = [x for x in lines if x.split("=")[0].strip() != key]
                    lines.append("%s = %s" % (key, value))
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")

    @staticmethod
    def _set_in_section(lines, section, key, value):
        for n, line in enumerate(lines):
            if line.split("{")[0].strip() == section:
                break
        else:
            return lines + ["%s { %s = %s }" % (section, key, value)]
        # Drop the key where the section sets it, then set it behind the brace.
        depth, end = 0, n
        for end in range(n, len(lines)):
            depth += lines[end].count("{") - lines[end].count("}")
            if depth == 0:
                break
        body = "\n".join(lines[n:end + 1])
        head, _, rest = body.partition("{")
        import re
        rest = re.sub(r"(?m)(^|\s)%s\s*=\s*\S+" % re.escape(key), r"\1", rest)
        return lines[:n] + ("%s{\n  %s = %s\n%s" % (head, key, value, rest)).split("\n") + lines[end + 1:]

    def password(self, user):
        return "secret-" + user

    def set_users(self, extra=""):
        with open(self.dir + "/etc/users", "w") as f:
            for u in self.users:
                f.write("%s@%s:{PLAIN}%s::::::\n" % (u, self.domain, self.password(u)))
            f.write(extra)

    # --- running it -------------------------------------------------------

    def start(self, seconds=PATIENCE):
        env = {k: os.environ[k] for k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS") if k in os.environ}
        env["PATH"] = env["PATH"] + ":/usr/sbin:/sbin"
        with open(self.home + "/svscan.log", "ab") as log:
            prefix = self.host.prefix if self.host else []
            self.svscan = subprocess.Popen(prefix + ["s6-svscan", self.dir + "/service"], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=env, start_new_session=True)
        self.wait_ready(seconds)

    def services(self):
        return sorted(d for d in os.listdir(self.dir + "/service") if not d.startswith("."))

    def wait_ready(self, seconds=PATIENCE):
        dirs = [self.dir + "/service/" + s for s in self.services()]
        wait_for(lambda: all(os.path.exists(d + "/supervise/status") for d in dirs), seconds)
        r = subprocess.run(["s6-svwait", "-U", "-t", str(int(seconds * 1000))] + dirs)
        if r.returncode:
            raise AssertionError("not ready:\n" + self.log())

    def svc(self, service, options):
        subprocess.run(["s6-svc", *options.split(), self.dir + "/service/" + service], check=True)

    def pid(self, service):
        out = subprocess.run(["s6-svstat", "-o", "pid", self.dir + "/service/" + service],
                             capture_output=True, text=True).stdout.strip()
        return int(out) if out.lstrip("-").isdigit() else -1

    def stop(self):
        if self.svscan is None:
            return
        tree = process_tree(self.svscan.pid)
        subprocess.run(["s6-svscanctl", "-t", self.dir + "/service"])
        try:
            self.svscan.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in tree:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.svscan.wait(PATIENCE)
        self.svscan = None

    def __enter__(self):
        try:
            self.make()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind and os.environ.get("MERPATI_KEEP"):
            print("kept:", self.home, file=sys.stderr)
        else:
            if kind:
                print(self.log()[-6000:], file=sys.stderr)
            shutil.rmtree(self.home, ignore_errors=True)

    # --- using it ---------------------------------------------------------

    def port(self, standard):
        return self.base + standard

    def address(self, user):
        return "%s@%s" % (user, self.domain)

    def inside(self):
        """Sockets of this thread are made where the instance listens."""
        return self.host.inside() if self.host else contextlib.nullcontext()

    def smtp(self, port=25, timeout=PATIENCE):
        with self.inside():
            return smtplib.SMTP("127.0.0.1", self.port(port), "client.test", timeout=timeout)

    def pop(self, user, timeout=60):
        with self.inside():
            p = poplib.POP3("127.0.0.1", self.port(110), timeout=timeout)
        p.user(self.address(user))
        p.pass_(self.password(user))
        return p

    def imap(self, user, timeout=60):
        with self.inside():
            c = imaplib.IMAP4("127.0.0.1", self.port(143), timeout=timeout)
        c.login(self.address(user), self.password(user))
        return c

    def certificate(self):
        """The file that clients may trust: make-instance's signed itself."""
        return self.dir + "/etc/keys/mail.chain.pem"

    def tls(self, ca=None, **attributes):
        """A client's context that checks whom it speaks with."""
        c = ssl.create_default_context(cafile=ca or self.certificate())
        for name, value in attributes.items():
            setattr(c, name, value)
        return c

    def shown(self, port):
        """The certificate, in DER, that a new connection gets."""
        with self.inside():
            s = socket.create_connection(("127.0.0.1", self.port(port)), PATIENCE)
        with s, trusting().wrap_socket(s) as t:
            return t.getpeercert(True)

    def imaps(self, user, timeout=60, context=None):
        with self.inside():
            c = imaplib.IMAP4_SSL("127.0.0.1", self.port(993), ssl_context=context or self.tls(), timeout=timeout)
        c.login(self.address(user), self.password(user))
        return c

    def pops(self, user, timeout=60, context=None):
        with self.inside():
            p = poplib.POP3_SSL("127.0.0.1", self.port(995), context=context or self.tls(), timeout=timeout)
        p.user(self.address(user))
        p.pass_(self.password(user))
        return p

    def maildir(self, user):
        return "%s/mail/%s/%s/Maildir" % (self.dir, self.domain, user)

    def deliveries(self, user):
        found = []
        for sub in ("new", "cur"):
            d = "%s/%s" % (self.maildir(user), sub)
            if os.path.isdir(d):
                found += [d + "/" + n for n in os.listdir(d) if not n.startswith(".")]
        return found

    def queued(self):
        """Messages in the queue, put-aside ones too: their names are ids."""
        return sum(len(f) == 20 for _, _, files in os.walk(self.dir + "/spool") for f in files)

    def log(self, service=None):
        text = []
        for s in ([service] if service else self.services()):
            d = "%s/log/%s" % (self.dir, s)
            if not os.path.isdir(d):
                continue
            for f in sorted(os.listdir(d)):
                if f == "current" or f.startswith("@"):
                    with open("%s/%s" % (d, f), errors="replace") as h:
                        text += ["%s: %s" % (s, x) for x in h.read().splitlines()]
        if os.path.exists(self.home + "/svscan.log"):
            with open(self.home + "/svscan.log", errors="replace") as h:
                text += h.read().splitlines()
        return "\n".join(text)

    def mailctl(self, *args, **kw):
        return subprocess.run([self.dir + "/bin/mailctl", "-c", self.dir + "/etc/merpati.conf", *args],
                              capture_output=True, text=True, timeout=2 * PATIENCE, **kw)

    def deliver(self, *args, **kw):
        env = dict(os.environ, MERPATI_CONF=self.dir + "/etc/merpati.conf")
        return subprocess.run([self.dir + "/bin/deliver", *args], capture_output=True, timeout=120,
                              env=env, **kw)


def user_name(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
