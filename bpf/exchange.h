/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NTS exchange (RFC 8915 5.7): open the cookie, verify the request, seal new cookies
 * and the reply.
 */
#ifndef XNTS_EXCHANGE_H
#define XNTS_EXCHANGE_H

#include "cookie.h"
#include "ef.h"
#include "nonce.h"
#include "reply.h"

#define EXCHANGE_KEYS (XNTS_BUF - 128) /* in the reply buffer: opened keys, then wiped */
#define COOKIE_EF (EF_HEADER + XNTS_COOKIE_LEN)
#define SEAL_HEAD (EF_HEADER + 4 + NONCE_LEN + SIV_TAG_LEN) /* before the encrypted EFs */
#define BUF_BLOCKS (XNTS_BUF / AES_BLOCK)

/* Bytes 0 to n - 1 of 8, n may be larger than 8. */
static __always_inline __u64 first_bytes(__u32 n)
{
	return n >= 8 ? ~0ULL : (1ULL << 8 * n) - 1;
}

static __always_inline void exchange_copy(__u8 *out, const __u8 *in)
{
	store64(out, load64(in));
	store64(out + 8, load64(in + 8));
}

/* c->mac under key, in place. */
static __always_inline void exchange_aes(struct xnts_crypt *c, const struct xnts_aes_key *key)
{
	__u8 *lane = c->work.blocks.b[0];

	store64(lane, load64(c->mac));
	store64(lane + 8, load64(c->mac + 8));
	aes_pass(&c->work, key);
	store64(c->mac, load64(lane));
	store64(c->mac + 8, load64(lane + 8));
}

/* CMAC of len > 0 bytes at off into c->mac. */
XNTS_GLOBAL int exchange_cmac(struct xnts_crypt *c, struct xnts_buf *buf,
			      const struct xnts_siv_key *key, __u32 off, __u32 len)
{
	const __u8 *p;

	if (!c || !buf || !key)
		return -EINVAL;
	XNTS_MEMSET(c->mac, 0, 16);
	for (int i = 0; i < BUF_BLOCKS && len > 16; i++, off += 16, len -= 16) {
		siv_xor(c->mac, buf_at(buf, off));
		exchange_aes(c, &key->mac);
	}
	p = buf_at(buf, off);
	store64(c->mac, load64(c->mac) ^ (load64(p) & first_bytes(len)));
	store64(c->mac + 8,
		load64(c->mac + 8) ^ (load64(p + 8) & first_bytes(len < 8 ? 0 : len - 8)));
	siv_xor(c->mac, len == 16 ? key->k1 : key->k2);
	if (len < 16) {
		XNTS_OPAQUE(len);
		c->mac[len & 15] ^= 0x80;
	}
	exchange_aes(c, &key->mac);
	return 0;
}

/* CTR over the blocks that hold len bytes at off, in place, from the tag c->tag. */
XNTS_GLOBAL int exchange_ctr(struct xnts_crypt *c, struct xnts_buf *buf,
			     const struct xnts_siv_key *key, __u32 off, __u32 len)
{
	__u64 count;

	if (!c || !buf || !key)
		return -EINVAL;
	count = bpf_be64_to_cpu(load64(c->tag + 8)) & 0x7fffffff7fffffffULL;
	for (__u32 i = 0; i < BUF_BLOCKS && 16 * i < len; i++) {
		store64(c->mac, load64(c->tag));
		store64(c->mac + 8, bpf_cpu_to_be64(count + i));
		exchange_aes(c, &key->ctr);
		siv_xor(buf_at(buf, off + 16 * i), c->mac);
	}
	return 0;
}

/* One component of S2V into c->sum. */
static __always_inline void exchange_ad(struct xnts_crypt *c, struct xnts_buf *buf,
					const struct xnts_siv_key *key, __u32 off, __u32 len)
{
	exchange_cmac(c, buf, key, off, len);
	siv_double(c->sum);
	siv_xor(c->sum, c->mac);
}

/* Ends S2V with len bytes of plaintext, none or at least 16, of the request or reply:
 * the SIV tag in c->mac. */
static __always_inline void exchange_tag(struct xnts_crypt *c, struct xnts_buf *buf,
					 const struct xnts_siv_key *key, __u32 off, __u32 len)
{
	if (len >= 16) {
		siv_xor(buf_at(buf, off + len - 16), c->sum);
		exchange_cmac(c, buf, key, off, len);
		siv_xor(buf_at(buf, off + len - 16), c->sum);
		return;
	}
	siv_double(c->sum);
	store64(c->mac, load64(c->sum) ^ (load64(buf_at(buf, off)) & first_bytes(len)));
	store64(c->mac + 8, load64(c->sum + 8) ^ (load64(buf_at(buf, off + 8)) &
						first_bytes(len < 8 ? 0 : len - 8)));
	XNTS_OPAQUE(len);
	c->mac[len & 15] ^= 0x80;
	siv_xor(c->mac, key->k1);
	exchange_aes(c, &key->mac);
}

XNTS_GLOBAL int exchange_open_cookie(struct xnts_scratch *s, const struct xnts_siv_key *key)
{
	struct xnts_crypt *c;

	if (!s || !key)
		return 0;
	c = &s->crypt;
	exchange_copy(c->tag, buf_at(&s->request, s->cookie_off + COOKIE_TAG));
	for (int i = 0; i < 8; i++)
		store64(&s->reply.b[EXCHANGE_KEYS + 8 * i],
			load64(buf_at(&s->request, s->cookie_off + COOKIE_KEYS) + 8 * i));
	exchange_ctr(c, &s->reply, key, EXCHANGE_KEYS, 2 * SIV_KEY_LEN);
	XNTS_MEMCPY(c->keys, &s->reply.b[EXCHANGE_KEYS], 2 * SIV_KEY_LEN);
	exchange_copy(c->sum, key->zero);
	exchange_ad(c, &s->request, key, s->cookie_off, COOKIE_AD_LEN);
	exchange_tag(c, &s->reply, key, EXCHANGE_KEYS, 2 * SIV_KEY_LEN);
	return siv_equal(c->mac, buf_at(&s->request, s->cookie_off + COOKIE_TAG));
}

/* Expands one AES key of the client. */
static __always_inline void exchange_expand(struct xnts_crypt *c, struct xnts_aes_key *out, __u32 off)
{
	for (int l = 0; l < AES_LANES; l++) {
		store64(c->work.blocks.b[l], load64(c->keys + off));
		store64(c->work.blocks.b[l] + 8, load64(c->keys + off + 8));
	}
	aes_expand(out, &c->work);
}

/* Prepares C2S or S2C. */
XNTS_GLOBAL int exchange_prepare(struct xnts_crypt *c, __u32 second)
{
	struct xnts_siv_key *key;

	if (!c)
		return -EINVAL;
	key = second ? &c->s2c : &c->c2s;
	exchange_expand(c, &key->mac, second ? SIV_KEY_LEN : 0);
	exchange_expand(c, &key->ctr, second ? SIV_KEY_LEN + 16 : 16);
	XNTS_MEMSET(c->mac, 0, 16);
	exchange_aes(c, &key->mac);
	siv_double(c->mac);
	exchange_copy(key->k1, c->mac);
	siv_double(c->mac);
	exchange_copy(key->k2, c->mac);
	exchange_copy(c->mac, key->k1);
	exchange_aes(c, &key->mac);
	exchange_copy(key->zero, c->mac);
	return 0;
}

XNTS_GLOBAL int exchange_verify(struct xnts_scratch *s)
{
	struct xnts_crypt *c;

	if (!s)
		return 0;
	c = &s->crypt;
	exchange_copy(c->tag, buf_at(&s->request, s->ct_off));
	exchange_ctr(c, &s->request, &c->c2s, s->ct_off + SIV_TAG_LEN, s->ct_len - SIV_TAG_LEN);
	exchange_copy(c->sum, c->c2s.zero);
	exchange_ad(c, &s->request, &c->c2s, 0, s->ad_len);
	exchange_ad(c, &s->request, &c->c2s, s->nonce_off, s->nonce_len);
	exchange_tag(c, &s->request, &c->c2s, s->ct_off + SIV_TAG_LEN, s->ct_len - SIV_TAG_LEN);
	return siv_equal(c->mac, buf_at(&s->request, s->ct_off));
}

/* Bytes of a reply with n cookies: no more than the request's, ever. */
static __always_inline bool reply_fits(const struct xnts_scratch *s, __u32 n)
{
	return s->reply_ad_len + SEAL_HEAD + n * COOKIE_EF <= s->request_len;
}

/* A cookie EF, sealed anew, at off of the reply. */
XNTS_GLOBAL int exchange_seal_cookie(struct xnts_scratch *s,
				     const struct xnts_cookie_key *key, __u32 off)
{
	struct xnts_crypt *c;
	__u64 nonce;

	if (!s || !key)
		return -EINVAL;
	c = &s->crypt;
	if (nonce_cookie(c, &nonce))
		return -EINVAL;
	store32(buf_at(&s->reply, off), bpf_htonl(EF_TYPE_COOKIE << 16 | COOKIE_EF));
	off += EF_HEADER;
	store64(buf_at(&s->reply, off), cookie_header(key->id, nonce));
	exchange_copy(c->sum, key->key.zero);
	exchange_ad(c, &s->reply, &key->key, off, COOKIE_AD_LEN);
	for (int i = 0; i < 8; i++)
		store64(buf_at(&s->reply, off + COOKIE_KEYS) + 8 * i, load64(c->keys + 8 * i));
	exchange_tag(c, &s->reply, &key->key, off + COOKIE_KEYS, 2 * SIV_KEY_LEN);
	exchange_copy(c->tag, c->mac);
	exchange_copy(buf_at(&s->reply, off + COOKIE_TAG), c->tag);
	exchange_ctr(c, &s->reply, &key->key, off + COOKIE_KEYS, 2 * SIV_KEY_LEN);
	return 0;
}

/*
 * The reply's new cookies.  Apart from exchange_seal(), of whose stack they have no part:
 * kernels before 6.8 round every frame up to 32 bytes, and 512 are all there are.
 */
static __always_inline int exchange_seal_cookies(struct xnts_scratch *s,
						 const struct xnts_cookie_key *key)
{
	__u32 off = s->reply_ad_len + SEAL_HEAD;

	for (__u32 i = 0; i < XNTS_MAX_COOKIES && i < s->cookies; i++)
		if (exchange_seal_cookie(s, key, off + i * COOKIE_EF))
			return -EINVAL;
	return 0;
}

/* The authenticator EF around them. */
XNTS_GLOBAL int exchange_seal(struct xnts_scratch *s)
{
	__u32 off, len;
	struct xnts_crypt *c;

	if (!s)
		return -EINVAL;
	c = &s->crypt;
	off = s->reply_ad_len;
	len = s->cookies * COOKIE_EF;
	store16(buf_at(&s->reply, off), bpf_htons(EF_TYPE_AUTHENTICATOR));
	store16(buf_at(&s->reply, off) + 2, bpf_htons(SEAL_HEAD + len));
	store16(buf_at(&s->reply, off) + 4, bpf_htons(NONCE_LEN));
	store16(buf_at(&s->reply, off) + 6, bpf_htons(SIV_TAG_LEN + len));
	off += 8;
	if (nonce_next(c))
		return -EINVAL;
	store64(buf_at(&s->reply, off), c->nonce[0]);
	store64(buf_at(&s->reply, off) + 8, c->nonce[1]);
	off += NONCE_LEN + SIV_TAG_LEN;
	reply_stamp(s);
	exchange_copy(c->sum, c->s2c.zero);
	exchange_ad(c, &s->reply, &c->s2c, 0, s->reply_ad_len);
	exchange_ad(c, &s->reply, &c->s2c, off - NONCE_LEN - SIV_TAG_LEN, NONCE_LEN);
	exchange_tag(c, &s->reply, &c->s2c, off, len);
	exchange_copy(c->tag, c->mac);
	exchange_copy(buf_at(&s->reply, off - SIV_TAG_LEN), c->tag);
	exchange_ctr(c, &s->reply, &c->s2c, off, len);
	s->reply_len = off + len;
	return 0;
}

static __always_inline int exchange_run(struct xnts_scratch *s, const struct xnts_cookie_key *open_key,
					const struct xnts_cookie_key *seal_key)
{
	struct xnts_crypt *c = &s->crypt;

	if (!exchange_open_cookie(s, &open_key->key))
		return XNTS_V_nak_bad_cookie;
	exchange_prepare(c, 0);
	if (!exchange_verify(s))
		return XNTS_V_nak_bad_tag;
	if (s->ct_len > SIV_TAG_LEN && ef_encrypted(s))
		return XNTS_V_drop_nts_malformed;
	s->cookies = 1 + (s->placeholders < XNTS_MAX_COOKIES - 1 ? s->placeholders :
								   XNTS_MAX_COOKIES - 1);
	for (int i = 0; i < XNTS_MAX_COOKIES && s->cookies && !reply_fits(s, s->cookies); i++)
		s->cookies--;
	if (!s->cookies)
		return XNTS_V_drop_nts_malformed;
	exchange_prepare(c, 1);
	if (exchange_seal_cookies(s, seal_key) || exchange_seal(s))
		return XNTS_V_drop_internal;
	return XNTS_V_nts_answered;
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
	XNTS_MEMSET(&s->reply.b[EXCHANGE_KEYS], 0, 2 * SIV_KEY_LEN);
	for (__u32 i = 0; i < offsetof(struct xnts_crypt, nonce) / 8; i++)
		((volatile __u64 *)&s->crypt)[i] = 0;
	return v;
}

#endif /* XNTS_EXCHANGE_H */
