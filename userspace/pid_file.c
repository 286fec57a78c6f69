/* SPDX-License-Identifier: GPL-2.0 */
#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static pid_t read_pid(int fd)
{
	char text[16] = "";
	char *end;
	long pid;

	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	pid = strtol(text, &end, 10);
	/* Not 0, 1 or negative: kill(2) would reach others. */
	if (end == text || *end != '\n' || pid < 2 || pid > 1 << 22)
		return -EBADMSG;
	return (pid_t)pid;
}

pid_t pid_file_owner(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		pid = -ESRCH;
	else if (errno == EWOULDBLOCK)
		pid = read_pid(fd);
	else
		pid = -errno;
	close(fd);
	return pid;
}

static int open_to_write(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0755); /* a failure shows right below */
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

/* A reader holds the lock for an instant, so one refusal says little. */
static bool lock(int fd)
{
	for (int i = 0; i < 3; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return true;
		usleep(50000);
	}
	return false;
}

int pid_file_lock(const char *path)
{
	int fd = open_to_write(path);

	if (fd < 0) {
		int err = -errno;

		log_error("%s: %s", path, strerror(-err));
		return err;
	}
	if (!lock(fd)) {
		log_error("%s: another xntsd runs, process %d", path, (int)read_pid(fd));
		close(fd);
		return -EEXIST;
	}
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warning("%s: cannot be written: %s", path, strerror(errno));
	return fd;
}
