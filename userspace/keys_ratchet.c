/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/random.h>

#include "keys_state.h"

/* RFC 5869 with SHA-256 and no salt; info = label | id in network byte order. */
static int hkdf(const uint8_t chain[KEYS_CHAIN_LEN], const char *label, uint16_t id,
		uint8_t out[KEYS_CHAIN_LEN])
{
	char digest[] = "SHA256";
	uint8_t info[16];
	size_t len = strlen(label);
	OSSL_PARAM params[4], *param = params;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	int ok;

	memcpy(info, label, len);
	info[len++] = id >> 8;
	info[len++] = id & 0xff;
	*param++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*param++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)chain, KEYS_CHAIN_LEN);
	*param++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, len);
	*param = OSSL_PARAM_construct_end();
	ok = ctx && EVP_KDF_derive(ctx, out, KEYS_CHAIN_LEN, params) > 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : -EIO;
}

int64_t keys_epoch_at(const struct keys_generation *generation, int64_t utc)
{
	int64_t since = utc - generation->origin, length = generation->length;

	/* rounds down, not towards 0 */
	return since >= 0 ? since / length : -((-since + length - 1) / length);
}

uint16_t keys_id(const struct keys_generation *generation, int64_t epoch)
{
	return generation->number << 12 | (epoch & 0xfff);
}

static int step(struct keys_generation *generation)
{
	uint8_t next[KEYS_CHAIN_LEN];
	int err = hkdf(generation->chain, "next", keys_id(generation, generation->epoch + 1), next);

	if (!err) {
		memcpy(generation->chain, next, sizeof(next));
		generation->epoch++;
	}
	OPENSSL_cleanse(next, sizeof(next));
	return err;
}

int keys_ratchet(struct keys_generation *generation, int64_t epoch)
{
	int err = 0;

	while (!err && generation->epoch < epoch)
		err = step(generation);
	return err;
}

int keys_derive(const struct keys_generation *generation, uint8_t key[32])
{
	return hkdf(generation->chain, "cookie", keys_id(generation, generation->epoch), key);
}

int keys_forget(struct keys_state *state, uint32_t keep)
{
	int err = 0;

	for (uint32_t i = 0; i < state->count && !err; i++) {
		struct keys_generation *generation = &state->generation[i];

		err = keys_ratchet(generation, keys_epoch_at(generation, state->clock) - keep);
	}
	return err;
}

int keys_seed(struct keys_state *state, int64_t origin, uint32_t length)
{
	struct keys_generation *newest = &state->generation[0];
	struct keys_generation fresh = { .number = 1, .length = length, .origin = origin };
	int err = 0;

	if (state->count == 2)
		return -EEXIST;
	if (state->count)
		fresh.number = newest->number % KEYS_LAST_GENERATION + 1;
	/* one call fills up to 256 bytes or fails: random(7) */
	if (getrandom(fresh.chain, sizeof(fresh.chain), 0) != sizeof(fresh.chain)) {
		err = -EIO;
		goto out;
	}
	state->generation[1] = *newest;
	*newest = fresh;
	state->count++;
out:
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return err;
}
