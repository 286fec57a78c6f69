/* SPDX-License-Identifier: GPL-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_value.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

const char list_full[] = "is one more than xnts has room for";
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

const char *read_bounded(const struct config_entry *entry, const char *value, int64_t *number)
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

static int64_t ms_of_unit(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "", 1000 },	{ "ms", 1 },	   { "s", 1000 },
		      { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(units[i].name, unit))
			return units[i].ms;
	return 0;
}

/* A time in ms. */
static const char *read_time(const char *value, int64_t *ms)
{
	int64_t number, unit;
	const char *end, *wrong = read_number(value, &number, &end);

	if (wrong)
		return wrong;
	unit = ms_of_unit(end);
	if (!unit)
		return "is not a duration";
	return __builtin_mul_overflow(number, unit, ms) ? out_of_range : NULL;
}

const char *parse_duration(const struct config_entry *entry, const char *value, void *to)
{
	int64_t ms;
	const char *wrong = read_time(value, &ms);

	if (wrong)
		return wrong;
	if (ms % 1000)
		return "is not in whole seconds";
	if (ms / 1000 < entry->min || ms / 1000 > entry->max)
		return out_of_range;
	*(uint32_t *)to = ms / 1000;
	return NULL;
}

const char *parse_interval(const struct config_entry *entry, const char *value, void *to)
{
	int64_t ms;
	const char *wrong = read_time(value, &ms);

	if (wrong)
		return wrong;
	if (ms < entry->min || ms > entry->max)
		return out_of_range;
	*(uint32_t *)to = ms;
	return NULL;
}

/* ---- texts -------------------------------------------------------------- */

const char *copy_text(const char *value, char *to, size_t size)
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

const char *parse_certificate(const struct config_entry *entry, const char *value, void *to)
{
	struct config_certificates *list = to;
	const char *colon = strchr(value, ':');
	struct config_certificate *item;

	(void)entry;
	if (list->count == ARRAY_LEN(list->item))
		return list_full;
	if (value[0] != '/' || !colon || colon[1] != '/')
		return "is not two absolute paths with a ':' between";
	item = &list->item[list->count];
	if (strlen(value) >= PATH_MAX)
		return "is too long";
	memcpy(item->chain, value, (size_t)(colon - value));
	item->chain[colon - value] = 0;
	strcpy(item->key, colon + 1);
	list->count++;
	return NULL;
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
