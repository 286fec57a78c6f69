/* SPDX-License-Identifier: GPL-2.0 */
/* Pins that take the place of another version's. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "pins.h"
#include "xnts_abi.h"

#define NEXT_PREFIX "next_" /* a pin about to replace another */

bool pins_unknown(char *name)
{
	DIR *dir = opendir(XNTS_PIN_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		/* Left behind by one that was killed before pins_commit(). */
		found = !pin_is_known(entry->d_name) &&
			strncmp(entry->d_name, NEXT_PREFIX, strlen(NEXT_PREFIX));
		if (found)
			snprintf(name, PIN_PATH, "%.*s", PIN_PATH - 1, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void next_path(enum pin pin, char *path)
{
	snprintf(path, PIN_PATH, XNTS_PIN_DIR "/" NEXT_PREFIX "%s",
		 pin_map_name(pin) + strlen("xnts_"));
}

static void remove_unknown(void)
{
	DIR *dir = opendir(XNTS_PIN_DIR);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!pin_is_known(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int pins_stage(const int map_fd[PIN_COUNT])
{
	char path[PIN_PATH];
	int err = 0;

	for (int i = 0; i < PIN_COUNT && !err; i++) {
		next_path(i, path);
		unlink(path); /* of one that was killed in between */
		err = bpf_obj_pin(map_fd[i], path);
		if (err)
			log_error("%s: cannot pin: %s", path, strerror(-err));
	}
	return err;
}

int pins_commit(void)
{
	char path[PIN_PATH], next[PIN_PATH];

	for (int i = 0; i < PIN_COUNT; i++) {
		next_path(i, next);
		pin_path(i, path);
		if (rename(next, path)) {
			int err = -errno;

			log_error("%s: cannot be replaced: %s", path, strerror(-err));
			return err;
		}
	}
	remove_unknown();
	return 0;
}
