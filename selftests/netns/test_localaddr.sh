#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# The tries of local addresses follow the kernel's local routes: addresses, AnyIP
# prefixes, devices that go, more changes than a socket holds; or a configured list.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# A trie's prefixes, one a line: 198.51.100.1/32, or 32 hex digits and the length.
prefixes() { # MAP
	bpftool -j map dump pinned "$PIN_DIR/$1" | grep -o '"prefixlen":[0-9]*,"addr":\[[0-9,]*\]' |
		tr -d '"a-z:[]' | awk -F, 'NF == 5 { printf "%d.%d.%d.%d/%d\n", $2, $3, $4, $5, $1 }
			NF == 17 { for (i = 2; i <= 17; i++) printf "%02x", $i; printf "/%d\n", $1 }'
}

has() { # PREFIX
	{ prefixes local4; prefixes local6; } | grep -qxF "$1"
}

soon() { # PREFIX
	wait_for 10 has "$1"
}

gone() { # PREFIX
	! has "$1"
}

soon_gone() { # PREFIX
	wait_for 10 gone "$1"
}

holds() { # MAP NUMBER
	[ "$(prefixes "$1" | wc -l)" -eq "$2" ]
}

address() { # add or del, PREFIX, DEVICE
	ip -n server address "$1" "$2" dev "$3"
}

# What is new is added before what is gone is deleted: a reader that looks all the time never
# misses SERVER4 while others come and go.  Among 3000 prefixes a wrong order takes
# milliseconds, and shows.
never_missing() {
	local i missing=0
	(
		for i in {1..15}; do
			ip -n server address add 198.51.100.$((i + 100))/32 dev srv0
			ip -n server address del 198.51.100.$((i + 100))/32 dev srv0
		done
	) &
	while kill -0 $! 2>/dev/null; do
		bpftool map lookup pinned "$PIN_DIR/local4" key 32 0 0 0 198 51 100 1 >/dev/null 2>&1 || missing=$((missing + 1))
	done
	wait $!
	[ "$missing" -eq 0 ] || { echo "missing $missing times"; return 1; }
}

routes() { # add or del, NUMBER: 3000 prefixes are some 400 kB of messages
	local i
	for ((i = 0; i < $2; i++)); do
		echo "route $1 local 10.$((i / 250)).$((i % 250)).0/24 dev lo table local"
	done | ip -n server -batch -
}

complaints() {
	grep -c 'not all of .* prefixes are served' "$TMP/xntsd.log"
}

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
check "the NIC's IPv4 address" has "$SERVER4/32"
check "the NIC's IPv6 address" has 20010db8006400000000000000000001/128
check "not the loopback address" gone 127.0.0.1/32
check "nor its prefix" gone 127.0.0.0/8
check "nor that of IPv6" gone 00000000000000000000000000000001/128

address add 198.51.100.77/24 srv0
check "an address that is added" soon 198.51.100.77/32
address add 2001:db8:64::77/64 srv0
check "and one of IPv6" soon 20010db8006400000000000000000077/128
address del 198.51.100.77/24 srv0
check "one that is deleted" soon_gone 198.51.100.77/32
address del 2001:db8:64::77/64 srv0
check "and of IPv6" soon_gone 20010db8006400000000000000000077/128

ip -n server route add local 192.0.2.0/24 dev lo
check "an AnyIP prefix" soon 192.0.2.0/24
ip -n server -6 route add local 2001:db8:a::/48 dev lo
check "and of IPv6" soon 20010db8000a00000000000000000000/48
ip -n server route del local 192.0.2.0/24 dev lo
check "that is deleted" soon_gone 192.0.2.0/24
ip -n server -6 route del local 2001:db8:a::/48 dev lo
check "and of IPv6" soon_gone 20010db8000a00000000000000000000/48
ip -n server route add local default dev lo table local
check "all addresses" soon 0.0.0.0/0
answers() {
	[ "$(ask client "$SERVER4" | wc -w)" -eq 48 ]
}
check "are answered for, and no source is taken for ours" answers
ip -n server route del local default dev lo table local
check "no longer" soon_gone 0.0.0.0/0
ip -n server route add 192.0.2.0/24 via "$CLIENT4"
ip -n server route add local 192.0.2.128/25 dev lo table 100
sleep 0.5
check "other routes are none of ours" gone 192.0.2.0/24
check "nor are local ones of other tables" gone 192.0.2.128/25

ip -n server link add ext0 type veth peer name ext1
address add 203.0.113.5/24 ext0
address add 203.0.113.5/24 ext1
ip -n server link set ext0 up
check "one address on two devices" soon 203.0.113.5/32
address del 203.0.113.5/24 ext0
sleep 0.5
check "stays with the other" has 203.0.113.5/32
ip -n server link del ext0
check "and goes with its device" soon_gone 203.0.113.5/32

before=$(prefixes local4 | wc -l)
kill -STOP "${PIDS[xntsd]}"
routes add 3000
kill -CONT "${PIDS[xntsd]}"
check "more changes than the socket holds" wait_for 10 holds local4 $((before + 3000))
check "no address is missing while others change" never_missing
kill -STOP "${PIDS[xntsd]}"
routes del 3000
kill -CONT "${PIDS[xntsd]}"
check "and back" wait_for 10 holds local4 "$before"

kill -STOP "${PIDS[xntsd]}"
routes add 4200
kill -CONT "${PIDS[xntsd]}"
check "more than fit" wait_for 10 holds local4 4096
sleep 2.5 # it looks again each second
check_equal "are complained of once" "$(complaints)" 1
routes del 4200
check "and all is well again" wait_for 10 holds local4 "$before"

write_list() { # ADDRESS...
	write_config </dev/null
	sed -i "/^interfaces/a addresses = $*" "$TMP/xnts.conf"
	kill -HUP "${PIDS[xntsd]}"
}
write_list 198.51.100.1 192.0.2.64/26 2001:db8:b::/48
check "a configured list" soon 192.0.2.64/26
check "and of IPv6" soon 20010db8000b00000000000000000000/48
check "is all there is" wait_for 5 holds local6 1 # what is gone is deleted last
write_list auto
check "and back to the routes" soon 20010db8006400000000000000000001/128
check "without the list" soon_gone 192.0.2.64/26
stop xntsd
address add 198.51.100.88/24 srv0
address del 2001:db8:64::1/64 srv0
start_xntsd || bail "xntsd does not start again"
check "what came while no daemon ran" has 198.51.100.88/32
check "and what went" gone 20010db8006400000000000000000001/128
finish
