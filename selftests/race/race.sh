#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The race: xnts, chronyd 4.3 and ntpd-rs answer the same requests of the same generator, one after
# the other in each round, everything a server does on one core and the generator on
# another.  What was measured goes to build/race/: results, table.md, race.svg.
#
# One core for all of a server's work: on veth the receiving softirq runs where the sender
# runs.  So both ends have threaded NAPI: the server's kernel thread, which runs the XDP
# program or the socket's receive path, is pinned to the server's core, beside the daemon,
# and the client's to the generator's.  Threads share a core fairly, where softirqs
# starve a daemon: this is to the advantage of the socket servers under overload.  The thread
# that takes the answers runs ahead of the generator (SCHED_FIFO).
. "$(dirname "$0")/../lib.sh"
. selftests/netns/clients.sh
. selftests/race/servers.sh

SERVER_CPU=${SERVER_CPU:-0} LOAD_CPU=${LOAD_CPU:-1}
ROUNDS=${ROUNDS:-3}
OUT=build/race

# Kernel threads are in no PID namespace but the first, so someone outside the sandbox
# pins them, and their /proc is kept open.
pin_threads() { # PID
	local thread name
	while kill -0 "$1" 2>/dev/null; do
		for thread in $(pgrep '^napi/(srv0|cli0)-'); do
			name=$(cat "/proc/$thread/comm" 2>/dev/null)
			case $name in
			napi/srv0*) taskset -pc "$SERVER_CPU" "$thread" ;;
			napi/cli0*) taskset -pc "$LOAD_CPU" "$thread" && chrt -f -p 1 "$thread" ;;
			esac
		done >/dev/null 2>&1
		sleep 0.5
	done
}

need_root
[ "$(nproc)" -ge 2 ] || skip_all "needs two cores"
if [ "${XNTS_SANDBOX:-}" != "$0" ]; then
	exec {OUTER_PROC}</proc
	export OUTER_PROC
	pin_threads $$ &
fi
sandbox "$@"

threaded_napi() { # NAME
	ip netns exec "server_$1" sh -c 'echo 1 >/sys/class/net/srv0/threaded' &&
		ip netns exec "client_$1" sh -c 'echo 1 >/sys/class/net/cli0/threaded'
}

# ---- measuring -------------------------------------------------------------

# Nanoseconds of CPU that a server has used: its threads, and the receiving side of the wires.
# Not NTS-KE where that is another process.
server_ns() { # NAME
	{
		cat "/proc/${PIDS[${1%_whole}]}"/task/*/schedstat
		grep -l '^napi/srv0-' "/dev/fd/$OUTER_PROC"/[0-9]*/comm 2>/dev/null | sed 's/comm$/schedstat/' | xargs cat
	} | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# One run of the generator; its last line goes to $TMP/said.
generate() { # NAME KIND OPTION...
	in_ns "client_${1%_whole}" timeout 30 taskset -c "$LOAD_CPU" build/load/load -k "$2" -E "$SERVER_NAME4:4460" -C "$TMP/ca.pem" \
		-n 20000 --pace -b 16 "${@:3}" cli0 "$SERVER4" >"$TMP/said" 2>>"$TMP/load.log" && return
	echo "race: $1 $2 ${*:3}: exit status $?: $(tail -n 1 "$TMP/load.log")" >&2
	return 1
}

# Requests under way at most, where no more may be: what fits into a veth's queue, or, as a
# frame that veth hands to a socket takes a page, into a receive buffer.
window() { # NAME
	case $1 in xnts*) echo 200 ;; *) echo 32 ;; esac
}

said() { # KEY [RUN]
	grep "^run=${2:-}" "$TMP/said" | grep -o " $1=[0-9.]*" | tail -n 1 | cut -d= -f2
}

# The most answers a second, of which the other runs are fractions: the better of a closed loop, which
# a pause of the machine costs only the pause, and of twice that rate.  In a closed loop a server
# that drops what is too much stands idle until what it dropped counts as lost.
declare -A PEAK=()
find_peak() { # NAME KIND
	local closed
	generate "$1" "$2" -w "$(window "$1")" -t 1 || return
	closed=$(said answered_rate)
	generate "$1" "$2" -r "$(awk -v n="$closed" 'BEGIN { printf "%d", 2 * n }')" -t 1
	PEAK[$1.$2]=$(printf '%.0f\n' "$closed" "$(said answered_rate)" | sort -n | tail -n 1)
}

# A line of results: ROUND NAME KIND LOAD OFFERED ANSWERED NS_AN_ANSWER P50_US P99_US
measure() { # ROUND NAME KIND LOAD OPTION...
	local before answered
	before=$(server_ns "$2")
	generate "$2" "$3" -t 2 "${@:5}" || return 0
	answered=$(said answered)
	echo "$1 $2 $3 $4 $(said sent_rate) $(said answered_rate)" \
		"$(awk -v ns=$(($(server_ns "$2") - before)) -v n="$answered" 'BEGIN { printf "%.0f", n ? ns / n : 0 }')" \
		"$(said p50_us) $(said p99_us)" | tee -a "$OUT/results"
}

prepare() { # NAME
	! declare -F "prepare_$1" >/dev/null || "prepare_$1"
}

one_round() { # ROUND
	local kind name half
	for kind in plain nts; do
		for name in "${CONTENDERS[@]}"; do
			prepare "$name"
			find_peak "$name" "$kind" || continue
			half=$((PEAK[$name.$kind] / 2))
			measure "$1" "$name" "$kind" half -r "$half" --latency
			measure "$1" "$name" "$kind" peak -w "$(window "$name")"
			measure "$1" "$name" "$kind" twice -r $((half * 4))
		done
	done
}

# ---- the race --------------------------------------------------------------

scripts/unpack-deb.sh chrony bookworm >/dev/null || skip_all "apt could not fetch chrony"
CONTENDERS=(xnts xnts_whole chronyd43)
scripts/unpack-deb.sh ntpd-rs trixie >/dev/null && CONTENDERS+=(ntpdrs)
mkdir -p "$OUT"
: >"$OUT/results"
make_names || bail "no names"
make_certificates || bail "no certificates"
for name in "${CONTENDERS[@]}"; do
	"start_$name" || bail "$name does not serve"
	threaded_napi "${name%_whole}" || bail "no threaded NAPI"
done
sleep 1 # threads are pinned
for round in $(seq "$ROUNDS"); do
	one_round "$round"
done
selftests/race/table.py "$OUT/results" "$OUT" || FAILURES=1
if command -v gnuplot >/dev/null; then
	gnuplot -e "out='$OUT'" selftests/race/race.gp && echo "plot: $OUT/race.svg"
else
	echo "no plot: gnuplot is not installed"
fi
finish
