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
 * SubBytes is a circuit (sbox.h) without the constant, which is in the round keys.
 */
#ifndef XNTS_AES_H
#define XNTS_AES_H

#include "crypt.h"
#include "sbox.h"

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
 * Working memory of a pass, on the stack: BPF reaches the stack through a register
 * of its own and keeps ten for values, which made a pass a quarter faster than working in
 * a map.  The state is the first eight words; what a round needs besides overlaps it.
 */
#define AES_WORDS SBOX_WORDS

/* Compilers would hold several copies of the words instead. */
#define AES_IN_MEMORY(q) asm volatile("" : : "r"(q) : "memory")

/* a where m has ones, b elsewhere; clang would use a second mask, 10 bytes of code each. */
static __always_inline __u64 aes_select(__u64 a, __u64 b, __u64 m)
{
	XNTS_INTO(a, ^, b);
	a &= m;
	XNTS_INTO(a, ^, b);
	return a;
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
	__u64 t = *a >> n;

	XNTS_INTO(t, ^, *b);
	t &= m;
	XNTS_INTO(*b, ^, t);
	t <<= n;
	XNTS_INTO(*a, ^, t);
}

/*
 * Words are 4 block bit 1 + 2 block bit 0 + half, loaded as the machine does.  Four can be swapped
 * among themselves: i, i + 1, i + 4 and i + 5; here the halves.
 */
static __always_inline void aes_swap_four(__u64 w[8], int i, int n, __u64 m)
{
	aes_swap(&w[i], &w[i + 1], n, m);
	aes_swap(&w[i + 4], &w[i + 5], n, m);
}

/* Blocks `step` words apart. */
static __always_inline void aes_swap_blocks(__u64 w[8], int i, int step, int n, __u64 m)
{
	aes_swap(&w[i], &w[i + step], n, m);
	aes_swap(&w[i + 1], &w[i + 1 + step], n, m);
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

#pragma GCC unroll 2
	for (int i = 0; i < 4; i += 2) {
		w[i] = load64(blocks + 8 * i);
		w[i + 1] = load64(blocks + 8 * i + 8);
		w[i + 4] = load64(blocks + 8 * i + 32);
		w[i + 5] = load64(blocks + 8 * i + 40);
		aes_swap_four(w, i, 8, 0x00ff00ff00ff00ffULL);
		aes_swap_four(w, i, 16, 0x0000ffff0000ffffULL);
		aes_swap_four(w, i, 32, 0x00000000ffffffffULL);
		aes_swap_four(w, i, 4, 0x0f0f0f0f0f0f0f0fULL);
		aes_swap_blocks(w, i, 4, 2, 0x3333333333333333ULL);
	}
	aes_swap_blocks(w, 0, 2, 1, 0x5555555555555555ULL);
	aes_swap_blocks(w, 4, 2, 1, 0x5555555555555555ULL);
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		q[k] = w[aes_word(k)];
}

/* A block's halves out of the state: rows 1 and 3 are two columns off. */
static __always_inline void aes_unpack_block(__u8 *block, __u64 a, __u64 b)
{
	__u64 t = a;

	XNTS_INTO(t, ^, b);
	t &= 0xff00ff00ff00ff00ULL;
	XNTS_INTO(a, ^, t);
	XNTS_INTO(b, ^, t);
	store64(block, a);
	store64(block + 8, b);
}

/* The state after ten rounds to four blocks. */
static __always_inline void aes_unpack(__u8 *blocks, const __u64 q[8])
{
	__u64 w[8];

#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		w[aes_word(k)] = q[k];
	aes_swap_blocks(w, 0, 2, 1, 0x5555555555555555ULL);
	aes_swap_blocks(w, 4, 2, 1, 0x5555555555555555ULL);
#pragma GCC unroll 2
	for (int i = 0; i < 4; i += 2) {
		aes_swap_blocks(w, i, 4, 2, 0x3333333333333333ULL);
		aes_swap_four(w, i, 4, 0x0f0f0f0f0f0f0f0fULL);
		aes_swap_four(w, i, 32, 0x00000000ffffffffULL);
		aes_swap_four(w, i, 16, 0x0000ffff0000ffffULL);
		aes_swap_four(w, i, 8, 0x00ff00ff00ff00ffULL);
		aes_unpack_block(blocks + 8 * i, w[i], w[i + 1]);
		aes_unpack_block(blocks + 8 * i + 32, w[i + 4], w[i + 5]);
	}
}

static __always_inline void aes_round(__u64 q[AES_WORDS], const __u64 *rk, int r)
{
	sub_bytes(q, q);
	aes_mix_columns(q, rk, r);
}

/*
 * Encrypts the four blocks in place, lane l under lane l of `key`.
 *
 * Ten rounds are two and a half turns of one loop: with a copy of the last half turn behind
 * it the code did not fit a processor's cache of decoded instructions together with what runs
 * between two passes, and a pass took a third longer in the exchange than alone (AMD Zen 5).
 */
static __always_inline void __aes_pass(struct aes_blocks *blocks, const struct xnts_aes_key *key)
{
	__u64 q[AES_WORDS];

	aes_pack(q, blocks->b[0]);
#pragma GCC unroll 8
	for (int k = 0; k < 8; k++)
		q[k] ^= key->rk[k];
	AES_IN_MEMORY(q);
	for (__u64 r = 8; r < 80; r += 32) {
		XNTS_OPAQUE(r);
		aes_round(q, key->rk + r, 1);
		sub_bytes(q, q);
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

/* Adds a round constant (FIPS 197 5.2) to the first byte of all four keys. */
static __always_inline void aes_rcon(__u64 *k, __u32 rcon)
{
#pragma GCC unroll 8
	for (int i = 0; i < 6; i++)
		if (rcon >> i & 1)
			k[i] ^= 0xf;
}

/*
 * One round of the key schedule (FIPS 197 5.2) on the four keys in `k`, to whose first column
 * the round's constant has been added, and its result as the round key for after r ShiftRows,
 * with the constant that SubBytes leaves out.
 */
static __always_inline void aes_next_key(__u64 *rk, __u64 k[8], __u64 q[AES_WORDS], int r)
{
	sub_bytes(q, k);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++) {
		__u64 t = aes_ror(q[i], 16) >> 12 & AES_COL0;

		t ^= k[i];
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
	__u64 q[AES_WORDS], *k, *first;

	if (!out || !keys)
		return -EINVAL;
	k = keys->w;
	aes_pack(k, keys->b[0]);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		out->rk[i] = k[i];
	for (__u64 r = 8; r < 96; r += 32) {
		XNTS_OPAQUE(r);
		first = k + (r >> 3 & 4); /* the second turn's are 0x10 to 0x80: four words on */
		aes_rcon(first, r < 72 ? 0x01 : 0x1b);
		aes_next_key(out->rk + r, k, q, 1);
		aes_rcon(first, r < 72 ? 0x02 : 0x36);
		aes_next_key(out->rk + r + 8, k, q, 2);
		XNTS_OPAQUE(r); /* as in __aes_pass() */
		if (r >= 72)
			continue;
		aes_rcon(first, 0x04);
		aes_next_key(out->rk + r + 16, k, q, 3);
		aes_rcon(first, 0x08);
		aes_next_key(out->rk + r + 24, k, q, 0);
	}
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
