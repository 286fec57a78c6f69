#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 280
#
# Floods beside honest clients, FLOOD_SECONDS each: plain NTP, garbage that looks like NTS of
# a genuine key, one valid NTS request replayed, all from a million sources that are not the
# sender's.  Meanwhile 100 clients, half of them with NTS, send bursts of 8 and then poll; and
# a chronyd of the server's host is a client over the same veth.
#
# The rate is half of what was measured just before, with the generator and the program on
# one CPU: so it is the program that is put to the test, not whether this machine keeps up.
# A veth holds 256 frames; what it drops beyond that neither end can answer for.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

FOR=${FLOOD_SECONDS:-4}
CLIENTS=100 HONEST=203.0.113.1 SOURCES=1000000

# ---- honest clients ----------------------------------------------------------

# Runs as the clients: one after the other, NTS and plain in turn, their answers verified.
honest() { # NAME RATE SECONDS
	in_ns client "$BUILD/load/load" -k mixed -U -K "$TMP/keys" -n 10000 -s $CLIENTS --from $HONEST \
		-r "$2" -t "$3" -v 1 cli0 "$SERVER4" | tee "$TMP/$1"
}

figure() { # NAME KEY
	grep -o " $2=[0-9.]*" "$TMP/$1" | tail -n 1 | cut -d= -f2
}

# All answered: nothing else would do.
all_of() { # NAME
	[ "$(figure "$1" sent)" -gt 0 ] && [ "$(figure "$1" answered)" -eq "$(figure "$1" sent)" ] &&
		[ "$(figure "$1" verified)" -eq "$(figure "$1" sent)" ] && [ "$(figure "$1" wrong)" -eq 0 ]
}

# Of so small a budget one pause of a virtual CPU in the middle of an answer takes all.
most_of() { # NAME
	[ "$(figure "$1" answered)" -ge $(($(figure "$1" sent) * 9 / 10)) ]
}

# ---- the host's own chronyd ----------------------------------------------------

# One on the client's side tells the time, one on the server's takes it.
start_own_chronyd() {
	run_chronyd teller client "$chrony" <<<$'local stratum 1\nallow'
	run_chronyd taker server "$chrony" <<<"server $CLIENT4 minpoll -2 maxpoll -2 iburst"$'\nport 0'
	wait_for 20 own_is_synchronised
}

own_chronyc() { # COMMAND...
	peer "$chrony" /usr/bin/chronyc
	in_ns server "${PEER[@]}" -h "$TMP/taker/cmd.sock" -n "$@"
}

own_is_synchronised() {
	own_chronyc sources | grep -q '^^\* .* 377 '
}

# ---- floods --------------------------------------------------------------------

# The rate of a flood: half of what is answered when the next is sent as answers come; the best of
# three, as the first ones find cold caches.
half_of_peak() { # KIND
	local best=0
	for _ in 1 2 3; do
		load 0 1 -k "$1" -b 16 >/dev/null
		[ "$(loaded answered)" -le "$best" ] || best=$(loaded answered)
	done
	echo $((best / 2))
}

# Bytes of the maps of the program on srv0.
memory() {
	local id
	id=$(ip -n server -d link show srv0 | grep -o 'prog/xdp id [0-9]*' | tr -dc 0-9)
	for id in $(bpftool -j prog show id "$id" | grep -o '"map_ids":\[[0-9,]*' | tr -c 0-9 ' '); do
		bpftool -j map show id "$id"
	done | grep -o '"bytes_memlock":[0-9]*' | awk -F: '{ n += $2 } END { printf "%.0f\n", n }'
}

# The daemon's kB.
resident() {
	awk '/VmRSS/ { print $2 }' "/proc/${PIDS[xntsd]}/status"
}


# Floods and lets the honest send their bursts and polls meanwhile.
flood() { # KIND RATE
	: >"$TMP/flood.log"
	rm -f "$TMP/enough"
	start flood client "$BUILD/load/load" -k "$1" -K "$TMP/keys" -s $SOURCES -r "$2" -t 100 -v 0 -b 16 \
		-u "$TMP/enough" cli0 "$SERVER4"
	sleep 1
	honest "$1.burst" $((8 * CLIENTS)) 1
	honest "$1.poll" $((CLIENTS / 2)) "$FOR"
	touch "$TMP/enough"
	wait_for 10 has_ended "${PIDS[flood]}"
	unset "PIDS[flood]"
	cp "$TMP/flood.log" "$TMP/$1.flood"
	cat "$TMP/flood.log"
	ip -n client -s link show cli0 | tail -n 4
}

# The senders are ours, and no matter of the product: on a machine that is too busy for them, each
# gets three tries, and then the case says so.
flooded() { # KIND RATE
	local sent
	for _ in 1 2 3; do
		flood "$1" "$2"
		sent=$(figure "$1.flood" sent)
		if [ "${sent:-0}" -gt $(($2 * FOR / 4)) ] && [ "$(figure "$1.burst" sent)" -ge $((4 * CLIENTS)) ] &&
			[ "$(figure "$1.poll" sent)" -ge $((CLIENTS * FOR / 4)) ]; then
			ok "$1: a flood of $2 a second, $sent in all"
			return
		fi
		sleep 4 # until each client may send a burst again
	done
	skip "$1: a flood of $2 a second" "this machine was busy: ${sent:-0} in all"
	return 1
}

withstands() { # KIND RATE
	flooded "$1" "$2"
	check "$1: every request of $CLIENTS bursts is answered" all_of "$1.burst"
	check "$1: and every poll" all_of "$1.poll"
	check "$1: the host's own chronyd stays synchronised" own_is_synchronised
}

write_limits() { # NTS_BUDGET
	write_config <<-END
		[limits]
		nts_budget = $1
		plain_interval = 500ms
		plain_burst = 16
		nts_interval = 500ms
		nts_burst = 16
	END
}

limit_to() { # NTS_BUDGET
	write_limits "$1"
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid" || bail "no reload"
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
write_config </dev/null # no limits but the budget's default: what can be answered at all
start_xntsd || bail "xntsd does not serve"
plain=$(half_of_peak plain) nts=$(half_of_peak nts)
stop xntsd
write_limits 80
start_xntsd || bail "xntsd does not serve with limits"
for ((i = 0; i < CLIENTS; i++)); do
	echo "address add 203.0.113.$((i + 1))/32 dev cli0"
done | ip -n client -batch -
start_own_chronyd || bail "the host's own chronyd does not synchronise"
maps=$(memory) rss=$(resident)

withstands plain "$plain"
withstands garbage "$nts"

# Beyond the budget: strangers are shed, those who verified lately are not.
limit_to 5
before=$(counter drop_over_budget)
if flooded garbage $((2 * nts)); then
	check "over the budget much is shed" [ "$(counter drop_over_budget)" -gt $((before + 1000)) ]
fi
check "but not polls of clients" most_of garbage.poll
limit_to 80

# Last: it makes a million addresses known.
withstands replay "$nts"
check_equal "the maps take what they took" "$(memory)" "$maps"
check "the daemon, too: $rss kB, now $(resident)" [ "$(resident)" -le $((rss * 11 / 10)) ]

finish
