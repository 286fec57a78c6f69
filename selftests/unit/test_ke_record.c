/* SPDX-License-Identifier: GPL-2.0 */
/* NTS-KE records (RFC 8915 4.1): requests taken apart, answers built. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "ke_client.h"

/* The outcome of a request that comes in one piece; -1: it is not complete. */
static int outcome(const uint8_t *bytes, size_t len)
{
	struct ke_request req = { 0 };

	return ke_request_parse(&req, bytes, len) ? (int)ke_request_outcome(&req) : -1;
}

#define OUTCOME(...) outcome((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))
#define AEAD15       REC(CRIT | KE_AEAD, 0, 15)

static void real_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLIENT_REQUESTS; i++)
		assert_int_equal(outcome(client_requests[i].bytes, client_requests[i].len),
				 KE_GRANTED);
}

/* Cut anywhere, a request is not complete; and it is a bad one when no more comes. */
static void truncations(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLIENT_REQUESTS; i++) {
		for (size_t len = 0; len < client_requests[i].len; len++) {
			struct ke_request req = { 0 };

			assert_false(ke_request_parse(&req, client_requests[i].bytes, len));
			ke_request_end(&req);
			assert_true(ke_request_parse(&req, client_requests[i].bytes, len));
			assert_int_equal(ke_request_outcome(&req), KE_ERROR_BAD_REQUEST);
		}
	}
}

/* Byte by byte, and in two pieces split anywhere, the outcome is that of the whole. */
static void split_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLIENT_REQUESTS; i++) {
		const struct test_request *r = &client_requests[i];
		struct ke_request slow = { 0 };

		for (size_t len = 0; len <= r->len; len++) {
			struct ke_request req = { 0 };

			assert_int_equal(ke_request_parse(&slow, r->bytes, len), len == r->len);
			ke_request_parse(&req, r->bytes, len);
			assert_true(ke_request_parse(&req, r->bytes, r->len));
			assert_int_equal(ke_request_outcome(&req), KE_GRANTED);
		}
		assert_int_equal(ke_request_outcome(&slow), KE_GRANTED);
	}
}

static void bytes_after_end_are_no_part(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REQ_END, 0xff, 0xff, 0xff), KE_GRANTED);
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REQ_END, REC0(CRIT | 99)), KE_GRANTED);
	assert_int_equal(OUTCOME(REQ_END, REQ_NTPV4, AEAD15, REQ_END), KE_ERROR_BAD_REQUEST);
}

static void order_is_free(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(AEAD15, REQ_NTPV4, REQ_END), KE_GRANTED);
	assert_int_equal(OUTCOME(REC(KE_PORT, 0, 123), AEAD15, REQ_NTPV4, REQ_END), KE_GRANTED);
}

static void end_of_message(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC0(KE_END_OF_MESSAGE)), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(CRIT | KE_END_OF_MESSAGE, 0)),
			 KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_END), KE_ERROR_BAD_REQUEST);
}

static void next_protocol(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(AEAD15, REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, REQ_NTPV4, AEAD15, REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REC(KE_NEXT_PROTOCOL, 0, 0), AEAD15, REQ_END),
			 KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REC0(CRIT | KE_NEXT_PROTOCOL), AEAD15, REQ_END),
			 KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 0, 0, 0), AEAD15, REQ_END),
			 KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 0, 1), AEAD15, REQ_END),
			 KE_NO_PROTOCOL);
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 0, 1), REQ_END), KE_NO_PROTOCOL);
	/* not aligned to 16 bits: 1, 0x0000 is not in 0x0100 0x0001 */
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 1, 0, 0, 1), AEAD15, REQ_END),
			 KE_NO_PROTOCOL);
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 0x80, 0, 0, 0), AEAD15, REQ_END),
			 KE_GRANTED);
}

static void aead(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(REQ_NTPV4, REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, AEAD15, REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, REC0(CRIT | KE_AEAD), REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, REC(KE_AEAD, 0, 15, 0), REQ_END), KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, REC(KE_AEAD, 0, 30), REQ_END), KE_NO_AEAD);
	assert_int_equal(OUTCOME(REQ_NTPV4, REC(KE_AEAD, 15, 0, 15, 15), REQ_END), KE_NO_AEAD);
	assert_int_equal(OUTCOME(REQ_NTPV4, REC(KE_AEAD, 0, 30, 0, 17, 0, 15), REQ_END),
			 KE_GRANTED);
}

static void records_only_servers_send(void **state)
{
	(void)state;
	for (unsigned int crit = 0; crit <= CRIT; crit += CRIT) {
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(crit | KE_ERROR, 0, 1), REQ_END),
				 KE_ERROR_BAD_REQUEST);
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(crit | KE_WARNING, 0, 1), REQ_END),
				 KE_ERROR_BAD_REQUEST);
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(crit | KE_NEW_COOKIE, 1), REQ_END),
				 KE_ERROR_BAD_REQUEST);
	}
}

static void wishes(void **state)
{
	(void)state;
	for (unsigned int crit = 0; crit <= CRIT; crit += CRIT) {
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(crit | KE_SERVER, 'a'),
					 REC(crit | KE_PORT, 0, 123), REQ_END),
				 KE_GRANTED);
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(crit | KE_PORT, 123), REQ_END),
				 KE_ERROR_BAD_REQUEST);
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC0(crit | KE_SERVER), REQ_END),
				 KE_ERROR_BAD_REQUEST);
	}
	assert_int_equal(
		OUTCOME(REQ_NTPV4, AEAD15, REC(KE_SERVER, 'a'), REC(KE_SERVER, 'a'), REQ_END),
		KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(KE_SERVER, 'a', 0), REQ_END),
			 KE_ERROR_BAD_REQUEST);
	assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC(KE_SERVER, 0xc3, 0xa4), REQ_END),
			 KE_ERROR_BAD_REQUEST);
}

/* Every type that RFC 8915 does not define: critical ones are refused, others ignored. */
static void unknown_types(void **state)
{
	(void)state;
	for (unsigned int type = KE_PORT + 1; type < CRIT; type++) {
		assert_int_equal(
			OUTCOME(REQ_NTPV4, REC(type, 1, 2, 3), REC0(type), AEAD15, REQ_END),
			KE_GRANTED);
		assert_int_equal(OUTCOME(REQ_NTPV4, AEAD15, REC0(CRIT | type), REQ_END),
				 KE_ERROR_UNRECOGNIZED_CRITICAL);
	}
}

/* What is wrong first decides. */
static void precedence(void **state)
{
	(void)state;
	assert_int_equal(OUTCOME(REC0(CRIT | 99), REQ_NTPV4, REQ_NTPV4, REQ_END),
			 KE_ERROR_UNRECOGNIZED_CRITICAL);
	assert_int_equal(OUTCOME(REQ_NTPV4, REQ_NTPV4, REC0(CRIT | 99), REQ_END),
			 KE_ERROR_BAD_REQUEST);
	/* a missing record is noticed last */
	assert_int_equal(OUTCOME(REC0(CRIT | 99), REQ_END), KE_ERROR_UNRECOGNIZED_CRITICAL);
	assert_int_equal(OUTCOME(REC(CRIT | KE_NEXT_PROTOCOL, 0, 9), REC0(CRIT | 99), REQ_END),
			 KE_ERROR_UNRECOGNIZED_CRITICAL);
}

/* Each length a record can say, with the body there as far as it may be. */
static void every_length(void **state)
{
	static uint8_t bytes[KE_MAX_REQUEST];
	static const uint8_t tail[] = { REQ_NTPV4, AEAD15, REQ_END };

	(void)state;
	for (unsigned int len = 0; len <= 0xffff; len++) {
		struct ke_request req = { 0 };
		size_t whole = 4 + (size_t)len + sizeof(tail);

		memcpy(bytes, (uint8_t[]){ 0x10, 0, len >> 8, len & 0xff }, 4);
		if (whole <= KE_MAX_REQUEST) {
			memset(bytes + 4, 0xaa, len);
			memcpy(bytes + 4 + len, tail, sizeof(tail));
			assert_false(ke_request_parse(&req, bytes, whole - 1));
			assert_true(ke_request_parse(&req, bytes, whole));
			assert_int_equal(ke_request_outcome(&req), KE_GRANTED);
		} else if (4 + len > KE_MAX_REQUEST) { /* refused before the body has come */
			assert_true(ke_request_parse(&req, bytes, 4));
			assert_int_equal(ke_request_outcome(&req), KE_ERROR_BAD_REQUEST);
		} else {
			memset(bytes + 4, 0xaa, len);
			ke_request_parse(&req, bytes, 4 + len);
			ke_request_parse(&req, bytes, KE_MAX_REQUEST);
			assert_true(req.complete || req.parsed + 4 <= KE_MAX_REQUEST);
		}
	}
}

/* However it is filled, a full buffer leaves nothing to wait for. */
static void full_buffer(void **state)
{
	static uint8_t bytes[KE_MAX_REQUEST];

	(void)state;
	for (unsigned int first = 0; first <= 64; first++) {
		struct ke_request req = { 0 };

		/* one record of `first` bytes, then empty ones, all unknown */
		for (size_t i = 0; i < sizeof(bytes); i += 4)
			memcpy(bytes + i, (uint8_t[]){ 0x10, 0, 0, 0 }, 4);
		bytes[3] = (uint8_t)first;
		for (size_t i = 4 + first; i + 4 <= sizeof(bytes); i += 4)
			memcpy(bytes + i, (uint8_t[]){ 0x10, 0, 0, 0 }, 4);
		assert_true(ke_request_parse(&req, bytes, sizeof(bytes)));
		assert_int_equal(ke_request_outcome(&req), KE_ERROR_BAD_REQUEST);
	}
}

/* ---- answers ------------------------------------------------------------ */

static void answer_errors(void **state)
{
	uint8_t buf[KE_MAX_RESPONSE];

	(void)state;
	for (int code = 0; code <= 2; code++) {
		const uint8_t expected[] = { REC(CRIT | KE_ERROR, 0, code), REQ_END };

		assert_int_equal(ke_response_build(buf, (enum ke_outcome)code, NULL),
				 sizeof(expected));
		assert_memory_equal(buf, expected, sizeof(expected));
	}
}

static void answer_nothing_in_common(void **state)
{
	static const uint8_t protocol[] = { REC0(CRIT | KE_NEXT_PROTOCOL), REQ_END };
	static const uint8_t no_aead[] = { REQ_NTPV4, REC0(CRIT | KE_AEAD), REQ_END };
	uint8_t buf[KE_MAX_RESPONSE];

	(void)state;
	assert_int_equal(ke_response_build(buf, KE_NO_PROTOCOL, NULL), sizeof(protocol));
	assert_memory_equal(buf, protocol, sizeof(protocol));
	assert_int_equal(ke_response_build(buf, KE_NO_AEAD, NULL), sizeof(no_aead));
	assert_memory_equal(buf, no_aead, sizeof(no_aead));
}

static void answer_grant(void **state)
{
	struct ke_grant grant = { .server = "ntp.example", .port = 1123 };
	uint8_t buf[KE_MAX_RESPONSE];
	struct test_answer a;
	size_t len;

	(void)state;
	for (int i = 0; i < KE_COOKIES; i++)
		memset(grant.cookies[i], i + 1, XNTS_COOKIE_LEN);
	len = ke_response_build(buf, KE_GRANTED, &grant);
	assert_true(test_answer_parse(&a, buf, len));
	assert_int_equal(a.records, 2 + KE_COOKIES + 2);
	assert_int_equal(a.protocols, 1);
	assert_int_equal(a.aead, 15);
	assert_int_equal(a.cookies, KE_COOKIES);
	assert_memory_equal(a.cookie, grant.cookies, sizeof(grant.cookies));
	assert_string_equal(a.server, "ntp.example");
	assert_int_equal(a.port, 1123);

	grant.server = "";
	grant.port = 0;
	len = ke_response_build(buf, KE_GRANTED, &grant);
	assert_true(test_answer_parse(&a, buf, len));
	assert_int_equal(a.records, 2 + KE_COOKIES);
	assert_true(len <= 2048); /* ntpsec 1.2.2 reads that much */
}

static void answer_longest(void **state)
{
	char name[KE_MAX_NAME + 20];
	struct ke_grant grant = { .server = name, .port = 65535 };
	uint8_t buf[KE_MAX_RESPONSE];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_int_equal(ke_response_build(buf, KE_GRANTED, &grant), KE_MAX_RESPONSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clients),
		cmocka_unit_test(truncations),
		cmocka_unit_test(split_anywhere),
		cmocka_unit_test(bytes_after_end_are_no_part),
		cmocka_unit_test(order_is_free),
		cmocka_unit_test(end_of_message),
		cmocka_unit_test(next_protocol),
		cmocka_unit_test(aead),
		cmocka_unit_test(records_only_servers_send),
		cmocka_unit_test(wishes),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(precedence),
		cmocka_unit_test(every_length),
		cmocka_unit_test(full_buffer),
		cmocka_unit_test(answer_errors),
		cmocka_unit_test(answer_nothing_in_common),
		cmocka_unit_test(answer_grant),
		cmocka_unit_test(answer_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
