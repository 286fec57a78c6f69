#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints how many instructions the verifier walked through in a pinned program."""

import ctypes
import os
import sys

SYS_BPF = 321
BPF_OBJ_GET = 7

path = ctypes.create_string_buffer(sys.argv[1].encode())
attr = ctypes.create_string_buffer(ctypes.addressof(path).to_bytes(8, sys.byteorder), 120)
fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_OBJ_GET, attr, ctypes.sizeof(attr))
if fd < 0:
    sys.exit(f"{sys.argv[1]}: {os.strerror(ctypes.get_errno())}")
with open(f"/proc/self/fdinfo/{fd}") as info:
    print(dict(line.split() for line in info)["verified_insns:"])
