/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

#include "keys_list.h"
#include "keys_state.h"

const char *keys_time(int64_t utc, char text[KEYS_TIME_LEN])
{
	time_t time = utc;
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(text, KEYS_TIME_LEN, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(text, KEYS_TIME_LEN, "%" PRId64, utc);
	return text;
}

/* The two largest units: "8d 12h", "5m 3s". */
static const char *duration(int64_t seconds, char text[KEYS_TIME_LEN])
{
	int64_t d = seconds / 86400, h = seconds / 3600 % 24, m = seconds / 60 % 60, s = seconds % 60;

	if (d)
		snprintf(text, KEYS_TIME_LEN, "%" PRId64 "d %" PRId64 "h", d, h);
	else if (h)
		snprintf(text, KEYS_TIME_LEN, "%" PRId64 "h %" PRId64 "m", h, m);
	else
		snprintf(text, KEYS_TIME_LEN, "%" PRId64 "m %" PRId64 "s", m, s);
	return text;
}

static void list_key(FILE *out, const struct keys_generation *generation, int64_t epoch, bool begun,
		     int64_t now)
{
	int64_t from = generation->origin + epoch * generation->length;
	char time[KEYS_TIME_LEN], age[KEYS_TIME_LEN];
	const char *what = "opens cookies";

	/* a generation that is alone seals from its first epoch before that begins, after a revocation */
	if (now < from && !(begun && epoch == generation->epoch))
		what = "to come";
	else if (now < from + generation->length && begun)
		what = "seals cookies";
	fprintf(out, "  %04x  epoch %-6" PRId64 "  %s  %s%-9s  %s\n", keys_id(generation, epoch), epoch,
		keys_time(from, time), now < from ? "in " : "   ",
		duration(now < from ? from - now : now - from, age), what);
}

/* `seals`: it is the newest that has begun. */
static void list_generation(FILE *out, const struct keys_generation *generation, int64_t clock,
			    uint32_t preload, int64_t now, bool seals)
{
	int64_t last = keys_epoch_at(generation, clock);
	char time[KEYS_TIME_LEN], length[KEYS_TIME_LEN];

	if (last < generation->epoch)
		last = generation->epoch;
	fprintf(out, "generation %u, since %s, epochs of %s\n", generation->number,
		keys_time(generation->origin, time), duration(generation->length, length));
	for (int64_t epoch = generation->epoch; epoch <= last + preload; epoch++)
		list_key(out, generation, epoch, seals, now);
}

void keys_list(FILE *out, const struct keys_state *state, uint32_t preload, int64_t now)
{
	uint32_t sealing = state->count == 2 && now < state->generation[0].origin;

	for (uint32_t i = 0; i < state->count; i++)
		list_generation(out, &state->generation[i], state->clock, preload, now, i == sealing);
}
