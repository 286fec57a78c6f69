#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sets the clock of a virtual machine and watches what an NTP server says of it.

clock_tool.py set UTC_SECONDS [TAI_OFFSET]   the time; and that it is synchronised
clock_tool.py arm insert|delete|none         a leap second at the end of the UTC day
clock_tool.py tai OFFSET                     the kernel's TAI offset
clock_tool.py step SECONDS                   forward or back, still synchronised
clock_tool.py unsynchronise
clock_tool.py watch ADDRESS SECONDS LOG      one request after another; each answer becomes a
    line of LOG: CLOCK_TAI before and after, CLOCK_REALTIME before and after, receive and
    transmit time (ns, UTC since 1970), LI, stratum
clock_tool.py leapt LOG LEAP_UTC OFFSET STEP      judges LOG: all answers right by the rule that
    the offset becomes OFFSET + STEP at LEAP_UTC, all synchronised
clock_tool.py honest LOG             judges LOG: what claims to be synchronised is the clock's time
"""
import ctypes
import socket
import struct
import sys
import time

CLOCK_TAI = 11
SEC = 10**9
TOLERANCE = 20_000_000  # ns: an emulated machine stands still at times; a lie is a second long
NTP_UNIX_OFFSET = 2208988800

ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS, ADJ_TAI = 4, 8, 0x10, 0x80
STA_PLL, STA_INS, STA_DEL, STA_UNSYNC = 1, 0x10, 0x20, 0x40

libc = ctypes.CDLL(None, use_errno=True)


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint)] + [
        (n, ctypes.c_long) for n in ("offset", "freq", "maxerror", "esterror")
    ] + [("status", ctypes.c_int)] + [
        (n, ctypes.c_long) for n in ("constant", "precision", "tolerance", "sec", "usec", "tick",
                                     "ppsfreq", "jitter")
    ] + [("shift", ctypes.c_int)] + [
        (n, ctypes.c_long) for n in ("stabil", "jitcnt", "calcnt", "errcnt", "stbcnt")
    ] + [("tai", ctypes.c_int), ("pad", ctypes.c_int * 11)]


def adjust(**members):
    t = Timex(**members)
    if libc.adjtimex(ctypes.byref(t)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return t


def status(word):
    adjust(modes=ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, status=word, maxerror=1000, esterror=10)


def set_time(ns, tai=None):
    time.clock_settime_ns(time.CLOCK_REALTIME, ns)
    if tai is not None:
        adjust(modes=ADJ_TAI, constant=tai)
    status(STA_PLL)  # setting the clock made it unsynchronised


def exchange(sock, request):
    before = (time.clock_gettime_ns(CLOCK_TAI), time.time_ns())
    sock.send(request)
    answer = sock.recv(512)
    after = (time.clock_gettime_ns(CLOCK_TAI), time.time_ns())
    stamps = []
    for at in (32, 40):
        seconds, fraction = struct.unpack_from("!II", answer, at)
        stamps.append((seconds - NTP_UNIX_OFFSET) * SEC + (fraction * SEC >> 32))
    return before[0], after[0], before[1], after[1], *stamps, answer[0] >> 6, answer[1]


def watch(address, seconds, log):
    end = time.monotonic() + seconds
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect((address, 123))
    request = bytes([0x23]) + bytes(47)
    with open(log, "w", encoding="ascii") as out:
        while time.monotonic() < end:
            try:
                print(*exchange(sock, request), file=out)
            except TimeoutError:
                print("lost", file=out)
            time.sleep(0.001)


def answers(log):
    with open(log, encoding="ascii") as lines:
        words = [line.split() for line in lines]
    if not words:
        sys.exit("nothing was watched")
    if ["lost"] in words:
        sys.exit(f"{words.count(['lost'])} requests were not answered")
    return [[int(w) for w in line] for line in words]


def right(utc, before, after, leap_tai, offsets):
    """Is there an instant between before and after (TAI) at which UTC is utc?"""
    for offset, first, last in ((offsets[0], 0, leap_tai), (offsets[1], leap_tai, 1 << 63)):
        tai = utc + offset * SEC
        if before - TOLERANCE <= tai <= after + TOLERANCE and first - TOLERANCE <= tai <= last + TOLERANCE:
            return True
    return False


def judge_leap(log, leap_utc, offset, step):
    offsets = (offset, offset + step)
    # Where the kernel changes the offset: after 23:59:59 (insertion) or before it (deletion).
    leap_tai = (leap_utc - (step < 0) + offset) * SEC
    sides = [0, 0]
    for before, after, _, _, receive, transmit, leap, stratum in answers(log):
        if leap == 3 or not stratum:
            sys.exit("an answer was unsynchronised")
        for utc in (receive, transmit):
            if not right(utc, before, after, leap_tai, offsets):
                sys.exit(f"{utc} is wrong: TAI was {before} to {after}, the leap at {leap_tai}")
        sides[before > leap_tai] += 1
        announced = 0 if before > leap_tai else 1 if step > 0 else 2
        if abs(before - leap_tai) > SEC // 10 and leap != announced:
            sys.exit(f"LI {leap} instead of {announced} at {before}")
    print(f"{sides[0]} answers before the leap, {sides[1]} after it")
    if min(sides) < 100:
        sys.exit("too few to tell")


def judge_honest(log):
    confident = doubtful = 0
    for _, _, before, after, receive, transmit, leap, stratum in answers(log):
        if leap == 3 and not stratum:
            doubtful += 1
            continue
        confident += 1
        # A step between the two readings of the client leaves no order to judge by.
        low, high = min(before, after), max(before, after)
        for utc in (receive, transmit):
            if not low - TOLERANCE <= utc <= high + TOLERANCE:
                sys.exit(f"{utc} was claimed when the clock said {before} to {after}")
    print(f"{confident} answers synchronised, {doubtful} not")
    if confident < 100 or not doubtful:
        sys.exit("too few to tell, or the change went unnoticed")


def main(command, *args):
    if command == "set":
        set_time(int(args[0]) * SEC, int(args[1]) if len(args) > 1 else None)
    elif command == "arm":
        status(STA_PLL | {"insert": STA_INS, "delete": STA_DEL, "none": 0}[args[0]])
    elif command == "tai":
        adjust(modes=ADJ_TAI, constant=int(args[0]))
    elif command == "step":
        set_time(time.time_ns() + int(args[0]) * SEC)
    elif command == "unsynchronise":
        status(STA_PLL | STA_UNSYNC)
    elif command == "watch":
        watch(args[0], int(args[1]), args[2])
    elif command == "leapt":
        judge_leap(args[0], *map(int, args[1:]))
    elif command == "honest":
        judge_honest(args[0])
    else:
        sys.exit(__doc__)


if "xnts.top=" not in open("/proc/cmdline", encoding="ascii").read() and sys.argv[1] != "leapt":
    sys.exit("only in a virtual machine of selftests/vm: this would change the machine's clock")
main(*sys.argv[1:])
