#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The one test runner: `selftests/run.sh SUITE...` or `SUITE/test_NAME...`.
#
# A suite is a directory here; its tests are build/SUITE/test_NAME (built from
# test_NAME.c) and test_NAME.sh.  A test prints a line a case, `ok NAME`,
# `not ok NAME: why` or `skip NAME: why`; cmocka's TAP lines are understood too.
# Its exit status must agree.  A test may say `timeout: SECONDS` in its first 30
# lines, else it has 300 (TIMEOUT_FACTOR times that).  Full output is kept in build/check/.
#
# The last lines say how many seconds each suite and test took, the slowest first; then what
# failed, again; then `N passed, N failed, N skipped`.  Exit status 1 when any failed.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=build/check
mkdir -p "$logs"
passed=0 failed=0 skipped=0
times='' # a line a test: NAME MILLISECONDS
failures='' # a line each

# Turns one test's log into result lines named SUITE/test_NAME: CASE.
results() { # TEST EXIT LOG
	awk -v t="$1" -v rc="$2" '
	function fail(name, why) { print "not ok " t name ": " why; bad++ }
	function settle(why) { if (held) fail(": " held, why ? why : "see its log"); held = "" }
	held && /^# / { settle(substr($0, 3)); next }
	{ settle() }
	/^1\.\.[0-9]+$/ { plan = substr($0, 4) + 0; next }
	/^ok [0-9]+ - / { sub(/^ok [0-9]+ - /, ""); print "ok " t ": " $0; n++; good++; next }
	/^(not )?ok [0-9]+ # SKIP/ { sub(/^.*# SKIP */, ""); print "skip " t ": " $0 ": see its log"; n++; good++; next }
	/^not ok [0-9]+ - / { sub(/^not ok [0-9]+ - /, ""); held = $0; n++; next }
	/^ok / { print "ok " t ": " substr($0, 4); good++; next }
	/^skip / { print "skip " t ": " substr($0, 6); good++; next }
	/^not ok / { print "not ok " t ": " substr($0, 8); bad++; next }
	END {
		settle()
		if (rc == 124 || rc == 137) fail("", "timed out")
		else if (n < plan) fail("", "ended after " n + 0 " of " plan " cases, exit status " rc)
		else if (rc != 0 && !bad) fail("", "exit status " rc)
		else if (!good && !bad) fail("", "printed no result")
		}' "$3"
}

# Ctrl-C, also where nothing but this script is told: the test that runs ends, and none follows.
running=''
interrupted() {
	trap '' INT TERM HUP
	[ -z "$running" ] || { kill -TERM "$running"; wait "$running"; } 2>/dev/null
	echo "interrupted" >&2
	exit 130
}
trap interrupted INT TERM HUP

# ms since the boot: a test may set the clock.
uptime_ms() {
	local seconds
	read -r seconds _ </proc/uptime
	echo $((10#${seconds/./} * 10))
}

run_one() { # TEST SOURCE COMMAND
	local log=$logs/${1//\//.}.log rc line limit started
	started=$(uptime_ms)
	limit=$(head -n 30 "$2" | grep -om1 'timeout: [0-9]*' | tr -dc 0-9)
	if [ -x "$3" ]; then
		set -m # else it would ignore SIGINT for good
		CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$((${limit:-300} * ${TIMEOUT_FACTOR:-1}))" "$3" >"$log" 2>&1 </dev/null &
		running=$!
		set +m
		wait "$running"
		rc=$?
		running=''
	else
		echo "not ok build: $3 was not built" >"$log"
		rc=1
	fi
	times+="$1 $(($(uptime_ms) - started))"$'\n'
	local before=$failed
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		'ok '*) passed=$((passed + 1)) ;;
		'skip '*) skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) failures+="failed: ${line#not ok }"$'\n' ;;
		esac
	done < <(results "$1" "$rc" "$log")
	[ "$failed" -eq "$before" ] || tail -n 25 "$log" | sed 's/^/    | /'
}

run_suite() { # SUITE or SUITE/test_NAME
	local suite=${1%%/*} source name
	for source in selftests/"$suite"/test_*.c selftests/"$suite"/test_*.sh; do
		[ -e "$source" ] || continue
		name=$(basename "${source%.*}")
		case $1 in "$suite" | "$suite/$name") ;; *) continue ;; esac
		case $source in
		*.sh) run_one "$suite/$name" "$source" "$source" ;;
		*) run_one "$suite/$name" "$source" "build/$suite/$name" ;;
		esac
	done
}

print_times() {
	printf %s "$times" | sort -k2,2nr | awk '
		{ slash = index($1, "/"); suite = substr($1, 1, slash - 1); sum[suite] += $2
		  tests[suite] = tests[suite] sprintf(", %s %.1f", substr($1, slash + 1), $2 / 1000) }
		END { for (s in sum) printf "seconds: %s %.1f: %s\n", s, sum[s] / 1000, substr(tests[s], 3) }'
}

for suite; do
	run_suite "$suite"
done
print_times
printf %s "$failures"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
