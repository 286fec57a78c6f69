#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# selftests/vm/boot.sh NAME KERNEL SECONDS SUITE...
#
# Boots the kernel that was unpacked into the folder KERNEL in a virtual machine,
# runs the suites there with selftests/run.sh and prints what that printed.  The
# machine sees this one's file system; what it writes stays in its memory.  It is
# emulated (TCG: no KVM needed) and killed after SECONDS.  Its console is kept in
# build/vm/NAME.console.  Exit status 0 only when the machine went off by itself.
#
# It is root in a network namespace of its own (unshare --net): the machine's two
# network cards are joined by a bridge there.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=$1 kernel=$2 seconds=$3
shift 3
suites=$(IFS=, && echo "$*")
dir=$PWD/build/vm
version=$(basename "$kernel"/boot/vmlinuz-*)
version=${version#vmlinuz-}
# What it takes to mount the root; the other modules are loaded from there.
ROOT_MODULES=(virtio_pci 9pnet_virtio 9p overlay)

make_initramfs() {
	local root=$dir/$name.initramfs module n=100
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/modules"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp selftests/vm/init "$root/init"
	depmod -b "$kernel" "$version"
	while read -r module; do
		n=$((n + 1))
		unpack_module "$module" "$root/modules/$n"
	done < <(module_files)
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$root.cpio"
	rm -rf "$root"
}

# Each once, dependencies first; built-in ones have no file.
module_files() {
	local module
	for module in "${ROOT_MODULES[@]}"; do
		modprobe -d "$kernel" -S "$version" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

unpack_module() { # FILE TARGET
	case $1 in
	*.xz) xz -dc "$1" >"$2.ko" ;;
	*) cp "$1" "$2.ko" ;;
	esac
}

# The first card has a queue for each of the two CPUs.
make_wire() {
	local tap
	ip link add wire type bridge
	ip link set wire up
	ip tuntap add dev tap0 mode tap multi_queue
	ip tuntap add dev tap1 mode tap
	for tap in tap0 tap1; do
		ip link set "$tap" master wire up
	done
}

run_machine() {
	timeout --foreground -k 5 "$seconds" qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu max -smp 2 -m 1536 -display none -nodefaults -no-reboot \
		-kernel "$kernel/boot/vmlinuz-$version" -initrd "$dir/$name.initramfs.cpio" \
		-append "console=ttyS0 loglevel=4 panic=-1 ${KERNEL_ARGUMENTS:-} xnts.top=$PWD xnts.modules=$kernel/usr/lib/modules/$version xnts.suites=$suites" \
		-serial "file:$dir/$name.console" -serial "file:$dir/$name.results" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-netdev tap,id=wire0,ifname=tap0,script=no,downscript=no,queues=2 \
		-device virtio-net-pci,netdev=wire0,mac=02:00:00:00:00:01,mq=on,vectors=6 \
		-netdev tap,id=wire1,ifname=tap1,script=no,downscript=no \
		-device virtio-net-pci,netdev=wire1,mac=02:00:00:00:00:02 </dev/null
}

mkdir -p "$dir"
# One machine of a name at a time: its files are named after it.
exec 9>"$dir/$name.lock"
flock 9
rm -f "$dir/$name.results"
make_initramfs
make_wire
status=0
run_machine 2>"$dir/$name.qemu" || status=$?
rm -f "$dir/$name.initramfs.cpio"
cat "$dir/$name.qemu" >&2
[ ! -e "$dir/$name.results" ] || tr -d '\r' <"$dir/$name.results"
exit "$status"
