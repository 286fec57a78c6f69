/* SPDX-License-Identifier: GPL-2.0 */
#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include "log.h"
#include "privileges.h"

/* libcap-ng 0.8.3 knows them all; the kernel has CAP_BPF and CAP_PERFMON since 5.8. */
static const unsigned int kept[] = {
	CAP_BPF,              /* maps, and to load and update programs */
	CAP_NET_ADMIN,        /* to attach again when a device is back */
	CAP_PERFMON,          /* else the verifier also walks the program's speculative paths */
	CAP_SETUID,           /* each new worker changes to its own user ... */
	CAP_SETGID,           /* ... and group, */
	CAP_SETPCAP,          /* empties its bounding set, */
	CAP_KILL,             /* and is then no process of ours any more */
	CAP_NET_BIND_SERVICE, /* a listener below port 1024, added by a reload */
	CAP_DAC_READ_SEARCH,  /* renewed certificates belong to whoever renews them */
};

#define KEPT (sizeof(kept) / sizeof(kept[0]))

/* A container or a unit may have taken some away already: what is missed will say so. */
static int apply(void)
{
	bool had[KEPT];
	int err = capng_get_caps_process();

	for (unsigned int i = 0; i < KEPT; i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int i = 0; i < KEPT && !err; i++)
		if (had[i])
			err = capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					   CAPNG_BOUNDING_SET, kept[i]);
	return err ? err : capng_apply(CAPNG_SELECT_BOTH);
}

int privileges_drop(void)
{
	int err;

	errno = EPERM; /* libcap-ng does not always say why */
	/* Workers change their user by setuid(2), which no_new_privs leaves alone. */
	if (!apply() && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 0;
	err = -errno;
	log_error("privileges: cannot be dropped: %s", strerror(-err));
	return err;
}
