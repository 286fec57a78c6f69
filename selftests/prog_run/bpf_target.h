/* SPDX-License-Identifier: GPL-2.0 */
/* Runs the real BPF object by BPF_PROG_TEST_RUN, its maps filled directly. */
#ifndef XNTS_TEST_BPF_TARGET_H
#define XNTS_TEST_BPF_TARGET_H

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/random.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "siv.h"
#include "../target.h"
#include "xnts.skel.h"

static struct {
	struct xnts_bpf *skel;
	int program, fed; /* fed with the NIC's stamps */
	int cpus;
	bool latency;                   /* load it so that it keeps histograms */
	struct xnts_counters *counters; /* one a CPU */
	struct world loaded;            /* addresses in the tries */
} bpf;

static inline int bpf_put(struct bpf_map *map, __u32 key, const void *value)
{
	return bpf_map_update_elem(bpf_map__fd(map), &key, value, BPF_ANY);
}

/* A random nonce key, as the loader makes one at each load. */
static inline int bpf_set_nonce_key(void)
{
	struct xnts_aes_key nonce_key;
	uint8_t key[16];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	aes_expand_key(&nonce_key, key);
	return bpf_put(bpf.skel->maps.xnts_nonce_key, 0, &nonce_key);
}

/* The object that is built in, or the file $XNTS_OBJECT. */
static inline struct xnts_bpf *bpf_target_skel(void)
{
	static char object[1 << 20];
	const char *path = getenv("XNTS_OBJECT");
	struct xnts_bpf *skel;
	FILE *f;

	if (!path)
		return xnts_bpf__open();
	skel = calloc(1, sizeof(*skel));
	f = fopen(path, "rb");
	if (!skel || !f || xnts_bpf__create_skeleton(skel))
		return NULL;
	skel->skeleton->data = object;
	skel->skeleton->data_sz = fread(object, 1, sizeof(object), f);
	fclose(f);
	return bpf_object__open_skeleton(skel->skeleton, NULL) ? NULL : skel;
}

/* Loads the object; 0 or -errno. Per-CPU memory is one CPU's: the tests stay on one. */
static inline int bpf_target_open(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return -errno;
	bpf.cpus = libbpf_num_possible_cpus();
	bpf.counters = calloc(bpf.cpus, sizeof(*bpf.counters));
	bpf.skel = bpf_target_skel();
	if (!bpf.counters || !bpf.skel)
		return -errno;
	bpf.skel->rodata->xnts_latency_on = bpf.latency;
	bpf_program__set_autoload(bpf.skel->progs.xnts_fed, true);
	if (xnts_bpf__load(bpf.skel))
		return -errno;
	bpf.program = bpf_program__fd(bpf.skel->progs.xnts_sw);
	bpf.fed = bpf_program__fd(bpf.skel->progs.xnts_fed);
	return bpf_set_nonce_key();
}

static inline void bpf_target_close(void)
{
	xnts_bpf__destroy(bpf.skel);
	free(bpf.counters);
}

/* A map that cannot be filled leaves nothing to test. */
static inline void bpf_must(int err)
{
	if (err) {
		fprintf(stderr, "bpf map: %s\n", strerror(errno));
		abort();
	}
}

static inline void bpf_set_trie(struct bpf_map *map, const void *old, const void *new, __u32 value)
{
	const struct xnts_lpm4 *was = old, *now = new; /* both kinds begin with prefixlen */

	if (was->prefixlen)
		bpf_map_delete_elem(bpf_map__fd(map), old);
	if (now->prefixlen)
		bpf_must(bpf_map_update_elem(bpf_map__fd(map), new, &value, BPF_ANY));
}

static inline void bpf_load(const struct world *w)
{
	__u32 i;

	bpf_must(bpf_put(bpf.skel->maps.xnts_switch, 0, &w->switch_word));
	bpf_must(bpf_put(bpf.skel->maps.xnts_config, 0, &w->config));
	bpf_must(bpf_put(bpf.skel->maps.xnts_clock, 0, &w->clock));
	bpf_must(bpf_put(bpf.skel->maps.xnts_key_state, 0, &w->key_state));
	bpf_must(bpf_put(bpf.skel->maps.xnts_phc, WORLD_IFINDEX, &w->phc));
	for (i = 0; i < XNTS_KEY_SLOTS; i++)
		if (memcmp(&w->keys[i], &bpf.loaded.keys[i], sizeof(w->keys[i])))
			bpf_must(bpf_put(bpf.skel->maps.xnts_keys, i, &w->keys[i]));
	for (i = 0; i < WORLD_LOCALS; i++) {
		bpf_set_trie(bpf.skel->maps.xnts_local4, &bpf.loaded.local4[i], &w->local4[i], 1);
		bpf_set_trie(bpf.skel->maps.xnts_local6, &bpf.loaded.local6[i], &w->local6[i], 1);
	}
	for (i = 0; i < WORLD_LISTED; i++) {
		bpf_set_trie(bpf.skel->maps.xnts_lists4, &bpf.loaded.listed4[i], &w->listed4[i],
			     w->list[i]);
		bpf_set_trie(bpf.skel->maps.xnts_lists6, &bpf.loaded.listed6[i], &w->listed6[i],
			     w->list[i]);
	}
	bpf.loaded = *w;
}

static inline struct xnts_counters bpf_sum_counters(void)
{
	struct xnts_counters sum = { 0 };
	__u32 zero = 0;
	size_t i;
	int cpu;

	bpf_must(bpf_map_lookup_elem(bpf_map__fd(bpf.skel->maps.xnts_counters), &zero, bpf.counters));
	for (cpu = 0; cpu < bpf.cpus; cpu++)
		for (i = 0; i < XNTS_COUNTERS; i++)
			((__u64 *)&sum)[i] += ((__u64 *)&bpf.counters[cpu])[i];
	return sum;
}

/* The one verdict that was counted, or -EPROTO: none, several, one twice, or stamps that
 * do not agree with it. */
static inline int bpf_counted_verdict(const struct xnts_counters *sum)
{
	const __u64 *count = (const __u64 *)sum;
	int v, verdict = -EPROTO;

	for (v = 0; v < XNTS_VERDICT_COUNT; v++) {
		if (!count[v])
			continue;
		if (verdict >= 0 || count[v] != 1)
			return -EPROTO;
		verdict = v;
	}
	if (sum->software_stamps + sum->hardware_stamps != (target_action(verdict) == XDP_TX) ||
	    sum->refused_stamps > sum->software_stamps)
		return -EPROTO;
	return verdict;
}

/* Runs the entry that takes a stamp in front of the frame, and takes it off again. */
static inline int bpf_run_fed(const uint8_t *frame, uint32_t len, struct bpf_test_run_opts *run)
{
	static uint8_t memory[sizeof(__u64) + FRAME_MAX];
	struct xdp_md md = { .data = sizeof(__u64), .data_end = sizeof(__u64) + len };
	void *out = run->data_out;

	memcpy(memory, &bpf.loaded.stamp, sizeof(__u64));
	memcpy(memory + sizeof(__u64), frame, len);
	run->data_in = run->data_out = memory;
	run->data_size_in = md.data_end;
	run->data_size_out = sizeof(memory);
	run->ctx_in = &md;
	run->ctx_size_in = sizeof(md);
	if (bpf_prog_test_run_opts(bpf.fed, run))
		return -errno;
	run->data_size_out -= sizeof(__u64);
	memcpy(out, memory + sizeof(__u64), run->data_size_out);
	return 0;
}

static inline int bpf_run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = len,
		    .data_out = out->frame, .data_size_out = sizeof(out->frame), .repeat = 1);
	struct xnts_counters sum;

	memset(bpf.counters, 0, bpf.cpus * sizeof(*bpf.counters));
	bpf_must(bpf_put(bpf.skel->maps.xnts_counters, 0, bpf.counters));
	if (bpf.loaded.stamped ? bpf_run_fed(frame, len, &run) :
				 bpf_prog_test_run_opts(bpf.program, &run))
		return -errno;
	sum = bpf_sum_counters();
	out->action = run.retval;
	out->verdict = bpf_counted_verdict(&sum);
	out->len = run.data_size_out;
	out->cookies_issued = sum.cookies_issued;
	out->unsynchronised = sum.unsynchronised;
	out->hardware_stamps = sum.hardware_stamps;
	out->refused_stamps = sum.refused_stamps;
	return out->verdict < 0 ? out->verdict : 0;
}

static const struct target bpf_target = { "BPF", bpf_load, bpf_run };

#endif /* XNTS_TEST_BPF_TARGET_H */
