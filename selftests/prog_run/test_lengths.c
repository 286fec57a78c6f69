// SPDX-License-Identifier: GPL-2.0
/* Truncations and length fields on the BPF object, beside the userspace build. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_lengths.h"

int main(void)
{
	const struct CMUnitTest tests[] = { LENGTH_SWEEPS(&pair_target) };

	return bpf_target_main("lengths", tests, CASE_COUNT(tests));
}
