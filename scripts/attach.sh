#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/attach.sh [OPTION...] IFACE... [auto|native|generic]
#
#   -n, --dry-run       say what was found and what would be done, and end
#   --multiprog         beside other XDP programs, through libxdp's dispatcher
#   --fix-offloads      turn off what stands in the way: VLAN tags taken off, LRO
#
# Looks at each interface (of a bond: at its members), says what matters for XDP there, loads xnts
# if it is not loaded, and attaches it: native when the driver can, else generic.  What
# is attached passes every packet until xntsd has filled the maps.  Running it again changes
# nothing; when attaching fails, what was loaded for it is unloaded.  Channels are never changed.
set -u

pins=/sys/fs/bpf/xnts
top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
mode=auto dry_run='' fix='' multi='' iface=''
ifaces=()

die() {
	echo "attach: $1" >&2
	exit 1
}

usage() {
	sed -n 's/^# \{0,1\}//; 4,8p' "$0"
	exit "$1"
}

say() {
	echo "$iface: $1"
}

# ---- what there is ---------------------------------------------------------

feature_on() { # NAME, as ethtool -k prints it
	ethtool -k "$iface" 2>/dev/null | grep -q "^$1: on"
}

program_id() { # of the XDP program on the interface, if any
	ip -details link show dev "$iface" | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p' | head -n 1
}

has_vlans() {
	ip -o -details link show type vlan 2>/dev/null | grep -q "@$iface:"
}

# A bond itself runs XDP in few modes, its members do in all.
members() { # IFACE
	local found
	found=$(ip -o link show master "$1" 2>/dev/null | awk -F': ' '{ sub(/@.*/, "", $2); print $2 }')
	if [ -n "$found" ] && ip -o link show type bond 2>/dev/null | grep -q "^[0-9]*: $1[:@]"; then
		echo "$found"
	else
		echo "$1"
	fi
}

# Nothing here is read below /sys: that shows the namespace it was mounted in.
describe() {
	local mtu queues driver cpus
	mtu=$(ip -o link show dev "$iface" | sed 's/.* mtu \([0-9]*\) .*/\1/')
	driver=$(ethtool -i "$iface" 2>/dev/null | sed -n 's/^driver: //p')
	queues=$(ethtool -l "$iface" 2>/dev/null | awk '/^Current/ { now = 1 } now && /^(RX|Combined):/ && $2 + 0 { n += $2 } END { print n ? n : 1 }')
	cpus=$(nproc --all)
	say "driver ${driver:-unknown}, MTU $mtu, $queues receive queues, $cpus CPUs"
	[ "$queues" -ge "$cpus" ] || say "only $queues of $cpus CPUs will answer; to change that: ethtool -L $iface combined $cpus"
	[ "$queues" -le "$cpus" ] || say "some drivers want a transmit queue a CPU besides, and refuse; then: ethtool -L $iface combined $cpus"
	describe_frames "$mtu"
	describe_spread udp4
	describe_spread udp6
	describe_stamps
	case $driver in
	veth) say "its other end gets answers of native mode only if it has an XDP program too; generic mode needs none" ;;
	tun | lo | '') ;;
	*) say "the link may reset: many drivers make their rings anew when the first program comes and the last one goes" ;;
	esac
}

describe_frames() { # MTU
	[ "$1" -le 3498 ] || say "a page does not hold a frame of this MTU: native mode only if the driver has multi-buffer XDP (xnts has)"
	! feature_on large-receive-offload || [ -n "$fix" ] ||
		say "LRO is on: most drivers refuse native XDP with it; --fix-offloads turns it off"
}

# Requests come from few addresses where clients are behind NAT.
describe_spread() { # udp4 or udp6
	local fields
	fields=$(ethtool -n "$iface" rx-flow-hash "$1" 2>/dev/null) || return 0
	case $fields in
	*'L4 bytes'*) say "RSS spreads $1 by addresses and ports" ;;
	*) say "RSS spreads $1 by addresses alone; with ports as well: ethtool -N $iface rx-flow-hash $1 sdfn" ;;
	esac
}

describe_stamps() {
	if ethtool -T "$iface" 2>/dev/null | grep -q hardware-receive; then
		say "the NIC can stamp received packets: $(ethtool -T "$iface" | sed -n '/Receive Filter/,$p' | tail -n +2 | awk '{ printf "%s ", $1 }')"
	else
		say "no hardware receive stamps: receive time is when the program starts"
	fi
}

describe_host() {
	case $(sysctl -n net.core.bpf_jit_enable 2>/dev/null) in
	0) echo "host: the BPF JIT is off: answers cost many times as much; sysctl net.core.bpf_jit_enable=1" ;;
	esac
	case $(sysctl -n net.core.bpf_jit_harden 2>/dev/null) in
	2) echo "host: net.core.bpf_jit_harden=2 makes NTS answers 10 % slower" ;;
	esac
}

# ---- what stands in the way ------------------------------------------------

turn_off() { # FEATURE-AS-PRINTED NAME
	say "$1 ${dry_run:+would be }turned off"
	[ -n "$dry_run" ] || ethtool -K "$iface" "$2" off >/dev/null || die "$iface: ethtool -K $iface $2 off failed"
}

# With the offload on, XDP sees VLAN packets without their tag and would answer untagged.
check_offloads() {
	if feature_on rx-vlan-offload && has_vlans; then
		[ -n "$fix" ] || die "$iface has VLANs and takes off their tags before XDP: --fix-offloads turns that off (ethtool -K $iface rxvlan off)"
		turn_off rx-vlan-offload rxvlan
	fi
	if [ -n "$fix" ] && feature_on large-receive-offload; then
		turn_off large-receive-offload lro
	fi
}

is_attached() {
	[ -e "$pins/link_${iface//./:}" ] || [ -e "$pins/multi_${iface//./:}" ]
}

refuse_foreign_program() {
	local id ours
	id=$(program_id)
	[ -n "$id" ] && [ -z "$multi" ] || return 0
	ours=$(bpftool link show pinned "$pins/link_${iface//./:}" 2>/dev/null | sed -n 's/.*prog \([0-9]*\).*/\1/p' | head -n 1)
	[ "$id" = "$ours" ] || die "$iface has XDP program $id, which is not ours: see bpftool prog show id $id"
}

plan() {
	case $mode in
	auto) say "will be attached in native mode, or in GENERIC mode, several times slower, if the driver refuses" ;;
	native) say "will be attached in native mode, or not at all" ;;
	generic) say "will be attached in GENERIC mode, as asked: several times slower" ;;
	esac
	[ -z "$multi" ] || say "beside other XDP programs, or not at all"
	! is_attached || say "is attached already: the program is replaced without a gap"
}

# ---- what is done ----------------------------------------------------------

attach() {
	local was_loaded
	was_loaded=$([ -e $pins/config ] && echo yes)
	if ! "$xntsd" --attach "$iface" --mode "$mode" ${multi:+--multiprog}; then
		[ -n "$was_loaded" ] || "$xntsd" --unload
		die "$iface: not attached"
	fi
	case $(ip -details link show dev "$iface" | grep -o 'xdp[a-z]*' | head -n 1) in
	xdpgeneric) say "attached, GENERIC: every packet costs a copy; fine for trying out" ;;
	*) say "attached, native" ;;
	esac
}

for word; do
	case $word in
	-n | --dry-run) dry_run=yes ;;
	--fix-offloads) fix=yes ;;
	--multiprog) multi=yes ;;
	-h | --help) usage 0 ;;
	-*) usage 2 >&2 ;;
	auto | native | generic) mode=$word ;;
	*) mapfile -t -O "${#ifaces[@]}" ifaces < <(members "$word") ;;
	esac
done
[ "${#ifaces[@]}" -gt 0 ] || usage 2 >&2
[ "$(id -u)" -eq 0 ] || die "needs root"
# Without them VLAN offloads and foreign programs would go unnoticed.
for tool in ip ethtool bpftool; do
	command -v "$tool" >/dev/null || die "needs $tool, which is not installed"
done
xntsd=$top/build/xntsd
[ -x "$xntsd" ] || xntsd=$(command -v xntsd) || die "xntsd is not built: make"

# All of them are looked at before the first is touched.
describe_host
for iface in "${ifaces[@]}"; do
	ip link show dev "$iface" >/dev/null 2>&1 || die "no such interface: $iface"
	describe
	refuse_foreign_program
	[ -n "$fix" ] || check_offloads
	plan
done
for iface in "${ifaces[@]}"; do
	check_offloads
	[ -n "$dry_run" ] || attach
done
