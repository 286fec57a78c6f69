/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE /* getline() */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_value.h"
#include "lists.h"
#include "log.h"
#include "trie.h"

struct lists {
	struct trie_set set4, set6;
};

/* Where a prefix comes from, for errors. */
struct origin {
	const char *key;  /* of [limits] */
	const char *path; /* NULL: the configuration itself */
	int line;
	uint32_t list;    /* enum xnts_list */
	struct config_error *err;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct origin *from, int error,
						      const char *format, ...)
{
	char *text = from->err->text;
	size_t size = sizeof(from->err->text);
	va_list args;
	int at = 0;

	if (from->path && from->line)
		at = snprintf(text, size, "%s:%d: ", from->path, from->line);
	else if (from->path)
		at = snprintf(text, size, "%s: ", from->path);
	if (at < (int)size)
		at += snprintf(text + at, size - at, "[limits] %s: ", from->key);
	va_start(args, format);
	if (at < (int)size)
		vsnprintf(text + at, size - at, format, args);
	va_end(args);
	return error;
}

/* ---- reading ------------------------------------------------------------ */

static int add(struct lists *lists, const struct config_prefix *p, const struct origin *from)
{
	struct trie_set *set = p->family == AF_INET ? &lists->set4 : &lists->set6;
	int err;

	if (lists->set4.count + lists->set6.count == LISTS_MAX)
		return fail(from, -E2BIG, "more than %d prefixes in all lists", LISTS_MAX);
	err = trie_set_add(set, p->addr, p->family == AF_INET ? 4 : 16, p->prefixlen, from->list);
	return err ? fail(from, err, "%s", strerror(-err)) : 0;
}

static int add_all(struct lists *lists, const struct config_prefixes *prefixes,
		   const struct origin *from)
{
	int err = 0;

	for (unsigned int i = 0; i < prefixes->count && !err; i++)
		err = add(lists, &prefixes->item[i], from);
	return err;
}

/* In place: the text without comment and white space around it. */
static char *trim(char *line)
{
	char *text = line + strspn(line, " \t"), *end;

	text[strcspn(text, "#\r\n")] = 0;
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	return text;
}

static int add_line(struct lists *lists, char *line, size_t len, const struct origin *from)
{
	struct config_prefix prefix;
	const char *wrong;
	char *text;

	if (strlen(line) != len)
		return fail(from, -EINVAL, "the line holds a zero byte; expected text");
	text = trim(line);
	if (!*text)
		return 0;
	wrong = read_prefix(text, &prefix);
	if (wrong)
		return fail(from, -EINVAL, "\"%.64s\" %s; expected an address or prefix such as "
			    "192.0.2.0/24 or 2001:db8::/32, alone in its line", text, wrong);
	return add(lists, &prefix, from);
}

static int add_lines(struct lists *lists, FILE *file, struct origin *from)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &room, file)) >= 0) {
		from->line++;
		err = add_line(lists, line, len, from);
	}
	free(line);
	from->line = 0;
	return err || !ferror(file) ? err : fail(from, -EIO, "cannot be read");
}

/* Nothing that could keep us waiting. */
static FILE *open_regular(const char *path, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	FILE *file = NULL;

	*error = 0;
	if (fd < 0 || fstat(fd, &st))
		*error = -errno;
	else if (!S_ISREG(st.st_mode))
		*error = -EINVAL;
	else if (!(file = fdopen(fd, "r")))
		*error = -errno;
	if (!file && fd >= 0)
		close(fd);
	return file;
}

static int add_file(struct lists *lists, struct origin *from)
{
	FILE *file;
	int err;

	if (!from->path[0])
		return 0;
	file = open_regular(from->path, &err);
	if (!file)
		return fail(from, err, "cannot be opened: %s",
			    err == -EINVAL ? "it is no regular file" : strerror(-err));
	err = add_lines(lists, file, from);
	fclose(file);
	return err;
}

/* ---- the lists together ------------------------------------------------- */

/* No prefix is on both lists. */
static int check_set(struct trie_set *set, int family, const struct origin *from)
{
	char text[INET6_ADDRSTRLEN];

	trie_set_sort(set);
	for (size_t i = 1; i < set->count; i++) {
		const struct trie_entry *a = &set->item[i - 1], *b = &set->item[i];

		if (memcmp(&a->key, &b->key, sizeof(a->key)) || a->value == b->value)
			continue;
		inet_ntop(family, a->key.addr, text, sizeof(text));
		return fail(from, -EINVAL, "%s/%u is to be allowed and refused", text,
			    a->key.prefixlen);
	}
	return 0;
}

static int read_all(struct lists *lists, const struct limits_config *cfg, struct config_error *err)
{
	struct origin allow = { "allow", NULL, 0, XNTS_ALLOW, err };
	struct origin allow_file = { "allow_file", cfg->allow_file, 0, XNTS_ALLOW, err };
	struct origin refuse = { "refuse", NULL, 0, XNTS_REFUSE, err };
	struct origin refuse_file = { "refuse_file", cfg->refuse_file, 0, XNTS_REFUSE, err };
	int error = add_all(lists, &cfg->allow, &allow);

	if (!error)
		error = add_file(lists, &allow_file);
	if (!error && cfg->refuse_unlisted && !lists_any(lists))
		return fail(&allow_file, -EINVAL, "is empty, and who is unlisted is refused: "
			    "nobody would be answered");
	if (!error)
		error = add_all(lists, &cfg->refuse, &refuse);
	if (!error)
		error = add_file(lists, &refuse_file);
	if (!error)
		error = check_set(&lists->set4, AF_INET, &refuse);
	return error ? error : check_set(&lists->set6, AF_INET6, &refuse);
}

int lists_read(struct lists **out, const struct limits_config *cfg, struct config_error *err)
{
	struct lists *lists = calloc(1, sizeof(*lists));
	int error;

	*out = NULL;
	if (!lists) {
		snprintf(err->text, sizeof(err->text), "[limits]: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	error = read_all(lists, cfg, err);
	if (error)
		lists_free(lists);
	else
		*out = lists;
	return error;
}

void lists_free(struct lists *lists)
{
	if (!lists)
		return;
	trie_set_free(&lists->set4);
	trie_set_free(&lists->set6);
	free(lists);
}

bool lists_any(const struct lists *lists)
{
	return lists && (lists->set4.count || lists->set6.count);
}

/* ---- the tries ---------------------------------------------------------- */

static int enter_set(int trie, const struct trie_set *set)
{
	int err = trie_add(trie, set);

	if (err == -ENOSPC) {
		trie_sweep(trie, set);
		err = trie_add(trie, set);
	}
	if (err)
		log_error("lists: cannot be entered: %s", strerror(-err));
	return err;
}

int lists_enter(const struct lists *lists, int lists4_fd, int lists6_fd)
{
	int err = enter_set(lists4_fd, &lists->set4);

	return err ? err : enter_set(lists6_fd, &lists->set6);
}

void lists_sweep(const struct lists *lists, int lists4_fd, int lists6_fd)
{
	trie_sweep(lists4_fd, &lists->set4);
	trie_sweep(lists6_fd, &lists->set6);
}
