/* SPDX-License-Identifier: GPL-2.0 */
/* The cookie keys as a person may see them: ids and ages. */
#ifndef XNTS_KEYS_LIST_H
#define XNTS_KEYS_LIST_H

#include <stdint.h>
#include <stdio.h>

struct keys_state;

#define KEYS_TIME_LEN 32

/* "2026-11-23 18:00:00 UTC"; returns `text`. */
const char *keys_time(int64_t utc, char text[KEYS_TIME_LEN]);

/*
 * Prints a line for each generation and, below, one for each key from the oldest kept
 * to the last of `preload` future ones, judged by `now` (UTC, s since 1970).
 */
void keys_list(FILE *out, const struct keys_state *state, uint32_t preload, int64_t now);

#endif /* XNTS_KEYS_LIST_H */
