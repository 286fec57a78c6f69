#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 3600
#
# Every harness fuzz_NAME.c for FUZZ_SECONDS (10; 30 those of NTS-KE), from a fixed seed and
# the inputs of selftests/corpus/NAME, which run first: what broke something once stays
# there.  No two runs are the same, as time ends them.  What it finds is kept in
# build/fuzz/NAME.found/, and what it says in build/fuzz/NAME.log.
#
# fuzz_pair takes the inputs of fuzz_packet, and runs until FUZZ_PACKETS packets are through
# where that is set.
. "$(dirname "$0")/../lib.sh"

harnesses=(selftests/fuzz/fuzz_*.c)
[ -e "${harnesses[0]}" ] || skip_all "there is no harness"

fuzz() { # NAME SEEDS ARGUMENT...
	local found=build/fuzz/$1.found corpus=build/fuzz/$1.corpus
	mkdir -p "$found" "$corpus"
	if "build/fuzz/fuzz_$1" -seed=1 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$found/" "${@:3}" "$corpus" "selftests/corpus/$2"; then
		ok "$1"
	else
		not_ok "$1" "build/fuzz/$1.log: $(grep -h -m 1 'ERROR: ' "build/fuzz/$1.log")"
	fi
}

one() { # NAME
	local seconds=10
	[[ $1 != ke_* ]] || seconds=30
	seconds=-max_total_time=${FUZZ_SECONDS:-$seconds}
	if [ ! -x "build/fuzz/fuzz_$1" ]; then
		not_ok "$1" "was not built"
	elif [ "$1" != pair ]; then
		fuzz "$1" "$1" "$seconds"
	elif [ "$(id -u)" -ne 0 ]; then
		skip "$1" "needs root, to load the BPF program"
	else
		[ -z "${FUZZ_PACKETS:-}" ] || seconds=-max_total_time=0
		fuzz "$1" packet "$seconds"
	fi
	finish
}

# As many at a time as there are processors; what each says is printed in one piece.
mkdir -p build/fuzz
declare -A begun
for source in "${harnesses[@]}"; do
	name=$(basename "${source%.c}")
	name=${name#fuzz_}
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n || true
	done
	one "$name" >"build/fuzz/$name.log" 2>&1 &
	begun[$name]=$!
done
for name in "${!begun[@]}"; do
	wait "${begun[$name]}" || FAILURES=$((FAILURES + 1))
	cat "build/fuzz/$name.log"
done
finish
