/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "histogram.h"
#include "stats.h"

#define SEC 1000000000ULL

/* Every name belongs to the member it is read from. */
static void test_names(void **unused)
{
	struct xnts_counters c = { .pass_not_ip = 1,
				   .drop_mode = 2,
				   .nak_bad_tag = 3,
				   .cookies_issued = 4,
				   .refused_stamps = 5 };
	struct xnts_ke_counters ke = { .accepted = 6, .worker_starts = 7 };

	(void)unused;
	assert_string_equal(packet_counters[0].name, "pass_not_ip");
	assert_int_equal(packet_counter(&c, 0), 1);
	assert_string_equal(packet_counters[XNTS_V_drop_mode].name, "drop_mode");
	assert_string_equal(packet_counters[XNTS_V_drop_mode].action, "DROP");
	assert_int_equal(packet_counter(&c, XNTS_V_drop_mode), 2);
	assert_string_equal(packet_counters[XNTS_V_nak_bad_tag].action, "TX");
	assert_int_equal(packet_counter(&c, XNTS_V_nak_bad_tag), 3);
	assert_string_equal(packet_counters[XNTS_VERDICT_COUNT].name, "cookies_issued");
	assert_int_equal(packet_counter(&c, XNTS_VERDICT_COUNT), 4);
	assert_string_equal(packet_counters[XNTS_COUNTERS - 1].name, "refused_stamps");
	assert_int_equal(packet_counter(&c, XNTS_COUNTERS - 1), 5);
	assert_string_equal(ke_counters[0].name, "accepted");
	assert_int_equal(ke_counter(&ke, 0), 6);
	assert_string_equal(ke_counters[KE_COUNTERS - 1].name, "worker_starts");
	assert_int_equal(ke_counter(&ke, KE_COUNTERS - 1), 7);
}

static void test_sums(void **unused)
{
	struct xnts_counters cpu[2] = {
		{ .drop_mode = 1, .drop_version = 10, .cookies_issued = 1000 },
		{ .drop_mode = 100, .plain_answered = 7, .hardware_stamps = 8 }
	};
	static struct xnts_ke_counters workers[XNTS_KE_WORKERS];
	struct xnts_counters sum;
	struct xnts_ke_counters ke;

	(void)unused;
	sum_packet_counters(cpu, 2, &sum);
	assert_int_equal(sum.drop_mode, 101);
	assert_int_equal(sum.cookies_issued, 1000);
	assert_int_equal(packets_by_action(&sum, "DROP"), 111);
	assert_int_equal(packets_by_action(&sum, "TX"), 7); /* stamps are no packets of their own */
	assert_int_equal(packets_by_action(&sum, "PASS"), 0);
	workers[0].answered = 1;
	workers[XNTS_KE_WORKERS - 1].answered = 2;
	sum_ke_counters(workers, &ke);
	assert_int_equal(ke.answered, 3);
	assert_int_equal(ke.accepted, 0);
}

static void test_rate(void **unused)
{
	(void)unused;
	assert_true(stats_rate(10, 0, SEC) == 10);
	assert_true(stats_rate(10, 0, 2 * SEC) == 5);
	assert_true(stats_rate(10, 10, SEC) == 0);
	assert_true(stats_rate(5, 10, SEC) == 0); /* the maps were made anew */
	assert_true(stats_rate(10, 0, 0) == 0);
}

static void test_histogram(void **unused)
{
	struct xnts_histogram h = { .sum = 1000, .bucket = { [2] = 500, [5] = 490, [6] = 9, [23] = 1 } };
	struct xnts_histogram before = { .sum = 100, .bucket = { [2] = 400 } }, since;
	struct xnts_latency cpu[2] = { { .nts = h }, { .nts = before, .nak.sum = 7 } }, sum;

	(void)unused;
	assert_int_equal(histogram_count(&h), 1000);
	assert_int_equal(histogram_quantile(&h, 500), 128);
	assert_int_equal(histogram_quantile(&h, 501), 384);
	assert_int_equal(histogram_quantile(&h, 990), 384);
	assert_int_equal(histogram_quantile(&h, 999), 512);
	assert_int_equal(histogram_quantile(&h, 1000), 0); /* beyond the last bound */
	histogram_since(&h, &before, &since);
	assert_int_equal(histogram_count(&since), 600);
	assert_int_equal(since.sum, 900);
	histogram_since(&before, &h, &since); /* the map was made anew */
	assert_int_equal(histogram_count(&since), 400);
	latency_sum(cpu, 2, &sum);
	assert_int_equal(histogram_count(&sum.nts), 1400);
	assert_int_equal(sum.nts.sum, 1100);
	assert_int_equal(sum.nak.sum, 7);
	assert_true(latency_any(&sum));
	assert_false(latency_any(&(struct xnts_latency){ 0 }));
}

/* ---- what is printed ---------------------------------------------------- */

static struct stats_sample sample(void)
{
	static struct xnts_counters cpu[3] = { { .nts_answered = 30 },
					       { 0 },
					       { .nts_answered = 12 } };

	return (struct stats_sample){ .mono = 3 * SEC,
				      .packets = { .nts_answered = 42 },
				      .ke = { .answered = 5 },
				      .daemon = { .links_reattached = 2 },
				      .cpus = 3,
				      .cpu = cpu };
}

enum form { ONCE, RATES, ALL, CPUS, JSON, JSON_CPUS, TIMED, TIMED_RATES };

static char *printed(enum form form)
{
	struct stats_sample now = sample(), before = { .mono = SEC, .packets.nts_answered = 40 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (form >= TIMED) {
		now.latency.nts = (struct xnts_histogram){ 15000, { [13] = 2, [14] = 1 } };
		before.latency.nts = (struct xnts_histogram){ 10000, { [13] = 2 } };
	}
	if (form == TIMED || form == TIMED_RATES)
		stats_print(out, &now, form == TIMED ? NULL : &before, false);
	else if (form == ONCE || form == ALL)
		stats_print(out, &now, NULL, form == ALL);
	else if (form == RATES)
		stats_print(out, &now, &before, false);
	else if (form == CPUS)
		stats_print_cpus(out, &now, false);
	else
		stats_print_json(out, &now, form == JSON_CPUS);
	fclose(out);
	return text;
}

static void assert_printed(enum form form, const char *expected)
{
	char *text = printed(form);

	assert_string_equal(text, expected);
	free(text);
}

static void test_text(void **unused)
{
	(void)unused;
	assert_printed(ONCE, "packets\n"
			     "            42  nts_answered       NTS answered, authenticated\n"
			     "NTS-KE\n"
			     "             5  answered           answers with cookies\n"
			     "daemon\n"
			     "             2  links_reattached   links made anew after their device went away\n");
	assert_printed(
		RATES,
		"packets\n"
		"            42          1.0/s  nts_answered       NTS answered, authenticated\n"
		"NTS-KE\n"
		"             5          2.5/s  answered           answers with cookies\n"
		"daemon\n"
		"             2          1.0/s  links_reattached   links made anew after their device went away\n");
	assert_printed(CPUS, "packets                  CPU   0       CPU   2\n"
			     "nts_answered                  30            12\n");
}

static void test_latency(void **unused)
{
	char *once = printed(TIMED), *since = printed(TIMED_RATES);

	(void)unused;
	assert_non_null(strstr(once, "time for an answer\n"
				     "             3  nts   mean 5.00 us, half within 6.14 us, "
				     "99 % within 8.19 us, 99.9 % within 8.19 us\n"));
	assert_non_null(strstr(since, "time for an answer, since the lines above\n"
				      "             1  nts   mean 5.00 us, half within 8.19 us,"));
	free(once);
	free(since);
}

static void test_all(void **unused)
{
	char *text = printed(ALL);
	size_t lines = 0;

	(void)unused;
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 3 + XNTS_COUNTERS + KE_COUNTERS + DAEMON_COUNTERS);
	free(text);
}

static void test_json(void **unused)
{
	char *text = printed(JSON), *with_cpus = printed(JSON_CPUS);

	(void)unused;
	assert_non_null(
		strstr(text, "{\"monotonic_ns\": 3000000000, \"packets\": {\"pass_not_ip\": 0, "));
	assert_non_null(strstr(text, ", \"nts_answered\": 42, "));
	assert_non_null(strstr(text, "\"refused_stamps\": 0}, \"ntske\": {\"accepted\": 0, "));
	assert_non_null(strstr(text, "\"worker_starts\": 0}, \"daemon\": {\"daemon_starts\": 0, "));
	assert_non_null(strstr(text, "\"links_reattached\": 2}, \"latency\": {\"plain\": {\"sum_ns\": 0, \"buckets\": "
			     "[{\"le_ns\": 64, \"count\": 0}, "));
	assert_non_null(strstr(text, "{\"le_ns\": null, \"count\": 0}]}}}\n"));
	assert_null(strstr(text, "cpu"));
	assert_non_null(strstr(with_cpus, "}}, \"cpus\": [{\"cpu\": 0, \"pass_not_ip\": 0, "));
	assert_non_null(strstr(with_cpus, "}, {\"cpu\": 2, "));
	assert_non_null(strstr(with_cpus, "\"refused_stamps\": 0}]}\n"));
	free(text);
	free(with_cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_sums),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_latency),
		cmocka_unit_test(test_rate),  cmocka_unit_test(test_text),
		cmocka_unit_test(test_all),   cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
