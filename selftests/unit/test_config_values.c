/* SPDX-License-Identifier: GPL-2.0 */
/* Every key of the configuration: values taken, values refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../config_file.h"

#define VALUES 14

static const struct key_case {
	const char *section, *name;
	const char *good[VALUES];
	const char *bad[VALUES];
} cases[] = {
	{ "server", "role", { "both", "ke", "ntp" }, { "", "nts", "KE", "ke ntp" } },
	{ "ntp", "interfaces", { "", "eth0", "eth0 wlp3s0.5", "abcdefghijklmno" },
	  { "abcdefghijklmnop", "a/b", "eth0:1", ".", "..", "eth\x01" } },
	{ "ntp", "mode", { "auto", "native", "generic" }, { "", "Native", "skb", "auto native" } },
	{ "ntp", "ports", { "123", "1 65535", "1 2 3 4 5 6 7 8" },
	  { "", "0", "65536", "-1", "ntp", "123,124", "1 2 3 4 5 6 7 8 9", "0x7b", "1e3" } },
	{ "ntp", "addresses", { "auto", "192.0.2.0/24", "2001:db8::1", "0.0.0.0/0 ::/0", "192.0.2.1/32" },
	  { "", "auto 192.0.2.1", "192.0.2.1 auto", "auto auto", "192.0.2.1/24", "192.0.2.0/33",
	    "2001:db8::/129", "2001:db8::1/64", "192.0.2.0/", "192.0.2.0/-1", "host.example", "1.2.3",
	    "192.0.2.0/24/24", "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000" } },
	{ "ntp", "macs", { "", "00:00:5e:00:01:0a", "02:AB:cd:ef:01:23 02:00:00:00:00:01" },
	  { "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:00:00:00",
	    "02-00-00-00-00-01", "02:00:00:00:00:0g", "020000000001", "02:00:00:00:00:01:" } },
	{ "ntp", "symmetric", { "answer", "pass" }, { "", "drop", "yes" } },
	{ "ntp", "control", { "drop", "pass" }, { "", "answer" } },
	{ "ntp", "next_hop", { "swap", "fib" }, { "", "route", "swap fib" } },
	{ "ntp", "nak_rate", { "0", "100", "1000000" }, { "", "-1", "1000001", "many", "1 2", "99999999999999999999" } },
	{ "ntp", "ttl", { "1", "255" }, { "", "0", "256", "64 hops", "+64" } },
	{ "limits", "nts_budget", { "0", "80", "100" }, { "", "101", "-1", "80%", "0.5" } },
	{ "limits", "plain_interval", { "0", "1ms", "8s", "8", "1h", "3600000ms" },
	  { "", "-1ms", "2h", "3600001ms", "1us", "1.5s", "off", "9223372036854775807h" } },
	{ "limits", "plain_burst", { "8", "255" }, { "", "0", "7", "256" } },
	{ "limits", "nts_interval", { "0", "500ms", "2m" }, { "", "61m", "ms" } },
	{ "limits", "nts_burst", { "8", "255" }, { "", "7", "256", "8s" } },
	{ "limits", "kod", { "0", "1", "1000000" }, { "", "-1", "1000001", "1/16" } },
	{ "limits", "ceiling", { "0", "1", "1000000000" }, { "", "1000000001", "1M" } },
	{ "limits", "require_nts", { "no", "yes" }, { "", "on" } },
	{ "limits", "allow", { "", "192.0.2.0/24", "0.0.0.0/0 ::/0 2001:db8::1" },
	  { "auto", "192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "host.example", "192.0.2.0/24,::/0" } },
	{ "limits", "refuse", { "", "192.0.2.1", "2001:db8::/32 2001:db8::/32" },
	  { "auto", "2001:db8::1/64", "all" } },
	{ "limits", "allow_file", { "", "/etc/xnts/allow" }, { "allow", "./allow" } },
	{ "limits", "refuse_file", { "", "/etc/xnts/refuse" }, { "refuse" } },
	{ "limits", "unlisted", { "allow" }, { "", "refuse", "pass", "drop" } },
	{ "ke", "enabled", { "yes", "no" }, { "", "true", "1" } },
	{ "ke", "listen", { "[::]:4460", "0.0.0.0:4460", "192.0.2.1:3443 [2001:db8::1]:4443" },
	  { "", "4460", "[::]", "::", "0.0.0.0", "[::]:0", "[::]:65536", "[::]:", "[::]4460", "[::",
	    "[192.0.2.1]:4460", "host.example:4460", "0.0.0.0:ntske", "[::1]:-5" } },
	{ "ke", "certificate", { "/etc/xnts/cert.pem", "" }, { "cert.pem", "~/cert.pem" } },
	{ "ke", "key", { "/etc/xnts/key.pem", "/with a space" }, { "key.pem" } },
	{ "ke", "more_certificates", { "", "/a.pem:/a.key", "/a:/b /c:/d /e:/f /g:/h /i:/j /k:/l /m:/n" },
	  { "a:/b", "/a:b", "/a", ":/b", "/a /b", "/a:/b /c:/d /e:/f /g:/h /i:/j /k:/l /m:/n /o:/p" } },
	{ "ke", "workers", { "0", "64" }, { "", "65", "auto" } },
	{ "ke", "user", { "nobody", "_xnts-ke" }, { "", "two words" } },
	{ "ke", "max_connections", { "1", "100000" }, { "", "0", "100001" } },
	{ "ke", "max_per_prefix", { "1", "100000" }, { "", "0", "100001" } },
	{ "ke", "rate", { "0", "100000" }, { "", "-1", "100001", "50/s" } },
	{ "ke", "burst", { "1", "100000" }, { "", "0", "100001" } },
	{ "ke", "prefix4", { "8", "32" }, { "", "7", "33", "/24" } },
	{ "ke", "prefix6", { "16", "64" }, { "", "15", "65", "128" } },
	{ "ke", "max_bytes", { "8192", "1048576" }, { "", "8191", "1048577", "64k" } },
	{ "ke", "handshake_timeout", { "1", "1s", "5m" }, { "", "0", "301", "6m", "5ms", "1500ms", "5 s", "-5s" } },
	{ "ke", "request_timeout", { "1", "300s" }, { "", "0s", "1h", "s" } },
	{ "ke", "ntp_server", { "", "ntp.example", "192.0.2.1", "2001:db8::1" }, { "a b", "n\xc3\xa9" } },
	{ "ke", "ntp_port", { "", "1", "65535" }, { "0", "65536", "ntp" } },
	{ "keys", "state", { "/var/lib/xnts/keys" }, { "", "keys" } },
	{ "keys", "epoch", { "1", "12h", "365d", "31536000" }, { "", "0d", "366d", "1w", "1D", "106751991167301d" } },
	{ "keys", "keep", { "1", "48" }, { "", "0", "49" } },
	{ "keys", "preload", { "1", "14" }, { "", "0", "15" } },
	{ "clock", "source", { "auto", "chronyc", "kernel", "local", "ntp 127.0.0.1", "ntp  ::1",
			       "ntp [::1]:11123", "ntp 127.0.0.1:11123" },
	  { "", "ntp", "ntp ", "ntp host.example", "ntp 127.0.0.1 ::1", "ntp 127.0.0.1:0", "chronyc x", "phc" } },
	{ "clock", "stratum", { "1", "15" }, { "", "0", "16" } },
	{ "clock", "refid", { "GPS", "PPS0", "x" }, { "", "LOCAL", "a b", "\x80" } },
	{ "clock", "hold", { "1s", "1d" }, { "", "0", "86401" } },
	{ "clock", "receive_correction", { "0", "-1000000", "1000000" }, { "", "1000001", "-1000001", "--1", "1us" } },
	{ "clock", "transmit_correction", { "-40", "40" }, { "", "1000001", "-1000001", "-" } },
	{ "clock", "hardware_stamps", { "auto", "on", "off" }, { "", "yes", "no" } },
	{ "clock", "hardware_correction", { "-300", "0" }, { "", "1000001", "-1000001", "1 ns" } },
	{ "metrics", "listen", { "", "127.0.0.1:9123", "[::1]:9123" },
	  { "9123", "127.0.0.1", "[::1]", "localhost:9123", "127.0.0.1:0", "127.0.0.1:9123 [::1]:9123" } },
	{ "metrics", "latency", { "off", "on" }, { "", "yes", "0", "On" } },
	{ "log", "level", { "error", "warning", "info", "debug" }, { "", "notice", "INFO" } },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* Line 5 sets the key; certificate and key are there unless they are the case. */
static void write_case(char *text, const struct key_case *c, const char *value)
{
	strcpy(text, "[ke]\n");
	strcat(text, strcmp(c->name, "certificate") ? "certificate = /c\n" : "\n");
	strcat(text, strcmp(c->name, "key") ? "key = /k\n" : "\n");
	sprintf(text + strlen(text), "[%s]\n%s = %s\n", c->section, c->name, value);
}

static bool may_be_missing(const struct key_case *c, const char *value)
{
	return value[0] || (strcmp(c->name, "certificate") && strcmp(c->name, "key"));
}

static void test_good_values(void **unused)
{
	char text[1024];

	(void)unused;
	for (size_t i = 0; i < CASES; i++)
		for (int v = 0; cases[i].good[v]; v++) {
			if (!may_be_missing(&cases[i], cases[i].good[v]))
				continue;
			write_case(text, &cases[i], cases[i].good[v]);
			if (load(text))
				fail_msg("%s", err.text);
		}
}

static void expect_refusal(const struct key_case *c, const struct config_entry *entry, const char *value)
{
	char text[1024], start[128];

	write_case(text, c, value);
	if (load(text) != -EINVAL)
		fail_msg("[%s] %s took \"%s\"", c->section, c->name, value);
	snprintf(start, sizeof(start), "%s:5: [%s] %s: ", path, c->section, c->name);
	if (strncmp(err.text, start, strlen(start)) || !strstr(err.text, entry->expected))
		fail_msg("\"%s\" does not name file, line, key and what is expected", err.text);
}

static void test_bad_values(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < CASES; i++)
		for (int v = 0; v < VALUES && cases[i].bad[v]; v++)
			expect_refusal(&cases[i], &config_table[i], cases[i].bad[v]);
}

/* The cases above follow the table row by row, so no key is forgotten. */
static void test_cases_are_complete(void **unused)
{
	(void)unused;
	assert_int_equal(CASES, config_table_len);
	for (size_t i = 0; i < CASES; i++) {
		assert_string_equal(cases[i].section, config_table[i].section);
		assert_string_equal(cases[i].name, config_table[i].name);
		assert_non_null(cases[i].good[0]);
		assert_non_null(cases[i].bad[0]);
	}
}

static void test_doubled_keys(void **unused)
{
	char text[1024], expected[256];

	(void)unused;
	for (size_t i = 0; i < CASES; i++) {
		const char *value = cases[i].good[0][0] ? cases[i].good[0] : cases[i].good[1];

		write_case(text, &cases[i], value);
		sprintf(text + strlen(text), "%s = %s\n", cases[i].name, value);
		snprintf(expected, sizeof(expected),
			 ":6: [%s] %s: there is one in line 5 already; expected it once",
			 cases[i].section, cases[i].name);
		expect_error(text, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_cases_are_complete),
		cmocka_unit_test(test_doubled_keys),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
