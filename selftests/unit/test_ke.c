/* SPDX-License-Identifier: GPL-2.0 */
/* KE workers: service, keys, deaths, limits. */
#define _GNU_SOURCE /* memfd_create() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "ke_daemon.h"

static bool ten_answered(void)
{
	return sum().answered == 10;
}

static void serves(void **state)
{
	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < 10; i++)
		assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[0]), keys.current.id);
	assert_true(run_until(ten_answered, 5000));
	assert_int_equal(sum().accepted, 10);
}

/* Clients that come before the keys are refused and need not wait for an answer, whatever
 * is reloaded meanwhile. */
static void refuses_before_keys(void **state)
{
	uint16_t first = port();

	(void)state;
	wait_for_starts(2); /* those that end sooner may not be counted */
	ke_stop(ke);
	assert_int_equal(ke_start(&ke, &cfg, counters_fd), 0);
	wait_for_starts(4);
	assert_int_equal(connect_to(first), -1);
	assert_int_equal(errno, ECONNREFUSED);
	listen_on(&cfg.ke.listen.item[cfg.ke.listen.count++], free_port());
	assert_int_equal(ke_reload(ke, &cfg), 0);
	cfg.ke.listen.count--;
	wait_for_starts(6);
	assert_int_equal(connect_to(first), -1);
	ke_set_keys(ke, &keys); /* the drained workers do not hear it */
	assert_true(served());
	assert_true(exchange(ntohs(cfg.ke.listen.item[1].in.sin_port), &pem, &last));
}

static bool all_ready(void)
{
	struct xnts_ke_state described;

	ke_describe(ke, &described);
	return described.ready == 2;
}

/* Until service begins somebody else may listen: that is told, and tried again with the next keys. */
static void begins_late_if_a_port_is_taken(void **state)
{
	struct xnts_ke_state described;
	int on = 1, other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	wait_for_starts(2); /* those that end sooner may not be counted */
	ke_stop(ke);
	assert_int_equal(ke_start(&ke, &cfg, counters_fd), 0);
	assert_int_equal(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(other, &cfg.ke.listen.item[0].sa, cfg.ke.listen.item[0].len), 0);
	assert_int_equal(listen(other, 1), 0);
	wait_for_starts(4);
	run_until(all_ready, 200);
	assert_int_equal(ke_set_keys(ke, &keys), -EADDRINUSE);
	assert_false(ke_has_keys(ke));
	ke_describe(ke, &described);
	assert_int_equal(described.workers, 2);
	assert_int_equal(described.ready, 0);
	close(other);
	assert_int_equal(ke_set_keys(ke, &keys), 0);
	assert_true(ke_has_keys(ke));
	assert_true(run_until(all_ready, 10000));
	assert_true(served());
}

static void next_key_seals_when_due(void **state)
{
	struct ke_sealing_keys both = keys;

	(void)state;
	wait_for_starts(2);
	both.next.id = 0x1002;
	both.switch_at = time(NULL) + 1000;
	ke_set_keys(ke, &both);
	assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[7]), 0x1001);
	both.switch_at = time(NULL) + 1;
	ke_set_keys(ke, &both);
	run_until(never, 2000);
	assert_true(served());
	assert_int_equal(cookie_key_id(last.cookie[7]), 0x1002);
}

/* ms until there are two others. */
static int64_t kill_both(void)
{
	int64_t since = now_ms();
	pid_t pids[4];

	assert_int_equal(children(pids, 4), 2);
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	wait_for_starts((unsigned int)starts_wanted + 2);
	return now_ms() - since;
}

/* Killed, a worker is back within a second, and nobody queues in vain meanwhile. */
static void killed_workers_are_replaced(void **state)
{
	int64_t took = 1000;

	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < TRIES && took >= 1000; i++)
		took = kill_both();
	assert_true(took < 1000);
	for (int i = 0; i < 8; i++)
		assert_true(served());
	children_wanted = 2;
	assert_true(so_many_children());
}

/* Early deaths one after the other take longer and longer to be mended. */
static void back_off(void **state)
{
	int64_t since = now_ms();
	pid_t pid;

	(void)state;
	cfg.ke.workers = 1;
	assert_int_equal(ke_reload(ke, &cfg), 0);
	wait_for_starts(3);
	children_wanted = 1;
	assert_true(run_until(so_many_children, 10000));
	for (unsigned int i = 0; i < 4; i++) { /* 100 + 200 + 400 + 800 ms */
		assert_int_equal(children(&pid, 1), 1);
		kill(pid, SIGKILL);
		wait_for_starts(4 + i);
	}
	assert_true(now_ms() - since >= 1500);
	assert_true(served());
	cfg.ke.workers = 2;
}

static bool all_aborted(void)
{
	return sum().aborted == 20;
}

/* Clients that reset at once, or after some bytes, take no worker with them. */
static void resets(void **state)
{
	const struct linger abort = { .l_onoff = 1 };

	(void)state;
	wait_for_starts(2);
	for (int i = 0; i < 20; i++) {
		int fd = connect_to(port());

		assert_true(fd >= 0);
		if (i % 2)
			assert_int_equal(send(fd, "\x16\x03\x01", 3, 0), 3);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		close(fd);
	}
	assert_true(run_until(all_aborted, 5000));
	assert_true(served());
	assert_int_equal(sum().worker_starts, 2);
}

static int limit_setup(void **state)
{
	cfg.ke.workers = 1;
	cfg.ke.max_connections = 5;
	cfg.ke.max_per_prefix = 0;
	return start_ke(state);
}

static int limit_teardown(void **state)
{
	cfg.ke.workers = 2;
	cfg.ke.max_connections = 100;
	cfg.ke.max_per_prefix = 50;
	return stop_ke(state);
}

static bool no_more_open(void)
{
	struct xnts_ke_counters c = sum();

	return c.accepted ==
	       c.refused_full + c.refused_prefix + c.timed_out + c.answered + c.aborted;
}

/* More silent connections than fit: the oldest give way, an honest client is served at once. */
static void oldest_gives_way(void **state)
{
	int fd[12];
	int64_t since;
	char byte;

	(void)state;
	wait_for_starts(1);
	for (int i = 0; i < 12; i++)
		assert_true((fd[i] = connect_to(port())) >= 0);
	since = now_ms();
	assert_true(served());
	assert_true(now_ms() - since < 5000);          /* half of what a silent one has */
	assert_int_equal(recv(fd[0], &byte, 1, 0), 0); /* closed */
	for (int i = 0; i < 12; i++)
		close(fd[i]);
	assert_true(run_until(no_more_open, 5000));
	assert_int_equal(sum().refused_full, 8); /* 13 came, 5 fit */
	assert_int_equal(sum().aborted, 4);
}

enum { CROWD = 10000 };

static int crowd_setup(void **state)
{
	cfg.ke.max_connections = 4096;
	cfg.ke.handshake_timeout = 3;
	return start_ke(state);
}

static int crowd_teardown(void **state)
{
	cfg.ke.handshake_timeout = 10;
	return limit_teardown(state);
}

static long resident_kb(pid_t pid)
{
	char path[64], line[128];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(f);
	return kb;
}

/* Silent clients from as many addresses: the next honest one is served within a second, a
 * worker grows by a table of connections, and the silent ones end. */
static void ten_thousand_silent(void **state)
{
	const struct rlimit files = { CROWD + 100, CROWD + 100 };
	static int fd[CROWD];
	int64_t took = 1000;
	unsigned int tries = 0;
	pid_t worker;
	long before;

	(void)state;
	if (setrlimit(RLIMIT_NOFILE, &files))
		skip();
	wait_for_starts(2);
	children(&worker, 1);
	before = resident_kb(worker);
	for (unsigned int i = 0; i < CROWD; i++)
		assert_true((fd[i] = connect_from(2 + i, port())) >= 0);
	for (; tries < TRIES && took >= 1000; tries++) {
		int64_t since = now_ms();

		assert_true(served());
		took = now_ms() - since;
	}
	assert_true(took < 1000);
	assert_true(resident_kb(worker) - before < 2048);
	assert_true(run_until(no_more_open, 10000));
	assert_int_equal(sum().accepted, CROWD + tries);
	for (int i = 0; i < CROWD; i++)
		close(fd[i]);
}

static int prefix_setup(void **state)
{
	cfg.ke.workers = 1;
	cfg.ke.max_per_prefix = 3;
	return start_ke(state);
}

static void prefix_has_its_limit(void **state)
{
	int fd[6];

	(void)state;
	wait_for_starts(1);
	for (int i = 0; i < 6; i++)
		assert_true((fd[i] = connect_to(port())) >= 0);
	assert_false(served()); /* the same source: refused with the three that came late */
	for (int i = 0; i < 6; i++)
		close(fd[i]);
	assert_true(run_until(no_more_open, 5000));
	assert_int_equal(sum().refused_prefix, 4);
	assert_true(served()); /* the first three have gone */
}

static void stop_ends_them_all(void **state)
{
	int64_t took = 900;

	for (int i = 0; i < TRIES && took >= 900; i++) {
		int64_t since;

		if (!ke)
			start_ke(state);
		wait_for_starts(2);
		since = now_ms();
		ke_stop(ke);
		ke = NULL;
		took = now_ms() - since;
	}
	assert_true(took < 900); /* by themselves, not killed */
	children_wanted = 0;
	assert_true(so_many_children());
	assert_int_equal(connect_to(port()), -1);
}

int main(int argc, char **argv)
{
	int status;

	if (is_worker(argc, argv, &status))
		return status;
	const struct CMUnitTest tests[] = {
		T(serves),
		T(refuses_before_keys),
		T(begins_late_if_a_port_is_taken),
		T(next_key_seals_when_due),
		T(killed_workers_are_replaced),
		T(back_off),
		T(resets),
		cmocka_unit_test_setup_teardown(oldest_gives_way, limit_setup, limit_teardown),
		cmocka_unit_test_setup_teardown(ten_thousand_silent, crowd_setup, crowd_teardown),
		cmocka_unit_test_setup_teardown(prefix_has_its_limit, prefix_setup, limit_teardown),
		T(stop_ends_them_all),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
