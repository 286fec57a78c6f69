/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The TLS that NTS-KE asks for (RFC 8915 3 and 4): version 1.3 only, ALPN
 * ntske/1 required, keys from the exporter of RFC 8915 5.1.
 *
 * No session tickets, no resumption and no early data: each connection makes one
 * answer, and state that outlives it could only link a client's visits.
 */
#ifndef XNTS_TLS_H
#define XNTS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* Text of PEM files in memory; the key is secret. */
struct tls_pem {
	const char *chain; /* leaf first, then intermediates */
	size_t chain_len;  /* bytes */
	const char *key;   /* unencrypted */
	size_t key_len;
};

#define TLS_REASON 256

/*
 * A server context, or NULL and in `reason` what is wrong with the chain or the
 * key, for a person.  Free it with SSL_CTX_free().
 */
SSL_CTX *tls_server(const struct tls_pem *pem, char reason[TLS_REASON]);

/*
 * Several contexts for one listener: ctx[0] opens every connection, and hands it over to the first
 * of them whose certificate is for the name that the client asks for (SNI, RFC 6066 3).  With a
 * name of nobody's, or none, ctx[0] goes on.
 */
#define TLS_MAX_CERTIFICATES 8
struct tls_choice {
	unsigned int count;
	SSL_CTX *ctx[TLS_MAX_CERTIFICATES];
};

/* `choice` outlives ctx[0]. */
void tls_choose_by_name(struct tls_choice *choice);

/*
 * What an operator should know of a chain that can be used all the same: expired,
 * not valid yet.  Returns false when there is nothing to say.
 */
bool tls_warning(SSL_CTX *ctx, char warning[TLS_REASON]);

/* UTC, s since 1970: when the first certificate of the chain ends. */
int64_t tls_expiry(SSL_CTX *ctx);

enum tls_failure {
	TLS_FAILED, /* none of the below */
	TLS_NONE,   /* no TLS at all */
	TLS_VERSION,
	TLS_NO_COMMON, /* cipher suite, group or signature algorithm */
	TLS_ALERT,     /* the client's */
	TLS_NO_ALPN,   /* for want of ALPN ntske/1 */
};

/* Why the handshake that just failed did.  Looks at the thread's OpenSSL error queue and leaves it
 * as it is. */
enum tls_failure tls_failure(void);

#define TLS_EXPORT_LEN 32 /* bytes of an AEAD_AES_SIV_CMAC_256 key */

enum tls_direction { TLS_C2S = 0, TLS_S2C = 1 }; /* as in the exporter's context */

/* The key of one direction for NTPv4 and `aead` (RFC 8915 5.1).  0 or -EIO. */
int tls_export(SSL *ssl, uint16_t aead, enum tls_direction direction, uint8_t key[TLS_EXPORT_LEN]);

#endif /* XNTS_TLS_H */
