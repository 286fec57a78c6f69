#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/status.sh [-a]
#
# Shows what is attached and what was answered, with bpftool alone: it works
# without the daemon.  Counters are summed over the CPUs; those that are 0 are
# left out unless -a is given.  The map of cookie keys is never read.
set -u

pins=/sys/fs/bpf/xnts
all=${1:-}
PATH=$PATH:/usr/sbin:/sbin

[ "$(id -u)" -eq 0 ] || { echo "needs root" >&2; exit 1; }
[ -e $pins/counters ] || { echo "nothing is loaded: no pins in $pins" >&2; exit 1; }

# The numbers of a map as `name value` lines, those of one name added up.
numbers() { # MAP
	bpftool -j map dump pinned "$pins/$1" | grep -oE '"[a-z_0-9]+": *-?[0-9]+' | tr -d '" ' |
		awk -F: '$1 != "cpu" && $1 != "key" { if (!($1 in n)) order[++k] = $1; n[$1] += $2 }
			END { for (i = 1; i <= k; i++) printf "%s %.0f\n", order[i], n[order[i]] }'
}

# One member of the slot that counts now.
clock_member() { # NAME
	bpftool -j map dump pinned $pins/clock | grep -oE '"(current|'"$1"')": *-?[0-9]+' |
		awk -F': *' '/current/ { want = $2 } /'"$1"'/ { v[n++] = $2 } END { print v[want] }'
}

show_links() {
	local pin
	echo "attached:"
	compgen -G "$pins/link_*" >/dev/null || compgen -G "$pins/multi_*" >/dev/null || echo "  nothing"
	for pin in "$pins"/link_* "$pins"/multi_*; do
		case $pin in
		*'*') ;; # none
		*/link_*) echo "  ${pin##*/link_}: $(bpftool link show pinned "$pin" | head -n 1)" ;;
		*) echo "  ${pin##*/multi_}: beside other programs, $(bpftool prog show pinned "$pin" | head -n 1)" ;;
		esac
	done
}

show_switch() {
	local word=(serve pass drop drain)
	echo "switch: ${word[$(numbers switch | awk '{ print $2; exit }')]:-unknown}"
}

show_clock() {
	local now mono hold
	now=$(awk '{ print int($1) }' /proc/uptime)
	mono=$(clock_member mono) hold=$(clock_member hold)
	echo "clock: stratum $(clock_member stratum), leap $(clock_member leap)"
	if [ "$mono" = 0 ]; then
		echo "  never set"
	else
		echo "  refreshed $((now - mono / 1000000000)) s ago, holds for $((hold / 1000000000)) s"
	fi
}

show_counters() { # MAP
	echo "$1:"
	numbers "$1" | awk -v all="$all" '$2 || all != "" { printf "  %-20s %15s\n", $1, $2; n++ }
		END { if (!n) print "  all 0" }'
}

show_links
show_switch
show_clock
show_counters counters
show_counters ke_counters
show_counters daemon_counters
