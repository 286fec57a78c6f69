// SPDX-License-Identifier: GPL-2.0
/* The load generator's search (load/search.h) on responders whose limit is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../load/search.h"

static struct {
	double limit;       /* rate at which loss begins */
	double burst_limit; /* in short trials, where it is another one; 0: the same */
	double sender;      /* the generator is late above it; 0: never */
	int loses, late;    /* one in so many trials does so by accident; 0: none */
	int trials;
} model;

static enum search_verdict trial(double rate, double seconds)
{
	double limit = seconds < 1 && model.burst_limit ? model.burst_limit : model.limit;

	assert_true(++model.trials < 1000);
	if (model.sender && rate > model.sender)
		return SEARCH_LATE;
	if (model.late && model.trials % model.late == 0)
		return SEARCH_LATE;
	if (model.loses && model.trials % model.loses == 0)
		return SEARCH_LOST;
	return rate > limit ? SEARCH_LOST : SEARCH_GOOD;
}

static void finds(double guess, double wanted, enum search_verdict above)
{
	struct search_result r;

	model.trials = 0;
	r = search_rate(trial, guess, 2);
	assert_true(r.rate <= wanted);
	assert_true(r.rate * SEARCH_WIDTH * 1.001 >= wanted);
	assert_int_equal(r.above, above);
}

static void test_guesses(void **state)
{
	(void)state;
	model = (typeof(model)){ .limit = 123456 };
	for (double guess = 11; guess < 1e8; guess *= 3)
		finds(guess, model.limit, SEARCH_LOST);
	assert_true(model.trials < 100);
}

static void test_accidents(void **state)
{
	(void)state;
	for (int every = 3; every < 10; every++) {
		model = (typeof(model)){ .limit = 1500000, .loses = every };
		finds(900000, model.limit, SEARCH_LOST);
		model = (typeof(model)){ .limit = 1500000, .late = every - 1 };
		finds(2000000, model.limit, SEARCH_LOST);
	}
}

/* Queues that take a burst do not count. */
static void test_long_trials(void **state)
{
	(void)state;
	model = (typeof(model)){ .limit = 50000, .burst_limit = 80000 };
	finds(60000, model.limit, SEARCH_LOST);
	model = (typeof(model)){ .limit = 50000, .burst_limit = 30000 };
	finds(60000, model.limit, SEARCH_LOST);
}

static void test_sender(void **state)
{
	(void)state;
	model = (typeof(model)){ .limit = 1e12, .sender = 700000 };
	finds(400000, model.sender, SEARCH_LATE);
}

static void test_none(void **state)
{
	struct search_result r;

	(void)state;
	model = (typeof(model)){ .limit = 1 };
	r = search_rate(trial, 1e6, 2);
	assert_true(r.rate == 0);
	assert_int_equal(r.above, SEARCH_LOST);
	model = (typeof(model)){ .limit = 1e6, .sender = 1 };
	r = search_rate(trial, 1e6, 2);
	assert_true(r.rate == 0);
	assert_int_equal(r.above, SEARCH_LATE);
	assert_true(model.trials < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guesses),     cmocka_unit_test(test_accidents),
		cmocka_unit_test(test_long_trials), cmocka_unit_test(test_sender),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
