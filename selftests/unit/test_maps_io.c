/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the daemon writes into mapped memory (xnts_abi.h), over plain memory: the
 * clock's two slots, key slots, and names and sizes of pins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "dataplane_priv.h"
#include "siv.h"

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static int set_up(void **state)
{
	static struct dataplane dp;

	dp = (struct dataplane){
		.clock = map(pin_map_bytes(PIN_CLOCK)),
		.ke_counters = map(pin_map_bytes(PIN_KE_COUNTERS)),
		.keys = map(pin_map_bytes(PIN_KEYS)),
		.key_state = map(pin_map_bytes(PIN_KEY_STATE)),
	};
	*state = &dp;
	return 0;
}

static int tear_down(void **state)
{
	maps_io_unmap(*state);
	return 0;
}

static struct dataplane_key key(uint16_t id, uint8_t fill)
{
	struct dataplane_key k = { .id = id };

	memset(k.key, fill, sizeof(k.key));
	return k;
}

static void assert_holds(struct dataplane *dp, struct dataplane_key k)
{
	const struct xnts_cookie_key *slot = &dp->keys[XNTS_KEY_SLOT(k.id)];
	struct xnts_siv_key prepared;

	siv_key_init(&prepared, k.key);
	assert_int_equal(slot->id, k.id);
	assert_memory_equal(&slot->key, &prepared, sizeof(prepared));
}

static void assert_wiped(struct dataplane *dp, uint16_t id)
{
	static const struct xnts_cookie_key empty;

	assert_memory_equal(&dp->keys[XNTS_KEY_SLOT(id)], &empty, sizeof(empty));
}

static void test_clock_alternates(void **state)
{
	struct dataplane *dp = *state;
	struct xnts_clock_state in = { .mono = 1, .stratum = 2, .hold = 3 }, out;

	for (int i = 0; i < 5; i++) {
		uint32_t was = dp->clock->current;
		struct xnts_clock_state old = dp->clock->slot[was];

		in.mono++;
		dataplane_set_clock(dp, &in);
		assert_int_equal(dp->clock->current, !was);
		/* A reader in the middle of the old slot is not disturbed. */
		assert_memory_equal(&dp->clock->slot[was], &old, sizeof(old));
		dataplane_clock(dp, &out);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void test_keys_come_and_go(void **state)
{
	/* Two generations side by side; 0x1041 takes the slot of 0x1001. */
	struct dataplane_key first[] = { key(0x1001, 1), key(0x1002, 2), key(0x2001, 3) };
	struct dataplane_key second[] = { key(0x1002, 2), key(0x1041, 4) };
	struct dataplane *dp = *state;
	uint32_t ids[XNTS_KEY_SLOTS];

	dataplane_set_keys(dp, first, 3, 0x1002);
	for (int i = 0; i < 3; i++)
		assert_holds(dp, first[i]);
	assert_int_equal(dp->key_state->seal_id, 0x1002);

	dataplane_set_keys(dp, second, 2, 0x1041);
	for (int i = 0; i < 2; i++)
		assert_holds(dp, second[i]);
	assert_wiped(dp, 0x2001);
	assert_int_equal(dp->key_state->seal_id, 0x1041);

	dataplane_key_ids(dp, ids);
	for (int i = 0; i < XNTS_KEY_SLOTS; i++)
		assert_int_equal(ids[i], i == XNTS_KEY_SLOT(0x1041)   ? 0x1041
					 : i == XNTS_KEY_SLOT(0x1002) ? 0x1002
								      : 0);
}

static void test_none_wipes_all(void **state)
{
	struct dataplane_key window[] = { key(0x1000, 1), key(0x2fff, 2) };
	struct dataplane *dp = *state;

	dataplane_set_keys(dp, window, 2, 0x1000);
	dataplane_set_keys(dp, NULL, 0, 0);
	assert_wiped(dp, 0x1000);
	assert_wiped(dp, 0x2fff);
	assert_int_equal(dp->key_state->seal_id, 0);
}

/* An equal key is not written at all: the page would refuse. */
static void test_equal_keys_are_untouched(void **state)
{
	struct dataplane_key window[] = { key(0x1001, 1), key(0x1002, 2) };
	struct dataplane *dp = *state;

	dataplane_set_keys(dp, window, 2, 0x1001);
	assert_int_equal(mprotect(dp->keys, pin_map_bytes(PIN_KEYS), PROT_READ), 0);
	dataplane_set_keys(dp, window, 2, 0x1002);
	assert_int_equal(dp->key_state->seal_id, 0x1002);
	assert_holds(dp, window[0]);
}

static void test_other_key_of_an_id_is_replaced(void **state)
{
	struct dataplane_key old = key(0x1001, 1), new = key(0x1001, 2);
	struct dataplane *dp = *state;

	dataplane_set_keys(dp, &old, 1, 0x1001);
	dataplane_set_keys(dp, &new, 1, 0x1001);
	assert_holds(dp, new);
}

static void test_confirmation_keeps_the_seal(void **state)
{
	struct dataplane_key one = key(0x1001, 1);
	struct dataplane *dp = *state;
	struct xnts_key_state now;

	dataplane_set_keys(dp, &one, 1, 0x1001);
	dataplane_confirm_keys(dp, 7, 8);
	dataplane_key_state(dp, &now);
	assert_int_equal(now.seal_id, 0x1001);
	assert_int_equal(now.mono, 7);
	assert_int_equal(now.hold, 8);
}

static void test_link_pins(void **state)
{
	char path[PIN_PATH], ifname[IF_NAMESIZE];

	(void)state;
	/* bpffs refuses dots; the kernel refuses colons in a device's name. */
	pin_link_path("eth0.5", path);
	assert_string_equal(path, XNTS_PIN_DIR "/link_eth0:5");
	assert_int_equal(pin_link_ifname("link_eth0:5", ifname), 0);
	assert_string_equal(ifname, "eth0.5");
	assert_int_equal(pin_link_ifname("link_fifteen_letters", ifname), 0);
	assert_string_equal(ifname, "fifteen_letters");
	assert_int_equal(pin_link_ifname("link_sixteen__letters", ifname), -ENOENT);
	assert_int_equal(pin_link_ifname("config", ifname), -ENOENT);
	assert_int_equal(pin_link_ifname("", ifname), -ENOENT);
}

static void test_mapped_sizes(void **state)
{
	(void)state;
	assert_true(pin_map_bytes(PIN_KEYS) >= XNTS_KEY_SLOTS * sizeof(struct xnts_cookie_key));
	assert_true(pin_map_bytes(PIN_KE_COUNTERS) >=
		    XNTS_KE_WORKERS * sizeof(struct xnts_ke_counters));
	assert_int_equal(pin_map_bytes(PIN_CLOCK) % 4096, 0);
	/* Elements of an array are 8 bytes apart or a multiple: so are ours, as C arrays. */
	assert_int_equal(sizeof(struct xnts_cookie_key) % 8, 0);
	assert_int_equal(sizeof(struct xnts_ke_counters) % 8, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clock_alternates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none_wipes_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_equal_keys_are_untouched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_key_of_an_id_is_replaced, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_confirmation_keeps_the_seal, set_up,
						tear_down),
		cmocka_unit_test(test_link_pins),
		cmocka_unit_test(test_mapped_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
