#!/usr/bin/env python3
"""resolver against name servers that lie, babble, flood and fall silent: each
question is answered within its time, nothing false is believed, and the
next honest answer is."""

import os
import random
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

import side_by_side
from harness import until
from resolver_lib import FakeDns, Resolver, a, mx, rr, wire_name

PATIENCE = 4            # seconds a question
PTR_SELF = b"\xc0\x0c"  # the question's name


def honest(q):
    """What the world really looks like."""
    if q.name.startswith("nx"):
        return q.answer(rcode=3)
    if q.type == "MX" and q.name.count(".") == 1:
        return q.answer(rr(PTR_SELF, "MX", mx(10, "mx." + q.name)))
    return q.answer(rr(PTR_SELF, "A", a("192.0.2.25"))) if q.type == "A" else q.answer()


class Hostile(unittest.TestCase):
    def fake(self, rule, timeout=PATIENCE, extra='trust-anchor = ""'):
        f = FakeDns(rule)
        self.addCleanup(f.close)
        r = Resolver("forward = { %s }\ntimeout = %ds\n%s" % (f.server, timeout, extra)).start()
        self.addCleanup(r.close)
        return f, r

    def ask(self, r, verb, name, limit=PATIENCE + 20):
        t = time.monotonic()
        answer = r.ask(verb, name)
        self.assertLess(time.monotonic() - t, limit)
        return answer

    def assert_temporary(self, rule, name="evil.test"):
        """Before, during, after: the rule is for names below evil."""
        _, r = self.fake(lambda q, tcp: rule(q, tcp) if "evil" in q.name else honest(q))
        self.assertEqual(self.ask(r, "route", "good.test").names, ["mx.good.test"])
        answer = self.ask(r, "route", name)
        self.assertEqual((answer.status, answer.code), ("temp", "4.4.3"), answer)
        self.assertEqual(self.ask(r, "route", "better.test").names, ["mx.better.test"])
        return r

    # --- no answer ------------------------------------------------------------

    def test_an_honest_one(self):
        f, r = self.fake(lambda q, tcp: honest(q))
        self.assertEqual(self.ask(r, "route", "good.test").hosts[0]["addr"], ["192.0.2.25"])
        self.assertEqual(self.ask(r, "route", "nx.test").status, "none")
        self.assertIn(("good.test", "MX"), f.asked)

    def test_silence(self):
        self.assert_temporary(lambda q, tcp: None)

    def test_refusals(self):
        for rcode in (1, 2, 4, 5, 9, 15):
            with self.subTest(rcode):
                self.assert_temporary(lambda q, tcp: q.answer(rcode=rcode))

    def test_truncated_without_tcp(self):
        self.assert_temporary(lambda q, tcp: None if tcp else q.answer(flags=0x8780))

    def test_tcp_that_never_ends(self):
        def rule(q, tcp):
            if not tcp:
                return q.answer(flags=0x8780)
            time.sleep(PATIENCE + 3)
            return None
        self.assert_temporary(rule)

    def test_late_is_better_than_never(self):
        late = {}

        def rule(q, tcp):
            if q.name == "late.test" and q.name not in late:
                late[q.name] = True
                time.sleep(1)
            return honest(q)
        _, r = self.fake(rule)
        self.assertEqual(self.ask(r, "route", "late.test").status, "ok")

    def test_a_dead_zone_does_not_delay_others(self):
        dead = FakeDns(lambda q, tcp: None)
        self.addCleanup(dead.close)
        _, r = self.fake(lambda q, tcp: honest(q), timeout=8,
                         extra='trust-anchor = ""\nstub "dead.test" { server = { %s } }' % dead.server)
        c = r.client()
        self.addCleanup(c.close)
        for k in range(2000):
            c.send("route", "x%d.dead.test" % k)
        for k in range(5):
            self.assertEqual(self.ask(r, "route", "good%d.test" % k, 8).status, "ok")
        self.assertEqual({c.receive().status for _ in range(2000)}, {"temp"})

    def test_servers_that_come_back(self):
        alive = []
        _, r = self.fake(lambda q, tcp: honest(q) if alive else None, timeout=3)
        end, k = time.monotonic() + 8, 0
        while time.monotonic() < end:
            self.assertEqual(self.ask(r, "route", "x%d.test" % k).status, "temp")
            k += 1
        alive.append(True)
        t = time.monotonic()
        until(lambda: r.ask("route", "y.test").status == "ok", what="the servers")
        print("servers that came back: seen after %.1f s" % (time.monotonic() - t))

    # --- nonsense -------------------------------------------------------------

    def test_wrong_ids(self):
        def wrong(right):
            return struct.pack(">H", int.from_bytes(right, "big") ^ random.randrange(1, 65536))
        self.assert_temporary(lambda q, tcp: [q.answer(rr(PTR_SELF, "MX", mx(1, "thief.test")), id=wrong(q.id))
                                              for _ in range(50)])

    def test_the_right_id_among_wrong_ones(self):
        def rule(q, tcp):
            wrong = [q.answer(rr(PTR_SELF, "MX", mx(1, "thief.test")),
                              id=struct.pack(">H", (int.from_bytes(q.id, "big") + k) & 0xffff)) for k in range(1, 20)]
            return wrong + [honest(q)]
        _, r = self.fake(rule)
        self.assertEqual(self.ask(r, "route", "good.test").names, ["mx.good.test"])

    def test_answers_to_another_question(self):
        def rule(q, tcp):
            return q.answer(rr(PTR_SELF, "MX", mx(1, "thief.test")), section=wire_name("other.test") + q.section[-4:])
        self.assert_temporary(rule)

    def test_garbage(self):
        rng = random.Random(1)

        def rule(q, tcp):
            whole = honest(q)
            return rng.choice([b"", b"x", q.id, q.id + b"\x85\x80", rng.randbytes(300), q.id + rng.randbytes(200),
                               whole[:rng.randrange(len(whole))], q.id + b"\x85\x80" + b"\xff" * 400,
                               whole[:12] + rng.randbytes(len(whole) - 12)])
        _, r = self.fake(rule, timeout=2)
        c = r.client()
        self.addCleanup(c.close)
        for k in range(100):
            c.send(("route", "txt", "ptr", "tlsa", "addresses")[k % 5], "10.0.0.%d" % k if k % 5 == 2 else "g%d.test" % k)
        for _ in range(100):
            answer = c.receive()
            self.assertNotEqual(answer.status, "ok", answer)

    def test_records_of_impossible_lengths(self):
        for kind, data in (("A", b"\x01\x02\x03"), ("A", b"\x01" * 5), ("AAAA", b"\x01" * 15), ("A", b""),
                           ("AAAA", b"\x01" * 400)):
            def rule(q, tcp):
                if q.name == "mx.evil.test" and q.type == kind:
                    return q.answer(rr(PTR_SELF, kind, data))
                return q.answer() if q.type != "MX" else honest(q)
            _, r = self.fake(rule)
            self.assertIn(self.ask(r, "route", "evil.test").status, ("temp", "none"))
        for data in (b"\0", b"\0\1", b"\0\1\3ab", b"\0\1\xc0", b"\0\1\xc0\xff", b"\0\1\x40a\0", b""):
            with self.subTest(data):
                _, r = self.fake(lambda q, tcp: q.answer(rr(PTR_SELF, "MX", data)) if q.type == "MX" else honest(q))
                self.assertEqual(self.ask(r, "route", "evil.test").status, "temp")

    def test_compression_that_goes_round(self):
        def rule(q, tcp):
            at = 12 + len(q.section)
            return q.answer(rr(struct.pack(">H", 0xc000 | at), "MX", mx(1, "thief.test")))
        self.assert_temporary(rule)

    def test_names_that_are_no_hosts(self):
        bad = [b"\x07a b.c\\d\0", b"\x03\x00ab\x04test\0", b"\x05a\n.b\r\x04test\0", b"\x02\xff\xfe\x04test\0",
               b"\x0b<script>\"';\0", b"\x07a=b c=d\x04test\0"]

        def rule(q, tcp):
            if q.type == "MX":
                return q.answer(*[rr(PTR_SELF, "MX", struct.pack(">H", k) + n) for k, n in enumerate(bad)],
                                rr(PTR_SELF, "MX", mx(99, "mx.evil.test")))
            if q.type == "PTR":
                return q.answer(*[rr(PTR_SELF, "PTR", n) for n in bad])
            return honest(q)
        _, r = self.fake(rule)
        self.assertEqual(self.ask(r, "route", "evil.test").names, ["mx.evil.test"])
        self.assertEqual(self.ask(r, "ptr", "192.0.2.1").status, "none")

    def test_aliases_of_what_is_no_host(self):
        """Such a name would spoil the answer's packet, and all questions beside it."""
        for label in (b"we@rd", b"we ird", b"a:25", b"[192", b"\xff\0x", b"a\\.b"):
            end = bytes([len(label)]) + label + wire_name("evil.test")

            def rule(q, tcp):
                if q.name != "evil.test":
                    return honest(q) if q.type == "A" else q.answer()
                return q.answer(rr(PTR_SELF, "CNAME", end), *(
                    [rr(end, "A", a("192.0.2.9"))] if q.type == "A" else []))
            _, r = self.fake(rule)
            answer = self.ask(r, "route", "evil.test")
            self.assertEqual((answer.status, answer.code), ("none", "5.1.2"), label)

    # --- too much -------------------------------------------------------------

    def test_thousands_of_hosts_by_tcp(self):
        def rule(q, tcp):
            if q.type != "MX":
                return honest(q)
            if not tcp:
                return q.answer(flags=0x8780)
            n = 1500 if q.name.startswith("many") else 3000
            return q.answer(*[rr(PTR_SELF, "MX", struct.pack(">HB", 5000 - k, 4) + b"%04d" % k + PTR_SELF)
                              for k in range(n)])
        _, r = self.fake(rule)
        answer = self.ask(r, "route", "many.test")
        self.assertEqual(answer.names, ["%04d.many.test" % k for k in range(1499, 1483, -1)])
        # So many that libunbound cannot hand them on: that is no denial.
        answer = self.ask(r, "route", "evil.test")
        self.assertEqual((answer.status, answer.code), ("temp", "4.4.3"), answer)

    def test_a_host_with_3000_addresses(self):
        def rule(q, tcp):
            if q.type != "A":
                return honest(q)
            if not tcp:
                return q.answer(flags=0x8780)
            return q.answer(*[rr(PTR_SELF, "A", struct.pack(">BBH", 10, 1, k)) for k in range(3000)])
        _, r = self.fake(rule)
        self.assertEqual(len(self.ask(r, "route", "evil.test").hosts[0]["addr"]), 8)

    def test_a_text_of_60000_octets(self):
        text = b"".join(b"\xff" + b"+" * 255 for _ in range(230))

        def rule(q, tcp):
            if not tcp:
                return q.answer(flags=0x8780)
            return q.answer(rr(PTR_SELF, "TXT", text), rr(PTR_SELF, "TXT", b"\x05small"))
        _, r = self.fake(rule)
        answer = self.ask(r, "txt", "evil.test")
        self.assertEqual((answer.status, answer.texts), ("ok", [b"small"]))

    def test_1000_names_of_an_address(self):
        def rule(q, tcp):
            if q.type != "PTR":
                return honest(q)
            if not tcp:
                return q.answer(flags=0x8780)
            return q.answer(*[rr(PTR_SELF, "PTR", wire_name("h%d.evil.test" % k)) for k in range(1000)])
        f, r = self.fake(rule)
        self.assertEqual(self.ask(r, "ptr", "10.9.9.9").status, "none")
        self.assertLess(len(f.asked), 40)
        self.assertEqual(self.ask(r, "ptr", "192.0.2.25").status, "ok")

    def test_aliases_without_end(self):
        for step in (lambda n: "x" + n if len(n) < 60 else "a" + n[-30:], lambda n: n):
            def rule(q, tcp):
                if "evil" not in q.name:
                    return honest(q)
                return q.answer(rr(PTR_SELF, "CNAME", wire_name(step(q.name))))
            _, r = self.fake(rule)
            self.assertNotEqual(self.ask(r, "route", "evil.test").status, "ok")
            self.assertEqual(self.ask(r, "route", "good.test").status, "ok")

    def test_a_circle_of_aliases_in_one_answer(self):
        def rule(q, tcp):
            return q.answer(*[rr("a%d.evil.test" % (k % 7) if k else PTR_SELF, "CNAME",
                                 wire_name("a%d.evil.test" % ((k + 1) % 7))) for k in range(60)])
        self.assert_temporary(rule)

    def test_a_flood_of_answers(self):
        def rule(q, tcp):
            if "evil" in q.name:
                return [os.urandom(500) for _ in range(300)] + [honest(q)] * 20
            return honest(q)
        f, r = self.fake(rule)
        c = r.client()
        self.addCleanup(c.close)
        for k in range(100):
            c.send("route", "evil%d.test" % k)
        self.assertEqual({c.receive().status for _ in range(100)} - {"ok", "temp"}, set())
        # Our fake may have a flood left to send, to which this one waits.
        until(lambda: self.ask(r, "route", "good.test").status == "ok")

    # --- lies -----------------------------------------------------------------

    def test_records_of_others_are_not_believed(self):
        def rule(q, tcp):
            if q.name.endswith("evil.test"):
                extra = [rr("victim.test", "MX", mx(0, "thief.test"), 86400), rr("mx.victim.test", "A", a("6.6.6.6"), 86400)]
                p = honest(q)
                own = p[12 + len(q.section):]
                head = p[:6] + struct.pack(">HHH", (1 if own else 0) + 2, 0, 2)
                return head + q.section + own + b"".join(extra) * 2
            return honest(q)
        _, r = self.fake(rule)
        self.assertEqual(self.ask(r, "route", "evil.test").names, ["mx.evil.test"])
        answer = self.ask(r, "route", "victim.test")
        self.assertEqual((answer.names, answer.hosts[0]["addr"]), (["mx.victim.test"], ["192.0.2.25"]))

    def test_claims_of_security_are_not_believed(self):
        # AD set by the server is worth nothing.
        _, r = self.fake(lambda q, tcp: honest(q)[:3] + b"\xa0" + honest(q)[4:])
        self.assertEqual(self.ask(r, "route", "good.test").hosts[0]["secure"], "0")

    def test_times_to_live_are_bounded(self):
        for ttl, limit in ((0xffffffff, 3600), (0x7fffffff, 3600), (0, 0)):
            _, r = self.fake(lambda q, tcp: q.answer(rr(PTR_SELF, "A", a("192.0.2.3"), ttl)) if q.type == "A"
                             else q.answer(rr(PTR_SELF, "MX", mx(1, "mx.evil.test"), ttl)) if q.type == "MX" else honest(q))
            self.assertLessEqual(self.ask(r, "route", "evil.test").ttl, limit)

    # --- DNSSEC ---------------------------------------------------------------

    def anchor(self):
        if not shutil.which("ldns-keygen"):
            self.skipTest("ldns-keygen is not installed")
        d = tempfile.mkdtemp(prefix="mpkey")
        self.addCleanup(shutil.rmtree, d, True)
        os.chmod(d, 0o755)
        k = subprocess.run(["ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "."], cwd=d, check=True, capture_output=True,
                           text=True).stdout.strip()
        return "%s/%s.key" % (d, k)

    def unsigned(self, q, tcp):
        if q.name == "":
            soa = wire_name("a.test") * 2 + struct.pack(">IIIII", 1, 2, 3, 4, 5)
            return q.answer(rr(PTR_SELF, "SOA", soa)) if q.type == "SOA" else q.answer()
        return honest(q)

    def test_servers_that_strip_signatures(self):
        _, r = self.fake(self.unsigned, extra='trust-anchor = "%s"' % self.anchor())
        until(lambda: r.log().count("event=dnssec-stripped") == 1)
        until(lambda: self.ask(r, "route", "good.test").status == "ok")
        self.assertIn("event=dnssec-off reason=upstream", r.log())
        self.assertEqual(self.ask(r, "route", "good.test").hosts[0]["secure"], "0")

    def test_dnssec_yes_insists(self):
        _, r = self.fake(self.unsigned, extra='dnssec = yes\ntrust-anchor = "%s"' % self.anchor())
        time.sleep(0.5)
        answer = self.ask(r, "route", "good.test")
        self.assertEqual((answer.status, answer.code), ("temp", "4.4.3"))
        self.assertNotIn("dnssec-stripped", r.log())


if __name__ == "__main__":
    side_by_side.main()
