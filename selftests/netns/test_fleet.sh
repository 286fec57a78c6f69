#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 400
#
# Two machines with one secret, one for key establishment and one for NTP: chronyd gets
# its cookies from the first, whose answer sends it to the second.  So it goes across changes of
# epochs, a reseed carried from the one to the other while both serve, and a
# revocation; with a secret of its own the second sends NAKs.
#
# Then both do both, behind one address, their clocks FLEET_SKEW (3) s apart.
. "$(dirname "$0")/../lib.sh"
. selftests/netns/clients.sh
need_root
sandbox "$@"

SECOND4=203.0.113.1
EPOCH=4 # s

make_second_net() {
	ip netns add second && ip -n second link set lo up &&
		ip -n second link add srv1 type veth peer name cli1 netns client &&
		wire_end second srv1 $SECOND4/24 2001:db8:65::1/64 &&
		wire_end client cli1 203.0.113.2/24 2001:db8:65::2/64 &&
		ip -n client link set cli1 xdp object "$BUILD/netns/wire.bpf.o" section xdp &&
		wait_for 5 in_ns client ping -c 1 -W 1 $SECOND4
}

write_second_config() {
	cat >"$TMP/second.conf" <<-END
		[server]
		role = ntp
		[ntp]
		interfaces = srv1
		[keys]
		state = $TMP/second.keys
		epoch = ${EPOCH}s
		[clock]
		source = local
	END
}

# With a bpffs of its own, as on another machine.
start_second() { # COMMAND...
	start second second "$@" unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$@"' sh \
		"$BUILD/xntsd" --config "$TMP/second.conf" --pid-file "$TMP/second.pid"
	wait_for 10 second_is_attached
}

second_is_attached() {
	ip -n second link show srv1 | grep -q xdp
}

second_counter() { # NAME
	nsenter --mount="/proc/${PIDS[second]}/ns/mnt" bpftool -j map dump pinned "$PIN_DIR/counters" |
		grep -o "\"$1\": *[0-9]*" | awk -F: '{ n += $2 } END { if (!NR) exit 1; printf "%.0f\n", n }'
}

second_naks() {
	echo $(($(second_counter nak_key_unknown) + $(second_counter nak_bad_cookie)))
}

first_keys() { # WORD...
	"$BUILD/xnts" keys -c "$TMP/xnts.conf" "$@"
}

second_keys() { # WORD...
	"$BUILD/xnts" keys -c "$TMP/second.conf" "$@"
}

# What the first machine's secret holds becomes the second's.
carry_secret() {
	rm -f "$TMP/secret"
	first_keys export "$TMP/secret" && second_keys import "$TMP/secret"
}

sealing_id() {
	first_keys | awk '/seals cookies/ { print $1 }'
}

another_seals() { # ID
	[ "$(sealing_id)" != "$1" ]
}

generation_seals() { # NUMBER
	[[ $(sealing_id) == "$1"* ]]
}

# A chronyd with fresh cookies of the first machine is answered by the second, without a NAK.
cookies_are_shared() {
	local before naks result=0
	before=$(second_counter nts_answered) naks=$(second_naks)
	start_chronyd client "$chrony" "$SERVER_NAME4" </dev/null
	wait_for 20 chronyd_has_nts_time client "$chrony" || result=1
	stop client
	echo "answered $(($(second_counter nts_answered) - before)), NAKs $(($(second_naks) - naks))"
	[ "$(second_counter nts_answered)" -gt "$before" ] && [ "$(second_naks)" -eq "$naks" ] && return "$result"
}

more_naks_than() { # NUMBER
	[ "$(second_naks)" -gt "$1" ]
}

# A chronyd with fresh cookies of the first machine gets NAKs of the second, and nothing else.
cookies_are_refused() {
	local before naks result=0
	before=$(second_counter nts_answered) naks=$(second_naks)
	start_chronyd client "$chrony" "$SERVER_NAME4" </dev/null
	wait_for 20 more_naks_than "$naks" || result=1
	sleep 1
	stop client
	echo "answered $(($(second_counter nts_answered) - before)), NAKs $(($(second_naks) - naks))"
	[ "$(second_counter nts_answered)" -eq "$before" ] && return "$result"
}

# ---- one address, two clocks ---------------------------------------------------

SKEW=${FLEET_SKEW:-3}

write_skewed_configs() {
	write_config <<-END
		[keys]
		epoch = $((SKEW * 2))s
	END
	sed "s/srv0/srv1/; s|$TMP/keys|$TMP/second.keys|" "$TMP/xnts.conf" >"$TMP/second.conf"
}

# The second has the first's address, too; the client's route decides who gets its packets.
go_to() { # first|second
	if [ "$1" = first ]; then
		ip -n client route flush "$SERVER4/32"
	else
		ip -n client route replace "$SERVER4/32" via "$SECOND4"
	fi
}

second_seal_id() {
	nsenter --mount="/proc/${PIDS[second]}/ns/mnt" bpftool -j map dump pinned "$PIN_DIR/key_state" |
		grep -o '"seal_id": *[0-9]*' | head -n 1 | tr -dc 0-9
}

# Cookies that one machine sealed go to the other, back and forth, until the first has gone on to its
# next key twice.  Counts how often the machines were seen to seal with different keys.
alternate() {
	local changes=0 first second last
	APART=0
	last=$(seal_id)
	while [ "$changes" -lt 2 ]; do
		go_to second
		sleep 0.2
		first=$(seal_id) second=$(second_seal_id)
		[ "$first" = "$second" ] || APART=$((APART + 1))
		[ "$first" = "$last" ] || changes=$((changes + 1))
		last=$first
		go_to first
		sleep 0.2
	done
}

# A key exchange with one machine, its cookies first used at the other.
cookies_go_over() { # FROM TO
	local result=0
	go_to "$1"
	start_chronyd over "$chrony" "$SERVER_NAME4" "minpoll -6 maxpoll -6" </dev/null
	wait_for 20 chronyd_has_nts_time over "$chrony" || result=1
	go_to "$2"
	sleep 0.5
	stop over
	go_to first
	return "$result"
}

# In the time in which only one machine has gone on.
are_apart() {
	[ "$(seal_id)" != "$(second_seal_id)" ]
}

fleet_with_skew() {
	local naks answered
	ip -n second address add "$SERVER4/32" dev lo
	naks=$(($(counter nak_key_unknown) + $(counter nak_bad_cookie) + $(second_naks)))
	answered=$(counter nts_answered)
	start_chronyd fast "$chrony" "$SERVER_NAME4" "minpoll -6 maxpoll -6" </dev/null
	check "the first is asked" wait_for 20 chronyd_has_nts_time fast "$chrony"
	alternate
	stop fast
	echo "seen apart $APART times; answered $(($(counter nts_answered) - answered)) and $(second_counter nts_answered)"
	check "the machines sealed with different keys meanwhile" [ "$APART" -gt 3 ]
	check "the first answered" [ $(($(counter nts_answered) - answered)) -gt 50 ]
	check "the second answered" [ "$(second_counter nts_answered)" -gt 50 ]
	check "now one has gone on" wait_for $((SKEW * 3)) are_apart
	check "new cookies of the first go to the second" cookies_go_over first second
	check "now one has gone on" wait_for $((SKEW * 3)) are_apart
	check "new cookies of the second go to the first" cookies_go_over second first
	check_equal "not one NAK" \
		$(($(counter nak_key_unknown) + $(counter nak_bad_cookie) + $(second_naks))) "$naks"
}

# ---- the test --------------------------------------------------------------------

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
make_second_net || bail "no second server"
write_config <<-END
	[ke]
	ntp_server = $SECOND4
	[keys]
	epoch = ${EPOCH}s
END
sed -i '1i [server]\nrole = ke' "$TMP/xnts.conf"
write_second_config
start_xntsd || bail "xntsd does not serve"
wait_for 10 test -s "$TMP/keys" || bail "no secret was made"
carry_secret || bail "the secret cannot be carried"
start_second || bail "the second xntsd does not serve"

check "the first answers no NTP itself" eval '! ip -n server link show srv0 | grep -q xdp'
check "the second answers cookies of the first" cookies_are_shared
if ntpdrs=$(scripts/unpack-deb.sh ntpd-rs trixie); then
	before=$(second_counter nts_answered)
	start_ntpdrs rs "$ntpdrs" "$SERVER_NAME4"
	check "ntpd-rs is sent to the second as well" wait_for 45 ntpdrs_has_nts_time rs "$ntpdrs"
	check "and answered there" [ "$(second_counter nts_answered)" -gt "$before" ]
	stop rs
else
	skip "ntpd-rs is sent to the second as well" "apt could not fetch ntpd-rs"
fi
id=$(sealing_id)
check "another key seals" wait_for $((EPOCH * 2)) another_seals "$id"
check "so it does in later epochs" cookies_are_shared

check "a reseed, to seal in ${EPOCH} s" first_keys reseed ${EPOCH}s
check "is carried while both serve" carry_secret
check "before it seals, cookies are answered" cookies_are_shared
check "then a key of the next generation seals" wait_for $((EPOCH * 2)) generation_seals 2
check "and its cookies are answered" cookies_are_shared

first_keys revoke && second_keys revoke
check "the old generation is listed no more" [ "$(first_keys | grep -c generation)" -eq 1 ]
sleep 2
check "after the revocation cookies are answered" cookies_are_shared

rm "$TMP/second.keys"
second_keys init || bail "no secret of its own"
sleep 2
check "a secret of its own: the cookies are answered with NAKs, all of them" cookies_are_refused

stop second
stop xntsd
rm -f "$TMP/keys" "$TMP/second.keys"
write_skewed_configs
start_xntsd || bail "xntsd does not serve both"
wait_for 10 test -s "$TMP/keys" || bail "no secret was made"
carry_secret || bail "the secret cannot be carried"
start_second env LD_PRELOAD="$BUILD/netns/skew.preload.so" XNTS_SKEW="$SKEW" ||
	bail "the second xntsd does not serve both"
fleet_with_skew
finish
