#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Asymmetric routing: requests come by one router, answers can only leave by another.
#
#                +--- in ----+
#	client --+           +-- bridge (namespace lan) -- srv0 of server
#	         +--- out ---+
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

CLIENT4=203.0.113.2 CLIENT6=2001:db8:113::2
MAC_IN=02:00:00:00:00:0a MAC_OUT=02:00:00:00:00:0b

# A router between the bridge and the client: its two ends, and who may not pass it.
make_router() { # NAME MAC NUMBER BLOCKED-SIDE
	local family
	ip -n "$1" link add lan0 address "$2" type veth peer name "$1" netns lan || return
	ip -n "$1" link add up0 type veth peer name "$1" netns client || return
	wire_end "$1" lan0 "198.51.100.$3/24" "2001:db8:64::$3/64" || return
	wire_end "$1" up0 "203.0.113.$3/24" "2001:db8:113::$3/64" || return
	for family in 4 6; do
		# A router's own packets, neighbour discovery among them, are no concern of the rule.
		ip -"$family" -n "$1" rule add iif "$4" blackhole || return
	done
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.lan0.rp_filter=0 net.ipv4.conf.up0.rp_filter=0 || return
	ip -n lan link set "$1" master lan0 up && ip -n client link set "$1" up
}

make_asymmetric_net() {
	local ns
	for ns in server lan in out client; do
		ip netns add "$ns" && ip -n "$ns" link set lo up || return
	done
	ip -n lan link add lan0 type bridge && ip -n lan link set lan0 up || return
	ip -n server link add srv0 type veth peer name srv netns lan || return
	wire_end server srv0 "$SERVER4/24" "$SERVER6/64" || return
	ip -n lan link set srv master lan0 up || return
	ip -n lan link set srv xdp object "$BUILD/netns/wire.bpf.o" section xdp || return
	make_router in "$MAC_IN" 10 lan0 || return
	make_router out "$MAC_OUT" 11 up0 || return
	# The client: one address on both sides, all it sends by one of them.
	in_ns client sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.in.rp_filter=0 net.ipv4.conf.out.rp_filter=0
	ip -n client address add "$CLIENT4/24" dev in && ip -n client address add "$CLIENT6/64" dev in nodad || return
	ip -n client address add "$CLIENT4/32" dev out && ip -n client address add "$CLIENT6/128" dev out nodad || return
	ip -n client route add 198.51.100.0/24 via 203.0.113.10 dev in || return
	ip -n client route add 2001:db8:64::/64 via 2001:db8:113::10 dev in || return
	ip -n server route add 203.0.113.0/24 via 198.51.100.11 || return
	ip -n server route add 2001:db8:113::/64 via 2001:db8:64::11 || return
	wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER4" && wait_for 10 in_ns client ping -c 1 -W 1 "$SERVER6"
}

answers() { # ADDRESS
	[ -n "$(ask client "$1" 2>/dev/null)" ]
}

# Answers are sent, and go where they do not arrive.
answers_in_vain() { # ADDRESS
	local before
	before=$(counter plain_answered)
	not answers "$1" && [ "$(counter plain_answered)" -gt "$before" ]
}

counts() { # COUNTER ADDRESS
	local before
	before=$(counter "$1")
	answers "$2"
	[ "$(counter "$1")" -gt "$before" ]
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_asymmetric_net || bail "no network"
make_names && make_certificates
write_config </dev/null
start_xntsd || bail "xntsd does not serve"
check "swap: IPv4 answers go back to the wrong router" answers_in_vain "$SERVER4"
check "swap: IPv6 as well" answers_in_vain "$SERVER6"
sed -i 's/^interfaces = .*/&\nnext_hop = fib/' "$TMP/xnts.conf"
check "fib is refused where lo does not forward" fails_saying "[ntp] next_hop|sysctl net.ipv4.conf.lo.forwarding=1" \
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
in_ns server sysctl -qw net.ipv4.conf.lo.forwarding=1 net.ipv6.conf.lo.forwarding=1
check "and taken where it does" "$BUILD/xnts" reload -p "$TMP/xntsd.pid"
check "fib: IPv4 answers arrive" wait_for 5 answers "$SERVER4"
check "fib: IPv6 answers arrive" wait_for 5 answers "$SERVER6"
start_chronyd asymmetric "$chrony" "$SERVER_NAME4" "" </dev/null
check "fib: chronyd has NTS time" wait_for 20 chronyd_has_nts_time asymmetric "$chrony"
check "fib: it is from XDP" [ "$(counter nts_answered)" -gt 0 ]
stop asymmetric

ip -n server neigh flush dev srv0
check "fib: without a neighbour the host gets the request" counts pass_no_neighbour "$SERVER4"
check "fib: and finds it" wait_for 10 answers "$SERVER4"
ip -n server link add elsewhere type veth peer name nowhere
ip -n server link set elsewhere up
ip -n server route replace 203.0.113.0/24 dev elsewhere
check "fib: by another interface the host gets the request" counts pass_no_route "$SERVER4"
ip -n server route del 203.0.113.0/24
check "fib: without a route the host gets the request" counts pass_no_route "$SERVER4"
check "fib: IPv6 is as before" wait_for 10 answers "$SERVER6"
finish
