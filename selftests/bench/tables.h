/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of the yardstick, filled by bench_packets.c. */
#ifndef XNTS_BENCH_TABLES_H
#define XNTS_BENCH_TABLES_H

#include "port.h"

struct tables {
	__u32 column[4][256]; /* SubBytes, ShiftRows and MixColumns of one byte */
	__u32 round_keys[44];
	__u32 block[4];
	__u8 sbox[256];
};

#endif /* XNTS_BENCH_TABLES_H */
