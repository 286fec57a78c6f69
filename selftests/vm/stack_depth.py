#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""stack_depth.py OBJDUMP OBJECT: prints the bytes of stack that the deepest call chain of
a BPF object takes, then the chain.  Kernels before 6.8 count frames in steps of 32 bytes."""

import re
import subprocess
import sys

STEP = 32

LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:")
STACK = re.compile(r"r10 - (0x[0-9a-f]+|\d+)|^.*(r\d+) \+= -(0x[0-9a-f]+|\d+)")
CALL = re.compile(r"call (0x[0-9a-f]+|-?\d+)")
RELOCATION = re.compile(r"R_BPF_64_32\s+(\S+)")


def read_functions(objdump, path):
    """Bytes of each function's frame, and what it calls: names, or addresses in .text."""
    dump = subprocess.run([objdump, "-dr", "--no-show-raw-insn", path],
                          check=True, capture_output=True, text=True).stdout
    frames, calls, address = {}, {}, {}
    name = section = target = ""
    from_stack = set()
    for line in dump.splitlines():
        if line.startswith("Disassembly of section"):
            section = line.split()[-1].rstrip(":")
        elif label := LABEL.match(line):
            if not label[2].startswith("LBB"):
                name = label[2]
                frames[name], calls[name] = 0, set()
                if section == ".text":
                    address[int(label[1], 16)] = name
        elif relocation := RELOCATION.search(line):
            # A static function is named by its section, and by its address in the call.
            calls[name].add(target if relocation[1] == ".text" else relocation[1])
        else:
            if call := CALL.search(line):
                target = (int(call[1], 0) + 1) * 8
            if copy := re.search(r"(r\d+) = r10$", line):
                from_stack.add(copy[1])
            elif access := STACK.search(line):
                if access[1]:
                    frames[name] = max(frames[name], int(access[1], 0))
                elif access[2] in from_stack:
                    frames[name] = max(frames[name], int(access[3], 0))
                    from_stack.discard(access[2])
    return frames, {f: {address.get(c, c) for c in called} for f, called in calls.items()}


def deepest(frames, calls, name):
    below = max((deepest(frames, calls, c) for c in calls[name] if c in frames), default=(0, []))
    return -(-max(frames[name], 1) // STEP) * STEP + below[0], [f"{name} {frames[name]}"] + below[1]


def main():
    frames, calls = read_functions(sys.argv[1], sys.argv[2])
    depth, chain = max(deepest(frames, calls, name) for name in frames)
    print(depth, " > ".join(chain))


main()
