#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What our stamps are worth, beside chronyd's.  One chronyd -x polls four servers over the same
# veth pair and in the same minute: us and a chronyd, each with NTS and without.  All
# share one system clock, so every offset it measures is an error.
#
# In rounds, because the error moves with what else the machine does: first as installed, then
# with the correction that the round's first half shows to be needed (xnts.conf(5),
# CALIBRATION), as an operator would set it for a NIC.  An offset's absolute value has two
# parts, told apart here: what a correction can mend (the median) and what it cannot (the spread).
#
# At rest first: 16 polls a second reach each server, processors sleep between them and find their caches
# cold, which is most of what is measured.  Then at work: others ask both servers as well.
. "$(dirname "$0")/../../scripts/playground.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: offsets not measured: needs root"; exit 0; }
cd "$XNTS_TOP" || exit 2
sandbox "$@"

ROUNDS=${ROUNDS:-4}
SECONDS_MEASURED=${SECONDS_MEASURED:-10} # each half of a round; 8 polls a second of each server
RATE=${RATE:-1000} # at work: requests a second that others send to each server, half of them NTS
# Both chronyds on one CPU, so that the ways to both servers are the same: the kernel's part of them and
# the XDP program run where the sender does.
ONE_CPU=(taskset -c "$(nproc --all | awk '{ print $1 - 1 }')")
declare -A SERVER=([xnts_nts]=$SERVER4 [xnts_plain]=198.51.100.11 [chronyd_nts]=198.51.100.12 [chronyd_plain]=198.51.100.13)

server_names() {
	echo "subjectAltName = IP:${SERVER[xnts_nts]}, IP:${SERVER[chronyd_nts]}"
}

# The other server: another port, so that XDP passes its packets.
start_other_server() {
	start_chrony_server other server "$chrony" "${ONE_CPU[@]}" <<<$'ntsport 5460\nport 1123'
	wait_for 10 in_ns client bash -c "</dev/tcp/${SERVER[chronyd_nts]}/5460"
}

start_client() {
	local poll='minpoll -3 maxpoll -3 iburst noselect'
	run_chronyd client client "$chrony" "${ONE_CPU[@]}" <<-END
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

# A column of some servers' polls, in ns.
column() { # LOG COLUMN ADDRESS...
	awk -v c="$2" -v addresses=" ${*:3} " 'index(addresses, " " $3 " ") { print $c * 1e9 }' "$1"
}

median() {
	sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.0f\n", v[int((NR + 1) / 2)] }'
}

# How far numbers are from one number.
distances() { # FROM
	awk -v from="$1" '{ d = $1 - from; print d < 0 ? -d : d }'
}

# Adds what is polled in a while to one log or two.
measure() { # LOG...
	local before
	before=$(wc -l <"$TMP/client/measurements.log")
	sleep "$SECONDS_MEASURED"
	tail -n +$((before + 1)) "$TMP/client/measurements.log" | tee -a "$@" >/dev/null
}

# Late receive stamps make a server seem ahead, by half as much; early transmit stamps behind.
correction() { # OFFSET
	if [ "$1" -gt 0 ]; then
		echo "receive_correction = $((-2 * $1))"
	else
		echo "transmit_correction = $((-2 * $1))"
	fi
}

correct() { # LINE
	write_config <<<"$1"
	kill -HUP "${PIDS[xntsd]}"
	sleep 1
}

# Others who ask; what became of their requests is in load_NAME.log.
ask_both() {
	local options=(-U -b 1 -r "$RATE" -k mixed -n 5000 -C "$TMP/ca.pem" -t 86400 --until "$TMP/enough")
	rm -f "$TMP/enough"
	start load_xnts client "${ONE_CPU[@]}" build/load/load "${options[@]}" -E "${SERVER[xnts_nts]}:4460" \
		cli0 "${SERVER[xnts_nts]}"
	start load_chronyd client "${ONE_CPU[@]}" build/load/load "${options[@]}" -E "${SERVER[chronyd_nts]}:5460" \
		cli0 "${SERVER[chronyd_nts]}:1123"
	sleep 2
	others_ask
}

others_ask() {
	local name
	for name in xnts chronyd; do
		running "load_$name" || { echo "bench: others do not ask $name: $(tail -n 1 "$TMP/load_$name.log")"; exit 1; }
	done
}

no_more_of_it() {
	local name
	others_ask
	touch "$TMP/enough"
	for name in xnts chronyd; do
		wait "${PIDS[load_$name]}" || { echo "bench: an answer of $name was wrong"; exit 1; }
		echo "bench: others asked $name: $(grep -o ' sent=.* lost=[0-9]*' "$TMP/load_$name.log")"
	done
}

print_row() { # LOG CORRECTIONS NAME
	local address=${SERVER[$3]} offset polls
	polls=$(column "$1" 12 "$address" | wc -l)
	[ "$polls" -gt 0 ] || { echo "bench: $3: no poll was answered"; exit 1; }
	offset=$(column "$1" 12 "$address" | median)
	printf '%-14s %-12s %5d %8d %8d %8d %8d\n' "$3" "$2" "$polls" "$offset" \
		"$(column "$1" 12 "$address" | distances "$offset" | median)" \
		"$(column "$1" 12 "$address" | distances 0 | median)" "$(column "$1" 13 "$address" | median)"
}

measure_rounds() { # STATE
	local round line
	for ((round = 1; round <= ROUNDS; round++)); do
		correct ""
		: >"$TMP/calibration"
		measure "$TMP/$1.installed" "$TMP/calibration"
		line=$(correction "$(column "$TMP/calibration" 12 "${SERVER[xnts_nts]}" "${SERVER[xnts_plain]}" | median)")
		correct "$line"
		echo "bench: $1, round $round: calibrated: $line"
		measure "$TMP/$1.calibrated"
	done
}

print_table() { # STATE
	echo "bench: $1: medians in ns; the clock is the same, so offsets are errors; spread: median distance from the median offset"
	printf '%-14s %-12s %5s %8s %8s %8s %8s\n' server corrections polls offset spread '|offset|' delay
	for name in xnts_nts xnts_plain; do
		print_row "$TMP/$1.installed" none $name
		print_row "$TMP/$1.calibrated" calibrated $name
	done
	for name in chronyd_nts chronyd_plain; do
		print_row "$TMP/$1.installed" none $name
		print_row "$TMP/$1.calibrated" "none, then" $name
	done
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || { echo "bench: offsets not measured: no package"; exit 0; }
make_net && make_certificates && write_config </dev/null || exit 1
for address in 11 12 13; do
	ip -n server address add 198.51.100.$address/24 dev srv0 || exit 1
done
start_xntsd && start_other_server && start_client || exit 1
wait_for 10 grep -q "${SERVER[xnts_nts]}" "$TMP/client/measurements.log"
sleep 3

measure_rounds "at rest"
print_table "at rest"
ask_both
measure_rounds "at work"
no_more_of_it
print_table "at work"
