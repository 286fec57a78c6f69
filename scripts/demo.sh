#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/demo.sh, run by `make run`
#
# A playground in namespaces: xntsd answers from XDP on one end of a veth pair, a chronyd
# with NTS asks on the other, and both sides are shown until interrupted.
# ONCE=1 ends it as soon as the client has authenticated time.
# IFACE=eth0 serves on a real interface instead (scripts/serve.sh).
# Exit status 0: the client got NTS time.  It ends by itself within a minute when not.
. "$(dirname "$0")/playground.sh"

[ "$(id -u)" -eq 0 ] || { echo "make run needs root: sudo make run" >&2; exit 1; }
[ -z "${IFACE:-}" ] || exec "$XNTS_TOP/scripts/serve.sh" "$IFACE"
sandbox "$@"

fail() { # WHY
	echo "make run failed: $1" >&2
	for log in xntsd client; do
		[ -s "$TMP/$log.log" ] || continue
		echo "--- the end of $log's log:" >&2
		tail -n 15 "$TMP/$log.log" >&2
	done
	exit 1
}

# Debian's chronyd, unpacked and not installed; else the one that is installed.
find_chrony() {
	"$XNTS_TOP/scripts/unpack-deb.sh" chrony && return
	[ -x /usr/sbin/chronyd ] && echo ""
}

show() {
	printf '\n--- %s: the client, chronyc -N sources and authdata\n' "$(date -u +%T)"
	chronyc client "$chrony" sources
	chronyc client "$chrony" authdata
	printf '\n--- the server, scripts/status.sh: answered in XDP\n'
	in_ns server "$XNTS_TOP/scripts/status.sh"
}

echo "building the playground"
chrony=$(find_chrony) || fail "no chronyd: apt could not fetch one"
make_net || fail "could not make the veth pair"
make_names || fail "could not set names"
make_certificates || fail "openssl could not make certificates"
write_config </dev/null
start_xntsd || fail "xntsd does not serve"
start_chronyd client "$chrony" $SERVER_NAME </dev/null
wait_for 30 chronyd_has_nts_time client "$chrony" || fail "the client is not synchronised with NTS after 30 s"
answered=$(counter nts_answered)
[ "$answered" -gt 0 ] || fail "the client has NTS time, but not from the XDP program: nts_answered is 0"

show
if [ -n "${ONCE:-}" ]; then
	printf '\nthe client is synchronised; %s NTS answers came from XDP\n' "$answered"
	exit 0
fi

cat <<END

It goes on until Ctrl-C.  From another terminal, as root:
  nsenter -t $OUTER_PID -m bpftool map dump pinned $PIN_DIR/counters
  nsenter -t $OUTER_PID -m bpftool map dump pinned $PIN_DIR/clock
  nsenter -t $OUTER_PID -m nsenter --net=/run/netns/client tcpdump -ni cli0 udp port 123
END
trap 'exit 0' INT
while sleep 5; do
	running xntsd || fail "xntsd ended"
	running client || fail "chronyd ended"
	show
done
