/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_record.h"

#include <string.h>

#define CRITICAL   0x8000
#define HEADER_LEN 4

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* ---- the request -------------------------------------------------------- */

/* The first thing that is wrong decides the answer. */
static void fail(struct ke_request *req, enum ke_outcome error)
{
	if (req->failed)
		return;
	req->failed = true;
	req->error = error;
}

/* Next Protocol and AEAD bodies: a list of at least one 16-bit number. */
static bool list_valid(size_t len)
{
	return len >= 2 && len % 2 == 0;
}

static bool list_has(const uint8_t *body, size_t len, uint16_t wanted)
{
	for (size_t i = 0; i + 2 <= len; i += 2)
		if (get16(body + i) == wanted)
			return true;
	return false;
}

/* RFC 3986 host names and addresses are printable ASCII. */
static bool name_valid(const uint8_t *body, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (body[i] <= ' ' || body[i] > '~')
			return false;
	return len > 0;
}

static void parse_record(struct ke_request *req, uint16_t type, bool critical, const uint8_t *body,
			 size_t len)
{
	bool valid = false;

	switch (type) {
	case KE_END_OF_MESSAGE:
		req->complete = true;
		valid = critical && len == 0;
		break;
	case KE_NEXT_PROTOCOL:
		req->offers_ntpv4 = list_has(body, len, KE_PROTOCOL_NTPV4);
		valid = critical && list_valid(len);
		break;
	case KE_AEAD: /* critical or not: ntpsec does not set the bit */
		req->offers_siv = list_has(body, len, KE_AEAD_AES_SIV_CMAC_256);
		valid = list_valid(len);
		break;
	case KE_SERVER: /* wishes, which a server may ignore (4.1.7, 4.1.8) */
		valid = name_valid(body, len);
		break;
	case KE_PORT: valid = len == 2; break;
	case KE_ERROR: /* never sent by clients (4.1.3 to 4.1.6) */
	case KE_WARNING:
	case KE_NEW_COOKIE: break;
	default:
		if (critical)
			fail(req, KE_ERROR_UNRECOGNIZED_CRITICAL);
		return;
	}
	if (!valid || (req->seen & (1u << type)))
		fail(req, KE_ERROR_BAD_REQUEST);
	req->seen |= 1u << type;
}

bool ke_request_parse(struct ke_request *req, const uint8_t *buf, size_t len)
{
	while (!req->complete && len - req->parsed >= HEADER_LEN) {
		const uint8_t *record = buf + req->parsed;
		uint16_t type = get16(record), body_len = get16(record + 2);

		if (req->parsed + HEADER_LEN + body_len > KE_MAX_REQUEST) {
			ke_request_end(req);
			break;
		}
		if (len - req->parsed - HEADER_LEN < body_len)
			break;
		parse_record(req, type & ~CRITICAL, type & CRITICAL, record + HEADER_LEN, body_len);
		req->parsed += HEADER_LEN + body_len;
	}
	/* Too little room is left for an End of Message record. */
	if (!req->complete && req->parsed + HEADER_LEN > KE_MAX_REQUEST)
		ke_request_end(req);
	return req->complete;
}

void ke_request_end(struct ke_request *req)
{
	if (!req->complete)
		fail(req, KE_ERROR_BAD_REQUEST);
	req->complete = true;
}

enum ke_outcome ke_request_outcome(const struct ke_request *req)
{
	if (req->failed)
		return req->error;
	if (!(req->seen & (1u << KE_NEXT_PROTOCOL)))
		return KE_ERROR_BAD_REQUEST;
	if (!req->offers_ntpv4)
		return KE_NO_PROTOCOL;
	/* NTPv4 asks for exactly one AEAD record (4.1.5). */
	if (!(req->seen & (1u << KE_AEAD)))
		return KE_ERROR_BAD_REQUEST;
	return req->offers_siv ? KE_GRANTED : KE_NO_AEAD;
}

/* ---- the answer --------------------------------------------------------- */

static uint8_t *put_record(uint8_t *p, uint16_t type, const void *body, size_t len)
{
	put16(p, type);
	put16(p + 2, (uint16_t)len);
	if (len)
		memcpy(p + HEADER_LEN, body, len);
	return p + HEADER_LEN + len;
}

static uint8_t *put_number(uint8_t *p, uint16_t type, uint16_t number)
{
	uint8_t body[2];

	put16(body, number);
	return put_record(p, type, body, sizeof(body));
}

/*
 * The Server record is critical: a client that cannot follow it would take our
 * cookies to a machine that may not know them.  4.1.6 wants cookies not to be.
 */
static uint8_t *put_grant(uint8_t *p, const struct ke_grant *grant)
{
	p = put_number(p, CRITICAL | KE_AEAD, KE_AEAD_AES_SIV_CMAC_256);
	for (int i = 0; i < KE_COOKIES; i++)
		p = put_record(p, KE_NEW_COOKIE, grant->cookies[i], XNTS_COOKIE_LEN);
	if (grant->server && grant->server[0])
		p = put_record(p, CRITICAL | KE_SERVER, grant->server,
			       strnlen(grant->server, KE_MAX_NAME));
	if (grant->port)
		p = put_number(p, CRITICAL | KE_PORT, grant->port);
	return p;
}

size_t ke_response_build(uint8_t buf[KE_MAX_RESPONSE], enum ke_outcome outcome,
			 const struct ke_grant *grant)
{
	uint8_t *p = buf;

	switch (outcome) {
	case KE_ERROR_UNRECOGNIZED_CRITICAL:
	case KE_ERROR_BAD_REQUEST:
	case KE_ERROR_INTERNAL: p = put_number(p, CRITICAL | KE_ERROR, (uint16_t)outcome); break;
	case KE_NO_PROTOCOL: p = put_record(p, CRITICAL | KE_NEXT_PROTOCOL, NULL, 0); break;
	case KE_NO_AEAD:
		p = put_number(p, CRITICAL | KE_NEXT_PROTOCOL, KE_PROTOCOL_NTPV4);
		p = put_record(p, CRITICAL | KE_AEAD, NULL, 0);
		break;
	case KE_GRANTED:
		p = put_number(p, CRITICAL | KE_NEXT_PROTOCOL, KE_PROTOCOL_NTPV4);
		p = put_grant(p, grant);
		break;
	}
	p = put_record(p, CRITICAL | KE_END_OF_MESSAGE, NULL, 0);
	return (size_t)(p - buf);
}
