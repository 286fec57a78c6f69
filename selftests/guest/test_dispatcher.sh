#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 200
#
# Beside other XDP programs: libxdp's dispatcher, which replaces functions of one program
# (freplace) by the programs of several, runs xdp-filter and then xnts on one device.  Both are
# effective, and either goes without harm to the other.
. "$(dirname "$0")/../lib.sh"
need_root
grep -q xnts.top= /proc/cmdline || skip_all "only in a virtual machine: not every kernel allows freplace"
sandbox "$@"

if command -v xdp-filter >/dev/null && command -v xdp-loader >/dev/null; then
	tool() { # PROGRAM ARGUMENT...
		in_ns server "$@"
	}
else
	XDP_TOOLS=$(scripts/unpack-deb.sh xdp-tools trixie) || skip_all "apt could not fetch xdp-tools"
	OBJECTS=$(compgen -G "$XDP_TOOLS/usr/lib/*/bpf")
	tool() { # PROGRAM ARGUMENT...
		peer "$XDP_TOOLS" "/usr/sbin/$1"
		LIBXDP_OBJECT_PATH=$OBJECTS in_ns server "${PEER[@]}" "${@:2}"
	}
fi

xntsd() {
	in_ns server "$BUILD/xntsd" "$@"
}

# Programs behind the dispatcher; a single program that is attached directly is none.
dispatched() {
	tool xdp-loader status srv0 | grep -c '^ => '
}

runs() { # PROGRAM
	tool xdp-loader status srv0 | grep -q "^ => .*$1"
}

answers() {
	[ -n "$(ask client "$SERVER4" 2>/dev/null)" ]
}

answered_by_xdp() {
	local before
	before=$(counter plain_answered)
	answers && [ "$(counter plain_answered)" -gt "$before" ]
}

# An answer shorter than its request, which is version 3 with a MAC: it cannot be cut off behind.
shorter_answer() {
	in_ns client python3 - "$SERVER4" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(10)
		s.connect((sys.argv[1], 123))
		s.send(b"\x1b" + bytes(67))
		sys.exit(len(s.recv(2048)) != 48)
	END
}

filtered() {
	! in_ns client ping -q -c 1 -W 2 "$SERVER4" >/dev/null && ! answers
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
sed -i '/^interfaces/d' "$TMP/xnts.conf"
start_xntsd || bail "xntsd does not start"
tool xdp-filter load -m native srv0 || bail "xdp-filter is not loaded"
check "attached beside it" xntsd --attach srv0 --multiprog || bail "not attached"
check_equal "a dispatcher runs both" "$(dispatched)" 2
check "xnts is one of them" runs xnts_multi
check "plain NTP is answered by it" wait_for 10 answered_by_xdp
check "an answer that is shorter than its request" shorter_answer
start_chronyd beside "$chrony" "$SERVER_NAME4" "" </dev/null
check "chronyd has NTS time" wait_for 40 chronyd_has_nts_time beside "$chrony"
check "from XDP" [ "$(counter nts_answered)" -gt 0 ]
stop beside
check "status says so" fails_saying "srv0 (native, beside other programs)" \
	in_ns server bash -c "'$BUILD/xnts' status; exit 1"

tool xdp-filter ip -m src "$CLIENT4"
check "what xdp-filter drops is not answered" filtered
tool xdp-filter ip -m src -r "$CLIENT4"
check "what it does not is" wait_for 10 answered_by_xdp

check "attached again: replaced" xntsd --attach srv0 --multiprog
check_equal "they are two again" "$(dispatched)" 2
check "and it answers" wait_for 10 answered_by_xdp
stop xntsd
start_xntsd || bail "xntsd does not start again"
check "a daemon that starts feeds it" wait_for 10 answered_by_xdp

check "xdp-filter goes" tool xdp-filter unload srv0
check_equal "xnts stays" "$(dispatched)" 1
check "and answers" wait_for 10 answered_by_xdp
tool xdp-filter load -m native srv0 || bail "xdp-filter is not loaded again"
check "xnts goes" xntsd --detach srv0
check_equal "xdp-filter stays" "$(dispatched)" 1
check "xnts does not" not runs xnts_multi
tool xdp-filter ip -m src "$CLIENT4"
check "and it filters" filtered
tool xdp-filter unload srv0

# Where there can be no dispatcher libxdp would attach one program alone.
check "alone is refused" fails_saying "srv0: this kernel or libxdp has no dispatcher" \
	env LIBXDP_SKIP_DISPATCHER=1 nsenter --net=/run/netns/server "$BUILD/xntsd" --attach srv0 --multiprog
check "and nothing is attached" not grep -q xdp <<<"$(ip -n server link show srv0)"
finish
