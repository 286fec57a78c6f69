/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union fd_buffer {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(KE_MAX_FDS * sizeof(int))];
};

static void attach_fds(struct msghdr *msg, union fd_buffer *buffer, const struct ke_fds *fds)
{
	size_t len = fds->count * sizeof(int);
	struct cmsghdr *cmsg;

	memset(buffer, 0, sizeof(*buffer));
	msg->msg_control = buffer->bytes;
	msg->msg_controllen = CMSG_SPACE(len);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), fds->fd, len);
}

int ke_control_send(int socket, enum ke_message type, const void *body, size_t len,
		    const struct ke_fds *fds)
{
	uint32_t header = type;
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)body, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	union fd_buffer buffer;

	if (fds && fds->count)
		attach_fds(&msg, &buffer, fds);
	return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void take_fds(struct msghdr *msg, struct ke_fds *fds)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return;
	fds->count = (unsigned int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds->fd, CMSG_DATA(cmsg), fds->count * sizeof(int));
}

/* Without room for them the kernel closes descriptors that come along. */
ssize_t ke_control_receive(int socket, enum ke_message *type, void *body, size_t size,
			   struct ke_fds *fds)
{
	uint32_t header;
	struct iovec iov[2] = { { &header, sizeof(header) }, { body, size } };
	union fd_buffer buffer;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (fds) {
		fds->count = 0;
		msg.msg_control = buffer.bytes;
		msg.msg_controllen = sizeof(buffer.bytes);
	}
	n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (fds)
		take_fds(&msg, fds);
	if (n == 0)
		return -EPIPE;
	if ((size_t)n < sizeof(header) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EPROTO;
	*type = (enum ke_message)header;
	return n - (ssize_t)sizeof(header);
}
