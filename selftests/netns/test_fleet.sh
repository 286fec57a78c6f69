#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# Two machines with one secret, one for key establishment and one for NTP: chronyd gets
# its cookies from the first, whose answer sends it to the second.  So it goes across changes of
# epochs, a reseed carried from the one to the other while both serve, and a
# revocation; with a secret of its own the second sends NAKs.
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
start_second() {
	start second second unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$@"' sh \
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
sleep $((EPOCH + 1))
check "another key seals" [ "$(sealing_id)" != "$id" ]
check "so it does in later epochs" cookies_are_shared

check "a reseed, to seal in ${EPOCH} s" first_keys reseed ${EPOCH}s
check "is carried while both serve" carry_secret
check "before it seals, cookies are answered" cookies_are_shared
sleep $((EPOCH + 1))
id=$(sealing_id)
check_equal "a key of the next generation seals" "${id:0:1}" 2
check "and its cookies are answered" cookies_are_shared

first_keys revoke && second_keys revoke
check "the old generation is listed no more" [ "$(first_keys | grep -c generation)" -eq 1 ]
sleep 2
check "after the revocation cookies are answered" cookies_are_shared

rm "$TMP/second.keys"
second_keys init || bail "no secret of its own"
sleep 2
before=$(second_naks)
check "a secret of its own: the cookies are not answered" eval '! cookies_are_shared'
check "but with NAKs" [ "$(second_naks)" -gt "$before" ]
finish
