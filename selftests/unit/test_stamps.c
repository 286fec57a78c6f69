// SPDX-License-Identifier: GPL-2.0
/* A NIC's receive stamps on the userspace build. */
#include "../host_target.h"
#include "../sweep_stamps.h"

int main(void)
{
	const struct CMUnitTest tests[] = { STAMP_SWEEPS(&host_target) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
