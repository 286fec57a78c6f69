/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host's time discipline says of the system clock, as the packet path
 * publishes it.  xnts has no clock of its own: it serves the system clock that
 * chronyd, ntpd or another daemon disciplines, and says of it what that daemon says.
 */
#ifndef XNTS_CLOCK_SOURCE_H
#define XNTS_CLOCK_SOURCE_H

#include "xnts_abi.h"

struct config;
struct clock_source;

/*
 * Opens the source that `[clock] source` names and measures the precision of
 * clock reads.  What is needed of `cfg` is copied.  A source that does not answer yet is no error.
 * Returns 0, or -ENOMEM.
 */
int clock_source_open(struct clock_source **out, const struct config *cfg);
void clock_source_close(struct clock_source *source);

/*
 * Asks the source once, at most 300 ms, and fills every member of `*out`.
 *
 *  0        refreshed: publish it.  It may say unsynchronised (leap 3, stratum 0):
 *           publish that at once.
 *  -EAGAIN  an armed leap second is less than 2 s away, before or after: what
 *           is published already switches by itself; publish nothing.
 *  -errno   the source is lost: publish nothing, the hold time of what is published runs out.
 *
 * Changes of the source's condition are logged here, once each; callers need not.
 */
int clock_source_read(struct clock_source *source, struct xnts_clock_state *out);

/* The words `[clock] source` uses for what answered last: "ntp", "chronyc", "kernel",
 * "local"; "none" before the first answer and after a loss. */
const char *clock_source_name(const struct clock_source *source);

#endif /* XNTS_CLOCK_SOURCE_H */
