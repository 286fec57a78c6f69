/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of NTS-KE: certificates made on the spot, requests byte for byte as clients send
 * them, and the answer's records taken apart.
 */
#ifndef KE_CLIENT_H
#define KE_CLIENT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "ke_record.h"
#include "tls.h"

/* ---- certificates ------------------------------------------------------- */

struct test_pem {
	char chain[4096], key[4096];
	struct tls_pem text;
};

static inline size_t bio_text(BIO *bio, char *out, size_t size)
{
	int n = BIO_read(bio, out, (int)size - 1);

	BIO_free(bio);
	out[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* "EC", "ED25519" or "RSA". */
static inline EVP_PKEY *test_key(const char *kind)
{
	if (!strcmp(kind, "EC"))
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (!strcmp(kind, "RSA"))
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	return EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

/* Self-signed, for `name`, valid from `from` to `to` seconds from now. */
static inline void test_certificate(struct test_pem *pem, const char *kind, const char *name,
				    long from, long to)
{
	EVP_PKEY *key = test_key(kind);
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	BIO *bio = BIO_new(BIO_s_mem());

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), to);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	X509_sign(x, key, strcmp(kind, "ED25519") ? EVP_sha256() : NULL);
	PEM_write_bio_X509(bio, x);
	pem->text.chain_len = bio_text(bio, pem->chain, sizeof(pem->chain));
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	pem->text.key_len = bio_text(bio, pem->key, sizeof(pem->key));
	pem->text.chain = pem->chain;
	pem->text.key = pem->key;
	X509_free(x);
	EVP_PKEY_free(key);
}

/* ---- requests ----------------------------------------------------------- */

#define REC(type, ...) \
	(type) / 256, (type) % 256, 0, sizeof((uint8_t[]){ __VA_ARGS__ }), __VA_ARGS__
#define REC0(type) (type) / 256, (type) % 256, 0, 0
#define CRIT       0x8000
#define REQ_END    REC0(CRIT | KE_END_OF_MESSAGE)
#define REQ_NTPV4  REC(CRIT | KE_NEXT_PROTOCOL, 0, 0)

struct test_request {
	const char *client;
	const uint8_t *bytes;
	size_t len;
};

static const uint8_t chrony43_request[] = { REQ_NTPV4, REC(CRIT | KE_AEAD, 0, 15), REQ_END };
static const uint8_t chrony46_request[] = { REQ_NTPV4, REC(CRIT | KE_AEAD, 0, 30, 0, 15),
					    REC0(1024), REQ_END };
static const uint8_t ntpsec_request[] = { REQ_NTPV4, REC(KE_AEAD, 0, 15), REQ_END };
static const uint8_t ntpdrs_request[] = { REQ_NTPV4, REC(CRIT | KE_AEAD, 0, 17, 0, 15), REQ_END };
static const uint8_t beevik_request[] = { REQ_NTPV4,
					  REC(CRIT | KE_AEAD, 0, 30, 0, 15),
					  REC0(1024),
					  REC(KE_SERVER, 'n', '.', 'x'),
					  REC(KE_PORT, 0, 123),
					  REQ_END };
static const uint8_t squell_request[] = { REQ_NTPV4, REC(CRIT | KE_AEAD, 0, 15, 0, 17), REC0(1024),
					  REQ_END };

static const struct test_request client_requests[] = {
	{ "chrony 4.3", chrony43_request, sizeof(chrony43_request) },
	{ "chrony 4.6.1", chrony46_request, sizeof(chrony46_request) },
	{ "ntpsec 1.2.2", ntpsec_request, sizeof(ntpsec_request) },
	{ "ntpd-rs", ntpdrs_request, sizeof(ntpdrs_request) },
	{ "beevik/nts", beevik_request, sizeof(beevik_request) },
	{ "squell/nts", squell_request, sizeof(squell_request) },
};
#define CLIENT_REQUESTS (sizeof(client_requests) / sizeof(client_requests[0]))

/* ---- answers ------------------------------------------------------------ */

struct test_answer {
	int error;     /* code, -1: none */
	int protocols; /* entries of Next Protocol, -1: no record */
	int aeads;     /* entries of AEAD, -1: no record */
	int aead;
	int cookies;
	uint8_t cookie[KE_COOKIES][XNTS_COOKIE_LEN];
	char server[KE_MAX_NAME + 1];
	int port;
	int records;
};

/* False unless it is exactly a sequence of the records a server may send, End last. */
static inline bool test_answer_parse(struct test_answer *a, const uint8_t *p, size_t len)
{
	*a = (struct test_answer){ .error = -1, .protocols = -1, .aeads = -1 };
	for (size_t off = 0; len - off >= 4; a->records++) {
		unsigned int type = p[off] << 8 | p[off + 1], n = p[off + 2] << 8 | p[off + 3];
		const uint8_t *body = p + off + 4;

		if (len - off - 4 < n)
			return false;
		off += 4 + n;
		switch (type) {
		case CRIT | KE_END_OF_MESSAGE: return n == 0 && off == len;
		case CRIT | KE_ERROR: a->error = n == 2 ? body[0] << 8 | body[1] : -2; break;
		case CRIT | KE_NEXT_PROTOCOL: a->protocols = (int)n / 2; break;
		case CRIT | KE_AEAD:
			a->aeads = (int)n / 2;
			a->aead = n == 2 ? body[0] << 8 | body[1] : -1;
			break;
		case KE_NEW_COOKIE:
			if (n != XNTS_COOKIE_LEN || a->cookies == KE_COOKIES)
				return false;
			memcpy(a->cookie[a->cookies++], body, n);
			break;
		case CRIT | KE_SERVER: memcpy(a->server, body, n); break;
		case CRIT | KE_PORT: a->port = body[0] << 8 | body[1]; break;
		default: return false;
		}
	}
	return false;
}

/* ---- TLS ---------------------------------------------------------------- */

/* A client of TLS `version` that offers `alpn` (as on the wire; NULL: no ALPN), trusting `pem`
 * if given. */
static inline SSL_CTX *test_client(int version, const char *alpn, const struct test_pem *pem)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	if (alpn)
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)alpn,
					(unsigned int)strlen(alpn));
	if (pem) {
		BIO *bio = BIO_new_mem_buf(pem->chain, -1);
		X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		X509_free(x);
		BIO_free(bio);
	}
	return ctx;
}

#define NTSKE_ALPN "\7ntske/1"

#endif /* KE_CLIENT_H */
