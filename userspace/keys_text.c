/* SPDX-License-Identifier: GPL-2.0 */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "keys_state.h"
#include "xnts_abi.h"

#define DIGEST_LEN 32
#define HEAD "xnts keys 1\n"
#define TAIL "sha256 "
#define TAIL_LEN (sizeof(TAIL) - 1 + 2 * DIGEST_LEN + 1) /* with its newline */
#define TIME_MAX ((int64_t)1 << 40)                       /* keeps sums far from overflow */

/* ---- hex, with no branch and no address that depends on the digits ------ */

static char hex_digit(unsigned int nibble)
{
	return '0' + nibble + (((9 - nibble) >> 8) & ('a' - '0' - 10));
}

/* `digit` is 0-9 or a-f; anything else gives some number, and the text is refused later. */
static unsigned int hex_value(unsigned char digit)
{
	return ((digit & 0xf) + 9 * (digit >> 6)) & 0xf;
}

static char *put_hex(char *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*to++ = hex_digit(from[i] >> 4);
		*to++ = hex_digit(from[i] & 0xf);
	}
	return to;
}

static void get_hex(uint8_t *to, const char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = hex_value(from[2 * i]) << 4 | hex_value(from[2 * i + 1]);
}

/* ---- writing ------------------------------------------------------------ */

/* Appends the checksum line of text[0..len). */
static char *put_checksum(char *text, size_t len)
{
	uint8_t digest[DIGEST_LEN];
	char *to = text + len;

	memset(digest, 0, sizeof(digest));
	EVP_Digest(text, len, digest, NULL, EVP_sha256(), NULL);
	to = stpcpy(to, TAIL);
	to = put_hex(to, digest, sizeof(digest));
	return stpcpy(to, "\n");
}

size_t keys_format(const struct keys_state *state, char text[KEYS_TEXT_MAX])
{
	char *to = text;

	to += sprintf(to, HEAD "clock %" PRId64 "\n", state->clock);
	for (uint32_t i = 0; i < state->count; i++) {
		const struct keys_generation *generation = &state->generation[i];

		to += sprintf(to, "generation %u length %u origin %" PRId64 " epoch %" PRId64 " chain ",
			      generation->number, generation->length, generation->origin,
			      generation->epoch);
		to = put_hex(to, generation->chain, KEYS_CHAIN_LEN);
		to = stpcpy(to, "\n");
	}
	return put_checksum(text, to - text) - text;
}

/* ---- reading ------------------------------------------------------------ */

static bool checksum_matches(const char *text, size_t len)
{
	char copy[KEYS_TEXT_MAX];
	bool matches;

	if (len < TAIL_LEN)
		return false;
	memcpy(copy, text, len - TAIL_LEN);
	put_checksum(copy, len - TAIL_LEN);
	matches = !CRYPTO_memcmp(copy + len - TAIL_LEN, text + len - TAIL_LEN, TAIL_LEN);
	OPENSSL_cleanse(copy, sizeof(copy));
	return matches;
}

/* Reads one generation's line; returns what follows, or NULL when `text` begins with none. */
static const char *get_generation(const char *text, struct keys_generation *generation)
{
	int at = 0;

	if (sscanf(text, "generation %u length %u origin %" SCNd64 " epoch %" SCNd64 " chain %n",
		   &generation->number, &generation->length, &generation->origin,
		   &generation->epoch, &at) != 4 || !at)
		return NULL;
	if (strlen(text + at) <= 2 * KEYS_CHAIN_LEN)
		return NULL;
	get_hex(generation->chain, text + at, KEYS_CHAIN_LEN);
	return text + at + 2 * KEYS_CHAIN_LEN + 1;
}

/* Reads without looking closely: the caller writes it again and compares. */
static bool get_state(const char *text, struct keys_state *state)
{
	int at = 0;

	if (sscanf(text, HEAD "clock %" SCNd64 "\n%n", &state->clock, &at) != 1 || !at)
		return false;
	text += at;
	while (state->count < 2) {
		const char *next = get_generation(text, &state->generation[state->count]);

		if (!next)
			break;
		text = next;
		state->count++;
	}
	return state->count > 0;
}

static bool is_canonical(const char *text, size_t len, const struct keys_state *state)
{
	char copy[KEYS_TEXT_MAX];
	size_t copy_len = keys_format(state, copy);
	bool same = copy_len == len && !CRYPTO_memcmp(copy, text, len);

	OPENSSL_cleanse(copy, sizeof(copy));
	return same;
}

static const char *check_generation(const struct keys_generation *generation, int64_t clock)
{
	int64_t now;

	if (generation->number < 1 || generation->number > KEYS_LAST_GENERATION)
		return "has a generation out of range";
	if (generation->length < 1 || generation->length > KEYS_LENGTH_MAX)
		return "has an epoch length out of range";
	if (generation->origin < 0 || generation->origin > TIME_MAX)
		return "has an origin out of range";
	now = keys_epoch_at(generation, clock);
	if (generation->epoch < 0 || generation->epoch > (now > 0 ? now : 0))
		return "has an epoch ahead of its clock";
	/* no more than the key map holds */
	if (now - generation->epoch >= XNTS_KEY_RING)
		return "has an epoch too far behind its clock";
	return NULL;
}

static const char *check_state(const struct keys_state *state)
{
	const struct keys_generation *generation = state->generation;
	const char *wrong = NULL;

	if (state->clock < 0 || state->clock > TIME_MAX)
		return "has a clock out of range";
	for (uint32_t i = 0; i < state->count && !wrong; i++)
		wrong = check_generation(&generation[i], state->clock);
	if (!wrong && state->count == 2 &&
	    generation[0].number != generation[1].number % KEYS_LAST_GENERATION + 1)
		wrong = "has generations that do not follow each other";
	return wrong;
}

const char *keys_parse(const char *text, size_t len, struct keys_state *state)
{
	char copy[KEYS_TEXT_MAX];
	const char *wrong = NULL;

	memset(state, 0, sizeof(*state));
	if (len >= sizeof(copy) || !checksum_matches(text, len)) {
		wrong = "is damaged: its checksum does not match";
		goto out;
	}
	memcpy(copy, text, len);
	copy[len] = 0; /* for sscanf */
	if (!get_state(copy, state) || !is_canonical(text, len, state))
		wrong = "is not a state file that this version of xnts writes";
	else
		wrong = check_state(state);
	OPENSSL_cleanse(copy, sizeof(copy));
out:
	if (wrong)
		OPENSSL_cleanse(state, sizeof(*state));
	return wrong;
}
