"""What resolver takes for an answer it holds, beside a packet sent back and
beside what it is meant to take."""

import statistics

from resolver_lib import Echo, Nsd, Resolver, cpu_each

RECORDS = "only A 192.0.2.9\nonly AAAA 2001:db8::9\nempty TXT \"v=spf1 -all\"\nempty TXT \"one\" \" two\"\n"
# The microseconds of CPU it may take on the machine we measure with.
QUESTIONS = (("route", "only.example.test", 50), ("addresses", "only.example.test", 50),
             ("txt", "empty.example.test", 50), ("route", "signed.test", 100))


def bench_resolver(_ground, rounds, scale):
    nsd = Nsd()
    echo = Echo()
    try:
        nsd.zone("example.test", RECORDS)
        nsd.zone("signed.test", "@ MX 10 mx1\nmx1 A 192.0.2.31\n_25._tcp.mx1 TLSA 3 1 1 " + "0123456789abcdef" * 4,
                 signed=True)
        nsd.start()
        r = Resolver('forward = { %s }\ntrust-anchor = "%s"' % (nsd.server, nsd.anchor("signed.test")),
                     level="info").start()
        c = r.client()
        print("\n| %-36s | us CPU | limit | times a packet sent back |" % "resolver, a cached answer")
        print("| %s | ------ | ----- | ------------------------ |" % ("-" * 36))
        n = max(int(3000 * scale), 100)
        over = []
        for verb, name, limit in QUESTIONS:
            assert c.ask(verb, name).status == "ok"
            ours, bare = [], []
            for _ in range(rounds):
                ours.append(cpu_each(r, n, lambda: c.ask(verb, name)) * 1e6)
                bare.append(cpu_each(echo, n, lambda: echo.ask(b"merpati 1 route 1\nname only.example.test\n")) * 1e6)
            each = statistics.median(ours)
            print("| %-36s | %6.1f | %5d | %24.1f |" % (verb + " " + name, each, limit,
                                                       each / statistics.median(bare)), flush=True)
            if each >= limit:
                over.append(verb + " " + name)
        c.close()
        r.close()
    finally:
        echo.close()
        nsd.close()
    if over:
        raise SystemExit("over the limit: " + ", ".join(over))
