#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Reads the instructions of the BPF object and follows what comes from secrets: keys,
cookie plaintext, everything AES touches.  Fails when an address, a jump's condition, a
divisor, a shift count, a call's argument or a return value derives from one.

	bpf_taint.py OBJECT [FUNCTION]		FUNCTION: where to begin, `exchange`

Every function reached is read by itself: its pointer arguments are what BTF says,
registers and stack are followed through all paths to a fixed point, and memory is secret
or public by the member of a struct (POLICY).  That covers the bytecode that the kernel's
JIT compiles one instruction at a time; it says nothing of the CPU below.
"""
import json
import struct
import subprocess
import sys

# Members whose content may decide where the program goes; all else in these is secret.
POLICY = {
    "xnts_aes_key": set(),
    "aes_blocks": set(),
    "xnts_cookie_key": {"id"},
    "crypt_chain": {"off", "end", "ready", "key", "job"},
    "xnts_crypt": {"lane", "reply_ad", "ctr_off", "ctr_end", "ctr_lanes", "busy", "phase", "sealed",
                   "finished", "malformed", "merged", "same_key", "nonce_count", "nonces", "nonces_before"},
    "crypt_nonces": {"cookie_left", "blocks_left"},
}
# Public but for these members.
MOSTLY_PUBLIC = {"xnts_scratch": {"request", "reply", "crypt"}}
# Read the request as the client sent it, or sealed it for us: no secret of ours.
WIRE = {"ef_encrypted"}
# Whose return value tells what may be told: is it forged?
TELLS = {"exchange_forged"}
# Maps that hold secrets, by the type of their value.
MAPS = {"xnts_nonce_key": "xnts_aes_key"}

HELPER_LOOKUP = 1  # bpf_map_lookup_elem
HELPER_ARGS = {1: 2, 5: 0, 8: 0, 208: 0}  # lookup, ktime_get_ns, smp_processor_id, ktime_get_tai_ns


class Elf:
    """Sections, symbols and relocations of a little-endian ELF64 object."""

    def __init__(self, path):
        self.data = data = open(path, "rb").read()
        if data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a little-endian ELF64 object")
        shoff, = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * size) for i in range(count)]
        self.symbols = []
        for sec in self.sections:
            if sec[1] == 2:  # SHT_SYMTAB
                self.read_symbols(sec)
        self.relocations = {}
        for sec in self.sections:
            if sec[1] == 9:  # SHT_REL
                for off in range(sec[4], sec[4] + sec[5], 16):
                    where, info = struct.unpack_from("<QQ", data, off)
                    self.relocations[sec[7], where // 8] = self.symbols[info >> 32]

    def read_symbols(self, sec):
        strings = self.sections[sec[6]]
        for off in range(sec[4], sec[4] + sec[5], 24):
            name, info, _, shndx, value, size = struct.unpack_from("<IBBHQQ", self.data, off)
            start = strings[4] + name
            text = self.data[start:self.data.index(b"\0", start)].decode()
            self.symbols.append({"name": text, "type": info & 15, "section": shndx,
                                 "at": value // 8, "len": size // 8})

    def instruction(self, section, index):
        return struct.unpack_from("<BBhi", self.data, self.sections[section][4] + 8 * index)


class Types:
    """BTF, through bpftool: struct layouts and function arguments."""

    def __init__(self, path):
        dump = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], check=True,
                              capture_output=True).stdout
        self.types = {t["id"]: t for t in json.loads(dump)["types"]}
        self.structs = {t["name"]: t for t in self.types.values() if t["kind"] == "STRUCT"}
        self.functions = {t["name"]: self.types[t["type_id"]] for t in self.types.values()
                          if t["kind"] == "FUNC"}

    def strip(self, tid):
        while tid and self.types[tid]["kind"] in ("TYPEDEF", "CONST", "VOLATILE"):
            tid = self.types[tid]["type_id"]
        return self.types.get(tid)

    def size(self, t):
        if t["kind"] == "ARRAY":
            return t["nr_elems"] * self.size(self.strip(t["type_id"]))
        return 8 if t["kind"] == "PTR" else t["size"]

    def args(self, function):
        """The struct each argument points to, None for numbers."""
        out = []
        for p in self.functions[function]["params"]:
            t = self.strip(p["type_id"])
            to = self.strip(t["type_id"]) if t["kind"] == "PTR" else None
            out.append(to["name"] if to else None)
        return out

    def holds(self, t, off, want):
        """Is there a struct `want` at byte `off` of this type?"""
        if t["kind"] == "STRUCT" and t["name"] == want and off == 0:
            return True
        if t["kind"] == "ARRAY":
            element = self.strip(t["type_id"])
            return self.holds(element, off % self.size(element), want)
        return t["kind"] in ("STRUCT", "UNION") and any(
            self.holds(self.strip(m["type_id"]), off - m["bits_offset"] // 8, want)
            for m in t["members"] if 0 <= off - m["bits_offset"] // 8 < self.size(self.strip(m["type_id"])))

    def secret(self, t, off, wire):
        """Is byte `off` of this type secret?  Above the first struct with a policy: no."""
        if t["kind"] == "ARRAY":
            element = self.strip(t["type_id"])
            return self.secret(element, off % self.size(element), wire)
        if t["kind"] not in ("STRUCT", "UNION"):
            return False
        member = max((m for m in t["members"] if m["bits_offset"] // 8 <= off),
                     key=lambda m: m["bits_offset"])
        name, inner = member["name"], self.strip(member["type_id"])
        inside = off - member["bits_offset"] // 8
        if t["name"] in POLICY:
            if name not in POLICY[t["name"]]:
                return True
            return self.secret(inner, inside, wire)
        if name in MOSTLY_PUBLIC.get(t["name"], ()):
            return self.secret(inner, inside, wire) if name == "crypt" else not wire
        return False


# A value is (tainted, pointer, constant); a pointer (what, offset, exact offset?).
PUBLIC = (False, None, None)
SECRET = (True, None, None)


def number(n):
    return (False, None, n)


def join(a, b):
    if a == b or b is None:
        return a
    if a is None:
        return b
    pa, pb = a[1], b[1]
    taint = a[0] or b[0]
    if pa and pb and pa[0] == pb[0]:
        return (taint, (pa[0], min(pa[1], pb[1]), pa[2] and pb[2] and pa[1] == pb[1]), None)
    if pa and b == number(0):
        return a  # a pointer or NULL
    if pb and a == number(0):
        return b
    return (taint, None, None)


def merge(old, new):
    """Joins two states {register or stack slot: value}."""
    if old is None:
        return dict(new)
    return {k: join(old.get(k), new.get(k)) for k in old.keys() | new.keys()}


class Reader:
    def __init__(self, elf, types):
        self.elf, self.types = elf, types
        self.functions = {s["name"]: s for s in elf.symbols if s["type"] == 2}
        self.by_place = {(s["section"], s["at"]): s["name"] for s in self.functions.values()}
        self.found, self.queue, self.read, self.followed = set(), [], {}, 0

    def complain(self, what):
        self.found.add((self.name, self.pc - self.start, what))

    # ---- memory

    def secret_at(self, pointer):
        what, off, _ = pointer
        if what not in self.types.structs:
            return False  # a map that holds no secret
        t = self.types.structs[what]
        if off < 0 or off >= t["size"]:
            self.complain(f"a place outside {what}")
            return True
        return self.types.secret(t, off, self.name in WIRE)

    def pointer(self, value):
        """The pointer of an access, or None when it cannot be followed."""
        if value is None or value[0]:
            self.complain("an address derives from a secret")
            return None
        if value[1] is None:
            self.complain("an address cannot be followed")
        return value[1]

    def load(self, state, base, off, size):
        p = self.pointer(base)
        if p is None:
            return SECRET
        p = (p[0], p[1] + off, p[2])
        if p[0] == "stack":
            return self.stack_load(state, p[1], size)
        if self.secret_at(p):
            self.followed += 1
            return SECRET
        return PUBLIC

    def store(self, state, base, off, size, value):
        p = self.pointer(base)
        if p is None:
            return
        p = (p[0], p[1] + off, p[2])
        if p[0] == "stack":
            if not p[2]:
                self.complain("a place on the stack cannot be followed")
            else:
                self.stack_store(state, p[1], size, value)
        elif value[0] and not self.secret_at(p):
            self.complain(f"a secret is stored where {p[0]} is public")

    # ---- the stack: whole words as ("s", place), what is shorter byte by byte as ("b", place)

    def stack_load(self, state, at, size):
        places = range(at, at + size)
        if size == 8 and ("s", at) in state and not any(("b", i) in state for i in places):
            return state["s", at]
        seen = [state[k, i] for i in places for k, i in (("s", i - i % 8), ("b", i)) if (k, i) in state]
        return (any(v[0] for v in seen), None, None)

    def stack_store(self, state, at, size, value):
        word = at - at % 8
        old = state.pop(("s", word), PUBLIC)
        for i in range(word, word + 8):
            if size == 8:
                state.pop(("b", i), None)
            elif at <= i < at + size:
                state["b", i] = (value[0], None, None)
            elif old[0]:
                state["b", i] = SECRET
        if size == 8:
            state["s", word] = value

    # ---- instructions

    def alu(self, state, op, wide, dst, a, b):
        taint = (a and a[0]) or (b and b[0])
        kind = op & 0xf0
        if kind == 0xb0:  # mov
            return b if wide or b[1] is None else PUBLIC
        if kind in (0x30, 0x90) and b[0]:
            self.complain("a divisor derives from a secret")
        if kind in (0x60, 0x70, 0xc0) and b[0]:
            self.complain("a shift count derives from a secret")
        if kind == 0x00 and wide:  # add
            if b[1] and not a[1]:
                a, b = b, a
            if a[1]:
                what, off, exact = a[1]
                if b[2] is None:
                    return (taint, (what, off, False), None)
                return (taint, (what, off + b[2], exact), None)
            if a[2] is not None and b[2] is not None:
                return (taint, None, a[2] + b[2])
        return (taint, None, None)

    def call(self, state, insn):
        _, regs, _, imm = insn
        args = [state.get(i, PUBLIC) for i in range(1, 6)]
        result = PUBLIC
        if regs >> 4 == 1:
            target = self.elf.relocations.get((self.section, self.pc))
            at = (target["section"], target["at"] + imm + 1) if target else (self.section, self.pc + imm + 1)
            self.check_call(self.by_place[at], args)
        else:
            if any(a[0] for a in args[:HELPER_ARGS.get(imm, 5)]):
                self.complain(f"an argument of helper {imm} derives from a secret")
            if imm == HELPER_LOOKUP and args[0][1]:
                name = args[0][1][0]
                result = (False, (MAPS.get(name, name), 0, True), None)
        for i in range(6):
            state.pop(i, None)
        state[0] = result

    def check_call(self, name, args):
        if name not in self.read:
            self.read[name] = 0
            self.queue.append(name)
        for want, have in zip(self.types.args(name), args):
            if have[0]:
                self.complain(f"an argument of {name} derives from a secret")
            elif want and (have[1] is None or not self.fits(want, have[1])):
                self.complain(f"an argument of {name} is no {want}")

    def fits(self, want, pointer):
        t = self.types.structs.get(pointer[0])
        return t is not None and self.types.holds(t, pointer[1], want)

    def step(self, state):
        """One instruction; returns the indices that may follow."""
        op, regs, off, imm = self.elf.instruction(self.section, self.pc)
        dst, src, cls = regs & 15, regs >> 4, op & 7
        nxt = self.pc + 1
        if op == 0x18:  # lddw
            symbol = self.elf.relocations.get((self.section, self.pc))
            state[dst] = (False, (symbol["name"], 0, True), None) if symbol else PUBLIC
            return [nxt + 1]
        if cls in (4, 7):
            b = state.get(src, PUBLIC) if op & 8 and op & 0xf0 != 0xd0 else number(imm)
            state[dst] = self.alu(state, op, cls == 7, dst, state.get(dst, PUBLIC), b)
        elif cls == 1:
            state[dst] = self.load(state, state.get(src), off, {0: 4, 8: 2, 16: 1, 24: 8}[op & 0x18])
        elif cls in (2, 3):
            value = state.get(src, PUBLIC) if cls == 3 else number(imm)
            if op & 0xe0 == 0xc0:
                self.complain("an atomic access cannot be followed")
            self.store(state, state.get(dst), off, {0: 4, 8: 2, 16: 1, 24: 8}[op & 0x18], value)
        elif op == 0x95:  # exit
            if state[0][0] and self.name not in TELLS:
                self.complain("the return value derives from a secret")
            return []
        elif op == 0x85:
            self.call(state, (op, regs, off, imm))
        elif op in (0x05, 0x06):  # ja
            return [nxt + (off if op == 5 else imm)]
        else:
            other = state.get(src, PUBLIC) if op & 8 else PUBLIC
            if state.get(dst, PUBLIC)[0] or other[0]:
                self.complain("a jump's condition derives from a secret")
            return [nxt, nxt + off]
        return [nxt]

    def read_function(self, name):
        f = self.functions[name]
        self.name, self.section, self.start = name, f["section"], f["at"]
        state = {10: (False, ("stack", 0, True), None)}
        for i, struct_name in enumerate(self.types.args(name)):
            state[i + 1] = (False, (struct_name, 0, True), None) if struct_name else PUBLIC
        known, work, seen = {f["at"]: state}, [f["at"]], set()
        while work:
            at = work.pop()
            state, self.pc = dict(known[at]), at
            seen.add(at)
            for follow in self.step(state):
                joined = merge(known.get(follow), state)
                if joined != known.get(follow):
                    known[follow] = joined
                    work.append(follow)
        self.read[name] = len(seen)

    def read_from(self, name):
        self.read[name] = 0
        self.queue.append(name)
        while self.queue:
            self.read_function(self.queue.pop())


def main():
    path, first = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "exchange"
    reader = Reader(Elf(path), Types(path))
    if first not in reader.functions:
        sys.exit(f"{path}: no function {first}")
    reader.read_from(first)
    for name, at, what in sorted(reader.found):
        print(f"{name}+{at}: {what}")
    print(f"{len(reader.read)} functions, {sum(reader.read.values())} instructions read, "
          f"{reader.followed} loads of secrets followed, {len(reader.found)} leaks")
    sys.exit(1 if reader.found else 0)


if __name__ == "__main__":
    main()
