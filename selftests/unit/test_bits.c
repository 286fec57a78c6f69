// SPDX-License-Identifier: GPL-2.0
/* Flipped bits, first bytes, field types, source ports on the userspace build. */
#include "../host_target.h"
#include "../sweep_bits.h"

int main(void)
{
	const struct CMUnitTest tests[] = { BIT_SWEEPS(&host_target) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
