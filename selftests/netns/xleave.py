#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xleave.py ADDRESS: asks as a client in interleaved mode does (RFC 9769), every second time with
chrony's experimental extension field F323 as well, and judges each answer: basic mode, which is that the
origin is the request's transmit time, and both stamps are this packet's."""
import os
import socket
import struct
import sys
import time

ROUNDS = 20
F323 = struct.pack("!HH", 0xF323, 28) + bytes(24)


def judge(request, answer, last_transmit):
    origin, receive, transmit = (answer[at:at + 8] for at in (24, 32, 40))
    if len(answer) > len(request):
        sys.exit("the answer is longer than the request")
    if origin == request[32:40]:
        sys.exit("the answer is interleaved: its transmit time must be of the one before")
    if origin != request[40:48]:
        sys.exit("the origin is not the request's transmit time")
    if not last_transmit < receive <= transmit:
        sys.exit("the stamps are not this packet's")


def main(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((address, 123))
    server_receive = server_transmit = bytes(8)
    for i in range(ROUNDS):
        # Origin: the server's receive time of before; receive: when that answer came here.
        request = (bytes([0x23]) + bytes(23) + server_receive + os.urandom(8) + os.urandom(8)
                   + (F323 if i % 2 else b""))
        sock.send(request)
        answer = sock.recv(512)
        judge(request, answer, server_transmit)
        server_receive, server_transmit = answer[32:40], answer[40:48]
        time.sleep(0.01)
    print(f"{ROUNDS} answers in basic mode")


main(sys.argv[1])
