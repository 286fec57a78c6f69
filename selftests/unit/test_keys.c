/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../keys_machines.h"

/* ---- the first seed ----------------------------------------------------- */

static void test_first_seed(void **unused)
{
	struct keys_sealing sealing;
	struct stat st;

	(void)unused;
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, 5, false, 100), -EAGAIN);
	assert_int_equal(keys_sealing(a, &sealing), -ENOENT);
	assert_int_equal(window_of(a)->count, 0);
	assert_int_equal(access(config_a.state, F_OK), -1);

	assert_int_equal(keys_advance(a, NOON, true, 101), 0);
	assert_return_code(stat(config_a.state, &st), errno);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	expect_window(a, 1, 0, 3);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, 0x1000);
	assert_int_equal(sealing.next.id, 0x1001);
	assert_int_equal(sealing.switch_at, MIDNIGHT + DAY);

	/* a later start finds the same keys */
	b = open_keys(&config_a);
	assert_true(opens(b, &sealing.current));
	assert_true(opens(b, &sealing.next));
}

static void test_no_two_seeds_alike(void **unused)
{
	struct keys_sealing sealing;

	(void)unused;
	a = open_keys(&config_a);
	b = open_keys(&config_b);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	assert_int_equal(keys_advance(b, NOON, true, 0), 0);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, sealing_of(b).current.id);
	assert_false(opens(b, &sealing.current));
}

/* Another process made a seed in the meantime: there is one seed, not two. */
static void test_first_seed_race(void **unused)
{
	(void)unused;
	a = open_keys(&config_a);
	b = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_sealing(a, SEED_AGE);
}

static void test_seed_cannot_be_written(void **unused)
{
	(void)unused;
	strcpy(config_a.state, "/nonexistent/dir/keys");
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), -ENOENT);
	assert_non_null(strstr(captured(), "/nonexistent/dir/keys: cannot be written"));
	assert_int_equal(keys_advance(a, NOON, true, 1), -ENOENT);
	assert_string_equal(captured(), "");
	assert_int_equal(window_of(a)->count, 0);
}

/* ---- window and sealing keys -------------------------------------------- */

static void test_window_keys(void **unused)
{
	struct keys_state state = known_state(1);
	struct keys_sealing sealing;
	struct window *window;
	uint8_t key[32];

	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_window(a, 1, SEED_AGE - 8, SEED_AGE + 3);
	window = window_of(a);
	for (int i = 0; i < window->count; i++) {
		reference_key(&state, SEED_AGE - 8 + i, key);
		assert_memory_equal(window->key[i].key, key, 32);
	}
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(1, SEED_AGE));
	assert_memory_equal(sealing.current.key, window->key[8].key, 32);
	assert_int_equal(sealing.next.id, id_of(1, SEED_AGE + 1));
	assert_memory_equal(sealing.next.key, window->key[9].key, 32);
	assert_int_equal(sealing.switch_at, MIDNIGHT + DAY);
}

/* Every second around a switch: the version tells of it, `next` becomes `current`. */
static void test_switch(void **unused)
{
	struct keys_sealing before, after;
	uint64_t version;

	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, MIDNIGHT + DAY - 2, true, 0), 0);
	version = keys_version(a);
	before = sealing_of(a);
	assert_int_equal(keys_advance(a, MIDNIGHT + DAY - 1, true, 1), 0);
	assert_int_equal(keys_version(a), version);
	assert_int_equal(keys_advance(a, MIDNIGHT + DAY, true, 2), 0);
	assert_int_not_equal(keys_version(a), version);
	after = sealing_of(a);
	assert_memory_equal(&after.current, &before.next, sizeof(after.current));
	expect_window(a, 1, SEED_AGE - 7, SEED_AGE + 4);
	assert_non_null(strstr(file_text(&config_a), " epoch 93 chain "));
}

static void test_wrap(void **unused)
{
	struct keys_state state = known_state(1);

	(void)unused;
	state.generation[0].origin = MIDNIGHT - 4095 * (int64_t)DAY;
	state.generation[0].epoch = 4087;
	put_state(&config_a, &state);
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_window(a, 1, 4087, 4098);
	assert_int_equal(sealing_of(a).current.id, 0x1fff);
	assert_int_equal(sealing_of(a).next.id, 0x1000);
	assert_int_equal(keys_advance(a, NOON + DAY, true, DAY), 0);
	assert_int_equal(sealing_of(a).current.id, 0x1000);
	expect_window(a, 1, 4088, 4099);
}

/* The widest window a configuration can ask for, in two generations: collect() checks. */
static void test_widest_window(void **unused)
{
	struct keys_state state = known_state(KEYS_LAST_GENERATION);

	(void)unused;
	config_a.keep = 48;
	config_a.preload = 14;
	state.generation[0].epoch = SEED_AGE - 48;
	assert_int_equal(keys_seed(&state, NOON, DAY), 0);
	assert_int_equal(state.generation[0].number, 1);
	put_state(&config_a, &state);
	a = open_keys(&config_a);
	assert_int_equal(window_of(a)->count, 15 + 63);
}

static void test_fewer_kept(void **unused)
{
	(void)unused;
	config_a.keep = 2;
	a = open_known(&config_a);
	expect_window(a, 1, SEED_AGE - 2, SEED_AGE + 3);
	assert_int_equal(keys_advance(a, NOON + 2 * DAY, true, 0), 0);
	expect_window(a, 1, SEED_AGE, SEED_AGE + 5);
}

/* The file's epoch length counts, whatever the configuration says now. */
static void test_other_epoch_length(void **unused)
{
	(void)unused;
	config_a.epoch = 3600;
	a = open_known(&config_a);
	assert_non_null(strstr(captured(), "its epochs last 86400 s, not 3600 s as configured"));
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_sealing(a, SEED_AGE);
}

/* ---- a fleet ------------------------------------------------------------ */

/* Two machines, one seed, 30 s apart: each opens what the other seals, all the time. */
static void expect_agreement(void)
{
	struct keys_sealing of_a = sealing_of(a), of_b = sealing_of(b);

	assert_true(opens(b, &of_a.current));
	assert_true(opens(b, &of_a.next));
	assert_true(opens(a, &of_b.current));
	assert_true(opens(a, &of_b.next));
}

static void test_fleet(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	for (int64_t midnight = MIDNIGHT + DAY; midnight <= MIDNIGHT + 30 * DAY; midnight += DAY)
		for (int64_t now = midnight - 60; now <= midnight + 60; now += 5) {
			assert_int_equal(keys_advance(a, now, true, now - NOON), 0);
			assert_int_equal(keys_advance(b, now - 30, true, now - NOON), 0);
			expect_agreement();
		}
	expect_sealing(a, SEED_AGE + 30);
}

/* A joiner whose clock is behind gets a secret that begins with an epoch yet to come for it. */
static void test_joiner_behind(void **unused)
{
	struct keys_state state = known_state(1);
	struct keys_sealing sealing;

	(void)unused;
	state.clock = MIDNIGHT + DAY;
	state.generation[0].epoch = SEED_AGE + 1;
	put_state(&config_a, &state);
	a = open_keys(&config_a);
	for (int64_t now = MIDNIGHT + DAY - 30; now < MIDNIGHT + DAY + 30; now += 10) {
		assert_int_equal(keys_advance(a, now, true, now), 0);
		sealing = sealing_of(a);
		assert_int_equal(sealing.current.id, id_of(1, SEED_AGE + 1));
		assert_int_equal(sealing.switch_at, MIDNIGHT + 2 * DAY);
	}
}

/* A reseed with some delay: the new generation is known everywhere before it seals. */
static void test_pending_generation(void **unused)
{
	struct keys_state state = known_state(1);
	struct keys_sealing sealing;

	(void)unused;
	assert_int_equal(keys_seed(&state, NOON + 3600, 7200), 0);
	put_state(&config_a, &state);
	put_state(&config_b, &state);
	a = open_keys(&config_a);
	b = open_keys(&config_b);
	assert_int_equal(keys_advance(a, NOON + 3599, true, 0), 0);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(1, SEED_AGE));
	assert_int_equal(sealing.next.id, id_of(2, 0));
	assert_int_equal(sealing.switch_at, NOON + 3600);
	assert_int_equal(window_of(a)->count, 12 + 4);

	assert_int_equal(keys_advance(a, NOON + 3600, true, 1), 0);
	assert_int_equal(keys_advance(b, NOON + 3570, true, 1), 0);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(2, 0));
	assert_int_equal(sealing.switch_at, NOON + 3600 + 7200);
	assert_true(opens(b, &sealing.current));
	sealing = sealing_of(b);
	assert_int_equal(sealing.current.id, id_of(1, SEED_AGE));
	assert_true(opens(a, &sealing.current));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_seed),
		TEST(test_no_two_seeds_alike),
		TEST(test_first_seed_race),
		TEST(test_seed_cannot_be_written),
		TEST(test_window_keys),
		TEST(test_switch),
		TEST(test_wrap),
		TEST(test_widest_window),
		TEST(test_fewer_kept),
		TEST(test_other_epoch_length),
		TEST(test_fleet),
		TEST(test_joiner_behind),
		TEST(test_pending_generation),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
