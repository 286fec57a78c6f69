/* SPDX-License-Identifier: GPL-2.0 */
#include "multi.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "log.h"
#include "xnts.skel.h"
#include "xnts_multi.skel.h"

#define ENTRY "xnts_multi"

static int print_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
	char line[512];

	if (level == LIBXDP_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return 0;
}

/* Is there a dispatcher, not one program alone? */
static bool has_dispatcher(int ifindex)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);
	bool has = libxdp_get_error(mp) == 0 && !xdp_multiprog__is_legacy(mp);

	if (!libxdp_get_error(mp))
		xdp_multiprog__close(mp);
	return has;
}

/* Takes our programs out of the dispatcher, but for the one with the id `keep`; returns how many,
 * or a negative errno. */
static int take_out(int ifindex, uint32_t keep)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *prog = NULL, *old = NULL;
	int err = libxdp_get_error(mp);

	if (err)
		return err == -ENOENT ? 0 : err;
	while (!xdp_multiprog__is_legacy(mp) && (prog = xdp_multiprog__next_prog(prog, mp)))
		if (!strcmp(xdp_program__name(prog), ENTRY) && xdp_program__id(prog) != keep)
			old = prog;
	if (old)
		err = xdp_program__detach(old, ifindex, xdp_multiprog__attach_mode(mp), 0);
	xdp_multiprog__close(mp);
	return err ? err : old != NULL;
}

static int pin_record(const char *ifname, int prog_fd)
{
	char path[PIN_PATH];
	int err;

	pin_multi_path(ifname, path);
	unlink(path);
	err = bpf_obj_pin(prog_fd, path);
	if (err)
		log_error("%s: cannot pin: %s", path, strerror(-err));
	return err;
}

/* libxdp silently attaches a program alone where it cannot have a dispatcher: nobody else could
 * be beside it, and nobody would know. */
static int refuse_alone(const char *ifname, int ifindex, struct xdp_program *prog,
			enum xdp_attach_mode mode)
{
	if (has_dispatcher(ifindex))
		return 0;
	xdp_program__detach(prog, ifindex, mode, 0);
	log_error("%s: this kernel or libxdp has no dispatcher for several XDP programs (freplace), so "
		  "--multiprog is not to be had: not attached", ifname);
	return -EOPNOTSUPP;
}

static int attach_program(struct xdp_program *prog, const char *ifname, int ifindex,
			  enum xdp_attach_mode mode)
{
	uint32_t id;
	int err = xdp_program__attach(prog, ifindex, mode, 0);

	if (err) {
		log_error("%s: cannot attach beside other programs: %s (`[log] level = debug` or "
			  "xdp-loader(8) show more)", ifname, strerror(-err));
		return err;
	}
	err = refuse_alone(ifname, ifindex, prog, mode);
	if (err)
		return err;
	id = xdp_program__id(prog);
	while ((err = take_out(ifindex, id)) > 0) /* those it replaces */
		;
	if (err)
		log_error("%s: cannot take out the program of before: %s", ifname, strerror(-err));
	else
		err = pin_record(ifname, xdp_program__fd(prog));
	if (err) /* without a record nobody would find it */
		xdp_program__detach(prog, ifindex, mode, 0);
	return err;
}

int multi_attach(struct dataplane *dp, const char *ifname, enum config_mode mode)
{
	enum xdp_attach_mode xdp_mode = mode == CONFIG_MODE_GENERIC ? XDP_MODE_SKB : XDP_MODE_NATIVE;
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .prog_name = ENTRY);
	int err, ifindex = if_nametoindex(ifname);
	struct xnts_multi_bpf *skel;
	struct xdp_program *prog;

	if (!ifindex) {
		log_error("%s: no such interface", ifname);
		return -ENODEV;
	}
	libxdp_set_print(print_libxdp);
	skel = xnts_multi_bpf__open();
	if (!skel)
		return -errno;
	skel->rodata->xnts_latency_on = dp->skel->rodata->xnts_latency_on;
	err = dataplane_share_maps(dp, skel->obj);
	if (err)
		goto out;
	opts.obj = skel->obj;
	prog = xdp_program__create(&opts);
	err = libxdp_get_error(prog);
	if (err)
		goto out;
	err = attach_program(prog, ifname, ifindex, xdp_mode);
	xdp_program__close(prog);
	if (!err)
		log_info("%s: attached beside other programs, %s mode", ifname,
			 xdp_mode == XDP_MODE_SKB ? "generic" : "native");
out:
	xnts_multi_bpf__destroy(skel);
	return err;
}

int multi_detach(const char *ifname)
{
	int err = 0, ifindex = if_nametoindex(ifname);
	char path[PIN_PATH];

	pin_multi_path(ifname, path);
	if (access(path, F_OK))
		return -ENOENT;
	libxdp_set_print(print_libxdp);
	while (ifindex && (err = take_out(ifindex, 0)) > 0)
		;
	if (err) {
		log_error("%s: cannot be taken out of the dispatcher: %s", ifname, strerror(-err));
		return err;
	}
	if (unlink(path)) {
		err = -errno;
		log_error("%s: cannot remove: %s", path, strerror(-err));
	}
	return err;
}

/* Whether a dispatcher runs takes less privilege to see than whether we are in it. */
void multi_describe(const char *ifname, struct dataplane_link *link)
{
	int ifindex = if_nametoindex(ifname);

	*link = (struct dataplane_link){ .multi = true };
	strcpy(link->ifname, ifname);
	link->mode = ifindex ? attach_mode(ifindex) : CONFIG_MODE_AUTO;
	if (link->mode != CONFIG_MODE_AUTO)
		link->ifindex = ifindex;
}

bool multi_any(void)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS);

	for (int i = 0; i < count; i++)
		if (links[i].multi)
			return true;
	return false;
}

int dataplane_attach_multi(struct dataplane *dp, const char *ifname, enum config_mode mode)
{
	int err = -EBUSY, lock = pins_lock();

	if (lock < 0)
		return lock;
	if (dataplane_has_link(ifname))
		log_error("%s: is attached without --multiprog: detach it first", ifname);
	else
		err = multi_attach(dp, ifname, mode);
	close(lock);
	return err;
}
