#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What `make install` puts where, and that `make uninstall` takes all of it away.
. "$(dirname "$0")/../lib.sh"

root=$(mktemp -d /tmp/xnts.XXXXXX)
trap 'rm -rf "$root"' EXIT

there() { # MODE FILE
	[ "$(stat -c %a "$root$2")" = "$1" ]
}

check "make install" make -s install DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system
for file in /usr/sbin/xntsd /usr/sbin/xnts /usr/share/xnts/attach.sh /usr/share/xnts/detach.sh /usr/share/xnts/status.sh; do
	check "$file" there 755 "$file"
done
for file in /usr/share/man/man8/xntsd.8 /usr/share/man/man8/xnts.8 /usr/share/man/man5/xnts.conf.5 \
	/usr/share/doc/xnts/xnts.conf /usr/share/xnts/xnts.rules.yml /usr/share/xnts/xnts-dashboard.json \
	/usr/lib/sysusers.d/xnts.conf /usr/lib/tmpfiles.d/xnts.conf /lib/systemd/system/xntsd.service; do
	check "$file" there 644 "$file"
done
check "the unit starts what was installed" grep -qx "ExecStart=/usr/sbin/xntsd" "$root/lib/systemd/system/xntsd.service"
if command -v systemd-sysusers >/dev/null; then
	mkdir -p "$root/etc"
	check "sysusers makes the workers' account" systemd-sysusers --root="$root" xnts.conf
	check "which is there" grep -q '^_xnts:' "$root/etc/passwd"
	check "tmpfiles makes the state's folder" systemd-tmpfiles --root="$root" --create xnts.conf
	check "which is there for root alone" there 700 /var/lib/xnts
	rm -r "${root:?}"/{etc,var}
else
	skip "sysusers makes the workers' account" "systemd-sysusers is not installed"
fi
check "make uninstall" make -s uninstall DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system
check_equal "nothing is left" "$(find "$root" -type f)" ""
finish
