/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define LINE_MAX_LEN 2048 /* longer lines are cut */

static enum log_level max_level = LEVEL_INFO;
static bool to_journal;
static char *kept; /* NULL: no error is kept */
static size_t kept_size;

/* syslog(3) priorities: LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG */
static const char *const journal_prefix[] = { "<3>", "<4>", "<6>", "<7>" };
static const char *const plain_prefix[] = { "error: ", "warning: ", "", "debug: " };

void log_set_level(enum log_level level)
{
	max_level = level;
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's stream.  A stderr
 * that was redirected since has another identity. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	to_journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		     fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Text from files and peers must not look like a line or an escape of its own. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void log_keep_error(char *text, size_t size)
{
	kept = text;
	kept_size = size;
	if (text)
		*text = 0;
}

static void keep(enum log_level level, const char *text)
{
	if (level == LEVEL_ERROR && kept && !*kept)
		snprintf(kept, kept_size, "%s", text);
}

void log_line(enum log_level level, const char *format, ...)
{
	int saved = errno;
	char line[LINE_MAX_LEN];
	va_list args;
	int at, len;

	if (level > max_level)
		return;
	at = snprintf(line, sizeof(line), "%s", (to_journal ? journal_prefix : plain_prefix)[level]);
	errno = saved; /* for %m */
	va_start(args, format);
	len = vsnprintf(line + at, sizeof(line) - at - 1, format, args);
	va_end(args);
	if (len < 0)
		goto out;
	make_printable(line + at);
	keep(level, line + at);
	at += len < (int)sizeof(line) - at - 2 ? len : (int)sizeof(line) - at - 2;
	line[at++] = '\n';
	/* Nowhere to report a failure to report. */
	if (write(STDERR_FILENO, line, at) < 0)
		goto out;
out:
	errno = saved;
}
