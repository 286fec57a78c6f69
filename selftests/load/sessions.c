// SPDX-License-Identifier: GPL-2.0
#include <openssl/err.h>
#include <stdio.h>

#include "../unit/ke_client.h"
#include "sessions.h"

#define COOKIES 8

struct session {
	uint8_t c2s[32], s2c[32];
	uint32_t cookies, cookie_len;
	uint8_t cookie[COOKIES][SESSION_COOKIE_MAX];
};

static struct session *sessions;
static uint32_t count;

static void fail(const struct options *o, const char *what)
{
	fprintf(stderr, "load: NTS-KE with %s: %s\n", o->ke, what);
	ERR_print_errors_fp(stderr);
	exit(2);
}

static void export_key(SSL *ssl, uint8_t s2c, uint8_t key[32])
{
	/* RFC 8915 5.1: NTPv4, AEAD 15, which direction */
	const uint8_t context[] = { 0, 0, 0, 15, s2c };
	static const char label[] = "EXPORTER-network-time-security";

	SSL_export_keying_material(ssl, key, 32, label, sizeof(label) - 1, context, sizeof(context), 1);
}

/* The cookie records of an answer; other servers' are not of our length. */
static void take_cookies(struct session *s, const uint8_t *p, size_t len)
{
	size_t off, n;

	for (off = 0; off + 4 <= len; off += 4 + n) {
		unsigned int type = (p[off] << 8 | p[off + 1]) & 0x7fff;

		n = p[off + 2] << 8 | p[off + 3];
		if (off + 4 + n > len || s->cookies == COOKIES)
			return;
		if (type != KE_NEW_COOKIE || n > SESSION_COOKIE_MAX)
			continue;
		s->cookie_len = n;
		memcpy(s->cookie[s->cookies++], p + off + 4, n);
	}
}

static void open_session(const struct options *o, SSL_CTX *ctx, struct session *s)
{
	BIO *bio = BIO_new_ssl_connect(ctx);
	uint8_t answer[4096];
	size_t len = 0;
	SSL *ssl;
	int n;

	BIO_set_conn_hostname(bio, o->ke);
	BIO_get_ssl(bio, &ssl);
	if (BIO_do_connect(bio) <= 0)
		fail(o, "cannot connect");
	if (BIO_write(bio, chrony43_request, sizeof(chrony43_request)) <= 0)
		fail(o, "cannot ask");
	while (len < sizeof(answer) && (n = BIO_read(bio, answer + len, sizeof(answer) - len)) > 0)
		len += n;
	take_cookies(s, answer, len);
	if (!s->cookies)
		fail(o, "no cookies");
	export_key(ssl, 0, s->c2s);
	export_key(ssl, 1, s->s2c);
	BIO_free_all(bio);
}

void sessions_open(const struct options *o)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, NULL);

	if (o->ca) {
		if (SSL_CTX_load_verify_locations(ctx, o->ca, NULL) != 1)
			fail(o, o->ca);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	sessions = calloc(o->sessions, sizeof(*sessions));
	if (!sessions)
		fail(o, "no memory");
	for (count = 0; count < o->sessions; count++)
		open_session(o, ctx, &sessions[count]);
	SSL_CTX_free(ctx);
}

uint32_t session_cookie(uint32_t index, uint8_t c2s[32], uint8_t s2c[32],
			uint8_t cookie[SESSION_COOKIE_MAX])
{
	const struct session *s = &sessions[index % count];

	memcpy(c2s, s->c2s, 32);
	memcpy(s2c, s->s2c, 32);
	memcpy(cookie, s->cookie[index / count % s->cookies], s->cookie_len);
	return s->cookie_len;
}
