/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handshakes a second of a source prefix, with a burst: a leaky bucket a prefix, in a table of
 * fixed size that a secret hash spreads prefixes over.  Two prefixes that meet in a bucket share
 * its allowance; nobody can arrange to meet another.
 */
#ifndef XNTS_KE_RATE_H
#define XNTS_KE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct ke_rate {
	int64_t *full_at;  /* of each bucket, us: when its whole burst is there again */
	uint64_t hash_key; /* odd and secret */
	int64_t interval;  /* us, of one handshake; 0: no limit */
	int64_t burst;     /* us */
};

/* `rate` handshakes a second, 0 for no limit; `burst` at least 1.  0 or -ENOMEM. */
int ke_rate_init(struct ke_rate *limit, uint32_t rate, uint32_t burst);
void ke_rate_free(struct ke_rate *limit);

/* Takes one handshake out of a prefix's allowance at `now` (ms); false: there is none left. */
bool ke_rate_take(struct ke_rate *limit, uint64_t prefix, int64_t now);

#endif /* XNTS_KE_RATE_H */
