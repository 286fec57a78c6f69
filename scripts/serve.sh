#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/serve.sh IFACE, run by `make run IFACE=...`
#
# Attaches to a real interface and runs xntsd in the foreground, with
# /etc/xnts/xnts.conf; when there is none, with a configuration and a self-signed
# test certificate below build/serve/.  On Ctrl-C the interface is detached again,
# unless it was attached before.
set -u

iface=$1
top=$(cd "$(dirname "$0")/.." && pwd)
dir=$top/build/serve
config=/etc/xnts/xnts.conf

addresses() { # of the interface, as openssl wants them
	ip -o address show dev "$iface" scope global | awk '{ sub(/\/.*/, "", $4); printf ", IP:%s", $4 }'
}

make_test_config() {
	config=$dir/xnts.conf
	mkdir -p "$dir"
	chmod 700 "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$(hostname)" \
		-addext "subjectAltName = DNS:$(hostname)$(addresses)" \
		-keyout "$dir/test.key" -out "$dir/test.pem" 2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; return 1; }
	cat >"$config" <<-END
		[ke]
		certificate = $dir/test.pem
		key = $dir/test.key
		[keys]
		state = $dir/keys
	END
	cat <<-END
		There is no /etc/xnts/xnts.conf: serving with a SELF-SIGNED TEST CERTIFICATE.
		A chrony client on another machine takes it with
		  server $(hostname) iburst nts
		  ntstrustedcerts /etc/chrony/test.pem
		which is a copy of $dir/test.pem.
	END
}

[ -e "$config" ] || make_test_config || exit 1
was_attached=$([ -e "/sys/fs/bpf/xnts/link_${iface//./:}" ] && echo yes)
"$top/scripts/attach.sh" "$iface" || exit 1
trap : INT TERM
"$top/build/xntsd" --config "$config"
status=$?
[ -n "$was_attached" ] || "$top/scripts/detach.sh" "$iface"
exit "$status"
