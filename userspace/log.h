/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Log lines for the operator, to stderr, one write(2) a line so that lines of
 * several processes do not mix.  Under systemd (stderr is the journal) a line
 * starts with its priority as sd-daemon(3) has it, otherwise with its level.
 *
 * Never log a key, a cookie or anything derived from them, and nothing a remote
 * sender can trigger at will: those things are counters.
 */
#ifndef XNTS_LOG_H
#define XNTS_LOG_H

#include <stddef.h>

enum log_level {
	LEVEL_ERROR,
	LEVEL_WARNING,
	LEVEL_INFO,
	LEVEL_DEBUG,
};

/* Lines above `level` are left out from now on.  Before the first call: LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Looks whether stderr is the journal; call it once at start. */
void log_open(void);

/* Keeps errno.  Control characters of the text become '?'; no newline is needed. */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* From now on the first line of LEVEL_ERROR, cut to `size`, is kept in `text` as well; NULL ends
 * that. */
void log_keep_error(char *text, size_t size);

#define log_error(...) log_line(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LEVEL_DEBUG, __VA_ARGS__)

#endif /* XNTS_LOG_H */
