#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/clean-root.sh DIR
#
# Unpacks into DIR a minimal Debian of this machine's release that has what the package of
# scripts/make-deb.sh depends on.  Made once by debootstrap (which is not installed, only unpacked)
# and kept in build/cache/, for as long as the package depends on the same.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
dir=$1

depends() {
	dpkg-deb -f build/xnts_*.deb Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g' |
		sed 's/^systemd$/systemd-standalone-sysusers/' | paste -sd,
}

cache=build/cache/root-$suite-$(depends | cksum | cut -d' ' -f1).tar

make_root() {
	local debootstrap mirror
	debootstrap=$(scripts/unpack-deb.sh debootstrap)
	# shellcheck disable=SC2016 # the $() are apt's
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk -v own="$suite" '$2 == own && $3 == "main" { print $1; exit }')
	[ -n "$mirror" ] || { echo "no Debian mirror among apt's sources" >&2; return 1; }
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	DEBOOTSTRAP_DIR=$debootstrap/usr/share/debootstrap "$debootstrap/usr/sbin/debootstrap" --variant=minbase \
		--include="$(depends)" "$suite" "$root" "$mirror" >&2
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/locale
	rm -rf build/cache && mkdir -p build/cache
	tar -C "$root" -cf "$cache.new" . && mv "$cache.new" "$cache"
}

[ -e "$cache" ] || make_root
mkdir -p "$dir"
tar -C "$dir" -xf "$cache"
