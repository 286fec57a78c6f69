#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The unit's capabilities by experiment: with all of them the daemon serves, and without any one
# of them it lacks something.  The configuration uses what they are for: a KE port below 1024 and a key
# that another account owns.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

capabilities() { # the unit's, as setpriv calls them
	sed -n 's/^CapabilityBoundingSet=//p' scripts/xntsd.service | tr '[:upper:]' '[:lower:]' | sed 's/cap_//g'
}

without() { # CAPABILITY, or nothing
	capabilities | tr ' ' '\n' | grep -vx "${1:-none}" | sed 's/^/+/' | paste -sd,
}

start_with() { # CAPABILITIES
	: >"$TMP/xntsd.log"
	start xntsd server setpriv --bounding-set "-all,$1" --inh-caps -all "$BUILD/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
}

serves() {
	running xntsd && in_ns server "$BUILD/xnts" check && "$BUILD/xnts" status | grep -q "1 of 1 workers ready" && in_ns client bash -c "</dev/tcp/$SERVER4/460"
}

clean_up() {
	stop xntsd
	"$BUILD/xntsd" --unload 2>/dev/null
}

fails_without() { # CAPABILITY WORDS: it ends, or lives without a worker, and says so
	start_with "$(without "$1")"
	local said=1
	wait_for 10 grep -qE "$2" "$TMP/xntsd.log" && not serves >/dev/null && said=0
	[ "$said" -eq 0 ] || cat "$TMP/xntsd.log"
	clean_up
	return "$said"
}

worker() {
	pgrep -f -- --ke-worker
}

# A worker that no longer listens can only be ended by force: yes, no, or why it was not tried.
ends_a_stuck_worker() { # CAPABILITIES
	local pid ended=no
	start_with "$1"
	wait_for 10 serves || { clean_up; echo "does not serve"; return; }
	pid=$(worker | head -n 1)
	kill -STOP "$pid"
	kill "${PIDS[xntsd]}"
	wait_for 4 has_ended "$pid" && ended=yes
	kill -KILL "$pid" 2>/dev/null
	clean_up
	echo "$ended"
}

make_playground || bail "no playground"
chown 1 "$TMP/server.key" && chmod 600 "$TMP/server.key"
chmod 755 "$TMP"
write_config </dev/null
sed -i 's/:4460/:460/' "$TMP/xnts.conf"

start_with "$(without)"
check "serves with the unit's capabilities" wait_for 10 serves
clean_up
check "CAP_BPF: loads the program" fails_without bpf "kernel refuses|cannot|not permitted"
check "CAP_PERFMON: loads the program" fails_without perfmon "kernel refuses"
check "CAP_NET_ADMIN: attaches" fails_without net_admin "not permitted"
check "CAP_NET_BIND_SERVICE: the KE port" fails_without net_bind_service "Permission denied"
check "CAP_DAC_READ_SEARCH: the key of another account" fails_without dac_read_search "cannot read .*server.key"
for capability in setuid setgid setpcap; do
	check "CAP_${capability^^}: the workers' account" fails_without "$capability" "worker 0 .*(ended|cannot)"
done
check_equal "CAP_KILL: ends a worker that is stuck" "$(ends_a_stuck_worker "$(without)")" yes
check_equal "and nothing else does" "$(ends_a_stuck_worker "$(without kill)")" no
finish
