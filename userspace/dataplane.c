/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* vasprintf() */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "aes.h"
#include "carry.h"
#include "dataplane_priv.h"
#include "hw_program.h"
#include "log.h"
#include "multi.h"
#include "xnts.skel.h"

#define LAST_LINES 40 /* of what the verifier says; the reason comes last */

/* libbpf's words, the verifier's among them, are for those who ask for them. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *line, *rest;
	int lines = 0;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	for (char *c = text; *c; c++)
		lines += *c == '\n';
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line && lines-- <= LAST_LINES)
			log_debug("%s", line);
	free(text);
	return 0;
}

static int give_map(struct bpf_map *map, const char *name, int fd)
{
	int err = map && fd >= 0 ? bpf_map__reuse_fd(map, fd) : -ENOENT;

	if (err)
		log_error("%s: cannot be given to the program: %s", name, strerror(-err));
	return err;
}

/* Gives the object the pinned maps in place of new ones. */
static int reuse_maps(struct dataplane *dp)
{
	int i, err = 0;

	for (i = 0; i < PIN_COUNT && !err; i++)
		if (dp->map_fd[i] >= 0)
			err = give_map(bpf_object__find_map_by_name(dp->skel->obj, pin_map_name(i)),
				       pin_map_name(i), dp->map_fd[i]);
	return err;
}

int dataplane_share_maps(const struct dataplane *dp, struct bpf_object *obj)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, obj) {
		const char *name = bpf_map__name(map);

		if (!bpf_map__is_internal(map))
			err = give_map(map, name, bpf_object__find_map_fd_by_name(dp->skel->obj, name));
		if (err)
			break;
	}
	return err;
}

/* Pins the maps that were made by this load; those that are to replace others later. */
static int keep_new_maps(struct dataplane *dp)
{
	for (int i = 0; i < PIN_COUNT; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(dp->skel->obj, pin_map_name(i));
		int err, fd;

		if (dp->map_fd[i] >= 0)
			continue;
		fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
		dp->map_fd[i] = fd;
		err = dp->carry ? 0 : pins_add(i, fd);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The program's nonces are a counter of its own under this key, so the key is
 * drawn anew for every load and must be there before the first packet.
 */
static int fill_nonce_key(struct dataplane *dp)
{
	struct xnts_aes_key expanded;
	uint8_t key[16];
	uint32_t zero = 0;
	int err = 0;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		err = -EIO;
	if (!err) {
		aes_expand_key(&expanded, key);
		err = bpf_map_update_elem(bpf_map__fd(dp->skel->maps.xnts_nonce_key), &zero,
					  &expanded, BPF_ANY);
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(&expanded, sizeof(expanded));
	if (err)
		log_error("nonce key: cannot be set: %s", strerror(-err));
	return err;
}

/* Nobody outside knows which sources share a bucket. */
static int fill_bucket_key(struct dataplane *dp)
{
	struct xnts_bucket_key key;
	uint32_t zero = 0;
	int err = 0;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		err = -EIO;
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(dp->skel->maps.xnts_bucket_key), &zero,
					  &key, BPF_ANY);
	OPENSSL_cleanse(&key, sizeof(key));
	if (err)
		log_error("bucket key: cannot be set: %s", strerror(-err));
	return err;
}

static int load_program(struct dataplane *dp, unsigned int flags)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int err;

	libbpf_set_print(print_libbpf);
	dp->skel = xnts_bpf__open();
	if (!dp->skel)
		return -errno;
	err = reuse_maps(dp);
	if (err)
		return err;
	dp->skel->rodata->xnts_latency_on = flags & DATAPLANE_LATENCY;
	err = xnts_bpf__load(dp->skel);
	if (err) {
		log_error("program: the kernel refuses the XDP program: %s "
			  "(`[log] level = debug` shows why)", strerror(-err));
		return err;
	}
	dp->prog_fd = bpf_program__fd(dp->skel->progs.xnts_sw);
	err = bpf_obj_get_info_by_fd(dp->prog_fd, &info, &len);
	dp->prog_id = info.id;
	return err;
}

static struct dataplane *new_dataplane(void)
{
	struct dataplane *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return NULL;
	dp->prog_fd = -1;
	dp->hardware = CONFIG_HARDWARE_OFF;
	for (int i = 0; i < PIN_COUNT; i++)
		dp->map_fd[i] = -1;
	return dp;
}

static int open_pins(struct dataplane *dp, unsigned int flags)
{
	uint32_t version;
	int err = pins_version(&version);

	if (err)
		return err;
	if (!(flags & DATAPLANE_CARRY) || !version || version == XNTS_ABI_VERSION)
		return pins_open(dp->map_fd);
	err = carry_open(&dp->carry, version);
	return err ? err : pin_open(PIN_SWITCH, &dp->map_fd[PIN_SWITCH]);
}

static int load_locked(struct dataplane *dp, unsigned int flags)
{
	int err = pins_settle();

	if (!err)
		err = open_pins(dp, flags);
	if (!err)
		err = load_program(dp, flags);
	if (!err)
		err = fill_nonce_key(dp);
	if (!err)
		err = fill_bucket_key(dp);
	if (!err)
		err = keep_new_maps(dp);
	if (!err)
		err = maps_io_map(dp, true);
	if (!err)
		err = maps_io_name(dp);
	if (!err && dp->carry)
		err = carry_userspace_counters(dp->carry, dp->ke_counters, dp->daemon_counters);
	return err;
}

int dataplane_load(struct dataplane **out, unsigned int flags)
{
	struct dataplane *dp;
	int lock, err = pins_prepare();

	*out = NULL;
	if (err)
		return err;
	lock = pins_lock(); /* two at once would both make maps, and pin half of each */
	if (lock < 0)
		return lock;
	dp = new_dataplane();
	err = dp ? load_locked(dp, flags) : -ENOMEM;
	close(lock);
	if (err)
		dataplane_close(dp);
	else
		*out = dp;
	return err;
}

static int take_over_locked(struct dataplane *dp)
{
	uint32_t sealing = carry_sealing(dp->carry);
	int err;

	if (sealing && dp->keys[XNTS_KEY_SLOT(sealing)].id != sealing) {
		log_error("keys: %04x, which seals cookies under ABI version %u, is not in [keys] state: "
			  "clients would lose their cookies; import the secret, or `xntsd --unload`",
			  sealing, carry_version(dp->carry));
		return -EPROTO;
	}
	if (multi_any()) {
		log_error("an interface is attached with --multiprog, which a daemon cannot change: detach "
			  "it, start again, and attach it then");
		return -EPROTO;
	}
	err = pins_stage(dp->map_fd);
	if (!err)
		err = carry_packet_counters(dp->carry, dp->map_fd[PIN_COUNTERS]);
	if (!err)
		err = carry_phc(dp->carry, dp->map_fd[PIN_PHC]);
	if (!err)
		err = attach_update_all(dp);
	if (!err)
		err = pins_commit();
	if (err)
		pins_settle();
	return err;
}

int dataplane_take_over(struct dataplane *dp)
{
	int lock, err;

	if (!dp->carry)
		return 0;
	lock = pins_lock();
	if (lock < 0)
		return lock;
	err = take_over_locked(dp);
	close(lock);
	if (err)
		return err;
	log_info("pins: taken over from ABI version %u", carry_version(dp->carry));
	carry_close(dp->carry);
	dp->carry = NULL;
	return 0;
}

/* The kill switch is to work after a daemon that was killed; one that holds the lock lives. */
static void settle_unless_busy(void)
{
	int lock = pins_lock_now();

	if (lock < 0)
		return;
	pins_settle();
	close(lock);
}

int dataplane_open(struct dataplane **out)
{
	struct dataplane *dp = new_dataplane();
	int err = dp ? 0 : -ENOMEM;

	*out = NULL;
	settle_unless_busy();
	if (!err)
		err = pins_open(dp->map_fd);
	for (int i = 0; i < PIN_COUNT && !err; i++)
		if (dp->map_fd[i] < 0)
			err = -ENOENT;
	if (!err)
		err = maps_io_map(dp, false);
	if (err)
		dataplane_close(dp);
	else
		*out = dp;
	return err;
}

void dataplane_close(struct dataplane *dp)
{
	if (!dp)
		return;
	carry_close(dp->carry);
	maps_io_unmap(dp);
	pins_close(dp->map_fd);
	hw_programs_free(dp);
	xnts_bpf__destroy(dp->skel);
	free(dp);
}

int dataplane_unload(void)
{
	int lock = pins_lock(), err;

	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	err = attach_detach_all();
	if (!err)
		err = pins_remove();
	close(lock);
	return err;
}

int dataplane_local4_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_LOCAL4];
}

int dataplane_local6_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_LOCAL6];
}

int dataplane_phc_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_PHC];
}

int dataplane_lists4_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_LISTS4];
}

int dataplane_lists6_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_LISTS6];
}

int dataplane_ke_counters_fd(const struct dataplane *dp)
{
	return dp->map_fd[PIN_KE_COUNTERS];
}
