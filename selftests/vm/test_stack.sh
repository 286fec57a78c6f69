#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Would older kernels accept the program's stack and loops?  Known without booting one.
. "$(dirname "$0")/../lib.sh"

# MAX_BPF_STACK is 512; the reserve is for what other compilers make of it.
LIMIT=480

objdump=$(command -v llvm-objdump-19 llvm-objdump llvm-objdump-14 | head -n 1)
[ -n "$objdump" ] || skip_all "llvm-objdump is not installed"
for object in "$BUILD"/xnts.bpf.o "$BUILD"/vm/clang-*.bpf.o; do
	[ -e "$object" ] || continue
	read -r depth chain < <(selftests/vm/stack_depth.py "$objdump" "$object")
	echo "$chain"
	check "stack of the deepest call chain in $(basename "$object"): $depth bytes" [ "${depth:-$LIMIT}" -lt "$LIMIT" ]
	check_equal "loops that kernel 6.1 refuses in $(basename "$object")" "$(selftests/vm/back_edges.py "$objdump" "$object")" ""
done
finish
