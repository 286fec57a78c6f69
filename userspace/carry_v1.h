/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ABI version 1 counted, in the order of its structs: it pinned no names, and its daemon
 * counted nothing.
 */
#ifndef XNTS_CARRY_V1_H
#define XNTS_CARRY_V1_H

#include "xnts_abi.h"

static const struct xnts_names names_v1 = {
	.packet = {
		"pass_not_ip", "pass_ip_options", "pass_fragment", "pass_not_udp",
		"pass_other_port", "pass_other_mac", "pass_not_local", "pass_mode",
		"pass_switch", "pass_no_config", "drop_switch", "drop_mode", "drop_version",
		"drop_source", "drop_checksum", "drop_malformed", "drop_crypto_nak",
		"drop_nts_malformed", "drop_key_unknown", "drop_nak_capped", "drop_refused",
		"drop_not_nts", "drop_limited", "drop_nts_limited", "drop_over_budget",
		"drop_over_ceiling", "drop_busy", "drop_internal", "plain_answered",
		"plain_symmetric", "kod_rate", "nts_answered", "nak_key_unknown",
		"nak_bad_cookie", "nak_bad_tag", "cookies_issued", "unsynchronised",
		"software_stamps", "hardware_stamps",
	},
	.ke = {
		"accepted", "refused_full", "refused_prefix", "tls_failed", "no_alpn",
		"timed_out", "answered", "error_critical", "error_request", "error_internal",
		"no_protocol", "no_aead", "aborted", "cookies_issued", "worker_starts",
	},
};

#endif /* XNTS_CARRY_V1_H */
