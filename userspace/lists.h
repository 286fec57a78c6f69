/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allow and refuse lists: sources by prefix, from the configuration and from the files it
 * names, into the tries lists4 and lists6.
 *
 * A file has one address or prefix a line; # begins a comment.
 */
#ifndef XNTS_LISTS_H
#define XNTS_LISTS_H

#include "config.h"

#define LISTS_MAX 100000 /* prefixes, in all */

struct lists;

/*
 * Reads the lists that `cfg` has.  0, or a negative errno and err->text: "FILE:LINE: [limits]
 * KEY: ..."; a wrong list is refused whole.
 */
int lists_read(struct lists **out, const struct limits_config *cfg, struct config_error *err);

/* NULL is fine. */
void lists_free(struct lists *lists);

/* Is anybody on a list?  NULL: no. */
bool lists_any(const struct lists *lists);

/*
 * Enters the lists beside what the tries hold; lists_sweep() then deletes what is not on
 * them.  In between goes what depends on either.  Where both do not fit the trie at once, it is
 * swept here.  0, or a negative errno, logged.
 */
int lists_enter(const struct lists *lists, int lists4_fd, int lists6_fd);
void lists_sweep(const struct lists *lists, int lists4_fd, int lists6_fd);

#endif /* XNTS_LISTS_H */
