#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# xntsd's options, its checks of the configuration, reloads, and what it tells systemd.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

xntsd() {
	in_ns server timeout $((10 * ${TIMEOUT_FACTOR:-1})) "$BUILD/xntsd" "$@"
}

check_config() {
	xntsd --check --config "$TMP/xnts.conf"
}

# Puts another line in place of one of the configuration.
change() { # KEY LINE
	sed -i "s#^$1 = .*#$2#" "$TMP/xnts.conf"
}

line_of() { # TEXT
	grep -n "$1" "$TMP/xnts.conf" | cut -d: -f1
}

# --check and a start say the same of a wrong configuration.
refused() { # NAME "TEXT|TEXT..."
	check "--check: $1" fails_saying "$2" check_config
	check "start: $1" fails_saying "$2" xntsd --config "$TMP/xnts.conf" --pid-file "$TMP/other.pid"
	write_config </dev/null
}

reloads() {
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
}

config() {
	bpftool -j map dump pinned "$PIN_DIR/config"
}

config_differs_from() { # DUMP
	[ "$(config)" != "$1" ]
}

refuses_reload_saying() { # "TEXT|TEXT..."
	local before
	before=$(config)
	fails_saying "refused, the configuration of before stays in force|$1" reloads || return
	[ "$(config)" = "$before" ] || { echo "the configuration map changed"; return 1; }
	answers
}

answers() {
	[ -n "$(ask client "$SERVER4" 2>/dev/null)" ] && ke_listens
}

attached() { # DEVICE
	ip -n server -details link show "$1" | grep -q 'prog/xdp'
}

generic_on() { # DEVICE
	ip -n server link show "$1" | grep -q xdpgeneric
}

# What xntsd sends to systemd, a message a line, into $TMP/notified.
listen_for_notifications() {
	python3 - "$TMP/notify" >"$TMP/notified" <<-'END' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    print(s.recv(4096).decode().replace("\n", " "), flush=True)
	END
	# shellcheck disable=SC2034 # playground.sh stops it
	PIDS["notify"]=$!
	wait_for 5 test -S "$TMP/notify"
}

notified() { # TEXT
	grep -q "$1" "$TMP/notified"
}

make_playground || bail "no playground"

check "--help" xntsd --help
check "--version" xntsd --version
check "an unknown option" fails_saying "xntsd --help" xntsd --nonsense
check "two actions" fails_saying "one action" xntsd --load --unload
check "an unknown mode" fails_saying "expected auto, native or generic" xntsd --attach srv0 --mode fast
check_equal "--check" "$(check_config)" "$TMP/xnts.conf: ok"
check "loads nothing" [ ! -e "$PIN_DIR" ]
check "and makes no keys" [ ! -e "$TMP/keys" ]

change interfaces "interface = srv0"
refused "an unknown key" "$TMP/xnts.conf:$(line_of interface): |interface"
change source "source = sundial"
refused "a value out of place" "$TMP/xnts.conf:$(line_of sundial): |source|sundial"
change interfaces "interfaces = nosuch0"
refused "an interface that does not exist" "$TMP/xnts.conf:$(line_of nosuch0): [ntp] interfaces: nosuch0: no such interface"
in_ns server sysctl -q net.ipv6.conf.lo.forwarding=0
change interfaces $'interfaces = srv0\\nnext_hop = fib'
refused "fib without forwarding" "$TMP/xnts.conf:$(line_of next_hop): [ntp] next_hop: fib needs"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$TMP/wrong.key" 2>/dev/null
change key "key = $TMP/wrong.key"
refused "a key of another certificate" "$TMP/server.pem|$TMP/wrong.key"
change certificate "certificate = $TMP/nosuch.pem"
check "--check names the key" fails_saying "$TMP/xnts.conf:$(line_of nosuch.pem): [ke] certificate: " check_config
refused "no certificate" "$TMP/nosuch.pem|No such file"
change workers "user = nosuch"
refused "no such account" "[ke] user: 'nosuch' does not exist"
change workers "user = root"
refused "root's account" "[ke] user: 'root' is root"
echo "not a state" >"$TMP/bad-keys"
chmod 600 "$TMP/bad-keys"
change state "state = $TMP/bad-keys"
refused "a damaged key state" "$TMP/bad-keys"
change state "state = $TMP/nosuch/folder/keys"
check "--check: keys that cannot be kept" \
	fails_saying "$TMP/xnts.conf:$(line_of nosuch/folder): [keys] state: $TMP/nosuch/folder/keys: no keys" check_config
change state "state = $TMP/folder/keys"
check_equal "--check: a folder that xntsd makes" "$(check_config)" "$TMP/xnts.conf: ok"
check "and did not" [ ! -e "$TMP/folder" ]
write_config </dev/null
check "no configuration at all" fails_saying "$TMP/nosuch.conf" xntsd --check --config "$TMP/nosuch.conf"
check "a start in vain attaches nothing" not attached srv0

listen_for_notifications || bail "no socket for notifications"
export NOTIFY_SOCKET=$TMP/notify
start_xntsd || bail "xntsd does not serve"
unset NOTIFY_SOCKET
check "systemd is told READY" wait_for 10 notified READY=1
check "and WATCHDOG" wait_for 10 notified WATCHDOG=1

change interfaces "interfaces = srv0 nosuch0"
check "a reload with an unknown interface" refuses_reload_saying "nosuch0: no such interface"
change interfaces "interface = srv0"
check "a reload with an unknown key" refuses_reload_saying "$TMP/xnts.conf:$(line_of interface): "
write_config </dev/null
change state "state = $TMP/other-keys"
check "a reload with another key state" refuses_reload_saying "needs a restart"
write_config </dev/null
change certificate "certificate = $TMP/nosuch.pem"
check "a reload without its certificate" refuses_reload_saying "$TMP/nosuch.pem"

# The interface that cannot be attached comes last, when all else has been done.
ip -n server link add ext0 type veth peer name ext1
ip -n server link set ext1 xdp object "$BUILD/netns/wire.bpf.o" section xdp
write_config </dev/null
change interfaces "interfaces = srv0 ext0 ext1\nttl = 11\naddresses = 192.0.2.1"
check "a reload onto another's program" refuses_reload_saying "ext1: XDP program id"
check "leaves no interface attached" not attached ext0
write_config </dev/null
change interfaces "interfaces = srv0 ext1\nmode = generic"
check "a reload into another mode, and onto another's program" refuses_reload_saying "ext1: XDP program id"
check "leaves the mode" not generic_on srv0
before=$(config)
xntsd --attach ext0
wait_for 10 config_differs_from "$before"
write_config </dev/null
change interfaces "interfaces = srv0 ext0"
printf '[metrics]\nlisten = 203.0.113.1:9123\n' >>"$TMP/xnts.conf"
check "a reload that cannot serve metrics" refuses_reload_saying "[metrics] listen: cannot serve there"
check "leaves what a script has attached" attached ext0
xntsd --detach ext0

write_config </dev/null
change interfaces "interfaces = srv0 ext0\nttl = 11"
check "a reload with another TTL and interface" reloads
check "the map has the TTL" grep -q '"ttl":11' <(config)
check "the interface is attached" attached ext0
check "and all is served" answers
check "systemd is told RELOADING" wait_for 5 notified 'RELOADING=1 MONOTONIC_USEC=[0-9]'
write_config </dev/null
check "a reload that drops the interface" reloads
check "detaches it" not attached ext0
change listen "enabled = no\nlisten = [::]:4460"
check "a reload without key establishment" reloads
check "ends it" wait_for 10 not ke_listens
write_config </dev/null
check "a reload with it" reloads
check "begins it" wait_for 10 ke_listens

stop xntsd TERM
check "systemd is told STOPPING" wait_for 5 notified STOPPING=1
check "what is attached stays attached" attached srv0
check "the pid file is gone" [ ! -e "$TMP/xntsd.pid" ]
finish
