// SPDX-License-Identifier: GPL-2.0
/*
 * The AES of the packet path and siv.h's chains, compiled as BPF, on RFC 5297's vectors.
 * S2V is put together here: siv_s2v() has more arguments than BPF can pass.
 */
#include "siv.h"

char LICENSE[] SEC("license") = "GPL";

struct siv_vector {
	__u8 key[32];
	__u8 ad[3][40];
	__u8 text[48];
	__u8 tag[16];
	__u8 sealed[48];
	__u8 d[16];
	__u8 mac[16];
	struct xnts_siv_key prepared;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct siv_vector);
} siv_vectors SEC(".maps");

static __always_inline struct siv_vector *vector(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&siv_vectors, &zero);
}

/* With siv_cmac() inlined, clang 19 lays a loop out so that its end falls through to its
 * head, which kernel 6.1 takes for an endless one ("back-edge"). */
XNTS_STAGE int cmac(struct siv_vector *v, __u8 *mac, const __u8 *data, __u32 len, const __u8 *end)
{
	siv_cmac(&v->prepared, mac, data, len, end);
	return 0;
}

static __always_inline void s2v_begin(struct siv_vector *v)
{
	siv_key_init(&v->prepared, v->key);
	XNTS_MEMCPY(v->d, v->prepared.zero, 16);
}

static __always_inline void s2v_add(struct siv_vector *v, int part, __u32 len)
{
	cmac(v, v->mac, v->ad[part], len, NULL);
	siv_double(v->d);
	siv_xor(v->d, v->mac);
}

/* One component and 14 bytes of text. */
SEC("xdp")
int rfc5297_a1(struct xdp_md *md)
{
	struct siv_vector *v = vector();

	(void)md;
	if (!v)
		return 1;
	s2v_begin(v);
	s2v_add(v, 0, 24);
	siv_double(v->d);
	for (int i = 0; i < 14; i++)
		v->d[i] ^= v->text[i];
	v->d[14] ^= 0x80;
	cmac(v, v->tag, v->d, 16, NULL);
	siv_ctr(&v->prepared, v->tag, v->sealed, v->text, 14);
	return 0;
}

/* Three components and 47 bytes of text. */
SEC("xdp")
int rfc5297_a2(struct xdp_md *md)
{
	struct siv_vector *v = vector();

	(void)md;
	if (!v)
		return 1;
	s2v_begin(v);
	s2v_add(v, 0, 40);
	s2v_add(v, 1, 10);
	s2v_add(v, 2, 16);
	cmac(v, v->tag, v->text, 47, v->d);
	siv_ctr(&v->prepared, v->tag, v->sealed, v->text, 47);
	return 0;
}
