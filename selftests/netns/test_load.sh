#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The load generator itself: what it sends is answered, what it verifies is what xntsd or
# chronyd sealed, and it leaves the interface as it was.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

program_id() {
	ip -n client -d link show cli0 | grep -o 'prog/xdp id [0-9]*'
}

# The kinds that are answered: all of them, verified, nothing lost.
all_well() { # OPTION...
	load 3000 1 -n 10000 -w 32 "$@" && [ "$(loaded sent)" -gt 100 ] && [ "$(loaded lost)" -eq 0 ] &&
		[ "$(loaded answered)" -eq "$(loaded sent)" ] && [ "$(loaded verified)" -gt 10 ]
}

# Attacks get kisses at most.
none_answered() { # OPTION...
	load 3000 1 -n 10000 "$@" && [ "$(loaded sent)" -gt 100 ] && [ "$(loaded answered)" -eq 0 ] &&
		[ "$(loaded kissed)" -gt 0 ]
}

# --search, where the answers of a CPU are limited to 10,000 a second.
finds_the_limit() {
	local best
	write_config <<<$'[limits]\nceiling = '$((10000 * $(nproc)))
	reload && load 0 0.5 -k plain -v 0 -c 0 --search || return
	best=$(sed -n 's/^run=best .* rate=\([0-9]*\) .*/\1/p' "$TMP/loaded")
	echo "found: $best"
	[ "$best" -gt 2500 ] && [ "$best" -lt 10400 ]
}

start_server_chronyd() {
	ip -n server link set srv0 xdp object "$BUILD/netns/wire.bpf.o" section xdp || return
	start_chrony_server served server "$chrony" </dev/null
	wait_for 10 ke_listens
}

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
before=$(program_id)
check "plain NTP" all_well -k plain -v 5
check "NTS, cookies of our own" all_well -k nts -v 5
check "mixed, with placeholders" all_well -k mixed --placeholders 2 -v 5
check "NTS, cookies of NTS-KE" all_well -k nts -E "$SERVER_NAME4:4460" -C "$TMP/ca.pem" -v 5
check "one request again and again" all_well -k replay -s 1000000 -v 5
check "through a socket" all_well -k mixed -U -v 5
check "paced in the kernel" all_well -k mixed --pace -v 5
check "cookies that do not open" none_answered -k bad-cookie
check "requests that do not verify" none_answered -k bad-tag
check "closed loop" load 0 1 -k plain
check "has answers" [ "$(loaded answered)" -gt 10000 ]
check "the search finds the limit of a server" finds_the_limit
check_equal "the interface's program is back" "$(program_id)" "$before"
check_equal "and lo has none" "$(ip -n client -d link show lo | grep -c xdp)" 0

stop xntsd
in_ns server "$BUILD/xntsd" --unload
if chrony=$(scripts/unpack-deb.sh chrony bookworm); then
	start_server_chronyd || bail "chronyd does not serve"
	check "chronyd's NTS" all_well -k nts -E "$SERVER_NAME4:4460" -C "$TMP/ca.pem" -v 5
	check "chronyd's plain NTP" all_well -k plain -v 5
else
	skip "chronyd" "apt could not fetch it"
fi
finish
