/* SPDX-License-Identifier: GPL-2.0 */
/* `xnts keys ...` on a machine, with a daemon's ratchet running beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../keys_cmd_run.h"
#include "../keys_lock_hook.h"
#include "keys_list.h"

static void test_init(void **unused)
{
	struct stat st;

	(void)unused;
	run(conf_a, 0, "init", NULL);
	assert_return_code(stat(config_a.state, &st), errno);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	a = open_keys(&config_a);
	tick();
	assert_int_equal(sealing_of(a).current.id, 0x1000);
	assert_int_equal(sealing_of(a).switch_at, MIDNIGHT + DAY);
	expect_said(run(conf_a, 1, "init", NULL), "there is a secret already");
}

/* A joiner: from the export on it answers the other's clients, and not from before. */
static void test_confirm(void **unused)
{
	struct keys_sealing of_b;

	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	for (; now < NOON + 180 * DAY; now += DAY)
		assert_int_equal(keys_advance(b, now, true, now), 0);
	assert_int_equal(keys_advance(a, now, true, 0), -ERANGE);
	captured();
	expect_said(run(conf_a, 1, "confirm", "yesterday"), "yesterday: a date is written like 2026-11-23");
	expect_said(run(conf_a, 1, "confirm", "2026-11-23"), "the clock says 2027-05-22 12:00:00 UTC, "
		    "not 2026-11-23");
	run(conf_a, 1, "confirm", "2027-05-22 12:00:00");
	run(conf_a, 0, "confirm", "2027-05-22");
	assert_int_equal(keys_advance(a, now, true, 1), 0);
	assert_int_equal(keys_advance(b, now, true, now), 0);
	of_b = sealing_of(b);
	assert_true(opens(a, &of_b.current));
	expect_window(a, 1, SEED_AGE + 172, SEED_AGE + 183);
	now = NOON;
	expect_said(run(conf_a, 1, "confirm", "2026-11-23"), "cannot be turned back");
}

static void test_too_far_to_confirm(void **unused)
{
	struct keys_state state = known_state(1);

	(void)unused;
	state.generation[0].length = 1;
	state.generation[0].origin = NOON;
	state.generation[0].epoch = 0;
	put_state(&config_a, &state);
	now += 30 * DAY;
	expect_said(run(conf_a, 1, "confirm", "2026-12-23"), "too many epochs have passed");
}

/* A server that xntsd has not run on yet, built and installed by hand. */
static void test_no_directory(void **unused)
{
	struct keys_config config = config_b;
	char dir[sizeof(config.state)];
	struct stat st;

	(void)unused;
	run(conf_a, 0, "init", NULL);
	run(conf_a, 0, "export", export_file);
	snprintf(dir, sizeof(dir), "%s/var", dir_b);
	snprintf(config.state, sizeof(config.state), "%s/var/keys", dir_b);
	write_config(conf_b, &config);
	run(conf_b, 0, "import", export_file);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(unlink(config.state), 0);
	assert_int_equal(rmdir(dir), 0);
	/* one level only: a typo is no new tree */
	snprintf(config.state, sizeof(config.state), "%s/var/lib/keys", dir_b);
	write_config(conf_b, &config);
	expect_said(run(conf_b, 1, "import", export_file), "cannot be written: No such file");
}

/* A command without a secret, or with a configuration that is refused. */
static void test_nothing_there(void **unused)
{
	(void)unused;
	expect_said(run(conf_a, 1, NULL, NULL), "there is no secret yet");
	expect_said(run(conf_a, 1, "reseed", NULL), "there is no secret yet");
	expect_said(run(conf_a, 1, "revoke", NULL), "there is no secret yet");
	expect_said(run(conf_a, 1, "export", export_file), "there is no secret yet");
	assert_int_equal(access(export_file, F_OK), -1);
	expect_said(run("/nonexistent/conf", 1, "init", NULL), "/nonexistent/conf: cannot be opened");
	write_text(conf_a, "[keys]\nkeep = 0\n");
	expect_said(run(conf_a, 1, "init", NULL), "/conf:2: [keys] keep: \"0\" is out of range");
	assert_int_equal(access(config_a.state, F_OK), -1);
}

static void daemon_writes(void)
{
	now += DAY;
	tick();
}

/* The daemon begins an epoch while the command is at work: its file stays. */
static void test_two_writers(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	tick();
	before_lock = daemon_writes;
	expect_said(run(conf_a, 1, "reseed", NULL), "has just been changed by another program; try again");
	assert_null(strstr(file_text(&config_a), "generation 2"));
	assert_non_null(strstr(file_text(&config_a), " epoch 93 chain "));
	run(conf_a, 0, "reseed", NULL);
	tick();
	assert_int_equal(sealing_of(a).current.id, id_of(2, 0));
}

static void test_config_option(void **unused)
{
	char option[96];

	(void)unused;
	snprintf(option, sizeof(option), "--config=%s", conf_a);
	run("/nonexistent/conf", 0, option, "init");
	assert_return_code(access(config_a.state, F_OK), errno);
}

static void test_misuse(void **unused)
{
	(void)unused;
	expect_said(run(conf_a, 2, "rotate", NULL), "keys: rotate: not understood");
	run(conf_a, 2, "init", "x");
	run(conf_a, 2, "export", NULL);
	run(conf_a, 2, "import", NULL);
	run(conf_a, 2, "confirm", NULL);
	run(conf_a, 2, "-x", NULL);
	run(conf_a, 2, "-c", NULL);
}

static void test_list(void **unused)
{
	struct keys_state state = known_state(1);
	char *text = NULL;
	size_t len;
	FILE *out;

	(void)unused;
	state.generation[0].epoch = SEED_AGE - 1;
	assert_int_equal(keys_seed(&state, NOON + 3600, 90061), 0);
	out = open_memstream(&text, &len);
	keys_list(out, &state, 1, NOON + 61);
	fclose(out);
	assert_string_equal(text,
		"generation 2, since 2026-11-23 13:00:00 UTC, epochs of 1d 1h\n"
		"  2000  epoch 0       2026-11-23 13:00:00 UTC  in 58m 59s    to come\n"
		"  2001  epoch 1       2026-11-24 14:01:01 UTC  in 1d 2h      to come\n"
		"generation 1, since 2026-08-15 00:00:00 UTC, epochs of 1d 0h\n"
		"  1063  epoch 99      2026-11-22 00:00:00 UTC     1d 12h     opens cookies\n"
		"  1064  epoch 100     2026-11-23 00:00:00 UTC     12h 1m     seals cookies\n"
		"  1065  epoch 101     2026-11-24 00:00:00 UTC  in 11h 58m    to come\n");
	free(text);
	put_state(&config_a, &state);
	now += 3600;
	expect_said(run(conf_a, 0, NULL, NULL), "  1064  epoch 100     2026-11-23 00:00:00 UTC     13h 0m     "
		    "opens cookies");
	now -= 3600;
	expect_said(run(conf_a, 0, NULL, NULL), "  1064  epoch 100     2026-11-23 00:00:00 UTC");
	run(conf_a, 0, "revoke", NULL);
	expect_said(run(conf_a, 0, NULL, NULL), "  2000  epoch 0       2026-11-23 13:00:00 UTC  in 1h 0m      "
		    "seals cookies");
	a = open_keys(&config_a);
	tick();
	assert_int_equal(sealing_of(a).current.id, id_of(2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init),
		TEST(test_confirm),
		TEST(test_too_far_to_confirm),
		TEST(test_no_directory),
		TEST(test_nothing_there),
		TEST(test_two_writers),
		TEST(test_config_option),
		TEST(test_misuse),
		TEST(test_list),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
