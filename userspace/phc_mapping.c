/* SPDX-License-Identifier: GPL-2.0 */
#include "phc_mapping.h"

#include <math.h>
#include <string.h>

#define GAP_MAX   10e9 /* ns; older samples say nothing of the rate now */
#define SPAN_MIN  0.2e9 /* ns between samples that tell a rate */
#define VALID     10000000000ULL /* ns that a mapping holds when nobody refreshes it */
#define TOLERANCE 1000 /* ns from what was expected, besides the samples' own doubt */
#define READING   50 /* ns, the doubt of the tightest sample */

const struct phc_sample *phc_tightest(const struct phc_sample *samples, int count)
{
	const struct phc_sample *best = samples;

	for (int i = 1; i < count; i++)
		if (samples[i].after - samples[i].before < best->after - best->before)
			best = &samples[i];
	return best;
}

static uint64_t middle(const struct phc_sample *s)
{
	return s->before + (s->after - s->before) / 2;
}

static double width(const struct phc_sample *s)
{
	return s->after - s->before;
}

/* A straight line through the history, with the newest sample as its origin. */
struct line {
	double offset; /* ns of CLOCK_TAI at the origin, from its sample there */
	double rate;   /* what CLOCK_TAI gains on the PHC */
	double doubt;  /* ns, the widest sample */
};

/*
 * Least squares, weighted by how tight the samples are.  x is the PHC's time, y what
 * CLOCK_TAI is ahead of it: small numbers, whatever the clocks show.
 */
static struct line fit(const struct phc_mapping *m)
{
	const struct phc_sample *origin = &m->history[m->count - 1];
	double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0, spread;
	struct line line = { 0 };

	for (int i = 0; i < m->count; i++) {
		const struct phc_sample *s = &m->history[i];
		int64_t x = s->phc - origin->phc;
		double y = (int64_t)(middle(s) - middle(origin) - x);
		double weight = 1 / ((width(s) + READING) * (width(s) + READING));

		w += weight;
		wx += weight * x;
		wy += weight * y;
		wxx += weight * x * x;
		wxy += weight * x * y;
		line.doubt = fmax(line.doubt, width(s));
	}
	spread = w * wxx - wx * wx;
	if (m->count > 1 && spread > 0)
		line.rate = (w * wxy - wx * wy) / spread;
	line.offset = (wy - line.rate * wx) / w;
	return line;
}

/* Is the sample where the history would have it?  Of one sample it knows no rate. */
static bool fits(const struct phc_mapping *m, const struct phc_sample *s)
{
	const struct phc_sample *origin = &m->history[m->count - 1];
	int64_t x = s->phc - origin->phc;
	struct line line = fit(m);
	double error = (int64_t)(middle(s) - middle(origin) - x) - line.offset - line.rate * x;
	double room = TOLERANCE + width(s) + line.doubt;

	if (x < SPAN_MIN || x > GAP_MAX)
		return false;
	if (m->count == 1)
		room += x * ldexp(XNTS_PHC_RATE_MAX, -XNTS_PHC_SHIFT);
	return fabs(error) <= room;
}

void phc_mapping_add(struct phc_mapping *m, const struct phc_sample *sample)
{
	if (m->count && !fits(m, sample))
		m->count = 0;
	if (m->count == PHC_HISTORY)
		memmove(m->history, m->history + 1, --m->count * sizeof(*sample));
	m->history[m->count++] = *sample;
}

bool phc_mapping_get(const struct phc_mapping *m, struct xnts_phc *out)
{
	const struct phc_sample *origin;
	struct line line;
	double rate;

	out->valid = 0;
	if (m->count < 2)
		return false;
	origin = &m->history[m->count - 1];
	line = fit(m);
	rate = ldexp(line.rate, XNTS_PHC_SHIFT);
	if (fabs(rate) > XNTS_PHC_RATE_MAX)
		return false;
	out->tai = middle(origin) + llround(line.offset);
	out->phc = origin->phc;
	out->rate = llround(rate);
	out->valid = VALID;
	return true;
}
