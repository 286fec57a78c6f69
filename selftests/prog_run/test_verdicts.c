// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/* The verdict table on the BPF object, packet by packet beside the userspace build. */
#include "pair_target.h"

static struct bound_tests all;

int main(void)
{
	bind_cases(&all, &pair_target, frame_cases, CASE_COUNT(frame_cases), TINY);
	bind_cases(&all, &pair_target, ntp_cases, CASE_COUNT(ntp_cases), TINY);
	bind_cases(&all, &pair_target, nts_cases, CASE_COUNT(nts_cases), TINY);
	return bpf_target_main("verdicts", all.test, all.count);
}
