/* SPDX-License-Identifier: GPL-2.0 */
/* A worker's event loop by itself, in a child process: out of descriptors, drained, orphaned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ke_pair.h"
#include "ke_server.h"
#include "monotonic.h"

static struct xnts_ke_counters *shared; /* the child's counters */
static unsigned int *naps;              /* it took */
static int control[2];                  /* [0] is ours: 'd' drains, end of file ends */
static struct sockaddr_in address;
static pid_t child;

/* In place of libc's. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	(*naps)++;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
}

static bool on_control(struct ke_server *server)
{
	char byte;

	if (recv(server->control, &byte, 1, MSG_DONTWAIT) != 1)
		return false;
	ke_server_drain(server);
	return true;
}

static int run_server(int listener, int max_fds)
{
	const struct rlimit files = { (rlim_t)max_fds, (rlim_t)max_fds };
	static struct ke_server server;
	int rc;

	server.service = service;
	server.service.counters = shared;
	server.limits = (struct ke_limits){ .max_connections = 1000,
					     .prefix = { 32, 64 },
					     .handshake_timeout = 2,
					     .request_timeout = 2 };
	server.listeners[server.listener_count++] = listener;
	while (!max_fds && server.listener_count < KE_MAX_LISTENERS)
		server.listeners[server.listener_count++] = dup(listener);
	server.on_control = on_control;
	server.control = control[1];
	rc = ke_server_init(&server);
	if (rc || (max_fds && setrlimit(RLIMIT_NOFILE, &files)))
		return 1;
	ke_server_listen(&server);
	rc = ke_server_run(&server);
	ke_server_free(&server);
	return rc ? 2 : 0;
}

/* The server in a child that may have so many descriptors (0: as ever). */
static void serve(int max_fds)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(address);

	address = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 100), 0);
	getsockname(listener, (struct sockaddr *)&address, &len);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control), 0);
	memset(shared, 0, sizeof(*shared));
	child = fork();
	if (child == 0) {
		close(control[0]);
		_exit(run_server(listener, max_fds));
	}
	close(listener);
	close(control[1]);
}

/* How it ended, which it has to do by itself; its CPU seconds in *cpu. */
static int ended(double *cpu)
{
	struct rusage usage;
	int status = -1;

	for (int i = 0; i < 500 && wait4(child, &status, WNOHANG, &usage) == 0; i++)
		usleep(10000);
	if (status == -1) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	if (cpu)
		*cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return status;
}

static int dial(void)
{
	const struct timeval patience = { 5, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Key exchange on a connection; closes it. */
static bool exchange(int fd)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);
	SSL *ssl = SSL_new(ctx);
	struct test_answer answer;
	uint8_t buf[4096];
	int n = 0;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, chrony43_request, sizeof(chrony43_request)) > 0)
		n = SSL_read(ssl, buf, sizeof(buf));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return n > 0 && test_answer_parse(&answer, buf, (size_t)n) && answer.cookies == KE_COOKIES;
}

static int map_counters(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	shared = mmap(NULL, sizeof(*shared) + sizeof(*naps), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	naps = (unsigned int *)(shared + 1);
	return shared == MAP_FAILED ? -1 : start(state);
}

static int unmap_counters(void **state)
{
	munmap(shared, sizeof(*shared) + sizeof(*naps));
	return stop(state);
}

/* Fewer descriptors than silent clients: the oldest give way, and no CPU is burnt. */
static void out_of_descriptors(void **state)
{
	int fd[40], lowest = dup(0);
	int64_t since;
	double cpu;

	(void)state;
	close(lowest);
	serve(lowest + 12);
	for (int i = 0; i < 40; i++)
		fd[i] = dial();
	since = now_ms();
	assert_true(exchange(dial()));
	assert_true(now_ms() - since < 4500);
	assert_true(shared->refused_full > 0);
	usleep(500000);
	for (int i = 0; i < 40; i++)
		close(fd[i]);
	close(control[0]);
	assert_int_equal(ended(&cpu), 0);
	assert_true(cpu < 0.7);
}

/* Within 5 s nobody is let in any more. */
static bool refuses_soon(void)
{
	bool refused = false;

	for (int i = 0; i < 100 && !refused; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		usleep(i ? 50000 : 0);
		refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 &&
			  errno == ECONNREFUSED;
		close(fd);
	}
	return refused;
}

/* Drained, it takes nobody, serves whom it has, and ends. */
static void drained(void **state)
{
	int held, status;

	(void)state;
	serve(0);
	held = dial();
	assert_true(exchange(dial())); /* so held has been taken, too */
	assert_int_equal(send(control[0], "d", 1, 0), 1);
	assert_true(refuses_soon());
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	assert_true(exchange(held));
	assert_int_equal(ended(NULL), 0);
	assert_int_equal(shared->answered, 2);
	close(control[0]);
}

/* A connection comes together with the order to drain: which of the two is seen first is open, but
 * no listener is taken for a connection. */
static void drained_as_one_comes(void **state)
{
	int late, status;

	(void)state;
	serve(0);
	assert_true(exchange(dial()));
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_int_equal(send(control[0], "d", 1, 0), 1);
	late = dial();
	kill(child, SIGCONT);
	assert_int_equal(ended(NULL), 0);
	close(late);
	close(control[0]);
}

/* A client's end of TCP amid its request is an end of it, also without TLS's close_notify. */
static void half_a_request(void **state)
{
	SSL_CTX *ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, &pem);
	SSL *ssl = SSL_new(ctx);
	struct test_answer answer;
	uint8_t buf[4096];
	int fd, n;

	(void)state;
	serve(0);
	fd = dial();
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	assert_int_equal(SSL_write(ssl, chrony43_request, 3), 3);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	n = SSL_read(ssl, buf, sizeof(buf));
	assert_true(n > 0 && test_answer_parse(&answer, buf, (size_t)n));
	assert_int_equal(answer.error, KE_ERROR_BAD_REQUEST);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	close(control[0]);
	assert_int_equal(ended(NULL), 0);
	assert_int_equal(shared->error_request, 1);
}

/* A silent client does not keep a drained worker for longer than its time. */
static void drained_of_a_silent_one(void **state)
{
	int silent;

	(void)state;
	serve(0);
	silent = dial();
	assert_true(exchange(dial()));
	assert_int_equal(send(control[0], "d", 1, 0), 1);
	assert_int_equal(ended(NULL), 0);
	assert_int_equal(shared->timed_out, 1);
	close(silent);
	close(control[0]);
}

/* Without the daemon it ends at once, whoever is connected. */
static void orphaned(void **state)
{
	int silent;

	(void)state;
	serve(0);
	silent = dial();
	assert_true(exchange(dial()));
	close(control[0]);
	assert_int_equal(ended(NULL), 0);
	assert_int_equal(shared->aborted, 1);
	close(silent);
}

/* What is refused at its first bytes takes two rounds of the loop, one to be accepted and one to be
 * read; those are a millisecond apart while several connections are open and few have news. */
static void many_are_served_in_rounds(void **state)
{
	int silent[8];
	int64_t since;

	(void)state;
	serve(1000);
	for (int i = 0; i < 8; i++)
		silent[i] = dial();
	since = now_ms();
	for (int i = 0; i < 50; i++) {
		int fd = dial();
		char buf[16];

		assert_int_equal(send(fd, "no TLS", 6, 0), 6);
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		close(fd);
	}
	assert_true(now_ms() - since >= 90);
	for (int i = 0; i < 8; i++)
		close(silent[i]);
	close(control[0]);
	assert_int_equal(ended(NULL), 0);
	assert_int_equal(shared->tls_none, 50);
}

/* Waits until so many connections have been accepted. */
static void wait_for_accepts(__u64 n)
{
	for (int i = 0; i < 500 && *(volatile __u64 *)&shared->accepted < n; i++)
		poll(NULL, 0, 10);
	assert_int_equal(shared->accepted, n);
}

/* One event stands for a crowd at the door: no pause between those who are let in, else a flood of
 * silent connections would fill the kernel's queue. */
static void crowds_need_not_wait(void **state)
{
	int fd[8 + 96], status;

	(void)state;
	serve(1000);
	for (int i = 0; i < 8; i++)
		fd[i] = dial();
	wait_for_accepts(8);
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	for (int i = 8; i < 8 + 96; i++)
		fd[i] = dial();
	*naps = 0;
	kill(child, SIGCONT);
	wait_for_accepts(8 + 96);
	assert_in_range(*naps, 0, 2);
	for (int i = 0; i < 8 + 96; i++)
		close(fd[i]);
	close(control[0]);
	assert_int_equal(ended(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(drained),
		cmocka_unit_test(drained_as_one_comes),
		cmocka_unit_test(half_a_request),
		cmocka_unit_test(drained_of_a_silent_one),
		cmocka_unit_test(orphaned),
		cmocka_unit_test(many_are_served_in_rounds),
		cmocka_unit_test(crowds_need_not_wait),
	};

	return cmocka_run_group_tests(tests, map_counters, unmap_counters);
}
