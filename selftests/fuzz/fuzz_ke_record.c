/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NTS-KE requests: any bytes, in any two pieces.  The first byte says where the pieces
 * part; the rest is the stream.
 */
#include <stdlib.h>

#include "ke_record.c"

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* An answer ends with its only End of Message record, and its records fill it exactly. */
static void check_answer(const uint8_t *answer, size_t len)
{
	size_t off = 0;

	MUST(len <= KE_MAX_RESPONSE);
	while (len - off >= HEADER_LEN) {
		uint16_t type = get16(answer + off);

		off += HEADER_LEN + get16(answer + off + 2);
		MUST((type == (CRITICAL | KE_END_OF_MESSAGE)) == (off == len));
	}
	MUST(off == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t answer[KE_MAX_RESPONSE];
	struct ke_grant grant = { .server = "ntp.example", .port = 123 };
	struct ke_request whole = { 0 }, pieces = { 0 }, alone = { 0 };
	size_t len = size ? size - 1 : 0, cut = size ? data[0] * len / 255 : 0;
	const uint8_t *stream = size ? data + 1 : data;
	uint8_t *copy;

	if (len > KE_MAX_REQUEST)
		return 0;
	ke_request_parse(&pieces, stream, cut);
	MUST(ke_request_parse(&pieces, stream, len) == ke_request_parse(&whole, stream, len));
	MUST(whole.parsed <= len && pieces.parsed == whole.parsed);
	MUST(ke_request_outcome(&pieces) == ke_request_outcome(&whole));
	/* What follows End of Message is no part of it; on a heap of its own, to see it not read. */
	copy = malloc(whole.parsed);
	if (whole.parsed)
		memcpy(copy, stream, whole.parsed);
	ke_request_parse(&alone, copy, whole.parsed);
	MUST(ke_request_outcome(&alone) == ke_request_outcome(&whole) || whole.failed);
	free(copy);
	ke_request_end(&whole);
	check_answer(answer, ke_response_build(answer, ke_request_outcome(&whole), &grant));
	return 0;
}
