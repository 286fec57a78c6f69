/* SPDX-License-Identifier: GPL-2.0 */
/* What the code under test writes to stderr, for cmocka tests (include cmocka.h first). */
#ifndef XNTS_TEST_CAPTURE_H
#define XNTS_TEST_CAPTURE_H

#include <errno.h>
#include <unistd.h>

static int capture_saved = -1, capture_pipe;

/* From here on stderr is a pipe, as the journal's is a socket. */
static inline void capture_start(void)
{
	int ends[2];

	assert_return_code(pipe(ends), errno);
	capture_saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	capture_pipe = ends[0];
}

/* What was written since the start or the last call; up to the pipe's 64 kB in between. */
static inline const char *captured(void)
{
	static char text[65536];
	size_t len = 0;

	/* a mark, so that silence does not block */
	assert_int_equal(write(STDERR_FILENO, "\x04", 1), 1);
	do {
		ssize_t got = read(capture_pipe, text + len, sizeof(text) - len);

		assert_true(got > 0);
		len += got;
	} while (text[len - 1] != 4);
	text[len - 1] = 0;
	return text;
}

/* Idempotent: a teardown calls it whether or not the test did. */
static inline void capture_stop(void)
{
	if (capture_saved < 0)
		return;
	dup2(capture_saved, STDERR_FILENO);
	close(capture_saved);
	close(capture_pipe);
	capture_saved = -1;
}

#endif /* XNTS_TEST_CAPTURE_H */
