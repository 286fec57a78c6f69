/* SPDX-License-Identifier: GPL-2.0 */
/* Cookies from a server's NTS-KE, for servers whose cookie keys are not known. */
#ifndef XNTS_LOAD_SESSIONS_H
#define XNTS_LOAD_SESSIONS_H

#include "options.h"

#define SESSION_COOKIE_MAX 256 /* bytes */

/* o->sessions exchanges with o->ke, one after another; exits with a message on failure. */
void sessions_open(const struct options *o);

/* The keys and the cookie of a request; returns the cookie's length. */
uint32_t session_cookie(uint32_t index, uint8_t c2s[32], uint8_t s2c[32],
			uint8_t cookie[SESSION_COOKIE_MAX]);

#endif /* XNTS_LOAD_SESSIONS_H */
