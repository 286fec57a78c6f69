#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# make soak MIN=20: for so many minutes everything at once.  Honest clients, plain and NTS,
# on one cable; on another one floods, false cookies and malformed packets; cookie keys that
# change every other second; and in each round of a minute or so
#
#     reload, new certificate, clock source away for longer than it holds,
#     and in the first half of the time: restart, kill -9, another version and back.
#
# At the end an account: what the honest sent and lost (nothing), memory first and last,
# and the counters that must be zero.  Limits and budgets are those of an empty [limits].
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

MIN=${MIN:-20} RATE=${SOAK_RATE:-10000} ATTACK_RATE=${ATTACK_RATE:-10000}
THIS=$BUILD NEXT=$BUILD/next/build
ATTACKED4=198.51.101.1
ZERO="drop_busy drop_internal pass_no_config drop_limited drop_nts_limited drop_over_budget
	drop_over_ceiling drop_refused refused_stamps error_internal refused_full refused_prefix
	reloads_refused links_reattached"

# ---- the second cable, and the attackers on it ---------------------------------------

make_second_cable() {
	ip netns add attacker
	ip -n server link add srv1 type veth peer name att0 netns attacker || return
	wire_end server srv1 $ATTACKED4/24 2001:db8:65::1/64 || return
	wire_end attacker att0 198.51.101.2/24 2001:db8:65::2/64 || return
	ip -n attacker link set att0 xdp object "$BUILD/netns/wire.bpf.o" section xdp || return
	wait_for 5 in_ns attacker ping -c 1 -W 1 $ATTACKED4
}

# One kind after the other, until there is $TMP/peace.
attacks() {
	local kind mac
	mac=$(ip -n server -br link show srv1 | awk '{ print $3 }')
	while :; do
		for kind in bad-cookie bad-tag garbage replay plain malformed; do
			[ ! -e "$TMP/peace" ] || return
			[ "$kind" != malformed ] || [ ! -e "$TMP/modest" ] || continue
			case $kind in
			plain | malformed) in_ns attacker selftests/netns/flood.py att0 "$mac" "$ATTACKED4" "$kind" 3 |
				sed 's/^/sent=/' ;;
			*) in_ns attacker "$BUILD/load/load" -k "$kind" -K "$TMP/keys" -r "$ATTACK_RATE" -t 3 -n 1000 att0 "$ATTACKED4" ;;
			esac
		done
	done
}

# ---- the honest ----------------------------------------------------------------------

declare -A ACCOUNT=()
book() { # FILE
	local word figure
	for word in sent answered unsynchronised kissed unanswered verified wrong stray; do
		figure=$(grep -o " $word=[0-9]*" "$1" | tail -n 1 | cut -d= -f2)
		[ -n "$figure" ] || { cat "$1"; return 1; }
		ACCOUNT[$word]=$((${ACCOUNT[$word]:-0} + figure))
	done
}

under_way() { # MORE THAN
	running honest && [ "$(counter nts_answered)" -gt "$1" ]
}

start_honest() {
	rm -f "$TMP/enough" "$TMP/honest.log"
	start honest client "$BUILD/load/load" -k mixed -K "$TMP/keys" -r "$RATE" -t 600 -w 200 -v 100 -u "$TMP/enough" cli0 "$SERVER4"
	wait_for 60 under_way $(($(counter nts_answered) + RATE / 10))
}

end_honest() {
	touch "$TMP/enough"
	wait_for 10 has_ended "${PIDS[honest]}" || return
	unset "PIDS[honest]"
	cat "$TMP/honest.log"
	book "$TMP/honest.log"
}

# New clients, and their cookies at once.
key_exchanges() {
	load $((RATE / 5)) 2 -w 100 -k nts -E "$SERVER_NAME4:4460" -C "$TMP/ca.pem" --sessions 64 && book "$TMP/loaded"
}

# ---- what happens to the server ------------------------------------------------------

serial_served() {
	in_ns client openssl s_client -connect "$SERVER4:4460" -alpn ntske/1 </dev/null 2>/dev/null | openssl x509 -noout -serial
}

serves_new_certificate() {
	[ "$(serial_served)" = "$(openssl x509 -noout -serial -in "$TMP/server.pem")" ]
}

new_certificate() {
	make_certificate && wait_for 90 serves_new_certificate
}

start_clock_source() {
	printf '%s\n' "local stratum 3" "allow 127.0.0.1" "port 11123" "cmdport 0" "pidfile $TMP/chronyd.pid" \
		"bindcmdaddress /" >"$TMP/source.conf"
	peer "$chrony" /usr/sbin/chronyd
	start source server "${PEER[@]}" -x -d -u root -f "$TMP/source.conf"
}

says_stratum() { # STRATUM; 0: unsynchronised
	[ "$(ask client "$SERVER4" | awk '{ print $2 }')" = "$1" ]
}

clock_source_away() {
	stop source
	wait_for 20 says_stratum 0 || return
	start_clock_source && wait_for 20 says_stratum 3
}

declare -A WORKED=()
act() { # NAME COMMAND...
	if "${@:2}"; then
		WORKED[$1]=$((${WORKED[$1]:-0} + 1))
	else
		not_ok "$1" "did not work after $SECONDS s"
	fi
}

# The other version counts false modes as what this one does not know, and would not be
# left for it with such a count.
none_malformed() {
	! pgrep -f 'flood[.]py .* malformed' >/dev/null
}

other_version() {
	touch "$TMP/modest"
	sleep 0.5
	wait_for 10 none_malformed && change_to "$NEXT"
}

restarts() {
	act "restarted" change_to "$THIS"
	act "killed and started" change_to "$THIS" KILL
	act "changed for another version" other_version
	act "and back" change_to "$THIS"
	rm "$TMP/modest"
}

events() {
	act "reloaded" reload
	act "new certificate" new_certificate
	act "clock source away and back" clock_source_away
	[ "$SECONDS" -ge $((MIN * 30)) ] || restarts
}

# ---- the account ---------------------------------------------------------------------

# Of xntsd with its workers, and of the maps, in kB.
resident() {
	ps -o rss= -p "${PIDS[xntsd]}" --ppid "${PIDS[xntsd]}" | awk '{ n += $1 } END { print n }'
}

map_memory() {
	local map
	for map in "$PIN_DIR"/*; do
		bpftool map show pinned "$map" 2>/dev/null
	done | grep -o 'memlock [0-9]*' | awk '{ n += $2 } END { printf "%.0f\n", n / 1024 }'
}

stat_of() { # COUNTER
	{ "$BUILD/xnts" stats -ja && bpftool -j map dump pinned "$PIN_DIR/daemon_counters"; } |
		grep -o "\"$1\": *[0-9]*" | head -n 1 | grep -o '[0-9]*$'
}

round() {
	start_honest || bail "no load"
	events
	end_honest || bail "the load did not end well"
	act "new clients" key_exchanges
	echo "# after $SECONDS s: ${ACCOUNT[sent]} sent, ${ACCOUNT[unanswered]} unanswered; xntsd $(resident) kB, maps $(map_memory) kB"
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony, the clock source"
make_playground || bail "no playground"
make_second_cable || bail "no second cable"
write_config <<-END
	hold = 3s
END
sed -i -e 's/^interfaces = .*/interfaces = srv0 srv1/' -e 's/^source = .*/source = ntp 127.0.0.1:11123/' \
	-e 's/^\[keys\]/&\nepoch = 2s\nkeep = 48\npreload = 14/' "$TMP/xnts.conf"
ip -n client link set cli0 up
start_clock_source
start_xntsd || bail "xntsd does not serve"
wait_for 20 says_stratum 3 || bail "the clock source is not heard"
ip -n server route add 10.0.0.0/8 via "$CLIENT4"
attacks >"$TMP/attacks.log" 2>&1 &
PIDS["attacks"]=$!

SECONDS=0 first_rss='' first_maps=''
until [ "$SECONDS" -ge $((MIN * 60)) ]; do
	round
	# The daemon that lives to the end is there from the first round without a restart.
	[ "$SECONDS" -lt $((MIN * 30)) ] || : "${first_rss:=$(resident)}"
	: "${first_maps:=$(map_memory)}"
done
touch "$TMP/peace"
wait_for 10 has_ended "${PIDS[attacks]}"
last_rss=$(resident) last_maps=$(map_memory)

echo "# attacks: $(grep -o 'sent=[0-9]*' "$TMP/attacks.log" | cut -d= -f2 | awk '{ n += $1 } END { print n }') packets"
for what in "${!WORKED[@]}"; do
	ok "$what, ${WORKED[$what]} times"
done
for word in sent answered unsynchronised kissed verified; do
	echo "# $word: ${ACCOUNT[$word]}"
done
check "the honest were served, unsynchronised meanwhile too" [ "${ACCOUNT[unsynchronised]}" -gt 0 ]
check_equal "lost of ${ACCOUNT[sent]}" "$((ACCOUNT[sent] - ACCOUNT[answered] - ACCOUNT[unsynchronised]))" 0
check_equal "each answered by itself: unanswered" "${ACCOUNT[unanswered]}" 0
check_equal "of ${ACCOUNT[verified]} verified, wrong; and stray" "${ACCOUNT[wrong]} ${ACCOUNT[stray]}" "0 0"
check "memory of xntsd and its workers: $first_rss kB, then $last_rss kB" [ "$last_rss" -le $((first_rss + first_rss / 20 + 512)) ]
check_equal "memory of the maps, kB" "$last_maps" "$first_maps"
for word in $ZERO; do
	check_equal "counter $word" "$(stat_of "$word")" 0
done
finish
