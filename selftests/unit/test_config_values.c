/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "../config_file.h"

/* ---- every key: values taken, values refused ---------------------------- */

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

/* ---- what is stored ----------------------------------------------------- */

static void expect_address(const struct config_address *address, const char *host, int port)
{
	char text[INET6_ADDRSTRLEN];

	if (address->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->in.sin_addr, text, sizeof(text));
		assert_int_equal(ntohs(address->in.sin_port), port);
		assert_int_equal(address->len, sizeof(struct sockaddr_in));
	} else {
		inet_ntop(AF_INET6, &address->in6.sin6_addr, text, sizeof(text));
		assert_int_equal(ntohs(address->in6.sin6_port), port);
		assert_int_equal(address->len, sizeof(struct sockaddr_in6));
	}
	assert_string_equal(text, host);
}

static void test_defaults(void **unused)
{
	(void)unused;
	assert_int_equal(load("[ke]\nenabled = no\n"), 0);
	assert_int_equal(config.ntp.interfaces.count, 0);
	assert_int_equal(config.ntp.mode, CONFIG_MODE_AUTO);
	assert_int_equal(config.ntp.ports.count, 1);
	assert_int_equal(config.ntp.ports.item[0], 123);
	assert_true(config.ntp.addresses.automatic);
	assert_int_equal(config.ntp.addresses.count, 0);
	assert_int_equal(config.ntp.macs.count, 0);
	assert_false(config.ntp.pass_symmetric);
	assert_false(config.ntp.pass_control);
	assert_false(config.ntp.next_hop_fib);
	assert_int_equal(config.ntp.nak_rate, 100);
	assert_int_equal(config.ntp.ttl, 64);
	assert_int_equal(config.ke.listen.count, 1);
	expect_address(&config.ke.listen.item[0], "::", 4460);
	assert_int_equal(config.ke.workers, 0);
	assert_string_equal(config.ke.user, "nobody");
	assert_int_equal(config.ke.max_connections, 4096);
	assert_int_equal(config.ke.max_per_prefix, 64);
	assert_int_equal(config.ke.rate, 50);
	assert_int_equal(config.ke.burst, 200);
	assert_int_equal(config.ke.prefix4, 32);
	assert_int_equal(config.ke.prefix6, 64);
	assert_int_equal(config.ke.max_bytes, 110592);
	assert_int_equal(config.ke.handshake_timeout, 5);
	assert_int_equal(config.ke.request_timeout, 5);
	assert_string_equal(config.ke.ntp_server, "");
	assert_int_equal(config.ke.ntp_port, 0);
	assert_string_equal(config.keys.state, "/var/lib/xnts/keys");
	assert_int_equal(config.keys.epoch, 86400);
	assert_int_equal(config.keys.keep, 8);
	assert_int_equal(config.keys.preload, 3);
	assert_int_equal(config.clock.source.kind, CONFIG_SOURCE_AUTO);
	assert_int_equal(config.clock.stratum, 10);
	assert_memory_equal(config.clock.refid, "LOCL", 4);
	assert_int_equal(config.clock.hold, 60);
	assert_int_equal(config.clock.receive_correction, 0);
	assert_int_equal(config.clock.transmit_correction, 0);
	assert_false(config.metrics.latency);
	assert_int_equal(config.log.level, LEVEL_INFO);
	assert_int_equal(config.limits.nts_budget, 80);
	assert_int_equal(config.limits.plain_interval, 0);
	assert_int_equal(config.limits.plain_burst, 16);
	assert_int_equal(config.limits.nts_interval, 0);
	assert_int_equal(config.limits.nts_burst, 16);
	assert_int_equal(config.limits.kod, 16);
	assert_int_equal(config.limits.ceiling, 0);
	assert_false(config.limits.require_nts);
	assert_int_equal(config.limits.allow.count, 0);
	assert_int_equal(config.limits.refuse.count, 0);
	assert_string_equal(config.limits.allow_file, "");
	assert_string_equal(config.limits.refuse_file, "");
	assert_false(config.limits.refuse_unlisted);
}

static void test_ntp_section(void **unused)
{
	static const uint8_t net4[16] = { 192, 0, 2 }, host6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t mac[6] = { 2, 0xab, 0xcd, 0xef, 1, 0x23 };
	const struct ntp_config *ntp = &config.ntp;

	(void)unused;
	assert_int_equal(load("[ke]\nenabled=no\n[ntp]\ninterfaces = eth0  eth1\nmode = generic\n"
			      "ports = 123 4123\naddresses = 192.0.2.0/24 2001:db8::1\n"
			      "macs = 02:AB:cd:ef:01:23\nsymmetric = pass\ncontrol = pass\n"
			      "next_hop = fib\nnak_rate = 7\nttl = 255\n"), 0);
	assert_int_equal(ntp->interfaces.count, 2);
	assert_string_equal(ntp->interfaces.item[1], "eth1");
	assert_int_equal(ntp->mode, CONFIG_MODE_GENERIC);
	assert_int_equal(ntp->ports.count, 2);
	assert_int_equal(ntp->ports.item[1], 4123);
	assert_false(ntp->addresses.automatic);
	assert_int_equal(ntp->addresses.count, 2);
	assert_int_equal(ntp->addresses.item[0].family, AF_INET);
	assert_int_equal(ntp->addresses.item[0].prefixlen, 24);
	assert_memory_equal(ntp->addresses.item[0].addr, net4, 16);
	assert_int_equal(ntp->addresses.item[1].family, AF_INET6);
	assert_int_equal(ntp->addresses.item[1].prefixlen, 128);
	assert_memory_equal(ntp->addresses.item[1].addr, host6, 16);
	assert_int_equal(ntp->macs.count, 1);
	assert_memory_equal(ntp->macs.item[0], mac, 6);
	assert_true(ntp->pass_symmetric);
	assert_true(ntp->pass_control);
	assert_true(ntp->next_hop_fib);
	assert_int_equal(ntp->nak_rate, 7);
	assert_int_equal(ntp->ttl, 255);
}

static void test_limits_section(void **unused)
{
	static const uint8_t net4[16] = { 192, 0, 2 }, net6[16] = { 0x20, 1, 0xd, 0xb8 };
	const struct limits_config *limits = &config.limits;

	(void)unused;
	assert_int_equal(load("[ke]\nenabled=no\n[limits]\nnts_budget = 50\nplain_interval = 8s\n"
			      "plain_burst = 9\nnts_interval = 250ms\nnts_burst = 10\nkod = 4\n"
			      "ceiling = 1000000\nrequire_nts = yes\nallow = 192.0.2.0/24\n"
			      "refuse = 2001:db8::/32 192.0.2.7\nallow_file = /a\nrefuse_file = /r\n"
			      "unlisted = refuse\n"), 0);
	assert_int_equal(limits->nts_budget, 50);
	assert_int_equal(limits->plain_interval, 8000);
	assert_int_equal(limits->plain_burst, 9);
	assert_int_equal(limits->nts_interval, 250);
	assert_int_equal(limits->nts_burst, 10);
	assert_int_equal(limits->kod, 4);
	assert_int_equal(limits->ceiling, 1000000);
	assert_true(limits->require_nts);
	assert_int_equal(limits->allow.count, 1);
	assert_int_equal(limits->allow.item[0].prefixlen, 24);
	assert_memory_equal(limits->allow.item[0].addr, net4, 16);
	assert_int_equal(limits->refuse.count, 2);
	assert_int_equal(limits->refuse.item[0].family, AF_INET6);
	assert_memory_equal(limits->refuse.item[0].addr, net6, 16);
	assert_string_equal(limits->allow_file, "/a");
	assert_string_equal(limits->refuse_file, "/r");
	assert_true(limits->refuse_unlisted);
}

static void test_roles(void **unused)
{
	(void)unused;
	assert_int_equal(load("[server]\nrole = ntp\n[ntp]\ninterfaces = eth0\n"), 0);
	assert_false(config.ke.enabled); /* and no certificate is asked for */
	assert_int_equal(config.ntp.interfaces.count, 1);
	assert_int_equal(load("[server]\nrole = ke\n[ntp]\ninterfaces = eth0\n"
			      "[ke]\ncertificate = /c\nkey = /k\n"), 0);
	assert_true(config.ke.enabled);
	assert_int_equal(config.ntp.interfaces.count, 0);
	assert_int_equal(load("[server]\nrole = ke\n"), -EINVAL);
}

static void test_ke_section(void **unused)
{
	const struct ke_config *ke = &config.ke;

	(void)unused;
	assert_int_equal(load("[ke]\nlisten = 0.0.0.0:4460 [2001:db8::1]:3443\ncertificate = /c d\nkey = /k\n"
			      "workers = 3\nuser = ke\nmax_connections = 10\nmax_per_prefix = 2\n"
			      "handshake_timeout = 2m\nrequest_timeout = 9\nntp_server = a.example\n"
			      "ntp_port = 4123\n"), 0);
	assert_true(ke->enabled);
	assert_int_equal(ke->listen.count, 2);
	expect_address(&ke->listen.item[0], "0.0.0.0", 4460);
	expect_address(&ke->listen.item[1], "2001:db8::1", 3443);
	assert_string_equal(ke->certificate, "/c d");
	assert_string_equal(ke->key, "/k");
	assert_int_equal(ke->workers, 3);
	assert_string_equal(ke->user, "ke");
	assert_int_equal(ke->max_connections, 10);
	assert_int_equal(ke->max_per_prefix, 2);
	assert_int_equal(ke->handshake_timeout, 120);
	assert_int_equal(ke->request_timeout, 9);
	assert_string_equal(ke->ntp_server, "a.example");
	assert_int_equal(ke->ntp_port, 4123);
}

static void test_other_sections(void **unused)
{
	(void)unused;
	assert_int_equal(load("[ke]\nenabled = no\n[keys]\nstate = /s\nepoch = 2h\nkeep = 4\npreload = 5\n"
			      "[clock]\nsource = ntp [::1]:11123\nstratum = 1\nrefid = GPS\nhold = 5m\n"
			      "receive_correction = -20\ntransmit_correction = 1500\n"
			      "[metrics]\nlatency = on\n[log]\nlevel = debug\n"), 0);
	assert_true(config.metrics.latency);
	assert_string_equal(config.keys.state, "/s");
	assert_int_equal(config.keys.epoch, 7200);
	assert_int_equal(config.keys.keep, 4);
	assert_int_equal(config.keys.preload, 5);
	assert_int_equal(config.clock.source.kind, CONFIG_SOURCE_NTP);
	expect_address(&config.clock.source.address, "::1", 11123);
	assert_int_equal(config.clock.stratum, 1);
	assert_memory_equal(config.clock.refid, "GPS", 4);
	assert_int_equal(config.clock.hold, 300);
	assert_int_equal(config.clock.receive_correction, -20);
	assert_int_equal(config.clock.transmit_correction, 1500);
	assert_int_equal(config.log.level, LEVEL_DEBUG);
}

static void test_source_words(void **unused)
{
	static const struct {
		const char *value;
		int kind;
	} words[] = { { "auto", CONFIG_SOURCE_AUTO }, { "chronyc", CONFIG_SOURCE_CHRONYC },
		      { "kernel", CONFIG_SOURCE_KERNEL }, { "local", CONFIG_SOURCE_LOCAL } };
	char text[128];

	(void)unused;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		sprintf(text, "[ke]\nenabled=no\n[clock]\nsource=%s\n", words[i].value);
		assert_int_equal(load(text), 0);
		assert_int_equal(config.clock.source.kind, words[i].kind);
	}
	assert_int_equal(load("[ke]\nenabled=no\n[clock]\nsource=ntp 192.0.2.1\n"), 0);
	expect_address(&config.clock.source.address, "192.0.2.1", 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_cases_are_complete),
		cmocka_unit_test(test_doubled_keys),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_ntp_section),
		cmocka_unit_test(test_limits_section),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_ke_section),
		cmocka_unit_test(test_other_sections),
		cmocka_unit_test(test_source_words),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
