/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of allowed and refused sources: any text in both.  The first byte says where the
 * one ends and the other begins.  They are taken, as prefixes with nothing behind their
 * length, none on both lists; or refused with an error that names one of the files.
 */
#define _GNU_SOURCE /* as lists.c: getline(); memfd_create() */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config_address.c"
#include "config_value.c"
#include "lists.c"
#include "log.c"
#include "trie.c"

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void write_file(char path[PATH_MAX], const char *name, int *fd, const uint8_t *data,
		       size_t size)
{
	if (*fd < 0)
		*fd = memfd_create(name, MFD_CLOEXEC);
	snprintf(path, PATH_MAX, "/proc/self/fd/%d", *fd);
	MUST(!ftruncate(*fd, 0) && pwrite(*fd, data, size, 0) == (ssize_t)size);
}

/* Sorted, and a prefix that is there twice is on one list. */
static void check_entries(const struct trie_set *set, uint32_t bits)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct trie_entry *e = &set->item[i];

		MUST(e->key.prefixlen <= bits);
		for (uint32_t bit = e->key.prefixlen; bit < 8 * sizeof(e->key.addr); bit++)
			MUST(!(e->key.addr[bit / 8] & 0x80 >> bit % 8));
		MUST(e->value == XNTS_ALLOW || e->value == XNTS_REFUSE);
		MUST(!i || compare(e - 1, e) < 0 || e->value == e[-1].value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct limits_config limits;
	static struct config_error err;
	static int allow = -1, refuse = -1;
	size_t len = size ? size - 1 : 0, cut = size ? data[0] * len / 255 : 0;
	struct lists *lists;

	if (!size)
		return 0;
	write_file(limits.allow_file, "allow", &allow, data + 1, cut);
	write_file(limits.refuse_file, "refuse", &refuse, data + 1 + cut, len - cut);
	memset(&err, 0xff, sizeof(err));
	if (lists_read(&lists, &limits, &err)) {
		MUST(!lists);
		MUST(!strncmp(err.text, limits.allow_file, strlen(limits.allow_file)) ||
		     !strncmp(err.text, limits.refuse_file, strlen(limits.refuse_file)) ||
		     strstr(err.text, "is to be allowed and refused"));
		MUST(memchr(err.text, 0, sizeof(err.text)));
	} else {
		check_entries(&lists->set4, 32);
		check_entries(&lists->set6, 128);
		lists_free(lists);
	}
	return 0;
}
