/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../capture.h"
#include "keys_state.h"

/* Written by a Python script that follows keys_state.h alone. */
static const char sample[] =
	"xnts keys 1\n"
	"clock 1795456800\n"
	"generation 2 length 86400 origin 1795456800 epoch 0 chain "
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	"generation 1 length 86400 origin 1793404800 epoch 15 chain "
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"
	"sha256 0aec5f6e0bd91ee7f901b435c07ed7add44b14e84fb9a1775065d707c74b2264\n";
#define SAMPLE_LEN (sizeof(sample) - 1)

static char dir[] = "/tmp/xnts-test-keys-state.XXXXXX";
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

/* ---- the ratchet -------------------------------------------------------- */

static void expect_hex(const uint8_t *bytes, const char *hex)
{
	char text[65];

	for (int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/*
 * chain and keys from: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:CHAIN
 * -kdfopt hexinfo:INFO HKDF, with INFO "next" or "cookie" and the id; across epoch 4096.
 */
static void test_vectors(void **unused)
{
	struct keys_generation generation = { .number = 3, .length = 60, .epoch = 4094 };
	uint8_t key[32];

	(void)unused;
	for (int i = 0; i < 32; i++)
		generation.chain[i] = i;
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "90d1a04514d5e6c972daa2820415911b9b34c096cff8265ad509cf377f7e5450");
	assert_int_equal(keys_ratchet(&generation, 4095), 0);
	expect_hex(generation.chain, "5584896f490ac8bad35d1b19db6dc98fcb4ba5bdea3f2c8d076984588fb58b66");
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "f39631844ee1a18b754ea78e8eaf1e69fa90b47bd312ea6a199d087c0be5c897");
	assert_int_equal(keys_ratchet(&generation, 4096), 0);
	expect_hex(generation.chain, "74824a01842416412993ad1f961a4a586df88721b8a1e3346f3cbe9f31b7a0e4");
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "98e9f67c610b9ed0cf05c164ddfb2b527c16382ab5d6ce6aed8bee14160c6bba");
	/* never back */
	assert_int_equal(keys_ratchet(&generation, 4000), 0);
	assert_int_equal(generation.epoch, 4096);
}

static void test_epochs_and_ids(void **unused)
{
	struct keys_generation generation = { .number = 14, .length = 60, .origin = 1000 };

	(void)unused;
	assert_int_equal(keys_epoch_at(&generation, 1000), 0);
	assert_int_equal(keys_epoch_at(&generation, 1059), 0);
	assert_int_equal(keys_epoch_at(&generation, 1060), 1);
	assert_int_equal(keys_epoch_at(&generation, 999), -1);
	assert_int_equal(keys_epoch_at(&generation, 940), -1);
	assert_int_equal(keys_epoch_at(&generation, 939), -2);
	assert_int_equal(keys_id(&generation, 0), 0xe000);
	assert_int_equal(keys_id(&generation, 4095), 0xefff);
	assert_int_equal(keys_id(&generation, 4096), 0xe000);
}

static void test_seed(void **unused)
{
	struct keys_state fresh = { .clock = 7200 };
	uint8_t first[32];

	(void)unused;
	assert_int_equal(keys_seed(&fresh, 3600, 60), 0);
	assert_int_equal(fresh.count, 1);
	assert_int_equal(fresh.generation[0].number, 1);
	assert_int_equal(fresh.generation[0].origin, 3600);
	assert_int_equal(fresh.generation[0].length, 60);
	memcpy(first, fresh.generation[0].chain, 32);
	assert_int_equal(keys_seed(&fresh, 9000, 30), 0);
	assert_int_equal(fresh.generation[0].number, 2);
	assert_memory_equal(fresh.generation[1].chain, first, 32);
	assert_memory_not_equal(fresh.generation[0].chain, first, 32);
	assert_int_equal(keys_seed(&fresh, 9900, 30), -EEXIST);
	fresh.count = 1;
	fresh.generation[0].number = KEYS_LAST_GENERATION;
	assert_int_equal(keys_seed(&fresh, 9900, 30), 0);
	assert_int_equal(fresh.generation[0].number, 1);
}

static void test_forget(void **unused)
{
	(void)unused;
	assert_null(keys_parse(sample, SAMPLE_LEN, &state));
	state.clock += 10 * 86400;
	assert_int_equal(keys_forget(&state, 4), 0);
	assert_int_equal(state.generation[0].epoch, 6);
	assert_int_equal(state.generation[1].epoch, 29);
}

/* ---- the text ----------------------------------------------------------- */

static void test_sample(void **unused)
{
	char text[KEYS_TEXT_MAX];

	(void)unused;
	assert_null(keys_parse(sample, SAMPLE_LEN, &state));
	assert_int_equal(state.clock, 1795456800);
	assert_int_equal(state.count, 2);
	assert_int_equal(state.generation[0].number, 2);
	assert_int_equal(state.generation[1].origin, 1793404800);
	assert_int_equal(state.generation[1].epoch, 15);
	for (int i = 0; i < 32; i++) {
		assert_int_equal(state.generation[0].chain[i], i);
		assert_int_equal(state.generation[1].chain[i], 32 + i);
	}
	assert_int_equal(keys_format(&state, text), SAMPLE_LEN);
	assert_string_equal(text, sample);
}

static void expect_wiped(const struct keys_state *s)
{
	static const struct keys_state zero;

	assert_memory_equal(s, &zero, sizeof(zero));
}

static void test_damage(void **unused)
{
	char text[sizeof(sample) + 1];

	(void)unused;
	for (size_t i = 0; i < SAMPLE_LEN; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(text, sample, sizeof(sample));
			text[i] ^= 1 << bit;
			assert_non_null(keys_parse(text, SAMPLE_LEN, &state));
			expect_wiped(&state);
		}
	for (size_t len = 0; len < SAMPLE_LEN; len++)
		assert_non_null(keys_parse(sample, len, &state));
	for (int c = 0; c < 256; c++) {
		memcpy(text, sample, sizeof(sample));
		text[SAMPLE_LEN] = c;
		assert_non_null(keys_parse(text, SAMPLE_LEN + 1, &state));
	}
}

/* The checksum is right, what it covers is not. */
static const char *parse_signed_text(const char *body)
{
	char text[2048];
	uint8_t digest[32];
	size_t len = strlen(body);

	EVP_Digest(body, len, digest, NULL, EVP_sha256(), NULL);
	strcpy(text, body);
	len += sprintf(text + len, "sha256 ");
	for (int i = 0; i < 32; i++)
		len += sprintf(text + len, "%02x", digest[i]);
	strcpy(text + len, "\n");
	return keys_parse(text, len + 1, &state);
}

#define CHAIN " chain 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define HEAD "xnts keys 1\nclock 1000\n"
#define ONE HEAD "generation 1 length 10 origin 0 epoch 100" CHAIN

static void test_refused_text(void **unused)
{
	static const char *const bad[] = {
		"",
		HEAD,
		"xnts keys 2\nclock 1000\ngeneration 1 length 10 origin 0 epoch 100" CHAIN,
		"xnts keys 1\nclock 01000\ngeneration 1 length 10 origin 0 epoch 100" CHAIN,
		"xnts keys 1\nclock -1\ngeneration 1 length 10 origin 0 epoch 0" CHAIN,
		"xnts keys 1\nclock 99999999999999\ngeneration 1 length 10 origin 0 epoch 0" CHAIN,
		HEAD "generation 1  length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation +1 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 4294967297 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 0 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 15 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 0 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 31536001 origin 0 epoch 0" CHAIN,
		HEAD "generation 1 length 10 origin -10 epoch 100" CHAIN,
		HEAD "generation 1 length 10 origin 9999999999999999999 epoch 0" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 101" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 36" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch -1" CHAIN,
		HEAD "generation 1 length 10 origin 2000 epoch 1" CHAIN,
		ONE "\n",
		ONE "generation 2 length 10 origin 0 epoch 100" CHAIN,
		ONE "generation 1 length 10 origin 0 epoch 100" CHAIN,
		ONE "generation 14 length 10 origin 0 epoch 100" CHAIN
		    "generation 13 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 100 chain 0001\n",
		HEAD "generation 1 length 10 origin 0 epoch 100 chain "
		     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!parse_signed_text(bad[i]))
			fail_msg("taken: %s", bad[i]);
		expect_wiped(&state);
	}
	assert_null(parse_signed_text(ONE));
	assert_null(parse_signed_text(ONE "generation 14 length 9 origin 7 epoch 100" CHAIN));
	assert_null(parse_signed_text(HEAD "generation 1 length 10 origin 0 epoch 37" CHAIN));
	assert_null(parse_signed_text(HEAD "generation 1 length 10 origin 2000 epoch 0" CHAIN));
}

/* ---- the file ----------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vectors),
		TEST(test_epochs_and_ids),
		TEST(test_seed),
		TEST(test_forget),
		TEST(test_sample),
		TEST(test_damage),
		TEST(test_refused_text),
		TEST(test_load),
		TEST(test_load_other_kinds),
		TEST(test_load_other_owner),
		TEST(test_save),
		TEST(test_save_over_another),
		TEST(test_crash_before_rename),
		TEST(test_save_fails),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
