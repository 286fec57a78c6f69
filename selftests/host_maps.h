/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The userspace twin of bpf/maps.h: the same names over plain memory, so that
 * respond() runs under ASan and UBSan.  It takes that file's place by its include
 * guard: include this one before any header of bpf/ that wants maps.
 */
#ifdef XNTS_MAPS_H
#error "host_maps.h stands in for bpf/maps.h: include it first"
#endif
#define XNTS_MAPS_H

#include "request.h"
#include "scratch.h"
#include "world.h"

/* What the program's maps hold, and the frame it is run on. */
struct host {
	struct world world;
	struct xnts_aes_key nonce_key;
	struct xnts_counters counters;
	struct xnts_latency latency;
	struct xnts_scratch scratch;
	struct xnts_bucket_key bucket_key;
	__u64 buckets[XNTS_BUCKETS];
	__u64 verified[XNTS_BUCKETS];
	__u32 random; /* the next random number */
	__u64 tai;  /* CLOCK_TAI ns, stands still but for ticks; 0: the real clock */
	__u64 tick; /* ns that reading the configuration takes, and cutting the frame to length */
	__u64 mono; /* CLOCK_MONOTONIC ns, likewise */
	void (*meanwhile)(void); /* what others do while CLOCK_MONOTONIC is read; NULL: nothing */
	bool refuse; /* stores and shrinks fail, as a kernel might */
	__u32 leaving; /* id of a key that is gone by the time an answer is stamped; 0: none */
	long fib_result; /* of fib_lookup(), which then writes this answer */
	struct bpf_fib_lookup fib;
	struct bpf_fib_lookup fib_asked;
	__u8 *frame;
	__u32 frame_len;
};

static struct host host;

static inline __u32 map_switch(void)
{
	return host.world.switch_word;
}

static inline const struct xnts_config *map_config(void)
{
	host.tai += host.tick;
	return &host.world.config;
}

static inline const struct xnts_clock *map_clock(void)
{
	return &host.world.clock;
}

static inline struct xnts_counters *map_counters(void)
{
	return &host.counters;
}

static inline struct xnts_latency *map_latency(void)
{
	return &host.latency;
}

static inline const struct xnts_key_state *map_key_state(void)
{
	return &host.world.key_state;
}

static inline const struct xnts_cookie_key *map_key(__u32 slot)
{
	return slot < XNTS_KEY_SLOTS ? &host.world.keys[slot] : NULL;
}

static inline const struct xnts_aes_key *map_nonce_key(void)
{
	return &host.nonce_key;
}

static inline struct xnts_scratch *map_scratch(void)
{
	return &host.scratch;
}

/* Do the first `bits` of the addresses agree?  0 bits is an empty entry here. */
static inline bool prefix_covers(const __u8 *prefix, __u32 bits, const void *address)
{
	const __u8 *addr = address;
	__u32 i;

	for (i = 0; i < bits; i++)
		if ((prefix[i / 8] ^ addr[i / 8]) & 0x80 >> i % 8)
			return false;
	return bits > 0;
}

static inline __u32 map_local4(__be32 addr)
{
	int i;

	for (i = 0; i < WORLD_LOCALS; i++)
		if (prefix_covers(host.world.local4[i].addr, host.world.local4[i].prefixlen, &addr))
			return XNTS_LOCAL;
	return 0;
}

static inline __u32 map_local6(const __be32 addr[4])
{
	int i;

	for (i = 0; i < WORLD_LOCALS; i++)
		if (prefix_covers(host.world.local6[i].addr, host.world.local6[i].prefixlen, addr))
			return XNTS_LOCAL;
	return 0;
}

static inline __u32 map_listed4(__be32 addr)
{
	__u32 list = 0, longest = 0;
	int i;

	for (i = 0; i < WORLD_LISTED; i++) {
		__u32 bits = host.world.listed4[i].prefixlen;

		if (bits <= longest || !prefix_covers(host.world.listed4[i].addr, bits, &addr))
			continue;
		longest = bits;
		list = host.world.list[i];
	}
	return list;
}

static inline __u32 map_listed6(const __be32 addr[4])
{
	__u32 list = 0, longest = 0;
	int i;

	for (i = 0; i < WORLD_LISTED; i++) {
		__u32 bits = host.world.listed6[i].prefixlen;

		if (bits <= longest || !prefix_covers(host.world.listed6[i].addr, bits, addr))
			continue;
		longest = bits;
		list = host.world.list[i];
	}
	return list;
}

static inline const struct xnts_phc *map_phc(__u32 ifindex)
{
	return ifindex == WORLD_IFINDEX ? &host.world.phc : NULL;
}

static inline __u64 *map_bucket(__u64 hash)
{
	return &host.buckets[hash & (XNTS_BUCKETS - 1)];
}

static inline __u64 *map_verified(__u64 hash)
{
	return &host.verified[hash & (XNTS_BUCKETS - 1)];
}

static inline const struct xnts_bucket_key *map_bucket_key(void)
{
	return &host.bucket_key;
}

static inline __u32 now_random(void)
{
	return host.random;
}

static inline __u64 now_tai(void)
{
	if (host.leaving && host.scratch.busy)
		host.world.keys[XNTS_KEY_SLOT(host.leaving)].id = 0;
	return host.tai ? host.tai : clock_ns(CLOCK_TAI);
}

static inline __u64 now_mono(void)
{
	if (host.meanwhile)
		host.meanwhile();
	return host.mono ? host.mono : clock_ns(CLOCK_MONOTONIC);
}

static inline __u32 this_cpu(void)
{
	return 0;
}

static inline void frame_open(struct xnts_request *rq, struct xdp_md *md)
{
	rq->md = md;
	rq->data = host.frame;
	rq->end = host.frame + host.frame_len;
}

static inline __u32 frame_len(const struct xnts_request *rq)
{
	(void)rq;
	return host.frame_len;
}

static inline __u32 frame_ifindex(const struct xnts_request *rq)
{
	(void)rq;
	return WORLD_IFINDEX;
}

static inline long fib_lookup(const struct xnts_request *rq, struct bpf_fib_lookup *fib)
{
	(void)rq;
	host.fib_asked = *fib;
	fib->ifindex = host.fib.ifindex;
	memcpy(fib->dmac, host.fib.dmac, sizeof(fib->dmac));
	return host.fib_result;
}

static inline bool frame_range_ok(__u32 off, __u32 len)
{
	return len >= 1 && len <= XNTS_MAX_PAYLOAD && (__u64)off + len <= host.frame_len;
}

static inline long frame_load(const struct xnts_request *rq, __u32 off, void *buf, __u32 len)
{
	(void)rq;
	if (!frame_range_ok(off, len))
		return -EINVAL;
	memcpy(buf, host.frame + off, len);
	return 0;
}

static inline long frame_store(const struct xnts_request *rq, __u32 off, void *buf, __u32 len)
{
	(void)rq;
	if (host.refuse || !frame_range_ok(off, len))
		return -EINVAL;
	memcpy(host.frame + off, buf, len);
	return 0;
}

static inline long frame_trim(struct xnts_request *rq, __u32 len)
{
	(void)rq;
	if (host.refuse || len > host.frame_len)
		return -EINVAL;
	host.frame_len = len;
	host.tai += host.tick;
	return 0;
}

static inline __u64 map_sum(struct xnts_buf *buf, __u32 len)
{
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i + 4 <= len; i += 4)
		sum += load32(buf->b + i);
	return sum;
}
