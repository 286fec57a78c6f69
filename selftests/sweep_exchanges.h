/* SPDX-License-Identifier: GPL-2.0 */
/* Many exchanges: random ones held against OpenSSL, chains of cookies, the NAK rate. */
#ifndef XNTS_TEST_SWEEP_EXCHANGES_H
#define XNTS_TEST_SWEEP_EXCHANGES_H

#include <unistd.h>

#include "chance.h"
#include "sweep.h"

#ifndef RANDOM_EXCHANGES
#define RANDOM_EXCHANGES 10000
#endif

/* Fields to encrypt: unknown ones and placeholders; returns how many of the latter. */
static inline int random_fields(struct packet *inner, uint32_t room)
{
	int placeholders = 0;

	inner->payload_len = 0;
	while (any(3) && inner->payload_len + COOKIE_FIELD <= room) {
		if (any(2)) {
			client_add_placeholders(inner, 1);
			placeholders++;
		} else {
			packet_add_ef(inner, 0x4000 | any(256), NULL, 4 * any(22));
		}
	}
	return placeholders;
}

/* A valid request of random shape under random keys; returns the cookies it should get. */
static inline int random_request(struct client *c, struct packet *p)
{
	struct packet inner;
	int placeholders = any(8);

	any_bytes(c, sizeof(*c));
	any_bytes(p->payload + 1, NTP_LEN - 1);
	c->uid_len = 32 + 4 * any(12);
	if (any(4) == 0)
		packet_add_ef(p, 0xf323, NULL, 12 + 4 * any(10));
	client_add_uid(c, p);
	client_add_cookie(c, p, any(2) ? KEY_SEAL : KEY_OLD);
	client_add_placeholders(p, placeholders);
	placeholders += random_fields(&inner, 300);
	client_authenticate(c, p, 16 + any(150), inner.payload, inner.payload_len, 4 * any(4));
	return placeholders < 7 ? placeholders + 1 : 8;
}

static void random_exchanges(void **state)
{
	int i;

	chance_begin();
	for (i = 0; i < RANDOM_EXCHANGES; i++) {
		struct sweep *s = sweep_start(state, any(2) ? 4 : 6);
		int cookies = random_request(&s->client, &s->packet);

		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
		assert_int_equal(s->run.out.cookies_issued, cookies);
	}
}

static int compare_cookies(const void *a, const void *b)
{
	return memcmp(a, b, XNTS_COOKIE_LEN);
}

#define CHAIN 250

/* Each request carries a cookie of the answer before; no cookie, no nonce comes twice. */
static void chain_of_cookies(void **state)
{
	static uint8_t seen[CHAIN * XNTS_MAX_COOKIES][XNTS_COOKIE_LEN];
	static uint8_t nonces[CHAIN][XNTS_COOKIE_LEN];
	struct sweep *s = sweep_start_nts(state, 4, 7);
	struct answer a;
	int i, at = packet_payload_at(&s->packet);

	for (i = 0; i < CHAIN; i++) {
		const uint8_t *ntp = s->run.out.frame + at;

		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(client_open(&s->client, &s->packet, ntp, s->run.out.len - at, &a));
		assert_int_equal(a.cookies, XNTS_MAX_COOKIES);
		memcpy(seen[i * XNTS_MAX_COOKIES], a.cookie, sizeof(a.cookie));
		memcpy(nonces[i], ntp + NTP_LEN + 36 + 8, 16);
		packet_init(&s->packet, 4);
		client_add_uid(&s->client, &s->packet);
		packet_add_ef(&s->packet, 0x0204, a.cookie[i % XNTS_MAX_COOKIES], XNTS_COOKIE_LEN);
		client_add_placeholders(&s->packet, 7);
		nts_end(&s->packet);
	}
	qsort(seen, CHAIN * XNTS_MAX_COOKIES, XNTS_COOKIE_LEN, compare_cookies);
	qsort(nonces, CHAIN, XNTS_COOKIE_LEN, compare_cookies);
	for (i = 1; i < CHAIN * XNTS_MAX_COOKIES; i++)
		assert_memory_not_equal(seen[i - 1] + 3, seen[i] + 3, 5);
	for (i = 1; i < CHAIN; i++)
		assert_memory_not_equal(nonces[i - 1], nonces[i], 16);
}

/* NAKs over the rate are dropped; the next second has its own. */
static void nak_rate(void **state)
{
	const int rate = 5, tries = 50;
	struct sweep *s = sweep_start(state, 4);
	int i, naks = 0, seconds;
	__u64 start;

	s->world.config.nak_rate = rate;
	s->target->load(&s->world);
	nts_of_key(&s->packet, KEY_GONE);
	usleep(1100000); /* the second of earlier tests' NAKs */
	start = clock_ns(CLOCK_TAI);
	for (i = 0; i < tries; i++) {
		sweep_packet(s);
		naks += s->run.out.verdict == XNTS_V_nak_key_unknown;
		if (s->run.out.verdict != XNTS_V_nak_key_unknown)
			assert_verdict(&s->run, XNTS_V_drop_nak_capped);
	}
	seconds = (clock_ns(CLOCK_TAI) - start) / SECOND + 1;
	assert_in_range(naks, rate, rate * seconds);
	usleep(1100000);
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nak_key_unknown);
}

/* One bit of the cookie key that the cookie was sealed under is another key. */
static void replaced_key(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);
	uint8_t key[32];

	cookie_key_bytes(KEY_SEAL, key);
	key[17] ^= 4;
	siv_key_init(&s->world.keys[XNTS_KEY_SLOT(KEY_SEAL)].key, key);
	s->target->load(&s->world);
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nak_bad_cookie);
}

#define EXCHANGE_SWEEPS(t) \
	SWEEP(random_exchanges, t), SWEEP(chain_of_cookies, t), SWEEP(replaced_key, t)

#endif /* XNTS_TEST_SWEEP_EXCHANGES_H */
