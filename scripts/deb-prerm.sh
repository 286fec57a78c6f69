#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Before removal, not before an upgrade: nothing stays in the kernel that nobody can control.
set -e

[ "$1" = remove ] || exit 0
if [ -d /run/systemd/system ]; then
	systemctl disable --now xntsd.service
fi
xntsd --unload
