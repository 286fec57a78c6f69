// SPDX-License-Identifier: GPL-2.0
/* Truncations and length fields on the userspace build. */
#include "../host_target.h"
#include "../sweep_lengths.h"

int main(void)
{
	const struct CMUnitTest tests[] = { LENGTH_SWEEPS(&host_target) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
