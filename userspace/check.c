/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <net/if.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "config.h"
#include "dataplane.h"
#include "keys.h"
#include "tls.h"

#define PEM_MAX 65536 /* bytes of a certificate chain or key that is taken */

int check_interfaces(const struct config *cfg)
{
	for (unsigned int i = 0; i < cfg->ntp.interfaces.count; i++) {
		const char *name = cfg->ntp.interfaces.item[i];

		/* A pinned link waits for its device to come back. */
		if (if_nametoindex(name) || dataplane_has_link(name))
			continue;
		log_error("[ntp] interfaces: %s: no such interface", name);
		return -ENODEV;
	}
	return 0;
}

/* Returns the length, or a negative errno, logged. */
static ssize_t read_pem(const char *path, char *pem)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file) {
		log_error("%s: %s", path, strerror(errno));
		return errno ? -errno : -EIO;
	}
	setvbuf(file, NULL, _IONBF, 0); /* no copy of a key in a buffer that nobody wipes */
	len = fread(pem, 1, PEM_MAX, file);
	if (ferror(file) || len == PEM_MAX) {
		log_error("%s: cannot be read, or longer than %d bytes", path, PEM_MAX - 1);
		len = 0;
	}
	fclose(file);
	return len ? (ssize_t)len : -EIO;
}

static int check_pem(const struct ke_config *ke, const struct tls_pem *pem)
{
	char reason[TLS_REASON];
	SSL_CTX *ctx = tls_server(pem, reason);

	if (!ctx) {
		log_error("%s, %s: %s", ke->certificate, ke->key, reason);
		return -EINVAL;
	}
	if (tls_warning(ctx, reason))
		log_warning("%s: %s", ke->certificate, reason);
	SSL_CTX_free(ctx);
	return 0;
}

static int check_certificate(const struct ke_config *ke)
{
	char *chain = malloc(PEM_MAX), *key = malloc(PEM_MAX);
	ssize_t chain_len = -ENOMEM, key_len = -ENOMEM;
	int err;

	if (chain && key) {
		chain_len = read_pem(ke->certificate, chain);
		key_len = chain_len < 0 ? chain_len : read_pem(ke->key, key);
	}
	if (chain_len < 0 || key_len < 0)
		err = key_len;
	else
		err = check_pem(ke, &(struct tls_pem){ chain, chain_len, key, key_len });
	if (key)
		OPENSSL_cleanse(key, PEM_MAX);
	free(key);
	free(chain);
	return err;
}

static int check_keys(const struct keys_config *cfg)
{
	struct keys *keys;
	int err = keys_open(&keys, cfg);

	if (!err)
		keys_close(keys);
	return err;
}

int check_config(const char *path, struct config *cfg)
{
	struct config_error error;
	int err = config_load(path, cfg, &error);

	if (err)
		log_error("%s", error.text);
	if (!err && cfg->ke.enabled)
		err = check_certificate(&cfg->ke);
	if (!err)
		err = check_keys(&cfg->keys);
	if (!err)
		err = check_interfaces(cfg);
	if (!err)
		printf("%s: ok\n", path);
	return err;
}
