"""A mailbox of 100,000 messages and a message of 50 MB; plain build only."""

import os
import shutil
import sys
import time
import unittest

from pop3_lib import Place

MANY = 100000


class Large(unittest.TestCase):
    def setUp(self):
        # In memory when possible: the time of making files is not ours.
        self.place = Place(parent="/dev/shm" if os.access("/dev/shm", os.W_OK) and
                           shutil.disk_usage("/dev/shm").free > 1 << 30 else None)
        self.addCleanup(self.place.remove)

    def stat_each(self, directory):
        """Seconds that Python takes for it."""
        begin = time.monotonic()
        for name in os.listdir(directory):
            os.stat(directory + "/" + name)
        return time.monotonic() - begin

    def test_a_hundred_thousand_messages(self):
        cur = self.place.maildir() + "/cur"
        for n in range(MANY):
            fd = os.open("%s/%d.M%dP1.h,S=20,W=22:2," % (cur, 1700000000 + n, n),
                         os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(fd, b"Subject: x\n\n1234567\n")
            os.close(fd)
            self.place.own("%s/%d.M%dP1.h,S=20,W=22:2," % (cur, 1700000000 + n, n))
        times = []
        for what in ("first", "second"):
            begin = time.monotonic()
            c = self.place.login()
            login = time.monotonic()
            self.assertEqual(c.ask("STAT"), "+OK %d %d" % (MANY, MANY * 22))
            stat = time.monotonic()
            self.assertEqual(len(c.listing("LIST")), MANY)
            uidls = c.listing("UIDL")
            self.assertEqual(len({b for _, b in uidls}), MANY)
            listed = time.monotonic()
            times.append(login - begin)
            print("%s login %.3f s, STAT %.3f s, LIST and UIDL %.3f s"
                  % (what, login - begin, stat - login, listed - stat), file=sys.stderr)
            if what == "first":
                before = uidls
            else:
                self.assertEqual(uidls, before)
                c.send(b"".join(b"DELE %d\r\n" % n for n in range(1, 1001)))
                for _ in range(1000):
                    self.assertTrue(c.line().startswith(b"+OK"))
            self.assertTrue(self.place.quit(c).startswith("+OK"))
        self.assertEqual(len(self.place.cur()), MANY - 1000)
        # New names are given once; a stat of each would take its time too.
        print("a stat of each: %.3f s" % self.stat_each(cur), file=sys.stderr)
        self.assertLess(times[1], 5 * self.stat_each(cur))

    def test_fifty_megabytes(self):
        line = b"x" * 72 + b"\n.dot\n"
        count = 50 * 1024 * 1024 // len(line)
        self.place.add("1700000000.M1P1.h", b"A: 1\n\n" + line * count)
        c = self.place.login()
        first = c.ask("RETR 1")
        body = c.body()
        self.assertEqual(first, "+OK %d octets" % (len(body) - count))
        self.assertEqual(body, b"A: 1\r\n\r\n" +
                         (b"x" * 72 + b"\r\n..dot\r\n") * count)
        self.place.quit(c)


if __name__ == "__main__":
    unittest.main()
