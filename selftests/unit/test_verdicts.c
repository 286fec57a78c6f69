// SPDX-License-Identifier: GPL-2.0
/* The verdict table on the userspace build. */
#include "../host_target.h"
#include "../check.h"

static struct bound_tests all;

int main(void)
{
	bind_cases(&all, &host_target, frame_cases, CASE_COUNT(frame_cases), 0);
	bind_cases(&all, &host_target, ntp_cases, CASE_COUNT(ntp_cases), 0);
	bind_cases(&all, &host_target, nts_cases, CASE_COUNT(nts_cases), 0);
	return _cmocka_run_group_tests("verdicts", all.test, all.count, NULL, NULL);
}
