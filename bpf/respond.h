/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole path of a packet: parse, classify, then either a plain answer in place,
 * or, where extension fields follow the header, an answer made in scratch memory:
 * open, verify, seal (exchange.h), send.
 */
#ifndef XNTS_RESPOND_H
#define XNTS_RESPOND_H

#include "classify.h"
#include "clock.h"
#include "cookie.h"
#include "ef.h"
#include "exchange.h"
#include "hop.h"
#include "limit.h"
#include "maps.h"
#include "parse.h"
#include "reply.h"
#include "send.h"
#include "stamp.h"

static __always_inline int plain_verdict(const struct xnts_request *rq)
{
	return ntp_mode(rq->ntp) == NTP_MODE_ACTIVE ? XNTS_V_plain_symmetric :
						      XNTS_V_plain_answered;
}

/* May plain NTP be answered?  Or, rarely, with a kiss? */
static __always_inline int limit_plain_verdict(const struct xnts_request *rq,
					       const struct xnts_config *config)
{
	if (config->flags & XNTS_REQUIRE_NTS)
		return XNTS_V_drop_not_nts;
	if (limit_plain(rq, config, rq->time.mono))
		return plain_verdict(rq);
	if (config->kod_one_in && now_random() % config->kod_one_in == 0)
		return XNTS_V_kod_rate;
	return XNTS_V_drop_limited;
}

static __always_inline void count_answer(__u32 leap, __u32 cookies, __u32 stamp)
{
	struct xnts_counters *c = map_counters();

	if (!c)
		return;
	if (stamp == XNTS_STAMP_HARDWARE)
		c->hardware_stamps++;
	else
		c->software_stamps++;
	if (stamp == XNTS_STAMP_REFUSED)
		c->refused_stamps++;
	c->cookies_issued += cookies;
	if (leap == NTP_LI_UNSYNCHRONISED)
		c->unsynchronised++;
}

/* 48 bytes, written over the request. */
static __always_inline int answer_in_place(struct xnts_request *rq,
					   const struct xnts_config *config,
					   struct xnts_scratch *s)
{
	struct ntp_header *ntp = rq->ntp;
	struct xnts_lag *lag = lag_of(s, LAG_IN_PLACE);
	int v = limit_plain_verdict(rq, config);
	__u64 stamped;

	if (v != plain_verdict(rq) && v != XNTS_V_kod_rate)
		return v;
	ceiling_charge(s, config, rq->time.mono);
	reply_header(ntp, rq);
	if (v == XNTS_V_kod_rate)
		reply_kiss(ntp, NTP_KISS_RATE);
	stamped = reply_transmit(ntp, rq, lag);
	if (send_back(rq, config, sizeof(*ntp), sum32(ntp, sizeof(*ntp) / 4)))
		return XNTS_V_drop_internal;
	lag_learn(lag, stamped);
	count_answer(rq->time.leap, 0, rq->stamp);
	return v;
}

/* Sends s->reply, reply_len bytes. */
static __always_inline int answer_from_scratch(struct xnts_request *rq,
					       const struct xnts_config *config,
					       struct xnts_scratch *s, int v)
{
	__u32 len = s->reply_len;

	/* Never more than was asked with; the bounds also tell the verifier. */
	if (len < sizeof(struct ntp_header) || len > rq->payload_len || len > XNTS_MAX_PAYLOAD)
		return XNTS_V_drop_internal;
	ceiling_charge(s, config, s->started);
	if (frame_store(rq, (void *)rq->ntp - rq->data, s->reply.b, len))
		return XNTS_V_drop_internal;
	if (send_back(rq, config, len, map_sum(&s->reply, len)))
		return XNTS_V_drop_internal;
	lag_learn(lag_of(s, s->cookies), s->stamped);
	count_answer(s->leap, s->cookies, s->stamp);
	return v;
}

/* Global: inlined, the loop doubles what kernel 6.1 walks (clang 14: 125,000 to 261,000). */
XNTS_GLOBAL int reply_unique_id(struct xnts_scratch *s)
{
	__u32 i;

	if (!s)
		return -EINVAL;
	for (i = 0; i < XNTS_MAX_PAYLOAD && i < s->uid_len; i += 4)
		store32(buf_at(&s->reply, sizeof(struct ntp_header) + i),
			load32(buf_at(&s->request, s->uid_off + i)));
	return 0;
}

/* Header, and the unique identifier where there is one (RFC 8915 5.3), in scratch. */
static __always_inline void prepare_reply(struct xnts_request *rq, struct xnts_scratch *s)
{
	reply_header((struct ntp_header *)s->reply.b, rq);
	reply_unique_id(s);
	s->reply_ad_len = sizeof(struct ntp_header) + s->uid_len;
	s->reply_len = s->reply_ad_len;
	s->cookies = 0;
	s->transmit_to_utc = rq->time.transmit_to_utc;
	s->noise = rq->time.noise;
	s->received = rq->received;
	s->started = rq->time.mono;
	s->leap = rq->time.leap;
	s->stamp = rq->stamp;
}

/* May this CPU send one more NAK in this second? */
static __always_inline bool nak_allowed(struct xnts_scratch *s, const struct xnts_config *config,
					__u64 now)
{
	if (now - s->nak_since >= NSEC_PER_SEC) {
		s->nak_since = now;
		s->nak_count = 0;
	}
	if (s->nak_count >= config->nak_rate)
		return false;
	s->nak_count++;
	return true;
}

static __always_inline int answer_nak(struct xnts_request *rq, const struct xnts_config *config,
				      struct xnts_scratch *s, int v)
{
	if (!limit_plain(rq, config, s->started))
		return XNTS_V_drop_limited;
	if (!nak_allowed(s, config, s->started))
		return XNTS_V_drop_nak_capped;
	s->cookies = 0;
	reply_kiss((struct ntp_header *)s->reply.b, NTP_KISS_NTSN);
	reply_stamp(s);
	s->reply_len = s->reply_ad_len;
	return answer_from_scratch(rq, config, s, v);
}

/* The key with this id if the ring holds it. */
static __always_inline const struct xnts_cookie_key *find_key(__u32 id)
{
	const struct xnts_cookie_key *key = map_key(XNTS_KEY_SLOT(id));

	return key && id && key->id == id ? key : NULL;
}

/* While our own keys may be out of date, an unknown one is our fault, not the client's. */
static __always_inline int unknown_key_verdict(const struct xnts_key_state *state)
{
	return now_mono() - state->mono > state->hold ? XNTS_V_drop_key_unknown :
							XNTS_V_nak_key_unknown;
}

/* Everything RFC 8915 5.7 asks of a request, up to the sealed answer in scratch. */
XNTS_STAGE int answer_nts(struct xnts_scratch *s)
{
	const struct xnts_key_state *state = map_key_state();
	const struct xnts_cookie_key *open_key, *seal_key;
	__u32 id, seal_id = state ? state->seal_id : 0;
	int v;

	seal_key = find_key(seal_id);
	if (!state || !seal_key)
		return XNTS_V_drop_key_unknown;
	if (s->cookie_len != XNTS_COOKIE_LEN || !cookie_format_ok(buf_at(&s->request, s->cookie_off)))
		return XNTS_V_nak_bad_cookie;
	if (s->nonce_room < NONCE_REQUIRED)
		return XNTS_V_drop_nts_malformed;
	id = cookie_key_id(buf_at(&s->request, s->cookie_off));
	open_key = find_key(id);
	if (!open_key)
		return unknown_key_verdict(state);

	v = exchange(s, open_key, seal_key);
	/* A key left under us, revoked: what it opened or sealed may be half its, half zeros'. */
	if (open_key->id != id)
		return unknown_key_verdict(state);
	return seal_key->id == seal_id ? v : XNTS_V_drop_key_unknown;
}

/* Plain NTP with extension fields: a unique identifier is echoed. */
static __always_inline int answer_plain_fields(struct xnts_request *rq,
					       const struct xnts_config *config,
					       struct xnts_scratch *s)
{
	int v = limit_plain_verdict(rq, config);

	if (v != plain_verdict(rq) && v != XNTS_V_kod_rate)
		return v;
	if (v == XNTS_V_kod_rate)
		reply_kiss((struct ntp_header *)s->reply.b, NTP_KISS_RATE);
	reply_stamp(s);
	return answer_from_scratch(rq, config, s, v);
}

/* Requests with something behind the header, version 4 only.  XNTS_NEXT: it is NTS. */
static __always_inline int answer_fields(struct xnts_request *rq, const struct xnts_config *config,
					 struct xnts_scratch *s)
{
	int v;

	s->request_len = rq->payload_len;
	if (frame_load(rq, (void *)rq->ntp - rq->data, s->request.b, rq->payload_len))
		return XNTS_V_drop_malformed;
	v = ef_walk(s);
	if (v != XNTS_NEXT)
		return v;
	prepare_reply(rq, s);
	if (!s->ad_len && !s->cookie_off)
		return answer_plain_fields(rq, config, s);
	if (!s->ad_len || !s->cookie_off || !s->uid_off || ntp_mode(rq->ntp) != NTP_MODE_CLIENT)
		return XNTS_V_drop_nts_malformed;
	if (!limit_nts_left(rq, s, config))
		return XNTS_V_drop_nts_limited;
	return budget_left(s, config) ? XNTS_NEXT : XNTS_V_drop_over_budget;
}

/* Versions before 4 have no extension fields; what follows is a MAC nobody checks. */
static __always_inline int old_trailer(__u32 len)
{
	switch (len) {
	case 12: /* RFC 1305 appendix C */
	case 20: /* key id and MD5, MS-SNTP */
	case 24: /* key id and SHA-1 */
	case 72: /* MS-SNTP extended */
		return XNTS_NEXT;
	case CRYPTO_NAK_LEN:
		return XNTS_V_drop_crypto_nak;
	default:
		return XNTS_V_drop_malformed;
	}
}

/* Same CPU: a plain store releases it (BPF has no atomic store before 6.15). */
static __always_inline void release(struct xnts_scratch *s)
{
	*(volatile __u32 *)&s->busy = 0;
}

static __always_inline int answer(struct xnts_request *rq, const struct xnts_config *config)
{
	const struct xnts_clock *clock = map_clock();
	__u32 trailer = rq->payload_len - sizeof(struct ntp_header);
	struct xnts_scratch *s = map_scratch();
	int v;

	if (!clock || !s)
		return XNTS_V_pass_no_config;
	clock_read(rq, clock);
	v = limit_admit(rq, config, s);
	if (v == XNTS_NEXT && config->flags & XNTS_FIB)
		v = hop_turn(rq);
	if (v != XNTS_NEXT)
		return v;
	if (trailer && ntp_version(rq->ntp) < 4) {
		v = old_trailer(trailer);
		if (v != XNTS_NEXT)
			return v;
		trailer = 0;
	}
	if (!trailer)
		return answer_in_place(rq, config, s);

	if (__sync_lock_test_and_set(&s->busy, 1))
		return XNTS_V_drop_busy;
	v = answer_fields(rq, config, s);
	if (v != XNTS_NEXT)
		release(s);
	return v;
}

/*
 * First stage: all there is to a packet but NTS.  On a TX verdict the frame holds the
 * answer.  XNTS_NEXT: an NTS request waits in the scratch memory, which is claimed.
 * nic: the NIC's stamp of it, or NULL.
 */
XNTS_STAGE int receive(struct xdp_md *md, const __u64 *nic)
{
	/* Before all else: after a pause, caches are cold and even parsing takes 0.7 us. */
	struct xnts_request rq = { .received = now_tai() };
	const struct xnts_config *config = map_config();
	int v;

	if (!config || config->abi_version != XNTS_ABI_VERSION)
		return XNTS_V_pass_no_config;
	frame_open(&rq, md);
	v = parse(&rq, config);
	if (v != XNTS_NEXT)
		return v;
	v = classify(&rq, config);
	if (v != XNTS_NEXT)
		return v;
	stamp_receive(&rq, nic);
	return answer(&rq, config);
}

/* Last stage: sends what answer_nts() made, v its verdict. */
XNTS_STAGE int deliver(struct xdp_md *md, struct xnts_scratch *s, int v)
{
	const struct xnts_config *config = map_config();
	struct xnts_request rq = {};

	if (!config)
		return XNTS_V_drop_internal;
	budget_charge(s, config);
	frame_open(&rq, md);
	/* The frame's pointers were the first stage's; it is the same frame. */
	if (parse(&rq, config) != XNTS_NEXT || classify_length(&rq) != XNTS_NEXT)
		return XNTS_V_drop_internal;
	rq.received = s->received;
	if (v == XNTS_V_nak_key_unknown || v == XNTS_V_nak_bad_cookie || v == XNTS_V_nak_bad_tag)
		return answer_nak(&rq, config, s, v);
	if (v != XNTS_V_nts_answered)
		return v;
	if (!limit_nts(s, config))
		return XNTS_V_drop_nts_limited;
	return answer_from_scratch(&rq, config, s, v);
}

/*
 * The verdict on one packet.  In stages, because stack is what NTS needs most: kernels
 * allow 512 bytes a call chain (before 6.8 with every frame rounded up to 32), and in
 * the exchange's chain there is none of what the other stages need.
 */
static __always_inline int respond(struct xdp_md *md, const __u64 *nic)
{
	struct xnts_scratch *s;
	int v = receive(md, nic);

	if (v != XNTS_NEXT)
		return v;
	s = map_scratch();
	if (!s)
		return XNTS_V_drop_internal;
	v = deliver(md, s, answer_nts(s));
	release(s);
	return v;
}

#endif /* XNTS_RESPOND_H */
