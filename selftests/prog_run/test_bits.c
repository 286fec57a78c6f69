// SPDX-License-Identifier: GPL-2.0
/* Flipped bits, first bytes, field types, source ports on the BPF object, beside the userspace build. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_bits.h"

int main(void)
{
	const struct CMUnitTest tests[] = { BIT_SWEEPS(&pair_target) };

	return bpf_target_main("bits", tests, CASE_COUNT(tests));
}
