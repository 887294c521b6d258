"""Moving over from Dovecot: the same Maildir read by it, then by pop3-session.

A client must notice nothing: UIDLs, sizes and messages are the same.
"""

import grp
import os
import poplib
import pwd
import shutil
import subprocess
import sys
import time
import unittest

from harness import free_port
from pop3_lib import Place

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
DOVECOT = shutil.which("dovecot", path=PATH)

CONF = """
base_dir = {dir}/dv
log_path = {dir}/dv.log
protocols = pop3
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_location = maildir:{dir}/mail/%n/Maildir
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/mail/%n
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    def __init__(self, place):
        uid = os.geteuid() if place.uid is None else place.uid
        gid = os.getegid() if place.gid is None else place.gid
        self.port = free_port()
        self.log = place.dir + "/dv.log"
        conf = place.dir + "/dovecot.conf"
        with open(conf, "w") as f:
            f.write(CONF.format(dir=place.dir, port=self.port, user=pwd.getpwuid(uid).pw_name,
                                group=grp.getgrgid(gid).gr_name))
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", conf])

    def connect(self):
        end = time.monotonic() + 60
        while True:
            try:
                p = poplib.POP3("127.0.0.1", self.port, timeout=60)
                break
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(self.log) as f:
                        raise AssertionError("dovecot:\n" + f.read())
                time.sleep(0.1)
        p.user("alice")
        p.pass_("secret")
        return p

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@unittest.skipUnless(DOVECOT and os.path.exists("/usr/lib/dovecot/pop3"),
                     "dovecot-pop3d is not installed")
class MovingOver(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def read_by_dovecot(self, retrieve=(), delete=()):
        d = Dovecot(self.place)
        try:
            p = d.connect()
            uidls, sizes = p.uidl()[1], p.list()[1]
            bodies = [b"".join(x + b"\r\n" for x in p.retr(n + 1)[1])
                      for n in range(len(sizes)) if n + 1 in retrieve]
            for n in delete:
                p.dele(n)
            p.quit()
        finally:
            d.stop()
        return uidls, sizes, bodies

    def fill(self):
        for n in range(30):
            text = b"Subject: %d\n\n" % n + b".dots\nand lines\n" * n
            name = "%d.M%dP1.host" % (1700000000 + n, n)
            if n % 3 == 0:
                name += ",S=%d" % len(text)
            folder = "new" if n % 2 else "cur"
            self.place.add(name + (":2,S" if folder == "cur" and n % 4 else ""), text, folder)

    def test_a_client_notices_nothing(self):
        self.fill()
        everything = range(1, 31)
        # A message in the middle is gone, so that UIDs are no plain count.
        self.read_by_dovecot(delete=(7, 30))
        uidls, sizes, bodies = self.read_by_dovecot(retrieve=everything)
        self.assertEqual(len(uidls), 28)

        c = self.place.login()
        self.assertEqual(c.ask_long("UIDL").splitlines(), uidls)
        self.assertEqual(c.ask_long("LIST").splitlines(), sizes)
        for n, body in enumerate(bodies, 1):
            mine = c.ask_long("RETR %d" % n)
            self.assertEqual(b"".join(x[1:] if x.startswith(b".") else x
                                      for x in mine.splitlines(True)), body)
        self.place.quit(c)

        # It stays so without Dovecot's list, and new mail gets new UIDLs.
        os.unlink(self.place.maildir() + "/dovecot-uidlist")
        self.place.add("1600000000.M1P1.host", b"Subject: late\n\n")
        c = self.place.login()
        again = c.ask_long("UIDL").splitlines()
        self.assertEqual(again[:-1], uidls)
        self.assertGreater(again[-1].split()[1][:8], uidls[-1].split()[1][:8])
        self.place.quit(c)

    def test_retr_sets_seen_as_dovecot_does(self):
        self.place.add("1700000001.M1P1.host", b"a\n\n")
        self.place.add("1700000002.M1P1.host", b"b\n\n")
        self.read_by_dovecot(retrieve=(1,))
        theirs = [x.rpartition(":2,")[2] for x in self.place.cur()]
        for name in self.place.cur():
            os.unlink("%s/cur/%s" % (self.place.maildir(), name))
        self.place.add("1700000001.M1P1.host", b"a\n\n")
        self.place.add("1700000002.M1P1.host", b"b\n\n")
        c = self.place.login()
        c.ask_long("RETR 1")
        self.place.quit(c)
        mine = [x.rpartition(":2,")[2] for x in self.place.cur()]
        self.assertEqual(mine, theirs)


if __name__ == "__main__":
    if not DOVECOT:
        print("skipped: dovecot is not installed", file=sys.stderr)
    unittest.main()
