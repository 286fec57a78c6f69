#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# What is pinned outlives the daemon and is taken over, or refused with a reason:
# maps, counters, links; another version, another shape, another's program; devices
# that go and come back.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# The id of everything pinned.
pinned_ids() {
	local pin
	for pin in "$PIN_DIR"/*; do
		case $pin in
		*/link_*) bpftool -j link show pinned "$pin" ;;
		*) bpftool -j map show pinned "$pin" ;;
		esac | grep -o '"id": *[0-9]*' | head -n 1
	done
}

program_id() { # DEVICE
	ip -n server -details link show "$1" | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'
}

generic_on() { # DEVICE
	ip -n server link show "$1" | grep -q xdpgeneric
}

attached() { # DEVICE
	[ -n "$(program_id "$1")" ]
}

config() {
	bpftool -j map dump pinned "$PIN_DIR/config" | tr -d ' '
}

# The device's MAC is among those of the configuration map.
mac_is_ours() { # DEVICE
	local mac
	mac=$(ip -n server -brief link show "$1" | awk '{ print $3 }' | tr : '\n' | sed 's/^/0x/')
	# shellcheck disable=SC2086 # six words
	mac=$(printf ',%d' $mac)
	config | grep -q "\"addr\":\[${mac#,}\],\"used\":1"
}

answers() {
	[ -n "$(ask client "$SERVER4" 2>/dev/null)" ]
}

xntsd() {
	in_ns server timeout $((10 * ${TIMEOUT_FACTOR:-1})) "$BUILD/xntsd" "$@"
}

does_not_start_saying() { # "TEXT|TEXT..."
	fails_saying "$1" xntsd --config "$TMP/xnts.conf" --pid-file "$TMP/other.pid"
}

restart_takes_over() { # SIGNAL
	local ids program answered
	ids=$(pinned_ids) program=$(program_id srv0)
	answers || return
	answered=$(counter plain_answered)
	stop xntsd "$1"
	answers || { echo "no answer while no daemon runs"; return 1; }
	start_xntsd || return
	[ "$(pinned_ids)" = "$ids" ] || { echo "other maps or links than before"; return 1; }
	[ "$(program_id srv0)" != "$program" ] || { echo "still the program of the old daemon"; return 1; }
	[ "$(counter plain_answered)" -gt "$answered" ] || { echo "the counters began anew"; return 1; }
	answers
}

# Deleting one end of a veth pair deletes both.
remake_wire() {
	ip -n server link add srv0 type veth peer name cli0 netns client || return
	wire_end server srv0 "$SERVER4/24" "$SERVER6/64" || return
	wire_end client cli0 "$CLIENT4/24" "$CLIENT6/64" || return
	ip -n client link set cli0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
}

# The version is the first member.
write_abi_version() { # NUMBER
	local size
	size=$(bpftool -j map show pinned "$PIN_DIR/config" | grep -o '"bytes_value": *[0-9]*' | tr -dc 0-9)
	# shellcheck disable=SC2046 # words
	bpftool map update pinned "$PIN_DIR/config" key 0 0 0 0 value "$1" $(yes 0 | head -n $((size - 1)))
}

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
check "served" answers
check "the NIC's MAC is ours" mac_is_ours srv0
check "a second daemon is refused" fails_saying "another xntsd runs, process ${PIDS[xntsd]}" \
	xntsd --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
check "a restart after kill -9 takes over maps, counters and links" restart_takes_over KILL
check "and so does one after SIGTERM" restart_takes_over TERM

# By now the daemon has dropped its privileges.
check_equal "no more capabilities than needed" "$(awk '/^CapEff/ { print $2 }' "/proc/${PIDS[xntsd]}/status")" \
	000000c0000015e4
ip -n server link del srv0
check "the pin of a severed link stays" [ -e "$PIN_DIR/link_srv0" ]
remake_wire || bail "no new veth pair"
check "a device that came back is attached again" wait_for 5 attached srv0
check "its new MAC is ours" wait_for 5 mac_is_ours srv0
check "and it is served" wait_for 5 answers
check "which is told" grep -q "made anew" "$TMP/xntsd.log"
check "and counted" fails_saying "1 links made anew" bash -c "'$BUILD/xnts' status; exit 1"

# Beside the configuration.  A dot may be in a device's name but not in a pin's.
ip -n server link add name ext.5 type veth peer name ext-peer
check "--attach beside the daemon" xntsd --attach ext.5
check "its MAC is ours at once" wait_for 3 mac_is_ours ext.5
check "--attach again" xntsd --attach ext.5
ifindex=$(ip netns exec server cat /sys/class/net/ext.5/ifindex)
# shellcheck disable=SC2046 # words
bpftool map update pinned "$PIN_DIR/phc" key "$ifindex" 0 0 0 value $(yes 0 | head -n 40)
check "--attach to another mode" xntsd --attach ext.5 --mode generic
check "which is generic" generic_on ext.5
check "and has no stamps any more" not bpftool map lookup pinned "$PIN_DIR/phc" key "$ifindex" 0 0 0
check "--attach to one that has generic XDP alone" xntsd --attach lo
check "cannot make it native" fails_saying "lo: cannot attach in native mode" xntsd --attach lo --mode native
check "which leaves it generic" generic_on lo
xntsd --detach lo
check "--multiprog without a dispatcher is refused" fails_saying "no dispatcher for several XDP programs" \
	env LIBXDP_SKIP_DISPATCHER=1 nsenter --net=/run/netns/server "$BUILD/xntsd" --attach lo --multiprog --mode generic
check "and nothing is attached" not generic_on lo
check "nor recorded" [ ! -e "$PIN_DIR/multi_lo" ]
stop xntsd
start_xntsd || bail "xntsd does not start with a link of a script"
check_equal "a new daemon takes over what a script attached" "$(program_id srv0)" \
	"$(ip -n server -details link show ext.5 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p')"
check "in its mode" generic_on ext.5
check "--detach" xntsd --detach ext.5
check "detached" not attached ext.5
check "--detach of what is not attached says so" fails_saying "ext.5: not attached" xntsd --detach ext.5

# Another's program.
stop xntsd
xntsd --detach srv0
ip -n server link set srv0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
check "another's program is refused by its id" does_not_start_saying "srv0: XDP program id $(program_id srv0)"
ip -n server link set srv0 xdp off
ip -n server link set srv0 xdpgeneric object "$BUILD/netns/wire.bpf.o" section xdp
check "a generic one as well" does_not_start_saying "srv0: XDP program id $(program_id srv0)"
ip -n server link set srv0 xdpgeneric off

# Another contract.
abi=$(xntsd --version | grep -o '[0-9]*$')
write_abi_version 77
check "pins of another ABI version are left to a daemon (test_upgrade)" fails_saying \
	"$PIN_DIR/config|version 77|this program has $abi|xntsd --unload" xntsd --load
write_abi_version "$abi"
mv "$PIN_DIR/clock" "$PIN_DIR/keep"
bpftool map create "$PIN_DIR/clock" type array key 4 value 8 entries 1 name other >/dev/null
check "a pin of another shape is refused" does_not_start_saying "$PIN_DIR/clock|value 8 bytes|value 184|xntsd --unload"
rm "$PIN_DIR/clock"
mv "$PIN_DIR/keep" "$PIN_DIR/clock"
check "as before they are reused" start_xntsd
check "and served" answers
bpftool map create "$PIN_DIR/of_tomorrow" type array key 4 value 8 entries 1 name other >/dev/null
check "--unload under a running daemon" xntsd --unload
check "removes all" [ ! -e "$PIN_DIR" ]
check "and detaches" not attached srv0
stop xntsd
start_xntsd || bail "xntsd does not start afresh"
check "a start from nothing" answers
finish
