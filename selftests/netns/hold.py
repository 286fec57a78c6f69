#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""hold.py ADDRESS PORT STAGE COUNT FIRST SOURCES: opens COUNT connections from SOURCES addresses, the
first of which is FIRST, brings them to a STAGE of a key exchange and leaves them there: `silent`
sends no byte, `hello` a ClientHello, `request` ends the handshake and asks nothing.  Prints
`all open` then, and `all ended in S s` when the server has closed all of them."""

import ipaddress
import resource
import socket
import ssl
import sys
import time

IP_BIND_ADDRESS_NO_PORT = 24  # ip(7)


def connected(to, source):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((source, 0))
    sock.settimeout(20)
    sock.connect(to)
    return sock


def advance(context, sock, stage):
    if stage == "request":
        return context.wrap_socket(sock)
    if stage == "hello":
        sent = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), sent).do_handshake()
        except ssl.SSLWantReadError:
            sock.send(sent.read())
    return sock


def wait_for_end(sock):
    """What comes is the server's flight; then its end, a reset or not."""
    try:
        while sock.recv(4096):
            pass
    except (ConnectionError, ssl.SSLError):
        pass


def main():
    to, stage, count = (sys.argv[1], int(sys.argv[2])), sys.argv[3], int(sys.argv[4])
    first, sources = ipaddress.IPv4Address(sys.argv[5]), int(sys.argv[6])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 64, count + 64))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["ntske/1"])
    held = []
    for i in range(count):
        held.append(advance(context, connected(to, str(first + i % sources)), stage))
    begin = time.monotonic()
    print("all open", flush=True)
    for sock in held:
        sock.settimeout(120)
        wait_for_end(sock)
    print(f"all ended in {time.monotonic() - begin:.1f} s", flush=True)


main()
