/* SPDX-License-Identifier: GPL-2.0 */
/* Certificates and keys that can be used, and those that cannot and why; sealing keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>

#include "cookie.h"
#include "ke_client.h"
#include "ke_seal.h"

static char reason[TLS_REASON];

static SSL_CTX *use(const char *chain, const char *key)
{
	const struct tls_pem text = {
		.chain = chain, .chain_len = strlen(chain), .key = key, .key_len = strlen(key)
	};

	reason[0] = 0;
	return tls_server(&text, reason);
}

static void refused(const char *chain, const char *key, const char *why)
{
	assert_null(use(chain, key));
	assert_string_equal(reason, why);
	assert_int_equal(ERR_peek_error(), 0);
}

static void usable(void **state)
{
	static const char *const kinds[] = { "EC", "ED25519", "RSA" };
	struct test_pem pem;
	SSL_CTX *ctx;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		test_certificate(&pem, kinds[i], "test.example", -60, 3600);
		ctx = use(pem.chain, pem.key);
		assert_non_null(ctx);
		assert_false(tls_warning(ctx, reason));
		SSL_CTX_free(ctx);
	}
}

/* The first to end counts, wherever in the chain it is. */
static void expiry(void **state)
{
	struct test_pem leaf, ca;
	char chain[2 * sizeof(leaf.chain)];
	int64_t now = time(NULL);

	(void)state;
	for (int early = 0; early < 2; early++) {
		SSL_CTX *ctx;

		test_certificate(&leaf, "EC", "test.example", -60, early ? 3600 : 7200);
		test_certificate(&ca, "EC", "ca.example", -60, early ? 7200 : 3600);
		snprintf(chain, sizeof(chain), "%s%s", leaf.chain, ca.chain);
		ctx = use(chain, leaf.key);
		assert_non_null(ctx);
		assert_in_range(tls_expiry(ctx) - now, 3599, 3605);
		SSL_CTX_free(ctx);
	}
}

static void intermediates_follow_the_leaf(void **state)
{
	struct test_pem leaf, ca;
	char chain[2 * sizeof(leaf.chain)];
	STACK_OF(X509) * sent;
	SSL_CTX *ctx;

	(void)state;
	test_certificate(&leaf, "EC", "test.example", -60, 3600);
	test_certificate(&ca, "EC", "ca.example", -60, 3600);
	snprintf(chain, sizeof(chain), "%s%s", leaf.chain, ca.chain);
	ctx = use(chain, leaf.key);
	assert_non_null(ctx);
	SSL_CTX_get0_chain_certs(ctx, &sent);
	assert_int_equal(sk_X509_num(sent), 1);
	SSL_CTX_free(ctx);
	/* the wrong way round, the key is not the first certificate's */
	snprintf(chain, sizeof(chain), "%s%s", ca.chain, leaf.chain);
	refused(chain, leaf.key, "the key does not belong to the certificate");
	snprintf(chain, sizeof(chain),
		 "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", leaf.chain);
	refused(chain, leaf.key, "an intermediate certificate is damaged");
}

static void unusable(void **state)
{
	struct test_pem pem, other;

	(void)state;
	test_certificate(&pem, "EC", "test.example", -60, 3600);
	test_certificate(&other, "RSA", "test.example", -60, 3600);
	refused("", pem.key, "no certificate in PEM form is there");
	refused("not PEM at all\n", pem.key, "no certificate in PEM form is there");
	refused(pem.key, pem.key, "no certificate in PEM form is there");
	refused(pem.chain, "", "no unencrypted private key in PEM form is there");
	refused(pem.chain, pem.chain, "no unencrypted private key in PEM form is there");
	refused(pem.chain, other.key, "the key does not belong to the certificate");
}

/* Nobody is asked for a pass phrase. */
static void encrypted_key(void **state)
{
	struct test_pem pem;
	EVP_PKEY *key = test_key("EC");
	BIO *bio = BIO_new(BIO_s_mem());
	char text[4096];

	(void)state;
	test_certificate(&pem, "EC", "test.example", -60, 3600);
	PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), NULL, 0, NULL, "secret");
	bio_text(bio, text, sizeof(text));
	EVP_PKEY_free(key);
	refused(pem.chain, text, "no unencrypted private key in PEM form is there");
}

/* Cut anywhere, neither file is taken for whole, nor read beyond its end. */
static void truncated(void **state)
{
	struct test_pem pem;

	(void)state;
	test_certificate(&pem, "EC", "test.example", -60, 3600);
	for (size_t len = 0; len + 2 < pem.text.chain_len; len++) {
		struct tls_pem cut = pem.text;
		char *copy = malloc(len + 1);

		memcpy(copy, pem.chain, len);
		cut.chain = copy;
		cut.chain_len = len;
		assert_null(tls_server(&cut, reason));
		free(copy);
	}
	for (size_t len = 0; len + 2 < pem.text.key_len; len++) {
		struct tls_pem cut = pem.text;

		cut.key_len = len;
		assert_null(tls_server(&cut, reason));
	}
}

static void warnings(void **state)
{
	struct test_pem pem;
	SSL_CTX *ctx;

	(void)state;
	test_certificate(&pem, "EC", "test.example", -3600, -60);
	ctx = use(pem.chain, pem.key);
	assert_true(tls_warning(ctx, reason));
	assert_non_null(strstr(reason, "expired"));
	SSL_CTX_free(ctx);
	test_certificate(&pem, "EC", "test.example", 3600, 7200);
	ctx = use(pem.chain, pem.key);
	assert_true(tls_warning(ctx, reason));
	assert_non_null(strstr(reason, "not valid yet"));
	SSL_CTX_free(ctx);
}

/* ---- the sealer --------------------------------------------------------- */

static uint32_t sealed_with(const struct ke_sealer *sealer, int64_t now)
{
	static const uint8_t c2s[32] = { 1 }, s2c[32] = { 2 };
	uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN];

	assert_int_equal(ke_sealer_seal(sealer, now, c2s, s2c, cookies), 0);
	for (int i = 1; i < KE_COOKIES; i++)
		assert_int_equal(cookie_key_id(cookies[i]), cookie_key_id(cookies[0]));
	return cookie_key_id(cookies[0]);
}

static void keys_are_used_when_due(void **state)
{
	static const uint8_t zero[32];
	struct ke_sealing_keys keys = { .current = { .id = 0x1001 }, .switch_at = 1000 };
	uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN];
	struct ke_sealer *sealer = ke_sealer_new();

	(void)state;
	assert_int_equal(ke_sealer_seal(sealer, 0, zero, zero, cookies), -ENOKEY);
	ke_sealer_set(sealer, &keys);
	assert_int_equal(sealed_with(sealer, 5000), 0x1001); /* there is no next one */
	keys.next.id = 0x1002;
	ke_sealer_set(sealer, &keys);
	assert_int_equal(sealed_with(sealer, 999), 0x1001);
	assert_int_equal(sealed_with(sealer, 1000), 0x1002);
	keys.current.id = 0;
	ke_sealer_set(sealer, &keys);
	assert_int_equal(ke_sealer_seal(sealer, 999, zero, zero, cookies), -ENOKEY);
	assert_int_equal(sealed_with(sealer, 1000), 0x1002);
	ke_sealer_free(sealer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usable),
		cmocka_unit_test(intermediates_follow_the_leaf),
		cmocka_unit_test(expiry),
		cmocka_unit_test(unusable),
		cmocka_unit_test(encrypted_key),
		cmocka_unit_test(truncated),
		cmocka_unit_test(warnings),
		cmocka_unit_test(keys_are_used_when_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
