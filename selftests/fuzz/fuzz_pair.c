// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF object beside the userspace build: what packets.h makes of an input goes through
 * both, which must agree (pair_target.h).  Needs root.  Ends after FUZZ_PACKETS packets, if
 * the environment says so, and says at the end what became of them.
 */
#define _GNU_SOURCE
#include "../prog_run/pair_target.h"

static struct {
	unsigned long limit, packets, verdict[XNTS_VERDICT_COUNT];
} done;

static void report(void)
{
	fprintf(stderr, "%lu packets, the same in both builds:\n", done.packets);
	for (int v = 0; v < XNTS_VERDICT_COUNT; v++)
		if (done.verdict[v])
			fprintf(stderr, "%10lu %s\n", done.verdict[v], verdict_name(v));
}

static int counted_run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	int err;

	/* The kernel runs nothing that is shorter than an Ethernet header. */
	if (len < 14)
		return host_run(frame, len, out);
	err = pair_run(frame, len, out);
	if (err)
		return err;
	done.verdict[out->verdict]++;
	if (++done.packets == done.limit) {
		report();
		_exit(0); /* exit() is a finding to libFuzzer */
	}
	return 0;
}

static const struct target fuzz_target = { "both", pair_load, counted_run };

#include "packets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *limit = getenv("FUZZ_PACKETS");
	int err;

	(void)argc;
	(void)argv;
	if (limit)
		done.limit = strtoul(limit, NULL, 10);
	setenv("CMOCKA_TEST_ABORT", "1", 1); /* so that libFuzzer keeps the input */
	err = bpf_target_open();
	if (err) {
		fprintf(stderr, "load the BPF object: %s\n", strerror(-err));
		exit(1);
	}
	atexit(report);
	return 0;
}
