#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# A take-over by a daemon of another version (build/next, see test_upgrade) that is killed at some
# step: the next start, and the tool, find pins of one version and lose nothing.  And the kill
# switch, turned while one goes on.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

THIS=$BUILD NEXT=$BUILD/next/build
PRELOAD=$BUILD/netns/signal.preload.so

pinned_version() {
	bpftool -j map dump pinned "$PIN_DIR/config" | grep -o '"abi_version": *[0-9]*' | head -n 1 | tr -dc 0-9
}

version_of() { # BUILD
	"$1/xntsd" --version | grep -o '[0-9]*$'
}

any_staged() {
	compgen -G "$PIN_DIR/next_*" >/dev/null
}

stands_at() { # POSITION
	"$BUILD/xnts" status | grep -q "switch *$1"
}

is_silent() {
	[ -z "$(ask client "$SERVER4")" ]
}

# The one that runs ends; another build's gets the signal before its Nth call.
signalled() { # BUILD FUNCTION N SIGNAL
	stop xntsd
	start xntsd server env LD_PRELOAD="$PRELOAD" XNTS_SIGNAL="$2 $3 $4" \
		"$1/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
}

killed() { # BUILD FUNCTION N
	signalled "$@" 9
	wait_for 20 has_ended "${PIDS[xntsd]}" || return
	wait "${PIDS[xntsd]}"
	[ $? -eq 137 ]
}

stopped() { # NAME
	[ "$(awk '/^State/ { print $2 }' "/proc/${PIDS[$1]}/status")" = T ]
}

start_build() { # BUILD
	BUILD=$1 start_xntsd
}

# Served, and all is of one version.
serves_whole() { # BUILD ANSWERED
	start_build "$1" || return
	[ "$(pinned_version)" = "$(version_of "$1")" ] || { echo "version $(pinned_version) is pinned"; return 1; }
	! any_staged || { echo "left: $(compgen -G "$PIN_DIR/next_*")"; return 1; }
	[ "$(counter plain_answered)" -eq "$2" ] || { echo "$(counter plain_answered) answers instead of $2"; return 1; }
	[ "$(find "$PIN_DIR" -type f | wc -l)" -eq "$PINS" ]
}

[ -x "$NEXT/xntsd" ] || bail "build/next is not built: make tests"
make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
ask client "$SERVER4" >/dev/null
PINS=$(find "$PIN_DIR" -type f | wc -l)

pinned=$THIS other=$NEXT
for step in "bpf_obj_pin 2" "bpf_obj_pin 9" "rename 1" "rename 2" "rename 9" "rename 16"; do
	# shellcheck disable=SC2086 # two words
	check "killed before $step" killed "$other" $step
	check "the next start goes on" serves_whole "$other" 1
	read -r pinned other <<<"$other $pinned"
done

# The program of the one that was killed runs already, and the pins are those of before.
check "killed before its commit" killed "$other" rename 1
check "the switch is turned with no daemon" "$pinned/xnts" drop
check "and the program obeys" is_silent
check "back" "$pinned/xnts" serve
check "the program answers" not is_silent
check "the next start goes on" start_build "$other"
check "back to the version of before" change_to "$pinned"

# From here on this version serves.  The other one's pins are finished, then taken back.
check "killed amid its commit" killed "$other" rename 5
check "the version of before comes back" serves_whole "$pinned" 1
check "killed amid its commit" killed "$other" rename 2
BUILD=$other
check "the switch is turned with no daemon" "$BUILD/xnts" drop
check "of the maps that the program has" not any_staged
check "and stays" stands_at drop
check "the next start goes on" serves_whole "$other" 1
check "with the switch as it was turned" stands_at drop
read -r pinned other <<<"$other $pinned"

# A take-over takes milliseconds: it is stopped amid, its program attached.
"$pinned/xnts" serve >/dev/null
signalled "$other" rename 1 19
wait_for 20 stopped xntsd || bail "not stopped"
check "the switch is turned amid a take-over" "$pinned/xnts" drop
before=$(xntsd_starts)
kill -CONT "${PIDS[xntsd]}"
BUILD=$other
check "the take-over goes on" wait_for 10 xntsd_started "$before"
check "the switch is as it was turned" stands_at drop
"$BUILD/xnts" serve >/dev/null

# The tool has opened the maps, and others are pinned before it turns the switch.
start turn server env LD_PRELOAD="$PRELOAD" XNTS_SIGNAL="bpf_map_update_elem 1 19" "$other/xnts" drop
wait_for 5 stopped turn || bail "not stopped"
for build in "$pinned" "$other"; do
	stop xntsd
	start_build "$build" || bail "xntsd does not serve"
done
kill -CONT "${PIDS[turn]}"
check "the tool turns the switch of those" wait "${PIDS[turn]}"
unset "PIDS[turn]"
check "which stands there" stands_at drop
stop xntsd
finish
