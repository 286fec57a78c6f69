/* SPDX-License-Identifier: GPL-2.0 */
/* Reply: the NTP header of an answer or a NAK (RFC 5905 7.3, RFC 8915 5.7), its stamps. */
#ifndef XNTS_REPLY_H
#define XNTS_REPLY_H

#include "clock.h"
#include "lag.h"
#include "request.h"
#include "scratch.h"
#include "stamp.h"

/* ns from a request's receive stamp, which a NIC may have made STAMP_AGE_MAX ago, to its answer's. */
#define ANSWER_TIME_MAX (2 * STAMP_AGE_MAX)

static __always_inline __u8 reply_mode(const struct ntp_header *request)
{
	return ntp_mode(request) == NTP_MODE_ACTIVE ? NTP_MODE_PASSIVE : NTP_MODE_SERVER;
}

/*
 * Writes all of `reply` but the transmit time.  `reply` may be the request itself:
 * what is needed of the request is read before it is overwritten.
 */
static __always_inline void reply_header(struct ntp_header *reply, const struct xnts_request *rq)
{
	const struct xnts_time *t = &rq->time;
	struct ntp_timestamp origin = rq->ntp->transmit;
	__u8 version = ntp_version(rq->ntp);
	__u8 mode = reply_mode(rq->ntp);

	reply->poll = rq->ntp->poll;
	reply->li_vn_mode = ntp_first_byte(t->leap, version, mode);
	reply->stratum = t->stratum;
	reply->precision = t->precision;
	reply->root_delay = bpf_htonl(t->root_delay);
	reply->root_dispersion = bpf_htonl(t->root_dispersion);
	reply->reference_id = t->reference_id;
	reply->reference.seconds = bpf_htonl(t->reference_time >> 32);
	reply->reference.fraction = bpf_htonl(t->reference_time);
	reply->origin = origin;
	reply->receive = ntp_from_utc(rq->received + t->receive_to_utc, t->noise);
}

/* Makes a kiss of death of a prepared header: nobody vouches for its time. */
static __always_inline void reply_kiss(struct ntp_header *reply, __u32 code)
{
	reply->li_vn_mode |= NTP_LI_UNSYNCHRONISED << 6;
	reply->stratum = 0;
	reply->reference_id = bpf_htonl(code);
}

/*
 * CLOCK_TAI for the transmit time of an answer to what came at `received`.  If the clock was set
 * in between, the two would differ by the step, in an answer that says it is synchronised: then the
 * time of arrival serves for both, and the client takes what the answer took for network delay.
 * So it is where a hypervisor held the processor for longer than any answer takes, which looks the
 * same.  A smaller step forward looks like a slow answer, and counts as one.
 */
static __always_inline __u64 transmit_tai(__u64 received)
{
	__u64 now = now_tai();

	return now - received <= ANSWER_TIME_MAX ? now : received; /* unsigned: nor before */
}

/* Writes the transmit time of an answer made in place; returns what it says without the lag, CLOCK_TAI. */
static __always_inline __u64 reply_transmit(struct ntp_header *reply, const struct xnts_request *rq,
					    const struct xnts_lag *lag)
{
	__u64 stamped = transmit_tai(rq->received);

	reply->transmit = ntp_from_utc(stamped + rq->time.transmit_to_utc + lag->expected,
				       rq->time.noise);
	return stamped;
}

/* The transmit time of an answer made in scratch memory, to which s->cookies is known.
 * The caller does this as late as it can. */
static __always_inline void reply_stamp(struct xnts_scratch *s)
{
	struct ntp_header *reply = (struct ntp_header *)s->reply.b;

	s->stamped = transmit_tai(s->received);
	reply->transmit = ntp_from_utc(s->stamped + s->transmit_to_utc + lag_of(s, s->cookies)->expected,
				       s->noise);
}

#endif /* XNTS_REPLY_H */
