/* SPDX-License-Identifier: GPL-2.0 */
/* Reads a PTP hardware clock (PHC) beside the system clock: /dev/ptpN, linux/ptp_clock.h. */
#ifndef XNTS_PTP_CLOCK_H
#define XNTS_PTP_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "phc_mapping.h"

/* What it asks of the kernel; tests have others. */
struct ptp_kernel {
	int (*ioctl)(int fd, unsigned long request, void *arg); /* 0, or -1 with errno */
	int (*gettime)(clockid_t clock, struct timespec *now);
};

extern const struct ptp_kernel ptp_kernel;

struct ptp_clock {
	int fd;
	int method; /* the first that the driver has; those before were refused */
	const struct ptp_kernel *kernel;
};

/* Opens /dev/ptp`index`.  0 or -errno. */
int ptp_clock_open(struct ptp_clock *clock, int index);
void ptp_clock_close(struct ptp_clock *clock);

/*
 * Reads the clock a few times and fills *out with the tightest reading: by PTP_SYS_OFFSET_PRECISE
 * (one reading, both clocks latched at once), else _EXTENDED, else PTP_SYS_OFFSET.
 *
 *  0         *out is good
 *  -EAGAIN   the system clock was set meanwhile, or a leap second passed: next time
 *  -errno    the device is gone, or has none of these
 */
int ptp_clock_read(struct ptp_clock *clock, struct phc_sample *out);

#endif /* XNTS_PTP_CLOCK_H */
