"""What resolver takes for an answer it holds and authd for a lookup, beside a
packet sent back and beside what they are meant to take."""

import itertools

from authd_lib import loading, many_users
from harness import cpu_beside_echo
from resolver_lib import Nsd, Resolver

RECORDS = "only A 192.0.2.9\nonly AAAA 2001:db8::9\nempty TXT \"v=spf1 -all\"\nempty TXT \"one\" \" two\"\n"
# The microseconds of CPU it may take on the machine we measure with.
QUESTIONS = (("route", "only.example.test", 50), ("addresses", "only.example.test", 50),
             ("txt", "empty.example.test", 50), ("route", "signed.test", 100))
USERS, LOOKUP, LOADING = 100000, 50, 1000


def head(title):
    print("\n| %-36s | us CPU | limit | times a packet sent back |" % title)
    print("| %s | ------ | ----- | ------------------------ |" % ("-" * 36))


def line(what, pid, n, ask, rounds, limit):
    """Prints it; is it over the limit?"""
    each, times = cpu_beside_echo(pid, n, ask, rounds)
    print("| %-36s | %6.1f | %5d | %24.1f |" % (what, each * 1e6, limit, times), flush=True)
    return each * 1e6 >= limit


def bench_resolver(_ground, rounds, scale):
    nsd = Nsd()
    try:
        nsd.zone("example.test", RECORDS)
        nsd.zone("signed.test", "@ MX 10 mx1\nmx1 A 192.0.2.31\n_25._tcp.mx1 TLSA 3 1 1 " + "0123456789abcdef" * 4,
                 signed=True)
        nsd.start()
        r = Resolver('forward = { %s }\ntrust-anchor = "%s"' % (nsd.server, nsd.anchor("signed.test")),
                     level="info").start()
        c = r.client()
        head("resolver, a cached answer")
        over = []
        for verb, name, limit in QUESTIONS:
            assert c.ask(verb, name).status == "ok"
            if line(verb + " " + name, r.process.pid, max(int(3000 * scale), 100), lambda: c.ask(verb, name), rounds,
                    limit):
                over.append(verb + " " + name)
        c.close()
        r.close()
    finally:
        nsd.close()
    if over:
        raise SystemExit("over the limit: " + ", ".join(over))


def bench_authd(_ground, rounds, scale):
    s = many_users(USERS)
    try:
        s.start("authd")
        for _ in range(rounds):
            s.authd().ask("reload")
        ms = min(loading(s))
        p = s.authd("merpati-smtpd")
        number = itertools.count(1)
        head("authd, %d users" % USERS)
        over = line("lookup", s.procs["authd"].pid, max(int(3000 * scale), 100), lambda: p.ask(
            "lookup", ("address", "user%d@example.org" % (next(number) * 7919 % USERS))), rounds, LOOKUP)
        p.close()
        print("read in %d ms, limit %d" % (ms, LOADING))
    finally:
        s.remove()
    if over or ms >= LOADING:
        raise SystemExit("over the limit: authd")
