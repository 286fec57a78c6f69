/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* memfd_create() */
/*
 * NTS-KE with real workers under load: a fleet that lost its keys, all its clients behind one
 * address, a certificate replaced and a worker killed meanwhile, crowds that stay silent.  Every
 * client that is counted as answered has taken its answer.
 *
 * KE_STORM clients (400; 2000 as a fleet) and KE_IDLE silent connections (1000; 10000).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "../ke_load.h"
#include "ke_daemon.h"

static struct ke_load load;

static int setting(const char *name, int fallback)
{
	const char *text = getenv(name);

	return text ? atoi(text) : fallback;
}

static double killed, mended;

/* The worker's own counter says that another takes connections. */
static void see_whether_mended(void)
{
	if (killed > 0 && !mended && enough_starts())
		mended = ke_load_now();
}

/* Runs the load beside the daemon; `at` is called once when `when` exchanges are done. */
static void run(int exchanges, int when, void (*at)(void))
{
	struct config_address a;
	double before = ke_load_now(), spoken = before;

	listen_on(&a, port());
	ke_load_open(&load, &a.sa, a.len);
	ke_load_begin(&load, exchanges);
	while (ke_load_step(&load, 20)) {
		if (at && load.done >= when) {
			at();
			at = NULL;
		}
		see_whether_mended();
		if (ke_load_now() - spoken > 0.02) {
			ke_dispatch(ke);
			spoken = ke_load_now();
		}
	}
	ke_load_close(&load);
	print_message("# %d exchanges in %.1f s, slowest %.2f s, %d attempts in vain\n", load.done,
		      ke_load_now() - before, load.slowest, load.retried);
}

static __u64 answers_wanted;

static bool enough_answers(void)
{
	return sum().answered >= answers_wanted;
}

/* No client failed, and none was counted whose answer got lost. */
static void all_served(int exchanges)
{
	answers_wanted = (__u64)exchanges;
	assert_int_equal(load.failed, 0);
	assert_int_equal(load.done, exchanges);
	assert_true(run_until(enough_answers, 5000));
	assert_int_equal(sum().answered, exchanges);
}

static void fleet(void **state)
{
	int storm = setting("KE_STORM", 400);

	(void)state;
	load = (struct ke_load){ .concurrency = storm, .sources = (unsigned int)storm, .patience = 20,
				 .retry = 0.5 };
	run(storm, 0, NULL);
	all_served(storm);
}

/* Far more than the address may have at once: those over the limits try again. */
static void fleet_behind_one_address(void **state)
{
	int storm = setting("KE_STORM", 400);

	(void)state;
	load = (struct ke_load){ .concurrency = storm, .patience = 20, .retry = 0.3 };
	run(storm, 0, NULL);
	all_served(storm);
	assert_true(load.retried > 0);
	assert_true(sum().refused_prefix + sum().refused_rate >= (__u64)load.retried);
}

/* Takes cfg; the two workers of the start, which know other limits, are gone then. */
static void reload_to(int workers)
{
	assert_int_equal(ke_reload(ke, &cfg), 0);
	wait_for_starts(2 + (unsigned int)workers);
	children_wanted = workers;
	assert_true(run_until(so_many_children, 5000));
}

static void handshakes_a_second(void **state)
{
	(void)state;
	cfg.ke.workers = 1;
	cfg.ke.rate = 20;
	cfg.ke.burst = 10;
	reload_to(1);
	load = (struct ke_load){ .concurrency = 40, .patience = 20, .retry = 0.2 };
	run(40, 0, NULL);
	all_served(40);
	assert_true(sum().refused_rate > 0);
	assert_true(load.slowest > 1.2); /* 30 over the burst, 20 a second */
}

static struct test_pem newer;

static double replaced;

static void replace_certificate(void)
{
	install(&newer);
	replaced = ke_load_now();
}

/* 250 a second where the machine can.  s from the replacement to the first who saw it. */
static double replace_under_load(void)
{
	double began, rate;
	BIO *bio;

	test_certificate(&newer, "EC", "test.example", -60, 7200);
	bio = BIO_new_mem_buf(newer.chain, -1);
	load = (struct ke_load){ .concurrency = 100, .rate = 250, .sources = 100, .patience = 20,
				 .newer = PEM_read_bio_X509(bio, NULL, NULL, NULL) };
	began = ke_load_now();
	run(1000, 50, replace_certificate);
	rate = 1000 / (ke_load_now() - began);
	assert_int_equal(load.failed, 0);
	assert_int_equal(load.done, 1000);
	assert_true(load.saw_newer > 0);
	print_message("# %.0f exchanges/s%s: the new certificate was seen after %.2f s, by %d\n", rate,
		      rate < 200 ? ", all that this machine does" : "", load.first_newer - replaced,
		      load.saw_newer);
	X509_free(load.newer);
	BIO_free(bio);
	return load.first_newer - replaced;
}

/* Within 2 s, in one of several tries: a busy machine may lose some. */
static void certificate_replaced(void **state)
{
	double took = 3;

	(void)state;
	for (int i = 0; i < TRIES && took > 2; i++)
		took = replace_under_load();
	assert_true(took <= 2);
}

static void kill_a_worker(void)
{
	pid_t pids[4];

	assert_int_equal(children(pids, 4), 2);
	kill(pids[0], SIGKILL);
	killed = ke_load_now();
}

/* What it had under way is lost and tried again; the rest waits in its listener. */
static double kill_under_load(void)
{
	killed = mended = 0;
	starts_wanted = sum().worker_starts + 1;
	load = (struct ke_load){ .concurrency = 8, .sources = 100, .patience = 20, .retry = 0.1 };
	run(1000, 100, kill_a_worker);
	assert_int_equal(load.failed, 0);
	assert_int_equal(load.done, 1000);
	assert_in_range(load.retried, 0, 16);
	assert_true(run_until(enough_starts, 10000));
	see_whether_mended();
	print_message("# another worker after %.2f s\n", mended - killed);
	return mended - killed;
}

/* Back within 1 s, in one of several tries. */
static void worker_killed(void **state)
{
	double took = 2;

	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < TRIES && took > 1; i++)
		took = kill_under_load();
	assert_true(took <= 1);
}

/* kB of a process that are its own. */
static long memory_of(pid_t pid)
{
	char path[64], line[128];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static int open_silent(int *fds, int count, unsigned int first_source, unsigned int sources)
{
	struct config_address a;
	int n = 0;

	listen_on(&a, port());
	for (int i = 0; i < count; i++) {
		fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[n] >= 0);
		assert_int_equal(ke_load_bind(fds[n], first_source + (unsigned int)i % sources), 0);
		connect(fds[n], &a.sa, a.len);
		n++;
	}
	return n;
}

static __u64 accepts_wanted;

static bool enough_accepts(void)
{
	return sum().accepted >= accepts_wanted;
}

/* Silent ones from many addresses fill the workers to the brim, and 500 come from one address. */
static void silent_crowds(void **state)
{
	int idle = setting("KE_IDLE", 1000), one = 500, n;
	int *fds = calloc((size_t)(idle + one), sizeof(int));
	pid_t pids[4];
	int64_t began;

	(void)state;
	cfg.ke.max_connections = 400; /* of each of two: fewer than there are */
	reload_to(2);
	accepts_wanted = (__u64)(idle + one);
	n = open_silent(fds, idle, 1000, 20000);
	n += open_silent(fds + n, one, 1, 1);
	assert_true(run_until(enough_accepts, 20000));
	began = now_ms();
	assert_true(served());
	print_message("# served in %d ms beside %d silent connections\n", (int)(now_ms() - began), n);
	assert_true(sum().refused_full > 0); /* the oldest gave way */
	assert_true(sum().refused_prefix > 0);
	for (int i = 0; i < children(pids, 4); i++)
		print_message("# a worker of 400 connections has %ld kB\n", memory_of(pids[i]));
	for (int i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
}

/* The limits of the connections in all are of another test, and a test's own end with it. */
static int start_roomy(void **state)
{
	cfg.ke.workers = 2;
	cfg.ke.rate = 0;
	cfg.ke.max_connections = 4096;
	cfg.ke.handshake_timeout = 20;
	cfg.ke.request_timeout = 20;
	return start_ke(state);
}

#define LOAD(name) cmocka_unit_test_setup_teardown(name, start_roomy, stop_ke)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LOAD(fleet),
		LOAD(fleet_behind_one_address),
		LOAD(handshakes_a_second),
		LOAD(certificate_replaced),
		LOAD(worker_killed),
		LOAD(silent_crowds),
	};
	const struct rlimit files = { 65536, 65536 };
	int status;

	if (is_worker(argc, argv, &status))
		return status;
	setrlimit(RLIMIT_NOFILE, &files);
	return cmocka_run_group_tests(tests, start, stop);
}
