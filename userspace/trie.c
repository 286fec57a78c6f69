/* SPDX-License-Identifier: GPL-2.0 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "trie.h"

int trie_set_add(struct trie_set *set, const void *addr, size_t len, uint32_t prefixlen,
		 uint32_t value)
{
	struct trie_entry *item;

	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 64;

		item = realloc(set->item, room * sizeof(*item));
		if (!item)
			return -ENOMEM;
		set->item = item;
		set->room = room;
	}
	item = &set->item[set->count++];
	memset(item, 0, sizeof(*item));
	item->key.prefixlen = prefixlen;
	item->value = value;
	if (addr)
		memcpy(item->key.addr, addr, len);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct trie_entry *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

void trie_set_sort(struct trie_set *set)
{
	if (set->count)
		qsort(set->item, set->count, sizeof(*set->item), compare);
}

void trie_set_free(struct trie_set *set)
{
	free(set->item);
	memset(set, 0, sizeof(*set));
}

static bool has(const struct trie_set *set, const struct trie_entry *entry)
{
	return set->count && bsearch(entry, set->item, set->count, sizeof(*entry), compare);
}

int trie_add(int trie, const struct trie_set *set)
{
	int err = 0;

	for (size_t i = 0; i < set->count && !err; i++)
		err = bpf_map_update_elem(trie, &set->item[i].key, &set->item[i].value, BPF_ANY);
	return err;
}

void trie_sweep(int trie, const struct trie_set *set)
{
	struct trie_entry entry = { 0 }, next = { 0 };
	int end = bpf_map_get_next_key(trie, NULL, &next.key);

	while (!end) {
		entry = next;
		/* First on to the next: from a deleted key the walk would start anew. */
		end = bpf_map_get_next_key(trie, &entry.key, &next.key);
		if (!has(set, &entry))
			bpf_map_delete_elem(trie, &entry.key);
	}
}
