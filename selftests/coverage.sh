#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# selftests/coverage.sh BINARY...
#
# Runs the coverage builds of unit tests and of fuzz_packet (on selftests/corpus/packet) and
# prints how many lines of each file of bpf/ were run, and which were not.  Fails below
# COVERAGE_MIN per cent (95).
#
# maps.h and xnts.bpf.c are the kernel's side and not in it: the prog_run suite runs
# them.  What is left unrun are the answers to what cannot be: a NULL that the verifier has
# to see refused though no caller passes one (a map's first entry, the scratch memory), an
# end of a loop that its bound lies beyond, a frame that changed between two stages.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CLANG:=clang}"
cov=${CLANG/clang/llvm-cov} profdata=${CLANG/clang/llvm-profdata}
dir=build/coverage
rm -f "$dir"/*.profraw

objects=()
for binary; do
	name=${binary##*/}
	objects+=(-object "$binary")
	corpus=()
	[ "$name" != fuzz_packet ] || corpus=(-runs=0 selftests/corpus/packet)
	LLVM_PROFILE_FILE=$dir/$name.profraw "$binary" "${corpus[@]}" >"$dir/$name.log" 2>&1 ||
		{ echo "$name failed: see $dir/$name.log" >&2; exit 1; }
done
"$profdata" merge -o "$dir/all.profdata" "$dir"/*.profraw
# Line by line, and not `report`: that takes a function of a header for another in each program.
"$cov" export -format=lcov -instr-profile="$dir/all.profdata" "${objects[@]}" >"$dir/all.info"

awk -v min="${COVERAGE_MIN:-95}" '
	/^SF:/ { file = substr($0, 4); sub(/^.*\/bpf\//, "bpf/", file); ours = file ~ /^bpf\//; next }
	/^DA:/ && ours {
		split(substr($0, 4), d, ",")
		if (!((file, d[1]) in seen)) { seen[file, d[1]]; lines[file]++; total++ }
		if (d[2] > 0 && !((file, d[1]) in hit)) { hit[file, d[1]]; run[file]++; all++ }
	}
	END {
		for (file in lines) {
			printf "%-20s %4d of %4d  %5.1f %%\n", file, run[file], lines[file], 100 * run[file] / lines[file] | "sort"
		}
		close("sort")
		printf "%-20s %4d of %4d  %5.1f %%\n", "all", all, total, 100 * all / total
		for (file in lines) {
			for (n = 1; (getline text < file) > 0; n++)
				if ((file, n) in seen && !((file, n) in hit)) printf "%s:%d:%s\n", file, n, text | "sort -t: -k1,1 -k2,2n"
		}
		close("sort -t: -k1,1 -k2,2n")
		exit all * 100 < total * min
	}' "$dir/all.info"
