/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AES-128 (FIPS 197) encryption of four independent blocks at once, each under
 * its own key, in constant time: bitsliced, with no table and no branch.
 *
 * State.  Word k of eight holds bit k of every byte of the four blocks; inside a
 * word the bit of row i, column j, lane l (the block's number) stands at
 *
 *	16 i + 4 j + l
 *
 * so that "the next row" is a rotation by 16 and a key of one lane is a mask.
 *
 * Rounds are fixsliced (Adomnicai and Peyrin, eprint 2020/1123): ShiftRows moves
 * nothing.  After r rounds the byte of row i, column j stands in column
 * j + r i instead, and MixColumns finds a column's next byte r columns further:
 * four MixColumns, for r mod 4.  The round keys are placed to match when they are
 * expanded.  Ten rounds leave rows 1 and 3 two columns off, which is put right in bytes.
 *
 * SubBytes is the circuit of Boyar and Peralta (eprint 2011/332) without its four
 * NOTs: they are 0x63 in every byte, pass through MixColumns unchanged and are
 * added to the round keys instead.
 */
#ifndef XNTS_AES_H
#define XNTS_AES_H

#include "crypt.h"

#define AES_LANES CRYPT_LANES
#define AES_BLOCK 16
#define AES_SUB_CONSTANT 0x63 /* what SubBytes adds to every byte (FIPS 197 5.1.1) */

/* Masks of all rows: the columns 0, 0-1, 0-2 of each. */
#define AES_COL0 0x000f000f000f000fULL
#define AES_COL01 0x00ff00ff00ff00ffULL
#define AES_COL012 0x0fff0fff0fff0fffULL

/* Mask of lane l, anywhere in a word. */
#define AES_LANE(l) (0x1111111111111111ULL << (l))

static __always_inline __u64 aes_ror(__u64 x, int n)
{
	return x >> n | x << (64 - n);
}

/*
 * Working memory of a pass, on the stack: BPF reaches the stack through its tenth
 * register and keeps nine for values, which made a pass a quarter faster than working in
 * a map (342 to 230 ns).  The state is the first eight words; what a round needs
 * besides overlaps it and each other, because the stack has 512 bytes.
 */
#define AES_WORDS 18

/* Compilers would hold several copies of the words instead. */
#define AES_IN_MEMORY(q) asm volatile("" : : "r"(q) : "memory")

/* SubBytes without the constant.  Variables are named as in the paper (x0 is bit 7); the
 * y, needed twice, wait in memory. */
static __always_inline void aes_sub_bytes(__u64 q[AES_WORDS])
{
	__u64 *y = q;
	__u64 x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4];
	__u64 x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];

	/* top linear layer */
	__u64 y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5;
	__u64 t0 = x1 ^ x2, y1 = t0 ^ x7, y4 = y1 ^ x3, y12 = y13 ^ y14;
	__u64 y2 = y1 ^ x0, y5 = y1 ^ x6, y3 = y5 ^ y8, t1 = x4 ^ y12;
	__u64 y15 = t1 ^ x5, y20 = t1 ^ x1, y6 = y15 ^ x7, y10 = y15 ^ t0;
	__u64 y11 = y20 ^ y9, y7 = x7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
	__u64 y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;

	y[0] = x7, y[1] = y1, y[2] = y2, y[3] = y3, y[4] = y4, y[5] = y5, y[6] = y6, y[7] = y7;
	y[8] = y8, y[9] = y9, y[10] = y10, y[11] = y11, y[12] = y12, y[13] = y13, y[14] = y14;
	y[15] = y15, y[16] = y16, y[17] = y17;
	AES_IN_MEMORY(q);

	/* inversion in GF(2^8) over GF(2^4) */
	__u64 t2 = y[12] & y[15], t4 = (y[3] & y[6]) ^ t2, t6 = (y[4] & y[0]) ^ t2;
	__u64 t7 = y[13] & y[16], t9 = (y[5] & y[1]) ^ t7, t11 = (y[2] & y[7]) ^ t7;
	__u64 t12 = y[9] & y[11], t14 = (y[14] & y[17]) ^ t12, t16 = (y[8] & y[10]) ^ t12;
	__u64 t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19;
	__u64 t23 = t9 ^ t14 ^ y21, t24 = t11 ^ t16 ^ y18;
	__u64 t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26;
	__u64 t29 = (t25 & t27) ^ t22, t31 = t22 ^ t26;
	__u64 t33 = (t31 & (t23 ^ t24)) ^ t24, t36 = t24 & (t27 ^ t33);
	__u64 t37 = t36 ^ t23 ^ t33, t40 = t25 ^ (t29 & (t27 ^ t36));

	AES_IN_MEMORY(q);
	__u64 t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;
	__u64 z0 = t44 & y[15], z1 = t37 & y[6], z2 = t33 & y[0], z3 = t43 & y[16], z4 = t40 & y[1];
	__u64 z5 = t29 & y[7], z6 = t42 & y[11], z7 = t45 & y[17], z8 = t41 & y[10];
	__u64 z9 = t44 & y[12], z10 = t37 & y[3], z11 = t33 & y[4], z12 = t43 & y[13];
	__u64 z13 = t40 & y[5], z14 = t29 & y[2], z15 = t42 & y[9];
	__u64 z16 = t45 & y[14], z17 = t41 & y[8];

	/* bottom linear layer */
	__u64 t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10;
	__u64 t50 = z2 ^ z12, t51 = z2 ^ z5, t52 = z7 ^ z8, t53 = z0 ^ z3;
	__u64 t54 = z6 ^ z7, t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53;
	__u64 t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57;
	__u64 t62 = t52 ^ t58, t63 = t49 ^ t58, t64 = z4 ^ t59, t65 = t61 ^ t62;
	__u64 t66 = z1 ^ t63, t67 = t64 ^ t65, s3 = t53 ^ t66;

	q[7] = t59 ^ t63;
	q[6] = t64 ^ s3;
	q[5] = t55 ^ t67;
	q[4] = s3;
	q[3] = t51 ^ t66;
	q[2] = t47 ^ t65;
	q[1] = t56 ^ t62;
	q[0] = t48 ^ t60;
	AES_IN_MEMORY(q);
}

/* a where m has ones, b elsewhere; clang would use a second mask, 10 bytes of code each. */
static __always_inline __u64 aes_select(__u64 a, __u64 b, __u64 m)
{
	__u64 d = a ^ b;

	XNTS_OPAQUE(d);
	return (d & m) ^ b;
}

/* To row i, column j comes what stood in row i + 1, column j + r. */
static __always_inline __u64 aes_next(__u64 x, int r)
{
	__u64 y = aes_ror(x, 16);

	if (r == 1)
		return aes_select(y >> 4, y << 12, AES_COL012);
	if (r == 2)
		return aes_select(y >> 8, y << 8, AES_COL01);
	if (r == 3)
		return aes_select(y >> 12, y << 4, AES_COL0);
	return y;
}

/* To row i, column j comes what stood in row i + 2, column j + 2 r.  Reversing a word's
 * bytes reverses the rows and moves each by two columns, in one instruction. */
static __always_inline __u64 aes_opposite(__u64 x, int r)
{
	__u64 y = bpf_cpu_to_be64(x);

	if (r & 1)
		return aes_select(y >> 16, y << 16, 0x0000ffff0000ffffULL);
	return aes_ror(x, 32);
}

/*
 * MixColumns after r ShiftRows, and the round key.  With a a byte and b, c, d the
 * next ones of its column: 2a + 3b + c + d = 2(a + b) + b + (c + d), and
 * c + d is a + b two rows further.
 */
static __always_inline void aes_mix_columns(__u64 q[AES_WORDS], const __u64 rk[8], int r)
{
	__u64 top = q[7] ^ aes_next(q[7], r), below = top;

#pragma GCC unroll 8
	for (int k = 0; k < 8; k++) {
		__u64 b = k < 7 ? aes_next(q[k], r) : q[7] ^ top;
		__u64 sum = q[k] ^ b;

		b ^= below ^ aes_opposite(sum, r) ^ rk[k];
		if (k == 1 || k == 3 || k == 4) /* x^8 = x^4 + x^3 + x + 1 */
			b ^= top;
		q[k] = b;
		below = sum;
		AES_IN_MEMORY(q);
	}
}

/* Swaps bit P of the place in a word (n = 1 << P, m the places without it) with the
 * bit of the word's number in which a and b differ. */
static __always_inline void aes_swap(__u64 *a, __u64 *b, int n, __u64 m)
{
	__u64 t = (*a >> n ^ *b) & m;

	*b ^= t;
	*a ^= t << n;
}

/* Of word w = 4 block bit 1 + 2 block bit 0 + half, loaded as the machine does. */
static __always_inline void aes_swap_halves(__u64 w[8], int n, __u64 m)
{
#pragma GCC unroll 8
	for (int i = 0; i < 8; i += 2)
		aes_swap(&w[i], &w[i + 1], n, m);
}

static __always_inline void aes_swap_lanes(__u64 w[8])
{
#pragma GCC unroll 8
	for (int i = 0; i < 4; i++) {
		aes_swap(&w[i], &w[i + 4], 2, 0x3333333333333333ULL);
	}
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		if (!(i & 2))
			aes_swap(&w[i], &w[i + 2], 1, 0x5555555555555555ULL);
}

/* Word of the loaded blocks that becomes state word k once swapped. */
static __always_inline int aes_word(int k)
{
	return (k & 2) << 1 | (k & 1) << 1 | k >> 2;
}

/*
 * Four blocks of 16 bytes to the state.  A loaded word's places count column bit 0,
 * row, bit; swapping them one by one with the word's number brings row, column,
 * lane, in the order in which a single chain of swaps does it.
 */
static __always_inline void aes_pack(__u64 q[8], const __u8 *blocks)
{
	__u64 w[8];

#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		w[i] = load64(blocks + 8 * i);
	aes_swap_halves(w, 8, 0x00ff00ff00ff00ffULL);
	aes_swap_halves(w, 16, 0x0000ffff0000ffffULL);
	aes_swap_halves(w, 32, 0x00000000ffffffffULL);
	aes_swap_halves(w, 4, 0x0f0f0f0f0f0f0f0fULL);
	aes_swap_lanes(w);
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		q[k] = w[aes_word(k)];
}

/* The state after ten rounds to four blocks. */
static __always_inline void aes_unpack(__u8 *blocks, const __u64 q[8])
{
	__u64 w[8];

#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		w[aes_word(k)] = q[k];
	aes_swap_lanes(w);
	aes_swap_halves(w, 4, 0x0f0f0f0f0f0f0f0fULL);
	aes_swap_halves(w, 32, 0x00000000ffffffffULL);
	aes_swap_halves(w, 16, 0x0000ffff0000ffffULL);
	aes_swap_halves(w, 8, 0x00ff00ff00ff00ffULL);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i += 2) { /* rows 1 and 3 are two columns off */
		__u64 t = (w[i] ^ w[i + 1]) & 0xff00ff00ff00ff00ULL;

		store64(blocks + 8 * i, w[i] ^ t);
		store64(blocks + 8 * i + 8, w[i + 1] ^ t);
	}
}

static __always_inline void aes_round(__u64 q[AES_WORDS], const __u64 *rk, int r)
{
	aes_sub_bytes(q);
	aes_mix_columns(q, rk, r);
}

/*
 * Encrypts the four blocks in place, lane l under lane l of `key`.
 *
 * Ten rounds are two and a half turns of one loop: with a copy of the last half turn behind
 * it the code did not fit a processor's cache of decoded instructions together with what runs
 * between two passes, and a pass took 300 ns in the exchange instead of 218 (AMD Zen 5).
 */
static __always_inline void __aes_pass(struct aes_blocks *blocks, const struct xnts_aes_key *key)
{
	__u64 q[AES_WORDS];

	aes_pack(q, blocks->b[0]);
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		q[k] ^= key->rk[k];
	AES_IN_MEMORY(q);
	for (__u32 r = 8; r < 80; r += 32) {
		XNTS_OPAQUE(r);
		aes_round(q, key->rk + r, 1);
		aes_sub_bytes(q);
		XNTS_OPAQUE(r); /* or clang begins in the middle, which kernel 6.1 refuses */
		if (r >= 72)    /* the tenth round has no MixColumns */
			continue;
		aes_mix_columns(q, key->rk + r + 8, 2);
		aes_round(q, key->rk + r + 16, 3);
		aes_round(q, key->rk + r + 24, 0);
	}
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		q[k] ^= key->rk[80 + k];
	aes_unpack(blocks->b[0], q);
}

/* The same as a function, for userspace and what is not the exchange (siv.h, cookie.h). */
XNTS_GLOBAL int aes_pass(struct aes_blocks *blocks, const struct xnts_aes_key *key)
{
	if (!blocks || !key)
		return -EINVAL;
	__aes_pass(blocks, key);
	return 0;
}

/* Odd rows one column to the right. */
static __always_inline __u64 aes_turn_odd_rows(__u64 x)
{
	return (x & 0x0000ffff0000ffffULL) | (x << 4 & 0xfff00000fff00000ULL) |
	       (x >> 12 & 0x000f0000000f0000ULL);
}

/* The rows in m two columns on (m in bytes 0, 2, 4 or 6). */
static __always_inline __u64 aes_turn_rows(__u64 x, __u64 m)
{
	__u64 t = (x >> 8 ^ x) & m;

	return x ^ t ^ t << 8;
}

/* Row i moves r i columns to the right: where r ShiftRows not done leave its bytes. */
static __always_inline __u64 aes_round_place(__u64 x, int r)
{
	if (r & 1)
		x = aes_turn_odd_rows(x);
	if (r == 1)
		x = aes_turn_rows(x, 0x00ff00ff00000000ULL);
	if (r == 2)
		x = aes_turn_rows(x, 0x00ff000000ff0000ULL);
	if (r == 3)
		x = aes_turn_rows(x, 0x000000ff00ff0000ULL);
	return x;
}

/*
 * One round of the key schedule (FIPS 197 5.2) on the four keys in `k`, and its result as
 * the round key for after r ShiftRows, with the constant that SubBytes leaves out.
 */
static __always_inline void aes_next_key(__u64 *rk, __u64 k[8], __u64 q[AES_WORDS], __u32 rcon,
					 int r)
{
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		q[i] = k[i];
	AES_IN_MEMORY(q);
	aes_sub_bytes(q);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++) {
		__u64 t = aes_ror(q[i], 16) >> 12 & AES_COL0;

		t ^= k[i] ^ ((0 - (__u64)(rcon >> i & 1)) & 0xf);
		if (AES_SUB_CONSTANT >> i & 1)
			t ^= AES_COL0;
		t ^= t << 4 & ~AES_COL0;
		t ^= t << 8 & ~AES_COL01;
		k[i] = t;
		if (AES_SUB_CONSTANT >> i & 1)
			t = ~t;
		rk[i] = aes_round_place(t, r);
		AES_IN_MEMORY(k);
	}
}

/*
 * Expands four keys: lane l of `out` for block l of `keys`, which is used up (bitsliced
 * and overwritten).
 */
XNTS_GLOBAL int aes_expand(struct xnts_aes_key *out, struct aes_blocks *keys)
{
	__u64 q[AES_WORDS], *k;

	if (!out || !keys)
		return -EINVAL;
	k = keys->w;
	aes_pack(k, keys->b[0]);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		out->rk[i] = k[i];
	for (__u32 r = 8, rcon = 1; r < 72; r += 32, rcon <<= 4) {
		XNTS_OPAQUE(r);
		aes_next_key(out->rk + r, k, q, rcon, 1);
		aes_next_key(out->rk + r + 8, k, q, rcon << 1, 2);
		aes_next_key(out->rk + r + 16, k, q, rcon << 2, 3);
		aes_next_key(out->rk + r + 24, k, q, rcon << 3, 0);
	}
	aes_next_key(out->rk + 72, k, q, 0x1b, 1);
	aes_next_key(out->rk + 80, k, q, 0x36, 2);
	return 0;
}

/* AES-128 key of 16 bytes, expanded into all lanes; userspace. */
static inline void aes_expand_key(struct xnts_aes_key *out, const __u8 key[16])
{
	struct aes_blocks keys;

	for (int l = 0; l < AES_LANES; l++)
		XNTS_MEMCPY(keys.b[l], key, 16);
	aes_expand(out, &keys);
	crypt_wipe(&keys, sizeof(keys));
}

#endif /* XNTS_AES_H */
