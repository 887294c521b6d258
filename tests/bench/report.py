"""Lines of tables, and what processes cost."""

import os
import statistics

from instance import process_tree


def header(other, unit):
    print("\n| %-44s | ms CPU  | %-7s | ratio | rate/s  | %-7s | ratio |" % (unit, other, other))
    print("| %s | ------- | ------- | ----- | ------- | ------- | ----- |" % ("-" * 44))


def compare(title, ours, theirs):
    """Rounds of (cpu, wall) per unit: a line with medians and ratios."""
    ocpu, owall = (statistics.median(x[k] for x in ours) for k in (0, 1))
    tcpu, twall = (statistics.median(x[k] for x in theirs) for k in (0, 1))
    cpu = statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))
    rate = statistics.median(b[1] / a[1] for a, b in zip(ours, theirs))
    print("| %-44s | %7.3f | %7.3f | %5.2f | %7.0f | %7.0f | %5.2f |"
          % (title, ocpu * 1e3, tcpu * 1e3, cpu, 1 / owall, 1 / twall, rate), flush=True)


def largest_processes(m):
    rss = {}
    for pid in process_tree(m.pid_root()):
        try:
            with open("/proc/%d/status" % pid) as f:
                s = dict(x.split(":", 1) for x in f if ":" in x)
            name = s["Name"].strip()
            rss[name] = max(rss.get(name, 0), int(s["VmRSS"].split()[0]))
        except OSError:
            continue
    print("largest RSS, KiB:", ", ".join("%s %d" % x for x in sorted(rss.items())))


def cpu_by_name(root):
    """Seconds of the tree by the programs' names, reaped children with who reaped them."""
    cpu = {}
    for pid in process_tree(root):
        try:
            with open("/proc/%d/stat" % pid) as f:
                head, _, rest = f.read().rpartition(")")
        except OSError:
            continue
        name = head.partition("(")[2]
        cpu[name] = cpu.get(name, 0) + sum(int(x) for x in rest.split()[11:15]) / os.sysconf("SC_CLK_TCK")
    return cpu
