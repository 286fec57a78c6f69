#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/install-deps.sh [vm | race]
#
# Installs what building, running and testing xnts needs on Debian 12 or 13, and
# nothing that is there already.  Without root it only says what is missing.
# `vm`: what the virtual machines of selftests/vm need besides; `race`: what plots.
# No package here starts a service; chrony, the client of the playground, is not
# installed at all but unpacked below build/ (scripts/unpack-deb.sh).
set -euo pipefail

build=(make gcc dpkg-dev libc6-dev linux-libc-dev pkgconf bpftool libbpf-dev libxdp-dev libssl-dev libinih-dev
	libseccomp-dev libcap-ng-dev libsystemd-dev libmicrohttpd-dev)
run=(iproute2 iputils-ping ethtool openssl procps util-linux)
check=(libcmocka-dev shellcheck groff-base git python3 valgrind)
vm=(qemu-system-x86 busybox-static kmod xz-utils)
race=(gnuplot-nox)
[ "${1:-}" = vm ] || vm=()
[ "${1:-}" = race ] || race=()

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')

have() { # PACKAGE: installed, under this or (Debian 13) its t64 name
	grep -qx -e "$1" -e "$1t64" <<<"$installed"
}

available() {
	[ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

missing=()
for p in "${build[@]}" "${run[@]}" "${check[@]}" "${vm[@]}" "${race[@]}"; do
	have "$p" || missing+=("$p")
done
# Clang, with the fuzzers' run-time library: 19 makes clearly faster BPF code than Debian 12's
# default 14, which does for one who is not root or finds no 19.
prefer() { # PACKAGE-19
	have "$1" && return
	if have "${1/-19/}" || have "${1/-19/-14}"; then
		[ "$(id -u)" -eq 0 ] && available "$1" || return 0
	fi
	missing+=("$1")
}
prefer clang-19
prefer llvm-19
prefer libclang-rt-19-dev

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "missing packages: ${missing[*]}" >&2
	echo "run as root: scripts/install-deps.sh" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
names=()
for p in "${missing[@]}"; do
	for candidate in "$p" "${p}t64" "${p/-19/}"; do
		if available "$candidate"; then
			names+=("$candidate")
			break
		fi
	done
done
echo "installing: ${names[*]}"
apt-get install -y -qq --no-install-recommends "${names[@]}" >/dev/null
