#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# NTS-KE clients that send garbage, half of what they should, too much, the wrong TLS or
# nothing: each is ended in bounded time with what RFC 8915 or TLS has for it, and the next
# honest client gets its cookies within a second.
. "$(dirname "$0")/../lib.sh"
need_root
sandbox "$@"

KE=$SERVER4/4460
COOKIES=752                        # bytes of an answer: 6 + 6 + 8 * 92 + 4
BAD_REQUEST=80020002000180000000   # Error record, code 1, and End of Message
CLIENT4_OTHER=198.51.100.3

hex() {
	od -An -v -tx1 | tr -d ' \n'
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# TLS over standard input and output, until the server closes.
tls() { # OPENSSL-OPTIONS...
	in_ns client timeout 10 openssl s_client -connect "$SERVER4:4460" -servername "$SERVER_NAME" \
		-CAfile "$TMP/ca.pem" -verify_return_error -quiet "$@" 2>"$TMP/s_client.log"
}

# Gets its cookies at each of up to three tries, and in one of them within a second: a busy
# machine may delay a client, hardly three.
honest() { # OPENSSL-OPTIONS...
	local begin got try
	for try in 1 2 3; do
		begin=$(milliseconds)
		got=$(ke_request | tls -tls1_3 -alpn ntske/1 "$@" | wc -c)
		if [ "$got" -ne "$COOKIES" ]; then
			echo "# try $try: $got bytes"
			return 1
		fi
		[ $(($(milliseconds) - begin)) -ge 1000 ] || return 0
	done
	echo "# over 1 s three times"
	return 1
}

# Sends standard input over TCP and prints in hexadecimal what comes back until the server
# closes; fails when it has not after 5 s.
raw() {
	# shellcheck disable=SC2016 # $0 is of the inner shell
	in_ns client timeout 5 bash -c 'exec 3<>"/dev/tcp/$0"; cat >&3 2>/dev/null; cat <&3 2>/dev/null' "$KE" | hex
	[ "${PIPESTATUS[0]}" -ne 124 ]
}

# What the server does with standard input must begin so; then it serves on.
raw_gets() { # NAME HEX-PREFIX
	local got
	if ! got=$(raw); then
		not_ok "$1" "not closed after 5 s"
	elif [[ $got != $2* ]]; then
		not_ok "$1" "got '$got'"
	else
		check "$1; the next client is served" honest
	fi
}

tls_gets() { # NAME HEX OPENSSL-OPTIONS...
	local got
	got=$(tls "${@:3}" | hex)
	if [ "$got" != "$2" ]; then
		not_ok "$1" "got '$got', s_client: $(tail -n 1 "$TMP/s_client.log")"
	else
		check "$1; the next client is served" honest
	fi
}

alert_is() { # TEXT
	grep -q "$1" "$TMP/s_client.log"
}

# Opens that many connections that stay silent, in the background.
idle() { # NAME COUNT
	# shellcheck disable=SC2016
	start "$1" client bash -c 'ulimit -n 4096
		for ((i = 0; i < $1; i++)); do exec {fd}<>"/dev/tcp/$0"; done
		echo all open; exec sleep 60' "$KE" "$2"
	wait_for 20 grep -q 'all open' "$TMP/$1.log"
}

# Every connection that was accepted has ended in exactly one of the outcomes.
balanced() {
	local sum=0 name
	for name in refused_full refused_prefix refused_rate tls_failed tls_none tls_version tls_no_common \
		tls_alert tls_too_long no_alpn timed_out answered error_critical \
		error_request error_internal no_protocol no_aead aborted; do
		sum=$((sum + $(ke_counter "$name")))
	done
	[ "$sum" -eq "$(ke_counter accepted)" ]
}

counts() { # COUNTER AT-LEAST
	[ "$(ke_counter "$1")" -ge "$2" ]
}

workers() {
	cat "/proc/${PIDS[xntsd]}/task/${PIDS[xntsd]}/children"
}

worker() {
	workers | cut -d' ' -f1
}

# The time until another worker has started, at most 5 s.
replaced_within() { # MILLISECONDS
	local begin starts
	starts=$(ke_counter worker_starts) begin=$(milliseconds)
	kill -KILL "$(worker)"
	while [ "$(ke_counter worker_starts)" -eq "$starts" ] && [ $(($(milliseconds) - begin)) -lt 5000 ]; do
		sleep 0.05
	done
	echo "after $(($(milliseconds) - begin)) ms"
	[ $(($(milliseconds) - begin)) -lt "$1" ]
}

# In one of up to three tries: a busy machine may delay one, hardly all.
KILLS=0
replaced_at_once() {
	while [ "$KILLS" -lt 3 ]; do
		KILLS=$((KILLS + 1))
		replaced_within 1000 && return
	done
	return 1
}

ke_config() { # HANDSHAKE-TIMEOUT REQUEST-TIMEOUT LINE...
	write_config <<-END
	[ke]
	handshake_timeout = $1
	request_timeout = $2
	$(printf '%s\n' "${@:3}")
	END
}

alone_instead_of() { # PID
	[[ $(workers) =~ ^([0-9]+)' '*$ && ${BASH_REMATCH[1]} -ne $1 ]]
}

# Takes the configuration; the worker that had another one is gone then.
renew() {
	local old
	old=$(worker)
	reload && wait_for 20 alone_instead_of "$old"
}

make_playground || bail "no playground"
ip -n client address add $CLIENT4_OTHER/24 dev cli0
ke_config 2s 1s "max_per_prefix = 20"
start_xntsd || bail "xntsd does not serve"
check "an honest client is served" honest

# ---- not TLS ----------------------------------------------------------------

ALERT=1503 # record type alert, TLS version 3.x; OpenSSL sends none for what is no TLS at all
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | raw_gets "garbage is closed" ""
head -c 60000 /dev/zero | raw_gets "60 kB of zeros are closed" ""
printf '\x16\x03\x01\x00\x04\x02\x00\x00\x00' | raw_gets "a wrong handshake message gets an alert" $ALERT
printf '' | raw_gets "nothing is closed in time" ""
printf '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' | raw_gets "half a ClientHello is closed in time" ""

# ---- the wrong TLS ----------------------------------------------------------

ke_request | tls_gets "TLS 1.2 is refused" "" -tls1_2 -alpn ntske/1
ke_request | tls -tls1_2 -alpn ntske/1
check "TLS 1.2 gets alert protocol_version" alert_is "alert protocol version"
ke_request | tls_gets "another ALPN is refused" "" -tls1_3 -alpn h2
ke_request | tls -tls1_3 -alpn h2
check "another ALPN gets alert no_application_protocol" alert_is "alert no application protocol"
ke_request | tls_gets "no ALPN is refused" "" -tls1_3

# ---- the wrong request ------------------------------------------------------

ke_request | head -c 9 | tls_gets "half a request gets error 1 in time" $BAD_REQUEST -tls1_3 -alpn ntske/1
printf '' | tls_gets "no request gets error 1 in time" $BAD_REQUEST -tls1_3 -alpn ntske/1
head -c 60000 /dev/zero | tls_gets "60 kB get error 1" $BAD_REQUEST -tls1_3 -alpn ntske/1
{ printf '\x80\x63\x00\x00' && ke_request; } |
	tls_gets "an unknown critical record gets error 0" 80020002000080000000 -tls1_3 -alpn ntske/1

# ---- many ------------------------------------------------------------------

# None of them ends by a timeout, however long it takes to open all.
ke_config 60s 60s "max_per_prefix = 20"
renew || bail "no worker with long timeouts"
idle many 500
check "500 silent connections from one address: another is served" honest -bind $CLIENT4_OTHER:0
check "the address has its limit" wait_for 5 counts refused_prefix 480
stop many KILL
wait_for 5 honest
check "and when they are gone it is served again" honest

ke_config 60s 60s "max_per_prefix = 1000" "max_connections = 50"
renew || bail "no worker with few connections"
idle crowd 500
check "500 where 50 fit: the oldest gave way, the next client is served" honest
check "those that gave way are counted" wait_for 5 counts refused_full 440
stop crowd KILL

# ---- a worker dies -----------------------------------------------------------

check "each connection has one outcome" wait_for 5 balanced
check "a killed worker is replaced within 1 s" replaced_at_once
check "and serves" honest

check "and its connections have one outcome" wait_for 5 balanced
check "no worker needs more than 32 MB" [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$(worker)/status")" -lt 32768 ]
check "no worker died of anything else" [ "$(grep -c 'was ended by' "$TMP/xntsd.log")" -eq "$KILLS" ]
finish
