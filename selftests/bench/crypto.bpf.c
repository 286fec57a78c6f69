// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of the crypto alone, and the yardstick: a table AES, which the packet path
 * must never use.  Each program does REPEAT of its operation.
 */
#include "aes.h"
#include "tables.h"

char LICENSE[] SEC("license") = "GPL";

#define REPEAT 100

struct bench {
	struct aes_blocks work;
	struct xnts_aes_key key;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench);
} memory SEC(".maps");

const char compiler[64] = __VERSION__; /* what this and the real object are built with */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tables);
} tables SEC(".maps");

static __always_inline struct bench *bench(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&memory, &zero);
}

SEC("xdp")
int aes_pass_100(struct xdp_md *md)
{
	struct bench *b = bench();

	(void)md;
	if (!b)
		return 0;
	for (int i = 0; i < REPEAT; i++)
		aes_pass(&b->work, &b->key);
	return 1;
}

SEC("xdp")
int key_schedule_100(struct xdp_md *md)
{
	struct bench *b = bench();

	(void)md;
	if (!b)
		return 0;
	for (int i = 0; i < REPEAT; i++)
		aes_expand(&b->key, &b->work);
	return 1;
}

static __always_inline __u32 table_column(const struct tables *t, const __u32 *s, int j)
{
	return t->column[0][s[j] & 255] ^ t->column[1][s[(j + 1) & 3] >> 8 & 255] ^
	       t->column[2][s[(j + 2) & 3] >> 16 & 255] ^ t->column[3][s[(j + 3) & 3] >> 24];
}

static __always_inline __u32 table_last(const struct tables *t, const __u32 *s, int j)
{
	return t->sbox[s[j] & 255] | t->sbox[s[(j + 1) & 3] >> 8 & 255] << 8 |
	       t->sbox[s[(j + 2) & 3] >> 16 & 255] << 16 |
	       (__u32)t->sbox[s[(j + 3) & 3] >> 24] << 24;
}

XNTS_GLOBAL int table_block(struct tables *t)
{
	__u32 s[4], n[4];

	if (!t)
		return 0;
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		s[j] = t->block[j] ^ t->round_keys[j];
#pragma GCC unroll 10
	for (int r = 1; r < 10; r++) {
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			n[j] = table_column(t, s, j) ^ t->round_keys[4 * r + j];
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			s[j] = n[j];
	}
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++)
		t->block[j] = table_last(t, s, j) ^ t->round_keys[40 + j];
	return 0;
}

/* Chained: each block is the next one's input, as in CMAC. */
SEC("xdp")
int table_block_100(struct xdp_md *md)
{
	__u32 zero = 0;
	struct tables *t = bpf_map_lookup_elem(&tables, &zero);

	(void)md;
	if (!t)
		return 0;
	for (int i = 0; i < REPEAT; i++)
		table_block(t);
	return 1;
}
