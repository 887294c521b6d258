#!/usr/bin/env python3
"""The five days of a letter's life, as seconds, with queue-runner and remote as
they are and a host on loopback that does as it is told."""

# Plain build only: it is mostly waiting, for what queue_remote.py tries sanitized.
import email.policy
import email.utils
import os
import shutil
import time

import side_by_side
from harness import PATIENCE, as_user, out, sanitizer_options, start_ready
from queue_lib import Case, until
from queue_remote_lib import Far
from remote_lib import Host

ALICE, X = "alice@example.test", "x@far.example"
RETRY, WARN, EXPIRE = 2, 5, 12
KEYS = {"queue": "retry = %ds\nwarn-after = %ds\nexpire = %ds" % (
    RETRY, WARN, EXPIRE)}


class Life(Case):
    def setUp(self):
        """remote is the real one; every domain's host is ours."""
        self.host = Host()
        self.addCleanup(self.host.close)
        self.world_class = lambda **keys: Far(
            remote=False, top='route "*" { via = "[127.0.0.1]:%d" }' %
            self.host.port, **keys)
        self.world_keys = KEYS
        super().setUp()
        # Copied: the build may lie where another uid cannot look.
        program = os.path.join(self.w.dir, "remote")
        shutil.copy(out("remote"), program)
        self.remote, ready = start_ready(
            [program, "-c", self.w.conf], self.w.logname, sanitizer_options(),
            **as_user())
        self.addCleanup(self.end_remote)
        self.assertTrue(ready, self.w.log())

    def end_remote(self):
        self.remote.terminate()
        self.remote.wait(PATIENCE)

    def parts(self, report):
        """The machine's fields of a report, by Python's own parser."""
        m = email.message_from_bytes(report, policy=email.policy.default)
        self.assertEqual(m.defects, [])
        self.assertEqual(m.get_content_type(), "multipart/report")
        self.assertEqual(m.get_param("report-type"), "delivery-status")
        words, status, original = m.iter_parts()
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        fields = status.get_payload()
        self.assertEqual(len(fields), 2)
        self.assertIn("Subject:", original.as_string())
        return words.get_content(), fields[0], fields[1]

    def life(self, to):
        """Until it is bounced: tries, the warning, the bounce, the time."""
        began = time.time()
        i = self.w.put(ALICE, to)
        self.w.gone(i)
        took = time.time() - began
        until(lambda: len([j for j in self.w.delivered
                           if j["recipient"] == ALICE]) == 2)
        reports = [j["content"] for j in self.w.delivered]
        self.assertEqual(len(self.w.events("warned", id=i)), 1)
        self.assertEqual(len(self.w.events("bounced", id=i)), 1)
        self.assertGreaterEqual(took, EXPIRE)
        tries = len(self.w.events("deferred", id=i)) + 1
        # Times are whole seconds, and a busy machine is late.
        self.assertLessEqual(tries, EXPIRE // RETRY + 1)
        self.assertGreaterEqual(tries, 3)
        return tries, self.parts(reports[0]), self.parts(reports[1])

    def test_a_host_that_says_not_now_to_the_end(self):
        self.host.each = [{X: "450 4.7.1 <x@far.example> greylisted"}]
        tries, delay, failure = self.life(X)
        self.assertEqual(len([c for c in self.host.commands
                              if c.startswith("RCPT TO:<%s>" % X)]), tries)
        for words, message, rcpt in (delay, failure):
            self.assertIn("450 4.7.1", words)
            self.assertEqual(message["Reporting-MTA"],
                             "dns; mail.example.test")
            self.assertEqual(rcpt["Final-Recipient"], "rfc822; " + X)
            self.assertEqual(rcpt["Remote-MTA"], "dns; [127.0.0.1]")
            self.assertEqual(rcpt["Diagnostic-Code"],
                             "smtp; 450 4.7.1 <x@far.example> greylisted")
        self.assertEqual((delay[2]["Action"], delay[2]["Status"]),
                         ("delayed", "4.7.1"))
        until_ = email.utils.parsedate_to_datetime(
            delay[2]["Will-Retry-Until"])
        self.assertAlmostEqual(until_.timestamp(), time.time(), delta=60)
        self.assertEqual((failure[2]["Action"], failure[2]["Status"]),
                         ("failed", "4.4.7"))

    def test_a_host_that_is_away_to_the_end(self):
        self.host.close()
        _, delay, failure = self.life(X)
        self.assertNotIn("Remote-MTA", failure[2])
        self.assertTrue(failure[2]["Diagnostic-Code"].startswith(
            "x-merpati; "))
        self.assertIn("refused", failure[0].lower())
        self.assertEqual(delay[2]["Action"], "delayed")

    def test_a_host_that_comes_back_gets_it(self):
        self.host.close()
        ids = [self.w.put(ALICE, "x%d@far.example" % n) for n in range(10)]
        until(lambda: len(self.w.events("deferred")) >= 10)
        time.sleep(RETRY + 1)
        self.host = Host(port=self.host.port)
        self.addCleanup(self.host.close)
        for i in ids:
            self.w.gone(i)
        self.assertEqual(len(self.host.messages), 10)
        until(lambda: self.w.events("destination-open"))

    def test_a_permanent_refusal_comes_back_at_once(self):
        self.host.each = [{X: "550 5.1.1 nobody of that name"}]
        self.w.gone_at_once(self.w.put(ALICE, X))
        words, _, rcpt = self.parts(until(
            lambda: [j["content"] for j in self.w.delivered])[0])
        self.assertEqual((rcpt["Action"], rcpt["Status"],
                          rcpt["Diagnostic-Code"]),
                         ("failed", "5.1.1",
                          "smtp; 550 5.1.1 nobody of that name"))
        self.assertIn("nobody of that name", words)


if __name__ == "__main__":
    side_by_side.main()
