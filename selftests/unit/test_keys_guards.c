/* SPDX-License-Identifier: GPL-2.0 */
/* What wrong clocks, wrong files and crashes may not do to the cookie keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>


#include "../keys_lock_hook.h"
#include "../keys_machines.h"

/* ---- wrong clocks ------------------------------------------------------- */

static void test_unsynchronised(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	for (int64_t t = 0; t < 20 * DAY; t += 3600)
		assert_int_equal(keys_advance(a, NOON + t, false, t), -EAGAIN);
	expect_sealing(a, SEED_AGE);
	expect_window(a, 1, SEED_AGE - 8, SEED_AGE + 3);
	/* that time has passed, the monotonic clock knows: no jump */
	assert_int_equal(keys_advance(a, NOON + 20 * DAY, true, 20 * DAY), 0);
	expect_sealing(a, SEED_AGE + 20);
}

/* The clock said to be synchronised is wrong from the start, then right. */
static void expect_recovery_from(int64_t wrong)
{
	const char *before;
	struct keys_sealing sealing;

	a = open_known(&config_a);
	b = open_known(&config_b);
	before = file_text(&config_a);
	for (int64_t t = 0; t < 3600; t += 60)
		assert_int_equal(keys_advance(a, wrong + t, true, t), -ERANGE);
	expect_sealing(a, SEED_AGE);
	expect_window(a, 1, SEED_AGE - 8, SEED_AGE + 3);
	assert_string_equal(file_text(&config_a), before);

	assert_int_equal(keys_advance(a, NOON + 3600, true, 3600), 0);
	assert_int_equal(keys_advance(b, NOON + 3600, true, 3600), 0);
	sealing = sealing_of(b);
	assert_true(opens(a, &sealing.current));
	sealing = sealing_of(a);
	assert_true(opens(b, &sealing.current));
}

static void test_clock_at_1970(void **unused)
{
	(void)unused;
	expect_recovery_from(0);
}

static void test_clock_at_2040(void **unused)
{
	(void)unused;
	expect_recovery_from(2209032000);
}

static void test_boot_a_year_back(void **unused)
{
	(void)unused;
	expect_recovery_from(NOON - YEAR);
}

static void test_boot_a_year_forward(void **unused)
{
	(void)unused;
	expect_recovery_from(NOON + YEAR);
}

/* Told once, not every second, and again after it was right in between. */
static void test_disbelief_is_logged_once(void **unused)
{
	const char *log;

	(void)unused;
	a = open_known(&config_a);
	keys_advance(a, NOON + YEAR, true, 0);
	log = captured();
	assert_non_null(strstr(log, "keys: the clock (1826971200)"));
	assert_non_null(strstr(log, "xnts keys confirm"));
	keys_advance(a, NOON + YEAR + 1, true, 1);
	assert_string_equal(captured(), "");
	keys_advance(a, NOON + 2, true, 2);
	keys_advance(a, NOON + YEAR + 3, true, 3);
	assert_string_not_equal(captured(), "");
}

/* 2040 again and again: the jumps that are refused do not add up. */
static void test_restarts_at_2040(void **unused)
{
	const char *before;

	(void)unused;
	a = open_known(&config_a);
	before = file_text(&config_a);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(keys_advance(a, 2209032000, true, i), -ERANGE);
		keys_close(a);
		a = open_keys(&config_a);
	}
	assert_string_equal(file_text(&config_a), before);
	expect_sealing(a, SEED_AGE);
}

/*
 * While it runs the clock steps by `step`, and back after 20 days.  Machine a stays in
 * step with the true time that b has: its monotonic clock tells.
 */
static void expect_to_survive_step(int64_t step, bool follows)
{
	int64_t t;

	a = open_known(&config_a);
	b = open_known(&config_b);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	for (t = 3600; t <= 20 * DAY; t += 3600) {
		struct keys_sealing sealing;

		assert_int_equal(keys_advance(a, NOON + step + t, true, t), -ERANGE);
		assert_int_equal(keys_advance(b, NOON + t, true, t), 0);
		sealing = sealing_of(a);
		assert_true(!follows || opens(b, &sealing.current));
	}
	assert_int_equal(keys_advance(a, NOON + t, true, t), 0);
	assert_int_equal(keys_advance(b, NOON + t, true, t), 0);
	expect_sealing(a, SEED_AGE + 20);
	assert_memory_equal(window_of(a), window_of(b), sizeof(struct window));
	/* and so does what a restart would read */
	keys_close(a);
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, NOON + t, true, t), 0);
	assert_memory_equal(window_of(a), window_of(b), sizeof(struct window));
}

static void test_year_forward(void **unused)
{
	(void)unused;
	expect_to_survive_step(YEAR, true);
}

static void test_year_back(void **unused)
{
	(void)unused;
	expect_to_survive_step(-YEAR, false);
}

/* A false jump that is believed, for it is short: what is true stays within reach. */
static void test_short_false_jump(void **unused)
{
	struct keys_sealing sealing;

	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	assert_int_equal(keys_advance(a, NOON + 8 * DAY, true, 1), 0);
	expect_sealing(a, SEED_AGE + 8);
	/* more of the same is not believed: the first moment counts, not the last */
	assert_int_equal(keys_advance(a, NOON + 9 * DAY, true, 2), -ERANGE);
	assert_int_equal(keys_advance(a, NOON + 3, true, 3), 0);
	expect_sealing(a, SEED_AGE);
	assert_int_equal(keys_advance(b, NOON + 3, true, 3), 0);
	sealing = sealing_of(b);
	assert_true(opens(a, &sealing.current));
	sealing = sealing_of(a);
	assert_true(opens(b, &sealing.current));
}

/* Of two generations the one with the shorter epochs says how far a jump may go. */
static void test_jump_with_two_lengths(void **unused)
{
	struct keys_state state = known_state(1);

	(void)unused;
	state.generation[0].length = 3600;
	state.generation[0].origin = NOON - SEED_AGE * 3600;
	assert_int_equal(keys_seed(&state, NOON, DAY), 0);
	put_state(&config_a, &state);
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, NOON + 8 * 3600 + 1, true, 0), -ERANGE);
	assert_int_equal(keys_advance(a, NOON + 8 * 3600, true, 0), 0);
}

static void test_off_for_days(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON + 8 * DAY, true, 0), 0);
	expect_sealing(a, SEED_AGE + 8);
}

/* Off for longer than keep: it serves by the keys it has, and does not claim to know all. */
static void test_off_for_long(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	for (int64_t t = 0; t <= 2 * DAY; t += 3600)
		assert_int_equal(keys_advance(a, NOON + 30 * DAY + t, true, t), -ERANGE);
	expect_sealing(a, SEED_AGE + 2);
}

/* ---- files -------------------------------------------------------------- */

static void test_reload(void **unused)
{
	struct keys_state state = known_state(2);
	struct keys_sealing sealing;
	uint64_t version;

	(void)unused;
	a = open_known(&config_a);
	version = keys_version(a);
	put_state(&config_a, &state);
	assert_int_equal(keys_reload(a, &config_a), 0);
	assert_int_not_equal(keys_version(a), version);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(2, SEED_AGE));
	config_a.preload = 5;
	assert_int_equal(keys_reload(a, &config_a), 0);
	expect_window(a, 2, SEED_AGE - 8, SEED_AGE + 5);
}

static void spoil_file(mode_t mode, const char *text)
{
	int fd = open(config_a.state, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void test_bad_file(void **unused)
{
	char text[KEYS_TEXT_MAX];

	(void)unused;
	a = open_known(&config_a);
	strcpy(text, file_text(&config_a));

	spoil_file(0600, "xnts keys 1\n");
	assert_int_equal(keys_open(&b, &config_a), -EBADMSG);
	assert_null(b);
	assert_int_equal(keys_reload(a, &config_a), -EBADMSG);
	assert_non_null(strstr(captured(), "is damaged: its checksum does not match"));

	spoil_file(0640, text);
	assert_int_equal(keys_open(&b, &config_a), -EACCES);
	assert_null(b);
	assert_int_equal(keys_reload(a, &config_a), -EACCES);
	assert_non_null(strstr(captured(), "others may use it (mode 0640)"));

	unlink(config_a.state);
	assert_int_equal(keys_reload(a, &config_a), -ENOENT);
	assert_non_null(strstr(captured(), "is gone"));

	/* through all of it the keys stay */
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_sealing(a, SEED_AGE);
}

/* Another file was put in place, and nobody told the daemon. */
static void test_changed_file(void **unused)
{
	struct keys_state other = known_state(5);

	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	put_state(&config_a, &other);
	assert_int_equal(keys_advance(a, NOON + 1, true, 1), 0);
	assert_int_equal(sealing_of(a).current.id, id_of(5, SEED_AGE));
}

/* Where there was none, and with a clock that is not synchronised. */
static void test_file_appears(void **unused)
{
	struct keys_state other = known_state(5);

	(void)unused;
	a = open_keys(&config_a);
	assert_int_equal(keys_advance(a, NOON, false, 0), -EAGAIN);
	put_state(&config_a, &other);
	assert_int_equal(keys_advance(a, NOON + 1, false, 1), -EAGAIN);
	assert_int_equal(sealing_of(a).current.id, id_of(5, SEED_AGE));
}

static void put_generation_5(void)
{
	struct keys_state other = known_state(5);

	put_state(&config_a, &other);
}

/* It changes in the moment before an epoch's beginning is written. */
static void test_changed_file_wins(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	before_lock = put_generation_5;
	assert_int_equal(keys_advance(a, NOON + DAY, true, DAY), 0);
	assert_non_null(strstr(file_text(&config_a), "generation 5 "));
	assert_int_equal(keys_advance(a, NOON + DAY + 1, true, DAY + 1), 0);
	assert_int_equal(sealing_of(a).current.id, id_of(5, SEED_AGE + 1));
	assert_non_null(strstr(file_text(&config_a), "generation 5 "));
}

/* A damaged one is neither used nor overwritten, and logged once. */
static void test_changed_file_is_damaged(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	assert_true(keys_file_is_used(a));
	spoil_file(0600, "half a");
	assert_int_equal(keys_advance(a, NOON + 1, true, 1), 0);
	assert_false(keys_file_is_used(a));
	assert_non_null(strstr(captured(), "is damaged"));
	assert_int_equal(keys_advance(a, NOON + 2, true, 2), 0);
	assert_string_equal(captured(), "");
	assert_int_equal(keys_advance(a, NOON + DAY, true, DAY), 0);
	expect_sealing(a, SEED_AGE + 1);
	assert_string_equal(file_text(&config_a), "half a");
}

static void test_full_disk(void **unused)
{
	char away[sizeof(dir_a) + 8], text[KEYS_TEXT_MAX];

	(void)unused;
	snprintf(away, sizeof(away), "%s.away", dir_a);
	a = open_known(&config_a);
	strcpy(text, file_text(&config_a));
	assert_return_code(rename(dir_a, away), errno);
	assert_int_equal(keys_advance(a, NOON + DAY, true, 100), 0);
	expect_sealing(a, SEED_AGE + 1);
	assert_non_null(strstr(captured(), "cannot be written"));
	assert_int_equal(keys_advance(a, NOON + DAY + 1, true, 101), 0);
	assert_string_equal(captured(), "");
	assert_return_code(rename(away, dir_a), errno);
	assert_string_equal(file_text(&config_a), text);
	assert_int_equal(keys_advance(a, NOON + DAY + 60, true, 160), 0);
	assert_non_null(strstr(file_text(&config_a), " epoch 93 chain "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unsynchronised),
		TEST(test_clock_at_1970),
		TEST(test_clock_at_2040),
		TEST(test_boot_a_year_back),
		TEST(test_boot_a_year_forward),
		TEST(test_disbelief_is_logged_once),
		TEST(test_restarts_at_2040),
		TEST(test_year_forward),
		TEST(test_year_back),
		TEST(test_short_false_jump),
		TEST(test_jump_with_two_lengths),
		TEST(test_off_for_days),
		TEST(test_off_for_long),
		TEST(test_reload),
		TEST(test_bad_file),
		TEST(test_changed_file),
		TEST(test_file_appears),
		TEST(test_changed_file_wins),
		TEST(test_changed_file_is_damaged),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
