/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The distinct requests of a run, whole frames, and the verdict on what answers them.
 *
 * An NTS association is made from a number: C2S, S2C, identifier and nonce.  Its cookie is
 * sealed here with the key of xntsd's state file, each request another association; or
 * the cookies are those of real NTS-KE sessions, shared out among the requests.
 */
#ifndef XNTS_LOAD_REQUESTS_H
#define XNTS_LOAD_REQUESTS_H

#include "load.h"
#include "options.h"

/* Ready to make requests, keys at hand; exits with a message when it cannot. */
void requests_prepare(const struct options *o);

/* Request `index`, its source 0.0.0.0. */
void requests_make(const struct options *o, uint32_t index, struct load_request *out);

/*
 * Is this (`len` bytes from the NTP header on) the answer to its request that a client
 * accepts: for NTS with an authenticator that verifies over cookies that are new, as long as the old and,
 * where the server's keys are known, open to the same two keys?  NULL, or what is wrong
 * as the end of "an answer is".
 */
const char *requests_verify(const struct options *o, const uint8_t *ntp, uint32_t len);

#endif /* XNTS_LOAD_REQUESTS_H */
