#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# From one version to another under traffic: build/next is this tree with another version and
# ABI (see the Makefile).  The next one takes over, this one comes back as long as it loses
# nothing by that, and no request is left unanswered meanwhile.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

NEXT=$BUILD/next/build
# An emulated machine has no time for as many requests beside a program that is being loaded.
SLOW=$((${TIMEOUT_FACTOR:-1} * ${TIMEOUT_FACTOR:-1}))

# The one that runs ends, another build's starts.
change_to() { # BUILD
	stop xntsd "${2:-TERM}"
	BUILD=$1 start_xntsd
}

refused() { # BUILD "TEXT|TEXT..."
	stop xntsd
	fails_saying "$2" in_ns server timeout $((10 * ${TIMEOUT_FACTOR:-1})) \
		"$1/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
}

pinned_version() {
	bpftool -j map dump pinned "$PIN_DIR/config" | grep -o '"abi_version": *[0-9]*' | head -n 1 | tr -dc 0-9
}

begun() { # NAME
	grep -q started "$TMP/$1.log"
}

start_steady() { # NAME RATE [DEVICE]
	start "$1" client selftests/netns/steady.py "$SERVER4" "${@:2}"
	wait_for 10 begun "$1"
}

# Ends it; every request it sent was answered.
all_answered() { # NAME AT-LEAST
	local said sent answered
	stop "$1"
	said=$(tail -n 1 "$TMP/$1.log")
	echo "$1: $said"
	read -r _ sent _ answered <<<"$said"
	[ "${sent:-0}" -ge "$2" ] && [ "$sent" = "$answered" ]
}

send_mode_6() {
	in_ns client bash -c "printf '\026\002%046d' 0 >/dev/udp/$SERVER4/123"
}

dropped_of_tomorrow() {
	[ "$(counter drop_of_tomorrow)" -eq 1 ]
}

is_drop() {
	"$1/xnts" status | grep -q 'switch *drop'
}

[ -x "$NEXT/xntsd" ] || bail "build/next is not built: make tests"
abi=$("$BUILD/xntsd" --version | grep -o '[0-9]*$')
chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"

# Without traffic: what an operator did and what was counted goes over.
ask client "$SERVER4" >/dev/null
answered=$(counter plain_answered)
"$BUILD/xnts" drop >/dev/null
check "the next version takes over" change_to "$NEXT"
check_equal "its maps are pinned" "$(pinned_version)" 1000
check "with the kill switch" is_drop "$NEXT"
check_equal "and the counters" "$(counter plain_answered)" "$answered"
check "the tool of this version says so" fails_saying "ABI version 1000" "$BUILD/xnts" status
check "and --attach" fails_saying "ABI version 1000|start this version's daemon" "$BUILD/xntsd" --attach lo
"$NEXT/xnts" serve >/dev/null

start_chronyd fast "$chrony" "$SERVER_NAME4" "minpoll -6 maxpoll -6" </dev/null
start_steady nts $((500 / SLOW)) cli0 || bail "no NTS request"
start_steady plain $((2000 / SLOW)) || bail "no plain requests"
sleep 1
ke=$(chronyc fast "$chrony" authdata | awk '$2 == "NTS" { print $6 }')
check "this version comes back: nothing is lost by it" change_to "$BUILD"
check "its counters go on" [ "$(counter nts_answered)" -gt 100 ]
check "it is killed, and the next takes over" change_to "$NEXT" KILL
check "its counters go on" [ "$(counter plain_answered)" -gt 1000 ]
send_mode_6
wait_for 5 dropped_of_tomorrow
check "it counts what this version cannot" dropped_of_tomorrow
check "this version refuses to lose that" refused "$BUILD" \
	"drop_of_tomorrow, which stands at 1|ABI version 1000, this program has $abi|xntsd --unload"
check_equal "and left the pins" "$(pinned_version)" 1000
check "the next version goes on" change_to "$NEXT"
sleep 1
check "every plain request was answered" all_answered plain 3000
check "every NTS request was answered, authenticated" all_answered nts 500
check "the client needed no other key establishment" \
	[ "$(chronyc fast "$chrony" authdata | awk '$2 == "NTS" { print $6 }')" -ge "$ke" ]

# The secret is gone, and without a clock there is no other.
xntsd_unload() { # BUILD
	in_ns server "$1/xntsd" --unload
}
stop xntsd
xntsd_unload "$NEXT"
start_xntsd || bail "xntsd does not start afresh"
stop xntsd
rm "$TMP/keys"
sed -i 's/source = local/source = chronyc/' "$TMP/xnts.conf"
check "a version that has not the keys refuses" refused "$NEXT" "is not in [keys] state|xntsd --unload"
check_equal "and left the pins" "$(pinned_version)" "$abi"
check "answers go on" ask client "$SERVER4"
finish
