/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "daemon.h"

static const struct dataplane_link *find_link(const struct dataplane_link *links, int count,
					      const char *ifname)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(links[i].ifname, ifname))
			return &links[i];
	return NULL;
}

int attach_interfaces(struct daemon *d, const struct config *cfg)
{
	const struct config_interfaces *list = &cfg->ntp.interfaces;
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS), err = 0;
	unsigned int done = 0;

	dataplane_set_hardware(d->dp, cfg->clock.hardware_stamps);
	for (; done < list->count && !err; done++) {
		const char *ifname = list->item[done];

		if (!find_link(links, count, ifname) || if_nametoindex(ifname))
			err = dataplane_attach(d->dp, ifname, cfg->ntp.mode);
		/* else it is attached when its device is back */
	}
	if (err)
		dataplane_set_hardware(d->dp, d->cfg->clock.hardware_stamps);
	/* All as before, but for the last one, which has not been attached. */
	for (unsigned int i = 0; i + 1 < done && err; i++) {
		const struct dataplane_link *had = find_link(links, count, list->item[i]);

		if (!had)
			dataplane_detach(list->item[i]);
		else if (had->ifindex)
			dataplane_attach(d->dp, had->ifname, had->mode);
	}
	return err;
}

static bool lists(const struct config *cfg, const char *ifname)
{
	for (unsigned int i = 0; i < cfg->ntp.interfaces.count; i++)
		if (!strcmp(cfg->ntp.interfaces.item[i], ifname))
			return true;
	return false;
}

/* What a script attached is on neither list and stays. */
static void detach_dropped(const struct config *from, const struct config *to)
{
	for (unsigned int i = 0; i < from->ntp.interfaces.count; i++)
		if (!lists(to, from->ntp.interfaces.item[i]))
			dataplane_detach(from->ntp.interfaces.item[i]);
}

/* KE as `cfg` wants it, but for its end, which cannot fail and comes last. */
static int apply_ke(struct daemon *d, const struct config *cfg)
{
	int err = 0;

	if (!cfg->ke.enabled)
		return 0;
	if (d->ke)
		err = ke_reload(d->ke, cfg);
	else
		err = ke_start(&d->ke, cfg, dataplane_ke_counters_fd(d->dp));
	if (!err)
		feed_workers(d);
	return err;
}

static void stop_unwanted_ke(struct daemon *d, const struct config *cfg)
{
	if (cfg->ke.enabled || !d->ke)
		return;
	ke_stop(d->ke);
	d->ke = NULL;
}

static int apply_metrics(struct daemon *d, const struct config *from, const struct config *to)
{
	const struct config_address *listen = &to->metrics.listen;
	struct metrics *metrics = NULL;
	int err;

	if (!memcmp(listen, &from->metrics.listen, sizeof(*listen)))
		return 0;
	err = listen->len ? metrics_start(&metrics, listen, d->dp) : 0;
	if (err)
		return err;
	metrics_stop(d->metrics);
	d->metrics = metrics;
	return 0;
}

static int apply_addresses(struct daemon *d, const struct config *cfg)
{
	struct localaddr *local;
	int err = localaddr_open(&local, dataplane_local4_fd(d->dp), dataplane_local6_fd(d->dp),
				 &cfg->ntp.addresses);

	if (err)
		return err;
	localaddr_close(d->local);
	d->local = local;
	return 0;
}

/* ---- lists --------------------------------------------------------------- */

int enter_lists(struct daemon *d, const struct lists *lists)
{
	return lists_enter(lists, dataplane_lists4_fd(d->dp), dataplane_lists6_fd(d->dp));
}

void sweep_lists(struct daemon *d)
{
	lists_sweep(d->lists, dataplane_lists4_fd(d->dp), dataplane_lists6_fd(d->dp));
}

static void restore_lists(struct daemon *d)
{
	enter_lists(d, d->lists);
	sweep_lists(d);
}

/* ---- the whole ----------------------------------------------------------- */

static int check_unchangeable(const struct config *from, const struct config *to)
{
	bool state = strcmp(from->keys.state, to->keys.state);
	bool latency = from->metrics.latency != to->metrics.latency;
	char where[CONFIG_WHERE];

	if (state)
		log_error("%s: another file needs a restart, not a reload",
			  config_where(to, "keys", "state", where));
	if (latency)
		log_error("%s: a change needs a restart, not a reload",
			  config_where(to, "metrics", "latency", where));
	return state || latency ? -EINVAL : 0;
}

/* What packets and scrapers meet.  Attaching comes last: it undoes itself. */
static int apply_data_plane(struct daemon *d, const struct config *new, const struct lists *lists)
{
	const struct config *old = d->cfg;
	int err = apply_metrics(d, old, new);

	if (err)
		return err;
	err = enter_lists(d, lists);
	if (err)
		goto undo_lists;
	err = apply_addresses(d, new);
	if (!err)
		err = attach_interfaces(d, new);
	if (!err)
		return 0;
	apply_addresses(d, old);
undo_lists:
	restore_lists(d);
	apply_metrics(d, new, old);
	return err;
}

/* Every step that can fail, each undone by putting the old configuration back. */
static int apply(struct daemon *d, const struct config *new, const struct lists *lists)
{
	const struct config *old = d->cfg;
	struct clock_source *clock = NULL;
	int err;

	err = keys_reload(d->keys, &new->keys);
	if (err)
		return err;
	err = clock_source_open(&clock, new);
	if (err)
		goto undo_keys;
	err = apply_ke(d, new);
	if (err)
		goto undo_clock;
	err = apply_data_plane(d, new, lists);
	if (err)
		goto undo_ke;
	clock_source_close(d->clock);
	d->clock = clock;
	return 0;

undo_ke:
	apply_ke(d, old);
	stop_unwanted_ke(d, old);
undo_clock:
	clock_source_close(clock);
undo_keys:
	keys_reload(d->keys, &old->keys);
	return err;
}

int daemon_reload(struct daemon *d)
{
	struct config *new = d->cfg == &d->config[0] ? &d->config[1] : &d->config[0];
	const struct config *old = d->cfg;
	struct lists *lists = NULL;
	struct config_error error;
	int err = config_load(d->config_path, new, &error);

	if (err)
		log_error("%s", error.text);
	if (!err)
		err = check_unchangeable(old, new);
	if (!err)
		err = check_interfaces(new);
	if (!err)
		err = check_next_hop(new);
	if (!err)
		err = check_lists(new, &lists);
	if (!err)
		err = apply(d, new, lists);
	if (err) {
		lists_free(lists);
		log_error("%s: refused, the configuration of before stays in force", d->config_path);
		return err;
	}
	d->cfg = new;
	lists_free(d->lists);
	d->lists = lists;
	log_set_level(new->log.level);
	stop_unwanted_ke(d, new);
	detach_dropped(old, new);
	feed_config(d);
	sweep_lists(d); /* last: who is refused without a list is so no more */
	feed_keys(d);
	log_info("%s: reloaded", d->config_path);
	return 0;
}
