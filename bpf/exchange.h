/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NTS exchange (RFC 8915 5.7): open the cookie, verify the request, seal new cookies
 * and the reply.  The work is done in passes of four lanes (lanes.h), laid out in
 * phases (phases.h).
 */
#ifndef XNTS_EXCHANGE_H
#define XNTS_EXCHANGE_H

#include "ef.h"
#include "phases.h"

/* Of exchange_passes(), more than the longest request takes (some 170 passes). */
#define DECRYPT_CALLS (XNTS_MAX_PAYLOAD / (AES_LANES * AES_BLOCK) / PASSES_A_CALL + 1)
#define EXCHANGE_CALLS (256 / PASSES_A_CALL)

static __always_inline void take_subkeys(struct xnts_crypt *c, int i,
					 const struct xnts_siv_key *key)
{
	c->subkeys[i].k[0] = (struct crypt_block){ { load64(key->k1), load64(key->k1 + 8) } };
	c->subkeys[i].k[1] = (struct crypt_block){ { load64(key->k2), load64(key->k2 + 8) } };
	c->zero[i] = (struct crypt_block){ { load64(key->zero), load64(key->zero + 8) } };
}

/* O: the old cookie's CTR.  The crypto's memory is all zero before, as it is wiped after: phase
 * and merged are PHASE_OPEN; C2S's and S2C's subkeys are zero until LA and LB have made them. */
static __always_inline void exchange_begin(struct xnts_scratch *s,
					   const struct xnts_cookie_key *open_key,
					   const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c = &s->crypt;

	take_subkeys(c, KEY_OPEN, &open_key->key);
	take_subkeys(c, KEY_SEAL, &seal_key->key);
	for (int i = 0; i < 2 * SIV_KEY_LEN; i += AES_BLOCK)
		span_store(s, AT_KEYS + i, span_load(s, s->cookie_off + COOKIE_KEYS + i));
	span_store(s, AT_ZERO, (struct crypt_block){ 0 });
	ctr_start(c, span_load(s, s->cookie_off + COOKIE_TAG), AT_KEYS, 2 * SIV_KEY_LEN);
	c->ctr_lanes = 0xf;
	c->same_key = open_key->id == seal_key->id;
}

static __always_inline void take_key(struct xnts_scratch *s, int lane, __u32 place)
{
	struct crypt_block key = span_load(s, place);

	s->crypt.blocks.w[2 * lane] = key.w[0];
	s->crypt.blocks.w[2 * lane + 1] = key.w[1];
}

/* The opened keys into the lanes, for aes_expand(). */
static __always_inline void exchange_opened(struct xnts_scratch *s)
{
	take_key(s, CLIENT_C2S_MAC, AT_KEYS);
	take_key(s, CLIENT_S2C_MAC, AT_KEYS + 32);
	take_key(s, CLIENT_S2C_CTR, AT_KEYS + 48);
	take_key(s, CLIENT_S2C_MAC_AGAIN, AT_KEYS + 32);
}

/* Opens the request's encrypted fields. */
static __always_inline void exchange_decrypt(struct xnts_scratch *s,
					     const struct xnts_cookie_key *open_key,
					     const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c = &s->crypt;

	for (int l = 0; l < AES_LANES; l++)
		take_key(s, l, AT_KEYS + 16);
	aes_expand(&c->lanes, &c->blocks);
	c->phase = PHASE_DECRYPT;
	c->merged = PHASE_DECRYPT;
	ctr_start(c, span_load(s, s->ct_off), s->ct_off + SIV_TAG_LEN, s->ct_len - SIV_TAG_LEN);
	for (int i = 0; i < DECRYPT_CALLS && c->ctr_off < c->ctr_end; i++)
		exchange_passes(s, &c->lanes, open_key, seal_key);
	/* The client chose them, and the size of the reply tells how many. */
	CRYPT_PUBLIC(span_at(s, s->ct_off), s->ct_len);
	c->malformed = ef_encrypted(s) != 0;
}

/* Nothing of a client's keys stays (35 ns), nor what new cookies were to hold.  Nonces of
 * an answer that is not sent serve the next one. */
static __always_inline void exchange_wipe(struct xnts_scratch *s, int v)
{
	volatile __u64 *w = (volatile __u64 *)&s->crypt;

	if (v != XNTS_V_nts_answered && s->crypt.phase >= PHASE_FIRST)
		s->crypt.nonces = s->crypt.nonces_before;
#pragma GCC unroll 8
	for (__u32 i = 0; i < offsetof(struct xnts_crypt, nonce_count) / 8; i++)
		w[i] = 0;
	for (int i = 0; i < 2 * SIV_KEY_LEN + 2 * AES_BLOCK; i += AES_BLOCK)
		span_store(s, AT_KEYS + i, (struct crypt_block){ 0 });
	if (v == XNTS_V_nts_answered)
		return;
	for (__u32 i = 0; i < XNTS_MAX_COOKIES * COOKIE_EF && i < text_len(s); i += AES_BLOCK)
		span_store(s, text_at(s) + i, (struct crypt_block){ 0 });
}

static __always_inline int exchange_run(struct xnts_scratch *s,
					const struct xnts_cookie_key *open_key,
					const struct xnts_cookie_key *seal_key)
{
	const struct xnts_aes_key *nonce_key = map_nonce_key();
	struct xnts_crypt *c = &s->crypt;
	int v;

	exchange_begin(s, open_key, seal_key);
	exchange_passes(s, &open_key->key.ctr, open_key, seal_key);
	exchange_opened(s);
	aes_expand(&c->client, &c->blocks);
	if (s->ct_len > SIV_TAG_LEN)
		exchange_decrypt(s, open_key, seal_key);
	count_cookies(s);
	if (!s->cookies || !nonce_key)
		return XNTS_V_drop_nts_malformed;
	if (nonces_short(c, s->cookies)) {
		nonces_count(c); /* into the lanes, which have no chain now */
		exchange_passes(s, nonce_key, open_key, seal_key);
		nonces_keep(c);
	}
	layout_reply(s, seal_key);
	phase_first(s);
	for (int i = 0; i < EXCHANGE_CALLS; i++) {
		v = exchange_passes(s, &c->lanes, open_key, seal_key);
		if (v == XNTS_V_nts_answered && c->malformed)
			return XNTS_V_drop_nts_malformed;
		if (v != XNTS_NEXT)
			return v;
	}
	return XNTS_V_drop_internal;
}

/*
 * Answers the request of s->request into s->reply; the offsets and lengths of the
 * scratch have been checked.  Returns XNTS_V_nts_answered, nak_bad_cookie, nak_bad_tag,
 * or a drop.  No key of the client is left in memory.
 */
XNTS_GLOBAL int exchange(struct xnts_scratch *s, const struct xnts_cookie_key *open_key,
			 const struct xnts_cookie_key *seal_key)
{
	int v;

	if (!s || !open_key || !seal_key)
		return XNTS_V_drop_internal;
	v = exchange_run(s, open_key, seal_key);
	exchange_wipe(s, v);
	return v;
}

#endif /* XNTS_EXCHANGE_H */
