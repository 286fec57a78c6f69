/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The metrics over HTTP: GET /metrics.  Works in the caller's loop, with no thread.
 */
#ifndef XNTS_METRICS_H
#define XNTS_METRICS_H

#include "config.h"
#include "dataplane.h"

struct metrics;

/* Listens on `listen`; *dp is read at each request and must outlive it.  0 or -errno, logged. */
int metrics_start(struct metrics **out, const struct config_address *listen, struct dataplane *dp);
void metrics_stop(struct metrics *m); /* NULL is fine */

/* Readable when there is work for metrics_dispatch(); call that once a second as well,
 * for connections whose time is up. */
int metrics_fd(const struct metrics *m);
void metrics_dispatch(struct metrics *m);

#endif /* XNTS_METRICS_H */
