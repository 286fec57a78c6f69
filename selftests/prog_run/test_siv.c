// SPDX-License-Identifier: GPL-2.0
/* AES-SIV as the kernel runs it: the vectors of RFC 5297, and OpenSSL's AES-128-SIV. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "siv.h"
#include "../chance.h"
#include "../siv_ref.h"

#define OBJECT "build/prog_run/siv.bpf.o"
#define RANDOM_CASES 10000

struct siv_vector { /* siv.bpf.c */
	__u8 key[32];
	__u8 ad[3][40];
	__u8 text[48];
	__u8 tag[16];
	__u8 sealed[48];
	__u8 d[16];
	__u8 mac[16];
	struct xnts_siv_key prepared;
};

static struct bpf_object *object;
static int a1, a2, vectors;

/* Seals a vector in the kernel. */
static void run(int program, struct siv_vector *v)
{
	static const uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	__u32 zero = 0;

	assert_int_equal(bpf_map_update_elem(vectors, &zero, v, BPF_ANY), 0);
	assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
	assert_int_equal(opts.retval, 0);
	assert_int_equal(bpf_map_lookup_elem(vectors, &zero, v), 0);
}

/* RFC 5297 A.1: deterministic authenticated encryption. */
static void rfc5297_a1(void **state)
{
	static const uint8_t tag[16] = { 0x85, 0x63, 0x2d, 0x07, 0xc6, 0xe8, 0xf3, 0x7f,
					 0x95, 0x0a, 0xcd, 0x32, 0x0a, 0x2e, 0xcc, 0x93 };
	static const uint8_t sealed[14] = { 0x40, 0xc0, 0x2b, 0x96, 0x90, 0xc4, 0xdc,
					    0x04, 0xda, 0xef, 0x7f, 0x6a, 0xfe, 0x5c };
	struct siv_vector v = {
		.key = { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0xf6, 0xf5,
			 0xf4, 0xf3, 0xf2, 0xf1, 0xf0, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5,
			 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff },
		.text = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
			  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee },
	};
	int i;

	(void)state;
	for (i = 0; i < 24; i++)
		v.ad[0][i] = 0x10 + i;
	run(a1, &v);
	assert_memory_equal(v.tag, tag, sizeof(tag));
	assert_memory_equal(v.sealed, sealed, sizeof(sealed));
}

/* RFC 5297 A.2: nonce-based, two further components. */
static void rfc5297_a2(void **state)
{
	static const uint8_t tag[16] = { 0x7b, 0xdb, 0x6e, 0x3b, 0x43, 0x26, 0x67, 0xeb,
					 0x06, 0xf4, 0xd1, 0x4b, 0xff, 0x2f, 0xbd, 0x0f };
	static const uint8_t sealed[47] = {
		0xcb, 0x90, 0x0f, 0x2f, 0xdd, 0xbe, 0x40, 0x43, 0x26, 0x60, 0x19, 0x65,
		0xc8, 0x89, 0xbf, 0x17, 0xdb, 0xa7, 0x7c, 0xeb, 0x09, 0x4f, 0xa6, 0x63,
		0xb7, 0xa3, 0xf7, 0x48, 0xba, 0x8a, 0xf8, 0x29, 0xea, 0x64, 0xad, 0x54,
		0x4a, 0x27, 0x2e, 0x9c, 0x48, 0x5b, 0x62, 0xa3, 0xfd, 0x5c, 0x0d,
	};
	struct siv_vector v = {
		.key = { 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x7a, 0x79, 0x78, 0x77, 0x76, 0x75,
			 0x74, 0x73, 0x72, 0x71, 0x70, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45,
			 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f },
		.ad = { { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
			  0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xde, 0xad, 0xda, 0xda,
			  0xde, 0xad, 0xda, 0xda, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa,
			  0x99, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00 },
			{ 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0 },
			{ 0x09, 0xf9, 0x11, 0x02, 0x9d, 0x74, 0xe3, 0x5b,
			  0xd8, 0x41, 0x56, 0xc5, 0x63, 0x56, 0x88, 0xc0 } },
		.text = "this is some plaintext to encrypt using SIV-AES",
	};

	(void)state;
	run(a2, &v);
	assert_memory_equal(v.tag, tag, sizeof(tag));
	assert_memory_equal(v.sealed, sealed, sizeof(sealed));
}

static void openssl_seal(const struct siv_vector *v, uint8_t tag[16], uint8_t sealed[47])
{
	static EVP_CIPHER_CTX *ctx;
	static EVP_CIPHER *siv;
	int n;

	if (!ctx) {
		siv = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
		ctx = EVP_CIPHER_CTX_new();
	}
	ref_need(siv && ctx);
	ref_need(EVP_CIPHER_CTX_reset(ctx));
	ref_need(EVP_EncryptInit_ex(ctx, siv, NULL, v->key, NULL));
	ref_need(EVP_EncryptUpdate(ctx, NULL, &n, v->ad[0], 40));
	ref_need(EVP_EncryptUpdate(ctx, NULL, &n, v->ad[1], 10));
	ref_need(EVP_EncryptUpdate(ctx, NULL, &n, v->ad[2], 16));
	ref_need(EVP_EncryptUpdate(ctx, sealed, &n, v->text, 47));
	ref_need(EVP_EncryptFinal_ex(ctx, sealed + n, &n));
	ref_need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag));
}

/* The second vector's shape with random contents; siv_ref.h is held against OpenSSL too. */
static void random_cases(void **state)
{
	uint8_t tag[16], sealed[47], reference[16 + 47];
	struct siv_vector v;
	int i;

	(void)state;
	chance_begin();
	for (i = 0; i < RANDOM_CASES; i++) {
		struct ref_part ad[3] = { { v.ad[0], 40 }, { v.ad[1], 10 }, { v.ad[2], 16 } };

		any_bytes(&v, offsetof(struct siv_vector, prepared));
		run(a2, &v);
		openssl_seal(&v, tag, sealed);
		assert_memory_equal(v.tag, tag, sizeof(tag));
		assert_memory_equal(v.sealed, sealed, sizeof(sealed));
		ref_seal(v.key, ad, 3, v.text, 47, reference);
		assert_memory_equal(reference, tag, sizeof(tag));
		assert_memory_equal(reference + 16, sealed, sizeof(sealed));
	}
}

static int load(void **state)
{
	(void)state;
	object = bpf_object__open_file(OBJECT, NULL);
	if (!object || bpf_object__load(object))
		return -1;
	a1 = bpf_program__fd(bpf_object__find_program_by_name(object, "rfc5297_a1"));
	a2 = bpf_program__fd(bpf_object__find_program_by_name(object, "rfc5297_a2"));
	vectors = bpf_object__find_map_fd_by_name(object, "siv_vectors");
	return 0;
}

static int unload(void **state)
{
	(void)state;
	bpf_object__close(object);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5297_a1),
		cmocka_unit_test(rfc5297_a2),
		cmocka_unit_test(random_cases),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
