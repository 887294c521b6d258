"""Private instances of Postfix and Dovecot on loopback, with Debian's defaults."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile

from instance import free_base, wait_for

PASSWORD = "secret-bob"
USER = "bob@example.test"
# SHA512-CRYPT with its default 5,000 rounds, for both peers.
HASH = subprocess.run(["openssl", "passwd", "-6", "-salt", "benchbench", PASSWORD],
                      capture_output=True, text=True).stdout.strip()

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.test
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = inline:{{bob@example.test=example.test/bob/}}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
maillog_file = {d}/log/mail.log
maillog_file_prefixes = {d}/log
alias_maps =
alias_database =
"""

DOVECOT_CONF = """\
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols = pop3 imap
listen = 127.0.0.1
{ssl}
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_max_userip_connections = 2000
default_client_limit = 3000
default_process_limit = 1500
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
  service_count = 0
  process_min_avail = {logins}
}}
service imap {{
  process_limit = 1500
}}
protocol imap {{
  mail_max_userip_connections = 2000
}}
maildir_stat_dirs = no
service pop3-login {{
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = {d}/users
}}
userdb {{
  driver = passwd-file
  args = {d}/users
}}
"""


class Postfix:
    """Debian's master.cf; virtual(8) delivers into Maildirs."""

    def __init__(self, ground, host=None, keys=None):
        """keys: files of a certificate and its key, for STARTTLS."""
        self.keys = keys
        self.dir = tempfile.mkdtemp(prefix="pf", dir=ground)
        os.chmod(self.dir, 0o755)
        # On a host of its own, one of net.py, any port is free.
        self.prefix = host.prefix if host else []
        self.base = 20000 if host else free_base() + 400

    def __enter__(self):
        d, user = self.dir, pwd.getpwnam("postfix")
        for sub in ("etc", "queue", "data", "mail", "mail/example.test", "log"):
            os.mkdir("%s/%s" % (d, sub))
        for sub in ("data", "mail", "mail/example.test"):
            os.chown("%s/%s" % (d, sub), user.pw_uid, user.pw_gid)
        with open(d + "/etc/main.cf", "w") as f:
            f.write(MAIN_CF.format(d=d, uid=user.pw_uid, gid=user.pw_gid))
            if self.keys:
                f.write("smtpd_tls_security_level = may\nsmtpd_tls_chain_files = %s, %s\n" % self.keys[::-1])
        with open("/usr/share/postfix/master.cf.dist") as f:
            master = f.read()
        if "\npostlog" not in master:
            master += "\npostlog unix-dgram n - n - 1 postlogd\n"
        with open(d + "/etc/master.cf", "w") as f:
            for line in master.splitlines():
                if line.startswith("smtp ") and " inet " in line:
                    line = "127.0.0.1:%d inet n - y - - smtpd" % (self.base + 25)
                f.write(line + "\n")
        # The chroot of Debian's master.cf wants these.
        os.makedirs(d + "/queue/etc", exist_ok=True)
        for name in ("services", "resolv.conf", "hosts", "nsswitch.conf", "localtime"):
            if os.path.exists("/etc/" + name):
                subprocess.run(self.prefix + ["cp", "/etc/" + name, d + "/queue/etc/"], check=True)
        subprocess.run(self.prefix + ["postfix", "-c", d + "/etc", "start"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        pidfile = d + "/queue/pid/master.pid"
        wait_for(lambda: os.path.exists(pidfile) and open(pidfile).read().strip(), 20)
        self.master = int(open(pidfile).read())
        return self

    def __exit__(self, *_):
        subprocess.run(self.prefix + ["postfix", "-c", self.dir + "/etc", "stop"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def pid_root(self):
        return self.master

    def smtp_port(self):
        return self.base + 25

    def new(self):
        return self.dir + "/mail/example.test/bob/new"


class Dovecot:
    """pop3d and imapd over a copy of a Maildir, users in a passwd-file."""

    def __init__(self, ground, maildir, plain=True, keys=None):
        """keys: files of a certificate and its key, for TLS."""
        self.keys = keys
        self.dir = tempfile.mkdtemp(prefix="dc", dir=ground)
        os.chmod(self.dir, 0o755)
        self.base = free_base() + 300
        self.maildir = maildir
        self.secret = "{PLAIN}" + PASSWORD if plain else HASH

    def __enter__(self):
        d, mail = self.dir, pwd.getpwnam("merpati-mail")
        os.mkdir(d + "/home")
        shutil.copytree(self.maildir, d + "/home/Maildir")
        subprocess.run(["chown", "-R", "merpati-mail:merpati-mail", d + "/home"], check=True)
        with open(d + "/users", "w") as f:
            f.write("%s:%s:%d:%d::%s::\n" % (USER, self.secret, mail.pw_uid, mail.pw_gid, d + "/home"))
        with open(d + "/dovecot.conf", "w") as f:
            f.write(DOVECOT_CONF.format(
                # Each has ticket keys of its own: of two, half the clients cannot resume.
                logins=1 if self.keys else 2,
                d=d, port=self.base + 110, imap=self.base + 143, imaps=self.base + 993 if self.keys else 0,
                ssl="ssl = yes\nssl_cert = <%s\nssl_key = <%s" % self.keys if self.keys else "ssl = no"))
        self.process = subprocess.Popen(["dovecot", "-F", "-c", d + "/dovecot.conf"], stderr=subprocess.DEVNULL)

        def up():
            try:
                socket.create_connection(("127.0.0.1", self.base + 110), 1).close()
                return True
            except OSError:
                return False
        wait_for(up, 20)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def pid_root(self):
        return self.process.pid

    def pop_port(self):
        return self.base + 110
