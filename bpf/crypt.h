/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Working memory of the crypto, inside the per-CPU scratch: the AES state of four
 * lanes and what is derived from a client's keys.  All of it but the nonce
 * counter is wiped before the program returns.
 */
#ifndef XNTS_CRYPT_H
#define XNTS_CRYPT_H

#include "xnts_abi.h"

struct xnts_crypt {
	__u8 block[4][16];          /* one AES block a lane, in and out */
	struct xnts_siv_key c2s;    /* prepared from the opened cookie */
	struct xnts_siv_key s2c;
	__u8 client_keys[64];       /* the opened cookie: C2S, then S2C */
	__u8 mac[16];               /* the CMAC under way */
	__u8 sum[16];               /* S2V's D */
	__u8 tag[16];               /* a SIV tag computed here */
	struct xnts_aes_key lanes;  /* round keys, each lane its own */

	__u64 nonce_count;          /* counter blocks used on this CPU since load; kept */
	__u8 nonces[64];            /* four encrypted counter blocks; kept, not secret once sent */
	__u32 nonces_left;          /* of these, blocks not used yet */
	__u32 pad;
};

#endif /* XNTS_CRYPT_H */
