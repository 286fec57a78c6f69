/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the packet path asks of the kernel: its maps, its clocks, its frame.  The
 * userspace build puts plain memory behind the same names (selftests/host_maps.h).
 */
#ifndef XNTS_MAPS_H
#define XNTS_MAPS_H

#include "request.h"
#include "scratch.h"

#define XNTS_MAP(map_name, map_type, entries, key_type, value_type, flag_bits) \
	struct { \
		__uint(type, map_type); \
		__uint(max_entries, entries); \
		__uint(map_flags, flag_bits); \
		__type(key, key_type); \
		__type(value, value_type); \
	} map_name SEC(".maps")

XNTS_MAP(xnts_switch, BPF_MAP_TYPE_ARRAY, 1, __u32, __u32, 0);
XNTS_MAP(xnts_config, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_config, 0);
XNTS_MAP(xnts_clock, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_clock, BPF_F_MMAPABLE);
XNTS_MAP(xnts_local4, BPF_MAP_TYPE_LPM_TRIE, XNTS_MAX_LOCAL, struct xnts_lpm4, __u32,
	 BPF_F_NO_PREALLOC);
XNTS_MAP(xnts_local6, BPF_MAP_TYPE_LPM_TRIE, XNTS_MAX_LOCAL, struct xnts_lpm6, __u32,
	 BPF_F_NO_PREALLOC);
XNTS_MAP(xnts_counters, BPF_MAP_TYPE_PERCPU_ARRAY, 1, __u32, struct xnts_counters, 0);
XNTS_MAP(xnts_ke_counters, BPF_MAP_TYPE_ARRAY, XNTS_KE_WORKERS, __u32, struct xnts_ke_counters,
	 BPF_F_MMAPABLE);
XNTS_MAP(xnts_daemon_counters, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_daemon_counters,
	 BPF_F_MMAPABLE);
XNTS_MAP(xnts_keys, BPF_MAP_TYPE_ARRAY, XNTS_KEY_SLOTS, __u32, struct xnts_cookie_key,
	 BPF_F_MMAPABLE);
XNTS_MAP(xnts_key_state, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_key_state, BPF_F_MMAPABLE);
XNTS_MAP(xnts_latency, BPF_MAP_TYPE_PERCPU_ARRAY, 1, __u32, struct xnts_latency, 0);
/* For userspace alone. */
XNTS_MAP(xnts_ke_state, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_ke_state, 0);
XNTS_MAP(xnts_names, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_names, 0);

XNTS_MAP(xnts_lists4, BPF_MAP_TYPE_LPM_TRIE, XNTS_MAX_LISTED, struct xnts_lpm4, __u32,
	 BPF_F_NO_PREALLOC);
XNTS_MAP(xnts_lists6, BPF_MAP_TYPE_LPM_TRIE, XNTS_MAX_LISTED, struct xnts_lpm6, __u32,
	 BPF_F_NO_PREALLOC);

XNTS_MAP(xnts_phc, BPF_MAP_TYPE_HASH, XNTS_MAX_PHC, __u32, struct xnts_phc, 0);

/* Not pinned: they belong to one loaded program (see nonce.h). */
XNTS_MAP(xnts_scratch, BPF_MAP_TYPE_PERCPU_ARRAY, 1, __u32, struct xnts_scratch, 0);
XNTS_MAP(xnts_nonce_key, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_aes_key, 0);
XNTS_MAP(xnts_buckets, BPF_MAP_TYPE_ARRAY, XNTS_BUCKETS, __u32, __u64, 0);
XNTS_MAP(xnts_verified, BPF_MAP_TYPE_ARRAY, XNTS_BUCKETS, __u32, __u64, 0);
XNTS_MAP(xnts_bucket_key, BPF_MAP_TYPE_ARRAY, 1, __u32, struct xnts_bucket_key, 0);

/* Set before the load: where it is false the verifier drops what it guards. */
const volatile bool xnts_latency_on = false;

static __always_inline void *map_first(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

static __always_inline __u32 map_switch(void)
{
	const volatile __u32 *word = map_first(&xnts_switch);

	return word ? *word : XNTS_PASS;
}

static __always_inline const struct xnts_config *map_config(void)
{
	return map_first(&xnts_config);
}

static __always_inline const struct xnts_clock *map_clock(void)
{
	return map_first(&xnts_clock);
}

static __always_inline struct xnts_counters *map_counters(void)
{
	return map_first(&xnts_counters);
}

static __always_inline struct xnts_latency *map_latency(void)
{
	return map_first(&xnts_latency);
}

static __always_inline const struct xnts_key_state *map_key_state(void)
{
	return map_first(&xnts_key_state);
}

static __always_inline const struct xnts_cookie_key *map_key(__u32 slot)
{
	return bpf_map_lookup_elem(&xnts_keys, &slot);
}

static __always_inline const struct xnts_aes_key *map_nonce_key(void)
{
	return map_first(&xnts_nonce_key);
}

static __always_inline struct xnts_scratch *map_scratch(void)
{
	return map_first(&xnts_scratch);
}

static __always_inline const struct xnts_phc *map_phc(__u32 ifindex)
{
	return bpf_map_lookup_elem(&xnts_phc, &ifindex);
}

/* Of plain NTP and NTS that failed, and of NTS that verified; some bits of a hash choose. */
static __always_inline __u64 *map_bucket(__u64 hash)
{
	__u32 index = hash & (XNTS_BUCKETS - 1);

	return bpf_map_lookup_elem(&xnts_buckets, &index);
}

static __always_inline __u64 *map_verified(__u64 hash)
{
	__u32 index = hash & (XNTS_BUCKETS - 1);

	return bpf_map_lookup_elem(&xnts_verified, &index);
}

static __always_inline const struct xnts_bucket_key *map_bucket_key(void)
{
	return map_first(&xnts_bucket_key);
}

/* The entry of the longest prefix that holds the address (wire order), or NULL. */
static __always_inline __u32 *map_lpm4(void *trie, __be32 addr)
{
	struct xnts_lpm4 key = { .prefixlen = 32 };

	store32(key.addr, addr);
	return bpf_map_lookup_elem(trie, &key);
}

static __always_inline __u32 *map_lpm6(void *trie, const __be32 addr[4])
{
	struct xnts_lpm6 key = { .prefixlen = 128 };
	int i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
		store32(key.addr + 4 * i, addr[i]);
	return bpf_map_lookup_elem(trie, &key);
}

/* enum xnts_local of the address, 0: not this host's. */
static __always_inline __u32 map_local4(__be32 addr)
{
	const __u32 *local = map_lpm4(&xnts_local4, addr);

	return local ? *local : 0;
}

static __always_inline __u32 map_local6(const __be32 addr[4])
{
	const __u32 *local = map_lpm6(&xnts_local6, addr);

	return local ? *local : 0;
}

/* enum xnts_list of the address, 0: on no list. */
static __always_inline __u32 map_listed4(__be32 addr)
{
	const __u32 *listed = map_lpm4(&xnts_lists4, addr);

	return listed ? *listed : 0;
}

static __always_inline __u32 map_listed6(const __be32 addr[4])
{
	const __u32 *listed = map_lpm6(&xnts_lists6, addr);

	return listed ? *listed : 0;
}

static __always_inline __u64 now_tai(void)
{
	return bpf_ktime_get_tai_ns();
}

static __always_inline __u64 now_mono(void)
{
	return bpf_ktime_get_ns();
}

static __always_inline __u32 now_random(void)
{
	return bpf_get_prandom_u32();
}

static __always_inline __u32 this_cpu(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline void frame_open(struct xnts_request *rq, struct xdp_md *md)
{
	rq->md = md;
	rq->data = (void *)(long)md->data;
	rq->end = (void *)(long)md->data_end;
}

/* Bytes in the frame, fragments of a multi-buffer frame included. */
static __always_inline __u32 frame_len(const struct xnts_request *rq)
{
	return bpf_xdp_get_buff_len(rq->md);
}

static __always_inline __u32 frame_ifindex(const struct xnts_request *rq)
{
	return rq->md->ingress_ifindex;
}

static __always_inline long fib_lookup(const struct xnts_request *rq, struct bpf_fib_lookup *fib)
{
	return bpf_fib_lookup(rq->md, fib, sizeof(*fib), 0);
}

/*
 * Proves 1 <= len <= XNTS_MAX_PAYLOAD.  clang 14 and 19 make `len < 1` a test for
 * equality, from which kernel 6.1 learns no lower bound; hence `len - 1`.
 */
static __always_inline bool len_proven(__u32 *len)
{
	__u32 last = *len - 1;

	XNTS_OPAQUE(last);
	if (last >= XNTS_MAX_PAYLOAD)
		return false;
	*len = last + 1;
	return true;
}

/* Copy between the frame at `off` and `buf`, len 1 to XNTS_MAX_PAYLOAD; 0 or negative. */
static __always_inline long frame_load(const struct xnts_request *rq, __u32 off, void *buf,
				       __u32 len)
{
	if (!len_proven(&len))
		return -EINVAL;
	return bpf_xdp_load_bytes(rq->md, off, buf, len);
}

static __always_inline long frame_store(const struct xnts_request *rq, __u32 off, void *buf,
					__u32 len)
{
	if (!len_proven(&len))
		return -EINVAL;
	return bpf_xdp_store_bytes(rq->md, off, buf, len);
}

/* Cuts the frame to `len` bytes; it is never made longer.  Where the program may not cut (see
 * xnts_multi.bpf.c), the rest is Ethernet padding. */
static __always_inline long frame_trim(struct xnts_request *rq, __u32 len)
{
	__u32 now = frame_len(rq);

	if (len > now)
		return -EINVAL;
#ifdef XNTS_PADDED
	return 0;
#else
	return len == now ? 0 : bpf_xdp_adjust_tail(rq->md, (int)(len - now));
#endif
}

/* bpf_csum_diff() took at most 512 bytes before kernel 6.13. */
#define CSUM_MAX 512

/* One's complement sum of the first `len` bytes, a multiple of 4, not folded. */
static __always_inline __u64 map_sum(struct xnts_buf *buf, __u32 len)
{
	__s64 sum = 0;
	__u32 off;

#pragma GCC unroll 3
	for (off = 0; off < XNTS_MAX_PAYLOAD; off += CSUM_MAX) {
		__u32 n = len > off ? len - off : 0;

		if (n > CSUM_MAX)
			n = CSUM_MAX;
		XNTS_OPAQUE(n);
		if (n > CSUM_MAX)
			return 0;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)&buf->b[off], n, sum);
		if (sum < 0)
			return 0;
	}
	return sum;
}

#endif /* XNTS_MAPS_H */
