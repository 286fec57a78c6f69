// SPDX-License-Identifier: GPL-2.0
/*
 * The program as one of several behind libxdp's dispatcher, which replaces functions of its own
 * by programs (freplace).  Kernels since 6.12 let a function be replaced by one that may move
 * packet data only if it may itself, which the dispatcher's up to libxdp 1.5 may not; so this
 * one has no bpf_xdp_adjust_tail(), and what an answer is shorter stays behind it as padding.
 */
#define XNTS_PADDED
#include "xnts.bpf.c"

SEC("xdp.frags")
int xnts_multi(struct xdp_md *md)
{
	return serve(md, NULL);
}
