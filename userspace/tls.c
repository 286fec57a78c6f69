/* SPDX-License-Identifier: GPL-2.0 */
#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* As a ProtocolName of RFC 7301 3.1: its length, then the name. */
static const unsigned char alpn[] = "\7ntske/1";
#define ALPN_LEN (sizeof(alpn) - 1)

#define GROUP_X25519 0x1d /* RFC 8446 4.2.7 */

static const char exporter_label[] = "EXPORTER-network-time-security";

/* ---- policy ------------------------------------------------------------- */

/* Does a ClientHello's key_share extension (RFC 8446 4.2.8) hold a share of X25519? */
static bool shares_x25519(const unsigned char *ext, size_t len)
{
	size_t off = 2; /* the list's own length says what the extension's says */

	while (off + 4 <= len) {
		if (ext[off] == 0 && ext[off + 1] == GROUP_X25519)
			return true;
		off += 4 + (size_t)(ext[off + 2] << 8 | ext[off + 3]);
	}
	return false;
}

/*
 * OpenSSL takes the first share that it can use.  GnuTLS, which is chronyd, sends P-256 and
 * then X25519: with the latter a handshake here costs a third less (OpenSSL 3.0: 215 us
 * instead of 290).
 */
static bool prefer_x25519(SSL *ssl)
{
	int x25519 = NID_X25519;
	const unsigned char *ext;
	size_t len;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_key_share, &ext, &len) ||
	    !shares_x25519(ext, len))
		return true;
	return SSL_set1_groups(ssl, &x25519, 1);
}

/* A client without ALPN would end up speaking NTS-KE unawares; refused before any
 * public-key work is spent on it. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	(void)arg;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
				       &ext, &len)) {
		*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (prefer_x25519(ssl))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *offered, unsigned int offered_len, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, alpn, ALPN_LEN, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

enum tls_failure tls_failure(void)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_REASON(e);

	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return TLS_FAILED;
	if (reason >= SSL_AD_REASON_OFFSET)
		return TLS_ALERT;
	switch (reason) {
	case SSL_R_CALLBACK_FAILED: /* on_client_hello() */
	case SSL_R_NO_APPLICATION_PROTOCOL: return TLS_NO_ALPN;
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_WRONG_VERSION_NUMBER: return TLS_NONE;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_NO_PROTOCOLS_AVAILABLE: return TLS_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS: return TLS_NO_COMMON;
	}
	return TLS_FAILED;
}

/*
 * AES-128 and SHA-256 first: enough for keys of 128-bit strength, and the cheapest.
 * Read-ahead takes a client's Finished and its request with one read().  What is sent is
 * the chain of the file, not one that OpenSSL finds.
 */
static bool set_policy(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_num_tickets(ctx, 0) && SSL_CTX_set_max_early_data(ctx, 0) &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
					     "TLS_AES_256_GCM_SHA384");
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_choice *choice = arg;

	(void)alert;
	for (unsigned int i = 0; name && i < choice->count; i++) {
		X509 *leaf = SSL_CTX_get0_certificate(choice->ctx[i]);

		if (X509_check_host(leaf, name, 0, 0, NULL) != 1)
			continue;
		SSL_set_SSL_CTX(ssl, choice->ctx[i]);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

void tls_choose_by_name(struct tls_choice *choice)
{
	SSL_CTX_set_tlsext_servername_callback(choice->ctx[0], on_name);
	SSL_CTX_set_tlsext_servername_arg(choice->ctx[0], choice);
}

/* ---- certificate and key ------------------------------------------------ */

static BIO *memory(const char *text, size_t len)
{
	return text && len <= INT_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
}

/* A daemon has nobody to ask for a pass phrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static const char *use_leaf(SSL_CTX *ctx, BIO *in)
{
	X509 *leaf = PEM_read_bio_X509_AUX(in, NULL, no_passphrase, NULL);
	int used;

	if (!leaf)
		return "no certificate in PEM form is there";
	used = SSL_CTX_use_certificate(ctx, leaf);
	X509_free(leaf);
	return used ? NULL : "the certificate cannot be used";
}

static const char *use_intermediates(SSL_CTX *ctx, BIO *in)
{
	X509 *ca;

	while ((ca = PEM_read_bio_X509(in, NULL, no_passphrase, NULL))) {
		if (!SSL_CTX_add0_chain_cert(ctx, ca)) {
			X509_free(ca);
			return "an intermediate certificate cannot be used";
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return "an intermediate certificate is damaged";
	ERR_clear_error();
	return NULL;
}

static const char *use_chain(SSL_CTX *ctx, const struct tls_pem *pem)
{
	BIO *in = memory(pem->chain, pem->chain_len);
	const char *wrong;

	if (!in)
		return "the certificate file is empty";
	wrong = use_leaf(ctx, in);
	if (!wrong)
		wrong = use_intermediates(ctx, in);
	BIO_free(in);
	return wrong;
}

static const char *use_key(SSL_CTX *ctx, const struct tls_pem *pem)
{
	BIO *in = memory(pem->key, pem->key_len);
	EVP_PKEY *key;
	int used;

	if (!in)
		return "the key file is empty";
	key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	BIO_free(in);
	if (!key)
		return "no unencrypted private key in PEM form is there";
	/* SSL_CTX_use_PrivateKey() drops a certificate that does not match, silently. */
	used = X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) &&
	       SSL_CTX_use_PrivateKey(ctx, key);
	EVP_PKEY_free(key);
	return used ? NULL : "the key does not belong to the certificate";
}

SSL_CTX *tls_server(const struct tls_pem *pem, char reason[TLS_REASON])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *wrong;

	if (!ctx || !set_policy(ctx))
		wrong = "OpenSSL cannot be set up for TLS 1.3";
	else if (!(wrong = use_chain(ctx, pem)))
		wrong = use_key(ctx, pem);
	if (wrong) {
		snprintf(reason, TLS_REASON, "%s", wrong);
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	ERR_clear_error();
	return ctx;
}

bool tls_warning(SSL_CTX *ctx, char warning[TLS_REASON])
{
	const X509 *leaf = SSL_CTX_get0_certificate(ctx);

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		snprintf(warning, TLS_REASON,
			 "the certificate has expired: clients will refuse it");
	else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		snprintf(warning, TLS_REASON, "the certificate is not valid yet");
	else
		return false;
	return true;
}

static int64_t not_after(const X509 *certificate)
{
	struct tm end = { 0 };

	return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) ? timegm(&end) : 0;
}

int64_t tls_expiry(SSL_CTX *ctx)
{
	int64_t first = not_after(SSL_CTX_get0_certificate(ctx));
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(ctx, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) { /* -1: there is none */
		int64_t end = not_after(sk_X509_value(chain, i));

		first = end < first ? end : first;
	}
	return first;
}

/* ---- keys for NTP ------------------------------------------------------- */

int tls_export(SSL *ssl, uint16_t aead, enum tls_direction direction, uint8_t key[TLS_EXPORT_LEN])
{
	/* Next Protocol (NTPv4 is 0), AEAD, direction: RFC 8915 5.1. */
	const unsigned char context[5] = { 0, 0, aead >> 8, aead & 0xff, (unsigned char)direction };

	if (SSL_export_keying_material(ssl, key, TLS_EXPORT_LEN, exporter_label,
				       sizeof(exporter_label) - 1, context, sizeof(context),
				       1) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}
