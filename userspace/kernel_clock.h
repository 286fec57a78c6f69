/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel knows of its clock: CLOCK_TAI against CLOCK_MONOTONIC, the TAI
 * offset, an armed leap second, and the discipline's state (adjtimex(2), RFC 1589).
 */
#ifndef XNTS_KERNEL_CLOCK_H
#define XNTS_KERNEL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/timex.h>

#include "clock_state.h"

/*
 * How far CLOCK_TAI - CLOCK_MONOTONIC may be from what was published before the
 * program calls it a step, ns.  Slewing needs no allowance, at any rate: it
 * changes both clocks alike, and their difference moves only when the clock is
 * set or the TAI offset is (timekeeping.c: offs_tai).  What remains is the time between
 * the program's two reads: microseconds, or tens of milliseconds where a hypervisor takes the
 * CPU away in between.  What must be seen is a TAI offset being set, which moves
 * whole seconds; after a smaller step of the clock itself an answer still is the clock's time.
 */
#define CLOCK_STEP_GUARD 100000000LL

/*
 * Fills mono, tai, tai_offset, tai_offset_after and leap_at, read without setting anything.
 * Returns 0; -EAGAIN when a leap second is at hand (kernel_clock_leap) or the TAI offset
 * keeps changing while we read; or the -errno of adjtimex(2).
 */
int kernel_clock_read(struct xnts_clock_state *state);

/*
 * Fills leap_at and tai_offset_after from the kernel's flags.  `time_state` is what
 * adjtimex() returned; tai_offset and tai are set.  Returns 0, or -EAGAIN
 * within 2 s of an armed leap second.
 */
int kernel_clock_leap(const struct timex *tx, int time_state, struct xnts_clock_state *state);

/*
 * Fills the common members from the kernel's discipline: unsynchronised with
 * STA_UNSYNC or TIME_ERROR, else LI from STA_INS and STA_DEL, the error bound as the
 * root dispersion, `utc` as the reference time.  Stratum and reference id are the caller's.
 */
void kernel_clock_discipline(const struct timex *tx, int time_state, struct timespec utc,
			     struct xnts_clock_state *state);

/* The time to read the clock, measured, as log2 s (RFC 5905 7.3, precision). */
int8_t kernel_clock_precision(void);

/* The smallest p with 2^p s >= ns; ns 0 counts as 1. */
int8_t precision_of(uint64_t ns);

#endif /* XNTS_KERNEL_CLOCK_H */
