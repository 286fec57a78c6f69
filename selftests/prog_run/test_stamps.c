// SPDX-License-Identifier: GPL-2.0
/* A NIC's receive stamps on the BPF object, through its entry that is fed with them. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_stamps.h"

int main(void)
{
	const struct CMUnitTest tests[] = { STAMP_SWEEPS(&bpf_target) };

	return bpf_target_main("stamps", tests, CASE_COUNT(tests));
}
