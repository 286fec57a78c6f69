/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits: who is answered how often, in memory that is fixed at the start.
 *
 *   ceiling   answers of a CPU, of any kind
 *   budget    time a CPU spends on NTS, asked before any AES is done; sources of which
 *             nothing verified lately share half of it
 *   source    one for plain NTP and NTS that fails, another for NTS that verified: a
 *             spoofer, who has no cookie, cannot use up a client's second one, which is
 *             looked at before any AES and charged after it
 *
 * Every limit is a virtual schedule (GCRA): a time until which the allowance is
 * spent.  A request moves it on by an interval and is over the limit when it is
 * more than `burst` intervals ahead of now.
 */
#ifndef XNTS_LIMIT_H
#define XNTS_LIMIT_H

#include "maps.h"
#include "request.h"
#include "scratch.h"

#define LIMIT_TICK_SHIFT 20     /* struct xnts_limit counts in 2^20 ns */
#define LIMIT_LEAD 10000000ULL  /* ns a CPU's budget and ceiling may be ahead: bursts */
#define LIMIT_EXCHANGE 250000ULL /* ns charged at most: the rest was stolen or an interrupt's */
#define LIMIT_KNOWN (1ULL << 42) /* ns, 73 minutes: four polls of the slowest usual client */

static __always_inline __u64 limit_rol(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static __always_inline void sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = limit_rol(v[1], 13) ^ v[0];
	v[0] = limit_rol(v[0], 32);
	v[2] += v[3];
	v[3] = limit_rol(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = limit_rol(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = limit_rol(v[1], 17) ^ v[2];
	v[2] = limit_rol(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein 2012) of eight bytes. */
static __always_inline __u64 sip_hash(__u64 k0, __u64 k1, __u64 word)
{
	__u64 v[4] = { k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
		       k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL };
	__u64 last = 8ULL << 56; /* the length, and no bytes left */

	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* What is limited together: an IPv4 address, or an IPv6 /64. */
static __always_inline __u64 limit_source(const struct xnts_request *rq)
{
	if (rq->ip_version == 4)
		return rq->ip4->src;
	return (__u64)rq->ip6->src[0] << 32 | rq->ip6->src[1];
}

/* Which two buckets of each table are the source's. */
static __always_inline __u64 limit_hash(const struct xnts_request *rq)
{
	const struct xnts_bucket_key *key = map_bucket_key();

	return key ? sip_hash(key->word[0], key->word[1], limit_source(rq)) : 0;
}

/* ns by which a bucket is ahead of now; what this limit cannot have set is forgotten. */
static __always_inline __u64 bucket_ahead(__u64 until, __u64 now, __u64 room)
{
	__u64 ahead = until > now ? until - now : 0;

	if (ahead > room + LIMIT_LEAD)
		return 0;
	return ahead < room ? ahead : room;
}

/*
 * Takes one request from the source's allowance, or only looks (not `take`); false when
 * none is left.  Of the source's two buckets the emptier one counts, so that sharing one
 * with a flood does no harm; both are charged, as far as what they count is less
 * (conservative update, Estan and Varghese 2002).  Two CPUs may take one token twice: a
 * limit need not be exact.  Without a limit all that is kept is when the source came.
 */
static __always_inline bool limit_take(__u64 *a, __u64 *b, const struct xnts_limit *limit,
				       __u64 now, bool take)
{
	__u64 interval = (__u64)limit->interval << LIMIT_TICK_SHIFT, room = interval * limit->burst;
	__u64 ahead_a, ahead_b, ahead;

	if (!a || !b)
		return true;
	ahead_a = bucket_ahead(*a, now, room);
	ahead_b = bucket_ahead(*b, now, room);
	ahead = (ahead_a < ahead_b ? ahead_a : ahead_b) + interval;
	if (ahead > room || !take)
		return ahead <= room;
	if (ahead_a <= ahead)
		*a = now + ahead;
	if (ahead_b <= ahead)
		*b = now + ahead;
	return true;
}

static __always_inline bool limit_plain(const struct xnts_request *rq,
					const struct xnts_config *config, __u64 now)
{
	__u64 hash;

	if (!config->plain.interval)
		return true;
	hash = limit_hash(rq);
	return limit_take(map_bucket(hash), map_bucket(hash >> 32), &config->plain, now, true);
}

/* One that verified: charges its source, and remembers it. */
static __always_inline bool limit_nts(const struct xnts_scratch *s, const struct xnts_config *config)
{
	return limit_take(map_verified(s->source), map_verified(s->source >> 32), &config->nts,
			  s->started, true);
}

static __always_inline bool verified_lately(const __u64 *bucket, __u64 now)
{
	return bucket && *bucket && now < *bucket + LIMIT_KNOWN;
}

/*
 * Asked before any AES: who verified too often costs no more of the CPU's time.  Also
 * finds out whether anything of the source verified lately, for budget_left().
 */
static __always_inline bool limit_nts_left(const struct xnts_request *rq, struct xnts_scratch *s,
					   const struct xnts_config *config)
{
	__u64 now = s->started, *a, *b;

	s->source = limit_hash(rq);
	a = map_verified(s->source);
	b = map_verified(s->source >> 32);
	s->stranger = !verified_lately(a, now) || !verified_lately(b, now);
	return limit_take(a, b, &config->nts, now, false);
}

/* Ours to answer at all: lists, and the ceiling of this CPU. */
static __always_inline int limit_admit(const struct xnts_request *rq,
				       const struct xnts_config *config, struct xnts_scratch *s)
{
	__u32 listed;

	if (config->flags & XNTS_LISTS) {
		listed = rq->ip_version == 4 ? map_listed4(rq->ip4->src) :
					       map_listed6(rq->ip6->src);
		if (listed == XNTS_REFUSE ||
		    (!listed && config->flags & XNTS_REFUSE_UNLISTED))
			return XNTS_V_drop_refused;
	}
	if (config->ceiling && (__s64)(s->ceiling_until - rq->time.mono) > (__s64)LIMIT_LEAD)
		return XNTS_V_drop_over_ceiling;
	return XNTS_NEXT;
}

/* One more answer of this CPU, to a request of CLOCK_MONOTONIC `mono`. */
static __always_inline void ceiling_charge(struct xnts_scratch *s,
					   const struct xnts_config *config, __u64 mono)
{
	__s64 ahead = s->ceiling_until - mono;

	if (config->ceiling)
		s->ceiling_until = mono + (ahead > 0 ? ahead : 0) + config->ceiling;
}

/*
 * May this CPU start on one more NTS request?  budget_charge() says what it took.  Half of
 * the budget is for strangers, of whom nothing verified lately; the other half is for clients,
 * who may also have what is left of the whole.  So what does not verify, from however
 * many sources, does not crowd them out.  What does verify may: to keep in mind whose each
 * cookie is would stop the replay of one request under many addresses, but anybody can get a
 * cookie, eight new ones with each answer, and make a valid request for each address.
 */
static __always_inline bool budget_left(const struct xnts_scratch *s,
					const struct xnts_config *config)
{
	__s64 whole = s->budget_until - s->started;
	__s64 half = s->half_until[s->stranger & 1] - s->started;

	if (!config->budget)
		return true;
	if (s->stranger)
		return whole <= (__s64)LIMIT_LEAD && half <= (__s64)LIMIT_LEAD;
	return whole <= (__s64)LIMIT_LEAD || half <= (__s64)LIMIT_LEAD;
}

/* Work of t ns at b per mille of the time is paid for after t * 1000 / b ns. */
static __always_inline void schedule_charge(__u64 *until, __u64 since, __u64 took, __u32 per_mille)
{
	__s64 ahead = *until - since;

	*until = since + (ahead > 0 ? ahead : 0) + took * 1000 / per_mille;
}

static __always_inline void budget_charge(struct xnts_scratch *s, const struct xnts_config *config)
{
	__u64 took = now_mono() - s->started;

	if (!config->budget)
		return;
	if (took > LIMIT_EXCHANGE)
		took = LIMIT_EXCHANGE;
	schedule_charge(&s->budget_until, s->started, took, config->budget);
	schedule_charge(&s->half_until[s->stranger & 1], s->started, 2 * took, config->budget);
}

#endif /* XNTS_LIMIT_H */
