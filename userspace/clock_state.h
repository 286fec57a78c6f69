/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arithmetic of NTP's time formats (RFC 5905 section 6), and the members of
 * struct xnts_clock_state that every clock source fills alike: leap, stratum,
 * root_delay, root_dispersion, reference_id, reference_time.
 */
#ifndef XNTS_CLOCK_STATE_H
#define XNTS_CLOCK_STATE_H

#include <time.h>

#include "xnts_abi.h"

#define NSEC_PER_SEC 1000000000LL

/* RFC 5905 7.3: LI 3 and stratum 0 on the wire are "unknown, not synchronised". */
#define NTP_LEAP_UNKNOWN 3
#define NTP_STRATUM_MAX  15

/* UTC to an NTP timestamp (2^-32 s since 1900, modulo 2^32 s: eras follow by
 * themselves) and back to the difference of two, in ns, right when less than 68 years apart. */
__u64 ntp_timestamp(struct timespec utc);
__s64 ntp_difference(__u64 a, __u64 b);

/* ns to the NTP short format (2^-16 s), rounded up, at most 0xffffffff; negative gives 0. */
__u32 ntp_short(__s64 ns);

/* Seconds to ns, clamped to +-10^9 s; the caller has seen to it that it is a number. */
__s64 seconds_to_ns(double seconds);

/*
 * Says unsynchronised: leap 3, all else 0.  The reference id is 0 as well,
 * because at stratum 0 letters there would read as a kiss code (RFC 5905 7.4).
 */
void clock_state_unsynchronise(struct xnts_clock_state *state);

/* Adds an error bound, ns, to the root dispersion.  From 16 s on (MAXDISP, RFC
 * 5905 7.2) the state becomes unsynchronised: no client could use it. */
void clock_state_add_error(struct xnts_clock_state *state, __s64 ns);

#endif /* XNTS_CLOCK_STATE_H */
