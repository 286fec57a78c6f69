/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Payloads of real clients and of the servers that answered them, CLIENT-KIND-BYTES in
 * selftests/corpus/packet.  Their cookies are other servers': each request gets a NAK.
 */
#ifndef XNTS_TEST_SWEEP_CAPTURES_H
#define XNTS_TEST_SWEEP_CAPTURES_H

#include <glob.h>
#include <stdlib.h>

#include "sweep.h"

#define CAPTURES "selftests/corpus/packet"

static inline void read_capture(const char *path, struct packet *p)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	p->payload_len = fread(p->payload, 1, PAYLOAD_MAX, f);
	fclose(f);
	assert_int_equal(p->payload_len, atoi(strrchr(path, '-') + 1));
}

static inline void captured_request(struct sweep *s)
{
	struct test_case nak = { .verdict = XNTS_V_nak_bad_cookie, .echo = 36, .echo_at = NTP_LEN };

	while (get16(s->packet.payload + nak.echo_at) != 0x0104)
		nak.echo_at += get16(s->packet.payload + nak.echo_at + 2);
	assert_verdict(&s->run, XNTS_V_nak_bad_cookie);
	assert_answer(&nak, &s->packet, &s->world, &s->run);
}

static void captured_packets(void **state)
{
	int requests = 0, answers = 0;
	glob_t files;
	size_t i;

	assert_int_equal(glob(CAPTURES "/*-[0-9]*", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++) {
		struct sweep *s = sweep_start(state, 4);

		read_capture(files.gl_pathv[i], &s->packet);
		sweep_packet(s);
		if (strstr(files.gl_pathv[i], "-request-")) {
			captured_request(s);
			requests++;
		} else {
			assert_verdict(&s->run, XNTS_V_pass_mode);
			answers++;
		}
	}
	globfree(&files);
	assert_true(requests >= 9 && answers >= 9);
}

#endif /* XNTS_TEST_SWEEP_CAPTURES_H */
