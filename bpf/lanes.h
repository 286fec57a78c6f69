/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Four lanes: between two passes of AES each lane is fed the next block of its CMAC
 * chain, or of the one CTR stream that several lanes may share, and what comes out
 * is collected.
 *
 * What is encrypted lies in the span: the request buffer and, right behind it, the
 * reply buffer of the scratch.  A place in it is a number that fits the mask below,
 * which is all the verifier needs to know.
 */
#ifndef XNTS_LANES_H
#define XNTS_LANES_H

#include "aes.h"
#include "scratch.h"

#define SPAN_REPLY sizeof(struct xnts_buf)
#define SPAN_MASK 4095

_Static_assert(__builtin_offsetof(struct xnts_scratch, reply) ==
	       __builtin_offsetof(struct xnts_scratch, request) + SPAN_REPLY,
	       "the span is one piece");
_Static_assert(SPAN_MASK + 16 < 2 * sizeof(struct xnts_buf), "a masked block stays inside");

static __always_inline __u8 *span_at(struct xnts_scratch *s, __u32 place)
{
	XNTS_OPAQUE(place);
	return (__u8 *)s + offsetof(struct xnts_scratch, request) + (place & SPAN_MASK);
}

static __always_inline struct crypt_block span_load(struct xnts_scratch *s, __u32 place)
{
	const __u8 *p = span_at(s, place);

	return (struct crypt_block){ { load64(p), load64(p + 8) } };
}

static __always_inline void span_store(struct xnts_scratch *s, __u32 place, struct crypt_block b)
{
	__u8 *p = span_at(s, place);

	store64(p, b.w[0]);
	store64(p + 8, b.w[1]);
}

static __always_inline struct crypt_block block_xor(struct crypt_block a, struct crypt_block b)
{
	return (struct crypt_block){ { a.w[0] ^ b.w[0], a.w[1] ^ b.w[1] } };
}

static __always_inline void span_xor(struct xnts_scratch *s, __u32 place, struct crypt_block b)
{
	span_store(s, place, block_xor(span_load(s, place), b));
}

/* Doubling in GF(2^128), big-endian (RFC 5297 2.3), without a branch on the carry. */
static __always_inline struct crypt_block block_double(struct crypt_block b)
{
	__u64 hi = bpf_be64_to_cpu(b.w[0]), lo = bpf_be64_to_cpu(b.w[1]);
	__u64 carry = (0 - (hi >> 63)) & 0x87;

	return (struct crypt_block){ { bpf_cpu_to_be64(hi << 1 | lo >> 63),
				       bpf_cpu_to_be64(lo << 1 ^ carry) } };
}

/* The first n of 16 bytes, 0 <= n < 16, then a one bit (RFC 4493 2.4). */
static __always_inline struct crypt_block block_pad(struct crypt_block b, __u32 n)
{
	__u32 shift = 8 * (n & 7);
	__u64 rest = (1ULL << shift) - 1, one = 0x80ULL << shift;

	if (n < 8)
		return (struct crypt_block){ { (b.w[0] & rest) | one, 0 } };
	return (struct crypt_block){ { b.w[0], (b.w[1] & rest) | one } };
}

/* Begins the CMAC of len bytes in a lane; all of them are ready. */
static __always_inline void chain_start(struct crypt_chain *chain, __u8 job, __u8 key, __u32 off,
					__u32 len)
{
	chain->x = (struct crypt_block){ 0 };
	chain->off = off;
	chain->end = off + len;
	chain->ready = chain->end;
	chain->key = key;
	chain->job = job;
}

/* Begins CTR over len bytes in place (RFC 5297 2.5). */
static __always_inline void ctr_start(struct xnts_crypt *c, struct crypt_block tag, __u32 off,
				      __u32 len)
{
	c->counter.w[0] = tag.w[0];
	c->counter.w[1] = bpf_be64_to_cpu(tag.w[1]) & 0x7fffffff7fffffffULL;
	c->ctr_off = off;
	c->ctr_end = off + len;
}

/* Feed lane l; 1 << l when it has a block. */
static __always_inline __u32 lane_feed_ctr(struct xnts_crypt *c, int l)
{
	__u32 off = c->ctr_off;

	if (off >= c->ctr_end)
		return 0;
	c->lane[l].off = off;
	c->ctr_off = off + AES_BLOCK;
	c->blocks.w[2 * l] = c->counter.w[0];
	c->blocks.w[2 * l + 1] = bpf_cpu_to_be64(c->counter.w[1]);
	c->counter.w[1]++;
	return 1 << l;
}

static __always_inline __u32 lane_feed_mac(struct xnts_scratch *s, int l)
{
	struct xnts_crypt *c = &s->crypt;
	struct crypt_chain *chain = &c->lane[l];
	__u32 off = chain->off, end = chain->end;
	__u32 stop = off + AES_BLOCK < end ? off + AES_BLOCK : end;
	struct crypt_block b;

	if (off >= end || stop > chain->ready)
		return 0;
	b = span_load(s, off);
	if (stop < off + AES_BLOCK)
		b = block_pad(b, stop - off);
	b = block_xor(b, chain->x);
	if (stop == end)
		b = block_xor(b, c->subkeys[chain->key & 3].k[stop < off + AES_BLOCK]);
	c->blocks.w[2 * l] = b.w[0];
	c->blocks.w[2 * l + 1] = b.w[1];
	return 1 << l;
}

/* Puts into c->blocks what each lane does next; idle lanes encrypt what they hold. */
static __always_inline void lanes_feed(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 ctr = c->ctr_lanes, busy = 0;

#pragma GCC unroll 4
	for (int l = 0; l < AES_LANES; l++)
		busy |= ctr & 1 << l ? lane_feed_ctr(c, l) : lane_feed_mac(s, l);
	c->busy = busy;
}

/* Takes the lanes' blocks after a pass. */
static __always_inline void lanes_collect(struct xnts_scratch *s)
{
	struct xnts_crypt *c = &s->crypt;
	__u32 ctr = c->ctr_lanes, busy = c->busy;

#pragma GCC unroll 4
	for (int l = 0; l < AES_LANES; l++) {
		struct crypt_chain *chain = &c->lane[l];
		struct crypt_block out = { { c->blocks.w[2 * l], c->blocks.w[2 * l + 1] } };

		if (!(busy & 1 << l))
			continue;
		if (ctr & 1 << l) {
			span_xor(s, chain->off, out);
			continue;
		}
		chain->x = out;
		chain->off += AES_BLOCK;
	}
}

/* Did lane l's CMAC end with this pass?  Asked of memory: a set of bits to remember would have
 * the verifier walk what follows for each set. */
static __always_inline bool lane_ended(const struct xnts_crypt *c, __u32 l)
{
	const struct crypt_chain *chain = &c->lane[l & (AES_LANES - 1)];

	return c->busy & ~c->ctr_lanes & 1U << l && chain->off >= chain->end;
}

#endif /* XNTS_LANES_H */
