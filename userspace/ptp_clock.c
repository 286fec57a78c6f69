/* SPDX-License-Identifier: GPL-2.0 */
#include "ptp_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READINGS 9 /* of one refresh; at most PTP_MAX_SAMPLES */
#define NSEC_PER_SEC 1000000000LL

static int kernel_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

const struct ptp_kernel ptp_kernel = { kernel_ioctl, clock_gettime };

int ptp_clock_open(struct ptp_clock *clock, int index)
{
	char path[32];

	*clock = (struct ptp_clock){ .kernel = &ptp_kernel };
	snprintf(path, sizeof(path), "/dev/ptp%d", index);
	clock->fd = open(path, O_RDONLY | O_CLOEXEC);
	return clock->fd < 0 ? -errno : 0;
}

void ptp_clock_close(struct ptp_clock *clock)
{
	if (clock->fd >= 0)
		close(clock->fd);
	clock->fd = -1;
}

static uint64_t ns(struct ptp_clock_time t)
{
	return t.sec * NSEC_PER_SEC + t.nsec;
}

/* ---- three ways to read: samples with CLOCK_REALTIME; how many, or -errno -- */

static int read_precise(const struct ptp_clock *clock, struct phc_sample *samples)
{
	struct ptp_sys_offset_precise arg = { 0 };

	if (clock->kernel->ioctl(clock->fd, PTP_SYS_OFFSET_PRECISE, &arg))
		return -errno;
	samples->phc = ns(arg.device);
	samples->before = samples->after = ns(arg.sys_realtime);
	return 1;
}

static int read_extended(const struct ptp_clock *clock, struct phc_sample *samples)
{
	struct ptp_sys_offset_extended arg = { .n_samples = READINGS };

	if (clock->kernel->ioctl(clock->fd, PTP_SYS_OFFSET_EXTENDED, &arg))
		return -errno;
	for (int i = 0; i < READINGS; i++)
		samples[i] = (struct phc_sample){ .before = ns(arg.ts[i][0]),
						  .phc = ns(arg.ts[i][1]),
						  .after = ns(arg.ts[i][2]) };
	return READINGS;
}

/* System and PHC in turn, the system's first and last. */
static int read_plain(const struct ptp_clock *clock, struct phc_sample *samples)
{
	struct ptp_sys_offset arg = { .n_samples = READINGS };

	if (clock->kernel->ioctl(clock->fd, PTP_SYS_OFFSET, &arg))
		return -errno;
	for (int i = 0; i < READINGS; i++)
		samples[i] = (struct phc_sample){ .before = ns(arg.ts[2 * i]),
						  .phc = ns(arg.ts[2 * i + 1]),
						  .after = ns(arg.ts[2 * i + 2]) };
	return READINGS;
}

static int (*const methods[])(const struct ptp_clock *, struct phc_sample *) = {
	read_precise, read_extended, read_plain,
};

#define METHODS ((int)(sizeof(methods) / sizeof(methods[0])))

/* Drivers without a method say EOPNOTSUPP, kernels without it ENOTTY or EINVAL; cross time
 * stamping may also fail now and then (ETIMEDOUT, EBUSY), and must not end by that. */
static int read_best(struct ptp_clock *clock, struct phc_sample *samples)
{
	int count = -EOPNOTSUPP;

	while (clock->method < METHODS) {
		count = methods[clock->method](clock, samples);
		if (count != -EOPNOTSUPP && count != -ENOTTY && count != -EINVAL)
			break;
		clock->method++;
	}
	return count == -ETIMEDOUT || count == -EBUSY ? -EAGAIN : count;
}

/* ---- CLOCK_REALTIME to CLOCK_TAI ----------------------------------------- */

static int64_t now(const struct ptp_clock *clock, clockid_t id)
{
	struct timespec t;

	clock->kernel->gettime(id, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* Whole seconds, in ns.  A step between its two readings is found out by ptp_clock_read(). */
static int64_t tai_offset(const struct ptp_clock *clock)
{
	int64_t utc = now(clock, CLOCK_REALTIME);
	int64_t seconds = (now(clock, CLOCK_TAI) - utc) / NSEC_PER_SEC;

	return seconds * NSEC_PER_SEC;
}

int ptp_clock_read(struct ptp_clock *clock, struct phc_sample *out)
{
	struct phc_sample samples[READINGS];
	int64_t begin = now(clock, CLOCK_TAI), end, offset;
	int count = read_best(clock, samples);

	if (count < 0)
		return count;
	offset = tai_offset(clock);
	end = now(clock, CLOCK_TAI);
	*out = *phc_tightest(samples, count);
	out->before += offset;
	out->after += offset;
	/* Taken between our own readings, in order, or a clock was set in between. */
	if ((int64_t)out->before < begin || out->after < out->before || (int64_t)out->after > end)
		return -EAGAIN;
	return 0;
}
