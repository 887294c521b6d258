"""nsd with the zones, plain and signed and damaged, that the resolver_*.py
tests ask about."""

import os
import shutil
import socket
import unittest

from resolver_lib import Nsd, Resolver

SHA = "0123456789abcdef" * 4
PLAIN = """
@ MX 10 mx1
@ MX 10 mx2
@ MX 20 mx3
mx1 A 192.0.2.1
mx1 A 192.0.2.11
mx1 AAAA 2001:db8::1
mx2 A 192.0.2.2
mx3 AAAA 2001:db8::3
null MX 0 .
only A 192.0.2.9
only AAAA 2001:db8::9
real23 A 192.0.2.23
alias CNAME only
mxalias CNAME example.test.
loop1 CNAME loop2
loop2 CNAME loop1
dangling CNAME nowhere
empty TXT "v=spf1 -all"
empty TXT "one" " two"
gone MX 10 nowhere1
gone MX 20 nowhere2
half MX 10 nowhere
half MX 20 mx3
nullmixed MX 0 .
nullmixed MX 10 mx2
byalias MX 10 alias
odd MX 10 unusable
odd MX 20 mx2
unusable A 0.0.0.0
unusable A 224.0.0.1
unusable AAAA ::ffff:192.0.2.1
unusable AAAA fe80::1
weird MX 5 a\\.b.example.test.
weird MX 10 mx1
own MX 10 mx1
own MX 20 mail.example.test.
own MX 30 mx3
ownbest MX 10 mail.example.test.
ownbest MX 20 mx1
ownequal MX 10 mx1
ownequal MX 10 mail.example.test.
ownaddr MX 5 mx2
ownaddr MX 10 here
ownaddr MX 10 mx1
ownonly A 127.0.0.9
here A 127.0.0.9
mail A 127.0.0.9
broken MX 10 mx.lame
broken MX 20 mx1
brokenonly MX 10 mx.lame
twice MX 10 mx1
twice MX 20 mx1
xn--bcher-kva A 192.0.2.77
$ORIGIN list.example.test.
2.0.0.127 A 127.0.0.2
2.0.0.127 A 127.0.0.4
3.0.0.127 A 192.0.2.80
$ORIGIN example.test.
""" + "\n".join("many MX %d many%d\nmany%d A 10.1.%d.%d" % (k, k, k, k // 250, k % 250 + 1) for k in range(500)) + """
""" + "\n".join("wide A 10.2.0.%d\nwide AAAA 2001:db8:2::%d" % (k, k) for k in range(1, 21))
REVERSE = """
1 PTR mx1.example.test.
9 PTR only.example.test.
20 PTR mx1.example.test.
21 PTR nowhere.example.test.
22 PTR mx.lame.example.test.
23 PTR nowhere.example.test.
23 PTR real23.example.test.
24 PTR evil\\032name.example.test.
9.2 PTR x.
"""
SIGNED = """
@ MX 10 mx
@ MX 20 two
mx A 192.0.2.7
_25._tcp.mx TLSA 3 1 1 %(sha)s
two A 192.0.2.8
_25._tcp.two TLSA 3 1 1 %(sha)s
_25._tcp.two TLSA 2 0 2 %(sha)s%(sha)s
_587._tcp.mx TLSA 3 0 1 %(sha)s
none MX 10 nodane
nodane A 192.0.2.12
out MX 10 mx1.example.test.
implicit A 192.0.2.13
_25._tcp.implicit TLSA 3 1 1 %(sha)s
al MX 10 alias1
alias1 CNAME mx
al2 MX 10 alias2
alias2 CNAME nodane
_25._tcp.alias2 TLSA 3 1 1 %(sha)s
al3 MX 10 alias3
alias3 CNAME mx1.example.test.
_25._tcp.alias3 TLSA 3 1 1 %(sha)s
lost MX 10 lostmx
lostmx A 192.0.2.14
_25._tcp.lostmx TLSA 3 1 1 %(sha)s
forged MX 10 forgedmx
forged MX 20 mx
forgedmx A 192.0.2.15
forgedall MX 10 forgedmx
""" % {"sha": SHA}


class Zones(unittest.TestCase):
    processes = 4

    @classmethod
    def setUpClass(cls):
        for program in ("nsd", "ldns-signzone"):
            if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                raise unittest.SkipTest("%s is not installed" % program)
        cls.nsd = nsd = Nsd()
        cls.addClassCleanup(nsd.close)
        nsd.zone("example.test", PLAIN)
        nsd.zone("2.0.192.in-addr.arpa", REVERSE)
        nsd.zone("8.b.d.0.1.0.0.2.ip6.arpa", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa. PTR mx1.example.test.")
        nsd.zone("signed.test", SIGNED, signed=True, falsify=(
            r"(?m)^(forgedmx\.signed\.test\.\s+\d+\s+IN\s+A\s+)\S+|"
            r"^(_25\._tcp\.lostmx\.signed\.test\.\s+\d+\s+IN\s+TLSA\s+3 1 1) \S+",
            lambda m: m.group(1) + "192.0.2.66" if m.group(1) else m.group(2) + " " + "ff" * 32))
        nsd.zone("forgedzone.test", "@ MX 10 mx\nmx A 192.0.2.30", signed=True, falsify=(
            r"(?m)^(forgedzone\.test\.\s+\d+\s+IN\s+MX\s+)10", r"\g<1>11"))
        nsd.zone("mended.test", "@ MX 10 mx\nmx A 192.0.2.30", signed=True, falsify=(
            r"(?m)^(mended\.test\.\s+\d+\s+IN\s+MX\s+)10", r"\g<1>11"))
        # Private, and not known to the signed zone above it.
        nsd.zone("inner.signed.test", "@ MX 10 mx\nmx A 192.0.2.32")
        # The parent says signed, but the zone is served without its signatures.
        nsd.zone("bare.test", "@ MX 10 mx\nmx A 192.0.2.31", signed=True, falsify=(
            r"(?m)^\S+\s+\d+\s+IN\s+(RRSIG|NSEC|DNSKEY)\s.*$", ""))
        # lame.example.test is delegated to a port where nobody answers.
        cls.silence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.silence.close)
        cls.silence.bind(("127.0.0.1", 0))
        nsd.start()
        cls.resolver = cls.make()
        cls.addClassCleanup(cls.resolver.close)

    @classmethod
    def make(cls, extra="", timeout="6s", **kw):
        n = cls.nsd
        zones = "\n".join('stub "%s" { server = { %s } }' % (z, n.server) for z in n.zones)
        zones += '\nstub "lame.example.test" { server = { "127.0.0.1:%d" } }' % cls.silence.getsockname()[1]
        return Resolver('resolv-conf = ""\ndnssec = yes\ntimeout = %s\ntrust-anchor = { "%s" }\n%s\n%s' % (
            timeout, '", "'.join(n.anchor(z) for z in n.keys), zones, extra), **kw,
            more='smtpd { listen "127.0.0.9:25" { role = "mx" } }').start()

    def ask(self, verb, name):
        return self.resolver.ask(verb, name)
