/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Phases: how the chains of an exchange share the four lanes.
 *
 * A pass costs the same for one block as for four (190 ns), and new lane keys cost a
 * sixth of one, so the chains of the exchange are laid over phases with
 * fixed lane keys.  A usual request, one cookie of 88 bytes and no placeholder, is 51 blocks
 * in 13 passes, which is the least that four lanes can do:
 *
 *   phase     open  first  verdict   stamp          tag      encrypt
 *   pass       1     2     3  4  5   6  7  8  9    10  11   12  13
 *   lane 0     O1    a1    a2 a3 a4  a5 a6 a7 a8   a9  a10  a11 F   A  C2S MAC
 *   lane 1     O2    LB    ZB NB b2  q1 q2 q3 q4   q5  q6   r1  r4  B  S2C MAC; r: BC S2C CTR
 *   lane 2     O3    p1    p2 p3 p4  C1 C2 C3 C4   LA  ZA   r2  r5  KM; KC; A; BC
 *   lane 3     O4    b1    M  m  s4  b3 b4 b5 b6   .   NA   r3  r6  B; KM; B; A; BC
 *
 *   O  CTR of the old cookie                  M, p  CMACs of its AD and of its keys
 *   C  CTR of a new cookie                    m, s  CMACs of its AD and of its keys
 *   a  CMAC of the request's AD               b     CMAC of the reply's AD
 *   LA subkeys, ZA CMAC(0), NA nonce          LB ZB NB  likewise
 *   F  CMAC of the request's plaintext        q, r  CMAC and CTR of the reply's plaintext
 *
 * The keys in the old cookie are those in the new one, so where one cookie key opens and seals,
 * s1 to s3 are p1 to p3.  While it does not, after a change of keys, there is no phase `first`,
 * and a pass more:
 *
 *   verdict   lane 1  LB ZB NB b1 b2   lane 2  M  p1 p2 p3 p4   lane 3  m  s1 s2 s3 s4
 *
 * A forged cookie is known by the end of `verdict`.  Then the transmit time is read: b3
 * holds it, and b must be complete for q5 (S2V adds D to the last 16 bytes).  What
 * follows is the same work for every request of a length.
 *
 * Chains wait for what they need, so lengths may vary.  More cookies are made in a phase
 * `cookies` before `stamp`, with m and s4 in lane 3, C in lane 2 and q in lane 1: 21 passes
 * for one placeholder, 67 for seven (test_exchange.c counts).
 */
#ifndef XNTS_PHASES_H
#define XNTS_PHASES_H

#include "jobs.h"
#include "reply.h"

enum exchange_phase {
	PHASE_OPEN,
	PHASE_DECRYPT, /* of the request's encrypted fields, if it has any */
	PHASE_FIRST,   /* where one key opens and seals */
	PHASE_VERDICT,
	PHASE_COOKIES, /* but the first, if there are more */
	PHASE_STAMP,
	PHASE_TAG,
	PHASE_ENCRYPT,
	PHASE_DONE,
};

#define PASSES_A_CALL 3 /* the verifier walks each, and more are hardly faster */

/* Lanes of xnts_crypt.client, as the phases want them: S2C's MAC key once more. */
enum { CLIENT_C2S_MAC, CLIENT_S2C_MAC, CLIENT_S2C_CTR, CLIENT_S2C_MAC_AGAIN };

/* ---- lane keys ------------------------------------------------------------------ */

/* Round key words of a phase: lanes 0 to 3, each of the keys in the picture above.  Step by step
 * where a lane is copied: clang would multiply, which took the exchange 2 % longer. */
static __always_inline __u64 phase_word(int phase, __u64 client, __u64 open, __u64 mac, __u64 ctr)
{
	__u64 ab = client & (AES_LANE(0) | AES_LANE(1)), abb = ab | (client & AES_LANE(3));
	__u64 a = client & AES_LANE(CLIENT_C2S_MAC), bc = client & AES_LANE(CLIENT_S2C_CTR);
	__u64 word;

	switch (phase) {
	case PHASE_FIRST:
		return abb | (open & AES_LANE(2));
	case PHASE_VERDICT:
		return ab | (open & AES_LANE(2)) | (mac & AES_LANE(3));
	case PHASE_COOKIES:
		return ab | (ctr & AES_LANE(2)) | (mac & AES_LANE(3));
	case PHASE_STAMP:
		return abb | (ctr & AES_LANE(2));
	case PHASE_TAG:
		word = ab;
		a <<= 2;
		XNTS_INTO(word, |, a);
		a <<= 1;
		XNTS_INTO(word, |, a);
		return word;
	default:
		word = client & (AES_LANE(0) | AES_LANE(2));
		bc >>= 1;
		XNTS_INTO(word, |, bc);
		bc <<= 2;
		XNTS_INTO(word, |, bc);
		return word;
	}
}

/* A loop of its own for each phase, so that only the keys it needs are loaded. */
static __always_inline void phase_keys(struct xnts_crypt *c, int phase,
				       const struct xnts_siv_key *open,
				       const struct xnts_siv_key *seal)
{
	for (int i = 0; i < 88; i += 8) {
#pragma GCC unroll 8
		for (int k = i; k < i + 8; k++)
			c->lanes.rk[k] = phase_word(phase, c->client.rk[k], open->mac.rk[k],
						    seal->mac.rk[k], seal->ctr.rk[k]);
	}
}

/* Merges the lanes' keys for c->phase, if they are others. */
static __always_inline void phase_merge_keys(struct xnts_crypt *c,
					     const struct xnts_cookie_key *open_key,
					     const struct xnts_cookie_key *seal_key)
{
	if (c->merged == c->phase)
		return;
	c->merged = c->phase;
	switch (c->phase) {
	case PHASE_FIRST:
		phase_keys(c, PHASE_FIRST, &open_key->key, &seal_key->key);
		break;
	case PHASE_VERDICT:
		if (c->same_key) /* a third less to do */
			phase_keys(c, PHASE_VERDICT, &seal_key->key, &seal_key->key);
		else
			phase_keys(c, PHASE_VERDICT, &open_key->key, &seal_key->key);
		break;
	case PHASE_COOKIES:
		phase_keys(c, PHASE_COOKIES, &open_key->key, &seal_key->key);
		break;
	case PHASE_STAMP:
		phase_keys(c, PHASE_STAMP, &open_key->key, &seal_key->key);
		break;
	case PHASE_TAG:
		phase_keys(c, PHASE_TAG, &open_key->key, &seal_key->key);
		break;
	default:
		phase_keys(c, PHASE_ENCRYPT, &open_key->key, &seal_key->key);
	}
}

/* ---- transitions ---------------------------------------------------------------- */

static __always_inline bool jobs_done(const struct xnts_crypt *c, __u32 jobs)
{
	return (c->finished & jobs) == jobs;
}

static __always_inline bool phase_over(const struct xnts_scratch *s)
{
	const struct xnts_crypt *c = &s->crypt;

	switch (c->phase) {
	case PHASE_FIRST:
		return true;
	case PHASE_VERDICT:
		return jobs_done(c, 1 << JOB_COOKIE_KEYS | 1 << JOB_SEAL_KEYS);
	case PHASE_COOKIES:
		return c->sealed >= s->cookies;
	case PHASE_STAMP:
		return jobs_done(c, 1 << JOB_REPLY_AD) && c->ctr_off >= c->ctr_end;
	case PHASE_TAG:
		return jobs_done(c, 1 << JOB_REPLY_TEXT | 1 << JOB_REQUEST_ZERO |
					   1 << JOB_REQUEST_NONCE);
	default:
		return jobs_done(c, 1 << JOB_REQUEST_TEXT) && c->ctr_off >= c->ctr_end;
	}
}

/* The chains that can run as soon as the cookie is open; each of the rest follows one. */
static __always_inline void phase_first(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;

	c->ctr_lanes = 0;
	chain_start(&c->lane[0], JOB_REQUEST_AD, KEY_C2S, 0, s->ad_len);
	c->lane[0].ready = (s->ad_len - 1) & ~(AES_BLOCK - 1); /* the last block needs LA */
	chain_start(&c->lane[1], JOB_REPLY_ROOT, KEY_S2C, AT_ZERO, AES_BLOCK);
	chain_start(&c->reply_ad, JOB_REPLY_AD, KEY_S2C, SPAN_REPLY, s->reply_ad_len);
	c->reply_ad.ready = SPAN_REPLY + 32; /* b3 holds the stamps */
	if (c->same_key) {
		c->phase = PHASE_FIRST;
		chain_start(&c->lane[2], JOB_COOKIE_PREFIX, KEY_NONE, AT_KEYS, COOKIE_PREFIX);
		c->lane[3] = c->reply_ad;
	} else {
		c->phase = PHASE_VERDICT;
		chain_start(&c->lane[2], JOB_COOKIE_AD, KEY_OPEN, s->cookie_off, COOKIE_AD_LEN);
		chain_start(&c->lane[3], JOB_SEAL_AD, KEY_SEAL, cookie_at(s, 0), COOKIE_AD_LEN);
	}
}

static __always_inline void phase_enter(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;

	switch (c->phase) {
	case PHASE_VERDICT:
		c->reply_ad = c->lane[3];
		chain_start(&c->lane[3], JOB_COOKIE_AD, KEY_OPEN, s->cookie_off, COOKIE_AD_LEN);
		break;
	case PHASE_COOKIES:
		c->reply_ad = c->lane[1];
		chain_start(&c->lane[1], JOB_REPLY_TEXT, KEY_S2C, text_at(s), text_len(s));
		c->ctr_lanes = 1 << 2;
		break;
	case PHASE_STAMP:
		reply_stamp(s);
		c->lane[3] = c->reply_ad;
		c->lane[3].ready = c->lane[3].end;
		break;
	case PHASE_TAG:
		chain_start(&c->lane[2], JOB_REQUEST_ROOT, KEY_C2S, AT_ZERO, AES_BLOCK);
		c->ctr_lanes = 0;
		break;
	case PHASE_ENCRYPT:
		ctr_start(c, span_load(s, text_at(s) - SIV_TAG_LEN), text_at(s), text_len(s));
		c->ctr_lanes = 1 << 1 | 1 << 2 | 1 << 3;
		break;
	}
}

/* What a chain waits for has come: q follows C, and its last 16 bytes wait for D; the tag that s4
 * makes is the beginning of the next C, when the one before is through. */
static __always_inline void chains_ready(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	struct crypt_chain *q = &c->lane[1];
	__u32 limit = jobs_done(c, 1 << JOB_REPLY_AD) ? q->end : q->end - AES_BLOCK;

	if (c->lane[3].job == JOB_SEAL_KEYS && c->ctr_off >= c->ctr_end)
		c->lane[3].ready = c->lane[3].end;
	if (c->ctr_lanes == 1 << 2 || c->phase == PHASE_TAG)
		q->ready = c->ctr_off < limit ? c->ctr_off : limit;
}

/* From PHASE_FIRST on: what follows the chains that ended.  XNTS_NEXT, or the verdict. */
static __always_inline int exchange_turn(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	int v;

	for (__u32 l = 0; l < AES_LANES; l++) {
		if (!lane_ended(c, l))
			continue;
		v = exchange_ended(s, l);
		if (v != XNTS_NEXT)
			return v;
	}
	if (c->lane[0].job == JOB_REQUEST_AD &&
	    jobs_done(c, 1 << JOB_REQUEST_AD | 1 << JOB_REQUEST_ZERO | 1 << JOB_REQUEST_NONCE))
		verify_text(s);
	if (!phase_over(s))
		return XNTS_NEXT;
	c->phase++;
	phase_enter(s);
	if (c->phase == PHASE_COOKIES && c->sealed >= s->cookies) {
		c->phase++;
		phase_enter(s);
	}
	return c->phase < PHASE_DONE ? XNTS_NEXT : XNTS_V_nts_answered;
}

/*
 * Passes under `keys`: until CTR is through, from PHASE_FIRST on until there is a verdict, but
 * PASSES_A_CALL at most.  XNTS_NEXT, or the verdict.  One function with all of it inside, for
 * all passes: a return costs 9 ns where the kernel guards it (SRSO), and a second copy of the
 * pass, for the first two, would not be in the cache (see __aes_pass()).
 */
XNTS_GLOBAL int exchange_passes(struct xnts_scratch *s, const struct xnts_aes_key *keys,
				const struct xnts_cookie_key *open_key,
				const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c;
	int v;

	if (!s || !keys || !open_key || !seal_key)
		return XNTS_V_drop_internal;
	for (int left = PASSES_A_CALL; left;) {
		left--;
		XNTS_OPAQUE(left); /* counted here, or kernel 6.1 refuses clang's layout of the loop */
		XNTS_OPAQUE(s); /* or clang keeps ten places in it on the stack */
		c = &s->crypt;
		phase_merge_keys(c, open_key, seal_key);
		chains_ready(s);
		lanes_feed(s);
		__aes_pass(&c->blocks, keys);
		lanes_collect(s);
		if (c->phase >= PHASE_FIRST) {
			v = exchange_turn(s);
			if (v != XNTS_NEXT)
				return v;
		} else if (c->ctr_off >= c->ctr_end) {
			return XNTS_NEXT;
		}
	}
	return XNTS_NEXT;
}

#endif /* XNTS_PHASES_H */
