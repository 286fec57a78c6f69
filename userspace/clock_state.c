/* SPDX-License-Identifier: GPL-2.0 */
#include "clock_state.h"

#define NTP_UNIX_OFFSET 2208988800ULL /* s from 1900 to 1970, RFC 5905 figure 4 */
#define MAXDISP_SHORT   (16U << 16)

__u64 ntp_timestamp(struct timespec utc)
{
	__u32 seconds = (__u32)((__u64)utc.tv_sec + NTP_UNIX_OFFSET);
	__u64 fraction = ((__u64)utc.tv_nsec << 32) / NSEC_PER_SEC;

	return ((__u64)seconds << 32) | fraction;
}

__s64 ntp_difference(__u64 a, __u64 b)
{
	__s64 d = (__s64)(a - b);
	__s64 seconds = d >> 32;
	__u32 fraction = (__u32)d;

	return seconds * NSEC_PER_SEC + (__s64)(((__u64)fraction * NSEC_PER_SEC) >> 32);
}

__u32 ntp_short(__s64 ns)
{
	__u64 seconds, units;

	if (ns <= 0)
		return 0;
	seconds = (__u64)ns / NSEC_PER_SEC;
	if (seconds > 0xffff)
		return 0xffffffff;
	units = (((__u64)ns % NSEC_PER_SEC) << 16) + NSEC_PER_SEC - 1;
	units = (seconds << 16) + units / NSEC_PER_SEC;
	return units > 0xffffffff ? 0xffffffff : (__u32)units;
}

__s64 seconds_to_ns(double seconds)
{
	if (seconds > 1e9)
		seconds = 1e9;
	if (seconds < -1e9)
		seconds = -1e9;
	return (__s64)(seconds * 1e9);
}

void clock_state_unsynchronise(struct xnts_clock_state *state)
{
	state->leap = NTP_LEAP_UNKNOWN;
	state->stratum = 0;
	state->root_delay = 0;
	state->root_dispersion = 0;
	state->reference_id = 0;
	state->reference_time = 0;
}

void clock_state_add_error(struct xnts_clock_state *state, __s64 ns)
{
	__u64 sum = (__u64)state->root_dispersion + ntp_short(ns);

	if (state->leap == NTP_LEAP_UNKNOWN)
		return;
	if (sum >= MAXDISP_SHORT)
		clock_state_unsynchronise(state);
	else
		state->root_dispersion = (__u32)sum;
}
