#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""source.py ADDRESS PORT LOG GO STATE...: an NTP server that a daemon asks for the state of the
clock.  Once the file GO exists each request is answered in the next STATE (below), others as `good`.
LOG has a line an answer: when (CLOCK_MONOTONIC, ns), and what it said in the words of load/watch.c."""
import os
import socket
import struct
import sys
import time

NTP_UNIX_OFFSET = 2208988800
GOOD = dict(leap=0, stratum=2, root_delay=1311, root_dispersion=655, refid="c0000207",
            reference_time="e9000000deadbeef", offset=0)
STATES = {
    "good": GOOD,
    "announced": GOOD | dict(leap=1),
    "alarm": GOOD | dict(leap=3),
    "stratum-16": GOOD | dict(stratum=16),
    "ahead": GOOD | dict(offset=10),  # s
    "behind": GOOD | dict(offset=-10, root_delay=1312),  # not taken for ahead
    "silent": None,
}


def answer(request, state):
    utc = time.time_ns() + state["offset"] * 10**9
    stamp = struct.pack("!II", utc // 10**9 + NTP_UNIX_OFFSET, (utc % 10**9 << 32) // 10**9)
    return b"".join((
        struct.pack("!BBbbII", state["leap"] << 6 | 0x24, state["stratum"], 0, -20,
                    state["root_delay"], state["root_dispersion"]),
        bytes.fromhex(state["refid"] + state["reference_time"]), request[40:48], stamp, stamp))


def main(address, port, log, go, *script):
    states = iter(script)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    with open(log, "w", encoding="ascii", buffering=1) as out:
        print("mono name", *GOOD, file=out)
        while True:
            request, client = sock.recvfrom(512)
            name = next(states, "good") if os.path.exists(go) else "good"
            if STATES[name]:
                print(time.monotonic_ns(), name, *STATES[name].values(), file=out)
                sock.sendto(answer(request, STATES[name]), client)


main(*sys.argv[1:])
