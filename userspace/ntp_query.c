/* SPDX-License-Identifier: GPL-2.0 */
#include "ntp_query.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

/* Header layout, RFC 5905 7.3. */
enum {
	OFF_STRATUM = 1,
	OFF_ROOT_DELAY = 4,
	OFF_ROOT_DISPERSION = 8,
	OFF_REFERENCE_ID = 12,
	OFF_REFERENCE_TIME = 16,
	OFF_ORIGIN = 24,
	OFF_RECEIVE = 32,
	OFF_TRANSMIT = 40,
};

#define NTP_VERSION 4
#define MODE_CLIENT 3
#define MODE_SERVER 4

static uint32_t get_be32(const uint8_t *p)
{
	return bpf_ntohl(load32(p));
}

static uint64_t get_be64(const uint8_t *p)
{
	return bpf_be64_to_cpu(load64(p));
}

void ntp_build_request(uint8_t request[NTP_HEADER_LEN], uint64_t nonce)
{
	memset(request, 0, NTP_HEADER_LEN);
	request[0] = NTP_VERSION << 3 | MODE_CLIENT;
	store64(request + OFF_TRANSMIT, bpf_cpu_to_be64(nonce));
}

static bool is_kiss_of_death(const uint8_t *message)
{
	const uint8_t *code = message + OFF_REFERENCE_ID;

	return message[OFF_STRATUM] == 0 &&
	       (!memcmp(code, "RATE", 4) || !memcmp(code, "DENY", 4) || !memcmp(code, "RSTR", 4));
}

static void copy_header(const uint8_t *message, struct xnts_clock_state *state)
{
	state->leap = message[0] >> 6;
	state->stratum = message[OFF_STRATUM];
	state->root_delay = get_be32(message + OFF_ROOT_DELAY);
	state->root_dispersion = get_be32(message + OFF_ROOT_DISPERSION);
	state->reference_id = load32(message + OFF_REFERENCE_ID);
	state->reference_time = get_be64(message + OFF_REFERENCE_TIME);
	if (state->leap == NTP_LEAP_UNKNOWN || state->stratum == 0 ||
	    state->stratum > NTP_STRATUM_MAX)
		clock_state_unsynchronise(state);
}

int ntp_parse_answer(const uint8_t *message, size_t len, uint64_t nonce,
		     struct xnts_clock_state *state, struct ntp_stamps *stamps)
{
	if (len < NTP_HEADER_LEN)
		return -EBADMSG;
	if ((message[0] & 7) != MODE_SERVER || (message[0] >> 3 & 7) != NTP_VERSION)
		return -EBADMSG;
	if (get_be64(message + OFF_ORIGIN) != nonce)
		return -EBADMSG;
	if (is_kiss_of_death(message))
		return -EACCES;
	copy_header(message, state);
	stamps->receive = get_be64(message + OFF_RECEIVE);
	stamps->transmit = get_be64(message + OFF_TRANSMIT);
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

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
