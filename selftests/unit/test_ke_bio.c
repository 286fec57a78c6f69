/* SPDX-License-Identifier: GPL-2.0 */
/* ke_bio.h over TCP on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ke_bio.h"
#include "monotonic.h"

static struct ke_wire wire;
static BIO *bio;
static int peer;

static int open_pair(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	peer = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(peer, (struct sockaddr *)&a, sizeof(a)), 0);
	wire = (struct ke_wire){ .fd = accept(listener, NULL, NULL) };
	fcntl(wire.fd, F_SETFL, O_NONBLOCK);
	close(listener);
	bio = ke_bio_new(&wire);
	assert_non_null(bio);
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	BIO_free(bio);
	close(wire.fd);
	close(peer);
	return 0;
}

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static void empty_is_not_read_again(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), -1);
	assert_true(BIO_should_read(bio) && wire.empty);
	assert_int_equal(send(peer, "abc", 3, 0), 3);
	assert_true(readable(wire.fd, 5000));
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), -1); /* nobody has polled */
	assert_true(BIO_should_read(bio));
	wire.empty = false;
	assert_int_equal(BIO_read(bio, buf, 2), 2);
	assert_false(wire.empty); /* there may be more */
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), 1);
	assert_true(wire.empty);
}

static void the_end_is_seen(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), -1);
	assert_false(BIO_eof(bio));
	shutdown(peer, SHUT_WR);
	assert_true(readable(wire.fd, 5000));
	wire.empty = false;
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), 0);
	assert_true(BIO_eof(bio));
	assert_false(BIO_should_retry(bio));
}

static void held_until_the_end(void **state)
{
	int64_t since;
	char buf[16];
	bool held;

	(void)state;
	assert_int_equal(BIO_write(bio, "a", 1), 1);
	assert_true(readable(peer, 5000));
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 1);
	wire.hold = true;
	since = now_ms();
	assert_int_equal(BIO_write(bio, "answer", 6), 6);
	assert_int_equal(BIO_write(bio, "bye", 3), 3);
	held = !readable(peer, 20);
	shutdown(wire.fd, SHUT_WR);
	if (now_ms() - since >= 200) /* tcp(7), TCP_CORK: no longer than that */
		skip();
	assert_true(held);
	assert_true(readable(peer, 5000));
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 9);
	assert_memory_equal(buf, "answerbye", 9);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 0);
}

/* More than the socket takes: the rest waits for its owner, held or not. */
static void a_full_socket_is_no_error(void **state)
{
	static char much[1 << 20], got[1 << 20];
	size_t sent = 0, taken = 0;
	int n;

	(void)state;
	wire.hold = true;
	memset(much, 'x', sizeof(much));
	while (taken < 4 * sizeof(much)) {
		n = BIO_write(bio, much, sizeof(much));
		if (n > 0)
			sent += (size_t)n;
		else
			assert_true(BIO_should_write(bio));
		while (taken < sent && readable(peer, n > 0 ? 0 : 5000) &&
		       (n = (int)recv(peer, got, sizeof(got), 0)) > 0)
			taken += (size_t)n;
	}
}

static void a_reset_is_an_error(void **state)
{
	const struct linger reset = { 1, 0 };
	char buf[16];

	(void)state;
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(peer);
	peer = -1;
	assert_true(readable(wire.fd, 5000));
	assert_int_equal(BIO_read(bio, buf, sizeof(buf)), -1);
	assert_false(BIO_should_retry(bio));
	assert_int_equal(BIO_write(bio, "a", 1), -1); /* and no SIGPIPE */
	assert_false(BIO_should_retry(bio));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(empty_is_not_read_again), T(the_end_is_seen),	    T(held_until_the_end),
		T(a_full_socket_is_no_error), T(a_reset_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
