#!/usr/bin/env python3
"""resolver against nsd with plain and signed zones: every kind of question,
what is permanent and what is not, DNSSEC, DANE."""

import json
import signal
import subprocess
import time

import side_by_side
from harness import PATIENCE, out, until
from resolver_lib import Resolver
from resolver_zones import SHA, Zones


class Routes(Zones):
    processes = 16          # some wait out a question's time

    def assert_fails(self, name, status, code, words, verb="route"):
        r = self.ask(verb, name)
        self.assertEqual((r.status, r.code), (status, code), r)
        self.assertIn(words, r.text)
        self.assertEqual(r.hosts, [])
        return r

    def test_hosts_come_by_preference(self):
        seen = set()
        for _ in range(40):
            r = self.ask("route", "Example.TEST.")
            self.assertEqual(r.status, "ok")
            self.assertEqual(sorted(r.names[:2]), ["mx1.example.test", "mx2.example.test"])
            self.assertEqual(r.names[2], "mx3.example.test")
            self.assertEqual([h["preference"] for h in r.hosts], ["10", "10", "20"])
            seen.add(r.names[0])
        self.assertEqual(len(seen), 2, "equal preferences are not shuffled")
        mx1 = [h for h in r.hosts if h["host"] == "mx1.example.test"][0]
        self.assertEqual(sorted(mx1["addr"]), ["192.0.2.1", "192.0.2.11", "2001:db8::1"])
        self.assertEqual((mx1["secure"], mx1["dane"]), ("0", "none"))
        self.assertGreater(r.ttl, 0)
        self.assertLessEqual(r.ttl, 60)

    def test_without_mx_the_domain_is_the_host(self):
        r = self.ask("route", "only.example.test")
        self.assertEqual(r.names, ["only.example.test"])
        self.assertEqual(sorted(r.hosts[0]["addr"]), ["192.0.2.9", "2001:db8::9"])

    def test_aliases_are_followed(self):
        self.assertEqual(self.ask("route", "alias.example.test").names, ["only.example.test"])
        self.assertEqual(len(self.ask("route", "mxalias.example.test").hosts), 3)
        r = self.ask("route", "byalias.example.test")
        self.assertEqual(r.names, ["alias.example.test"])
        self.assertEqual(len(r.hosts[0]["addr"]), 2)

    def test_what_is_permanent(self):
        self.assert_fails("nx.example.test", "none", "5.1.2", "does not exist")
        self.assert_fails("dangling.example.test", "none", "5.1.2", "does not exist")
        self.assert_fails("empty.example.test", "none", "5.1.2", "neither a mail host nor an address")
        self.assert_fails("gone.example.test", "none", "5.4.4", "none of the mail hosts")
        self.assert_fails("null.example.test", "null-mx", "5.1.10", "takes no mail")
        self.assert_fails("nowhere.example.test", "none", "5.4.4", "has no address", verb="addresses")
        self.assert_fails("a..b", "none", "5.1.2", "no domain name")
        self.assert_fails("a b.test", "none", "5.1.2", "no domain name")
        self.assert_fails("x" * 64 + ".test", "none", "5.1.2", "no domain name")
        self.assert_fails("[192.0.2.300]", "none", "5.1.3", "no address")
        self.assert_fails("[0.0.0.0]", "none", "5.1.3", "no address")
        self.assert_fails("example.test:0", "none", "5.1.2", "no domain name")

    def test_what_is_temporary(self):
        self.assert_fails("loop1.example.test", "temp", "4.4.3", "loop1.example.test failed")
        t = time.monotonic()
        r = self.assert_fails("brokenonly.example.test", "temp", "4.4.3", "mx.lame.example.test")
        self.assertLess(time.monotonic() - t, 25)
        self.assertLessEqual(r.ttl, 5)
        self.assert_fails("nobody-serves-this.test", "temp", "4.4.3", "failed")

    def test_one_host_is_enough(self):
        self.assertEqual(self.ask("route", "half.example.test").names, ["mx3.example.test"])
        self.assertEqual(self.ask("route", "broken.example.test").names, ["mx1.example.test"])
        self.assertEqual(self.ask("route", "nullmixed.example.test").names, ["mx2.example.test"])
        self.assertEqual(self.ask("route", "odd.example.test").names, ["mx2.example.test"])
        self.assertEqual(self.ask("route", "weird.example.test").names, ["mx1.example.test"])
        r = self.ask("route", "twice.example.test")
        self.assertEqual([(h["host"], h["preference"]) for h in r.hosts], [("mx1.example.test", "10")])

    def test_this_host_is_dropped_with_all_that_is_worse(self):
        self.assertEqual(self.ask("route", "own.example.test").names, ["mx1.example.test"])
        self.assertEqual(self.ask("route", "ownaddr.example.test").names, ["mx2.example.test"])
        for name in ("ownbest", "ownequal", "ownonly", "mail"):
            r = self.ask("route", name + ".example.test")
            self.assertEqual((r.status, r.code), ("loop", "5.4.6"), r)
            self.assertIn("loops back", r.text)
        self.assertEqual(self.ask("route", "[127.0.0.9]").status, "loop")
        # Another port is another server; and a smarthost may be here.
        self.assertEqual(self.ask("route", "ownonly.example.test:2525").status, "ok")
        self.assertEqual(self.ask("addresses", "here.example.test").status, "ok")
        self.assertEqual(self.ask("addresses", "[127.0.0.9]").status, "ok")

    def test_literals(self):
        for name, host, addr in (("[192.0.2.5]", "[192.0.2.5]", "192.0.2.5"),
                                 ("[IPv6:2001:DB8::5]", "[IPv6:2001:db8::5]", "2001:db8::5"),
                                 ("[2001:db8::5]:25", "[IPv6:2001:db8::5]", "2001:db8::5")):
            r = self.ask("route", name)
            self.assertEqual((r.names, r.hosts[0]["addr"]), ([host], [addr]))

    def test_500_hosts_are_cut_to_the_best(self):
        r = self.ask("route", "many.example.test")
        self.assertEqual(r.names, ["many%d.example.test" % k for k in range(16)])

    def test_both_families_of_many_addresses(self):
        r = self.ask("addresses", "wide.example.test")
        self.assertEqual(len(r.hosts[0]["addr"]), 8)
        self.assertEqual(sum(":" in x for x in r.hosts[0]["addr"]), 4)
        self.assertEqual(len(set(r.hosts[0]["addr"])), 8)
        again = self.ask("addresses", "wide.example.test")
        self.assertNotEqual(r.hosts, again.hosts, "addresses are not shuffled")

    def test_names_in_unicode(self):
        r = self.ask("addresses", "B\u00fccher.example.test")
        self.assertEqual(r.names, ["xn--bcher-kva.example.test"])

    def test_texts(self):
        r = self.ask("txt", "empty.example.test")
        self.assertEqual(sorted(r.texts), [b"one two", b"v=spf1 -all"])
        self.assertEqual(self.ask("txt", "nx.example.test").status, "none")
        self.assertEqual(self.ask("txt", "only.example.test").status, "none")
        self.assertEqual(self.ask("txt", "mx.lame.example.test").status, "temp")

    def test_block_lists(self):
        self.assertEqual(sorted(self.ask("dnsbl", "2.0.0.127.list.example.test").texts), [b"127.0.0.2", b"127.0.0.4"])
        self.assertEqual(self.ask("dnsbl", "3.0.0.127.list.example.test").status, "none")
        self.assertEqual(self.ask("dnsbl", "4.0.0.127.list.example.test").status, "none")

    def test_names_of_addresses(self):
        self.assertEqual(self.ask("ptr", "192.0.2.1").texts, [b"mx1.example.test"])
        self.assertEqual(self.ask("ptr", "2001:db8:0::1").texts, [b"mx1.example.test"])
        self.assertEqual(self.ask("ptr", "192.0.2.23").texts, [b"real23.example.test"])
        for addr in ("192.0.2.20", "192.0.2.21", "192.0.2.24", "192.0.2.99", "mx1.example.test", ""):
            self.assertEqual(self.ask("ptr", addr).status, "none", addr)
        self.assertEqual(self.ask("ptr", "192.0.2.22").status, "temp")


class Dnssec(Zones):
    def host(self, name, verb="route"):
        r = self.ask(verb, name)
        self.assertEqual(r.status, "ok", r)
        return r.hosts[0]

    def dane(self, name, verb="route"):
        h = self.host(name, verb)
        return h["host"], h["secure"], h["dane"], h["tlsa"]

    def test_signed_hosts_have_their_tlsa_records(self):
        r = self.ask("route", "signed.test")
        self.assertEqual([h["dane"] for h in r.hosts], ["tlsa", "tlsa"])
        self.assertEqual([h["secure"] for h in r.hosts], ["1", "1"])
        self.assertEqual(r.hosts[0]["tlsa"], ["3 1 1 " + SHA])
        self.assertEqual(sorted(r.hosts[1]["tlsa"]), ["2 0 2 " + SHA * 2, "3 1 1 " + SHA])

    def test_the_port_decides_which(self):
        self.assertEqual(self.dane("mx.signed.test:587", "addresses")[2:], ("tlsa", ["3 0 1 " + SHA]))
        self.assertEqual(self.dane("mx.signed.test:26", "addresses")[1:], ("1", "none", []))
        self.assertEqual(self.dane("mx.signed.test", "addresses")[3], ["3 1 1 " + SHA])

    def test_without_records_there_is_no_dane(self):
        self.assertEqual(self.dane("none.signed.test"), ("nodane.signed.test", "1", "none", []))

    def test_the_whole_way_must_be_signed(self):
        # Signed MX, unsigned host; and the other way round.
        self.assertEqual(self.dane("out.signed.test")[1:], ("0", "none", []))
        self.assertEqual(self.dane("example.test")[1:3], ("0", "none"))

    def test_an_implicit_host_counts(self):
        self.assertEqual(self.dane("implicit.signed.test"), ("implicit.signed.test", "1", "tlsa", ["3 1 1 " + SHA]))

    def test_aliases(self):
        # The alias's end has records; only its beginning; the end is not signed.
        self.assertEqual(self.dane("al.signed.test"), ("mx.signed.test", "1", "tlsa", ["3 1 1 " + SHA]))
        self.assertEqual(self.dane("al2.signed.test"), ("alias2.signed.test", "1", "tlsa", ["3 1 1 " + SHA]))
        self.assertEqual(self.dane("al3.signed.test"), ("alias3.signed.test", "0", "tlsa", ["3 1 1 " + SHA]))

    def test_forged_tlsa_makes_the_host_unusable(self):
        self.assertEqual(self.dane("lost.signed.test"), ("lostmx.signed.test", "1", "failed", []))

    def test_forged_addresses_are_not_used(self):
        self.assertEqual(self.ask("route", "forged.signed.test").names, ["mx.signed.test"])
        r = self.ask("route", "forgedall.signed.test")
        self.assertEqual((r.status, r.code), ("temp", "4.4.3"))
        self.assertNotIn("192.0.2.66", repr(r))

    def test_forged_mx_and_missing_signatures_are_temporary(self):
        for zone in ("forgedzone.test", "bare.test"):
            r = self.ask("route", zone)
            self.assertEqual((r.status, r.code), ("temp", "4.4.3"), r)

    def test_denials_are_validated(self):
        r = self.ask("route", "nx.signed.test")
        self.assertEqual((r.status, r.code), ("none", "5.1.2"))

    def test_tlsa_as_text(self):
        r = self.ask("tlsa", "_25._tcp.mx.signed.test")
        self.assertEqual((r.texts, r.fields["secure"]), ([("3 1 1 " + SHA).encode()], "1"))
        self.assertEqual(self.ask("tlsa", "_25._tcp.nodane.signed.test").status, "none")
        self.assertEqual(self.ask("tlsa", "_25._tcp.lostmx.signed.test").status, "temp")

    def test_an_insecure_stub_is_not_validated(self):
        n = self.nsd
        stubs = 'stub "signed.test" { server = { %s } }\nstub "inner.signed.test" { server = { %s } %s }'
        for insecure, status in (("insecure = yes", "ok"), ("", "temp")):
            r = Resolver('resolv-conf = ""\ntrust-anchor = "%s"\n' % n.anchor("signed.test") +
                         stubs % (n.server, n.server, insecure)).start()
            self.addCleanup(r.close)
            a = r.ask("route", "inner.signed.test")
            self.assertEqual(a.status, status, a)
        self.assertNotIn("192.0.2.32", repr(a))

    def test_a_mended_zone_is_seen_soon(self):
        n = self.nsd
        self.assertEqual(self.ask("route", "mended.test").status, "temp")
        n.change("mended.test", n.zones["mended.test"][0], True)
        until(lambda: self.ask("route", "mended.test").status == "ok", what="the mended zone")

    def test_hangup_forgets(self):
        n = self.nsd
        r = self.make()
        self.addCleanup(r.close)
        n.change("bare.test", "@ MX 10 mx\nmx A 192.0.2.31", True)
        self.assertEqual(r.ask("route", "bare.test").hosts[0]["addr"], ["192.0.2.31"])
        n.change("bare.test", "@ MX 10 mx\nmx A 192.0.2.32", True)
        self.assertEqual(r.ask("route", "bare.test").hosts[0]["addr"], ["192.0.2.31"])
        r.process.send_signal(signal.SIGHUP)
        until(lambda: "event=renewed" in r.log())
        self.assertEqual(r.ask("route", "bare.test").hosts[0]["addr"], ["192.0.2.32"])
        n.change("bare.test", "@ MX 10 mx\nmx A 192.0.2.31", True,
                 (r"(?m)^\S+\s+\d+\s+IN\s+(RRSIG|NSEC|DNSKEY)\s.*$", ""))


class Mailctl(Zones):
    def route(self, *args):
        p = subprocess.run([out("mailctl"), "-c", self.resolver.conf, "route", *args],
                           capture_output=True, text=True, timeout=PATIENCE)
        return p.returncode, p.stdout, p.stderr

    def test_for_people(self):
        self.assertEqual(self.route("none.signed.test"),
                         (0, "   10 nodane.signed.test (DNSSEC)\n      192.0.2.12\n", ""))
        code, out, _ = self.route("bob@signed.test")
        self.assertEqual(code, 0)
        self.assertIn("   10 mx.signed.test (DNSSEC) (dane)\n      192.0.2.7\n      TLSA 3 1 1 " + SHA, out)
        self.assertIn("(unusable: its TLSA records cannot be had)", self.route("lost.signed.test")[1])
        self.assertEqual(self.route("--host", "real23.example.test")[1], "    0 real23.example.test\n      192.0.2.23\n")

    def test_failures(self):
        code, out, _ = self.route("nx.example.test")
        self.assertEqual((code, out), (68, "nx.example.test: permanent failure 5.1.2: the domain nx.example.test does "
                                       "not exist\n"))
        code, out, _ = self.route("forgedzone.test")
        self.assertEqual(code, 75)
        self.assertIn("temporary failure 4.4.3", out)
        self.assertEqual(self.route("")[0], 68)

    def test_for_programs(self):
        code, out, _ = self.route("--json", "signed.test")
        r = json.loads(out)
        self.assertEqual((code, r["status"], len(r["hosts"])), (0, "ok", 2))
        self.assertEqual(r["hosts"][0]["tlsa"], ["3 1 1 " + SHA])
        self.assertTrue(r["hosts"][0]["secure"])
        r = json.loads(self.route("--json", "null.example.test")[1])
        self.assertEqual((r["status"], r["code"], r["hosts"]), ("null-mx", "5.1.10", []))

    def test_usage(self):
        for args in ((), ("a", "b"), ("--bad", "a"), ("x" * 300,)):
            code, out, err = self.route(*args)
            self.assertEqual((code, out), (64, ""))
            self.assertIn("usage", err)

    def test_nobody_to_ask(self):
        r = Resolver()
        p = subprocess.run([out("mailctl"), "-c", r.conf, "route", "a.test"],
                           capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(p.returncode, 75)
        self.assertIn("resolver cannot be asked", p.stderr)
        r.close()


if __name__ == "__main__":
    side_by_side.main()
