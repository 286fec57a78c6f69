/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NTS-KE with its real worker processes (the test program itself, executed again) on
 * loopback: the daemon's side and a client, for the tests of both.
 */
#ifndef KE_DAEMON_H
#define KE_DAEMON_H

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "cookie.h"
#include "ke.h"
#include "ke_client.h"
#include "monotonic.h"

#define TRIES 5 /* of what must be fast: the machine may be busy with others */

static struct config cfg;
static struct ke *ke;
static struct test_pem pem;
static int counters_fd;
static struct xnts_ke_counters *counters;
static struct ke_sealing_keys keys = { .current = { .id = 0x1001 } };
static char dir[] = "/tmp/test_ke.XXXXXX";

/* ---- set-up ------------------------------------------------------------- */

static inline void write_file(const char *path, const char *text)
{
	char temporary[PATH_MAX + 8];
	FILE *f;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(temporary, path), 0);
}

static inline void install(const struct test_pem *p)
{
	write_file(cfg.ke.certificate, p->chain);
	write_file(cfg.ke.key, p->key);
}

static inline void listen_on(struct config_address *a, uint16_t port)
{
	a->len = sizeof(a->in);
	a->in = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A port that nobody listens on now. */
static inline uint16_t free_port(void)
{
	struct config_address a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	listen_on(&a, 0);
	assert_int_equal(bind(fd, &a.sa, a.len), 0);
	assert_int_equal(getsockname(fd, &a.sa, &a.len), 0);
	close(fd);
	return ntohs(a.in.sin_port);
}

static inline uint16_t port(void)
{
	return ntohs(cfg.ke.listen.item[0].in.sin_port);
}

static inline int start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	cfg.ke = (struct ke_config){ .enabled = true,
				     .workers = 2,
				     .user = "nobody",
				     .max_connections = 100,
				     .max_per_prefix = 50,
				     .prefix4 = 32,
				     .prefix6 = 64,
				     .max_bytes = 110592,
				     .handshake_timeout = 10, /* more than a busy machine takes */
				     .request_timeout = 10 };
	snprintf(cfg.ke.certificate, sizeof(cfg.ke.certificate), "%s/cert.pem", dir);
	snprintf(cfg.ke.key, sizeof(cfg.ke.key), "%s/key.pem", dir);
	cfg.ke.listen.count = 1;
	cfg.log.level = LEVEL_INFO;
	counters_fd = memfd_create("counters", MFD_CLOEXEC);
	assert_int_equal(ftruncate(counters_fd, XNTS_KE_WORKERS * sizeof(*counters)), 0);
	counters = mmap(NULL, XNTS_KE_WORKERS * sizeof(*counters), PROT_READ | PROT_WRITE,
			MAP_SHARED, counters_fd, 0);
	assert_ptr_not_equal(counters, MAP_FAILED);
	test_certificate(&pem, "EC", "test.example", -60, 3600);
	return 0;
}

static inline int stop(void **state)
{
	(void)state;
	unlink(cfg.ke.certificate);
	unlink(cfg.ke.key);
	rmdir(dir);
	munmap(counters, XNTS_KE_WORKERS * sizeof(*counters));
	close(counters_fd);
	return 0;
}

static inline int start_ke(void **state)
{
	(void)state;
	memset(counters, 0, XNTS_KE_WORKERS * sizeof(*counters));
	listen_on(&cfg.ke.listen.item[0], free_port());
	install(&pem);
	assert_int_equal(ke_start(&ke, &cfg, counters_fd), 0);
	assert_int_equal(ke_set_keys(ke, &keys), 0);
	return 0;
}

static inline int stop_ke(void **state)
{
	(void)state;
	ke_stop(ke);
	ke = NULL;
	return 0;
}

static inline struct xnts_ke_counters sum(void)
{
	struct xnts_ke_counters total = { 0 };

	for (int i = 0; i < XNTS_KE_WORKERS; i++)
		for (size_t c = 0; c < sizeof(total) / sizeof(__u64); c++)
			((__u64 *)&total)[c] += ((volatile __u64 *)&counters[i])[c];
	return total;
}

/* ---- the daemon's loop -------------------------------------------------- */

/* Runs the daemon's side until a condition holds, at most so long.  Whether it does. */
static inline bool run_until(bool (*holds)(void), int ms)
{
	int64_t deadline = now_ms() + ms;
	bool held;

	while (!(held = holds()) && now_ms() < deadline) {
		struct pollfd p = { .fd = ke_fd(ke), .events = POLLIN };

		if (poll(&p, 1, 20) > 0)
			ke_dispatch(ke);
	}
	return held;
}

static inline bool never(void)
{
	return false;
}

static __u64 starts_wanted;

static inline bool enough_starts(void)
{
	return sum().worker_starts >= starts_wanted;
}

static inline void wait_for_starts(unsigned int n)
{
	starts_wanted = n;
	assert_true(run_until(enough_starts, 10000));
}

/* The processes that are our children. */
static inline int children(pid_t *pids, int max)
{
	char path[64];
	FILE *f;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	while (n < max && fscanf(f, "%d", &pids[n]) == 1)
		n++;
	fclose(f);
	return n;
}

static int children_wanted;

static inline bool so_many_children(void)
{
	pid_t pids[64];

	return children(pids, 64) == children_wanted;
}

/* ---- a client ----------------------------------------------------------- */

/* From 127.1.0.0 + source: another client each. */
static inline int connect_from(unsigned int source, uint16_t to)
{
	struct config_address a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { 5, 0 };

	listen_on(&a, 0);
	a.in.sin_addr.s_addr = htonl(0x7f010000 + source);
	if (bind(fd, &a.sa, a.len)) {
		close(fd);
		return -1;
	}
	listen_on(&a, to);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, &a.sa, a.len) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline int connect_to(uint16_t to)
{
	return connect_from(1, to);
}

/* A whole key exchange, then close(fd); false when it does not end in an answer.  `name` for SNI may
 * be NULL. */
static inline bool exchange_named(int fd, const char *name, const struct test_pem *trust,
				  struct test_answer *answer)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, trust);
	SSL *ssl = SSL_new(ctx);
	uint8_t buf[4096];
	int n = 0;

	SSL_set_fd(ssl, fd);
	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	if (fd >= 0 && SSL_connect(ssl) == 1 &&
	    SSL_write(ssl, chrony43_request, sizeof(chrony43_request)) > 0)
		n = SSL_read(ssl, buf, sizeof(buf));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return n > 0 && test_answer_parse(answer, buf, (size_t)n);
}

static inline bool exchange_on(int fd, const struct test_pem *trust, struct test_answer *answer)
{
	return exchange_named(fd, NULL, trust, answer);
}

static inline bool exchange(uint16_t to, const struct test_pem *trust, struct test_answer *answer)
{
	return exchange_on(connect_to(to), trust, answer);
}

static struct test_answer last;

static inline bool served(void)
{
	return exchange(port(), &pem, &last) && last.cookies == KE_COOKIES;
}

/* First in main(): what a worker needs to be one.  True: this process is a worker's, exit with *status. */
static inline bool is_worker(int argc, char **argv, int *status)
{
	/* A worker under the address sanitizer may not trace itself for leaks at its end. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	signal(SIGPIPE, SIG_IGN);
	if (argc != 2 || strcmp(argv[1], "--ke-worker"))
		return false;
	*status = ke_worker_main();
	return true;
}

#define T(name) cmocka_unit_test_setup_teardown(name, start_ke, stop_ke)

#endif /* KE_DAEMON_H */
