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
	JOB_COOKIE_KEYS,   /* p */
	JOB_SEAL_AD,       /* m */
	JOB_SEAL_KEYS,     /* s */
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

/* The tag of the cookie in the making is known: it takes its place, and CTR begins. */
static __always_inline void cookie_sealed(struct xnts_scratch *s, struct crypt_block tag)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 at = cookie_at(s, c->sealed);

	span_xor(s, at + COOKIE_KEYS + 48, c->sum);
	span_store(s, at + COOKIE_TAG, tag);
	ctr_start(c, tag, at + COOKIE_KEYS, 2 * SIV_KEY_LEN);
	if (++c->sealed < s->cookies)
		chain_start(&c->lane[3], JOB_SEAL_AD, KEY_SEAL, at + COOKIE_EF, COOKIE_AD_LEN);
}

/* The old cookie and new ones; x is the lane's CMAC. */
static __always_inline int cookie_job_ended(struct xnts_scratch *s, __u32 l,
					    struct crypt_chain *lane, struct crypt_block x)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 at = cookie_at(s, c->sealed) + COOKIE_KEYS;

	switch (lane->job) {
	case JOB_COOKIE_AD:
		span_xor(s, AT_KEYS + 48, block_xor(block_double(c->zero[KEY_OPEN]), x));
		chain_start(lane, JOB_COOKIE_KEYS, KEY_OPEN, AT_KEYS, 2 * SIV_KEY_LEN);
		break;
	case JOB_COOKIE_KEYS:
		if (exchange_forged(s, l, s->cookie_off + COOKIE_TAG))
			return XNTS_V_nak_bad_cookie;
		break;
	case JOB_SEAL_AD:
		c->sum = block_xor(block_double(c->zero[KEY_SEAL]), x);
		span_xor(s, at + 48, c->sum);
		chain_start(lane, JOB_SEAL_KEYS, KEY_SEAL, at, 2 * SIV_KEY_LEN);
		break;
	default:
		cookie_sealed(s, x);
	}
	return XNTS_NEXT;
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
		chain_start(lane, JOB_REPLY_AD, KEY_S2C, SPAN_REPLY, s->reply_ad_len);
		lane->ready = SPAN_REPLY + 32; /* b3 holds the stamps */
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
	if (job <= JOB_SEAL_KEYS)
		return cookie_job_ended(s, l, lane, lane->x);
	if (job <= JOB_REQUEST_TEXT)
		return request_job_ended(s, l, lane, lane->x);
	reply_job_ended(s, lane, lane->x);
	return XNTS_NEXT;
}

#endif /* XNTS_JOBS_H */
