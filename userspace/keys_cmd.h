/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_KEYS_CMD_H
#define XNTS_KEYS_CMD_H

/* For the usage text of the control program. */
#define KEYS_CMD_USAGE \
	"       xnts keys [-c FILE]          ids and ages of the cookie keys, never a key\n" \
	"       xnts keys [-c FILE] init     make the first secret\n" \
	"                 export FILE        write the present secret, for another server\n" \
	"                 import FILE        take another server's\n" \
	"                 reseed [DELAY]     make a new secret, after a theft; seal by it after DELAY\n" \
	"                 revoke             answer no more by the secret before\n" \
	"                 confirm DATE       the clock is right: go on from where it is\n" \
	"         -c, --config FILE          " CONFIG_PATH "\n"

/*
 * `xnts keys ...`: argv[0] is "keys", options and words follow.  `config_path` is where
 * [keys] state is found without -c.  Results go to stdout and errors to stderr; never
 * a key.  xntsd notices within about a second.
 * Returns the exit status: 0 done, 1 failed, 2 misused (usage is the caller's to print).
 */
int keys_cmd(int argc, char **argv, const char *config_path);

#endif /* XNTS_KEYS_CMD_H */
