/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_staff.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "monotonic.h"
#include "log.h"

#define START_MS       10000 /* a worker that is not ready by then is killed */
#define HEALTHY_MS     10000 /* who lived so long is replaced without delay */
#define BACKOFF_MS     100   /* doubled with each early death */
#define BACKOFF_MAX_MS 30000
#define END_MS         1000 /* for workers to end by themselves */

#define for_each_process(staff, p) \
	for (struct ke_process *p = (staff)->process; p < (staff)->process + XNTS_KE_WORKERS; p++) \
		if (p->pid)

/* ---- starting ----------------------------------------------------------- */

static struct ke_process *free_process(struct ke_staff *staff)
{
	for (struct ke_process *p = staff->process; p < staff->process + XNTS_KE_WORKERS; p++)
		if (!p->pid)
			return p;
	return NULL;
}

static void watch(const struct ke_staff *staff, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll_ctl(staff->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The first early death is mended after BACKOFF_MS, the next after twice as long ... */
static void back_off(struct ke_place *place, int64_t lived)
{
	int64_t delay = BACKOFF_MS;

	place->early_deaths = lived < HEALTHY_MS ? place->early_deaths + 1 : 0;
	for (unsigned int i = 1; i < place->early_deaths && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	place->next_start = now_ms() + (place->early_deaths ? delay : 0);
}

static void start_worker(struct ke_staff *staff, unsigned int place)
{
	struct ke_process *p = free_process(staff);
	struct ke_start start;
	int rc;

	if (!p) /* until one that drains has ended */
		return;
	memset(&start, 0, sizeof(start));
	staff->fill(staff->arg, place, &start);
	start.setup.entry = (uint32_t)(p - staff->process);
	rc = ke_process_start(p, &start);
	if (rc) {
		log_error("ke: cannot start worker %u: %s", place, strerror(-rc));
		back_off(&staff->place[place], 0);
		return;
	}
	p->place = place;
	p->generation = staff->generation;
	p->started = now_ms();
	watch(staff, p->control);
	watch(staff, p->pidfd);
}

static bool is_staffed(struct ke_staff *staff, unsigned int place)
{
	for_each_process(staff, p) if (p->place == place &&
				       p->generation == staff->generation) return true;
	return false;
}

unsigned int ke_staff_ready(struct ke_staff *staff)
{
	bool ready[KE_MAX_WORKERS] = { false };
	unsigned int count = 0;

	for_each_process(staff, p) ready[p->place] |= p->ready && !p->draining;
	for (unsigned int i = 0; i < staff->places; i++)
		count += ready[i];
	return count;
}

static void start_due(struct ke_staff *staff)
{
	for (unsigned int i = 0; i < staff->places; i++)
		if (!is_staffed(staff, i) && staff->place[i].next_start <= now_ms())
			start_worker(staff, i);
}

void ke_staff_renew(struct ke_staff *staff, unsigned int places)
{
	staff->generation++;
	staff->places = places;
	memset(staff->place, 0, sizeof(staff->place));
	for_each_process(staff, p) if (p->place >= places && !p->draining) ke_process_drain(p);
	start_due(staff);
}

/* ---- words and deaths --------------------------------------------------- */

static void log_death(const struct ke_process *p, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warning("ke: worker %u (process %d) was ended by signal %d (%s)", p->place,
			    (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_warning("ke: worker %u (process %d) ended with status %d", p->place, (int)pid,
			    WEXITSTATUS(status));
}

/* True if it has died. */
static bool bury(struct ke_staff *staff, struct ke_process *p)
{
	pid_t pid = p->pid;
	int status = 0;

	if (!ke_process_reap(p, false, &status))
		return false;
	if (p->draining)
		return true;
	log_death(p, pid, status);
	if (p->generation == staff->generation)
		back_off(&staff->place[p->place], now_ms() - p->started);
	return true;
}

static void take_over(struct ke_staff *staff, const struct ke_process *ready)
{
	for_each_process(staff, p) if (p->place == ready->place &&
				       p->generation < ready->generation && !p->draining)
		ke_process_drain(p);
}

static void hear(struct ke_staff *staff, struct ke_process *p)
{
	bool was_ready = p->ready;

	if (bury(staff, p))
		return;
	if (ke_process_hear(p) || (!p->ready && now_ms() - p->started > START_MS))
		ke_process_kill(p); /* its death comes next */
	else if (p->ready && !was_ready)
		take_over(staff, p);
}

void ke_staff_attend(struct ke_staff *staff)
{
	for_each_process(staff, p) hear(staff, p);
	start_due(staff);
}

int ke_staff_set_keys(struct ke_staff *staff, const struct ke_sealing_keys *keys)
{
	int rc = 0;

	for_each_process(staff, p)
	{
		int sent = ke_process_set_keys(p, keys);

		if (!sent)
			continue;
		ke_process_kill(p);
		rc = rc ? rc : sent;
	}
	return rc;
}

void ke_staff_end(struct ke_staff *staff)
{
	int64_t deadline = now_ms() + END_MS;

	for_each_process(staff, p) shutdown(p->control, SHUT_RDWR);
	for_each_process(staff, p)
	{
		struct pollfd dead = { .fd = p->pidfd, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (poll(&dead, 1, left > 0 ? (int)left : 0) <= 0)
			ke_process_kill(p);
		ke_process_reap(p, true, NULL);
	}
}
