#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What can be told of the tree without running it.
. "$(dirname "$0")/../lib.sh"

TOP_LEVEL='^(bpf|userspace|scripts|selftests|Makefile|vmlinux\.h|README\.md|LICENSE|\.[^/]*)(/|$)'

# With -x -P the sourced files are followed from the script's own folder.
scripts_are_clean() {
	shellcheck -x -P SCRIPTDIR -e SC1091,SC2317 .ci/run scripts/*.sh selftests/*.sh selftests/*/*.sh
}

only_the_fixed_top_level() {
	! git ls-files | grep -vE "$TOP_LEVEL"
}

man_page_is_clean() { # FILE
	local warnings
	warnings=$(groff -mandoc -ww -z -Tutf8 -K utf-8 "$1" 2>&1)
	[ -z "$warnings" ] || { echo "$warnings"; return 1; }
}

# The programs may not be installed yet, so another stands in for them.
unit_is_sound() {
	local dir said
	dir=$(mktemp -d) || return
	sed -E 's#^(Exec[A-Za-z]*)=.*#\1=/bin/true#' scripts/xntsd.service >"$dir/xntsd.service"
	said=$(systemd-analyze verify --man=no "$dir/xntsd.service" 2>&1)
	rm -r "$dir"
	[ -z "$said" ] || { echo "$said"; return 1; }
}

# On systemd's scale 0 is sealed off and 100 wide open; what is left is what the daemon is for.
unit_is_hardened() {
	local dir
	dir=$(mktemp -d) || return
	cp scripts/xntsd.service "$dir"
	systemd-analyze security --offline=true --threshold=35 --no-pager "$dir/xntsd.service" >"$dir/said" 2>&1 || { tail -n 3 "$dir/said"; rm -r "$dir"; return 1; }
	rm -r "$dir"
}

# SPDX in the first two lines (a shebang may come first).
licensed() {
	local file bad=0
	while IFS= read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || { echo "$file: no SPDX line"; bad=1; }
	done < <(git ls-files -- '*.[ch]' '*.sh' Makefile .ci/run)
	return "$bad"
}

if command -v shellcheck >/dev/null; then
	check "shell scripts pass shellcheck" scripts_are_clean
else
	skip "shell scripts pass shellcheck" "shellcheck is not installed"
fi
if git rev-parse --git-dir >/dev/null 2>&1; then
	check "only the fixed top level is tracked" only_the_fixed_top_level
	check "every source says its licence" licensed
else
	skip "only the fixed top level is tracked" "not a git work tree"
fi
if command -v systemd-analyze >/dev/null; then
	check "systemd accepts the unit" unit_is_sound
	check "the unit is hardened" unit_is_hardened
else
	skip "systemd accepts the unit" "systemd-analyze is not installed"
fi
for page in userspace/*.[1-8]; do
	[ -e "$page" ] || continue
	check "man page $(basename "$page")" man_page_is_clean "$page"
done
finish
