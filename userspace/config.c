/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* getline(), fopen() with "e" */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_value.h"

#define MAX_LINE 200 /* bytes with newline and 0: what inih's buffer holds unless built otherwise */

/* ---- loading ------------------------------------------------------------ */

struct loader {
	const char *path;
	FILE *file;
	struct config *config;
	struct config_error *err; /* text[0] set: loading has failed */
	int line;                 /* the one read last, from 1 */
	int failed_line;          /* the one err->text is about */
	bool indented;            /* it began with white space */
	const struct config_entry *last; /* the key above, if the section goes on */
};

/* Keeps the first error: later ones are often its consequences. */
__attribute__((format(printf, 2, 3))) static void fail(struct loader *loader, const char *format,
						       ...)
{
	struct config_error *err = loader->err;
	va_list args;
	int at;

	if (err->text[0])
		return;
	loader->failed_line = loader->line;
	if (loader->line)
		at = snprintf(err->text, sizeof(err->text), "%s:%d: ", loader->path, loader->line);
	else
		at = snprintf(err->text, sizeof(err->text), "%s: ", loader->path);
	if (at >= (int)sizeof(err->text))
		return;
	va_start(args, format);
	vsnprintf(err->text + at, sizeof(err->text) - at, format, args);
	va_end(args);
}

/*
 * fgets() for inih.  inih tells its handler no line numbers unless built so
 * (Debian's is not), goes on with the rest of a line that is longer than its buffer as if
 * that were a line, and cannot tell a doubled key from a continued one.
 */
static char *read_line(char *buffer, int size, void *stream)
{
	struct loader *loader = stream;
	char *line = NULL, *result = NULL;
	size_t room = 0;
	ssize_t len;

	if (loader->err->text[0])
		return NULL;
	len = getline(&line, &room, loader->file);
	if (len < 0)
		goto out;
	loader->line++;
	if (strlen(line) != (size_t)len) {
		fail(loader, "the line holds a zero byte; expected text");
		goto out;
	}
	if (len >= size || len >= MAX_LINE) {
		fail(loader, "the line is longer than %d characters; a list may go on in a line "
		     "that begins with a space", MAX_LINE - 2);
		goto out;
	}
	loader->indented = line[0] == ' ' || line[0] == '\t';
	if (line[strspn(line, " \t")] == '[')
		loader->last = NULL;
	result = memcpy(buffer, line, len + 1);
out:
	free(line);
	return result;
}

static const struct config_entry *find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_table_len; i++)
		if (!strcmp(config_table[i].section, section) && !strcmp(config_table[i].name, name))
			return &config_table[i];
	return NULL;
}

/* Lists what there is: keys of `section`, or sections when there is no such. */
static void fail_unknown(struct loader *loader, const char *section, const char *name)
{
	char known[512] = "", sections[128] = "";

	for (size_t i = 0; i < config_table_len; i++) {
		const struct config_entry *entry = &config_table[i];

		if (!i || strcmp(entry->section, config_table[i - 1].section))
			strcat(strcat(strcat(sections, " ["), entry->section), "]");
		if (!strcmp(entry->section, section))
			strcat(strcat(known, " "), entry->name);
	}
	if (known[0])
		fail(loader, "[%s] %s: unknown key; expected one of%s", section, name, known);
	else if (section[0])
		fail(loader, "[%s] %s: unknown section; expected one of%s", section, name, sections);
	else
		fail(loader, "[] %s: a key before any section; expected one of%s first", name,
		     sections);
}

static bool store_word(struct loader *loader, const struct config_entry *entry, const char *word)
{
	const char *wrong = entry->parse(entry, word, (char *)loader->config + entry->offset);

	if (wrong)
		fail(loader, "[%s] %s: \"%s\" %s%s; expected %s", entry->section, entry->name, word,
		     wrong, loader->indented ? " (an indented line continues the one above)" : "",
		     entry->expected);
	return !wrong;
}

static bool store_list(struct loader *loader, const struct config_entry *entry, const char *value)
{
	char words[MAX_LINE], *rest, *word;

	strcpy(words, value);
	for (word = strtok_r(words, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		if (!store_word(loader, entry, word))
			return false;
	return true;
}

static bool store(struct loader *loader, const struct config_entry *entry, const char *value)
{
	if (!value[0] && entry->fallback[0]) {
		fail(loader, "[%s] %s: is empty; expected %s", entry->section, entry->name,
		     entry->expected);
		return false;
	}
	if (!value[0])
		return true;
	return entry->list ? store_list(loader, entry, value) : store_word(loader, entry, value);
}

/* inih's handler: 1 to go on. */
static int take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct loader *loader = user;
	const struct config_entry *entry = find(section, name);
	int *line;

	if (!entry) {
		fail_unknown(loader, section, name);
		return 0;
	}
	line = &loader->config->line[entry - config_table];
	if (*line && !(entry->list && loader->indented && entry == loader->last)) {
		fail(loader, "[%s] %s: there is one in line %d already; expected it once", section,
		     name, *line);
		return 0;
	}
	if (!*line)
		*line = loader->line;
	loader->last = entry;
	return store(loader, entry, value);
}

/*
 * inih found its first error in `line`: the one already told of, or one of syntax, which
 * it passes over and which then comes before what was told.
 */
static void fail_syntax(struct loader *loader, int line)
{
	if (loader->failed_line > line)
		loader->err->text[0] = 0;
	loader->line = line;
	fail(loader, "the line makes no sense; expected [section], key = value or # comment");
}

static void store_defaults(struct loader *loader)
{
	loader->line = 0;
	loader->indented = false;
	for (size_t i = 0; i < config_table_len; i++)
		if (!loader->config->line[i])
			store(loader, &config_table[i], config_table[i].fallback);
}

/* Nobody would be answered. */
static void check_allowed(struct loader *loader)
{
	const struct limits_config *limits = &loader->config->limits;
	const struct config_entry *unlisted = find("limits", "unlisted");

	if (!limits->refuse_unlisted || limits->allow.count || limits->allow_file[0])
		return;
	loader->line = loader->config->line[unlisted - config_table];
	fail(loader, "[limits] unlisted: \"refuse\" refuses everybody; expected %s",
	     unlisted->expected);
}

/* The sections say how, the role what. */
static void apply_role(struct config *config)
{
	if (config->server.role == CONFIG_ROLE_KE)
		config->ntp.interfaces.count = 0;
	if (config->server.role == CONFIG_ROLE_NTP)
		config->ke.enabled = false;
}

/* What no single key can tell. */
static void check_whole(struct loader *loader)
{
	const struct ke_config *ke = &loader->config->ke;
	const char *missing = !ke->certificate[0] ? "certificate" : !ke->key[0] ? "key" : NULL;

	if (ke->enabled && missing)
		fail(loader, "[ke] %s: is missing; expected %s, or enabled = no", missing,
		     find("ke", missing)->expected);
	check_allowed(loader);
}

int config_load(const char *path, struct config *out, struct config_error *err)
{
	struct loader loader = { .path = path, .config = out, .err = err };
	int line, unreadable = 0;

	err->text[0] = 0;
	memset(out, 0, sizeof(*out));
	out->path = path;
	loader.file = fopen(path, "re");
	if (!loader.file) {
		int error = errno;

		fail(&loader, "cannot be opened: %s", strerror(error));
		return -error;
	}
	line = ini_parse_stream(read_line, &loader, take_pair, &loader);
	if (ferror(loader.file))
		unreadable = -EIO;
	fclose(loader.file);
	if (line)
		fail_syntax(&loader, line);
	store_defaults(&loader);
	apply_role(out);
	if (unreadable)
		fail(&loader, "cannot be read");
	check_whole(&loader);
	if (unreadable)
		return unreadable;
	return err->text[0] ? -EINVAL : 0;
}

const char *config_where(const struct config *cfg, const char *section, const char *name, char *text)
{
	int line = cfg->line[find(section, name) - config_table];
	int at = snprintf(text, CONFIG_WHERE, line ? "%s:%d" : "%s", cfg->path, line);

	snprintf(text + at, CONFIG_WHERE - at, ": [%s] %s", section, name);
	return text;
}
