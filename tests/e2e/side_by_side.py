"""unittest.main() for test programs that mostly wait: tests run in processes
of their own, a few at a time, each as if it were alone.  A class with a
setUpClass() is kept together, or dealt to as many processes as it has in its
attribute processes.  The names on the command line choose as ever."""

import io
import os
import pickle
import select
import sys
import time
import traceback
import unittest

AT_ONCE = 4


def cases(test):
    if isinstance(test, unittest.TestSuite):
        for t in test:
            yield from cases(t)
    else:
        yield test


def units(test):
    """Lists of tests, each list for one process; in their order."""
    found, dealt = [], {}
    for case in cases(test):
        cls = type(case)
        if cls.setUpClass.__func__ is unittest.TestCase.setUpClass.__func__:
            found.append([case])
            continue
        hands = dealt.setdefault(cls, [])
        if len(hands) < getattr(cls, "processes", 1):
            hands.append([case])
            found.append(hands[-1])
        else:
            hands.append(hands.pop(0))      # the next one's turn
            hands[-1].append(case)
    return found


class Result(unittest.TextTestResult):
    """What a child tells: numbers and texts, as tests cannot be pickled."""

    def told(self):
        return {"ran": self.testsRun, "skipped": [(str(t), why) for t, why in self.skipped],
                "failures": [(self.getDescription(t), text) for t, text in self.failures],
                "errors": [(self.getDescription(t), text) for t, text in self.errors]}


def child(unit, pipe):
    """Never returns."""
    told = {"ran": len(unit), "skipped": [], "failures": [],
            "errors": [(str(unit[0]), "no result")]}
    try:
        result = Result(unittest.runner._WritelnDecorator(io.StringIO()), True, 0)
        unittest.TestSuite(unit).run(result)
        told = result.told()
    except BaseException:
        told["errors"] = [(str(unit[0]), traceback.format_exc())]
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            with open(pipe, "wb") as f:
                pickle.dump(told, f)
        finally:
            os._exit(0)


def start(unit):
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        child(unit, theirs)
    os.close(theirs)
    return ours, pid


def finish(ours, pid, unit):
    with open(ours, "rb") as f:
        data = f.read()
    _, status = os.waitpid(pid, 0)
    if not data:
        return {"ran": len(unit), "skipped": [], "failures": [],
                "errors": [(str(unit[0]), "its process ended with status %d\n" % status)]}
    return pickle.loads(data)


def run(waiting):
    total = {"ran": 0, "skipped": [], "failures": [], "errors": []}
    running = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            unit = waiting.pop(0)
            ours, pid = start(unit)
            running[ours] = pid, unit, time.monotonic()
        for ours in select.select(list(running), [], [])[0]:
            pid, unit, began = running.pop(ours)
            told = finish(ours, pid, unit)
            for key in total:
                total[key] += told[key]
            bad = told["failures"] or told["errors"]
            print("%s %s%s: %.1f s" % (
                "FAILED" if bad else "skipped" if told["skipped"] else "ok", unit[0],
                " and %d more" % (len(unit) - 1) if len(unit) > 1 else "", time.monotonic() - began), file=sys.stderr)
    return total


def main():
    began = time.monotonic()
    program = unittest.main(exit=False, testRunner=Collect())
    total = run(units(program.result.collected))
    for kind in ("errors", "failures"):
        for name, text in total[kind]:
            print("%s\n%s: %s\n%s\n%s" % ("=" * 70, kind[:-1].upper(), name, "-" * 70, text), file=sys.stderr)
    for name, why in total["skipped"]:
        print("skipped: %s: %s" % (name, why), file=sys.stderr)
    print("%s\nRan %d test%s in %.3fs\n" % ("-" * 70, total["ran"], "s" * (total["ran"] != 1),
                                           time.monotonic() - began), file=sys.stderr)
    told = ", ".join("%s=%d" % (k, len(total[k])) for k in ("failures", "errors", "skipped") if total[k])
    bad = total["failures"] or total["errors"]
    print(("FAILED" if bad else "OK") + (" (%s)" % told if told else ""), file=sys.stderr)
    # As unittest ends a run without tests, which is a name that is misspelt.
    sys.exit(1 if bad else 0 if total["ran"] else 5)


class Collect:
    """A runner that runs nothing."""

    def run(self, test):
        result = unittest.TestResult()
        result.collected = test
        return result
