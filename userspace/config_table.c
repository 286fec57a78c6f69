/* SPDX-License-Identifier: GPL-2.0 */
/* Every key of the configuration file. */
#include "config.h"
#include "config_value.h"

#define DAY 86400
#define MAX_KEEP 48
#define MAX_PRELOAD 14
_Static_assert(MAX_KEEP + 1 + MAX_PRELOAD <= XNTS_KEY_RING, "a generation's window fits its ring");

static const char *const roles[] = { "both", "ke", "ntp", NULL };
static const char *const modes[] = { "auto", "native", "generic", NULL };
static const char *const answer_pass[] = { "answer", "pass", NULL };
static const char *const drop_pass[] = { "drop", "pass", NULL };
static const char *const off_on[] = { "off", "on", NULL };
static const char *const swap_fib[] = { "swap", "fib", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };
static const char *const allow_refuse[] = { "allow", "refuse", NULL };
static const char *const sources[] = { "auto", "ntp", "chronyc", "kernel", "local", NULL };
static const char *const auto_on_off[] = { "auto", "on", "off", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

#define HOUR_MS 3600000
#define MIN_BURST 8 /* what iburst of common clients sends at once */
#define MAX_BURST 255
/* In ticks of 2^20 ns; struct xnts_limit. */
_Static_assert(HOUR_MS * 1000000LL / (1 << 20) * MAX_BURST < 1LL << 31, "interval and burst fit");

#define ROW(section_, member, parser, fallback_, expected_, ...) \
	ENTRY(section_, #member, member, parser, fallback_, expected_, __VA_ARGS__)
#define ENTRY(section_, name_, member, parser, fallback_, expected_, ...) \
	{ .section = #section_, .name = name_, .parse = parser, \
	  .offset = offsetof(struct config, section_.member), .fallback = fallback_, \
	  .expected = expected_, __VA_ARGS__ }

/* clang-format off */
const struct config_entry config_table[] = {
	ROW(server, role, parse_choice, "both",
	    "both, ke or ntp", .choices = roles),

	ROW(ntp, interfaces, parse_interface, "",
	    "up to 32 network interface names", .list = true),
	ROW(ntp, mode, parse_choice, "auto",
	    "auto, native or generic", .choices = modes),
	ROW(ntp, ports, parse_port, "123",
	    "1 to 8 UDP ports from 1 to 65535", .list = true, .min = 1, .max = 65535),
	ROW(ntp, addresses, parse_prefix, "auto",
	    "auto, or up to 256 addresses and prefixes such as 192.0.2.0/24 2001:db8::1", .list = true),
	ROW(ntp, macs, parse_mac, "",
	    "up to 16 unicast MAC addresses such as 00:00:5e:00:01:0a", .list = true),
	ENTRY(ntp, "symmetric", pass_symmetric, parse_switch, "answer",
	    "answer or pass", .choices = answer_pass),
	ENTRY(ntp, "control", pass_control, parse_switch, "drop",
	    "drop or pass", .choices = drop_pass),
	ENTRY(ntp, "next_hop", next_hop_fib, parse_switch, "swap",
	    "swap or fib", .choices = swap_fib),
	ROW(ntp, nak_rate, parse_number, "100",
	    "a number from 0 to 1000000 (NAKs a second and CPU)", .min = 0, .max = 1000000),
	ROW(ntp, ttl, parse_number, "64",
	    "a number from 1 to 255", .min = 1, .max = 255),

	ROW(limits, nts_budget, parse_number, "80",
	    "a number from 0 to 100 (per cent of each CPU's time; 0: no limit)", .min = 0, .max = 100),
	ROW(limits, plain_interval, parse_interval, "0",
	    "a time from 1ms to 1h, or 0 for no limit", .min = 0, .max = HOUR_MS),
	ROW(limits, plain_burst, parse_number, "16",
	    "a number from 8 to 255 (requests)", .min = MIN_BURST, .max = MAX_BURST),
	ROW(limits, nts_interval, parse_interval, "0",
	    "a time from 1ms to 1h, or 0 for no limit", .min = 0, .max = HOUR_MS),
	ROW(limits, nts_burst, parse_number, "16",
	    "a number from 8 to 255 (requests)", .min = MIN_BURST, .max = MAX_BURST),
	ROW(limits, kod, parse_number, "16",
	    "a number from 0 to 1000000 (one in so many is told; 0: none)", .min = 0, .max = 1000000),
	ROW(limits, ceiling, parse_number, "0",
	    "a number from 0 to 1000000000 (answers a second; 0: no limit)", .min = 0, .max = 1000000000),
	ROW(limits, require_nts, parse_switch, "no",
	    "yes or no", .choices = no_yes),
	ROW(limits, allow, parse_listed, "",
	    "up to 256 addresses and prefixes such as 192.0.2.0/24 2001:db8::1", .list = true),
	ROW(limits, refuse, parse_listed, "",
	    "up to 256 addresses and prefixes such as 192.0.2.0/24 2001:db8::1", .list = true),
	ROW(limits, allow_file, parse_path, "",
	    "the path of a file with an address or prefix a line"),
	ROW(limits, refuse_file, parse_path, "",
	    "the path of a file with an address or prefix a line"),
	ENTRY(limits, "unlisted", refuse_unlisted, parse_switch, "allow",
	    "allow, or refuse beside an allow list", .choices = allow_refuse),

	ROW(ke, enabled, parse_switch, "yes",
	    "yes or no", .choices = no_yes),
	ROW(ke, listen, parse_listener, "[::]:4460",
	    "1 to 16 addresses with ports such as 0.0.0.0:4460 [::]:4460", .list = true),
	ROW(ke, certificate, parse_path, "",
	    "the path of a PEM certificate chain"),
	ROW(ke, key, parse_path, "",
	    "the path of the certificate's PEM private key"),
	ENTRY(ke, "more_certificates", more, parse_certificate, "",
	    "up to 7 pairs CERTIFICATE:KEY of absolute paths", .list = true),
	ROW(ke, workers, parse_number, "0",
	    "a number from 0 to 64 (0: one a core)", .min = 0, .max = XNTS_KE_WORKERS),
	ROW(ke, user, parse_name, "nobody",
	    "the name of an unprivileged account"),
	ROW(ke, max_connections, parse_number, "4096",
	    "a number from 1 to 100000 (connections a worker)", .min = 1, .max = 100000),
	ROW(ke, max_per_prefix, parse_number, "64",
	    "a number from 1 to 100000 (connections a worker and prefix)", .min = 1, .max = 100000),
	ROW(ke, rate, parse_number, "50",
	    "a number from 0 to 100000 (handshakes a second, worker and prefix; 0: no limit)", .max = 100000),
	ROW(ke, burst, parse_number, "200",
	    "a number from 1 to 100000 (handshakes)", .min = 1, .max = 100000),
	ROW(ke, prefix4, parse_number, "32",
	    "a number from 8 to 32 (bits)", .min = 8, .max = 32),
	ROW(ke, prefix6, parse_number, "64",
	    "a number from 16 to 64 (bits)", .min = 16, .max = 64),
	ROW(ke, max_bytes, parse_number, "110592",
	    "a number from 8192 to 1048576 (bytes)", .min = 8192, .max = 1048576),
	ROW(ke, handshake_timeout, parse_duration, "5s",
	    "a duration from 1s to 5m", .min = 1, .max = 300),
	ROW(ke, request_timeout, parse_duration, "5s",
	    "a duration from 1s to 5m", .min = 1, .max = 300),
	ROW(ke, ntp_server, parse_name, "",
	    "a host name or IP address for clients to send NTP to"),
	ROW(ke, ntp_port, parse_number, "",
	    "a UDP port from 1 to 65535 for clients to send NTP to", .min = 1, .max = 65535),

	ROW(keys, state, parse_path, "/var/lib/xnts/keys",
	    "an absolute path"),
	ROW(keys, epoch, parse_duration, "1d",
	    "a duration from 1s to 365d", .min = 1, .max = 365 * DAY),
	ROW(keys, keep, parse_number, "8",
	    "a number from 1 to 48 (old epochs)", .min = 1, .max = MAX_KEEP),
	ROW(keys, preload, parse_number, "3",
	    "a number from 1 to 14 (future epochs)", .min = 1, .max = MAX_PRELOAD),

	ROW(clock, source, parse_source, "auto",
	    "auto, ntp ADDRESS, chronyc, kernel or local", .choices = sources),
	ROW(clock, stratum, parse_number, "10",
	    "a number from 1 to 15", .min = 1, .max = 15),
	ROW(clock, refid, parse_refid, "LOCL",
	    "1 to 4 printable ASCII characters"),
	ROW(clock, hold, parse_duration, "60s",
	    "a duration from 1s to 1d", .min = 1, .max = DAY),
	ROW(clock, receive_correction, parse_signed, "0",
	    "nanoseconds from -1000000 to 1000000", .min = -1000000, .max = 1000000),
	ROW(clock, transmit_correction, parse_signed, "0",
	    "nanoseconds from -1000000 to 1000000", .min = -1000000, .max = 1000000),
	ROW(clock, hardware_stamps, parse_choice, "auto",
	    "auto, on or off", .choices = auto_on_off),
	ROW(clock, hardware_correction, parse_signed, "0",
	    "nanoseconds from -1000000 to 1000000", .min = -1000000, .max = 1000000),

	ROW(metrics, listen, parse_address, "",
	    "an address with a port such as 127.0.0.1:9123"),
	ROW(metrics, latency, parse_switch, "off",
	    "off or on", .choices = off_on),

	ROW(log, level, parse_choice, "info",
	    "error, warning, info or debug", .choices = levels),
};
/* clang-format on */

const size_t config_table_len = sizeof(config_table) / sizeof(config_table[0]);
_Static_assert(sizeof(config_table) / sizeof(config_table[0]) <= CONFIG_KEYS, "each has its line");
