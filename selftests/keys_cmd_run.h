/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `xnts keys ...` on two machines whose clocks say `now`, each with a configuration file, for cmocka
 * tests (include cmocka.h first).
 */
#ifndef XNTS_TEST_KEYS_CMD_RUN_H
#define XNTS_TEST_KEYS_CMD_RUN_H

#include <ctype.h>
#include <getopt.h>

#include "keys_cmd.h"
#include "keys_machines.h"

static char conf_a[80], conf_b[80], export_file[80], output_file[80];
static int64_t now; /* what both machines' clocks say */

time_t time(time_t *out)
{
	if (out)
		*out = now;
	return now;
}

HELPER void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

HELPER void write_config(const char *path, const struct keys_config *config)
{
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "[ke]\nenabled = no\n[keys]\nstate = %s\n", config->state);
	write_text(path, text);
}

HELPER int begin(void **unused)
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

HELPER int end(void **unused)
{
	unlink(conf_a);
	unlink(conf_b);
	unlink(export_file);
	unlink(output_file);
	return stop(unused);
}

/* No key, no chain: 32 bytes in hex are 64 digits, and 16 are suspicious already. */
HELPER void expect_no_secret(const char *text)
{
	int digits = 0;

	for (; *text; text++) {
		digits = isxdigit((unsigned char)*text) ? digits + 1 : 0;
		assert_in_range(digits, 0, 31);
	}
}

/* Runs `xnts keys WORDS` on the machine of `conf`; returns what it printed, stderr first. */
HELPER const char *run(const char *conf, int expected, const char *first, const char *second)
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

HELPER void expect_said(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* Both daemons come to the present. */
HELPER void tick(void)
{
	if (a)
		assert_int_equal(keys_advance(a, now, true, now), 0);
	if (b)
		assert_int_equal(keys_advance(b, now - 30, true, now), 0);
}

HELPER void expect_agreement(void)
{
	struct keys_sealing of_a = sealing_of(a), of_b = sealing_of(b);

	assert_true(opens(b, &of_a.current));
	assert_true(opens(b, &of_a.next));
	assert_true(opens(a, &of_b.current));
	assert_true(opens(a, &of_b.next));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif /* XNTS_TEST_KEYS_CMD_RUN_H */
