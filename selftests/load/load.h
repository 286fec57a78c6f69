/* SPDX-License-Identifier: GPL-2.0 */
/* What the generator's BPF programs share with their loader. */
#ifndef XNTS_LOAD_H
#define XNTS_LOAD_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define LOAD_FRAME_MAX 500   /* bytes of a request's frame: NTS with two placeholders */
#define LOAD_NTP_AT 42        /* where the NTP header is in a frame */
#define LOAD_FRAME_MIN 90    /* Ethernet, IPv4, UDP, 48 bytes NTP */
/* First half of a transmit timestamp, with this run's mark in its low half; the second half
 * is the slot. */
#define LOAD_MAGIC 0x10ad0000

/* Response times: 8 buckets an octave of ns, the last is "longer". */
#define LOAD_BUCKETS 256

struct load_request {
	__u32 len;                     /* bytes of the frame */
	__u8 frame[LOAD_FRAME_MAX];    /* checksums are those of a source address 0.0.0.0 */
};

/* What became of a request, which may be sent again and again. */
struct load_slot {
	__u64 sent_at;  /* CLOCK_MONOTONIC ns, the last time; 0: not kept */
	__u32 sent;
	__u32 answered; /* kisses are no answers */
};

struct load_sample {
	__u32 len; /* bytes of the frame; more than LOAD_FRAME_MAX is cut */
	__u8 frame[LOAD_FRAME_MAX];
};

struct load_counts {
	__u64 sent;
	__u64 answered;       /* synchronised answers to requests of ours */
	__u64 unsynchronised; /* answers that say LI 3 or stratum 0, no kiss */
	__u64 kissed;         /* NAKs and KoD */
	__u64 stray;          /* from the server, but to no request, or once too often */
};

/* The bucket of a time in ns: its octave and the three bits behind its first. */
static inline __attribute__((always_inline)) __u32 load_bucket(__u64 ns)
{
	__u32 octave = 0, bucket, shift;
	__u64 v = ns;

#ifdef __clang__
#pragma clang loop unroll(full)
#endif
	for (shift = 32; shift; shift >>= 1)
		if (v >> shift) {
			v >>= shift;
			octave += shift;
		}
	if (octave < 3)
		return ns & 7;
	bucket = (octave - 2) * 8 + (ns >> (octave - 3) & 7);
	return bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1;
}

#endif /* XNTS_LOAD_H */
