/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MADV_DONTDUMP */
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>

#include "keys.h"
#include "keys_state.h"
#include "log.h"

#define RETRY_SECONDS 60

/* Where sealing stands; keys_version() moves when this does. */
struct position {
	uint32_t generation; /* index in state.generation */
	int64_t epoch;
};

struct keys {
	struct keys_state state; /* SECRET; state.clock: the highest time accepted */
	struct keys_file file; /* that the state was read from or written to */
	struct keys_file seen; /* that was there last, perhaps refused */
	struct keys_config config;
	struct position sealing;
	uint64_t version;
	bool unsaved;          /* the state has moved on from the file */
	int save_error;        /* of the last try; 0: none */
	int64_t retry_at;      /* monotonic time of the next try after an error */
	bool disbelieved;      /* logged already */
	bool anchored;         /* the next two are set */
	int64_t anchor_utc;    /* state.clock when opened, reloaded or seeded ... */
	int64_t anchor_mono;   /* ... and the monotonic time of the first call then */
	int64_t sealing_utc;   /* the time by which `sealing` was found */
};

/* ---- opening and closing ------------------------------------------------ */

static int64_t newest_epoch(const struct keys *keys, const struct keys_generation *generation)
{
	int64_t epoch = keys_epoch_at(generation, keys->state.clock);

	return epoch > generation->epoch ? epoch : generation->epoch;
}

/* The newest generation that has begun; there is at least one. */
static struct position find_position(const struct keys *keys, int64_t utc)
{
	const struct keys_generation *generation = keys->state.generation;
	struct position position = { 0 };

	if (keys->state.count == 2 && utc < generation[0].origin)
		position.generation = 1;
	generation += position.generation;
	position.epoch = keys_epoch_at(generation, utc);
	if (position.epoch < generation->epoch)
		position.epoch = generation->epoch;
	return position;
}

static void set_position(struct keys *keys, int64_t utc)
{
	struct position position = find_position(keys, utc);

	keys->sealing_utc = utc;
	if (position.generation == keys->sealing.generation && position.epoch == keys->sealing.epoch)
		return;
	keys->sealing = position;
	keys->version++;
}

/* Starts from a state just loaded or made. */
static void adopt(struct keys *keys)
{
	keys->seen = keys->file;
	keys->anchored = false;
	keys->unsaved = false;
	keys->disbelieved = false;
	keys->version++;
	if (keys->state.count)
		set_position(keys, keys->state.clock);
}

static int load(const struct keys_config *config, struct keys_state *state, struct keys_file *file)
{
	int err = keys_load(config->state, state, file);

	if (err == -ENOENT)
		return 0;
	if (!err)
		err = keys_forget(state, config->keep);
	if (!err && state->generation[0].length != config->epoch)
		log_warning("%s: its epochs last %u s, not %u s as configured; they do until the next "
			    "xnts keys reseed", config->state, state->generation[0].length,
			    config->epoch);
	return err;
}

int keys_open(struct keys **out, const struct keys_config *config)
{
	struct keys *keys;
	int err;

	*out = NULL;
	/* pages of their own: memory protection works by page */
	keys = mmap(NULL, sizeof(*keys), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (keys == MAP_FAILED)
		return -errno;
	/* Both are a second line of defence; where the kernel says no, work goes on. */
	if (mlock(keys, sizeof(*keys)) || madvise(keys, sizeof(*keys), MADV_DONTDUMP))
		log_debug("keys: memory cannot be kept from swap or core dumps: %s", strerror(errno));
	keys->config = *config;
	err = load(config, &keys->state, &keys->file);
	if (err) {
		keys_close(keys);
		return err;
	}
	adopt(keys);
	*out = keys;
	return 0;
}

void keys_close(struct keys *keys)
{
	if (!keys)
		return;
	OPENSSL_cleanse(keys, sizeof(*keys));
	munmap(keys, sizeof(*keys));
}

int keys_reload(struct keys *keys, const struct keys_config *config)
{
	struct keys_state state;
	struct keys_file file;
	int err = load(config, &state, &file);

	if (!err && !state.count && keys->state.count) {
		log_error("%s: is gone; the keys it held stay in use until xntsd ends", config->state);
		err = -ENOENT;
	}
	if (!err) {
		keys->config = *config;
		keys->state = state;
		keys->file = file;
		adopt(keys);
	}
	OPENSSL_cleanse(&state, sizeof(state));
	return err;
}

/* ---- the clock ---------------------------------------------------------- */

/* How far a clock may be off: within it the true present epoch stays in the window. */
static int64_t allowance(const struct keys *keys)
{
	int64_t length = keys->state.generation[0].length;

	if (keys->state.count == 2 && keys->state.generation[1].length < length)
		length = keys->state.generation[1].length;
	return length * keys->config.keep;
}

/*
 * The anchor stays where it is while the process lives: were it moved along, many
 * small false jumps would add up to a large one.
 */
static void anchor(struct keys *keys, int64_t monotonic)
{
	if (keys->anchored)
		return;
	keys->anchored = true;
	keys->anchor_utc = keys->state.clock;
	keys->anchor_mono = monotonic;
}

static void tell_disbelief(struct keys *keys, int64_t utc)
{
	if (!keys->disbelieved)
		log_warning("keys: the clock (%" PRId64 ") is too far from the last time accepted (%" PRId64
			    ", s since 1970); keys follow the monotonic clock. If the clock is right: "
			    "xnts keys confirm DATE", utc, keys->state.clock);
	keys->disbelieved = true;
}

/* Accepts `utc`: the window moves forward, never back. */
static int move_to(struct keys *keys, int64_t utc)
{
	struct keys_state *state = &keys->state;
	int64_t old_clock = state->clock;
	int err;

	if (utc <= old_clock)
		return 0;
	state->clock = utc;
	for (uint32_t i = 0; i < state->count; i++) {
		const struct keys_generation *generation = &state->generation[i];

		if (keys_epoch_at(generation, utc) != keys_epoch_at(generation, old_clock)) {
			keys->unsaved = true;
			keys->version++;
		}
	}
	err = keys_forget(state, keys->config.keep);
	if (err)
		log_error("keys: OpenSSL cannot derive keys");
	return err;
}

static int follow(struct keys *keys, int64_t utc, int64_t monotonic)
{
	int64_t estimated = keys->anchor_utc + (monotonic - keys->anchor_mono);
	int64_t clock = keys->state.clock;
	bool ahead = utc > estimated + allowance(keys);
	bool behind = utc < clock - allowance(keys);
	int err;

	if (!ahead && !behind) {
		keys->disbelieved = false;
		err = move_to(keys, utc);
		set_position(keys, utc);
		return err;
	}
	tell_disbelief(keys, utc);
	err = ahead ? move_to(keys, estimated) : 0;
	set_position(keys, keys->state.clock);
	return err ? err : -ERANGE;
}

/* ---- the file ----------------------------------------------------------- */

/* -ESTALE: somebody has put another file in place this very second; that one counts. */
static int save(struct keys *keys)
{
	int err = keys_save(keys->config.state, &keys->state, &keys->file);

	if (err == -ESTALE)
		err = keys_reload(keys, &keys->config);
	else if (!err)
		keys->seen = keys->file;
	keys->unsaved = err != 0;
	return err;
}

static int make_seed(struct keys *keys, int64_t utc)
{
	struct keys_state *state = &keys->state;
	int64_t length = keys->config.epoch;
	int err;

	keys_make_directory(keys->config.state);
	state->clock = utc;
	/* epochs of a day begin at midnight */
	err = keys_seed(state, utc - utc % length, length);
	if (!err)
		err = keys_save(keys->config.state, state, &keys->file);
	if (err) {
		OPENSSL_cleanse(state, sizeof(*state));
		return err == -ESTALE ? keys_reload(keys, &keys->config) : err;
	}
	log_info("%s: first seed made", keys->config.state);
	adopt(keys);
	return 0;
}

/* Each try and its error are logged; a full disk need not fill the log too. */
static void write_file(struct keys *keys, int64_t utc, int64_t monotonic)
{
	if (keys->save_error && monotonic < keys->retry_at)
		return;
	keys->save_error = keys->state.count ? save(keys) : make_seed(keys, utc);
	keys->retry_at = monotonic + RETRY_SECONDS;
}

int keys_advance(struct keys *keys, int64_t utc, bool synchronised, int64_t monotonic)
{
	int err;

	/* the control program or a person has put another in place; one that is refused is logged */
	if (keys_file_changed(keys->config.state, &keys->seen))
		keys_reload(keys, &keys->config);
	if (keys->state.count)
		anchor(keys, monotonic);
	if (!synchronised || utc < 0)
		return -EAGAIN;
	if (!keys->state.count) {
		write_file(keys, utc, monotonic);
		if (!keys->state.count)
			return keys->save_error ? keys->save_error : -EAGAIN;
		anchor(keys, monotonic);
	}
	err = follow(keys, utc, monotonic);
	if (keys->unsaved)
		write_file(keys, utc, monotonic);
	return err;
}

/* ---- what the daemon publishes ------------------------------------------ */

bool keys_file_is_used(const struct keys *keys)
{
	return keys_file_same(&keys->file, &keys->seen);
}

uint64_t keys_version(const struct keys *keys)
{
	return keys->version;
}

static int walk(const struct keys *keys, const struct keys_generation *from,
		void (*each)(void *arg, uint16_t id, const uint8_t key[KEYS_LEN]), void *arg)
{
	struct keys_generation at = *from;
	int64_t last = newest_epoch(keys, from) + keys->config.preload;
	uint8_t key[KEYS_LEN];
	int err = 0;

	while (!err && at.epoch <= last) {
		err = keys_derive(&at, key);
		if (!err)
			each(arg, keys_id(&at, at.epoch), key);
		if (!err)
			err = keys_ratchet(&at, at.epoch + 1);
	}
	OPENSSL_cleanse(&at, sizeof(at));
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

int keys_window(const struct keys *keys,
		void (*each)(void *arg, uint16_t id, const uint8_t key[KEYS_LEN]), void *arg)
{
	int err = 0;

	for (uint32_t i = 0; i < keys->state.count && !err; i++)
		err = walk(keys, &keys->state.generation[i], each, arg);
	return err;
}

static int derive_at(const struct keys *keys, struct position position, struct keys_sealing_key *out)
{
	struct keys_generation at = keys->state.generation[position.generation];
	int err = keys_ratchet(&at, position.epoch);

	if (!err)
		err = keys_derive(&at, out->key);
	out->id = keys_id(&at, position.epoch);
	OPENSSL_cleanse(&at, sizeof(at));
	return err;
}

/* When the sealing epoch ends, or the next generation begins. */
static int64_t find_switch(const struct keys *keys)
{
	const struct keys_generation *newest = &keys->state.generation[0];
	const struct keys_generation *sealing = &keys->state.generation[keys->sealing.generation];
	int64_t end = sealing->origin + (keys->sealing.epoch + 1) * sealing->length;

	return sealing != newest && newest->origin < end ? newest->origin : end;
}

int keys_sealing(const struct keys *keys, struct keys_sealing *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	if (!keys->state.count)
		return -ENOENT;
	out->switch_at = find_switch(keys);
	err = derive_at(keys, keys->sealing, &out->current);
	if (!err)
		err = derive_at(keys, find_position(keys, out->switch_at), &out->next);
	if (err)
		OPENSSL_cleanse(out, sizeof(*out));
	return err;
}
