#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The alert rules as promtool judges them, and that they and the dashboard name metrics there are.
. "$(dirname "$0")/../lib.sh"

# What an exporter of ours can say: families are written by these four.
exported() {
	{
		grep -ohE '(gauge|gauge_family|counter_family|family)\(p, "[a-z0-9_]+"' userspace/metrics_text.c | sed 's/.*"\(.*\)"/\1/'
		sed -n '/define XNTS_KE_COUNTERS/,/^$/s/^.*X(\([a-z_]*\), .*/ke_\1/p; /define XNTS_DAEMON_COUNTERS/,/^$/s/^.*X(\([a-z_]*\), .*/\1/p' bpf/xnts_abi.h
	} | sort -u
}

names_exist() { # FILE
	local name unknown=0
	while IFS= read -r name; do
		grep -qxE "${name%_total}|${name%_bucket}" <<<"$(exported)" || { echo "$1: xnts_$name is not exported"; unknown=1; }
	done < <(grep -oE 'xnts_[a-z0-9_]+' "$1" | sed 's/^xnts_//' | sort -u)
	return "$unknown"
}

check "dashboard is JSON" python3 -m json.tool scripts/xnts-dashboard.json /dev/null
for file in scripts/xnts-dashboard.json scripts/xnts.rules.yml; do
	check "${file##*/} names metrics there are" names_exist "$file"
done
check "a metric there is not is noticed" not names_exist <(echo xnts_nonsense) >/dev/null
if prometheus=$(scripts/unpack-deb.sh prometheus); then
	peer "$prometheus" /usr/bin/promtool
	check "promtool check rules" "${PEER[@]}" check rules scripts/xnts.rules.yml
	check "promtool test rules" "${PEER[@]}" test rules selftests/lint/rules.test.yml
else
	skip "promtool check rules" "apt could not fetch prometheus"
	skip "promtool test rules" "apt could not fetch prometheus"
fi
finish
