/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file: any text.  It is taken, with every value within its bounds, or
 * refused with an error that names the file.
 */
#define _GNU_SOURCE /* as config.c: memfd_create() */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.c"
#include "config_address.c"
#include "config_table.c"
#include "config_value.c"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static bool is_text(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static void check_number(const struct config_entry *entry, const struct config *config)
{
	const void *at = (const char *)config + entry->offset;
	int64_t value;

	if (entry->parse == parse_number || entry->parse == parse_duration ||
	    entry->parse == parse_interval)
		value = *(const uint32_t *)at;
	else if (entry->parse == parse_signed)
		value = *(const int32_t *)at;
	else
		return;
	/* 0 when unset */
	MUST((value >= entry->min && value <= entry->max) || (!entry->fallback[0] && !value));
}

static void check(const struct config *config)
{
	for (size_t i = 0; i < config_table_len; i++)
		check_number(&config_table[i], config);
	MUST(config->ntp.ports.count >= 1 && config->ntp.ports.count <= XNTS_PORTS);
	MUST(config->ntp.addresses.automatic == !config->ntp.addresses.count);
	MUST(config->ntp.addresses.count <= CONFIG_PREFIXES);
	MUST(!config->limits.allow.automatic && config->limits.allow.count <= CONFIG_PREFIXES);
	MUST(!config->limits.refuse.automatic && config->limits.refuse.count <= CONFIG_PREFIXES);
	MUST(is_text(config->limits.allow_file, PATH_MAX));
	MUST(is_text(config->limits.refuse_file, PATH_MAX));
	MUST(config->ntp.interfaces.count <= CONFIG_INTERFACES);
	MUST(config->ntp.macs.count <= XNTS_MACS);
	MUST(config->ke.listen.count >= 1 && config->ke.listen.count <= CONFIG_LISTENERS);
	for (unsigned int i = 0; i < config->ntp.interfaces.count; i++)
		MUST(is_text(config->ntp.interfaces.item[i], IFNAMSIZ));
	MUST(!config->ke.enabled || (config->ke.certificate[0] && config->ke.key[0]));
	MUST(is_text(config->ke.certificate, PATH_MAX) && is_text(config->ke.key, PATH_MAX));
	MUST(is_text(config->ke.user, CONFIG_NAME) && is_text(config->ke.ntp_server, CONFIG_NAME));
	MUST(config->keys.state[0] == '/' && is_text(config->keys.state, PATH_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static struct config_error err;
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("xnts.conf", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	MUST(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	memset(&config, 0xff, sizeof(config));
	if (config_load(path, &config, &err))
		MUST(!strncmp(err.text, path, strlen(path)) && is_text(err.text, sizeof(err.text)));
	else
		check(&config);
	return 0;
}
