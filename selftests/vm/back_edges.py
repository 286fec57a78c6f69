#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""back_edges.py OBJDUMP OBJECT: prints the loops of a BPF object that kernel 6.1 would refuse.  Its
check_cfg() walks depth first and takes an edge back only from a jump: where a compiler lays a
loop out so that another instruction falls through into the loop's head, it says `back-edge`."""

import re
import subprocess
import sys

INSTRUCTION = re.compile(r"\s+(\d+):\s+(\S.*)")
LABEL = re.compile(r"[0-9a-f]+ <([^>]+)>:")
JUMP = re.compile(r"goto ([+-]0x[0-9a-f]+|[+-]\d+)")


def read_functions(objdump, path):
    """{name: {address: instruction}}"""
    dump = subprocess.run([objdump, "-d", "--no-show-raw-insn", path],
                          check=True, capture_output=True, text=True).stdout
    functions, code = {}, {}
    for line in dump.splitlines():
        if (label := LABEL.match(line)) and not label[1].startswith("LBB"):
            code = functions[label[1]] = {}
        elif instruction := INSTRUCTION.match(line):
            code[int(instruction[1])] = instruction[2].strip()
    return functions


def edges(code):
    """{address: [(next address, by a jump)]}"""
    following = dict(zip(sorted(code), sorted(code)[1:]))
    result = {}
    for at, text in code.items():
        jump = JUMP.search(text)
        target = [(at + 1 + int(jump[1], 0), True)] if jump else []
        if text.startswith(("goto", "exit")):
            result[at] = target
        else:
            result[at] = [(following[at], bool(jump))] + target
    return result


def refused(code):
    """(address, address of the loop's head) of each edge back by fall-through."""
    todo = edges(code)
    start = min(todo)
    path, on_path, done = [start], {start}, set()
    while path:
        at = path[-1]
        if not todo[at]:
            done.add(path.pop())
            on_path.discard(at)
            continue
        to, jumps = todo[at].pop(0)
        if to in on_path and not jumps:
            yield at, to
        elif to not in on_path and to not in done:
            path.append(to)
            on_path.add(to)


def main():
    for name, code in read_functions(*sys.argv[1:]).items():
        for at, to in refused(code):
            print(f"{name}: from {at} to {to}")


main()
