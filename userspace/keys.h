/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cookie keys: a one-way ratchet in generations, advanced by the clock.
 *
 *   chain[e+1] = HKDF-SHA256(chain[e], info "next" | id of epoch e+1)
 *   key[e]     = HKDF-SHA256(chain[e], info "cookie" | id of epoch e)
 *
 * (RFC 5869, no salt, 32 bytes out, ids as two bytes in network byte order.)
 * Key id = generation (4 bits, 1 to 14, then 1 again) | epoch mod 4096; epoch e of
 * a generation lasts from origin + e * length for length seconds of UTC.  (Not 15: two
 * generations overlap, and the key map tells odd from even.)
 *
 * All machines of a fleet share one state file's content and derive the same keys
 * from the same clock.  The chain kept is that of the oldest epoch still answered
 * (`keep` epochs back), so what a thief of the file reads of the past ends there;
 * he reads every later key of that generation, which is why there is reseeding.
 *
 * Guards of the clock, since a ratchet cannot be turned back:
 *  - unsynchronised: nothing moves and no first seed is made;
 *  - a clock ahead of (highest time accepted + time that has passed since on the
 *    monotonic clock + keep epochs) is not believed: the keys go on with the
 *    monotonic clock.  Keep epochs, because a false jump within them leaves the true
 *    present key within the window;
 *  - a clock more than keep epochs behind the highest time accepted is not believed
 *    either: the stored epoch stays.
 *
 * The state file and its format: keys_state.h.
 */
#ifndef XNTS_KEYS_H
#define XNTS_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#define KEYS_LEN 32 /* bytes of a cookie key: AEAD_AES_SIV_CMAC_256, RFC 5297 */

struct keys; /* SECRET; kept out of core dumps and, where allowed, of swap */

/* SECRET: wipe it with OPENSSL_cleanse() when done. */
struct keys_sealing {
	struct keys_sealing_key {
		uint16_t id; /* 0: none */
		uint8_t key[KEYS_LEN];
	} current, next;
	int64_t switch_at; /* UTC, s since 1970: from then on `next` seals */
};

/*
 * Opens the ratchet of config->state.  A missing file is no error: the window is
 * empty, and the first keys_advance() with a synchronised clock makes the seed.
 * Returns 0, -EACCES (others may read the file), -EBADMSG (damaged), or another
 * -errno; each is logged, naming file and reason.
 */
int keys_open(struct keys **keys, const struct keys_config *config);

/* Wipes and frees; NULL is fine. */
void keys_close(struct keys *keys);

/*
 * Could this process put a state file at `path`, in a folder that is there or that
 * keys_advance() can make?  Changes nothing.  0, or the -errno that says why not.
 */
int keys_place(const char *path);

/*
 * Takes what the state file says now, and new `keep` and `preload`; not another path.
 * On error, logged, all stays as it was.
 */
int keys_reload(struct keys *keys, const struct keys_config *config);

/*
 * Moves to the epoch of `utc` (s since 1970).  `monotonic` is CLOCK_BOOTTIME in s.
 * Call it about once a second.  A state file that the control program or a person has
 * put in place since the last call is taken, or refused as by keys_reload().  The state file is rewritten when an epoch begins;
 * a failure to write is logged, and tried again after a minute.
 * Returns 0: the keys are those of the present, others' cookies may be judged by them;
 *   -EAGAIN: the clock is not synchronised, the window stays as it was;
 *   -ERANGE: the clock is not believed (logged once), the window follows the
 *            monotonic clock at most;
 *   another -errno: no keys yet and the first seed cannot be made.
 */
int keys_advance(struct keys *keys, int64_t utc, bool synchronised, int64_t monotonic);

/* Is the state file the one whose keys are in use?  It may have been refused, or be gone. */
bool keys_file_is_used(const struct keys *keys);

/* Another number after each change of the window or of the sealing keys. */
uint64_t keys_version(const struct keys *keys);

/*
 * Calls `each` once for every key that opens cookies: from the oldest kept to the last
 * preloaded epoch, of one or two generations; no id twice, no two ids in one
 * XNTS_KEY_SLOT.  `key` is wiped after the call.  Returns 0, or -errno of OpenSSL's failure.
 */
int keys_window(const struct keys *keys,
		void (*each)(void *arg, uint16_t id, const uint8_t key[KEYS_LEN]), void *arg);

/* The keys that seal now and next.  Returns 0, -ENOENT before the first seed, or -EIO. */
int keys_sealing(const struct keys *keys, struct keys_sealing *out);

#endif /* XNTS_KEYS_H */
