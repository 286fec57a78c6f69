/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An NTS-KE load client: many key exchanges at once.
 *
 *	bench_ke ADDRESS PORT COUNT CONCURRENCY [PID...]
 *
 * Does COUNT exchanges, CONCURRENCY at a time (X25519, certificate not verified), and
 * prints one line of name=value pairs.  With the server's process ids it says what CPU an
 * exchange took them.  Exit status 0 when every exchange brought cookies.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../unit/ke_client.h"

#define PATIENCE_MS 10000 /* without any progress */

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
	double slowest;
} load;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds that the processes have used, as their schedulers count it. */
static double cpu_of(char **pids, int count)
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

static void start(struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int one = 1;

	load.left--;
	memset(c, 0, sizeof(*c));
	c->began = now();
	c->fd = socket(load.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&load.to, load.to_len) &&
			  errno != EINPROGRESS)) {
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

static void run(int concurrency)
{
	struct client *clients = calloc((size_t)concurrency, sizeof(*clients));
	struct epoll_event events[64];

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

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	double began, cpu, seconds;

	if (argc < 5 || !parse_address(argv[1], (uint16_t)atoi(argv[2]))) {
		fprintf(stderr, "usage: bench_ke ADDRESS PORT COUNT CONCURRENCY [PID...]\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	load.left = atoi(argv[3]);
	load.ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, NULL);
	SSL_CTX_set1_groups_list(load.ctx, "X25519");
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	cpu = cpu_of(argv + 5, argc - 5);
	began = now();
	run(atoi(argv[4]));
	seconds = now() - began;
	cpu = cpu_of(argv + 5, argc - 5) - cpu;
	printf("done=%d failed=%d seconds=%.3f per_second=%.0f slowest_ms=%.0f", load.done, load.failed,
	       seconds, load.done / seconds, load.slowest * 1e3);
	if (argc > 5 && load.done)
		printf(" cpu_per_handshake_us=%.1f", cpu * 1e6 / load.done);
	printf("\n");
	SSL_CTX_free(load.ctx);
	return load.failed ? 1 : 0;
}
