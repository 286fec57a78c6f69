/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE
#include "ke.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config.h"
#include "ke_listen.h"
#include "ke_pem.h"
#include "ke_process.h"
#include "log.h"

#define TICK_MS 250	       /* looks at the certificate files, restarts that are due */
#define START_MS 10000	       /* a worker that is not ready by then is killed */
#define HEALTHY_MS 10000       /* a worker that lived so long starts without back-off */
#define BACKOFF_MS 100	       /* doubled with each early death */
#define BACKOFF_MAX_MS 30000
#define STOP_MS 1000	       /* for workers to end by themselves */
/* Half of the entries: a reload has the old and the new workers side by side. */
#define MAX_WORKERS (XNTS_KE_WORKERS / 2)

/* A worker's place: its listeners stay, processes come and go. */
struct slot {
	unsigned int early_deaths;
	int64_t next_start; /* ms */
};

struct ke {
	struct ke_config cfg;
	int log_level;
	uid_t uid;
	gid_t gid;
	int counters, epoll, timer;
	unsigned int generation; /* of the configuration and certificate */
	struct ke_listeners listeners;
	struct ke_pem *pem;
	struct ke_stamps tried, seen; /* files last read, and at the last tick */
	bool has_keys;
	struct ke_sealing_keys keys;
	struct slot slots[MAX_WORKERS];
	/* A process's index is its entry in the counters. */
	struct ke_process processes[XNTS_KE_WORKERS];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#define for_each_process(ke, p)                                                        \
	for (struct ke_process *p = (ke)->processes; p < (ke)->processes + XNTS_KE_WORKERS; p++) \
		if (p->pid)

/* ---- starting workers --------------------------------------------------- */

static struct ke_process *free_process(struct ke *ke)
{
	for (struct ke_process *p = ke->processes; p < ke->processes + XNTS_KE_WORKERS; p++)
		if (!p->pid)
			return p;
	return NULL;
}

static void fill_start(const struct ke *ke, unsigned int slot, struct ke_start *start)
{
	const struct ke_config *cfg = &ke->cfg;
	struct ke_setup *setup = &start->setup;

	memset(start, 0, sizeof(*start));
	setup->limits = (struct ke_limits){
		.max_connections = cfg->max_connections,
		.max_per_prefix = cfg->max_per_prefix,
		.handshake_timeout = cfg->handshake_timeout,
		.request_timeout = cfg->request_timeout,
	};
	setup->uid = ke->uid;
	setup->gid = ke->gid;
	setup->log_level = ke->log_level;
	setup->ntp_port = (uint16_t)cfg->ntp_port;
	snprintf(setup->ntp_server, sizeof(setup->ntp_server), "%s", cfg->ntp_server);
	for (unsigned int i = 0; i < ke->listeners.addresses.count; i++)
		start->fds.fd[start->fds.count++] = ke->listeners.fd[slot][i];
	start->fds.fd[start->fds.count++] = ke->counters;
	start->pem = &ke->pem->text;
	start->keys = ke->has_keys ? &ke->keys : NULL;
}

static void watch(const struct ke *ke, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll_ctl(ke->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void back_off(struct slot *slot, int64_t lived)
{
	int64_t delay = BACKOFF_MS;

	slot->early_deaths = lived < HEALTHY_MS ? slot->early_deaths + 1 : 0;
	for (unsigned int i = 1; i < slot->early_deaths && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	slot->next_start = now_ms() + (slot->early_deaths ? delay : 0);
}

static void start_worker(struct ke *ke, unsigned int slot)
{
	struct ke_process *p = free_process(ke);
	struct ke_start start;
	int rc;

	if (!p) /* a later tick finds an entry: draining workers end in bounded time */
		return;
	fill_start(ke, slot, &start);
	start.setup.entry = (uint32_t)(p - ke->processes);
	rc = ke_process_start(p, &start);
	if (rc) {
		log_error("ke: cannot start worker %u: %s", slot, strerror(-rc));
		back_off(&ke->slots[slot], 0);
		return;
	}
	p->slot = slot;
	p->generation = ke->generation;
	p->started = now_ms();
	watch(ke, p->control);
	watch(ke, p->pidfd);
}

static bool is_staffed(struct ke *ke, unsigned int slot)
{
	for_each_process(ke, p)
		if (p->slot == slot && p->generation == ke->generation)
			return true;
	return false;
}

static void start_due(struct ke *ke)
{
	for (unsigned int slot = 0; slot < ke->listeners.workers; slot++)
		if (!is_staffed(ke, slot) && ke->slots[slot].next_start <= now_ms())
			start_worker(ke, slot);
}

/* ---- configuration ------------------------------------------------------ */

/* Only root gives workers another user; an unprivileged daemon's are what it is. */
static int find_user(const struct ke_config *cfg, uid_t *uid, gid_t *gid)
{
	const struct passwd *user;

	*uid = geteuid();
	*gid = getegid();
	if (*uid != 0)
		return 0;
	user = getpwnam(cfg->user);
	if (!user || user->pw_uid == 0) {
		log_error("ke: user '%s' %s", cfg->user,
			  user ? "is root: workers need another one" : "does not exist");
		return -EINVAL;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return 0;
}

static struct ke_pem *load_pem(const struct ke_config *cfg, const char *otherwise)
{
	char reason[KE_PEM_REASON], warning[TLS_REASON];
	struct ke_pem *pem = ke_pem_load(cfg->certificate, cfg->key, reason, warning);

	if (!pem)
		log_error("ke: %s%s", reason, otherwise);
	else if (warning[0])
		log_warning("ke: %s: %s", cfg->certificate, warning);
	return pem;
}

static unsigned int worker_count(const struct ke_config *cfg)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int n = cfg->workers ? cfg->workers : cores > 0 ? (unsigned int)cores : 1;

	return n < MAX_WORKERS ? n : MAX_WORKERS;
}

/* New workers for every place; a place's old ones drain when its new one is ready. */
static void renew(struct ke *ke, struct ke_pem *pem)
{
	ke_pem_free(ke->pem);
	ke->pem = pem;
	ke->generation++;
	memset(ke->slots, 0, sizeof(ke->slots));
	for_each_process(ke, p)
		if (p->slot >= ke->listeners.workers && !p->draining)
			ke_process_drain(p);
	start_due(ke);
}

static int apply(struct ke *ke, const struct config *cfg, const char *otherwise)
{
	static struct ke_listeners listeners; /* 2 kB; this is the daemon's one thread */
	struct ke_stamps stamps;
	struct ke_pem *pem;
	uid_t uid;
	gid_t gid;
	int rc = find_user(&cfg->ke, &uid, &gid);

	if (rc)
		return rc;
	ke_stamps_take(&stamps, cfg->ke.certificate, cfg->ke.key);
	pem = load_pem(&cfg->ke, otherwise);
	if (!pem)
		return -EINVAL;
	rc = ke_listen(&listeners, &cfg->ke.listen, worker_count(&cfg->ke), &ke->listeners);
	if (rc) {
		ke_pem_free(pem);
		return rc;
	}
	ke_listeners_close(&ke->listeners);
	ke->listeners = listeners;
	ke->cfg = cfg->ke;
	ke->log_level = cfg->log.level;
	ke->uid = uid;
	ke->gid = gid;
	ke->tried = ke->seen = stamps;
	renew(ke, pem);
	return 0;
}

/*
 * Renewal tools replace two files, one after the other: they are read when they have stood
 * still for a tick, and once for each change.
 */
static void look_at_files(struct ke *ke)
{
	struct ke_stamps now;
	struct ke_pem *pem;
	bool still;

	ke_stamps_take(&now, ke->cfg.certificate, ke->cfg.key);
	still = ke_stamps_equal(&now, &ke->seen);
	ke->seen = now;
	if (!still || ke_stamps_equal(&now, &ke->tried))
		return;
	ke->tried = now;
	pem = load_pem(&ke->cfg, "; the certificate in use stays");
	if (!pem)
		return;
	log_info("ke: new certificate %s", ke->cfg.certificate);
	renew(ke, pem);
}

/* ---- events ------------------------------------------------------------- */

static void log_death(const struct ke_process *p, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warning("ke: worker %u (process %d) was ended by signal %d (%s)", p->slot,
			    (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_warning("ke: worker %u (process %d) ended with status %d", p->slot, (int)pid,
			    WEXITSTATUS(status));
}

/* True if it has died. */
static bool bury(struct ke *ke, struct ke_process *p)
{
	pid_t pid = p->pid;
	int status = 0;

	if (!ke_process_reap(p, false, &status))
		return false;
	if (p->draining)
		return true;
	log_death(p, pid, status);
	if (p->generation == ke->generation && p->slot < ke->listeners.workers)
		back_off(&ke->slots[p->slot], now_ms() - p->started);
	return true;
}

static void on_ready(struct ke *ke, const struct ke_process *ready)
{
	for_each_process(ke, p)
		if (p->slot == ready->slot && p->generation < ready->generation && !p->draining)
			ke_process_drain(p);
}

static void attend(struct ke *ke, struct ke_process *p)
{
	bool was_ready = p->ready;

	if (bury(ke, p))
		return;
	if (ke_process_listen(p) || (!p->ready && now_ms() - p->started > START_MS))
		ke_process_kill(p); /* its death comes next */
	else if (p->ready && !was_ready)
		on_ready(ke, p);
}

/* The number of events is not read: what there is to do is looked for. */
void ke_dispatch(struct ke *ke)
{
	uint64_t ticks;
	bool tick = read(ke->timer, &ticks, sizeof(ticks)) == sizeof(ticks);

	for_each_process(ke, p)
		attend(ke, p);
	if (tick && ke->pem)
		look_at_files(ke);
	start_due(ke);
}

/* ---- the interface ------------------------------------------------------ */

static int open_descriptors(struct ke *ke, int counters_fd)
{
	const struct timespec period = { TICK_MS / 1000, TICK_MS % 1000 * 1000000L };
	const struct itimerspec tick = { period, period };

	ke->counters = fcntl(counters_fd, F_DUPFD_CLOEXEC, 0);
	ke->epoll = epoll_create1(EPOLL_CLOEXEC);
	ke->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ke->counters < 0 || ke->epoll < 0 || ke->timer < 0 ||
	    timerfd_settime(ke->timer, 0, &tick, NULL))
		return -errno;
	watch(ke, ke->timer);
	return 0;
}

int ke_start(struct ke **out, const struct config *cfg, int counters_fd)
{
	struct ke *ke = calloc(1, sizeof(*ke));
	int rc;

	*out = NULL;
	if (!ke)
		return -ENOMEM;
	rc = open_descriptors(ke, counters_fd);
	if (rc)
		log_error("ke: cannot set up: %s", strerror(-rc));
	else
		rc = apply(ke, cfg, "");
	if (rc)
		ke_stop(ke);
	else
		*out = ke;
	return rc;
}

int ke_set_keys(struct ke *ke, const struct ke_sealing_keys *keys)
{
	int rc = 0;

	ke->keys = *keys;
	ke->has_keys = true;
	for_each_process(ke, p) {
		int sent = ke_process_set_keys(p, keys);

		if (!sent)
			continue;
		ke_process_kill(p);
		rc = rc ? rc : sent;
	}
	return rc;
}

int ke_fd(const struct ke *ke)
{
	return ke->epoll;
}

int ke_reload(struct ke *ke, const struct config *cfg)
{
	return apply(ke, cfg, "; NTS-KE stays as it was");
}

/* The end of its control socket is a worker's cue. */
static void end_all(struct ke *ke)
{
	int64_t deadline = now_ms() + STOP_MS;

	for_each_process(ke, p)
		shutdown(p->control, SHUT_RDWR);
	for_each_process(ke, p) {
		struct pollfd dead = { .fd = p->pidfd, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (poll(&dead, 1, left > 0 ? (int)left : 0) <= 0)
			ke_process_kill(p);
		ke_process_reap(p, true, NULL);
	}
}

void ke_stop(struct ke *ke)
{
	if (!ke)
		return;
	end_all(ke);
	ke_listeners_close(&ke->listeners);
	ke_pem_free(ke->pem);
	if (ke->counters >= 0)
		close(ke->counters);
	if (ke->epoll >= 0)
		close(ke->epoll);
	if (ke->timer >= 0)
		close(ke->timer);
	OPENSSL_cleanse(ke, sizeof(*ke));
	free(ke);
}
