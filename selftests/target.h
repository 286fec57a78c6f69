/* SPDX-License-Identifier: GPL-2.0 */
/* What a case is run on: the userspace build (host_target.h) or the BPF object (bpf_target.h). */
#ifndef XNTS_TEST_TARGET_H
#define XNTS_TEST_TARGET_H

#include <linux/bpf.h>

#include "world.h"

#define FRAME_MAX 2048

struct outcome {
	int action;  /* enum xdp_action */
	int verdict; /* enum xnts_verdict */
	uint32_t len;
	uint8_t frame[FRAME_MAX];
	uint64_t cookies_issued; /* as counted */
	uint64_t unsynchronised;
	uint64_t hardware_stamps;
	uint64_t refused_stamps;
};

struct target {
	const char *name;
	void (*load)(const struct world *);
	int (*run)(const uint8_t *frame, uint32_t len, struct outcome *); /* 0 or -errno */
};

static inline int target_action(int verdict)
{
	static const int action[] = {
#define X(name, xdp, meaning) XDP_##xdp,
		XNTS_VERDICTS(X)
#undef X
	};

	return verdict >= 0 && verdict < XNTS_VERDICT_COUNT ? action[verdict] : XDP_ABORTED;
}

static inline const char *verdict_name(int verdict)
{
	static const char *const name[] = {
#define X(name, action, meaning) #name,
		XNTS_VERDICTS(X)
#undef X
	};

	return verdict >= 0 && verdict < XNTS_VERDICT_COUNT ? name[verdict] : "no verdict";
}

#endif /* XNTS_TEST_TARGET_H */
