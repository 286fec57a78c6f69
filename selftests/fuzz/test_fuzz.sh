#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 3600
#
# Every harness fuzz_NAME.c for FUZZ_SECONDS (10), from a fixed seed and the inputs of
# selftests/corpus/NAME, which run first: what broke something once stays there.  What it
# finds is kept in build/fuzz/NAME.found/.
#
# fuzz_pair takes the inputs of fuzz_packet, and runs until FUZZ_PACKETS packets are through
# where that is set.
. "$(dirname "$0")/../lib.sh"

harnesses=(selftests/fuzz/fuzz_*.c)
[ -e "${harnesses[0]}" ] || skip_all "there is no harness"

fuzz() { # NAME SEEDS ARGUMENT...
	local found=build/fuzz/$1.found corpus=build/fuzz/$1.corpus
	mkdir -p "$found" "$corpus"
	check "$1" "build/fuzz/fuzz_$1" -seed=1 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$found/" "${@:3}" "$corpus" "selftests/corpus/$2"
}

for source in "${harnesses[@]}"; do
	name=$(basename "$source" .c)
	short=${name#fuzz_}
	seconds=-max_total_time=${FUZZ_SECONDS:-10}
	if [ ! -x "build/fuzz/$name" ]; then
		not_ok "$short" "was not built"
	elif [ "$short" != pair ]; then
		fuzz "$short" "$short" "$seconds"
	elif [ "$(id -u)" -ne 0 ]; then
		skip "$short" "needs root, to load the BPF program"
	else
		[ -z "${FUZZ_PACKETS:-}" ] || seconds=-max_total_time=0
		fuzz "$short" packet "$seconds"
	fi
done
finish
