/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "daemon.h"
#include "netlink.h"
#include "privileges.h"
#include "version.h"

#define RETRY 30 /* s between attempts at a link that could not be made anew, or a port that was taken */
#define TX_LOOK 5 /* s between looks at what drivers send */

/* ---- what it waits for -------------------------------------------------- */

static int open_timer(void)
{
	struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0)
		timerfd_settime(fd, 0, &second, NULL);
	return fd < 0 ? -errno : fd;
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_events(struct daemon *d)
{
	d->timer_fd = open_timer();
	d->signal_fd = open_signals();
	d->link_fd = netlink_listen(RTMGRP_LINK);
	if (d->timer_fd >= 0 && d->signal_fd >= 0 && d->link_fd >= 0)
		return 0;
	log_error("events: timer, signals or rtnetlink cannot be opened: %s", strerror(errno));
	return d->timer_fd < 0 ? d->timer_fd : d->signal_fd < 0 ? d->signal_fd : d->link_fd;
}

/* ---- links -------------------------------------------------------------- */

static void repair_links(struct daemon *d)
{
	int made = dataplane_refresh_links(d->dp, d->cfg->ntp.mode);

	if (made > 0) {
		dataplane_daemon_counters(d->dp)->links_reattached += made;
		log_warning("links made anew: %d", made);
	}
}

static int ignore_message(const struct nlmsghdr *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return 0;
}

/* Whatever was said, and also if something was lost: look at all links. */
static void on_link_event(struct daemon *d)
{
	netlink_read(d->link_fd, ignore_message, NULL);
	repair_links(d);
	feed_config(d);
}

/* Somebody else had a port when the first keys came. */
static void begin_ke_late(struct daemon *d)
{
	if (d->ke && d->keys_fed && !ke_has_keys(d->ke))
		feed_workers(d);
}

/* ---- the loop ----------------------------------------------------------- */

static void on_second(struct daemon *d)
{
	uint64_t expirations;

	if (read(d->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	feed_clock(d);
	phc_feed_refresh(&d->phc, dataplane_phc_fd(d->dp), d->cfg->clock.hardware_correction);
	feed_keys(d);
	feed_ke_state(d);
	localaddr_second(d->local);
	feed_config(d); /* a script may have attached a NIC */
	if (d->metrics)
		metrics_dispatch(d->metrics);
	if (++d->ticks % RETRY == 0) {
		repair_links(d);
		begin_ke_late(d);
	}
	if (d->ticks % TX_LOOK == 0)
		d->mute = tx_watch_look(&d->tx);
	sd_notify(0, "WATCHDOG=1");
}

static void reload(struct daemon *d)
{
	struct xnts_daemon_counters *counters = dataplane_daemon_counters(d->dp);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
	log_keep_error(d->reload.refused, sizeof(d->reload.refused));
	if (daemon_reload(d)) {
		counters->reloads_refused++;
	} else {
		counters->reloads++;
		d->reload.refused[0] = 0; /* an error that was no reason to refuse */
	}
	log_keep_error(NULL, 0);
	d->reload.count++;
	pid_file_report(d->pid_file, &d->reload);
	sd_notify(0, "READY=1");
}

/* True when it is time to end. */
static bool on_signal(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return true;
		reload(d);
	}
	return false;
}

static void loop(struct daemon *d)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = d->signal_fd, .events = POLLIN },
			{ .fd = d->timer_fd, .events = POLLIN },
			{ .fd = d->link_fd, .events = POLLIN },
			{ .fd = localaddr_fd(d->local), .events = POLLIN },
			{ .fd = d->ke ? ke_fd(d->ke) : -1, .events = POLLIN },
			{ .fd = d->metrics ? metrics_fd(d->metrics) : -1, .events = POLLIN },
		};

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue; /* EINTR */
		if (fds[1].revents)
			on_second(d);
		if (fds[2].revents)
			on_link_event(d);
		if (fds[3].revents)
			localaddr_dispatch(d->local);
		if (fds[4].revents)
			ke_dispatch(d->ke);
		if (fds[5].revents)
			metrics_dispatch(d->metrics);
		if (fds[0].revents && on_signal(d)) /* last: a reload changes the others */
			return;
	}
}

/* ---- start and end ------------------------------------------------------ */

/* All maps are filled before the first packet can meet the program. */
static int fill_maps(struct daemon *d)
{
	int err = localaddr_open(&d->local, dataplane_local4_fd(d->dp), dataplane_local6_fd(d->dp),
				 &d->cfg->ntp.addresses);

	if (!err)
		err = clock_source_open(&d->clock, d->cfg);
	if (!err)
		err = keys_open(&d->keys, &d->cfg->keys);
	if (!err)
		err = enter_lists(d, d->lists);
	if (err)
		return err;
	feed_clock(d);
	feed_keys(d);
	err = feed_config(d);
	sweep_lists(d);
	return err;
}

static int start_ke(struct daemon *d)
{
	int err;

	if (!d->cfg->ke.enabled)
		return 0;
	err = ke_start(&d->ke, d->cfg, dataplane_ke_counters_fd(d->dp));
	if (!err)
		feed_workers(d);
	return err;
}

static unsigned int load_flags(const struct daemon *d)
{
	return DATAPLANE_CARRY | (d->cfg->metrics.latency ? DATAPLANE_LATENCY : 0);
}

/*
 * Privileges go before the first worker starts and before the first NIC is attached: what either
 * would lack when it is done again is then lacking at once, under the operator's eyes.
 * Attaching comes last, so that a start in vain changes nothing for a packet.
 */
static int start(struct daemon *d)
{
	int err = check_interfaces(d->cfg);

	if (!err)
		err = check_next_hop(d->cfg);
	if (!err)
		err = check_lists(d->cfg, &d->lists);
	if (!err)
		err = dataplane_load(&d->dp, load_flags(d));
	if (!err)
		err = open_events(d);
	if (!err)
		err = fill_maps(d);
	if (!err)
		err = privileges_drop();
	if (!err)
		err = start_ke(d);
	if (!err && d->cfg->metrics.listen.len)
		err = metrics_start(&d->metrics, &d->cfg->metrics.listen, d->dp);
	if (!err)
		err = dataplane_take_over(d->dp);
	if (!err)
		err = attach_interfaces(d, d->cfg);
	if (!err)
		repair_links(d); /* what scripts or an older xntsd attached */
	return err;
}

static void stop(struct daemon *d)
{
	metrics_stop(d->metrics);
	ke_stop(d->ke);
	if (d->keys)
		keys_close(d->keys);
	if (d->clock)
		clock_source_close(d->clock);
	localaddr_close(d->local);
	phc_feed_free(d->phc);
	lists_free(d->lists);
	dataplane_close(d->dp);
	close(d->timer_fd);
	close(d->signal_fd);
	close(d->link_fd);
}

int daemon_run(const char *config_path, const char *pid_file)
{
	static struct daemon d;
	struct config_error error;
	int err;

	d = (struct daemon){ .config_path = config_path, .pid_file = pid_file, .timer_fd = -1,
			     .signal_fd = -1, .link_fd = -1, .cfg = &d.config[0] };
	err = config_load(config_path, &d.config[0], &error);
	if (err) {
		log_error("%s", error.text);
		return err;
	}
	log_set_level(d.cfg->log.level);
	d.pid_fd = pid_file_lock(pid_file);
	if (d.pid_fd < 0)
		return d.pid_fd;
	err = start(&d);
	if (!err) {
		log_info("xntsd " XNTS_VERSION ": started");
		dataplane_daemon_counters(d.dp)->daemon_starts++;
		sd_notify(0, "READY=1");
		loop(&d);
		sd_notify(0, "STOPPING=1");
		log_info("xntsd: ended; what is attached stays attached");
	}
	stop(&d);
	pid_file_remove(pid_file);
	close(d.pid_fd);
	return err;
}
