# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What test scripts share.  The contract with selftests/run.sh:
#
#   - A test is selftests/SUITE/test_NAME.sh, executable, run from the top of the tree
#     with no standard input; or test_NAME.c, built as build/SUITE/test_NAME.
#   - It prints one line a case, at its start: `ok NAME`, `not ok NAME: why` or
#     `skip NAME: why` (cmocka's TAP does as well), and whatever else it likes.
#   - Its exit status is 0 when no case failed.  `timeout: SECONDS` in its first
#     30 lines changes the limit of 300 s.
#   - It leaves nothing behind: no process, pin, namespace or file outside build/.
#
# A script that needs the network:
#
#	#!/usr/bin/env bash
#	# SPDX-License-Identifier: GPL-2.0
#	. "$(dirname "$0")/../lib.sh"
#	need_root
#	sandbox "$@"        # playground.sh: namespaces of its own, $TMP, cleanup
#	make_net || bail "no veth pair"
#	check "server answers ping" in_ns client ping -c 1 "$SERVER4"
#	finish

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/playground.sh"
cd "$XNTS_TOP" || exit 2
FAILURES=0

ok() { # NAME
	echo "ok $1"
}

not_ok() { # NAME WHY
	echo "not ok $1: $2"
	FAILURES=$((FAILURES + 1))
}

skip() { # NAME WHY
	echo "skip $1: $2"
}

# One case: passes when the command succeeds.
check() { # NAME COMMAND...
	if "${@:2}"; then
		ok "$1"
	else
		not_ok "$1" "${*:2} failed"
	fi
}

# One case: passes when the two words are the same.
check_equal() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "$2 instead of $3"
	fi
}

# Does the command fail, and say each text?
fails_saying() { # "TEXT|TEXT..." COMMAND...
	local said text texts
	if said=$("${@:2}" 2>&1); then
		echo "succeeded: $said"
		return 1
	fi
	IFS='|' read -ra texts <<<"$1"
	for text in "${texts[@]}"; do
		grep -qF -- "$text" <<<"$said" || { echo "'$text' is not in: $said"; return 1; }
	done
}

not() {
	! "$@"
}

# The rest of the test makes no sense after this.
bail() { # WHY
	not_ok "set-up" "$1"
	local log
	for log in "${TMP:-/nonexistent}"/*.log; do
		[ -s "$log" ] && tail -n 15 "$log"
	done
	finish
}

# The rest of the test cannot run on this machine.
skip_all() { # WHY
	skip "all" "$1"
	exit 0
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
}

# ---- what an operator does ----------------------------------------------------

reloads() {
	grep -c ': reloaded$' "$TMP/xntsd.log"
}

more_reloads_than() { # NUMBER
	[ "$(reloads)" -gt "$1" ]
}

reload() {
	local before
	before=$(reloads)
	kill -HUP "${PIDS[xntsd]}"
	wait_for 10 more_reloads_than "$before"
}

# The one that runs ends, another build's starts.
change_to() { # BUILD [SIGNAL]
	stop xntsd "${2:-TERM}"
	BUILD=$1 start_xntsd
}

seal_id() {
	bpftool -j map dump pinned "$PIN_DIR/key_state" | grep -o '"seal_id": *[0-9]*' | head -n 1 | tr -dc 0-9
}

# ---- key exchanges -------------------------------------------------------------

# As chronyd 4.3 sends it: NTPv4, AEAD 15, End of Message.
ke_request() {
	printf '\x80\x01\x00\x02\x00\x00\x80\x04\x00\x02\x00\x0f\x80\x00\x00\x00'
}

# Summed over the workers.
ke_counter() { # NAME
	bpftool -j map dump pinned "$PIN_DIR/ke_counters" |
		grep -o "\"$1\": *[0-9]*" | awk -F: '{ n += $2 } END { printf "%.0f\n", n }'
}

# ---- load ------------------------------------------------------------------

# The generator in the client's namespace, its sources from 10.0.0.0 on; what it reports is
# kept for loaded().  RATE 0: as fast as answers come.
load() { # RATE SECONDS OPTION...
	ip -n server route replace 10.0.0.0/8 via "$CLIENT4"
	in_ns client "$BUILD/load/load" -K "$TMP/keys" -r "$1" -t "$2" "${@:3}" cli0 "$SERVER4" | tee "$TMP/loaded"
	return "${PIPESTATUS[0]}"
}

# A figure of the last line.
loaded() { # KEY
	grep -o " $1=[0-9.]*" "$TMP/loaded" | tail -n 1 | cut -d= -f2
}

finish() {
	[ "$FAILURES" -eq 0 ]
	exit
}
