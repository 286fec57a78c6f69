#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Never in the way: what is not an NTP request for this host reaches the stack, and
# what is gets one answer, from where it should come.  Strata tell who answered:
# xntsd 1, a chronyd on the host 7, one behind the host 9, one at the client 5.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

FAR_GATE=203.0.113.1 FAR=203.0.113.2 ANYCAST=192.0.2.200

# A third namespace that the server forwards to.
make_far() {
	ip netns add far &&
		ip -n server link add srv1 type veth peer name far0 netns far &&
		wire_end server srv1 "$FAR_GATE/24" 2001:db8:65::1/64 &&
		wire_end far far0 "$FAR/24" 2001:db8:65::2/64 &&
		ip -n far route add default via "$FAR_GATE" &&
		ip -n client route add default via "$SERVER4" &&
		in_ns server sysctl -qw net.ipv4.ip_forward=1
}

# A plain NTP server that is no part of xnts.
start_ntp_server() { # NAME NAMESPACE STRATUM
	run_chronyd "$1" "$2" "$chrony" <<<"local stratum $3"$'\nallow'
}

stratum_from() { # NAMESPACE ADDRESS: of the one answer, or "none"
	ask "$1" "$2" | awk '{ stratum = $2 } END { print stratum == "" ? "none" : stratum }'
}

stratum_is() { # STRATUM NAMESPACE ADDRESS
	[ "$(stratum_from "$2" "$3")" = "$1" ]
}

switch() { # serve 0, pass 1, drop 2
	bpftool map update pinned "$PIN_DIR/switch" key 0 0 0 0 value "$1" 0 0 0
}

# Moves a counter while a command succeeds.
counts() { # COUNTER COMMAND...
	local before
	before=$(counter "$1")
	"${@:2}" && [ "$(counter "$1")" -gt "$before" ]
}

bulk_tcp() {
	head -c 8000000 /dev/urandom >"$TMP/bulk"
	start http server python3 -m http.server 8080 --bind "$SERVER4" --directory "$TMP"
	wait_for 10 in_ns client bash -c "</dev/tcp/$SERVER4/8080"
	in_ns client python3 -c "import sys, urllib.request as u
sys.stdout.buffer.write(u.urlopen('http://$SERVER4:8080/bulk', timeout=20).read())" | cmp - "$TMP/bulk"
}

# The host's own client: its requests leave by the served interface, mode 4 answers
# come back, here even to port 123.
host_client() {
	run_chronyd own server "$chrony" <<<"server $CLIENT4 minpoll 0 maxpoll 0 iburst"$'\nacquisitionport 123\nport 0'
	wait_for 20 own_selected
}

own_selected() {
	chronyc own "$chrony" sources | grep -q '^^\*'
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
make_far || bail "no third namespace"
printf '%s\n' "stratum = 1" | write_config
start_ntp_server host server 7
start_ntp_server far far 9
start_ntp_server peer client 5
wait_for 10 stratum_is 7 client "$SERVER4" || bail "the chronyd of the host does not answer"
start_xntsd || bail "xntsd does not serve"

check "requests to this host are answered by XDP" counts plain_answered stratum_is 1 client "$SERVER4"
check "over IPv6 as well" counts plain_answered stratum_is 1 client "$SERVER6"
check "forwarded requests are forwarded" counts pass_not_local stratum_is 9 client "$FAR"
check "ping" in_ns client ping -q -c 3 -i 0.2 -W 2 "$SERVER4"
check "ping over IPv6" in_ns client ping -q -c 3 -i 0.2 -W 2 "$SERVER6"
check "8 MB over TCP" bulk_tcp

switch 1
check "kill switch pass: the host answers" counts pass_switch stratum_is 7 client "$SERVER4"
switch 2
check "kill switch drop: nobody answers" counts drop_switch stratum_is none client "$SERVER4"
check "kill switch drop: forwarded requests are forwarded" stratum_is 9 client "$FAR"
switch 0
check "kill switch serve: XDP answers again" stratum_is 1 client "$SERVER4"

ip -n server route add local "$ANYCAST/29" dev lo
check "an AnyIP prefix is answered once it is routed here" wait_for 10 stratum_is 1 client "$ANYCAST"
# On one CPU and with full preemption (vm/test_kernels) xntsd hears of it before it is done.
cpu=$(taskset -cp $$ | grep -o '[0-9]*' | sed -n 2p)
taskset -cp "$cpu" "${PIDS[xntsd]}" >/dev/null
taskset -c "$cpu" chrt --idle 0 ip -n server route del local "$ANYCAST/29" dev lo
no_answer() {
	stratum_is none client "$ANYCAST"
}
check "and no longer when the route is gone" wait_for 10 no_answer

stop host
check "the host's own chronyd client gets its answers" counts pass_mode host_client
finish
