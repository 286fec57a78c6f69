/* SPDX-License-Identifier: GPL-2.0 */
/* A configuration file of its own, for cmocka tests (include cmocka.h first). */
#ifndef XNTS_TEST_CONFIG_FILE_H
#define XNTS_TEST_CONFIG_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static char dir[] = "/tmp/xnts-test-config.XXXXXX";
static char path[64];
static struct config config;
static struct config_error err;

static inline int make_dir(void **unused)
{
	(void)unused;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/xnts.conf", dir);
	return 0;
}

static inline int remove_dir(void **unused)
{
	(void)unused;
	unlink(path);
	return rmdir(dir);
}

static inline int load_bytes(const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	memset(&config, 0xff, sizeof(config));
	return config_load(path, &config, &err);
}

static inline int load(const char *text)
{
	return load_bytes(text, strlen(text));
}

static inline void expect_error(const char *text, const char *expected)
{
	char full[sizeof(err.text)];

	assert_int_equal(load(text), -EINVAL);
	snprintf(full, sizeof(full), "%s%s", path, expected);
	assert_string_equal(err.text, full);
}

#endif /* XNTS_TEST_CONFIG_FILE_H */
