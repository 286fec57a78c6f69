#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 420
#
# Real clients against xntsd over veth, IPv4, IPv6 and VLAN tags.  A case passes when
# the client says that its time is authenticated by NTS and the XDP program's
# counters say that it answered this client, and sent it no NAK.
. "$(dirname "$0")/../lib.sh"
. selftests/netns/clients.sh
need_root
sandbox "$@"

# CASE: one client, started and stopped alone, so that the counters are its own.
interop() { # CASE KIND FOLDER SERVER
	local before naks
	[ -n "$3" ] || { skip "$1" "apt could not fetch the package"; return; }
	before=$(counter nts_answered) naks=$(nak_count)
	"start_$2" "$2" "$3" "$4" </dev/null
	if ! wait_for 45 "$2_has_nts_time" "$2" "$3"; then
		not_ok "$1" "no NTS time after 45 s, nts_answered moved by $(($(counter nts_answered) - before))"
		tail -n 12 "$TMP/$2.log"
	elif [ "$(counter nts_answered)" -le "$before" ]; then
		not_ok "$1" "the client has NTS time, but nts_answered did not move"
	elif [ "$(nak_count)" -ne "$naks" ]; then
		not_ok "$1" "NAKs were sent"
	else
		ok "$1"
	fi
	stop "$2"
	rm -rf "${TMP:?}/$2" "$TMP/$2.log"
}

nak_count() {
	echo $(($(counter nak_key_unknown) + $(counter nak_bad_cookie) + $(counter nak_bad_tag)))
}

vlan_on() {
	in_ns client tc qdisc add dev cli0 clsact &&
		in_ns client tc filter add dev cli0 egress bpf da obj "$BUILD/netns/wire.bpf.o" sec tc/push &&
		in_ns client tc filter add dev cli0 ingress bpf da obj "$BUILD/netns/wire.bpf.o" sec tc/pop
}

# Tags put on and taken off, from the two programs' own maps.
tags() { # INDEX
	local id total=0 n
	for id in $(bpftool map show name tags | sed -n 's/^\([0-9]*\):.*/\1/p'); do
		n=$(bpftool -j map lookup id "$id" key "$1" 0 0 0 | grep -o '"value": *[0-9][0-9]*' | tr -dc 0-9)
		total=$((total + ${n:-0}))
	done
	echo "$total"
}

chrony43=$(scripts/unpack-deb.sh chrony bookworm) || chrony43=
chrony46=$(scripts/unpack-deb.sh chrony trixie) || chrony46=
ntpsec=$(scripts/unpack-deb.sh ntpsec bookworm) || ntpsec=
ntpdrs=$(scripts/unpack-deb.sh ntpd-rs trixie) || ntpdrs=

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"

for family in 4 6; do
	server=ntp$family.example
	interop "chronyd 4.3, IPv$family" chronyd "$chrony43" $server
	interop "chronyd 4.6.1, IPv$family" chronyd "$chrony46" $server
	interop "ntpsec 1.2.2, IPv$family" ntpsec "$ntpsec" $server
	interop "ntpd-rs 1.4.0, IPv$family" ntpdrs "$ntpdrs" $server
done

vlan_on || bail "no cls_bpf"
for family in 4 6; do
	interop "chronyd 4.3, IPv$family in a VLAN" chronyd "$chrony43" ntp$family.example
	interop "chronyd 4.6.1, IPv$family in a VLAN" chronyd "$chrony46" ntp$family.example
done
pushed=$(tags 0) popped=$(tags 1)
check "requests were tagged ($pushed)" [ "$pushed" -gt 0 ]
check "answers were tagged ($popped)" [ "$popped" -gt 0 ]
finish
