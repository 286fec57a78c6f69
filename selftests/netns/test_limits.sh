#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# Limits and lists as an operator sets them: per source, in all, by prefix, changed by
# SIGHUP; and floods from random sources beside a chronyd with NTS, which goes on.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

# Lines on standard input are [limits].
limits() {
	write_config < <(echo "[limits]"; cat)
}

reload() {
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid"
}

# Sets [limits] from standard input in the running daemon.
relimit() {
	limits
	reload
}

answered() { # ADDRESS
	[ "$(ask client "$1" | wc -w)" -eq 48 ]
}

silent() { # ADDRESS
	! answered "$1"
}

kiss() { # ADDRESS
	[[ $(ask client "$1" | tr -s ' ') == ' '[0-9]*' 0 '*' 82 65 84 69 '* ]]
}

more_than() { # COUNTER NUMBER
	[ "$(counter "$1")" -gt "$2" ]
}

counts() { # COUNTER COMMAND...
	local before
	before=$(counter "$1")
	"${@:2}" && [ "$(counter "$1")" -gt "$before" ]
}

all_answered() { # COUNT ADDRESS
	[ "$(in_ns client selftests/guest/ask_many.py "$2" "$1")" -eq "$1" ]
}

# ---- chronyd ---------------------------------------------------------------

ntpdata() { # LINE's TITLE
	chronyc honest "$chrony" ntpdata | sed -n "s/^$1 *: *//p"
}

# Few of what it sent since then lack an answer: a veth's queue may overflow.
few_lost() { # SENT VALID
	local sent valid
	sent=$(($(ntpdata 'Total TX') - $1)) valid=$(($(ntpdata 'Total valid RX') - $2))
	echo "sent $sent, valid answers $valid"
	[ "$sent" -ge 8 ] && [ "$valid" -ge $((sent * 9 / 10 - 1)) ]
}

flood() { # KIND SECONDS
	in_ns client selftests/netns/flood.py cli0 "$mac" "$SERVER4" "$1" "$2" | tee "$TMP/flooded"
}

# A flood beside it, and it is none the worse.
goes_on_beside() { # KIND
	local sent valid
	sent=$(ntpdata 'Total TX') valid=$(ntpdata 'Total valid RX')
	flood "$1" 5
	[ "$(cat "$TMP/flooded")" -gt 10000 ] && few_lost "$sent" "$valid" &&
		chronyd_has_nts_time honest "$chrony"
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
mac=$(ip -n server -o link show srv0 | sed 's/.*link.ether \([0-9a-f:]*\).*/\1/')
limits <<-END
	plain_interval = 1h
	plain_burst = 8
	kod = 0
END
start_xntsd || bail "xntsd does not serve"

check "a burst of 8 is answered" all_answered 8 "$SERVER4"
check "what comes next is not" counts drop_limited silent "$SERVER4"
check "another source is answered" answered "$SERVER6"
start_chronyd honest "$chrony" "$SERVER_NAME4" "minpoll -2 maxpoll -2" </dev/null
check "NTS of the silenced source is answered" wait_for 20 chronyd_has_nts_time honest "$chrony"
relimit <<-END
	plain_interval = 1h
	plain_burst = 8
	kod = 1
END
check "asked for, a kiss of death says so" counts kod_rate kiss "$SERVER4"

relimit <<<"require_nts = yes"
check "NTS required: plain NTP is not answered" counts drop_not_nts silent "$SERVER6"
check "NTS is" wait_for 5 more_than nts_answered "$(counter nts_answered)"

# ---- lists -----------------------------------------------------------------

# Left without answers for long, chronyd runs out of cookies twice, and waits minutes for others.
chronyc honest "$chrony" offline
printf '%s\n' "# lab" "$CLIENT4/32 # ours" "2001:db8:65::/48" >"$TMP/refuse"
relimit <<<"refuse_file = $TMP/refuse"
check "a refused source is not answered" counts drop_refused silent "$SERVER4"
check "others are" answered "$SERVER6"
printf '%s\n' "198.51.100.0/24" "2001:db8:64::/64" >"$TMP/refuse"
relimit <<-END
	refuse_file = $TMP/refuse
	allow = $CLIENT4
END
check "the longest prefix counts" answered "$SERVER4"
check "and for IPv6" counts drop_refused silent "$SERVER6"

printf '%s\n' "192.0.2.0/24" "192.0.2.1/24" >"$TMP/refuse"
check "a wrong file is refused by name and line" fails_saying \
	"$TMP/refuse:2: [limits] refuse_file: \"192.0.2.1/24\" has bits set beyond its length" reload
check "with all of the new configuration" grep -q "xnts.conf: refused, the configuration of before" "$TMP/xntsd.log"
check "and the lists of before stay" silent "$SERVER6"

relimit <<-END
	allow = 2001:db8:64::/64
	unlisted = refuse
END
check "who is not listed is refused if so set" silent "$SERVER4"
check "who is listed is not" answered "$SERVER6"
for ((i = 0; i < 99999; i++)); do
	echo "10.$((i >> 16)).$((i >> 8 & 255)).$((i & 255))"
done >"$TMP/refuse"
echo "$CLIENT4" >>"$TMP/refuse"
SECONDS=0
relimit <<<"refuse_file = $TMP/refuse"
check "100,000 prefixes are read in $SECONDS s" [ "$SECONDS" -le 10 ]
check "the last of them counts" counts drop_refused silent "$SERVER4"
relimit <<<"nts_budget = 80"
check "no lists: all are answered" answered "$SERVER4"
check_equal "and the tries are empty" "$(bpftool map dump pinned "$PIN_DIR/lists4" | tr -d " \n")" "[]"

# ---- floods ----------------------------------------------------------------

relimit <<<"ceiling = 1000"
before=$(counter plain_answered)
flood plain 3
elapsed=4 answers=$(($(counter plain_answered) - before))
check "the ceiling holds: $answers of $(cat "$TMP/flooded")" [ "$answers" -le $((1000 * elapsed)) ]
check "and is counted" more_than drop_over_ceiling 0

relimit <<-END
	plain_interval = 8s
	kod = 16
END
chronyc honest "$chrony" online
wait_for 30 chronyd_has_nts_time honest "$chrony" || bail "chronyd lost its time"
check "chronyd goes on beside plain NTP from random sources" goes_on_beside plain
check "beside garbage that looks like NTS" goes_on_beside garbage
check "beside a request of its own, replayed" goes_on_beside replay

relimit <<<"nts_budget = 1"
start flood client selftests/netns/flood.py cli0 "$mac" "$SERVER4" replay 30
check "a small budget sheds NTS" wait_for 15 more_than drop_over_budget 1000
check "plain NTP is answered meanwhile" all_answered 20 "$SERVER4"
stop flood
finish
