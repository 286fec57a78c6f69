/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layout: where the exchange finds and puts things in the span (lanes.h).
 *
 *	request buffer	the request, then, behind the longest one: opened keys, constants
 *	reply buffer	header | identifier | authenticator field: header, nonce, tag, cookies
 */
#ifndef XNTS_LAYOUT_H
#define XNTS_LAYOUT_H

#include "cookie.h"
#include "lanes.h"
#include "nonce.h"
#include "wire.h"

/* Places in the span behind the longest request. */
#define AT_KEYS 1536 /* the opened cookie: C2S, then S2C */
#define AT_ZERO (AT_KEYS + 2 * SIV_KEY_LEN) /* a block of zeros */
#define AT_LAST (AT_ZERO + AES_BLOCK) /* S2V's last block where the plaintext is shorter */

/* Of a cookie's four blocks of keys, those before the last, to which S2V adds D. */
#define COOKIE_PREFIX (2 * SIV_KEY_LEN - AES_BLOCK)

#define COOKIE_EF (EF_HEADER + XNTS_COOKIE_LEN)
#define AUTH_HEADER (EF_HEADER + 4)

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
static __always_inline void layout_cookie(struct xnts_scratch *s, __u32 key_id, __u32 at)
{
	store32(span_at(s, at - EF_HEADER), bpf_htonl(EF_TYPE_COOKIE << 16 | COOKIE_EF));
	store64(span_at(s, at), cookie_header(key_id, nonce_take_cookie(&s->crypt)));
#pragma GCC unroll 4
	for (int i = 0; i < 2 * SIV_KEY_LEN; i += AES_BLOCK)
		span_store(s, at + COOKIE_KEYS + i, span_load(s, AT_KEYS + i));
}

/* The reply's authenticator field, but for what AES makes of it. */
XNTS_GLOBAL int layout_reply(struct xnts_scratch *s, const struct xnts_cookie_key *seal_key)
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
		layout_cookie(s, seal_key->id, cookie_at(s, i));
	return 0;
}

#endif /* XNTS_LAYOUT_H */
