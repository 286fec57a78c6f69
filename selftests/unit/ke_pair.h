/* SPDX-License-Identifier: GPL-2.0 */
/* An NTS-KE session and OpenSSL's client with a wire of memory between them. */
#ifndef KE_PAIR_H
#define KE_PAIR_H

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

static inline int seal(void *arg, const uint8_t c2s[32], const uint8_t s2c[32],
		       uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN])
{
	return ke_sealer_seal(arg, utc, c2s, s2c, cookies);
}

static inline void serve_with(const char *kind)
{
	char reason[TLS_REASON];

	SSL_CTX_free(service.tls);
	test_certificate(&pem, kind, "test.example", -60, 3600);
	service.tls = tls_server(&pem.text, reason);
	assert_non_null(service.tls);
}

static inline int start(void **state)
{
	(void)state;
	serve_with("EC");
	for (int i = 0; i < 32; i++)
		keys.current.key[i] = (uint8_t)i;
	service.seal = seal;
	service.seal_arg = ke_sealer_new();
	ke_sealer_set(service.seal_arg, &keys);
	service.counters = &counters;
	service.max_bytes = 110592;
	return 0;
}

static inline int stop(void **state)
{
	(void)state;
	SSL_CTX_free(service.tls);
	ke_sealer_free(service.seal_arg);
	return 0;
}

static inline int fresh(void **state)
{
	(void)state;
	memset(&counters, 0, sizeof(counters));
	service.ntp_server = NULL;
	service.ntp_port = 0;
	return 0;
}

/* All outcomes: a session adds one to exactly one of them. */
static inline __u64 outcomes(void)
{
	return counters.tls_failed + counters.tls_none + counters.tls_version +
	       counters.tls_no_common + counters.tls_alert + counters.tls_too_long + counters.no_alpn + counters.timed_out + counters.answered +
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
	int reads;   /* SSL_read() calls that returned data */
	bool closed; /* close_notify has come */
};

static inline void pair_open(struct pair *p, SSL_CTX *client)
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

static inline void pair_close(struct pair *p)
{
	ke_session_close(p->session, &counters.aborted);
	SSL_free(p->client);
	if (!p->client) {
		BIO_free(p->to_server);
		BIO_free(p->to_client);
	}
	ERR_clear_error();
}

static inline enum ke_want pair_run(struct pair *p)
{
	return p->want = ke_session_run(p->session);
}

static inline void pair_handshake(struct pair *p)
{
	for (int i = 0; i < 10 && !SSL_is_init_finished(p->client); i++) {
		SSL_do_handshake(p->client);
		pair_run(p);
	}
	assert_true(SSL_is_init_finished(p->client));
	assert_true(ke_session_established(p->session));
	assert_int_equal(p->want, KE_WANT_READ);
}

static inline void pair_receive(struct pair *p)
{
	int n;

	while ((n = SSL_read(p->client, p->answer + p->answer_len,
			     (int)(sizeof(p->answer) - p->answer_len))) > 0) {
		p->answer_len += (size_t)n;
		p->reads++;
	}
	p->closed = SSL_get_shutdown(p->client) & SSL_RECEIVED_SHUTDOWN;
}

static inline void pair_send(struct pair *p, const uint8_t *bytes, size_t len)
{
	assert_int_equal(SSL_write(p->client, bytes, (int)len), len);
	pair_run(p);
}

/* A connection of an honest client that asks `bytes` at once: its answer, whole. */
static inline void ask(struct test_answer *a, const uint8_t *bytes, size_t len)
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

#define T(name) cmocka_unit_test_setup(name, fresh)

#endif /* KE_PAIR_H */
