#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
#
# Leap seconds, steps and a TAI offset that is set late, in a machine whose clock is
# nobody else's: what each of thousands of answers says.
. "$(dirname "$0")/../lib.sh"
need_root
grep -q xnts.top= /proc/cmdline || skip_all "only in a virtual machine: the clock is set"
sandbox "$@"

DAY_END=1483228800 # 2017-01-01 00:00:00 UTC

tool() {
	selftests/guest/clock_tool.py "$@"
}

now() {
	date +%s
}

# Watches in the background; its end is waited for with `watched`.
watch_for() { # SECONDS
	in_ns client selftests/guest/clock_tool.py watch "$SERVER4" "$1" "$TMP/answers" &
	WATCH=$!
}

watched() {
	wait "$WATCH"
}

leap_of() {
	ask client "$SERVER4" | awk '{ print int($1 / 64) }'
}

says() { # LI
	[ "$(leap_of)" = "$1" ]
}

# SOURCE: the [clock] lines
restart_xntsd() { # SOURCE
	stop xntsd
	printf '%s\n' "[ntp]" "interfaces = srv0" "[ke]" "enabled = no" "[keys]" "state = $TMP/keys" \
		"[clock]" "$1" >"$TMP/xnts.conf"
	start xntsd server "$BUILD/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
	wait_for 20 says "$2"
}

KERNEL_SOURCE=$'source = kernel\nstratum = 1\nrefid = GPS'

across_leap() { # insert|delete STEP OFFSET
	tool set $((DAY_END - 22)) "$3" || return
	tool arm "$1" || return
	restart_xntsd "$KERNEL_SOURCE" $((($2 < 0) + 1)) || { cat "$TMP/xntsd.log"; return 1; }
	[ "$(now)" -lt $((DAY_END - 4)) ] || { echo "the machine is too slow: $(now)"; return 1; }
	watch_for $((DAY_END + 6 - $(now)))
	watched || return
	tool leapt "$TMP/answers" "$DAY_END" "$3" "$2" || return
	# The daemon has refreshed the state since, and the kernel agrees.
	tool arm none
	sleep 2
	says 0
}

honest_across() { # COMMAND...
	restart_xntsd "source = local" 0 || return
	watch_for 8
	sleep 3
	kill -STOP "${PIDS[xntsd]}" # or it might refresh before the next answer
	tool "$@" || return
	sleep 1
	kill -CONT "${PIDS[xntsd]}"
	watched || return
	tool honest "$TMP/answers" && says 0
}

make_net || bail "no veth pair"
check "a leap second inserted" across_leap insert 1 36
check "a leap second deleted" across_leap delete -1 37
check "one inserted where no TAI offset was ever set" across_leap insert 1 0

check "a step of 10 s forward" honest_across step 10
check "a step of 10 s back" honest_across step -10
tool tai 0
check "a TAI offset that is set late" honest_across tai 37
check "a TAI offset that is taken away" honest_across tai 0

restart_xntsd "$KERNEL_SOURCE" 0
check "the kernel is synchronised, and so are we" says 0
tool unsynchronise
check "the kernel is not: nor are we, at once" wait_for 8 says 3
finish
