#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# The data plane outlives the daemon: xntsd is killed under traffic and started
# again, and a chronyd that polls 64 times a second with NTS misses no answer and
# needs no new keys.  Then the keys are lost for good: NAKs send chronyd to new ones.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

ntpdata() { # LINE's TITLE
	chronyc fast "$chrony" ntpdata | sed -n "s/^$1 *: *//p"
}

sent_at_least() { # NUMBER
	[ "$(ntpdata 'Total TX')" -ge "$1" ]
}

# Seconds since the last key establishment: grows as long as there is no other.
ke_age() {
	chronyc fast "$chrony" authdata | awk '$2 == "NTS" { print $6 }'
}

# Stops asking and compares what was sent with what came back and verified.
no_answer_lost() {
	chronyc fast "$chrony" offline >/dev/null
	sleep 0.5
	local sent valid
	sent=$(ntpdata 'Total TX') valid=$(ntpdata 'Total valid RX')
	chronyc fast "$chrony" online >/dev/null
	echo "sent $sent, valid answers $valid"
	[ "$sent" -gt 100 ] && [ "$sent" -eq "$valid" ]
}

chrony=$(scripts/unpack-deb.sh chrony bookworm) || skip_all "apt could not fetch chrony"
make_playground || bail "no playground"
start_xntsd || bail "xntsd does not serve"
start_chronyd fast "$chrony" ntp4.example "minpoll -6 maxpoll -6" </dev/null
wait_for 20 chronyd_has_nts_time fast "$chrony" || bail "no NTS time"
wait_for 20 sent_at_least 150 || bail "chronyd does not poll fast"

stop xntsd KILL
before=$(counter nts_answered)
sleep 3
check "killed with SIGKILL, answers go on" [ "$(counter nts_answered)" -gt $((before + 50)) ]
age=$(ke_age)
start_xntsd || bail "xntsd does not start again"
before=$(counter nts_answered)
sleep 3
check "started again, answers go on" [ "$(counter nts_answered)" -gt $((before + 50)) ]
check "no answer was lost" no_answer_lost
check "old cookies are still answered: no new key establishment" [ "$(ke_age)" -ge "$age" ]

age=$(ke_age)
stop xntsd
rm "$TMP/keys"
naks=$(($(counter nak_key_unknown) + $(counter nak_bad_cookie)))
start_xntsd || bail "xntsd does not start with new keys"
saw_nak() {
	[ $(($(counter nak_key_unknown) + $(counter nak_bad_cookie))) -gt "$naks" ]
}
has_new_keys() {
	[ "$(ke_age)" -lt "$age" ] && chronyd_has_nts_time fast "$chrony"
}
check "keys lost: NAKs are sent" wait_for 20 saw_nak
check "chronyd gets new keys by itself" wait_for 60 has_new_keys
before=$(counter nts_answered)
sleep 2
check "and is answered with them" [ "$(counter nts_answered)" -gt "$before" ]
finish
