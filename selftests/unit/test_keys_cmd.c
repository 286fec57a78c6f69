/* SPDX-License-Identifier: GPL-2.0 */
/* `xnts keys ...` on two machines, with a daemon's ratchet running beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <getopt.h>

#include "../keys_lock_hook.h"
#include "../keys_machines.h"
#include "keys_cmd.h"
#include "keys_list.h"

static char conf_a[80], conf_b[80], export_file[80], output_file[80];
static int64_t now; /* what both machines' clocks say */

time_t time(time_t *out)
{
	if (out)
		*out = now;
	return now;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void write_config(const char *path, const struct keys_config *config)
{
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "[ke]\nenabled = no\n[keys]\nstate = %s\n", config->state);
	write_text(path, text);
}

static int begin(void **unused)
{
	start(unused);
	snprintf(conf_a, sizeof(conf_a), "%s/conf", dir_a);
	snprintf(conf_b, sizeof(conf_b), "%s/conf", dir_b);
	snprintf(export_file, sizeof(export_file), "%s/export", dir_a);
	snprintf(output_file, sizeof(output_file), "%s/output", dir_a);
	write_config(conf_a, &config_a);
	write_config(conf_b, &config_b);
	now = NOON;
	return 0;
}

static int end(void **unused)
{
	unlink(conf_a);
	unlink(conf_b);
	unlink(export_file);
	unlink(output_file);
	return stop(unused);
}

/* No key, no chain: 32 bytes in hex are 64 digits, and 16 are suspicious already. */
static void expect_no_secret(const char *text)
{
	int digits = 0;

	for (; *text; text++) {
		digits = isxdigit((unsigned char)*text) ? digits + 1 : 0;
		assert_in_range(digits, 0, 31);
	}
}

/* Runs `xnts keys WORDS` on the machine of `conf`; returns what it printed, stderr first. */
static const char *run(const char *conf, int expected, const char *first, const char *second)
{
	static char text[65536 + 4096];
	char *argv[] = { "keys", (char *)first, (char *)second, NULL };
	int argc = 1 + !!first + !!second, saved, fd, status;
	FILE *file;
	size_t len;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	fd = open(output_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	optind = 0; /* glibc: from the start */
	status = keys_cmd(argc, argv, conf);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	strcpy(text, captured());
	len = strlen(text);
	file = fopen(output_file, "r");
	len += fread(text + len, 1, sizeof(text) - len - 1, file);
	text[len] = 0;
	fclose(file);
	expect_no_secret(text);
	if (status != expected)
		fail_msg("xnts keys %s ended with %d: %s", first, status, text);
	return text;
}

static void expect_said(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* Both daemons come to the present. */
static void tick(void)
{
	if (a)
		assert_int_equal(keys_advance(a, now, true, now), 0);
	if (b)
		assert_int_equal(keys_advance(b, now - 30, true, now), 0);
}

static void expect_agreement(void)
{
	struct keys_sealing of_a = sealing_of(a), of_b = sealing_of(b);

	assert_true(opens(b, &of_a.current));
	assert_true(opens(b, &of_a.next));
	assert_true(opens(a, &of_b.current));
	assert_true(opens(a, &of_b.next));
}

/* ---- commands ----------------------------------------------------------- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_init),
		TEST(test_export_import),
		TEST(test_import_refuses),
		TEST(test_import_repairs),
		TEST(test_reseed_of_a_fleet),
		TEST(test_reseed_shuts_out),
		TEST(test_stranger),
		TEST(test_reseed_with_a_wrong_clock),
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
