/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NTS-KE records (RFC 8915 4): what a client asks, what it is answered.  Pure: no
 * I/O, no clock, no allocation.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |C|         Record Type         |          Body Length          |
 *    |                     Record Body ...
 *
 * All numbers on the wire are big-endian.  A request ends with its End of Message
 * record: bytes that follow are no part of it, so that the answer does not
 * depend on how TLS cut the stream.
 */
#ifndef XNTS_KE_RECORD_H
#define XNTS_KE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xnts_abi.h"

/* RFC 8915 4: servers accept requests of 1024 bytes at least. */
#define KE_MAX_REQUEST  4096 /* bytes */
#define KE_COOKIES      8    /* in an answer, RFC 8915 4.1.6 */
#define KE_MAX_NAME     255  /* bytes of a Server record's body */
/* Next Protocol and AEAD with one entry each, cookies, Server, Port, End */
#define KE_MAX_RESPONSE (6 + 6 + KE_COOKIES * (4 + XNTS_COOKIE_LEN) + 4 + KE_MAX_NAME + 6 + 4)

/* Record types, RFC 8915 7.6. */
enum ke_record_type {
	KE_END_OF_MESSAGE = 0,
	KE_NEXT_PROTOCOL = 1,
	KE_ERROR = 2,
	KE_WARNING = 3,
	KE_AEAD = 4,
	KE_NEW_COOKIE = 5,
	KE_SERVER = 6,
	KE_PORT = 7,
};

#define KE_PROTOCOL_NTPV4        0  /* RFC 8915 7.7 */
#define KE_AEAD_AES_SIV_CMAC_256 15 /* RFC 5297; the one AEAD the data plane speaks */

/* How a request ends.  The first three are the codes of an Error record (RFC 8915 4.1.3). */
enum ke_outcome {
	KE_ERROR_UNRECOGNIZED_CRITICAL = 0,
	KE_ERROR_BAD_REQUEST = 1,
	KE_ERROR_INTERNAL = 2,
	KE_NO_PROTOCOL, /* none in common: empty Next Protocol record (4.1.2) */
	KE_NO_AEAD,     /* none in common: empty AEAD record (4.1.5) */
	KE_GRANTED,     /* NTPv4 and AES-SIV: cookies */
};

/* A request being parsed; starts zeroed. */
struct ke_request {
	size_t parsed;     /* bytes of whole records so far */
	unsigned int seen; /* bit t: a record of type t, t <= KE_PORT */
	bool complete;     /* nothing more is awaited */
	bool offers_ntpv4;
	bool offers_siv;
	bool failed; /* `error` is the first thing that was wrong */
	enum ke_outcome error;
};

/*
 * Goes on parsing a request of which `len` bytes from its start are in `buf`.
 * Returns true when it is complete: an End of Message record has come, or none can come
 * within KE_MAX_REQUEST bytes (a bad request).  False: more bytes are needed.
 */
bool ke_request_parse(struct ke_request *req, const uint8_t *buf, size_t len);

/* No more bytes will come, by the client's close or our time limit: RFC 8915 4.1.3
 * makes an incomplete request a bad one. */
void ke_request_end(struct ke_request *req);

/* What a complete request is to be answered; never KE_ERROR_INTERNAL. */
enum ke_outcome ke_request_outcome(const struct ke_request *req);

/* What the answer to KE_GRANTED carries. */
struct ke_grant {
	uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN];
	const char *server; /* Server record, at most KE_MAX_NAME bytes; NULL or "": none */
	uint16_t port;      /* Port record, machine byte order; 0: none */
};

/*
 * Writes the whole answer.  `grant` is used for KE_GRANTED only and may be NULL otherwise.
 * Returns its length in bytes.
 */
size_t ke_response_build(uint8_t buf[KE_MAX_RESPONSE], enum ke_outcome outcome,
			 const struct ke_grant *grant);

#endif /* XNTS_KE_RECORD_H */
