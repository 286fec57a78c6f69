#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The daemon's metrics over HTTP: both formats, what is refused, and reloading.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# One HTTP/1.0 exchange, the answer as it comes.
http() { # PORT METHOD PATH [HEADER]
	# shellcheck disable=SC2016 # of the inner shell
	in_ns server timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"
		printf "%s %s HTTP/1.0\r\n%s\r\n" "$1" "$2" "${3:+$3
}" >&3
		cat <&3' "$@" 2>"$TMP/http.err"
}

has() { # WORDS HTTP-ARGUMENTS...
	http "${@:2}" | tr -d '\r' >"$TMP/said"
	grep -qF -- "$1" "$TMP/said" || { head -n 5 "$TMP/said"; return 1; }
}

hasnt() { # WORDS HTTP-ARGUMENTS...
	! has "$@" >/dev/null
}

metric() { # NAME
	http 9123 GET /metrics | tr -d '\r' | awk -v n="$1" '$1 == n { print $2 }'
}

answers_are_timed() {
	"$BUILD/xnts" stats | grep -q "plain mean .* us, half within"
}

reload_with() { # LINES
	write_config <<<"$1"
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
}

open_metrics='Accept: application/openmetrics-text; version=1.0.0'
counted='xnts_packets_total{verdict="plain_answered",action="tx"}'

make_playground || bail "no playground"
write_config <<<$'[metrics]\nlisten = 127.0.0.1:9123\nlatency = on'
start_xntsd || bail "xntsd does not serve"
check "serves" wait_for 5 has "HTTP/1.1 200 OK" 9123 GET /metrics
check "Prometheus: type" has "Content-Type: text/plain; version=0.0.4" 9123 GET /metrics
check "OpenMetrics: type" has "Content-Type: application/openmetrics-text; version=1.0.0" 9123 GET /metrics "$open_metrics"
check "OpenMetrics: end" has "# EOF" 9123 GET /metrics "$open_metrics"
check "Prometheus: no such end" hasnt "# EOF" 9123 GET /metrics
check "HEAD" has "HTTP/1.1 200 OK" 9123 HEAD /metrics
check "other paths" has "404" 9123 GET /
check "other methods" has "405" 9123 POST /metrics
check "garbage" hasnt "200" 9123 $'\x01\x02' /
check "still serves" has "200 OK" 9123 GET /metrics

before=$(metric "$counted")
ask client "$SERVER4" >/dev/null
check_equal "an answer is counted" "$(($(metric "$counted") - before))" 1
check_equal "and its time" "$(metric 'xnts_answer_duration_seconds_count{kind="plain"}')" "$(metric "$counted")"
check "which xnts stats shows" answers_are_timed
check_equal "the link is up" "$(metric 'xnts_link_up{interface="srv0",mode="native"}')" 1
check "what the driver counts" [ "$(metric 'xnts_driver_xdp_total{interface="srv0",queue="0",statistic="rx_queue_xdp_tx"}')" -ge 1 ]
check "healthy" wait_for 10 has "xnts_healthy 1" 9123 GET /metrics
if prometheus=$(scripts/unpack-deb.sh prometheus); then
	peer "$prometheus" /usr/bin/promtool
	check "promtool finds nothing" "${PEER[@]}" check metrics < <(http 9123 GET /metrics | tr -d '\r' | sed '1,/^$/d')
else
	skip "promtool finds nothing" "apt could not fetch prometheus"
fi

# Connections that say nothing: others are served, and the daemon goes on.
for i in 1 2 3 4; do
	start "silent$i" server bash -c 'exec 3<>/dev/tcp/127.0.0.1/9123; exec sleep 20'
done
check "served beside silent connections" has "200 OK" 9123 GET /metrics

check "latency needs a restart" fails_saying "[metrics] latency: a change needs a restart" \
	reload_with $'[metrics]\nlisten = 127.0.0.1:9123'
check "widens to all addresses, the port the same" reload_with $'[metrics]\nlisten = 0.0.0.0:9123\nlatency = on'
check "and serves" has "200 OK" 9123 GET /metrics
check "moves" reload_with $'[metrics]\nlisten = [::1]:9124\nlatency = on'
check "the old port is closed" wait_for 5 hasnt 200 9123 GET /metrics
check "an address that cannot be had is refused" fails_saying "[metrics] listen: cannot serve there" \
	reload_with $'[metrics]\nlisten = 192.0.2.99:9123\nlatency = on'
check "the daemon lives on" running xntsd
check "ends" reload_with $'[metrics]\nlatency = on'
check "off by default" wait_for 5 hasnt 200 9123 GET /metrics
check "the daemon answers" [ -n "$(ask client "$SERVER4")" ]
finish
