/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Contents of the pinned maps, in the write orders that xnts_abi.h states.  The other side is a
 * program on any CPU, so every order is a release here and an acquire there.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "counters.h"
#include "dataplane_priv.h"
#include "histogram.h"
#include "log.h"
#include "siv.h"

static int map_one(struct dataplane *dp, enum pin pin, bool writable, void **out)
{
	void *p = mmap(NULL, pin_map_bytes(pin), writable ? PROT_READ | PROT_WRITE : PROT_READ,
		       MAP_SHARED, dp->map_fd[pin], 0);

	if (p == MAP_FAILED) {
		int err = -errno;

		log_error("%s: cannot map its memory: %s", pin_map_name(pin), strerror(-err));
		return err;
	}
	*out = p;
	return 0;
}

int maps_io_map(struct dataplane *dp, bool writable)
{
	int err = map_one(dp, PIN_CLOCK, writable, (void **)&dp->clock);

	if (!err)
		err = map_one(dp, PIN_KE_COUNTERS, writable, (void **)&dp->ke_counters);
	if (!err)
		err = map_one(dp, PIN_DAEMON_COUNTERS, writable, (void **)&dp->daemon_counters);
	if (!err)
		err = map_one(dp, PIN_KEYS, writable, (void **)&dp->keys);
	if (!err)
		err = map_one(dp, PIN_KEY_STATE, writable, (void **)&dp->key_state);
	return err; /* the caller unmaps */
}

void maps_io_unmap(struct dataplane *dp)
{
	if (dp->clock)
		munmap(dp->clock, pin_map_bytes(PIN_CLOCK));
	if (dp->ke_counters)
		munmap(dp->ke_counters, pin_map_bytes(PIN_KE_COUNTERS));
	if (dp->daemon_counters)
		munmap(dp->daemon_counters, pin_map_bytes(PIN_DAEMON_COUNTERS));
	if (dp->keys)
		munmap(dp->keys, pin_map_bytes(PIN_KEYS));
	if (dp->key_state)
		munmap(dp->key_state, pin_map_bytes(PIN_KEY_STATE));
}

/* ---- clock -------------------------------------------------------------- */

void dataplane_set_clock(struct dataplane *dp, const struct xnts_clock_state *state)
{
	uint32_t next = !dp->clock->current;

	__atomic_store_n(&dp->clock->slot[next].mono, state->mono, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	dp->clock->slot[next] = *state;
	__atomic_store_n(&dp->clock->current, next, __ATOMIC_RELEASE);
	/* The next call's writes to the slot left behind must not pass this. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void dataplane_clock(struct dataplane *dp, struct xnts_clock_state *state)
{
	uint32_t now;

	do {
		now = __atomic_load_n(&dp->clock->current, __ATOMIC_ACQUIRE);
		*state = dp->clock->slot[now & 1];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (now != __atomic_load_n(&dp->clock->current, __ATOMIC_RELAXED));
}

/* ---- keys --------------------------------------------------------------- */

static void write_key(struct xnts_cookie_key *slot, uint32_t id, const struct xnts_siv_key *key)
{
	__atomic_store_n(&slot->id, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->key = *key;
	__atomic_store_n(&slot->id, id, __ATOMIC_RELEASE);
}

static void wipe_key(struct xnts_cookie_key *slot)
{
	__atomic_store_n(&slot->id, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	OPENSSL_cleanse(&slot->key, sizeof(slot->key));
}

/* An equal key stays untouched: rewriting would make it unknown for a moment. */
static void put_key(struct dataplane *dp, const struct dataplane_key *key)
{
	struct xnts_cookie_key *slot = &dp->keys[XNTS_KEY_SLOT(key->id)];
	struct xnts_siv_key prepared;

	siv_key_init(&prepared, key->key);
	if (slot->id != key->id || CRYPTO_memcmp(&slot->key, &prepared, sizeof(prepared)))
		write_key(slot, key->id, &prepared);
	OPENSSL_cleanse(&prepared, sizeof(prepared));
}

void dataplane_set_keys(struct dataplane *dp, const struct dataplane_key *keys, int count,
			uint16_t seal_id)
{
	bool held[XNTS_KEY_SLOTS] = { false };

	for (int i = 0; i < count; i++) {
		put_key(dp, &keys[i]);
		held[XNTS_KEY_SLOT(keys[i].id)] = true;
	}
	/* In between, so that the key that seals is in the map at every instant. */
	__atomic_store_n(&dp->key_state->seal_id, seal_id, __ATOMIC_RELEASE);
	for (int i = 0; i < XNTS_KEY_SLOTS; i++)
		if (!held[i] && dp->keys[i].id)
			wipe_key(&dp->keys[i]);
}

void dataplane_confirm_keys(struct dataplane *dp, uint64_t mono, uint64_t hold)
{
	__atomic_store_n(&dp->key_state->hold, hold, __ATOMIC_RELEASE);
	__atomic_store_n(&dp->key_state->mono, mono, __ATOMIC_RELEASE);
}

void dataplane_key_ids(struct dataplane *dp, uint32_t ids[XNTS_KEY_SLOTS])
{
	for (int i = 0; i < XNTS_KEY_SLOTS; i++)
		ids[i] = __atomic_load_n(&dp->keys[i].id, __ATOMIC_RELAXED);
}

void dataplane_key_state(struct dataplane *dp, struct xnts_key_state *state)
{
	*state = *dp->key_state;
}

/* ---- config, switch ----------------------------------------------------- */

static int update_word_map(struct dataplane *dp, enum pin pin, const void *value)
{
	uint32_t key = 0;
	int err = bpf_map_update_elem(dp->map_fd[pin], &key, value, BPF_ANY);

	if (err)
		log_error("%s: cannot write: %s", pin_map_name(pin), strerror(-err));
	return err;
}

int dataplane_set_config(struct dataplane *dp, const struct xnts_config *config)
{
	struct xnts_config value = *config, old;
	int err = dataplane_config(dp, &old);

	/* The version makes the rest count, so it comes after the rest. */
	value.abi_version = 0;
	if (!err && !old.abi_version)
		err = update_word_map(dp, PIN_CONFIG, &value);
	value.abi_version = XNTS_ABI_VERSION;
	return err ? err : update_word_map(dp, PIN_CONFIG, &value);
}

int dataplane_config(struct dataplane *dp, struct xnts_config *config)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(dp->map_fd[PIN_CONFIG], &key, config);
}

int dataplane_set_switch(struct dataplane *dp, enum xnts_switch to)
{
	uint32_t value = to;

	return update_word_map(dp, PIN_SWITCH, &value);
}

int dataplane_switch(struct dataplane *dp, enum xnts_switch *now)
{
	uint32_t key = 0, value;
	int err = bpf_map_lookup_elem(dp->map_fd[PIN_SWITCH], &key, &value);

	if (!err)
		*now = value;
	return err;
}

int dataplane_set_ke_state(struct dataplane *dp, const struct xnts_ke_state *state)
{
	return update_word_map(dp, PIN_KE_STATE, state);
}

int dataplane_ke_state(struct dataplane *dp, struct xnts_ke_state *state)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(dp->map_fd[PIN_KE_STATE], &key, state);
}

int maps_io_name(struct dataplane *dp)
{
	static struct xnts_names names; /* large */

	for (size_t i = 0; i < XNTS_COUNTERS; i++)
		strcpy(names.packet[i], packet_counters[i].name);
	for (size_t i = 0; i < KE_COUNTERS; i++)
		strcpy(names.ke[i], ke_counters[i].name);
	for (size_t i = 0; i < DAEMON_COUNTERS; i++)
		strcpy(names.daemon[i], daemon_counters[i].name);
	return update_word_map(dp, PIN_NAMES, &names);
}

/* ---- counters ----------------------------------------------------------- */

int dataplane_cpus(void)
{
	return libbpf_num_possible_cpus();
}

int dataplane_cpu_counters(struct dataplane *dp, struct xnts_counters *cpu)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(dp->map_fd[PIN_COUNTERS], &key, cpu);
}

int dataplane_counters(struct dataplane *dp, struct xnts_counters *sum)
{
	int cpus = dataplane_cpus(), err;
	struct xnts_counters *cpu;

	if (cpus < 0)
		return cpus;
	cpu = calloc(cpus, sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	err = dataplane_cpu_counters(dp, cpu);
	if (!err)
		sum_packet_counters(cpu, cpus, sum);
	free(cpu);
	return err;
}

int dataplane_latency(struct dataplane *dp, struct xnts_latency *sum)
{
	int cpus = dataplane_cpus(), err;
	struct xnts_latency *cpu;
	uint32_t key = 0;

	if (cpus < 0)
		return cpus;
	cpu = calloc(cpus, sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	err = bpf_map_lookup_elem(dp->map_fd[PIN_LATENCY], &key, cpu);
	if (!err)
		latency_sum(cpu, cpus, sum);
	free(cpu);
	return err;
}

struct xnts_ke_counters *dataplane_ke_counters(struct dataplane *dp)
{
	return dp->ke_counters;
}

struct xnts_daemon_counters *dataplane_daemon_counters(struct dataplane *dp)
{
	return dp->daemon_counters;
}
