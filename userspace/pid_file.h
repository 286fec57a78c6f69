/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_PID_FILE_H
#define XNTS_PID_FILE_H

#include <sys/types.h>

#define PID_FILE_PATH "/run/xnts/xntsd.pid"

/*
 * The process that holds the lock of the daemon's pid file.  A file that a dead
 * daemon left is not locked, so that its number is never taken for a process.
 * Returns the process id, -ESRCH when no daemon runs, or another -errno.
 */
pid_t pid_file_owner(const char *path);

/*
 * Takes the lock and writes our process id, making the directory if need be.
 * Returns the descriptor that holds the lock, or a negative errno, logged; -EEXIST: another
 * daemon has it.
 */
int pid_file_lock(const char *path);

/* Removes what pid_file_lock() and pid_file_report() made; the lock goes with its descriptor. */
void pid_file_remove(const char *path);

/*
 * What became of the last reload: in PATH.reload, as `kill $(cat PATH)` would take numbers in the
 * pid file for processes.
 */
struct pid_file_reload {
	unsigned int count; /* reloads so far, refused ones among them */
	char refused[512];  /* why; "": the configuration was taken */
};

/* The owner writes it; a failure is logged. */
void pid_file_report(const char *path, const struct pid_file_reload *reload);

/* 0 or a negative errno; before the first reload `count` is 0.  `path` is the pid file's. */
int pid_file_read(const char *path, struct pid_file_reload *reload);

#endif /* XNTS_PID_FILE_H */
