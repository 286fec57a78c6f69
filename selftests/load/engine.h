/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How requests get onto the wire and answers off it: live frames by BPF (engine_xdp.c)
 * or sockets (engine_udp.c).
 */
#ifndef XNTS_LOAD_ENGINE_H
#define XNTS_LOAD_ENGINE_H

#include "load.h"
#include "options.h"

/* Takes an answer: an NTP header and what follows it. */
typedef void (*load_verify)(const uint8_t *ntp, uint32_t len);

struct engine {
	/* Makes all requests and is ready to send; exits with a message when it cannot. */
	void (*open)(const struct options *o);
	/* Sends `n` more requests; returns 0 or -errno.  -EINTR: not all of them. */
	int (*fire)(uint32_t n);
	/* For some milliseconds sends at this rate a second, 0: at any, while fewer than `window`, 0: any
	 * number, have no answer.  `anew`: what is late from before is not made up for.  Returns like
	 * fire().  NULL: cannot. */
	int (*pace)(double rate, uint64_t window, bool anew);
	/* Takes what answers wait, those to be verified to `verify`; counts since open(). */
	void (*poll)(struct load_counts *counts, load_verify verify);
	/* Response times since open(), LOAD_BUCKETS of them. */
	const uint64_t *(*times)(void);
	/* What became of each of the requests. */
	const struct load_slot *(*slots)(void);
	void (*close)(void);
};

extern const struct engine engine_xdp, engine_udp;

#endif /* XNTS_LOAD_ENGINE_H */
