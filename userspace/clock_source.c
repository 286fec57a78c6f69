/* SPDX-License-Identifier: GPL-2.0 */
#include "clock_source.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "chronyc.h"
#include "config.h"
#include "kernel_clock.h"
#include "log.h"
#include "ntp_query.h"
#include "wire.h"

#define TIMEOUT_MS   100 /* of one question; `auto` asks at most three */
#define LOG_INTERVAL 10  /* s between two lines, however often the source comes and goes */

enum condition { NOT_TOLD, LOST, UNSYNCHRONISED, SYNCHRONISED };

struct clock_source {
	struct clock_config config;
	int8_t precision;
	int answered_by; /* enum config_source; CONFIG_SOURCE_AUTO: nobody */

	/* What the log was told last, and when (CLOCK_MONOTONIC, s). */
	enum condition told;
	int told_by;
	time_t told_at;
};

int clock_source_open(struct clock_source **out, const struct config *cfg)
{
	struct clock_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->config = cfg->clock;
	source->precision = kernel_clock_precision();
	*out = source;
	return 0;
}

void clock_source_close(struct clock_source *source)
{
	free(source);
}

const char *clock_source_name(const struct clock_source *source)
{
	switch (source->answered_by) {
	case CONFIG_SOURCE_NTP: return "ntp";
	case CONFIG_SOURCE_CHRONYC: return "chronyc";
	case CONFIG_SOURCE_KERNEL: return "kernel";
	case CONFIG_SOURCE_LOCAL: return "local";
	default: return "none";
	}
}

/* ---- one question to each kind of source -------------------------------- */

static int ask_loopback(struct xnts_clock_state *state)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(NTP_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(NTP_PORT),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	if (!ntp_query((struct sockaddr *)&in, sizeof(in), TIMEOUT_MS, state))
		return 0;
	return ntp_query((struct sockaddr *)&in6, sizeof(in6), TIMEOUT_MS, state);
}

static int ask_chronyc(struct xnts_clock_state *state)
{
	int err = chronyc_tracking("/usr/bin/chronyc", NULL, TIMEOUT_MS, state);

	if (err == -ENOENT)
		err = chronyc_tracking("/usr/local/bin/chronyc", NULL, TIMEOUT_MS, state);
	return err;
}

static void use_configured_reference(const struct clock_source *source,
				     struct xnts_clock_state *state)
{
	state->stratum = (__u8)source->config.stratum;
	state->reference_id = load32(source->config.refid);
}

static int ask_kernel(const struct clock_source *source, struct xnts_clock_state *state)
{
	struct timex tx = { .modes = 0 };
	struct timespec utc;
	int time_state = adjtimex(&tx);

	if (time_state < 0)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &utc);
	use_configured_reference(source, state);
	kernel_clock_discipline(&tx, time_state, utc, state);
	return 0;
}

/* The clock as it is, for labs: always synchronised, nothing known of its errors. */
static int ask_local(const struct clock_source *source, struct xnts_clock_state *state)
{
	struct timespec utc;

	clock_gettime(CLOCK_REALTIME, &utc);
	use_configured_reference(source, state);
	state->reference_time = ntp_timestamp(utc);
	return 0;
}

static int ask(const struct clock_source *source, int kind, struct xnts_clock_state *state)
{
	const struct config_address *address = &source->config.source.address;

	switch (kind) {
	case CONFIG_SOURCE_NTP:
		if (source->config.source.kind == CONFIG_SOURCE_AUTO)
			return ask_loopback(state);
		return ntp_query(&address->sa, address->len, TIMEOUT_MS, state);
	case CONFIG_SOURCE_CHRONYC: return ask_chronyc(state);
	case CONFIG_SOURCE_KERNEL: return ask_kernel(source, state);
	case CONFIG_SOURCE_LOCAL: return ask_local(source, state);
	default: return -EINVAL;
	}
}

/*
 * `auto`: who answered last is asked first, so that a silent NTP port does not cost
 * its time-out every second.  Never the kernel: its STA_UNSYNC is cleared by
 * anything that ever called adjtimex(), which is no promise about UTC.
 */
static int ask_in_turn(struct clock_source *source, struct xnts_clock_state *state)
{
	int first = source->config.source.kind;
	int second = first, err;

	if (first == CONFIG_SOURCE_AUTO) {
		bool chronyc_first = source->answered_by == CONFIG_SOURCE_CHRONYC;

		first = chronyc_first ? CONFIG_SOURCE_CHRONYC : CONFIG_SOURCE_NTP;
		second = chronyc_first ? CONFIG_SOURCE_NTP : CONFIG_SOURCE_CHRONYC;
	}
	source->answered_by = first;
	err = ask(source, first, state);
	if (err && second != first) {
		source->answered_by = second;
		err = ask(source, second, state);
	}
	if (err)
		source->answered_by = CONFIG_SOURCE_AUTO;
	return err;
}

/* ---- what the operator is told ------------------------------------------ */

static void tell_lost(const struct clock_source *source, int err)
{
	switch (source->config.source.kind) {
	case CONFIG_SOURCE_AUTO:
		log_warning("clock: no NTP server answers on 127.0.0.1 or ::1, and chronyc reaches "
			    "no chronyd: "
			    "replies become unsynchronised; add `allow 127.0.0.1` to chrony.conf "
			    "(without an allow "
			    "chronyd opens no NTP port), or set [clock] source to ntp ADDRESS, "
			    "kernel or local");
		break;
	case CONFIG_SOURCE_NTP:
		log_warning("clock: the NTP server of [clock] source does not answer (%s): replies "
			    "become "
			    "unsynchronised; chronyd answers only whom its `allow` names",
			    strerror(-err));
		break;
	case CONFIG_SOURCE_CHRONYC:
		log_warning(
			"clock: `chronyc -c tracking` fails (%s): replies become unsynchronised",
			err == -EBADMSG ? "chronyd does not answer it" : strerror(-err));
		break;
	default:
		log_warning("clock: reading the kernel's clock state fails (%s): replies become "
			    "unsynchronised",
			    strerror(-err));
	}
}

static void tell(const struct clock_source *source, enum condition now, int err,
		 const struct xnts_clock_state *state)
{
	if (now == LOST)
		tell_lost(source, err);
	else if (now == UNSYNCHRONISED)
		log_warning("clock: %s says unsynchronised, and so do our replies",
			    clock_source_name(source));
	else
		log_info("clock: synchronised according to %s: stratum %u, reference id %08X, TAI "
			 "offset %d s",
			 clock_source_name(source), state->stratum, ntohl(state->reference_id),
			 state->tai_offset);
}

/* A change that comes too soon after the last line is told when it is time, if it still holds. */
static void tell_changes(struct clock_source *source, int err, const struct xnts_clock_state *state)
{
	enum condition now = err ? LOST : state->stratum ? SYNCHRONISED : UNSYNCHRONISED;
	struct timespec mono;

	if (now == source->told && source->answered_by == source->told_by)
		return;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	if (source->told != NOT_TOLD && mono.tv_sec - source->told_at < LOG_INTERVAL)
		return;
	tell(source, now, err, state);
	source->told = now;
	source->told_by = source->answered_by;
	source->told_at = mono.tv_sec;
}

int clock_source_read(struct clock_source *source, struct xnts_clock_state *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = ask_in_turn(source, out);
	if (!err) {
		err = kernel_clock_read(out);
		if (err == -EAGAIN)
			return err; /* a leap second: nothing has changed */
	}
	tell_changes(source, err, out);
	if (err)
		return err;
	out->precision = source->precision;
	out->hold = (__u64)source->config.hold * NSEC_PER_SEC;
	out->step_guard = CLOCK_STEP_GUARD;
	out->receive_correction = source->config.receive_correction;
	out->transmit_correction = source->config.transmit_correction;
	return 0;
}
