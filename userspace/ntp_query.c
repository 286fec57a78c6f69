/* SPDX-License-Identifier: GPL-2.0 */
#include "ntp_query.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include "monotonic.h"
#include "wire.h"

static uint64_t read_timestamp(struct ntp_timestamp t)
{
	return (uint64_t)bpf_ntohl(t.seconds) << 32 | bpf_ntohl(t.fraction);
}

void ntp_build_request(uint8_t request[NTP_HEADER_LEN], uint64_t nonce)
{
	struct ntp_header ntp = { .li_vn_mode = ntp_first_byte(0, 4, NTP_MODE_CLIENT) };

	ntp.transmit.seconds = bpf_htonl(nonce >> 32);
	ntp.transmit.fraction = bpf_htonl((uint32_t)nonce);
	memcpy(request, &ntp, sizeof(ntp));
}

static bool is_kiss_of_death(const struct ntp_header *ntp)
{
	const void *code = &ntp->reference_id;

	return ntp->stratum == 0 &&
	       (!memcmp(code, "RATE", 4) || !memcmp(code, "DENY", 4) || !memcmp(code, "RSTR", 4));
}

static void copy_header(const struct ntp_header *ntp, struct xnts_clock_state *state)
{
	state->leap = ntp->li_vn_mode >> 6;
	state->stratum = ntp->stratum;
	state->root_delay = bpf_ntohl(ntp->root_delay);
	state->root_dispersion = bpf_ntohl(ntp->root_dispersion);
	state->reference_id = ntp->reference_id;
	state->reference_time = read_timestamp(ntp->reference);
	if (state->leap == NTP_LEAP_UNKNOWN || state->stratum == 0 ||
	    state->stratum > NTP_STRATUM_MAX)
		clock_state_unsynchronise(state);
}

int ntp_parse_answer(const uint8_t *message, size_t len, uint64_t nonce,
		     struct xnts_clock_state *state, struct ntp_stamps *stamps)
{
	struct ntp_header ntp;

	if (len < sizeof(ntp))
		return -EBADMSG;
	memcpy(&ntp, message, sizeof(ntp));
	if (ntp_mode(&ntp) != NTP_MODE_SERVER || ntp_version(&ntp) != 4)
		return -EBADMSG;
	if (read_timestamp(ntp.origin) != nonce)
		return -EBADMSG;
	if (is_kiss_of_death(&ntp))
		return -EACCES;
	copy_header(&ntp, state);
	stamps->receive = read_timestamp(ntp.receive);
	stamps->transmit = read_timestamp(ntp.transmit);
	return 0;
}

int64_t ntp_unexplained_offset(uint64_t t1, const struct ntp_stamps *stamps, uint64_t t4)
{
	int64_t behind = ntp_difference(t1, stamps->receive);
	int64_t ahead = ntp_difference(stamps->transmit, t4);
	int64_t offset = behind > ahead ? behind : ahead;

	return offset > 0 ? offset : 0;
}

static uint64_t now_ntp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ntp_timestamp(now);
}

/* Waits for the answer to `nonce`; what else arrives is skipped. */
static int await_answer(int fd, uint64_t nonce, int timeout_ms, struct xnts_clock_state *state,
			struct ntp_stamps *stamps)
{
	int64_t deadline = now_ms() + timeout_ms;
	int64_t left;

	while ((left = deadline - now_ms()) > 0) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		uint8_t message[512]; /* longer answers are cut: only the header is read */
		ssize_t len;
		int err;

		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		len = recv(fd, message, sizeof(message), MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (len < 0)
			return -errno;
		err = ntp_parse_answer(message, (size_t)len, nonce, state, stamps);
		if (err != -EBADMSG)
			return err;
	}
	return -ETIMEDOUT;
}

static int exchange(int fd, int timeout_ms, struct xnts_clock_state *state)
{
	uint8_t request[NTP_HEADER_LEN];
	struct ntp_stamps stamps;
	uint64_t nonce, t1;
	int err;

	/* A random transmit timestamp proves that the answer is to us; T1 stays here. */
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -EIO;
	ntp_build_request(request, nonce);
	t1 = now_ntp();
	if (send(fd, request, sizeof(request), 0) < 0)
		return -errno;
	err = await_answer(fd, nonce, timeout_ms, state, &stamps);
	if (err)
		return err;
	/* chronyd serves its own estimate of the time, ahead of a clock that it still
	 * slews (or with -x never does).  We serve the clock: say how far off it may be. */
	clock_state_add_error(state, ntp_unexplained_offset(t1, &stamps, now_ntp()));
	return 0;
}

int ntp_query(const struct sockaddr *address, socklen_t address_len, int timeout_ms,
	      struct xnts_clock_state *state)
{
	int err, fd;

	fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	/* Connected: the kernel drops other senders, and a closed port answers at once. */
	if (connect(fd, address, address_len) < 0)
		err = -errno;
	else
		err = exchange(fd, timeout_ms, state);
	close(fd);
	return err;
}
