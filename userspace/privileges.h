/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_PRIVILEGES_H
#define XNTS_PRIVILEGES_H

/*
 * Gives up, for good and for every child, all capabilities but those that attaching, workers
 * and renewed certificates need (see privileges.c), and the chance to gain others by
 * exec.  The user stays: files of root are still its own.  0 or -errno, logged.
 */
int privileges_drop(void);

#endif /* XNTS_PRIVILEGES_H */
