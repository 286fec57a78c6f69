// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/*
 * How long a packet takes: lines `bench.NAME VALUE UNIT`.
 *
 * The packet figures are of the real object under BPF_PROG_TEST_RUN, one run a system
 * call (with a repeat count the answer would come back as the next request), so the
 * caches are a little colder than on a busy NIC queue.  Each figure is the median of
 * ROUNDS medians.  The yardstick is one chained AES block through tables in BPF, what
 * code that leaks would cost on the same machine in the same minute.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "../host_target.h"
#include "../prog_run/bpf_target.h"
#include "../client.h"
#include "tables.h"

#define ROUNDS 7
#define RUNS 2000  /* system calls a round */
#define LOOPS 100  /* operations in a program of crypto.bpf.c */

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- figures ---------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static double report(const char *name, double value, const char *unit)
{
	printf("bench.%s %.1f %s\n", name, value, unit);
	fflush(stdout);
	return value;
}

/* ---- the real object ---------------------------------------------------------- */

static uint32_t run_once(int program, const uint8_t *frame, uint32_t len, int repeat)
{
	uint8_t out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = repeat);

	must(bpf_prog_test_run_opts(program, &run), "BPF_PROG_TEST_RUN");
	return run.duration;
}

/* What is measured: all of them in turn, round after round, so that a busy machine is busy
 * for each alike. */
struct item {
	const char *name;
	int program;
	int runs, repeat, operations; /* system calls a round, runs in one, operations in a run */
	uint8_t frame[FRAME_MAX];
	uint32_t len;
	double round[ROUNDS];
	double ns;
};

#define ITEMS_MAX 16

static struct item items[ITEMS_MAX];
static int count;

static struct item *add_item(const char *name, int program)
{
	struct item *it = &items[count++];

	*it = (struct item){ .name = name, .program = program, .runs = RUNS, .repeat = 1,
			     .operations = 1, .len = 64 };
	return it;
}

static double median_run(const struct item *it)
{
	static double one[RUNS];
	int k;

	for (k = 0; k < it->runs; k++)
		one[k] = (double)run_once(it->program, it->frame, it->len, it->repeat) / it->operations;
	return median(one, it->runs);
}

static void measure_items(void)
{
	int i, round;

	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < count; i++)
			items[i].round[round] = median_run(&items[i]);
	for (i = 0; i < count; i++)
		items[i].ns = report(items[i].name, median(items[i].round, ROUNDS), "ns");
}

/* A packet that must get this verdict. */
static struct item *add_packet(const char *name, const struct packet *p, int verdict)
{
	struct item *it = add_item(name, bpf.program);
	struct outcome out;

	it->len = packet_build(p, it->frame);
	must(bpf_run(it->frame, it->len, &out), name);
	if (out.verdict != verdict) {
		fprintf(stderr, "%s: %s\n", name, verdict_name(out.verdict));
		exit(1);
	}
	return it;
}

static void load_object(bool latency)
{
	static struct world w;

	memset(&bpf, 0, sizeof(bpf));
	bpf.latency = latency;
	must(bpf_target_open(), "load the object");
	world_init(&w);
	world_set_keys(&w);
	bpf_load(&w);
	host_load(&w);
}

static void nts_request(struct packet *p, int placeholders)
{
	struct client c;

	client_init(&c);
	packet_init(p, 4);
	client_request(&c, p, placeholders);
}

static struct item *add_nts(const char *name, int placeholders)
{
	struct packet p;

	nts_request(&p, placeholders);
	return add_packet(name, &p, XNTS_V_nts_answered);
}

/* A request with one bit turned at a place of its payload. */
static struct item *add_forged(const char *name, uint32_t at, int verdict)
{
	struct packet p;

	nts_request(&p, 0);
	p.payload[at] ^= 1;
	return add_packet(name, &p, verdict);
}

/* ---- the crypto alone ------------------------------------------------------------ */

static void fill_tables(struct bpf_object *obj)
{
	static struct tables t;

	tables_init(&t);
	must(bpf_put(bpf_object__find_map_by_name(obj, "tables"), 0, &t), "tables");
}

static struct item *add_loop(struct bpf_object *obj, const char *program, const char *name)
{
	struct item *it = add_item(name, bpf_program__fd(bpf_object__find_program_by_name(obj, program)));

	it->runs = 20;
	it->repeat = 20;
	it->operations = LOOPS;
	return it;
}

static struct bpf_object *load_crypto(void)
{
	struct bpf_object *obj = bpf_object__open_file("build/bench/crypto.bpf.o", NULL);

	must(!obj, "build/bench/crypto.bpf.o");
	must(bpf_object__load(obj), "load build/bench/crypto.bpf.o");
	fill_tables(obj);
	return obj;
}

/* Of an object that keeps latency histograms; it stays loaded. */
static void add_timed(void)
{
	typeof(bpf) plain_object = bpf;
	struct packet p;

	load_object(true);
	packet_init(&p, 4);
	add_packet("plain_answer_latency_on", &p, XNTS_V_plain_answered);
	add_nts("nts_answer_latency_on", 0);
	bpf = plain_object;
}

static void bench_bpf(struct bpf_object *crypto)
{
	struct item *yardstick, *plain, *nts, *forged;
	struct packet p;

	add_loop(crypto, "aes_pass_100", "aes_pass");
	add_loop(crypto, "key_schedule_100", "key_schedule");
	yardstick = add_loop(crypto, "table_block_100", "yardstick_table_block");
	packet_init(&p, 4);
	plain = add_packet("plain_answer", &p, XNTS_V_plain_answered);
	nts = add_nts("nts_answer", 0);
	add_nts("nts_answer_1_placeholder", 1);
	add_nts("nts_answer_7_placeholders", 7);
	forged = add_forged("nak_bad_cookie", NTP_LEN + 36 + 4 + 8, XNTS_V_nak_bad_cookie);
	add_forged("nak_bad_tag", NTP_LEN - 1, XNTS_V_nak_bad_tag);
	add_timed();
	measure_items();

	report("plain_answer_in_yardsticks", plain->ns / yardstick->ns, "blocks");
	report("nts_answer_in_yardsticks", nts->ns / yardstick->ns, "blocks");
	report("nak_bad_cookie_of_nts_answer", 100 * forged->ns / nts->ns, "%");
}

/* ---- userspace ---------------------------------------------------------------------- */

static double bench_call(void (*call)(void))
{
	double round[ROUNDS];
	int i, k;

	for (i = 0; i < ROUNDS; i++) {
		__u64 start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		for (k = 0; k < RUNS; k++)
			call();
		round[i] = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / RUNS;
	}
	return median(round, ROUNDS);
}

/* Repeats the exchange that the last host_run() left in the scratch. */
static void our_exchange(void)
{
	const struct xnts_cookie_key *key = map_key(XNTS_KEY_SLOT(KEY_SEAL));

	if (exchange(&host.scratch, key, key) != XNTS_V_nts_answered)
		abort();
}

/* The same work through EVP: open, verify, seal, seal. */
static void openssl_exchange(void)
{
	static struct packet p;
	static struct client c;
	const uint8_t *cookie = p.payload + NTP_LEN + 36 + 4, *auth = cookie + XNTS_COOKIE_LEN;
	uint8_t key[32], keys[64], text[REF_MAX], reply[4 + XNTS_COOKIE_LEN + REF_TAG];
	struct ref_part cookie_ad = { cookie, 8 };
	struct ref_part ad[2] = { { p.payload, auth - p.payload }, { auth + 8, 16 } };
	struct ref_part reply_ad[2] = { { p.payload, NTP_LEN + 36 }, { auth + 8, 16 } };

	if (!p.payload_len) {
		client_init(&c);
		packet_init(&p, 4);
		client_request(&c, &p, 0);
	}
	cookie_key_bytes(KEY_SEAL, key);
	ref_need(ref_open(key, &cookie_ad, 1, cookie + 8, XNTS_COOKIE_LEN - 8, keys));
	ref_need(ref_open(keys, ad, 2, auth + 24, 16, text));
	memcpy(text, cookie - 4, 12);
	ref_seal(key, &cookie_ad, 1, keys, sizeof(keys), text + 12);
	ref_seal(keys + 32, reply_ad, 2, text, 4 + XNTS_COOKIE_LEN, reply);
}

static void bench_userspace(void)
{
	struct outcome out;
	struct packet p;
	uint8_t frame[FRAME_MAX];

	nts_request(&p, 0);
	must(host_run(frame, packet_build(&p, frame), &out), "userspace");
	report("userspace_exchange", bench_call(our_exchange), "ns");
	report("openssl_exchange", bench_call(openssl_exchange), "ns");
}

/* ---- hardening of the JIT ------------------------------------------------------------- */

#define HARDEN "/proc/sys/net/core/bpf_jit_harden"

static char harden_was = 0; /* what to restore */

static char harden_read(void)
{
	FILE *f = fopen(HARDEN, "r");
	int c = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return c == EOF ? '?' : c;
}

static int harden_write(char c)
{
	int fd = open(HARDEN, O_WRONLY), err;

	if (fd < 0)
		return -errno;
	err = write(fd, &c, 1) == 1 ? 0 : -errno;
	close(fd);
	return err;
}

static void harden_restore(void)
{
	if (harden_was)
		harden_write(harden_was);
	harden_was = 0;
}

static void on_signal(int sig)
{
	harden_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* The same answer from a program whose immediates are blinded. */
static void bench_hardened(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT };
	char was = harden_read();
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], on_signal);
	atexit(harden_restore);
	harden_was = was;
	if (was == '?' || harden_write('2')) {
		harden_was = 0;
		printf("bench: nts_answer_jit_harden_2 not measured: cannot write " HARDEN "\n");
		return;
	}
	load_object(false);
	harden_restore();
	count = 0;
	add_nts("nts_answer_jit_harden_2", 0);
	measure_items();
	bpf_target_close();
}

/* ---- the machine ------------------------------------------------------------------------ */

static void print_cpu(void)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10)) {
			printf("bench: cpu %s", strchr(line, ':') + 2);
			break;
		}
	if (f)
		fclose(f);
}

static void print_machine(struct bpf_object *crypto)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(crypto, ".rodata");
	struct utsname kernel;
	size_t size;

	uname(&kernel);
	print_cpu();
	printf("bench: kernel %s\nbench: compiler %s\nbench: bpf_jit_harden %c\n", kernel.release,
	       (const char *)bpf_map__initial_value(rodata, &size), harden_read());
}

int main(void)
{
	struct bpf_object *crypto;

	load_object(false);
	crypto = load_crypto();
	print_machine(crypto);
	bench_bpf(crypto);
	bench_userspace();
	bpf_target_close();
	bench_hardened();
	bpf_object__close(crypto);
	return 0;
}
