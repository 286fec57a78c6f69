#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# attach.sh with its preflight, detach.sh and status.sh: run twice, in vain, and against another's program.
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
# What veth has not is what this ethtool says.
mkdir "$TMP/bin"
cat >"$TMP/bin/ethtool" <<-END
	#!/bin/sh
	case "\$*" in
	'-l srv0') printf 'Current hardware settings:\nRX: n/a\nCombined: 1000\n' ;;
	'-n srv0 rx-flow-hash udp4') printf 'IP SA\nIP DA\nL4 bytes 0 & 1 [TCP/UDP src port]\n' ;;
	'-n srv0 rx-flow-hash udp6') printf 'IP SA\nIP DA\n' ;;
	'-T srv0') printf 'hardware-receive\nHardware Receive Filter Modes:\n all\n' ;;
	'-k srv0') [ -e "$TMP/fixed" ] || echo 'large-receive-offload: on' ;;
	'-i srv0') echo 'driver: another' ;;
	'-K srv0 lro off') touch "$TMP/fixed" ;;
	*) exit 1 ;;
	esac
END
chmod +x "$TMP/bin/ethtool"
preflight() { # OPTION...
	PATH=$TMP/bin:$PATH server scripts/attach.sh --dry-run "$@" srv0 >"$TMP/said" 2>&1
}
says() { # TEXT
	grep -qF -- "$1" "$TMP/said" || { cat "$TMP/said"; return 1; }
}
check "attach.sh --dry-run" preflight
check "it tells queues and CPUs" says "1000 receive queues, $(nproc --all) CPUs"
check "RSS with ports" says "RSS spreads udp4 by addresses and ports"
check "RSS without" says "ethtool -N srv0 rx-flow-hash udp6 sdfn"
check "stamps" says "the NIC can stamp received packets: all"
check "LRO" says "LRO is on"
check "that the link may reset" says "the link may reset"
check "what it would do" says "will be attached in native mode, or in GENERIC mode"
server scripts/attach.sh --dry-run srv0 >"$TMP/said" 2>&1
check "of veth, what its other end needs" says "its other end gets answers of native mode only if"
check "with --fix-offloads" preflight --fix-offloads
check "it tells what it would mend" says "large-receive-offload would be turned off"
check "and mends nothing" [ ! -e "$TMP/fixed" ]
check "nor attaches" not attached
check "nor loads" [ ! -e "$PIN_DIR/config" ]
check "without --dry-run" env PATH="$TMP/bin:$PATH" nsenter --net=/run/netns/server scripts/attach.sh --fix-offloads srv0
check "it is mended" [ -e "$TMP/fixed" ]
server scripts/detach.sh --all
mkdir "$TMP/few"
for tool in bash id ip awk sed dirname grep; do
	cp "$(command -v "$tool")" "$TMP/few"
done
# shellcheck disable=SC2016 # of the inner shell; attach.sh looks in /usr/sbin, too
check "without ethtool it does not guess" fails_saying "needs ethtool" server unshare --mount bash -c \
	'mount --bind "$0" /usr/sbin && PATH=$0 exec scripts/attach.sh srv0' "$TMP/few"
check "and attaches nothing" not attached
check "of several, an unknown one stops all" fails_saying "no such interface: nosuch0" server scripts/attach.sh srv0 nosuch0
check "before the first" not attached
check "an unknown option" fails_saying "attach.sh [OPTION...] IFACE..." server scripts/attach.sh --fast srv0
check "several interfaces" server scripts/attach.sh srv0 lo
server scripts/detach.sh --all
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
make -s install DESTDIR="$TMP/root" PREFIX=/usr UNITDIR=/lib/systemd/system
installed() { # SCRIPT ARGUMENT...
	PATH=$TMP/root/usr/sbin:$PATH server "$TMP/root/usr/share/xnts/$1" "${@:2}"
}
check "installed: attach.sh" installed attach.sh srv0
check "attached" attached
check "installed: status.sh" installed status.sh
check "installed: detach.sh" installed detach.sh --all
check "detached" not attached
ip -n server link set srv0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
check "another's program is refused" fails_saying "not ours" server scripts/attach.sh srv0
check "and nothing is left loaded" [ ! -e "$PIN_DIR" ]
finish
