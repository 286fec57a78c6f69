// SPDX-License-Identifier: GPL-2.0
/*
 * The XDP program: hands each packet to respond() and turns the verdict into an
 * action and a count.  The maps are described in xnts_abi.h.
 */
#include "latency.h"
#include "respond.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int verdict_action(__u32 verdict)
{
	static const __u8 action[] = {
#define X(name, xdp, meaning) XDP_##xdp,
		XNTS_VERDICTS(X)
#undef X
	};

	return verdict < XNTS_VERDICT_COUNT ? action[verdict] : XDP_ABORTED;
}

static __always_inline void count(__u32 verdict)
{
	struct xnts_counters *c = map_counters();

	if (c && verdict < XNTS_VERDICT_COUNT)
		((__u64 *)c)[verdict]++;
}

/* Multi-buffer: drivers such as virtio_net refuse other programs at a large MTU. */
SEC("xdp.frags")
int xnts_sw(struct xdp_md *md)
{
	__u64 since = xnts_latency_on ? now_mono() : 0;
	__u32 verdict = respond(md);

	/* clang-19 knows the verdicts' range and would drop the checks the verifier needs. */
	XNTS_OPAQUE(verdict);
	count(verdict);
	if (xnts_latency_on)
		latency_count(verdict, now_mono() - since);
	return verdict_action(verdict);
}
