/* SPDX-License-Identifier: GPL-2.0 */
#include "hw_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "nic_stamps.h"
#include "xnts.skel.h"

#define DEV_BOUND_ONLY (1U << 6) /* BPF_F_XDP_DEV_BOUND_ONLY, kernel >= 6.3 */

struct hw_program {
	struct hw_program *next;
	uint32_t ifindex;
	struct xnts_bpf *skel; /* NULL: not loaded yet, or refused */
	uint32_t id;
	bool refused;
};

/* ---- loading ------------------------------------------------------------ */

/*
 * Did the program fit into the memory it was loaded into?  If not, it moved, and the device's
 * list of bound programs has the old address (see xnts.bpf.c): it must go before the device may.
 */
static int check_size(const struct bpf_program *prog, const char *ifname, uint32_t *id)
{
	size_t loaded = bpf_program__insn_cnt(prog) * sizeof(struct bpf_insn);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len);

	if (err)
		return err;
	*id = info.id;
	if (info.xlated_prog_len && info.xlated_prog_len <= loaded)
		return 0;
	log_warning("%s: this kernel makes %u bytes of the %zu of the program for hardware stamps; a bug in "
		    "kernels makes that unsafe: software stamps instead", ifname,
		    info.xlated_prog_len, loaded);
	return -E2BIG;
}

/* Blinding constants moves programs as well.  The file is there in the first network namespace only. */
static bool blinds_constants(void)
{
	FILE *file = fopen("/proc/sys/net/core/bpf_jit_harden", "re");
	int level = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &level) != 1)
		level = 2;
	fclose(file);
	return level > 1; /* 1: not for those with CAP_BPF */
}

static int load(struct dataplane *dp, struct hw_program *p, const char *ifname)
{
	struct bpf_program *prog;
	int err;

	if (blinds_constants()) {
		log_warning("%s: no hardware stamps with net.core.bpf_jit_harden=2", ifname);
		return -EPERM;
	}
	p->skel = xnts_bpf__open();
	if (!p->skel)
		return -errno;
	prog = p->skel->progs.xnts_hw;
	bpf_program__set_autoload(p->skel->progs.xnts_sw, false);
	bpf_program__set_autoload(prog, true);
	bpf_program__set_ifindex(prog, p->ifindex);
	p->skel->rodata->xnts_latency_on = dp->skel->rodata->xnts_latency_on;
	err = bpf_program__set_flags(prog, bpf_program__flags(prog) | DEV_BOUND_ONLY);
	if (!err)
		err = dataplane_share_maps(dp, p->skel->obj);
	if (!err)
		err = xnts_bpf__load(p->skel);
	if (err) {
		log_warning("%s: kernel or driver give no hardware stamps to XDP (%s): software stamps", ifname,
			    strerror(-err));
		return err;
	}
	return check_size(prog, ifname, &p->id);
}

/* ---- the NIC ------------------------------------------------------------ */

/* On success the interface has an entry in the map `phc`, which says what to undo. */
static int enable(struct dataplane *dp, const char *ifname, uint32_t ifindex)
{
	struct xnts_phc entry = { 0 };
	struct nic_filter filter;
	int err = nic_stamps_enable(nic_kernel, ifname, &filter);

	if (err && dp->hardware == CONFIG_HARDWARE_AUTO)
		return err;
	if (err) {
		log_warning("%s: the NIC does not stamp NTP packets (%s)", ifname, strerror(-err));
		filter = (struct nic_filter){ 0 };
	}
	/* An entry that an earlier daemon made knows what was before. */
	if (!filter.set && !bpf_map_lookup_elem(dp->map_fd[PIN_PHC], &ifindex, &entry))
		return 0;
	entry = (struct xnts_phc){ .filter_before = filter.before, .filter = filter.set };
	return bpf_map_update_elem(dp->map_fd[PIN_PHC], &ifindex, &entry, BPF_ANY);
}

void hw_program_release(int phc_fd, const char *ifname, uint32_t ifindex)
{
	struct xnts_phc entry;
	struct nic_filter filter;

	if (bpf_map_lookup_elem(phc_fd, &ifindex, &entry))
		return;
	filter = (struct nic_filter){ .before = entry.filter_before, .set = entry.filter };
	nic_stamps_restore(nic_kernel, ifname, &filter);
	bpf_map_delete_elem(phc_fd, &ifindex);
}

/* ---- the list ----------------------------------------------------------- */

static void forget(struct dataplane *dp, struct hw_program **at)
{
	struct hw_program *p = *at;

	*at = p->next;
	bpf_map_delete_elem(dp->map_fd[PIN_PHC], &p->ifindex);
	xnts_bpf__destroy(p->skel);
	free(p);
}

/* Devices that are gone took their programs with them. */
static void prune(struct dataplane *dp)
{
	struct hw_program **at = &dp->hw;
	char name[IF_NAMESIZE];

	while (*at)
		if (if_indextoname((*at)->ifindex, name))
			at = &(*at)->next;
		else
			forget(dp, at);
}

static struct hw_program *find(struct dataplane *dp, uint32_t ifindex)
{
	struct hw_program *p;

	for (p = dp->hw; p; p = p->next)
		if (p->ifindex == ifindex)
			return p;
	prune(dp);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->ifindex = ifindex;
	p->next = dp->hw;
	dp->hw = p;
	return p;
}

static void unload(struct hw_program *p)
{
	xnts_bpf__destroy(p->skel);
	p->skel = NULL;
}

static bool has_entry(const struct dataplane *dp, uint32_t ifindex)
{
	struct xnts_phc entry;

	return !bpf_map_lookup_elem(dp->map_fd[PIN_PHC], &ifindex, &entry);
}

/* Another's program is in the way, or there was no memory: the next attempt may find it otherwise. */
static bool is_transient(int err)
{
	return err == -EBUSY || err == -EEXIST || err == -EAGAIN || err == -EINTR || err == -ENOMEM;
}

void hw_program_refuse(struct dataplane *dp, const char *ifname, uint32_t ifindex, int err)
{
	struct hw_program *p = find(dp, ifindex);

	hw_program_release(dp->map_fd[PIN_PHC], ifname, ifindex);
	if (!p)
		return;
	unload(p);
	p->refused = !is_transient(err);
}

int hw_program(struct dataplane *dp, const char *ifname, uint32_t ifindex, enum config_mode mode,
	       uint32_t *id)
{
	struct hw_program *p;
	int err = 0;

	if (dp->hardware == CONFIG_HARDWARE_OFF || mode == CONFIG_MODE_GENERIC) {
		hw_program_release(dp->map_fd[PIN_PHC], ifname, ifindex);
		return -EOPNOTSUPP;
	}
	p = find(dp, ifindex);
	if (!p || p->refused)
		return -EOPNOTSUPP;
	if (!p->skel || !has_entry(dp, ifindex))
		err = enable(dp, ifname, ifindex);
	if (!err && !p->skel)
		err = load(dp, p, ifname);
	if (err) {
		hw_program_refuse(dp, ifname, ifindex, err);
		return err;
	}
	*id = p->id;
	return bpf_program__fd(p->skel->progs.xnts_hw);
}

/* Of a bound program the kernel tells no device (as it does of an offloaded one): its name tells. */
bool hw_program_bound(uint32_t prog_id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.name[0] = '\0';
	close(fd);
	return !strcmp(info.name, "xnts_hw");
}

void dataplane_set_hardware(struct dataplane *dp, enum config_hardware hardware)
{
	/* What was refused gets another chance. */
	for (struct hw_program *p = dp->hw; p && hardware != dp->hardware; p = p->next)
		p->refused = false;
	dp->hardware = hardware;
}

void hw_programs_free(struct dataplane *dp)
{
	while (dp->hw) {
		struct hw_program *p = dp->hw;

		dp->hw = p->next;
		xnts_bpf__destroy(p->skel);
		free(p);
	}
}
