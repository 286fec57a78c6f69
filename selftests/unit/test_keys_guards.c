/* SPDX-License-Identifier: GPL-2.0 */
/* What wrong clocks, wrong files and crashes may not do to the cookie keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "../keys_machines.h"

/* ---- wrong clocks ------------------------------------------------------- */

static void test_unsynchronised(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	for (int64_t t = 0; t < 20 * DAY; t += 3600)
		assert_int_equal(keys_advance(a, NOON + t, false, t), -EAGAIN);
	expect_sealing(a, SEED_AGE);
	expect_window(a, 1, SEED_AGE - 8, SEED_AGE + 3);
	/* that time has passed, the monotonic clock knows: no jump */
	assert_int_equal(keys_advance(a, NOON + 20 * DAY, true, 20 * DAY), 0);
	expect_sealing(a, SEED_AGE + 20);
}

/* The clock said to be synchronised is wrong from the start, then right. */
static void expect_recovery_from(int64_t wrong)
{
	const char *before;
	struct keys_sealing sealing;

	a = open_known(&config_a);
	b = open_known(&config_b);
	before = file_text(&config_a);
	for (int64_t t = 0; t < 3600; t += 60)
		assert_int_equal(keys_advance(a, wrong + t, true, t), -ERANGE);
	expect_sealing(a, SEED_AGE);
	expect_window(a, 1, SEED_AGE - 8, SEED_AGE + 3);
	assert_string_equal(file_text(&config_a), before);

	assert_int_equal(keys_advance(a, NOON + 3600, true, 3600), 0);
	assert_int_equal(keys_advance(b, NOON + 3600, true, 3600), 0);
	sealing = sealing_of(b);
	assert_true(opens(a, &sealing.current));
	sealing = sealing_of(a);
	assert_true(opens(b, &sealing.current));
}

static void test_clock_at_1970(void **unused)
{
	(void)unused;
	expect_recovery_from(0);
}

static void test_clock_at_2040(void **unused)
{
	(void)unused;
	expect_recovery_from(2209032000);
}

/* Told once, not every second, and again after it was right in between. */
static void test_disbelief_is_logged_once(void **unused)
{
	const char *log;

	(void)unused;
	a = open_known(&config_a);
	keys_advance(a, NOON + YEAR, true, 0);
	log = captured();
	assert_non_null(strstr(log, "keys: the clock (1826971200)"));
	assert_non_null(strstr(log, "xnts keys confirm"));
	keys_advance(a, NOON + YEAR + 1, true, 1);
	assert_string_equal(captured(), "");
	keys_advance(a, NOON + 2, true, 2);
	keys_advance(a, NOON + YEAR + 3, true, 3);
	assert_string_not_equal(captured(), "");
}

/* 2040 again and again: the jumps that are refused do not add up. */
static void test_restarts_at_2040(void **unused)
{
	const char *before;

	(void)unused;
	a = open_known(&config_a);
	before = file_text(&config_a);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(keys_advance(a, 2209032000, true, i), -ERANGE);
		keys_close(a);
		a = open_keys(&config_a);
	}
	assert_string_equal(file_text(&config_a), before);
	expect_sealing(a, SEED_AGE);
}

/*
 * While it runs the clock steps by `step`, and back after 20 days.  Machine a stays in
 * step with the true time that b has: its monotonic clock tells.
 */
static void expect_to_survive_step(int64_t step, bool follows)
{
	int64_t t;

	a = open_known(&config_a);
	b = open_known(&config_b);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	for (t = 3600; t <= 20 * DAY; t += 3600) {
		struct keys_sealing sealing;

		assert_int_equal(keys_advance(a, NOON + step + t, true, t), -ERANGE);
		assert_int_equal(keys_advance(b, NOON + t, true, t), 0);
		sealing = sealing_of(a);
		assert_true(!follows || opens(b, &sealing.current));
	}
	assert_int_equal(keys_advance(a, NOON + t, true, t), 0);
	assert_int_equal(keys_advance(b, NOON + t, true, t), 0);
	expect_sealing(a, SEED_AGE + 20);
	assert_memory_equal(window_of(a), window_of(b), sizeof(struct window));
}

static void test_year_forward(void **unused)
{
	(void)unused;
	expect_to_survive_step(YEAR, true);
}

static void test_year_back(void **unused)
{
	(void)unused;
	expect_to_survive_step(-YEAR, false);
}

/* A false jump that is believed, for it is short: what is true stays within reach. */
static void test_short_false_jump(void **unused)
{
	struct keys_sealing sealing;

	(void)unused;
	a = open_known(&config_a);
	b = open_known(&config_b);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	assert_int_equal(keys_advance(a, NOON + 8 * DAY, true, 1), 0);
	expect_sealing(a, SEED_AGE + 8);
	/* more of the same is not believed: the first moment counts, not the last */
	assert_int_equal(keys_advance(a, NOON + 9 * DAY, true, 2), -ERANGE);
	assert_int_equal(keys_advance(a, NOON + 3, true, 3), 0);
	expect_sealing(a, SEED_AGE);
	assert_int_equal(keys_advance(b, NOON + 3, true, 3), 0);
	sealing = sealing_of(b);
	assert_true(opens(a, &sealing.current));
	sealing = sealing_of(a);
	assert_true(opens(b, &sealing.current));
}

static void test_off_for_days(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON + 8 * DAY, true, 0), 0);
	expect_sealing(a, SEED_AGE + 8);
}

/* Off for longer than keep: it serves by the keys it has, and does not claim to know all. */
static void test_off_for_long(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	for (int64_t t = 0; t <= 2 * DAY; t += 3600)
		assert_int_equal(keys_advance(a, NOON + 30 * DAY + t, true, t), -ERANGE);
	expect_sealing(a, SEED_AGE + 2);
}

/* ---- files -------------------------------------------------------------- */

static void test_reload(void **unused)
{
	struct keys_state state = known_state(2);
	struct keys_sealing sealing;
	uint64_t version;

	(void)unused;
	a = open_known(&config_a);
	version = keys_version(a);
	put_state(&config_a, &state);
	assert_int_equal(keys_reload(a, &config_a), 0);
	assert_int_not_equal(keys_version(a), version);
	sealing = sealing_of(a);
	assert_int_equal(sealing.current.id, id_of(2, SEED_AGE));
	config_a.preload = 5;
	assert_int_equal(keys_reload(a, &config_a), 0);
	expect_window(a, 2, SEED_AGE - 8, SEED_AGE + 5);
}

static void spoil_file(mode_t mode, const char *text)
{
	int fd = open(config_a.state, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void test_bad_file(void **unused)
{
	char text[KEYS_TEXT_MAX];

	(void)unused;
	a = open_known(&config_a);
	strcpy(text, file_text(&config_a));

	spoil_file(0600, "xnts keys 1\n");
	assert_int_equal(keys_open(&b, &config_a), -EBADMSG);
	assert_null(b);
	assert_int_equal(keys_reload(a, &config_a), -EBADMSG);
	assert_non_null(strstr(captured(), "is damaged: its checksum does not match"));

	spoil_file(0640, text);
	assert_int_equal(keys_open(&b, &config_a), -EACCES);
	assert_null(b);
	assert_int_equal(keys_reload(a, &config_a), -EACCES);
	assert_non_null(strstr(captured(), "others may use it (mode 0640)"));

	unlink(config_a.state);
	assert_int_equal(keys_reload(a, &config_a), -ENOENT);
	assert_non_null(strstr(captured(), "is gone"));

	/* through all of it the keys stay */
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	expect_sealing(a, SEED_AGE);
}

/* The operator put another file in place, and nobody told the daemon. */
static void test_changed_file_wins(void **unused)
{
	struct keys_state other = known_state(5);

	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	put_state(&config_a, &other);
	assert_int_equal(keys_advance(a, NOON + DAY, true, DAY), 0);
	assert_int_equal(keys_advance(a, NOON + DAY + 1, true, DAY + 1), 0);
	assert_int_equal(sealing_of(a).current.id, id_of(5, SEED_AGE + 1));
	assert_non_null(strstr(file_text(&config_a), "generation 5 "));
}

/* A damaged one is neither used nor overwritten. */
static void test_changed_file_is_damaged(void **unused)
{
	(void)unused;
	a = open_known(&config_a);
	assert_int_equal(keys_advance(a, NOON, true, 0), 0);
	spoil_file(0600, "half a");
	assert_int_equal(keys_advance(a, NOON + DAY, true, DAY), 0);
	expect_sealing(a, SEED_AGE + 1);
	assert_string_equal(file_text(&config_a), "half a");
}

static void test_full_disk(void **unused)
{
	char away[sizeof(dir_a) + 8], text[KEYS_TEXT_MAX];

	(void)unused;
	snprintf(away, sizeof(away), "%s.away", dir_a);
	a = open_known(&config_a);
	strcpy(text, file_text(&config_a));
	assert_return_code(rename(dir_a, away), errno);
	assert_int_equal(keys_advance(a, NOON + DAY, true, 100), 0);
	expect_sealing(a, SEED_AGE + 1);
	assert_non_null(strstr(captured(), "cannot be written"));
	assert_int_equal(keys_advance(a, NOON + DAY + 1, true, 101), 0);
	assert_string_equal(captured(), "");
	assert_return_code(rename(away, dir_a), errno);
	assert_string_equal(file_text(&config_a), text);
	assert_int_equal(keys_advance(a, NOON + DAY + 60, true, 160), 0);
	assert_non_null(strstr(file_text(&config_a), " epoch 93 chain "));
}

/* ---- wiping ------------------------------------------------------------- */

/* Complements of the chains and keys around: neither they nor the search is ever found. */
#define SECRETS 20

struct secrets {
	uint8_t chain[SECRETS][32], key[SECRETS][32]; /* of epochs SEED_AGE - 8 and on */
};

static void mask(uint8_t bytes[32])
{
	for (int i = 0; i < 32; i++)
		bytes[i] = ~bytes[i];
}

static void write_known_secrets(int fd)
{
	struct keys_state state = known_state(7);
	struct secrets secrets;

	/* not a part of another test's chain */
	for (int i = 0; i < 32; i++)
		state.generation[0].chain[i] = 201 * i * i + 77;
	put_state(&config_a, &state);
	memcpy(secrets.chain[0], state.generation[0].chain, 32);
	for (int i = 1; i < SECRETS; i++)
		reference_hkdf(secrets.chain[i - 1], "next", id_of(7, SEED_AGE - 8 + i), secrets.chain[i]);
	for (int i = 0; i < SECRETS; i++) {
		reference_hkdf(secrets.chain[i], "cookie", id_of(7, SEED_AGE - 8 + i), secrets.key[i]);
		mask(secrets.chain[i]);
		mask(secrets.key[i]);
	}
	_exit(write(fd, &secrets, sizeof(secrets)) != sizeof(secrets));
}

/* A state that no other test has, made in a process of its own: no other copies are here. */
static void prepare(struct secrets *secrets)
{
	int ends[2], status;
	pid_t child;

	assert_return_code(pipe(ends), errno);
	child = fork();
	if (!child)
		write_known_secrets(ends[1]);
	assert_int_equal(read(ends[0], secrets, sizeof(*secrets)), sizeof(*secrets));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
}

/* The first half is enough, as bytes or in hex. */
static bool is_secret(const uint8_t *at, const uint8_t masked[32])
{
	static const char digits[] = "0123456789abcdef";
	int bytes = 0, hex = 0;

	while (bytes < 16 && (at[bytes] ^ masked[bytes]) == 0xff)
		bytes++;
	while (hex < 16 && at[2 * hex] == digits[(masked[hex] ^ 0xff) >> 4] &&
	       at[2 * hex + 1] == digits[(masked[hex] ^ 0xff) & 15])
		hex++;
	return bytes == 16 || hex == 16;
}

/* The two bytes that each begins with: most of memory needs no closer look. */
static bool beginnings[65536];

static void note_beginning(const uint8_t masked[32])
{
	char hex[3];

	snprintf(hex, sizeof(hex), "%02x", masked[0] ^ 0xff);
	beginnings[(masked[0] ^ 0xff) << 8 | (masked[1] ^ 0xff)] = true;
	beginnings[hex[0] << 8 | hex[1]] = true;
}

static int count_in(const uint8_t *at, ssize_t len, const struct secrets *secrets)
{
	int found = 0;

	for (ssize_t i = 0; i + 32 <= len; i++)
		for (int k = 0; k < SECRETS && beginnings[at[i] << 8 | at[i + 1]]; k++)
			found += is_secret(at + i, secrets->chain[k]) + is_secret(at + i, secrets->key[k]);
	return found;
}

/* All the writable memory of `pid`, but for the sanitizer's shadow, which is huge. */
static int count_in_process(pid_t pid, const struct secrets *secrets)
{
	const size_t size = 1 << 24;
	uint8_t *buffer = malloc(size);
	char name[64], line[512], writable;
	unsigned long from, to;
	int mem, found = 0;
	FILE *maps;

	for (int k = 0; k < SECRETS; k++) {
		note_beginning(secrets->chain[k]);
		note_beginning(secrets->key[k]);
	}
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	mem = open(name, O_RDONLY);
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "r");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx r%c", &from, &to, &writable) == 3 && writable == 'w' &&
		    to - from <= size)
			found += count_in(buffer, pread(mem, buffer, to - from, from), secrets);
	return found;
}

/* The search is done by a child, which leaves this process's dead stack frames alone. */
static int count_in_memory(const struct secrets *secrets)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(count_in_process(getppid(), secrets));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void ignore(void *arg, uint16_t id, const uint8_t key[32])
{
	(void)arg;
	(void)id;
	(void)key;
}

/* The chain is there once, in the ratchet, and nothing else is left behind by any function. */
static void test_wipe(void **unused)
{
	static struct secrets secrets;
	static struct keys_sealing sealing;

	(void)unused;
	prepare(&secrets);
	a = open_keys(&config_a);
	assert_int_equal(count_in_memory(&secrets), 1);
	assert_int_equal(keys_window(a, ignore, NULL), 0);
	assert_int_equal(count_in_memory(&secrets), 1);
	assert_int_equal(keys_advance(a, NOON + DAY, true, 0), 0);
	assert_int_equal(count_in_memory(&secrets), 1);
	assert_int_equal(keys_sealing(a, &sealing), 0);
	assert_int_equal(count_in_memory(&secrets), 1 + 2);
	explicit_bzero(&sealing, sizeof(sealing));
	assert_int_equal(keys_reload(a, &config_a), 0);
	assert_int_equal(count_in_memory(&secrets), 1);
	keys_close(a);
	a = NULL;
	assert_int_equal(count_in_memory(&secrets), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unsynchronised),
		TEST(test_clock_at_1970),
		TEST(test_clock_at_2040),
		TEST(test_disbelief_is_logged_once),
		TEST(test_restarts_at_2040),
		TEST(test_year_forward),
		TEST(test_year_back),
		TEST(test_short_false_jump),
		TEST(test_off_for_days),
		TEST(test_off_for_long),
		TEST(test_reload),
		TEST(test_bad_file),
		TEST(test_changed_file_wins),
		TEST(test_changed_file_is_damaged),
		TEST(test_full_disk),
		TEST(test_wipe),
	};

	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
