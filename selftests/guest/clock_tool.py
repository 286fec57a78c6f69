#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sets the clock of a virtual machine.

clock_tool.py set UTC_SECONDS [TAI_OFFSET]   the time; and that it is synchronised
clock_tool.py arm insert|delete|none         a leap second at the end of the UTC day
clock_tool.py tai OFFSET                     the kernel's TAI offset
clock_tool.py step SECONDS                   forward or back, still synchronised
clock_tool.py unsynchronise
"""
import ctypes
import sys
import time

SEC = 10**9

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
    else:
        sys.exit(__doc__)


if "xnts.top=" not in open("/proc/cmdline", encoding="ascii").read():
    sys.exit("only in a virtual machine of selftests/vm: this would change the machine's clock")
main(*sys.argv[1:])
