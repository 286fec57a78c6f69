// SPDX-License-Identifier: GPL-2.0
/*
 * The XDP program: hands each packet to respond() and turns the verdict into an
 * action and a count.  The maps are described in xnts_abi.h.
 *
 * One program with several entries, which differ in where the NIC's receive stamp comes
 * from.  xnts_sw loads unless told otherwise, the others (`?`) when asked for.
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

static __always_inline int serve(struct xdp_md *md, const __u64 *nic)
{
	__u64 since = xnts_latency_on ? now_mono() : 0;
	__u32 verdict = respond(md, nic);

	/* clang-19 knows the verdicts' range and would drop the checks the verifier needs. */
	XNTS_OPAQUE(verdict);
	count(verdict);
	if (xnts_latency_on)
		latency_count(verdict, now_mono() - since);
	return verdict_action(verdict);
}

#ifndef XNTS_PADDED

/* Multi-buffer: drivers such as virtio_net refuse other programs at a large MTU. */
SEC("xdp.frags")
int xnts_sw(struct xdp_md *md)
{
	return serve(md, NULL);
}

/*
 * A bound program is on a list of its device.  Kernels up to 6.18 (at least) do not correct that list when
 * the verifier, patching the program, moves it to larger memory, and crash when the
 * device goes away.  These instructions are dead and dropped first, so that what is then added
 * finds room.  The loader checks that it did (hw_program.c).
 */
static const volatile __u32 never;

static __always_inline void leave_room(void)
{
	if (never)
		asm volatile(".rept 1024\n\tr0 = 0\n\t.endr" ::: "r0");
}

/* Bound to a device whose driver hands out the NIC's stamp. */
SEC("?xdp.frags")
int xnts_hw(struct xdp_md *md)
{
	__u64 stamp = 0;
	bool stamped;

	leave_room();
	stamped = bpf_xdp_metadata_rx_timestamp && !bpf_xdp_metadata_rx_timestamp(md, &stamp);
	return serve(md, stamped ? &stamp : NULL);
}

/* For tests: the stamp is in front of the frame, as metadata of 8 bytes. */
SEC("?xdp.frags")
int xnts_fed(struct xdp_md *md)
{
	const __u64 *meta = (void *)(long)md->data_meta;
	__u64 stamp = 0;
	bool stamped = (void *)(meta + 1) <= (void *)(long)md->data;

	if (stamped)
		stamp = *meta;
	return serve(md, stamped ? &stamp : NULL);
}

#endif /* XNTS_PADDED */
