// SPDX-License-Identifier: GPL-2.0
/* Packets of real clients on the userspace build. */
#include "../host_target.h"
#include "../sweep_captures.h"

int main(void)
{
	const struct CMUnitTest tests[] = { SWEEP(captured_packets, &host_target) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
