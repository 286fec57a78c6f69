/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AEAD_AES_SIV_CMAC_256 (RFC 5297) over plain buffers, for userspace: preparing
 * keys, NTS-KE's cookies, tests.  The packet path lays the same chains over
 * four lanes (exchange.h).
 */
#ifndef XNTS_SIV_H
#define XNTS_SIV_H

#include "aes.h"

#define SIV_TAG_LEN 16
#define SIV_KEY_LEN 32

/* A component of associated data; a nonce is the last one (RFC 5297 3). */
struct siv_part {
	const void *data;
	__u32 len; /* bytes */
};

static inline void siv_xor(__u8 out[16], const __u8 in[16])
{
	store64(out, load64(out) ^ load64(in));
	store64(out + 8, load64(out + 8) ^ load64(in + 8));
}

/* Doubling in GF(2^128), big-endian (RFC 5297 2.3), without a branch on the carry. */
static __always_inline void siv_double(__u8 b[16])
{
	__u64 hi = bpf_be64_to_cpu(load64(b)), lo = bpf_be64_to_cpu(load64(b + 8));
	__u64 carry = 0 - (hi >> 63);

	store64(b, bpf_cpu_to_be64(hi << 1 | lo >> 63));
	store64(b + 8, bpf_cpu_to_be64(lo << 1 ^ (carry & 0x87)));
}

static inline void siv_aes(const struct xnts_aes_key *key, __u8 block[16])
{
	struct aes_blocks four = { 0 };

	XNTS_MEMCPY(four.b[0], block, 16);
	aes_pass(&four, key);
	XNTS_MEMCPY(block, four.b[0], 16);
	crypt_wipe(&four, sizeof(four));
}

/*
 * AES-CMAC (RFC 4493) of `len` bytes; `end`, when given, is 16 bytes to be XORed to the
 * last 16 of the message (S2V's xorend; len >= 16).
 */
static inline void siv_cmac(const struct xnts_siv_key *key, __u8 mac[16], const __u8 *data,
			    __u32 len, const __u8 *end)
{
	__u32 blocks = len ? (len + 15) / 16 : 1;

	XNTS_MEMSET(mac, 0, 16);
	for (__u32 i = 0; i < blocks; i++) {
		__u32 off = 16 * i, n = len - off < 16 ? len - off : 16;

		for (__u32 j = 0; j < n; j++) {
			mac[j] ^= data[off + j];
			if (end && off + j + 16 >= len)
				mac[j] ^= end[off + j + 16 - len];
		}
		if (i == blocks - 1) {
			siv_xor(mac, n == 16 ? key->k1 : key->k2);
			if (n < 16)
				mac[n] ^= 0x80;
		}
		siv_aes(&key->mac, mac);
	}
}

/* The CMAC subkeys (RFC 4493 2.3) and CMAC(0) of key->mac. */
static inline void siv_subkeys(struct xnts_siv_key *key)
{
	XNTS_MEMSET(key->k1, 0, 16);
	siv_aes(&key->mac, key->k1);
	siv_double(key->k1);
	XNTS_MEMCPY(key->k2, key->k1, 16);
	siv_double(key->k2);
	XNTS_MEMCPY(key->zero, key->k1, 16);
	siv_aes(&key->mac, key->zero);
}

/* Prepares a key of 32 bytes. */
static inline void siv_key_init(struct xnts_siv_key *out, const __u8 key[SIV_KEY_LEN])
{
	aes_expand_key(&out->mac, key);
	aes_expand_key(&out->ctr, key + 16);
	siv_subkeys(out);
}

/* The synthetic IV (RFC 5297 2.4). */
static inline void siv_s2v(const struct xnts_siv_key *key, __u8 tag[SIV_TAG_LEN],
			   const struct siv_part *ad, __u32 parts, const __u8 *plain, __u32 len)
{
	__u8 d[16], mac[16];

	XNTS_MEMCPY(d, key->zero, 16);
	for (__u32 i = 0; i < parts; i++) {
		siv_cmac(key, mac, ad[i].data, ad[i].len, NULL);
		siv_double(d);
		siv_xor(d, mac);
	}
	if (len >= 16) {
		siv_cmac(key, tag, plain, len, d);
	} else {
		siv_double(d);
		for (__u32 j = 0; j < len; j++)
			d[j] ^= plain[j];
		d[len] ^= 0x80;
		siv_cmac(key, tag, d, 16, NULL);
	}
	crypt_wipe(d, sizeof(d));
	crypt_wipe(mac, sizeof(mac));
}

/* CTR with the tag as counter, the top bits of its two low words cleared (RFC 5297 2.5). */
static inline void siv_ctr(const struct xnts_siv_key *key, const __u8 tag[SIV_TAG_LEN], __u8 *out,
			   const __u8 *in, __u32 len)
{
	__u64 count = bpf_be64_to_cpu(load64(tag + 8)) & 0x7fffffff7fffffffULL;
	struct aes_blocks pad;

	for (__u32 i = 0; i < len; i++) {
		if (i % sizeof(pad) == 0) {
			for (int l = 0; l < AES_LANES; l++) {
				store64(pad.b[l], load64(tag));
				store64(pad.b[l] + 8, bpf_cpu_to_be64(count++));
			}
			aes_pass(&pad, &key->ctr);
		}
		out[i] = in[i] ^ pad.b[i / 16 % AES_LANES][i % 16];
	}
	crypt_wipe(&pad, sizeof(pad));
}

/* Equal, in a time that does not depend on where they differ? */
static __always_inline bool siv_equal(const __u8 a[SIV_TAG_LEN], const __u8 b[SIV_TAG_LEN])
{
	__u64 d = (load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8));

	CRYPT_PUBLIC(&d, sizeof(d));
	return d == 0;
}

/* Writes the tag and the ciphertext, SIV_TAG_LEN + len bytes, to `out`, which may not overlap
 * `plain`.  `parts` components of associated data, in order. */
static inline void siv_seal(const struct xnts_siv_key *key, const struct siv_part *ad, __u32 parts,
			    const __u8 *plain, __u32 len, __u8 *out)
{
	siv_s2v(key, out, ad, parts, plain, len);
	siv_ctr(key, out, out + SIV_TAG_LEN, plain, len);
}

/*
 * Opens `len` bytes of tag and ciphertext into len - SIV_TAG_LEN bytes at `plain`, which may
 * not overlap.  false, and `plain` zeroed, when they are too short or not authentic.
 */
static inline bool siv_open(const struct xnts_siv_key *key, const struct siv_part *ad, __u32 parts,
			    const __u8 *sealed, __u32 len, __u8 *plain)
{
	__u8 tag[SIV_TAG_LEN];
	bool ok;

	if (len < SIV_TAG_LEN)
		return false;
	siv_ctr(key, sealed, plain, sealed + SIV_TAG_LEN, len - SIV_TAG_LEN);
	siv_s2v(key, tag, ad, parts, plain, len - SIV_TAG_LEN);
	ok = siv_equal(tag, sealed);
	if (!ok)
		crypt_wipe(plain, len - SIV_TAG_LEN);
	return ok;
}

#endif /* XNTS_SIV_H */
