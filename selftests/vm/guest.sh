#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The first process of the virtual machine: makes it a machine as the suites
# expect one, runs them, and switches it off.  Results go out through the second
# serial port, all else to the console.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
# Emulation is slow: what takes a second elsewhere takes five here.
export TIMEOUT_FACTOR=4

word() { # NAME: its value on the kernel's command line
	sed -n "s/.*xnts\.$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

mount_all() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs dev /dev
	ln -s /proc/self/fd /dev/fd
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs shm /dev/shm
	mount -t tmpfs run /run
	# Not over /tmp: the tree may be there, and the overlay below keeps writes in memory.
	mount -t bpf bpf /sys/fs/bpf
}

use_modules() { # DIRECTORY
	local target
	target=/lib/modules/$(uname -r)
	mkdir -p "$target"
	mount --bind "$1" "$target"
}

exec </dev/null
mount_all
exec >/dev/console 2>&1
use_modules "$(word modules)"
modprobe virtio_net
ip link set lo up
hostname vm
# AddressSanitizer's shadow of older compilers does not fit beside 32 random bits.
sysctl -q vm.mmap_rnd_bits=28

cd "$(word top)" || exit
IFS=, read -ra suites <<<"$(word suites)"
selftests/run.sh "${suites[@]}" >/dev/ttyS1 2>&1
echo b >/proc/sysrq-trigger
