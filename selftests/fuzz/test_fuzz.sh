#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 1800
#
# Every harness fuzz_NAME.c for FUZZ_SECONDS (10), from a fixed seed and the inputs of
# selftests/corpus/NAME.  What it finds is kept in build/fuzz/NAME.found/.
. "$(dirname "$0")/../lib.sh"

harnesses=(selftests/fuzz/fuzz_*.c)
[ -e "${harnesses[0]}" ] || skip_all "there is no harness"
for source in "${harnesses[@]}"; do
	name=$(basename "$source" .c)
	short=${name#fuzz_}
	found=build/fuzz/$short.found
	[ -x "build/fuzz/$name" ] || { not_ok "$short" "was not built"; continue; }
	mkdir -p "$found" "build/fuzz/$short.corpus"
	seeds=()
	[ ! -d "selftests/corpus/$short" ] || seeds=("selftests/corpus/$short")
	check "$short" "build/fuzz/$name" -seed=1 -max_total_time="${FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found/" "build/fuzz/$short.corpus" "${seeds[@]}"
done
finish
