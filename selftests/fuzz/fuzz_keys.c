/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ratchet's state file: any text.  The first byte says whether what follows is taken as it
 * is, or gets the checksum it needs, without which nothing gets past the first check.
 * What is taken is written back the same, and can be worked with.
 */
#include <stdlib.h>

#include "keys_ratchet.c"
#include "keys_text.c"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* On a heap of its own, so that a byte read beyond its end is seen. */
static void parse(const char *text, size_t len)
{
	static const struct keys_state wiped;
	char *copy = malloc(len ? len : 1), again[KEYS_TEXT_MAX];
	struct keys_state state;

	if (len)
		memcpy(copy, text, len);
	if (keys_parse(copy, len, &state)) {
		MUST(!memcmp(&state, &wiped, sizeof(state)));
	} else {
		MUST(keys_format(&state, again) == len && !memcmp(again, copy, len));
		MUST(state.count == 1 || state.count == 2);
		/* at most two windows' steps: what the checks allow ends soon */
		MUST(!keys_forget(&state, 1));
		for (uint32_t i = 0; i < state.count; i++)
			MUST(keys_id(&state.generation[i], state.generation[i].epoch) >> 12 ==
			     state.generation[i].number);
		keys_format(&state, again);
		MUST(!keys_parse(again, strlen(again), &state));
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[KEYS_TEXT_MAX];

	if (!size)
		return 0;
	if (data[0] & 1) {
		parse((const char *)data + 1, size - 1);
		return 0;
	}
	size--;
	if (size > sizeof(text) - TAIL_LEN - 1)
		return 0;
	memcpy(text, data + 1, size);
	parse(text, put_checksum(text, size) - text);
	return 0;
}
