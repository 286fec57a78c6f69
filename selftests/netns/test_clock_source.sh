#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# A chronyd beside xntsd, on the same host and ports: answers of the packet path say what
# chronyd says of their common clock, and stop saying it when chronyd does.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

LOCALHOST_REFID="127 127 1 1" # of chronyd's `local`

# LI, stratum and reference id of the packet path's answer.
answer() {
	ask client "$SERVER4" | awk '{ print int($1 / 64), $2, $13, $14, $15, $16 }'
}

answers() { # LI STRATUM REFID
	[ "$(answer)" = "$1 $2 $3" ]
}

# chronyd as a server's administrator runs it, but that it leaves the clock alone.
start_server_chronyd() { # LINES
	printf '%s\n' "$1" "pidfile $TMP/chronyd.pid" "bindcmdaddress /" >"$TMP/server-chrony.conf"
	peer "$chrony" /usr/sbin/chronyd
	start chronyd server "${PEER[@]}" -x -d -u root -f "$TMP/server-chrony.conf"
}

# xntsd looks for chronyc in /usr/bin and here.
install_chronyc() {
	[ ! -e /usr/bin/chronyc ] || return 0
	mount -t tmpfs xnts /usr/local/bin
	peer "$chrony" /usr/bin/chronyc
	printf '#!/bin/sh\nexec %s "$@"\n' "${PEER[*]}" >/usr/local/bin/chronyc
	chmod 755 /usr/local/bin/chronyc
}

logged() { # WORDS
	grep -qF -- "$1" "$TMP/xntsd.log"
}

# Listens where NTS-KE would, had it keys.
take_port() {
	start taker server python3 -c '
import signal, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 4460))
s.listen()
signal.pause()'
	wait_for 5 ke_listens
}

no_worker_is_ready() {
	"$BUILD/xnts" check | grep -q "NTS-KE: none of 1 workers is ready"
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
install_chronyc
make_playground || bail "no playground"
sed -i 's/^source = .*/source = auto\nhold = 4s/' "$TMP/xnts.conf"

start_without_keys || bail "xntsd does not start"
check "no source: unsynchronised" answers 3 0 "0 0 0 0"
check "no source: the log says what to do" wait_for 5 logged 'allow 127.0.0.1'
check_equal "no source: once" "$(grep -cF 'allow 127.0.0.1' "$TMP/xntsd.log")" 1
check_equal "no source: keys wait, and the log says so once" "$(grep -cF 'no secret yet' "$TMP/xntsd.log")" 1
check "no keys: clients of NTS-KE are refused" not ke_listens
take_port || bail "the port of NTS-KE cannot be taken"

start_server_chronyd $'local stratum 3\nallow 127.0.0.1'
check "chronyd that answers NTP on loopback: copied" wait_for 10 answers 0 3 "$LOCALHOST_REFID"
check "the first keys, but another has the port: the log says so" wait_for 5 logged "cannot listen on [::]:4460: Address already in use"
check "and xnts check" wait_for 5 no_worker_is_ready
stop chronyd
check "chronyd gone: good for the hold time" answers 0 3 "$LOCALHOST_REFID"
check "then unsynchronised" wait_for 10 answers 3 0 "0 0 0 0"

start_server_chronyd "local stratum 5"
check "chronyd with no NTP port: copied by chronyc" wait_for 10 answers 0 5 "$LOCALHOST_REFID"
check "by chronyc" wait_for 15 logged "according to chronyc"
stop chronyd

# Unsynchronised at once: the hold time of the last good news does not matter.
start_server_chronyd $'local stratum 3\nallow 127.0.0.1'
sed -i 's/^hold = .*/hold = 1h/' "$TMP/xnts.conf"
"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
check "a longer hold time" wait_for 10 answers 0 3 "$LOCALHOST_REFID"
stop chronyd
start_server_chronyd "allow 127.0.0.1"
check "chronyd that is not synchronised: nor are we, at once" wait_for 10 answers 3 0 "0 0 0 0"
stop chronyd

sed -i 's/^source = .*/source = ntp [::1]:11123/' "$TMP/xnts.conf"
"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
start_server_chronyd $'local stratum 7\nallow ::1\nport 11123'
check "another port, IPv6" wait_for 10 answers 0 7 "$LOCALHOST_REFID"
stop taker
check "the port is free again: within half a minute NTS-KE listens" wait_for 35 ke_listens
check "xnts check is content with it" wait_for 5 not no_worker_is_ready
finish
