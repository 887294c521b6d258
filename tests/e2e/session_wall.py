#!/usr/bin/env python3
"""A session reaches its own mailbox and no other of the same uid: where the
kernel has Landlock, the log says which, and links to elsewhere lead nowhere."""

import os
import re
import shutil
import unittest

import imap_lib
import pop3_lib

LETTER = b"Subject: %s\r\n\r\nx\r\n"


def wall_of(log):
    """The ABI that the log tells, 0 without."""
    told = re.findall(r"event=(wall landlock=(\d+)|no-wall)", log)
    assert told, log
    return int(told[0][1] or 0)


def move(place, directory, to):
    """Leaves a link behind."""
    os.rename(directory, to)
    os.symlink(to, directory)
    place.own(to)


class Wall(unittest.TestCase):
    def place(self, kind):
        p = kind()
        self.addCleanup(p.remove)
        for user in ("alice", "bob"):
            p.add("1.M1P1.h", LETTER % user.encode(), user=user)
        return p

    def another_cur(self, p):
        """alice's cur is bob's."""
        shutil.rmtree(p.maildir("alice") + "/cur")
        os.symlink(p.maildir("bob") + "/cur", p.maildir("alice") + "/cur")

    def test_imap(self):
        p = self.place(imap_lib.Place)
        c = p.login()
        c.select()
        self.assertIn(b"alice", c.ok("FETCH 1 BODY[]").fetched()[1]["BODY[]"])
        p.quit(c)
        if wall_of(p.text_of_log()) == 0:
            return
        self.another_cur(p)
        c = p.login()
        c.no("SELECT INBOX")
        p.quit(c)

    def test_pop3(self):
        p = self.place(pop3_lib.Place)
        c = p.login()
        self.assertIn(b"alice", c.ask_long("RETR 1"))
        p.quit(c)
        if wall_of(p.text_of_log()) == 0:
            return
        self.another_cur(p)
        c = p.session()
        self.assertIn(b"-ERR", c.line())

    def test_a_maildir_on_another_disk(self):
        for kind, look in ((imap_lib.Place, lambda c: c.select()), (pop3_lib.Place, lambda c: c.ask_long("RETR 1"))):
            p = self.place(kind)
            move(p, p.maildir("alice"), p.dir + "/elsewhere")
            c = p.login()
            look(c)
            p.quit(c)


if __name__ == "__main__":
    unittest.main(verbosity=2)
