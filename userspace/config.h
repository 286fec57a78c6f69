/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file, /etc/xnts/xnts.conf, as xnts.conf(5) describes it.
 *
 * One table (config_table) names every key, its default, what is expected of it
 * and where its value goes; loading, the error texts, the manual page's test and
 * the unit tests all walk that table.
 */
#ifndef XNTS_CONFIG_H
#define XNTS_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "log.h"
#include "xnts_abi.h"

#define CONFIG_PATH "/etc/xnts/xnts.conf"

#define CONFIG_INTERFACES 32
#define CONFIG_PREFIXES 256
#define CONFIG_LISTENERS 16
#define CONFIG_NAME 256 /* bytes of a host or account name, with its 0 */

/* An IPv4 or IPv6 address and a port, ready for bind() and connect(). */
struct config_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

struct config_prefix {
	sa_family_t family;  /* AF_INET or AF_INET6 */
	uint8_t prefixlen;   /* bits */
	uint8_t addr[16];    /* network byte order; 4 bytes used for AF_INET */
};

/* Lists: `count` items from item[0] on. */
struct config_interfaces {
	unsigned int count;
	char item[CONFIG_INTERFACES][IFNAMSIZ];
};

struct config_ports {
	unsigned int count;
	uint16_t item[XNTS_PORTS]; /* host byte order */
};

struct config_prefixes {
	unsigned int count; /* 0 when automatic */
	bool automatic;     /* the host's own addresses (RTN_LOCAL) */
	struct config_prefix item[CONFIG_PREFIXES];
};

struct config_macs {
	unsigned int count;
	uint8_t item[XNTS_MACS][6];
};

/* One certificate's files. */
struct config_certificate {
	char chain[PATH_MAX];
	char key[PATH_MAX];
};

#define CONFIG_CERTIFICATES 8

struct config_certificates {
	unsigned int count;
	struct config_certificate item[CONFIG_CERTIFICATES - 1];
};

struct config_addresses {
	unsigned int count;
	struct config_address item[CONFIG_LISTENERS];
};

/* [ntp] mode */
enum config_mode { CONFIG_MODE_AUTO, CONFIG_MODE_NATIVE, CONFIG_MODE_GENERIC };

struct ntp_config {
	struct config_interfaces interfaces; /* may be empty: attached by script */
	int mode;                            /* enum config_mode */
	struct config_ports ports;           /* at least one */
	struct config_prefixes addresses;
	struct config_macs macs;             /* besides the NICs' own */
	bool next_hop_fib;                   /* else MACs are swapped */
	bool pass_symmetric;
	bool pass_control;
	uint32_t nak_rate;                   /* NTS NAKs a second and CPU; 0: none */
	uint32_t ttl;                        /* 1-255 */
};

struct limits_config {
	uint32_t nts_budget;            /* per cent of each CPU's time; 0: no limit */
	uint32_t plain_interval;        /* ms between requests of a source; 0: no limit */
	uint32_t plain_burst;           /* requests */
	uint32_t nts_interval;          /* likewise, of NTS that verified */
	uint32_t nts_burst;
	uint32_t kod;                   /* one in so many over the limit is told; 0: none */
	uint32_t ceiling;               /* answers a second of all CPUs; 0: no limit */
	bool require_nts;
	struct config_prefixes allow;   /* sources; never automatic */
	struct config_prefixes refuse;
	char allow_file[PATH_MAX];      /* "": none */
	char refuse_file[PATH_MAX];
	bool refuse_unlisted;
};

struct ke_config {
	bool enabled;
	struct config_addresses listen;
	char certificate[PATH_MAX];     /* set when enabled */
	char key[PATH_MAX];             /* set when enabled */
	struct config_certificates more; /* for other names */
	uint32_t workers;               /* 0: one a core */
	char user[CONFIG_NAME];
	uint32_t max_connections;       /* a worker */
	uint32_t max_per_prefix;        /* a worker */
	uint32_t rate;                  /* handshakes a second, of a prefix and worker; 0: no limit */
	uint32_t burst;
	uint32_t prefix4;               /* bits */
	uint32_t prefix6;               /* bits, at most 64 */
	uint32_t max_bytes;             /* from a client */
	uint32_t handshake_timeout;     /* s */
	uint32_t request_timeout;       /* s */
	char ntp_server[CONFIG_NAME];   /* "": not told to clients */
	uint32_t ntp_port;              /* 0: not told to clients */
};

struct keys_config {
	char state[PATH_MAX];
	uint32_t epoch;    /* s */
	uint32_t keep;     /* old epochs; keep + 1 + preload <= XNTS_KEY_RING */
	uint32_t preload;  /* future epochs */
};

enum config_source {
	CONFIG_SOURCE_AUTO,
	CONFIG_SOURCE_NTP,
	CONFIG_SOURCE_CHRONYC,
	CONFIG_SOURCE_KERNEL,
	CONFIG_SOURCE_LOCAL,
};

struct config_clock_source {
	int kind;                      /* enum config_source */
	struct config_address address; /* of CONFIG_SOURCE_NTP; port 123 unless given */
};

/* [clock] hardware_stamps */
enum config_hardware { CONFIG_HARDWARE_AUTO, CONFIG_HARDWARE_ON, CONFIG_HARDWARE_OFF };

struct clock_config {
	struct config_clock_source source;
	uint32_t stratum;            /* 1-15, for kernel and local */
	uint8_t refid[4];            /* wire, zero padded, for kernel and local */
	uint32_t hold;               /* s */
	int32_t receive_correction;  /* ns */
	int32_t transmit_correction; /* ns */
	int hardware_stamps;         /* enum config_hardware */
	int32_t hardware_correction; /* ns */
};

struct metrics_config {
	struct config_address listen; /* len 0: not served */
	bool latency;                 /* the program keeps histograms */
};

struct log_config {
	int level; /* enum log_level */
};

enum config_role { CONFIG_ROLE_BOTH, CONFIG_ROLE_KE, CONFIG_ROLE_NTP };

struct server_config {
	int role; /* enum config_role; the other sections are made to fit it */
};

#define CONFIG_KEYS 80 /* at most */

struct config {
	struct server_config server;
	struct ntp_config ntp;
	struct limits_config limits;
	struct ke_config ke;
	struct keys_config keys;
	struct clock_config clock;
	struct metrics_config metrics;
	struct log_config log;
	/* where it comes from */
	const char *path;      /* the caller's */
	int line[CONFIG_KEYS]; /* where each key of config_table begins, from 1; 0: nowhere */
};

/* One line for a person: "FILE:LINE: [section] key: what is wrong, what is expected". */
struct config_error {
	char text[1024];
};

/*
 * Reads `path` into *out: defaults first, then what the file says.
 * Returns 0; -EINVAL when the file's content is refused; another -errno when the
 * file cannot be read.  With an error *out is not to be used and err->text is set.
 * No heap is kept: a struct config is copied and dropped like any other value
 * (about 100 kB; static, not on the stack).
 */
int config_load(const char *path, struct config *out, struct config_error *err);

/*
 * "FILE:LINE: [section] key", or "FILE: [section] key" where the file has no such line: how errors
 * begin that are found when a value is used.  Into `text`, CONFIG_WHERE bytes, which it returns.
 */
#define CONFIG_WHERE (PATH_MAX + 64)
const char *config_where(const struct config *cfg, const char *section, const char *name, char *text);

/* ---- the table ---------------------------------------------------------- */

struct config_entry {
	const char *section;
	const char *name;
	/* Stores a value at `to`, or adds a word to the list there.  NULL, or what is wrong. */
	const char *(*parse)(const struct config_entry *entry, const char *value, void *to);
	size_t offset;         /* of the value in struct config */
	bool list;             /* space-separated words, each parsed by itself */
	const char *fallback;  /* the default, as it would stand in a file; "": may be empty */
	const char *expected;  /* for people: "a number from 1 to 255" */
	int64_t min, max;      /* of a number, or of a duration in seconds */
	const char *const *choices; /* of a word, NULL-ended; its index is stored */
};

extern const struct config_entry config_table[];
extern const size_t config_table_len;

#endif /* XNTS_CONFIG_H */
