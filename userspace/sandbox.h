/* SPDX-License-Identifier: GPL-2.0 */
/* What a KE worker gives up before it reads a byte from the network. */
#ifndef XNTS_SANDBOX_H
#define XNTS_SANDBOX_H

#include <sys/types.h>

/*
 * No core dumps, no ptrace by others of the same user: memory holds keys.  Call it
 * before secrets are read.  0 or -errno.
 */
int sandbox_hide_memory(void);

/*
 * Becomes user and group, without supplementary groups, without any capability now or after an
 * exec, and without system calls but those a worker needs on descriptors it has.
 * A call outside of the list ends the process with SIGSYS.
 * A process that may not change its user can only stay what it is: -EPERM for another.
 * Returns 0, or -errno with the reason logged; nothing must be served then.
 */
int sandbox_enter(uid_t uid, gid_t gid);

#endif /* XNTS_SANDBOX_H */
