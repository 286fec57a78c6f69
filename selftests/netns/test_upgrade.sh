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

refused() { # BUILD "TEXT|TEXT..."
	stop xntsd
	fails_saying "$2" in_ns server timeout $((10 * ${TIMEOUT_FACTOR:-1})) \
		"$1/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
}

pinned_version() {
	bpftool -j map dump pinned "$PIN_DIR/config" | grep -o '"abi_version": *[0-9]*' | head -n 1 | tr -dc 0-9
}

phc_filter() {
	bpftool -j map lookup pinned "$PIN_DIR/phc" key 231 3 0 0 | grep -o '"filter": *[0-9]*' | tr -dc 0-9
}

make_pin() { # NAME TYPE VALUE-BYTES ENTRIES FLAGS
	bpftool map create "$PIN_DIR/$1" type "$2" key 4 value "$3" entries "$4" flags "$5" name "xnts_$1"
}

# 64-bit words FIRST, FIRST + 1 ..., which are below 256, as bpftool takes them.
words() { # FIRST COUNT
	seq -f '%.0f 0 0 0 0 0 0 0' "$1" $(($1 + $2 - 1))
}

# What version 1 pinned and another one needs, the counters 1, 2, 3 ... in its order.
pin_version_1() {
	mkdir "$PIN_DIR" || return
	make_pin switch array 4 1 0
	make_pin config array 192 1 0
	make_pin counters percpu_array $((39 * 8)) 1 0
	make_pin ke_counters array $((15 * 8)) 64 1024
	make_pin key_state array 24 1 1024
	# shellcheck disable=SC2046 # words
	{
		bpftool map update pinned "$PIN_DIR/switch" key 0 0 0 0 value 2 0 0 0
		bpftool map update pinned "$PIN_DIR/config" key 0 0 0 0 value $(words 1 1) $(yes 0 | head -n 184)
		bpftool map update pinned "$PIN_DIR/counters" key 0 0 0 0 value $(words 1 39)
		bpftool map update pinned "$PIN_DIR/ke_counters" key 0 0 0 0 value $(words 1 15)
	}
}

ke_counter() { # NAME
	"$BUILD/xnts" stats -j | grep -o '"ntske": {[^}]*' | grep -o "\"$1\": [0-9]*" | tr -dc 0-9
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
# Interface 999, whose filter had been 0 and was set to 1.
# shellcheck disable=SC2046 # words
bpftool map update pinned "$PIN_DIR/phc" key 231 3 0 0 value $(yes 0 | head -n 36) 1 0 0 0
check "the next version takes over" change_to "$NEXT"
check_equal "its maps are pinned" "$(pinned_version)" 1000
check "with the kill switch" is_drop "$NEXT"
check_equal "and the counters" "$(counter plain_answered)" "$answered"
check_equal "and what to undo on NICs" "$(phc_filter)" 1
check "the tool of this version says so" fails_saying "ABI version 1000" "$BUILD/xnts" status
check "and --attach" fails_saying "ABI version 1000|start this version's daemon" "$BUILD/xntsd" --attach lo
"$NEXT/xnts" serve >/dev/null

start_chronyd fast "$chrony" "$SERVER_NAME4" "minpoll -6 maxpoll -6" </dev/null
start_steady nts $((500 / SLOW)) cli0 || bail "no NTS request"
start_steady plain $((2000 / SLOW)) || bail "no plain requests"
sleep 1
ke=$(chronyc fast "$chrony" authdata | awk '$2 == "NTS" { print $6 }')
check "this version comes back: nothing is lost by it" change_to "$BUILD"
check "its counters go on" [ "$(counter nts_answered)" -gt $((100 / SLOW)) ]
check "it is killed, and the next takes over" change_to "$NEXT" KILL
check "its counters go on" [ "$(counter plain_answered)" -gt $((1000 / SLOW)) ]
send_mode_6
wait_for 5 dropped_of_tomorrow
check "it counts what this version cannot" dropped_of_tomorrow
check "this version refuses to lose that" refused "$BUILD" \
	"drop_of_tomorrow, which stands at 1|ABI version 1000, this program has $abi|xntsd --unload"
check_equal "and left the pins" "$(pinned_version)" 1000
check "the next version goes on" change_to "$NEXT"
sleep 1
check "every plain request was answered" all_answered plain $((3000 / SLOW))
check "every NTS request was answered, authenticated" all_answered nts $((500 / SLOW))
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

# Version 1 said nothing of what it counts where.
xntsd_unload "$BUILD"
pin_version_1
make_pin names array 4096 1 0
check "names of a length unknown are refused" refused "$BUILD" "4096 bytes are no names"
rm "$PIN_DIR/names"
rm "$PIN_DIR/counters"
make_pin counters percpu_array 12 1 0
check "counters of another size than theirs are refused" refused "$BUILD" "xnts_counters: these are no counters"
rm -r "$PIN_DIR"
pin_version_1
check "version 1 is taken over" start_without_keys
check_equal "its maps are replaced" "$(pinned_version)" "$abi"
check "the kill switch goes over" is_drop "$BUILD"
cpus=$(($(counter drop_busy) / 27))
check_equal "counters go to their new places" \
	"$(counter pass_no_config) $(counter nak_bad_tag) $(counter hardware_stamps)" "$((10 * cpus)) $((35 * cpus)) $((39 * cpus))"
check_equal "new ones begin at 0" "$(counter pass_no_route)$(counter refused_stamps)$(ke_counter tls_none)" 000
check_equal "NTS-KE's go over" "$(ke_counter refused_prefix) $(ke_counter cookies_issued)" "3 14"
finish
