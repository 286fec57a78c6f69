// SPDX-License-Identifier: GPL-2.0
/* Which histogram and which bucket an answer's time goes to. */
#include "../host_target.h"
#include "../check.h"
#include "latency.h"

/* A bound belongs to the bucket below it. */
static void buckets(void **state)
{
	__u32 i;

	(void)state;
	assert_int_equal(latency_bucket(0), 0);
	for (i = 0; i < XNTS_LATENCY_BUCKETS - 1; i++) {
		assert_int_equal(latency_bucket(XNTS_LATENCY_BOUND(i)), i);
		assert_int_equal(latency_bucket(XNTS_LATENCY_BOUND(i) + 1), i + 1);
	}
	assert_int_equal(latency_bucket(~0ULL), XNTS_LATENCY_BUCKETS - 1);
}

static __u64 times(const struct xnts_histogram *h)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < XNTS_LATENCY_BUCKETS; i++)
		sum += h->bucket[i];
	return sum;
}

/* Every answer is counted once, under its kind; what is passed or dropped is not. */
static void every_answer_once(void **state)
{
	const struct xnts_latency *l = &host.latency;
	__u64 answers = 0;
	int v;

	(void)state;
	for (v = 0; v < XNTS_VERDICT_COUNT; v++) {
		latency_count(v, 1000);
		answers += target_action(v) == XDP_TX;
		assert_int_equal(times(&l->plain) + times(&l->nts) + times(&l->nak), answers);
	}
	assert_int_equal(times(&l->nts), 1);
	assert_int_equal(times(&l->nak), 3);
	assert_int_equal(l->plain.sum, 1000 * times(&l->plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets),
		cmocka_unit_test(every_answer_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
