#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What our stamps are worth, beside chronyd's.  One chronyd -x polls four servers over the same
# veth pair and in the same minute: us and a chronyd, each with NTS and without.  All
# share one system clock, so every offset it measures is an error.
. "$(dirname "$0")/../../scripts/playground.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: offsets not measured: needs root"; exit 0; }
cd "$XNTS_TOP" || exit 2
sandbox "$@"

SECONDS_MEASURED=${SECONDS_MEASURED:-45} # 8 polls a second of each server
declare -A SERVER=([xnts_nts]=$SERVER4 [xnts_plain]=198.51.100.11 [chronyd_nts]=198.51.100.12 [chronyd_plain]=198.51.100.13)

server_names() {
	echo "subjectAltName = IP:${SERVER[xnts_nts]}, IP:${SERVER[chronyd_nts]}"
}

# The other server: another port, so that XDP passes its packets.
start_chrony_server() {
	mkdir -m 700 "$TMP/chrony"
	cat >"$TMP/chrony.conf" <<-END
	ntsservercert $TMP/server.pem
	ntsserverkey $TMP/server.key
	ntsport 5460
	port 1123
	allow
	local stratum 10
	cmdport 0
	bindcmdaddress $TMP/chrony/cmd.sock
	pidfile $TMP/chrony/pid
	END
	peer "$chrony" /usr/sbin/chronyd
	start chrony_server server "${PEER[@]}" -x -d -u root -f "$TMP/chrony.conf"
	wait_for 10 in_ns client bash -c "</dev/tcp/${SERVER[chronyd_nts]}/5460"
}

start_client() {
	local poll='minpoll -3 maxpoll -3 iburst noselect'
	mkdir -m 700 "$TMP/client"
	cat >"$TMP/client.conf" <<-END
	server ${SERVER[xnts_nts]} nts $poll
	server ${SERVER[xnts_plain]} $poll
	server ${SERVER[chronyd_nts]} nts ntsport 5460 port 1123 $poll
	server ${SERVER[chronyd_plain]} port 1123 $poll
	ntstrustedcerts $TMP/ca.pem
	port 0
	cmdport 0
	bindcmdaddress $TMP/client/cmd.sock
	pidfile $TMP/client/pid
	logdir $TMP/client
	log rawmeasurements
	END
	peer "$chrony" /usr/sbin/chronyd
	start client client "${PEER[@]}" -x -d -u root -f "$TMP/client.conf"
}

# Median of column $2 (absolute when $3 is abs) of a server's polls, in ns.
median() { # ADDRESS COLUMN [abs]
	awk -v a="$1" -v c="$2" -v abs="${3:-}" '$3 == a { v = $c * 1e9; if (abs && v < 0) v = -v; print v }' \
		"$TMP/client/measurements.log" | sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.0f\n", v[int((NR + 1) / 2)] }'
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || { echo "bench: offsets not measured: no package"; exit 0; }
make_net && make_certificates && write_config </dev/null || exit 1
for address in 11 12 13; do
	ip -n server address add 198.51.100.$address/24 dev srv0 || exit 1
done
start_xntsd && start_chrony_server && start_client || exit 1
sleep "$SECONDS_MEASURED"

for name in xnts_nts xnts_plain chronyd_nts chronyd_plain; do
	address=${SERVER[$name]}
	polls=$(grep -c " $address " "$TMP/client/measurements.log")
	[ "$polls" -gt 0 ] || { echo "bench: $name: no poll was answered"; exit 1; }
	echo "bench.offset_polls_$name $polls polls"
	echo "bench.offset_$name $(median "$address" 12) ns"
	echo "bench.offset_absolute_$name $(median "$address" 12 abs) ns"
	echo "bench.delay_$name $(median "$address" 13) ns"
done
