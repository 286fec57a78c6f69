/* SPDX-License-Identifier: GPL-2.0 */
/* A secret carried from machine to machine by `xnts keys`, and one made anew, while daemons serve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../keys_cmd_run.h"

static void test_export_import(void **unused)
{
	struct keys_sealing before;
	struct stat st;

	(void)unused;
	a = open_known(&config_a);
	tick();
	before = sealing_of(a);
	now += DAY;
	tick();
	run(conf_a, 0, "export", export_file);
	assert_return_code(stat(export_file, &st), errno);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	run(conf_b, 0, "import", export_file);
	b = open_keys(&config_b);
	assert_false(opens(b, &before.current));
	for (int64_t t = 0; t < 10 * DAY; t += DAY / 4) {
		tick();
		expect_agreement();
		now += DAY / 4;
	}
	expect_said(run(conf_a, 1, "export", export_file), "exists; name a new file");
}

static void test_import_refuses(void **unused)
{
	const char *before;

	(void)unused;
	a = open_known(&config_a);
	before = file_text(&config_a);
	expect_said(run(conf_a, 1, "import", "/nonexistent/x"), "/nonexistent/x: No such file");
	run(conf_a, 0, "export", export_file);
	chmod(export_file, 0640);
	expect_said(run(conf_a, 1, "import", export_file), "others may use it");
	write_text(export_file, "garbage");
	chmod(export_file, 0600);
	expect_said(run(conf_a, 1, "import", export_file), "is damaged");
	assert_string_equal(file_text(&config_a), before);
}

/* It replaces what is there, whatever state that is in. */
static void test_import_repairs(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	tick();
	run(conf_a, 0, "export", export_file);
	write_text(config_b.state, "garbage");
	chmod(config_b.state, 0644);
	run(conf_b, 0, "import", export_file);
	b = open_keys(&config_b);
	tick();
	expect_agreement();
}

/* After a theft: all servers get the new secret before it seals, none NAKs in between. */
static void test_reseed_of_a_fleet(void **unused)
{
	struct keys_sealing old;

	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	tick();
	old = sealing_of(a);
	expect_said(run(conf_a, 0, "reseed", "1h"),
		    "generation 2 seals cookies from 2026-11-23 13:00:00 UTC on; those of generation 1");
	run(conf_a, 0, "export", export_file);
	now += 600;
	tick();
	assert_int_equal(sealing_of(a).current.id, id_of(1, SEED_AGE));
	/* b does not know yet, and need not */
	old = sealing_of(a);
	assert_true(opens(b, &old.current));
	run(conf_b, 0, "import", export_file);
	for (; now < NOON + 3 * DAY; now += 15 + (now > NOON + 3700) * 3600) {
		tick();
		expect_agreement();
	}
	assert_int_equal(sealing_of(a).current.id, id_of(2, 2));
	assert_true(opens(b, &old.current));

	expect_said(run(conf_a, 1, "reseed", NULL), "generation 1 still overlaps");
	expect_said(run(conf_a, 0, "revoke", NULL), "generation 1 is gone");
	tick();
	assert_false(opens(a, &old.current));
	assert_true(opens(b, &old.current));
	expect_said(run(conf_a, 1, "revoke", NULL), "one generation only");
}

/* The thief's copy of the old secret opens nothing of the new one. */
static void test_reseed_shuts_out(void **unused)
{
	struct keys_sealing sealing;

	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	run(conf_a, 0, "reseed", NULL);
	tick();
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(2, 0));
	assert_false(opens(b, &sealing.current));
}

/* A third machine with a secret of its own: same ids, other keys. */
static void test_stranger(void **unused)
{
	struct keys_sealing sealing;

	(void)unused;
	run(conf_a, 0, "init", NULL);
	run(conf_b, 0, "init", NULL);
	a = open_keys(&config_a);
	b = open_keys(&config_b);
	now += 30;
	tick();
	sealing = sealing_of(a);
	assert_int_equal(sealing_of(b).current.id, sealing.current.id);
	assert_false(opens(b, &sealing.current));
}

static void test_reseed_with_a_wrong_clock(void **unused)
{
	const char *before;

	(void)unused;
	a = open_known(&config_a);
	before = file_text(&config_a);
	now = 2209032000;
	expect_said(run(conf_a, 1, "reseed", NULL), "the clock says 2040-01-01 12:00:00 UTC, but the "
		    "secret was used at 2026-11-23 12:00:00 UTC last");
	now = 0;
	expect_said(run(conf_a, 1, "reseed", NULL), "the clock says 1970-01-01");
	assert_string_equal(file_text(&config_a), before);
	now = NOON;
	run(conf_a, 2, "reseed", "soon");
	run(conf_a, 2, "reseed", "31d");
	assert_string_equal(file_text(&config_a), before);
}

/* Off for half a year: the daemon does not believe the clock until a person does. */

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_export_import),
		TEST(test_import_refuses),
		TEST(test_import_repairs),
		TEST(test_reseed_of_a_fleet),
		TEST(test_reseed_shuts_out),
		TEST(test_stranger),
		TEST(test_reseed_with_a_wrong_clock),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
