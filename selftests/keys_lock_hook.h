/* SPDX-License-Identifier: GPL-2.0 */
/* Something that happens just before a key file is replaced, for tests. */
#ifndef XNTS_TEST_KEYS_LOCK_HOOK_H
#define XNTS_TEST_KEYS_LOCK_HOOK_H

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* keys_save() locks, then looks whether the file is still its own. */
static void (*before_lock)(void);

int flock(int fd, int operation)
{
	void (*hook)(void) = before_lock;

	before_lock = NULL;
	if (hook)
		hook();
	return syscall(SYS_flock, fd, operation);
}

#endif /* XNTS_TEST_KEYS_LOCK_HOOK_H */
