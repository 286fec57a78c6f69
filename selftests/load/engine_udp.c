// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/* Sockets, sendmmsg and recvmmsg: what a client program can do. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "monotonic.h"
#include "requests.h"

#define BATCH_MAX 256
#define BUFFER (8 << 20) /* bytes of each socket buffer, as far as the system lets us */

static struct {
	const struct options *o;
	int *fds;
	uint32_t sockets;
	struct load_request *requests;
	struct load_slot *slots;
	uint64_t next;
	struct load_counts counts;
	uint64_t times[LOAD_BUCKETS];
	struct mmsghdr out[BATCH_MAX], in[BATCH_MAX];
	struct iovec out_part[BATCH_MAX], in_part[BATCH_MAX];
	uint8_t answer[BATCH_MAX][LOAD_FRAME_MAX];
} udp;

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Bound to a source address when there are several. */
static int open_socket(const struct options *o, uint32_t source)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(o->source_base + source) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(o->port),
				  .sin_addr.s_addr = htonl(o->server) };
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || (o->sources && bind(fd, (struct sockaddr *)&from, sizeof(from))) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void udp_open(const struct options *o)
{
	uint32_t i;

	udp.o = o;
	udp.requests = calloc(o->requests, sizeof(*udp.requests));
	udp.slots = calloc(o->requests, sizeof(*udp.slots));
	udp.sockets = o->sources ? o->sources : 1;
	udp.fds = calloc(udp.sockets, sizeof(*udp.fds));
	if (!udp.requests || !udp.slots || !udp.fds)
		fail("requests");
	for (i = 0; i < o->requests; i++)
		requests_make(o, i, &udp.requests[i]);
	for (i = 0; i < BATCH_MAX; i++) {
		udp.out[i].msg_hdr = (struct msghdr){ .msg_iov = &udp.out_part[i], .msg_iovlen = 1 };
		udp.in[i].msg_hdr = (struct msghdr){ .msg_iov = &udp.in_part[i], .msg_iovlen = 1 };
		udp.in_part[i] = (struct iovec){ udp.answer[i], LOAD_FRAME_MAX };
	}
	for (i = 0; i < udp.sockets; i++)
		udp.fds[i] = open_socket(o, i);
}

static void udp_close(void)
{
	for (uint32_t i = 0; i < udp.sockets; i++)
		close(udp.fds[i]);
	free(udp.fds);
	free(udp.requests);
	free(udp.slots);
}

/* ---- sending ----------------------------------------------------------------- */

static void prepare(uint32_t n)
{
	uint64_t now = udp.o->times ? clock_ns(CLOCK_MONOTONIC) : 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint32_t index = (udp.next + i) % udp.o->requests;
		struct load_request *rq = &udp.requests[index];

		udp.out_part[i] = (struct iovec){ rq->frame + LOAD_NTP_AT, rq->len - LOAD_NTP_AT };
		udp.slots[index].sent_at = now;
		udp.slots[index].sent++;
	}
}

/* What the socket did not take was not sent. */
static void take_back(uint32_t from, uint32_t n)
{
	for (; from < n; from++)
		udp.slots[(udp.next + from) % udp.o->requests].sent--;
}

static int udp_fire(uint32_t n)
{
	while (n) {
		uint32_t some = udp.sockets > 1 ? 1 : n < udp.o->batch ? n : udp.o->batch;
		int fd = udp.fds[udp.next % udp.sockets], sent;

		prepare(some);
		sent = sendmmsg(fd, udp.out, some, 0);
		take_back(sent < 0 ? 0 : sent, some);
		if (sent < 0)
			return errno == ECONNREFUSED || errno == ENOBUFS ? 0 : -errno;
		udp.next += sent;
		udp.counts.sent += sent;
		n -= sent;
	}
	return 0;
}

/* ---- answers ----------------------------------------------------------------- */

static void keep_time(const struct load_slot *slot)
{
	uint32_t bucket;

	if (!udp.o->times)
		return;
	bucket = load_bucket(clock_ns(CLOCK_MONOTONIC) - slot->sent_at);
	udp.times[bucket]++;
}

static void count(const uint8_t *ntp, uint32_t len, load_verify verify)
{
	uint32_t half[2], index;
	struct load_slot *slot;

	memcpy(half, ntp + 24, sizeof(half));
	index = ntohl(half[1]);
	slot = &udp.slots[index];
	if (len < 48 || ntohl(half[0]) != udp.o->magic || index >= udp.o->requests ||
	    (ntp[0] & 7) != 4 || slot->answered >= slot->sent) {
		udp.counts.stray++;
		return;
	}
	if (!ntp[1] && memcmp(ntp + 12, "\0\0\0", 4)) {
		udp.counts.kissed++;
		return;
	}
	slot->answered++;
	keep_time(slot);
	if (!ntp[1] || ntp[0] >> 6 == 3)
		udp.counts.unsynchronised++;
	else if (udp.counts.answered++ % (udp.o->verify ? udp.o->verify : 1) == 0 && udp.o->verify)
		verify(ntp, len);
}

static void receive(int fd, load_verify verify)
{
	int n, i;

	do {
		n = recvmmsg(fd, udp.in, BATCH_MAX, MSG_DONTWAIT, NULL);
		for (i = 0; i < n; i++)
			count(udp.answer[i], udp.in[i].msg_len, verify);
	} while (n == BATCH_MAX);
}

static void udp_poll(struct load_counts *counts, load_verify verify)
{
	uint32_t i;

	for (i = 0; i < udp.sockets; i++)
		receive(udp.fds[i], verify);
	*counts = udp.counts;
}

static const uint64_t *udp_times(void)
{
	return udp.times;
}

static const struct load_slot *udp_slots(void)
{
	return udp.slots;
}

const struct engine engine_udp = {
	.open = udp_open, .fire = udp_fire, .poll = udp_poll, .times = udp_times,
	.slots = udp_slots, .close = udp_close,
};
