/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data plane as userspace sees it: the pinned maps of xnts_abi.h, the XDP
 * program, and its links to NICs.
 *
 * All of it is pinned and outlives the process.  dataplane_load() reuses what
 * is pinned, so that a restarted or upgraded daemon takes over without a lost
 * packet; dataplane_open() is for programs that only read or switch.
 *
 * Functions return 0 or a negative errno.  What an operator must know about a
 * failure has been logged (log.h) by then, naming the pin or the interface.
 */
#ifndef XNTS_DATAPLANE_H
#define XNTS_DATAPLANE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "xnts_abi.h"

struct dataplane;

/* ---- load, reuse, remove ------------------------------------------------ */

enum dataplane_load_flags {
	DATAPLANE_CARRY = 1,   /* pins of another ABI version may be taken over */
	DATAPLANE_LATENCY = 2, /* the program keeps the latency histograms */
};

/*
 * Loads the program, with the pinned maps where they exist (they are checked:
 * -EPROTO if one is of another shape) and new, empty maps where not, and pins those.
 * Mounts bpffs when /sys/fs/bpf has none.  Fills a fresh nonce key.  Attaches nothing.
 *
 * Pins of another ABI version are refused with -EPROTO unless DATAPLANE_CARRY: then the maps are new
 * and not pinned, and dataplane_take_over() puts them in the place of the old ones.  -EPROTO
 * also when this version is the older one and would lose what the newer counted.
 */
int dataplane_load(struct dataplane **out, unsigned int flags);

/*
 * After dataplane_load() and filling the maps: moves the kill switch and the counters over from
 * the maps of another ABI version, updates every link atomically and replaces the pins.
 * Nothing to do where the version is the same.  -EPROTO: the old maps seal with a key
 * that the new ones do not hold.
 */
int dataplane_take_over(struct dataplane *dp);

/* Opens the pinned maps alone.  -ENOENT: nothing is loaded (not logged). */
int dataplane_open(struct dataplane **out);

/* Gives back memory and descriptors; all that is pinned stays and serves. */
void dataplane_close(struct dataplane *dp);

/* Detaches every NIC and removes every pin, keys and counters with them. */
int dataplane_unload(void);

/* ---- links -------------------------------------------------------------- */

/*
 * Attaches the loaded program to an interface and pins the link.  A link of
 * ours that is there is updated atomically; a severed one is made anew, and so is one in
 * another mode than the one asked for, which is put back on an error.  CONFIG_MODE_AUTO:
 * native, else generic.
 * -EBUSY: another program holds the interface.  The mode obtained is logged.
 */
int dataplane_attach(struct dataplane *dp, const char *ifname, enum config_mode mode);

/*
 * The same beside other XDP programs, through libxdp's dispatcher.  -EOPNOTSUPP where there can be
 * none, -EBUSY where a link of ours is.  Takes CAP_SYS_ADMIN.
 */
int dataplane_attach_multi(struct dataplane *dp, const char *ifname, enum config_mode mode);

/* Removes the link of an interface.  -ENOENT: there is none. */
int dataplane_detach(const char *ifname);

/* Is there a pinned link of this name, good or severed? */
bool dataplane_has_link(const char *ifname);

/* Which interfaces get the entry that reads the NIC's stamps, from the next attach or refresh on. */
void dataplane_set_hardware(struct dataplane *dp, enum config_hardware hardware);

struct dataplane_link {
	char ifname[IF_NAMESIZE];
	uint32_t ifindex;         /* 0: severed, its device went away */
	enum config_mode mode;    /* CONFIG_MODE_AUTO: unknown */
	uint32_t prog_id;
	bool hardware;            /* its program reads the NIC's receive stamps */
	bool multi;               /* behind a dispatcher, beside other programs */
};

#define DATAPLANE_MAX_LINKS 64

/* Lists the pinned links, up to `max`; returns how many. */
int dataplane_links(struct dataplane_link *links, int max);

/*
 * Brings every pinned link to the loaded program: an upgrade takes over what
 * an older xntsd or a script attached.  Severed links whose device is back are
 * made anew, in `mode`; live ones keep theirs.  Returns how many were made anew, or the first
 * error after trying all.
 */
int dataplane_refresh_links(struct dataplane *dp, enum config_mode mode);

/* ---- what the daemon writes --------------------------------------------- */

/* Publishes a clock state as clock_source_read() filled it. */
void dataplane_set_clock(struct dataplane *dp, const struct xnts_clock_state *state);

struct dataplane_key {
	uint16_t id;     /* not 0 */
	uint8_t key[32]; /* AEAD_AES_SIV_CMAC_256 */
};

/*
 * Makes the key map hold exactly these keys: prepares and writes those it lacks, then names
 * the key that seals (0: none), then wipes the slots of all others.  The caller wipes
 * its own copy.
 */
void dataplane_set_keys(struct dataplane *dp, const struct dataplane_key *keys, int count,
			uint16_t seal_id);

/* The keys were found right at `mono`, which holds for `hold` (CLOCK_MONOTONIC, ns). */
void dataplane_confirm_keys(struct dataplane *dp, uint64_t mono, uint64_t hold);

/* Replaces the configuration; abi_version is filled in here. */
int dataplane_set_config(struct dataplane *dp, const struct xnts_config *config);

/* What `xnts status` shows of key establishment. */
int dataplane_set_ke_state(struct dataplane *dp, const struct xnts_ke_state *state);

/* The kill switch: works on pins alone, with no daemon running. */
int dataplane_set_switch(struct dataplane *dp, enum xnts_switch to);

/* ---- what is read back -------------------------------------------------- */

int dataplane_switch(struct dataplane *dp, enum xnts_switch *now);
int dataplane_config(struct dataplane *dp, struct xnts_config *config);
void dataplane_clock(struct dataplane *dp, struct xnts_clock_state *state);
void dataplane_key_state(struct dataplane *dp, struct xnts_key_state *state);

/* The ids in the key map, 0 for an empty slot; never a key. */
void dataplane_key_ids(struct dataplane *dp, uint32_t ids[XNTS_KEY_SLOTS]);

int dataplane_ke_state(struct dataplane *dp, struct xnts_ke_state *state);

/* Sum over all CPUs. */
int dataplane_counters(struct dataplane *dp, struct xnts_counters *sum);

/* Counters of one CPU each: an array of dataplane_cpus() entries. */
int dataplane_cpus(void);
int dataplane_cpu_counters(struct dataplane *dp, struct xnts_counters *cpu);

/* Sum over all CPUs. */
int dataplane_latency(struct dataplane *dp, struct xnts_latency *sum);

/* The mapped entries of ke_counters, XNTS_KE_WORKERS of them, shared with the workers. */
struct xnts_ke_counters *dataplane_ke_counters(struct dataplane *dp);

/* The mapped entry of daemon_counters, which the daemon alone writes. */
struct xnts_daemon_counters *dataplane_daemon_counters(struct dataplane *dp);

/* Descriptors of the tries, for localaddr.h and the lists; of ke_counters, for workers to map. */
int dataplane_local4_fd(const struct dataplane *dp);
int dataplane_local6_fd(const struct dataplane *dp);
int dataplane_phc_fd(const struct dataplane *dp);
int dataplane_lists4_fd(const struct dataplane *dp);
int dataplane_lists6_fd(const struct dataplane *dp);
int dataplane_ke_counters_fd(const struct dataplane *dp);

#endif /* XNTS_DATAPLANE_H */
