/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files below XNTS_PIN_DIR: the maps of xnts_abi.h under their names, and a
 * link an interface as link_IFNAME.  This file knows names and shapes; contents
 * are dataplane.h's.
 *
 * Functions return 0 or a negative errno and log failures, naming the pin.
 */
#ifndef XNTS_PINS_H
#define XNTS_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pin {
	PIN_SWITCH,
	PIN_CONFIG,
	PIN_CLOCK,
	PIN_LOCAL4,
	PIN_LOCAL6,
	PIN_LISTS4,
	PIN_LISTS6,
	PIN_COUNTERS,
	PIN_KE_COUNTERS,
	PIN_DAEMON_COUNTERS,
	PIN_KE_STATE,
	PIN_LATENCY,
	PIN_KEYS,
	PIN_KEY_STATE,
	PIN_PHC,
	PIN_NAMES,
	PIN_COUNT
};

#define PIN_PATH 128

/* A map's pin, into a buffer of PIN_PATH bytes. */
void pin_path(enum pin pin, char *path);

/* Is an entry of the directory one that this version makes? */
bool pin_is_known(const char *entry);

/* The map's name in the object: "xnts_" and its file name. */
const char *pin_map_name(enum pin pin);

/* Makes sure that bpffs is mounted and holds XNTS_PIN_DIR (mode 0700). */
int pins_prepare(void);

/*
 * One at a time changes what is pinned: returns a descriptor, and close() of it lets the
 * next one in.  -ENOENT: there are no pins (not logged).
 */
int pins_lock(void);

/* The same without waiting; any failure is silent. */
int pins_lock_now(void);

/*
 * Opens the pinned maps; -1 where there is none.  -EPROTO when one is of another
 * ABI version or shape: nothing is opened then.
 */
int pins_open(int fd[PIN_COUNT]);

/* One of them alone; *fd is left as it is where there is none. */
int pin_open(enum pin pin, int *fd);

/* Opens them whatever they are. */
int pins_open_any(int fd[PIN_COUNT]);

/* The ABI version of what is pinned; 0: nothing is, or the maps are not filled yet. */
int pins_version(uint32_t *version);

/* Is there a pin that this version knows no map for?  Its name goes to `name`, PIN_PATH bytes. */
bool pins_unknown(char *name);

/*
 * Pins these maps in place of all that are pinned; links stay.  First beside them, which can
 * fail, then, once the program has changed, over them.
 */
int pins_stage(const int map_fd[PIN_COUNT]);
int pins_commit(void);

/* Finishes or undoes what one that was killed in between has left.  All three: under the lock. */
int pins_settle(void);

/* Pins a map that has no pin. */
int pins_add(enum pin pin, int map_fd);

void pins_close(int fd[PIN_COUNT]);

/* Removes whatever is pinned, by this version or another, and the directory. */
int pins_remove(void);

/* Bytes of a map's memory when it is mapped, whole pages. */
size_t pin_map_bytes(enum pin pin);

/* Path of an interface's link pin, or of its record in multi.h, into a buffer of PIN_PATH bytes. */
void pin_link_path(const char *ifname, char *path);
void pin_multi_path(const char *ifname, char *path);

/*
 * The interface a directory entry is the link pin of, into IF_NAMESIZE bytes.
 * -ENOENT: it is no link pin (not logged).
 */
int pin_link_ifname(const char *entry, char *ifname);
int pin_multi_ifname(const char *entry, char *ifname);

#endif /* XNTS_PINS_H */
