/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Working memory of the crypto, inside the per-CPU scratch: the AES state of four
 * lanes and what is derived from a client's keys.  All of it but the nonce
 * counter is wiped before the program returns.
 */
#ifndef XNTS_CRYPT_H
#define XNTS_CRYPT_H

#include "xnts_abi.h"

/* Four AES blocks, one a lane. */
struct aes_blocks {
	__u8 b[4][16];
} __attribute__((aligned(8)));

/* The same bitsliced (aes.h). */
struct aes_state {
	__u64 q[8];
};

struct aes_work {
	struct aes_blocks blocks;
	struct aes_state state;
	__u64 sums[8]; /* within a round */
	__u64 y[18];   /* within SubBytes */
};

/* Overwrites memory in a way that the compiler may not leave out. */
static __always_inline void crypt_wipe(void *p, __u32 len)
{
	XNTS_MEMSET(p, 0, len);
	asm volatile("" : : "r"(p) : "memory");
}

struct xnts_crypt {
	struct aes_work work;       /* into and out of a pass */
	struct xnts_siv_key c2s;    /* prepared from the opened cookie */
	struct xnts_siv_key s2c;
	__u8 keys[64];              /* the opened cookie: C2S, then S2C */
	__u8 mac[16];               /* the CMAC under way */
	__u8 sum[16];               /* S2V's D */
	__u8 tag[16];               /* a SIV tag */

	/* nonce.h; kept between packets */
	__u64 nonce[2];             /* the block last taken */
	__u64 nonce_count;          /* counter blocks encrypted on this CPU since load */
	struct aes_blocks nonces;   /* the last four of them */
	__u32 nonces_left;          /* how many of the four are unused */
	__u32 cookie_nonces_left;   /* unused ones in cookie_nonces */
	__u64 cookie_nonces[2];
};

#endif /* XNTS_CRYPT_H */
