/* SPDX-License-Identifier: GPL-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_value.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NTP_PORT 123

static const char list_full[] = "is one more than xnts has room for";
static const char out_of_range[] = "is out of range";

/* ---- words and numbers -------------------------------------------------- */

static int find_choice(const struct config_entry *entry, const char *value)
{
	for (int i = 0; entry->choices[i]; i++)
		if (!strcmp(entry->choices[i], value))
			return i;
	return -1;
}

const char *parse_choice(const struct config_entry *entry, const char *value, void *to)
{
	int choice = find_choice(entry, value);

	if (choice < 0)
		return "is not one of the words";
	*(int *)to = choice;
	return NULL;
}

const char *parse_switch(const struct config_entry *entry, const char *value, void *to)
{
	int choice = find_choice(entry, value);

	if (choice < 0)
		return "is not one of the words";
	*(bool *)to = choice == 1;
	return NULL;
}

/*
 * Decimal digits, perhaps after a '-'; *end is what follows them.  What int64_t cannot
 * hold becomes its bound, which is out of every key's range.
 */
static const char *read_number(const char *value, int64_t *number, const char **end)
{
	const char *digits = *value == '-' ? value + 1 : value;
	char *stop;

	if (!isdigit((unsigned char)*digits))
		return "is not a number";
	*number = strtoll(value, &stop, 10);
	*end = stop;
	return NULL;
}

static const char *read_bounded(const struct config_entry *entry, const char *value, int64_t *number)
{
	const char *end, *wrong = read_number(value, number, &end);

	if (wrong)
		return wrong;
	if (*end)
		return "is not a number";
	return *number < entry->min || *number > entry->max ? out_of_range : NULL;
}

const char *parse_number(const struct config_entry *entry, const char *value, void *to)
{
	int64_t number;
	const char *wrong = read_bounded(entry, value, &number);

	if (!wrong)
		*(uint32_t *)to = number;
	return wrong;
}

const char *parse_signed(const struct config_entry *entry, const char *value, void *to)
{
	int64_t number;
	const char *wrong = read_bounded(entry, value, &number);

	if (!wrong)
		*(int32_t *)to = number;
	return wrong;
}

static int64_t seconds_of_unit(const char *unit)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(units[i].name, unit))
			return units[i].seconds;
	return 0;
}

const char *parse_duration(const struct config_entry *entry, const char *value, void *to)
{
	int64_t number, unit;
	const char *end, *wrong = read_number(value, &number, &end);

	if (wrong)
		return wrong;
	unit = seconds_of_unit(end);
	if (!unit)
		return "is not a duration";
	if (__builtin_mul_overflow(number, unit, &number) || number < entry->min ||
	    number > entry->max)
		return out_of_range;
	*(uint32_t *)to = number;
	return NULL;
}

/* ---- texts -------------------------------------------------------------- */

static const char *copy_text(const char *value, char *to, size_t size)
{
	if (strlen(value) >= size)
		return "is too long";
	strcpy(to, value);
	return NULL;
}

const char *parse_path(const struct config_entry *entry, const char *value, void *to)
{
	(void)entry;
	if (value[0] != '/')
		return "is not an absolute path";
	return copy_text(value, to, PATH_MAX);
}

static bool is_graph(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

const char *parse_name(const struct config_entry *entry, const char *value, void *to)
{
	(void)entry;
	if (!is_graph(value))
		return "is not a name";
	return copy_text(value, to, CONFIG_NAME);
}

const char *parse_refid(const struct config_entry *entry, const char *value, void *to)
{
	(void)entry;
	if (!is_graph(value))
		return "is not printable ASCII";
	if (strlen(value) > 4)
		return "is too long";
	memset(to, 0, 4);
	memcpy(to, value, strlen(value));
	return NULL;
}

/* ---- addresses ---------------------------------------------------------- */

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

/* ---- words of the other lists ------------------------------------------- */

const char *parse_interface(const struct config_entry *entry, const char *value, void *to)
{
	struct config_interfaces *list = to;

	(void)entry;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	/* what the kernel's dev_valid_name() refuses */
	if (!is_graph(value) || strpbrk(value, "/:") || !strcmp(value, ".") || !strcmp(value, ".."))
		return "is not an interface name";
	if (copy_text(value, list->item[list->count], IFNAMSIZ))
		return "is too long for an interface name";
	list->count++;
	return NULL;
}

const char *parse_port(const struct config_entry *entry, const char *value, void *to)
{
	struct config_ports *list = to;
	int64_t number;
	const char *wrong = read_bounded(entry, value, &number);

	if (wrong)
		return wrong;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	list->item[list->count++] = number;
	return NULL;
}

/* Bits of addr from `from` on are all 0. */
static bool host_bits_clear(const uint8_t *addr, unsigned int from, unsigned int bits)
{
	for (unsigned int bit = from; bit < bits; bit++)
		if (addr[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

/* "ADDRESS/LENGTH", or an address alone for itself. */
static const char *read_prefix(const char *value, struct config_prefix *prefix)
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

const char *parse_prefix(const struct config_entry *entry, const char *value, void *to)
{
	struct config_prefixes *list = to;
	const char *wrong;

	(void)entry;
	if (list->automatic || (list->count && !strcmp(value, "auto")))
		return "cannot stand beside \"auto\" or \"auto\" beside it";
	if (!strcmp(value, "auto")) {
		list->automatic = true;
		return NULL;
	}
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	wrong = read_prefix(value, &list->item[list->count]);
	if (!wrong)
		list->count++;
	return wrong;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *parse_mac(const struct config_entry *entry, const char *value, void *to)
{
	static const uint8_t zero[6];
	struct config_macs *list = to;
	uint8_t mac[6];

	(void)entry;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	if (strlen(value) != sizeof("xx:xx:xx:xx:xx:xx") - 1)
		return "is not a MAC address";
	for (int i = 0; i < 6; i++, value += 3) {
		int high = hex_digit(value[0]), low = hex_digit(value[1]);

		if (high < 0 || low < 0 || value[2] != (i < 5 ? ':' : 0))
			return "is not a MAC address";
		mac[i] = high << 4 | low;
	}
	if ((mac[0] & 1) || !memcmp(mac, zero, 6))
		return "is not a unicast MAC address";
	memcpy(list->item[list->count++], mac, 6);
	return NULL;
}
