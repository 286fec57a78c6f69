#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""flood.py INTERFACE MAC ADDRESS KIND SECONDS: NTP requests to MAC and IPv4 ADDRESS from
random sources in 10.0.0.0/8, as fast as this goes, and prints how many.  KIND:

plain    48 bytes
garbage  NTS fields with random content
replay   an NTS request of somebody else on the same interface, seen within 10 s
malformed  the packets of selftests/corpus/packet with bytes changed, cut and grown, and the
         IP and UDP headers changed as well
"""

import errno
import os
import pathlib
import random
import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_IP, UDP, NTP_PORT = 3, 0x0800, 17, 123
BATCH = 64  # frames between two looks at the clock
HEADERS = slice(14, 42)  # IPv4 and UDP in a frame
CORPUS = [p.read_bytes() for p in sorted(
    pathlib.Path(__file__).resolve().parents[1].glob("corpus/packet/*"))]


def garbage():
    """As a client's first request, RFC 8915: identifier, cookie, authenticator."""
    header = b"\x23" + bytes(39) + os.urandom(8)
    uid = struct.pack("!HH", 0x0104, 36) + os.urandom(32)
    cookie = struct.pack("!HH", 0x0204, 92) + b"\x01" + os.urandom(87)
    authenticator = struct.pack("!HHHH", 0x0404, 40, 16, 16) + os.urandom(32)
    return header + uid + cookie + authenticator


def change(data, most):
    """Up to so many bytes of it."""
    data = bytearray(data)
    for _ in range(random.randrange(most + 1) if data else 0):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def malformed():
    payload = change(random.choice(CORPUS), 6)
    if random.random() < 0.3:
        payload = payload[:random.randrange(len(payload) + 1)]
    elif random.random() < 0.2:
        payload += os.urandom(random.randrange(64))
    return payload


def overhear(sock):
    """The UDP payload of a request with extension fields, IPv4."""
    sock.settimeout(10)
    while True:
        frame = sock.recv(2048)
        if frame[12:14] == b"\x08\x00" and frame[23] == UDP and len(frame) > 14 + 28 + 48 and (
                struct.unpack_from("!H", frame, 36)[0] == NTP_PORT):
            return frame[42:]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame_from(source, ethernet, address, payload):
    """Zero for a UDP checksum: there is none (RFC 768)."""
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0, 64, UDP, 0) + source + address
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return ethernet + ip + struct.pack("!HHHH", 40000, NTP_PORT, 8 + len(payload), 0) + payload


def broken(frame):
    headers = change(frame[HEADERS], 2)
    return frame[:HEADERS.start] + headers + frame[HEADERS.stop:]


def sent_by(sock, frame):
    """How many: none when a veth's queue is full, as on a machine that is busy elsewhere."""
    try:
        sock.send(frame)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        return 0
    return 1


def main():
    interface, mac, address, kind, seconds = sys.argv[1:]
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((interface, 0))
    own = sock.getsockname()[4]
    ethernet = bytes.fromhex(mac.replace(":", "")) + own + struct.pack("!H", ETH_P_IP)
    to = socket.inet_aton(address)
    replayed = overhear(sock) if kind == "replay" else b""
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    sock.close()
    sent, end = 0, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        payload = replayed or (garbage() if kind == "garbage" else b"\x23" + bytes(47))
        for _ in range(BATCH):
            if kind == "malformed":
                payload = malformed()
            frame = frame_from(b"\x0a" + os.urandom(3), ethernet, to, payload)
            if kind == "malformed" and random.random() < 0.5:
                frame = broken(frame)
            sent += sent_by(sender, frame)
    print(sent)


main()
