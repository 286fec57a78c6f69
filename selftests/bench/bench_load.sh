#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What is answered when the next requests are sent as answers come, over veth: lines
# `bench.NAME VALUE UNIT`, medians of ROUNDS seconds each.  The generator, the program and
# what counts the answers share one CPU, which is the larger part of plain NTP's cost.
# A million sources; the settings of [limits] take turns, so that a busy machine is busy for all.
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" -eq 0 ] || { echo "bench: load not measured: needs root"; exit 0; }
sandbox "$@"

ROUNDS=${ROUNDS:-5}
SETTINGS="off limits lists"

write_settings() { # SETTING
	{
		printf '%s\n' "[limits]" "nts_budget = 0"
		case $1 in
		limits) printf '%s\n' "plain_interval = 1ms" "nts_interval = 1ms" ;;
		lists) echo "refuse_file = $TMP/refuse" ;;
		esac
	} | write_config
	"$BUILD/xnts" reload -p "$TMP/xntsd.pid" >/dev/null
}

# 100,000 prefixes, none of them a source's.
write_list() {
	local i
	for ((i = 0; i < 100000; i++)); do
		echo "172.$((16 + (i >> 16))).$((i >> 8 & 255)).$((i & 255))"
	done >"$TMP/refuse"
}

measure() { # KIND SETTING
	load 0 1 -k "$1" -s 1000000 -v 0 >/dev/null || return
	loaded answered_rate >>"$TMP/$1.$2"
}

median() { # KIND SETTING
	sort -n "$TMP/$1.$2" | sed -n "$(((ROUNDS + 1) / 2))p"
}

make_playground || exit
write_list
start_xntsd || exit
for ((round = 0; round < ROUNDS; round++)); do
	for setting in $SETTINGS; do
		write_settings "$setting" || exit
		measure plain "$setting" && measure nts "$setting" || exit
	done
done
for kind in plain nts; do
	echo "bench.load_$kind $(median $kind off) answers/s"
	echo "bench.load_${kind}_limits_on $(median $kind limits) answers/s"
	echo "bench.load_${kind}_100000_prefixes $(median $kind lists) answers/s"
done
