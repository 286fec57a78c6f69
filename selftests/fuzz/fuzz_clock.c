/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a clock source says: an NTP answer (the input's first byte is 'N') or a line of
 * `chronyc -c tracking` (any other).  It is refused, or it gives a state that may be
 * published: in order, or unsynchronised in every member.
 */
#define _GNU_SOURCE /* as chronyc.c: pipe2() */
#include <stdlib.h>

#include "chronyc.c"
#include "ntp_query.c"
#include "clock_state.c"

#define NONCE 0x0123456789abcdefULL

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void check(struct xnts_clock_state *state)
{
	clock_state_add_error(state, 0);
	if (state->leap == NTP_LEAP_UNKNOWN) {
		MUST(!state->stratum && !state->root_delay && !state->root_dispersion);
		MUST(!state->reference_id && !state->reference_time);
		return;
	}
	MUST(state->leap <= 2);
	MUST(state->stratum >= 1 && state->stratum <= NTP_STRATUM_MAX);
	MUST(state->root_dispersion < MAXDISP_SHORT);
}

static void fuzz_answer(const uint8_t *data, size_t size)
{
	struct xnts_clock_state state = { .stratum = 0 };
	struct ntp_stamps stamps;
	uint8_t *exact = malloc(size + !size); /* so that reading past it is seen */
	int err;

	memcpy(exact, data, size);
	err = ntp_parse_answer(exact, size, NONCE, &state, &stamps);
	if (!err)
		check(&state);
	if (!err)
		MUST(ntp_unexplained_offset(stamps.receive, &stamps, stamps.transmit) >= 0);
	free(exact);
}

static void fuzz_tracking(const uint8_t *data, size_t size)
{
	struct xnts_clock_state state = { .stratum = 0 };
	char *line = malloc(size + 1);

	memcpy(line, data, size);
	line[size] = '\0';
	if (!chronyc_parse_tracking(line, &state))
		check(&state);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'N')
		fuzz_answer(data + 1, size - 1);
	else
		fuzz_tracking(data, size);
	return 0;
}
