/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks an NTP server on this host what it says of the clock we share with it.
 */
#ifndef XNTS_NTP_QUERY_H
#define XNTS_NTP_QUERY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "clock_state.h"

#define NTP_HEADER_LEN 48 /* sizeof(struct ntp_header) */

/* Server timestamps of an answer (NTP format, host byte order): T2 and T3. */
struct ntp_stamps {
	uint64_t receive;
	uint64_t transmit;
};

/* Fills a mode 3, version 4 request: all zero but the transmit timestamp, which is `nonce`. */
void ntp_build_request(uint8_t request[NTP_HEADER_LEN], uint64_t nonce);

/*
 * Reads an answer to the request sent with `nonce` into the common members of
 * `state`, copied as they are: same clock, so the stratum is not incremented.
 * Whatever the server says that is no usable time becomes unsynchronised.
 *  0        an answer
 *  -EBADMSG not an answer to that request: another may follow
 *  -EACCES  a kiss of death, RFC 5905 7.4: RATE, DENY or RSTR
 */
int ntp_parse_answer(const uint8_t *message, size_t len, uint64_t nonce,
		     struct xnts_clock_state *state, struct ntp_stamps *stamps);

/*
 * How far, in ns, the server's time is from ours beyond what the round trip can explain:
 * 0 when T1 <= T2 and T3 <= T4, as it must be when both read one clock.
 */
int64_t ntp_unexplained_offset(uint64_t t1, const struct ntp_stamps *stamps, uint64_t t4);

/*
 * One question to `address` (IPv4 or IPv6), at most `timeout_ms`.  Fills the
 * common members of `state`, with the unexplained offset added to the root dispersion.
 * Returns 0, -ETIMEDOUT, -ECONNREFUSED (no NTP port is open there), -EACCES, or another -errno.
 */
int ntp_query(const struct sockaddr *address, socklen_t address_len, int timeout_ms,
	      struct xnts_clock_state *state);

#endif /* XNTS_NTP_QUERY_H */
