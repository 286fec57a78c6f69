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

static double median_run(int program, const uint8_t *frame, uint32_t len, int runs, int repeat)
{
	static double round[ROUNDS], one[RUNS];
	int i, k;

	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < runs; k++)
			one[k] = run_once(program, frame, len, repeat);
		round[i] = median(one, runs);
	}
	return median(round, ROUNDS);
}

/* A packet that must get this verdict. */
static double bench_packet(const char *name, const struct packet *p, int verdict)
{
	struct outcome out;
	uint8_t frame[FRAME_MAX];
	uint32_t len = packet_build(p, frame);

	must(bpf_run(frame, len, &out), name);
	if (out.verdict != verdict) {
		fprintf(stderr, "%s: %s\n", name, verdict_name(out.verdict));
		exit(1);
	}
	return report(name, median_run(bpf.program, frame, len, RUNS, 1), "ns");
}

static void load_object(void)
{
	static struct world w;

	memset(&bpf, 0, sizeof(bpf));
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

static double bench_nts(const char *name)
{
	struct packet p;

	nts_request(&p, 0);
	return bench_packet(name, &p, XNTS_V_nts_answered);
}

static void bench_packets(double yardstick)
{
	struct packet p;
	double plain, nts, forged;

	packet_init(&p, 4);
	plain = bench_packet("plain_answer", &p, XNTS_V_plain_answered);
	nts = bench_nts("nts_answer");
	nts_request(&p, 1);
	bench_packet("nts_answer_1_placeholder", &p, XNTS_V_nts_answered);
	nts_request(&p, 7);
	bench_packet("nts_answer_7_placeholders", &p, XNTS_V_nts_answered);
	nts_request(&p, 0);
	p.payload[NTP_LEN + 36 + 4 + 8] ^= 1; /* the cookie's tag */
	forged = bench_packet("nak_bad_cookie", &p, XNTS_V_nak_bad_cookie);
	nts_request(&p, 0);
	p.payload[p.payload_len - 1] ^= 1;
	bench_packet("nak_bad_tag", &p, XNTS_V_nak_bad_tag);

	report("plain_answer_in_yardsticks", plain / yardstick, "blocks");
	report("nts_answer_in_yardsticks", nts / yardstick, "blocks");
	report("nak_bad_cookie_of_nts_answer", 100 * forged / nts, "%");
}

/* ---- the crypto alone ------------------------------------------------------------ */

/* Tables of FIPS 197's S-box, made from inverses in GF(2^8). */
static uint8_t gf_mul(uint8_t a, uint8_t b)
{
	uint8_t r = 0;

	for (; b; b >>= 1, a = a << 1 ^ (a & 0x80 ? 0x1b : 0))
		r ^= b & 1 ? a : 0;
	return r;
}

static uint8_t gf_sbox(uint8_t x)
{
	uint8_t inverse = 1, s = 0;
	int i;

	for (i = 0; i < 254; i++)
		inverse = gf_mul(inverse, x);
	for (i = 0; i < 5; i++)
		s ^= inverse << i | inverse >> (8 - i);
	return s ^ 0x63;
}

static void fill_tables(struct bpf_object *obj)
{
	static struct tables t;
	int x, i;

	for (x = 0; x < 256; x++) {
		uint32_t s = t.sbox[x] = gf_sbox(x);
		uint32_t column = gf_mul(s, 2) | s << 8 | s << 16 | (uint32_t)gf_mul(s, 3) << 24;

		for (i = 0; i < 4; i++)
			t.column[i][x] = i ? column << 8 * i | column >> (32 - 8 * i) : column;
	}
	must(bpf_put(bpf_object__find_map_by_name(obj, "tables"), 0, &t), "tables");
}

static double bench_loop(struct bpf_object *obj, const char *program, const char *name)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(obj, program));
	uint8_t frame[64] = { 0 };

	return report(name, median_run(fd, frame, sizeof(frame), 20, 20) / LOOPS, "ns");
}

static struct bpf_object *load_crypto(void)
{
	struct bpf_object *obj = bpf_object__open_file("build/bench/crypto.bpf.o", NULL);

	must(!obj, "build/bench/crypto.bpf.o");
	must(bpf_object__load(obj), "load build/bench/crypto.bpf.o");
	fill_tables(obj);
	return obj;
}

static double bench_crypto(struct bpf_object *obj)
{
	bench_loop(obj, "aes_pass_100", "aes_pass");
	bench_loop(obj, "key_schedule_100", "key_schedule");
	return bench_loop(obj, "table_block_100", "yardstick_table_block");
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
	load_object();
	harden_restore();
	bench_nts("nts_answer_jit_harden_2");
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
	double yardstick;

	load_object();
	crypto = load_crypto();
	print_machine(crypto);
	yardstick = bench_crypto(crypto);
	bench_packets(yardstick);
	bench_userspace();
	bpf_target_close();
	bench_hardened();
	bpf_object__close(crypto);
	return 0;
}
