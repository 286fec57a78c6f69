/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fuzzes the packet path of `fuzz_target`, which the includer defines before.  Each input is
 * run as a frame, as the UDP payload of a good frame, as fields and encrypted fields of
 * a request sealed here, which is how the fuzzer gets behind the cryptography, and
 * as changes to a good frame.  Whatever comes in:
 *
 *  - an answer is never longer than its request, and turned round with good checksums;
 *  - modes 2 and 4 are never answered, and what passes is not touched;
 *  - what is authenticated verifies by OpenSSL as well; its answer, the client accepts.
 */
#ifndef XNTS_FUZZ_PACKETS_H
#define XNTS_FUZZ_PACKETS_H

#include "../client.h"
#include "../target.h"

#define REQUIRE(what) ((what) ? (void)0 : __builtin_trap())
#define FRAME_IN 2000

static struct client client;

/* ---- what the server is told ---------------------------------------------- */

enum {
	WORLD_ORDINARY, /* the first 32: the bits are enum xnts_config_flags */
	WORLD_SWITCH = 32, /* and the enum xnts_switch */
	WORLD_UNSYNCHRONISED = 36,
	WORLD_STALE_KEYS,
	WORLD_NO_KEYS,
	WORLD_NO_CONFIG,
	WORLD_VARIANTS
};

static void world_variant(struct world *w, unsigned int variant)
{
	world_init(w);
	world_set_keys(w);
	world_clock(w)->hold = w->key_state.hold = 1ULL << 62;
	w->listed4[0] = (struct xnts_lpm4){ 32, { 198, 51, 100, 77 } };
	w->list[0] = variant & 1 ? XNTS_ALLOW : XNTS_REFUSE;
	if (variant < WORLD_SWITCH)
		w->config.flags = variant;
	else if (variant < WORLD_UNSYNCHRONISED)
		w->switch_word = variant - WORLD_SWITCH;
	else if (variant == WORLD_UNSYNCHRONISED)
		world_clock(w)->hold = 0;
	else if (variant == WORLD_STALE_KEYS)
		w->key_state.hold = 0;
	else if (variant == WORLD_NO_KEYS)
		memset(w->keys, 0, sizeof(w->keys));
	else
		w->config.abi_version++;
}

static void use_world(unsigned int variant)
{
	static unsigned int in_use = WORLD_VARIANTS;
	static struct world w;

	if (variant == in_use)
		return;
	world_variant(&w, variant);
	fuzz_target.load(&w);
	client_init(&client);
	in_use = variant;
}

/* ---- what every outcome has to keep --------------------------------------- */

static void require_checksums(const uint8_t *frame, uint32_t len)
{
	uint32_t at = frame_udp_at(frame), udp_len = len - at, ip = 14, addresses;

	while (get16(frame + ip - 2) == 0x8100 || get16(frame + ip - 2) == 0x88a8)
		ip += 4;
	addresses = at - ip == 20 ? 8 : 32;
	if (at - ip == 20) {
		REQUIRE(fold(sum16(0, frame + ip, 20)) == 0xffff);
		REQUIRE(get16(frame + ip + 2) == len - ip);
	} else {
		REQUIRE(get16(frame + ip + 4) == udp_len);
	}
	REQUIRE(get16(frame + at + 4) == udp_len && get16(frame + at + 6));
	REQUIRE(fold(sum16(sum16(17 + udp_len, frame + at - addresses, addresses), frame + at,
			   udp_len)) == 0xffff);
}

static void require_turned(const uint8_t *in, const uint8_t *out, uint32_t at)
{
	uint8_t asked = in[at + 8] & 7, said = out[at + 8] & 7;

	REQUIRE(!memcmp(in, out + 6, 6) && !memcmp(in + 6, out, 6));
	REQUIRE(!memcmp(in + at, out + at + 2, 2) && !memcmp(in + at + 2, out + at, 2));
	REQUIRE(asked == 1 ? said == 2 : (asked == 3 || asked == 0) && said == 4);
	REQUIRE(!memcmp(in + at + 8 + 40, out + at + 8 + 24, 8)); /* origin */
}

static void run(const uint8_t *frame, uint32_t len, struct outcome *out)
{
	REQUIRE(fuzz_target.run(frame, len, out) == 0);
	REQUIRE(out->verdict >= 0 && out->verdict < XNTS_VERDICT_COUNT);
	REQUIRE(out->verdict != XNTS_V_drop_internal && out->verdict != XNTS_V_drop_busy);
	REQUIRE(out->len <= len && host.scratch.busy == 0);
	if (out->action == XDP_PASS)
		REQUIRE(out->len == len && !memcmp(out->frame, frame, len));
	if (out->action == XDP_TX) {
		require_turned(frame, out->frame, frame_udp_at(frame));
		require_checksums(out->frame, out->len);
	}
}

/* Does OpenSSL find the request authentic?  Seeds are a bit from it, and the fuzzer turns that. */
static bool verifies(const uint8_t *frame)
{
	static uint8_t keys[REF_MAX], text[REF_MAX];
	const uint8_t *ntp = frame + frame_udp_at(frame) + 8, *ef = ntp + NTP_LEN, *cookie = NULL;
	uint8_t key[32];

	for (; get16(ef) != 0x0404; ef += get16(ef + 2))
		if (get16(ef) == 0x0204)
			cookie = ef + 4;
	if (!cookie || (get16(cookie + 1) != KEY_OLD && get16(cookie + 1) != KEY_SEAL))
		return false;
	cookie_key_bytes(get16(cookie + 1), key);
	return ref_open(key, (struct ref_part[]){ { cookie, 8 } }, 1, cookie + 8, XNTS_COOKIE_LEN - 8,
			keys) &&
	       ref_open(keys, (struct ref_part[]){ { ntp, ef - ntp }, { ef + 8, get16(ef + 4) } }, 2,
			ef + 8 + words(get16(ef + 4)), get16(ef + 6), text);
}

/* ---- what is made of an input ---------------------------------------------- */

static void as_frame(const uint8_t *data, size_t size)
{
	static struct outcome out;

	run(data, size < FRAME_IN ? size : FRAME_IN, &out);
	if (out.verdict == XNTS_V_nts_answered)
		REQUIRE(verifies(data));
}

static void as_payload(const uint8_t *data, size_t size, int ip_version)
{
	static uint8_t frame[FRAME_MAX];
	static struct outcome out;
	static struct packet p;

	packet_init(&p, ip_version);
	p.payload_len = size < PAYLOAD_MAX ? size : PAYLOAD_MAX;
	memcpy(p.payload, data, p.payload_len);
	run(frame, packet_build(&p, frame), &out);
	if (out.verdict == XNTS_V_nts_answered)
		REQUIRE(verifies(frame));
	if (size && ((data[0] & 7) == 2 || (data[0] & 7) == 4))
		REQUIRE(out.action == XDP_PASS);
}

/* The client whose identifier an answered request carries: bytes before ours may be a field
 * that takes ours in. */
static bool asking_client(const struct packet *p, struct client *asking)
{
	const uint8_t *ef = p->payload + NTP_LEN;

	while (get16(ef) != 0x0104)
		ef += get16(ef + 2);
	*asking = client;
	asking->uid_len = get16(ef + 2) - 4;
	if (asking->uid_len > CLIENT_UID_MAX)
		return false;
	memcpy(asking->uid, ef + 4, asking->uid_len);
	return true;
}

/* nonce length, padding, bytes to encrypt, bytes behind, order; then those bytes, and what
 * is left goes before the authenticator. */
static void as_sealed(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME_MAX];
	static struct outcome out;
	static struct client asking;
	static struct packet p;
	uint32_t encrypt, behind, at;
	struct answer a;

	if (size < 5 || size > 1000)
		return;
	encrypt = data[2] < size - 5 ? data[2] : size - 5;
	behind = data[3] < size - 5 - encrypt ? data[3] : size - 5 - encrypt;
	at = 5 + encrypt + behind;
	packet_init(&p, data[4] & 1 ? 6 : 4);
	if (data[4] & 2)
		packet_add(&p, data + at, size - at);
	client_add_uid(&client, &p);
	client_add_cookie(&client, &p, data[4] & 4 ? KEY_OLD : KEY_SEAL);
	if (!(data[4] & 2))
		packet_add(&p, data + at, size - at);
	client_authenticate(&client, &p, 1 + data[0] % 64, data + 5, encrypt,
			    4 * (data[1] % 16));
	packet_add(&p, data + 5 + encrypt, behind);
	run(frame, packet_build(&p, frame), &out);
	if (out.verdict != XNTS_V_nts_answered)
		return;
	at = packet_payload_at(&p);
	if (!asking_client(&p, &asking))
		return;
	REQUIRE(client_open(&asking, &p, out.frame + at, out.len - at, &a));
	REQUIRE((uint64_t)a.cookies == out.cookies_issued);
}

/* A good frame: over IPv4 or IPv6, 0 to 2 VLAN tags, plain or NTS, with something encrypted
 * or not, padded or not. */
static void good_frame(struct packet *p, uint8_t kind, int placeholders)
{
	static const uint8_t padding[4] = { 0, 4, 18, 46 };
	uint8_t fields[4 * COOKIE_FIELD];
	int i;

	packet_init(p, kind & 1 ? 6 : 4);
	for (i = (kind >> 1 & 3) % 3; i > 0; i--)
		packet_vlan(p, i & 1 ? 0x8100 : 0x88a8, 0x0123);
	p->padding = padding[kind >> 6];
	if (!(kind & 8))
		return;
	client_add_uid(&client, p);
	client_add_cookie(&client, p, kind & 16 ? KEY_OLD : KEY_SEAL);
	client_add_placeholders(p, placeholders & 3);
	memset(fields, 0, sizeof(fields));
	for (i = 0; i < placeholders >> 2; i++) {
		put16(fields + i * COOKIE_FIELD, 0x0304);
		put16(fields + i * COOKIE_FIELD + 2, COOKIE_FIELD);
	}
	client_authenticate(&client, p, CLIENT_NONCE_LEN, fields, i * COOKIE_FIELD, 0);
}

/* Is all that the authenticator covers as the client sent it?  Its own length is not covered. */
static bool is_authentic(const struct packet *p, const uint8_t *payload)
{
	const uint8_t *ef = p->payload + NTP_LEN;
	uint32_t auth;

	while (get16(ef) != 0x0404)
		ef += get16(ef + 2);
	auth = ef + 2 - p->payload;
	return !memcmp(payload, p->payload, auth) &&
	       !memcmp(payload + auth + 2, ef + 4, p->payload_len - auth - 2);
}

static void require_authentic(const struct packet *p, const uint8_t *frame, uint32_t len,
			      const struct outcome *out)
{
	uint32_t at = packet_payload_at(p);
	struct answer a;

	REQUIRE(p->payload_len > NTP_LEN && len >= at + p->payload_len);
	REQUIRE(is_authentic(p, frame + at));
	REQUIRE(client_open(&client, p, out->frame + at, out->len - at, &a));
	REQUIRE((uint64_t)a.cookies == out->cookies_issued);
}

/*
 * The frame's kind; what the server is told; placeholders, in the open and encrypted, and
 * whether IPv4's checksum is put right; bytes cut off.  Then what is changed: pairs
 * of offset (2 bytes) and XOR.
 */
static void as_changes(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME_MAX];
	static struct outcome out;
	static struct packet p;
	uint32_t len, ip;
	size_t i;

	if (size < 4)
		return;
	use_world(data[1] % WORLD_VARIANTS);
	good_frame(&p, data[0], data[2] & 15);
	len = packet_build(&p, frame);
	for (i = 4; i + 3 <= size; i += 3)
		frame[get16(data + i) % len] ^= data[i + 2];
	ip = 14 + 4 * p.vlans;
	if (data[2] & 16 && p.ip_version == 4) {
		put16(frame + ip + 10, 0);
		put16(frame + ip + 10, ~fold(sum16(0, frame + ip, 20)));
	}
	len -= data[3];
	if ((int32_t)len <= 0)
		return;
	run(frame, len, &out);
	if (out.verdict == XNTS_V_nts_answered)
		require_authentic(&p, frame, len, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	use_world(WORLD_ORDINARY);
	as_frame(data, size);
	as_payload(data, size, 4);
	as_payload(data, size, 6);
	as_sealed(data, size);
	as_changes(data, size);
	return 0;
}

#endif /* XNTS_FUZZ_PACKETS_H */
