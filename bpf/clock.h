/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time: from CLOCK_TAI to what an answer says.  A clock that nobody has refreshed
 * for its hold time, or that was stepped since, is unsynchronised on the wire.
 */
#ifndef XNTS_CLOCK_H
#define XNTS_CLOCK_H

#include "maps.h"
#include "request.h"
#include "scratch.h"

#define NSEC_PER_SEC 1000000000ULL
#define NTP_UNIX_OFFSET 2208988800U /* s from 1900-01-01 to 1970-01-01, RFC 5905 6 */

#define NSEC_PER_DISPERSION 1017252604ULL /* 2^-16 s at PHI = 15 ppm, RFC 5905 7.3 */

/*
 * UTC ns since 1970 to an NTP timestamp; seconds wrap into era 1 in 2036.  The bits
 * below the precision are noise (RFC 5905 6), the same in both stamps of an answer:
 * so the transmit time is never before the receive time.
 */
static __always_inline struct ntp_timestamp ntp_from_utc(__u64 utc, struct xnts_noise noise)
{
	__u32 seconds = utc / NSEC_PER_SEC + NTP_UNIX_OFFSET;
	/* 18446744074 = 2^64 / 10^9 rounded up: exact to 2^-32 s, no second division */
	__u32 fraction = (utc % NSEC_PER_SEC) * 18446744074ULL >> 32;

	fraction = (fraction & ~noise.mask) | (noise.bits & noise.mask);
	return (struct ntp_timestamp){ bpf_htonl(seconds), bpf_htonl(fraction) };
}

/* Random bits for a precision of log2 s: 2^-32 s and finer, or a second, have none. */
static __always_inline struct xnts_noise clock_noise(__s8 precision)
{
	struct xnts_noise none = { 0 };

	if (precision >= 0 || precision <= -32)
		return none;
	return (struct xnts_noise){ (1U << (32 + precision)) - 1, now_random() };
}

/* 2^-16 s, grown since the last refresh and rounded up; saturates. */
static __always_inline __u32 aged_dispersion(__u32 dispersion, __u64 age_ns)
{
	__u64 aged = dispersion + age_ns / NSEC_PER_DISPERSION + 1;

	return aged < 0xffffffff ? aged : 0xffffffff;
}

static __always_inline void time_unsynchronised(struct xnts_time *t)
{
	t->leap = NTP_LI_UNSYNCHRONISED;
	t->stratum = 0;
	t->reference_id = 0; /* no kiss code */
}

/* Has CLOCK_TAI run with CLOCK_MONOTONIC since the refresh? */
static __always_inline bool clock_stepped(const struct xnts_clock_state *c, __u64 mono, __u64 tai)
{
	__s64 drift = (__s64)(tai - c->tai) - (__s64)(mono - c->mono);

	return drift > (__s64)c->step_guard || drift < -(__s64)c->step_guard;
}

/* Fills rq->time for a packet received at rq->received. */
static __always_inline void clock_read(struct xnts_request *rq, const struct xnts_clock *clock)
{
	__u32 current = *(volatile const __u32 *)&clock->current;
	const struct xnts_clock_state *c = &clock->slot[current & 1];
	__u64 refreshed = *(volatile const __u64 *)&c->mono;
	struct xnts_time *t = &rq->time;
	__u64 mono = now_mono();
	bool leapt = c->leap_at && rq->received >= c->leap_at;
	__s64 to_utc = -(__s64)NSEC_PER_SEC * (leapt ? c->tai_offset_after : c->tai_offset);
	bool lost = c->leap == NTP_LI_UNSYNCHRONISED || !c->stratum;

	t->mono = mono;
	/* The NIC's stamp has its correction already (xnts_abi.h). */
	t->receive_to_utc = to_utc + (rq->stamp == XNTS_STAMP_HARDWARE ? 0 : c->receive_correction);
	t->transmit_to_utc = to_utc + c->transmit_correction;
	t->leap = leapt ? 0 : c->leap;
	t->stratum = c->stratum;
	t->precision = c->precision;
	t->noise = clock_noise(c->precision);
	t->root_delay = c->root_delay;
	t->root_dispersion = aged_dispersion(c->root_dispersion, mono - refreshed);
	t->reference_id = c->reference_id;
	t->reference_time = c->reference_time;

	lost |= !refreshed || mono - refreshed > c->hold || clock_stepped(c, mono, rq->received);
	/* The slot was rewritten under us: two refreshes, the last within microseconds. */
	if (lost || *(volatile const __u64 *)&c->mono != refreshed)
		time_unsynchronised(t);
}

#endif /* XNTS_CLOCK_H */
