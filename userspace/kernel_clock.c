/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel_clock.h"

#include <errno.h>

#include "monotonic.h"

#define SECONDS_PER_DAY 86400
#define LEAP_QUIET      2 /* s, see kernel_clock_leap() */
#define READS           8 /* brackets tried: one of a few is free of interrupts */
#define PRECISION_READS 10000

static int64_t utc_seconds(const struct xnts_clock_state *state)
{
	return (int64_t)(state->tai / NSEC_PER_SEC) - state->tai_offset;
}

/*
 * leap_at is the instant at which the kernel changes its TAI offset, so that our
 * UTC and the system clock never differ: at the end of the current UTC day, where
 * the kernel repeats 23:59:59 (insertion) or leaves it out (deletion), ntp.c:
 * second_overflow().  The kernel's flags alone decide, not the LI a source
 * announces: LI goes to the clients as it is, but a daemon that slews the leap
 * away or ignores it arms no kernel, and then the clock we serve does not leap.
 * The day's end, not the month's: daemons arm the kernel on the day itself.
 *
 * Around the leap nothing is refreshed.  What is published switches by itself, on
 * the stamp; and while STA_UNSYNC hides the kernel's state (chronyd without
 * `rtcsync`), the flags in the leap second itself look as if it were yet to come.
 */
int kernel_clock_leap(const struct timex *tx, int time_state, struct xnts_clock_state *state)
{
	int64_t second = utc_seconds(state) % SECONDS_PER_DAY;
	int64_t day_end = utc_seconds(state) - second + SECONDS_PER_DAY;
	bool insert = tx->status & STA_INS;

	state->leap_at = 0;
	state->tai_offset_after = state->tai_offset;
	if (!(tx->status & (STA_INS | STA_DEL)))
		return 0;
	if (second >= SECONDS_PER_DAY - LEAP_QUIET || second < LEAP_QUIET)
		return -EAGAIN;
	if (time_state == TIME_OOP || time_state == TIME_WAIT)
		return 0; /* over; the daemon has not cleared the flag yet */
	state->tai_offset_after += insert ? 1 : -1;
	state->leap_at = (uint64_t)(day_end - !insert + state->tai_offset) * NSEC_PER_SEC;
	return 0;
}

/* CLOCK_TAI at one instant of CLOCK_MONOTONIC: the tightest of a few brackets. */
static void read_both(struct xnts_clock_state *state)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < READS; i++) {
		uint64_t before = clock_ns(CLOCK_MONOTONIC);
		uint64_t tai = clock_ns(CLOCK_TAI);
		uint64_t width = clock_ns(CLOCK_MONOTONIC) - before;

		if (width >= best)
			continue;
		best = width;
		state->mono = before + width / 2;
		state->tai = tai;
	}
}

int kernel_clock_read(struct xnts_clock_state *state)
{
	/* Again if a daemon set the TAI offset, and so CLOCK_TAI, between the reads. */
	for (int i = 0; i < READS; i++) {
		struct timex before = { .modes = 0 }, after = { .modes = 0 };
		int time_state;

		if (adjtimex(&before) < 0)
			return -errno;
		read_both(state);
		time_state = adjtimex(&after);
		if (time_state < 0)
			return -errno;
		if (before.tai != after.tai || before.status != after.status)
			continue;
		state->tai_offset = after.tai;
		return kernel_clock_leap(&after, time_state, state);
	}
	return -EAGAIN;
}

void kernel_clock_discipline(const struct timex *tx, int time_state, struct timespec utc,
			     struct xnts_clock_state *state)
{
	bool pending = time_state != TIME_OOP && time_state != TIME_WAIT;
	int64_t error = tx->maxerror > tx->esterror ? tx->maxerror : tx->esterror; /* us */

	state->leap = 0;
	if (pending && tx->status & STA_INS)
		state->leap = 1;
	else if (pending && tx->status & STA_DEL)
		state->leap = 2;
	state->root_delay = 0; /* maxerror bounds the whole way to UTC, delay included */
	state->root_dispersion = 0;
	state->reference_time = ntp_timestamp(utc);
	if (time_state == TIME_ERROR || tx->status & STA_UNSYNC)
		clock_state_unsynchronise(state);
	clock_state_add_error(state, error * 1000);
}

int8_t precision_of(uint64_t ns)
{
	int8_t p = -30; /* 2^-30 s = 0.93 ns */

	while (p < 0 && (NSEC_PER_SEC >> -p) < (int64_t)ns)
		p++;
	return p;
}

int8_t kernel_clock_precision(void)
{
	uint64_t best = NSEC_PER_SEC, last = clock_ns(CLOCK_TAI);

	for (int i = 0; i < PRECISION_READS; i++) {
		uint64_t now = clock_ns(CLOCK_TAI);

		if (now > last && now - last < best)
			best = now - last;
		last = now;
	}
	return precision_of(best);
}
