/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsers of configuration values, the `parse` of config_table's rows: each reads
 * one value, or one word of a list, and writes the type that its comment names.
 * They return NULL, or what is wrong as the end of a sentence: "is not a number".
 */
#ifndef XNTS_CONFIG_VALUE_H
#define XNTS_CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

struct config_entry;
struct config_prefix;

#define PARSER(name) const char *name(const struct config_entry *entry, const char *value, void *to)

PARSER(parse_choice);    /* int: index in entry->choices */
PARSER(parse_switch);    /* bool: entry->choices[1] is true */
PARSER(parse_number);    /* uint32_t */
PARSER(parse_signed);    /* int32_t */
PARSER(parse_duration);  /* uint32_t, s; suffixes s m h d */
PARSER(parse_interval);  /* uint32_t, ms; suffixes ms s m h d */
PARSER(parse_path);      /* char[PATH_MAX], absolute */
PARSER(parse_certificate); /* struct config_certificates */
PARSER(parse_name);      /* char[CONFIG_NAME], printable ASCII without spaces */
PARSER(parse_refid);     /* uint8_t[4], zero padded */
PARSER(parse_source);    /* struct config_clock_source */
PARSER(parse_interface); /* struct config_interfaces */
PARSER(parse_port);      /* struct config_ports */
PARSER(parse_prefix);    /* struct config_prefixes, automatic for "auto" */
PARSER(parse_listed);    /* struct config_prefixes, never automatic */
PARSER(parse_mac);       /* struct config_macs */
PARSER(parse_listener);  /* struct config_addresses */
PARSER(parse_address);   /* struct config_address */

#undef PARSER

/* ---- what parsers are made of; likewise NULL or what is wrong ------------ */

extern const char list_full[];

/* A decimal number from entry->min to entry->max. */
const char *read_bounded(const struct config_entry *entry, const char *value, int64_t *number);
const char *copy_text(const char *value, char *to, size_t size);

/* "ADDRESS/LENGTH", or an address alone for itself. */
const char *read_prefix(const char *value, struct config_prefix *prefix);

#endif /* XNTS_CONFIG_VALUE_H */
