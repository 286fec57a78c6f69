# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions that build a playground: a server and a client network namespace
# joined by a veth pair, a CA, xntsd on the one side and NTP clients on the other.
# scripts/demo.sh and the end-to-end tests are made of them.
#
#     namespace server                              namespace client
#     xntsd, XDP on srv0 <--------- veth ---------> cli0, chronyd -x and others
#     198.51.100.1, 2001:db8:64::1                  198.51.100.2, 2001:db8:64::2
#
# `sandbox` comes first: it runs the script again in mount and PID namespaces of
# its own.  bpffs, /run/netns and /etc/hosts there are private, and whatever the
# script started or pinned is gone when it ends, however it ends.

XNTS_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$XNTS_TOP/build
SERVER4=198.51.100.1 CLIENT4=198.51.100.2
SERVER6=2001:db8:64::1 CLIENT6=2001:db8:64::2
SERVER_NAME=ntp.example   # both addresses
SERVER_NAME4=ntp4.example # one of them each
SERVER_NAME6=ntp6.example
PIN_DIR=/sys/fs/bpf/xnts

# Processes by name, so that each is stopped by its id.
declare -A PIDS=()

sandbox() { # "$@" of the script
	if [ "${XNTS_SANDBOX:-}" != "$0" ]; then
		XNTS_SANDBOX=$0 OUTER_PID=$$ exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
	fi
	unset XNTS_SANDBOX
	TMP=$(mktemp -d /tmp/xnts.XXXXXX)
	trap 'exit 143' TERM HUP
	trap 'exit 130' INT
	trap leave EXIT
	mkdir -p /run/netns
	mount -t tmpfs -o mode=755 xnts /run/netns
	mount -t bpf bpf /sys/fs/bpf
}

leave() {
	local name
	for name in "${!PIDS[@]}"; do
		stop "$name"
	done
	rm -rf "$TMP"
}

# ---- processes -------------------------------------------------------------

in_ns() { # NAMESPACE COMMAND...   (ip netns exec would hide /sys/fs/bpf)
	nsenter --net="/run/netns/$1" "${@:2}"
}

# Starts a command in the background; its output goes to $TMP/NAME.log.
start() { # NAME NAMESPACE COMMAND...
	# Not through in_ns: a function's process is a shell, and signals would end that alone.
	nsenter --net="/run/netns/$2" "${@:3}" >>"$TMP/$1.log" 2>&1 </dev/null &
	PIDS[$1]=$!
}

running() { # NAME
	[ -n "${PIDS[$1]:-}" ] && kill -0 "${PIDS[$1]}" 2>/dev/null
}

stop() { # NAME [SIGNAL]
	local pid=${PIDS[$1]:-}
	[ -n "$pid" ] || return 0
	unset "PIDS[$1]"
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait_for 5 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

has_ended() { # PID
	! kill -0 "$1" 2>/dev/null
}

# Tries a command every 0.2 s until it succeeds; fails when SECONDS have passed, or
# TIMEOUT_FACTOR times that on a slow machine.
wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1 * ${TIMEOUT_FACTOR:-1}))
	until "${@:2}" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# ---- the wire --------------------------------------------------------------

make_net() {
	join_with_veth server client
}

# Makes two namespaces and what joins them.
join_with_veth() { # SERVER-NAMESPACE CLIENT-NAMESPACE
	local ns
	for ns; do
		ip netns add "$ns" || return
		ip -n "$ns" link set lo up
	done
	make_wire "$@"
}

# The cable alone.
make_wire() { # SERVER-NAMESPACE CLIENT-NAMESPACE
	ip -n "$1" link add srv0 type veth peer name cli0 netns "$2" || return
	wire_end "$1" srv0 $SERVER4/24 $SERVER6/64 || return
	wire_end "$2" cli0 $CLIENT4/24 $CLIENT6/64 || return
	# veth hands frames sent with XDP_TX only to an end that has a program.
	ip -n "$2" link set cli0 xdp object "$BUILD/netns/wire.bpf.o" section xdp || return
	wait_for 5 in_ns "$2" ping -c 1 -W 1 $SERVER4 || return
	wait_for 5 in_ns "$2" ping -c 1 -W 1 $SERVER6
}

# Real checksums and tags inside the frame, as on a real wire.
wire_end() { # NAMESPACE DEVICE ADDRESS4 ADDRESS6
	in_ns "$1" ethtool -K "$2" tx off txvlan off rxvlan off >/dev/null || return
	ip -n "$1" address add "$3" dev "$2" || return
	ip -n "$1" address add "$4" dev "$2" nodad || return
	ip -n "$1" link set "$2" up
}

# ---- names and certificates ------------------------------------------------

make_names() {
	cat /etc/hosts - >"$TMP/hosts" <<-END
		$SERVER4 $SERVER_NAME $SERVER_NAME4
		$SERVER6 $SERVER_NAME $SERVER_NAME6
	END
	mount --bind "$TMP/hosts" /etc/hosts
}

# A CA in $TMP/ca.pem and a certificate of it.
make_certificates() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=xnts playground CA' \
		-keyout "$TMP/ca.key" -out "$TMP/ca.pem" 2>"$TMP/openssl.log" || { cat "$TMP/openssl.log" >&2; return 1; }
	make_certificate
}

# Another one each time, in $TMP/server.pem and server.key.
make_certificate() {
	{
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$SERVER_NAME" \
			-keyout "$TMP/new.key" -out "$TMP/server.csr" &&
			openssl x509 -req -days 2 -in "$TMP/server.csr" -CA "$TMP/ca.pem" -CAkey "$TMP/ca.key" -CAcreateserial \
				-extfile <(server_names) -out "$TMP/new.pem" &&
			mv "$TMP/new.key" "$TMP/server.key" && mv "$TMP/new.pem" "$TMP/server.pem"
	} >"$TMP/openssl.log" 2>&1 || { cat "$TMP/openssl.log" >&2; return 1; }
}

server_names() {
	echo "subjectAltName = DNS:$SERVER_NAME, DNS:$SERVER_NAME4, DNS:$SERVER_NAME6, IP:$SERVER4, IP:$SERVER6"
}

# ---- xntsd -----------------------------------------------------------------

# Writes $TMP/xnts.conf; lines on standard input are added to it.
write_config() {
	{
		cat <<-END
		[ntp]
		interfaces = srv0
		[ke]
		listen = [::]:4460
		certificate = $TMP/server.pem
		key = $TMP/server.key
		workers = 1
		[keys]
		state = $TMP/keys
		[clock]
		source = local
		END
		cat
	} >"$TMP/xnts.conf"
}

# All of the above.
make_playground() {
	make_net && make_names && make_certificates && write_config </dev/null
}

# With keys, that is once the clock has been synchronised, NTS-KE listens by then as well.
start_xntsd() {
	start_without_keys && wait_for 30 ke_listens && return
	tail -n 20 "$TMP/xntsd.log" >&2
	return 1
}

start_without_keys() {
	local before
	before=$(xntsd_starts)
	start xntsd server "$BUILD/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
	wait_for 30 xntsd_started "$before"
}

xntsd_starts() {
	grep -cs ': started$' "$TMP/xntsd.log"
}

# The NIC is attached by then.
xntsd_started() { # STARTS BEFORE
	running xntsd && [ "$(xntsd_starts)" -gt "${1:-0}" ]
}

ke_listens() {
	in_ns client bash -c "</dev/tcp/$SERVER4/4460"
}

# One of our counters, summed over the CPUs, read as an operator would.
counter() { # NAME
	bpftool -j map dump pinned $PIN_DIR/counters |
		grep -o "\"$1\": *[0-9]*" | awk -F: '{ n += $2 } END { printf "%.0f\n", n }'
}

# ---- clients ---------------------------------------------------------------

# Sends one plain NTP request and prints the 48 bytes of the answer, in decimal.
ask() { # NAMESPACE ADDRESS
	# shellcheck disable=SC2016 # $0 is of the inner shell
	in_ns "$1" timeout $((2 * ${TIMEOUT_FACTOR:-1})) bash -c 'exec 3<>"/dev/udp/$0/123"
		printf "\043$(printf "\\\\0%.0s" {1..47})" >&3
		head -c 48 <&3 | od -An -tu1 -w48' "$2"
}

# Puts into the array PEER how to run a program of a folder that
# scripts/unpack-deb.sh made: through the folder's own ld.so and libraries.
peer() { # FOLDER PROGRAM
	local loader libraries
	loader=$(compgen -G "$1/usr/lib/*-linux-gnu*/ld-linux*.so.*" | head -n 1)
	libraries=$(compgen -G "$1/usr/lib/*-linux-gnu*" | paste -sd:)
	PEER=("$loader" --library-path "$libraries" "$1$2")
}

# A chronyd that leaves the clock alone; its configuration is on standard input, and
# COMMAND (taskset) runs it where there is one.
run_chronyd() { # NAME NAMESPACE FOLDER [COMMAND...]
	local dir=$TMP/$1
	[ -d "$dir" ] || mkdir -m 700 "$dir"
	{
		printf '%s\n' "cmdport 0" "bindcmdaddress $dir/cmd.sock" "pidfile $dir/pid"
		cat
	} >"$dir/chrony.conf"
	peer "$3" /usr/sbin/chronyd
	start "$1" "$2" "${@:4}" "${PEER[@]}" -x -d -u root -f "$dir/chrony.conf"
}

# A client.  Lines on standard input go to its configuration after the server's.
start_chronyd() { # NAME FOLDER SERVER OPTIONS
	run_chronyd "$1" client "$2" <<-END
		server $3 nts minpoll 0 maxpoll 0 iburst $4
		ntstrustedcerts $TMP/ca.pem
		port 0
		$(cat)
	END
}

# A server, also of NTS.  Lines on standard input are added.
start_chrony_server() { # NAME NAMESPACE FOLDER [COMMAND...]
	run_chronyd "$@" <<-END
		local stratum 1
		allow
		ntsservercert $TMP/server.pem
		ntsserverkey $TMP/server.key
		$(cat)
	END
}

chronyc() { # NAME FOLDER COMMAND...
	peer "$2" /usr/bin/chronyc
	in_ns client "${PEER[@]}" -h "$TMP/$1/cmd.sock" -N "${@:3}"
}

# Selected (^*) means synchronised; keys and cookies in the NTS line, authenticated.
chronyd_has_nts_time() { # NAME FOLDER
	chronyc "$1" "$2" sources | grep -q '^^\*' &&
		chronyc "$1" "$2" authdata | awk '$2 == "NTS" && $5 > 0 && $9 > 0 { ok = 1 } END { exit !ok }'
}
