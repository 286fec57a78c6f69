/* SPDX-License-Identifier: GPL-2.0 */
#include "carry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "carry_v1.h"
#include "counters.h"
#include "log.h"
#include "pins.h"

struct carry {
	uint32_t version;
	int fd[PIN_COUNT]; /* -1: that version had none */
	struct xnts_names names;
};

/* Counters of one map of the other version: rows are CPUs, or entries. */
struct table {
	const char (*names)[XNTS_NAME_LEN];
	size_t columns;
	int rows;
	uint64_t *value; /* rows * columns */
};

static int read_word(int fd, uint32_t *word)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), key = 0, *value;
	int err = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (err)
		return err;
	value = calloc(1, info.value_size + sizeof(*value));
	if (!value)
		return -ENOMEM;
	err = bpf_map_lookup_elem(fd, &key, value);
	*word = *value;
	free(value);
	return err;
}

/* ---- tables of counters -------------------------------------------------- */

/* A per-CPU map has one entry, which is read for all CPUs at once.  No map: an empty table. */
static int table_read(struct table *t, int fd, const char names[XNTS_NAMES][XNTS_NAME_LEN],
		      bool per_cpu)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int err;

	*t = (struct table){ .names = names };
	if (fd < 0)
		return 0;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (err)
		return err;
	t->columns = info.value_size / sizeof(uint64_t);
	t->rows = per_cpu ? libbpf_num_possible_cpus() : (int)info.max_entries;
	if (t->columns > XNTS_NAMES || t->rows < 1 || info.value_size % sizeof(uint64_t) ||
	    (per_cpu && info.max_entries != 1)) {
		log_error("%.*s: these are no counters: `xntsd --unload` and start again",
			  (int)sizeof(info.name), info.name);
		return -EPROTO;
	}
	t->value = calloc(t->rows, t->columns * sizeof(uint64_t));
	if (!t->value)
		return -ENOMEM;
	for (uint32_t i = 0; i < info.max_entries && !err; i++)
		err = bpf_map_lookup_elem(fd, &i, t->value + i * t->columns);
	return err;
}

/* Where this version counts what is called so; `count`: nowhere. */
static size_t place_of(const char *name, const struct counter_info *ours, size_t count)
{
	size_t i = 0;

	while (i < count && strncmp(name, ours[i].name, XNTS_NAME_LEN))
		i++;
	return i;
}

static uint64_t column_sum(const struct table *t, size_t column)
{
	uint64_t sum = 0;

	for (int row = 0; row < t->rows; row++)
		sum += t->value[row * t->columns + column];
	return sum;
}

/* What has been counted and has no place here. */
static bool table_loses(const struct table *t, const struct counter_info *ours, size_t count,
			bool refuse)
{
	bool lost = false;

	for (size_t i = 0; i < t->columns; i++) {
		uint64_t sum = column_sum(t, i);

		if (!sum || place_of(t->names[i], ours, count) < count)
			continue;
		log_line(refuse ? LEVEL_ERROR : LEVEL_INFO,
			 "counter %.*s, which stands at %llu: this version has none",
			 XNTS_NAME_LEN, t->names[i], (unsigned long long)sum);
		lost = true;
	}
	return lost;
}

/* Adds the table to rows of this version; what is over the last row goes to the first ones. */
static void table_add(const struct table *t, const struct counter_info *ours, size_t count,
		      uint64_t *to, int rows)
{
	for (size_t i = 0; i < t->columns; i++) {
		size_t place = place_of(t->names[i], ours, count);

		for (int row = 0; row < t->rows && place < count; row++)
			to[row % rows * count + place] += t->value[row * t->columns + i];
	}
}

static int read_packet_counters(const struct carry *c, struct table *t)
{
	return table_read(t, c->fd[PIN_COUNTERS], c->names.packet, true);
}

static int read_ke_counters(const struct carry *c, struct table *t)
{
	return table_read(t, c->fd[PIN_KE_COUNTERS], c->names.ke, false);
}

static int read_daemon_counters(const struct carry *c, struct table *t)
{
	return table_read(t, c->fd[PIN_DAEMON_COUNTERS], c->names.daemon, false);
}

/* ---- may it be taken over? ----------------------------------------------- */

static bool loses_counters(const struct carry *c, bool refuse)
{
	struct table packets = { 0 }, ke = { 0 }, daemon = { 0 };
	bool lost = read_packet_counters(c, &packets) || read_ke_counters(c, &ke) ||
		    read_daemon_counters(c, &daemon);

	if (!lost) {
		lost = table_loses(&packets, packet_counters, XNTS_COUNTERS, refuse);
		lost |= table_loses(&ke, ke_counters, KE_COUNTERS, refuse);
		lost |= table_loses(&daemon, daemon_counters, DAEMON_COUNTERS, refuse);
	}
	free(packets.value);
	free(ke.value);
	free(daemon.value);
	return lost;
}

static bool loses_switch(const struct carry *c)
{
	uint32_t position;

	if (!read_word(c->fd[PIN_SWITCH], &position) && position < XNTS_SWITCH_POSITIONS)
		return false;
	log_error("switch: it stands at a position that this version does not know");
	return true;
}

static bool loses_map(bool refuse)
{
	char name[PIN_PATH];

	if (!pins_unknown(name))
		return false;
	log_line(refuse ? LEVEL_ERROR : LEVEL_INFO, "%s/%s: this version knows no such map",
		 XNTS_PIN_DIR, name);
	return true;
}

/* A newer version knows what it has given up; an older one knows nothing of the newer. */
static int check(const struct carry *c)
{
	bool older = c->version > XNTS_ABI_VERSION;
	bool lost = loses_counters(c, older);

	lost |= loses_map(older);
	if (!loses_switch(c) && !(lost && older))
		return 0;
	log_error("%s: pinned with ABI version %u, this program has %u and would lose that: run the "
		  "newer xntsd, or `xntsd --unload` (stops answering, forgets counters) and start again",
		  XNTS_PIN_DIR, c->version, XNTS_ABI_VERSION);
	return -EPROTO;
}

/* The first version had neither names nor counters of the daemon. */
static bool is_missing(const struct carry *c, enum pin pin)
{
	return c->fd[pin] < 0 && !(c->version == 1 && (pin == PIN_NAMES || pin == PIN_DAEMON_COUNTERS));
}

static int read_names(struct carry *c)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), key = 0;
	int err;

	if (c->fd[PIN_NAMES] < 0) {
		c->names = names_v1;
		return 0;
	}
	err = bpf_obj_get_info_by_fd(c->fd[PIN_NAMES], &info, &len);
	if (!err && info.value_size != sizeof(c->names)) {
		log_error("%s of ABI version %u: %u bytes are no names", pin_map_name(PIN_NAMES),
			  c->version, info.value_size);
		err = -EPROTO;
	}
	return err ? err : bpf_map_lookup_elem(c->fd[PIN_NAMES], &key, &c->names);
}

static int open_all(struct carry *c)
{
	static const enum pin needed[] = { PIN_SWITCH, PIN_COUNTERS, PIN_KE_COUNTERS,
					   PIN_DAEMON_COUNTERS, PIN_KEY_STATE, PIN_NAMES };
	int err = pins_open_any(c->fd);

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && !err; i++)
		if (is_missing(c, needed[i])) {
			log_error("%s of ABI version %u is missing: `xntsd --unload` and start again",
				  pin_map_name(needed[i]), c->version);
			err = -EPROTO;
		}
	return err ? err : read_names(c);
}

/* ---- interface ------------------------------------------------------------ */

int carry_open(struct carry **out, uint32_t version)
{
	struct carry *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->version = version;
	err = open_all(c);
	if (!err)
		err = check(c);
	if (err)
		carry_close(c);
	else
		*out = c;
	return err;
}

void carry_close(struct carry *c)
{
	if (c)
		pins_close(c->fd);
	free(c);
}

uint32_t carry_version(const struct carry *c)
{
	return c->version;
}

uint32_t carry_sealing(const struct carry *c)
{
	uint32_t id;

	return read_word(c->fd[PIN_KEY_STATE], &id) ? 0 : id;
}

int carry_packet_counters(const struct carry *c, int fd)
{
	struct xnts_counters *cpus = NULL;
	uint32_t key = 0;
	struct table t;
	int err = read_packet_counters(c, &t);

	if (!err) {
		cpus = calloc(t.rows, sizeof(*cpus));
		err = cpus ? 0 : -ENOMEM;
	}
	if (!err) {
		table_add(&t, packet_counters, XNTS_COUNTERS, (uint64_t *)cpus, t.rows);
		err = bpf_map_update_elem(fd, &key, cpus, BPF_ANY);
	}
	free(cpus);
	free(t.value);
	return err;
}

int carry_phc(const struct carry *c, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), ifindex, *last = NULL;
	struct xnts_phc entry;
	int err;

	if (c->fd[PIN_PHC] < 0)
		return 0;
	err = bpf_obj_get_info_by_fd(c->fd[PIN_PHC], &info, &len);
	if (err)
		return err;
	if (info.key_size != sizeof(ifindex) || info.value_size != sizeof(entry)) {
		log_warning("phc of ABI version %u: of another shape: NICs whose stamps it enabled keep that",
			    c->version);
		return 0;
	}
	for (int i = 0; i < XNTS_MAX_PHC && !err; i++) {
		if (bpf_map_get_next_key(c->fd[PIN_PHC], last, &ifindex))
			break;
		last = &ifindex;
		if (!bpf_map_lookup_elem(c->fd[PIN_PHC], &ifindex, &entry))
			err = bpf_map_update_elem(fd, &ifindex, &entry, BPF_ANY);
	}
	return err;
}

int carry_userspace_counters(const struct carry *c, struct xnts_ke_counters *workers,
			     struct xnts_daemon_counters *daemon)
{
	struct table ke = { 0 }, own = { 0 };
	int err = read_ke_counters(c, &ke);

	if (!err)
		err = read_daemon_counters(c, &own);
	if (!err) {
		table_add(&ke, ke_counters, KE_COUNTERS, (uint64_t *)workers, XNTS_KE_WORKERS);
		table_add(&own, daemon_counters, DAEMON_COUNTERS, (uint64_t *)daemon, 1);
	}
	free(ke.value);
	free(own.value);
	return err;
}
