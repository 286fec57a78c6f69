#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
#
# Leap seconds, steps and a TAI offset that is set late, in a machine whose clock is
# nobody else's: what each answer says, a request a millisecond.
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

# Asks each millisecond, plain NTP and NTS; judged by `judge`.
watch() { # SECONDS
	in_ns client "$BUILD/load/watch" "$SERVER4" "$1" "$TMP/keys" "$TMP/answers"
}

judge() { # KIND ARGUMENT...
	selftests/load/judge.py "$1" "$TMP/answers" "${@:2}"
}

leap_of() {
	ask client "$SERVER4" | awk '{ print int($1 / 64) }'
}

says() { # LI
	[ "$(leap_of)" = "$1" ]
}

# SOURCE: the [clock] lines
restart_xntsd() { # SOURCE LI
	stop xntsd
	printf '%s\n' "[ntp]" "interfaces = srv0" "[ke]" "enabled = no" "[keys]" "state = $TMP/keys" \
		"[clock]" "$1" >"$TMP/xnts.conf"
	start xntsd server "$BUILD/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
	wait_for 20 says "$2" && wait_for 5 [ -s "$TMP/keys" ]
}

KERNEL_SOURCE=$'source = kernel\nstratum = 1\nrefid = GPS'

across_leap() { # insert|delete STEP OFFSET
	rm -f "$TMP/keys" # of a later day
	tool set $((DAY_END - 200)) "$3" || return
	restart_xntsd "$KERNEL_SOURCE" 0 || { cat "$TMP/xntsd.log"; return 1; }
	tool set $((DAY_END - 10)) && tool arm "$1" || return
	sleep 2 # until the daemon has seen it
	watch $((DAY_END + 3 - $(now))) && judge leap "$DAY_END" "$3" "$2" || return
	# The daemon has refreshed the state since, and the kernel agrees.
	tool arm none
	sleep 2
	says 0
}

across_step() { # COMMAND...
	local watch
	restart_xntsd "source = local" 0 || return
	rm -f "$TMP/answers"
	watch 6 &
	watch=$!
	wait_for 10 [ -e "$TMP/answers" ] || return # it asks
	sleep 1
	kill -STOP "${PIDS[xntsd]}" # or it might refresh before the next answer
	tool "$@" || return
	sleep 1
	kill -CONT "${PIDS[xntsd]}"
	wait "$watch" && judge step && says 0
}

# One case, with what was seen.
check_answers() { # NAME COMMAND...
	if "${@:2}" >"$TMP/seen" 2>&1; then
		ok "$1: $(tail -n 1 "$TMP/seen")"
	else
		not_ok "$1" "$(tail -n 1 "$TMP/seen")"
	fi
}

make_net || bail "no veth pair"
check_answers "a leap second inserted" across_leap insert 1 36
check_answers "a leap second deleted" across_leap delete -1 37
check_answers "one inserted where no TAI offset was ever set" across_leap insert 1 0

check_answers "a step of 10 s forward" across_step step 10
check_answers "a step of 10 s back" across_step step -10
tool tai 0
check_answers "a TAI offset that is set late" across_step tai 37
check_answers "a TAI offset that is taken away" across_step tai 0

restart_xntsd "$KERNEL_SOURCE" 0
check "the kernel is synchronised, and so are we" says 0
tool unsynchronise
check "the kernel is not: nor are we, at once" wait_for 8 says 3
finish
