// SPDX-License-Identifier: GPL-2.0
/* Flipped bits, first bytes, field types, source ports on the userspace build. */
#include "../host_target.h"
#include "../sweep_bits.h"

/* With time standing still all checksums come by, and one of them is 0. */
static void every_checksum(void **state)
{
	host.tai = clock_ns(CLOCK_TAI);
	every_source_port(state);
	host.tai = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BIT_SWEEPS(&host_target),
		SWEEP(every_checksum, &host_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
