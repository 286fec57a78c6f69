/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NTS key establishment (RFC 8915 4), the daemon's side.
 *
 * The daemon opens the listening sockets, reads certificates and keeps worker
 * processes alive; the workers (`xntsd --ke-worker`, ke_worker.c) speak TLS.  A
 * worker's configuration and certificate never change during its life: a reload
 * or a renewed certificate starts new workers on the same sockets and lets
 * the old ones finish what they have, so that no connection is lost.
 */
#ifndef XNTS_KE_H
#define XNTS_KE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct ke_config;
struct ke;
struct xnts_ke_state;

#define KE_SEALING_KEY_LEN 32 /* bytes, AEAD_AES_SIV_CMAC_256 */

/* A key that seals cookies; workers hold two of these and no other secret of the ratchet. */
struct ke_sealing_key {
	uint16_t id; /* cookie key id, machine byte order; 0: none */
	uint8_t key[KE_SEALING_KEY_LEN];
};

struct ke_sealing_keys {
	struct ke_sealing_key current;
	struct ke_sealing_key next; /* seals from `switch_at` on; id 0: none known */
	int64_t switch_at;          /* UTC, s since 1970 */
};

/*
 * Whom [ke] user names, or the process's own ids when it is not root.  0, or -EINVAL, logged:
 * no such account, or root's.
 */
int ke_find_user(const struct config *cfg, uid_t *uid, gid_t *gid);

/*
 * Binds the listeners, reads the certificates and starts the workers.  Clients are refused
 * by the kernel until ke_set_keys() has given the workers keys.  `counters_fd` is the
 * ke_counters map, or any file that can be mapped shared and holds XNTS_KE_WORKERS
 * entries of struct xnts_ke_counters; it is duplicated, the caller's stays open.
 * `cfg` is copied from, not kept.
 * Needs the right to bind the ports, to read the key files, and CAP_SETUID,
 * CAP_SETGID to give workers another user; all of it again on ke_reload() and
 * whenever a worker or a certificate is replaced.
 * Returns 0, or -errno with the reason logged; *out is NULL then.
 */
int ke_start(struct ke **out, const struct config *cfg, int counters_fd);

/*
 * Gives every worker, and those started later, these keys.  The caller wipes its own
 * copy.  Returns 0, the -errno of a listener with which service does not begin (logged; to be
 * tried again), or the first of a send (the worker concerned is replaced).
 */
int ke_set_keys(struct ke *ke, const struct ke_sealing_keys *keys);

/* A descriptor that polls readable whenever ke_dispatch() has work: deaths of workers,
 * restarts that are due, and four times a second a look at the certificate files. */
int ke_fd(const struct ke *ke);
void ke_dispatch(struct ke *ke);

/*
 * New workers with the new configuration; the old ones drain.  -errno with the
 * reason logged when listeners or certificates cannot be had: the old workers
 * serve on, unchanged.
 */
int ke_reload(struct ke *ke, const struct config *cfg);

/* Has ke_set_keys() succeeded once, so that clients are served? */
bool ke_has_keys(const struct ke *ke);

/* Fills in workers, ready (none is without keys) and expires. */
void ke_describe(struct ke *ke, struct xnts_ke_state *state);

/* Ends all workers, closes the listeners, wipes the keys.  NULL is allowed. */
void ke_stop(struct ke *ke);

/*
 * main() of a worker; `xntsd --ke-worker` calls it before anything else.  Its control
 * socket is descriptor KE_CONTROL_FD.  Returns the process's exit status.
 */
#define KE_CONTROL_FD 3
int ke_worker_main(void);

#endif /* XNTS_KE_H */
