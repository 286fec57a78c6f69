// SPDX-License-Identifier: GPL-2.0
/*
 * `generate` turns frames of BPF_PROG_TEST_RUN into requests and sends them out of the
 * interface they claim to come from.  The pages come back as whoever had them last left
 * them, so all of a frame is written each time.  `sink`, on that interface, takes and
 * counts what comes back, and leaves everything else alone.
 */
#include "../../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "load.h"

#define ETH_P_IP 0x0800
#define LOOPBACK 1 /* ifindex in every namespace */
#define PROTO_UDP 17
#define IP_AT 14
#define UDP_AT 34
#define NTP_AT LOAD_NTP_AT
#define CATCH_UP 64 /* requests that a late sender makes up for */

/* Not all in the trimmed vmlinux.h of the programs under test. */
#define MAP_RINGBUF 27

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct load_request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct load_slot);
} slots SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 1 << 20);
} samples SEC(".maps");

const volatile __u32 request_count;
const volatile __u32 source_count;  /* addresses from source_base on */
const volatile __u32 source_base;
const volatile __u32 frame_room;    /* bytes of the test run's frame */
const volatile __u32 server;        /* network byte order */
const volatile __u16 server_port;   /* network byte order */
const volatile __u32 magic;         /* network byte order */
const volatile __u8 keep_times;     /* response times are measured */
const volatile __u32 sample_every;  /* one in so many answers is sampled; 0: none */

/* What --pace sets before each test run; 0: all frames of a run are sent. */
__u64 interval; /* 2^-8 ns from one request to the next */
__u64 window;   /* requests without an answer at most */
__u64 due;      /* 2^-8 ns of CLOCK_MONOTONIC: the next request; 0: now */
__u64 late;     /* requests of those due when the clock was last read that are not sent yet */

__u64 next;
struct load_counts counts;
__u64 response_times[LOAD_BUCKETS];

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Adds an address, as memory has it, to a checksum it is not in yet (RFC 1624). */
static __always_inline void checksum_add(__u16 *checksum, __u32 address)
{
	*checksum = ~fold((__u16)~*checksum + (address & 0xffff) + (address >> 16));
}

static __always_inline int set_source(struct xdp_md *ctx, __u64 n)
{
	__u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 address = bpf_htonl(source_base + (__u32)(n % source_count));

	if (p + NTP_AT > end)
		return -1;
	*(__u32 *)(p + IP_AT + 12) = address;
	checksum_add((__u16 *)(p + IP_AT + 10), address);
	checksum_add((__u16 *)(p + UDP_AT + 6), address);
	return 0;
}

/* Bounds that the verifier of every kernel sees: no length of zero. */
static __always_inline int put_frame(struct xdp_md *ctx, const struct load_request *rq)
{
	__u32 len = rq->len;

	if (len < LOAD_FRAME_MIN || len > LOAD_FRAME_MAX || len >= frame_room)
		return -1;
	if (bpf_xdp_adjust_tail(ctx, (int)(len - frame_room)))
		return -1;
	len -= LOAD_FRAME_MIN;
	asm volatile("" : "+r"(len));
	if (len > LOAD_FRAME_MAX - LOAD_FRAME_MIN)
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, (void *)rq->frame, len + LOAD_FRAME_MIN);
}

static __always_inline bool window_is_full(void)
{
	return window && counts.sent - (counts.answered + counts.unsynchronised + counts.kissed) >= window;
}

/* Reads the clock only where nothing is known to be due: the time it takes would make a sender at
 * its limit slower at a rate than in a closed loop. */
static __always_inline void look_at_clock(void)
{
	__u64 now = bpf_ktime_get_ns() << 8;

	if (!due)
		due = now;
	if (now < due)
		return;
	if (now - due > CATCH_UP * interval)
		due = now - CATCH_UP * interval;
	late = (now - due) / interval + 1;
}

/* Waiting is dropping frames, so that others get the processor meanwhile. */
static __always_inline bool is_early(void)
{
	if (window_is_full()) {
		late = 0;
		return true;
	}
	if (!interval)
		return false;
	if (!late)
		look_at_clock();
	if (!late)
		return true;
	late--;
	due += interval;
	return false;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u32 index = next % request_count;
	struct load_request *rq = bpf_map_lookup_elem(&requests, &index);
	struct load_slot *slot = bpf_map_lookup_elem(&slots, &index);
	__u64 n;

	if (ctx->ingress_ifindex == LOOPBACK)
		return XDP_PASS;
	if (is_early())
		return XDP_DROP;
	n = next++;
	if (!rq || !slot || put_frame(ctx, rq) || set_source(ctx, n))
		return XDP_DROP;
	slot->sent++;
	if (keep_times)
		slot->sent_at = bpf_ktime_get_ns();
	counts.sent++;
	return XDP_TX;
}

static __always_inline void keep_time(const struct load_slot *slot)
{
	__u64 sent_at = slot->sent_at;
	__u32 bucket;

	if (!keep_times || !sent_at)
		return;
	bucket = load_bucket(bpf_ktime_get_ns() - sent_at);
	if (bucket < LOAD_BUCKETS)
		__sync_fetch_and_add(&response_times[bucket], 1);
}

static __always_inline void sample(struct xdp_md *ctx, __u32 len)
{
	struct load_sample *s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);

	if (!s)
		return;
	s->len = len;
	len -= LOAD_FRAME_MIN;
	asm volatile("" : "+r"(len));
	if (len > LOAD_FRAME_MAX - LOAD_FRAME_MIN)
		len = LOAD_FRAME_MAX - LOAD_FRAME_MIN;
	if (bpf_xdp_load_bytes(ctx, 0, s->frame, len + LOAD_FRAME_MIN))
		s->len = 0;
	bpf_ringbuf_submit(s, 0);
}

static __always_inline bool from_server(const __u8 *p)
{
	return *(__u16 *)(p + 12) == bpf_htons(ETH_P_IP) && p[IP_AT] == 0x45 &&
	       p[IP_AT + 9] == PROTO_UDP && *(__u32 *)(p + IP_AT + 12) == server &&
	       *(__u16 *)(p + UDP_AT) == server_port &&
	       *(__u32 *)(p + NTP_AT + 24) == magic;
}

static __always_inline void count_answer(struct xdp_md *ctx, const __u8 *ntp, __u32 len)
{
	__u32 index = bpf_ntohl(*(__u32 *)(ntp + 28));
	struct load_slot *slot = bpf_map_lookup_elem(&slots, &index);
	__u8 first = ntp[0], stratum = ntp[1];
	__u32 reference_id = *(__u32 *)(ntp + 12);

	if (!slot || (first & 7) != 4 || slot->answered >= slot->sent) {
		__sync_fetch_and_add(&counts.stray, 1);
		return;
	}
	if (!stratum && reference_id) {
		__sync_fetch_and_add(&counts.kissed, 1);
		return;
	}
	__sync_fetch_and_add(&slot->answered, 1);
	keep_time(slot);
	if (!stratum || first >> 6 == 3)
		__sync_fetch_and_add(&counts.unsynchronised, 1);
	else if (__sync_fetch_and_add(&counts.answered, 1) % (sample_every ?: 1) == 0 && sample_every)
		sample(ctx, len);
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (p + NTP_AT + 48 > end || !from_server(p))
		return XDP_PASS;
	count_answer(ctx, p + NTP_AT, end - p);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
