#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the README's runbook says of packets, and its commands.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

xnts() {
	in_ns server "$BUILD/xnts" "$@"
}

# The NTP frames that a packet socket of the server, as tcpdump has one, meets while the client asks.
seen_by_packet_socket() {
	in_ns server python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("srv0", 0))
open(sys.argv[1], "w").close()
s.settimeout(3)
n = 0
try:
    while True:
        f = s.recv(2048)
        n += f[12:14] == b"\x08\x00" and f[23] == 17 and f[36:38] == b"\x00\x7b"
except socket.timeout:
    pass
print(n)' "$TMP/listening" >"$TMP/seen" 2>"$TMP/seen.log" &
	local pid=$!
	wait_for 5 [ -e "$TMP/listening" ]
	ask client "$SERVER4" >"$TMP/answer"
	wait "$pid"
	rm -f "$TMP/listening"
	cat "$TMP/seen"
}

answers() {
	[ -n "$(ask client "$SERVER4")" ]
}

comes_back() {
	ip -n server link del srv0
	wait_for 5 xnts check -q && return 1
	make_wire_again && wait_for 40 xnts check -q
}

make_wire_again() {
	ip -n server link add srv0 type veth peer name cli0 netns client || return
	wire_end server srv0 "$SERVER4/24" "$SERVER6/64" && wire_end client cli0 "$CLIENT4/24" "$CLIENT6/64" || return
	ip -n client link set cli0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
}

reattachments_are_counted() {
	xnts stats | grep -q "[1-9] *links_reattached"
}

certificate_has_not_ten_years() {
	xnts check -e 3650 | grep -q "the certificate expires in"
}

refuses_the_client() {
	write_config <<<$'[limits]\nrefuse = '"$CLIENT4"
	xnts reload -p "$TMP/xntsd.pid" && not answers && [ "$(counter drop_refused)" -ge 1 ]
}

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
check "healthy" wait_for 10 xnts check -q
check_equal "a packet socket sees nothing of what is answered" "$(seen_by_packet_socket)" 0
check "which is answered" [ -s "$TMP/answer" ]
if nftables=$(scripts/unpack-deb.sh nftables) && peer "$nftables" /usr/sbin/nft &&
	in_ns server "${PEER[@]}" 'add table inet t; add chain inet t c { type filter hook input priority 0; policy drop; }' 2>/dev/null; then
	check "a packet filter that drops all does not keep it off" answers
	in_ns server "${PEER[@]}" delete table inet t
else
	skip "a packet filter that drops all does not keep it off" "no nftables here"
fi
xnts off >/dev/null
check_equal "switched off, it sees the request" "$(seen_by_packet_socket)" 1
xnts serve >/dev/null
check "and serves again" answers
check "severed link: attached again by itself" comes_back
check "answers" wait_for 5 answers
check "and counts it" reattachments_are_counted
check "flood: refused by prefix" refuses_the_client
check "certificate: days left" certificate_has_not_ten_years
check "key compromise: reseed" xnts keys -c "$TMP/xnts.conf" reseed
check "key compromise: revoke" wait_for 5 xnts keys -c "$TMP/xnts.conf" revoke
finish
