/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU working memory of one NTS exchange: the 512-byte BPF stack is too small.
 * Results of parsing live here as well, so that the verifier forgets their
 * values and sees each loop body once instead of once a combination.
 */
#ifndef XNTS_SCRATCH_H
#define XNTS_SCRATCH_H

#include "xnts_abi.h"
#include "crypt.h"
#include "request.h"

#define XNTS_BUF 2048 /* a power of two above XNTS_MAX_PAYLOAD: offsets are masked */
#define XNTS_BUF_SLACK 64 /* a masked offset plus the widest access stays inside */

#define XNTS_LAGS 16 /* a power of two above XNTS_MAX_COOKIES + 1 */

struct xnts_lag {
	__u64 measured; /* CLOCK_TAI ns, last */
	__u32 expected; /* ns; 0: not measured yet */
	__u32 pad;
};

struct xnts_buf {
	__u8 b[XNTS_BUF + XNTS_BUF_SLACK];
} __attribute__((aligned(8)));

/* Address of byte `off` of a buffer; up to XNTS_BUF_SLACK bytes may be used there. */
static __always_inline __u8 *buf_at(struct xnts_buf *buf, __u32 off)
{
	XNTS_OPAQUE(off);
	return &buf->b[off & (XNTS_BUF - 1)];
}

struct xnts_scratch {
	__u32 busy; /* claimed by atomic exchange: PREEMPT_RT may re-enter the program */

	/* Offsets into `request`, from its first byte, and lengths, in bytes. */
	__u16 request_len; /* the UDP payload */
	__u16 uid_off;     /* unique identifier EF, its header included; 0: none */
	__u16 uid_len;
	__u16 cookie_off;  /* cookie EF's body */
	__u16 cookie_len;
	__u16 ad_len;      /* what the authenticator covers: all that precedes it */
	__u16 nonce_off;
	__u16 nonce_len;
	__u16 nonce_room;  /* padded nonce and additional padding */
	__u16 ct_off;      /* ciphertext: 16 bytes SIV tag, then encrypted EFs */
	__u16 ct_len;      /* tag included, >= 16 */
	__u16 placeholders; /* as long as the cookie; encrypted ones join after opening */

	/* Offsets into `reply`. */
	__u16 reply_ad_len; /* header and unique identifier */
	__u16 reply_len;    /* the whole payload once sealed */
	__u16 cookies;      /* new cookies in the answer, 1 to XNTS_MAX_COOKIES; 0: not NTS */
	__s64 transmit_to_utc; /* ns from CLOCK_TAI to the transmit stamp */
	struct xnts_noise noise; /* of its low bits */

	/* Of the request's first stage. */
	__u64 received; /* CLOCK_TAI ns */
	__u64 started;  /* CLOCK_MONOTONIC ns */
	__u32 leap;
	__u32 stamp;    /* enum xnts_stamp */

	__u64 stamped; /* the transmit time without the lag, CLOCK_TAI ns */
	struct xnts_lag lag[XNTS_LAGS]; /* of each kind of answer, see lag.h */

	/* See limit.h; CLOCK_MONOTONIC ns. */
	__u64 ceiling_until;
	__u64 budget_until;
	__u64 half_until[2]; /* of the budget: clients', strangers' */
	__u64 source;   /* hash of the request's */
	__u32 stranger; /* nothing of that source verified lately */

	/* NAKs sent by this CPU in the second that began at nak_since (CLOCK_MONOTONIC ns). */
	__u64 nak_since;
	__u32 nak_count;

	struct xnts_buf request;
	struct xnts_buf reply;
	struct xnts_crypt crypt; /* aes.h, siv.h, exchange.h: keys and lanes, wiped after use */
};

#endif /* XNTS_SCRATCH_H */
