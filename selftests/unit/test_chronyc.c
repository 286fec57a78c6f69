/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "chronyc.h"

/* As chronyc 4.3 prints it, with a source 1.5 ms away. */
#define LINE(stratum, offset, delay, dispersion, leap) \
	"C0000201,192.0.2.1," stratum ",1795456062.500000000," offset \
	",0.000000123,0.000000456,-12.345,0.001,0.045," delay "," dispersion ",64.2," leap

static const char *const good = LINE("2", "0.000000000", "0.001500000", "0.000250000", "Normal");

static int parse(const char *line, struct xnts_clock_state *state)
{
	memset(state, 0, sizeof(*state));
	return chronyc_parse_tracking(line, state);
}

static void test_normal(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(parse(good, &state), 0);
	assert_int_equal(state.leap, 0);
	assert_int_equal(state.stratum, 2);
	assert_memory_equal(&state.reference_id, "\xc0\x00\x02\x01", 4);
	assert_int_equal(state.reference_time, (4004444862ULL << 32) | 0x80000000);
	assert_int_equal(state.root_delay, 99);      /* 98.3 */
	assert_int_equal(state.root_dispersion, 17); /* 16.4 */
}

static void test_local_reference(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(parse("7F7F0101,,3,1795456062.009745726,0.000000000,0.000000000,"
			       "0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal\n",
			       &state),
			 0);
	assert_int_equal(state.stratum, 3);
	assert_memory_equal(&state.reference_id, "\x7f\x7f\x01\x01", 4);
	assert_int_equal(state.root_dispersion, 0);
}

static void test_leap_states(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(parse(LINE("2", "0.0", "0.0", "0.0", "Insert second"), &state), 0);
	assert_int_equal(state.leap, 1);
	assert_int_equal(parse(LINE("2", "0.0", "0.0", "0.0", "Delete second"), &state), 0);
	assert_int_equal(state.leap, 2);
	assert_int_equal(parse(LINE("2", "0.0", "0.0", "0.0", "normal"), &state), -EBADMSG);
	assert_int_equal(parse(LINE("2", "0.0", "0.0", "0.0", ""), &state), -EBADMSG);
}

static void assert_unsynchronised(const char *line)
{
	struct xnts_clock_state state;

	assert_int_equal(parse(line, &state), 0);
	assert_int_equal(state.leap, 3);
	assert_int_equal(state.stratum, 0);
	assert_int_equal(state.reference_id, 0);
}

static void test_unsynchronised(void **unused)
{
	(void)unused;
	assert_unsynchronised("00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,"
			      "0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n");
	assert_unsynchronised(LINE("2", "0.0", "0.0", "0.0", "Not synchronised"));
	assert_unsynchronised(LINE("0", "0.0", "0.0", "0.0", "Normal"));
	assert_unsynchronised(LINE("16", "0.0", "0.0", "0.0", "Normal"));
	assert_unsynchronised(LINE("2", "0.0", "0.0", "16.0", "Normal"));
	assert_unsynchronised(LINE("2", "-20.0", "0.0", "0.0", "Normal"));
}

/* The clock's distance from chronyd's estimate counts, whichever its sign. */
static void test_offset_is_dispersion(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(parse(LINE("2", "0.250000000", "0.0", "0.5", "Normal"), &state), 0);
	assert_int_equal(state.root_dispersion, 0xc000);
	assert_int_equal(parse(LINE("2", "-0.250000000", "0.0", "0.5", "Normal"), &state), 0);
	assert_int_equal(state.root_dispersion, 0xc000);
}

static void test_truncation(void **unused)
{
	char line[256];
	size_t len = strlen(good);
	struct xnts_clock_state state;

	(void)unused;
	for (size_t i = 0; i < len; i++) {
		memcpy(line, good, i);
		line[i] = '\0';
		assert_int_equal(parse(line, &state), -EBADMSG);
	}
}

static void test_odd_input(void **unused)
{
	static const char *const lines[] = {
		"",
		"\n",
		",,,,,,,,,,,,,",
		"506 Cannot talk to daemon\n",
		"501 Not authorised\n",
		LINE("-2", "0.0", "0.0", "0.0", "Normal"),
		LINE("two", "0.0", "0.0", "0.0", "Normal"),
		LINE("256", "0.0", "0.0", "0.0", "Normal"),
		LINE("2 ", "0.0", "0.0", "0.0", "Normal"),
		LINE("2", "nan", "0.0", "0.0", "Normal"),
		LINE("2", "0.0", "inf", "0.0", "Normal"),
		LINE("2", "0.0", "0.0", "1e999", "Normal"),
		LINE("2", "0.0", "0.0", "0.0x", "Normal"),
		LINE("2", "0.0", "0.0", "", "Normal"),
		"1C0000201,192.0.2.1,2,1.0,0,0,0,0,0,0,0,0,0,Normal",
		"-1,192.0.2.1,2,1.0,0,0,0,0,0,0,0,0,0,Normal",
		"C0000201,192.0.2.1,2,1e300,0,0,0,0,0,0,0,0,0,Normal",
	};
	struct xnts_clock_state state;

	(void)unused;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(lines[i], &state), -EBADMSG);
}

static void test_clamped_input(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(parse(LINE("2", "0.0", "-0.5", "-0.5", "Normal,later field"), &state), 0);
	assert_int_equal(state.root_delay, 0);
	assert_int_equal(state.root_dispersion, 0);
}

static void test_long_line(void **unused)
{
	static char line[4096];
	struct xnts_clock_state state;

	(void)unused;
	memset(line, 'A', sizeof(line) - 1);
	assert_int_equal(parse(line, &state), -EBADMSG);
}

/* ---- running a program -------------------------------------------------- */

static char folder[] = "/tmp/xnts-chronyc-XXXXXX";
static char program[64];

static int make_folder(void **unused)
{
	(void)unused;
	if (!mkdtemp(folder))
		return -1;
	snprintf(program, sizeof(program), "%s/chronyc", folder);
	return 0;
}

static int remove_folder(void **unused)
{
	(void)unused;
	unlink(program);
	return rmdir(folder);
}

static void write_program(const char *body)
{
	FILE *file = fopen(program, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", body);
	fclose(file);
	assert_int_equal(chmod(program, 0700), 0);
}

static int run(const char *body, const char *host, struct xnts_clock_state *state)
{
	write_program(body);
	memset(state, 0, sizeof(*state));
	return chronyc_tracking(program, host, 300, state);
}

static int64_t elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void test_arguments(void **unused)
{
	struct xnts_clock_state state;
	char body[512];

	(void)unused;
	snprintf(body, sizeof(body), "[ \"$*\" = '-c tracking' ] && echo '%s'", good);
	assert_int_equal(run(body, NULL, &state), 0);
	assert_int_equal(state.stratum, 2);
	assert_int_equal(run(body, "/x", &state), -EBADMSG);
	snprintf(body, sizeof(body), "[ \"$*\" = '-h /x -c tracking' ] && echo '%s'", good);
	assert_int_equal(run(body, "/x", &state), 0);
}

static void test_environment(void **unused)
{
	struct xnts_clock_state state;
	char body[512];

	(void)unused;
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("XNTS_TEST_SECRET", "1", 1);
	snprintf(body, sizeof(body), "[ $LC_ALL = C ] && [ -z $XNTS_TEST_SECRET ] && echo '%s'",
		 good);
	assert_int_equal(run(body, NULL, &state), 0);
}

static void test_hangs(void **unused)
{
	struct timespec start;
	struct xnts_clock_state state;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(run("exec sleep 30", NULL, &state), -ETIMEDOUT);
	assert_int_equal(run("exec >&-; exec sleep 30", NULL, &state), -EBADMSG);
	assert_int_equal(run("exec yes", NULL, &state), -EBADMSG);
	assert_in_range(elapsed_ms(&start), 290, 5000);
}

static void test_no_program(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	assert_int_equal(chronyc_tracking("/nonexistent/chronyc", NULL, 300, &state), -ENOENT);
	assert_int_equal(run("exit 1", NULL, &state), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_local_reference),
		cmocka_unit_test(test_leap_states),
		cmocka_unit_test(test_unsynchronised),
		cmocka_unit_test(test_offset_is_dispersion),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_odd_input),
		cmocka_unit_test(test_clamped_input),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_no_program),
	};

	return cmocka_run_group_tests_name("chronyc", tests, make_folder, remove_folder);
}
