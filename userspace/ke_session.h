/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One NTS-KE connection: TLS handshake, request, answer, close (RFC 8915 4).
 *
 * Never blocks and knows no clock: the owner polls the socket, calls ke_session_run() when
 * it is ready, and ke_session_expire() when its time is up.  With OpenSSL 3.0 a session takes
 * 50 kB until its handshake is over, 20 kB afterwards.
 */
#ifndef XNTS_KE_SESSION_H
#define XNTS_KE_SESSION_H

#include "ke_record.h"
#include "tls.h"

/* Bytes taken from a client for its handshake, TLS included. */
#define KE_MAX_HANDSHAKE 16384

/* What all sessions of a worker share. */
struct ke_service {
	SSL_CTX *tls;
	/* Seals KE_COOKIES cookies over a client's keys.  0, or -errno: error record 2. */
	int (*seal)(void *arg, const uint8_t c2s[TLS_EXPORT_LEN], const uint8_t s2c[TLS_EXPORT_LEN],
		    uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN]);
	void *seal_arg;
	const char *ntp_server; /* as in struct ke_grant */
	uint16_t ntp_port;
	uint32_t max_bytes; /* taken from a client in all, TLS included */
	/* Each session adds to exactly one of its outcomes; see xnts_abi.h. */
	struct xnts_ke_counters *counters;
};

struct ke_session;

/* What the owner polls for next. */
enum ke_want {
	KE_WANT_READ,
	KE_WANT_WRITE,
	KE_FINISHED, /* all is written, or nothing more can be: shutdown() sends what is held back */
};

/* A session on a non-blocking socket, which stays the caller's: it polls it, and ends it with
 * shutdown(SHUT_WR) when the session is finished.  NULL: out of memory. */
struct ke_session *ke_session_open(const struct ke_service *service, int fd);

/* The same over any pair of BIOs, which become the session's, failed or not. */
struct ke_session *ke_session_open_bio(const struct ke_service *service, BIO *in, BIO *out);

/* Frees the session and wipes what it holds; unfinished, it adds to *counter.  NULL is allowed. */
void ke_session_close(struct ke_session *session, __u64 *counter);

/* Does what can be done without waiting. */
enum ke_want ke_session_run(struct ke_session *session);

/* True once the handshake is over and the request is awaited. */
bool ke_session_established(const struct ke_session *session);

/* Time is up: an unfinished request is answered as a bad one, all else just ends. */
enum ke_want ke_session_expire(struct ke_session *session);

#endif /* XNTS_KE_SESSION_H */
