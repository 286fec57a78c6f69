/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* pipe2() */
#include "chronyc.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monotonic.h"

#define LINE_MAX_LEN 512

/* Fields of the tracking report in the order of chronyc(1), "tracking". */
enum tracking_field {
	REFERENCE_ID, /* hexadecimal */
	REFERENCE_NAME,
	STRATUM,
	REFERENCE_TIME, /* seconds since 1970, UTC */
	SYSTEM_TIME,    /* seconds the system clock is off chronyd's estimate */
	LAST_OFFSET,
	RMS_OFFSET,
	FREQUENCY,
	RESIDUAL_FREQUENCY,
	SKEW,
	ROOT_DELAY,      /* seconds */
	ROOT_DISPERSION, /* seconds, now */
	UPDATE_INTERVAL,
	LEAP_STATUS,
	FIELD_COUNT
};

/* Cuts `line` at its commas and its newline; a later chronyc may append fields. */
static int split_fields(char *line, char *fields[FIELD_COUNT])
{
	line[strcspn(line, "\r\n")] = '\0';
	for (int i = 0; i < FIELD_COUNT; i++) {
		fields[i] = strsep(&line, ",");
		if (!fields[i])
			return -EBADMSG;
	}
	return 0;
}

static int parse_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out))
		return -EBADMSG;
	return 0;
}

static int parse_integer(const char *text, int base, unsigned long max, unsigned long *out)
{
	char *end;

	if (*text == '-')
		return -EBADMSG;
	errno = 0;
	*out = strtoul(text, &end, base);
	if (end == text || *end || errno || *out > max)
		return -EBADMSG;
	return 0;
}

static int parse_leap(const char *text, __u8 *leap)
{
	static const char *const names[] = { "Normal", "Insert second", "Delete second",
					     "Not synchronised" };

	for (__u8 i = 0; i < 4; i++) {
		if (!strcmp(text, names[i])) {
			*leap = i;
			return 0;
		}
	}
	return -EBADMSG;
}

static struct timespec seconds_to_timespec(double seconds)
{
	double whole = floor(seconds);

	return (struct timespec){ .tv_sec = (time_t)whole,
				  .tv_nsec = (long)((seconds - whole) * 1e9) };
}

static int read_fields(char *const fields[FIELD_COUNT], struct xnts_clock_state *state)
{
	double reference_time, offset, delay, dispersion;
	unsigned long refid, stratum;

	if (parse_integer(fields[REFERENCE_ID], 16, 0xffffffff, &refid) ||
	    parse_integer(fields[STRATUM], 10, 255, &stratum) ||
	    parse_leap(fields[LEAP_STATUS], &state->leap) ||
	    parse_number(fields[REFERENCE_TIME], &reference_time) ||
	    parse_number(fields[SYSTEM_TIME], &offset) ||
	    parse_number(fields[ROOT_DELAY], &delay) ||
	    parse_number(fields[ROOT_DISPERSION], &dispersion))
		return -EBADMSG;
	if (fabs(reference_time) > 1e12) /* before the year -29000 or after 33000 */
		return -EBADMSG;
	state->stratum = (__u8)stratum;
	state->reference_id = bpf_htonl((__u32)refid);
	state->reference_time = ntp_timestamp(seconds_to_timespec(reference_time));
	state->root_delay = ntp_short(seconds_to_ns(delay));
	state->root_dispersion = ntp_short(seconds_to_ns(dispersion));
	if (state->leap == NTP_LEAP_UNKNOWN || stratum == 0 || stratum > NTP_STRATUM_MAX)
		clock_state_unsynchronise(state);
	/* We serve the clock, not chronyd's better estimate of the time. */
	clock_state_add_error(state, seconds_to_ns(fabs(offset)));
	return 0;
}

int chronyc_parse_tracking(const char *line, struct xnts_clock_state *state)
{
	char copy[LINE_MAX_LEN];
	char *fields[FIELD_COUNT];
	size_t len = strlen(line);
	int err;

	if (len >= sizeof(copy))
		return -EBADMSG;
	memcpy(copy, line, len + 1);
	err = split_fields(copy, fields);
	if (err)
		return err;
	return read_fields(fields, state);
}

/* Reads until end of file, a full buffer or the deadline; always terminates the string. */
static int read_output(int fd, int timeout_ms, char text[LINE_MAX_LEN])
{
	int64_t deadline = now_ms() + timeout_ms;
	size_t len = 0;
	int64_t left;

	text[0] = '\0';
	while ((left = deadline - now_ms()) > 0) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		n = read(fd, text + len, LINE_MAX_LEN - 1 - len);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		len += (size_t)n;
		text[len] = '\0';
	}
	return -ETIMEDOUT;
}

/* Starts the program with stdout on `out` and default signals; all else of ours is close-on-exec. */
static int spawn(const char *program, const char *host, int out, pid_t *pid)
{
	char *with_host[] = { (char *)program, "-h", (char *)host, "-c", "tracking", NULL };
	char *without[] = { (char *)program, "-c", "tracking", NULL };
	char *environment[] = { "LC_ALL=C", "PATH=/usr/bin:/bin", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(pid, program, &files, &attributes, host ? with_host : without,
			  environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

int chronyc_tracking(const char *program, const char *host, int timeout_ms,
		     struct xnts_clock_state *state)
{
	char text[LINE_MAX_LEN];
	int pipe_fds[2];
	pid_t pid;
	int err;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	err = spawn(program, host, pipe_fds[1], &pid);
	close(pipe_fds[1]);
	if (!err) {
		err = read_output(pipe_fds[0], timeout_ms, text);
		/* It has closed its output or overstayed: either way it is done. */
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(pipe_fds[0]);
	return err ? err : chronyc_parse_tracking(text, state);
}
