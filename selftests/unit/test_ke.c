/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NTS-KE with its real worker processes (this very program, executed again) on loopback:
 * keys, certificates, deaths, reloads, and what the workers may still do.
 */
#define _GNU_SOURCE /* memfd_create() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pwd.h>
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

static struct config cfg;
static struct ke *ke;
static struct test_pem pem;
static int counters_fd;
static struct xnts_ke_counters *counters;
static struct ke_sealing_keys keys = { .current = { .id = 0x1001 } };
static char dir[] = "/tmp/test_ke.XXXXXX";

/* ---- set-up ------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
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

static void install(const struct test_pem *p)
{
	write_file(cfg.ke.certificate, p->chain);
	write_file(cfg.ke.key, p->key);
}

static void listen_on(struct config_address *a, uint16_t port)
{
	a->len = sizeof(a->in);
	a->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A port that nobody listens on now. */
static uint16_t free_port(void)
{
	struct config_address a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	listen_on(&a, 0);
	assert_int_equal(bind(fd, &a.sa, a.len), 0);
	assert_int_equal(getsockname(fd, &a.sa, &a.len), 0);
	close(fd);
	return ntohs(a.in.sin_port);
}

static uint16_t port(void)
{
	return ntohs(cfg.ke.listen.item[0].in.sin_port);
}

static int start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	cfg.ke = (struct ke_config){ .enabled = true, .workers = 2, .user = "nobody",
				     .max_connections = 100, .max_per_prefix = 50,
				     .handshake_timeout = 1, .request_timeout = 1 };
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

static int stop(void **state)
{
	(void)state;
	unlink(cfg.ke.certificate);
	unlink(cfg.ke.key);
	rmdir(dir);
	munmap(counters, XNTS_KE_WORKERS * sizeof(*counters));
	close(counters_fd);
	return 0;
}

static int start_ke(void **state)
{
	(void)state;
	memset(counters, 0, XNTS_KE_WORKERS * sizeof(*counters));
	listen_on(&cfg.ke.listen.item[0], free_port());
	install(&pem);
	assert_int_equal(ke_start(&ke, &cfg, counters_fd), 0);
	assert_int_equal(ke_set_keys(ke, &keys), 0);
	return 0;
}

static int stop_ke(void **state)
{
	(void)state;
	ke_stop(ke);
	ke = NULL;
	return 0;
}

static struct xnts_ke_counters sum(void)
{
	struct xnts_ke_counters total = { 0 };

	for (int i = 0; i < XNTS_KE_WORKERS; i++)
		for (size_t c = 0; c < sizeof(total) / sizeof(__u64); c++)
			((__u64 *)&total)[c] += ((volatile __u64 *)&counters[i])[c];
	return total;
}

/* ---- the daemon's loop -------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Runs the daemon's side until a condition holds, at most so long.  Whether it does. */
static bool run_until(bool (*holds)(void), int ms)
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

static bool never(void)
{
	return false;
}

static __u64 starts_wanted;

static bool enough_starts(void)
{
	return sum().worker_starts >= starts_wanted;
}

static void wait_for_starts(unsigned int n)
{
	starts_wanted = n;
	assert_true(run_until(enough_starts, 10000));
}

/* The processes that are our children. */
static int children(pid_t *pids, int max)
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

static bool so_many_children(void)
{
	pid_t pids[64];

	return children(pids, 64) == children_wanted;
}

/* ---- a client ----------------------------------------------------------- */

static int connect_to(uint16_t to)
{
	struct config_address a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { 5, 0 };

	listen_on(&a, to);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, &a.sa, a.len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A whole key exchange, then close(fd); false when it does not end in an answer. */
static bool exchange_on(int fd, const struct test_pem *trust, struct test_answer *answer)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, trust);
	SSL *ssl = SSL_new(ctx);
	uint8_t buf[4096];
	int n = 0;

	SSL_set_fd(ssl, fd);
	if (fd >= 0 && SSL_connect(ssl) == 1 &&
	    SSL_write(ssl, chrony43_request, sizeof(chrony43_request)) > 0)
		n = SSL_read(ssl, buf, sizeof(buf));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return n > 0 && test_answer_parse(answer, buf, (size_t)n);
}

static bool exchange(uint16_t to, const struct test_pem *trust, struct test_answer *answer)
{
	return exchange_on(connect_to(to), trust, answer);
}

static struct test_answer last;

static bool served(void)
{
	return exchange(port(), &pem, &last) && last.cookies == KE_COOKIES;
}

/* ---- tests -------------------------------------------------------------- */

static void serves(void **state)
{
	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < 10; i++)
		assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[0]), keys.current.id);
	assert_int_equal(sum().answered, 10);
	assert_int_equal(sum().accepted, 10);
}

/* Clients that come before the keys wait; they are not turned away. */
static void waits_for_keys(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct ke *early;

	(void)state;
	ke_stop(ke);
	assert_int_equal(ke_start(&early, &cfg, counters_fd), 0);
	ke = early;
	wait_for_starts(4);
	p.fd = connect_to(port());
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 300), 0);
	assert_int_equal(sum().accepted, 0);
	assert_int_equal(ke_set_keys(ke, &keys), 0);
	assert_true(served());
	close(p.fd);
}

static void next_key_seals_when_due(void **state)
{
	struct ke_sealing_keys both = keys;

	(void)state;
	wait_for_starts(2);
	both.next.id = 0x1002;
	both.switch_at = time(NULL) + 1000;
	ke_set_keys(ke, &both);
	assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[7]), 0x1001);
	both.switch_at = time(NULL) + 1;
	ke_set_keys(ke, &both);
	run_until(never, 2000);
	assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[7]), 0x1002);
}

/* Killed, a worker is back within a second, and nobody queues in vain meanwhile. */
static void killed_workers_are_replaced(void **state)
{
	pid_t pids[4];
	int64_t since;

	(void)state;
	wait_for_starts(2);
	assert_int_equal(children(pids, 4), 2);
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	since = now_ms();
	wait_for_starts(4);
	assert_true(now_ms() - since < 1000);
	for (int i = 0; i < 8; i++)
		assert_true(served());
	children_wanted = 2;
	assert_true(so_many_children());
}

/* Early deaths one after the other take longer and longer to be mended. */
static void back_off(void **state)
{
	int64_t since = now_ms();
	pid_t pid;

	(void)state;
	cfg.ke.workers = 1;
	assert_int_equal(ke_reload(ke, &cfg), 0);
	wait_for_starts(3);
	children_wanted = 1;
	assert_true(run_until(so_many_children, 5000));
	for (unsigned int i = 0; i < 4; i++) { /* 100 + 200 + 400 + 800 ms */
		assert_int_equal(children(&pid, 1), 1);
		kill(pid, SIGKILL);
		wait_for_starts(4 + i);
	}
	assert_true(now_ms() - since >= 1500);
	assert_true(served());
	cfg.ke.workers = 2;
}

static struct test_pem renewed;

/* Of one worker at least: the others follow within moments. */
static bool served_with_new(void)
{
	struct test_answer a;

	return exchange(port(), &renewed, &a);
}

static int patient_setup(void **state)
{
	cfg.ke.handshake_timeout = 10;
	return start_ke(state);
}

static int patient_teardown(void **state)
{
	cfg.ke.handshake_timeout = 1;
	return stop_ke(state);
}

/* New connections see the new one within 2 s; those that began before go on. */
static void certificate_is_renewed(void **state)
{
	struct test_answer a;
	int held;

	(void)state;
	wait_for_starts(2);
	held = connect_to(port());
	run_until(never, 100); /* accepted */
	test_certificate(&renewed, "ED25519", "test.example", -60, 3600);
	install(&renewed);
	assert_true(run_until(served_with_new, 2000));
	wait_for_starts(4);
	assert_true(exchange_on(held, &pem, &a));
	children_wanted = 2; /* the old workers drain */
	assert_true(run_until(so_many_children, 5000));
	for (int i = 0; i < 4; i++)
		assert_false(served());
}

/* Live through a renewal: of many exchanges one after the other, none fails. */
static void no_exchange_fails_during_renewal(void **state)
{
	struct test_answer a;
	int64_t until;

	(void)state;
	wait_for_starts(2);
	test_certificate(&renewed, "EC", "test.example", -60, 3600);
	install(&renewed);
	until = now_ms() + 2500;
	while (now_ms() < until) {
		struct pollfd p = { .fd = ke_fd(ke), .events = POLLIN };

		if (poll(&p, 1, 0) > 0)
			ke_dispatch(ke);
		assert_true(exchange(port(), NULL, &a));
	}
	assert_true(run_until(served_with_new, 1000));
	assert_int_equal(sum().aborted, 0);
}

static void broken_certificate_leaves_the_old(void **state)
{
	struct test_pem other;

	(void)state;
	wait_for_starts(2);
	test_certificate(&other, "EC", "test.example", -60, 3600);
	write_file(cfg.ke.key, other.key); /* does not match the certificate */
	run_until(never, 1500);
	assert_true(served());
	write_file(cfg.ke.certificate, "");
	run_until(never, 1500);
	unlink(cfg.ke.certificate);
	run_until(never, 1500);
	assert_true(served());
	assert_int_equal(ke_reload(ke, &cfg), -EINVAL);
	assert_true(served());
	assert_int_equal(sum().worker_starts, 2);
	install(&other); /* mended: taken */
	renewed = other;
	assert_true(run_until(served_with_new, 2000));
}

static void refuses_to_start_broken(void **state)
{
	struct ke *none = (struct ke *)1;
	struct config broken = cfg;

	(void)state;
	snprintf(broken.ke.key, sizeof(broken.ke.key), "%s", "/nonexistent/key.pem");
	assert_int_equal(ke_start(&none, &broken, counters_fd), -EINVAL);
	assert_null(none);
	broken = cfg;
	broken.ke.listen.item[0].in.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1 */
	assert_int_equal(ke_start(&none, &broken, counters_fd), -EADDRNOTAVAIL);
	assert_null(none);
}

static void reload_moves_listeners(void **state)
{
	struct test_answer a;
	uint16_t old = port();
	struct config bad;

	(void)state;
	wait_for_starts(2);
	bad = cfg;
	bad.ke.listen.count = 2;
	listen_on(&bad.ke.listen.item[1], free_port());
	bad.ke.listen.item[1].in.sin_addr.s_addr = htonl(0xc6336401);
	assert_int_equal(ke_reload(ke, &bad), -EADDRNOTAVAIL);
	assert_true(served());
	cfg.ke.listen.count = 2;
	listen_on(&cfg.ke.listen.item[1], free_port());
	assert_int_equal(ke_reload(ke, &cfg), 0);
	wait_for_starts(4);
	assert_true(served());
	assert_true(exchange(ntohs(cfg.ke.listen.item[1].in.sin_port), &pem, &a));
	cfg.ke.listen.item[0] = cfg.ke.listen.item[1];
	cfg.ke.listen.count = 1;
	assert_int_equal(ke_reload(ke, &cfg), 0);
	children_wanted = 2;
	assert_true(run_until(so_many_children, 10000));
	assert_true(served());
	assert_int_equal(connect_to(old), -1);
}

static bool all_aborted(void)
{
	return sum().aborted == 20;
}

/* Clients that reset at once, or after some bytes, take no worker with them. */
static void resets(void **state)
{
	const struct linger abort = { .l_onoff = 1 };

	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < 20; i++) {
		int fd = connect_to(port());

		assert_true(fd >= 0);
		if (i % 2)
			assert_int_equal(send(fd, "\x16\x03\x01", 3, 0), 3);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		close(fd);
	}
	assert_true(run_until(all_aborted, 3000));
	assert_true(served());
	assert_int_equal(sum().worker_starts, 2);
}

static int limit_setup(void **state)
{
	cfg.ke.workers = 1;
	cfg.ke.max_connections = 5;
	cfg.ke.max_per_prefix = 0;
	return start_ke(state);
}

static int limit_teardown(void **state)
{
	cfg.ke.workers = 2;
	cfg.ke.max_connections = 100;
	cfg.ke.max_per_prefix = 50;
	return stop_ke(state);
}

static bool no_more_open(void)
{
	struct xnts_ke_counters c = sum();

	return c.accepted == c.refused_full + c.refused_prefix + c.timed_out + c.answered;
}

/* More silent connections than fit: the oldest give way, an honest client is served at once. */
static void oldest_gives_way(void **state)
{
	int fd[12];
	int64_t since;
	char byte;

	(void)state;
	wait_for_starts(1);
	for (int i = 0; i < 12; i++)
		assert_true((fd[i] = connect_to(port())) >= 0);
	since = now_ms();
	assert_true(served());
	assert_true(now_ms() - since < 500);
	assert_int_equal(recv(fd[0], &byte, 1, 0), 0); /* closed */
	assert_true(run_until(no_more_open, 5000));
	assert_int_equal(sum().refused_full, 8); /* 13 came, 5 fit */
	assert_int_equal(sum().timed_out, 4);
	for (int i = 0; i < 12; i++)
		close(fd[i]);
}

static int prefix_setup(void **state)
{
	cfg.ke.workers = 1;
	cfg.ke.max_per_prefix = 3;
	return start_ke(state);
}

static void prefix_has_its_limit(void **state)
{
	int fd[6];

	(void)state;
	wait_for_starts(1);
	for (int i = 0; i < 6; i++)
		assert_true((fd[i] = connect_to(port())) >= 0);
	assert_false(served()); /* the same source: refused with the three that came late */
	run_until(no_more_open, 5000);
	assert_int_equal(sum().refused_prefix, 4);
	assert_true(served()); /* the first three have timed out */
	for (int i = 0; i < 6; i++)
		close(fd[i]);
}

/* ---- what a worker may do ----------------------------------------------- */

static long status_field(pid_t pid, const char *name, int base)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtol(line + strlen(name) + 1, NULL, base);
	fclose(f);
	return value;
}

static void workers_have_no_privileges(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	pid_t pids[2];

	(void)state;
	wait_for_starts(2);
	assert_int_equal(children(pids, 2), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(status_field(pids[i], "CapPrm", 16), 0);
		assert_int_equal(status_field(pids[i], "CapEff", 16), 0);
		assert_int_equal(status_field(pids[i], "CapInh", 16), 0);
		assert_int_equal(status_field(pids[i], "NoNewPrivs", 10), 1);
		assert_int_equal(status_field(pids[i], "Seccomp", 10), 2);
		if (geteuid() != 0)
			continue;
		assert_int_equal(status_field(pids[i], "CapBnd", 16), 0);
		assert_int_equal(status_field(pids[i], "Uid", 10), nobody->pw_uid);
		assert_int_equal(status_field(pids[i], "Gid", 10), nobody->pw_gid);
	}
}

/* Descriptors: stdio, sockets (control, listener) and epoll; no file, no map. */
static void workers_hold_sockets_only(void **state)
{
	char path[64], target[PATH_MAX], file[320];
	struct dirent *entry;
	pid_t pid;
	DIR *fds;

	(void)state;
	if (geteuid() != 0) /* an undumpable process shows its descriptors to root alone */
		skip();
	wait_for_starts(2);
	children(&pid, 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds))) {
		ssize_t n;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) <= 2)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		n = readlink(file, target, sizeof(target) - 1);
		assert_true(n > 0);
		target[n] = 0;
		assert_true(!strncmp(target, "socket:", 7) ||
			    !strcmp(target, "anon_inode:[eventpoll]"));
	}
	closedir(fds);
}

static void stop_ends_them_all(void **state)
{
	int64_t since;

	(void)state;
	wait_for_starts(2);
	since = now_ms();
	ke_stop(ke);
	ke = NULL;
	assert_true(now_ms() - since < 900); /* by themselves, not killed */
	children_wanted = 0;
	assert_true(so_many_children());
	assert_int_equal(connect_to(port()), -1);
}

int main(int argc, char **argv)
{
	/* A worker under the address sanitizer may not trace itself for leaks at its end. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(argv[1], "--ke-worker"))
		return ke_worker_main();
#define T(name) cmocka_unit_test_setup_teardown(name, start_ke, stop_ke)
	const struct CMUnitTest tests[] = {
		T(serves),
		T(waits_for_keys),
		T(next_key_seals_when_due),
		T(killed_workers_are_replaced),
		T(back_off),
		cmocka_unit_test_setup_teardown(certificate_is_renewed, patient_setup, patient_teardown),
		T(no_exchange_fails_during_renewal),
		T(broken_certificate_leaves_the_old),
		T(refuses_to_start_broken),
		T(reload_moves_listeners),
		T(resets),
		cmocka_unit_test_setup_teardown(oldest_gives_way, limit_setup, limit_teardown),
		cmocka_unit_test_setup_teardown(prefix_has_its_limit, prefix_setup, limit_teardown),
		T(workers_have_no_privileges),
		T(workers_hold_sockets_only),
		T(stop_ends_them_all),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
