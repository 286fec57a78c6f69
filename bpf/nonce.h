/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nonces: counter blocks {CPU, count} encrypted under a random AES key that belongs to
 * one load of the program, as the counters do.  A block never repeats under a
 * key, and tells nobody how many came before.  (The kernel's bpf_get_prandom_u32() is
 * a linear generator that a few outputs reveal.)
 *
 * A pass makes four blocks.  A reply takes one as its nonce; another serves three
 * cookies with 5 bytes each.
 */
#ifndef XNTS_NONCE_H
#define XNTS_NONCE_H

#include "aes.h"
#include "maps.h"

#define NONCE_LEN AES_BLOCK
#define NONCE_COOKIES 3

/* Does a reply with so many cookies need new blocks?  One serves the reply itself. */
static __always_inline bool nonces_short(const struct xnts_crypt *c, __u32 cookies)
{
	__u32 left = c->nonces.cookie_left, blocks = 1;

	if (cookies > left)
		blocks += (cookies - left + NONCE_COOKIES - 1) / NONCE_COOKIES;
	return c->nonces.blocks_left < blocks;
}

/* Counter blocks for a pass under the nonce key. */
static __always_inline void nonces_count(struct xnts_crypt *c)
{
#pragma GCC unroll 4
	for (int l = 0; l < AES_LANES; l++) {
		c->blocks.w[2 * l] = this_cpu();
		c->blocks.w[2 * l + 1] = c->nonce_count++;
	}
}

static __always_inline void nonces_keep(struct xnts_crypt *c)
{
	c->nonce_blocks = c->blocks;
	c->nonces.blocks_left = AES_LANES;
}

static __always_inline struct crypt_block nonce_take(struct xnts_crypt *c)
{
	__u32 i = --c->nonces.blocks_left & (AES_LANES - 1);

	return (struct crypt_block){ { c->nonce_blocks.w[2 * i], c->nonce_blocks.w[2 * i + 1] } };
}

/* 5 bytes for one cookie, in the low bytes. */
static __always_inline __u64 nonce_take_cookie(struct xnts_crypt *c)
{
	struct crypt_nonces *n = &c->nonces;
	__u64 lo, hi;

	if (n->cookie_left == 0) {
		n->cookie = nonce_take(c);
		n->cookie_left = NONCE_COOKIES;
	}
	n->cookie_left--;
	lo = n->cookie.w[0];
	hi = n->cookie.w[1];
	n->cookie.w[0] = lo >> 40 | hi << 24;
	n->cookie.w[1] = hi >> 40;
	return lo & 0xffffffffffULL;
}

#endif /* XNTS_NONCE_H */
