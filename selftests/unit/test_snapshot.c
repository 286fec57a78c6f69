/* SPDX-License-Identifier: GPL-2.0 */
/* What `xnts check` and `xnts status` make of a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

#define SEC 1000000000ULL

/* A host that serves as it should: every test breaks one thing. */
static struct snapshot healthy(void)
{
	struct snapshot s = {
		.mono = 1000 * SEC,
		.tai = 5000 * SEC,
		.position = XNTS_SERVE,
		.config = { .abi_version = XNTS_ABI_VERSION, .port = { htons(123), htons(1123) } },
		.clock = { .mono = 999 * SEC,
			   .tai = 4999 * SEC,
			   .hold = 60 * SEC,
			   .step_guard = SEC / 100,
			   .leap = 0,
			   .stratum = 2,
			   .precision = -25,
			   .root_delay = 65536 / 8,
			   .tai_offset = 37 },
		.key_state = { .seal_id = 0x1005, .mono = 999 * SEC, .hold = 60 * SEC },
		.ke_state = { .mono = 999 * SEC, .expires = 1000000 + 30 * 86400, .epoch = 86400,
			      .switch_at = 1000000 + 5400, .workers = 2, .ready = 2 },
		.utc = 1000000,
		.links = { { .ifname = "eth0", .ifindex = 2, .mode = CONFIG_MODE_NATIVE } },
		.link_count = 1,
		.local4 = 3,
		.local6 = 4,
		.counters = { .plain_answered = 11,
			      .nts_answered = 22,
			      .nak_bad_tag = 1,
			      .drop_mode = 5,
			      .pass_not_udp = 7 },
		.ke = { .accepted = 9, .answered = 8 },
	};

	memcpy(&s.clock.reference_id, "\xc0\x00\x02\x01", 4);
	s.key_ids[XNTS_KEY_SLOT(0x1005)] = 0x1005;
	return s;
}

/* The one ailment of `s`, NULL when there are none or several. */
static const struct ailment *only(const struct snapshot *s)
{
	static struct ailment ailments[MAX_AILMENTS];

	return snapshot_ailments(s, ailments) == 1 ? ailments : NULL;
}

static void assert_only(const struct snapshot *s, const char *text, bool stops_answers)
{
	const struct ailment *ailment = only(s);

	assert_non_null(ailment);
	assert_non_null(strstr(ailment->text, text));
	assert_int_equal(ailment->stops_answers, stops_answers);
}

static void test_healthy(void **unused)
{
	struct ailment ailments[MAX_AILMENTS];
	struct snapshot s = healthy();

	(void)unused;
	assert_int_equal(snapshot_ailments(&s, ailments), 0);
}

static void test_switch_and_config(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.position = XNTS_PASS;
	assert_only(&s, "switched to pass", true);
	s.position = XNTS_DROP;
	assert_only(&s, "switched to drop", true);
	s.position = XNTS_DRAIN;
	assert_only(&s, "switched to drain", false);
	s = healthy();
	s.config.abi_version = 0;
	assert_only(&s, "not filled", true);
	s = healthy();
	s.local4 = 0;
	assert_null(only(&s));
	s.local6 = 0;
	assert_only(&s, "no address", true);
}

static void test_clock(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.clock.mono = 0;
	assert_only(&s, "never set", false);
	s = healthy();
	s.clock.mono = 940 * SEC;
	s.clock.tai = 4940 * SEC;
	assert_null(only(&s)); /* the hold time's last moment */
	s.clock.mono--;
	assert_only(&s, "60 s old and held for 60 s", false);
	s = healthy();
	s.clock.leap = 3;
	assert_only(&s, "clock source", false);
	s = healthy();
	s.clock.stratum = 0;
	assert_only(&s, "clock source", false);
}

static void test_clock_step(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.tai += SEC / 100;
	assert_null(only(&s));
	s.tai++;
	assert_only(&s, "stepped", false);
	s.tai -= 2 * SEC / 100 + 1;
	assert_null(only(&s));
	s.tai--;
	assert_only(&s, "stepped", false);
}

static void test_keys(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.key_state.seal_id = 0;
	assert_only(&s, "no cookie key", false);
	s = healthy();
	s.key_ids[XNTS_KEY_SLOT(0x1005)] = 0x1045; /* another epoch of that slot */
	assert_only(&s, "1005 is not in", false);
	s = healthy();
	s.key_state.mono = 0;
	assert_only(&s, "never confirmed", false);
	s.key_state.mono = 900 * SEC;
	assert_only(&s, "100 s ago", false);
}

static void test_ke(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.ke_state.ready = 0;
	assert_only(&s, "none of 2 workers", false);
	s.ke_state.workers = 0; /* not served here */
	assert_null(only(&s));
	s = healthy();
	s.ke_state.mono = 980 * SEC;
	assert_only(&s, "20 s ago", false);
	s = healthy();
	s.ke_state.expires = s.utc + 1;
	assert_null(only(&s));
	s.ke_state.expires = s.utc;
	assert_only(&s, "has expired", false);
}

static void test_links(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.link_count = 0;
	assert_only(&s, "no interface", true);
	s = healthy();
	s.link_count = 2;
	strcpy(s.links[1].ifname, "eth1");
	assert_only(&s, "eth1 is severed", false);
}

static void test_refused_state_file(void **unused)
{
	struct ailment ailments[MAX_AILMENTS];
	struct snapshot s = healthy();

	(void)unused;
	assert_null(snapshot_warning(&s));
	s.ke_state.keys_refused = 1;
	assert_int_equal(snapshot_ailments(&s, ailments), 0);
	assert_non_null(strstr(snapshot_warning(&s), "[keys] state: the file was refused or is gone"));
	s.ke_state.workers = 0;
	s.ke_state.mono = 980 * SEC; /* of a daemon that has ended */
	assert_null(snapshot_warning(&s));
}

static void test_mute_driver(void **unused)
{
	struct snapshot s = healthy();

	(void)unused;
	s.ke_state.mute = 2;
	assert_only(&s, "eth0: the driver sends no answer", true);
	s.links[1] = (struct dataplane_link){ .ifname = "eth1", .ifindex = 3 };
	s.link_count = 2;
	assert_only(&s, "eth0: the driver sends no answer", false);
	s.ke_state.mute = 4;
	assert_null(only(&s));
	/* Seen by a daemon that has ended since. */
	s.ke_state.mute = 2;
	s.ke_state.workers = 0;
	s.ke_state.mono = 980 * SEC;
	assert_null(only(&s));
}

/* More is wrong than the list holds. */
static void test_many_ailments(void **unused)
{
	struct ailment ailments[MAX_AILMENTS];
	struct snapshot s = healthy();

	(void)unused;
	memset(s.links, 0, sizeof(s.links));
	s.link_count = DATAPLANE_MAX_LINKS;
	assert_int_equal(snapshot_ailments(&s, ailments), MAX_AILMENTS);
	assert_true(ailments[0].stops_answers);
}

static void test_key_summary(void **unused)
{
	static const uint32_t ids[] = { 0x1ffe, 0x1fff, 0x1000, 0x1001, 0x1002, 0x2000 };
	struct snapshot s = { .key_state.seal_id = 0x1000 };
	struct key_summary keys;

	(void)unused;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		s.key_ids[XNTS_KEY_SLOT(ids[i])] = ids[i];
	keys = snapshot_keys(&s);
	assert_int_equal(keys.total, 6);
	assert_int_equal(keys.older, 2); /* the epoch wrapped */
	assert_int_equal(keys.newer, 2);
	assert_int_equal(keys.others, 1);
}

/* ---- what is printed ---------------------------------------------------- */

static char *printed_status(const struct snapshot *s, pid_t daemon)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	status_print(out, s, daemon);
	fclose(out);
	return text;
}

static void test_status(void **unused)
{
	struct snapshot s = healthy();
	char *text = printed_status(&s, 321);

	(void)unused;
	assert_string_equal(
		text,
		"xnts answers, all is well\n"
		"attached   eth0 (native)\n"
		"daemon     runs, process 321\n"
		"switch     serve\n"
		"ports      123, 1123; 3 IPv4 and 4 IPv6 prefixes are ours\n"
		"clock      stratum 2, reference id C0000201, leap none\n"
		"           refreshed 1.0 s ago, holds for 60 s\n"
		"           root delay 125.000 ms, root dispersion 0.000 ms, precision 2^-25 s, "
		"TAI offset 37 s\n"
		"keys       1005 seals (generation 1, epoch 5); 1 in the map: 0 older, 0 newer; "
		"confirmed 1.0 s ago\n"
		"           an epoch is 24.0 h, the next key seals in 1.5 h\n"
		"NTS-KE     2 of 2 workers ready; the certificate is good for 30 days\n"
		"           9 connections, 8 answered with cookies\n"
		"answered   11 NTP, 22 NTS, 1 NTS NAK, 0 kiss of death\n"
		"           5 dropped, 7 left to the host\n");
	free(text);
}

static void test_status_of_nothing(void **unused)
{
	struct snapshot s = { .mono = 1000 * SEC };
	char *text = printed_status(&s, -3);

	(void)unused;
	assert_non_null(strstr(text, "xnts does NOT answer:\n  - the configuration map"));
	assert_non_null(strstr(text, "attached   to nothing\n"));
	assert_non_null(strstr(text, "daemon     does not run\n"));
	assert_non_null(strstr(text, "clock      never set\n"));
	assert_non_null(strstr(text, "keys       none seals, 0 in the map\n"));
	assert_non_null(strstr(text, "NTS-KE     not served here\n"));
	free(text);
}

static void test_status_details(void **unused)
{
	struct snapshot s = healthy();
	char *text;

	(void)unused;
	s.clock.stratum = 1;
	s.clock.leap = 1;
	memcpy(&s.clock.reference_id, "GPS\0", 4);
	s.links[0].mode = CONFIG_MODE_GENERIC;
	s.config.flags = XNTS_REQUIRE_NTS | XNTS_LISTS;
	s.config.plain = (struct xnts_limit){ 7629, 8 };
	s.config.nts = (struct xnts_limit){ 238, 16 };
	s.config.budget = 800;
	s.config.ceiling = 2000;
	s.ke_state.expires = s.utc - 1;
	s.ke_state.epoch = 60;
	s.ke_state.switch_at = 0;
	s.link_count = 2;
	strcpy(s.links[1].ifname, "eth1");
	text = printed_status(&s, 321);
	assert_non_null(strstr(text, "xnts answers, but:\n  - NTS-KE: the certificate has expired"));
	assert_non_null(strstr(text, "47505300 (GPS), leap second to be inserted\n"));
	assert_non_null(strstr(text, "eth0 (generic, slow), eth1 (severed)\n"));
	assert_non_null(strstr(text, "policy     NTS is required\n"
				     "           sources are listed\n"
				     "limits     plain NTP of a source: one every 8.000 s, 8 at once\n"
				     "           NTS of a source: one every 0.250 s, 16 at once\n"
				     "           NTS may take 80.0 % of each CPU\n"
				     "           500000 answers a second and CPU\n"
				     "clock "));
	assert_non_null(strstr(text, "an epoch is 60 s\n"));
	assert_non_null(strstr(text, "2 of 2 workers ready; the certificate HAS EXPIRED\n"));
	free(text);
}

static void test_check(void **unused)
{
	struct snapshot s = healthy();
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)unused;
	assert_int_equal(check_print(out, &s, 30), 0);
	assert_int_equal(check_print(out, &s, 31), 1);
	s.link_count = 0;
	s.clock.stratum = 0;
	assert_int_equal(check_print(out, &s, 0), 2);
	fclose(out);
	assert_string_equal(
		text, "ok\nNTS-KE: the certificate expires in 30.0 days\nunsynchronised: so says the clock source\nattached to no interface\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),        cmocka_unit_test(test_switch_and_config),
		cmocka_unit_test(test_clock),          cmocka_unit_test(test_clock_step),
		cmocka_unit_test(test_keys),           cmocka_unit_test(test_ke),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_refused_state_file),
		cmocka_unit_test(test_mute_driver),
		cmocka_unit_test(test_many_ailments),  cmocka_unit_test(test_key_summary),
		cmocka_unit_test(test_status),         cmocka_unit_test(test_status_of_nothing),
		cmocka_unit_test(test_status_details), cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
