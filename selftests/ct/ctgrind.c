// SPDX-License-Identifier: GPL-2.0
/*
 * Constant time under valgrind's memcheck, as Adam Langley's ctgrind has it: secrets are
 * marked as uninitialised, and memcheck reports every jump and every address that
 * derives from them.  The source is the one that the packet path is compiled from.
 */
#include <valgrind/memcheck.h>

#define CRYPT_PUBLIC(p, len) ((void)VALGRIND_MAKE_MEM_DEFINED(p, len))

#include "../host_target.h"
#include "../client.h"

#define SECRET(x) ((void)VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x)))

static struct world world;

static struct xnts_cookie_key secret_key(__u32 id)
{
	struct xnts_cookie_key key = world.keys[XNTS_KEY_SLOT(id)];

	SECRET(key.key);
	return key;
}

/* What respond() does before the exchange. */
static void prepare(struct xnts_scratch *s, const struct packet *p)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->request.b, p->payload, p->payload_len);
	s->request_len = p->payload_len;
	if (ef_walk(s) != XNTS_NEXT)
		abort();
	memcpy(s->reply.b, p->payload, NTP_LEN + s->uid_len);
	s->reply_ad_len = NTP_LEN + s->uid_len;
}

/* An exchange under keys that are secret. */
static int check(const char *name, const struct packet *p, __u32 id, int verdict)
{
	struct xnts_cookie_key open_key = secret_key(id), seal_key = secret_key(KEY_SEAL);
	int got;

	prepare(&host.scratch, p);
	SECRET(host.nonce_key);
	got = exchange(&host.scratch, &open_key, &seal_key);
	if (got == verdict)
		return 0;
	fprintf(stderr, "%s: %s\n", name, verdict_name(got));
	return 1;
}

static int check_exchanges(void)
{
	struct packet p, inner = { 0 };
	struct client c;
	int n, failed = 0;

	client_init(&c);
	for (n = 0; n < 8; n += 7) {
		packet_init(&p, 4);
		client_request(&c, &p, n);
		failed += check("placeholders", &p, KEY_SEAL, XNTS_V_nts_answered);
	}
	p.payload[p.payload_len - 1] ^= 1;
	failed += check("bad tag", &p, KEY_SEAL, XNTS_V_nak_bad_tag);
	failed += check("bad cookie", &p, KEY_OLD, XNTS_V_nak_bad_cookie);

	packet_init(&p, 4);
	client_add_uid(&c, &p);
	client_add_cookie(&c, &p, KEY_OLD);
	packet_add_ef(&inner, 0x0304, NULL, XNTS_COOKIE_LEN);
	client_authenticate(&c, &p, 19, inner.payload, inner.payload_len, 4);
	return failed + check("encrypted fields", &p, KEY_OLD, XNTS_V_nts_answered);
}

/* What the NTS-KE server seals cookies with. */
static int check_siv(void)
{
	uint8_t bytes[32], c2s[32], s2c[32], cookies[AES_LANES][XNTS_COOKIE_LEN], keys[64];
	const uint8_t nonces[AES_LANES * COOKIE_NONCE_LEN] = { 1 };
	struct xnts_siv_key key;

	fill(bytes, 32, 1);
	fill(c2s, 32, 2);
	fill(s2c, 32, 3);
	SECRET(bytes);
	SECRET(c2s);
	SECRET(s2c);
	siv_key_init(&key, bytes);
	cookies_seal(cookies, &key, KEY_SEAL, nonces, c2s, s2c);
	if (cookie_open(keys, &key, cookies[0]))
		return 0;
	fprintf(stderr, "cookie does not open\n");
	return 1;
}

int main(void)
{
	world_init(&world);
	world_set_keys(&world);
	return check_exchanges() + check_siv() ? 1 : 0;
}
