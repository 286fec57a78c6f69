// SPDX-License-Identifier: GPL-2.0
/* Lists and limits on the BPF object. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_limits.h"

int main(void)
{
	const struct CMUnitTest tests[] = { LIMIT_SWEEPS(&bpf_target) };

	return bpf_target_main("limits", tests, CASE_COUNT(tests));
}
