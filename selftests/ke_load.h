/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An NTS-KE load client: many key exchanges at once, over epoll, in one thread.  Every other
 * client says goodbye with close_notify, as chronyd does: bytes that the server has not asked for.
 *
 *	struct ke_load load = { .concurrency = 20, .sources = 2000, .patience = 10 };
 *
 *	ke_load_open(&load, &address, len);
 *	ke_load_begin(&load, 2000);
 *	while (ke_load_step(&load, 100))
 *		;
 *	ke_load_close(&load);
 */
#ifndef KE_LOAD_H
#define KE_LOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "unit/ke_client.h"

struct ke_load_client {
	SSL *ssl; /* NULL: not connected */
	int fd;
	bool asked;
	double began;    /* s, of its first attempt */
	double again_at; /* s, 0: not waiting */
	size_t len;
	uint8_t answer[2048];
};

struct ke_load {
	/* set by the caller */
	int concurrency;
	double rate;          /* exchanges begun a second; 0: as soon as one ends another begins */
	unsigned int sources; /* addresses from 127.1.0.1 on that clients use; 0: leave it to the kernel */
	double patience;      /* s without any progress, after which the rest has failed */
	double retry;         /* s after which a client that got nothing tries again; 0: it does not */
	X509 *newer;          /* count who saw this certificate; may be NULL */

	/* figures */
	int done;    /* got a whole answer with cookies */
	int failed;  /* and did not */
	int retried; /* attempts that brought nothing */
	int saw_newer;
	double first_newer; /* when the first of them did, by ke_load_now() */
	double slowest; /* s, from the first attempt */

	/* its own */
	struct sockaddr_storage to;
	socklen_t to_len;
	SSL_CTX *ctx;
	struct ke_load_client *client;
	int epoll, exchanges, left, open;
	unsigned int started;
	double began, progress;
};

static inline double ke_load_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void ke_load_open(struct ke_load *load, const void *to, socklen_t len)
{
	memcpy(&load->to, to, len);
	load->to_len = len;
	load->ctx = test_client(TLS1_3_VERSION, NTSKE_ALPN, NULL);
	SSL_CTX_set1_groups_list(load->ctx, "X25519");
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->client = calloc((size_t)load->concurrency, sizeof(*load->client));
}

/* Sockets of `fd`'s family bound to 127.1.0.1 and on: a client each. */
static inline int ke_load_bind(int fd, unsigned int source)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + source) };

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static inline void ke_load_end(struct ke_load *load, struct ke_load_client *c)
{
	SSL_free(c->ssl);
	if (c->ssl)
		close(c->fd);
	c->ssl = NULL;
	c->again_at = 0;
	load->open--;
}

static inline void ke_load_connect(struct ke_load *load, struct ke_load_client *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int one = 1;

	c->asked = false;
	c->again_at = 0;
	c->len = 0;
	c->fd = socket(load->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->fd < 0 || (load->sources && ke_load_bind(c->fd, load->started++ % load->sources)) ||
	    (connect(c->fd, (struct sockaddr *)&load->to, load->to_len) && errno != EINPROGRESS)) {
		perror("ke_load: connect");
		exit(1);
	}
	c->ssl = SSL_new(load->ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static inline void ke_load_start(struct ke_load *load, struct ke_load_client *c)
{
	load->left--;
	load->open++;
	c->began = ke_load_now();
	ke_load_connect(load, c);
}

/* Of any server's: NTPv4 agreed on, and long enough for eight cookies (chrony's have 100 bytes). */
static inline bool ke_load_has_cookies(const struct ke_load_client *c)
{
	static const uint8_t begins[] = { REQ_NTPV4 }, ends[] = { REQ_END };

	return c->len > KE_COOKIES * 64 && !memcmp(c->answer, begins, sizeof(begins)) &&
	       !memcmp(c->answer + c->len - sizeof(ends), ends, sizeof(ends));
}

static inline void ke_load_taken(struct ke_load *load, struct ke_load_client *c)
{
	double took = ke_load_now() - c->began;

	load->done++;
	if (took > load->slowest)
		load->slowest = took;
	if (load->newer) {
		X509 *seen = SSL_get1_peer_certificate(c->ssl);

		if (X509_cmp(seen, load->newer) == 0 && !load->saw_newer++)
			load->first_newer = ke_load_now();
		X509_free(seen);
	}
	if (load->done % 2)
		SSL_shutdown(c->ssl);
}

static inline void ke_load_finish(struct ke_load *load, struct ke_load_client *c)
{
	bool good = ke_load_has_cookies(c);

	load->progress = ke_load_now();
	if (good)
		ke_load_taken(load, c);
	else if (load->retry > 0)
		load->retried++;
	else
		load->failed++;
	ke_load_end(load, c);
	if (!good && load->retry > 0) {
		c->again_at = load->progress + load->retry;
		load->open++;
	} else if (load->left > 0 && !load->rate) {
		ke_load_start(load, c);
	}
}

static inline bool ke_load_waits(struct ke_load_client *c, int rc)
{
	int error = SSL_get_error(c->ssl, rc);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* All that can be done without waiting. */
static inline void ke_load_ready(struct ke_load *load, struct ke_load_client *c)
{
	int rc = 1;

	if (!c->asked)
		rc = SSL_write(c->ssl, chrony43_request, sizeof(chrony43_request));
	c->asked |= rc > 0;
	while (c->asked &&
	       (rc = SSL_read(c->ssl, c->answer + c->len, (int)(sizeof(c->answer) - c->len))) > 0)
		c->len += (size_t)rc;
	if (!ke_load_waits(c, rc))
		ke_load_finish(load, c);
	ERR_clear_error();
}

static inline void ke_load_begin(struct ke_load *load, int exchanges)
{
	load->left = exchanges;
	load->done = load->failed = load->retried = load->saw_newer = 0;
	load->slowest = 0;
	load->exchanges = exchanges;
	load->began = load->progress = ke_load_now();
	for (int i = 0; i < load->concurrency && load->left > 0 && !load->rate; i++)
		ke_load_start(load, &load->client[i]);
}

/* With a rate: those that should have begun by now, as far as there are clients at leisure. */
static inline void ke_load_start_due(struct ke_load *load)
{
	double due = (ke_load_now() - load->began) * load->rate;

	for (int i = 0; i < load->concurrency && load->left > 0; i++) {
		struct ke_load_client *c = &load->client[i];

		if (load->exchanges - load->left >= due)
			break;
		if (!c->ssl && !c->again_at)
			ke_load_start(load, c);
	}
}

static inline void ke_load_retry_due(struct ke_load *load)
{
	double now = ke_load_now();

	for (int i = 0; load->retry > 0 && i < load->concurrency; i++)
		if (load->client[i].again_at > 0 && load->client[i].again_at <= now)
			ke_load_connect(load, &load->client[i]);
}

/* Waits so long at most and does what is ready.  False: all exchanges are over. */
static inline bool ke_load_step(struct ke_load *load, int timeout_ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(load->epoll, events, 64, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct ke_load_client *c = events[i].data.ptr;

		if (c->ssl)
			ke_load_ready(load, c);
	}
	ke_load_retry_due(load);
	if (load->rate)
		ke_load_start_due(load);
	if (load->open && ke_load_now() - load->progress > load->patience) {
		fprintf(stderr, "ke_load: %d exchanges stand still\n", load->open);
		load->failed += load->open + load->left;
		load->left = 0;
		for (int i = 0; i < load->concurrency; i++)
			if (load->client[i].ssl || load->client[i].again_at > 0)
				ke_load_end(load, &load->client[i]);
	}
	return load->open > 0 || load->left > 0;
}

static inline void ke_load_close(struct ke_load *load)
{
	free(load->client);
	close(load->epoll);
	SSL_CTX_free(load->ctx);
}

#endif /* KE_LOAD_H */
