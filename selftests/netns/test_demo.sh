#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What `make run ONCE=1` runs, as a newcomer would see it.
. "$(dirname "$0")/../lib.sh"
need_root

output=$(ONCE=1 IFACE='' timeout 90 scripts/demo.sh 2>&1)
status=$?
echo "$output"
check_equal "make run ONCE=1 ends with exit status 0" "$status" 0
check "it shows a synchronised client" grep -q '^^\*' <<<"$output"
check "it shows NTS authentication" grep -Eq ' NTS +[0-9]+ +15 +256 ' <<<"$output"
check "it shows our counter" grep -Eq 'nts_answered +[1-9]' <<<"$output"
finish
