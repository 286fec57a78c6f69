#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The Debian package on a clean root: installs, serves, is upgraded, removed and purged.
# timeout: 900 (the clean root is downloaded once; then it takes seconds)
. "$(dirname "$0")/../lib.sh"
need_root
command -v dpkg-shlibdeps >/dev/null || skip_all "dpkg-dev is not installed"
make -s deb >/dev/null 2>&1 || { not_ok "make deb" "failed"; finish; }
if [ "${XNTS_SANDBOX:-}" != "$0" ]; then # before the network is left
	scratch=$(mktemp -d /tmp/xnts.XXXXXX)
	trap 'rm -rf "$scratch"' EXIT
	scripts/clean-root.sh "$scratch" >build/check/clean-root.log 2>&1 || skip_all "no clean root: $(tail -n 1 build/check/clean-root.log)"
	rm -rf "$scratch"
fi
sandbox "$@"

root=$TMP/root
package=$(compgen -G "build/xnts_*.deb")

leave_root() {
	stop xntsd
	umount -R "$root" 2>/dev/null
	leave
}

# Nothing of the host's is bound into it: what removes the root removes the root alone.
mount_root() {
	mkdir "$root"
	mount -t tmpfs -o mode=755 root "$root" && scripts/clean-root.sh "$root" || return
	mount -t proc proc "$root/proc" && mount -t sysfs sys "$root/sys" && mount -t bpf bpf "$root/sys/fs/bpf" || return
	[ -c "$root/dev/null" ] && find "$root" -xdev -type f | sort >"$TMP/before"
}

inside() {
	in_ns server chroot "$root" "$@"
}

dpkg_inside() { # OPTION...
	inside env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg "$@" >"$TMP/dpkg.log" 2>&1 || { cat "$TMP/dpkg.log"; return 1; }
}

installs() {
	cp "$package" "$root/tmp/xnts.deb" && dpkg_inside -i /tmp/xnts.deb
}

configure() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj "/CN=$SERVER_NAME" \
		-keyout "$root/etc/xnts/key.pem" -out "$root/etc/xnts/certificate.pem" 2>/dev/null || return
	sed -i 's/^# source = .*/source = local/; s/^interfaces =.*/interfaces = srv0/; s/^# interfaces =.*/interfaces = srv0/' "$root/etc/xnts/xnts.conf"
}

start_inside() {
	start xntsd server chroot "$root" /usr/sbin/xntsd
}

is_healthy() {
	inside /usr/sbin/xnts check
}

answers() {
	[ -n "$(ask client "$SERVER4")" ]
}

conffile_is_ours() {
	grep -q 'interfaces = srv0' "$root/etc/xnts/xnts.conf"
}

not_attached() {
	! ip -n server -d link show srv0 | grep -q xdp
}

# What the package brought, or made, and did not take away.
leftovers() {
	find "$root" -xdev -type f | sort | comm -13 "$TMP/before" - |
		grep -vE "^$root/(var/(lib/dpkg|log|cache)/|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|tmp/xnts.deb|etc/xnts/(key|certificate).pem|etc/\.pwd\.lock)"
}

make_net || bail "no veth pair"
trap leave_root EXIT
mount_root || bail "no root"
check "installs" installs
check "the workers' account" inside getent passwd _xnts
check_equal "the state is root's alone" "$(stat -c '%a %u' "$root/var/lib/xnts")" "700 0"
check "nothing is attached" not_attached
check "the example is a conffile" grep -q /etc/xnts/xnts.conf "$root/var/lib/dpkg/info/xnts.conffiles"
check "and is there once" not grep -rlF "[limits]" "$root/usr/share/doc/xnts"
check "is configured" configure
check "the configuration is sound" inside /usr/sbin/xntsd --check
start_inside
check "is healthy" wait_for 10 is_healthy
check "answers" answers
check "workers run as _xnts" pgrep -u "$(awk -F: '$1 == "_xnts" { print $3 }' "$root/etc/passwd")" xntsd
check "is installed over itself" installs
check "and answers meanwhile" answers
check "the configuration stays" conffile_is_ours
stop xntsd
check "answers without the daemon" answers
check "is removed" dpkg_inside -r xnts
check "and detached" not_attached
check "no pins are left" not compgen -G "$root/sys/fs/bpf/xnts*"
check "the configuration is left" conffile_is_ours
check "and the secret" [ -s "$root/var/lib/xnts/keys" ]
check "is purged" dpkg_inside -P xnts
check_equal "nothing is left" "$(leftovers)" ""
finish
