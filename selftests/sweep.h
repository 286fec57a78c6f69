/* SPDX-License-Identifier: GPL-2.0 */
/* What the sweeps share: one packet, changed in many ways, run again and again. */
#ifndef XNTS_TEST_SWEEP_H
#define XNTS_TEST_SWEEP_H

#include "check.h"

struct sweep {
	const struct target *target;
	struct world world;
	struct client client;
	struct packet packet;
	struct run run;
};

#define SWEEP(test, the_target) { #test, test, NULL, NULL, (void *)(the_target) }

/* A plain client's request, ready to be made more of. */
static inline struct sweep *sweep_start(void **state, int ip_version)
{
	static struct sweep s;

	s.target = *state;
	world_init(&s.world);
	world_set_keys(&s.world);
	client_init(&s.client);
	packet_init(&s.packet, ip_version);
	s.target->load(&s.world);
	return &s;
}

/* The same with NTS and placeholders. */
static inline struct sweep *sweep_start_nts(void **state, int ip_version, int placeholders)
{
	struct sweep *s = sweep_start(state, ip_version);

	client_request(&s->client, &s->packet, placeholders);
	return s;
}

static inline void sweep_packet(struct sweep *s)
{
	run_packet(s->target, &s->packet, &s->run);
}

/* Would the client take what came back for an authenticated answer? */
static inline bool sweep_accepted(struct sweep *s)
{
	uint32_t at = packet_payload_at(&s->packet);
	struct answer a;

	return s->run.out.action == XDP_TX && s->run.out.len > at &&
	       client_open(&s->client, &s->packet, s->run.out.frame + at, s->run.out.len - at, &a);
}

static inline void assert_not_authenticated(struct sweep *s)
{
	assert_int_not_equal(s->run.out.verdict, XNTS_V_nts_answered);
	assert_false(sweep_accepted(s));
}

#endif /* XNTS_TEST_SWEEP_H */
