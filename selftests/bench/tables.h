/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of the yardstick: AES tables, made from inverses in GF(2^8) (FIPS 197 5.1.1). */
#ifndef XNTS_BENCH_TABLES_H
#define XNTS_BENCH_TABLES_H

#include "port.h"

struct tables {
	__u32 column[4][256]; /* SubBytes, ShiftRows and MixColumns of one byte */
	__u32 round_keys[44];
	__u32 block[4];
	__u8 sbox[256];
};

static inline __u8 gf_mul(__u8 a, __u8 b)
{
	__u8 r = 0;

	for (; b; b >>= 1, a = a << 1 ^ (a & 0x80 ? 0x1b : 0))
		r ^= b & 1 ? a : 0;
	return r;
}

static inline __u8 gf_sbox(__u8 x)
{
	__u8 inverse = 1, s = 0;
	int i;

	for (i = 0; i < 254; i++)
		inverse = gf_mul(inverse, x);
	for (i = 0; i < 5; i++)
		s ^= inverse << i | inverse >> (8 - i);
	return s ^ 0x63;
}

static inline void tables_init(struct tables *t)
{
	int x, i;

	for (x = 0; x < 256; x++) {
		__u32 s = t->sbox[x] = gf_sbox(x);
		__u32 column = gf_mul(s, 2) | s << 8 | s << 16 | (__u32)gf_mul(s, 3) << 24;

		for (i = 0; i < 4; i++)
			t->column[i][x] = i ? column << 8 * i | column >> (32 - 8 * i) : column;
	}
}

#endif /* XNTS_BENCH_TABLES_H */
