/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../capture.h"
#include "../keys_sample.h"
#include "keys.h"

static char dir[] = "/tmp/xnts-test-keys-file.XXXXXX";
static char path[64], temporary[72];
static struct keys_state state;
static struct keys_file file;

/* What keys_save() does, in order, and where it is made to die or fail. */
static char calls[64];
static bool die_at_rename;
static int fail_fsync;

static int make_dir(void **unused)
{
	(void)unused;
	snprintf(path, sizeof(path), "%s/keys", mkdtemp(dir));
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	return 0;
}

static int remove_dir(void **unused)
{
	(void)unused;
	return rmdir(dir);
}

static int start(void **unused)
{
	(void)unused;
	capture_start();
	calls[0] = 0;
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	capture_stop();
	unlink(path);
	unlink(temporary);
	return 0;
}

static void write_file(const char *name, const char *text, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, len), len);
	assert_return_code(fchmod(fd, mode), errno);
	close(fd);
}

static void expect_load_error(int expected, const char *reason)
{
	assert_int_equal(keys_load(path, &state, &file), expected);
	expect_wiped(&state);
	assert_int_equal(file.ino, 0);
	if (!strstr(captured(), reason))
		fail_msg("the log does not say \"%s\"", reason);
}

static void test_load(void **unused)
{
	static const mode_t open_modes[] = { 0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666 };

	(void)unused;
	expect_load_error(-ENOENT, "");
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_int_equal(keys_load(path, &state, &file), 0);
	assert_int_equal(state.count, 2);
	assert_int_not_equal(file.ino, 0);
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		chmod(path, open_modes[i]);
		expect_load_error(-EACCES, "/keys: others may use it (mode 06");
	}
	write_file(path, sample, SAMPLE_LEN - 1, 0600);
	expect_load_error(-EBADMSG, "/keys: is damaged: its checksum does not match");
	write_file(path, "", 0, 0600);
	expect_load_error(-EBADMSG, "is damaged");
}

static void test_load_other_kinds(void **unused)
{
	static char large[100000];

	(void)unused;
	write_file(path, large, sizeof(large), 0600);
	expect_load_error(-EBADMSG, "is damaged");
	unlink(path);
	write_file(temporary, sample, SAMPLE_LEN, 0600);
	assert_return_code(symlink(temporary, path), errno);
	expect_load_error(-ELOOP, "cannot be opened");
	unlink(path);
	assert_return_code(mkfifo(path, 0600), errno);
	expect_load_error(-EACCES, "is not a regular file");
	unlink(path);
	assert_return_code(mkdir(path, 0700), errno);
	expect_load_error(-EACCES, "is not a regular file");
	rmdir(path);
}

static void test_load_other_owner(void **unused)
{
	(void)unused;
	if (geteuid() != 0)
		skip();
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_return_code(chown(path, 12345, 12345), errno);
	expect_load_error(-EACCES, "belongs to uid 12345; expected 0 or root");
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
	if (die_at_rename)
		_exit(99);
	strcat(calls, "rename ");
	return syscall(SYS_renameat, old_dir, old, new_dir, new);
}

int fsync(int fd)
{
	struct stat st;

	fstat(fd, &st);
	strcat(calls, S_ISDIR(st.st_mode) ? "fsync-dir " : "fsync-file ");
	if (fail_fsync) {
		errno = fail_fsync;
		return -1;
	}
	return syscall(SYS_fsync, fd);
}

static void expect_sample_on_disk(int64_t clock)
{
	struct keys_state found;
	struct keys_file unused;
	struct stat st;

	assert_int_equal(keys_load(path, &found, &unused), 0);
	assert_int_equal(found.clock, clock);
	assert_return_code(stat(path, &st), errno);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_save(void **unused)
{
	mode_t mask = umask(0);

	(void)unused;
	assert_null(keys_parse(sample, SAMPLE_LEN, &state));
	memset(&file, 0, sizeof(file));
	assert_int_equal(keys_save(path, &state, &file), 0);
	assert_string_equal(calls, "fsync-file rename fsync-dir ");
	expect_sample_on_disk(1795456800);
	state.clock++;
	assert_int_equal(keys_save(path, &state, &file), 0);
	expect_sample_on_disk(1795456801);
	assert_int_equal(access(temporary, F_OK), -1);
	umask(mask);
}

/* Somebody else wrote the file since, or made one where there was none, or took it away. */
static void test_save_over_another(void **unused)
{
	(void)unused;
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_int_equal(keys_load(path, &state, &file), 0);
	unlink(path);
	assert_int_equal(keys_save(path, &state, &file), -ESTALE);
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_int_equal(keys_save(path, &state, &file), -ESTALE);
	memset(&file, 0, sizeof(file));
	assert_int_equal(keys_save(path, &state, &file), -ESTALE);
	assert_string_equal(captured(), "");
}

static void test_crash_before_rename(void **unused)
{
	int status;
	pid_t child;

	(void)unused;
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_int_equal(keys_load(path, &state, &file), 0);
	state.clock++;
	child = fork();
	if (!child) {
		die_at_rename = true;
		keys_save(path, &state, &file);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 99);
	assert_return_code(access(temporary, F_OK), errno);
	expect_sample_on_disk(1795456800);
	/* the left-over, whatever its mode, does not matter to the next */
	assert_return_code(chmod(temporary, 0644), errno);
	assert_int_equal(keys_save(path, &state, &file), 0);
	expect_sample_on_disk(1795456801);
}

static void test_save_fails(void **unused)
{
	struct keys_file none = { 0 };

	(void)unused;
	write_file(path, sample, SAMPLE_LEN, 0600);
	assert_int_equal(keys_load(path, &state, &file), 0);
	state.clock++;
	fail_fsync = EDQUOT;
	assert_int_equal(keys_save(path, &state, &file), -EDQUOT);
	fail_fsync = 0;
	assert_non_null(strstr(captured(), "/keys: cannot be written: Disk quota exceeded"));
	assert_int_equal(access(temporary, F_OK), -1);
	expect_sample_on_disk(1795456800);
	assert_int_equal(keys_save("/nonexistent/keys", &state, &none), -ENOENT);
	assert_non_null(strstr(captured(), "/nonexistent/keys: cannot be written: No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void test_place(void **unused)
{
	char below[PATH_MAX];

	(void)unused;
	assert_int_equal(keys_place(path), 0);
	snprintf(below, sizeof(below), "%s/folder/keys", dir);
	assert_int_equal(keys_place(below), 0);
	snprintf(below, sizeof(below), "%s/no/folder/keys", dir);
	assert_int_equal(keys_place(below), -ENOENT);
	write_file(path, sample, SAMPLE_LEN, 0600);
	snprintf(below, sizeof(below), "%s/keys", path);
	assert_int_equal(keys_place(below), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load),
		TEST(test_load_other_kinds),
		TEST(test_load_other_owner),
		TEST(test_save),
		TEST(test_save_over_another),
		TEST(test_crash_before_rename),
		TEST(test_save_fails),
		TEST(test_place),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
