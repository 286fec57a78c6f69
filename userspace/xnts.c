/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control program: looks at the pinned maps and turns the kill switch, with
 * or without the daemon; and keeps the cookie keys' secret.  It never shows a key.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "keys_cmd.h"
#include "log.h"
#include "pid_file.h"
#include "stats.h"
#include "status.h"
#include "version.h"

/* Exit statuses; of `check`: healthy, not healthy, cannot tell. */
enum { EXIT_OK = 0, EXIT_BAD = 1, EXIT_UNKNOWN = 2 };

static const char usage[] =
	"usage: xnts status [-p FILE]         what is attached, served and known, on one screen\n"
	"       xnts check [OPTION...]       exit status 0: all is well; 1: no, and why; 2: cannot "
	"tell\n"
	"         -q, --quiet                the exit status alone\n"
	"         -e, --expiry DAYS          not well if the certificate ends within so many days\n"
	"       xnts stats [OPTION...]       counters\n"
	"         -a, --all                  those that are 0 as well\n"
	"         -c, --cpu                  by CPU\n"
	"         -i, --interval SECONDS     again and again, with rates\n"
	"         -n, --count N              N times only\n"
	"         -j, --json                 one JSON object a line\n"
	"       xnts serve                   answer requests\n"
	"       xnts drain                   answer, while `xnts check` fails\n"
	"       xnts pass, xnts off          leave every packet to the host\n"
	"       xnts drop                    drop NTP requests for this host\n"
	"       xnts reload [-p FILE]        have xntsd read its configuration again; exit status 1, and\n"
	"                                    why, when it refuses\n"
	"         -p, --pid-file FILE        " PID_FILE_PATH "\n"
	KEYS_CMD_USAGE
	"       xnts --help, xnts --version\n";

static int misused(void)
{
	fputs("xnts --help says what is understood\n", stderr);
	return EXIT_UNKNOWN;
}

/* Opens the pinned maps, or says why not. */
static int open_maps(struct dataplane **dp)
{
	int err = dataplane_open(dp);

	if (err == -ENOENT)
		fprintf(stderr, "xnts: nothing is loaded: no maps below " XNTS_PIN_DIR "\n");
	else if (err == -EPERM || err == -EACCES)
		fprintf(stderr, "xnts: " XNTS_PIN_DIR ": %s: root is needed\n", strerror(-err));
	return err;
}

static int read_snapshot(struct snapshot *s)
{
	struct dataplane *dp;
	int err = open_maps(&dp);

	if (err)
		return err;
	err = snapshot_read(dp, s);
	dataplane_close(dp);
	return err;
}

/* The one option of status and reload.  NULL: misused. */
static const char *parse_pid_file(int argc, char **argv)
{
	static const struct option options[] = { { "pid-file", required_argument, NULL, 'p' },
						 { 0 } };
	const char *path = PID_FILE_PATH;
	int c;

	while ((c = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
		if (c != 'p')
			return NULL;
		path = optarg;
	}
	return optind == argc ? path : NULL;
}

static int status(int argc, char **argv)
{
	const char *pid_file = parse_pid_file(argc, argv);
	static struct snapshot s;

	if (!pid_file)
		return misused();
	if (read_snapshot(&s))
		return EXIT_BAD;
	status_print(stdout, &s, pid_file_owner(pid_file));
	return EXIT_OK;
}

static bool parse_number(const char *text, double min, double max, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end != text && !*end && *out >= min && *out <= max)
		return true;
	fprintf(stderr, "xnts: %s: expected a number from %.10g to %.10g\n", text, min, max);
	return false;
}

struct check_options {
	bool quiet;
	double days; /* that the certificate must have left */
};

static bool parse_check_options(int argc, char **argv, struct check_options *o)
{
	static const struct option options[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ "expiry", required_argument, NULL, 'e' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "qe:", options, NULL)) != -1) {
		if (c == 'q')
			o->quiet = true;
		else if (c != 'e' || !parse_number(optarg, 0, 3650, &o->days))
			return false;
	}
	return optind == argc;
}

static int check(int argc, char **argv)
{
	struct check_options o = { 0 };
	static struct snapshot s;
	int err;

	if (!parse_check_options(argc, argv, &o))
		return misused();
	if (o.quiet && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
		return EXIT_UNKNOWN;
	err = read_snapshot(&s);
	if (err)
		return err == -ENOENT ? EXIT_BAD : EXIT_UNKNOWN;
	return check_print(stdout, &s, (int)o.days) ? EXIT_BAD : EXIT_OK;
}

/* ---- stats -------------------------------------------------------------- */

struct stats_options {
	bool all, by_cpu, json;
	double interval; /* s; 0: once */
	long count;      /* readings; 0: until interrupted */
};

static void show(const struct stats_options *o, const struct stats_sample *now,
		 const struct stats_sample *before)
{
	if (o->json)
		stats_print_json(stdout, now, o->by_cpu);
	else if (o->by_cpu)
		stats_print_cpus(stdout, now, o->all);
	else
		stats_print(stdout, now, before, o->all);
	fflush(stdout);
}

static void wait_seconds(double seconds)
{
	struct timespec wait = { .tv_sec = (time_t)seconds };

	wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
	nanosleep(&wait, NULL);
}

static int watch(struct dataplane *dp, const struct stats_options *o)
{
	struct stats_sample now, before = { 0 };
	int err = 0;

	for (long i = 0; !o->count || i < o->count; i++) {
		if (i)
			wait_seconds(o->interval);
		err = stats_read(dp, &now);
		if (err)
			break;
		if (i && !o->json)
			printf("\n");
		show(o, &now, i ? &before : NULL);
		stats_free(&before);
		before = now;
	}
	stats_free(&before);
	return err;
}

static bool parse_stats_options(int argc, char **argv, struct stats_options *o)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "cpu", no_argument, NULL, 'c' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	double count = 0;
	int c;

	while ((c = getopt_long(argc, argv, "aci:n:j", options, NULL)) != -1) {
		if (c == 'a')
			o->all = true;
		else if (c == 'c')
			o->by_cpu = true;
		else if (c == 'j')
			o->json = true;
		else if (c == 'i' && parse_number(optarg, 0.1, 86400, &o->interval))
			continue;
		else if (c == 'n' && parse_number(optarg, 1, 1e9, &count))
			continue;
		else
			return false;
	}
	o->count = o->interval ? (long)count : 1;
	return optind == argc;
}

static int stats(int argc, char **argv)
{
	struct stats_options o = { 0 };
	struct dataplane *dp;
	int err;

	if (!parse_stats_options(argc, argv, &o))
		return misused();
	if (open_maps(&dp))
		return EXIT_BAD;
	err = watch(dp, &o);
	if (err)
		fprintf(stderr, "xnts: cannot read the counters: %s\n", strerror(-err));
	dataplane_close(dp);
	return err ? EXIT_BAD : EXIT_OK;
}

/* ---- the kill switch and the daemon ------------------------------------- */

static int turn(enum xnts_switch position, const char *says)
{
	struct dataplane *dp;
	int err = open_maps(&dp);

	if (err)
		return EXIT_BAD;
	err = dataplane_set_switch(dp, position);
	dataplane_close(dp);
	if (err) {
		fprintf(stderr, "xnts: cannot turn the switch: %s\n", strerror(-err));
		return EXIT_BAD;
	}
	puts(says);
	return EXIT_OK;
}

static int serve(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? turn(XNTS_SERVE, "requests are answered") : misused();
}

static int drain(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? turn(XNTS_DRAIN, "requests are answered, health checks fail, until "
					    "`xnts serve`")
			 : misused();
}

static int pass(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? turn(XNTS_PASS, "every packet is left to the host, until `xnts serve`")
			 : misused();
}

static int drop(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? turn(XNTS_DROP,
				"NTP requests for this host are dropped, until `xnts serve`")
			 : misused();
}

#define RELOAD_PATIENCE 60 /* s; large lists and KE workers take their time */

/* The daemon's verdict on a reload after `before`.  Returns the exit status. */
static int await_reload(const char *pid_file, unsigned int before)
{
	struct pid_file_reload verdict;

	for (int i = 0; i < RELOAD_PATIENCE * 50; i++) {
		wait_seconds(0.02);
		if (pid_file_owner(pid_file) < 0 || pid_file_read(pid_file, &verdict)) {
			fprintf(stderr, "xnts: xntsd has ended\n");
			return EXIT_BAD;
		}
		if (verdict.count == before)
			continue;
		if (verdict.refused[0])
			fprintf(stderr, "xnts: refused, the configuration of before stays in force: %s\n",
				verdict.refused);
		else
			puts("reloaded");
		return verdict.refused[0] ? EXIT_BAD : EXIT_OK;
	}
	fprintf(stderr, "xnts: xntsd has been told, and has not answered for %d s\n", RELOAD_PATIENCE);
	return EXIT_BAD;
}

static int reload(int argc, char **argv)
{
	const char *pid_file = parse_pid_file(argc, argv);
	struct pid_file_reload last;
	pid_t daemon;

	if (!pid_file)
		return misused();
	daemon = pid_file_owner(pid_file);
	if (daemon == -ESRCH) {
		fprintf(stderr, "xnts: xntsd does not run: nobody holds %s\n", pid_file);
		return EXIT_BAD;
	}
	if (pid_file_read(pid_file, &last) || daemon < 0 || kill(daemon, SIGHUP) < 0) {
		fprintf(stderr, "xnts: cannot signal xntsd: %s\n",
			strerror(daemon < 0 ? -daemon : errno));
		return EXIT_BAD;
	}
	return await_reload(pid_file, last.count);
}

static int keys(int argc, char **argv)
{
	int status = keys_cmd(argc, argv, CONFIG_PATH);

	return status == EXIT_UNKNOWN ? misused() : status;
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
} commands[] = {
	{ "status", status }, { "check", check }, { "stats", stats }, { "serve", serve },
	{ "pass", pass },     { "off", pass },    { "drop", drop },   { "drain", drain },
	{ "reload", reload }, { "keys", keys },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		fputs(usage, stderr);
		return EXIT_UNKNOWN;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("xnts " XNTS_VERSION ", map ABI %d\n", XNTS_ABI_VERSION);
		return EXIT_OK;
	}
	command = find_command(argv[1]);
	/* It is short enough to be a command's help too. */
	if (asks_for_help(argv[1]) || (command && argc == 3 && asks_for_help(argv[2]))) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (!command) {
		fprintf(stderr, "xnts: %s: not understood\n", argv[1]);
		return misused();
	}
	return command->run(argc - 1, argv + 1);
}
