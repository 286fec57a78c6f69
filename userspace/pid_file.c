/* SPDX-License-Identifier: GPL-2.0 */
#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

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
