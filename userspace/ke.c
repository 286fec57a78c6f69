/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE
#include "ke.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config.h"
#include "ke_listen.h"
#include "ke_pem.h"
#include "ke_staff.h"
#include "log.h"

#define TICK_MS 250 /* looks at the certificate files, starts of workers that are due */

struct ke {
	struct ke_config cfg;
	int log_level;
	uid_t uid;
	gid_t gid;
	int counters, epoll, timer;
	struct ke_listeners listeners;
	unsigned int certificates;
	struct ke_pem *pem[CONFIG_CERTIFICATES];
	struct ke_stamps tried[CONFIG_CERTIFICATES]; /* files last read, */
	struct ke_stamps seen[CONFIG_CERTIFICATES];  /* and at the last tick */
	bool has_keys;
	struct ke_sealing_keys keys;
	struct ke_staff staff;
};

/* What a worker starts with: see struct ke_staff. */
static void fill_start(void *arg, unsigned int place, struct ke_start *start)
{
	const struct ke *ke = arg;
	const struct ke_config *cfg = &ke->cfg;
	struct ke_setup *setup = &start->setup;

	setup->limits = (struct ke_limits){
		.max_connections = cfg->max_connections,
		.max_per_prefix = cfg->max_per_prefix,
		.prefix = { cfg->prefix4, cfg->prefix6 },
		.rate = cfg->rate,
		.burst = cfg->burst,
		.handshake_timeout = cfg->handshake_timeout,
		.request_timeout = cfg->request_timeout,
	};
	setup->uid = ke->uid;
	setup->gid = ke->gid;
	setup->log_level = ke->log_level;
	setup->max_bytes = cfg->max_bytes;
	setup->ntp_port = (uint16_t)cfg->ntp_port;
	snprintf(setup->ntp_server, sizeof(setup->ntp_server), "%s", cfg->ntp_server);
	for (unsigned int i = 0; i < ke->listeners.addresses.count; i++)
		start->fds.fd[start->fds.count++] = ke->listeners.fd[place][i];
	start->fds.fd[start->fds.count++] = ke->counters;
	setup->certificates = ke->certificates;
	for (unsigned int i = 0; i < ke->certificates; i++)
		start->pem[i] = &ke->pem[i]->text;
	start->keys = ke->has_keys ? &ke->keys : NULL;
}

/* ---- configuration ------------------------------------------------------ */

/* Only root gives workers another user; an unprivileged daemon's are what it is. */
int ke_find_user(const struct config *cfg, uid_t *uid, gid_t *gid)
{
	const struct passwd *user;
	char where[CONFIG_WHERE];

	*uid = geteuid();
	*gid = getegid();
	if (*uid != 0)
		return 0;
	user = getpwnam(cfg->ke.user);
	if (!user || user->pw_uid == 0) {
		log_error("%s: '%s' %s", config_where(cfg, "ke", "user", where), cfg->ke.user,
			  user ? "is root: workers need another one" : "does not exist");
		return -EINVAL;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return 0;
}

static struct ke_pem *load_pem(const struct ke_config *cfg, unsigned int i, const char *otherwise)
{
	char reason[KE_PEM_REASON], warning[TLS_REASON];
	const char *chain = ke_chain_path(cfg, i);
	struct ke_pem *pem = ke_pem_load(chain, ke_key_path(cfg, i), reason, warning);

	if (!pem)
		log_error("ke: %s%s", reason, otherwise);
	else if (warning[0])
		log_warning("ke: %s: %s", chain, warning);
	return pem;
}

static void free_pems(struct ke_pem **pem)
{
	for (unsigned int i = 0; i < CONFIG_CERTIFICATES; i++) {
		ke_pem_free(pem[i]);
		pem[i] = NULL;
	}
}

/* All of them, or none. */
static int load_pems(const struct ke_config *cfg, struct ke_pem **pem, struct ke_stamps *stamps,
		     const char *otherwise)
{
	for (unsigned int i = 0; i < 1 + cfg->more.count; i++) {
		ke_stamps_take(&stamps[i], ke_chain_path(cfg, i), ke_key_path(cfg, i));
		pem[i] = load_pem(cfg, i, otherwise);
		if (!pem[i]) {
			free_pems(pem);
			return -EINVAL;
		}
	}
	return 0;
}

static unsigned int worker_count(const struct ke_config *cfg)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int n = cfg->workers ? cfg->workers : cores > 0 ? (unsigned int)cores : 1;

	if (n <= KE_MAX_WORKERS)
		return n;
	log_warning("ke: %u workers instead of %u: there are no counters for more", KE_MAX_WORKERS,
		    n);
	return KE_MAX_WORKERS;
}

static int apply(struct ke *ke, const struct config *cfg, const char *otherwise)
{
	static struct ke_listeners listeners; /* 2 kB; this is the daemon's one thread */
	struct ke_stamps stamps[CONFIG_CERTIFICATES] = { 0 };
	struct ke_pem *pem[CONFIG_CERTIFICATES] = { 0 };
	uid_t uid;
	gid_t gid;
	int rc = ke_find_user(cfg, &uid, &gid);

	if (rc)
		return rc;
	rc = load_pems(&cfg->ke, pem, stamps, otherwise);
	if (rc)
		return rc;
	rc = ke_listen(&listeners, &cfg->ke.listen, worker_count(&cfg->ke), &ke->listeners,
		       ke->has_keys);
	if (rc) {
		free_pems(pem);
		return rc;
	}
	ke_listeners_close(&ke->listeners);
	ke->listeners = listeners;
	ke->cfg = cfg->ke;
	ke->log_level = cfg->log.level;
	ke->uid = uid;
	ke->gid = gid;
	memcpy(ke->tried, stamps, sizeof(stamps));
	memcpy(ke->seen, stamps, sizeof(stamps));
	free_pems(ke->pem);
	memcpy(ke->pem, pem, sizeof(pem));
	ke->certificates = 1 + cfg->ke.more.count;
	ke_staff_renew(&ke->staff, ke->listeners.workers);
	return 0;
}

/*
 * Renewal tools replace two files, one after the other: they are read when they have stood
 * still for a tick, and once for each change.  True when there is a new certificate.
 */
static bool look_at(struct ke *ke, unsigned int i)
{
	const char *chain = ke_chain_path(&ke->cfg, i);
	struct ke_stamps now;
	struct ke_pem *pem;
	bool still;

	ke_stamps_take(&now, chain, ke_key_path(&ke->cfg, i));
	still = ke_stamps_equal(&now, &ke->seen[i]);
	ke->seen[i] = now;
	if (!still || ke_stamps_equal(&now, &ke->tried[i]))
		return false;
	ke->tried[i] = now;
	pem = load_pem(&ke->cfg, i, "; the certificate in use stays");
	if (!pem)
		return false;
	log_info("ke: new certificate %s", chain);
	ke_pem_free(ke->pem[i]);
	ke->pem[i] = pem;
	return true;
}

static void look_at_files(struct ke *ke)
{
	bool renewed = false;

	for (unsigned int i = 0; i < ke->certificates; i++)
		renewed |= look_at(ke, i);
	if (renewed)
		ke_staff_renew(&ke->staff, ke->listeners.workers);
}

/* ---- the interface ------------------------------------------------------ */

static int open_descriptors(struct ke *ke, int counters_fd)
{
	const struct timespec period = { TICK_MS / 1000, TICK_MS % 1000 * 1000000L };
	const struct itimerspec tick = { period, period };
	struct epoll_event event = { .events = EPOLLIN };

	ke->counters = fcntl(counters_fd, F_DUPFD_CLOEXEC, 0);
	ke->epoll = epoll_create1(EPOLL_CLOEXEC);
	ke->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ke->counters < 0 || ke->epoll < 0 || ke->timer < 0 ||
	    timerfd_settime(ke->timer, 0, &tick, NULL) ||
	    epoll_ctl(ke->epoll, EPOLL_CTL_ADD, ke->timer, &event))
		return -errno;
	ke->staff.epoll = ke->epoll;
	ke->staff.fill = fill_start;
	ke->staff.arg = ke;
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
	int rc = ke->has_keys ? 0 : ke_listeners_open(&ke->listeners);

	if (rc)
		return rc;
	ke->keys = *keys;
	ke->has_keys = true;
	return ke_staff_set_keys(&ke->staff, keys);
}

/* The number of events is not read: what there is to do is looked for. */
void ke_dispatch(struct ke *ke)
{
	uint64_t ticks;

	if (read(ke->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
		look_at_files(ke);
	ke_staff_attend(&ke->staff);
}

int ke_fd(const struct ke *ke)
{
	return ke->epoll;
}

int ke_reload(struct ke *ke, const struct config *cfg)
{
	return apply(ke, cfg, "; NTS-KE stays as it was");
}

bool ke_has_keys(const struct ke *ke)
{
	return ke->has_keys;
}

void ke_describe(struct ke *ke, struct xnts_ke_state *state)
{
	state->workers = ke->staff.places;
	state->ready = ke->has_keys ? ke_staff_ready(&ke->staff) : 0;
	state->expires = ke->pem[0]->expires;
	for (unsigned int i = 1; i < ke->certificates; i++)
		if (ke->pem[i]->expires < (int64_t)state->expires)
			state->expires = ke->pem[i]->expires;
}

void ke_stop(struct ke *ke)
{
	if (!ke)
		return;
	ke_staff_end(&ke->staff);
	ke_listeners_close(&ke->listeners);
	free_pems(ke->pem);
	if (ke->counters >= 0)
		close(ke->counters);
	if (ke->epoll >= 0)
		close(ke->epoll);
	if (ke->timer >= 0)
		close(ke->timer);
	OPENSSL_cleanse(ke, sizeof(*ke));
	free(ke);
}
