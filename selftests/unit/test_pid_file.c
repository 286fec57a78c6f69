/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pid_file.h"

static char path[] = "/tmp/xnts-pid-XXXXXX";

/* A lock belongs to the open file, so one process can play both sides. */
static pid_t owner(const char *text, bool locked)
{
	int fd = open(path, O_RDWR | O_TRUNC);
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (locked)
		assert_int_equal(flock(fd, LOCK_EX), 0);
	pid = pid_file_owner(path);
	close(fd);
	return pid;
}

static void test_owner(void **unused)
{
	(void)unused;
	assert_int_equal(owner("1234\n", true), 1234);
	assert_int_equal(owner("1234\n", false), -ESRCH);
	assert_int_equal(pid_file_owner("/nonexistent/pid"), -ESRCH);
}

/* kill(0) and kill(-1) reach whole groups. */
static void test_no_number(void **unused)
{
	static const char *const texts[] = { "",     "\n", "0\n", "1\n",
					     "-1\n", "12", "x\n", "99999999999999\n" };

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(owner(texts[i], true), -EBADMSG);
}

/* Ends 20 ms later, as xntsd does: first the file goes, then the lock. */
static void *end_owner(void *fd)
{
	usleep(20000);
	unlink(path);
	close(*(int *)fd);
	return NULL;
}

/* Who waited for the lock must not hold it on a file that is gone. */
static void test_owner_ends_meanwhile(void **unused)
{
	int first = pid_file_lock(path), second;
	pthread_t thread;

	(void)unused;
	assert_true(first >= 0);
	assert_int_equal(pthread_create(&thread, NULL, end_owner, &first), 0);
	second = pid_file_lock(path);
	pthread_join(thread, NULL);
	assert_true(second >= 0);
	assert_int_equal(pid_file_owner(path), getpid());
	assert_int_equal(pid_file_lock(path), -EEXIST);
	close(second);
}

/* `kill $(cat PATH)` takes each number in the file for a process. */
static void assert_alone(void)
{
	char want[16], have[64] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(have, 1, sizeof(have) - 1, file) > 0);
	fclose(file);
	snprintf(want, sizeof(want), "%d\n", (int)getpid());
	assert_string_equal(have, want);
}

static void test_reload(void **unused)
{
	struct pid_file_reload told = { .count = 3, .refused = "xnts.conf:7: why" }, read;
	int fd = pid_file_lock(path);

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 0);
	pid_file_report(path, &told);
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 3);
	assert_string_equal(read.refused, "xnts.conf:7: why");
	told = (struct pid_file_reload){ .count = 4 };
	pid_file_report(path, &told);
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 4);
	assert_string_equal(read.refused, "");
	told.count = 5;
	memset(told.refused, 'x', sizeof(told.refused) - 1); /* as long as there is room for */
	pid_file_report(path, &told);
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 5);
	assert_string_equal(read.refused, told.refused);
	assert_int_equal(pid_file_owner(path), getpid());
	assert_alone();
	close(fd);
	fd = pid_file_lock(path); /* of one that was killed */
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 0);
	pid_file_report(path, &told);
	close(fd);
	pid_file_remove(path);
	assert_int_equal(pid_file_read(path, &read), 0);
	assert_int_equal(read.count, 0);
	assert_int_equal(access(path, F_OK), -1);
}

static int setup(void **unused)
{
	int fd = mkstemp(path);

	(void)unused;
	close(fd);
	return fd < 0;
}

static int teardown(void **unused)
{
	(void)unused;
	pid_file_remove(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_no_number),
		cmocka_unit_test(test_owner_ends_meanwhile),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests_name("pid_file", tests, setup, teardown);
}
