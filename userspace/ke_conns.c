/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_conns.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int ke_conns_init(struct ke_conns *conns, unsigned int max)
{
	unsigned int bits = 1;

	memset(conns, 0, sizeof(*conns));
	while ((1u << bits) < max && bits < 31)
		bits++;
	conns->all = calloc(max, sizeof(*conns->all));
	conns->buckets = calloc(1u << bits, sizeof(*conns->buckets));
	if (!conns->all || !conns->buckets ||
	    getrandom(&conns->hash_key, sizeof(conns->hash_key), 0) < 0) {
		ke_conns_free(conns);
		return -ENOMEM;
	}
	conns->hash_key |= 1;
	conns->bucket_shift = 64 - bits;
	conns->max = max;
	for (int p = 0; p < KE_PHASES; p++)
		TAILQ_INIT(&conns->phase[p]);
	for (unsigned int i = 0; i < max; i++)
		TAILQ_INSERT_TAIL(&conns->phase[KE_FREE], &conns->all[i], link);
	return 0;
}

void ke_conns_free(struct ke_conns *conns)
{
	free(conns->all);
	free(conns->buckets);
	memset(conns, 0, sizeof(*conns));
}

/* IPv4 takes the numbers of ::/32, which is nobody's source prefix. */
static uint64_t prefix_of_ipv4(const void *addr, uint32_t length)
{
	uint32_t v4;

	memcpy(&v4, addr, sizeof(v4));
	return ntohl(v4) & (uint32_t)(UINT64_MAX << (32 - length));
}

uint64_t ke_prefix(const struct sockaddr *source, struct ke_prefix_lengths lengths)
{
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)source)->sin6_addr;
	uint64_t v6;

	if (source->sa_family == AF_INET)
		return prefix_of_ipv4(&((const struct sockaddr_in *)source)->sin_addr, lengths.v4);
	if (IN6_IS_ADDR_V4MAPPED(in6))
		return prefix_of_ipv4(&in6->s6_addr[12], lengths.v4);
	memcpy(&v6, in6->s6_addr, sizeof(v6));
	return be64toh(v6) & UINT64_MAX << (64 - lengths.v6);
}

/* Multiply-shift with a secret odd factor (Dietzfelbinger et al. 1997): 2-universal. */
static struct ke_conn **bucket(const struct ke_conns *conns, uint64_t prefix)
{
	return &conns->buckets[(prefix * conns->hash_key) >> conns->bucket_shift];
}

unsigned int ke_conns_of_prefix(const struct ke_conns *conns, uint64_t prefix)
{
	unsigned int count = 0;

	for (const struct ke_conn *c = *bucket(conns, prefix); c; c = c->same_bucket)
		count += c->prefix == prefix;
	return count;
}

static void relist(struct ke_conns *conns, struct ke_conn *conn, enum ke_phase to)
{
	TAILQ_REMOVE(&conns->phase[conn->phase], conn, link);
	TAILQ_INSERT_TAIL(&conns->phase[to], conn, link);
	conn->phase = to;
}

struct ke_conn *ke_conns_add(struct ke_conns *conns, int fd, uint64_t prefix, int64_t now)
{
	struct ke_conn *conn = TAILQ_FIRST(&conns->phase[KE_FREE]);

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->prefix = prefix;
	conn->session = NULL;
	conn->same_bucket = *bucket(conns, prefix);
	*bucket(conns, prefix) = conn;
	conns->used++;
	ke_conns_move(conns, conn, KE_SILENT, now);
	return conn;
}

void ke_conns_move(struct ke_conns *conns, struct ke_conn *conn, enum ke_phase to, int64_t now)
{
	relist(conns, conn, to);
	conn->since = now;
}

void ke_conns_remove(struct ke_conns *conns, struct ke_conn *conn)
{
	struct ke_conn **p = bucket(conns, conn->prefix);

	while (*p != conn)
		p = &(*p)->same_bucket;
	*p = conn->same_bucket;
	conns->used--;
	relist(conns, conn, KE_FREE);
}

struct ke_conn *ke_conns_oldest(const struct ke_conns *conns, enum ke_phase phase)
{
	return TAILQ_FIRST(&conns->phase[phase]);
}

/* A request comes with the end of its handshake: who is late with it is no honest client. */
struct ke_conn *ke_conns_victim(const struct ke_conns *conns)
{
	static const enum ke_phase order[] = { KE_LINGER, KE_SILENT, KE_REQUEST, KE_HANDSHAKE };
	struct ke_conn *victim = NULL;

	for (size_t i = 0; !victim && i < sizeof(order) / sizeof(order[0]); i++)
		victim = ke_conns_oldest(conns, order[i]);
	return victim;
}
