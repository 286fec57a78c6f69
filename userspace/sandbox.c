/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "log.h"

int sandbox_hide_memory(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static int drop_user(uid_t uid, gid_t gid)
{
	int rc;

	capng_clear(CAPNG_SELECT_BOTH);
	if (geteuid() == 0 || capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID)) {
		rc = capng_change_id((int)uid, (int)gid,
				     CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
		return rc ? -EPERM : 0;
	}
	if (geteuid() != uid || getegid() != gid)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

/* ---- system calls ------------------------------------------------------- */

static const int allowed[] = {
	/* connections and the control socket */
	SCMP_SYS(accept4),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* time, randomness, and what libc and OpenSSL do beside */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Memory that is not executable: the third argument of both is the protection. */
static const int allowed_without_exec[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

static int add_rules(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !rc && i < 2; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_without_exec[i], 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

static int restrict_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = filter ? add_rules(filter) : -ENOMEM;

	if (!rc)
		rc = seccomp_load(filter); /* sets no_new_privs too */
	seccomp_release(filter);
	return rc;
}

int sandbox_enter(uid_t uid, gid_t gid)
{
	int rc = drop_user(uid, gid);

	if (rc) {
		log_error("sandbox: cannot become user %u, group %u without capabilities: %s",
			  (unsigned int)uid, (unsigned int)gid, strerror(-rc));
		return rc;
	}
	/* A change of user makes a process dumpable again if the system's policy says so. */
	if (sandbox_hide_memory() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		rc = -errno;
		log_error("sandbox: cannot hide memory or refuse privileges: %s", strerror(-rc));
		return rc;
	}
	rc = restrict_calls();
	if (rc)
		log_error("sandbox: cannot load the seccomp filter: %s", strerror(-rc));
	return rc;
}
