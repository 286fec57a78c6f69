#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges each answer of a log of build/load/watch.

judge.py leap LOG DAY_END OFFSET STEP
    A leap second before DAY_END (UTC): all are synchronised, and right by the rule that the TAI
    offset becomes OFFSET + STEP, and the announcement ends, there.
judge.py step LOG
    A step of CLOCK_TAI against CLOCK_MONOTONIC: all before it are synchronised and right, none
    after it is until the daemon has noticed, and then all are again.
judge.py source LOG SOURCE_LOG HOLD
    All have the system clock's time, and say what netns/source.py said, for HOLD s at most.
"""
import sys
from collections import namedtuple

SEC, MS = 10**9, 10**6
TOLERANCE = MS            # of a stamp against the client's readings of the same clock
NOISE = 1000              # ns, what the random bits of a stamp come to at most
TOO_FEW = 100             # answers of a kind
SLACK = SEC // 2          # from the source's answer to ours; it is asked each second
PATIENCE = SEC // 10      # the daemon waits no longer for the source's answer
SHORT = 1 << 16           # in a second
SHORT_AGE = 1_017_252_604  # ns in which 15 ppm come to 1 of those (RFC 5905 7.3)


def rows(log):
    with open(log, encoding="ascii") as lines:
        names, *words = [line.split() for line in lines]
    row = namedtuple("Row", names)
    return [row(*(w if n in ("kind", "name", "refid", "reference_time") else int(w)
                  for n, w in zip(names, line))) for line in words]


def need(right, answer, what):
    if not right:
        sys.exit(f"not {what}: {answer}")


def tell(also="", **groups):
    """A line of figures; each group must be large enough, of both kinds."""
    sizes = {name: [sum(a.kind == kind for a in answers) for kind in ("plain", "nts")]
             for name, answers in groups.items()}
    line = ", ".join(f"{name} {plain} + {nts} NTS" for name, (plain, nts) in sizes.items()) + also
    if min(min(size) for size in sizes.values()) < TOO_FEW:
        sys.exit(f"too few to tell: {line}")
    print(line)


def need_synchronised(a):
    need(a.leap != 3 and a.stratum, a, "synchronised")


def need_between(a, low, high):
    need(low - TOLERANCE <= a.receive <= a.transmit <= high + TOLERANCE, a, f"from {low} to {high}")


def judge_leap(log, day_end, offset, step):
    # Where the kernel changes the offset: after 23:59:59 (insertion) or before it (deletion).
    leap = (day_end - (step < 0) + offset) * SEC
    before, first, later, around = [], [], [], []
    for a in rows(log):
        need_synchronised(a)
        # Where the leap came between request and answer, LI says on which side this is.
        leapt = a.tai1 >= leap and (a.tai0 >= leap or a.leap == 0)
        to_tai = (offset + step * leapt) * SEC
        need_between(a, a.tai0 - to_tai, a.tai1 - to_tai)
        since = a.receive + to_tai - leap
        need(since >= -NOISE if leapt else since < NOISE, a, "of the side it says")
        need(a.leap == (0 if leapt else 1 if step > 0 else 2), a, "announced as it should")
        if abs(since) > SEC // 10:  # the kernel's own leap comes with a tick
            need_between(a, a.utc0, a.utc1)
        if abs(since) < 2 * SEC:
            around.append(since)
        (before if not leapt else first if since < SEC else later).append(a)
    gap = max(b - a for a, b in zip(around, around[1:]))
    tell(f"; {len(around)} in the 4000 ms around it, {gap / MS:.1f} ms without one at most",
         before=before, first_second=first, later=later)


def judge_step(log):
    answers = rows(log)
    before, doubtful, after = [], [], []
    was = answers[0].tai0 - answers[0].mono0
    for a in answers:
        # Both stamps of an answer are of one side of the step.
        need(0 <= a.transmit - a.receive <= a.mono1 - a.mono0 + TOLERANCE, a, "of one clock")
        stepped = [abs(d - was) > SEC for d in (a.tai0 - a.mono0, a.tai1 - a.mono1)]
        if any(stepped) and a.leap == 3 and not a.stratum:
            need(not after, a, "synchronised any more")
            doubtful.append(a)
        elif all(stepped) == any(stepped):  # else it may be of either side
            need_synchronised(a)
            need_between(a, a.utc0, a.utc1)
            (after if all(stepped) else before).append(a)
    tell(before=before, unsynchronised=doubtful, after=after)


def news(source_log, hold):
    """What the source said, and in its silence the end of the hold time."""
    said = []
    for s in rows(source_log):
        if said and s.mono > said[-1].mono + hold:
            said.append(said[-1]._replace(name="held", mono=said[-1].mono + hold, leap=3))
        said.append(s)
    return said


def says(a, s):
    if s.leap == 3 or s.stratum > 15:
        return (a.leap, a.stratum, a.refid) == (3, 0, "00000000")
    same = ("leap", "stratum", "root_delay", "refid", "reference_time")
    if any(getattr(a, n) != getattr(s, n) for n in same):
        return False
    # An offset that the way there and back does not explain is an error of the clock.
    most = s.root_dispersion + abs(s.offset) * SHORT + 1
    least = most - (PATIENCE * SHORT // SEC if s.offset else 0)
    most += (a.mono1 - s.mono) // SHORT_AGE
    least += max(0, a.mono0 - SLACK - s.mono) // SHORT_AGE
    return least <= a.root_dispersion <= most


def judge_source(log, source_log, hold):
    said, at = news(source_log, hold * SEC), 0
    heard = {s.name: [] for s in said}
    for a in rows(log):
        need_between(a, a.utc0, a.utc1)
        while at + 1 < len(said) and said[at + 1].mono + SLACK < a.mono0:
            at += 1
        while not says(a, said[at]):
            told = at + 1 < len(said) and said[at + 1].mono <= a.mono1
            need(told, a, f"what follows from {said[at]}")
            at += 1
        heard[said[at].name].append(a)
    tell(**heard)


{"leap": judge_leap, "step": judge_step, "source": judge_source}[sys.argv[1]](
    *(int(w) if w.lstrip("-").isdigit() else w for w in sys.argv[2:]))
