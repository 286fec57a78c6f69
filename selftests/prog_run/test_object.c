// SPDX-License-Identifier: GPL-2.0
/* What only the loaded object can show: multi-buffer frames, its maps in bpftool. */
#define _GNU_SOURCE
#include "pair_target.h"
#include "../sweep_captures.h"

static char text[1 << 20];

/* A frame of many pages' padding is cut to the answer. */
static void padded_multi_buffer(void **state)
{
	static uint8_t in[20000], out[20000];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = in, .data_size_in = sizeof(in),
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	struct sweep *s = sweep_start_nts(state, 4, 2);
	struct answer a;
	int at = packet_payload_at(&s->packet);

	packet_build(&s->packet, in);
	if (bpf_prog_test_run_opts(bpf.program, &run))
		fail_msg("%s", strerror(errno));
	assert_int_equal(run.retval, XDP_TX);
	assert_int_equal(run.data_size_out, at + s->packet.payload_len);
	assert_true(client_open(&s->client, &s->packet, out + at, s->packet.payload_len, &a));
}

/* The frame's first buffer ends at `linear`; the rest is in a fragment. */
static int run_split(struct sweep *s, uint32_t linear)
{
	struct xdp_md md = { .data_end = linear };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = s->run.frame, .data_out = s->run.out.frame,
		    .data_size_out = sizeof(s->run.out.frame), .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = 1);

	s->run.len = run.data_size_in = packet_build(&s->packet, s->run.frame);
	if (bpf_prog_test_run_opts(bpf.program, &run))
		return -errno;
	s->run.out.len = run.data_size_out;
	s->run.out.action = run.retval;
	return run.retval;
}

/* Wherever the first buffer ends, behind NTP's header, the answer is whole. */
static void split_multi_buffer(void **state)
{
	uint32_t linear, at;
	struct sweep *s = sweep_start_nts(state, 4, 2);
	int got;

	at = packet_payload_at(&s->packet);
	got = run_split(s, at + NTP_LEN);
	if (got == -EINVAL) {
		print_message("this kernel's BPF_PROG_TEST_RUN takes no split frames\n");
		skip();
	}
	for (linear = 14; linear < at + s->packet.payload_len; linear++) {
		got = run_split(s, linear);
		assert_int_equal(got, linear < at - 8	  ? XDP_PASS :
				      linear < at + NTP_LEN ? got :
							      XDP_TX);
		if (linear < at + NTP_LEN)
			assert_int_not_equal(got, XDP_TX);
		else
			assert_true(sweep_accepted(s));
	}
}

static __u32 map_id(struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	bpf_must(bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len));
	return info.id;
}

static void dump_map(struct bpf_map *map)
{
	char command[128];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "bpftool map dump id %u", map_id(map));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	len = fread(text, 1, sizeof(text) - 1, pipe);
	text[len] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

/* An operator reads names, not offsets. */
static void maps_have_names(void **state)
{
	static const char *const verdicts[] = {
#define X(name, action, meaning) "\"" #name "\":",
		XNTS_VERDICTS(X)
#undef X
		"\"cookies_issued\":", "\"unsynchronised\":", "\"software_stamps\":", "\"refused_stamps\":",
	};
	static const char *const clock[] = { "\"current\":", "\"stratum\":", "\"leap\":",
					     "\"root_dispersion\":", "\"tai_offset\":" };
	static const char *const config[] = { "\"port\":", "\"mac\":", "\"nak_rate\":", "\"ttl\":" };
	size_t i;

	(void)state;
	dump_map(bpf.skel->maps.xnts_counters);
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		assert_non_null(strstr(text, verdicts[i]));
	dump_map(bpf.skel->maps.xnts_clock);
	for (i = 0; i < sizeof(clock) / sizeof(clock[0]); i++)
		assert_non_null(strstr(text, clock[i]));
	dump_map(bpf.skel->maps.xnts_config);
	for (i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		assert_non_null(strstr(text, config[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEP(captured_packets, &pair_target),
		SWEEP(padded_multi_buffer, &bpf_target),
		SWEEP(split_multi_buffer, &bpf_target),
		SWEEP(maps_have_names, &bpf_target),
	};

	return bpf_target_main("object", tests, CASE_COUNT(tests));
}
