"""What the tests with real IMAP clients and servers share: mbsync with a local
Maildir, a Dovecot on a private port, letters, and files put into a mailbox."""

import contextlib
import grp
import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess
import time

from instance import Instance, need, user_name, wait_for

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
DOVECOT = shutil.which("dovecot", path=PATH)

MBSYNC = """
IMAPAccount server
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
Timeout 60

IMAPStore far
Account server

MaildirStore near
Path {dir}/near/
Inbox {dir}/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""

DOVECOT_CONF = """
base_dir = {dir}/dv
log_path = {dir}/dv.log
protocols = imap
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_location = maildir:{maildir}
first_valid_uid = 1
first_valid_gid = 1
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


def letter(subject, body="text\r\n", extra=""):
    """As it is sent."""
    return ("From: Bob <bob@example.test>\r\nTo: Alice <alice@example.test>\r\nSubject: %s\r\n"
            "Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@example.test>\r\n%s\r\n%s"
            % (subject, re.sub(r"\W", "", subject), extra, body)).encode()


def mail_owner():
    """Whose the mailboxes are: as root merpati-mail, else the caller."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    u = pwd.getpwnam("merpati-mail")
    return u.pw_uid, u.pw_gid


def own(path):
    if os.geteuid() == 0:
        os.chown(path, *mail_owner(), follow_symlinks=False)


def own_all(top):
    own(top)
    for d, dirs, files in os.walk(top):
        for name in dirs + files:
            own(os.path.join(d, name))


_put = 0


def put(maildir, content, flags=None, when=None):
    """A letter by another program: in new/, or with flags in cur/.  Its path."""
    global _put
    _put += 1
    name = "%d.M%dP%d.other" % (1700000000 + _put, _put, os.getpid())
    tmp = "%s/tmp/%s" % (maildir, name)
    with open(tmp, "wb") as f:
        f.write(content.replace(b"\r\n", b"\n"))
    own(tmp)
    if when is not None:
        os.utime(tmp, (when, when))
    to = "%s/new/%s" % (maildir, name) if flags is None else "%s/cur/%s:2,%s" % (maildir, name, flags)
    os.rename(tmp, to)
    return to


def files(maildir):
    return sorted("%s/%s" % (sub, n) for sub in ("cur", "new") for n in os.listdir("%s/%s" % (maildir, sub))
                  if not n.startswith("."))


def imap_text(name):
    """Modified UTF-7 of RFC 3501 5.1.3, as the folders are called on disk."""
    out, run = "", ""

    def flush():
        nonlocal run
        if not run:
            return ""
        import base64
        b = base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        run = ""
        return "&%s-" % b

    for c in name:
        if 0x20 <= ord(c) < 0x7f:
            out += flush() + ("&-" if c == "&" else c)
        else:
            run += c
    return out + flush()


def ok(answer, status="OK"):
    """The data of an imaplib answer that must have that status."""
    assert answer[0] == status, answer
    return answer[1]


def fetch_flags(c, what="1:*"):
    """UID to the set of its flags."""
    found = {}
    for line in ok(c.uid("fetch", what, "(UID FLAGS)")):
        line = line if isinstance(line, bytes) else line[0] + b")" if line else b""
        if b"UID" not in line:      # told by an earlier command
            continue
        uid = int(re.search(rb"UID (\d+)", line)[1])
        found[uid] = set(re.search(rb"FLAGS \((.*?)\)", line)[1].decode().split()) - {"\\Recent"}
    return found


def summary(c):
    """All of the selected mailbox a client may remember: UID to (INTERNALDATE, size, flags,
    Message-ID)."""
    found = {}
    data = ok(c.uid("fetch", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"))
    for item in data:
        if not isinstance(item, tuple):
            continue
        head = item[0]
        uid = int(re.search(rb"UID (\d+)", head)[1])
        found[uid] = (time.strftime("%F %T", imaplib.Internaldate2tuple(head)),
                      int(re.search(rb"RFC822.SIZE (\d+)", head)[1]),
                      frozenset(re.search(rb"FLAGS \((.*?)\)", head)[1].decode().split()) - {"\\Recent"},
                      item[1].strip())
    return found


class Mbsync:
    """mbsync of all folders with DIR/near.  run() says what went over the wire."""

    def __init__(self, directory, port, user, password):
        need("mbsync")
        self.dir = directory
        os.makedirs(directory + "/near", exist_ok=True)
        self.configure(port, user, password)

    def configure(self, port, user, password):
        with open(self.dir + "/rc", "w") as f:
            f.write(MBSYNC.format(dir=self.dir, port=port, user=user, password=password))

    def run(self):
        """The commands it sent, by name: {"FETCH BODY": 3, "STORE": 1, ...}"""
        r = subprocess.run(["mbsync", "-Dn", "-c", self.dir + "/rc", "all"], capture_output=True,
                           text=True, errors="replace", timeout=120, env=dict(os.environ, HOME=self.dir))
        text = r.stdout + r.stderr
        if r.returncode:
            raise AssertionError("mbsync: %d\n%s" % (r.returncode, text[-6000:]))
        self.text = text
        sent = {}
        for line in text.splitlines():
            m = re.search(r">>> \d+ (.*)", line)
            if not m:
                continue
            command = m[1].upper().removeprefix("UID ")
            name = command.split()[0]
            if name == "FETCH" and "BODY.PEEK[]" in command:
                name = "FETCH BODY"
            sent[name] = sent.get(name, 0) + 1
        return sent

    def box(self, name):
        return "%s/near/%s" % (self.dir, name)

    def boxes(self):
        found = []
        for d, dirs, _ in os.walk(self.dir + "/near"):
            if "cur" in dirs:
                found.append(os.path.relpath(d, self.dir + "/near"))
                dirs[:] = [x for x in dirs if x not in ("cur", "new", "tmp")]
        return sorted(found)

    def flags(self, name):
        """Subject to flags, of what mbsync made there."""
        found = {}
        for path in files(self.box(name)):
            with open(self.box(name) + "/" + path, "rb") as f:
                subject = re.search(rb"Subject: (.*?)\r?\n", f.read())[1].decode()
            found[subject] = path.partition(":2,")[2]
        return found


def nothing_moved(sent):
    """Of what Mbsync.run() says: no letter and no flag went either way."""
    return not set(sent) & {"FETCH BODY", "APPEND", "STORE", "EXPUNGE", "COPY", "MOVE", "CREATE", "DELETE"}


class Dovecot:
    """Dovecot with this Maildir, for any user."""

    def __init__(self, directory, home, password):
        uid, gid = mail_owner()
        self.log = directory + "/dv.log"
        self.password = password
        open(self.log, "a").close()
        own(self.log)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        conf = directory + "/dv.conf"
        with open(conf, "w") as f:
            f.write(DOVECOT_CONF.format(dir=directory, home=home, maildir=home + "/Maildir", port=self.port,
                                        user=user_name(uid), group=grp.getgrgid(gid).gr_name, password=password))
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", conf])

    def imap(self, user):
        end = time.monotonic() + 30
        while True:
            try:
                c = imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
                break
            except (OSError, imaplib.IMAP4.abort):
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(self.log) as f:
                        raise AssertionError("dovecot:\n" + f.read()) from None
                time.sleep(0.1)
        c.login(user, self.password)
        return c

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Mailboxes(Instance):
    """An Instance whose mailboxes the test fills itself."""

    def home_of(self, user):
        home = os.path.dirname(self.maildir(user))
        if not os.path.isdir(home):
            os.makedirs(home, 0o700, exist_ok=True)
            os.chmod(os.path.dirname(home), 0o711)
            own(home)
        return home

    def append(self, user, subjects, mailbox="INBOX", flags=None):
        with contextlib.closing(Session(self, user)) as s:
            for subject in subjects:
                ok(s.c.append(mailbox, flags, None, letter(subject)))

    def wait_deliveries(self, user, n, seconds=30):
        return wait_for(lambda: len(self.deliveries(user)) >= n, seconds)


class Session:
    """An imaplib connection with close() for contextlib.closing."""

    def __init__(self, instance, user):
        self.c = instance.imap(user)

    def close(self):
        with contextlib.suppress(Exception):
            self.c.logout()
