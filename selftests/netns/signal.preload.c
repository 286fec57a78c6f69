/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Preloaded into xntsd and xnts: raises a signal in the process before the n-th call of a function,
 * XNTS_SIGNAL="FUNCTION N SIGNAL".  Of rename() those of pins count alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BPFFS "/sys/fs/bpf/"

static void count(const char *function)
{
	static int calls;
	const char *wanted = getenv("XNTS_SIGNAL");
	char name[64];
	int n, number;

	if (wanted && sscanf(wanted, "%63s %d %d", name, &n, &number) == 3 &&
	    !strcmp(name, function) && ++calls == n)
		raise(number);
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");

	if (!strncmp(to, BPFFS, strlen(BPFFS)))
		count("rename");
	return real(from, to);
}

int bpf_obj_pin(int fd, const char *path)
{
	int (*real)(int, const char *) = dlsym(RTLD_NEXT, "bpf_obj_pin");

	count("bpf_obj_pin");
	return real(fd, path);
}

int bpf_map_update_elem(int fd, const void *key, const void *value, unsigned long long flags)
{
	int (*real)(int, const void *, const void *, unsigned long long) =
		dlsym(RTLD_NEXT, "bpf_map_update_elem");

	count("bpf_map_update_elem");
	return real(fd, key, value, flags);
}
