#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""steady.py ADDRESS RATE [DEVICE]: sends RATE requests a second until SIGTERM, waits a second for
late answers and prints `sent N answered N`.  The requests are plain NTP, or with DEVICE copies of
the first NTS request that leaves by it: the server keeps nothing of clients, and answers
each with an authenticated answer as long as the request.  Prints `started` first."""

import os
import select
import signal
import socket
import sys
import time

SO_RCVBUFFORCE = 33  # socket(7)
UDP_PAYLOAD = 14 + 20 + 8


def captured_request(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((device, 0))
    while True:
        frame, address = sock.recvfrom(2048)
        if (address[2] == socket.PACKET_OUTGOING and frame[12:14] == b"\x08\x00"
                and frame[23] == 17 and frame[36:38] == b"\x00\x7b" and len(frame) > 200):
            return frame[UDP_PAYLOAD:]


def main():
    address, rate = sys.argv[1], int(sys.argv[2])
    request = captured_request(sys.argv[3]) if len(sys.argv) > 3 else b"\x23" + bytes(47)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    sock.connect((address, 123))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    sent, waiting, answered = 0, set(), 0
    print("started", flush=True)
    start = time.monotonic()
    while not ended or time.monotonic() < ended[0]:
        if ended and ended[0] is True:
            ended[0] = time.monotonic() + 1
        while not ended and sent < (time.monotonic() - start) * rate:
            # The transmit stamp comes back; under NTS it is signed, and counted is all there is.
            stamp = sent.to_bytes(8, "big") if len(request) == 48 else request[40:48]
            sock.send(request[:40] + stamp + request[48:])
            waiting.add(sent)
            sent += 1
        while select.select([sock], [], [], 0.5 / rate)[0]:
            answer = sock.recv(2048)
            if len(answer) != len(request):
                continue
            number = int.from_bytes(answer[24:32], "big") if len(request) == 48 else answered
            if number in waiting:
                waiting.discard(number)
                answered += 1
    print(f"sent {sent} answered {answered}", flush=True)


os.nice(-5)
main()
