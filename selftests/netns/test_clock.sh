#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# What answers say of the time, and what an operator can read of it without xnts.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# LI and stratum of an answer.
leap_and_stratum() {
	ask client "$SERVER4" | awk '{ print int($1 / 64), $2 }'
}

says_unsynchronised() {
	[ "$(leap_and_stratum)" = "3 0" ]
}

more_than() { # NTS-ANSWERED UNSYNCHRONISED
	[ "$(counter nts_answered)" -gt "$1" ] && [ "$(counter unsynchronised)" -gt "$2" ]
}

dump_names() { # MAP NAME...
	local name dump
	dump=$(bpftool map dump pinned "$PIN_DIR/$1") || return
	for name in "${@:2}"; do
		grep -q "\"$name\": *[0-9-]" <<<"$dump" || { echo "$name is missing in the dump of $1"; return 1; }
	done
}

no_key_shown() {
	! scripts/status.sh -a | grep -Eq '[0-9a-f]{16}'
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
printf '%s\n' "stratum = 3" "hold = 5s" | write_config
start_xntsd || bail "xntsd does not serve"
check_equal "leap and stratum are those of the configuration" "$(leap_and_stratum)" "0 3"

start_chronyd xleave "$chrony" ntp4.example "xleave extfield F323" </dev/null
check "chronyd with xleave and extension field F323 is served" wait_for 20 chronyd_has_nts_time xleave "$chrony"

check "requests in interleaved mode are answered in basic mode, each" in_ns client selftests/netns/xleave.py "$SERVER4"

check "counters read well in bpftool" dump_names counters nts_answered plain_answered pass_mode nak_bad_cookie drop_malformed
check "the clock state reads well in bpftool" dump_names clock current stratum leap root_dispersion tai_offset hold
check "status.sh works" scripts/status.sh
check "status.sh shows no key" no_key_shown

stop xntsd KILL
check_equal "without the daemon the time is good for its hold time" "$(leap_and_stratum)" "0 3"
check "then answers say unsynchronised" wait_for 10 says_unsynchronised
check "NTS answers as well, still authenticated" \
	wait_for 10 more_than "$(counter nts_answered)" "$(counter unsynchronised)"
start_xntsd || bail "xntsd does not start again"
check_equal "a new daemon brings the time back" "$(leap_and_stratum)" "0 3"
finish
