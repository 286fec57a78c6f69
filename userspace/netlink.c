/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

#define BUFFER 65536 /* bytes; the kernel's dump messages are at most 32 kB */
#define AT_ONCE 256  /* datagrams: a router's endless changes must not hold up the caller */

static int open_socket(int flags, uint32_t groups)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int netlink_listen(uint32_t groups)
{
	return open_socket(SOCK_NONBLOCK, groups);
}

/* Reads one datagram, which holds one or more messages.  Returns its length. */
static ssize_t receive(int fd, void *buffer)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buffer, .iov_len = BUFFER };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n < 0 || from.nl_pid); /* 0: the kernel; anyone may send to us */
	return msg.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

int netlink_read(int fd, netlink_each each, void *arg)
{
	char buffer[BUFFER] __attribute__((aligned(8)));
	const struct nlmsghdr *msg;

	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = receive(fd, buffer);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return n;
		for (msg = (void *)buffer; NLMSG_OK(msg, n); msg = NLMSG_NEXT(msg, n)) {
			int err = each(msg, arg);

			if (err)
				return err;
		}
	}
	return 0;
}

/* 1: that was the last message; 0: go on. */
static int dump_message(const struct nlmsghdr *msg, netlink_each each, void *arg)
{
	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	if (msg->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(msg);

		return error->error ? error->error : 1;
	}
	if (msg->nlmsg_type == NLMSG_DONE) {
		int status = *(const int *)NLMSG_DATA(msg);

		return status < 0 ? status : 1;
	}
	return each(msg, arg);
}

static int read_dump(int fd, netlink_each each, void *arg)
{
	char buffer[BUFFER] __attribute__((aligned(8)));
	const struct nlmsghdr *msg;

	for (;;) {
		ssize_t n = receive(fd, buffer);

		if (n < 0)
			return n;
		for (msg = (void *)buffer; NLMSG_OK(msg, n); msg = NLMSG_NEXT(msg, n)) {
			int ret = dump_message(msg, each, arg);

			if (ret)
				return ret > 0 ? 0 : ret;
		}
	}
}

int netlink_dump_routes(uint8_t family, uint8_t table, uint8_t type, netlink_each each, void *arg)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.route = { .rtm_family = family, .rtm_table = table, .rtm_type = type },
	};
	int err = 0, on = 1, fd = open_socket(0, 0);

	if (fd < 0)
		return fd;
	/* Spares a router its whole table; older kernels send all of it, `each` sorts it out. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (send(fd, &request, sizeof(request), 0) < 0)
		err = -errno;
	else
		err = read_dump(fd, each, arg);
	close(fd);
	/* Until it has its first route a table, or without IPv6 the family, does not exist. */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}
