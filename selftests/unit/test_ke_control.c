/* SPDX-License-Identifier: GPL-2.0 */
/* The control socket between daemon and worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ke_process.h"

static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void all_sizes_up_to_the_largest(void **state)
{
	static char sent[KE_MAX_MESSAGE], got[KE_MAX_MESSAGE];
	enum ke_message type;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	for (size_t len = 0; len <= sizeof(sent); len = len ? 4 * len : 1) {
		assert_int_equal(ke_control_send(pair[0], KE_CHAIN, sent, len, NULL), 0);
		assert_int_equal(ke_control_receive(pair[1], &type, got, sizeof(got), NULL), len);
		assert_int_equal(type, KE_CHAIN);
		assert_memory_equal(sent, got, len);
	}
}

/* A worker that starts reads nothing yet: set-up, chain, key and sealing keys wait. */
static void a_whole_start_fits_unread(void **state)
{
	static char pem[KE_MAX_PEM];

	(void)state;
	assert_int_equal(ke_control_send(pair[0], KE_SETUP, pem, sizeof(struct ke_setup), NULL), 0);
	assert_int_equal(ke_control_send(pair[0], KE_CHAIN, pem, sizeof(pem), NULL), 0);
	assert_int_equal(ke_control_send(pair[0], KE_KEY, pem, sizeof(pem), NULL), 0);
	assert_int_equal(ke_control_send(pair[0], KE_SEAL, pem, 80, NULL), 0);
}

static void who_does_not_read_is_noticed(void **state)
{
	char body[1000];
	int rc = 0;

	(void)state;
	memset(body, 0, sizeof(body));
	for (int i = 0; i < 10000 && !rc; i++)
		rc = ke_control_send(pair[0], KE_SEAL, body, sizeof(body), NULL);
	assert_int_equal(rc, -EAGAIN);
}

static void descriptors_come_along(void **state)
{
	struct ke_fds fds = { .count = KE_MAX_FDS }, got;
	struct stat a, b;
	enum ke_message type;
	char body[4];

	(void)state;
	for (int i = 0; i < KE_MAX_FDS; i++)
		fds.fd[i] = pair[0];
	assert_int_equal(ke_control_send(pair[0], KE_SETUP, "abc", 4, &fds), 0);
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), &got), 4);
	assert_int_equal(got.count, KE_MAX_FDS);
	fstat(pair[0], &a);
	for (int i = 0; i < KE_MAX_FDS; i++) {
		assert_int_equal(fstat(got.fd[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_true(fcntl(got.fd[i], F_GETFD) & FD_CLOEXEC);
		close(got.fd[i]);
	}
}

/* Unwanted descriptors do not pile up in a receiver that asked for none. */
static void unwanted_descriptors(void **state)
{
	struct ke_fds fds = { .count = 1, .fd = { pair[0] } };
	int lowest = dup(pair[0]), after;
	enum ke_message type;
	char body[4];

	(void)state;
	close(lowest);
	assert_int_equal(ke_control_send(pair[0], KE_SEAL, "abc", 4, &fds), 0);
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), NULL), -EPROTO);
	after = dup(pair[0]);
	close(after);
	assert_int_equal(after, lowest);
}

static void what_is_no_message(void **state)
{
	enum ke_message type;
	char body[4];

	(void)state;
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), NULL), -EAGAIN);
	assert_int_equal(send(pair[0], "abc", 3, 0), 3); /* shorter than a type */
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), NULL), -EPROTO);
	assert_int_equal(ke_control_send(pair[0], KE_SEAL, "12345", 5, NULL), 0); /* too long */
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), NULL), -EPROTO);
	shutdown(pair[0], SHUT_RDWR);
	assert_int_equal(ke_control_receive(pair[1], &type, body, sizeof(body), NULL), -EPIPE);
	assert_int_equal(ke_control_send(pair[1], KE_READY, NULL, 0, NULL), -EPIPE);
}

/* A worker in the hands of an enemy must not keep the daemon reading. */
static void a_worker_says_ready_once(void **state)
{
	struct ke_process worker = { .control = pair[1] };

	(void)state;
	assert_int_equal(ke_process_hear(&worker), 0);
	assert_false(worker.ready);
	assert_int_equal(ke_control_send(pair[0], KE_READY, NULL, 0, NULL), 0);
	assert_int_equal(ke_process_hear(&worker), 0);
	assert_true(worker.ready);
	assert_int_equal(ke_process_hear(&worker), 0);
	assert_int_equal(ke_control_send(pair[0], KE_READY, NULL, 0, NULL), 0);
	assert_int_equal(ke_process_hear(&worker), -EPIPE);
}

static void a_worker_says_nothing_else(void **state)
{
	struct ke_process worker = { .control = pair[1] };

	(void)state;
	assert_int_equal(ke_control_send(pair[0], KE_SEAL, NULL, 0, NULL), 0);
	assert_int_equal(ke_process_hear(&worker), -EPIPE);
	assert_int_equal(ke_control_send(pair[0], KE_READY, "a", 1, NULL), 0);
	assert_int_equal(ke_process_hear(&worker), -EPIPE);
	assert_false(worker.ready);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		T(all_sizes_up_to_the_largest),
		T(a_whole_start_fits_unread),
		T(who_does_not_read_is_noticed),
		T(descriptors_come_along),
		T(unwanted_descriptors),
		T(what_is_no_message),
		T(a_worker_says_ready_once),
		T(a_worker_says_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
