/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pins that take the place of another version's.  Whoever does that may be killed after any step, so
 * the next one can tell from the pins how far it came.  The new maps are pinned as next_NAME,
 * the configuration first and, to go back, removed last; renaming it over the old one, by
 * which all tell the version, is the commit; the others follow.
 *
 *   next_config is there         not committed: all that is staged goes
 *   other pins of next_ alone    committed: they are renamed as well
 */
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

static bool is_staged(const char *entry)
{
	return !strncmp(entry, NEXT_PREFIX, strlen(NEXT_PREFIX));
}

bool pins_unknown(char *name)
{
	DIR *dir = opendir(XNTS_PIN_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		found = !pin_is_known(entry->d_name);
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
		if (!pin_is_known(entry->d_name) && !is_staged(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* The path of a staged pin; the configuration's when there is no other. */
static bool find_staged(char *next)
{
	char config[PIN_PATH];
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(XNTS_PIN_DIR);

	next_path(PIN_CONFIG, config);
	while (dir && (!found || !strcmp(next, config)) && (entry = readdir(dir))) {
		if (!is_staged(entry->d_name))
			continue;
		found = true;
		snprintf(next, PIN_PATH, XNTS_PIN_DIR "/%.*s", PIN_PATH / 2, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int failed(const char *path, const char *what)
{
	int err = -errno;

	log_error("%s: cannot be %s: %s", path, what, strerror(-err));
	return err;
}

static int roll_back(void)
{
	char next[PIN_PATH];

	while (find_staged(next))
		if (unlink(next))
			return failed(next, "removed");
	return 0;
}

/* What this version does not know goes first: as long as a pin is staged, this is done again. */
static int roll_forward(void)
{
	char next[PIN_PATH], path[PIN_PATH];
	uint32_t version;

	if (!find_staged(next))
		return 0;
	if (!pins_version(&version) && version == XNTS_ABI_VERSION)
		remove_unknown();
	while (find_staged(next)) {
		snprintf(path, sizeof(path), XNTS_PIN_DIR "/%s",
			 next + strlen(XNTS_PIN_DIR "/" NEXT_PREFIX));
		if (rename(next, path))
			return failed(path, "replaced");
	}
	return 0;
}

int pins_settle(void)
{
	char next[PIN_PATH];

	next_path(PIN_CONFIG, next);
	if (!access(next, F_OK))
		return roll_back();
	return errno == ENOENT ? roll_forward() : failed(next, "looked at");
}

int pins_stage(const int map_fd[PIN_COUNT])
{
	char path[PIN_PATH];
	int err = 0;

	for (int i = 0; i < PIN_COUNT && !err; i++) {
		enum pin pin = (PIN_CONFIG + i) % PIN_COUNT;

		next_path(pin, path);
		err = bpf_obj_pin(map_fd[pin], path);
		if (err)
			log_error("%s: cannot pin: %s", path, strerror(-err));
	}
	return err;
}

int pins_commit(void)
{
	char path[PIN_PATH], next[PIN_PATH];

	next_path(PIN_CONFIG, next);
	pin_path(PIN_CONFIG, path);
	return rename(next, path) ? failed(path, "replaced") : roll_forward();
}
