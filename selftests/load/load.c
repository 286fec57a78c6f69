// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/* The load generator: `load --help`. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "monotonic.h"
#include "requests.h"
#include "search.h"

#define PATIENCE 0.1       /* s without an answer: what is missing is lost */
#define DEBT 0.01          /* s of requests that a late sender makes up for */
#define LATE 0.03          /* part of the requests of a trial that may not have been sent */

struct trial {
	struct load_counts counts;
	uint64_t times[LOAD_BUCKETS];
	double seconds, cpu; /* that it took, and of our own CPU time, softirqs included */
	uint64_t unanswered;
};

static struct options o;
static struct {
	uint64_t gone, was; /* requests written off; answers so far */
	double heard;       /* when there were fewer */
} waiting;
static const struct engine *engine;
static uint64_t verified, wrong;
static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static double seconds_of(clockid_t id)
{
	return clock_ns(id) * 1e-9;
}

static double now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

static void verify(const uint8_t *ntp, uint32_t len)
{
	const char *why = requests_verify(&o, ntp, len);

	verified++;
	if (why && wrong++ < 5)
		fprintf(stderr, "load: an answer is %s\n", why);
}

/* ---- one run ------------------------------------------------------------------ */

static uint64_t answers(const struct load_counts *c)
{
	return c->answered + c->unsynchronised + c->kissed;
}

static struct load_counts since(const struct load_counts *a, const struct load_counts *b)
{
	return (struct load_counts){ b->sent - a->sent, b->answered - a->answered,
				     b->unsynchronised - a->unsynchronised, b->kissed - a->kissed,
				     b->stray - a->stray };
}

static void went(int err)
{
	if (err == -EINTR)
		return;
	if (err) {
		fprintf(stderr, "load: send: %s\n", strerror(-err));
		exit(2);
	}
}

static void fire(uint64_t n)
{
	went(engine->fire(n));
}

/* Sleeps when there is time for it; a sleep takes 60 us at least. */
static void wait_about(double s)
{
	struct timespec t = { 0, s * 1e9 };

	if (s > 200e-6)
		nanosleep(&t, NULL);
	else
		sched_yield();
}

static bool over(double begun, double seconds)
{
	return stopped || now() - begun >= seconds || (o.until && !access(o.until, F_OK));
}

/* Requests that may still be answered: what does not come for a while is written off. */
static uint64_t under_way(const struct load_counts *first, const struct load_counts *c)
{
	struct load_counts d = since(first, c);
	uint64_t missing = d.sent - answers(&d);

	if (answers(&d) != waiting.was) {
		waiting.was = answers(&d);
		waiting.heard = now();
	}
	if (missing < waiting.gone)
		waiting.gone = missing;
	if (missing > waiting.gone && now() - waiting.heard > PATIENCE) {
		waiting.gone = missing;
		waiting.heard = now();
	}
	return missing - waiting.gone;
}

/* BPF keeps to the rate and the window. */
static void paced_loop(const struct load_counts *first, double rate, double seconds)
{
	uint64_t before = first->sent - answers(first);
	double begun = now();
	struct load_counts c;
	bool anew = true;

	while (!over(begun, seconds)) {
		engine->poll(&c, verify);
		under_way(first, &c);
		went(engine->pace(rate, rate > 0 && !o.capped ? 0 : o.window + before + waiting.gone, anew));
		anew = false;
	}
}

/* At a rate, whatever comes back; but no more under way than --window, where that is said. */
static void open_loop(const struct load_counts *first, double rate, double seconds)
{
	double begun = now(), skipped = 0, least = fmin(o.batch, fmax(1, rate * 1e-3));
	struct load_counts c;

	while (!over(begun, seconds)) {
		double due;

		engine->poll(&c, verify);
		due = (now() - begun) * rate - skipped - (c.sent - first->sent);
		if (due > DEBT * rate + o.batch) {
			skipped += due - o.batch;
			due = o.batch;
		}
		if (due < least) {
			wait_about((least - due) / rate);
			continue;
		}
		due = fmin(due, o.batch);
		if (o.capped)
			due = fmin(due, o.window - (double)under_way(first, &c));
		if (due >= 1)
			fire(due);
		else
			sched_yield();
	}
}

/* The next when answers come. */
static void closed_loop(const struct load_counts *first, double seconds)
{
	double begun = now();
	struct load_counts c;
	uint64_t n;

	while (!over(begun, seconds)) {
		engine->poll(&c, verify);
		n = under_way(first, &c);
		if (n <= o.window / 2)
			fire(o.window - n);
		else
			sched_yield();
	}
}

/* Until all is answered or nothing comes any more. */
static void drain(const struct load_counts *first)
{
	double heard = now();
	uint64_t was = 0;
	struct load_counts c, d;

	do {
		engine->poll(&c, verify);
		d = since(first, &c);
		if (answers(&d) != was)
			heard = now();
		was = answers(&d);
		usleep(1000);
	} while (answers(&d) < d.sent && now() - heard < PATIENCE);
}

/* How many of all requests ever sent were not answered, request by request. */
static uint64_t unanswered(void)
{
	const struct load_slot *slot = engine->slots();
	uint64_t n = 0;

	for (uint32_t i = 0; i < o.requests; i++)
		n += slot[i].sent - slot[i].answered;
	return n;
}

static struct trial run(double rate, double seconds)
{
	struct trial t = { 0 };
	struct load_counts first, last;
	double begun, cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t missing = unanswered();
	int i;

	waiting.gone = waiting.was = 0;
	waiting.heard = now();
	engine->poll(&first, verify);
	for (i = 0; i < LOAD_BUCKETS; i++)
		t.times[i] = engine->times()[i];
	begun = now();
	if (o.pace)
		paced_loop(&first, rate, seconds);
	else if (rate > 0)
		open_loop(&first, rate, seconds);
	else
		closed_loop(&first, seconds);
	t.seconds = now() - begun;
	drain(&first);
	t.cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	engine->poll(&last, verify);
	t.counts = since(&first, &last);
	t.unanswered = unanswered() - missing;
	for (i = 0; i < LOAD_BUCKETS; i++)
		t.times[i] = engine->times()[i] - t.times[i];
	return t;
}

/* ---- figures ------------------------------------------------------------------ */

/* Kisses are answers that the server chose to give: not lost. */
static uint64_t lost(const struct trial *t)
{
	uint64_t got = answers(&t->counts);

	return got < t->counts.sent ? t->counts.sent - got : 0;
}

/* Upper end of a bucket, ns. */
static double bucket_end(int bucket)
{
	return bucket < 8 ? bucket + 1 : ldexp(9 + bucket % 8, bucket / 8 - 1);
}

/* The response time that `part` of the answers did not exceed, us. */
static double quantile(const struct trial *t, double part)
{
	uint64_t all = 0, sum = 0;
	int i;

	for (i = 0; i < LOAD_BUCKETS; i++)
		all += t->times[i];
	for (i = 0; i < LOAD_BUCKETS - 1; i++) {
		sum += t->times[i];
		if (sum >= part * all)
			break;
	}
	return all ? bucket_end(i) * 1e-3 : 0;
}

static void report(const char *run_name, double rate, const struct trial *t)
{
	const struct load_counts *c = &t->counts;

	printf("run=%s kind=%s engine=%s rate=%.0f seconds=%.3f sent=%llu answered=%llu kissed=%llu "
	       "unsynchronised=%llu lost=%llu unanswered=%llu stray=%llu verified=%llu wrong=%llu "
	       "sent_rate=%.0f answered_rate=%.0f cpu=%.3f",
	       run_name, load_kind_names[o.kind], o.udp ? "udp" : "xdp", rate, t->seconds,
	       (unsigned long long)c->sent, (unsigned long long)c->answered,
	       (unsigned long long)c->kissed, (unsigned long long)c->unsynchronised,
	       (unsigned long long)lost(t), (unsigned long long)t->unanswered,
	       (unsigned long long)c->stray, (unsigned long long)verified, (unsigned long long)wrong,
	       c->sent / t->seconds, c->answered / t->seconds, t->cpu);
	if (o.times)
		printf(" p50_us=%.1f p90_us=%.1f p99_us=%.1f p999_us=%.1f", quantile(t, 0.5),
		       quantile(t, 0.9), quantile(t, 0.99), quantile(t, 0.999));
	printf("\n");
	fflush(stdout);
}

static enum search_verdict try_rate(double rate, double seconds)
{
	struct trial t = { 0 };

	if (!stopped)
		t = run(rate, seconds);
	if (stopped) /* nothing holds any more: the search ends */
		return SEARCH_LOST;
	if (lost(&t) > o.loss / 100 * t.counts.sent) {
		report("fail", rate, &t);
		return SEARCH_LOST;
	}
	if (t.counts.sent < (1 - LATE) * rate * t.seconds) {
		report("late", rate, &t);
		return SEARCH_LATE;
	}
	report("pass", rate, &t);
	return SEARCH_GOOD;
}

/* Then for as long as --seconds says at that rate and at twice that.  Returns an exit status. */
static int search(void)
{
	struct trial t = run(0, SEARCH_SHORT);
	struct search_result r;

	report("closed", 0, &t);
	r = search_rate(try_rate, fmax(SEARCH_LOWEST, answers(&t.counts) / t.seconds), o.seconds);
	if (!r.rate || stopped) {
		fprintf(stderr, "load: no rate was found without loss\n");
		return 1;
	}
	if (r.above == SEARCH_LATE)
		fprintf(stderr, "load: above %.0f a second requests are late, not lost: the sender is the limit%s\n",
			r.rate, o.capped ? ", or --window" : "");
	t = run(r.rate, o.seconds);
	report("best", r.rate, &t);
	t = run(2 * r.rate, o.seconds);
	report("twice", 2 * r.rate, &t);
	return t.counts.stray != 0;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "load: CPU %d: %s\n", cpu, strerror(errno));
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct trial t;

	options_parse(&o, argc, argv);
	if (o.cpu >= 0)
		stay_on(o.cpu);
	engine = o.udp ? &engine_udp : &engine_xdp;
	requests_prepare(&o);
	engine->open(&o);
	atexit(engine->close);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (o.search)
		return search() || wrong;
	t = run(o.rate, o.seconds);
	report("run", o.rate, &t);
	return wrong || t.counts.stray;
}
