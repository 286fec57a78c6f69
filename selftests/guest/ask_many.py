#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ask_many.py ADDRESS COUNT: sends plain NTP requests, each from a port of its own, and
prints how many were answered within two seconds, with their transmit stamp echoed."""

import os
import select
import socket
import sys

address, count = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
waiting = {}
answered = 0
for _ in range(count):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((address, 123))
    waiting[sock] = os.urandom(8)
    sock.send(b"\x23" + bytes(39) + waiting[sock])
while waiting:
    ready = select.select(list(waiting), [], [], 2)[0]
    if not ready:
        break
    for sock in ready:
        reply = sock.recv(2048)
        answered += len(reply) == 48 and reply[24:32] == waiting.pop(sock)
print(answered)
