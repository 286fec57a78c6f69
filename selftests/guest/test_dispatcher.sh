#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Beside other XDP programs: libxdp's dispatcher, which replaces functions of one program
# (freplace) by the programs of several, runs xdp-filter and then xnts on one device.
. "$(dirname "$0")/../lib.sh"
need_root
grep -q xnts.top= /proc/cmdline || skip_all "only in a virtual machine: not every kernel allows freplace"
sandbox "$@"

XDP_TOOLS=$(scripts/unpack-deb.sh xdp-tools trixie) || skip_all "apt could not fetch xdp-tools"

tool() { # PROGRAM ARGUMENT...
	peer "$XDP_TOOLS" "/usr/sbin/$1"
	LIBXDP_OBJECT_PATH=$OBJECTS in_ns server "${PEER[@]}" "${@:2}"
}

# Programs behind the dispatcher; a single program that is attached directly is none.
dispatched() {
	tool xdp-loader status srv0 | grep -c '^ => '
}

runs() { # PROGRAM
	tool xdp-loader status srv0 | grep -q "^ => .*$1"
}

# How often the program passed a packet because nobody has configured it.
passed_unconfigured() {
	local id
	id=$(bpftool -j map show name xnts_counters | grep -o '"id":[0-9]*' | head -n 1 | tr -dc 0-9)
	bpftool -j map dump id "$id" | grep -o '"pass_no_config": *[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'
}

OBJECTS=$(compgen -G "$XDP_TOOLS/usr/lib/*/bpf")
make_net || bail "no veth pair"
check "xdp-filter is loaded" tool xdp-filter load -m native -f udp srv0
if ! tool xdp-loader load -vv -m native srv0 "$BUILD/xnts.bpf.o" >"$TMP/load.log" 2>&1; then
	# Newer kernels let only a function that says it changes packets be replaced by one that
	# does; libxdp's say so since xdp-tools pull request 509, after 1.5.4.
	! grep -q 'Extension program changes packet data' "$TMP/load.log" ||
		skip_all "this libxdp's dispatcher is too old for this kernel"
	bail "xnts is not loaded"
fi
tool xdp-loader status srv0
check_equal "a dispatcher runs both" "$(dispatched)" 2
check "xnts is one of them" runs xnts_sw
check "packets pass both" in_ns client ping -q -c 2 -i 0.2 -W 5 "$SERVER4"
check "and xnts has seen them" [ "$(passed_unconfigured)" -gt 0 ]
check "unloaded" tool xdp-loader unload -a srv0
finish
