/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_bio.h"

#include <errno.h>
#include <sys/socket.h>

static bool is_temporary(int error)
{
	return error == EAGAIN || error == EINTR;
}

static int bio_read(BIO *bio, char *buf, int len)
{
	struct ke_wire *wire = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (wire->empty) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = recv(wire->fd, buf, (size_t)len, 0);
	/* Fewer bytes than asked for is all there is: if more come they poll readable. */
	wire->empty = n > 0 ? n < len : n < 0;
	wire->ended = n == 0;
	if (n < 0 && is_temporary(errno))
		BIO_set_retry_read(bio);
	return (int)n;
}

/* Fewer bytes than asked for is no error: OpenSSL goes on with the rest. */
static int bio_write(BIO *bio, const char *buf, int len)
{
	const struct ke_wire *wire = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	n = send(wire->fd, buf, (size_t)len, MSG_NOSIGNAL | (wire->hold ? MSG_MORE : 0));
	if (n < 0 && is_temporary(errno))
		BIO_set_retry_write(bio);
	return (int)n;
}

/* Nothing is buffered here.  Who asks for the end of file takes it for a close_notify. */
static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	const struct ke_wire *wire = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && wire->ended);
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "NTS-KE");

	if (method && BIO_meth_set_read(method, bio_read) &&
	    BIO_meth_set_write(method, bio_write) && BIO_meth_set_ctrl(method, bio_ctrl))
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *ke_bio_new(struct ke_wire *wire)
{
	static BIO_METHOD *method; /* lives as long as the process, which has one thread */
	BIO *bio;

	if (!method)
		method = make_method();
	bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}
