/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration values that are addresses, with ports or prefix lengths. */
#include <arpa/inet.h>
#include <string.h>

#include "config.h"
#include "config_value.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NTP_PORT 123

/* ---- with ports ---------------------------------------------------------- */

static bool read_ip(const char *text, struct config_address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
		address->in.sin_family = AF_INET;
		address->len = sizeof(address->in);
		return true;
	}
	if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
		address->in6.sin6_family = AF_INET6;
		address->len = sizeof(address->in6);
		return true;
	}
	return false;
}

static void set_port(struct config_address *address, uint16_t port)
{
	if (address->sa.sa_family == AF_INET)
		address->in.sin_port = htons(port);
	else
		address->in6.sin6_port = htons(port);
}

/*
 * Splits "192.0.2.1:4460" and "[2001:db8::1]:4460" in place; *port is NULL without a
 * port.  More than one ':' and no '[': a bare IPv6 address.  False: a bracket is amiss.
 */
static bool split_port(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');

	*host = text;
	*port = NULL;
	if (text[0] == '[') {
		char *close = strchr(text, ']');

		/* brackets are for IPv6 alone: RFC 3986 3.2.2 */
		if (!close || (close[1] && close[1] != ':') || !memchr(text, ':', close - text))
			return false;
		*host = text + 1;
		*port = close[1] ? close + 2 : NULL;
		*close = 0;
	} else if (colon && strchr(text, ':') == colon) {
		*port = colon + 1;
		*colon = 0;
	}
	return true;
}

/* default_port 0: the text must name a port. */
static const char *read_endpoint(const char *value, uint16_t default_port,
				 struct config_address *address)
{
	static const struct config_entry bounds = { .min = 1, .max = 65535 };
	char text[INET6_ADDRSTRLEN + sizeof("[]:65535")], *host, *port;
	int64_t number = default_port;

	if (copy_text(value, text, sizeof(text)) || !split_port(text, &host, &port) ||
	    !read_ip(host, address))
		return "is not an IP address (names are not looked up)";
	if (!port && !default_port)
		return "lacks a port";
	if (port && read_bounded(&bounds, port, &number))
		return "has no port from 1 to 65535";
	set_port(address, number);
	return NULL;
}

const char *parse_listener(const struct config_entry *entry, const char *value, void *to)
{
	struct config_addresses *list = to;
	const char *wrong;

	(void)entry;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	wrong = read_endpoint(value, 0, &list->item[list->count]);
	if (!wrong)
		list->count++;
	return wrong;
}

const char *parse_address(const struct config_entry *entry, const char *value, void *to)
{
	(void)entry;
	return read_endpoint(value, 0, to);
}

const char *parse_source(const struct config_entry *entry, const char *value, void *to)
{
	struct config_clock_source *source = to;

	memset(source, 0, sizeof(*source));
	if (!strncmp(value, "ntp ", 4)) {
		source->kind = CONFIG_SOURCE_NTP;
		return read_endpoint(value + 4 + strspn(value + 4, " \t"), NTP_PORT,
				     &source->address);
	}
	if (!strcmp(value, "ntp"))
		return "lacks the server's address";
	return parse_choice(entry, value, &source->kind);
}

/* ---- prefixes ------------------------------------------------------------ */

/* Bits of addr from `from` on are all 0. */
static bool host_bits_clear(const uint8_t *addr, unsigned int from, unsigned int bits)
{
	for (unsigned int bit = from; bit < bits; bit++)
		if (addr[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

const char *read_prefix(const char *value, struct config_prefix *prefix)
{
	struct config_entry bounds = { .min = 0 };
	char text[INET6_ADDRSTRLEN + sizeof("/128")], *slash;
	struct config_address address;
	int64_t len;

	if (copy_text(value, text, sizeof(text)))
		return "is not an address or prefix";
	slash = strchr(text, '/');
	if (slash)
		*slash++ = 0;
	if (!read_ip(text, &address))
		return "is not an address or prefix";
	memset(prefix, 0, sizeof(*prefix));
	prefix->family = address.sa.sa_family;
	if (prefix->family == AF_INET)
		memcpy(prefix->addr, &address.in.sin_addr, 4);
	else
		memcpy(prefix->addr, &address.in6.sin6_addr, 16);
	len = bounds.max = prefix->family == AF_INET ? 32 : 128;
	if (slash && read_bounded(&bounds, slash, &len))
		return "has a wrong prefix length";
	prefix->prefixlen = len;
	return host_bits_clear(prefix->addr, len, bounds.max) ? NULL :
								"has bits set beyond its length";
}

const char *parse_listed(const struct config_entry *entry, const char *value, void *to)
{
	struct config_prefixes *list = to;
	const char *wrong;

	(void)entry;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	wrong = read_prefix(value, &list->item[list->count]);
	if (!wrong)
		list->count++;
	return wrong;
}

const char *parse_prefix(const struct config_entry *entry, const char *value, void *to)
{
	struct config_prefixes *list = to;

	if (list->automatic || (list->count && !strcmp(value, "auto")))
		return "cannot stand beside \"auto\" or \"auto\" beside it";
	if (!strcmp(value, "auto")) {
		list->automatic = true;
		return NULL;
	}
	return parse_listed(entry, value, to);
}
