#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# After removal; a purge takes the secret of the cookie keys with it.
set -e

if [ "$1" = purge ]; then
	rm -rf /var/lib/xnts
	rmdir /etc/xnts 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
