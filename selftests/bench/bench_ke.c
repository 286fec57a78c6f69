/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* memfd_create() */
/*
 * NTS-KE under load: many key exchanges at once (P-256 certificate, X25519).
 *
 *	bench_ke [NAME ADDRESS PORT PID...]
 *
 * Without arguments it starts a worker of ours on loopback, else it loads the server of
 * those process ids.  Prints lines `bench.ke_FIGURE_NAME VALUE UNIT`.  The CPU is that of
 * the server's processes; on loopback the kernel charges them what their sending
 * costs the client's side, too.  Exit status 0 when every exchange brought cookies.
 *
 * A server on 127.0.0.1 sees each client under an address of its own.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../ke_load.h"
#include "config.h"
#include "ke.h"
#include "log.h"

#define EXCHANGES 2000
#define AT_ONCE   20   /* chronyd holds 100 connections */
#define STORM     2000 /* a fleet that lost its keys */

static struct sockaddr_storage to;
static socklen_t to_len;

/* CPU seconds that the processes have used, as their schedulers count it. */
static double cpu_of(char *const *pids, int count)
{
	double sum = 0;

	for (int i = 0; i < count; i++) {
		char path[64];
		unsigned long long ns = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/schedstat", pids[i]);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%llu", &ns) != 1)
			fprintf(stderr, "bench_ke: cannot read %s\n", path);
		if (f)
			fclose(f);
		sum += (double)ns / 1e9;
	}
	return sum;
}

static bool on_loopback(void)
{
	const struct sockaddr_in *in = (struct sockaddr_in *)&to;

	return to.ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

/* The number of exchanges that failed. */
static int run(int exchanges, int concurrency, double *slowest)
{
	struct ke_load load = { .concurrency = concurrency,
				.sources = on_loopback() ? STORM : 0,
				.patience = 10 };

	ke_load_open(&load, &to, to_len);
	ke_load_begin(&load, exchanges);
	while (ke_load_step(&load, 1000))
		;
	ke_load_close(&load);
	*slowest = load.slowest;
	return load.failed;
}

static bool parse_address(const char *text, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		to_len = sizeof(*in);
		return true;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	to_len = sizeof(*in6);
	return inet_pton(AF_INET6, text, &in6->sin6_addr) == 1;
}

/* ---- a worker of ours --------------------------------------------------- */

static struct ke *ke;
static char worker[16];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static bool find_worker(void)
{
	char path[64];
	FILE *f;
	bool found;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	found = f && fscanf(f, "%15s", worker) == 1;
	if (f)
		fclose(f);
	return found;
}

/* Port 0 would give each worker another: one that is free now. */
static void choose_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	parse_address("127.0.0.1", 0);
	if (bind(fd, (struct sockaddr *)&to, to_len) ||
	    getsockname(fd, (struct sockaddr *)&to, &to_len))
		perror("bench_ke: bind");
	close(fd);
}

static bool start_ours(void)
{
	static struct config cfg = { .ke = { .enabled = true,
					     .workers = 1,
					     .user = "nobody",
					     .max_connections = 4096,
					     .max_per_prefix = 64,
					     .prefix4 = 32,
					     .prefix6 = 64,
					     .max_bytes = 110592,
					     .handshake_timeout = 30,
					     .request_timeout = 30 } };
	const struct ke_sealing_keys keys = { .current = { .id = 0x1001 } };
	int counters = memfd_create("counters", MFD_CLOEXEC), rc;
	char dir[] = "/tmp/bench_ke.XXXXXX";
	struct test_pem pem;

	if (!mkdtemp(dir) || ftruncate(counters, XNTS_KE_WORKERS * sizeof(struct xnts_ke_counters)))
		return false;
	choose_port();
	cfg.ke.listen.count = 1;
	memcpy(&cfg.ke.listen.item[0].in, &to, sizeof(struct sockaddr_in));
	cfg.ke.listen.item[0].len = sizeof(struct sockaddr_in);
	cfg.log.level = LEVEL_WARNING;
	snprintf(cfg.ke.certificate, sizeof(cfg.ke.certificate), "%s/cert.pem", dir);
	snprintf(cfg.ke.key, sizeof(cfg.ke.key), "%s/key.pem", dir);
	test_certificate(&pem, "EC", "bench.example", -60, 3600);
	write_file(cfg.ke.certificate, pem.chain);
	write_file(cfg.ke.key, pem.key);
	rc = ke_start(&ke, &cfg, counters);
	unlink(cfg.ke.certificate);
	unlink(cfg.ke.key);
	rmdir(dir);
	return rc == 0 && ke_set_keys(ke, &keys) == 0 && find_worker();
}

/* ---- figures ------------------------------------------------------------ */

static void figure(const char *what, const char *name, double value, const char *unit)
{
	printf("bench.ke_%s_%s %.1f %s\n", what, name, value, unit);
}

static int measure(const char *name, char *const *pids, int count)
{
	double cpu, slowest;
	int failed = run(AT_ONCE, AT_ONCE, &slowest); /* what is done once is done */

	cpu = cpu_of(pids, count);
	failed += run(EXCHANGES, AT_ONCE, &slowest);
	figure("cpu_per_handshake", name, (cpu_of(pids, count) - cpu) * 1e6 / EXCHANGES, "us");
	return failed;
}

static int storm(void)
{
	double slowest;
	int failed = run(STORM, STORM, &slowest);

	figure("storm_of_2000_slowest", "xnts", slowest * 1e3, "ms");
	return failed;
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	char *const ours[] = { worker };
	int failed;

	if (argc == 2 && !strcmp(argv[1], "--ke-worker"))
		return ke_worker_main();
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 4 && parse_address(argv[2], (uint16_t)atoi(argv[3]))) {
		failed = measure(argv[1], argv + 4, argc - 4);
	} else if (argc == 1 && start_ours()) {
		failed = measure("xnts", ours, 1) + storm();
	} else {
		fprintf(stderr, "usage: bench_ke [NAME ADDRESS PORT PID...]\n");
		return 2;
	}
	if (failed)
		printf("bench: %d key exchanges failed\n", failed);
	ke_stop(ke);
	return failed ? 1 : 0;
}
