#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/make-deb.sh
#
# Packs what `make install` installs into build/xnts_VERSION_ARCH.deb, which it prints.  The
# package depends on the libraries of the release it is made on, and takes hold of no interface:
# the service is started by who has configured it.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

root=$PWD/build/deb
version=$(sed -n 's/^#define XNTS_VERSION "\(.*\)"$/\1/p' userspace/version.h)
arch=$(dpkg --print-architecture)
package=build/xnts_${version}_$arch.deb

# The packages of the libraries that the programs name, with the versions they need.
libraries() {
	local dir
	dir=$(mktemp -d)
	mkdir "$dir/debian"
	printf 'Source: xnts\n\nPackage: xnts\nArchitecture: any\n' >"$dir/debian/control"
	(cd "$dir" && dpkg-shlibdeps -O "$root"/usr/sbin/*) | sed -n 's/^shlibs:Depends=//p'
	rm -r "$dir"
}

control() {
	cat <<-END
	Package: xnts
	Version: $version
	Architecture: $arch
	Maintainer: the authors of xnts <root@localhost>
	Section: net
	Priority: optional
	Installed-Size: $(du -sk "$root" | cut -f1)
	Depends: $(libraries), systemd | systemd-sysusers
	Recommends: chrony | ntpsec | ntpd-rs
	Suggests: bpftool, ethtool, iproute2
	Description: NTP and NTS server that answers inside the kernel
	 An XDP program answers NTP and NTS (RFC 8915) requests where the network driver
	 hands them over; the daemon beside it establishes keys and tells it the time.
	END
}

rm -rf "$root" build/xnts_*.deb && mkdir -p "$root/DEBIAN" "$root/etc/xnts"
make -s install DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system >/dev/null
strip "$root"/usr/sbin/*
gzip -9n "$root"/usr/share/man/man*/*
install -m 644 LICENSE "$root/usr/share/doc/xnts/copyright"
rm "$root/usr/share/doc/xnts/xnts.conf" # it is the conffile
sed 's/^# user = nobody/user = _xnts/' userspace/xnts.conf >"$root/etc/xnts/xnts.conf"
echo /etc/xnts/xnts.conf >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -exec md5sum {} +) >"$root/DEBIAN/md5sums"
for when in postinst prerm postrm; do
	install -m 755 "scripts/deb-$when.sh" "$root/DEBIAN/$when"
done
control >"$root/DEBIAN/control"
dpkg-deb --root-owner-group -b "$root" "$package" >/dev/null
echo "$package"
