/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "check.h"
#include "config.h"
#include "daemon.h"
#include "dataplane.h"
#include "ke.h"
#include "log.h"
#include "pid_file.h"
#include "version.h"

static const char usage[] =
	"usage: xntsd [-f] [-c FILE] [-p FILE]     run in the foreground\n"
	"       xntsd --check [-c FILE]            check the configuration, change nothing\n"
	"       xntsd --load                       load the program, make or check its pins\n"
	"       xntsd --attach IFACE [-m MODE] [--multiprog]\n"
	"                                          attach to an interface (auto, native, generic), or\n"
	"                                          beside its other XDP programs\n"
	"       xntsd --detach IFACE               detach from an interface\n"
	"       xntsd --unload                     detach from all and remove the pins\n"
	"  -c, --config FILE    configuration (" CONFIG_PATH ")\n"
	"  -p, --pid-file FILE  " PID_FILE_PATH "\n"
	"  -f, --foreground     the default; there is no other way\n"
	"  -h, --help           this\n"
	"  -V, --version        the version, and that of the pinned maps\n";

enum action { RUN, CHECK, LOAD, ATTACH, DETACH, UNLOAD };

struct options {
	enum action action;
	const char *config, *pid_file, *ifname;
	enum config_mode mode;
	bool multi;
};

static int load_once(void)
{
	struct dataplane *dp;
	int err = dataplane_load(&dp, 0);

	if (!err)
		dataplane_close(dp);
	return err;
}

static int attach_once(const char *ifname, enum config_mode mode, bool multi)
{
	struct dataplane *dp;
	int err = dataplane_load(&dp, 0);

	if (err)
		return err;
	err = multi ? dataplane_attach_multi(dp, ifname, mode) : dataplane_attach(dp, ifname, mode);
	dataplane_close(dp);
	return err;
}

static int detach_once(const char *ifname)
{
	int err = dataplane_detach(ifname);

	if (err == -ENOENT)
		log_error("%s: not attached", ifname);
	return err;
}

static int check(const char *path)
{
	static struct config cfg;

	return check_config(path, &cfg);
}

static int run(const struct options *o)
{
	switch (o->action) {
	case CHECK: return check(o->config);
	case LOAD: return load_once();
	case ATTACH: return attach_once(o->ifname, o->mode, o->multi);
	case DETACH: return detach_once(o->ifname);
	case UNLOAD: return dataplane_unload();
	case RUN: break;
	}
	return daemon_run(o->config, o->pid_file);
}

static int parse_mode(const char *word, enum config_mode *mode)
{
	static const char *const words[] = { "auto", "native", "generic" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(word, words[i])) {
			*mode = i;
			return 0;
		}
	fprintf(stderr, "xntsd: mode: %s: expected auto, native or generic\n", word);
	return -EINVAL;
}

enum long_option { OPT_CHECK = 256, OPT_LOAD, OPT_ATTACH, OPT_DETACH, OPT_UNLOAD, OPT_MULTIPROG };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "pid-file", required_argument, NULL, 'p' },
	{ "mode", required_argument, NULL, 'm' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "load", no_argument, NULL, OPT_LOAD },
	{ "attach", required_argument, NULL, OPT_ATTACH },
	{ "detach", required_argument, NULL, OPT_DETACH },
	{ "unload", no_argument, NULL, OPT_UNLOAD },
	{ "multiprog", no_argument, NULL, OPT_MULTIPROG },
	{ 0 }
};

/* After the reason, which a screenful would carry off. */
static void misused(void)
{
	fputs("xntsd --help says what is understood\n", stderr);
	exit(2);
}

static void set_action(struct options *o, enum action action)
{
	if (o->action != RUN) {
		fputs("xntsd: one action at a time\n", stderr);
		misused();
	}
	o->action = action;
	if (optarg)
		o->ifname = optarg;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:p:m:fhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = optarg; break;
		case 'p': o->pid_file = optarg; break;
		case 'm':
			if (parse_mode(optarg, &o->mode))
				exit(2);
			break;
		case 'f': break;
		case 'h': fputs(usage, stdout); exit(0);
		case 'V':
			printf("xntsd " XNTS_VERSION ", map ABI %d\n", XNTS_ABI_VERSION);
			exit(0);
		case OPT_CHECK: set_action(o, CHECK); break;
		case OPT_LOAD: set_action(o, LOAD); break;
		case OPT_ATTACH: set_action(o, ATTACH); break;
		case OPT_DETACH: set_action(o, DETACH); break;
		case OPT_MULTIPROG: o->multi = true; break;
		case OPT_UNLOAD: set_action(o, UNLOAD); break;
		default: misused();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "xntsd: %s: not understood\n", argv[optind]);
		misused();
	}
}

int main(int argc, char **argv)
{
	struct options o = { .config = CONFIG_PATH, .pid_file = PID_FILE_PATH };

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* keys must not land in a core file */
	if (argc == 2 && !strcmp(argv[1], "--ke-worker"))
		return ke_worker_main();
	log_open();
	parse_options(argc, argv, &o);
	return run(&o) ? EXIT_FAILURE : EXIT_SUCCESS;
}
