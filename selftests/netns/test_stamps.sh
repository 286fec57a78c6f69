#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 200
#
# The entry that reads the NIC's receive stamps, on veth, whose stamp is 0: it is bound to the
# device, serves, uses no such stamp, and the device can go away.  Kernels have crashed on that
# (bpf/xnts.bpf.c), so not on a machine that somebody needs.
. "$(dirname "$0")/../lib.sh"
need_root
if ! grep -q xnts.top= /proc/cmdline && [ "${BIND_HERE:-}" != 1 ]; then
	skip_all "only in a virtual machine, or with BIND_HERE=1: kernels have crashed on this"
fi
sandbox "$@"

config() { # LINE...: of [clock]
	printf '%s\n' "$@" | write_config
}

bound() {
	in_ns server "$BUILD/xnts" status | grep -q 'srv0 (native, bound for hardware stamps)'
}

unbound() {
	in_ns server "$BUILD/xnts" status | grep -q 'srv0 (native)'
}

answered() {
	[ "$(ask client "$SERVER4" | wc -w)" = 48 ]
}

refuses_zero() {
	local before after
	before=$(counter refused_stamps)
	answered && answered || return
	after=$(counter refused_stamps)
	[ "$after" -ge $((before + 2)) ] && [ "$(counter hardware_stamps)" = 0 ]
}

reload() { # LINE...
	config "$@"
	kill -HUP "${PIDS[xntsd]}"
}

comes_back() {
	ip -n server link delete srv0 || return
	sleep 1
	make_wire server client && wait_for 10 "$1" && wait_for 5 answered
}

has_kfunc() {
	grep -q ' bpf_xdp_metadata_rx_timestamp$' /proc/kallsyms
}

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
check "auto does not bind to a NIC that grants no filter" wait_for 5 unbound
reload "hardware_stamps = on"
if ! has_kfunc; then
	sleep 2
	check "a kernel without the call serves with software stamps" unbound
	check "it says so" grep -q 'srv0: .*software stamps' "$TMP/xntsd.log"
	check "it answers" answered
	finish
fi

check "on binds to any device" wait_for 10 bound
check "the NTP of a stack gets an answer" answered
check "a stamp of 0 is not used, and counted" refuses_zero
for i in 1 2 3; do
	check "the device goes away and comes back, time $i" comes_back bound
done
check "it is bound, and refuses, as before" refuses_zero

reload "hardware_stamps = off"
check "off takes the bound program away" wait_for 10 unbound
check "it answers" answered
reload "hardware_stamps = on"
check "on brings it back" wait_for 10 bound
stop xntsd KILL
check "without the daemon it answers" answered
start_xntsd || bail "xntsd does not start again"
check "a new daemon binds a program of its own" wait_for 10 bound
check "it refuses as well" refuses_zero

# Blinding must not matter to a program in several parts.
JIT_HARDEN=net.core.bpf_jit_harden
if was=$(sysctl -n $JIT_HARDEN 2>/dev/null); then # not in another network namespace than the first
	trap 'sysctl -qw "$JIT_HARDEN=$was"; leave' EXIT
	sysctl -qw "$JIT_HARDEN=2"
	stop xntsd
	start_xntsd || bail "xntsd does not start with blinded constants"
	check "with blinded constants" wait_for 10 answered
	check "the device goes away and comes back then" comes_back answered
	check "and once more" comes_back answered
fi
stop xntsd
in_ns server "$BUILD/xntsd" --unload
check "unloading leaves nothing on the device" bash -c '! ip -n server -details link show srv0 | grep -q xdp'
finish
