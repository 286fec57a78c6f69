/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_LOAD_OPTIONS_H
#define XNTS_LOAD_OPTIONS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum load_kind {
	LOAD_PLAIN,
	LOAD_NTS,
	LOAD_MIXED,      /* plain and NTS in turn */
	LOAD_BAD_COOKIE, /* NTS of a genuine key id whose cookie does not open */
	LOAD_BAD_TAG,    /* NTS with a good cookie that does not verify */
	LOAD_GARBAGE,    /* these two in turn */
	LOAD_REPLAY,     /* one valid NTS request for ever */
	LOAD_KINDS
};

struct options {
	char interface[IF_NAMESIZE];
	int ifindex;
	uint8_t own_mac[6], server_mac[6];
	uint32_t server;      /* IPv4, machine order */
	uint16_t port;
	enum load_kind kind;
	const char *keys;     /* state file of xntsd, or NULL */
	const char *ke, *ca;  /* HOST:PORT of NTS-KE, CA file, or NULL */
	uint32_t sessions;    /* of NTS-KE */
	uint32_t requests;    /* distinct ones */
	uint32_t placeholders;
	uint32_t source_base; /* machine order */
	uint32_t sources;     /* with sockets: 0, or as many sockets */
	uint32_t magic;       /* LOAD_MAGIC, and which run this is */
	bool udp;             /* sockets instead of live frames */
	bool pace;            /* live frames are sent one by one, by the clock */
	bool search;
	bool times;           /* measure response times */
	double rate;          /* a second; 0: closed loop */
	double seconds;
	uint32_t window;      /* requests under way at most: closed loop, */
	bool capped;          /* and at a rate, too */
	uint32_t batch;       /* frames the kernel sends at once */
	uint32_t verify;      /* answers to verify in a run */
	double loss;          /* per cent that a search lets pass */
	int cpu;              /* -1: any */
	const char *until;    /* stop when this file exists */
};

extern const char *const load_kind_names[LOAD_KINDS];

/* Exits with a message when the command line is wrong. */
void options_parse(struct options *o, int argc, char **argv);

#endif /* XNTS_LOAD_OPTIONS_H */
