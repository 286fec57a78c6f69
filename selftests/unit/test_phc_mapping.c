/* SPDX-License-Identifier: GPL-2.0 */
/* PHC to CLOCK_TAI, with synthetic clocks: every stamp within 20 ns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "phc_mapping.h"

#define SEC 1000000000LL
#define TAI0 1800000037LL * SEC
#define UTC (-37 * SEC)

/* A PHC that showed TAI + offset at TAI0 and since gains `ppb` on CLOCK_TAI. */
struct phc {
	int64_t offset;
	double ppb;
};

static uint64_t phc_at(const struct phc *c, uint64_t tai)
{
	int64_t since = tai - (TAI0);

	return tai + c->offset + (int64_t)(since * (c->ppb / 1e9));
}

/* What bpf/stamp.h makes of a stamp. */
static uint64_t to_tai(const struct xnts_phc *phc, uint64_t stamp)
{
	int64_t d = stamp - phc->phc;

	return phc->tai + d + (d * phc->rate >> XNTS_PHC_SHIFT);
}

/* The bracket is `width` wide and the PHC was read `at` into it. */
static struct phc_sample sample(const struct phc *c, uint64_t tai, uint64_t width, uint64_t at)
{
	return (struct phc_sample){ .before = tai, .after = tai + width, .phc = phc_at(c, tai + at) };
}

/* A refresh: bad readings, as interrupts make them, around a tight one that is `skew` ns off. */
static void refresh(struct phc_mapping *m, const struct phc *c, uint64_t tai, int skew)
{
	struct phc_sample burst[] = {
		sample(c, tai, 90000, 80000),
		sample(c, tai + 100000, 700, 350 + skew),
		sample(c, tai + 101000, 4000, 100),
	};

	phc_mapping_add(m, phc_tightest(burst, 3));
}

static void assert_maps(const struct phc_mapping *m, const struct phc *c, uint64_t tai)
{
	struct xnts_phc phc = { 0 };

	assert_true(phc_mapping_get(m, &phc));
	assert_int_equal(phc.valid, 10 * SEC);
	for (int ms = -2000; ms <= 2000; ms += 100) {
		uint64_t t = tai + ms * 1000000LL;
		int64_t error = to_tai(&phc, phc_at(c, t)) - t;

		if (llabs(error) > 20)
			fail_msg("%d ns off at %d ms", (int)error, ms);
	}
}

static void assert_clock(struct phc c)
{
	struct phc_mapping m = { .count = 0 };

	for (int s = 0; s < 30; s++) {
		/* Scheduled now and then, with a little noise. */
		uint64_t tai = TAI0 + s * SEC + s % 7 * 31000000;

		refresh(&m, &c, tai, s % 3 * 6 - 6);
		if (s >= 1 && c.ppb == 0)
			assert_maps(&m, &c, tai);
		if (s >= 3)
			assert_maps(&m, &c, tai);
	}
}

static void any_offset_and_rate(void **state)
{
	static const int64_t offsets[] = {
		0,                    /* TAI */
		UTC,
		-(TAI0),              /* since it was switched on */
		-(TAI0) - 5 * SEC,    /* negative, passing zero */
		INT64_MAX - TAI0 - SEC, /* past the sign */
		123456789,
	};
	static const double ppb[] = { 0, 12.5, 100e3, -100e3, 500e3, -900e3 };

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		for (size_t j = 0; j < sizeof(ppb) / sizeof(ppb[0]); j++)
			assert_clock((struct phc){ offsets[i], ppb[j] });
}

static void one_sample_is_no_mapping(void **state)
{
	struct phc_mapping m = { .count = 0 };
	struct phc c = { 0, 0 };
	struct xnts_phc phc = { .valid = 1 };

	(void)state;
	refresh(&m, &c, TAI0, 0);
	assert_false(phc_mapping_get(&m, &phc));
	assert_int_equal(phc.valid, 0);
}

/* After a jump of either clock, nothing is claimed until two samples agree again. */
static void assert_jump(struct phc from, struct phc to)
{
	struct phc_mapping m = { .count = 0 };
	struct xnts_phc phc;

	for (int s = 0; s < 12; s++)
		refresh(&m, &from, TAI0 + s * SEC, 0);
	assert_maps(&m, &from, TAI0 + 11 * SEC);
	refresh(&m, &to, TAI0 + 12 * SEC, 0);
	assert_false(phc_mapping_get(&m, &phc));
	for (int s = 13; s < 16; s++)
		refresh(&m, &to, TAI0 + s * SEC, 0);
	assert_maps(&m, &to, TAI0 + 15 * SEC);
}

static void jumps_begin_anew(void **state)
{
	(void)state;
	assert_jump((struct phc){ 0, 0 }, (struct phc){ 10 * SEC, 0 });
	assert_jump((struct phc){ 0, 0 }, (struct phc){ -10 * SEC, 0 });
	assert_jump((struct phc){ 0, 0 }, (struct phc){ UTC, 0 });
	assert_jump((struct phc){ UTC, 0 }, (struct phc){ UTC - SEC, 0 }); /* a leap second */
	assert_jump((struct phc){ 0, 100e3 }, (struct phc){ 5000, 100e3 });
	assert_jump((struct phc){ 0, 100e3 }, (struct phc){ 0, -100e3 });
	assert_jump((struct phc){ 0, 0 }, (struct phc){ -(TAI0), 20e3 });
}

/* ptp4l steers by a few ppb: no jump, and followed. */
static void small_steering_is_followed(void **state)
{
	struct phc_mapping m = { .count = 0 };
	struct phc c = { 0, 0 };

	(void)state;
	for (int s = 0; s < 60; s++) {
		refresh(&m, &c, TAI0 + s * SEC, 0);
		if (s > 1)
			assert_maps(&m, &c, TAI0 + s * SEC);
		c.offset += s % 2 ? 4 : -4;
	}
}

/* On a busy machine no reading of a refresh may be tight. */
static void wide_samples_hardly_count(void **state)
{
	struct phc_mapping m = { .count = 0 };
	struct phc c = { UTC, 100e3 };

	(void)state;
	for (int s = 0; s < 40; s++) {
		struct phc_sample wide = sample(&c, TAI0 + s * SEC, 40000, 1000);

		if (s % 5 == 4)
			phc_mapping_add(&m, &wide);
		else
			refresh(&m, &c, TAI0 + s * SEC, 0);
		if (s > 5)
			assert_maps(&m, &c, TAI0 + s * SEC);
	}
}

static void a_gap_begins_anew(void **state)
{
	struct phc_mapping m = { .count = 0 };
	struct phc c = { 0, 50e3 };

	(void)state;
	for (int s = 0; s < 5; s++)
		refresh(&m, &c, TAI0 + s * SEC, 0);
	refresh(&m, &c, TAI0 + 60 * SEC, 0);
	assert_int_equal(m.count, 1);
}

static void a_mad_rate_is_refused(void **state)
{
	struct phc_mapping m = { .count = 0 };
	struct phc c = { 0, 1.1e6 };
	struct xnts_phc phc;

	(void)state;
	for (int s = 0; s < 8; s++) {
		refresh(&m, &c, TAI0 + s * SEC, 0);
		assert_false(phc_mapping_get(&m, &phc));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_offset_and_rate),
		cmocka_unit_test(one_sample_is_no_mapping),
		cmocka_unit_test(jumps_begin_anew),
		cmocka_unit_test(small_steering_is_followed),
		cmocka_unit_test(wide_samples_hardly_count),
		cmocka_unit_test(a_gap_begins_anew),
		cmocka_unit_test(a_mad_rate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
