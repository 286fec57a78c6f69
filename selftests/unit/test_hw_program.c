/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a NIC's stamps are asked for, given back, and asked for again.  Kernel, NIC and loading are
 * made up: the real program must not be loaded on just any machine (bpf/xnts.bpf.c).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataplane_priv.h"
#include "log.h"
#include "nic_stamps.h"
#include "xnts.skel.h"

#define IFINDEX 7
#define PROGRAM 42 /* its descriptor */

static struct {
	bool entry;      /* in the map `phc` */
	bool stamps;     /* the NIC's, enabled */
	int load_error;
	int loads;
} fake;

static int fake_lookup(int fd, const void *key, void *value)
{
	(void)fd, (void)key;
	memset(value, 0, sizeof(struct xnts_phc));
	((struct xnts_phc *)value)->filter = 1;
	return fake.entry ? 0 : -ENOENT;
}

static int fake_update(int fd, const void *key, const void *value, uint64_t flags)
{
	(void)fd, (void)key, (void)value, (void)flags;
	fake.entry = true;
	return 0;
}

static int fake_delete(int fd, const void *key)
{
	(void)fd, (void)key;
	fake.entry = false;
	return 0;
}

static int fake_enable(nic_ioctl kernel, const char *ifname, struct nic_filter *out)
{
	(void)kernel, (void)ifname;
	*out = (struct nic_filter){ .set = 1 };
	fake.stamps = true;
	return 0;
}

static void fake_restore(nic_ioctl kernel, const char *ifname, const struct nic_filter *filter)
{
	(void)kernel, (void)ifname;
	fake.stamps &= !filter->set;
}

static struct xnts_bpf *fake_open(void)
{
	struct xnts_bpf *skel = calloc(1, sizeof(*skel));

	skel->rodata = calloc(1, sizeof(*skel->rodata));
	return skel;
}

static int fake_load(struct xnts_bpf *skel)
{
	(void)skel;
	fake.loads++;
	return fake.load_error;
}

static void fake_destroy(struct xnts_bpf *skel)
{
	if (skel)
		free(skel->rodata);
	free(skel);
}

static int fake_info(int fd, void *info, uint32_t *len)
{
	(void)fd, (void)len;
	((struct bpf_prog_info *)info)->xlated_prog_len = 8;
	return 0;
}

#define bpf_map_lookup_elem fake_lookup
#define bpf_map_update_elem fake_update
#define bpf_map_delete_elem fake_delete
#define nic_stamps_enable fake_enable
#define nic_stamps_restore fake_restore
#define xnts_bpf__open fake_open
#define xnts_bpf__load fake_load
#define xnts_bpf__destroy fake_destroy
#define bpf_obj_get_info_by_fd(fd, info, len) fake_info(fd, info, len)
#define bpf_program__set_autoload(prog, on) ((void)(prog))
#define bpf_program__set_ifindex(prog, i) ((void)(prog))
#define bpf_program__set_flags(prog, bits) 0
#define bpf_program__insn_cnt(prog) ((void)(prog), 1UL)
#define bpf_program__fd(prog) ((void)(prog), PROGRAM)
#define dataplane_share_maps(dp, obj) ((void)(obj), 0)
#define if_indextoname(index, name) ((void)(index), (name))
#define fopen(path, how) NULL /* no bpf_jit_harden */
#include "../../userspace/hw_program.c"

static struct xnts_bpf__rodata constants;
static struct xnts_bpf software = { .rodata = &constants };
static struct dataplane dp;

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	dp = (struct dataplane){ .skel = &software, .hardware = CONFIG_HARDWARE_AUTO };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hw_programs_free(&dp);
	return 0;
}

static int ask(enum config_mode mode)
{
	uint32_t id;

	return hw_program(&dp, "eth7", IFINDEX, mode, &id);
}

static void test_generic_gives_back(void **state)
{
	(void)state;
	assert_int_equal(ask(CONFIG_MODE_NATIVE), PROGRAM);
	assert_true(fake.stamps && fake.entry);
	assert_int_equal(ask(CONFIG_MODE_GENERIC), -EOPNOTSUPP);
	assert_false(fake.stamps || fake.entry);
	assert_int_equal(ask(CONFIG_MODE_AUTO), PROGRAM);
	assert_true(fake.stamps && fake.entry);
	assert_int_equal(fake.loads, 1);
}

/* Another's program was on the interface. */
static void test_busy_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(ask(CONFIG_MODE_AUTO), PROGRAM);
	hw_program_refuse(&dp, "eth7", IFINDEX, -EBUSY);
	assert_false(fake.stamps || fake.entry);
	assert_int_equal(ask(CONFIG_MODE_AUTO), PROGRAM);
	assert_true(fake.stamps && fake.entry);
}

static void test_no_memory_is_tried_again(void **state)
{
	(void)state;
	fake.load_error = -ENOMEM;
	assert_int_equal(ask(CONFIG_MODE_AUTO), -ENOMEM);
	assert_false(fake.stamps || fake.entry);
	fake.load_error = 0;
	assert_int_equal(ask(CONFIG_MODE_AUTO), PROGRAM);
}

static void test_refusal_stays(void **state)
{
	(void)state;
	fake.load_error = -EINVAL;
	assert_int_equal(ask(CONFIG_MODE_AUTO), -EINVAL);
	fake.load_error = 0;
	assert_int_equal(ask(CONFIG_MODE_AUTO), -EOPNOTSUPP);
	assert_false(fake.stamps || fake.entry);
	assert_int_equal(fake.loads, 1);
	dataplane_set_hardware(&dp, CONFIG_HARDWARE_ON);
	assert_int_equal(ask(CONFIG_MODE_AUTO), PROGRAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_generic_gives_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_memory_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusal_stays, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
