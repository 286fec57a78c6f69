/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `xnts status` and `xnts check`: what a snapshot says, for people.
 */
#ifndef XNTS_STATUS_H
#define XNTS_STATUS_H

#include <stdio.h>
#include <sys/types.h>

#include "snapshot.h"

/* One screen.  `daemon` is xntsd's process id, or negative when it does not run. */
void status_print(FILE *out, const struct snapshot *s, pid_t daemon);

/* One line an ailment, and a warning if there is one, or "ok"; returns the number of ailments.
 * A certificate that has less than `days` left is one. */
int check_print(FILE *out, const struct snapshot *s, int days);

#endif /* XNTS_STATUS_H */
