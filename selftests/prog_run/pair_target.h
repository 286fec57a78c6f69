/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Both builds on the same packet: same verdict, same size, same bytes but for what
 * time and chance make differ.  The outcome handed on is the BPF object's.
 */
#ifndef XNTS_TEST_PAIR_TARGET_H
#define XNTS_TEST_PAIR_TARGET_H

#include "../host_target.h"
#include "bpf_target.h"
#include "../check.h"

static inline void pair_load(const struct world *w)
{
	host_load(w);
	bpf_load(w);
}

/* Blanks stamps, the dispersion that ages, and nonce, tag and ciphertext. */
static inline void blank_volatile(struct outcome *o)
{
	uint8_t *udp = o->frame + frame_udp_at(o->frame), *ntp = udp + 8;

	put16(udp + 6, 0);
	memset(ntp + 8, 0, 4);
	memset(ntp + 32, 0, 16);
	if (o->verdict == XNTS_V_nts_answered) {
		uint8_t *sealed = ntp + NTP_LEN + get16(ntp + NTP_LEN + 2) + 8;

		memset(sealed, 0, o->frame + o->len - sealed);
	}
}

static inline void assert_same(const struct outcome *a, const struct outcome *b)
{
	static struct outcome x, y;

	assert_string_equal(verdict_name(a->verdict), verdict_name(b->verdict));
	assert_int_equal(a->action, b->action);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->cookies_issued, b->cookies_issued);
	assert_int_equal(a->unsynchronised, b->unsynchronised);
	x = *a;
	y = *b;
	if (a->action == XDP_TX) {
		blank_volatile(&x);
		blank_volatile(&y);
	}
	if (a->action != XDP_DROP)
		assert_memory_equal(x.frame, y.frame, x.len);
}

static inline int pair_run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	static struct outcome host_out;
	int err = host_run(frame, len, &host_out);

	if (!err)
		err = bpf_run(frame, len, out);
	if (!err)
		assert_same(&host_out, out);
	return err;
}

static const struct target pair_target = { "both", pair_load, pair_run };

/* Runs a group of tests on the loaded object. */
static inline int bpf_target_main(const char *name, const struct CMUnitTest *tests, int count)
{
	int err = bpf_target_open();

	if (err) {
		printf("not ok load the BPF object: %s\n", strerror(-err));
		return 1;
	}
	err = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	bpf_target_close();
	return err;
}

#endif /* XNTS_TEST_PAIR_TARGET_H */
