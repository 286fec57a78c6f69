/* SPDX-License-Identifier: GPL-2.0 */
/* A key ratchet's state as its file holds it, for cmocka tests (include cmocka.h first). */
#ifndef XNTS_TEST_KEYS_SAMPLE_H
#define XNTS_TEST_KEYS_SAMPLE_H

#include "keys_state.h"

/* Written by a Python script that follows keys_state.h alone. */
static const char sample[] =
	"xnts keys 1\n"
	"clock 1795456800\n"
	"generation 2 length 86400 origin 1795456800 epoch 0 chain "
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	"generation 1 length 86400 origin 1793404800 epoch 15 chain "
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"
	"sha256 0aec5f6e0bd91ee7f901b435c07ed7add44b14e84fb9a1775065d707c74b2264\n";
#define SAMPLE_LEN (sizeof(sample) - 1)

static inline void expect_wiped(const struct keys_state *s)
{
	static const struct keys_state zero;

	assert_memory_equal(s, &zero, sizeof(zero));
}

#endif /* XNTS_TEST_KEYS_SAMPLE_H */
