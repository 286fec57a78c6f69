#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The control program on real maps: what it shows, what its switch does, and that the
# daemon is not needed for it.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

xnts() {
	in_ns server "$BUILD/xnts" "$@"
}

# The command's exit status, its output being kept in $TMP/said.
status_of() { # COMMAND...
	"$@" >"$TMP/said" 2>&1
	echo $?
}

says() { # WORDS
	grep -qF -- "$1" "$TMP/said" || { cat "$TMP/said"; return 1; }
}

shows() { # WORDS
	xnts status -p "$TMP/xntsd.pid" >"$TMP/said" 2>&1
	says "$1"
}

not_served() {
	[ "$(status_of xnts check)" = 1 ] && says "NTS-KE is not served: xntsd was last there"
}

answers() {
	[ -n "$(ask client "$SERVER4")" ]
}

is_silent() {
	! answers
}

is_healthy() {
	xnts check -q
}

json_is_valid() { # OPTION...
	xnts stats --json "$@" | python3 -c '
import json, sys
for line in sys.stdin:
    d = json.loads(line)
    assert d["packets"]["plain_answered"] >= 1, d
    assert "accepted" in d["ntske"]
    for c in d.get("cpus", []):
        assert c.keys() - {"cpu"} == d["packets"].keys()'
}

cpus_add_up() {
	xnts stats --json --cpu | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["cpus"]
for name, total in d["packets"].items():
    assert total == sum(c[name] for c in d["cpus"]), name'
}

never_shows_keys() {
	local word
	for word in status stats "stats -a" "stats -j -c" check "keys -c $TMP/xnts.conf"; do
		# shellcheck disable=SC2086 # words
		xnts $word
	done >"$TMP/all" 2>&1
	# Keys are random bytes: a run of 16 hexadecimal digits with a letter among them would be one.
	! grep -oE '[0-9a-fA-F]{16,}' "$TMP/all" | grep '[a-fA-F]'
}

check_equal "check without maps: exit status" "$(status_of "$BUILD/xnts" check)" 1
check "check without maps: reason" says "nothing is loaded"
check_equal "status without maps: exit status" "$(status_of "$BUILD/xnts" status)" 1
check_equal "serve without maps: exit status" "$(status_of "$BUILD/xnts" serve)" 1
check_equal "reload without a daemon: exit status" "$(status_of "$BUILD/xnts" reload -p "$TMP/none")" 1
check "reload without a daemon: reason" says "xntsd does not run"
check_equal "no command: exit status" "$(status_of "$BUILD/xnts")" 2
check_equal "unknown command: exit status" "$(status_of "$BUILD/xnts" sevre)" 2
check_equal "unknown option: exit status" "$(status_of "$BUILD/xnts" stats --sum)" 2
check_equal "interval out of range: exit status" "$(status_of "$BUILD/xnts" stats -i 0)" 2
check_equal "argument too many: exit status" "$(status_of "$BUILD/xnts" drop now)" 2
check_equal "help: exit status" "$(status_of "$BUILD/xnts" --help)" 0
check_equal "help of a command: exit status" "$(status_of "$BUILD/xnts" status --help)" 0
check_equal "help of an unknown command: exit status" "$(status_of "$BUILD/xnts" nonsense --help)" 2
check_equal "version: exit status" "$(status_of "$BUILD/xnts" --version)" 0

make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
check "healthy" wait_for 10 is_healthy
check_equal "check when healthy: exit status" "$(status_of xnts check)" 0
check "check when healthy: ok" says ok
check "answers" wait_for 5 answers
check "status: well" shows "all is well"
check "status: the link" shows "srv0 (native)"
check "status: the daemon" shows "runs, process"
check "status: the clock" shows "stratum 10"
check "status: the next key" wait_for 5 shows ", the next key seals in"
check "status: NTS-KE" wait_for 5 shows "workers ready; the certificate is good for"
check_equal "check: the certificate ends soon" "$(status_of xnts check -e 3650)" 1
check "check: says so" says "the certificate expires in"
check_equal "check: days out of range" "$(status_of xnts check -e x)" 2
check "status: the key" shows " seals (generation 1, epoch"

check "stats: JSON" json_is_valid
check "stats: JSON by CPU" json_is_valid --cpu
check "stats: JSON, three times" json_is_valid -i 0.2 -n 3
check_equal "stats: three lines" "$(xnts stats -j -i 0.2 -n 3 | wc -l)" 3
check "stats: CPUs add up" cpus_add_up
check_equal "stats: exit status" "$(status_of xnts stats)" 0
check "stats: a name and its meaning" says "plain_answered     NTP answered"
check_equal "stats with rates: exit status" "$(status_of xnts stats -i 0.2 -n 2)" 0
check "stats: a rate" says "/s  plain_answered"
check_equal "stats by CPU: exit status" "$(status_of xnts stats -c)" 0
check "stats by CPU: a column" says "CPU"
check "no key is shown" never_shows_keys

refuses_file() {
	[ "$(status_of xnts check)" = 0 ] && says "[keys] state: the file was refused or is gone"
}
is_content() {
	[ "$(status_of xnts check)" = 0 ] && ! says "[keys] state"
}
chmod 644 "$TMP/keys"
check "a state file that others may read: check says so" wait_for 5 refuses_file
chmod 600 "$TMP/keys"
check "its mode restored: check" wait_for 5 is_content
cp -p "$TMP/keys" "$TMP/good"
echo damaged >>"$TMP/keys"
check "a damaged state file: check says so" wait_for 5 refuses_file
rm "$TMP/keys"
sleep 1.5
check "none: check says so" refuses_file
mv "$TMP/good" "$TMP/keys"
check "restored: check" wait_for 5 is_content

# The other end of veth without an XDP program: all that is counted as answered is lost.
ask_in_vain() {
	# shellcheck disable=SC2016 # of the inner shell
	in_ns client bash -c 'for i in 1 2 3 4; do printf "\043%047d" 0 >"/dev/udp/$0/123"; done' "$SERVER4"
}
is_mute() {
	ask_in_vain
	[ "$(status_of xnts check)" = 1 ] && says "srv0: the driver sends no answer"
}
ip -n client link set cli0 xdp off
check "answers lost: check says so" wait_for 20 is_mute
check "answers lost: status says so" shows "does NOT answer"
check_equal "answers lost: told once" "$(grep -c "srv0: the driver sends no answer" "$TMP/xntsd.log")" 1
ip -n client link set cli0 xdp object "$BUILD/netns/wire.bpf.o" section xdp
check "answers arrive again" wait_for 5 answers
check "answers arrive again: check" wait_for 10 is_healthy

check_equal "drain: exit status" "$(status_of xnts drain)" 0
check "drain: answers" answers
check_equal "drain: check fails at once" "$(status_of xnts check)" 1
check "drain: check says why" says "switched to drain"
check "drain: status says so" shows "answers, but:"
check_equal "serve: exit status" "$(status_of xnts serve)" 0
check_equal "serve: check" "$(status_of xnts check)" 0
check_equal "drop: exit status" "$(status_of xnts drop)" 0
check "drop: silent" is_silent
check_equal "drop: check" "$(status_of xnts check)" 1
check "drop: check says why" says "switched to drop"
check "drop: status says so" shows "does NOT answer"
check_equal "off: exit status" "$(status_of xnts off)" 0
check "off: silent" is_silent # no NTP server behind
check "off: counted" [ "$(counter pass_switch)" -ge 1 ]

check_equal "keys: exit status" "$(status_of xnts keys -c "$TMP/xnts.conf")" 0
check "keys: the sealing key's id" says "$(xnts status | sed -n 's/^keys *\([0-9a-f]*\) seals.*/\1/p')"
check_equal "keys: unknown command" "$(status_of xnts keys -c "$TMP/xnts.conf" show)" 2
check "keys: what to ask" says "xnts --help"
check_equal "keys: export" "$(status_of xnts keys -c "$TMP/xnts.conf" export "$TMP/exported")" 0
check "keys: exported for root alone" [ "$(stat -c %a "$TMP/exported")" = 600 ]

check_equal "reload: exit status" "$(status_of xnts reload -p "$TMP/xntsd.pid")" 0
check "reload: the daemon lives on" running xntsd
echo "nosuch = key" >>"$TMP/xnts.conf"
check_equal "reload refused: exit status" "$(status_of xnts reload -p "$TMP/xntsd.pid")" 1
check "reload refused: why" says "xnts.conf:$(wc -l <"$TMP/xnts.conf"): [clock] nosuch: unknown key"
sed -i '$d' "$TMP/xnts.conf"
check_equal "reload mended: exit status" "$(status_of xnts reload -p "$TMP/xntsd.pid")" 0
check_equal "reloads are counted" "$(bpftool -j map dump pinned "$PIN_DIR/daemon_counters" | grep -oE '"reloads(_refused)?": *[0-9]+' | tr -d ' \n')" \
	'"reloads":2"reloads_refused":1'

stop xntsd KILL
check "daemon killed: status says so" shows "does not run"
check "daemon killed: check says so" wait_for 15 not_served
check_equal "daemon killed: serve" "$(status_of xnts serve)" 0
check "daemon killed: answers" wait_for 5 answers
check_equal "daemon killed: reload" "$(status_of xnts reload -p "$TMP/xntsd.pid")" 1

in_ns server "$BUILD/xntsd" --detach srv0
check_equal "detached: check" "$(status_of xnts check)" 1
check "detached: reason" says "attached to no interface"
finish
