/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* O_DIRECTORY, O_NOFOLLOW */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "keys_state.h"
#include "log.h"

/* ---- reading ------------------------------------------------------------ */

static void identify(struct keys_file *file, const struct stat *st)
{
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->size = st->st_size;
	file->mode = st->st_mode;
	file->uid = st->st_uid;
	file->mtime = st->st_mtim;
}

bool keys_file_same(const struct keys_file *a, const struct keys_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mode == b->mode && a->uid == b->uid &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static void find_file(int dir, const char *name, struct keys_file *found)
{
	struct stat st;

	memset(found, 0, sizeof(*found));
	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		identify(found, &st);
}

bool keys_file_changed(const char *path, struct keys_file *seen)
{
	struct keys_file found;
	bool changed;

	find_file(AT_FDCWD, path, &found);
	changed = !keys_file_same(&found, seen);
	*seen = found;
	return changed;
}

/* Whoever reads the file can open and forge cookies. */
static int check_access(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		log_error("%s: is not a regular file", path);
		return -EACCES;
	}
	if (st->st_uid != geteuid() && st->st_uid != 0) {
		log_error("%s: belongs to uid %u; expected %u or root", path, st->st_uid, geteuid());
		return -EACCES;
	}
	if (st->st_mode & 077) {
		log_error("%s: others may use it (mode %04o); expected 0600. Run chmod 600 on it, and "
			  "xnts keys reseed if somebody may have read it", path, st->st_mode & 07777);
		return -EACCES;
	}
	return 0;
}

static int read_state(int fd, const char *path, struct keys_state *state)
{
	char text[KEYS_TEXT_MAX];
	const char *wrong;
	ssize_t len = read(fd, text, sizeof(text));
	int err = 0;

	if (len < 0) {
		err = -errno;
		log_error("%s: cannot be read: %s", path, strerror(-err));
		goto out;
	}
	wrong = keys_parse(text, len, state);
	if (wrong) {
		err = -EBADMSG;
		log_error("%s: %s", path, wrong);
	}
out:
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

int keys_load(const char *path, struct keys_state *state, struct keys_file *file)
{
	struct stat st;
	int fd, err;

	memset(state, 0, sizeof(*state));
	memset(file, 0, sizeof(*file));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		err = -errno;
		if (err != -ENOENT)
			log_error("%s: cannot be opened: %s", path, strerror(-err));
		return err;
	}
	if (fstat(fd, &st)) {
		err = -errno;
		log_error("%s: %s", path, strerror(-err));
		goto out;
	}
	err = check_access(path, &st);
	if (!err)
		err = read_state(fd, path, state);
	if (!err)
		identify(file, &st);
out:
	close(fd);
	return err;
}

/* ---- writing ------------------------------------------------------------ */

struct place {
	int dir;
	const char *name;           /* in dir */
	char temporary[NAME_MAX + 1];
};

static int open_place(const char *path, struct place *place)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	place->name = slash ? slash + 1 : path;
	if (snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1,
		     slash ? path : ".") >= (int)sizeof(dir) ||
	    snprintf(place->temporary, sizeof(place->temporary), "%s.new", place->name) >=
		    (int)sizeof(place->temporary))
		return -ENAMETOOLONG;
	place->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->dir < 0 ? -errno : 0;
}

static int write_durably(int fd, const struct keys_state *state)
{
	char text[KEYS_TEXT_MAX];
	size_t len = keys_format(state, text);
	ssize_t written = write(fd, text, len);
	int err = 0;

	OPENSSL_cleanse(text, sizeof(text));
	if (written < 0)
		err = -errno;
	else if ((size_t)written != len)
		err = -ENOSPC;
	else if (fsync(fd))
		err = -errno;
	return err;
}

/* Under the directory's lock. */
static int replace(const struct place *place, const struct keys_state *state, struct keys_file *file)
{
	struct keys_file found;
	struct stat st;
	int fd, err;

	find_file(place->dir, place->name, &found);
	if (!keys_file_same(&found, file))
		return -ESTALE;
	/* one that a crash has left, with whatever mode */
	if (unlinkat(place->dir, place->temporary, 0) && errno != ENOENT)
		return -errno;
	fd = openat(place->dir, place->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_durably(fd, state);
	if (!err && fstat(fd, &st))
		err = -errno;
	if (!err && renameat(place->dir, place->temporary, place->dir, place->name))
		err = -errno;
	close(fd);
	if (err) {
		unlinkat(place->dir, place->temporary, 0);
		return err;
	}
	identify(file, &st);
	return fsync(place->dir) ? -errno : 0;
}

void keys_make_directory(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) < (int)sizeof(copy))
		mkdir(dirname(copy), 0700);
}

int keys_place(const char *path)
{
	char copy[PATH_MAX];
	struct place place;
	int err = open_place(path, &place);

	/* a folder that is missing is made; its parent is not */
	if (err == -ENOENT) {
		snprintf(copy, sizeof(copy), "%s", path);
		err = open_place(dirname(copy), &place);
	}
	if (err)
		return err;
	err = faccessat(place.dir, ".", W_OK | X_OK, AT_EACCESS) ? -errno : 0;
	close(place.dir);
	return err;
}

int keys_save(const char *path, const struct keys_state *state, struct keys_file *file)
{
	struct place place;
	int err = open_place(path, &place);

	if (err)
		goto out;
	/* the daemon and the control program may write at the same time */
	err = flock(place.dir, LOCK_EX) ? -errno : replace(&place, state, file);
	close(place.dir);
out:
	if (err && err != -ESTALE)
		log_error("%s: cannot be written: %s", path, strerror(-err));
	return err;
}
