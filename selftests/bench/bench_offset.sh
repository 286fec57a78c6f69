#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What our stamps are worth, beside chronyd's.  One chronyd -x polls four servers over the same
# veth pair and in the same minute: us and a chronyd, each with NTS and without.  All
# share one system clock, so every offset it measures is an error.
#
# Twice: as installed, and then with the correction that the first time shows to be needed
# (xnts.conf(5), CALIBRATION), as an operator would set it for a NIC.
. "$(dirname "$0")/../../scripts/playground.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: offsets not measured: needs root"; exit 0; }
cd "$XNTS_TOP" || exit 2
sandbox "$@"

SECONDS_MEASURED=${SECONDS_MEASURED:-45} # each time; 8 polls a second of each server
declare -A SERVER=([xnts_nts]=$SERVER4 [xnts_plain]=198.51.100.11 [chronyd_nts]=198.51.100.12 [chronyd_plain]=198.51.100.13)

server_names() {
	echo "subjectAltName = IP:${SERVER[xnts_nts]}, IP:${SERVER[chronyd_nts]}"
}

# The other server: another port, so that XDP passes its packets.
start_other_server() {
	start_chrony_server other server "$chrony" <<<$'ntsport 5460\nport 1123'
	wait_for 10 in_ns client bash -c "</dev/tcp/${SERVER[chronyd_nts]}/5460"
}

start_client() {
	local poll='minpoll -3 maxpoll -3 iburst noselect'
	run_chronyd client client "$chrony" <<-END
	server ${SERVER[xnts_nts]} nts $poll
	server ${SERVER[xnts_plain]} $poll
	server ${SERVER[chronyd_nts]} nts ntsport 5460 port 1123 $poll
	server ${SERVER[chronyd_plain]} port 1123 $poll
	ntstrustedcerts $TMP/ca.pem
	port 0
	logdir $TMP/client
	log rawmeasurements
	END
}

# Median of a column (absolute when $4 is abs) of a server's polls, in ns.
median() { # LOG ADDRESS COLUMN [abs]
	awk -v a="$2" -v c="$3" -v abs="${4:-}" '$3 == a { v = $c * 1e9; if (abs && v < 0) v = -v; print v }' "$1" |
		sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.0f\n", v[int((NR + 1) / 2)] }'
}

# What is logged from now on, for a while.
measure() { # LOG
	local before
	before=$(wc -l <"$TMP/client/measurements.log")
	sleep "$SECONDS_MEASURED"
	tail -n +$((before + 1)) "$TMP/client/measurements.log" >"$1"
}

print_row() { # LOG WORDS NAME
	local address=${SERVER[$3]} polls
	polls=$(grep -c " $address " "$1")
	[ "$polls" -gt 0 ] || { echo "bench: $3: no poll was answered"; exit 1; }
	printf '%-14s %-12s %5d %8d %8d %8d\n' "$3" "$2" "$polls" "$(median "$1" "$address" 12)" \
		"$(median "$1" "$address" 12 abs)" "$(median "$1" "$address" 13)"
}

# Late receive stamps make a server seem ahead, by half as much; early transmit stamps behind.
calibrate() { # OFFSET
	if [ "$1" -gt 0 ]; then
		echo "receive_correction = $((-2 * $1))"
	else
		echo "transmit_correction = $((-2 * $1))"
	fi
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || { echo "bench: offsets not measured: no package"; exit 0; }
make_net && make_certificates && write_config </dev/null || exit 1
for address in 11 12 13; do
	ip -n server address add 198.51.100.$address/24 dev srv0 || exit 1
done
start_xntsd && start_other_server && start_client || exit 1
wait_for 10 grep -q "${SERVER[xnts_nts]}" "$TMP/client/measurements.log"
sleep 3

measure "$TMP/as-installed"
correction=$(calibrate "$(median "$TMP/as-installed" "${SERVER[xnts_plain]}" 12)")
write_config <<<"$correction"
kill -HUP "${PIDS[xntsd]}"
sleep 3
measure "$TMP/calibrated"

echo "bench: medians in ns; the clock is the same, so offsets are errors; calibrated: $correction"
printf '%-14s %-12s %5s %8s %8s %8s\n' server corrections polls offset '|offset|' delay
for name in xnts_nts xnts_plain; do
	print_row "$TMP/as-installed" none $name
	print_row "$TMP/calibrated" calibrated $name
done
for name in chronyd_nts chronyd_plain; do
	print_row "$TMP/as-installed" none $name
	print_row "$TMP/calibrated" "none, later" $name
done
