/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* O_DIRECTORY */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"
#include "pins.h"
#include "xnts_abi.h"

#define BPFFS "/sys/fs/bpf"
#define LINK_PREFIX "link_"
#define MULTI_PREFIX "multi_"

/* What xnts_abi.h promises of each map. */
static const struct shape {
	const char *map; /* its pin is called so without "xnts_" */
	uint32_t type, key, value, entries, flags;
} shapes[PIN_COUNT] = {
	[PIN_SWITCH] = { "xnts_switch", BPF_MAP_TYPE_ARRAY, 4, sizeof(uint32_t), 1, 0 },
	[PIN_CONFIG] = { "xnts_config", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_config), 1, 0 },
	[PIN_CLOCK] = { "xnts_clock", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_clock), 1,
			BPF_F_MMAPABLE },
	[PIN_LOCAL4] = { "xnts_local4", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xnts_lpm4), 4,
			 XNTS_MAX_LOCAL, BPF_F_NO_PREALLOC },
	[PIN_LOCAL6] = { "xnts_local6", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xnts_lpm6), 4,
			 XNTS_MAX_LOCAL, BPF_F_NO_PREALLOC },
	[PIN_LISTS4] = { "xnts_lists4", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xnts_lpm4), 4,
			 XNTS_MAX_LISTED, BPF_F_NO_PREALLOC },
	[PIN_LISTS6] = { "xnts_lists6", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct xnts_lpm6), 4,
			 XNTS_MAX_LISTED, BPF_F_NO_PREALLOC },
	[PIN_COUNTERS] = { "xnts_counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
			   sizeof(struct xnts_counters), 1, 0 },
	[PIN_KE_COUNTERS] = { "xnts_ke_counters", BPF_MAP_TYPE_ARRAY, 4,
			      sizeof(struct xnts_ke_counters), XNTS_KE_WORKERS, BPF_F_MMAPABLE },
	[PIN_DAEMON_COUNTERS] = { "xnts_daemon_counters", BPF_MAP_TYPE_ARRAY, 4,
				  sizeof(struct xnts_daemon_counters), 1, BPF_F_MMAPABLE },
	[PIN_KE_STATE] = { "xnts_ke_state", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_ke_state), 1, 0 },
	[PIN_LATENCY] = { "xnts_latency", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct xnts_latency),
			  1, 0 },
	[PIN_KEYS] = { "xnts_keys", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_cookie_key),
		       XNTS_KEY_SLOTS, BPF_F_MMAPABLE },
	[PIN_KEY_STATE] = { "xnts_key_state", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_key_state),
			    1, BPF_F_MMAPABLE },
	[PIN_PHC] = { "xnts_phc", BPF_MAP_TYPE_HASH, 4, sizeof(struct xnts_phc), XNTS_MAX_PHC, 0 },
	[PIN_NAMES] = { "xnts_names", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct xnts_names), 1, 0 },
};

#define WHAT_TO_DO \
	"run the xntsd that made it, or `xntsd --unload` " \
	"(stops answering, forgets counters) and start again"

const char *pin_map_name(enum pin pin)
{
	return shapes[pin].map;
}

void pin_path(enum pin pin, char *path)
{
	snprintf(path, PIN_PATH, XNTS_PIN_DIR "/%s", shapes[pin].map + strlen("xnts_"));
}

size_t pin_map_bytes(enum pin pin)
{
	/* Array elements are 8 bytes apart or a multiple. */
	size_t page = sysconf(_SC_PAGESIZE), stride = (shapes[pin].value + 7) & ~7U;

	return (stride * shapes[pin].entries + page - 1) / page * page;
}

/* bpffs keeps '.' in names for itself; ':' cannot occur in an interface's name. */
static void ifname_path(const char *prefix, const char *ifname, char *path)
{
	int n = snprintf(path, PIN_PATH, XNTS_PIN_DIR "/%s", prefix);

	snprintf(path + n, PIN_PATH - n, "%s", ifname);
	for (char *c = path + n; *c; c++)
		if (*c == '.')
			*c = ':';
}

void pin_link_path(const char *ifname, char *path)
{
	ifname_path(LINK_PREFIX, ifname, path);
}

void pin_multi_path(const char *ifname, char *path)
{
	ifname_path(MULTI_PREFIX, ifname, path);
}

static int path_ifname(const char *prefix, const char *entry, char *ifname)
{
	size_t len = strlen(prefix);

	if (strncmp(entry, prefix, len) || strlen(entry) - len >= IF_NAMESIZE)
		return -ENOENT;
	strcpy(ifname, entry + len);
	for (char *c = ifname; *c; c++)
		if (*c == ':')
			*c = '.';
	return 0;
}

int pin_link_ifname(const char *entry, char *ifname)
{
	return path_ifname(LINK_PREFIX, entry, ifname);
}

int pin_multi_ifname(const char *entry, char *ifname)
{
	return path_ifname(MULTI_PREFIX, entry, ifname);
}

int pins_prepare(void)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs)) {
		int err = -errno;

		log_error("%s: %s: does this kernel have BPF, is sysfs mounted?", BPFFS,
			  strerror(-err));
		return err;
	}
	if (fs.f_type != BPF_FS_MAGIC &&
	    mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		int err = -errno;

		log_error("%s: cannot mount bpffs: %s", BPFFS, strerror(-err));
		return err;
	}
	if (mkdir(XNTS_PIN_DIR, 0700) && errno != EEXIST) {
		int err = -errno;

		log_error("%s: cannot create: %s", XNTS_PIN_DIR, strerror(-err));
		return err;
	}
	return 0;
}

static int lock(int operation)
{
	int err, fd = open(XNTS_PIN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, operation))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int pins_lock(void)
{
	int fd = lock(LOCK_EX);

	if (fd < 0 && fd != -ENOENT)
		log_error("%s: cannot be locked: %s", XNTS_PIN_DIR, strerror(-fd));
	return fd;
}

int pins_lock_now(void)
{
	return lock(LOCK_EX | LOCK_NB);
}

/* Whatever else the map is, its first member says which contract it was made for. */
static int read_version(int fd, const struct bpf_map_info *info, uint32_t *version)
{
	uint32_t *value, key = 0;

	value = calloc(1, info->value_size < sizeof(*value) ? sizeof(*value) : info->value_size);
	if (!value)
		return -ENOMEM;
	*version = bpf_map_lookup_elem(fd, &key, value) ? 0 : *value;
	free(value);
	return 0;
}

static int check_abi_version(int fd, const struct bpf_map_info *info, const char *path)
{
	uint32_t version;
	int err = read_version(fd, info, &version);

	if (err || !version || version == XNTS_ABI_VERSION) /* 0: not filled yet */
		return err;
	log_error("%s: pinned with ABI version %u, this program has %u: start this version's daemon, "
		  "which takes over, or " WHAT_TO_DO, path, version, XNTS_ABI_VERSION);
	return -EPROTO;
}

static int check_shape(const struct bpf_map_info *info, const struct shape *want, const char *path)
{
	if (info->type == want->type && info->key_size == want->key &&
	    info->value_size == want->value && info->max_entries == want->entries &&
	    info->map_flags == want->flags)
		return 0;
	log_error("%s: found a map of type %u, key %u, value %u bytes, %u entries, flags %#x; "
		  "expected type %u, key %u, value %u, %u entries, flags %#x: " WHAT_TO_DO,
		  path, info->type, info->key_size, info->value_size, info->max_entries,
		  info->map_flags, want->type, want->key, want->value, want->entries, want->flags);
	return -EPROTO;
}

static int check_pin(enum pin pin, int fd, const char *path)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (err) {
		log_error("%s: not a map: %s", path, strerror(-err));
		return err;
	}
	if (pin == PIN_CONFIG)
		err = check_abi_version(fd, &info, path);
	return err ? err : check_shape(&info, &shapes[pin], path);
}

int pin_open(enum pin pin, int *out)
{
	char path[PIN_PATH];
	int fd, err;

	pin_path(pin, path);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		log_error("%s: cannot open: %s", path, strerror(-fd));
		return fd;
	}
	err = check_pin(pin, fd, path);
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

int pins_open(int fd[PIN_COUNT])
{
	int err;

	for (int i = 0; i < PIN_COUNT; i++)
		fd[i] = -1;
	/* The version first: it explains every other difference. */
	err = pin_open(PIN_CONFIG, &fd[PIN_CONFIG]);
	for (int i = 0; i < PIN_COUNT && !err; i++)
		if (i != PIN_CONFIG)
			err = pin_open(i, &fd[i]);
	if (err)
		pins_close(fd);
	return err;
}

int pins_open_any(int fd[PIN_COUNT])
{
	char path[PIN_PATH];

	for (int i = 0; i < PIN_COUNT; i++)
		fd[i] = -1;
	for (int i = 0; i < PIN_COUNT; i++) {
		pin_path(i, path);
		fd[i] = bpf_obj_get(path);
		if (fd[i] < 0 && fd[i] != -ENOENT) {
			int err = fd[i];

			log_error("%s: cannot open: %s", path, strerror(-err));
			pins_close(fd);
			return err;
		}
	}
	return 0;
}

int pins_version(uint32_t *version)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PIN_PATH];
	int fd, err;

	*version = 0;
	pin_path(PIN_CONFIG, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err)
		err = read_version(fd, &info, version);
	close(fd);
	return err;
}

bool pin_is_known(const char *entry)
{
	char ifname[IF_NAMESIZE];

	for (int i = 0; i < PIN_COUNT; i++)
		if (!strcmp(entry, shapes[i].map + strlen("xnts_")))
			return true;
	return entry[0] == '.' || !pin_link_ifname(entry, ifname) || !pin_multi_ifname(entry, ifname);
}

int pins_add(enum pin pin, int map_fd)
{
	char path[PIN_PATH];
	int err;

	pin_path(pin, path);
	err = bpf_obj_pin(map_fd, path);
	if (err)
		log_error("%s: cannot pin: %s", path, strerror(-err));
	return err;
}

void pins_close(int fd[PIN_COUNT])
{
	for (int i = 0; i < PIN_COUNT; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

int pins_remove(void)
{
	DIR *dir = opendir(XNTS_PIN_DIR);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0))
			err = -errno;
	closedir(dir);
	if (!err && rmdir(XNTS_PIN_DIR))
		err = -errno;
	if (err)
		log_error("%s: cannot be removed: %s", XNTS_PIN_DIR, strerror(-err));
	return err;
}
