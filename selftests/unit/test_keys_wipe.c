/* SPDX-License-Identifier: GPL-2.0 */
/* No copy of key material is left where it is not needed: all of memory is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "../keys_machines.h"

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

/*
 * The programs are linked with -z now, and so is this test run: lazy binding (glibc's
 * _dl_runtime_resolve) saves the vector registers, with what memcpy() left there, on the stack.
 */
static void bind_now(char **argv)
{
	if (getenv("LD_BIND_NOW"))
		return;
	setenv("LD_BIND_NOW", "1", 1);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wipe, start, stop),
	};

	(void)argc;
	bind_now(argv);
	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
