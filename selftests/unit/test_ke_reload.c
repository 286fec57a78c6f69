/* SPDX-License-Identifier: GPL-2.0 */
/* KE workers: renewed certificates, other configurations. */
#define _GNU_SOURCE /* memfd_create() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ke_daemon.h"

static struct test_pem renewed;

/* Of one worker at least: the others follow within moments. */
static bool served_with_new(void)
{
	struct test_answer a;

	return exchange(port(), &renewed, &a);
}

static bool one_accepted(void)
{
	return sum().accepted == 1;
}

/* New connections see the new one (test_ke_load: within 2 s); those that began before go on. */
static void certificate_is_renewed(void **state)
{
	struct xnts_ke_state described;
	struct test_answer a;
	int held;

	(void)state;
	wait_for_starts(2);
	held = connect_to(port());
	assert_true(run_until(one_accepted, 5000));
	test_certificate(&renewed, "ED25519", "test.example", -60, 3600);
	install(&renewed);
	assert_true(run_until(served_with_new, 10000));
	wait_for_starts(4);
	assert_true(exchange_on(held, &pem, &a));
	children_wanted = 2; /* the old workers drain */
	assert_true(run_until(so_many_children, 10000));
	for (int i = 0; i < 4; i++)
		assert_false(served());
	ke_describe(ke, &described);
	assert_int_equal(described.workers, 2);
	assert_int_equal(described.ready, 2);
	assert_in_range(described.expires - time(NULL), 3000, 3601);
}

/* Live through a renewal: of many exchanges one after the other, none fails. */
static void no_exchange_fails_during_renewal(void **state)
{
	struct test_answer a;
	int64_t until;

	(void)state;
	wait_for_starts(2);
	test_certificate(&renewed, "EC", "test.example", -60, 3600);
	install(&renewed);
	until = now_ms() + 2500;
	while (now_ms() < until) {
		struct pollfd p = { .fd = ke_fd(ke), .events = POLLIN };

		if (poll(&p, 1, 0) > 0)
			ke_dispatch(ke);
		assert_true(exchange(port(), NULL, &a));
	}
	assert_true(run_until(served_with_new, 10000));
	assert_int_equal(sum().aborted, 0);
}

/* ---- several names ------------------------------------------------------ */

static struct test_pem second, third;

static void install_more(unsigned int i, const struct test_pem *p)
{
	write_file(cfg.ke.more.item[i].chain, p->chain);
	write_file(cfg.ke.more.item[i].key, p->key);
}

static int names_setup(void **state)
{
	cfg.ke.more.count = 2;
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(cfg.ke.more.item[i].chain, PATH_MAX, "%s/cert%u.pem", dir, i);
		snprintf(cfg.ke.more.item[i].key, PATH_MAX, "%s/key%u.pem", dir, i);
	}
	test_certificate(&second, "ED25519", "second.example", -60, 3600);
	test_certificate(&third, "RSA", "*.third.example", -60, 3600);
	install_more(0, &second);
	install_more(1, &third);
	return start_ke(state);
}

static int names_teardown(void **state)
{
	int rc = stop_ke(state);

	for (unsigned int i = 0; i < 2; i++) {
		unlink(cfg.ke.more.item[i].chain);
		unlink(cfg.ke.more.item[i].key);
	}
	cfg.ke.more.count = 0;
	return rc;
}

static bool name_gets(const char *name, const struct test_pem *wanted)
{
	struct test_answer a;

	return exchange_named(connect_to(port()), name, wanted, &a) && a.cookies == KE_COOKIES;
}

static bool second_is_renewed(void)
{
	return name_gets("second.example", &renewed);
}

static void names_have_certificates(void **state)
{
	struct test_pem other;

	(void)state;
	wait_for_starts(2);
	assert_true(name_gets(NULL, &pem));
	assert_true(name_gets("test.example", &pem));
	assert_true(name_gets("nobody.example", &pem));
	assert_true(name_gets("second.example", &second));
	assert_true(name_gets("a.third.example", &third));
	assert_false(name_gets("second.example", &pem));
	/* one is renewed, and then broken: the others never change */
	test_certificate(&renewed, "EC", "second.example", -60, 3600);
	install_more(0, &renewed);
	assert_true(run_until(second_is_renewed, 10000));
	wait_for_starts(4);
	children_wanted = 2;
	assert_true(run_until(so_many_children, 10000));
	test_certificate(&other, "EC", "second.example", -60, 3600);
	write_file(cfg.ke.more.item[0].key, other.key);
	run_until(never, 1000);
	for (int i = 0; i < 4; i++) {
		assert_true(name_gets("second.example", &renewed));
		assert_true(name_gets("a.third.example", &third));
		assert_true(name_gets("test.example", &pem));
	}
	assert_int_equal(ke_reload(ke, &cfg), -EINVAL);
	assert_true(name_gets("second.example", &renewed));
	assert_int_equal(sum().worker_starts, 4);
}

static void broken_certificate_leaves_the_old(void **state)
{
	struct test_pem other;

	(void)state;
	wait_for_starts(2);
	test_certificate(&other, "EC", "test.example", -60, 3600);
	write_file(cfg.ke.key, other.key); /* does not match the certificate */
	run_until(never, 1500);
	assert_true(served());
	write_file(cfg.ke.certificate, "");
	run_until(never, 1500);
	unlink(cfg.ke.certificate);
	run_until(never, 1500);
	assert_true(served());
	assert_int_equal(ke_reload(ke, &cfg), -EINVAL);
	assert_true(served());
	assert_int_equal(sum().worker_starts, 2);
	install(&other); /* mended: taken */
	renewed = other;
	assert_true(run_until(served_with_new, 10000));
}

static void refuses_to_start_broken(void **state)
{
	struct ke *none = (struct ke *)1;
	struct config broken = cfg;

	(void)state;
	snprintf(broken.ke.key, sizeof(broken.ke.key), "%s", "/nonexistent/key.pem");
	assert_int_equal(ke_start(&none, &broken, counters_fd), -EINVAL);
	assert_null(none);
	broken = cfg;
	broken.ke.listen.item[0].in.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1 */
	assert_int_equal(ke_start(&none, &broken, counters_fd), -EADDRNOTAVAIL);
	assert_null(none);
}

static void reload_moves_listeners(void **state)
{
	struct test_answer a;
	uint16_t old = port();
	struct config bad;

	(void)state;
	wait_for_starts(2);
	bad = cfg;
	bad.ke.listen.count = 2;
	listen_on(&bad.ke.listen.item[1], free_port());
	bad.ke.listen.item[1].in.sin_addr.s_addr = htonl(0xc6336401);
	assert_int_equal(ke_reload(ke, &bad), -EADDRNOTAVAIL);
	assert_true(served());
	cfg.ke.listen.count = 2;
	listen_on(&cfg.ke.listen.item[1], free_port());
	assert_int_equal(ke_reload(ke, &cfg), 0);
	wait_for_starts(4);
	assert_true(served());
	assert_true(exchange(ntohs(cfg.ke.listen.item[1].in.sin_port), &pem, &a));
	cfg.ke.listen.item[0] = cfg.ke.listen.item[1];
	cfg.ke.listen.count = 1;
	assert_int_equal(ke_reload(ke, &cfg), 0);
	children_wanted = 2;
	assert_true(run_until(so_many_children, 10000));
	assert_true(served());
	assert_int_equal(connect_to(old), -1);
}

int main(int argc, char **argv)
{
	int status;

	if (is_worker(argc, argv, &status))
		return status;
	const struct CMUnitTest tests[] = {
		T(certificate_is_renewed),
		T(no_exchange_fails_during_renewal),
		cmocka_unit_test_setup_teardown(names_have_certificates, names_setup, names_teardown),
		T(broken_certificate_leaves_the_old),
		T(refuses_to_start_broken),
		T(reload_moves_listeners),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
