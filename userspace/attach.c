/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Links of the program to interfaces.  The pins are the list of what is attached: there is no
 * other record, so that a restarted daemon and the scripts always agree.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane_priv.h"
#include "hw_program.h"
#include "log.h"
#include "multi.h"

static const char *mode_name(enum config_mode mode)
{
	return mode == CONFIG_MODE_NATIVE ? "native" : "generic";
}

static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

enum config_mode attach_mode(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query))
		return CONFIG_MODE_AUTO;
	if (query.attach_mode == XDP_ATTACHED_SKB)
		return CONFIG_MODE_GENERIC;
	return query.attach_mode == XDP_ATTACHED_DRV ? CONFIG_MODE_NATIVE : CONFIG_MODE_AUTO;
}

static int report_foreign(const char *ifname, int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t id = 0;

	if (!bpf_xdp_query(ifindex, 0, &query))
		id = query.prog_id ? query.prog_id
		     : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	log_error("%s: XDP program id %u, which is not of these pins, is attached already: "
		  "see `bpftool net show`, detach it, and try again", ifname, id);
	return -EBUSY;
}

static int create_link(int prog_fd, int ifindex, enum config_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == CONFIG_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);

	return bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);
}

/* Returns the link's descriptor; *mode says what was asked and then what was obtained. */
static int create_best_link(int prog_fd, const char *ifname, int ifindex, enum config_mode *mode)
{
	enum config_mode asked = *mode;
	int fd;

	*mode = asked == CONFIG_MODE_GENERIC ? CONFIG_MODE_GENERIC : CONFIG_MODE_NATIVE;
	fd = create_link(prog_fd, ifindex, *mode);
	/* A program in the other mode is refused with EEXIST, one in the same with EBUSY. */
	if (fd >= 0 || fd == -EBUSY || fd == -EEXIST || asked != CONFIG_MODE_AUTO)
		return fd;
	log_warning("%s: the driver refuses native XDP (%s): falling back to GENERIC mode, "
		    "several times slower", ifname, strerror(-fd));
	*mode = CONFIG_MODE_GENERIC;
	return create_link(prog_fd, ifindex, *mode);
}

/* With the NIC's stamps.  Anything but EBUSY and EEXIST: try without. */
static int create_hw_link(struct dataplane *dp, const char *ifname, int ifindex, enum config_mode mode)
{
	uint32_t id;
	int fd = hw_program(dp, ifname, ifindex, mode, &id);

	if (fd < 0)
		return -EOPNOTSUPP;
	fd = create_link(fd, ifindex, CONFIG_MODE_NATIVE);
	if (fd < 0)
		hw_program_refuse(dp, ifname, ifindex, fd);
	return fd;
}

static int attach_new(struct dataplane *dp, const char *ifname, const char *path,
		      enum config_mode mode)
{
	int ifindex = if_nametoindex(ifname);
	int fd, err;

	if (!ifindex) {
		log_error("%s: no such interface", ifname);
		return -ENODEV;
	}
	fd = create_hw_link(dp, ifname, ifindex, mode);
	if (fd >= 0)
		mode = CONFIG_MODE_NATIVE;
	else if (fd != -EBUSY && fd != -EEXIST)
		fd = create_best_link(dp->prog_fd, ifname, ifindex, &mode);
	if (fd == -EBUSY || fd == -EEXIST)
		return report_foreign(ifname, ifindex);
	if (fd < 0) {
		log_error("%s: cannot attach in %s mode: %s", ifname, mode_name(mode), strerror(-fd));
		return fd;
	}
	err = bpf_obj_pin(fd, path);
	close(fd); /* unpinned, this detaches again */
	if (err)
		log_error("%s: cannot pin: %s", path, strerror(-err));
	else
		log_info("%s: attached in %s mode", ifname, mode_name(mode));
	return err;
}

/*
 * Opens the pinned link of an interface.  -ENOENT: there is none that is good, because its
 * device went away (ifindex 0), or the name now belongs to another device.
 */
static int open_link(const char *ifname, const char *path, struct bpf_link_info *info)
{
	int err, fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	err = link_info(fd, info);
	if (!err && info->xdp.ifindex && info->xdp.ifindex == if_nametoindex(ifname))
		return fd;
	close(fd);
	return err ? err : -ENOENT;
}

/* Swaps the program of a link, atomically: every packet meets the old or the new one. */
static int update_link(struct dataplane *dp, const char *ifname, int fd,
		       const struct bpf_link_info *info)
{
	enum config_mode mode = attach_mode(info->xdp.ifindex);
	uint32_t id = dp->prog_id;
	int hw = -EOPNOTSUPP, err;

	if (mode != CONFIG_MODE_AUTO)
		hw = hw_program(dp, ifname, info->xdp.ifindex, mode, &id);
	if (info->prog_id == id)
		return 0;
	err = hw < 0 ? -EOPNOTSUPP : bpf_link_update(fd, hw, NULL);
	if (err) {
		if (hw >= 0)
			hw_program_refuse(dp, ifname, info->xdp.ifindex, err);
		id = dp->prog_id;
		err = bpf_link_update(fd, dp->prog_fd, NULL);
	}
	if (!err)
		log_info("%s: program %u replaced by %u, %s mode as before", ifname, info->prog_id,
			 id, mode_name(mode));
	return err == -ENOLINK ? -ENOENT : err;
}

int attach_update_all(struct dataplane *dp)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS);
	bool any = false;

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		struct bpf_link_info info;
		char path[PIN_PATH];
		int err, fd;

		pin_link_path(links[i].ifname, path);
		fd = open_link(links[i].ifname, path, &info);
		if (fd < 0)
			continue; /* severed */
		err = update_link(dp, links[i].ifname, fd, &info);
		close(fd);
		if (err && err != -ENOENT)
			log_error("%s: cannot update: %s", path, strerror(-err));
		if (err && err != -ENOENT && !any)
			return err;
		any = true;
	}
	return 0;
}

/* Detaches as well: a link without a pin may live on for a moment. */
static int remove_link(const char *path)
{
	int err, fd = bpf_obj_get(path);

	err = unlink(path) ? -errno : 0;
	if (fd >= 0) {
		bpf_link_detach(fd); /* a severed one refuses */
		close(fd);
	}
	return err;
}

/* A link cannot change its mode: it goes before a new one can come, and comes back if none can. */
static int change_mode(struct dataplane *dp, const char *ifname, const char *path,
		       enum config_mode from, enum config_mode to)
{
	int err;

	remove_link(path);
	err = attach_new(dp, ifname, path, to);
	if (err)
		attach_new(dp, ifname, path, from);
	return err;
}

static int attach_locked(struct dataplane *dp, const char *ifname, enum config_mode mode)
{
	struct bpf_link_info info;
	enum config_mode now;
	char path[PIN_PATH];
	int err, fd;

	pin_link_path(ifname, path);
	err = fd = open_link(ifname, path, &info);
	if (fd >= 0) {
		now = attach_mode(info.xdp.ifindex);
		if (mode == CONFIG_MODE_AUTO || mode == now)
			err = update_link(dp, ifname, fd, &info);
		close(fd);
		if (mode != CONFIG_MODE_AUTO && mode != now)
			return change_mode(dp, ifname, path, now, mode);
	}
	if (err == -ENOENT) {
		remove_link(path);
		return attach_new(dp, ifname, path, mode);
	}
	if (err)
		log_error("%s: cannot update: %s", path, strerror(-err));
	return err;
}

int dataplane_attach(struct dataplane *dp, const char *ifname, enum config_mode mode)
{
	int err, lock = pins_lock();

	if (lock == -ENOENT)
		log_error("%s: cannot attach: the pins were removed, start again", ifname);
	if (lock < 0)
		return lock;
	err = attach_locked(dp, ifname, mode);
	close(lock);
	return err;
}

/* What was set on the NIC for its stamps is undone. */
static void release_stamps(const char *ifname)
{
	uint32_t ifindex = if_nametoindex(ifname);
	int fd[PIN_COUNT];

	if (!ifindex || pins_open_any(fd))
		return;
	hw_program_release(fd[PIN_PHC], ifname, ifindex);
	pins_close(fd);
}

static int detach_locked(const char *ifname)
{
	char path[PIN_PATH];
	int err;

	pin_link_path(ifname, path);
	err = remove_link(path);
	if (err == -ENOENT)
		err = multi_detach(ifname);
	if (!err)
		release_stamps(ifname);
	if (!err)
		log_info("%s: detached", ifname);
	else if (err != -ENOENT)
		log_error("%s: cannot remove: %s", path, strerror(-err));
	return err;
}

int dataplane_detach(const char *ifname)
{
	int err, lock = pins_lock();

	if (lock < 0)
		return lock;
	err = detach_locked(ifname);
	close(lock);
	return err;
}

bool dataplane_has_link(const char *ifname)
{
	char path[PIN_PATH];

	pin_link_path(ifname, path);
	return !access(path, F_OK);
}

static void describe_link(const char *ifname, struct dataplane_link *link)
{
	struct bpf_link_info info;
	char path[PIN_PATH];
	int fd;

	memset(link, 0, sizeof(*link));
	strcpy(link->ifname, ifname);
	pin_link_path(ifname, path);
	fd = open_link(ifname, path, &info);
	if (fd < 0)
		return;
	link->ifindex = info.xdp.ifindex;
	link->prog_id = info.prog_id;
	link->mode = attach_mode(link->ifindex);
	link->hardware = hw_program_bound(info.prog_id);
	close(fd);
}

int dataplane_links(struct dataplane_link *links, int max)
{
	char ifname[IF_NAMESIZE];
	struct dirent *entry;
	DIR *dir = opendir(XNTS_PIN_DIR);
	int count = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (count < max && (entry = readdir(dir)))
		if (!pin_link_ifname(entry->d_name, ifname))
			describe_link(ifname, &links[count++]);
		else if (!pin_multi_ifname(entry->d_name, ifname))
			multi_describe(ifname, &links[count++]);
	closedir(dir);
	return count;
}

static int refresh_locked(struct dataplane *dp, enum config_mode mode)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int reattached = 0, first = 0;
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS);

	for (int i = 0; i < count; i++) {
		bool severed = !links[i].ifindex;
		int err;

		if (links[i].multi)
			continue; /* an operator's */
		if (severed && !if_nametoindex(links[i].ifname))
			continue; /* its device may come back */
		err = attach_locked(dp, links[i].ifname, severed ? mode : CONFIG_MODE_AUTO);
		if (err && !first)
			first = err;
		if (severed && !err)
			reattached++;
	}
	return first ? first : count < 0 ? count : reattached;
}

int dataplane_refresh_links(struct dataplane *dp, enum config_mode mode)
{
	int ret, lock = pins_lock();

	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	ret = refresh_locked(dp, mode);
	close(lock);
	return ret;
}

int attach_detach_all(void)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int err = 0, count = dataplane_links(links, DATAPLANE_MAX_LINKS);

	for (int i = 0; i < count && !err; i++)
		err = detach_locked(links[i].ifname);
	return count < 0 ? count : err;
}
