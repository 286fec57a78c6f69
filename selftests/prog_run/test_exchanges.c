// SPDX-License-Identifier: GPL-2.0
/* NTS exchanges of the BPF object against OpenSSL, and what they leave in its memory. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_exchanges.h"

/* The scratch memory of every CPU; the caller frees it. */
static struct xnts_scratch *read_scratch(void)
{
	struct xnts_scratch *all = calloc(bpf.cpus, sizeof(*all));
	__u32 zero = 0;

	assert_non_null(all);
	bpf_must(bpf_map_lookup_elem(bpf_map__fd(bpf.skel->maps.xnts_scratch), &zero, all));
	return all;
}

static bool scratch_holds(const struct xnts_scratch *all, const void *secret, size_t len)
{
	return memmem(all, bpf.cpus * sizeof(*all), secret, len);
}

/* Neither an answer nor a NAK leaves a client's key, or a state made of it, behind. */
static void keys_are_wiped(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 2);
	struct xnts_siv_key c2s, s2c;
	int tag_changed;

	siv_key_init(&c2s, s->client.c2s);
	siv_key_init(&s2c, s->client.s2c);
	for (tag_changed = 0; tag_changed < 2; tag_changed++) {
		struct xnts_scratch *all;

		s->packet.payload[s->packet.payload_len - 1] ^= tag_changed;
		sweep_packet(s);
		assert_verdict(&s->run, tag_changed ? XNTS_V_nak_bad_tag : XNTS_V_nts_answered);
		all = read_scratch();
		assert_true(scratch_holds(all, s->client.uid, CLIENT_UID_LEN));
		assert_false(scratch_holds(all, s->client.c2s, 16));
		assert_false(scratch_holds(all, s->client.c2s + 16, 16));
		assert_false(scratch_holds(all, s->client.s2c, 16));
		assert_false(scratch_holds(all, s->client.s2c + 16, 16));
		assert_false(scratch_holds(all, c2s.mac.rk, 64));
		assert_false(scratch_holds(all, s2c.ctr.rk, 64));
		assert_false(scratch_holds(all, c2s.k1, 16));
		assert_false(scratch_holds(all, s2c.zero, 16));
		free(all);
	}
}

static void set_busy(__u32 busy)
{
	struct xnts_scratch *all = read_scratch();
	int cpu;

	for (cpu = 0; cpu < bpf.cpus; cpu++)
		all[cpu].busy = busy;
	bpf_must(bpf_put(bpf.skel->maps.xnts_scratch, 0, all));
	free(all);
	host.scratch.busy = busy;
}

/* The program was re-entered on this CPU. */
static void scratch_in_use(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);

	set_busy(1);
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_drop_busy);
	set_busy(0);
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nts_answered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_SWEEPS(&pair_target),
		SWEEP(nak_rate, &bpf_target), /* a second may end between the two of a pair */
		SWEEP(keys_are_wiped, &pair_target),
		SWEEP(scratch_in_use, &pair_target),
	};

	return bpf_target_main("exchanges", tests, CASE_COUNT(tests));
}
