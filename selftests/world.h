/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a daemon would have put into the maps, as one struct: the tests fill it once
 * and load it into the userspace build and into the BPF object alike.
 */
#ifndef XNTS_TEST_WORLD_H
#define XNTS_TEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "monotonic.h"
#include "xnts_abi.h"

#define WORLD_LOCALS 2
#define WORLD_LISTED 2

struct world {
	__u32 switch_word;
	struct xnts_config config;
	struct xnts_clock clock;
	struct xnts_key_state key_state;
	struct xnts_cookie_key keys[XNTS_KEY_SLOTS];
	struct xnts_lpm4 local4[WORLD_LOCALS];
	struct xnts_lpm6 local6[WORLD_LOCALS];
	struct xnts_lpm4 listed4[WORLD_LISTED]; /* each and its namesake on */
	struct xnts_lpm6 listed6[WORLD_LISTED];
	__u32 list[WORLD_LISTED]; /* enum xnts_list */
	struct xnts_phc phc;      /* of the interface WORLD_IFINDEX */
	bool stamped;             /* the NIC gives each frame this stamp */
	__u64 stamp;
};

/* 198.51.100.1 and 2001:db8::1, and a prefix each as AnyIP routes give. */
#define WORLD_IP4 { 198, 51, 100, 1 }
#define WORLD_IP6 { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }
#define WORLD_MAC { 0x02, 0, 0, 0, 0, 0x01 }
#define WORLD_MAC_VRRP { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x07 }
#define WORLD_PORT2 4123
#define WORLD_TTL 61
#define WORLD_IFINDEX 1
#define WORLD_TAI_OFFSET 37
#define SECOND 1000000000ULL

static inline struct xnts_clock_state *world_clock(struct world *w)
{
	return &w->clock.slot[w->clock.current & 1];
}

/* A clock refreshed just now. */
static inline void world_set_clock(struct world *w)
{
	w->clock.current = 1;
	*world_clock(w) = (struct xnts_clock_state){
		.mono = clock_ns(CLOCK_MONOTONIC),
		.tai = clock_ns(CLOCK_TAI),
		.hold = 600 * SECOND,
		.step_guard = 5 * SECOND, /* a busy machine stops a test for long */
		.tai_offset = WORLD_TAI_OFFSET,
		.tai_offset_after = WORLD_TAI_OFFSET,
		.stratum = 2,
		.precision = -20,
		.root_delay = 0x00000123,
		.root_dispersion = 0x00000456,
		.reference_id = bpf_htonl(0xc0000221),
		.reference_time = 0xe6543210fedcba98,
		.receive_correction = -150,
		.transmit_correction = 400,
	};
}

/* A host that serves plain NTP; NTS keys are client.h's to add. */
static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->switch_word = XNTS_SERVE;
	w->config = (struct xnts_config){
		.abi_version = XNTS_ABI_VERSION,
		.port = { bpf_htons(123), bpf_htons(WORLD_PORT2) },
		.mac = { { WORLD_MAC, 1 }, { WORLD_MAC_VRRP, 1 } },
		.nak_rate = 1000000,
		.ttl = WORLD_TTL,
	};
	w->local4[0] = (struct xnts_lpm4){ 32, WORLD_IP4 };
	w->local4[1] = (struct xnts_lpm4){ 24, { 203, 0, 113, 0 } };
	w->local6[0] = (struct xnts_lpm6){ 128, WORLD_IP6 };
	w->local6[1] = (struct xnts_lpm6){ 48, { 0x20, 0x01, 0x0d, 0xb8, 0, 5 } };
	world_set_clock(w);
}

#endif /* XNTS_TEST_WORLD_H */
