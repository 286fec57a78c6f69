// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the packet path.  Each input is run as a frame, as the UDP payload of a good
 * frame, and as fields and encrypted fields of a request sealed here, which is how
 * the fuzzer gets behind the cryptography.  Whatever comes in:
 *
 *  - an answer is never longer than its request, and turned round with good checksums;
 *  - modes 2 and 4 are never answered, and what passes is not touched;
 *  - without a key nothing is authenticated; what is authenticated, the client accepts.
 */
#include "../host_target.h"
#include "../client.h"

#define REQUIRE(what) ((what) ? (void)0 : __builtin_trap())
#define FRAME_IN 2000

static struct client client;

/* The clock stands still between packets, so that a finding is found again. */
static void start(void)
{
	static struct world w;

	if (host.tai)
		return;
	world_init(&w);
	world_set_keys(&w);
	world_clock(&w)->hold = w.key_state.hold = 1ULL << 62;
	host_target.load(&w);
	host.tai = world_clock(&w)->tai;
	host.mono = world_clock(&w)->mono;
	client_init(&client);
}

static void tick(void)
{
	host.tai += SECOND / 1000;
	host.mono += SECOND / 1000;
}

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
	tick();
	REQUIRE(host_target.run(frame, len, out) == 0);
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

static void as_frame(const uint8_t *data, size_t size)
{
	static struct outcome out;

	run(data, size < FRAME_IN ? size : FRAME_IN, &out);
	REQUIRE(out.verdict != XNTS_V_nts_answered);
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
	REQUIRE(out.verdict != XNTS_V_nts_answered);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	as_frame(data, size);
	as_payload(data, size, 4);
	as_payload(data, size, 6);
	as_sealed(data, size);
	return 0;
}
