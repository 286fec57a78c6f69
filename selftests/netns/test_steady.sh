#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 200
#
# Not one request is lost: plain NTP and NTS, half and half, LOAD_RATE a second in all, for
# LOAD_SECONDS or a little longer, while xntsd is reloaded, restarted, killed, changed for
# another version and back, and cookie keys change every other second.  100,000 associations
# of our own; the answers sampled are verified down to the new cookies.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

RATE=${LOAD_RATE:-20000} FOR=${LOAD_SECONDS:-10}
THIS=$BUILD NEXT=$BUILD/next/build

under_way() {
	running load && [ "$(counter nts_answered)" -gt "$1" ]
}

# NAME COMMAND...: done once a round, `ok` when it worked each time.
declare -A WORKED=()
act() {
	"${@:2}" || WORKED[$1]=no
	: "${WORKED[$1]:=yes}"
}

round() {
	act "reloaded" reload
	act "restarted" change_to "$THIS"
	act "killed, and started again" change_to "$THIS" KILL
	act "changed for the next version" change_to "$NEXT"
	act "and back" change_to "$THIS"
}

make_playground || bail "no playground"
write_config <<-END
	[keys]
	epoch = 2s
	keep = 48
	preload = 14
END
sed -i "/^state/d" "$TMP/xnts.conf" && echo "state = $TMP/keys" >>"$TMP/xnts.conf"
[ -x "$NEXT/xntsd" ] || bail "build/next is not built: make tests"
start_xntsd || bail "xntsd does not serve"
ip -n server route add 10.0.0.0/8 via "$CLIENT4"
start load client "$BUILD/load/load" -k mixed -K "$TMP/keys" -r "$RATE" -t 150 -w 200 \
	-u "$TMP/enough" cli0 "$SERVER4"
wait_for 30 under_way 1000 || bail "no load"
first_id=$(seal_id) SECONDS=0
until round && [ "$SECONDS" -ge "$FOR" ]; do :; done
last_id=$(seal_id)
touch "$TMP/enough"
wait_for 10 has_ended "${PIDS[load]}"
cp "$TMP/load.log" "$TMP/loaded"
cat "$TMP/loaded"
for what in "${!WORKED[@]}"; do
	check_equal "$what" "${WORKED[$what]}" yes
done
check "requests were sent" [ "$(loaded sent)" -gt 10000 ]
check "the keys changed meanwhile" [ "$last_id" -gt $((first_id + 2)) ]
check_equal "every one of $(loaded sent) requests was answered" "$(loaded answered)" "$(loaded sent)"
check_equal "each by itself" "$(loaded unanswered)" 0
# The generator waits for a machine that is busy with other things, rather than overflow the wire.
if [ "$(loaded sent)" -ge $((RATE * FOR * 9 / 10)) ]; then
	ok "at $(loaded sent_rate) a second"
else
	skip "at $RATE a second" "this machine was busy: $(loaded sent_rate) a second"
fi
check "$(loaded verified) answers were verified" [ "$(loaded verified)" -gt 10 ]
check_equal "and right" "$(loaded wrong)$(loaded stray)" 00
finish
