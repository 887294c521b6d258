"""Other people's mail servers for the net tests: small ones of our own that
misbehave as they are told, and a private Postfix."""

import os
import pwd
import shutil
import smtplib
import socket
import tempfile
import threading

import harness
from instance import wait_for


class Fake:
    """A small SMTP server on a host.

    rules: verb -> answer, or a function of (this, argument) that returns an
    answer, None for the usual one, or "close" to cut the connection.  The
    verbs are also GREETING, and "." for the end of data; "silence" as the
    answer to GREETING says nothing for ever.
    """

    def __init__(self, host, rules=None, addr="::", port=25):
        self.rules = rules or {}
        self.letters = []           # (sender, recipients, content as sent)
        self.commands = []
        self.connections = 0
        self.lock = threading.Lock()
        with host.inside():
            sock = socket.create_server((addr, port), backlog=200, reuse_port=False,
                                        family=socket.AF_INET6 if ":" in addr else socket.AF_INET,
                                        dualstack_ipv6=addr == "::")
        self.acceptor = harness.Acceptor(sock, self.talk)

    def close(self):
        self.acceptor.close(cut=True)

    def talk(self, conn):
        with self.lock:
            self.connections += 1
        try:
            with conn.makefile("rwb") as f:
                self.serve(f)
        except ValueError:
            pass

    def rule(self, verb, arg, usual):
        r = self.rules.get(verb)
        if callable(r):
            r = r(self, arg)
        return usual if r is None else r

    def serve(self, f):
        def say(text):
            if text == "close":
                raise OSError
            f.write(text.encode() + b"\r\n")
            f.flush()
            return text

        greeting = self.rule("GREETING", "", "220 fake.test ESMTP")
        if greeting == "silence":
            f.read()
            return
        say(greeting)
        sender, rcpts = None, []
        while True:
            line = f.readline(10000).decode("latin-1")
            if not line:
                return
            verb, _, arg = line.rstrip("\r\n").partition(" ")
            verb = verb.upper()
            with self.lock:
                self.commands.append(line.rstrip("\r\n"))
            if verb == "EHLO":
                say(self.rule(verb, arg, "250-fake.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000"))
            elif verb == "QUIT":
                say(self.rule(verb, arg, "221 2.0.0 Bye"))
                return
            elif verb == "MAIL":
                if say(self.rule(verb, arg, "250 2.1.0 Ok"))[0] == "2":
                    sender, rcpts = arg.partition("<")[2].partition(">")[0], []
            elif verb == "RCPT":
                if say(self.rule(verb, arg, "250 2.1.5 Ok"))[0] == "2":
                    rcpts.append(arg.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                usual = "354 Go on" if rcpts else "554 5.5.1 No valid recipients"
                if say(self.rule(verb, arg, usual))[0] == "3":
                    content = self.data(f)
                    if say(self.rule(".", content, "250 2.0.0 Ok"))[0] == "2":
                        with self.lock:
                            self.letters.append((sender, rcpts, content))
                    sender, rcpts = None, []
            else:
                say(self.rule(verb, arg, "250 2.0.0 Ok" if verb in ("RSET", "NOOP", "HELO") else "502 5.5.1 What?"))

    @staticmethod
    def data(f):
        lines = []
        while True:
            line = f.readline()
            if not line:
                raise OSError("cut")
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line[:1] == b"." else line)


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = {name}
mydestination =
inet_interfaces = all
inet_protocols = all
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
mailbox_size_limit = 0
virtual_mailbox_limit = 0
message_size_limit = 104857600
maillog_file = {d}/log/mail.log
maillog_file_prefixes = {d}/log
alias_maps =
alias_database =
smtp_host_lookup = dns
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
smtputf8_enable = yes
"""


# Dovecot says to Postfix whose password is right.
DOVECOT_CONF = """\
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {d}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {socket} {{
    mode = 0600
    user = postfix
  }}
}}
service anvil {{
  chroot =
}}
"""
SUBMISSION = """\
submission inet n - y - - smtpd
  -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_authenticated_header=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
"""


class ForeignPostfix:
    """Debian's Postfix as a host of the net: every address of its domains is one Maildir.

    users: name -> password, who may use port 587; Dovecot checks them.
    """

    def __init__(self, host, domains, parent=None, name="mx.postfix.test", extra="", users=None):
        self.host, self.domains, self.name, self.extra = host, domains, name, extra
        self.users, self.auth = users or {}, None
        self.dir = tempfile.mkdtemp(prefix="pf", dir=parent)
        os.chmod(self.dir, 0o755)
        self.started = False

    def start(self):
        d, user = self.dir, pwd.getpwnam("postfix")
        for sub in ("etc", "queue", "queue/etc", "data", "mail", "log"):
            os.mkdir("%s/%s" % (d, sub))
        for sub in ("data", "mail"):
            os.chown("%s/%s" % (d, sub), user.pw_uid, user.pw_gid)
        with open(d + "/etc/main.cf", "w") as f:
            f.write(MAIN_CF.format(d=d, uid=user.pw_uid, gid=user.pw_gid, name=self.name,
                                   domains=" ".join(self.domains)) + self.extra)
        with open("/usr/share/postfix/master.cf.dist") as f:
            master = f.read()
        if "\npostlog" not in master:
            master += "\npostlog unix-dgram n - n - 1 postlogd\n"
        with open(d + "/etc/master.cf", "w") as f:
            f.write(master + (SUBMISSION if self.users else ""))
        # The chroot of Debian's master.cf wants these.
        for name in ("services", "hosts", "nsswitch.conf", "localtime"):
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, d + "/queue/etc/")
        self.host.run(["cp", "/etc/resolv.conf", d + "/queue/etc/"], check=True)
        self.postfix("start", check=True)
        self.started = True
        wait_for(self.answers, 20)
        if self.users:
            self.start_auth()
        return self

    def start_auth(self):
        d = self.dir + "/dovecot"
        os.mkdir(d)
        with open(d + "/users", "w") as f:
            f.write("".join("%s:{PLAIN}%s::::::\n" % x for x in self.users.items()))
        with open(d + "/dovecot.conf", "w") as f:
            f.write(DOVECOT_CONF.format(d=d, socket=self.dir + "/queue/private/auth"))
        with open(d + "/out", "wb") as out:
            self.auth = self.host.popen(["dovecot", "-F", "-c", d + "/dovecot.conf"], stdout=out, stderr=out)
        wait_for(lambda: os.path.exists(self.dir + "/queue/private/auth"), 20)

    def postfix(self, verb, check=False):
        r = self.host.run(["postfix", "-c", self.dir + "/etc", verb], capture_output=True, text=True, timeout=60)
        if check and r.returncode:
            raise RuntimeError("postfix %s: %s%s" % (verb, r.stdout + r.stderr, self.log()))

    def answers(self):
        try:
            self.smtp().quit()
            return True
        except (OSError, smtplib.SMTPException):
            return False

    def stop(self):
        if self.auth:
            self.auth.terminate()
            self.auth.wait(20)
            self.auth = None
        if self.started:
            self.postfix("stop")
            self.started = False

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def smtp(self, timeout=30):
        with self.host.inside():
            return smtplib.SMTP("127.0.0.1", 25, "client.test", timeout=timeout)

    def deliveries(self):
        new = self.dir + "/mail/all/new"
        return [new + "/" + n for n in os.listdir(new)] if os.path.isdir(new) else []

    def received(self, token):
        """The letters that hold the token, as octets."""
        found = []
        for path in self.deliveries():
            with open(path, "rb") as f:
                text = f.read()
            if token.encode() in text:
                found.append(text)
        return found

    def log(self):
        try:
            with open(self.dir + "/log/mail.log") as f:
                return f.read()
        except OSError:
            return ""
