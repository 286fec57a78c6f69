#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Does this kernel's verifier take the program, from each compiler that is here?
# timeout: 120
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# The verifier gives up at 1,000,000 instructions; half of it is left as reserve.
LIMIT=500000

load() { # OBJECT
	bpftool prog load "$1" "/sys/fs/bpf/verifier" >"$TMP/verifier.log" 2>&1
}

objects=("$BUILD"/xnts.bpf.o "$BUILD"/vm/clang-*.bpf.o)
for object in "${objects[@]}"; do
	[ -e "$object" ] || continue
	name="the verifier accepts $(basename "$object")"
	if ! load "$object"; then
		not_ok "$name" "$(grep -B 1 '^processed' "$TMP/verifier.log" | head -n 1)"
		grep -B 12 '^processed' "$TMP/verifier.log"
		continue
	fi
	insns=$(selftests/guest/verified_insns.py /sys/fs/bpf/verifier)
	if [ "${insns:-$LIMIT}" -lt $LIMIT ]; then
		ok "$name ($insns instructions walked)"
	else
		not_ok "$name" "$insns instructions walked, reserve below $LIMIT"
	fi
	rm -f /sys/fs/bpf/verifier
done
finish
