/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nonces: counter blocks {CPU, count} encrypted under a random AES key that belongs to
 * one load of the program, as the counters do.  A block never repeats under a
 * key, and tells nobody how many came before.  (The kernel's bpf_get_prandom_u32() is
 * a linear generator that a few outputs reveal.)
 */
#ifndef XNTS_NONCE_H
#define XNTS_NONCE_H

#include "aes.h"
#include "maps.h"

#define NONCE_LEN 16 /* of a reply: one block */
#define NONCE_COOKIES 3 /* cookie nonces of 5 bytes in a block */

/* The next block in nonce[0..1].  One pass makes four.  0 or -EINVAL. */
XNTS_GLOBAL int nonce_next(struct xnts_crypt *c)
{
	const struct xnts_aes_key *key = map_nonce_key();

	if (!c || !key)
		return -EINVAL;
	if (c->nonces_left == 0) {
		for (int l = 0; l < AES_LANES; l++) {
			store64(c->work.blocks.b[l], this_cpu());
			store64(c->work.blocks.b[l] + 8, c->nonce_count++);
		}
		aes_pass(&c->work, key);
		c->nonces = c->work.blocks;
		c->nonces_left = AES_LANES;
	}
	c->nonces_left--;
	c->nonce[0] = load64(c->nonces.b[c->nonces_left & 3]);
	c->nonce[1] = load64(c->nonces.b[c->nonces_left & 3] + 8);
	return 0;
}

/* 5 bytes for one cookie in the low bytes of *nonce.  0 or -EINVAL. */
static __always_inline int nonce_cookie(struct xnts_crypt *c, __u64 *nonce)
{
	__u64 lo, hi;

	if (c->cookie_nonces_left == 0) {
		if (nonce_next(c))
			return -EINVAL;
		c->cookie_nonces[0] = c->nonce[0];
		c->cookie_nonces[1] = c->nonce[1];
		c->cookie_nonces_left = NONCE_COOKIES;
	}
	c->cookie_nonces_left--;
	lo = c->cookie_nonces[0];
	hi = c->cookie_nonces[1];
	*nonce = lo & 0xffffffffffULL;
	c->cookie_nonces[0] = lo >> 40 | hi << 24;
	c->cookie_nonces[1] = hi >> 40;
	return 0;
}

#endif /* XNTS_NONCE_H */
