#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# After unpacking: the workers' account, the state's folder; a running daemon is replaced, which
# loses no request.  A first installation starts nothing: there is nothing configured yet.
set -e

[ "$1" = configure ] || exit 0
systemd-sysusers xnts.conf
if command -v systemd-tmpfiles >/dev/null; then
	systemd-tmpfiles --create xnts.conf
else
	install -d -m 700 /var/lib/xnts
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart xntsd.service || echo "xntsd did not start again: see systemctl status xntsd" >&2
fi
