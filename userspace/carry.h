/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carry: what goes over from the pinned maps of another ABI version when a daemon takes their
 * place, an upgrade or a downgrade.  xnts_abi.h says what can be relied on in all
 * versions.
 *
 *	switch				the same map, so that whoever runs, killed or not, obeys it
 *	all counters			copied by their names
 *	phc				copied: only its entries know what is to be undone on NICs
 *	keys				derived anew from [keys] state; the sealing key must be among them
 *	config, clock, addresses, lists	filled anew by the daemon
 *
 * A newer version leaves behind what it has no counter for any more, and says so.  An older
 * one refuses to start when the newer has counted what it cannot name, has a map it
 * does not know, or stands at a switch position it does not know: that would be lost.
 */
#ifndef XNTS_CARRY_H
#define XNTS_CARRY_H

#include <stdint.h>

#include "xnts_abi.h"

struct carry;

/*
 * Opens what ABI version `version` has pinned.  0; -EPROTO when this version would lose of
 * it; another negative errno: all logged.
 */
int carry_open(struct carry **out, uint32_t version);
void carry_close(struct carry *c);

uint32_t carry_version(const struct carry *c);

/* The id of the key that seals there, 0: none. */
uint32_t carry_sealing(const struct carry *c);

/* Copy to the maps of this version, which nobody else writes yet.  0 or a negative errno. */
int carry_packet_counters(const struct carry *c, int fd);
int carry_phc(const struct carry *c, int fd);
int carry_userspace_counters(const struct carry *c, struct xnts_ke_counters *workers,
			     struct xnts_daemon_counters *daemon);

#endif /* XNTS_CARRY_H */
