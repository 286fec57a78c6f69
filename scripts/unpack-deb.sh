#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/unpack-deb.sh PACKAGE [SUITE [PREFIX]]
#
# Downloads a Debian package and the libraries it needs, unpacks them below
# build/peers/ and prints the folder.  Nothing is installed, configured or started.
# SUITE is the release's code name; the machine's own when left out.  Dependencies
# are taken when their names begin with PREFIX (`lib`).  Run what is
# inside through its own ld.so (`peer` in scripts/playground.sh).  What is there
# is not fetched again.
set -euo pipefail
cd "$(dirname "$0")/.."

package=$1
own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
suite=${2:-$own}
prefix=${3:-lib}
root=$PWD/build/peers/$suite/$package
state=$PWD/build/peers/$suite/apt

[ ! -e "$root/.complete" ] || { echo "$root"; exit 0; }
command -v apt-get >/dev/null || { echo "no apt here" >&2; exit 1; }

# apt with lists of its own, so that the machine's are left as they are.
private_apt() { # PROGRAM ARGUMENT...
	"$1" -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State=$state" -o "Dir::State::status=$state/status" \
		-o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root \
		-o APT::Default-Release= -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "${@:2}"
}

# The mirror that the machine uses for its own release serves the others as well.
own_mirror() {
	# shellcheck disable=SC2016 # the $() are apt's
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk -v own="$own" '$2 == own && $3 == "main" { print $1; exit }'
}

update() {
	local mirror
	mirror=$(own_mirror)
	[ -n "$mirror" ] || { echo "no Debian mirror among apt's sources" >&2; exit 1; }
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs"
	: >"$state/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
	private_apt apt-get update -qq --error-on=any >&2
	touch "$state/.updated"
}

# The package and all the libraries (or PREFIX) below it, at any depth.
closure() {
	echo "$package"
	private_apt apt-cache depends --recurse -i "$package" | sed -n "s/^\(${prefix}[^ :]*\)\$/\1/p" | sort -u
}

unpack() { # NAME...
	local name d
	rm -rf "$root"
	# Releases differ in whether libraries lie below /usr; here all do.
	for d in bin sbin lib lib64; do
		mkdir -p "$root/usr/$d"
		ln -s "usr/$d" "$root/$d"
	done
	for name; do
		dpkg-deb --fsys-tarfile "$state/debs/${name}"_*.deb | tar -x -C "$root" --keep-directory-symlink
	done
	touch "$root/.complete"
}

download() {
	mapfile -t names < <(closure)
	(cd "$state/debs" && private_apt apt-get download -qq "${names[@]}" >&2)
}

# Lists of long ago name packages that the mirror no longer has.
if [ ! -e "$state/.updated" ]; then
	update
	download
elif ! download; then
	rm -rf "$state/debs"
	update
	download
fi
unpack "${names[@]}"
echo "$root"
