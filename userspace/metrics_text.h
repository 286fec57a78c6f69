/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot as monitoring systems read it.
 */
#ifndef XNTS_METRICS_TEXT_H
#define XNTS_METRICS_TEXT_H

#include <stdio.h>

#include "nic_stats.h"
#include "snapshot.h"

enum metrics_format {
	METRICS_PROMETHEUS,  /* text format 0.0.4 */
	METRICS_OPENMETRICS, /* 1.0.0 */
};

/* The format a client wants that sent this Accept header, NULL for none. */
enum metrics_format metrics_negotiate(const char *accept);

/* The value of the Content-Type header. */
const char *metrics_content_type(enum metrics_format format);

/* All metrics, in base units (seconds); names begin with xnts_.  `nics`: what the drivers of
 * attached interfaces count, `nic_count` of them. */
void metrics_print(FILE *out, enum metrics_format format, const struct snapshot *s,
		   const struct nic_stats *nics, int nic_count);

#endif /* XNTS_METRICS_TEXT_H */
