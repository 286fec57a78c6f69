#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Does this kernel take the program from every clang that is here, and does it answer as the
# userspace build?  timeout: 300
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

builds() { # CLANG
	make -s CLANG="$1" BUILD="$TMP/$1" "$TMP/$1/xnts.bpf.o"
}

loads() { # CLANG
	bpftool prog load "$TMP/$1/xnts.bpf.o" "/sys/fs/bpf/$1" 2>"$TMP/verifier.log" && return
	tail -n 20 "$TMP/verifier.log"
	return 1
}

agrees() { # CLANG
	XNTS_OBJECT="$TMP/$1/xnts.bpf.o" build/prog_run/test_verdicts >"$TMP/verdicts.log" 2>&1 && return
	grep -m 5 -B 5 Failure "$TMP/verdicts.log"
	return 1
}

# `clang` is one of them as a rule.
declare -A seen
for clang in clang-{14..22} clang; do
	path=$(readlink -f "$(command -v "$clang")") || continue
	[ -z "${seen[$path]:-}" ] || continue
	seen[$path]=yes
	check "$clang builds without a warning" builds "$clang"
	check "the kernel loads what $clang built" loads "$clang"
	check "what $clang built gives every verdict, byte for byte" agrees "$clang"
	[ ! -e "/sys/fs/bpf/$clang" ] ||
		echo "# $clang: $(selftests/guest/verified_insns.py "/sys/fs/bpf/$clang") instructions walked"
done
finish
