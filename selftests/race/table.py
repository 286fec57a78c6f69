#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""table.py RESULTS FOLDER: medians over the rounds of race.sh, as FOLDER/table.md and, for the plot,
FOLDER/KIND.NAME with lines OFFERED ANSWERED.  Says whether the goals are met; exit status
1: not all."""

import collections
import statistics
import sys

TITLES = {"xnts": "xnts", "xnts_whole": "xnts, `nts_budget = 0`",
          "chronyd43": "chronyd 4.3", "ntpdrs": "ntpd-rs 1.4.0"}
KINDS = {"plain": "plain NTP", "nts": "NTS"}
FIELDS = ("offered", "answered", "cpu_ns", "p50_us", "p99_us")


def read(path):
    """{(name, kind, load, field): median}, of what was not measured NaN"""
    rounds = {}
    for line in open(path, encoding="ascii"):
        _, name, kind, load, *values = line.split()
        for field, value in zip(FIELDS, values):
            rounds.setdefault((name, kind, load, field), []).append(float(value))
    return collections.defaultdict(lambda: float("nan"), {k: statistics.median(v) for k, v in rounds.items()})


def peak(medians, name, kind):
    """The most answers a second, in a closed loop or when more is asked."""
    return max(medians[name, kind, load, "answered"] for load in ("peak", "twice"))


def kept(medians, name, kind):
    """The share of the peak that is answered when twice the peak is asked, in per cent."""
    return 100 * medians[name, kind, "twice", "answered"] / peak(medians, name, kind)


def table(medians, names):
    rows = [["one core"] + [TITLES[n] for n in names], ["---"] + ["--:"] * len(names)]
    for kind, title in KINDS.items():
        def row(what, text):
            rows.append([f"{title}: {what}"] + [text(n).replace("nan", "-") for n in names])
        row("answers a second", lambda n: f"{peak(medians, n, kind):,.0f}")
        row("CPU time an answer, us", lambda n: f"{medians[n, kind, 'peak', 'cpu_ns'] / 1000:.2f}")
        row("response at half load, median, us", lambda n: f"{medians[n, kind, 'half', 'p50_us']:.0f}")
        row("response at half load, 99 %, us", lambda n: f"{medians[n, kind, 'half', 'p99_us']:.0f}")
        row("answered at twice the peak, % of it", lambda n: f"{kept(medians, n, kind):.0f}")
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def write_curves(medians, names, folder):
    for kind in KINDS:
        for name in names:
            with open(f"{folder}/{kind}.{name}", "w", encoding="ascii") as out:
                for load in ("half", "peak", "twice"):
                    print(medians[name, kind, load, "offered"], medians[name, kind, load, "answered"], file=out)


def goals(medians):
    """Prints whether each is met."""
    met = True
    for kind, factor in (("plain", 20), ("nts", 3)):
        ratio = peak(medians, "xnts", kind) / peak(medians, "chronyd43", kind)
        share = kept(medians, "xnts", kind)
        for good, text in ((ratio >= factor, f"{KINDS[kind]}: {ratio:.1f} times chronyd (goal {factor})"),
                           (share >= 90, f"{KINDS[kind]}: {share:.0f} % of the peak at twice the load (goal 90)")):
            print(("ok " if good else "not ok ") + text)
            met = met and good
    return met


def main():
    medians = read(sys.argv[1])
    names = [n for n in TITLES if (n, "plain", "peak", "answered") in medians]
    text = table(medians, names)
    with open(sys.argv[2] + "/table.md", "w", encoding="ascii") as out:
        out.write(text)
    print(text, end="")
    write_curves(medians, names, sys.argv[2])
    sys.exit(not goals(medians))


main()
