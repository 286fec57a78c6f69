/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_seal.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "cookie.h"

_Static_assert(KE_SEALING_KEY_LEN == SIV_KEY_LEN, "a sealing key is a SIV key");
_Static_assert(KE_COOKIES % AES_LANES == 0, "cookies are sealed four at a time");

struct prepared {
	uint16_t id; /* 0: none */
	struct xnts_siv_key key;
};

struct ke_sealer {
	struct prepared current, next;
	int64_t switch_at;
};

struct ke_sealer *ke_sealer_new(void)
{
	return calloc(1, sizeof(struct ke_sealer));
}

void ke_sealer_free(struct ke_sealer *sealer)
{
	if (!sealer)
		return;
	OPENSSL_cleanse(sealer, sizeof(*sealer));
	free(sealer);
}

static void prepare(struct prepared *out, const struct ke_sealing_key *in)
{
	out->id = in->id;
	siv_key_init(&out->key, in->key);
}

void ke_sealer_set(struct ke_sealer *sealer, const struct ke_sealing_keys *keys)
{
	prepare(&sealer->current, &keys->current);
	prepare(&sealer->next, &keys->next);
	sealer->switch_at = keys->switch_at;
}

static const struct prepared *due(const struct ke_sealer *sealer, int64_t now)
{
	bool next = sealer->next.id && now >= sealer->switch_at;

	return next ? &sealer->next : &sealer->current;
}

int ke_sealer_seal(const struct ke_sealer *sealer, int64_t now, const uint8_t c2s[32],
		   const uint8_t s2c[32], uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN])
{
	const struct prepared *key = due(sealer, now);
	uint8_t nonces[KE_COOKIES][COOKIE_NONCE_LEN];

	if (!key->id)
		return -ENOKEY;
	if (RAND_bytes(nonces[0], sizeof(nonces)) != 1)
		return -EIO;
	for (int i = 0; i < KE_COOKIES; i += AES_LANES)
		cookies_seal(&cookies[i], &key->key, key->id, nonces[i], c2s, s2c);
	return 0;
}
