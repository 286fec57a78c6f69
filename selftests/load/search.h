/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The highest rate without loss, in the spirit of MLRsearch (draft-ietf-bmwg-mlrsearch): most of
 * a few trials must agree on a rate, so that neither one pause of the machine nor one lucky moment
 * decides.  Short trials find where to look, long ones have the last word.
 */
#ifndef XNTS_LOAD_SEARCH_H
#define XNTS_LOAD_SEARCH_H

#include <math.h>

#define SEARCH_WIDTH 1.03  /* the rate that fails is at most so many times the one that holds */
#define SEARCH_SHORT 0.1   /* s */
#define SEARCH_LOWEST 10.0 /* a second */
#define SEARCH_HIGHEST 1e8
#define SEARCH_LATE_MAX 10

enum search_verdict {
	SEARCH_GOOD,
	SEARCH_LOST, /* more than is allowed */
	SEARCH_LATE, /* the rate was not sent, which says nothing of the server */
};

struct search_result {
	double rate;               /* a second; 0: none holds */
	enum search_verdict above; /* what is wrong with the next higher one */
};

typedef enum search_verdict (*search_trial)(double rate, double seconds);

/* Late trials are made again, but not for ever. */
static inline enum search_verdict search_judge(search_trial trial, double rate, double seconds,
					       int majority)
{
	int count[3] = { 0 };

	while (count[SEARCH_GOOD] < majority && count[SEARCH_LOST] < majority &&
	       count[SEARCH_LATE] < SEARCH_LATE_MAX)
		count[trial(rate, seconds)]++;
	return count[SEARCH_GOOD] == majority ? SEARCH_GOOD :
	       count[SEARCH_LOST] == majority ? SEARCH_LOST : SEARCH_LATE;
}

/* From `rate` up or down in growing steps until it lies between two bounds, which then close in. */
static inline struct search_result search_from(search_trial trial, double rate, double seconds,
					       int majority, double step)
{
	struct search_result r = { 0 };
	double high = 0;

	while (rate >= SEARCH_LOWEST && rate <= SEARCH_HIGHEST &&
	       (!r.rate || !high || high > 1.0001 * SEARCH_WIDTH * r.rate)) {
		enum search_verdict verdict = search_judge(trial, rate, seconds, majority);

		if (verdict == SEARCH_GOOD) {
			r.rate = rate;
		} else {
			high = rate;
			r.above = verdict;
		}
		if (r.rate && high) {
			rate = sqrt(r.rate * high);
		} else {
			rate = high ? high / step : r.rate * step;
			step = fmin(step * step, 4);
		}
	}
	return r;
}

/* `guess` a second is where to begin, `seconds` is how long the last trials take. */
static inline struct search_result search_rate(search_trial trial, double guess, double seconds)
{
	struct search_result r = search_from(trial, guess, SEARCH_SHORT, 3, 2);

	return r.rate ? search_from(trial, r.rate, seconds, 2, SEARCH_WIDTH) : r;
}

#endif /* XNTS_LOAD_SEARCH_H */
