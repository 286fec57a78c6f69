// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/*
 * Asks each millisecond, plain NTP and NTS in turn, and keeps what every answer says: `watch`
 * alone says how.  judge.py judges the log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../packet.h"
#include "requests.h"

#define NSEC_PER_SEC    1000000000LL
#define INTERVAL        1000000LL    /* ns */
#define PATIENCE        NSEC_PER_SEC /* for the last answers */
#define NTP_UNIX_OFFSET 2208988800LL /* s from 1900 to 1970, RFC 5905 figure 4 */

static const char usage[] =
	"usage: watch ADDRESS SECONDS KEYS LOG\n"
	"\n"
	"Sends a request each ms, none for a ms that was missed, with cookies made from xntsd's state\n"
	"file KEYS.  LOG has a line an exchange, in order: what was asked, the client's clocks before it went\n"
	"and after its answer came (ns), then what that says: receive and transmit time (ns, UTC since\n"
	"1970), the rest of the header.  Exit status 1: an answer was missing, came twice or does not\n"
	"verify.\n";

/* The client's clocks, ns. */
struct instant {
	int64_t mono, tai, utc;
};

struct exchange {
	struct instant before, after;
	uint32_t len; /* 0: no answer */
	uint8_t ntp[LOAD_FRAME_MAX];
};

static struct options o = { .port = 123, .kind = LOAD_MIXED, .magic = LOAD_MAGIC };
static struct load_request *requests;
static struct exchange *exchanges;
static uint32_t sent, answered;
static int fd, bad;

static int64_t clock_now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static struct instant now(void)
{
	return (struct instant){ clock_now(CLOCK_MONOTONIC), clock_now(CLOCK_TAI),
				 clock_now(CLOCK_REALTIME) };
}

static void fail(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void prepare(const char *address, const char *seconds)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(o.port) };
	uint32_t i;

	o.requests = atof(seconds) * NSEC_PER_SEC / INTERVAL;
	requests = calloc(o.requests, sizeof(*requests));
	exchanges = calloc(o.requests, sizeof(*exchanges));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!o.requests || !requests || !exchanges || fd < 0 ||
	    inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail(address);
	requests_prepare(&o);
	for (i = 0; i < o.requests; i++)
		requests_make(&o, i, &requests[i]);
}

/* ---- asking ------------------------------------------------------------------- */

static void take(const uint8_t *ntp, int len, struct instant after)
{
	uint32_t index = len < NTP_LEN ? sent : get32(ntp + 28);

	if (index >= sent || exchanges[index].len) {
		fprintf(stderr, "watch: an answer to nothing, or the second to one request\n");
		bad = 1;
		return;
	}
	answered++;
	exchanges[index].after = after;
	exchanges[index].len = len;
	memcpy(exchanges[index].ntp, ntp, len);
}

static void receive(void)
{
	uint8_t ntp[LOAD_FRAME_MAX];
	int len;

	while ((len = recv(fd, ntp, sizeof(ntp), MSG_DONTWAIT)) >= 0)
		take(ntp, len, now());
}

/* Takes what comes until then, an INTERVAL away at most. */
static void receive_until(int64_t mono)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t left;

	receive();
	while ((left = mono - clock_now(CLOCK_MONOTONIC)) > 0) {
		ppoll(&wait, 1, &(struct timespec){ .tv_nsec = left }, NULL);
		receive();
	}
}

static void ask(const struct load_request *rq)
{
	exchanges[sent++].before = now();
	if (send(fd, rq->frame + LOAD_NTP_AT, rq->len - LOAD_NTP_AT, 0) < 0)
		fail("send");
}

static void watch(void)
{
	int64_t next = clock_now(CLOCK_MONOTONIC), end = next + o.requests * INTERVAL;

	while (next < end) {
		receive_until(next);
		ask(&requests[sent]);
		do
			next += INTERVAL;
		while (next + INTERVAL <= clock_now(CLOCK_MONOTONIC));
	}
	for (end += PATIENCE; answered < sent && next < end; next += INTERVAL)
		receive_until(next);
}

/* ---- the log ------------------------------------------------------------------ */

/* ns since 1970; era 0. */
static int64_t utc_of(const uint8_t *timestamp)
{
	return (get32(timestamp) - NTP_UNIX_OFFSET) * NSEC_PER_SEC +
	       ((uint64_t)get32(timestamp + 4) * NSEC_PER_SEC >> 32);
}

static void print_exchange(FILE *log, uint32_t index)
{
	const struct exchange *e = &exchanges[index];
	const uint8_t *ntp = e->ntp;
	const char *why = e->len ? requests_verify(&o, ntp, e->len) : "missing";

	if (why) {
		fprintf(stderr, "watch: request %u: an answer is %s\n", index, why);
		bad = 1;
		return;
	}
	fprintf(log, "%s %ld %ld %ld %ld %ld %ld %ld %ld %u %u %u %u %08x %016lx\n",
		index % 2 ? "nts" : "plain", e->before.mono, e->after.mono, e->before.tai,
		e->after.tai, e->before.utc, e->after.utc, utc_of(ntp + 32), utc_of(ntp + 40),
		ntp[0] >> 6, ntp[1], get32(ntp + 4), get32(ntp + 8), get32(ntp + 12), get64(ntp + 16));
}

int main(int argc, char **argv)
{
	FILE *log;
	uint32_t i;

	if (argc != 5) {
		fputs(usage, stderr);
		return 2;
	}
	o.keys = argv[3];
	prepare(argv[1], argv[2]);
	log = fopen(argv[4], "w");
	if (!log)
		fail(argv[4]);
	watch();
	fprintf(log, "kind mono0 mono1 tai0 tai1 utc0 utc1 receive transmit "
		     "leap stratum root_delay root_dispersion refid reference_time\n");
	for (i = 0; i < sent; i++)
		print_exchange(log, i);
	if (fclose(log))
		fail(argv[4]);
	return bad;
}
