/* SPDX-License-Identifier: GPL-2.0 */
/* What a worker knows of the cookie keys: the one that seals now, and the one that will. */
#ifndef XNTS_KE_SEAL_H
#define XNTS_KE_SEAL_H

#include "ke.h"
#include "ke_record.h"

struct ke_sealer;

/* A sealer without keys.  NULL: out of memory. */
struct ke_sealer *ke_sealer_new(void);

/* Wipes and frees.  NULL is allowed. */
void ke_sealer_free(struct ke_sealer *sealer);

/* Replaces the keys; the caller wipes its copy. */
void ke_sealer_set(struct ke_sealer *sealer, const struct ke_sealing_keys *keys);

/*
 * Seals fresh cookies of one client's keys (32 bytes each) with the key that is due at
 * `now` (UTC, s since 1970).  0, -ENOKEY without a key, -EIO without randomness.
 */
int ke_sealer_seal(const struct ke_sealer *sealer, int64_t now, const uint8_t c2s[32],
		   const uint8_t s2c[32], uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN]);

#endif /* XNTS_KE_SEAL_H */
