/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_CHECK_H
#define XNTS_CHECK_H

struct config;
struct lists;

/*
 * `xntsd --check`: reads the configuration and what it names (certificate and key, the
 * state of the keys, interfaces) and changes nothing.  Prints "PATH: ok" to stdout, or the
 * first error to stderr.  Returns 0 or a negative errno.  `cfg` is filled.
 */
int check_config(const char *path, struct config *cfg);

/* The same look at the interfaces alone: all must exist.  0 or -ENODEV, logged. */
int check_interfaces(const struct config *cfg);

/* [ntp] next_hop = fib: does lo forward?  0 or -EINVAL, logged. */
int check_next_hop(const struct config *cfg);

/* The allow and refuse lists, which are the caller's then.  0 or a negative errno, logged. */
int check_lists(const struct config *cfg, struct lists **out);

#endif /* XNTS_CHECK_H */
