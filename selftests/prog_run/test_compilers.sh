#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Does this kernel take the program from every clang that is here?  timeout: 300
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

builds() { # CLANG
	"$1" -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Ibpf -c bpf/xnts.bpf.c -o "$TMP/$1.o"
}

loads() { # CLANG
	bpftool prog load "$TMP/$1.o" "/sys/fs/bpf/$1" 2>"$TMP/verifier.log" && return
	tail -n 20 "$TMP/verifier.log"
	return 1
}

for clang in clang clang-{14..22}; do
	command -v "$clang" >/dev/null || continue
	check "$clang builds without a warning" builds "$clang"
	check "the kernel loads what $clang built" loads "$clang"
	[ ! -e "/sys/fs/bpf/$clang" ] ||
		echo "# $clang: $(selftests/guest/verified_insns.py "/sys/fs/bpf/$clang") instructions walked"
done
finish
