/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract between the XDP program and everything that shares its maps:
 * xntsd, xnts, bpftool and the tests.  Nothing else is shared.
 *
 * The maps are pinned under XNTS_PIN_DIR and outlive the daemon:
 *
 *   switch       array of 1, __u32             enum xnts_switch, the kill switch
 *   config       array of 1, struct xnts_config       what is answered
 *   clock        array of 1, struct xnts_clock        what the answers say of the time
 *   local4/6     LPM tries, struct xnts_lpm4/6 -> __u32 enum xnts_local  this host's addresses
 *   lists4/6     LPM tries, struct xnts_lpm4/6 -> __u32 enum xnts_list  who is answered
 *   counters     per-CPU array of 1, struct xnts_counters   one counter a verdict
 *   ke_counters  array, struct xnts_ke_counters       NTS-KE outcomes, one entry a worker
 *   daemon_counters  array of 1, struct xnts_daemon_counters  what the daemon did
 *   ke_state     array of 1, struct xnts_ke_state     NTS-KE and drivers as the daemon sees them
 *   latency      per-CPU array of 1, struct xnts_latency     how long answers took
 *   keys         array of XNTS_KEY_SLOTS, struct xnts_cookie_key   SECRET
 *   key_state    array of 1, struct xnts_key_state    which key seals, how fresh the keys are
 *   phc          hash, __u32 ifindex -> struct xnts_phc   clocks of the NICs that stamp
 *   names        array of 1, struct xnts_names        what is counted where
 *
 * `keys` holds secrets and is kept apart from what an operator is told to dump.
 * The program's scratch memory and its nonce key are not pinned: they belong to
 * one loaded program and are made anew at each load.
 *
 * Concurrency.  clock, keys, key_state and the daemons' counters are memory-mapped by the
 * writer (BPF_F_MMAPABLE).  A writer of `clock` fills the slot that is not
 * current, `mono` first, and then publishes it with one aligned 32-bit store; a reader
 * reads the current slot and looks at its `mono` again.  A writer of a key slot stores
 * id 0, then the key, then the id; a reader compares the id before and after
 * use.  A writer killed at any point leaves a state that readers can use.
 *
 * Versions.  A daemon takes over what one of another ABI version pinned (userspace/carry.h): it
 * makes its own maps but for the kill switch, which stays one map, fills them, and moves `phc`
 * and, by their names, the counters.  So these stay in all versions: `switch`, `names` (from
 * version 2 on), that counters are __u64, and that the version is the first member of `config`
 * and the sealing id that of `key_state`; and the entries of `phc` stay as long as they have
 * the same length.  A counter that changes its meaning changes its name.
 *
 * Byte order is the machine's unless a member says __be16, __be32 or "wire".
 * All padding is explicit and zero.
 */
#ifndef XNTS_ABI_H
#define XNTS_ABI_H

#include "port.h"

/* Raised with every change of a struct or map below. */
#define XNTS_ABI_VERSION 3

#define XNTS_PIN_DIR "/sys/fs/bpf/xnts"

/* ---- switch ------------------------------------------------------------- */

enum xnts_switch {
	XNTS_SERVE = 0, /* answer */
	XNTS_PASS = 1,  /* leave every packet to the host's stack */
	XNTS_DROP = 2,  /* drop NTP requests for this host, pass the rest */
	XNTS_DRAIN = 3, /* answer, but let health checks fail: userspace alone tells it from serve */
	XNTS_SWITCH_POSITIONS
};

/* ---- config ------------------------------------------------------------- */

#define XNTS_PORTS 8
#define XNTS_MACS 16

enum xnts_config_flags {
	XNTS_PASS_SYMMETRIC = 1 << 0, /* mode 1 goes to the host, is not answered */
	XNTS_PASS_CONTROL = 1 << 1,   /* modes 6 and 7 go to the host, are not dropped */
	XNTS_REQUIRE_NTS = 1 << 2,    /* plain NTP is not answered */
	XNTS_LISTS = 1 << 3,          /* lists4/6 are asked */
	XNTS_FIB = 1 << 5,            /* answers go where the routing table says */
	XNTS_REFUSE_UNLISTED = 1 << 4, /* with XNTS_LISTS: who is in no list is refused */
};

/* One allowance: a request every `interval`, `burst` of them at once. */
struct xnts_limit {
	__u32 interval; /* in 2^20 ns; 0: no limit */
	__u32 burst;    /* requests, at least 1 */
};

struct xnts_mac {
	__u8 addr[6]; /* wire */
	__u16 used;   /* 1: the entry counts; entries are filled from the first */
};

struct xnts_config {
	__u32 abi_version;         /* XNTS_ABI_VERSION */
	__u32 flags;               /* enum xnts_config_flags */
	__be16 port[XNTS_PORTS];   /* UDP ports answered, filled from the first; 0 ends */
	struct xnts_mac mac[XNTS_MACS]; /* destination MACs that are ours */
	__u32 nak_rate;            /* NTS NAKs a second and CPU at most; 0: none */
	__u8 ttl;                  /* of replies: IPv4 TTL, IPv6 hop limit */
	__u8 pad[3];
	struct xnts_limit plain;   /* of a source: plain NTP, and NTS that does not verify */
	struct xnts_limit nts;     /* of a source: NTS that verifies */
	__u32 budget;              /* of each CPU's time for NTS, per mille; 0: no limit */
	__u32 ceiling;             /* ns between two answers of a CPU in the long run; 0: no limit */
	__u32 kod_one_in;          /* of plain requests over the limit, get KoD RATE; 0: none */
	__u32 pad2;
};
_Static_assert(sizeof(struct xnts_config) == 192, "xnts_config is ABI");

/* ---- clock -------------------------------------------------------------- */

/*
 * What replies say, valid from `mono` until `mono + hold`.  Program time is
 * CLOCK_TAI; UTC = CLOCK_TAI - tai_offset, or - tai_offset_after from leap_at on.
 * Outside the hold time, or when CLOCK_TAI has moved against CLOCK_MONOTONIC by
 * more than step_guard since, replies are unsynchronised (LI 3, stratum 0).
 */
struct xnts_clock_state {
	__u64 mono;              /* CLOCK_MONOTONIC ns of the last refresh; 0: never */
	__u64 tai;               /* CLOCK_TAI ns at that instant */
	__u64 hold;              /* ns */
	__u64 step_guard;        /* ns */
	__u64 leap_at;           /* CLOCK_TAI ns from which tai_offset_after counts (where the
				  * kernel steps CLOCK_REALTIME for a leap second); 0: none */
	__s32 tai_offset;        /* s, as the kernel holds it (0 until a daemon sets it) */
	__s32 tai_offset_after;  /* s, from leap_at on */
	__u8 leap;               /* RFC 5905 LI: 0, 1, 2; 3 = unsynchronised */
	__u8 stratum;            /* 1-15; 0 = unsynchronised */
	__s8 precision;          /* log2 s */
	__u8 pad[5];
	__u32 root_delay;        /* NTP short format, 2^-16 s */
	__u32 root_dispersion;   /* NTP short format, 2^-16 s, at `mono`; readers age it 15 ppm */
	__u32 reference_id;      /* wire */
	__u32 pad2;
	__u64 reference_time;    /* NTP timestamp format, 2^-32 s */
	__s32 receive_correction;  /* ns added to software receive stamps */
	__s32 transmit_correction; /* ns added to transmit stamps */
};
_Static_assert(sizeof(struct xnts_clock_state) == 88, "xnts_clock_state is ABI");

struct xnts_clock {
	__u32 current; /* 0 or 1: the slot to read */
	__u32 pad;
	struct xnts_clock_state slot[2];
};
_Static_assert(sizeof(struct xnts_clock) == 184, "xnts_clock is ABI");

/* ---- clocks of NICs ----------------------------------------------------- */

/*
 * A NIC stamps received packets with its own clock (PHC), which may show TAI, UTC or anything.
 * With d = stamp - phc, modulo 2^64 and signed, CLOCK_TAI at the stamp is
 *   tai + d + (d * rate >> XNTS_PHC_SHIFT)    where -valid <= d <= valid.
 * An entry is there while the interface's program is bound to its device.
 */
struct xnts_phc {
	__u64 tai;   /* CLOCK_TAI ns at one instant, [clock] hardware_correction added */
	__u64 phc;   /* PHC ns at that instant */
	__s64 rate;  /* what CLOCK_TAI gains on the PHC, in 2^-XNTS_PHC_SHIFT */
	__u64 valid; /* ns, at most XNTS_PHC_VALID_MAX; 0: stamps are not used */
	__u32 filter_before; /* enum hwtstamp_rx_filters of the device when it was bound */
	__u32 filter;        /* what it was changed to, to be undone; 0: nothing was changed */
};
_Static_assert(sizeof(struct xnts_phc) == 40, "xnts_phc is ABI");

#define XNTS_PHC_SHIFT 36
#define XNTS_PHC_RATE_MAX (1LL << 26) /* 977 ppm */
#define XNTS_PHC_VALID_MAX (1ULL << 34) /* 17 s: the product above fits into 63 bits */
#define XNTS_MAX_PHC 64 /* interfaces */

/* ---- addresses ---------------------------------------------------------- */

struct xnts_lpm4 {
	__u32 prefixlen; /* bits, 0-32 */
	__u8 addr[4];    /* wire */
};

struct xnts_lpm6 {
	__u32 prefixlen; /* bits, 0-128 */
	__u8 addr[16];   /* wire */
};

#define XNTS_MAX_LOCAL 4096 /* prefixes a family */

enum xnts_local {
	XNTS_LOCAL = 1,     /* ours: answered there, and refused as a source */
	XNTS_LOCAL_ALL = 2, /* prefix length 0, `local default`: answered there, but not a source */
};

/* Sources; the longest prefix counts. */
enum xnts_list {
	XNTS_ALLOW = 1,
	XNTS_REFUSE = 2,
};
#define XNTS_MAX_LISTED 131072 /* prefixes a family */

/* Sources are limited in two tables of this many buckets, one for plain NTP and NTS that
 * fails, one for NTS that verified; a bucket is the time until which it is spent, CLOCK_MONOTONIC
 * ns, 0: never used. */
#define XNTS_BUCKETS (1 << 20)

/* SipHash key that spreads sources over the buckets, random at each load (SECRET). */
struct xnts_bucket_key {
	__u64 word[2];
};

/* ---- keys (SECRET) ------------------------------------------------------ */

/*
 * A cookie key id is generation (4 bits) | epoch mod 4096 (12 bits); 0 is never
 * used as an id (generations count from 1 to 14 and wrap to 1: two that follow each other
 * differ in parity).
 * Generation and epoch choose the slot, so that an id has one possible place:
 *   slot = (generation & 1) * XNTS_KEY_RING + epoch % XNTS_KEY_RING
 */
#define XNTS_KEY_RING 64
#define XNTS_KEY_SLOTS (2 * XNTS_KEY_RING)
#define XNTS_KEY_SLOT(id) ((((id) >> 12) & 1) * XNTS_KEY_RING + ((id) & (XNTS_KEY_RING - 1)))

/* An expanded AES-128 key of aes.h, in all four lanes. */
struct xnts_aes_key {
	__u64 rk[88];
};

/* An AEAD_AES_SIV_CMAC_256 key prepared for use (siv.h fills it). */
struct xnts_siv_key {
	struct xnts_aes_key mac; /* first half of the key: S2V */
	struct xnts_aes_key ctr; /* second half: CTR */
	__u8 k1[16];             /* CMAC subkeys of mac, RFC 4493 2.3 */
	__u8 k2[16];
	__u8 zero[16];           /* CMAC(mac, 0^128), where every S2V starts */
};

struct xnts_cookie_key {
	__u32 id; /* 0: empty */
	__u32 pad;
	struct xnts_siv_key key;
};
_Static_assert(sizeof(struct xnts_cookie_key) == 1464, "xnts_cookie_key is ABI");

struct xnts_key_state {
	__u32 seal_id; /* the key that seals new cookies; 0: none, NTS is not served */
	__u32 pad;
	__u64 mono;    /* CLOCK_MONOTONIC ns when the daemon last confirmed the keys */
	__u64 hold;    /* ns; later than mono + hold an unknown key id is dropped, not NAKed */
};
_Static_assert(sizeof(struct xnts_key_state) == 24, "xnts_key_state is ABI");

/* ---- counters ----------------------------------------------------------- */

/*
 * Verdicts: X(name, action, meaning).  One packet adds one to exactly one of them.
 */
#define XNTS_VERDICTS(X) \
	X(pass_not_ip, PASS, "not IPv4 or IPv6, or cut short below UDP") \
	X(pass_ip_options, PASS, "IPv4 options or an IPv6 extension header") \
	X(pass_fragment, PASS, "IPv4 fragment") \
	X(pass_not_udp, PASS, "other protocol than UDP") \
	X(pass_other_port, PASS, "other UDP port") \
	X(pass_other_mac, PASS, "destination MAC is not ours") \
	X(pass_not_local, PASS, "destination address is not this host's") \
	X(pass_mode, PASS, "an answer (NTP mode 2 or 4), or a mode left to the host by configuration") \
	X(pass_switch, PASS, "kill switch: pass") \
	X(pass_no_config, PASS, "maps not filled yet, or of another ABI version") \
	X(pass_no_neighbour, PASS, "next hop by fib: its MAC is not known yet") \
	X(pass_no_route, PASS, "next hop by fib: no route, by another interface, or lo does not forward") \
	X(drop_switch, DROP, "kill switch: drop") \
	X(drop_mode, DROP, "NTP mode 0 (but v1), 5, 6 or 7") \
	X(drop_version, DROP, "NTP version 0, 5, 6 or 7") \
	X(drop_source, DROP, "source is ourselves, multicast, broadcast, loopback or unspecified") \
	X(drop_checksum, DROP, "IPv6 without a UDP checksum") \
	X(drop_malformed, DROP, "lengths that contradict each other, or broken extension fields") \
	X(drop_crypto_nak, DROP, "a crypto-NAK is no request") \
	X(drop_nts_malformed, DROP, "NTS fields missing, doubled, too short or not version 4") \
	X(drop_key_unknown, DROP, "unknown cookie key while our own keys are stale or absent") \
	X(drop_nak_capped, DROP, "an NTS NAK over the rate") \
	X(drop_refused, DROP, "source is on the refuse list, or on no list") \
	X(drop_not_nts, DROP, "plain NTP where NTS is required") \
	X(drop_limited, DROP, "source over its limit of plain NTP or failed NTS") \
	X(drop_nts_limited, DROP, "source over its limit of NTS") \
	X(drop_over_budget, DROP, "NTS over the time this CPU may spend on it") \
	X(drop_over_ceiling, DROP, "over the total of answers") \
	X(drop_busy, DROP, "scratch memory in use: the program was re-entered on this CPU") \
	X(drop_internal, DROP, "the kernel refused a load, store or shrink of the frame") \
	X(plain_answered, TX, "NTP answered, modes 3 and v1 mode 0") \
	X(plain_symmetric, TX, "NTP mode 1 answered with mode 2") \
	X(kod_rate, TX, "kiss of death RATE: plain NTP over the source's limit") \
	X(nts_answered, TX, "NTS answered, authenticated") \
	X(nak_key_unknown, TX, "NTS NAK: cookie of a key that is gone") \
	X(nak_bad_cookie, TX, "NTS NAK: cookie does not open") \
	X(nak_bad_tag, TX, "NTS NAK: request does not verify")

enum xnts_verdict {
#define X(name, action, meaning) XNTS_V_##name,
	XNTS_VERDICTS(X)
#undef X
	XNTS_VERDICT_COUNT
};

/* What a verdict counts, and beside it what an answer was, in packets. */
struct xnts_counters {
#define X(name, action, meaning) __u64 name;
	XNTS_VERDICTS(X)
#undef X
	__u64 cookies_issued;   /* new cookies in all NTS answers */
	__u64 unsynchronised;   /* answers that said so */
	__u64 software_stamps;  /* answers whose receive time is the program's start */
	__u64 hardware_stamps;  /* answers whose receive time is the NIC's */
	__u64 refused_stamps;   /* of the software ones: the NIC had a stamp that made no sense */
};
#define XNTS_COUNTERS (sizeof(struct xnts_counters) / sizeof(__u64))
_Static_assert(XNTS_COUNTERS == XNTS_VERDICT_COUNT + 5, "counters follow the verdicts");

/*
 * NTS-KE outcomes: X(name, meaning).  One entry of the map a worker, one writer
 * an entry; a reader adds them up.
 */
#define XNTS_KE_COUNTERS(X) \
	X(accepted, "TCP connections taken") \
	X(refused_full, "closed at once: connection limit") \
	X(refused_prefix, "closed at once: limit of the source's prefix") \
	X(refused_rate, "closed at its first byte: rate of the source's prefix") \
	X(tls_failed, "TLS that failed otherwise: broken messages, internal errors") \
	X(tls_none, "what came is no TLS") \
	X(tls_version, "TLS clients without version 1.3") \
	X(tls_no_common, "TLS clients without a cipher, group or signature in common") \
	X(tls_alert, "TLS clients that refused, for example our certificate") \
	X(tls_too_long, "TLS handshakes of too many bytes") \
	X(no_alpn, "TLS clients without ALPN ntske/1") \
	X(timed_out, "connections ended by their time limit") \
	X(answered, "answers with cookies") \
	X(error_critical, "error record 0: unrecognized critical record") \
	X(error_request, "error record 1: bad request") \
	X(error_internal, "error record 2: internal server error") \
	X(no_protocol, "answers without a protocol in common") \
	X(no_aead, "answers without an AEAD in common") \
	X(aborted, "connections that the client ended before its answer") \
	X(cookies_issued, "cookies in all answers") \
	X(worker_starts, "times this worker was started")

struct xnts_ke_counters {
#define X(name, meaning) __u64 name;
	XNTS_KE_COUNTERS(X)
#undef X
};
#define XNTS_KE_WORKERS 64 /* entries of ke_counters */

/* Written by the daemon once a second, for those who look without asking it. */
struct xnts_ke_state {
	__u64 mono;      /* CLOCK_MONOTONIC ns when this was written; 0: never */
	__s64 expires;   /* UTC, s since 1970: the first certificate of the chain ends; 0: unknown */
	__s64 switch_at; /* UTC, s since 1970: the next cookie key seals; 0: none is known */
	__u32 epoch;     /* s that a cookie key seals */
	__u32 workers;   /* processes there should be; 0: NTS-KE is not served here */
	__u32 ready;     /* of them, those that take connections */
	__u32 mute;      /* ifindex of an interface whose driver sends no answer; 0: none */
	__u32 keys_refused; /* 1: the keys' state file is not the one in use */
	__u32 pad;
};
_Static_assert(sizeof(struct xnts_ke_state) == 48, "xnts_ke_state is ABI");

/* What the daemon did: X(name, meaning). */
#define XNTS_DAEMON_COUNTERS(X) \
	X(daemon_starts, "daemons that began to serve with these maps") \
	X(reloads, "reloads that took the configuration") \
	X(reloads_refused, "reloads that refused the configuration") \
	X(links_reattached, "links made anew after their device went away")

struct xnts_daemon_counters {
#define X(name, meaning) __u64 name;
	XNTS_DAEMON_COUNTERS(X)
#undef X
};

/* The counters' names, in the order of the structs; what follows the last is empty. */
#define XNTS_NAMES 128
#define XNTS_NAME_LEN 32

struct xnts_names {
	char packet[XNTS_NAMES][XNTS_NAME_LEN]; /* of struct xnts_counters */
	char ke[XNTS_NAMES][XNTS_NAME_LEN];     /* of struct xnts_ke_counters */
	char daemon[XNTS_NAMES][XNTS_NAME_LEN]; /* of struct xnts_daemon_counters */
};
_Static_assert(XNTS_COUNTERS <= XNTS_NAMES, "every counter has a name");

/* ---- latency ------------------------------------------------------------ */

/*
 * Time in the program, from its first instruction to the verdict, of what was answered.  Filled
 * only by a program loaded with xnts_latency_on (maps.h); starts anew with another ABI version.
 * bucket[i] counts times above XNTS_LATENCY_BOUND(i - 1) up to XNTS_LATENCY_BOUND(i) ns: 64, 96,
 * 128, 192 ... 131072; the last one has no upper bound.
 */
#define XNTS_LATENCY_BUCKETS 24
#define XNTS_LATENCY_BOUND(i) (((i) & 1 ? 96ULL : 64ULL) << (i) / 2)

struct xnts_histogram {
	__u64 sum; /* ns */
	__u64 bucket[XNTS_LATENCY_BUCKETS];
};

struct xnts_latency {
	struct xnts_histogram plain; /* NTP, kisses of death among it */
	struct xnts_histogram nts;
	struct xnts_histogram nak;
};
_Static_assert(sizeof(struct xnts_latency) == 600, "xnts_latency is ABI");

/* ---- limits of the packet path ------------------------------------------ */

#define XNTS_MAX_PAYLOAD 1472 /* UDP payload bytes; a longer request is malformed */
#define XNTS_MAX_COOKIES 8    /* in one answer: 1 and up to 7 placeholders */
#define XNTS_COOKIE_LEN 88    /* bytes, see cookie.h */

#endif /* XNTS_ABI_H */
