#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/detach.sh IFACE    takes xnts off an interface; its maps stay
# scripts/detach.sh --all    off all interfaces, and removes keys, counters and all other pins
#
# Nothing to detach is no error.
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
pins=/sys/fs/bpf/xnts

[ $# -eq 1 ] || { echo "usage: $0 IFACE | --all" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "detach: needs root" >&2; exit 1; }
xntsd=$top/build/xntsd
[ -x "$xntsd" ] || xntsd=$(command -v xntsd) || { echo "detach: xntsd is not built: make" >&2; exit 1; }

if [ "$1" = --all ]; then
	[ -e $pins ] || { echo "nothing is loaded"; exit 0; }
	exec "$xntsd" --unload
fi
[ -e "$pins/link_${1//./:}" ] || [ -e "$pins/multi_${1//./:}" ] || { echo "$1: not attached"; exit 0; }
exec "$xntsd" --detach "$1"
