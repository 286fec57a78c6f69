#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# A clock source that is right, announces a leap second, is not synchronised, disagrees with
# the clock by 10 s, falls silent: what each answer says then, asked each millisecond.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

HOLD=4
STATES=(announced alarm good stratum-16 good ahead behind good silent silent silent silent silent silent good)

# The daemon asks once a second.
watch_source() {
	touch "$TMP/go"
	in_ns client "$BUILD/load/watch" "$SERVER4" $((${#STATES[@]} + 2)) "$TMP/keys" "$TMP/answers"
}

make_playground || bail "no playground"
start source server selftests/netns/source.py 127.0.0.1 11123 "$TMP/said" "$TMP/go" "${STATES[@]}"
printf '%s\n' "hold = ${HOLD}s" | write_config
sed -i 's/^source = .*/source = ntp 127.0.0.1:11123/' "$TMP/xnts.conf"
start_xntsd || bail "xntsd does not serve"
wait_for 5 [ -s "$TMP/keys" ] || bail "no cookie keys"
check "every request is answered, NTS verifies" watch_source
check "each answer says what the source says of the clock, and the clock's time" \
	selftests/load/judge.py source "$TMP/answers" "$TMP/said" $HOLD
finish
