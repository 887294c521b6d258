#!/usr/bin/env python3
"""Many people behind one address: after their logins max-per-address counts
them no more, TLS or not."""

import imaplib
import unittest

from instance import Instance, need, trusting, wait_for

PATIENCE = 60
LIMIT = 2


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan", "openssl")
        cls.i = Instance(config={"": {"trusted": '"192.0.2.1"'},
                                 "imapd": {"max-per-address": str(LIMIT)}})
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def connect(self):
        return imaplib.IMAP4_SSL("127.0.0.1", self.i.port(993), ssl_context=trusting(), timeout=PATIENCE)

    def reached(self):
        """A connection, or None while there are too many."""
        try:
            return self.connect()
        except (imaplib.IMAP4.error, OSError):
            return None

    def test_sessions_are_not_counted(self):
        held = []
        for _ in range(LIMIT + 2):
            # The one before may be about to say that it is logged in.
            c = wait_for(self.reached, PATIENCE)
            c.login("alice@example.test", self.i.password("alice"))
            held.append(c)
        for c in held:
            self.assertEqual(c.noop()[0], "OK")
        # Before their logins they are.
        held += [wait_for(self.reached, PATIENCE) for _ in range(LIMIT)]
        self.assertIsNone(self.reached())
        wait_for(lambda: "why=max-per-address ip=127.0.0.1" in self.i.log("imapd"))
        for c in held:
            c.shutdown()


if __name__ == "__main__":
    unittest.main(verbosity=2)
