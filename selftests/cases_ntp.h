/* SPDX-License-Identifier: GPL-2.0 */
/* Plain NTP: versions, trailers, fields, and what the clock makes of the answer. */
#ifndef XNTS_TEST_CASES_NTP_H
#define XNTS_TEST_CASES_NTP_H

#include "cases.h"

/* ---- answered: plain ----------------------------------------------------- */

MAKE(v1) { p->payload[0] = 0x0b; }
MAKE(v1_mode0) { p->payload[0] = 0x08; }
MAKE(v2) { p->payload[0] = 0x13; }
MAKE(v3) { p->payload[0] = 0x1b; }
MAKE(symmetric) { p->payload[0] = 0x21; }
MAKE(symmetric_v3) { p->payload[0] = 0x19; p->sport = 123; }
MAKE(ntpperf)
{
	p->payload[0] = 0xe3;
	fill(p->payload + 4, 36, 3);
	p->frag = 0x4000;
	p->lies = p->ip_version == 4 ? LIE_NO_UDP_CHECKSUM : 0;
}
MAKE(v3_mac12) { p->payload[0] = 0x1b; packet_add_ef(p, 1, NULL, 8); }
MAKE(v3_mac20) { p->payload[0] = 0x1b; packet_add_ef(p, 1, NULL, 16); }
MAKE(v3_mac24) { p->payload[0] = 0x1b; packet_add_ef(p, 1, NULL, 20); }
MAKE(v3_ms_sntp) { p->payload[0] = 0x1b; packet_add_ef(p, 1, NULL, 68); }
MAKE(v3_trailer13) { p->payload[0] = 0x1b; packet_add(p, "thirteen byte", 13); }
MAKE(v3_trailer28) { p->payload[0] = 0x1b; packet_add_ef(p, 1, NULL, 24); }
MAKE(v3_crypto_nak) { p->payload[0] = 0x1b; packet_add(p, "\0\0\0", 4); }
MAKE(v1_mac12) { p->payload[0] = 0x0b; packet_add_ef(p, 1, NULL, 8); }
MAKE(v4_mac20) { packet_add_ef(p, 1, NULL, 16); }
MAKE(v4_mac24) { packet_add_ef(p, 1, NULL, 20); }
MAKE(v4_mac12) { packet_add_ef(p, 1, NULL, 8); }
MAKE(v4_symmetric_mac20) { p->payload[0] = 0x21; packet_add_ef(p, 1, NULL, 16); }
MAKE(v4_crypto_nak) { packet_add(p, "\0\0\0", 4); }
MAKE(v4_trailer8) { packet_add(p, "trailer", 8); }
MAKE(v4_trailer1) { packet_add(p, "t", 1); }
MAKE(unknown_ef) { packet_add_ef(p, 0xf323, NULL, 24); }
MAKE(unknown_efs)
{
	packet_add_ef(p, 0x2005, NULL, 24);
	packet_add_ef(p, 0xffff, NULL, 12);
	packet_add_ef(p, 0, NULL, 1000);
	packet_add_ef(p, 0x0002, NULL, 24);
}
MAKE(unknown_ef_mac) { packet_add_ef(p, 0xf323, NULL, 12); packet_add_ef(p, 1, NULL, 16); }
MAKE(unknown_ef_crypto_nak) { packet_add_ef(p, 0xf323, NULL, 24); packet_add(p, "\0\0\0", 4); }
MAKE(many_efs)
{
	while (p->payload_len + 16 + 28 <= 1472)
		packet_add_ef(p, 0xf323, NULL, 12);
	packet_add_ef(p, 0xf323, NULL, 1472 - 4 - p->payload_len);
}
MAKE(identifier) { fill(packet_add_ef(p, 0x0104, NULL, 32) + 4, 32, 9); }
MAKE(identifier_ef) { make_identifier(p, w); packet_add_ef(p, 0xf323, NULL, 40); }
MAKE(identifier_long) { fill(packet_add_ef(p, 0x0104, NULL, 1420) + 4, 1420, 7); }
MAKE(identifier_placeholders) { make_identifier(p, w); client_add_placeholders(p, 2); }
MAKE(identifier_symmetric) { make_identifier(p, w); p->payload[0] = 0x21; }
MAKE(identifier_short) { packet_add_ef(p, 0x0104, NULL, 28); }
MAKE(identifier_twice) { make_identifier(p, w); make_identifier(p, w); }
MAKE(ef_length_0) { put16(packet_add_ef(p, 0xf323, NULL, 24) + 2, 0); }
MAKE(ef_length_12) { put16(packet_add_ef(p, 0xf323, NULL, 24) + 2, 12); }
MAKE(ef_length_odd) { put16(packet_add_ef(p, 0xf323, NULL, 24) + 2, 27); }
MAKE(ef_length_past_end) { put16(packet_add_ef(p, 0xf323, NULL, 24) + 2, 32); }

/* ---- the clock ------------------------------------------------------------ */

MAKE(clock_never) { memset(&w->clock, 0, sizeof(w->clock)); }
MAKE(clock_within_hold)
{
	world_clock(w)->mono -= 5 * SECOND;
	world_clock(w)->tai -= 5 * SECOND;
}
MAKE(clock_past_hold) { make_clock_within_hold(p, w); world_clock(w)->hold = 4 * SECOND; }
MAKE(clock_stepped_ahead) { world_clock(w)->tai -= 20 * SECOND; }
MAKE(clock_stepped_back) { world_clock(w)->tai += 20 * SECOND; }
MAKE(clock_says_leap_3) { world_clock(w)->leap = 3; }
MAKE(clock_says_stratum_0) { world_clock(w)->stratum = 0; }
MAKE(clock_other_slot)
{
	w->clock.slot[0] = *world_clock(w);
	memset(&w->clock.slot[1], 0xff, sizeof(w->clock.slot[1]));
	w->clock.current = 0;
}
MAKE(leap_ahead)
{
	world_clock(w)->leap = 1;
	world_clock(w)->leap_at = clock_ns(CLOCK_TAI) + 3600 * SECOND;
	world_clock(w)->tai_offset_after = WORLD_TAI_OFFSET + 1;
}
MAKE(leap_inserted) { make_leap_ahead(p, w); world_clock(w)->leap_at = clock_ns(CLOCK_TAI); }
MAKE(leap_deleted)
{
	make_leap_inserted(p, w);
	world_clock(w)->leap = 2;
	world_clock(w)->tai_offset_after = WORLD_TAI_OFFSET - 1;
}
MAKE(leap_without_clock) { make_leap_inserted(p, w); world_clock(w)->leap = 3; }
MAKE(era_1) { world_clock(w)->tai_offset -= 400000000; }
MAKE(dispersion_saturates) { world_clock(w)->root_dispersion = 0xffffffff; }

static const struct test_case ntp_cases[] = {
	CASE(plain_answered, plain, "version 4"),
	CASE(plain_answered, v1, "version 1"),
	CASE(plain_answered, v1_mode0, "version 1 without a mode"),
	CASE(plain_answered, v2, "version 2"),
	CASE(plain_answered, v3, "version 3"),
	CASE(plain_answered, ntpperf, "LI 3 and a filled header"),
	CASE(plain_answered, v3_mac12, "version 3, MAC of 12"),
	CASE(plain_answered, v3_mac20, "version 3, MAC of 20"),
	CASE(plain_answered, v3_mac24, "version 3, MAC of 24"),
	CASE(plain_answered, v3_ms_sntp, "version 3, MS-SNTP of 72"),
	CASE(plain_answered, v1_mac12, "version 1, MAC of 12"),
	CASE(plain_answered, v4_mac20, "version 4, MAC of 20"),
	CASE(plain_answered, v4_mac24, "version 4, MAC of 24"),
	CASE(plain_answered, unknown_ef, "unknown field"),
	CASE(plain_answered, unknown_efs, "unknown fields"),
	CASE(plain_answered, unknown_ef_mac, "unknown field and MAC"),
	CASE(plain_answered, many_efs, "1472 bytes of fields of 16"),
	CASE(plain_answered, identifier, "identifier", .echo = 36),
	CASE(plain_answered, identifier_ef, "identifier and unknown field", .echo = 36),
	CASE(plain_answered, identifier_long, "identifier of 1424", .echo = 1424),
	CASE(plain_answered, identifier_placeholders, "identifier and placeholders", .echo = 36),
	CASE(plain_symmetric, symmetric, "mode 1"),
	CASE(plain_symmetric, symmetric_v3, "mode 1, version 3, from port 123"),
	CASE(plain_symmetric, v4_symmetric_mac20, "mode 1 with MAC"),
	CASE(plain_symmetric, identifier_symmetric, "mode 1 with identifier", .echo = 36),

	CASE(drop_crypto_nak, v4_crypto_nak, "crypto-NAK, version 4"),
	CASE(drop_crypto_nak, v3_crypto_nak, "crypto-NAK, version 3"),
	CASE(drop_crypto_nak, unknown_ef_crypto_nak, "crypto-NAK behind a field"),
	CASE(drop_malformed, v3_trailer13, "version 3, 13 bytes behind"),
	CASE(drop_malformed, v3_trailer28, "version 3, 28 bytes behind"),
	CASE(drop_malformed, v4_mac12, "version 4, 12 bytes behind"),
	CASE(drop_malformed, v4_trailer8, "version 4, 8 bytes behind"),
	CASE(drop_malformed, v4_trailer1, "version 4, 1 byte behind"),
	CASE(drop_malformed, ef_length_0, "field of length 0"),
	CASE(drop_malformed, ef_length_12, "field of length 12"),
	CASE(drop_malformed, ef_length_odd, "field of length 27"),
	CASE(drop_malformed, ef_length_past_end, "field past the end"),
	CASE(drop_nts_malformed, identifier_short, "identifier of 28 bytes"),
	CASE(drop_nts_malformed, identifier_twice, "two identifiers"),

	CASE(plain_answered, clock_never, "clock never set", .flags = UNSYNC,
	     .utc_ahead = WORLD_TAI_OFFSET),
	CASE(plain_answered, clock_past_hold, "clock past its hold time", .flags = UNSYNC),
	CASE(plain_answered, clock_within_hold, "clock within its hold time"),
	CASE(plain_answered, clock_stepped_ahead, "clock stepped ahead", .flags = UNSYNC),
	CASE(plain_answered, clock_stepped_back, "clock stepped back", .flags = UNSYNC),
	CASE(plain_answered, clock_says_leap_3, "clock with leap 3", .flags = UNSYNC),
	CASE(plain_answered, clock_says_stratum_0, "clock with stratum 0", .flags = UNSYNC),
	CASE(plain_answered, clock_other_slot, "clock in the other slot"),
	CASE(plain_answered, leap_ahead, "leap second ahead", .leap = 1),
	CASE(plain_answered, leap_inserted, "leap second inserted", .utc_ahead = -1),
	CASE(plain_answered, leap_deleted, "leap second deleted", .utc_ahead = 1),
	CASE(plain_answered, leap_without_clock, "leap second past, unsynchronised", .flags = UNSYNC,
	     .utc_ahead = -1),
	CASE(plain_answered, era_1, "era 1", .utc_ahead = 400000000),
	CASE(plain_answered, dispersion_saturates, "dispersion saturates"),
};

#endif /* XNTS_TEST_CASES_NTP_H */
