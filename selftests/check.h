/* SPDX-License-Identifier: GPL-2.0 */
/* Runs one packet on a target and holds what came back against the RFCs. */
#ifndef XNTS_TEST_CHECK_H
#define XNTS_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "cases_frame.h"
#include "cases_ntp.h"
#include "cases_nts.h"

#define NTP_UNIX_SECONDS 2208988800ULL

struct run {
	uint8_t frame[FRAME_MAX];
	uint32_t len;
	__u64 before, after; /* CLOCK_TAI ns around the run */
	struct outcome out;
};

static bool verdict_reached[XNTS_VERDICT_COUNT];

static inline void run_frame(const struct target *t, struct run *r)
{
	r->before = clock_ns(CLOCK_TAI);
	assert_int_equal(t->run(r->frame, r->len, &r->out), 0);
	r->after = clock_ns(CLOCK_TAI);
	/* Whatever came in: one verdict, its action, never a longer packet. */
	assert_in_range(r->out.verdict, 0, XNTS_VERDICT_COUNT - 1);
	verdict_reached[r->out.verdict] = true;
	assert_int_equal(r->out.action, target_action(r->out.verdict));
	assert_true(r->out.len <= r->len);
	if (r->out.action == XDP_PASS) {
		assert_int_equal(r->out.len, r->len);
		assert_memory_equal(r->out.frame, r->frame, r->len);
	}
}

static inline void run_packet(const struct target *t, const struct packet *p, struct run *r)
{
	r->len = packet_build(p, r->frame);
	run_frame(t, r);
}

static inline void assert_verdict(const struct run *r, int verdict)
{
	assert_string_equal(verdict_name(r->out.verdict), verdict_name(verdict));
}

/* Every byte outside the payload is what packet.h would have sent; returns the payload. */
static inline const uint8_t *assert_headers(const struct packet *p, const struct run *r,
					    uint32_t payload_len)
{
	uint32_t at = packet_payload_at(p);
	uint8_t frame[FRAME_MAX];
	struct packet expected;

	assert_int_equal(r->out.len, at + payload_len);
	packet_turn(p, &expected, r->out.frame + at, payload_len);
	assert_int_equal(packet_build(&expected, frame), r->out.len);
	assert_memory_equal(r->out.frame, frame, r->out.len);
	return r->out.frame + at;
}

/* An NTP timestamp as Unix nanoseconds, of the era in which that is nearest to `near`. */
static inline __u64 unix_ns(const uint8_t *stamp, __u64 near)
{
	__u64 ns = (__u64)get32(stamp) * SECOND + ((__u64)get32(stamp + 4) * SECOND >> 32);
	__u64 era = SECOND << 32;

	ns -= NTP_UNIX_SECONDS * SECOND;
	while (ns + era / 2 < near)
		ns += era;
	return ns;
}

/* Both stamps are as good as the precision, below which they are noise, and they
 * are in order. */
static inline void assert_stamps(const uint8_t *ntp, const struct run *r, __s64 tai_to_utc,
				 const struct xnts_clock_state *c)
{
	__u64 receive = unix_ns(ntp + 32, r->before + tai_to_utc) - c->receive_correction;
	__u64 transmit = unix_ns(ntp + 40, r->before + tai_to_utc) - c->transmit_correction;
	__u64 grain = 2 + (c->precision < 0 ? SECOND >> -c->precision : 0);
	__u64 lag_most = 100000; /* ns that the transmit time may be ahead, for sealing */

	assert_in_range(receive + grain, r->before + tai_to_utc, r->after + tai_to_utc + 2 * grain);
	assert_in_range(transmit + grain, receive, r->after + tai_to_utc + 2 * grain + lag_most);
	assert_true(get64(ntp + 32) <= get64(ntp + 40));
}

/* The header of an answer, byte for byte. */
static inline void assert_header(const struct test_case *tc, const struct packet *p,
				 struct world *w, const struct run *r, const uint8_t *ntp)
{
	const struct xnts_clock_state *c = world_clock(w);
	bool nak = tc->verdict >= XNTS_V_nak_key_unknown, kod = tc->verdict == XNTS_V_kod_rate;
	bool unsync = nak || kod || tc->flags & UNSYNC;
	int leap = unsync ? 3 : tc->leap, mode = (p->payload[0] & 7) == 1 ? 2 : 4;
	uint32_t aged = get32(ntp + 8), least = c->root_dispersion;

	assert_int_equal(ntp[0], leap << 6 | (p->payload[0] & 0x38) | mode);
	assert_int_equal(ntp[1], unsync ? 0 : c->stratum);
	assert_int_equal(ntp[2], p->payload[2]);
	assert_int_equal((int8_t)ntp[3], c->precision);
	assert_int_equal(get32(ntp + 4), c->root_delay);
	if (!(tc->flags & UNSYNC)) {
		__u64 age = clock_ns(CLOCK_MONOTONIC) - c->mono;

		assert_true(aged > least || aged == 0xffffffff);
		assert_true(aged <= least + 2 + age * 15 / 1000000 * 65536 / SECOND ||
			    least == 0xffffffff);
	}
	if (nak || kod)
		assert_memory_equal(ntp + 12, nak ? "NTSN" : "RATE", 4);
	else
		assert_int_equal(get32(ntp + 12), unsync ? 0 : 0xc0000221);
	assert_true(get64(ntp + 16) == c->reference_time);
	assert_memory_equal(ntp + 24, p->payload + 40, 8);
	assert_stamps(ntp, r, (tc->utc_ahead - WORLD_TAI_OFFSET) * (__s64)SECOND, c);
}

static inline void assert_answer(const struct test_case *tc, const struct packet *p,
				 struct world *w, const struct run *r)
{
	bool nts = tc->verdict == XNTS_V_nts_answered;
	uint32_t len = NTP_LEN + tc->echo + (nts ? AUTH_FIELD + tc->cookies * COOKIE_FIELD : 0);
	const uint8_t *ntp = assert_headers(p, r, len);
	struct client c;
	struct answer a;

	assert_header(tc, p, w, r, ntp);
	if (tc->flags & SAME_SIZE)
		assert_int_equal(len, p->payload_len);
	if (tc->echo)
		assert_memory_equal(ntp + NTP_LEN,
				    p->payload + (tc->echo_at ? tc->echo_at : NTP_LEN), tc->echo);
	if (nts) {
		client_init(&c);
		c.uid_len = tc->echo - 4;
		assert_true(client_open(&c, p, ntp, len, &a));
		assert_int_equal(a.cookies, tc->cookies);
	}
	assert_int_equal(r->out.cookies_issued, tc->cookies);
	assert_int_equal(r->out.unsynchronised, !!(tc->flags & UNSYNC));
}

static inline void check_case(const struct target *t, const struct test_case *tc, int ip_version)
{
	static struct world w;
	static struct packet p;
	static struct run r;

	world_init(&w);
	world_set_keys(&w);
	packet_init(&p, ip_version);
	tc->make(&p, &w);
	t->load(&w);
	r.len = packet_build(&p, r.frame) - tc->cut;
	run_frame(t, &r);
	assert_verdict(&r, tc->verdict);
	if (r.out.action == XDP_TX)
		assert_answer(tc, &p, &w, &r);
}

/* ---- the table as cmocka tests -------------------------------------------- */

#define BOUND_MAX 1024

struct bound_case {
	const struct target *target;
	const struct test_case *tc;
	int ip_version;
	char name[96];
};

struct bound_tests {
	int count;
	struct CMUnitTest test[BOUND_MAX];
	struct bound_case bound[BOUND_MAX];
};

static inline void bound_case_test(void **state)
{
	const struct bound_case *b = *state;

	check_case(b->target, b->tc, b->ip_version);
}

static inline void bind_case(struct bound_tests *all, const struct target *t,
			     const struct test_case *tc, int ip_version)
{
	struct bound_case *b = &all->bound[all->count];

	*b = (struct bound_case){ t, tc, ip_version, "" };
	snprintf(b->name, sizeof(b->name), "IPv%d %s: %s", ip_version, tc->name,
		 verdict_name(tc->verdict));
	all->test[all->count++] = (struct CMUnitTest){ b->name, bound_case_test, NULL, NULL, b };
}

/* Adds `n` cases, over IPv4 and IPv6, but those with a flag of `without`. */
static inline void bind_cases(struct bound_tests *all, const struct target *t,
			      const struct test_case *cases, int n, unsigned int without)
{
	int i;

	for (i = 0; i < n && all->count + 2 <= BOUND_MAX; i++) {
		if (cases[i].flags & without)
			continue;
		if (!(cases[i].flags & ONLY6))
			bind_case(all, t, &cases[i], 4);
		if (!(cases[i].flags & ONLY4))
			bind_case(all, t, &cases[i], 6);
	}
}

#endif /* XNTS_TEST_CHECK_H */
