/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../capture.h"
#include "log.h"

static int redirect(void **unused)
{
	(void)unused;
	capture_start();
	return 0;
}

static int restore(void **unused)
{
	(void)unused;
	capture_stop();
	unsetenv("JOURNAL_STREAM");
	log_open();
	log_set_level(LEVEL_INFO);
	return 0;
}

static void set_journal(unsigned int ino_offset)
{
	char stream[64];
	struct stat st;

	assert_return_code(fstat(STDERR_FILENO, &st), errno);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + ino_offset);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open();
}

static void test_keeps_the_first_error(void **unused)
{
	char first[16];

	(void)unused;
	log_keep_error(first, sizeof(first));
	log_warning("a warning");
	assert_string_equal(first, "");
	log_error("an error that is long");
	log_error("another");
	log_keep_error(NULL, 0);
	log_error("later");
	assert_string_equal(first, "an error that i");
	captured();
}

static void test_levels(void **unused)
{
	(void)unused;
	log_debug("no");
	log_info("an info of %d", 7);
	log_warning("a warning");
	log_error("attach %s: %s", "eth0", strerror(EBUSY));
	assert_string_equal(captured(), "an info of 7\nwarning: a warning\n"
				     "error: attach eth0: Device or resource busy\n");
	log_set_level(LEVEL_ERROR);
	log_warning("no");
	assert_string_equal(captured(), "");
	log_set_level(LEVEL_DEBUG);
	log_debug("yes");
	assert_string_equal(captured(), "debug: yes\n");
}

static void test_journal(void **unused)
{
	(void)unused;
	set_journal(0);
	log_set_level(LEVEL_DEBUG);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(captured(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

/* The service's stderr was redirected to elsewhere: no priorities for a person to read. */
static void test_not_the_journal(void **unused)
{
	(void)unused;
	set_journal(1);
	log_error("a");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_open();
	log_error("b");
	assert_string_equal(captured(), "error: a\nerror: b\n");
}

static void test_one_line_each(void **unused)
{
	(void)unused;
	log_error("name \"%s\"", "a\nerror: forged\x1b[2J\x7f");
	assert_string_equal(captured(), "error: name \"a?error: forged?[2J?\"\n");
}

static void test_long_line_is_cut(void **unused)
{
	static char text[5000];
	const char *line;

	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	log_error("%s", text);
	line = captured();
	assert_int_equal(strlen(line), 2047);
	assert_ptr_equal(strchr(line, '\n'), line + 2046);
}

static void test_errno_is_kept(void **unused)
{
	(void)unused;
	errno = ENOENT;
	log_error("%m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(captured(), "error: No such file or directory\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, redirect, restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keeps_the_first_error),
		TEST(test_levels),
		TEST(test_journal),
		TEST(test_not_the_journal),
		TEST(test_one_line_each),
		TEST(test_long_line_is_cut),
		TEST(test_errno_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
