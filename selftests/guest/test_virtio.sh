#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# virtio-net, the network card of most rented machines: native XDP with several
# queues, partial checksums and the offloads as the driver has them at boot.
. "$(dirname "$0")/../lib.sh"
need_root
[ -e /sys/class/net/eth1 ] || skip_all "needs the two cards of selftests/vm"
sandbox "$@"

# The cards eth0 and eth1 lead to the same bridge.  They change names so that the
# rest of the playground finds them.
make_net() {
	local ns
	for ns in server client; do
		ip netns add "$ns" || return
		ip -n "$ns" link set lo up
	done
	ethtool -L eth0 combined 2 &&
		ip link set eth0 netns server name srv0 &&
		ip link set eth1 netns client name cli0 &&
		card server srv0 "$SERVER4/24" "$SERVER6/64" &&
		card client cli0 "$CLIENT4/24" "$CLIENT6/64" &&
		wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER4" &&
		wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER6"
}

card() { # NAMESPACE DEVICE ADDRESS4 ADDRESS6
	ip -n "$1" address add "$3" dev "$2" && ip -n "$1" address add "$4" dev "$2" nodad &&
		ip -n "$1" link set "$2" up
}

driver() {
	in_ns server ethtool -i srv0 | sed -n 's/^driver: //p'
}

queues() {
	in_ns server ethtool -l srv0 | sed -n 's/^Combined:\t*//p' | tail -n 1
}

native() {
	ip -n server link show srv0 | grep -q ' xdp '
}

# On which CPUs answers were made: the flows of many ports fall on both queues.
answers_a_cpu() {
	bpftool -j map dump pinned "$PIN_DIR/counters" | grep -o '"plain_answered": *[0-9]*' | tr -dc '0-9\n'
}

ask_many() { # ADDRESS: how many of 200 requests were answered
	in_ns client selftests/guest/ask_many.py "$1" 200
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no wire"
check_equal "the driver is virtio_net" "$(driver)" virtio_net
check_equal "two queues" "$(queues)" 2
printf '%s\n' "[ntp]" "mode = native" | write_config
start_xntsd || bail "xntsd does not serve"
check "attached natively" native
check_equal "plain requests over IPv4 are all answered" "$(ask_many "$SERVER4")" 200
check_equal "plain requests over IPv6 are all answered" "$(ask_many "$SERVER6")" 200
idle=$(answers_a_cpu | grep -cx 0)
check_equal "every CPU made some of the answers" "$idle" 0
for family in 4 6; do
	before=$(counter nts_answered)
	start_chronyd "c$family" "$chrony" "ntp$family.example" "" </dev/null
	check "chronyd has NTS time over IPv$family" wait_for 40 chronyd_has_nts_time "c$family" "$chrony"
	check "and has it from XDP" [ "$(counter nts_answered)" -gt "$before" ]
	stop "c$family"
done
finish
