/* SPDX-License-Identifier: GPL-2.0 */
/* Runs respond() in userspace.  Include before any other header of bpf/. */
#ifndef XNTS_TEST_HOST_TARGET_H
#define XNTS_TEST_HOST_TARGET_H

#include <stdlib.h>

#include "host_maps.h"
#include "respond.h"
#include "target.h"

static inline void host_load(const struct world *w)
{
	static const uint8_t nonce_key[16] = "a nonce key here";

	host.world = *w;
	aes_expand_key(&host.nonce_key, nonce_key);
}

/* The frame sits at 2 modulo 4, as behind NET_IP_ALIGN, so that 32-bit members are
 * aligned; it ends where its allocation ends, so that ASan sees a step too far. */
static inline int host_run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	uint8_t *memory = malloc(len + 2);

	if (!memory)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	host.frame = memcpy(memory + 2, frame, len);
	host.frame_len = len;
	memset(&host.counters, 0, sizeof(host.counters));
	out->verdict = respond(NULL, host.world.stamped ? &host.world.stamp : NULL);
	out->action = target_action(out->verdict);
	out->len = host.frame_len;
	memcpy(out->frame, host.frame, out->len);
	if (out->action == XDP_TX) {
		out->cookies_issued = host.counters.cookies_issued;
		out->unsynchronised = host.counters.unsynchronised;
		out->hardware_stamps = host.counters.hardware_stamps;
		out->refused_stamps = host.counters.refused_stamps;
	}
	free(memory);
	return 0;
}

static const struct target host_target = { "userspace", host_load, host_run };

#endif /* XNTS_TEST_HOST_TARGET_H */
