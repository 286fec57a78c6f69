#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What a key exchange costs chronyd 4.3, the yardstick for build/bench/bench_ke, and
# then us again in the same minute: the two take turns.
. "$(dirname "$0")/../../scripts/playground.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: chronyd's NTS-KE not measured: needs root"; exit 0; }
cd "$XNTS_TOP" || exit 2
sandbox "$@"

chrony=$(scripts/unpack-deb.sh chrony bookworm) || { echo "bench: chronyd's NTS-KE not measured: no package"; exit 0; }
ip netns add server && ip -n server link set lo up || exit 1
make_certificates || exit 1
mkdir -m 700 "$TMP/chrony"
cat >"$TMP/chrony.conf" <<END
ntsservercert $TMP/server.pem
ntsserverkey $TMP/server.key
ntsprocesses 1
allow
local stratum 10
cmdport 0
bindcmdaddress $TMP/chrony/cmd.sock
pidfile $TMP/chrony/pid
END
peer "$chrony" /usr/sbin/chronyd
start chronyd server "${PEER[@]}" -x -d -u root -f "$TMP/chrony.conf"
wait_for 10 in_ns server bash -c '</dev/tcp/127.0.0.1/4460' || { cat "$TMP/chronyd.log"; exit 1; }

main=${PIDS[chronyd]}
read -ra helpers <"/proc/$main/task/$main/children"
for _ in 1 2; do
	in_ns server build/bench/bench_ke chronyd 127.0.0.1 4460 "$main" "${helpers[@]}" || exit
	in_ns server build/bench/bench_ke || exit
done
