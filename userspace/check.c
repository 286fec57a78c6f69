/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "config.h"
#include "dataplane.h"
#include "ke.h"
#include "ke_pem.h"
#include "keys.h"
#include "lists.h"
#include "log.h"

int check_interfaces(const struct config *cfg)
{
	char where[CONFIG_WHERE];

	for (unsigned int i = 0; i < cfg->ntp.interfaces.count; i++) {
		const char *name = cfg->ntp.interfaces.item[i];

		/* A pinned link waits for its device to come back. */
		if (if_nametoindex(name) || dataplane_has_link(name))
			continue;
		log_error("%s: %s: no such interface", config_where(cfg, "ntp", "interfaces", where), name);
		return -ENODEV;
	}
	return 0;
}

/* Is the sysctl of lo on, or the family missing? */
static bool lo_forwards(const struct config *cfg, const char *family)
{
	char path[64], where[CONFIG_WHERE];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/lo/forwarding", family);
	file = fopen(path, "re");
	if (!file)
		return true;
	c = fgetc(file);
	fclose(file);
	if (c != '0')
		return true;
	log_error("%s: fib needs `sysctl net.%s.conf.lo.forwarding=1`: the kernel looks up no route "
		  "otherwise", config_where(cfg, "ntp", "next_hop", where), family);
	return false;
}

int check_next_hop(const struct config *cfg)
{
	if (!cfg->ntp.next_hop_fib || (lo_forwards(cfg, "ipv4") && lo_forwards(cfg, "ipv6")))
		return 0;
	return -EINVAL;
}

int check_lists(const struct config *cfg, struct lists **out)
{
	struct config_error error;
	int err = lists_read(out, &cfg->limits, &error);

	if (err)
		log_error("%s", error.text);
	return err;
}

static int check_certificate(const struct config *cfg, unsigned int i)
{
	const struct ke_config *ke = &cfg->ke;
	char where[CONFIG_WHERE];
	char reason[KE_PEM_REASON], warning[TLS_REASON];
	struct ke_pem *pem = ke_pem_load(ke_chain_path(ke, i), ke_key_path(ke, i), reason, warning);

	if (!pem) {
		config_where(cfg, "ke", i ? "more_certificates" : "certificate", where);
		log_error("%s: %s", where, reason);
		return -EINVAL;
	}
	if (*warning)
		log_warning("%s: %s", ke_chain_path(ke, i), warning);
	ke_pem_free(pem);
	return 0;
}

static int check_ke(const struct config *cfg)
{
	uid_t uid;
	gid_t gid;
	int err = ke_find_user(cfg, &uid, &gid);

	for (unsigned int i = 0; !err && i < 1 + cfg->ke.more.count; i++)
		err = check_certificate(cfg, i);
	return err;
}

/* Who is not root learns nothing here of what xntsd may write. */
static int check_keys_place(const struct config *cfg)
{
	char where[CONFIG_WHERE];
	int err = keys_place(cfg->keys.state);

	if (!err || (err == -EACCES && geteuid()))
		return 0;
	log_error("%s: %s: no keys can be kept there: %s", config_where(cfg, "keys", "state", where),
		  cfg->keys.state, strerror(-err));
	return err;
}

static int check_keys(const struct config *cfg)
{
	struct keys *keys;
	int err = keys_open(&keys, &cfg->keys);

	if (err)
		return err;
	keys_close(keys);
	return check_keys_place(cfg);
}

int check_config(const char *path, struct config *cfg)
{
	struct config_error error;
	struct lists *lists = NULL;
	int err = config_load(path, cfg, &error);

	if (err)
		log_error("%s", error.text);
	if (!err)
		err = check_lists(cfg, &lists);
	lists_free(lists);
	if (!err && cfg->ke.enabled)
		err = check_ke(cfg);
	if (!err)
		err = check_keys(cfg);
	if (!err)
		err = check_interfaces(cfg);
	if (!err)
		err = check_next_hop(cfg);
	if (!err)
		printf("%s: ok\n", path);
	return err;
}
