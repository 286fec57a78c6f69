/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verdict table, one packet a line: run on the userspace build by
 * unit/test_verdicts.c and on the BPF object by prog_run/test_verdicts.c.
 */
#ifndef XNTS_TEST_CASES_H
#define XNTS_TEST_CASES_H

#include "client.h"
#include "target.h"

enum case_flags {
	ONLY4 = 1 << 0,     /* IPv4 only; else a case runs over both */
	ONLY6 = 1 << 1,
	TINY = 1 << 2,      /* a frame that BPF_PROG_TEST_RUN refuses to run */
	UNSYNC = 1 << 3,    /* the answer says unsynchronised */
	SAME_SIZE = 1 << 4, /* the answer is as long as the request, to the byte */
};

struct test_case {
	const char *name;
	enum xnts_verdict verdict;
	void (*make)(struct packet *, struct world *); /* changes a plain client's request */
	unsigned int flags;
	int cut;        /* bytes taken off the built frame's end */
	int leap;       /* LI of the answer, where not UNSYNC */
	int utc_ahead;  /* s that the answer is ahead of CLOCK_TAI - WORLD_TAI_OFFSET */
	int cookies;    /* in an NTS answer */
	int echo;       /* bytes of identifier field sent back, and where it is in the request; */
	int echo_at;    /* 0: right behind the header */
};

#define MAKE(name) \
	static void make_##name(struct packet *p __attribute__((unused)), \
				struct world *w __attribute__((unused)))

#define CASE(expected, maker, title, ...) \
	{ .name = title, .verdict = XNTS_V_##expected, .make = make_##maker, ##__VA_ARGS__ }
#define CASE_COUNT(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

MAKE(plain) { }

#endif /* XNTS_TEST_CASES_H */
