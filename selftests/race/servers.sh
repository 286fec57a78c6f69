# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The contenders of race.sh.  Each has a veth pair and two namespaces of its own, so none is in
# the way of another; start_NAME starts one there, serving plain NTP and NTS; prepare_NAME, if there is
# one, comes before each of its measurements.  All keep the limits they come with, but
# xnts_whole, and none may set the clock.

# PORT 123 at SERVER4 in the namespaces server_NAME and client_NAME.
wire_up() { # NAME
	join_with_veth "server_$1" "client_$1" && ip -n "server_$1" route add 10.0.0.0/8 via "$CLIENT4" &&
		# As xntsd does: veth hands live frames only to an end that has a program.
		ip -n "server_$1" link set srv0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
}

serves_ke() { # NAME
	in_ns "client_$1" bash -c "</dev/tcp/$SERVER4/4460"
}

start_xnts() {
	join_with_veth server_xnts client_xnts && ip -n server_xnts route add 10.0.0.0/8 via "$CLIENT4" && write_config </dev/null || return
	start xnts server_xnts taskset -c "$SERVER_CPU" "$BUILD/xntsd" --config "$TMP/xnts.conf" --pid-file "$TMP/xntsd.pid"
	wait_for 10 serves_ke xnts
}

# The same xntsd, whose budget of time for NTS (its default, 80 %) is taken away: what the others
# compare with, who have none.
start_xnts_whole() {
	:
}

prepare_xnts() {
	set_budget 80
}

prepare_xnts_whole() {
	set_budget 0
}

set_budget() { # PER_CENT
	printf '%s\n' "[limits]" "nts_budget = $1" | write_config && "$BUILD/xnts" reload -p "$TMP/xntsd.pid"
}

start_chronyd43() {
	local chrony
	chrony=$(scripts/unpack-deb.sh chrony bookworm) || return
	wire_up chronyd43 || return
	start_chrony_server chronyd43 server_chronyd43 "$chrony" taskset -c "$SERVER_CPU" </dev/null
	wait_for 10 serves_ke chronyd43
}

# An ntpd-rs that is not synchronised answers so, hence a chronyd on loopback that it asks.
start_ntpdrs() {
	local chrony ntpdrs
	chrony=$(scripts/unpack-deb.sh chrony bookworm) || return
	ntpdrs=$(scripts/unpack-deb.sh ntpd-rs trixie) || return
	wire_up ntpdrs || return
	run_chronyd upstream server_ntpdrs "$chrony" <<<$'local stratum 1\nallow\nbindaddress 127.0.0.1'
	cat >"$TMP/ntp.toml" <<-END
		[observability]
		log-level = "warn"
		[[source]]
		mode = "server"
		address = "127.0.0.1"
		[synchronization]
		minimum-agreeing-sources = 1
		[[server]]
		listen = "$SERVER4:123"
		[[nts-ke-server]]
		listen = "$SERVER4:4460"
		certificate-chain-path = "$TMP/server.pem"
		private-key-path = "$TMP/server.key"
	END
	chmod 644 "$TMP/server.pem" "$TMP/ntp.toml"
	tame_peer "$ntpdrs" /usr/bin/ntp-daemon
	start ntpdrs server_ntpdrs taskset -c "$SERVER_CPU" "${PEER[@]}" -c "$TMP/ntp.toml"
	wait_for 10 serves_ke ntpdrs && wait_for 60 synchronised ntpdrs
}

synchronised() { # NAME
	local answer
	answer=$(ask "client_$1" "$SERVER4") && [ "$(awk '{ print ($1 < 192 && $2 > 0) }' <<<"$answer")" = 1 ]
}
