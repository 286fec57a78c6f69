/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "config_value.h"
#include "keys_cmd.h"
#include "keys_list.h"
#include "keys_state.h"
#include "log.h"

enum { DONE = 0, FAILED = 1, MISUSED = 2 };

#define DELAY_MAX (30 * 86400)  /* s */
#define CONFIRM_MAX 1000000     /* epochs: a second or two of HKDF */

/* SECRET */
struct session {
	struct keys_config config;
	struct keys_state state;
	struct keys_file file;
	int64_t now; /* UTC, s since 1970 */
};

static int save(struct session *s)
{
	int err;

	keys_make_directory(s->config.state);
	err = keys_save(s->config.state, &s->state, &s->file);
	if (err == -ESTALE)
		log_error("%s: has just been changed by another program; try again", s->config.state);
	return err ? FAILED : DONE;
}

static int out_of_openssl(void)
{
	log_error("keys: OpenSSL cannot derive keys");
	return FAILED;
}

static int no_randomness(void)
{
	log_error("keys: the kernel gives no randomness");
	return FAILED;
}

/* ---- commands ----------------------------------------------------------- */

static int list(struct session *s, const char *unused)
{
	(void)unused;
	keys_list(stdout, &s->state, s->config.preload, s->now);
	return DONE;
}

static int init(struct session *s, const char *unused)
{
	(void)unused;
	if (s->file.ino) {
		log_error("%s: there is a secret already; xnts keys reseed makes a new one",
			  s->config.state);
		return FAILED;
	}
	s->state.clock = s->now;
	if (keys_seed(&s->state, s->now - s->now % s->config.epoch, s->config.epoch))
		return no_randomness();
	return save(s);
}

/* The chain of the present epoch: a joiner needs none of the past. */
static int export_to(struct session *s, const char *path)
{
	struct keys_file none = { 0 };
	int err;

	if (keys_forget(&s->state, 0))
		return out_of_openssl();
	err = keys_save(path, &s->state, &none);
	if (err == -ESTALE)
		log_error("%s: exists; name a new file", path);
	return err ? FAILED : DONE;
}

static int import_from(struct session *s, const char *path)
{
	struct keys_file unused;
	int err = keys_load(path, &s->state, &unused);

	if (err == -ENOENT)
		log_error("%s: %s", path, strerror(-err));
	return err ? FAILED : save(s);
}

/* As the daemon judges clocks: a new secret must not begin in a false year. */
static bool clock_is_plausible(const struct session *s)
{
	int64_t off = s->now - s->state.clock;
	int64_t allowed = (int64_t)s->state.generation[0].length * s->config.keep;
	char now[KEYS_TIME_LEN], last[KEYS_TIME_LEN];

	if (off <= allowed && -off <= allowed)
		return true;
	log_error("the clock says %s, but the secret was used at %s last: correct the clock, or xnts "
		  "keys confirm DATE", keys_time(s->now, now), keys_time(s->state.clock, last));
	return false;
}

static int reseed(struct session *s, const char *text)
{
	static const struct config_entry bounds = { .min = 0, .max = DELAY_MAX };
	const struct keys_generation *generation = s->state.generation;
	char since[KEYS_TIME_LEN];
	uint32_t delay = 0;
	int64_t origin;

	if (text && parse_duration(&bounds, text, &delay)) {
		log_error("\"%s\" is not a duration from 0 to 30d", text);
		return MISUSED;
	}
	if (s->state.count == 2) {
		log_error("generation %u still overlaps: xnts keys revoke ends it", generation[1].number);
		return FAILED;
	}
	if (!clock_is_plausible(s))
		return FAILED;
	/* not before what has been sealed already */
	origin = (s->now > s->state.clock ? s->now : s->state.clock) + delay;
	if (keys_seed(&s->state, origin, s->config.epoch))
		return no_randomness();
	if (save(s))
		return FAILED;
	printf("generation %u seals cookies from %s on; those of generation %u are answered until "
	       "xnts keys revoke\n", generation[0].number, keys_time(origin, since),
	       generation[1].number);
	return DONE;
}

static int revoke(struct session *s, const char *unused)
{
	uint32_t number = s->state.generation[1].number;

	(void)unused;
	if (s->state.count < 2) {
		log_error("there is one generation only: xnts keys reseed makes the next");
		return FAILED;
	}
	OPENSSL_cleanse(&s->state.generation[1], sizeof(s->state.generation[1]));
	s->state.count = 1;
	if (save(s))
		return FAILED;
	printf("generation %u is gone: its cookies get an NTS NAK\n", number);
	return DONE;
}

static int64_t epochs_until(const struct keys_state *state, int64_t utc)
{
	int64_t most = 0;

	for (uint32_t i = 0; i < state->count; i++) {
		int64_t epochs = (utc - state->clock) / state->generation[i].length;

		most = epochs > most ? epochs : most;
	}
	return most;
}

static bool is_date(const char *word)
{
	static const char digits[] = "0123456789";

	return strlen(word) == strlen("2026-11-23") && strspn(word, digits) == 4 && word[4] == '-' &&
	       strspn(word + 5, digits) == 2 && word[7] == '-' && strspn(word + 8, digits) == 2;
}

/* A person says the date, so that the clock does not vouch for itself. */
static int confirm(struct session *s, const char *date)
{
	char now[KEYS_TIME_LEN];

	keys_time(s->now, now);
	if (!is_date(date)) {
		log_error("%s: a date is written like 2026-11-23", date);
		return FAILED;
	}
	if (strncmp(now, date, strlen(date))) {
		log_error("the clock says %s, not %s: correct it first", now, date);
		return FAILED;
	}
	if (s->now <= s->state.clock) {
		log_error("the secret is at a later time than the clock (%s) and cannot be turned back; "
			  "import one, or remove %s and make a new one", now, s->config.state);
		return FAILED;
	}
	if (epochs_until(&s->state, s->now) > CONFIRM_MAX) {
		log_error("too many epochs have passed: remove %s and make a new one", s->config.state);
		return FAILED;
	}
	s->state.clock = s->now;
	return keys_forget(&s->state, s->config.keep) ? out_of_openssl() : save(s);
}

/* ---- the command line --------------------------------------------------- */

static const struct command {
	const char *name;
	int (*run)(struct session *s, const char *word);
	int words_min, words_max;
	bool needs_secret;
} commands[] = {
	{ "", list, 0, 0, true },
	{ "init", init, 0, 0, false },
	{ "export", export_to, 1, 1, true },
	{ "import", import_from, 1, 1, false },
	{ "reseed", reseed, 0, 1, true },
	{ "revoke", revoke, 0, 0, true },
	{ "confirm", confirm, 1, 1, true },
};

static const struct command *find(const char *name, int words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name) && words >= commands[i].words_min &&
		    words <= commands[i].words_max)
			return &commands[i];
	return NULL;
}

static int read_config(struct session *s, const char *path)
{
	static struct config config;
	static struct config_error error;
	int err = config_load(path, &config, &error);

	if (err)
		log_error("%s", error.text);
	s->config = config.keys;
	return err;
}

/* What a command is to replace need not be in order: import repairs it. */
static int read_secret(struct session *s, const struct command *command)
{
	int err = 0;

	if (command->needs_secret)
		err = keys_load(s->config.state, &s->state, &s->file);
	else
		keys_file_changed(s->config.state, &s->file);
	if (err == -ENOENT)
		log_error("%s: there is no secret yet; xntsd makes one, or xnts keys init or import",
			  s->config.state);
	return err;
}

static int run(const struct command *command, const char *word, const char *config_path)
{
	struct session s = { .now = time(NULL) };
	int status = FAILED;

	if (!read_config(&s, config_path) && !read_secret(&s, command))
		status = command->run(&s, word);
	OPENSSL_cleanse(&s, sizeof(s));
	return status;
}

int keys_cmd(int argc, char **argv, const char *config_path)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };
	const struct command *command;
	int c;

	while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (c != 'c')
			return MISUSED;
		config_path = optarg;
	}
	argc -= optind;
	argv += optind;
	command = find(argc ? argv[0] : "", argc ? argc - 1 : 0);
	if (!command) {
		log_error("keys: %s: not understood, or with too few or too many words", argv[0]);
		return MISUSED;
	}
	return run(command, argc > 1 ? argv[1] : NULL, config_path);
}
