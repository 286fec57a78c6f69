/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* accept4() */
#include "ke_server.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "monotonic.h"

#define POLL_READ (EPOLLIN | EPOLLRDHUP)
#define EVENTS    64   /* taken from epoll at once */
#define FEW       8    /* events, or connections: see gather() */
#define GATHER_NS 1000000
#define ACCEPTS   16   /* of a listener at once: those being served wait meanwhile */
#define LINGER_MS 2000 /* for the client's close after the answer */
#define RESUME_MS 100  /* pause after the system ran out of descriptors or memory */

static void count(__u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* ---- one connection ----------------------------------------------------- */

/* `outcome` counts a connection that had not come to its own. */
static void end(struct ke_server *s, struct ke_conn *conn, __u64 *outcome)
{
	if (conn->session)
		ke_session_close(conn->session, outcome);
	else if (conn->phase == KE_SILENT)
		count(outcome);
	conn->session = NULL;
	close(conn->fd);
	ke_conns_remove(&s->conns, conn);
}

static void poll_for(struct ke_server *s, struct ke_conn *conn, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	if (conn->events != events)
		epoll_ctl(s->epoll, EPOLL_CTL_MOD, conn->fd, &event);
	conn->events = events;
}

/*
 * close() with unread bytes makes the kernel send a reset, which can overtake the answer.  So
 * the client closes first, within LINGER_MS, and what it still sends is thrown away.
 */
static void linger(struct ke_server *s, struct ke_conn *conn)
{
	ke_session_close(conn->session, NULL);
	conn->session = NULL;
	if (shutdown(conn->fd, SHUT_WR)) {
		end(s, conn, NULL);
		return;
	}
	ke_conns_move(&s->conns, conn, KE_LINGER, now_ms());
	poll_for(s, conn, POLL_READ);
}

/* With EPOLLRDHUP the client's end is there already, behind what is to be thrown away. */
static void discard(struct ke_server *s, struct ke_conn *conn, uint32_t events)
{
	uint8_t junk[4096];
	ssize_t n = recv(conn->fd, junk, sizeof(junk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || ((size_t)n < sizeof(junk) && events & EPOLLRDHUP))
		end(s, conn, NULL);
}

static void follow(struct ke_server *s, struct ke_conn *conn, enum ke_want want)
{
	enum ke_phase phase = ke_session_established(conn->session) ? KE_REQUEST : KE_HANDSHAKE;

	if (want == KE_FINISHED) {
		linger(s, conn);
		return;
	}
	if (conn->phase != phase)
		ke_conns_move(&s->conns, conn, phase, now_ms());
	poll_for(s, conn, want == KE_WANT_WRITE ? EPOLLOUT : POLL_READ);
}

/* TLS begins with the first byte, so that a silent connection costs nearly nothing. */
static void begin(struct ke_server *s, struct ke_conn *conn)
{
	if (!ke_rate_take(&s->rate, conn->prefix, now_ms())) {
		end(s, conn, &s->service.counters->refused_rate);
		return;
	}
	conn->session = ke_session_open(&s->service, conn->fd);
	if (!conn->session) {
		end(s, conn, &s->service.counters->error_internal);
		return;
	}
	ke_conns_move(&s->conns, conn, KE_HANDSHAKE, now_ms());
	follow(s, conn, ke_session_run(conn->session));
}

static void on_ready(struct ke_server *s, struct ke_conn *conn, uint32_t events)
{
	switch (conn->phase) {
	case KE_SILENT: begin(s, conn); break;
	case KE_HANDSHAKE:
	case KE_REQUEST: follow(s, conn, ke_session_run(conn->session)); break;
	case KE_LINGER: discard(s, conn, events); break;
	case KE_FREE: /* ended by an earlier event of the same batch */
	case KE_PHASES: break;
	}
}

static void on_timeout(struct ke_server *s, struct ke_conn *conn)
{
	if (conn->phase == KE_REQUEST)
		follow(s, conn, ke_session_expire(conn->session));
	else
		end(s, conn, &s->service.counters->timed_out);
}

/* ---- new connections ---------------------------------------------------- */

static void admit(struct ke_server *s, int fd, const struct sockaddr *source)
{
	struct xnts_ke_counters *counters = s->service.counters;
	struct epoll_event event = { .events = POLL_READ };
	uint64_t prefix = ke_prefix(source, s->limits.prefix);
	struct ke_conn *conn;

	count(&counters->accepted);
	if (s->limits.max_per_prefix &&
	    ke_conns_of_prefix(&s->conns, prefix) >= s->limits.max_per_prefix) {
		count(&counters->refused_prefix);
		close(fd);
		return;
	}
	if (s->conns.used == s->conns.max)
		end(s, ke_conns_victim(&s->conns), &counters->refused_full);
	conn = ke_conns_add(&s->conns, fd, prefix, now_ms());
	conn->events = event.events;
	event.data.ptr = conn;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event))
		end(s, conn, &counters->error_internal);
}

static void set_listening(struct ke_server *s, bool on)
{
	for (unsigned int i = 0; i < s->listener_count && on != s->listening; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &s->listeners[i] };

		epoll_ctl(s->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, s->listeners[i], &event);
	}
	s->listening = on;
}

/* Out of descriptors or memory: the oldest gives way, and a pause keeps a listener that
 * stays readable from eating the CPU. */
static void run_short(struct ke_server *s)
{
	struct ke_conn *victim = ke_conns_victim(&s->conns);

	if (victim)
		end(s, victim, &s->service.counters->refused_full);
	set_listening(s, false);
	s->resume_at = now_ms() + RESUME_MS;
}

static void on_listener(struct ke_server *s, int listener)
{
	struct sockaddr_storage source;

	for (int i = 0; i < ACCEPTS; i++) {
		socklen_t len = sizeof(source);
		int fd = accept4(listener, (struct sockaddr *)&source, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(s, fd, (struct sockaddr *)&source);
		} else {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				run_short(s);
			return;
		}
	}
	s->crowded = true;
}

/* ---- time --------------------------------------------------------------- */

static int64_t limit_ms(const struct ke_server *s, enum ke_phase phase)
{
	switch (phase) {
	case KE_LINGER: return LINGER_MS;
	case KE_REQUEST: return (int64_t)s->limits.request_timeout * 1000;
	default: return (int64_t)s->limits.handshake_timeout * 1000;
	}
}

/* Ends what is overdue.  Returns the ms until the next is, -1 for none. */
static int run_timers(struct ke_server *s)
{
	int64_t now = now_ms(), next = INT_MAX;

	for (enum ke_phase phase = KE_SILENT; phase < KE_PHASES; phase++) {
		int64_t limit = limit_ms(s, phase);
		struct ke_conn *conn;

		while ((conn = ke_conns_oldest(&s->conns, phase)) && conn->since + limit <= now)
			on_timeout(s, conn);
		if (conn && conn->since + limit - now < next)
			next = conn->since + limit - now;
	}
	if (s->resume_at && s->resume_at <= now) {
		s->resume_at = 0;
		set_listening(s, !s->draining);
	}
	if (s->resume_at && s->resume_at - now < next)
		next = s->resume_at - now;
	return next == INT_MAX ? -1 : (int)next;
}

/* ---- the loop ----------------------------------------------------------- */

int ke_server_init(struct ke_server *s)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
	int rc = ke_conns_init(&s->conns, s->limits.max_connections);

	if (rc)
		return rc;
	rc = ke_rate_init(&s->rate, s->limits.rate, s->limits.burst);
	if (rc) {
		ke_conns_free(&s->conns);
		return rc;
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll >= 0 && !epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->control, &event))
		return 0;
	rc = -errno;
	ke_server_free(s);
	return rc;
}

void ke_server_listen(struct ke_server *s)
{
	if (!s->draining && !s->resume_at)
		set_listening(s, true);
}

static void close_listeners(struct ke_server *s)
{
	for (unsigned int i = 0; i < s->listener_count; i++)
		close(s->listeners[i]);
	s->listener_count = 0;
}

void ke_server_drain(struct ke_server *s)
{
	set_listening(s, false);
	s->draining = true;
	close_listeners(s);
}

/* An event's pointer is the server (control), one of its listeners, or a connection.  Those of a
 * batch that come after the order to drain are of listeners that are closed already. */
static bool on_event(struct ke_server *s, const struct epoll_event *event)
{
	void *what = event->data.ptr;
	int *listener = what;

	if (what == s)
		return s->on_control(s);
	if (listener >= s->listeners && listener < s->listeners + KE_MAX_LISTENERS) {
		if (s->listening)
			on_listener(s, *listener);
	} else {
		on_ready(s, what, event->events);
	}
	return true;
}

/*
 * As network cards moderate their interrupts: with several connections under way and little to
 * do at a time, a pause lets events gather.  To fall asleep and be woken for each by itself takes
 * a tenth of a handshake's CPU.  A listener's one event may stand for a crowd, which does not wait.
 */
static void gather(const struct ke_server *s, int events)
{
	if (events < FEW && s->conns.used >= FEW && !s->crowded)
		nanosleep(&(struct timespec){ .tv_nsec = GATHER_NS }, NULL);
}

int ke_server_run(struct ke_server *s)
{
	struct epoll_event events[EVENTS];
	int n = EVENTS;

	for (;;) {
		int timeout = run_timers(s); /* may end the last connection */

		if (s->draining && !s->conns.used)
			return 0;
		gather(s, n);
		s->crowded = false;
		n = epoll_wait(s->epoll, events, EVENTS, timeout);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			if (!on_event(s, &events[i]))
				return 0;
	}
}

void ke_server_free(struct ke_server *s)
{
	for (enum ke_phase phase = KE_SILENT; phase < KE_PHASES && s->conns.all; phase++) {
		struct ke_conn *conn;

		while ((conn = ke_conns_oldest(&s->conns, phase)))
			end(s, conn, &s->service.counters->aborted);
	}
	ke_conns_free(&s->conns);
	ke_rate_free(&s->rate);
	close_listeners(s);
	if (s->epoll >= 0)
		close(s->epoll);
	s->epoll = -1;
}
