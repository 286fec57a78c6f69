/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beside other XDP programs: attaching through libxdp's dispatcher, of which libxdp keeps the pins.
 * Ours says which interfaces that concerns.  It takes CAP_SYS_ADMIN, which the daemon gives
 * up, so a program there stays until `xntsd --attach --multiprog` replaces it.
 *
 * The caller holds the pins' lock.  Functions return 0 or a negative errno, logged.
 */
#ifndef XNTS_MULTI_H
#define XNTS_MULTI_H

#include "config.h"
#include "dataplane_priv.h"

/* Attaches, or replaces ours that is there.  -EOPNOTSUPP: no dispatcher could be had. */
int multi_attach(struct dataplane *dp, const char *ifname, enum config_mode mode);

/* Takes ours out; other programs stay.  -ENOENT: there is none (not logged). */
int multi_detach(const char *ifname);

/* An interface of which there is a record; its ifindex is 0 when no program is on it. */
void multi_describe(const char *ifname, struct dataplane_link *link);

/* Is there any? */
bool multi_any(void);

#endif /* XNTS_MULTI_H */
