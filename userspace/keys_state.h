/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ratchet's state and its file; keys.h explains the ratchet itself.
 *
 * The file is text, mode 0600, and is SECRET from its first byte to its last:
 *
 *   xnts keys 1
 *   clock 1795456800
 *   generation 2 length 86400 origin 1795456800 epoch 0 chain <64 hex digits>
 *   generation 1 length 86400 origin 1793404800 epoch 15 chain <64 hex digits>
 *   sha256 <64 hex digits: SHA-256 of all lines above>
 *
 * clock: the highest UTC second that was accepted when the file was written.
 * generation: the newest first; one, or two from a reseed until a revoke.  length: of
 * an epoch, s.  origin: when epoch 0 begins and the generation begins to seal, s since
 * 1970; in the future just after a reseed with a delay.  epoch: the oldest that can be
 * derived, and chain its chain value.
 *
 * There is one way to write a state: one blank between words, no leading zeros,
 * lower-case digits.  Whatever differs from it is refused.
 */
#ifndef XNTS_KEYS_STATE_H
#define XNTS_KEYS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define KEYS_CHAIN_LEN 32       /* bytes */
#define KEYS_TEXT_MAX 640       /* bytes of a state's text, with room for its 0 */
#define KEYS_LAST_GENERATION 14 /* then 1; see keys.h */
#define KEYS_LENGTH_MAX (365 * 86400)

/* SECRET */
struct keys_generation {
	uint32_t number; /* 1 to KEYS_LAST_GENERATION */
	uint32_t length; /* of an epoch, s */
	int64_t origin;  /* UTC, s since 1970 */
	int64_t epoch;   /* of `chain`: the oldest that can be derived */
	uint8_t chain[KEYS_CHAIN_LEN];
};

/* SECRET */
struct keys_state {
	int64_t clock;    /* UTC, s since 1970 */
	uint32_t count;   /* generations: 0 (no seed yet), 1 or 2 */
	struct keys_generation generation[2]; /* newest first */
};

/* ---- the ratchet (keys_ratchet.c) --------------------------------------- */

/* The epoch at `utc`; negative before the origin. */
int64_t keys_epoch_at(const struct keys_generation *generation, int64_t utc);

/* generation << 12 | epoch mod 4096 */
uint16_t keys_id(const struct keys_generation *generation, int64_t epoch);

/* Moves the chain forward to `epoch`, for good; nothing if it is there or beyond.  -EIO: OpenSSL. */
int keys_ratchet(struct keys_generation *generation, int64_t epoch);

/* The cookie key of the chain's own epoch.  -EIO: OpenSSL. */
int keys_derive(const struct keys_generation *generation, uint8_t key[32]);

/* Ratchets every generation to the oldest of `keep` epochs before the state's clock. */
int keys_forget(struct keys_state *state, uint32_t keep);

/*
 * Puts a new generation of fresh randomness in front, sealing from `origin` on.  The one
 * before stays.  -EEXIST: two generations are there already.
 */
int keys_seed(struct keys_state *state, int64_t origin, uint32_t length);

/* ---- its text (keys_text.c) --------------------------------------------- */

/* Writes the text and a 0; returns the text's length. */
size_t keys_format(const struct keys_state *state, char text[KEYS_TEXT_MAX]);

/* NULL, or what is wrong with the text as the end of a sentence; *state is wiped then. */
const char *keys_parse(const char *text, size_t len, struct keys_state *state);

/* ---- its file (keys_file.c) --------------------------------------------- */

/* Which file was read or written last, to notice that another took its place. */
struct keys_file {
	dev_t dev;
	ino_t ino; /* 0: there was none */
	off_t size;
	mode_t mode; /* who may read it may change alone */
	uid_t uid;
	struct timespec mtime;
};

/*
 * Reads and checks the file.  Returns 0; -ENOENT (not logged, *state is empty); -EACCES
 * when others than the owner have access; -EBADMSG when its content is refused; another
 * -errno.  On an error *state is wiped, and the reason is logged.
 */
int keys_load(const char *path, struct keys_state *state, struct keys_file *file);

/* Is another file there than *seen names?  Updates *seen: each change is told once. */
bool keys_file_changed(const char *path, struct keys_file *seen);

bool keys_file_same(const struct keys_file *a, const struct keys_file *b);

/*
 * Replaces the file atomically and durably (a new file, fsync, rename, fsync of the
 * directory), if it is still the one `file` names: -ESTALE (not logged) when somebody else
 * has put another in its place.  Updates *file.  Other errors are logged.
 */
int keys_save(const char *path, const struct keys_state *state, struct keys_file *file);

/* Makes the directory of a state file, mode 0700, if it is not there; keys_save() tells of a failure. */
void keys_make_directory(const char *path);

#endif /* XNTS_KEYS_STATE_H */
