#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# attach.sh, detach.sh and status.sh: run twice, in vain, and against another's program.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

server() {
	in_ns server "$@"
}

attached() {
	ip -n server -details link show srv0 | grep -q 'prog/xdp'
}

make_net || bail "no veth pair"
check "status.sh says that nothing is loaded" fails_saying "nothing is loaded" server scripts/status.sh
check "detach.sh of what is not attached is no error" server scripts/detach.sh srv0
check "attach.sh" server scripts/attach.sh srv0
check "attached" attached
check "status.sh" server scripts/status.sh
check "attach.sh again" server scripts/attach.sh srv0
check "without a daemon everything passes" in_ns client ping -q -c 2 -i 0.2 -W 2 "$SERVER4"
check "detach.sh" server scripts/detach.sh srv0
check "detached" not attached
check "detach.sh again" server scripts/detach.sh srv0
check "detach.sh --all" server scripts/detach.sh --all
check "all pins are gone" [ ! -e "$PIN_DIR" ]
check "attach.sh generic" server scripts/attach.sh srv0 generic
check "detach.sh --all from an attached interface" server scripts/detach.sh --all
check "detached as well" not attached
check "an unknown interface is refused" fails_saying "no such interface" server scripts/attach.sh nosuch0
ip -n server link set srv0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
check "another's program is refused" fails_saying "not ours" server scripts/attach.sh srv0
check "and nothing is left loaded" [ ! -e "$PIN_DIR" ]
finish
