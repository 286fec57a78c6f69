/* SPDX-License-Identifier: GPL-2.0 */
/* What the values of the configuration become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "../config_file.h"

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
