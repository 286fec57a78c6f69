/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the daemon and a worker say to each other, over a SOCK_SEQPACKET pair.
 *
 *   daemon -> worker   SETUP with descriptors: listeners, and the counters last
 *                      CHAIN, KEY   PEM text, a pair for each certificate
 *                      SEAL         struct ke_sealing_keys; again whenever they change
 *                      DRAIN        finish what you have and exit
 *   worker -> daemon   READY        set up and sandboxed
 *
 * Either end's death is the other's end of file.
 */
#ifndef XNTS_KE_CONTROL_H
#define XNTS_KE_CONTROL_H

#include <stddef.h>
#include <sys/types.h>

#include "ke_server.h"

enum ke_message { KE_SETUP = 1, KE_CHAIN, KE_KEY, KE_SEAL, KE_DRAIN, KE_READY };

#define KE_MAX_PEM     65536      /* bytes; both must fit a socket's buffer */
#define KE_MAX_MESSAGE KE_MAX_PEM /* bytes of a body */
#define KE_MAX_FDS     (KE_MAX_LISTENERS + 1)

struct ke_setup {
	struct ke_limits limits;
	uint32_t certificates; /* at least 1 */
	uint32_t entry; /* this worker's in the counters */
	uid_t uid;      /* to run as */
	gid_t gid;
	int log_level;
	uint32_t max_bytes;
	uint16_t ntp_port;
	char ntp_server[KE_MAX_NAME + 1];
};

struct ke_fds {
	unsigned int count;
	int fd[KE_MAX_FDS];
};

/*
 * Sends without waiting.  `fds` may be NULL; they stay the caller's.
 * 0 or -errno: -EAGAIN when the other end does not read.
 */
int ke_control_send(int socket, enum ke_message type, const void *body, size_t len,
		    const struct ke_fds *fds);

/*
 * Receives one message, its body into `body` (`size` bytes at most), its descriptors
 * (close-on-exec) into *fds, whose receiver they are; with NULL they are refused.
 * Returns the length of the body and sets *type; -EPIPE at the end of file, -EPROTO for what
 * is no message of ours, or another -errno (-EAGAIN: none there, on a non-blocking socket).
 */
ssize_t ke_control_receive(int socket, enum ke_message *type, void *body, size_t size,
			   struct ke_fds *fds);

#endif /* XNTS_KE_CONTROL_H */
