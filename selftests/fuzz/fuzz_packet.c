// SPDX-License-Identifier: GPL-2.0
/* The userspace build.  Its clock is the harness's, so that a finding is found again. */
#include "../host_target.h"

static void still_load(const struct world *w)
{
	struct world fixed = *w;
	struct xnts_clock_state *clock = &fixed.clock.slot[w->clock.current & 1];

	clock->tai = 1764300000 * SECOND;
	clock->mono = fixed.key_state.mono = 1000 * SECOND;
	host_load(&fixed);
	host.tai = clock->tai;
	host.mono = clock->mono;
}

static int ticking_run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	host.tai += SECOND / 1000;
	host.mono += SECOND / 1000;
	return host_run(frame, len, out);
}

static const struct target fuzz_target = { "userspace", still_load, ticking_run };

#include "packets.h"
