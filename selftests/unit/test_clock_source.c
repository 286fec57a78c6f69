/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock source against a real chronyd -x, in network and mount namespaces of
 * its own: port 123 and chronyd's default command socket are free there.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock_source.h"
#include "config.h"

static char folder[] = "/tmp/xnts-clock-XXXXXX";
static const char *why_no_chronyd;
static pid_t chronyd;

/* ---- namespaces and chronyd --------------------------------------------- */

static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;

	err = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return err;
}

/* A script that runs PROGRAM of the unpacked package with the package's own libraries. */
static void write_wrapper(const char *path, const char *root, const char *program)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file,
		"#!/bin/sh\n"
		"exec $(ls %s/usr/lib/*-linux-gnu*/ld-linux*.so.*|head -n1) --library-path "
		"$(ls -d %s/usr/lib/*-linux-gnu*|paste -sd:) %s%s \"$@\"\n",
		root, root, root, program);
	fclose(file);
	assert_int_equal(chmod(path, 0700), 0);
}

static bool install_chrony(void)
{
	char root[256] = "", path[320];
	FILE *unpack = popen("scripts/unpack-deb.sh chrony", "r");

	if (!unpack || !fgets(root, sizeof(root), unpack))
		root[0] = '\0';
	root[strcspn(root, "\n")] = '\0';
	if (!unpack || pclose(unpack) != 0 || !root[0])
		return false;
	snprintf(path, sizeof(path), "%s/chronyd", folder);
	write_wrapper(path, root, "/usr/sbin/chronyd");
	write_wrapper("/usr/local/bin/chronyc", root, "/usr/bin/chronyc");
	return true;
}

/* chronyd's pid file, sockets and chronyc go where nobody else sees them. */
static int setup(void **unused)
{
	(void)unused;
	if (!mkdtemp(folder))
		return -1;
	if (unshare(CLONE_NEWNS) != 0) {
		why_no_chronyd = "making namespaces needs root";
		return 0;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("xnts", "/run", "tmpfs", 0, NULL) ||
	    mount("xnts", "/usr/local/bin", "tmpfs", 0, NULL))
		return -1;
	/* Fetching needs the machine's network, what follows a private one. */
	if (!install_chrony())
		why_no_chronyd = "scripts/unpack-deb.sh cannot fetch chrony";
	if (unshare(CLONE_NEWNET) || loopback_up())
		return -1;
	return 0;
}

static int teardown(void **unused)
{
	char command[64];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void start_chronyd(const char *config)
{
	char path[64], program[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/chrony.conf", folder);
	snprintf(program, sizeof(program), "%s/chronyd", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "pidfile %s/pid\nbindcmdaddress /run/chrony/chronyd.sock\n%s", folder,
		config);
	fclose(file);
	chronyd = fork();
	assert_true(chronyd >= 0);
	if (chronyd == 0) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 2);
		execl(program, program, "-x", "-d", "-u", "root", "-f", path, NULL);
		_exit(127);
	}
}

static void stop_chronyd(void)
{
	if (chronyd > 0) {
		kill(chronyd, SIGTERM);
		waitpid(chronyd, NULL, 0);
	}
	chronyd = 0;
}

static int stop_after(void **unused)
{
	(void)unused;
	stop_chronyd();
	return 0;
}

/* ---- the source --------------------------------------------------------- */

static struct clock_source *open_source(struct clock_config clock)
{
	static struct config config;
	struct clock_source *source;

	config.clock = clock;
	assert_int_equal(clock_source_open(&source, &config), 0);
	return source;
}

static struct clock_config auto_config(void)
{
	return (struct clock_config){ .source.kind = CONFIG_SOURCE_AUTO,
				      .hold = 60,
				      .receive_correction = -5,
				      .transmit_correction = 7 };
}

static struct clock_config ntp_config(uint16_t port)
{
	struct clock_config clock = auto_config();

	clock.source.kind = CONFIG_SOURCE_NTP;
	clock.source.address.len = sizeof(struct sockaddr_in);
	clock.source.address.in = (struct sockaddr_in){ .sin_family = AF_INET,
							.sin_port = htons(port),
							.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return clock;
}

/* Asks until chronyd is up, as the daemon would, but ten times a second. */
static int read_soon(struct clock_source *source, struct xnts_clock_state *state)
{
	int err = -EIO;

	for (int i = 0; i < 50 && err; i++) {
		if (i)
			usleep(100000);
		err = clock_source_read(source, state);
	}
	return err;
}

/* Before its NTP port is open chronyd may be reached by chronyc: first the port alone is asked. */
static void wait_for_ntp(void)
{
	struct clock_source *source = open_source(ntp_config(123));
	struct xnts_clock_state state;

	assert_int_equal(read_soon(source, &state), 0);
	clock_source_close(source);
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void need_chronyd(void)
{
	if (why_no_chronyd) {
		print_message("%s\n", why_no_chronyd);
		skip();
	}
}

static void assert_stratum_3(const struct xnts_clock_state *state)
{
	const uint8_t zero[5] = { 0 };

	assert_int_equal(state->leap, 0);
	assert_int_equal(state->stratum, 3);
	assert_memory_equal(&state->reference_id, "\x7f\x7f\x01\x01", 4);
	assert_int_equal(state->root_delay, 0);
	assert_true(state->root_dispersion < 656); /* 10 ms */
	assert_true(state->reference_time != 0);
	assert_true(state->precision < -10);
	assert_in_range(monotonic() - state->mono, 0, 1000000000);
	assert_int_equal(state->hold, 60000000000);
	assert_in_range(state->step_guard, 1, 100000000);
	assert_int_equal(state->receive_correction, -5);
	assert_int_equal(state->transmit_correction, 7);
	assert_memory_equal(state->pad, zero, 5);
	assert_int_equal(state->pad2, 0);
}

static void test_auto_by_ntp(void **unused)
{
	struct xnts_clock_state state;
	struct clock_source *source;

	(void)unused;
	need_chronyd();
	start_chronyd("local stratum 3\nallow 127.0.0.1\n");
	source = open_source(auto_config());
	assert_string_equal(clock_source_name(source), "none");
	wait_for_ntp();
	assert_int_equal(read_soon(source, &state), 0);
	assert_string_equal(clock_source_name(source), "ntp");
	assert_stratum_3(&state);

	stop_chronyd();
	assert_true(clock_source_read(source, &state) < 0);
	assert_string_equal(clock_source_name(source), "none");

	start_chronyd("local stratum 3\nallow ::1\n");
	assert_int_equal(read_soon(source, &state), 0);
	assert_int_equal(state.stratum, 3);
	clock_source_close(source);
}

/* Debian's configuration allows nobody: no NTP port is open. */
static void test_auto_by_chronyc(void **unused)
{
	struct xnts_clock_state state;
	struct clock_source *source;

	(void)unused;
	need_chronyd();
	start_chronyd("local stratum 3\n");
	source = open_source(auto_config());
	assert_int_equal(read_soon(source, &state), 0);
	assert_string_equal(clock_source_name(source), "chronyc");
	assert_stratum_3(&state);
	assert_int_equal(clock_source_read(source, &state), 0);
	assert_string_equal(clock_source_name(source), "chronyc");

	stop_chronyd();
	assert_true(clock_source_read(source, &state) < 0);
	clock_source_close(source);
}

static void test_ntp_on_another_port(void **unused)
{
	struct xnts_clock_state state;
	struct clock_source *source;

	(void)unused;
	need_chronyd();
	start_chronyd("local stratum 3\nallow 127.0.0.1\nport 11123\n");
	source = open_source(ntp_config(11123));
	assert_int_equal(read_soon(source, &state), 0);
	assert_string_equal(clock_source_name(source), "ntp");
	assert_stratum_3(&state);
	stop_chronyd();
	assert_int_equal(clock_source_read(source, &state), -ECONNREFUSED);
	clock_source_close(source);
}

static void assert_says_unsynchronised(const char *config, const char *name)
{
	struct clock_source *source = open_source(auto_config());
	struct xnts_clock_state state;

	start_chronyd(config);
	if (!strcmp(name, "ntp"))
		wait_for_ntp();
	assert_int_equal(read_soon(source, &state), 0);
	assert_string_equal(clock_source_name(source), name);
	assert_int_equal(state.leap, 3);
	assert_int_equal(state.stratum, 0);
	assert_int_equal(state.reference_id, 0);
	assert_true(state.mono != 0);
	assert_int_equal(state.hold, 60000000000);
	stop_chronyd();
	clock_source_close(source);
}

static void test_unsynchronised(void **unused)
{
	(void)unused;
	need_chronyd();
	assert_says_unsynchronised("allow 127.0.0.1\n", "ntp");
	assert_says_unsynchronised("port 0\n", "chronyc");
}

/* ---- without a daemon --------------------------------------------------- */

static void test_local(void **unused)
{
	struct clock_config clock = auto_config();
	struct clock_source *source;
	struct xnts_clock_state state;

	(void)unused;
	clock.source.kind = CONFIG_SOURCE_LOCAL;
	clock.stratum = 9;
	memcpy(clock.refid, "LAB", 4);
	source = open_source(clock);
	assert_int_equal(clock_source_read(source, &state), 0);
	assert_string_equal(clock_source_name(source), "local");
	assert_int_equal(state.leap, 0);
	assert_int_equal(state.stratum, 9);
	assert_memory_equal(&state.reference_id, "LAB", 4);
	clock_source_close(source);
}

/* Whatever this machine's kernel says, it is one of the two. */
static void test_kernel(void **unused)
{
	struct clock_config clock = auto_config();
	struct timex tx = { .modes = 0 };
	struct clock_source *source;
	struct xnts_clock_state state;
	bool lost = adjtimex(&tx) == TIME_ERROR;

	(void)unused;
	clock.source.kind = CONFIG_SOURCE_KERNEL;
	clock.stratum = 1;
	memcpy(clock.refid, "PPS", 4);
	source = open_source(clock);
	assert_int_equal(clock_source_read(source, &state), 0);
	assert_int_equal(state.leap, lost ? 3 : 0);
	assert_int_equal(state.stratum, lost ? 0 : 1);
	assert_memory_equal(&state.reference_id, lost ? "\0\0\0" : "PPS", 4);
	clock_source_close(source);
}

/* What stderr gets while the source is asked `times` times, counted by lines with `word`. */
static int lines_with(const char *word, struct clock_source *source, int times)
{
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO), lines = 0;
	struct xnts_clock_state state;
	char line[1024];

	assert_non_null(log);
	dup2(fileno(log), STDERR_FILENO);
	for (int i = 0; i < times; i++)
		assert_true(clock_source_read(source, &state) < 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(log);
	while (fgets(line, sizeof(line), log))
		lines += strstr(line, word) != NULL;
	fclose(log);
	return lines;
}

static void test_advice_is_given_once(void **unused)
{
	struct clock_source *source;

	(void)unused;
	need_chronyd();
	source = open_source(auto_config());
	assert_int_equal(lines_with("allow 127.0.0.1", source, 5), 1);
	sleep(11); /* longer than the least time between two lines */
	assert_int_equal(lines_with("clock", source, 1), 0);
	clock_source_close(source);
}

/* A source that comes and goes must not fill the log: no line follows the first for 10 s. */
static void test_changes_are_told_at_intervals(void **unused)
{
	struct xnts_clock_state state;
	struct clock_source *source;

	(void)unused;
	need_chronyd();
	source = open_source(auto_config());
	start_chronyd("local stratum 3\n");
	assert_int_equal(read_soon(source, &state), 0);
	stop_chronyd();
	assert_int_equal(lines_with("clock", source, 1), 0);
	clock_source_close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_advice_is_given_once),
		cmocka_unit_test_teardown(test_changes_are_told_at_intervals, stop_after),
		cmocka_unit_test_teardown(test_auto_by_ntp, stop_after),
		cmocka_unit_test_teardown(test_auto_by_chronyc, stop_after),
		cmocka_unit_test_teardown(test_ntp_on_another_port, stop_after),
		cmocka_unit_test_teardown(test_unsynchronised, stop_after),
	};

	return cmocka_run_group_tests_name("clock_source", tests, setup, teardown);
}
