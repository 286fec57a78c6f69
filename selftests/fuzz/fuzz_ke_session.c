/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole NTS-KE connection over memory BIOs.  The first byte chooses what the rest is:
 *
 *	0	what a client sends that never spoke TLS
 *	1	an honest ClientHello follows, changed: pairs of offset (2 bytes) and XOR
 *	2	the stream inside TLS: pieces of length (1 byte) and bytes, one TLS record each
 *	3	as 2, and then the client closes
 *
 * Whatever comes, the session ends, counts one outcome, and says no more than it may.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method(): the same input, the same run */

#include <openssl/rand.h>

#include "../unit/ke_client.h"

#include "ke_bio.c"
#include "ke_record.c"
#include "ke_seal.c"
#include "ke_session.c"
#include "tls.c"

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static struct ke_service service;
static struct xnts_ke_counters counters;
static SSL_CTX *client_ctx;

/* ---- a random number generator that repeats itself ----------------------- */

static uint64_t random_state;

static int fake_bytes(unsigned char *buf, int len)
{
	for (int i = 0; i < len; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = random_state >> 56;
	}
	return 1;
}

static int fake_status(void)
{
	return 1;
}

static const RAND_METHOD fake_random = { NULL, fake_bytes, NULL, NULL, fake_bytes, fake_status };

static int seal(void *arg, const uint8_t c2s[32], const uint8_t s2c[32],
		uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN])
{
	return ke_sealer_seal(arg, 0, c2s, s2c, cookies);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct test_pem pem;
	struct ke_sealing_keys keys = { .current = { .id = 0x1001 } };
	char reason[TLS_REASON];

	(void)argc;
	(void)argv;
	RAND_set_rand_method(&fake_random);
	test_certificate(&pem, "EC", "test.example", -60, 3600);
	service.tls = tls_server(&pem.text, reason);
	service.seal = seal;
	service.seal_arg = ke_sealer_new();
	ke_sealer_set(service.seal_arg, &keys);
	service.counters = &counters;
	service.max_bytes = 110592;
	client_ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, NULL);
	return 0;
}

/* ---- the two ends --------------------------------------------------------- */

struct ends {
	struct ke_session *session;
	SSL *client;
	BIO *to_server, *to_client;
};

static BIO *wire(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	BIO_set_mem_eof_return(bio, -1);
	return bio;
}

static void ends_open(struct ends *e)
{
	e->to_server = wire();
	e->to_client = wire();
	BIO_up_ref(e->to_server);
	BIO_up_ref(e->to_client);
	e->session = ke_session_open_bio(&service, e->to_server, e->to_client);
	e->client = SSL_new(client_ctx);
	MUST(e->session && e->client);
	SSL_set_bio(e->client, e->to_client, e->to_server);
	SSL_set_connect_state(e->client);
}

static void ends_close(struct ends *e)
{
	MUST(ke_session_expire(e->session) == KE_FINISHED);
	MUST(ke_session_run(e->session) == KE_FINISHED);
	ke_session_close(e->session, &counters.aborted);
	SSL_free(e->client);
	ERR_clear_error();
}

static void raw(struct ends *e, const uint8_t *data, size_t size)
{
	BIO_write(e->to_server, data, (int)size);
	ke_session_run(e->session);
}

static void changed_hello(struct ends *e, const uint8_t *data, size_t size)
{
	uint8_t hello[4096];
	int len;

	SSL_do_handshake(e->client);
	len = BIO_read(e->to_server, hello, sizeof(hello));
	for (size_t i = 0; i + 3 <= size; i += 3)
		hello[(data[i] << 8 | data[i + 1]) % len] ^= data[i + 2];
	raw(e, hello, (size_t)len);
	SSL_do_handshake(e->client);
	ke_session_run(e->session);
}

static void inside_tls(struct ends *e, const uint8_t *data, size_t size, bool closes)
{
	uint8_t answer[4096];

	for (int i = 0; i < 3; i++) {
		SSL_do_handshake(e->client);
		ke_session_run(e->session);
	}
	for (size_t i = 0; i < size;) {
		size_t n = data[i] < size - i - 1 ? data[i] : size - i - 1;

		if (n && SSL_write(e->client, data + i + 1, (int)n) <= 0)
			break;
		ke_session_run(e->session);
		i += 1 + n;
	}
	if (closes)
		SSL_shutdown(e->client);
	ke_session_run(e->session);
	ke_session_expire(e->session);
	/* An answer comes in one piece and is one of ours. */
	if (SSL_read(e->client, answer, sizeof(answer)) > 0)
		MUST(SSL_read(e->client, answer, sizeof(answer)) <= 0);
}

static __u64 outcomes(void)
{
	return counters.tls_failed + counters.tls_none + counters.tls_version +
	       counters.tls_no_common + counters.tls_alert + counters.tls_too_long + counters.no_alpn + counters.timed_out + counters.answered +
	       counters.error_critical + counters.error_request + counters.error_internal +
	       counters.no_protocol + counters.no_aead + counters.aborted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ends e;

	if (!size)
		return 0;
	random_state = 1;
	memset(&counters, 0, sizeof(counters));
	ends_open(&e);
	if (data[0] % 4 == 0)
		raw(&e, data + 1, size - 1);
	else if (data[0] % 4 == 1)
		changed_hello(&e, data + 1, size - 1);
	else
		inside_tls(&e, data + 1, size - 1, data[0] % 4 == 3);
	ends_close(&e);
	MUST(outcomes() == 1);
	MUST(counters.error_internal == 0);
	MUST(counters.cookies_issued == KE_COOKIES * counters.answered);
	return 0;
}
