/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_rate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKET_BITS 15 /* 256 kB */

int ke_rate_init(struct ke_rate *limit, uint32_t rate, uint32_t burst)
{
	*limit = (struct ke_rate){ 0 };
	if (!rate)
		return 0;
	limit->interval = 1000000 / rate;
	limit->burst = limit->interval * burst;
	limit->full_at = calloc(1 << BUCKET_BITS, sizeof(*limit->full_at));
	if (!limit->full_at ||
	    getrandom(&limit->hash_key, sizeof(limit->hash_key), 0) != sizeof(limit->hash_key)) {
		ke_rate_free(limit);
		return -ENOMEM;
	}
	limit->hash_key |= 1;
	return 0;
}

void ke_rate_free(struct ke_rate *limit)
{
	free(limit->full_at);
	*limit = (struct ke_rate){ 0 };
}

bool ke_rate_take(struct ke_rate *limit, uint64_t prefix, int64_t now)
{
	int64_t *full_at, after;

	if (!limit->interval)
		return true;
	now *= 1000;
	full_at = &limit->full_at[(prefix * limit->hash_key) >> (64 - BUCKET_BITS)];
	after = (*full_at > now ? *full_at : now) + limit->interval;
	if (after - now > limit->burst)
		return false;
	*full_at = after;
	return true;
}
