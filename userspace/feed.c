/* SPDX-License-Identifier: GPL-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "monotonic.h"

/*
 * How long the program may NAK unknown key ids after the last confirmation: a few missed
 * seconds are nothing, but a machine that does not know the present keys must not send
 * a fleet's clients back to NTS-KE.
 */
#define KEYS_HOLD 60000000000ULL /* ns */

/* ---- config map --------------------------------------------------------- */

/* Adds a MAC unless it is there; false: no room. */
static bool add_mac(struct xnts_config *config, const void *addr)
{
	for (int i = 0; i < XNTS_MACS; i++) {
		struct xnts_mac *mac = &config->mac[i];

		if (mac->used && memcmp(mac->addr, addr, sizeof(mac->addr)))
			continue;
		memcpy(mac->addr, addr, sizeof(mac->addr));
		mac->used = 1;
		return true;
	}
	return false;
}

static bool add_mac_of(struct xnts_config *config, int fd, const char *ifname)
{
	struct ifreq request = { 0 };

	strcpy(request.ifr_name, ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return true; /* gone: nothing to add */
	return add_mac(config, request.ifr_hwaddr.sa_data);
}

/* Those of the configuration, of the NICs it lists, and of those a script attached. */
static bool add_macs(struct xnts_config *config, const struct config *cfg)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool room = true;

	for (unsigned int i = 0; i < cfg->ntp.macs.count; i++)
		room &= add_mac(config, cfg->ntp.macs.item[i]);
	for (unsigned int i = 0; i < cfg->ntp.interfaces.count; i++)
		room &= add_mac_of(config, fd, cfg->ntp.interfaces.item[i]);
	for (int i = 0; i < count; i++)
		room &= add_mac_of(config, fd, links[i].ifname);
	close(fd);
	return room;
}

/* The program counts in ticks of 2^20 ns, 5 % more than 1 ms. */
static struct xnts_limit limit_of(uint32_t interval, uint32_t burst)
{
	uint64_t ticks = (interval * 1000000ULL + (1 << 19)) >> 20;

	return (struct xnts_limit){ .interval = ticks, .burst = burst };
}

/* ns between two answers of one CPU, of those that share `rate` answers a second. */
static uint32_t ceiling_of(uint32_t rate)
{
	uint64_t ns = rate ? sysconf(_SC_NPROCESSORS_ONLN) * 1000000000ULL / rate : 0;

	return ns < UINT32_MAX ? ns : UINT32_MAX;
}

static void add_limits(struct xnts_config *config, const struct daemon *d)
{
	const struct limits_config *limits = &d->cfg->limits;

	config->flags |= (limits->require_nts ? XNTS_REQUIRE_NTS : 0) |
			 (lists_any(d->lists) ? XNTS_LISTS : 0) |
			 (limits->refuse_unlisted ? XNTS_REFUSE_UNLISTED : 0);
	config->plain = limit_of(limits->plain_interval, limits->plain_burst);
	config->nts = limit_of(limits->nts_interval, limits->nts_burst);
	config->budget = limits->nts_budget * 10;
	config->ceiling = ceiling_of(limits->ceiling);
	config->kod_one_in = limits->kod;
}

int feed_config(struct daemon *d)
{
	const struct ntp_config *ntp = &d->cfg->ntp;
	struct xnts_config config = { 0 };
	bool room;
	int err;

	config.abi_version = XNTS_ABI_VERSION;
	config.flags = (ntp->pass_symmetric ? XNTS_PASS_SYMMETRIC : 0) |
		       (ntp->pass_control ? XNTS_PASS_CONTROL : 0) |
		       (ntp->next_hop_fib ? XNTS_FIB : 0);
	for (unsigned int i = 0; i < ntp->ports.count; i++)
		config.port[i] = htons(ntp->ports.item[i]);
	config.nak_rate = ntp->nak_rate;
	config.ttl = ntp->ttl;
	add_limits(&config, d);
	room = add_macs(&config, d->cfg);
	if (!memcmp(&config, &d->written, sizeof(config)))
		return 0;
	if (!room)
		log_warning("[ntp] macs: more than %d MAC addresses: frames to the others are left to the host",
			    XNTS_MACS);
	err = dataplane_set_config(d->dp, &config);
	if (!err)
		d->written = config;
	return err;
}

/* ---- clock -------------------------------------------------------------- */

void feed_clock(struct daemon *d)
{
	struct xnts_clock_state state = { 0 };

	/* On error the hold time of what is published runs out. */
	if (clock_source_read(d->clock, &state))
		return;
	dataplane_set_clock(d->dp, &state);
	d->state = state;
}

static bool synchronised(const struct daemon *d)
{
	const struct xnts_clock_state *s = &d->state;

	return s->mono && s->leap != 3 && s->stratum && clock_ns(CLOCK_MONOTONIC) < s->mono + s->hold;
}

/* ---- keys --------------------------------------------------------------- */

struct window {
	struct dataplane_key key[XNTS_KEY_SLOTS];
	int count;
};

static void collect_key(void *arg, uint16_t id, const uint8_t key[KEYS_LEN])
{
	struct window *window = arg;

	if (window->count == XNTS_KEY_SLOTS)
		return;
	window->key[window->count].id = id;
	memcpy(window->key[window->count++].key, key, KEYS_LEN);
}

/* False before the first seed: keys of an earlier daemon stay in the map until then. */
static bool feed_map(struct daemon *d, uint32_t seal_id)
{
	struct window window = { .count = 0 };
	int err = keys_window(d->keys, collect_key, &window);
	bool any = !err && window.count;

	if (any)
		dataplane_set_keys(d->dp, window.key, window.count, seal_id);
	if (err)
		log_error("keys: cannot be derived: %s", strerror(-err));
	OPENSSL_cleanse(&window, sizeof(window));
	return any;
}

static void give_workers(struct daemon *d, const struct keys_sealing *sealing)
{
	struct ke_sealing_keys keys = {
		.current.id = sealing->current.id,
		.next.id = sealing->next.id,
		.switch_at = sealing->switch_at,
	};

	if (!d->ke)
		return;
	memcpy(keys.current.key, sealing->current.key, KE_SEALING_KEY_LEN);
	memcpy(keys.next.key, sealing->next.key, KE_SEALING_KEY_LEN);
	ke_set_keys(d->ke, &keys);
	OPENSSL_cleanse(&keys, sizeof(keys));
}

void feed_workers(struct daemon *d)
{
	struct keys_sealing sealing;

	if (!keys_sealing(d->keys, &sealing))
		give_workers(d, &sealing);
	OPENSSL_cleanse(&sealing, sizeof(sealing));
}

/* The map first: a worker must not seal with what the packet path cannot open. */
static void feed_changed_keys(struct daemon *d)
{
	struct keys_sealing sealing;
	int err = keys_sealing(d->keys, &sealing);

	if (!err && feed_map(d, sealing.current.id)) {
		give_workers(d, &sealing);
		d->keys_version = keys_version(d->keys);
		d->keys_switch = sealing.next.id ? sealing.switch_at : 0;
		d->keys_fed = true;
	}
	OPENSSL_cleanse(&sealing, sizeof(sealing));
}

void feed_keys(struct daemon *d)
{
	int err = keys_advance(d->keys, time(NULL), synchronised(d),
			       clock_ns(CLOCK_BOOTTIME) / 1000000000);

	if (!d->keys_fed || d->keys_version != keys_version(d->keys))
		feed_changed_keys(d);
	if (err == -EAGAIN && !d->keys_fed && !d->keys_awaited) {
		log_warning("keys: no secret yet: one is made, and NTS-KE begins, once the clock is "
			    "synchronised");
		d->keys_awaited = true;
	}
	if (!err && d->keys_fed && d->keys_version == keys_version(d->keys))
		dataplane_confirm_keys(d->dp, clock_ns(CLOCK_MONOTONIC), KEYS_HOLD);
}

void feed_ke_state(struct daemon *d)
{
	struct xnts_ke_state state = {
		.mono = clock_ns(CLOCK_MONOTONIC),
		.switch_at = d->keys_switch,
		.epoch = d->cfg->keys.epoch,
		.mute = d->mute,
		.keys_refused = !keys_file_is_used(d->keys),
	};

	if (d->ke)
		ke_describe(d->ke, &state);
	dataplane_set_ke_state(d->dp, &state);
}
