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
#include "metrics_text.h"

#define SEC 1000000000ULL

static struct snapshot sample(void)
{
	struct snapshot s = {
		.mono = 1000 * SEC,
		.tai = 5000 * SEC,
		.config.abi_version = XNTS_ABI_VERSION,
		.clock = { .mono = 1000 * SEC - SEC / 2,
			   .tai = 5000 * SEC - SEC / 2,
			   .hold = 60 * SEC,
			   .stratum = 2,
			   .root_delay = 0x4000,
			   .root_dispersion = 0x10000,
			   .tai_offset = 37 },
		.key_state = { .seal_id = 0x1005, .mono = 999 * SEC, .hold = 60 * SEC },
		.links = { { .ifname = "eth0", .ifindex = 2, .mode = CONFIG_MODE_NATIVE },
			   { .ifname = "a\"\\b" } },
		.link_count = 2,
		.local4 = 3,
		.ke_state = { .workers = 4, .ready = 3, .expires = 1800000000, .mono = 999 * SEC },
		.counters = { .plain_answered = 18446744073709551615ULL, .hardware_stamps = 7 },
		.ke = { .accepted = 9 },
		.daemon = { .links_reattached = 2 },
		.latency.nts = { 10000, { [12] = 2, [23] = 1 } },
	};

	s.key_ids[XNTS_KEY_SLOT(0x1005)] = 0x1005;
	s.key_ids[XNTS_KEY_SLOT(0x1004)] = 0x1004;
	return s;
}

static struct nic_stat eth0_stats[] = { { "rx_queue_0_xdp_tx", 5 },
					{ "rx_queue_1_xdp_tx_errors", 6 },
					{ "rx2_xdp_tx", 7 },
					{ "rx_xdp_drop", 8 } };
static const struct nic_stats nics[] = { { .ifname = "eth0", .count = 4, .stat = eth0_stats },
					 { .ifname = "a\"\\b" } };

static char *printed(enum metrics_format format, const struct snapshot *s)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	metrics_print(out, format, s, nics, s->link_count);
	fclose(out);
	return text;
}

static void assert_has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("not there: %s", line);
}

static void test_samples(void **unused)
{
	static const char *const lines[] = {
		"\nxnts_build_info{version=\"0.1\",abi=\"",
		"\nxnts_healthy 0\n", /* a link is severed */
		"\nxnts_answering 1\n",
		"\nxnts_switch{position=\"serve\"} 1\nxnts_switch{position=\"pass\"} 0\n",
		"\nxnts_switch{position=\"drain\"} 0\n",
		"\nxnts_links_reattached_total 2\n",
		"\nxnts_link_up{interface=\"eth0\",mode=\"native\"} 1\n",
		"\nxnts_link_up{interface=\"a\\\"\\\\b\",mode=\"unknown\"} 0\n",
		"\nxnts_local_prefixes{family=\"ipv4\"} 3\n",
		"\nxnts_clock_synchronised 1\n",
		"\nxnts_clock_age_seconds 0.5\n",
		"\nxnts_clock_hold_seconds 60\n",
		"\nxnts_clock_stratum 2\n",
		"\nxnts_clock_root_delay_seconds 0.25\n",
		"\nxnts_clock_root_dispersion_seconds 1\n",
		"\nxnts_clock_tai_offset_seconds 37\n",
		"\nxnts_cookie_keys{relation=\"older\"} 1\n",
		"\nxnts_sealing_key_id 4101\n",
		"\nxnts_cookie_keys_age_seconds 1\n",
		"\nxnts_packets_total{verdict=\"plain_answered\",action=\"tx\"} "
		"18446744073709551615\n",
		"\nxnts_packets_total{verdict=\"pass_not_ip\",action=\"pass\"} 0\n",
		"\nxnts_hardware_stamps_total 7\n",
		"\nxnts_ke_accepted_total 9\n",
		"\nxnts_ke_workers{state=\"configured\"} 4\n",
		"\nxnts_ke_workers{state=\"ready\"} 3\n",
		"\nxnts_ke_certificate_expiry_timestamp_seconds 1800000000\n",
		"\n# TYPE xnts_answer_duration_seconds histogram\n",
		"\nxnts_answer_duration_seconds_bucket{kind=\"nts\",le=\"3.072e-06\"} 0\n",
		"\nxnts_answer_duration_seconds_bucket{kind=\"nts\",le=\"4.096e-06\"} 2\n",
		"\nxnts_answer_duration_seconds_bucket{kind=\"nts\",le=\"0.000131072\"} 2\n",
		"\nxnts_answer_duration_seconds_bucket{kind=\"nts\",le=\"+Inf\"} 3\n",
		"\nxnts_answer_duration_seconds_sum{kind=\"nts\"} 0.000010000\n",
		"\nxnts_answer_duration_seconds_count{kind=\"nts\"} 3\n",
		"\nxnts_answer_duration_seconds_count{kind=\"nak\"} 0\n",
		"\nxnts_driver_xdp_total{interface=\"eth0\",queue=\"0\",statistic=\"rx_queue_xdp_tx\"} 5\n",
		"\nxnts_driver_xdp_total{interface=\"eth0\",queue=\"1\",statistic=\"rx_queue_xdp_tx_errors\"} 6\n",
		"\nxnts_driver_xdp_total{interface=\"eth0\",queue=\"2\",statistic=\"rx_xdp_tx\"} 7\n",
		"\nxnts_driver_xdp_total{interface=\"eth0\",queue=\"\",statistic=\"rx_xdp_drop\"} 8\n",
	};
	struct snapshot s = sample();
	char *text = printed(METRICS_PROMETHEUS, &s);

	(void)unused;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_has(text, lines[i]);
	free(text);
}

static void test_formats(void **unused)
{
	struct snapshot s = sample();
	char *prometheus = printed(METRICS_PROMETHEUS, &s),
	     *open = printed(METRICS_OPENMETRICS, &s);

	(void)unused;
	assert_has(prometheus, "# TYPE xnts_packets_total counter\n");
	assert_null(strstr(prometheus, "# EOF"));
	assert_has(open, "# TYPE xnts_packets counter\n");
	assert_has(open, "# TYPE xnts_ke_accepted counter\n");
	assert_string_equal(open + strlen(open) - 6, "# EOF\n");
	free(prometheus);
	free(open);
}

/* Every sample follows its family's HELP and TYPE, and no family comes twice. */
static void test_families(void **unused)
{
	char seen[4096] = "\n", family[128] = "", wanted[130];
	struct snapshot s = sample();
	char *text = printed(METRICS_PROMETHEUS, &s), *rest = text, *line;

	(void)unused;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "# HELP %127s", family) == 1) {
			snprintf(wanted, sizeof(wanted), "\n%s\n", family);
			assert_null(strstr(seen, wanted));
			strcat(strcat(seen, family), "\n");
		} else if (!strncmp(line, "# TYPE ", 7)) {
			assert_memory_equal(line + 7, family, strlen(family));
		} else {
			assert_memory_equal(line, family, strlen(family));
			assert_true(strchr(" {", line[strlen(family)]) ||
				    !strcmp(family, "xnts_answer_duration_seconds"));
		}
	}
	free(text);
}

/* A clock and keys that were never set have no age. */
static void test_nothing_set(void **unused)
{
	struct snapshot s = { .mono = 1000 * SEC };
	char *text = printed(METRICS_PROMETHEUS, &s);

	(void)unused;
	assert_has(text, "\nxnts_healthy 0\n");
	assert_has(text, "\nxnts_answering 0\n");
	assert_has(text, "\nxnts_clock_synchronised 0\n");
	assert_null(strstr(text, "age_seconds"));
	assert_null(strstr(text, "duration_seconds")); /* never measured */
	assert_null(strstr(text, "xnts_link_up"));
	free(text);
}

static void test_negotiation(void **unused)
{
	(void)unused;
	assert_int_equal(metrics_negotiate(NULL), METRICS_PROMETHEUS);
	assert_int_equal(metrics_negotiate("*/*"), METRICS_PROMETHEUS);
	assert_int_equal(
		metrics_negotiate("application/openmetrics-text; version=1.0.0,text/plain;q=0.5"),
		METRICS_OPENMETRICS);
	assert_non_null(strstr(metrics_content_type(METRICS_OPENMETRICS), "openmetrics"));
	assert_non_null(strstr(metrics_content_type(METRICS_PROMETHEUS), "0.0.4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),     cmocka_unit_test(test_formats),
		cmocka_unit_test(test_families),    cmocka_unit_test(test_nothing_set),
		cmocka_unit_test(test_negotiation),
	};

	return cmocka_run_group_tests_name("metrics_text", tests, NULL, NULL);
}
