#!/usr/bin/env python3
"""deliver and mailctl with the whole suite: queue, trace, status, reload."""

import json
import os
import signal
import time
import unittest

from instance import Instance, need, wait_for

FAR = "x@remote.invalid"


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("s6-svscan")
        # Nobody listens there: what is not ours is deferred.
        cls.i = Instance(config={"queue": {"retry": "1h"}},
                         more_config='route "*" { via = "[127.0.0.1]:1" }\n')
        cls.i.__enter__()
        cls.addClassCleanup(cls.i.__exit__, None, None, None)

    def ok(self, *argv):
        p = self.i.mailctl(*argv)
        self.assertEqual(p.returncode, 0, p)
        return p.stdout

    def js(self, *argv):
        return json.loads(self.ok(*argv, "--json"))

    def send(self, to, *argv, text=b"Subject: x\n\nhello\n"):
        p = self.i.deliver("-v", "-f", "alice@example.test", *argv, to, input=text)
        self.assertEqual((p.returncode, p.stderr), (0, b""), p)
        return p.stdout.split()[-1].decode()

    def where(self, ident):
        found = [q["where"] for q in self.js("queue", "list") if q["id"] == ident]
        return found[0] if found else None

    def test_a_letter_arrives(self):
        n = len(self.i.deliveries("bob"))
        ident = self.send("bob@example.test")
        wait_for(lambda: len(self.i.deliveries("bob")) == n + 1, 20)
        events = wait_for(lambda: [x for x in self.js("trace", ident)["lines"]
                                   if "event=delivered" in x["line"]], 20)
        self.assertEqual(events[0]["program"], "queue-runner")
        text = self.ok("trace", ident)
        self.assertLess(text.index("event=queued"), text.index("event=delivered"))
        self.assertIn("not in the queue", text)
        sent = time.mktime(time.strptime(text[:19], "%Y-%m-%d %H:%M:%S"))
        self.assertLess(abs(sent - time.time()), 60)

    def test_an_unknown_user_is_67(self):
        p = self.i.deliver("nobody-here@example.test", input=b"x\n")
        self.assertEqual(p.returncode, 67, p)
        p = self.i.deliver("-bv", "alice@example.test", "nobody-here@example.test")
        self.assertEqual(p.returncode, 67)
        self.assertIn(b"alice@example.test... deliverable", p.stdout)

    def test_an_odd_message_arrives_as_it_was(self):
        n = set(self.i.deliveries("alice"))
        body = b"\n".join([b".", b"..x", b"\xff\xfe", b"", b"y" * 5000]) + b"\n"
        self.send("alice@example.test", "-i", text=b"Subject: o\n\n" + body)
        path, = wait_for(lambda: set(self.i.deliveries("alice")) - n, 20)
        with open(path, "rb") as f:
            self.assertEqual(f.read().split(b"\n\n", 1)[1], body)

    def test_a_queued_message_is_handled_by_id(self):
        ident = self.send(FAR)
        wait_for(lambda: self.where(ident) == "deferred", 20)
        self.assertIn(ident, self.ok("queue", "list"))
        self.assertIn("pending    " + FAR, self.ok("queue", "show", ident))
        self.assertTrue(self.ok("queue", "show", "--message", ident)
                        .endswith("\n\nhello\n"))
        self.assertEqual(self.js("queue", "show", ident)["recipients"][0]["address"], FAR)
        self.ok("queue", "hold", "--reason", "to be looked at", ident)
        self.assertEqual(self.where(ident), "hold")
        self.assertIn("to be looked at", self.ok("queue", "list", ident))
        self.ok("queue", "release", ident)
        wait_for(lambda: self.where(ident) == "deferred", 20)
        n = len(self.i.deliveries("bob"))
        self.ok("queue", "reroute", "--to", "bob@example.test", ident)
        wait_for(lambda: len(self.i.deliveries("bob")) == n + 1, 20)
        wait_for(lambda: self.where(ident) is None, 20)
        p = self.i.mailctl("queue", "remove", ident)
        self.assertEqual(p.returncode, 69, p)
        self.assertIn("no such message", p.stderr)

    def test_selections(self):
        a, b = self.send("sel1@remote.invalid"), self.send("sel2@other.invalid")
        wait_for(lambda: self.where(a) == self.where(b) == "deferred", 20)
        pick = lambda *s: {q["id"] for q in self.js("queue", "list", *s)} & {a, b}
        self.assertEqual(pick("--recipient", "sel1@remote.invalid"), {a})
        self.assertEqual(pick("--domain", "other.invalid"), {b})
        self.assertEqual(pick("--sender", "alice@example.test"), {a, b})
        self.assertEqual(pick("--sender", "<>"), set())
        self.assertIn("remove: 1 message", self.ok("queue", "remove", "--recipient",
                                                   "sel1@remote.invalid"))
        self.assertEqual(pick("--all"), {b})
        self.ok("queue", "remove", b)
        for argv in (("remove",), ("retry", "what"), ("list", a, "--all"),
                     ("reroute", b), ("reroute", "--to", "x", b), ("show",)):
            self.assertIn(self.i.mailctl("queue", *argv).returncode, (64, 65))

    def test_the_queue_is_listed_when_its_runner_is_down(self):
        ident = self.send("down@remote.invalid")
        wait_for(lambda: self.where(ident) == "deferred", 20)
        self.i.svc("queue-runner", "-wD -d")
        try:
            self.assertEqual(self.where(ident), "deferred")
            self.assertEqual(self.i.mailctl("queue", "retry", ident).returncode, 75)
            p = self.i.mailctl("status")
            self.assertEqual(p.returncode, 69)
            self.assertIn("DOWN", p.stdout)
        finally:
            self.i.svc("queue-runner", "-wU -u")
        self.ok("queue", "remove", ident)

    def test_status(self):
        s = wait_for(lambda: self.js("status") if self.i.mailctl("status").returncode == 0
                     else None, 20)
        up = {p["name"] for p in s["programs"] if p["up"] and p["ready"]}
        self.assertLessEqual({"authd", "smtpd", "queue-runner", "pop3d", "spawner"}, up)
        self.assertTrue(all(x["answers"] for x in s["sockets"]))
        self.assertIn("deferred", s["queue"])
        self.assertEqual(s["walls"], os.geteuid() == 0)
        text = self.ok("status")
        self.assertIn("users of their own" if os.geteuid() == 0 else "same uid", text)

    def test_a_new_user_gets_mail_at_once(self):
        word = self.ok("user", "add", "--generate", "carol@example.test").strip()
        n = len(self.i.deliveries("carol"))
        wait_for(lambda: self.i.deliver("carol@example.test", input=b"x\n").returncode == 0, 20)
        wait_for(lambda: len(self.i.deliveries("carol")) > n, 20)
        import poplib
        p = poplib.POP3("127.0.0.1", self.i.port(110), timeout=30)
        p.user("carol@example.test")
        p.pass_(word)
        self.assertEqual(p.stat()[0], 1)
        p.quit()

    def test_reload_checks_then_restarts(self):
        self.assertIn(": good", self.ok("check"))
        before = self.i.pid("smtpd")
        self.assertIn("smtpd: restarted", self.ok("reload"))
        self.assertNotEqual(self.i.pid("smtpd"), before)
        path = self.i.dir + "/etc/aliases"
        with open(path) as f:
            keep = f.read()
        try:
            with open(path, "a") as f:
                f.write("this is no alias\n")
            pid = self.i.pid("smtpd")
            p = self.i.mailctl("reload")
            self.assertEqual(p.returncode, 78, p)
            self.assertRegex(p.stderr, r"aliases:\d+: ")
            self.assertEqual(self.i.pid("smtpd"), pid)
        finally:
            with open(path, "w") as f:
                f.write(keep)
        self.ok("reload")

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_a_file_that_its_reader_may_not_read(self):
        path = self.i.dir + "/etc/users"
        st = os.stat(path)
        os.chown(path, 0, 0)
        self.addCleanup(os.chown, path, st.st_uid, st.st_gid)
        pid = self.i.pid("authd")
        for command in "check", "reload":
            p = self.i.mailctl(command)
            self.assertEqual(p.returncode, 78, p)
            self.assertIn("etc/users: authd may not read it", p.stderr)
        self.assertEqual(self.i.pid("authd"), pid)

    def test_reload_is_done_when_it_says_so(self):
        """However soon a program is ready again."""
        for _ in range(10):
            before = self.i.pid("spawner")
            self.assertIn("spawner: restarted", self.ok("reload"))
            self.assertNotEqual(self.i.pid("spawner"), before)

    def test_reload_leaves_what_was_stopped(self):
        self.i.svc("pop3d", "-wD -d")
        self.addCleanup(self.i.svc, "pop3d", "-wU -u")
        self.assertNotIn("pop3d", self.ok("reload"))
        self.assertIn("imapd: restarted", self.ok("reload"))

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_strangers_may_send_and_nothing_else(self):
        kw = dict(user=65534, group=65534, extra_groups=[])
        n = len(self.i.deliveries("bob"))
        p = self.i.deliver("bob@example.test", input=b"x\n", **kw)
        self.assertEqual(p.returncode, 0, p)
        wait_for(lambda: len(self.i.deliveries("bob")) > n, 20)
        for argv in (("queue", "list"), ("queue", "remove", "--all"), ("user", "list"),
                     ("user", "add", "--no-password", "m@example.test"), ("reload",)):
            p = self.i.mailctl(*argv, **kw)
            self.assertIn(p.returncode, (77, 78), (argv, p))


if __name__ == "__main__":
    signal.alarm(280)
    unittest.main()
