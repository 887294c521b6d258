#!/usr/bin/env python3
"""authd and tokens, with a tokend that says what it is asked for."""

import os
import socket
import threading
import unittest

from authd_lib import WithSuite, proof
from authd_sasl_lib import USERS
from harness import PATIENCE


class Tokens(WithSuite):
    users = USERS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.makedirs(cls.suite.path("run/tokend"), exist_ok=True)
        cls.path = cls.suite.path("run/tokend/tokend.sock")

    def ask(self, token, user=""):
        p = self.suite.authd("merpati-imapd")
        a = p.ask("check", *proof(user, token, "imap", "", "token"))
        p.close()
        return a["verdict"], a["user"]

    def tokend(self, answers, count):
        """Answers so many questions, then goes."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(self.path)
        os.chmod(self.path, 0o666)
        s.listen(5)
        s.settimeout(PATIENCE)

        def serve():
            c, _ = s.accept()
            for _ in range(count):
                head, body = c.recv(65536).decode().split("\n", 1)
                token = body.split(" ", 1)[1].rstrip("\n")
                said = answers[token]
                if said is None:
                    break
                c.send(("merpati 1 token %s\n%s" % (
                    head.split(" ")[3], said)).encode())
            c.close()
            s.close()
            os.unlink(self.path)
        t = threading.Thread(target=serve)
        t.start()
        return t

    def test_tokend_decides(self):
        self.assertEqual(self.ask("any"), ("later", ""))
        self.suite.wait_log("authd", "event=tokend-down")
        good = "status active\nuser alice@example.org\nseconds 60\n"
        answers = {
            "good": good,
            "bare": good.replace("alice", "ALICE"),
            "bad": "status inactive\nuser \nseconds 0\n",
            "slow": "status later\nuser \nseconds 0\n",
            "stranger": good.replace("alice", "stranger"),
            "disabled": good.replace("alice", "dora"),
            "locked": good.replace("alice", "emil"),
            "crash": None,
        }
        t = self.tokend(answers, 20)
        alice = ("ok", "alice@example.org")
        self.assertEqual(self.ask("good"), alice)
        self.assertEqual(self.ask("good", "alice@example.org"), alice)
        self.assertEqual(self.ask("bare"), alice)
        self.assertEqual(self.ask("good", "bob@example.org"), ("bad", ""))
        self.assertEqual(self.ask("bad"), ("bad", ""))
        self.assertEqual(self.ask("slow"), ("later", ""))
        self.assertEqual(self.ask("stranger"), ("bad", ""))
        self.assertEqual(self.ask("locked"), ("bad", ""))
        self.assertEqual(self.ask("disabled"), ("disabled", ""))
        self.assertEqual(self.ask(""), ("bad", ""))
        self.assertEqual(self.ask("crash"), ("later", ""))
        t.join(PATIENCE)
        # And it comes back, then talks nonsense.
        t = self.tokend({"good": good, "mad": "status active\nuser \n"}, 2)
        self.assertEqual(self.ask("good"), alice)
        self.assertEqual(self.ask("mad"), ("later", ""))
        t.join(PATIENCE)
        self.suite.wait_log("authd", "event=tokend-malformed")


if __name__ == "__main__":
    unittest.main()
