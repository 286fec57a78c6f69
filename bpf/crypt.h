/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Working memory of the crypto, inside the per-CPU scratch.  All of it but the nonces
 * is wiped before the program returns.
 */
#ifndef XNTS_CRYPT_H
#define XNTS_CRYPT_H

#include "xnts_abi.h"

#define CRYPT_LANES 4

/* Four AES blocks, one a lane. */
struct aes_blocks {
	union {
		__u8 b[CRYPT_LANES][16];
		__u64 w[2 * CRYPT_LANES]; /* block l is words 2 l and 2 l + 1 */
	};
};

/* 128 bits as the machine loads them. */
struct crypt_block {
	__u64 w[2];
};

/* A CMAC on its way through a lane (lanes.h); places are bytes of the span. */
struct crypt_chain {
	struct crypt_block x; /* the CMAC so far */
	__u16 off;            /* the next block */
	__u16 end;
	__u16 ready;          /* from here on the message is not known yet */
	__u8 key;             /* whose subkeys end it */
	__u8 job;             /* what for, enum exchange_job */
};

struct crypt_subkeys {
	struct crypt_block k[2]; /* K1 ends whole last blocks, K2 padded ones (RFC 4493 2.3) */
};

/* Nonces that nobody has seen (nonce.h). */
struct crypt_nonces {
	struct crypt_block cookie; /* of a block for cookies, what is left */
	__u32 cookie_left;         /* cookies that it serves */
	__u32 blocks_left;         /* of xnts_crypt.nonce_blocks */
};

struct xnts_crypt {
	struct aes_blocks blocks;    /* into and out of a pass */
	struct xnts_aes_key client;  /* lanes: C2S MAC, S2C MAC, S2C CTR, S2C MAC */
	struct xnts_aes_key lanes;   /* round keys of the passes under way */
	struct crypt_chain lane[CRYPT_LANES];
	struct crypt_chain reply_ad; /* waits here for its time stamp */
	struct crypt_subkeys subkeys[CRYPT_LANES]; /* by crypt_chain.key */
	struct crypt_block zero[CRYPT_LANES]; /* CMAC(0^128), likewise */
	struct crypt_block request_ad, request_nonce, reply_nonce; /* their CMACs */
	struct crypt_block open_sum, seal_sum; /* S2V's D for the old cookie, the one in the making */
	struct crypt_block reply_sum; /* and for the reply's plaintext */
	struct crypt_block seal_prefix; /* CMAC of all but the last block of a cookie's keys */
	struct crypt_block counter;  /* CTR: the first half as in the block, the second counted */
	__u16 ctr_off;               /* the next block to en- or decrypt, place in the span */
	__u16 ctr_end;
	__u8 ctr_lanes;              /* bit l: lane l does CTR */
	__u8 busy;                   /* bit l: lane l has a block in this pass */
	__u8 phase;                  /* enum exchange_phase */
	__u8 sealed;                 /* cookies whose tag is known */
	__u32 finished;              /* bit j: job j */
	__u8 malformed;              /* the opened fields are broken */
	__u8 merged;                 /* the phase whose keys are in `lanes`; PHASE_OPEN: none */
	__u8 same_key;               /* the old cookie's key seals the new ones */
	__u8 pad;

	struct crypt_nonces nonces_before; /* this answer */

	/* kept between packets */
	__u64 nonce_count;             /* counter blocks encrypted on this CPU since load */
	struct aes_blocks nonce_blocks; /* the last four of them */
	struct crypt_nonces nonces;
};

/* From here on this is no secret; for the proof of constant time (selftests/ct). */
#ifndef CRYPT_PUBLIC
#define CRYPT_PUBLIC(p, len) ((void)0)
#endif

/* Overwrites memory in a way that the compiler may not leave out. */
static __always_inline void crypt_wipe(void *p, __u32 len)
{
	XNTS_MEMSET(p, 0, len);
	asm volatile("" : : "r"(p) : "memory");
}

#endif /* XNTS_CRYPT_H */
