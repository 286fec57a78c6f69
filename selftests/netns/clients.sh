# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# NTP clients other than chronyd, for the end-to-end tests; playground.sh has
# chronyd.  start_CLIENT starts one, CLIENT_has_nts_time tells whether it holds
# authenticated time.  None may set the clock: the preload makes such calls do
# nothing, and CAP_SYS_TIME is taken away besides.

NO_CLOCK=(setpriv --bounding-set -sys_time --inh-caps -sys_time)

# Like peer(), for clients that cannot be told to leave the clock alone.
tame_peer() { # FOLDER PROGRAM
	peer "$1" "$2"
	PEER=("${NO_CLOCK[@]}" "${PEER[0]}" --preload "$BUILD/netns/noclock.preload.so" "${PEER[@]:1}")
}

# ---- ntpsec ----------------------------------------------------------------

start_ntpsec() { # NAME FOLDER SERVER
	local dir=$TMP/$1
	mkdir -p "$dir"
	cat >"$dir/ntp.conf" <<-END
		server $3 nts iburst minpoll 1 maxpoll 3 ca $TMP/ca.pem
		driftfile $dir/drift
		statsdir $dir/
		statistics peerstats
		filegen peerstats file peerstats type none enable
		restrict default
	END
	tame_peer "$2" /usr/sbin/ntpd
	start "$1" client "${PEER[@]}" -n -c "$dir/ntp.conf" -p "$dir/pid"
}

# The peer status word of peerstats: 0x80 configured, 0x40 authentication asked for,
# 0x20 authentic, 0x10 reachable, low bits 6 the system peer.
ntpsec_has_nts_time() { # NAME
	awk '$4 ~ /^f[4-7]/ { ok = 1 } END { exit !ok }' "$TMP/$1/peerstats"
}

# ---- ntpd-rs ---------------------------------------------------------------

start_ntpdrs() { # NAME FOLDER SERVER
	local dir=$TMP/$1
	mkdir -p "$dir"
	cat >"$dir/ntp.toml" <<-END
		[observability]
		log-level = "debug"
		observation-path = "$dir/observe"
		[[source]]
		mode = "nts"
		address = "$3"
		certificate-authority = "$TMP/ca.pem"
		[synchronization]
		minimum-agreeing-sources = 1
	END
	tame_peer "$2" /usr/bin/ntp-daemon
	start "$1" client "${PEER[@]}" -c "$dir/ntp.toml"
}

# An NTS source takes no answer that does not verify, so a system stratum below
# 16 (unsynchronised) is authenticated time.
ntpdrs_has_nts_time() { # NAME FOLDER
	local status
	peer "$2" /usr/bin/ntp-ctl
	status=$("${PEER[@]}" -c "$TMP/$1/ntp.toml" status) || return
	grep -q '\[NTS\]' <<<"$status" && grep -Eq '^Stratum: ([1-9]|1[0-5])$' <<<"$status"
}
