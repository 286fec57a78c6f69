/* SPDX-License-Identifier: GPL-2.0 */
/* A worker process as the daemon sees it. */
#ifndef XNTS_KE_PROCESS_H
#define XNTS_KE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "ke.h"
#include "ke_control.h"

struct ke_process {
	pid_t pid; /* 0: none */
	int pidfd; /* polls readable at its death */
	int control;
	unsigned int place;      /* whose listeners it has */
	unsigned int generation; /* of the configuration it was started with */
	bool ready, draining;
	int64_t started; /* ms */
};

/* What a worker is started with; `keys` may be NULL. */
struct ke_start {
	struct ke_setup setup;
	struct ke_fds fds; /* listeners, and the counters last */
	const struct tls_pem *pem[TLS_MAX_CERTIFICATES]; /* setup.certificates of them */
	const struct ke_sealing_keys *keys;
};

/* Executes this very program as a worker.  Fills pid, pidfd and control; 0 or -errno. */
int ke_process_start(struct ke_process *process, const struct ke_start *start);

/* Takes what it has to say: sets `ready`.  -EPIPE when it said its last, or what it must not. */
int ke_process_hear(struct ke_process *process);

int ke_process_set_keys(const struct ke_process *process, const struct ke_sealing_keys *keys);
void ke_process_drain(struct ke_process *process);
void ke_process_kill(const struct ke_process *process);

/*
 * Buries it if it has died: true, and how in *status (wait(2)); the entry is free then.
 * `wait`: for as long as it takes.
 */
bool ke_process_reap(struct ke_process *process, bool wait, int *status);

#endif /* XNTS_KE_PROCESS_H */
