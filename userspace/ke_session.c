/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_session.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "ke_bio.h"

enum phase { HANDSHAKE, REQUEST, ANSWER, OVER };

struct ke_session {
	const struct ke_service *service;
	SSL *ssl;
	struct ke_wire wire; /* of ke_session_open() */
	enum phase phase;
	bool expired;
	struct ke_request request;
	__u64 *outcome; /* counter that a written answer adds to */
	size_t len;     /* bytes in buf: received, from phase ANSWER on to be sent */
	union {
		uint8_t received[KE_MAX_REQUEST];
		uint8_t answer[KE_MAX_RESPONSE];
	} buf;
};

static struct ke_session *open_over(struct ke_session *s, BIO *in, BIO *out)
{
	SSL *ssl = s && in && out ? SSL_new(s->service->tls) : NULL;

	if (!ssl) {
		BIO_free(in);
		if (out != in)
			BIO_free(out);
		free(s);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_bio(ssl, in, out);
	SSL_set_accept_state(ssl);
	s->ssl = ssl;
	return s;
}

static struct ke_session *session_of(const struct ke_service *service)
{
	struct ke_session *s = calloc(1, sizeof(*s));

	if (s)
		s->service = service;
	return s;
}

struct ke_session *ke_session_open_bio(const struct ke_service *service, BIO *in, BIO *out)
{
	return open_over(session_of(service), in, out);
}

struct ke_session *ke_session_open(const struct ke_service *service, int fd)
{
	struct ke_session *s = session_of(service);
	BIO *bio = s ? ke_bio_new(&s->wire) : NULL;

	if (bio)
		s->wire.fd = fd;
	return open_over(s, bio, bio);
}

/* The one place where a session ends: each adds to one counter, once. */
static enum ke_want finish(struct ke_session *s, __u64 *counter)
{
	if (s->phase != OVER)
		__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
	s->phase = OVER;
	return KE_FINISHED;
}

void ke_session_close(struct ke_session *s, __u64 *counter)
{
	if (!s)
		return;
	finish(s, counter);
	SSL_free(s->ssl);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

/* ---- steps: each returns -1 for "go on with the next phase" ------------- */

#define NEXT (-1)

/* Takes what SSL_get_error() said.  An EOF or a reset is the client's doing. */
static int wait_or_fail(struct ke_session *s, int ssl_error, __u64 *counter)
{
	switch (ssl_error) {
	case SSL_ERROR_WANT_READ: return KE_WANT_READ;
	case SSL_ERROR_WANT_WRITE: return KE_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
	case SSL_ERROR_SYSCALL: counter = &s->service->counters->aborted; break;
	}
	ERR_clear_error();
	return finish(s, counter);
}

static bool too_much(const struct ke_session *s, uint64_t limit)
{
	if (limit > s->service->max_bytes)
		limit = s->service->max_bytes;
	return BIO_number_read(SSL_get_rbio(s->ssl)) > limit;
}

static __u64 *failure_counter(struct xnts_ke_counters *counters)
{
	switch (tls_failure()) {
	case TLS_NONE: return &counters->tls_none;
	case TLS_VERSION: return &counters->tls_version;
	case TLS_NO_COMMON: return &counters->tls_no_common;
	case TLS_ALERT: return &counters->tls_alert;
	case TLS_NO_ALPN: return &counters->no_alpn;
	case TLS_FAILED: break;
	}
	return &counters->tls_failed;
}

static int handshake(struct ke_session *s)
{
	struct xnts_ke_counters *counters = s->service->counters;
	int rc = SSL_do_handshake(s->ssl);

	if (rc == 1) {
		s->phase = REQUEST;
		return NEXT;
	}
	if (too_much(s, KE_MAX_HANDSHAKE))
		return finish(s, &counters->tls_too_long);
	return wait_or_fail(s, SSL_get_error(s->ssl, rc), failure_counter(counters));
}

static int fill_grant(struct ke_session *s, struct ke_grant *grant)
{
	uint8_t c2s[TLS_EXPORT_LEN], s2c[TLS_EXPORT_LEN];
	int rc;

	rc = tls_export(s->ssl, KE_AEAD_AES_SIV_CMAC_256, TLS_C2S, c2s);
	if (!rc)
		rc = tls_export(s->ssl, KE_AEAD_AES_SIV_CMAC_256, TLS_S2C, s2c);
	if (!rc)
		rc = s->service->seal(s->service->seal_arg, c2s, s2c, grant->cookies);
	OPENSSL_cleanse(c2s, sizeof(c2s));
	OPENSSL_cleanse(s2c, sizeof(s2c));
	grant->server = s->service->ntp_server;
	grant->port = s->service->ntp_port;
	return rc;
}

static __u64 *outcome_counter(struct xnts_ke_counters *counters, enum ke_outcome outcome)
{
	switch (outcome) {
	case KE_ERROR_UNRECOGNIZED_CRITICAL: return &counters->error_critical;
	case KE_ERROR_BAD_REQUEST: return &counters->error_request;
	case KE_ERROR_INTERNAL: break;
	case KE_NO_PROTOCOL: return &counters->no_protocol;
	case KE_NO_AEAD: return &counters->no_aead;
	case KE_GRANTED: return &counters->answered;
	}
	return &counters->error_internal;
}

static int prepare_answer(struct ke_session *s)
{
	enum ke_outcome outcome = ke_request_outcome(&s->request);
	struct ke_grant grant;

	if (outcome == KE_GRANTED && fill_grant(s, &grant))
		outcome = KE_ERROR_INTERNAL;
	s->outcome = outcome_counter(s->service->counters, outcome);
	s->len = ke_response_build(s->buf.answer, outcome, &grant);
	s->phase = ANSWER;
	return NEXT;
}

/*
 * A client that closes its side before its request is complete made a bad request
 * (RFC 8915 4.1.3); one that never began has gone.
 */
static int receive(struct ke_session *s)
{
	int rc = SSL_read(s->ssl, s->buf.received + s->len, (int)(KE_MAX_REQUEST - s->len));
	int error = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);

	if (too_much(s, UINT64_MAX) || (error == SSL_ERROR_ZERO_RETURN && s->len))
		ke_request_end(&s->request);
	else if (error != SSL_ERROR_NONE)
		return wait_or_fail(s, error, failure_counter(s->service->counters));
	else
		s->len += (size_t)rc;
	if (ke_request_parse(&s->request, s->buf.received, s->len))
		return prepare_answer(s);
	return NEXT;
}

/* One SSL_write() for all of it: ntpsec 1.2.2 does a single SSL_read(). */
static int answer(struct ke_session *s)
{
	struct xnts_ke_counters *counters = s->service->counters;
	int rc;

	s->wire.hold = true; /* the owner shuts the socket down when this is over */
	rc = SSL_write(s->ssl, s->buf.answer, (int)s->len);
	if (rc <= 0)
		return wait_or_fail(s, SSL_get_error(s->ssl, rc), &counters->aborted);
	SSL_shutdown(s->ssl); /* close_notify; if there is no room for it, the end of TCP tells */
	ERR_clear_error();
	if (s->outcome == &counters->answered)
		__atomic_fetch_add(&counters->cookies_issued, KE_COOKIES, __ATOMIC_RELAXED);
	return finish(s, s->expired ? &counters->timed_out : s->outcome);
}

enum ke_want ke_session_run(struct ke_session *s)
{
	int want = NEXT;

	s->wire.empty = false;
	ERR_clear_error();
	while (want == NEXT) {
		switch (s->phase) {
		case HANDSHAKE: want = handshake(s); break;
		case REQUEST: want = receive(s); break;
		case ANSWER: want = answer(s); break;
		case OVER: want = KE_FINISHED; break;
		}
	}
	return (enum ke_want)want;
}

bool ke_session_established(const struct ke_session *s)
{
	return s->phase >= REQUEST;
}

enum ke_want ke_session_expire(struct ke_session *s)
{
	if (s->phase == REQUEST && !s->expired) {
		s->expired = true;
		ke_request_end(&s->request);
		prepare_answer(s);
		ke_session_run(s);
	}
	return finish(s, &s->service->counters->timed_out);
}
