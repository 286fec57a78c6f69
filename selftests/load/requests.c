// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "../client.h"
#include "cookie.h"
#include "keys_state.h"
#include "requests.h"
#include "sessions.h"

static struct {
	uint16_t id;
	struct xnts_siv_key key; /* seals our cookies */
} sealing;

/* ---- associations ------------------------------------------------------------ */

static bool is_nts(const struct options *o, uint32_t index)
{
	return o->kind != LOAD_PLAIN && (o->kind != LOAD_MIXED || index % 2);
}

static bool breaks_cookie(const struct options *o, uint32_t index)
{
	return o->kind == LOAD_BAD_COOKIE || (o->kind == LOAD_GARBAGE && index % 2);
}

static bool breaks_tag(const struct options *o, uint32_t index)
{
	return o->kind == LOAD_BAD_TAG || (o->kind == LOAD_GARBAGE && !(index % 2));
}

/* The client of a request, and its cookie; returns the cookie's length. */
static uint32_t association(const struct options *o, uint32_t index, struct client *c, uint8_t *cookie)
{
	uint8_t nonce[COOKIE_NONCE_LEN];

	fill(c->uid, CLIENT_UID_LEN, index ^ 0xc0000000);
	c->uid_len = CLIENT_UID_LEN;
	fill(c->nonce, CLIENT_NONCE_LEN, index ^ 0x05000000);
	if (o->ke)
		return session_cookie(index, c->c2s, c->s2c, cookie);
	fill(c->c2s, sizeof(c->c2s), index ^ 0x11000000);
	fill(c->s2c, sizeof(c->s2c), index ^ 0x77000000);
	fill(nonce, sizeof(nonce), index ^ 0x9d000000);
	cookie_seal(cookie, &sealing.key, sealing.id, nonce, c->c2s, c->s2c);
	return XNTS_COOKIE_LEN;
}

/* ---- requests ---------------------------------------------------------------- */

static void add_nts(const struct options *o, uint32_t index, struct packet *p)
{
	uint8_t cookie[SESSION_COOKIE_MAX];
	struct client c;
	uint32_t len = association(o, index, &c, cookie), i;

	if (breaks_cookie(o, index))
		cookie[len - 1] ^= 1;
	client_add_uid(&c, p);
	packet_add_ef(p, 0x0204, cookie, len);
	for (i = 0; i < o->placeholders; i++)
		packet_add_ef(p, 0x0304, NULL, len);
	client_authenticate(&c, p, CLIENT_NONCE_LEN, NULL, 0, 0);
	if (breaks_tag(o, index))
		p->payload[p->payload_len - 1] ^= 1;
}

void requests_make(const struct options *o, uint32_t index, struct load_request *out)
{
	uint8_t frame[PAYLOAD_MAX + LOAD_NTP_AT];
	struct packet p;

	packet_init(&p, 4);
	memcpy(p.dst_mac, o->server_mac, 6);
	memcpy(p.src_mac, o->own_mac, 6);
	memset(p.src, 0, 4);
	put32(p.dst, o->server);
	p.dport = o->port;
	put32(p.payload + 40, o->magic);
	put32(p.payload + 44, index);
	if (is_nts(o, index))
		add_nts(o, index, &p);
	out->len = packet_build(&p, frame);
	if (out->len > LOAD_FRAME_MAX) {
		fprintf(stderr, "load: a request of %u bytes is too long for this generator\n", out->len);
		exit(2);
	}
	memcpy(out->frame, frame, out->len);
}

/* ---- keys -------------------------------------------------------------------- */

/* The state as it is now: a copy, so that the daemon's file stays untouched. */
static void load_state(const struct options *o, struct keys_state *state)
{
	struct keys_file file;

	if (keys_load(o->keys, state, &file) || !state->count) {
		fprintf(stderr, "load: no keys in %s\n", o->keys);
		exit(2);
	}
}

/* The key of an id, of the epochs that a server may have by now. */
static bool key_of(const struct options *o, uint16_t id, uint8_t key[32])
{
	struct keys_state state;
	uint32_t g;

	load_state(o, &state);
	for (g = 0; g < state.count; g++) {
		struct keys_generation *generation = &state.generation[g];
		int64_t last = generation->epoch + XNTS_KEY_RING;

		for (; generation->epoch <= last; keys_ratchet(generation, generation->epoch + 1))
			if (keys_id(generation, generation->epoch) == id)
				return !keys_derive(generation, key);
	}
	return false;
}

void requests_prepare(const struct options *o)
{
	struct keys_state state;
	struct keys_generation *generation = &state.generation[0];
	uint8_t key[32];
	int64_t epoch;

	if (o->kind == LOAD_PLAIN)
		return;
	if (o->ke) {
		sessions_open(o);
		return;
	}
	load_state(o, &state);
	if (state.count > 1 && generation->origin > time(NULL))
		generation++;
	epoch = keys_epoch_at(generation, time(NULL));
	if (keys_ratchet(generation, epoch) || keys_derive(generation, key)) {
		fprintf(stderr, "load: no key of epoch %lld\n", (long long)epoch);
		exit(2);
	}
	sealing.id = keys_id(generation, generation->epoch);
	siv_key_init(&sealing.key, key);
}

/* ---- answers ----------------------------------------------------------------- */

/* Does a new cookie open to the same keys? */
static const char *verify_cookie(const struct options *o, const struct client *c, const uint8_t *cookie)
{
	struct ref_part ad = { cookie, COOKIE_AD_LEN };
	uint8_t key[32], keys[64];

	if (o->ke)
		return NULL;
	if (cookie[0] != COOKIE_FORMAT || !key_of(o, cookie_key_id(cookie), key))
		return "wrong: a cookie of a key that is not the server's";
	if (!ref_open(key, &ad, 1, cookie + COOKIE_TAG, XNTS_COOKIE_LEN - COOKIE_TAG, keys))
		return "wrong: a cookie that does not open";
	if (memcmp(keys, c->c2s, 32) || memcmp(keys + 32, c->s2c, 32))
		return "wrong: a cookie of other keys";
	return NULL;
}

static const char *verify_nts(const struct options *o, uint32_t index, const uint8_t *ntp, uint32_t len)
{
	uint8_t cookie[SESSION_COOKIE_MAX], text[REF_MAX];
	struct client c;
	uint32_t cookie_len = association(o, index, &c, cookie), at;
	int text_len = client_decrypt(&c, ntp, len, text);
	const char *wrong;

	if (text_len < 0)
		return "wrong: NTS fields that are wrong or do not verify";
	if (text_len != (int)((4 + cookie_len) * (1 + o->placeholders)))
		return "wrong: another number of cookies than was asked for";
	for (at = 0; at < (uint32_t)text_len; at += 4 + cookie_len) {
		if (get16(text + at) != 0x0204 || get16(text + at + 2) != 4 + cookie_len)
			return "wrong: an encrypted field that is no cookie as long as the old";
		if (!memcmp(text + at + 4, cookie, cookie_len))
			return "wrong: the old cookie for a new one";
		wrong = verify_cookie(o, &c, text + at + 4);
		if (wrong)
			return wrong;
	}
	return NULL;
}

const char *requests_verify(const struct options *o, const uint8_t *ntp, uint32_t len)
{
	uint32_t index;

	if (len < NTP_LEN)
		return "broken in its headers";
	index = get32(ntp + 28);
	if (index >= o->requests || get32(ntp + 24) != o->magic)
		return "of nothing that was asked";
	if (!get64(ntp + 32) || get64(ntp + 40) < get64(ntp + 32))
		return "wrong: a transmit time before the receive time";
	if (is_nts(o, index))
		return verify_nts(o, index, ntp, len);
	return len == NTP_LEN ? NULL : "wrong: plain NTP with something behind it";
}
