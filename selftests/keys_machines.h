/* SPDX-License-Identifier: GPL-2.0 */
/* Two machines with a key ratchet each, for cmocka tests (include cmocka.h first). */
#ifndef XNTS_TEST_KEYS_MACHINES_H
#define XNTS_TEST_KEYS_MACHINES_H

#include <fcntl.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture.h"
#include "keys.h"
#include "keys_state.h"

/* Not every test uses every helper. */
#define HELPER __attribute__((unused)) static

#define DAY 86400
#define YEAR (365 * DAY)
#define MIDNIGHT ((int64_t)1795392000) /* 2026-11-23 00:00 UTC */
#define NOON (MIDNIGHT + DAY / 2)
#define SEED_AGE 100                    /* epochs before MIDNIGHT's */

/* Two machines, a and b, each with a directory of its own. */
static char dir_a[] = "/tmp/xnts-test-keys-a.XXXXXX", dir_b[] = "/tmp/xnts-test-keys-b.XXXXXX";
static struct keys_config config_a, config_b;
static struct keys *a, *b;

HELPER void set_config(struct keys_config *config, const char *dir)
{
	memset(config, 0, sizeof(*config));
	snprintf(config->state, sizeof(config->state), "%s/keys", dir);
	config->epoch = DAY;
	config->keep = 8;
	config->preload = 3;
}

HELPER int make_dirs(void **unused)
{
	(void)unused;
	set_config(&config_a, mkdtemp(dir_a));
	set_config(&config_b, mkdtemp(dir_b));
	return 0;
}

HELPER int remove_dirs(void **unused)
{
	(void)unused;
	return rmdir(dir_a) | rmdir(dir_b);
}

HELPER int start(void **unused)
{
	(void)unused;
	set_config(&config_a, dir_a);
	set_config(&config_b, dir_b);
	capture_start();
	return 0;
}

HELPER int stop(void **unused)
{
	(void)unused;
	keys_close(a);
	keys_close(b);
	a = b = NULL;
	capture_stop();
	unlink(config_a.state);
	unlink(config_b.state);
	return 0;
}

/* ---- a state that is known, and its keys by another route --------------- */

HELPER void fill_chain(uint8_t chain[32], int first)
{
	for (int i = 0; i < 32; i++)
		chain[i] = first + 3 * i;
}

/* A machine that was stopped at NOON, in epoch SEED_AGE of generation `number`. */
HELPER struct keys_state known_state(int number)
{
	struct keys_state state = { .clock = NOON, .count = 1 };
	struct keys_generation *generation = &state.generation[0];

	generation->number = number;
	generation->length = DAY;
	generation->origin = MIDNIGHT - SEED_AGE * DAY;
	generation->epoch = SEED_AGE - 8;
	fill_chain(generation->chain, number);
	return state;
}

HELPER void put_state(const struct keys_config *config, const struct keys_state *state)
{
	struct keys_file none = { 0 };

	unlink(config->state);
	assert_int_equal(keys_save(config->state, state, &none), 0);
}

HELPER struct keys *open_keys(const struct keys_config *config)
{
	struct keys *keys;

	assert_int_equal(keys_open(&keys, config), 0);
	return keys;
}

HELPER struct keys *open_known(const struct keys_config *config)
{
	struct keys_state state = known_state(1);

	put_state(config, &state);
	return open_keys(config);
}

/* RFC 5869 from HMAC alone: extract with a zero salt, one block of expand. */
HELPER void reference_hkdf(const uint8_t in[32], const char *label, uint16_t id, uint8_t out[32])
{
	static const uint8_t salt[32];
	uint8_t prk[32], info[16];
	size_t len = strlen(label);

	memcpy(info, label, len);
	info[len++] = id >> 8;
	info[len++] = id & 0xff;
	info[len++] = 1;
	HMAC(EVP_sha256(), salt, 32, in, 32, prk, NULL);
	HMAC(EVP_sha256(), prk, 32, info, len, out, NULL);
}

HELPER uint16_t id_of(int generation, int64_t epoch)
{
	return generation << 12 | epoch % 4096;
}

HELPER void reference_key(const struct keys_state *state, int64_t epoch, uint8_t key[32])
{
	const struct keys_generation *generation = &state->generation[0];
	uint8_t chain[32];

	memcpy(chain, generation->chain, 32);
	for (int64_t e = generation->epoch + 1; e <= epoch; e++)
		reference_hkdf(chain, "next", id_of(generation->number, e), chain);
	reference_hkdf(chain, "cookie", id_of(generation->number, epoch), key);
}

/* ---- looking at a machine ----------------------------------------------- */

struct window {
	int count;
	struct keys_sealing_key key[XNTS_KEY_SLOTS];
	bool slot_used[XNTS_KEY_SLOTS];
};

HELPER void collect(void *arg, uint16_t id, const uint8_t key[32])
{
	struct window *window = arg;

	assert_in_range(window->count, 0, XNTS_KEY_SLOTS - 1);
	assert_int_not_equal(id >> 12, 0);
	assert_false(window->slot_used[XNTS_KEY_SLOT(id)]);
	window->slot_used[XNTS_KEY_SLOT(id)] = true;
	window->key[window->count].id = id;
	memcpy(window->key[window->count++].key, key, 32);
}

HELPER struct window *window_of(const struct keys *keys)
{
	static struct window windows[2], *window; /* two can be compared */

	window = &windows[window == &windows[0]];
	memset(window, 0, sizeof(*window));
	assert_int_equal(keys_window(keys, collect, window), 0);
	return window;
}

/* Could `keys` open a cookie of this key? */
HELPER bool opens(const struct keys *keys, const struct keys_sealing_key *key)
{
	struct window *window = window_of(keys);

	for (int i = 0; i < window->count; i++)
		if (window->key[i].id == key->id)
			return !memcmp(window->key[i].key, key->key, 32);
	return false;
}

HELPER struct keys_sealing sealing_of(const struct keys *keys)
{
	struct keys_sealing sealing;

	assert_int_equal(keys_sealing(keys, &sealing), 0);
	return sealing;
}

HELPER void expect_window(const struct keys *keys, int generation, int64_t first, int64_t last)
{
	struct window *window = window_of(keys);

	assert_int_equal(window->count, last - first + 1);
	for (int64_t e = first; e <= last; e++)
		assert_int_equal(window->key[e - first].id, id_of(generation, e));
}

HELPER void expect_sealing(const struct keys *keys, int64_t epoch)
{
	assert_int_equal(sealing_of(keys).current.id, id_of(1, epoch));
}

HELPER const char *file_text(const struct keys_config *config)
{
	static char text[2][KEYS_TEXT_MAX];
	static int turn;
	int fd = open(config->state, O_RDONLY);
	ssize_t len;

	turn = !turn;
	assert_return_code(fd, errno);
	len = read(fd, text[turn], KEYS_TEXT_MAX - 1);
	close(fd);
	assert_true(len > 0);
	text[turn][len] = 0;
	return text[turn];
}

#endif /* XNTS_TEST_KEYS_MACHINES_H */
