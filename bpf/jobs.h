/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs: what each chain of the exchange is for, and what follows it.  The letters are
 * those of the picture in phases.h.
 */
#ifndef XNTS_JOBS_H
#define XNTS_JOBS_H

#include "layout.h"

enum exchange_job {
	JOB_COOKIE_AD,     /* M */
	JOB_COOKIE_PREFIX, /* p1 to p3 */
	JOB_COOKIE_KEYS,   /* p4 */
	JOB_SEAL_AD,       /* m */
	JOB_SEAL_PREFIX,   /* s1 to s3 */
	JOB_SEAL_KEYS,     /* s4 */
	JOB_REQUEST_ROOT,  /* LA */
	JOB_REQUEST_ZERO,  /* ZA */
	JOB_REQUEST_AD,    /* a */
	JOB_REQUEST_NONCE, /* NA */
	JOB_REQUEST_TEXT,  /* F */
	JOB_REPLY_ROOT,    /* LB */
	JOB_REPLY_ZERO,    /* ZB */
	JOB_REPLY_NONCE,   /* NB */
	JOB_REPLY_AD,      /* b */
	JOB_REPLY_TEXT,    /* q */
};

/* Whose MAC key: index of subkeys. */
enum exchange_key { KEY_C2S, KEY_S2C, KEY_OPEN, KEY_SEAL };

/* A CMAC that is not at its end: no subkey is added, as C2S's is zero until LA has made it. */
#define KEY_NONE KEY_C2S

/*
 * Is the tag in the request at `place` another than lane l's CMAC?  1 or 0: all that is
 * ever told about a secret, and a function of its own so that selftests/ct finds it.
 */
XNTS_GLOBAL int exchange_forged(struct xnts_scratch *s, __u32 l, __u32 place)
{
	struct crypt_block d;
	__u64 differs;

	if (!s)
		return 1;
	d = block_xor(s->crypt.lane[l & (AES_LANES - 1)].x, span_load(s, place));
	differs = d.w[0] | d.w[1];
	differs |= 0 - differs;
	XNTS_OPAQUE(differs); /* or clang compares and branches */
	differs >>= 63;
	CRYPT_PUBLIC(&differs, sizeof(differs));
	return differs;
}

/* S2V's D after a message's AD and nonce (RFC 5297 2.4). */
static __always_inline struct crypt_block s2v_sum(const struct xnts_crypt *c, int key,
						  struct crypt_block ad, struct crypt_block nonce)
{
	struct crypt_block d = block_xor(block_double(c->zero[key]), ad);

	return block_xor(block_double(d), nonce);
}

/* F: S2V over the request's plaintext, usually none, with D of its AD and nonce. */
static __always_inline void verify_text(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	struct crypt_block d = s2v_sum(c, KEY_C2S, c->request_ad, c->request_nonce);
	__u32 off = s->ct_off + SIV_TAG_LEN, len = s->ct_len - SIV_TAG_LEN;

	if (len >= AES_BLOCK) {
		span_xor(s, off + len - AES_BLOCK, d);
	} else {
		d = block_xor(block_double(d), block_pad(span_load(s, off), len));
		off = AT_LAST;
		len = AES_BLOCK;
		span_store(s, off, d);
	}
	chain_start(&c->lane[0], JOB_REQUEST_TEXT, KEY_C2S, off, len);
}

static __always_inline void set_subkeys(struct xnts_crypt *c, int key, struct crypt_block root)
{
	c->subkeys[key].k[0] = block_double(root);
	c->subkeys[key].k[1] = block_double(c->subkeys[key].k[0]);
}

/* p4 or s4: the last of the four blocks of keys, with D.  In words: of block_xor() clang 14 makes
 * 80 bytes more of stack. */
static __always_inline void keys_end(struct crypt_chain *lane, __u8 job, __u8 key, __u32 keys,
				     const struct crypt_block *prefix, const struct crypt_block *d)
{
	__u64 x0 = prefix->w[0] ^ d->w[0], x1 = prefix->w[1] ^ d->w[1]; /* prefix may be lane->x */

	chain_start(lane, job, key, keys + COOKIE_PREFIX, AES_BLOCK);
	lane->ready = job == JOB_COOKIE_KEYS ? lane->end : 0; /* see chains_ready() */
	lane->x.w[0] = x0;
	lane->x.w[1] = x1;
}

/* The tag of the cookie in the making is known: it takes its place, and CTR begins. */
static __always_inline void cookie_sealed(struct xnts_scratch *s, struct crypt_block tag)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 at = cookie_at(s, c->sealed);

	span_store(s, at + COOKIE_TAG, tag);
	ctr_start(c, tag, at + COOKIE_KEYS, 2 * SIV_KEY_LEN);
	if (++c->sealed < s->cookies)
		chain_start(&c->lane[3], JOB_SEAL_AD, KEY_SEAL, at + COOKIE_EF, COOKIE_AD_LEN);
}

/* The old cookie; x is the lane's CMAC. */
static __always_inline int open_job_ended(struct xnts_scratch *s, __u32 l,
					  struct crypt_chain *lane, struct crypt_block x)
{
	struct xnts_crypt *c = &s->crypt;

	switch (lane->job) {
	case JOB_COOKIE_AD:
		c->open_sum = block_xor(block_double(c->zero[KEY_OPEN]), x);
		if (c->same_key)
			chain_start(lane, JOB_SEAL_AD, KEY_SEAL, cookie_at(s, 0), COOKIE_AD_LEN);
		else
			chain_start(lane, JOB_COOKIE_PREFIX, KEY_NONE, AT_KEYS, COOKIE_PREFIX);
		break;
	case JOB_COOKIE_PREFIX:
		if (c->same_key) {
			c->seal_prefix = x;
			c->finished |= 1 << JOB_SEAL_PREFIX;
		}
		keys_end(lane, JOB_COOKIE_KEYS, KEY_OPEN, AT_KEYS, &lane->x, &c->open_sum);
		break;
	default:
		if (exchange_forged(s, l, s->cookie_off + COOKIE_TAG))
			return XNTS_V_nak_bad_cookie;
	}
	return XNTS_NEXT;
}

/* New cookies.  They hold the same keys, so the CMAC of their first three blocks is made once. */
static __always_inline void seal_job_ended(struct xnts_scratch *s, struct crypt_chain *lane,
					   struct crypt_block x)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 keys = cookie_at(s, c->sealed) + COOKIE_KEYS;

	switch (lane->job) {
	case JOB_SEAL_AD:
		c->seal_sum = block_xor(block_double(c->zero[KEY_SEAL]), x);
		if (c->finished & 1 << JOB_SEAL_PREFIX)
			keys_end(lane, JOB_SEAL_KEYS, KEY_SEAL, keys, &c->seal_prefix,
				 &c->seal_sum);
		else
			chain_start(lane, JOB_SEAL_PREFIX, KEY_NONE, keys, COOKIE_PREFIX);
		break;
	case JOB_SEAL_PREFIX:
		c->seal_prefix = x;
		keys_end(lane, JOB_SEAL_KEYS, KEY_SEAL, keys, &lane->x, &c->seal_sum);
		break;
	default:
		cookie_sealed(s, x);
	}
}

static __always_inline int request_job_ended(struct xnts_scratch *s, __u32 l,
					     struct crypt_chain *lane, struct crypt_block x)
{
	struct xnts_crypt *c = &s->crypt;

	switch (lane->job) {
	case JOB_REQUEST_ROOT:
		set_subkeys(c, KEY_C2S, x);
		c->lane[0].ready = c->lane[0].end;
		chain_start(lane, JOB_REQUEST_ZERO, KEY_C2S, AT_ZERO, AES_BLOCK);
		chain_start(&c->lane[3], JOB_REQUEST_NONCE, KEY_C2S, s->nonce_off, s->nonce_len);
		break;
	case JOB_REQUEST_ZERO:
		c->zero[KEY_C2S] = x;
		break;
	case JOB_REQUEST_NONCE:
		c->request_nonce = x;
		break;
	case JOB_REQUEST_AD:
		c->request_ad = x;
		break;
	default:
		if (exchange_forged(s, l, s->ct_off))
			return XNTS_V_nak_bad_tag;
	}
	return XNTS_NEXT;
}

static __always_inline void reply_job_ended(struct xnts_scratch *s, struct crypt_chain *lane,
					    struct crypt_block x)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 last = text_at(s) + text_len(s) - AES_BLOCK;

	switch (lane->job) {
	case JOB_REPLY_ROOT:
		set_subkeys(c, KEY_S2C, x);
		chain_start(lane, JOB_REPLY_ZERO, KEY_S2C, AT_ZERO, AES_BLOCK);
		break;
	case JOB_REPLY_ZERO:
		c->zero[KEY_S2C] = x;
		chain_start(lane, JOB_REPLY_NONCE, KEY_S2C, nonce_at(s), NONCE_LEN);
		break;
	case JOB_REPLY_NONCE:
		c->reply_nonce = x;
		*lane = c->reply_ad;
		break;
	case JOB_REPLY_AD:
		c->reply_sum = s2v_sum(c, KEY_S2C, x, c->reply_nonce);
		span_xor(s, last, c->reply_sum);
		break;
	default:
		span_xor(s, last, c->reply_sum);
		span_store(s, text_at(s) - SIV_TAG_LEN, x);
	}
}

/* Lane l's chain is complete.  XNTS_NEXT, or the verdict on a forgery. */
static __always_inline int exchange_ended(struct xnts_scratch *s, __u32 l)
{
	struct crypt_chain *lane = &s->crypt.lane[l & (AES_LANES - 1)];
	__u32 job = lane->job;

	s->crypt.finished |= 1U << (job & 31);
	if (job <= JOB_COOKIE_KEYS)
		return open_job_ended(s, l, lane, lane->x);
	/* Before the sealing: in the jobs' order an answer takes 2 % longer. */
	if (job > JOB_SEAL_KEYS && job <= JOB_REQUEST_TEXT)
		return request_job_ended(s, l, lane, lane->x);
	if (job <= JOB_SEAL_KEYS)
		seal_job_ended(s, lane, lane->x);
	else
		reply_job_ended(s, lane, lane->x);
	return XNTS_NEXT;
}

#endif /* XNTS_JOBS_H */
