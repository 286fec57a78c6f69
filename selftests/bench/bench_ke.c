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
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../unit/ke_client.h"
#include "config.h"
#include "ke.h"
#include "log.h"

#define PATIENCE_MS 10000 /* without any progress */
#define EXCHANGES   2000
#define AT_ONCE     20   /* chronyd holds 100 connections */
#define STORM       2000 /* a fleet that lost its keys */

struct client {
	SSL *ssl; /* NULL: not in use */
	int fd;
	bool asked;
	double began;
	size_t len;
	uint8_t answer[2048];
};

static struct {
	struct sockaddr_storage to;
	socklen_t to_len;
	SSL_CTX *ctx;
	int epoll;
	int left, open, done, failed;
	unsigned int sources;
	double slowest; /* s */
} load;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

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

/* 127.1.0.1 and on, where the server is on loopback. */
static void take_source(int fd)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	const struct sockaddr_in *to = (struct sockaddr_in *)&load.to;

	if (load.to.ss_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != 127)
		return;
	source.sin_addr.s_addr = htonl(0x7f010001 + load.sources++ % STORM);
	if (bind(fd, (struct sockaddr *)&source, sizeof(source)))
		perror("bench_ke: bind");
}

static void start(struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int one = 1;

	load.left--;
	memset(c, 0, sizeof(*c));
	c->began = now();
	c->fd = socket(load.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	take_source(c->fd);
	if (c->fd < 0 ||
	    (connect(c->fd, (struct sockaddr *)&load.to, load.to_len) && errno != EINPROGRESS)) {
		perror("bench_ke: connect");
		exit(1);
	}
	c->ssl = SSL_new(load.ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	load.open++;
	epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void finish(struct client *c, bool good)
{
	double took = now() - c->began;

	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	load.open--;
	load.done += good;
	load.failed += !good;
	if (good && took > load.slowest)
		load.slowest = took;
	if (load.left > 0)
		start(c);
}

static bool waiting(struct client *c, int rc)
{
	int error = SSL_get_error(c->ssl, rc);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* NTPv4 agreed on, and long enough for eight cookies of any server's (chrony's have 100 bytes). */
static bool brought_cookies(const struct client *c)
{
	static const uint8_t begins[] = { REQ_NTPV4 }, ends[] = { REQ_END };

	return c->len > KE_COOKIES * 64 && !memcmp(c->answer, begins, sizeof(begins)) &&
	       !memcmp(c->answer + c->len - sizeof(ends), ends, sizeof(ends));
}

/* Ready: all that can be done without waiting. */
static void step(struct client *c)
{
	int rc;

	if (!c->asked) {
		rc = SSL_write(c->ssl, chrony43_request, sizeof(chrony43_request));
		if (rc <= 0) {
			if (!waiting(c, rc))
				finish(c, false);
			return;
		}
		c->asked = true;
	}
	while ((rc = SSL_read(c->ssl, c->answer + c->len, (int)(sizeof(c->answer) - c->len))) > 0)
		c->len += (size_t)rc;
	if (waiting(c, rc))
		return;
	finish(c, brought_cookies(c));
}

static void run(int exchanges, int concurrency)
{
	struct client *clients = calloc((size_t)concurrency, sizeof(*clients));
	struct epoll_event events[64];

	load.left = exchanges;
	load.done = 0;
	load.slowest = 0;
	for (int i = 0; i < concurrency && load.left > 0; i++)
		start(&clients[i]);
	while (load.open > 0) {
		int n = epoll_wait(load.epoll, events, 64, PATIENCE_MS);

		if (n == 0) {
			fprintf(stderr, "bench_ke: %d exchanges stand still\n", load.open);
			load.failed += load.open + load.left;
			break;
		}
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c->ssl)
				step(c);
		}
	}
	free(clients);
}

static bool parse_address(const char *text, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&load.to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&load.to;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		load.to_len = sizeof(*in);
		return true;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	load.to_len = sizeof(*in6);
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
	if (bind(fd, (struct sockaddr *)&load.to, load.to_len) ||
	    getsockname(fd, (struct sockaddr *)&load.to, &load.to_len))
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
	memcpy(&cfg.ke.listen.item[0].in, &load.to, sizeof(struct sockaddr_in));
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

static void measure(const char *name, char *const *pids, int count)
{
	double cpu;

	run(AT_ONCE, AT_ONCE); /* what is done once is done */
	cpu = cpu_of(pids, count);
	run(EXCHANGES, AT_ONCE);
	if (load.done)
		figure("cpu_per_handshake", name, (cpu_of(pids, count) - cpu) * 1e6 / load.done,
		       "us");
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	char *const ours[] = { worker };

	if (argc == 2 && !strcmp(argv[1], "--ke-worker"))
		return ke_worker_main();
	setrlimit(RLIMIT_NOFILE, &files);
	load.ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, NULL);
	SSL_CTX_set1_groups_list(load.ctx, "X25519");
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (argc > 4 && parse_address(argv[2], (uint16_t)atoi(argv[3]))) {
		measure(argv[1], argv + 4, argc - 4);
	} else if (argc == 1 && start_ours()) {
		measure("xnts", ours, 1);
		run(STORM, STORM);
		figure("storm_of_2000_slowest", "xnts", load.slowest * 1e3, "ms");
	} else {
		fprintf(stderr, "usage: bench_ke [NAME ADDRESS PORT PID...]\n");
		return 2;
	}
	if (load.failed)
		printf("bench: %d key exchanges failed\n", load.failed);
	ke_stop(ke);
	SSL_CTX_free(load.ctx);
	return load.failed ? 1 : 0;
}
