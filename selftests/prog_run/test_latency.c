// SPDX-License-Identifier: GPL-2.0
/* The latency histograms of the BPF object, kept when asked for and not otherwise. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep.h"
#include "histogram.h"

static struct xnts_latency read_latency(void)
{
	struct xnts_latency *cpu = calloc(bpf.cpus, sizeof(*cpu)), sum;
	__u32 zero = 0;

	assert_non_null(cpu);
	bpf_must(bpf_map_lookup_elem(bpf_map__fd(bpf.skel->maps.xnts_latency), &zero, cpu));
	latency_sum(cpu, bpf.cpus, &sum);
	free(cpu);
	return sum;
}

static void assert_grown(const struct xnts_latency *before, int plain, int nts, int nak)
{
	const int grown[LATENCY_KINDS] = { plain, nts, nak };
	struct xnts_latency now = read_latency();

	for (int i = 0; i < LATENCY_KINDS; i++) {
		struct xnts_histogram since;

		histogram_since(latency_kind(&now, i), latency_kind(before, i), &since);
		assert_int_equal(histogram_count(&since), grown[i]);
		assert_int_equal(since.sum > 0, grown[i] > 0);
	}
}

static void plain_is_timed(void **state)
{
	struct xnts_latency before = read_latency();
	struct sweep *s = sweep_start(state, 4);

	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_plain_answered);
	sweep_packet(s);
	assert_grown(&before, 2, 0, 0);
}

static void nts_is_timed(void **state)
{
	struct xnts_latency before = read_latency();
	struct sweep *s = sweep_start_nts(state, 6, 1);

	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nts_answered);
	assert_grown(&before, 0, 1, 0);
	s->packet.payload[s->packet.payload_len - 1] ^= 1;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nak_bad_tag);
	assert_grown(&before, 0, 1, 1);
}

/* What is not answered takes no part. */
static void drops_are_not_timed(void **state)
{
	struct xnts_latency before = read_latency();
	struct sweep *s = sweep_start(state, 4);

	s->packet.payload[0] = 4 << 3 | 5; /* mode 5 */
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_drop_mode);
	assert_grown(&before, 0, 0, 0);
}

static void off_measures_nothing(void **state)
{
	struct sweep *s;
	struct xnts_latency now;

	bpf_target_close();
	bpf.latency = false;
	memset(&bpf.loaded, 0, sizeof(bpf.loaded));
	bpf_must(bpf_target_open());
	s = sweep_start_nts(state, 4, 0);
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nts_answered);
	now = read_latency();
	assert_false(latency_any(&now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEP(plain_is_timed, &bpf_target),
		SWEEP(nts_is_timed, &bpf_target),
		SWEEP(drops_are_not_timed, &bpf_target),
		SWEEP(off_measures_nothing, &bpf_target),
	};

	bpf.latency = true;
	return bpf_target_main("latency", tests, CASE_COUNT(tests));
}
