/* SPDX-License-Identifier: GPL-2.0 */
/* A PHC read through a stand-in for the kernel: which call is used, and what becomes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/ptp_clock.h>

#include "ptp_clock.h"

#define SEC 1000000000LL
#define PHC_AHEAD 5000000000LL

static struct {
	int64_t tai;      /* moves with every look at a clock */
	int64_t offset;   /* TAI - UTC */
	int64_t step;     /* of the system clock, after the ioctl */
	unsigned long has[3];
	int failing;      /* errno of every ioctl; 0: none */
	int asked;        /* ioctls */
} fake;

static int64_t tick(int64_t ns)
{
	return fake.tai += ns;
}

static struct ptp_clock_time split(int64_t ns)
{
	return (struct ptp_clock_time){ .sec = ns / SEC, .nsec = ns % SEC };
}

static struct ptp_clock_time system_time(void)
{
	return split(tick(100) - fake.offset);
}

static struct ptp_clock_time device_time(int64_t late)
{
	return split(tick(late) + PHC_AHEAD);
}

static void fill_extended(struct ptp_sys_offset_extended *arg)
{
	for (unsigned int i = 0; i < arg->n_samples; i++) {
		arg->ts[i][0] = system_time();
		arg->ts[i][1] = device_time(i == 4 ? 300 : 2000);
		tick(i == 4 ? 200 : 5000); /* the tightest: 600 ns wide */
		arg->ts[i][2] = system_time();
	}
}

static void fill_plain(struct ptp_sys_offset *arg)
{
	for (unsigned int i = 0; i < 2 * arg->n_samples + 1; i++) {
		tick(i == 7 || i == 8 ? 200 : 3000);
		arg->ts[i] = i % 2 ? device_time(0) : system_time();
	}
}

static void fill_precise(struct ptp_sys_offset_precise *arg)
{
	tick(500);
	arg->device = split(fake.tai + PHC_AHEAD);
	arg->sys_realtime = split(fake.tai - fake.offset);
	tick(500);
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	(void)fd;
	fake.asked++;
	errno = fake.failing ? fake.failing : EOPNOTSUPP;
	if (fake.failing || (request != fake.has[0] && request != fake.has[1] && request != fake.has[2]))
		return -1;
	if (request == PTP_SYS_OFFSET_PRECISE)
		fill_precise(arg);
	else if (request == PTP_SYS_OFFSET_EXTENDED)
		fill_extended(arg);
	else
		fill_plain(arg);
	fake.tai += fake.step;
	return 0;
}

static int fake_gettime(clockid_t id, struct timespec *now)
{
	int64_t ns = tick(20) - (id == CLOCK_TAI ? 0 : fake.offset);

	*now = (struct timespec){ .tv_sec = ns / SEC, .tv_nsec = ns % SEC };
	return 0;
}

static const struct ptp_kernel fake_kernel = { fake_ioctl, fake_gettime };

static struct ptp_clock start(unsigned long a, unsigned long b, unsigned long c)
{
	fake.tai = 1800000037 * SEC - 1000;
	fake.offset = 37 * SEC;
	fake.step = fake.asked = fake.failing = 0;
	fake.has[0] = a;
	fake.has[1] = b;
	fake.has[2] = c;
	return (struct ptp_clock){ .fd = 3, .kernel = &fake_kernel };
}

static void assert_sample(const struct phc_sample *s, uint64_t width, int64_t error)
{
	int64_t middle = s->before + (s->after - s->before) / 2;

	assert_int_equal(s->after - s->before, width);
	assert_in_range((int64_t)s->phc - PHC_AHEAD - middle + error, 0, 2 * error);
}

static void the_best_call_is_used(void **state)
{
	static const struct {
		unsigned long has[3];
		int asked;
		uint64_t width;
	} cases[] = {
		{ { PTP_SYS_OFFSET_PRECISE, PTP_SYS_OFFSET_EXTENDED, PTP_SYS_OFFSET }, 1, 0 },
		{ { PTP_SYS_OFFSET_EXTENDED, PTP_SYS_OFFSET }, 2, 600 },
		{ { PTP_SYS_OFFSET }, 3, 500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ptp_clock c = start(cases[i].has[0], cases[i].has[1], cases[i].has[2]);
		struct phc_sample s;

		assert_int_equal(ptp_clock_read(&c, &s), 0);
		assert_int_equal(fake.asked, cases[i].asked);
		assert_sample(&s, cases[i].width, 300);
		/* What was refused once is not tried again. */
		assert_int_equal(ptp_clock_read(&c, &s), 0);
		assert_int_equal(fake.asked, cases[i].asked + 1);
	}
}

static void without_any_there_is_an_error(void **state)
{
	struct ptp_clock c = start(0, 0, 0);
	struct phc_sample s;

	(void)state;
	assert_int_equal(ptp_clock_read(&c, &s), -EOPNOTSUPP);
	assert_int_equal(ptp_clock_read(&c, &s), -EOPNOTSUPP);
	assert_int_equal(fake.asked, 3);
}

static void a_passing_failure_changes_nothing(void **state)
{
	struct ptp_clock c = start(PTP_SYS_OFFSET_PRECISE, PTP_SYS_OFFSET, 0);
	struct phc_sample s;

	(void)state;
	fake.failing = ETIMEDOUT;
	assert_int_equal(ptp_clock_read(&c, &s), -EAGAIN);
	fake.failing = ENODEV;
	assert_int_equal(ptp_clock_read(&c, &s), -ENODEV);
	fake.failing = 0;
	assert_int_equal(ptp_clock_read(&c, &s), 0);
	assert_sample(&s, 0, 0);
}

static void a_step_spoils_the_reading(void **state)
{
	static const int64_t steps[] = { 10 * SEC, -10 * SEC };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct ptp_clock c = start(PTP_SYS_OFFSET_EXTENDED, 0, 0);
		struct phc_sample s;
		int err;

		fake.step = steps[i];
		err = ptp_clock_read(&c, &s);
		/* Forward, what was read still lies between the readings around it. */
		assert_int_equal(err, steps[i] < 0 ? -EAGAIN : 0);
	}
}

static void any_tai_offset_will_do(void **state)
{
	static const int64_t offsets[] = { 0, 37 * SEC, 38 * SEC };

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct ptp_clock c = start(PTP_SYS_OFFSET_PRECISE, 0, 0);
		struct phc_sample s;

		fake.offset = offsets[i];
		assert_int_equal(ptp_clock_read(&c, &s), 0);
		assert_sample(&s, 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_call_is_used),
		cmocka_unit_test(without_any_there_is_an_error),
		cmocka_unit_test(a_passing_failure_changes_nothing),
		cmocka_unit_test(a_step_spoils_the_reading),
		cmocka_unit_test(any_tai_offset_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
