/* SPDX-License-Identifier: GPL-2.0 */
/* A whole NTS-KE connection over memory, against OpenSSL's client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "cookie.h"
#include "ke_client.h"
#include "ke_seal.h"
#include "ke_session.h"

static struct test_pem pem;
static struct ke_sealing_keys keys = { .current = { .id = 0x1007 } };
static struct xnts_ke_counters counters;
static struct ke_service service;
static int64_t utc = 1000;

static int seal(void *arg, const uint8_t c2s[32], const uint8_t s2c[32],
		uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN])
{
	return ke_sealer_seal(arg, utc, c2s, s2c, cookies);
}

static void serve_with(const char *kind)
{
	char reason[TLS_REASON];

	SSL_CTX_free(service.tls);
	test_certificate(&pem, kind, "test.example", -60, 3600);
	service.tls = tls_server(&pem.text, reason);
	assert_non_null(service.tls);
}

static int start(void **state)
{
	(void)state;
	serve_with("EC");
	for (int i = 0; i < 32; i++)
		keys.current.key[i] = (uint8_t)i;
	service.seal = seal;
	service.seal_arg = ke_sealer_new();
	ke_sealer_set(service.seal_arg, &keys);
	service.counters = &counters;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	SSL_CTX_free(service.tls);
	ke_sealer_free(service.seal_arg);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	memset(&counters, 0, sizeof(counters));
	service.ntp_server = NULL;
	service.ntp_port = 0;
	return 0;
}

/* All outcomes: a session adds one to exactly one of them. */
static __u64 outcomes(void)
{
	return counters.tls_failed + counters.no_alpn + counters.timed_out + counters.answered +
	       counters.error_critical + counters.error_request + counters.error_internal +
	       counters.no_protocol + counters.no_aead + counters.aborted;
}

/* ---- a client and a session with a wire between them -------------------- */

struct pair {
	struct ke_session *session;
	enum ke_want want;
	BIO *to_server, *to_client; /* owned by the session and by the client */
	SSL *client;
	uint8_t answer[4096];
	size_t answer_len;
	int reads;     /* SSL_read() calls that returned data */
	bool closed;   /* close_notify has come */
};

static void pair_open(struct pair *p, SSL_CTX *client)
{
	memset(p, 0, sizeof(*p));
	p->to_server = BIO_new(BIO_s_mem());
	p->to_client = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(p->to_server, -1);
	BIO_set_mem_eof_return(p->to_client, -1);
	BIO_up_ref(p->to_server);
	BIO_up_ref(p->to_client);
	p->session = ke_session_open_bio(&service, p->to_server, p->to_client);
	assert_non_null(p->session);
	if (!client)
		return;
	p->client = SSL_new(client);
	SSL_set_bio(p->client, p->to_client, p->to_server);
	SSL_set_connect_state(p->client);
	SSL_CTX_free(client);
}

static void pair_close(struct pair *p)
{
	ke_session_close(p->session, &counters.aborted);
	SSL_free(p->client);
	if (!p->client) {
		BIO_free(p->to_server);
		BIO_free(p->to_client);
	}
	ERR_clear_error();
}

static enum ke_want pair_run(struct pair *p)
{
	return p->want = ke_session_run(p->session);
}

static void pair_handshake(struct pair *p)
{
	for (int i = 0; i < 10 && !SSL_is_init_finished(p->client); i++) {
		SSL_do_handshake(p->client);
		pair_run(p);
	}
	assert_true(SSL_is_init_finished(p->client));
	assert_true(ke_session_established(p->session));
	assert_int_equal(p->want, KE_WANT_READ);
}

static void pair_receive(struct pair *p)
{
	int n;

	while ((n = SSL_read(p->client, p->answer + p->answer_len,
			     (int)(sizeof(p->answer) - p->answer_len))) > 0) {
		p->answer_len += (size_t)n;
		p->reads++;
	}
	p->closed = SSL_get_shutdown(p->client) & SSL_RECEIVED_SHUTDOWN;
}

static void pair_send(struct pair *p, const uint8_t *bytes, size_t len)
{
	assert_int_equal(SSL_write(p->client, bytes, (int)len), len);
	pair_run(p);
}

/* A connection of an honest client that asks `bytes` at once: its answer, whole. */
static void ask(struct test_answer *a, const uint8_t *bytes, size_t len)
{
	struct pair p;

	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	pair_send(&p, bytes, len);
	assert_int_equal(p.want, KE_FINISHED);
	pair_receive(&p);
	assert_true(p.closed);
	assert_int_equal(p.reads, 1); /* one record: ntpsec 1.2.2 reads once */
	assert_true(test_answer_parse(a, p.answer, p.answer_len));
	pair_close(&p);
	assert_int_equal(outcomes(), 1);
}

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

/* ---- refused ------------------------------------------------------------ */

static void answers_without_cookies(void **state)
{
	static const struct {
		uint8_t bytes[24];
		size_t len;
		int error, protocols, aeads;
		size_t counter;
	} cases[] = {
		{ { REQ_NTPV4, REC0(CRIT | 77), REQ_END }, 14, 0, -1, -1,
		  offsetof(struct xnts_ke_counters, error_critical) },
		{ { REQ_END }, 4, 1, -1, -1, offsetof(struct xnts_ke_counters, error_request) },
		{ { REC(CRIT | KE_NEXT_PROTOCOL, 1, 1), REQ_END }, 10, -1, 0, -1,
		  offsetof(struct xnts_ke_counters, no_protocol) },
		{ { REQ_NTPV4, REC(KE_AEAD, 0, 30), REQ_END }, 16, -1, 1, 0,
		  offsetof(struct xnts_ke_counters, no_aead) },
	};
	struct test_answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh(state);
		ask(&a, cases[i].bytes, cases[i].len);
		assert_int_equal(a.error, cases[i].error);
		assert_int_equal(a.protocols, cases[i].protocols);
		assert_int_equal(a.aeads, cases[i].aeads);
		assert_int_equal(a.cookies, 0);
		assert_int_equal(*(__u64 *)((char *)&counters + cases[i].counter), 1);
	}
}

static void without_a_key_internal_error(void **state)
{
	struct ke_sealing_keys none = { 0 };
	struct test_answer a;

	(void)state;
	ke_sealer_set(service.seal_arg, &none);
	ask(&a, chrony43_request, sizeof(chrony43_request));
	assert_int_equal(a.error, 2);
	assert_int_equal(counters.error_internal, 1);
	ke_sealer_set(service.seal_arg, &keys);
}

/* More than a request may be: answered at once as a bad one, whatever it was going to be. */
static void sixty_kilobytes(void **state)
{
	static uint8_t bytes[60000];
	struct test_answer a;
	struct pair p;

	(void)state;
	for (size_t i = 0; i + 4 <= sizeof(bytes); i += 4)
		memcpy(bytes + i, (uint8_t[]){ 0x10, 0, 0, 0 }, 4);
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	pair_send(&p, bytes, sizeof(bytes));
	assert_int_equal(p.want, KE_FINISHED);
	pair_receive(&p);
	assert_true(test_answer_parse(&a, p.answer, p.answer_len));
	assert_int_equal(a.error, 1);
	assert_int_equal(outcomes(), 1);
	pair_close(&p);
}

static int alert_read;

static void on_info(const SSL *ssl, int where, int value)
{
	(void)ssl;
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		alert_read = value & 0xff;
}

/* Handshake refused: an alert is sent, nothing else, and one counter moves. */
static void refuse(SSL_CTX *client, int alert, __u64 *counter)
{
	struct pair p;

	alert_read = -1;
	SSL_CTX_set_info_callback(client, on_info);
	pair_open(&p, client);
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(p.client);
		pair_run(&p);
	}
	assert_false(SSL_is_init_finished(p.client));
	assert_int_equal(p.want, KE_FINISHED);
	assert_int_equal(alert_read, alert);
	pair_close(&p);
	assert_int_equal(outcomes(), 1);
	assert_int_equal(*counter, 1);
}

static void tls12_is_refused(void **state)
{
	(void)state;
	refuse(test_client(TLS1_2_VERSION, NTSKE_ALPN, &pem), SSL_AD_PROTOCOL_VERSION,
	       &counters.tls_failed);
}

static void wrong_alpn_is_refused(void **state)
{
	(void)state;
	refuse(test_client(TLS1_3_VERSION, "\2h2\10http/1.1", &pem), SSL_AD_NO_APPLICATION_PROTOCOL,
	       &counters.no_alpn);
}

static void no_alpn_is_refused(void **state)
{
	(void)state;
	refuse(test_client(TLS1_3_VERSION, NULL, &pem), SSL_AD_NO_APPLICATION_PROTOCOL,
	       &counters.no_alpn);
}

static void ours_among_other_alpns(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, test_client(TLS1_3_VERSION, "\2h2" NTSKE_ALPN, &pem));
	pair_handshake(&p);
	pair_close(&p);
}

static void client_that_distrusts_us(void **state)
{
	struct test_pem other;
	struct pair p;

	(void)state;
	test_certificate(&other, "EC", "other.example", -60, 3600);
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &other));
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(p.client);
		pair_run(&p);
	}
	assert_int_equal(p.want, KE_FINISHED);
	pair_close(&p);
	assert_int_equal(counters.tls_failed, 1);
}

/* ---- not TLS at all ----------------------------------------------------- */

static void feed(struct pair *p, const void *bytes, size_t len)
{
	assert_int_equal(BIO_write(p->to_server, bytes, (int)len), len);
	pair_run(p);
}

static void garbage(void **state)
{
	static const char *const junk[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff",
					    "\x15\x03\x03\x00\x02\x02\x28", "SSH-2.0-x\r\n" };
	struct pair p;

	for (size_t i = 0; i < 4; i++) {
		fresh(state);
		pair_open(&p, NULL);
		feed(&p, junk[i], i == 2 ? 7 : strlen(junk[i]));
		assert_int_equal(p.want, KE_FINISHED);
		pair_close(&p);
		assert_int_equal(outcomes(), 1);
		assert_int_equal(counters.tls_failed, 1);
	}
}

/* A ClientHello that goes on and on ends at KE_MAX_HANDSHAKE bytes. */
static void endless_client_hello(void **state)
{
	static uint8_t record[5 + 1024] = { 0x16, 3, 1, 4, 0, 1, 1, 0, 0, 3, 3 };
	struct pair p;
	size_t sent = 0;

	(void)state;
	pair_open(&p, NULL);
	do {
		feed(&p, record, sizeof(record));
		sent += sizeof(record);
		memset(record + 5, 0, 1024);
	} while (p.want == KE_WANT_READ && sent < 2 * KE_MAX_HANDSHAKE);
	assert_int_equal(p.want, KE_FINISHED);
	assert_true(sent <= KE_MAX_HANDSHAKE + 2 * sizeof(record));
	pair_close(&p);
	assert_int_equal(counters.tls_failed, 1);
}

/* An honest ClientHello cut anywhere: the session waits, and a timeout ends it. */
static void half_a_client_hello(void **state)
{
	static uint8_t hello[2048];
	struct pair p;
	int len;

	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	SSL_do_handshake(p.client);
	len = BIO_read(p.to_server, hello, sizeof(hello));
	pair_close(&p);
	for (int cut = 1; cut < len; cut += 7) {
		fresh(state);
		pair_open(&p, NULL);
		feed(&p, hello, (size_t)cut);
		assert_int_equal(p.want, KE_WANT_READ);
		assert_int_equal(ke_session_expire(p.session), KE_FINISHED);
		pair_close(&p);
		assert_int_equal(counters.timed_out, 1);
		assert_int_equal(outcomes(), 1);
	}
}

/* ---- clients that stop -------------------------------------------------- */

/* RFC 8915 4.1.3: a request that is not complete in time is a bad one, and told so. */
static void half_a_request_times_out(void **state)
{
	struct test_answer a;
	struct pair p;

	(void)state;
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	pair_send(&p, chrony43_request, 9);
	assert_int_equal(p.want, KE_WANT_READ);
	assert_int_equal(ke_session_expire(p.session), KE_FINISHED);
	pair_receive(&p);
	assert_true(test_answer_parse(&a, p.answer, p.answer_len));
	assert_int_equal(a.error, 1);
	assert_true(p.closed);
	pair_close(&p);
	assert_int_equal(counters.timed_out, 1);
	assert_int_equal(outcomes(), 1);
}

/* The same when the client says by close_notify or end of file that no more comes. */
static void half_a_request_and_closed(void **state)
{
	for (int by_eof = 0; by_eof < 2; by_eof++) {
		struct test_answer a;
		struct pair p;

		fresh(state);
		pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
		pair_handshake(&p);
		pair_send(&p, chrony43_request, 9);
		if (by_eof)
			BIO_set_mem_eof_return(p.to_server, 0);
		else
			SSL_shutdown(p.client);
		assert_int_equal(pair_run(&p), KE_FINISHED);
		pair_receive(&p);
		assert_true(test_answer_parse(&a, p.answer, p.answer_len));
		assert_int_equal(a.error, 1);
		pair_close(&p);
		assert_int_equal(counters.error_request, 1);
		assert_int_equal(outcomes(), 1);
	}
}

static void closed_without_a_request(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem));
	pair_handshake(&p);
	SSL_shutdown(p.client);
	assert_int_equal(pair_run(&p), KE_FINISHED);
	pair_receive(&p);
	assert_int_equal(p.answer_len, 0);
	pair_close(&p);
	assert_int_equal(counters.aborted, 1);
	assert_int_equal(outcomes(), 1);
}

static void end_of_file_at_once(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, NULL);
	BIO_set_mem_eof_return(p.to_server, 0);
	assert_int_equal(pair_run(&p), KE_FINISHED);
	pair_close(&p);
	assert_int_equal(counters.aborted, 1);
	assert_int_equal(outcomes(), 1);
}

static void closed_by_us(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, NULL);
	assert_int_equal(pair_run(&p), KE_WANT_READ);
	ke_session_close(p.session, &counters.refused_full);
	p.session = NULL;
	pair_close(&p);
	assert_int_equal(counters.refused_full, 1);
	assert_int_equal(outcomes(), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, fresh)
	const struct CMUnitTest tests[] = {
		T(cookies_hold_the_clients_keys),
		T(real_clients),
		T(every_kind_of_certificate),
		T(either_group),
		T(server_and_port_are_told),
		T(byte_by_byte),
		T(longest_request_byte_by_byte),
		T(answers_without_cookies),
		T(without_a_key_internal_error),
		T(sixty_kilobytes),
		T(tls12_is_refused),
		T(wrong_alpn_is_refused),
		T(no_alpn_is_refused),
		T(ours_among_other_alpns),
		T(client_that_distrusts_us),
		T(garbage),
		T(endless_client_hello),
		T(half_a_client_hello),
		T(half_a_request_times_out),
		T(half_a_request_and_closed),
		T(closed_without_a_request),
		T(end_of_file_at_once),
		T(closed_by_us),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
