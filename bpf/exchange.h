/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NTS exchange (RFC 8915 5.7): open the cookie, verify the request, seal new cookies
 * and the reply, all in passes of four lanes (lanes.h).
 *
 * A pass costs the same for one block as for four, and giving a lane another key costs a
 * quarter of a pass, so the chains of the exchange are laid over phases with fixed
 * lane keys.  A usual request, one cookie of 88 bytes and no placeholder, is 54 blocks
 * in 14 passes, which is the least that four lanes can do:
 *
 *   phase     open   verdict         stamp          tag     encrypt
 *   pass       1    2  3  4  5  6   7  8  9 10    11 12    13 14
 *   lane 0     O1   a1 a2 a3 a4 a5  a6 a7 a8 a9   a10 a11  F   .   A  C2S MAC
 *   lane 1     O2   LB ZB NB b1 b2  q1 q2 q3 q4   q5  q6   r1  r4  B  S2C MAC; r: BC S2C CTR
 *   lane 2     O3   M  p1 p2 p3 p4  C1 C2 C3 C4   LA  ZA   r2  r5  KM old; KC new; A; BC
 *   lane 3     O4   m  s1 s2 s3 s4  b3 b4 b5 b6   .   NA   r3  r6  KM new; B; A; BC
 *
 *   O  CTR of the old cookie                  M, p  CMACs of its AD and of its keys
 *   C  CTR of a new cookie                    m, s  CMACs of its AD and of its keys
 *   a  CMAC of the request's AD               b     CMAC of the reply's AD
 *   LA subkeys, ZA CMAC(0), NA nonce          LB ZB NB  likewise
 *   F  CMAC of the request's plaintext        q, r  CMAC and CTR of the reply's plaintext
 *
 * A forged cookie is known by after pass 6.  The transmit time is read before pass 7: b3
 * holds it, and b must be complete for q5 (S2V adds D to the last 16 bytes).  What
 * follows is the same work for every request of a length.
 *
 * Chains wait for what they need, so lengths may vary.  More cookies are made in a phase
 * `cookies` before `stamp`, with m and s in lane 3, C in lane 2 and q in lane 1: 22 passes
 * for one placeholder, 68 for seven (test_schedule.c counts).
 */
#ifndef XNTS_EXCHANGE_H
#define XNTS_EXCHANGE_H

#include "cookie.h"
#include "ef.h"
#include "lanes.h"
#include "nonce.h"
#include "reply.h"

enum exchange_phase { PHASE_OPEN, PHASE_DECRYPT, PHASE_VERDICT, PHASE_COOKIES, PHASE_STAMP, PHASE_TAG,
		      PHASE_ENCRYPT, PHASE_DONE };

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

/* Lanes of xnts_crypt.client: C2S's CTR key serves only requests with encrypted fields. */
enum { CLIENT_C2S_MAC, CLIENT_S2C_MAC, CLIENT_S2C_CTR, CLIENT_C2S_CTR };

/* Places in the span behind the longest request. */
#define AT_KEYS 1536 /* the opened cookie: C2S, then S2C */
#define AT_ZERO (AT_KEYS + 2 * SIV_KEY_LEN) /* a block of zeros */
#define AT_LAST (AT_ZERO + AES_BLOCK) /* S2V's last block when there is less than one of plaintext */

#define COOKIE_EF (EF_HEADER + XNTS_COOKIE_LEN)
#define AUTH_HEADER (EF_HEADER + 4)
#define DECRYPT_PASSES (XNTS_MAX_PAYLOAD / (AES_LANES * AES_BLOCK) + 1)
#define EXCHANGE_PASSES 256 /* more than the longest request takes */

/* ---- places ----------------------------------------------------------------- */

/* The reply's plaintext: cookie fields, in the end the ciphertext.  The tag precedes it. */
static __always_inline __u32 text_at(const struct xnts_scratch *s)
{
	return SPAN_REPLY + s->reply_ad_len + AUTH_HEADER + NONCE_LEN + SIV_TAG_LEN;
}

static __always_inline __u32 text_len(const struct xnts_scratch *s)
{
	return s->cookies * COOKIE_EF;
}

static __always_inline __u32 nonce_at(const struct xnts_scratch *s)
{
	return SPAN_REPLY + s->reply_ad_len + AUTH_HEADER;
}

/* The i-th new cookie. */
static __always_inline __u32 cookie_at(const struct xnts_scratch *s, __u32 i)
{
	return text_at(s) + i * COOKIE_EF + EF_HEADER;
}

/* ---- before the passes -------------------------------------------------------- */

static __always_inline void take_subkeys(struct xnts_crypt *c, int i, const struct xnts_siv_key *key)
{
	c->subkeys[i].k[0] = (struct crypt_block){ { load64(key->k1), load64(key->k1 + 8) } };
	c->subkeys[i].k[1] = (struct crypt_block){ { load64(key->k2), load64(key->k2 + 8) } };
	c->zero[i] = (struct crypt_block){ { load64(key->zero), load64(key->zero + 8) } };
}

/* O: feeds the old cookie's CTR. */
XNTS_GLOBAL int exchange_begin(struct xnts_scratch *s, const struct xnts_cookie_key *open_key,
			       const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c;

	if (!s || !open_key || !seal_key)
		return -EINVAL;
	c = &s->crypt;
	take_subkeys(c, KEY_OPEN, &open_key->key);
	take_subkeys(c, KEY_SEAL, &seal_key->key);
	for (int i = 0; i < 2 * SIV_KEY_LEN; i += AES_BLOCK)
		span_store(s, AT_KEYS + i, span_load(s, s->cookie_off + COOKIE_KEYS + i));
	span_store(s, AT_ZERO, (struct crypt_block){ 0 });
	ctr_start(c, span_load(s, s->cookie_off + COOKIE_TAG), AT_KEYS, 2 * SIV_KEY_LEN);
	c->ctr_lanes = 0xf;
	c->sealed = 0;
	c->finished = 0;
	c->malformed = 0;
	return lanes_feed(s);
}

static __always_inline void take_key(struct xnts_scratch *s, int lane, __u32 place)
{
	struct crypt_block key = span_load(s, place);

	s->crypt.blocks.w[2 * lane] = key.w[0];
	s->crypt.blocks.w[2 * lane + 1] = key.w[1];
}

/* The opened keys into the lanes, for aes_expand(). */
XNTS_GLOBAL int exchange_opened(struct xnts_scratch *s)
{
	if (!s)
		return -EINVAL;
	lanes_collect(s);
	take_key(s, CLIENT_C2S_MAC, AT_KEYS);
	take_key(s, CLIENT_C2S_CTR, AT_KEYS + 16);
	take_key(s, CLIENT_S2C_MAC, AT_KEYS + 32);
	take_key(s, CLIENT_S2C_CTR, AT_KEYS + 48);
	return 0;
}

/* Bytes of a reply with n cookies. */
static __always_inline __u32 reply_size(const struct xnts_scratch *s, __u32 n)
{
	return s->reply_ad_len + AUTH_HEADER + NONCE_LEN + SIV_TAG_LEN + n * COOKIE_EF;
}

/* As many cookies as the request asks and pays for: a reply is never longer than it. */
static __always_inline void count_cookies(struct xnts_scratch *s)
{
	__u32 n = s->placeholders + 1, bare = reply_size(s, 0);
	__u32 room = s->request_len > bare ? (s->request_len - bare) / COOKIE_EF : 0;

	if (n > room)
		n = room;
	s->cookies = n < XNTS_MAX_COOKIES ? n : XNTS_MAX_COOKIES;
}

/* One new cookie's field, its keys not encrypted yet. */
static __always_inline void lay_out_cookie(struct xnts_scratch *s, __u32 key_id, __u32 at)
{
	store32(span_at(s, at - EF_HEADER), bpf_htonl(EF_TYPE_COOKIE << 16 | COOKIE_EF));
	store64(span_at(s, at), cookie_header(key_id, nonce_take_cookie(&s->crypt)));
#pragma GCC unroll 4
	for (int i = 0; i < 2 * SIV_KEY_LEN; i += AES_BLOCK)
		span_store(s, at + COOKIE_KEYS + i, span_load(s, AT_KEYS + i));
}

/* The reply's authenticator field but for what AES makes, and the first phase's chains. */
XNTS_GLOBAL int exchange_lay_out(struct xnts_scratch *s, const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c;
	__u32 at, len;

	if (!s || !seal_key)
		return -EINVAL;
	c = &s->crypt;
	s->reply_len = reply_size(s, s->cookies);
	at = SPAN_REPLY + s->reply_ad_len;
	len = s->reply_len - s->reply_ad_len;
	store16(span_at(s, at), bpf_htons(EF_TYPE_AUTHENTICATOR));
	store16(span_at(s, at) + 2, bpf_htons(len));
	store16(span_at(s, at) + 4, bpf_htons(NONCE_LEN));
	store16(span_at(s, at) + 6, bpf_htons(len - AUTH_HEADER - NONCE_LEN));
	c->nonces_before = c->nonces;
	span_store(s, nonce_at(s), nonce_take(c));
	for (__u32 i = 0; i < XNTS_MAX_COOKIES && i < s->cookies; i++)
		lay_out_cookie(s, seal_key->id, cookie_at(s, i));

	c->phase = PHASE_VERDICT;
	c->ctr_lanes = 0;
	c->subkeys[KEY_C2S] = c->subkeys[KEY_S2C] = (struct crypt_subkeys){ 0 };
	chain_start(&c->lane[0], JOB_REQUEST_AD, KEY_C2S, 0, s->ad_len);
	c->lane[0].ready = (s->ad_len - 1) & ~(AES_BLOCK - 1); /* the last block needs LA */
	chain_start(&c->lane[1], JOB_REPLY_ROOT, KEY_S2C, AT_ZERO, AES_BLOCK);
	chain_start(&c->lane[2], JOB_COOKIE_AD, KEY_OPEN, s->cookie_off, COOKIE_AD_LEN);
	chain_start(&c->lane[3], JOB_SEAL_AD, KEY_SEAL, cookie_at(s, 0), COOKIE_AD_LEN);
	return 0;
}

/* ---- lane keys ----------------------------------------------------------------- */

/* Round key words of a phase: lanes 0 to 3, each of the keys in the picture above. */
static __always_inline __u64 phase_word(int phase, __u64 client, __u64 open, __u64 mac, __u64 ctr)
{
	__u64 ab = client & (AES_LANE(0) | AES_LANE(1));
	__u64 a = client & AES_LANE(CLIENT_C2S_MAC), b = client & AES_LANE(CLIENT_S2C_MAC);
	__u64 bc = client & AES_LANE(CLIENT_S2C_CTR), ac = client & AES_LANE(CLIENT_C2S_CTR);

	switch (phase) {
	case PHASE_DECRYPT:
		return ac | ac >> 1 | ac >> 2 | ac >> 3;
	case PHASE_VERDICT:
		return ab | (open & AES_LANE(2)) | (mac & AES_LANE(3));
	case PHASE_COOKIES:
		return ab | (ctr & AES_LANE(2)) | (mac & AES_LANE(3));
	case PHASE_STAMP:
		return ab | (ctr & AES_LANE(2)) | b << 2;
	case PHASE_TAG:
		return ab | a << 2 | a << 3;
	default:
		return a | bc >> 1 | bc | bc << 1;
	}
}

/* A loop of its own for each phase, so that only the keys it needs are loaded. */
static __always_inline void phase_keys(struct xnts_crypt *c, int phase,
				       const struct xnts_siv_key *open, const struct xnts_siv_key *seal)
{
	for (int i = 0; i < 88; i += 8) {
#pragma GCC unroll 8
		for (int k = i; k < i + 8; k++)
			c->lanes.rk[k] = phase_word(phase, c->client.rk[k], open->mac.rk[k],
						    seal->mac.rk[k], seal->ctr.rk[k]);
	}
}

/* Merges the lanes' keys for c->phase. */
XNTS_GLOBAL int exchange_keys(struct xnts_crypt *c, const struct xnts_cookie_key *open_key,
			      const struct xnts_cookie_key *seal_key)
{
	if (!c || !open_key || !seal_key)
		return -EINVAL;
	switch (c->phase) {
	case PHASE_DECRYPT:
		phase_keys(c, PHASE_DECRYPT, &open_key->key, &seal_key->key);
		break;
	case PHASE_VERDICT:
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
	return 0;
}

/* ---- what follows a chain --------------------------------------------------------- */

/*
 * Is the tag in the request at `place` another than lane l's CMAC?  1 or 0: all that is
 * ever told about a secret.
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

/* F: S2V over the request's plaintext, usually none, with D of its AD and nonce. */
static __always_inline void verify_text(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	struct crypt_block d = block_double(block_xor(block_double(c->zero[KEY_C2S]), c->request_ad));
	__u32 off = s->ct_off + SIV_TAG_LEN, len = s->ct_len - SIV_TAG_LEN;

	d = block_xor(d, c->request_nonce);
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

/*
 * Lane l's chain is complete.  Returns XNTS_NEXT, or the verdict on a forgery.
 */
XNTS_GLOBAL int exchange_ended(struct xnts_scratch *s, __u32 l)
{
	struct crypt_chain *lane;
	struct crypt_block x, d;
	struct xnts_crypt *c;

	if (!s)
		return XNTS_V_drop_internal;
	c = &s->crypt;
	lane = &c->lane[l & (AES_LANES - 1)];
	x = lane->x;
	c->finished |= 1U << (lane->job & 31);
	switch (lane->job) {
	case JOB_COOKIE_AD:
		d = block_xor(block_double(c->zero[KEY_OPEN]), x);
		span_xor(s, AT_KEYS + 48, d);
		chain_start(lane, JOB_COOKIE_KEYS, KEY_OPEN, AT_KEYS, 2 * SIV_KEY_LEN);
		break;
	case JOB_COOKIE_KEYS:
		if (exchange_forged(s, l, s->cookie_off + COOKIE_TAG))
			return XNTS_V_nak_bad_cookie;
		break;
	case JOB_SEAL_AD:
		c->sum = block_xor(block_double(c->zero[KEY_SEAL]), x);
		span_xor(s, cookie_at(s, c->sealed) + COOKIE_KEYS + 48, c->sum);
		chain_start(lane, JOB_SEAL_KEYS, KEY_SEAL, cookie_at(s, c->sealed) + COOKIE_KEYS,
			    2 * SIV_KEY_LEN);
		break;
	case JOB_SEAL_KEYS:
		cookie_sealed(s, x);
		break;
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
	case JOB_REQUEST_TEXT:
		if (exchange_forged(s, l, s->ct_off))
			return XNTS_V_nak_bad_tag;
		break;
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
		d = block_double(block_xor(block_double(c->zero[KEY_S2C]), x));
		c->reply_sum = block_xor(d, c->reply_nonce);
		span_xor(s, text_at(s) + text_len(s) - AES_BLOCK, c->reply_sum);
		break;
	case JOB_REPLY_TEXT:
		span_xor(s, text_at(s) + text_len(s) - AES_BLOCK, c->reply_sum);
		span_store(s, text_at(s) - SIV_TAG_LEN, x);
		break;
	}
	return XNTS_NEXT;
}

/* ---- phases ------------------------------------------------------------------------ */

static __always_inline bool finished(const struct xnts_crypt *c, __u32 jobs)
{
	return (c->finished & jobs) == jobs;
}

static __always_inline bool phase_over(const struct xnts_scratch *s)
{
	const struct xnts_crypt *c = &s->crypt;

	switch (c->phase) {
	case PHASE_VERDICT:
		return finished(c, 1 << JOB_COOKIE_KEYS | 1 << JOB_SEAL_KEYS);
	case PHASE_COOKIES:
		return c->sealed >= s->cookies;
	case PHASE_STAMP:
		return finished(c, 1 << JOB_REPLY_AD) && c->ctr_off >= c->ctr_end;
	case PHASE_TAG:
		return finished(c, 1 << JOB_REPLY_TEXT | 1 << JOB_REQUEST_ZERO | 1 << JOB_REQUEST_NONCE);
	default:
		return finished(c, 1 << JOB_REQUEST_TEXT) && c->ctr_off >= c->ctr_end;
	}
}

static __always_inline void phase_enter(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;

	switch (c->phase) {
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

/* q follows C, and its last 16 bytes wait for D. */
static __always_inline void reply_text_ready(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	struct crypt_chain *q = &c->lane[1];
	__u32 limit = finished(c, 1 << JOB_REPLY_AD) ? q->end : q->end - AES_BLOCK;

	if (c->ctr_lanes == 1 << 2 || c->phase == PHASE_TAG)
		q->ready = c->ctr_off < limit ? c->ctr_off : limit;
}

/* After a pass: what ended, what begins.  XNTS_NEXT, or the verdict. */
XNTS_GLOBAL int exchange_step(struct xnts_scratch *s, const struct xnts_cookie_key *open_key,
			      const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c;
	int ended, v;

	if (!s || !open_key || !seal_key)
		return XNTS_V_drop_internal;
	c = &s->crypt;
	ended = lanes_collect(s);
	for (int l = 0; l < AES_LANES; l++) {
		if (!(ended >> l & 1))
			continue;
		v = exchange_ended(s, l);
		if (v != XNTS_NEXT)
			return v;
	}
	if (c->lane[0].job == JOB_REQUEST_AD &&
	    finished(c, 1 << JOB_REQUEST_AD | 1 << JOB_REQUEST_ZERO | 1 << JOB_REQUEST_NONCE))
		verify_text(s);
	if (phase_over(s)) {
		c->phase++;
		phase_enter(s);
		if (c->phase == PHASE_COOKIES && c->sealed >= s->cookies) {
			c->phase++;
			phase_enter(s);
		}
		if (c->phase >= PHASE_DONE)
			return XNTS_V_nts_answered;
		exchange_keys(c, open_key, seal_key);
	}
	reply_text_ready(s);
	lanes_feed(s);
	return XNTS_NEXT;
}

/* ---- the exchange --------------------------------------------------------------------- */

/* Begins to open the request's encrypted fields. */
XNTS_GLOBAL int exchange_decrypt(struct xnts_scratch *s, const struct xnts_cookie_key *key)
{
	struct xnts_crypt *c;

	if (!s || !key)
		return -EINVAL;
	c = &s->crypt;
	c->phase = PHASE_DECRYPT;
	exchange_keys(c, key, key);
	ctr_start(c, span_load(s, s->ct_off), s->ct_off + SIV_TAG_LEN, s->ct_len - SIV_TAG_LEN);
	return lanes_feed(s);
}

/* Nothing of a client's keys stays, nor what new cookies were to hold.  Nonces of an
 * answer that is not sent serve the next one. */
XNTS_GLOBAL int exchange_wipe(struct xnts_scratch *s, int v)
{
	volatile __u64 *w;

	if (!s)
		return -EINVAL;
	if (v != XNTS_V_nts_answered && s->crypt.phase >= PHASE_VERDICT)
		s->crypt.nonces = s->crypt.nonces_before;
	w = (volatile __u64 *)&s->crypt;
#pragma GCC unroll 8
	for (__u32 i = 0; i < offsetof(struct xnts_crypt, nonce_count) / 8; i++)
		w[i] = 0;
	for (int i = 0; i < 2 * SIV_KEY_LEN + 2 * AES_BLOCK; i += AES_BLOCK)
		span_store(s, AT_KEYS + i, (struct crypt_block){ 0 });
	if (v == XNTS_V_nts_answered)
		return 0;
	for (__u32 i = 0; i < XNTS_MAX_COOKIES * COOKIE_EF && i < text_len(s); i += AES_BLOCK)
		span_store(s, text_at(s) + i, (struct crypt_block){ 0 });
	return 0;
}

static __always_inline int exchange_run(struct xnts_scratch *s, const struct xnts_cookie_key *open_key,
					const struct xnts_cookie_key *seal_key)
{
	const struct xnts_aes_key *nonce_key = map_nonce_key();
	struct xnts_crypt *c = &s->crypt;
	int v;

	exchange_begin(s, open_key, seal_key);
	aes_pass(&c->blocks, &open_key->key.ctr);
	exchange_opened(s);
	aes_expand(&c->client, &c->blocks);
	if (s->ct_len > SIV_TAG_LEN) {
		exchange_decrypt(s, open_key);
		for (int i = 0; i < DECRYPT_PASSES && c->busy; i++) {
			aes_pass(&c->blocks, &c->lanes);
			lanes_collect(s);
			lanes_feed(s);
		}
		/* The client chose them, and the size of the reply tells how many. */
		CRYPT_PUBLIC(span_at(s, s->ct_off), s->ct_len);
		c->malformed = ef_encrypted(s) != 0;
	}
	count_cookies(s);
	if (!s->cookies || !nonce_key)
		return XNTS_V_drop_nts_malformed;
	if (nonces_short(c, s->cookies)) {
		nonces_count(c);
		aes_pass(&c->blocks, nonce_key);
		nonces_keep(c);
	}
	exchange_lay_out(s, seal_key);
	exchange_keys(c, open_key, seal_key);
	lanes_feed(s);
	for (int i = 0; i < EXCHANGE_PASSES; i++) {
		aes_pass(&c->blocks, &c->lanes);
		v = exchange_step(s, open_key, seal_key);
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
