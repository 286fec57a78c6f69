#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What a key exchange costs chronyd 4.3, the yardstick for build/bench/bench_ke, and us in
# the same minutes: the two take turns.
. "$(dirname "$0")/../../scripts/playground.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: chronyd's NTS-KE not measured: needs root"; exit 0; }
cd "$XNTS_TOP" || exit 2
sandbox "$@"

chrony=$(scripts/unpack-deb.sh chrony bookworm) || { echo "bench: chronyd's NTS-KE not measured: no package"; exit 0; }
ip netns add server && ip -n server link set lo up || exit 1
make_certificates || exit 1
start_chrony_server chronyd server "$chrony" <<<"ntsprocesses 1"
wait_for 10 in_ns server bash -c '</dev/tcp/127.0.0.1/4460' || { cat "$TMP/chronyd.log"; exit 1; }

main=${PIDS[chronyd]}
read -ra helpers <"/proc/$main/task/$main/children"
# What came before costs those that come later (sockets in TIME_WAIT): they change places.
of_chronyd() {
	in_ns server build/bench/bench_ke chronyd 127.0.0.1 4460 "$main" "${helpers[@]}"
}
of_xnts() {
	in_ns server build/bench/bench_ke
}
for _ in 1 2 3; do
	for which in chronyd xnts xnts chronyd; do
		of_$which || exit
	done
done | tee "$TMP/figures"

median() { # SERVER
	awk -v name="bench.ke_cpu_per_handshake_$1" '$1 == name { print $2 }' "$TMP/figures" | sort -n |
		awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
awk -v ours="$(median xnts)" -v theirs="$(median chronyd)" 'BEGIN {
	printf "bench.ke_cpu_median_xnts %.1f us\nbench.ke_cpu_median_chronyd %.1f us\n", ours, theirs
	printf "bench.ke_cpu_xnts_to_chronyd %.3f\n", ours / theirs
}'
