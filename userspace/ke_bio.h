/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session's socket for OpenSSL, with less to do for the kernel than BIO_s_socket():
 *
 *   - what is written while `hold` is set waits in the kernel for the end of the stream, so that
 *     answer, close_notify and FIN leave in one segment;
 *   - a socket that was read empty is not read again before its owner has polled it.
 *
 * That is fewer system calls and segments an exchange; `make bench` has what one costs.
 */
#ifndef XNTS_KE_BIO_H
#define XNTS_KE_BIO_H

#include <stdbool.h>

#include <openssl/bio.h>

struct ke_wire {
	int fd;     /* non-blocking; the owner's */
	bool empty; /* nothing to read; the owner clears it when the socket polls readable */
	bool ended; /* the client's end of file has been read */
	bool hold;  /* more is written, or shutdown(SHUT_WR) done, soon */
};

/* NULL: out of memory.  `wire` outlives it. */
BIO *ke_bio_new(struct ke_wire *wire);

#endif /* XNTS_KE_BIO_H */
