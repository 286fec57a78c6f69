#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/attach.sh IFACE [auto|native|generic]
#
# Looks at an interface, says what matters for XDP there, loads xnts if it is not
# loaded, and attaches it: native when the driver can, else generic.  What is
# attached passes every packet until xntsd has filled the maps.  Running it again
# changes nothing; when attaching fails, what was loaded for it is unloaded.
set -u

iface=${1:-}
mode=${2:-auto}
pins=/sys/fs/bpf/xnts
top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

die() {
	echo "attach: $1" >&2
	exit 1
}

say() {
	echo "$iface: $1"
}

feature_on() { # NAME, as ethtool -k prints it
	ethtool -k "$iface" 2>/dev/null | grep -q "^$1: on"
}

program_id() { # of the XDP program on the interface, if any
	ip -details link show dev "$iface" | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p' | head -n 1
}

# Nothing here is read below /sys: that shows the namespace it was mounted in.
describe() {
	local mtu queues
	mtu=$(ip -o link show dev "$iface" | sed 's/.* mtu \([0-9]*\) .*/\1/')
	queues=$(ethtool -l "$iface" 2>/dev/null | awk '/^Current/ { now = 1 } now && /^(RX|Combined):/ && $2 + 0 { n += $2 } END { print n ? n : 1 }')
	say "driver $(ethtool -i "$iface" 2>/dev/null | sed -n 's/^driver: //p'), MTU $mtu, $queues receive queues"
	if ethtool -T "$iface" 2>/dev/null | grep -q hardware-receive; then
		say "the NIC can stamp received packets: $(ethtool -T "$iface" | sed -n '/Receive Filter/,$p' | tail -n +2 | awk '{ printf "%s ", $1 }')"
	else
		say "no hardware receive stamps: receive time is when the program starts"
	fi
	[ "$mtu" -le 3498 ] || say "many drivers refuse native XDP with so large an MTU; generic mode works"
	! feature_on large-receive-offload || say "LRO is on; drivers that refuse XDP with it want: ethtool -K $iface lro off"
}

# With the offload on, XDP sees VLAN packets without their tag and would answer untagged.
refuse_hidden_vlans() {
	feature_on rx-vlan-offload || return 0
	! ip -o -details link show type vlan 2>/dev/null | grep -q "@$iface:" ||
		die "$iface has VLANs and takes off their tags before XDP: ethtool -K $iface rxvlan off, then again"
}

refuse_foreign_program() {
	local id ours
	id=$(program_id)
	[ -n "$id" ] || return 0
	ours=$(bpftool link show pinned "$pins/link_${iface//./:}" 2>/dev/null | sed -n 's/.*prog \([0-9]*\).*/\1/p' | head -n 1)
	[ "$id" = "$ours" ] || die "$iface has XDP program $id, which is not ours: see bpftool prog show id $id"
}

[ -n "$iface" ] || { echo "usage: $0 IFACE [auto|native|generic]" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || die "needs root"
ip link show dev "$iface" >/dev/null 2>&1 || die "no such interface: $iface"
xntsd=$top/build/xntsd
[ -x "$xntsd" ] || xntsd=$(command -v xntsd) || die "xntsd is not built: make"

describe
refuse_hidden_vlans
refuse_foreign_program

was_loaded=$([ -e $pins/config ] && echo yes)
if ! "$xntsd" --attach "$iface" --mode "$mode"; then
	[ -n "$was_loaded" ] || "$xntsd" --unload
	die "$iface: not attached"
fi
case $(ip -details link show dev "$iface" | grep -o 'xdp[a-z]*' | head -n 1) in
xdpgeneric) say "attached, generic: every packet costs a copy; fine for trying out" ;;
*) say "attached, native" ;;
esac
