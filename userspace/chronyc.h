/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What chronyd says through `chronyc -c tracking`: the way that needs no NTP
 * port open on this host.
 */
#ifndef XNTS_CHRONYC_H
#define XNTS_CHRONYC_H

#include "clock_state.h"

/*
 * Reads one line of `chronyc -c tracking` (chronyc(1), with or without its newline) into the
 * common members of `state`; |system time offset| is added to the root dispersion.
 * A chronyd that is not synchronised gives an unsynchronised state.
 * Returns 0, or -EBADMSG when the line is anything else.
 */
int chronyc_parse_tracking(const char *line, struct xnts_clock_state *state);

/*
 * Runs `program -c tracking`, or `program -h host -c tracking` when `host` (an
 * address, or the path of chronyd's command socket) is not NULL: no shell, an
 * environment of its own, killed after `timeout_ms`.
 * Returns 0, -ENOENT (no such program), -ETIMEDOUT, -EBADMSG (no tracking line:
 * chronyd does not run, or refuses), or another -errno.
 */
int chronyc_tracking(const char *program, const char *host, int timeout_ms,
		     struct xnts_clock_state *state);

#endif /* XNTS_CHRONYC_H */
