/* SPDX-License-Identifier: GPL-2.0 */
/* NTS-KE sessions that succeed: a whole connection over memory, against OpenSSL's client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ke_pair.h"

/* ---- honest clients ----------------------------------------------------- */

/* Keys as a client exports them (RFC 8915 5.1), written here on its own. */
static void client_keys(SSL *client, uint8_t out[64])
{
	for (unsigned char d = 0; d < 2; d++) {
		const unsigned char context[] = { 0, 0, 0, 15, d };

		assert_int_equal(SSL_export_keying_material(client, out + 32 * d, 32,
							    "EXPORTER-network-time-security", 30,
							    context, 5, 1),
				 1);
	}
}

/* Every cookie opens to the keys that the client has; no two are alike. */
static void cookies_hold_the_clients_keys(void **state)
{
	struct xnts_siv_key key;
	struct test_answer a;
	struct pair p;
	uint8_t expected[64], opened[64];

	(void)state;
	siv_key_init(&key, keys.current.key);
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	client_keys(p.client, expected);
	pair_send(&p, chrony43_request, sizeof(chrony43_request));
	pair_receive(&p);
	assert_true(test_answer_parse(&a, p.answer, p.answer_len));
	assert_int_equal(a.cookies, KE_COOKIES);
	for (int i = 0; i < KE_COOKIES; i++) {
		assert_true(cookie_format_ok(a.cookie[i]));
		assert_int_equal(cookie_key_id(a.cookie[i]), keys.current.id);
		assert_true(cookie_open(opened, &key, a.cookie[i]));
		assert_memory_equal(opened, expected, sizeof(expected));
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(a.cookie[i], a.cookie[j], XNTS_COOKIE_LEN);
	}
	assert_int_equal(counters.cookies_issued, KE_COOKIES);
	pair_close(&p);
}

static void real_clients(void **state)
{
	struct test_answer a;

	for (size_t i = 0; i < CLIENT_REQUESTS; i++) {
		fresh(state);
		ask(&a, client_requests[i].bytes, client_requests[i].len);
		assert_int_equal(a.cookies, KE_COOKIES);
		assert_int_equal(a.aead, 15);
		assert_int_equal(counters.answered, 1);
	}
}

static void every_kind_of_certificate(void **state)
{
	static const char *const kinds[] = { "ED25519", "RSA", "EC" };
	struct test_answer a;

	for (size_t i = 0; i < 3; i++) {
		fresh(state);
		serve_with(kinds[i]);
		ask(&a, chrony43_request, sizeof(chrony43_request));
		assert_int_equal(a.cookies, KE_COOKIES);
	}
}

static void either_group(void **state)
{
	static const char *const groups[] = { "X25519", "P-256" };

	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);
		struct pair p;

		fresh(state);
		SSL_CTX_set1_groups_list(ctx, groups[i]);
		pair_open(&p, ctx);
		pair_handshake(&p);
		pair_close(&p);
	}
}

/* ---- a ClientHello of our own making ------------------------------------ */

static uint8_t *extension(uint8_t *p, unsigned int type, const void *body, size_t len)
{
	memcpy(p, (uint8_t[]){ type >> 8, type & 0xff, len >> 8, len & 0xff }, 4);
	memcpy(p + 4, body, len);
	return p + 4 + len;
}

/* Puts the lengths of handshake message, record and extensions where they belong. */
static void put_length(uint8_t *at, const uint8_t *end)
{
	size_t len = (size_t)(end - at) - 2;

	at[0] = len >> 8;
	at[1] = len & 0xff;
}

/* As OpenSSL's client does not: `shares` is its key_share extension.  Returns its length. */
static size_t client_hello(uint8_t *hello, const uint8_t *shares, size_t shares_len)
{
	static const uint8_t versions[] = { 2, 3, 4 }, groups[] = { 0, 4, 0, 0x17, 0, 0x1d },
			     signatures[] = { 0, 2, 4, 3 };
	uint8_t *p = hello, *extensions;

	memcpy(p, (uint8_t[]){ 0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3 }, 11);
	memset(p + 11, 7, 32); /* random */
	memcpy(p + 43, (uint8_t[]){ 0, 0, 2, 0x13, 1, 1, 0, 0, 0 }, 9);
	extensions = p + 50;
	p = extension(p + 52, TLSEXT_TYPE_supported_versions, versions, sizeof(versions));
	p = extension(p, TLSEXT_TYPE_supported_groups, groups, sizeof(groups));
	p = extension(p, TLSEXT_TYPE_signature_algorithms, signatures, sizeof(signatures));
	p = extension(p, TLSEXT_TYPE_application_layer_protocol_negotiation, "\0\10" NTSKE_ALPN,
		      10);
	p = extension(p, TLSEXT_TYPE_key_share, shares, shares_len);
	put_length(hello + 3, p);
	put_length(hello + 7, p);
	put_length(extensions, p);
	return (size_t)(p - hello);
}

/* The group of a ServerHello's share; 0: none, an alert or nothing. */
static unsigned int chosen_group(const uint8_t *p, int len)
{
	if (len < 60 || p[0] != 0x16 || p[5] != 2)
		return 0;
	for (int off = 44 + p[43] + 5; off + 6 <= len; off += 4 + (p[off + 2] << 8 | p[off + 3]))
		if (p[off] == 0 && p[off + 1] == TLSEXT_TYPE_key_share)
			return (unsigned int)(p[off + 4] << 8 | p[off + 5]);
	return 0;
}

static unsigned int group_for(const uint8_t *shares, size_t len)
{
	uint8_t hello[512], answer[4096];
	struct pair p;
	int n;

	pair_open(&p, NULL);
	BIO_write(p.to_server, hello, (int)client_hello(hello, shares, len));
	pair_run(&p);
	n = BIO_read(p.to_client, answer, sizeof(answer));
	pair_close(&p);
	return chosen_group(answer, n);
}

/* P-256's base point (FIPS 186-4 D.1.2.3) and X25519's (RFC 7748 4.1): shares like any other. */
#define P256_SHARE \
	0, 0x17, 0, 65, 4, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, \
		0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, \
		0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, \
		0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, \
		0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5
#define X25519_SHARE \
	0, 0x1d, 0, 32, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
		0, 0, 0, 0, 0, 0, 0

/* GnuTLS (chronyd) sends both, P-256 first: the cheaper one is taken, whatever the order. */
static void x25519_is_taken_where_it_is_offered(void **state)
{
	static const uint8_t both[] = { 0, 105, P256_SHARE, X25519_SHARE };
	static const uint8_t other_way[] = { 0, 105, X25519_SHARE, P256_SHARE };
	static const uint8_t p256[] = { 0, 69, P256_SHARE }, x25519[] = { 0, 36, X25519_SHARE };

	(void)state;
	assert_int_equal(group_for(both, sizeof(both)), 0x1d);
	assert_int_equal(group_for(other_way, sizeof(other_way)), 0x1d);
	assert_int_equal(group_for(x25519, sizeof(x25519)), 0x1d);
	assert_int_equal(group_for(p256, sizeof(p256)), 0x17);
	for (size_t len = 0; len < sizeof(both); len++) /* lengths that contradict each other */
		assert_int_equal(group_for(both, len), 0);
}

static void server_and_port_are_told(void **state)
{
	struct test_answer a;

	(void)state;
	service.ntp_server = "ntp.example";
	service.ntp_port = 1234;
	ask(&a, chrony43_request, sizeof(chrony43_request));
	assert_string_equal(a.server, "ntp.example");
	assert_int_equal(a.port, 1234);
}

static void byte_by_byte(void **state)
{
	struct test_answer a;
	struct pair p;

	(void)state;
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	for (size_t i = 0; i < sizeof(chrony46_request); i++) {
		assert_int_equal(p.want, KE_WANT_READ);
		pair_send(&p, chrony46_request + i, 1);
	}
	assert_int_equal(p.want, KE_FINISHED);
	pair_receive(&p);
	assert_true(test_answer_parse(&a, p.answer, p.answer_len));
	assert_int_equal(a.cookies, KE_COOKIES);
	pair_close(&p);
}

/* As long as we allow, in TLS records of a byte: the byte limit does not stand in its way. */
static void longest_request_byte_by_byte(void **state)
{
	static uint8_t request[KE_MAX_REQUEST];
	const size_t filler = sizeof(request) - sizeof(chrony43_request) - 4;
	struct pair p;

	(void)state;
	memcpy(request, (uint8_t[]){ 0x10, 0, filler >> 8, filler & 0xff }, 4);
	memcpy(request + 4 + filler, chrony43_request, sizeof(chrony43_request));
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	for (size_t i = 0; i < sizeof(request); i++)
		pair_send(&p, request + i, 1);
	assert_int_equal(p.want, KE_FINISHED);
	assert_int_equal(counters.answered, 1);
	pair_close(&p);
}

/* A wire that takes 64 bytes at a time: every write stops half-way, none is lost or doubled. */
static void narrow_wire(void **state)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);
	SSL *client = SSL_new(ctx);
	BIO *server_end, *client_end;
	struct ke_session *session;
	struct test_answer a;
	uint8_t buf[4096];
	int asked = 0, got = 0, writes_waited = 0;
	enum ke_want want = KE_WANT_READ;

	(void)state;
	assert_int_equal(BIO_new_bio_pair(&server_end, 64, &client_end, 64), 1);
	session = ke_session_open_bio(&service, server_end, server_end);
	SSL_set_bio(client, client_end, client_end);
	SSL_set_connect_state(client);
	for (int i = 0; i < 1000 && got <= 0; i++) {
		if (!asked)
			asked = SSL_write(client, chrony43_request, sizeof(chrony43_request)) > 0;
		if (want != KE_FINISHED)
			want = ke_session_run(session);
		writes_waited += want == KE_WANT_WRITE;
		if (asked)
			got = SSL_read(client, buf, sizeof(buf));
	}
	assert_true(writes_waited > 10);
	assert_true(got > 0 && test_answer_parse(&a, buf, (size_t)got));
	assert_int_equal(a.cookies, KE_COOKIES);
	assert_int_equal(want, KE_FINISHED);
	assert_int_equal(counters.answered, 1);
	assert_int_equal(outcomes(), 1);
	ke_session_close(session, &counters.aborted);
	SSL_free(client);
	SSL_CTX_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cookies_hold_the_clients_keys),
		T(real_clients),
		T(every_kind_of_certificate),
		T(either_group),
		T(x25519_is_taken_where_it_is_offered),
		T(server_and_port_are_told),
		T(byte_by_byte),
		T(longest_request_byte_by_byte),
		T(narrow_wire),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
