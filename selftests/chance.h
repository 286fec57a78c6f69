/* SPDX-License-Identifier: GPL-2.0 */
/* Random test data that can be had again: SEED=N in the environment, N as printed. */
#ifndef XNTS_TEST_CHANCE_H
#define XNTS_TEST_CHANCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void chance_begin(void)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? atoi(given) : time(NULL);

	printf("# SEED=%u\n", seed);
	srandom(seed);
}

static inline uint32_t any(uint32_t below)
{
	return random() % below;
}

static inline void any_bytes(void *p, size_t len)
{
	uint8_t *byte = p;

	while (len--)
		*byte++ = random() >> 8;
}

#endif /* XNTS_TEST_CHANCE_H */
