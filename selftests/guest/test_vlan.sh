#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Addresses on real VLAN devices (module 8021q): XDP on the device below them sees the
# tags and answers with the same ones.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"
modprobe 8021q 2>/dev/null || skip_all "this kernel has no 8021q module"

# Puts a VLAN device onto the top one of both ends; the addresses move up to it.
add_tag() { # NAME PROTOCOL ID
	tag_end server "$server_top" "$1" "$2" "$3" "$SERVER4/24" "$SERVER6/64" &&
		tag_end client "$client_top" "$1" "$2" "$3" "$CLIENT4/24" "$CLIENT6/64" &&
		server_top=$1 client_top=$1 &&
		wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER4" &&
		wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER6"
}

tag_end() { # NAMESPACE LOWER NAME PROTOCOL ID ADDRESS4 ADDRESS6
	ip -n "$1" link add link "$2" name "$3" type vlan proto "$4" id "$5" &&
		ip -n "$1" address flush dev "$2" scope global &&
		ip -n "$1" address add "$6" dev "$3" &&
		ip -n "$1" address add "$7" dev "$3" nodad &&
		ip -n "$1" link set "$3" up
}

answered() { # ADDRESS
	local before
	before=$(counter plain_answered)
	ask client "$1" >/dev/null && [ "$(counter plain_answered)" -gt "$before" ]
}

check_answers() { # WHERE
	local before family
	check "plain NTP over IPv4 $1" wait_for 10 answered "$SERVER4"
	check "plain NTP over IPv6 $1" wait_for 10 answered "$SERVER6"
	for family in 4 6; do
		before=$(counter nts_answered)
		start_chronyd vlan "$chrony" "ntp$family.example" "" </dev/null
		check "NTS over IPv$family $1: chronyd has time" wait_for 40 chronyd_has_nts_time vlan "$chrony"
		check "NTS over IPv$family $1: it is from XDP" [ "$(counter nts_answered)" -gt "$before" ]
		stop vlan
	done
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
server_top=srv0 client_top=cli0
make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
add_tag tagged 802.1Q 7 || bail "no VLAN"
check_answers "in a VLAN"
add_tag inner 802.1Q 9 || bail "no second tag"
check_answers "below two tags"

# Tags that the device takes off are out of the program's sight.
in_ns server ethtool -K srv0 rxvlan on >/dev/null
check "attach.sh refuses a device that takes off tags" fails_saying "srv0 has VLANs|--fix-offloads" \
	in_ns server scripts/attach.sh srv0
check "--fix-offloads mends it" in_ns server scripts/attach.sh --fix-offloads srv0
check "and is refused no more" in_ns server scripts/attach.sh --dry-run srv0
ip -n server link add bond0 type bond
ip -n server link add member0 type veth peer name member1
ip -n server link set member0 master bond0
check "attach.sh takes a bond's members one by one" in_ns server scripts/attach.sh bond0
check "and attached them" [ -e "$PIN_DIR/link_member0" ]
finish
