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

#include "log.h"

static int real_stderr, pipe_out;
static char said[8192];

/* stderr becomes a pipe, as the journal's is a socket. */
static int redirect(void **unused)
{
	int ends[2];

	(void)unused;
	assert_return_code(pipe(ends), errno);
	real_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	pipe_out = ends[0];
	return 0;
}

static int restore(void **unused)
{
	(void)unused;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_out);
	unsetenv("JOURNAL_STREAM");
	log_open();
	log_set_level(LEVEL_INFO);
	return 0;
}

/* What has been written since; an 'E' marks the end so that nothing said is seen too. */
static const char *heard(void)
{
	ssize_t len;

	assert_int_equal(write(STDERR_FILENO, "E", 1), 1);
	len = read(pipe_out, said, sizeof(said) - 1);
	assert_true(len > 0 && said[len - 1] == 'E');
	said[len - 1] = 0;
	return said;
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

static void test_levels(void **unused)
{
	(void)unused;
	log_debug("no");
	log_info("an info of %d", 7);
	log_warning("a warning");
	log_error("attach %s: %s", "eth0", strerror(EBUSY));
	assert_string_equal(heard(), "an info of 7\nwarning: a warning\n"
				     "error: attach eth0: Device or resource busy\n");
	log_set_level(LEVEL_ERROR);
	log_warning("no");
	assert_string_equal(heard(), "");
	log_set_level(LEVEL_DEBUG);
	log_debug("yes");
	assert_string_equal(heard(), "debug: yes\n");
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
	assert_string_equal(heard(), "<3>a\n<4>b\n<6>c\n<7>d\n");
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
	assert_string_equal(heard(), "error: a\nerror: b\n");
}

static void test_one_line_each(void **unused)
{
	(void)unused;
	log_error("name \"%s\"", "a\nerror: forged\x1b[2J\x7f");
	assert_string_equal(heard(), "error: name \"a?error: forged?[2J?\"\n");
}

static void test_long_line_is_cut(void **unused)
{
	static char text[5000];
	const char *line;

	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	log_error("%s", text);
	line = heard();
	assert_int_equal(strlen(line), 2047);
	assert_ptr_equal(strchr(line, '\n'), line + 2046);
}

static void test_errno_is_kept(void **unused)
{
	(void)unused;
	errno = ENOENT;
	log_error("%m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(heard(), "error: No such file or directory\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, redirect, restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_levels),
		TEST(test_journal),
		TEST(test_not_the_journal),
		TEST(test_one_line_each),
		TEST(test_long_line_is_cut),
		TEST(test_errno_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
