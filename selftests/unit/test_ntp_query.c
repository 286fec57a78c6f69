/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "ntp_query.h"

#define NONCE 0x0123456789abcdefULL

/* A stratum 2 answer to NONCE, written out by RFC 5905 7.3. */
static const uint8_t good[NTP_HEADER_LEN] = {
	0x24, 2,    6,    0xe9,                         /* LI 0, version 4, mode 4 */
	0x00, 0x00, 0x01, 0x02,                         /* root delay */
	0x00, 0x00, 0x03, 0x04,                         /* root dispersion */
	192,  0,    2,    1,                            /* reference id */
	0xee, 0xaf, 0x1d, 0x3e, 0x80, 0x00, 0x00, 0x00, /* reference time */
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* origin */
	0xee, 0xaf, 0x1d, 0x40, 0x00, 0x00, 0x00, 0x00, /* receive */
	0xee, 0xaf, 0x1d, 0x41, 0x00, 0x00, 0x00, 0x00, /* transmit */
};

static int parse(const uint8_t *message, size_t len, struct xnts_clock_state *state)
{
	struct ntp_stamps stamps;

	memset(state, 0, sizeof(*state));
	return ntp_parse_answer(message, len, NONCE, state, &stamps);
}

static void test_request(void **unused)
{
	uint8_t request[NTP_HEADER_LEN];
	uint8_t expected[NTP_HEADER_LEN] = { 0x23 };

	(void)unused;
	memcpy(expected + 40, good + 24, 8);
	ntp_build_request(request, NONCE);
	assert_memory_equal(request, expected, NTP_HEADER_LEN);
}

static void test_answer(void **unused)
{
	struct xnts_clock_state state = { .leap = 3 };
	struct ntp_stamps stamps;

	(void)unused;
	assert_int_equal(ntp_parse_answer(good, sizeof(good), NONCE, &state, &stamps), 0);
	assert_int_equal(state.leap, 0);
	assert_int_equal(state.stratum, 2);
	assert_int_equal(state.root_delay, 0x0102);
	assert_int_equal(state.root_dispersion, 0x0304);
	assert_memory_equal(&state.reference_id, good + 12, 4);
	assert_int_equal(state.reference_time, 0xeeaf1d3e80000000);
	assert_int_equal(stamps.receive, 0xeeaf1d4000000000);
	assert_int_equal(stamps.transmit, 0xeeaf1d4100000000);
}

static void test_every_length(void **unused)
{
	struct xnts_clock_state state;

	(void)unused;
	for (size_t len = 0; len < NTP_HEADER_LEN; len++)
		assert_int_equal(parse(good, len, &state), -EBADMSG);
}

static void test_first_byte(void **unused)
{
	struct xnts_clock_state state;
	uint8_t message[NTP_HEADER_LEN];

	(void)unused;
	memcpy(message, good, sizeof(good));
	for (int first = 0; first < 256; first++) {
		bool answer = (first & 0x3f) == 0x24;

		message[0] = (uint8_t)first;
		assert_int_equal(parse(message, sizeof(message), &state), answer ? 0 : -EBADMSG);
		if (answer) {
			assert_int_equal(state.leap, first >> 6);
			assert_int_equal(state.stratum, first >> 6 == 3 ? 0 : 2);
		}
	}
}

static void test_every_stratum(void **unused)
{
	struct xnts_clock_state state;
	uint8_t message[NTP_HEADER_LEN];

	(void)unused;
	memcpy(message, good, sizeof(good));
	for (int stratum = 0; stratum < 256; stratum++) {
		bool usable = stratum >= 1 && stratum <= 15;

		message[1] = (uint8_t)stratum;
		assert_int_equal(parse(message, sizeof(message), &state), 0);
		assert_int_equal(state.stratum, usable ? stratum : 0);
		assert_int_equal(state.leap, usable ? 0 : 3);
	}
}

static void test_origin(void **unused)
{
	struct xnts_clock_state state;
	uint8_t message[NTP_HEADER_LEN];

	(void)unused;
	for (int bit = 0; bit < 64; bit++) {
		memcpy(message, good, sizeof(good));
		message[24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(parse(message, sizeof(message), &state), -EBADMSG);
	}
}

static void test_kiss_codes(void **unused)
{
	struct xnts_clock_state state;
	uint8_t message[NTP_HEADER_LEN];

	(void)unused;
	memcpy(message, good, sizeof(good));
	message[0] |= 0xc0;
	message[1] = 0;
	memcpy(message + 12, "RATE", 4);
	assert_int_equal(parse(message, sizeof(message), &state), -EACCES);
	memcpy(message + 12, "DENY", 4);
	assert_int_equal(parse(message, sizeof(message), &state), -EACCES);
	memcpy(message + 12, "RSTR", 4);
	assert_int_equal(parse(message, sizeof(message), &state), -EACCES);
	memcpy(message + 12, "INIT", 4); /* ntpd: not synchronised yet */
	assert_int_equal(parse(message, sizeof(message), &state), 0);
	assert_int_equal(state.leap, 3);
	assert_int_equal(state.reference_id, 0);
}

static void test_offset(void **unused)
{
	const uint64_t ms = 1ULL << 32 >> 10; /* 2^-10 s = 976,562.5 ns */
	const uint64_t eras[] = { 0xeeaf1d4000000000, 0xfffffffffff00000, 0 };

	(void)unused;
	for (int i = 0; i < 3; i++) {
		uint64_t t1 = eras[i];
		struct ntp_stamps same = { t1 + ms, t1 + 2 * ms };
		struct ntp_stamps ahead = { t1 + 5 * ms, t1 + 6 * ms };
		struct ntp_stamps behind = { t1 - 2 * ms, t1 - ms };

		assert_int_equal(ntp_unexplained_offset(t1, &same, t1 + 3 * ms), 0);
		assert_int_equal(ntp_unexplained_offset(t1, &ahead, t1 + 3 * ms), 3 * 976562 + 1);
		assert_int_equal(ntp_unexplained_offset(t1, &behind, t1 + ms), 2 * 976562 + 1);
	}
}

/* ---- over loopback ------------------------------------------------------ */

/* Sends what a broken or hostile server might, then perhaps the answer. */
struct server {
	int fd;
	struct sockaddr_in address;
	bool answers;
	uint8_t request[NTP_HEADER_LEN];
	pthread_t thread;
};

static void *serve_once(void *arg)
{
	struct server *server = arg;
	struct sockaddr_in client;
	socklen_t len = sizeof(client);
	uint8_t message[600] = { 0 };

	if (recvfrom(server->fd, server->request, NTP_HEADER_LEN, 0, (struct sockaddr *)&client,
		     &len) < 0)
		return NULL;
	sendto(server->fd, message, 0, 0, (struct sockaddr *)&client, len);
	sendto(server->fd, message, sizeof(message), 0, (struct sockaddr *)&client, len);
	sendto(server->fd, good, sizeof(good), 0, (struct sockaddr *)&client, len);
	if (!server->answers)
		return NULL;
	memcpy(message, good, sizeof(good));
	memcpy(message + 24, server->request + 40, 8);
	sendto(server->fd, message, sizeof(message), 0, (struct sockaddr *)&client, len);
	return NULL;
}

static void start_server(struct server *server, bool answers)
{
	socklen_t len = sizeof(server->address);

	memset(server, 0, sizeof(*server));
	server->answers = answers;
	server->address.sin_family = AF_INET;
	server->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&server->address, len), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&server->address, &len), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve_once, server), 0);
}

static int query(struct server *server, int timeout_ms, struct xnts_clock_state *state)
{
	memset(state, 0, sizeof(*state));
	return ntp_query((struct sockaddr *)&server->address, sizeof(server->address), timeout_ms,
			 state);
}

static void stop_server(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->fd);
}

/* The right answer comes last, from a clock far from ours: counted as no time at all. */
static void test_query(void **unused)
{
	struct xnts_clock_state state;
	struct server server;
	uint64_t nonce;

	(void)unused;
	start_server(&server, true);
	assert_int_equal(query(&server, 2000, &state), 0);
	assert_int_equal(state.leap, 3);
	nonce = load64(server.request + 40);
	stop_server(&server);

	start_server(&server, true);
	assert_int_equal(query(&server, 2000, &state), 0);
	assert_int_not_equal(load64(server.request + 40), nonce);
	stop_server(&server);
}

static void test_query_times_out(void **unused)
{
	struct xnts_clock_state state;
	struct server server;

	(void)unused;
	start_server(&server, false);
	assert_int_equal(query(&server, 100, &state), -ETIMEDOUT);
	stop_server(&server);
	assert_int_equal(query(&server, 2000, &state), -ECONNREFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),       cmocka_unit_test(test_answer),
		cmocka_unit_test(test_every_length),  cmocka_unit_test(test_first_byte),
		cmocka_unit_test(test_every_stratum), cmocka_unit_test(test_origin),
		cmocka_unit_test(test_kiss_codes),    cmocka_unit_test(test_offset),
		cmocka_unit_test(test_query),         cmocka_unit_test(test_query_times_out),
	};

	return cmocka_run_group_tests_name("ntp_query", tests, NULL, NULL);
}
