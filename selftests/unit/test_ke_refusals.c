/* SPDX-License-Identifier: GPL-2.0 */
/* NTS-KE sessions that do not: each ends, is told so, and counts one outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ke_pair.h"

/* ---- refused ------------------------------------------------------------ */

static void answers_without_cookies(void **state)
{
	static const struct {
		uint8_t bytes[24];
		size_t len;
		int error, protocols, aeads;
		size_t counter;
	} cases[] = {
		{ { REQ_NTPV4, REC0(CRIT | 77), REQ_END },
		  14,
		  0,
		  -1,
		  -1,
		  offsetof(struct xnts_ke_counters, error_critical) },
		{ { REQ_END }, 4, 1, -1, -1, offsetof(struct xnts_ke_counters, error_request) },
		{ { REC(CRIT | KE_NEXT_PROTOCOL, 1, 1), REQ_END },
		  10,
		  -1,
		  0,
		  -1,
		  offsetof(struct xnts_ke_counters, no_protocol) },
		{ { REQ_NTPV4, REC(KE_AEAD, 0, 30), REQ_END },
		  16,
		  -1,
		  1,
		  0,
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
	       &counters.tls_version);
}

static void nothing_in_common_is_refused(void **state)
{
	SSL_CTX *client = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);

	(void)state;
	assert_int_equal(SSL_CTX_set1_groups_list(client, "P-521"), 1);
	refuse(client, SSL_AD_HANDSHAKE_FAILURE, &counters.tls_no_common);
	fresh(state);
	client = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);
	assert_int_equal(SSL_CTX_set1_sigalgs_list(client, "ed25519"), 1);
	refuse(client, SSL_AD_HANDSHAKE_FAILURE, &counters.tls_no_common);
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
	assert_int_equal(counters.tls_alert, 1);
}

/* ---- not TLS at all ----------------------------------------------------- */

static void feed(struct pair *p, const void *bytes, size_t len)
{
	assert_int_equal(BIO_write(p->to_server, bytes, (int)len), len);
	pair_run(p);
}

static void garbage(void **state)
{
	static const char *const junk[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
					    "\x16\x03\x01\xff\xff", "\x15\x03\x03\x00\x02\x02\x28",
					    "SSH-2.0-x\r\n" };
	const __u64 *const counter[] = { &counters.tls_none, &counters.tls_failed, &counters.tls_failed,
					 &counters.tls_none };
	struct pair p;

	for (size_t i = 0; i < 4; i++) {
		fresh(state);
		pair_open(&p, NULL);
		feed(&p, junk[i], i == 2 ? 7 : strlen(junk[i]));
		assert_int_equal(p.want, KE_FINISHED);
		pair_close(&p);
		assert_int_equal(outcomes(), 1);
		assert_int_equal(*counter[i], 1);
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
	assert_int_equal(counters.tls_failed + counters.tls_too_long, 1);
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
	const struct CMUnitTest tests[] = {
		T(answers_without_cookies),
		T(without_a_key_internal_error),
		T(sixty_kilobytes),
		T(tls12_is_refused),
		T(nothing_in_common_is_refused),
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
