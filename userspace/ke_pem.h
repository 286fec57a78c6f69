/* SPDX-License-Identifier: GPL-2.0 */
/* The certificate and key files, and how they are seen to have changed. */
#ifndef XNTS_KE_PEM_H
#define XNTS_KE_PEM_H

#include <stdbool.h>
#include <sys/stat.h>

#include "config.h"
#include "ke_control.h"
#include "tls.h"

/* What tells a file from its successor; links are followed, so a replaced link counts too. */
struct ke_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct ke_stamps {
	struct ke_stamp chain, key; /* zero: the file cannot be looked at */
};

void ke_stamps_take(struct ke_stamps *stamps, const char *chain_path, const char *key_path);
bool ke_stamps_equal(const struct ke_stamps *a, const struct ke_stamps *b);

/* The i-th certificate's files: 0 is that of `certificate` and `key`, the others follow. */
static inline const char *ke_chain_path(const struct ke_config *cfg, unsigned int i)
{
	return i ? cfg->more.item[i - 1].chain : cfg->certificate;
}

static inline const char *ke_key_path(const struct ke_config *cfg, unsigned int i)
{
	return i ? cfg->more.item[i - 1].key : cfg->key;
}

struct ke_pem {
	char chain[KE_MAX_PEM], key[KE_MAX_PEM];
	struct tls_pem text; /* points into the above */
	int64_t expires;     /* tls_expiry() */
};

/*
 * Reads both files and makes sure that TLS can use them.  NULL: the reason, naming the
 * file, is in `reason`.  `warning` is what to tell the operator of usable ones, "" for nothing.
 */
#define KE_PEM_REASON 4608 /* two paths and a sentence */
struct ke_pem *ke_pem_load(const char *chain_path, const char *key_path, char reason[KE_PEM_REASON],
			   char warning[TLS_REASON]);

/* Wipes and frees.  NULL is allowed. */
void ke_pem_free(struct ke_pem *pem);

#endif /* XNTS_KE_PEM_H */
