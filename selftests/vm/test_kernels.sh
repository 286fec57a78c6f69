#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 3000
#
# The suites that depend on the kernel, run on other kernels than this machine's: each
# boots in an emulated machine (boot.sh), all side by side: much of their time is
# waiting.  selftests/guest holds what only such a machine can show.  KERNELS="6.1" runs
# one of them, VM_SUITES="guest" one suite.
. "$(dirname "$0")/../lib.sh"
need_root

# The kernels, as NAME SUITE PACKAGE: what xnts promises to run on.  short: a few suites
# only, and fully preemptible.
ALL_KERNELS="
6.1 bookworm linux-image-amd64
6.12 trixie linux-image-amd64
6.18 trixie-backports linux-image-6.18.15+deb13-amd64 short
"
SECONDS_A_KERNEL=1500
# Of prog_run not the sweeps over every bit and length, nor the compilers: what
# depends on the kernel is in the others, and emulation is slow.  Of netns those whose
# clients bear emulation: at 64 polls a second chronyd takes an answer that comes
# late for none.
SUITES=${VM_SUITES:-guest prog_run/test_object prog_run/test_siv prog_run/test_verdicts
	prog_run/test_exchanges prog_run/test_limits prog_run/test_stamps netns/test_pass netns/test_pins
	netns/test_upgrade netns/test_next_hop netns/test_stamps}
SHORT=${VM_SUITES:-guest/test_verifier prog_run/test_object prog_run/test_stamps netns/test_pass netns/test_stamps}

# The object as other compilers make it, for guest/test_verifier.sh.
build_objects() {
	local clang
	rm -f "$BUILD"/vm/clang-*.bpf.o
	for clang in clang-14 clang-16 clang-19; do
		command -v "$clang" >/dev/null || continue
		make -s CLANG="$clang" BUILD="build/vm/$clang" "build/vm/$clang/xnts.bpf.o" || return
		mv "build/vm/$clang/xnts.bpf.o" "build/vm/$clang.bpf.o"
		rm -r "build/vm/$clang"
	done
}

declare -A booted
boot_kernel() { # NAME SUITE PACKAGE [short]
	local kernel suites=$SUITES arguments=""
	[ "${4:-}" != short ] || suites=$SHORT arguments=preempt=full
	kernel=$(scripts/unpack-deb.sh "$3" "$2" linux-image) || { skip "$1" "apt could not fetch $3 of $2"; return; }
	# shellcheck disable=SC2086 # a list
	KERNEL_ARGUMENTS=$arguments unshare --net selftests/vm/boot.sh "$1" "$kernel" $SECONDS_A_KERNEL $suites >"$BUILD/vm/$1.log" 2>&1 &
	booted[$1]=$!
}

# Prints a kernel's results with its name before each.
report_kernel() { # NAME
	local status=0
	wait "${booted[$1]}" || status=$?
	sed -nE "s/^(ok|not ok|skip) /\1 $1: /p; s/^seconds: /# $1: seconds: /p" "$BUILD/vm/$1.log"
	check "$1: no test took less than no time, also where it set the clock" not grep -q '^seconds:.* -' "$BUILD/vm/$1.log"
	if [ "$status" -ne 0 ]; then
		not_ok "$1: the machine ends by itself" "status $status (124: after $SECONDS_A_KERNEL s); build/vm/$1.console"
		tail -n 20 "$BUILD/vm/$1.console"
	fi
	grep -E '^ +\|' "$BUILD/vm/$1.log" || true
	grep -Eq '^[0-9]+ passed, 0 failed' "$BUILD/vm/$1.log" || FAILURES=$((FAILURES + 1))
}

[ "$(uname -m)" = x86_64 ] || skip_all "needs an x86-64 machine"
for program in qemu-system-x86_64 busybox depmod dpkg-deb xz; do
	PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || skip_all "$program is not installed"
done
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
mkdir -p "$BUILD/vm"
check "the object builds with every compiler here" build_objects
# What the suites ask for in the machine, which has no network.
for suite in bookworm trixie; do
	scripts/unpack-deb.sh chrony $suite >/dev/null || true
	scripts/unpack-deb.sh xdp-tools $suite >/dev/null || true
done
while read -r name suite package list; do
	[ -n "$name" ] || continue
	case " ${KERNELS:-$name} " in *" $name "*) boot_kernel "$name" "$suite" "$package" "$list" ;; esac
done <<<"$ALL_KERNELS"
for name in "${!booted[@]}"; do
	report_kernel "$name"
done
finish
