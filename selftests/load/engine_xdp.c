// SPDX-License-Identifier: GPL-2.0
/* Live frames: BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES (kernel 5.18). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include "../packet.h"
#include "engine.h"
#include "load/load.skel.h"
#include "requests.h"

/*
 * Every frame is made smaller.  Else the kernel, when a page comes back from one who cut the
 * frame in it, would send no more than was left.
 */
#define SHRINK 4

#define PACED_FRAMES 100000 /* sent or dropped: 10 ms */
#define LOOPBACK 1 /* ifindex in every namespace */

static struct {
	const struct options *o;
	struct load_bpf *skel;
	struct load_slot *slots;
	size_t slots_size;
	struct ring_buffer *samples;
	uint32_t frame_room;
	int before; /* the program that was on the interface; -1: none */
	load_verify verify;
} xdp = { .before = -1 };

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "load: %s: %s\n", what, strerror(err < 0 ? -err : errno));
	exit(2);
}

/* ---- set-up ------------------------------------------------------------------ */

static size_t pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static void *map_memory(struct bpf_map *map, size_t *size)
{
	void *p;

	*size = pages((size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7) & ~7U));
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	must(p == MAP_FAILED, "map memory");
	return p;
}

static void fill_requests(void)
{
	size_t size, step = (sizeof(struct load_request) + 7) & ~7UL;
	uint8_t *all = map_memory(xdp.skel->maps.requests, &size);
	uint32_t i;

	for (i = 0; i < xdp.o->requests; i++)
		requests_make(xdp.o, i, (struct load_request *)(all + i * step));
	munmap(all, size);
}

/* The headers: lengths and checksums.  What they hold goes on to be verified. */
static void verify_frame(const uint8_t *frame, uint32_t len)
{
	uint32_t udp_len = get16(frame + 38), sum = sum16(17, frame + 26, 8);

	if (len > LOAD_FRAME_MAX || udp_len > len - 34 || udp_len < 8 + NTP_LEN ||
	    fold(sum16(0, frame + 14, 20)) != 0xffff ||
	    (get16(frame + 40) && fold(sum16(sum + udp_len, frame + 34, udp_len)) != 0xffff))
		udp_len = 8; /* no answer at all */
	xdp.verify(frame + LOAD_NTP_AT, udp_len - 8);
}

static int take_sample(void *arg, void *data, size_t size)
{
	const struct load_sample *s = data;

	(void)arg;
	(void)size;
	if (xdp.verify)
		verify_frame(s->frame, s->len);
	return 0;
}

static void set_constants(const struct options *o)
{
	struct load_request first, second;

	/* The longest: of a mixture the second kind is NTS. */
	requests_make(o, 0, &first);
	requests_make(o, o->requests > 1, &second);
	xdp.frame_room = (first.len > second.len ? first.len : second.len) + SHRINK;
	xdp.skel->rodata->request_count = o->requests;
	xdp.skel->rodata->source_count = o->sources;
	xdp.skel->rodata->source_base = o->source_base;
	xdp.skel->rodata->frame_room = xdp.frame_room;
	xdp.skel->rodata->server = htonl(o->server);
	xdp.skel->rodata->magic = htonl(o->magic);
	xdp.skel->rodata->server_port = htons(o->port);
	xdp.skel->rodata->keep_times = o->times;
	xdp.skel->rodata->sample_every = o->verify ? o->verify : 0;
}

/* The interface's program makes room for the sink, and comes back in close(). */
static void attach_sink(void)
{
	uint32_t id = 0;

	if (!bpf_xdp_query_id(xdp.o->ifindex, 0, &id) && id)
		xdp.before = bpf_prog_get_fd_by_id(id);
	must(bpf_xdp_attach(xdp.o->ifindex, bpf_program__fd(xdp.skel->progs.sink), 0, NULL),
	     "attach the sink");
}

/*
 * A program that is on no interface is put into the kernel's dispatcher and taken out again
 * by each test run, which takes 12 ms.  So it is put on `lo`, where it lets all pass.
 */
static void stay_in_dispatcher(void)
{
	bpf_xdp_attach(LOOPBACK, bpf_program__fd(xdp.skel->progs.generate),
		       XDP_FLAGS_SKB_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
}

static void xdp_open(const struct options *o)
{
	xdp.o = o;
	libbpf_set_print(NULL);
	xdp.skel = load_bpf__open();
	must(!xdp.skel, "open the programs");
	set_constants(o);
	must(bpf_map__set_max_entries(xdp.skel->maps.requests, o->requests), "requests");
	must(bpf_map__set_max_entries(xdp.skel->maps.slots, o->requests), "slots");
	must(load_bpf__load(xdp.skel), "load the programs");
	fill_requests();
	xdp.slots = map_memory(xdp.skel->maps.slots, &xdp.slots_size);
	xdp.samples = ring_buffer__new(bpf_map__fd(xdp.skel->maps.samples), take_sample, NULL, NULL);
	must(!xdp.samples, "samples");
	attach_sink();
	stay_in_dispatcher();
}

static void xdp_close(void)
{
	if (!xdp.skel)
		return;
	bpf_xdp_attach(xdp.o->ifindex, xdp.before, 0, NULL);
	bpf_xdp_detach(LOOPBACK, XDP_FLAGS_SKB_MODE, NULL);
	ring_buffer__free(xdp.samples);
	munmap(xdp.slots, xdp.slots_size);
	load_bpf__destroy(xdp.skel);
	xdp.skel = NULL;
}

/* ---- running ----------------------------------------------------------------- */

static int xdp_fire(uint32_t n)
{
	static uint8_t frame[LOAD_FRAME_MAX + SHRINK];
	struct xdp_md ctx = { .data_end = xdp.frame_room, .ingress_ifindex = xdp.o->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = xdp.frame_room,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = n,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = xdp.o->batch);

	if (!bpf_prog_test_run_opts(bpf_program__fd(xdp.skel->progs.generate), &run))
		return 0;
	if (errno != ENOSPC)
		return -errno;
	/* Each test run has a page pool, which lives for a second or more after its last page has come
	 * back, and there are 65,534 at most. */
	usleep(10000);
	return 0;
}

/*
 * One long test run instead of many: each has a page pool, which outlives it by a second, and the end
 * of each walks over all that there are.
 */
static int xdp_pace(double rate, uint64_t window, bool anew)
{
	if (anew)
		xdp.skel->bss->due = xdp.skel->bss->late = 0;
	xdp.skel->bss->interval = rate > 0 ? 256e9 / rate : 0;
	xdp.skel->bss->window = window;
	return xdp_fire(PACED_FRAMES);
}

static void xdp_poll(struct load_counts *counts, load_verify verify)
{
	const volatile struct load_counts *now = (void *)&xdp.skel->bss->counts;

	xdp.verify = verify;
	ring_buffer__consume(xdp.samples);
	counts->answered = now->answered;
	counts->unsynchronised = now->unsynchronised;
	counts->kissed = now->kissed;
	counts->stray = now->stray;
	counts->sent = now->sent;
}

static const uint64_t *xdp_times(void)
{
	return (const uint64_t *)xdp.skel->bss->response_times;
}

static const struct load_slot *xdp_slots(void)
{
	return xdp.slots;
}

const struct engine engine_xdp = {
	.open = xdp_open, .fire = xdp_fire, .pace = xdp_pace, .poll = xdp_poll, .times = xdp_times,
	.slots = xdp_slots, .close = xdp_close,
};
