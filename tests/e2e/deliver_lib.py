"""What the deliver_*.py and mailctl_*.py tests share: a configuration in a
directory of its own, a mail server on the submit socket that notes what it
was sent, and queue-runner's side of a delivery worker."""

import os
import shutil
import socket
import subprocess
import tempfile

import harness
from harness import NOBODY, PATIENCE, out
from harness import xencode as xtext

ID = "0123456789abcdefghjk"


def unxtext(text):
    return harness.xdecode(text).decode("utf-8", "replace")


class Site:
    """DIR/etc/merpati.conf and what it names, all owned by uid."""

    def __init__(self, extra="", hostname="mx.test", domains=("x.test",)):
        self.dir = tempfile.mkdtemp(prefix="md", dir="/tmp")
        self.uid = NOBODY if os.geteuid() == 0 else os.geteuid()
        self.conf = self.dir + "/etc/merpati.conf"
        self.env = dict(os.environ, MERPATI_CONF=self.conf, LC_ALL="C.UTF-8")
        self.env.pop("NAME", None)
        for d in ("etc", "bin", "mail", "spool", "run", "run/smtpd",
                  "run/authd", "run/queue", "log", "service"):
            os.mkdir(self.path(d))
        for p in ("deliver", "mailctl"):
            if os.path.exists(out(p)):
                shutil.copy(out(p), self.path("bin"))
        for name in ("sendmail", "mailq", "newaliases"):
            os.symlink("deliver", self.path("bin/" + name))
        with open(self.conf, "w") as f:
            f.write('hostname = "%s"\ndomains = { %s }\n'
                    'postmaster = "pm@%s"\nspool-dir = "%s/spool"\n'
                    'run-dir = "%s/run"\nmail-home = "%s/mail/%%d/%%n"\n'
                    'users-file = "%s/etc/users"\n'
                    'app-passwords-file = "%s/etc/app-passwords"\n'
                    'aliases-file = "%s/etc/aliases"\n%s\n' % (
                        (hostname, ", ".join('"%s"' % d for d in domains),
                         domains[0]) + (self.dir,) * 6 +
                        (extra.replace("@DIR@", self.dir),)))
        for root, dirs, files in os.walk(self.dir):
            for n in dirs + files:
                os.chown(os.path.join(root, n), self.uid, -1,
                         follow_symlinks=False)
        os.chmod(self.dir, 0o755)
        os.chown(self.dir, self.uid, -1)

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *argv, stdin=b"", as_root=False, **kw):
        """Run bin/ARGV as the site's uid; stdout and stderr are bytes."""
        if os.geteuid() == 0 and not as_root:
            kw.update(user=self.uid, group=self.uid, extra_groups=[])
        if isinstance(stdin, bytes):
            kw["input"] = stdin
        else:
            kw["stdin"] = stdin
        return subprocess.run([self.path("bin/" + argv[0])] + list(argv[1:]),
                              capture_output=True, timeout=PATIENCE * 3,
                              env=kw.pop("env", self.env), **kw)

    def close(self):
        shutil.rmtree(self.dir)


class Submit:
    """SMTP on RUN/smtpd/submit.sock.

    refuse: {"MAIL"|"DATA"|"."|address: reply}; None as reply closes."""

    def __init__(self, site, refuse=None, ext=None):
        self.messages = []      # (mail line, [rcpt lines], octets)
        self.commands = []
        self.refuse = refuse or {}
        self.ext = ext if ext is not None else [
            "PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000000", "DSN",
            "ENHANCEDSTATUSCODES"]
        self.at_dot = lambda: None
        self.acceptor = harness.Acceptor(harness.unix_listener(
            site.path("run/smtpd/submit.sock"), socket.SOCK_STREAM), self.talk)

    def talk(self, conn):
        conn.settimeout(PATIENCE)
        with conn.makefile("rwb") as f:
            self.serve(f)

    def say(self, f, line):
        if line is None:
            raise EOFError
        f.write(line.encode() + b"\r\n")
        f.flush()

    def content(self, f):
        data = bytearray()
        while True:
            line = f.readline()
            if not line:
                raise EOFError
            if line == b".\r\n":
                return bytes(data)
            data += line[1:] if line.startswith(b".") else line

    def serve(self, f):
        self.say(f, "220 mx.test ESMTP")
        mail, rcpts = None, []
        while True:
            line = f.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")
            if not line:
                return
            self.commands.append(line)
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb in self.refuse:
                self.say(f, self.refuse[verb])
            elif verb == "EHLO":
                lines = ["mx.test"] + self.ext
                for e in lines[:-1]:
                    self.say(f, "250-" + e)
                self.say(f, "250 " + lines[-1])
            elif verb == "MAIL":
                mail = line
                self.say(f, "250 2.1.0 ok")
            elif verb == "RCPT":
                a = line[line.index("<") + 1:line.index(">")]
                if a in self.refuse:
                    self.say(f, self.refuse[a])
                else:
                    rcpts.append(line)
                    self.say(f, "250 2.1.5 ok")
            elif verb == "DATA":
                self.say(f, "354 go")
                data = self.content(f)
                self.at_dot()
                if "." in self.refuse:
                    self.say(f, self.refuse["."])
                    continue
                self.messages.append((mail, rcpts, data))
                mail, rcpts = None, []
                self.say(f, "250 2.0.0 queued as 1%019d" % len(self.messages))
            elif verb == "RSET":
                mail, rcpts = None, []
                self.say(f, "250 2.0.0 ok")
            elif verb == "QUIT":
                self.say(f, "221 2.0.0 bye")
                return
            else:
                self.say(f, "500 5.5.1 what")

    def close(self):
        self.acceptor.close()


class Worker:
    """A deliver -w with us as its queue-runner."""

    def __init__(self, site, args=("-w",)):
        self.site = site
        self.sock, theirs = socket.socketpair(socket.AF_UNIX,
                                              socket.SOCK_SEQPACKET)
        self.sock.settimeout(PATIENCE)
        kw = {}
        if os.geteuid() == 0:
            kw = dict(user=site.uid, group=site.uid, extra_groups=[])
        self.log = tempfile.TemporaryFile()
        self.p = subprocess.Popen([site.path("bin/deliver")] + list(args),
                                  stdin=theirs, stderr=self.log,
                                  env=site.env, **kw)
        theirs.close()
        self.asked = 0

    def send(self, message, **over):
        job = dict(id=ID, number=0, again=0, arrived=1763740000123456,
                   sender="s@y.test", recipient="bob@x.test",
                   user="bob@x.test", home=self.site.path("mail/x.test/bob"),
                   quota_octets=0, quota_count=0, offset=0,
                   len=len(message), utf8=0)
        job.update(over)
        self.asked += 1
        text = "merpati 1 job %d\n" % self.asked
        for k, v in job.items():
            text += "%s %s\n" % (k.replace("_", "-"),
                                 v if isinstance(v, int) or k == "id" else
                                 xtext(v))
        with tempfile.TemporaryFile() as f:
            f.write(message)
            f.flush()
            socket.send_fds(self.sock, [text.encode()], [f.fileno()])

    def answer(self):
        """(verdict, code, text)"""
        data = self.sock.recv(32768).decode()
        lines = data.splitlines()
        assert lines[0].startswith("merpati 1 result "), data
        fields = dict(line.split(" ", 1) for line in lines[1:])
        return fields["verdict"], fields["code"], unxtext(fields["text"])

    def deliver(self, message, **over):
        self.send(message, **over)
        return self.answer()

    def close(self):
        self.sock.close()
        code = self.p.wait(PATIENCE)
        with self.log:
            self.log.seek(0)
            return code, self.log.read().decode()


def mails(directory):
    """Contents of new/ and cur/, by name."""
    out = {}
    for sub in ("new", "cur"):
        d = os.path.join(directory, sub)
        for n in sorted(os.listdir(d)) if os.path.isdir(d) else ():
            with open(os.path.join(d, n), "rb") as f:
                out[n] = f.read()
    return out
