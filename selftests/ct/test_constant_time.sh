#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# Constant time, twice: memcheck follows secrets through the userspace build of the
# packet path's source (ctgrind.c), bpf_taint.py through the instructions of the BPF
# object.  Each is then shown three leaks put into a copy of the source, and must object.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=build/ct failed=0
mkdir -p "$work"

have() { command -v "$1" >/dev/null; }
ok() { echo "ok $1"; }
not_ok() {
	echo "not ok $1: $2"
	failed=1
}

# leak NAME FILE LINE TEXT: a copy of bpf/ with TEXT before LINE of FILE.
leak() {
	local tree=$work/$1
	rm -rf "$tree"
	mkdir -p "$tree"
	cp -r bpf selftests vmlinux.h "$tree"
	awk -v line="$3" -v text="$4" 'index($0, line) { print text; n++ } { print } END { exit n != 1 }' \
		"bpf/$2" >"$tree/bpf/$2" || not_ok "leak $1" "$2 has no single line $3"
}

build_bpf() { # TREE CLANG
	"$2" -target bpf -mcpu=v3 -O2 -g -fno-strict-aliasing -I"$1/bpf" -c "$1/bpf/xnts.bpf.c" -o "$work/xnts.bpf.o"
}

build_user() { # TREE CC
	"$2" -std=gnu11 -O2 -gdwarf-4 -I"$1/bpf" -Iuserspace "$1/selftests/ct/ctgrind.c" -lcrypto -o "$work/ctgrind"
}

read_bpf() { # prints the last line
	python3 selftests/ct/bpf_taint.py "$work/xnts.bpf.o" >"$work/taint.log"
	local rc=$?
	tail -n 1 "$work/taint.log"
	return $rc
}

run_user() {
	valgrind -q --error-exitcode=9 "$work/ctgrind" 2>"$work/memcheck.log"
}

# The two proofs of TREE.  LEAKY: they must fail, by a leak and not by a broken build.
prove_bpf() { # NAME TREE CLANG [LEAKY]
	local said
	build_bpf "$2" "$3" || { not_ok "$1" "does not build"; return; }
	if said=$(read_bpf); then
		if [ "${4:-}" ]; then not_ok "$1" "the leak was not seen"; else ok "$1 ($said)"; fi
	elif [ "${4:-}" ] && grep -q "derives from a secret" "$work/taint.log"; then
		ok "$1"
	else
		not_ok "$1" "$(head -n 1 "$work/taint.log")"
	fi
}

prove_user() { # NAME TREE CC [LEAKY]
	local rc
	build_user "$2" "$3" || { not_ok "$1" "does not build"; return; }
	run_user
	rc=$?
	if [ "${4:-}" ] && [ $rc -eq 9 ] && grep -q "uninitialised value" "$work/memcheck.log"; then
		ok "$1"
	elif [ "${4:-}" ]; then
		not_ok "$1" "the leak was not seen (exit status $rc)"
	elif [ $rc -eq 0 ]; then
		ok "$1"
	else
		not_ok "$1" "$(head -n 1 "$work/memcheck.log")"
	fi
}

leak table aes.h 'aes_unpack(blocks->b[0], q);' \
	'	static const __u8 table[256] = { 1, 2, 3 };
	q[0] ^= table[q[1] & 255];'
leak branch aes.h 'aes_unpack(blocks->b[0], q);' '	if (q[0] & 1) asm volatile("");'
leak compare jobs.h 'differs = d.w[0] | d.w[1];' '	if (d.w[0]) return 1;'

clangs=$(for c in clang-19 clang-14 clang; do have $c && readlink -f "$(command -v $c)"; done | sort -u)
if have python3 && have bpftool && [ "$clangs" ]; then
	for clang in $clangs; do
		version=$("$clang" -dumpversion)
		prove_bpf "BPF instructions, clang $version" . "$clang"
		for leak in table branch compare; do
			prove_bpf "leak in BPF seen: $leak, clang $version" $work/$leak "$clang" leaky
		done
	done
else
	echo "skip BPF instructions: needs clang, bpftool and python3"
fi
if have valgrind && [ -e /usr/include/valgrind/memcheck.h ]; then
	for cc in gcc clang; do
		have $cc || continue
		prove_user "memcheck, $cc" . $cc
		for leak in table branch compare; do
			prove_user "leak under memcheck seen: $leak, $cc" $work/$leak $cc leaky
		done
	done
else
	echo "skip memcheck: needs valgrind"
fi
exit $failed
