// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "options.h"

#define SOCKETS_MAX 1000

const char *const load_kind_names[LOAD_KINDS] = {
	"plain", "nts", "mixed", "bad-cookie", "bad-tag", "garbage", "replay",
};

static const char usage[] =
	"usage: load [OPTION...] INTERFACE SERVER\n"
	"\n"
	"Sends NTP requests to SERVER (IPv4 address[:port]) out of INTERFACE, the client's end of a\n"
	"veth pair, and counts what comes back: one line of KEY=VALUE words a run.  Both ends need\n"
	"an XDP program; the one of INTERFACE is put back at the end.  Exit status 0: nothing was\n"
	"wrong with the answers that were verified, and none stray; 1: something was; 2: trouble.\n"
	"\n"
	"what is asked\n"
	"  -k, --kind KIND      plain, nts, mixed; attacks: bad-cookie, bad-tag, garbage (both),\n"
	"                       replay (plain)\n"
	"  -K, --keys FILE      xntsd's key state, to make cookies: each request an association\n"
	"  -E, --ke HOST:PORT   cookies from NTS-KE (before --keys);  -C, --ca FILE: CA it is trusted by\n"
	"      --sessions N     of NTS-KE (16)\n"
	"  -n, --requests N     distinct requests (100000; replay: 1)\n"
	"      --placeholders N in each NTS request (0)\n"
	"  -s, --sources N      source addresses, in turn (100000; with sockets they must be\n"
	"                       the host's, and without this it chooses)\n"
	"      --from ADDRESS   the first of them (10.0.0.0)\n"
	"\n"
	"how\n"
	"  -r, --rate N         requests a second; without it, the next are sent when answers come\n"
	"  -w, --window N       requests under way at most (256 without a rate, no limit\n"
	"                       with one; 256 is what a veth holds)\n"
	"  -t, --seconds S      (5);  -u, --until FILE: earlier, when FILE exists\n"
	"  -S, --search         find the highest rate with no loss, then try twice that; live frames are\n"
	"                       paced (--pace)\n"
	"      --loss PERCENT   that counts as none (0)\n"
	"  -l, --latency        measure response times\n"
	"  -v, --verify N       verify one in N answers down to the new cookies (1000; 0: none)\n"
	"  -U, --udp            sockets, sendmmsg, instead of live XDP frames\n"
	"  -b, --batch N        frames sent at once (64)\n"
	"  -p, --pace           send requests one by one at equal distances: takes a whole CPU, and the\n"
	"                       interface's NAPI must run ahead of it or elsewhere\n"
	"  -c, --cpu N          stay on this CPU\n"
	"  -h, --help\n";

static void wrong(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(2);
}

static double number(const char *name, const char *text, double min, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max)) {
		fprintf(stderr, "load: %s: \"%s\" is not a number from %.0f to %.0f\n", name, text, min,
			max);
		exit(2);
	}
	return v;
}

static enum load_kind kind_of(const char *name)
{
	int i;

	for (i = 0; i < LOAD_KINDS; i++)
		if (!strcmp(name, load_kind_names[i]))
			return i;
	wrong(name, "not a kind of request");
	return LOAD_PLAIN;
}

static uint32_t address(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		wrong(text, "not an IPv4 address");
	return ntohl(in.s_addr);
}

static void set_server(struct options *o, char *text)
{
	char *colon = strchr(text, ':');

	if (colon) {
		*colon = 0;
		o->port = number("port", colon + 1, 1, 65535);
	}
	o->server = address(text);
}

/* ---- the interface ----------------------------------------------------------- */

static void own_mac(struct options *o, int fd)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, o->interface, IF_NAMESIZE);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		wrong(o->interface, strerror(errno));
	memcpy(o->own_mac, ifr.ifr_hwaddr.sa_data, 6);
}

/* From the ARP table, which a datagram to the discard port fills. */
static void server_mac(struct options *o, int fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(o->server) };
	struct arpreq arp = { 0 };
	int tries;

	memcpy(&arp.arp_pa, &to, sizeof(to));
	memcpy(arp.arp_dev, o->interface, sizeof(arp.arp_dev) - 1);
	for (tries = 0; tries < 50; tries++) {
		sendto(fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to));
		usleep(20000);
		if (!ioctl(fd, SIOCGARP, &arp) && arp.arp_flags & 2 /* ATF_COM */)
			break;
	}
	if (tries == 50)
		wrong(o->interface, "no MAC address of the server in the ARP table");
	memcpy(o->server_mac, arp.arp_ha.sa_data, 6);
}

static void look_up(struct options *o)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	o->ifindex = if_nametoindex(o->interface);
	if (fd < 0 || !o->ifindex)
		wrong(o->interface, strerror(errno));
	own_mac(o, fd);
	server_mac(o, fd);
	close(fd);
}

/* ---- command line ------------------------------------------------------------ */

enum { OPT_SESSIONS = 256, OPT_PLACEHOLDERS, OPT_FROM, OPT_LOSS };

static const struct option longopts[] = {
	{ "kind", required_argument, NULL, 'k' },
	{ "keys", required_argument, NULL, 'K' },
	{ "ke", required_argument, NULL, 'E' },
	{ "ca", required_argument, NULL, 'C' },
	{ "sessions", required_argument, NULL, OPT_SESSIONS },
	{ "requests", required_argument, NULL, 'n' },
	{ "placeholders", required_argument, NULL, OPT_PLACEHOLDERS },
	{ "sources", required_argument, NULL, 's' },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "rate", required_argument, NULL, 'r' },
	{ "window", required_argument, NULL, 'w' },
	{ "seconds", required_argument, NULL, 't' },
	{ "until", required_argument, NULL, 'u' },
	{ "search", no_argument, NULL, 'S' },
	{ "loss", required_argument, NULL, OPT_LOSS },
	{ "latency", no_argument, NULL, 'l' },
	{ "verify", required_argument, NULL, 'v' },
	{ "udp", no_argument, NULL, 'U' },
	{ "pace", no_argument, NULL, 'p' },
	{ "batch", required_argument, NULL, 'b' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void set_what(struct options *o, int opt, char *arg)
{
	switch (opt) {
	case 'k': o->kind = kind_of(arg); break;
	case 'K': o->keys = arg; break;
	case 'E': o->ke = arg; break;
	case 'C': o->ca = arg; break;
	case OPT_SESSIONS: o->sessions = number("--sessions", arg, 1, 100000); break;
	case 'n': o->requests = number("--requests", arg, 1, 1000000); break;
	case OPT_PLACEHOLDERS: o->placeholders = number("--placeholders", arg, 0, 2); break;
	case 's': o->sources = number("--sources", arg, 1, 1 << 24); break;
	case OPT_FROM: o->source_base = address(arg); break;
	default: exit(2);
	}
}

static void set_how(struct options *o, int opt, char *arg)
{
	switch (opt) {
	case 'r': o->rate = number("--rate", arg, 0, 1e8); break;
	case 'w':
		o->window = number("--window", arg, 1, 1 << 20);
		o->capped = true;
		break;
	case 't': o->seconds = number("--seconds", arg, 0, 1e6); break;
	case 'u': o->until = arg; break;
	case 'S': o->search = true; break;
	case OPT_LOSS: o->loss = number("--loss", arg, 0, 100); break;
	case 'l': o->times = true; break;
	case 'v': o->verify = number("--verify", arg, 0, 1e9); break;
	case 'U': o->udp = true; break;
	case 'p': o->pace = true; break;
	case 'b': o->batch = number("--batch", arg, 1, 256); break;
	case 'c': o->cpu = number("--cpu", arg, 0, 1023); break;
	case 'h': fputs(usage, stdout); exit(0);
	default: set_what(o, opt, arg);
	}
}

static void check(struct options *o)
{
	if (o->kind != LOAD_PLAIN && !o->keys && !o->ke)
		wrong(load_kind_names[o->kind], "needs --keys or --ke");
	if (o->kind == LOAD_REPLAY)
		o->requests = 1;
	if (o->udp && o->pace)
		wrong("--pace", "not with --udp");
	if (o->udp && o->sources > SOCKETS_MAX)
		wrong("--udp", "has 1000 sources at most");
	if (o->search && !o->udp)
		o->pace = true; /* thousands of test runs a second get into each other's way (engine_xdp.c) */
	if (!o->udp && !o->sources)
		o->sources = 100000;
}

void options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	*o = (struct options){ .port = 123, .sessions = 16, .requests = 100000, .magic = LOAD_MAGIC | (getpid() & 0xffff),
			       .source_base = 0x0a000000, .seconds = 5, .window = 256, .batch = 64,
			       .verify = 1000, .cpu = -1 };
	while ((opt = getopt_long(argc, argv, "k:K:E:C:n:s:r:w:t:u:Slv:Upb:c:h", longopts, NULL)) != -1)
		set_how(o, opt, optarg);
	if (argc - optind != 2) {
		fputs(usage, stderr);
		exit(2);
	}
	snprintf(o->interface, sizeof(o->interface), "%s", argv[optind]);
	set_server(o, argv[optind + 1]);
	check(o);
	look_up(o);
}
