/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of prefixes, and how an LPM trie of the data plane is made equal to one: what is
 * new first, then what is gone, so that a prefix that stays is never missing.
 */
#ifndef XNTS_TRIE_H
#define XNTS_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "xnts_abi.h"

struct trie_entry {
	struct xnts_lpm6 key; /* zero padded; its first bytes are a struct xnts_lpm4 */
	uint32_t value;
};

struct trie_set {
	struct trie_entry *item;
	size_t count, room;
};

/* Adds a prefix of `len` address bytes (4 or 16); addr NULL: all zero.  0 or -ENOMEM. */
int trie_set_add(struct trie_set *set, const void *addr, size_t len, uint32_t prefixlen,
		 uint32_t value);

/* By key: before the set goes to trie_sweep(). */
void trie_set_sort(struct trie_set *set);

void trie_set_free(struct trie_set *set);

/* Writes the whole set.  A negative errno: -ENOSPC when the trie is full. */
int trie_add(int trie, const struct trie_set *set);

/* Deletes from the trie what the set lacks. */
void trie_sweep(int trie, const struct trie_set *set);

#endif /* XNTS_TRIE_H */
