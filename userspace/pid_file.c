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

static const char *reload_path(char *text, const char *path)
{
	snprintf(text, PATH_MAX, "%s.reload", path);
	return text;
}

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

/* Its owner may have removed the file between our open() and flock(). */
static bool is_there(const char *path, int fd)
{
	struct stat there, opened;

	return !stat(path, &there) && !fstat(fd, &opened) && there.st_ino == opened.st_ino &&
	       there.st_dev == opened.st_dev;
}

static int open_locked(const char *path)
{
	int fd = open_to_write(path);

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB) && is_there(path, fd))
		return fd;
	close(fd);
	return -EEXIST;
}

int pid_file_lock(const char *path)
{
	char text[PATH_MAX];
	int fd = open_locked(path);

	/* A reader holds the lock for an instant, so one refusal says little. */
	for (int i = 0; i < 2 && fd == -EEXIST; i++) {
		usleep(50000);
		fd = open_locked(path);
	}
	if (fd == -EEXIST)
		log_error("%s: another xntsd runs, process %d", path, (int)pid_file_owner(path));
	else if (fd < 0)
		log_error("%s: %s", path, strerror(-fd));
	else if (ftruncate(fd, 0) || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warning("%s: cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(reload_path(text, path)); /* of a daemon that was killed */
	return fd;
}

void pid_file_remove(const char *path)
{
	char text[PATH_MAX];

	unlink(reload_path(text, path));
	unlink(path);
}

/* One write, of which nothing but the count comes after the reason: who sees the next count sees
 * its reason. */
void pid_file_report(const char *path, const struct pid_file_reload *reload)
{
	char text[sizeof(reload->refused) + 32], name[PATH_MAX];
	int len = snprintf(text, sizeof(text), "%s\n%u\n", reload->refused, reload->count);
	int fd = open(reload_path(name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || pwrite(fd, text, len, 0) != len || ftruncate(fd, len))
		log_warning("%s: cannot be written: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

int pid_file_read(const char *path, struct pid_file_reload *reload)
{
	char refused[sizeof(reload->refused) + 1], count[16] = ""; /* lines, with their ends */
	char name[PATH_MAX];
	FILE *file = fopen(reload_path(name, path), "re");
	bool whole;

	memset(reload, 0, sizeof(*reload));
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	whole = fgets(refused, sizeof(refused), file) &&
		fgets(count, sizeof(count), file) && strchr(count, '\n');
	fclose(file);
	if (!whole)
		return 0;
	reload->count = strtoul(count, NULL, 10);
	memcpy(reload->refused, refused, strcspn(refused, "\n"));
	return 0;
}
