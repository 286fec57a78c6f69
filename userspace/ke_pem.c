/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

static void take(struct ke_stamp *stamp, const char *path)
{
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (stat(path, &st))
		return;
	stamp->dev = st.st_dev;
	stamp->ino = st.st_ino;
	stamp->size = st.st_size;
	stamp->mtime = st.st_mtim;
	stamp->ctime = st.st_ctim;
}

void ke_stamps_take(struct ke_stamps *stamps, const char *chain_path, const char *key_path)
{
	take(&stamps->chain, chain_path);
	take(&stamps->key, key_path);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct ke_stamp *a, const struct ke_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

bool ke_stamps_equal(const struct ke_stamps *a, const struct ke_stamps *b)
{
	return same(&a->chain, &b->chain) && same(&a->key, &b->key);
}

/* Reads a whole regular file of less than KE_MAX_PEM bytes; anything else is no PEM file. */
static ssize_t read_file(const char *path, char buf[KE_MAX_PEM])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = 0, total = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	while (total < KE_MAX_PEM && (n = read(fd, buf + total, KE_MAX_PEM - (size_t)total)) > 0)
		total += n;
	if (n < 0)
		total = -errno;
	else if (total == KE_MAX_PEM)
		total = -EFBIG;
	close(fd);
	return total;
}

static bool read_pem(const char *path, char buf[KE_MAX_PEM], size_t *len,
		     char reason[KE_PEM_REASON])
{
	ssize_t n = read_file(path, buf);

	*len = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		snprintf(reason, KE_PEM_REASON, "cannot read %s: %s", path, strerror((int)-n));
	return n >= 0;
}

static bool usable(struct ke_pem *pem, const char *chain_path, const char *key_path,
		   char reason[KE_PEM_REASON], char warning[TLS_REASON])
{
	char why[TLS_REASON];
	SSL_CTX *ctx = tls_server(&pem->text, why);

	if (!ctx) {
		snprintf(reason, KE_PEM_REASON, "certificate %s, key %s: %s", chain_path, key_path,
			 why);
		return false;
	}
	if (!tls_warning(ctx, warning))
		warning[0] = 0;
	pem->expires = tls_expiry(ctx);
	SSL_CTX_free(ctx);
	return true;
}

struct ke_pem *ke_pem_load(const char *chain_path, const char *key_path, char reason[KE_PEM_REASON],
			   char warning[TLS_REASON])
{
	struct ke_pem *pem = calloc(1, sizeof(*pem));

	if (!pem) {
		snprintf(reason, KE_PEM_REASON, "out of memory");
		return NULL;
	}
	pem->text.chain = pem->chain;
	pem->text.key = pem->key;
	if (read_pem(chain_path, pem->chain, &pem->text.chain_len, reason) &&
	    read_pem(key_path, pem->key, &pem->text.key_len, reason) &&
	    usable(pem, chain_path, key_path, reason, warning))
		return pem;
	ke_pem_free(pem);
	return NULL;
}

void ke_pem_free(struct ke_pem *pem)
{
	if (!pem)
		return;
	OPENSSL_cleanse(pem, sizeof(*pem));
	free(pem);
}
