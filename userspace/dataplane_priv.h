/* SPDX-License-Identifier: GPL-2.0 */
/* What dataplane.c, attach.c and maps_io.c share, and nobody else sees. */
#ifndef XNTS_DATAPLANE_PRIV_H
#define XNTS_DATAPLANE_PRIV_H

#include "dataplane.h"
#include "pins.h"

struct bpf_object;
struct xnts_bpf;
struct carry;
struct hw_program;

struct dataplane {
	struct xnts_bpf *skel; /* NULL: opened, not loaded */
	int prog_fd;           /* -1: not loaded; the skeleton's */
	uint32_t prog_id;
	enum config_hardware hardware; /* off until it is set */
	struct hw_program *hw; /* hw_program.h */
	struct carry *carry;   /* what another version pinned, until it is taken over */
	int map_fd[PIN_COUNT];

	/* Mapped writable when loaded, read-only when opened. */
	struct xnts_clock *clock;
	struct xnts_ke_counters *ke_counters;
	struct xnts_daemon_counters *daemon_counters;
	struct xnts_cookie_key *keys;
	struct xnts_key_state *key_state;
};

/*
 * Gives another object, before it is loaded, all maps of the loaded program, those that are not pinned as
 * well: nonces come from one counter under one key, whichever of the two runs, and that key is
 * set before the first packet.  Constants are not shared.  0 or a negative errno, which is logged.
 */
int dataplane_share_maps(const struct dataplane *dp, struct bpf_object *obj);

/* Maps and unmaps the five above; map_fd is filled. */
int maps_io_map(struct dataplane *dp, bool writable);
void maps_io_unmap(struct dataplane *dp);

/* Fills the map of the counters' names. */
int maps_io_name(struct dataplane *dp);

/* Updates every live link to the loaded program.  On an error of the first none is updated, on
 * others the rest is. */
int attach_update_all(struct dataplane *dp);

/* The mode an interface's program runs in; the link itself does not tell. */
enum config_mode attach_mode(int ifindex);

/* Detaches and removes every link pin; the caller holds the lock. */
int attach_detach_all(void);

#endif /* XNTS_DATAPLANE_PRIV_H */
