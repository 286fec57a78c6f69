#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# `make run IFACE=...` where nothing but the host's chronyd is configured: a self-signed
# test certificate, which it says, NTS answers with chronyd's stratum on the
# interface, and all as before after Ctrl-C.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

attached() {
	ip -n server -details link show srv0 | grep -q 'prog/xdp'
}

# The host's own time service, which an XDP server borrows its stratum from.
start_host_chronyd() {
	run_chronyd host server "$chrony" <<<$'local stratum 4\nallow 127.0.0.1'
}

has_nts_time_of_stratum_4() {
	chronyd_has_nts_time client "$chrony" && chronyc client "$chrony" sources | grep -q '^^\* .* 4  '
}

serving() {
	attached && ke_listens
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_net || bail "no veth pair"
make_names || bail "no names"
# What this machine has configured is not what is tested.
[ ! -d /etc/xnts ] || mount -t tmpfs none /etc/xnts
[ ! -d /run/xnts ] || mount -t tmpfs none /run/xnts

start_host_chronyd
start serve server scripts/serve.sh srv0
if wait_for 20 serving; then
	ok "it serves"
else
	bail "it does not serve"
fi
check "and says that the certificate is for tests" grep -q "SELF-SIGNED TEST CERTIFICATE" "$TMP/serve.log"
cp build/serve/test.pem "$TMP/ca.pem"
start_chronyd client "$chrony" "$SERVER4" </dev/null
check "a client that trusts it gets NTS time, of the host's stratum" wait_for 30 has_nts_time_of_stratum_4
check "from XDP" [ "$(counter nts_answered)" -gt 0 ]
# As the terminal does: the whole group.
for pid in $(pgrep -x -f ".*xntsd --config.*serve.*"); do
	kill -INT "$pid"
done
check "interrupted, it ends" wait_for 10 has_ended "${PIDS[serve]}"
check "and has detached the interface" bash -c '! ip -n server -details link show srv0 | grep -q prog/xdp'
finish
