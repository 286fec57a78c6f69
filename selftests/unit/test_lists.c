/* SPDX-License-Identifier: GPL-2.0 */
/* Allow and refuse lists: what their files may hold; then what the tries hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sys/stat.h>
#include <time.h>

#include "../config_file.h"
#include "lists.h"
#include "xnts_abi.h"

static struct limits_config limits;
static struct lists *lists;

static int start(void **unused)
{
	(void)unused;
	memset(&limits, 0, sizeof(limits));
	lists = NULL;
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	lists_free(lists);
	return 0;
}

static int read_file(const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	strcpy(limits.refuse_file, path);
	lists_free(lists);
	return lists_read(&lists, &limits, &err);
}

static int read_text(const char *text)
{
	return read_file(text, strlen(text));
}

static void add_prefix(struct config_prefixes *list, int family, const char *addr, int len)
{
	struct config_prefix *p = &list->item[list->count++];

	p->family = family;
	p->prefixlen = len;
	assert_int_equal(inet_pton(family, addr, p->addr), 1);
}

/* ---- files -------------------------------------------------------------- */

static void test_good_files(void **unused)
{
	static const char *const files[] = {
		"192.0.2.0/24\n", "192.0.2.1", "2001:db8::/32\n", "0.0.0.0/0\n::/0\n",
		"  192.0.2.0/24\t# the lab\r\n\n#192.0.2.1/24\n\t\n2001:db8::1#x",
		"192.0.2.1\n192.0.2.1\n192.0.2.1/32\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (read_text(files[i]))
			fail_msg("\"%s\": %s", files[i], err.text);
		assert_true(lists_any(lists));
	}
	assert_int_equal(read_text("# nobody\n\n"), 0);
	assert_false(lists_any(lists));
	assert_int_equal(read_text(""), 0);
}

#define EXPECTED "; expected an address or prefix such as 192.0.2.0/24 or 2001:db8::/32, alone in its line"

/* Each in line 3, behind good ones. */
static void test_bad_lines(void **unused)
{
	static const struct {
		const char *line, *wrong;
	} lines[] = {
		{ "host.example", "\"host.example\" is not an address or prefix" EXPECTED },
		{ "192.0.2.0/24 192.0.3.0/24", "\"192.0.2.0/24 192.0.3.0/24\" has a wrong prefix length" EXPECTED },
		{ "192.0.2.1 192.0.2.2", "\"192.0.2.1 192.0.2.2\" is not an address or prefix" EXPECTED },
		{ "192.0.2.0/33", "\"192.0.2.0/33\" has a wrong prefix length" EXPECTED },
		{ "192.0.2.0/", "\"192.0.2.0/\" has a wrong prefix length" EXPECTED },
		{ "192.0.2.0/-1", "\"192.0.2.0/-1\" has a wrong prefix length" EXPECTED },
		{ "192.0.2.0/24/24", "\"192.0.2.0/24/24\" has a wrong prefix length" EXPECTED },
		{ "192.0.2.1/24 # net", "\"192.0.2.1/24\" has bits set beyond its length" EXPECTED },
		{ "2001:db8::1/64", "\"2001:db8::1/64\" has bits set beyond its length" EXPECTED },
		{ "2001:db8::/129", "\"2001:db8::/129\" has a wrong prefix length" EXPECTED },
		{ "192.0.2", "\"192.0.2\" is not an address or prefix" EXPECTED },
		{ "192.0.2.0/24,", "\"192.0.2.0/24,\" has a wrong prefix length" EXPECTED },
		{ "[2001:db8::1]", "\"[2001:db8::1]\" is not an address or prefix" EXPECTED },
		{ "allow 192.0.2.1", "\"allow 192.0.2.1\" is not an address or prefix" EXPECTED },
		{ "auto", "\"auto\" is not an address or prefix" EXPECTED },
	};
	char text[256], expected[512];

	(void)unused;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "# list\n192.0.2.7\n%s\n192.0.2.8\n", lines[i].line);
		assert_int_equal(read_text(text), -EINVAL);
		assert_null(lists);
		snprintf(expected, sizeof(expected), "%s:3: [limits] refuse_file: %s", path, lines[i].wrong);
		assert_string_equal(err.text, expected);
	}
}

static void test_bad_bytes(void **unused)
{
	static const char zero[] = "192.0.2.7\n192.0.2.8\0x\n";
	static char longer[5000];

	(void)unused;
	assert_int_equal(read_file(zero, sizeof(zero) - 1), -EINVAL);
	assert_non_null(strstr(err.text, ":2: [limits] refuse_file: the line holds a zero byte; expected text"));
	memset(longer, '1', sizeof(longer));
	assert_int_equal(read_file(longer, sizeof(longer)), -EINVAL);
	assert_non_null(strstr(err.text, ":1: [limits] refuse_file: \"1111"));
	assert_non_null(strstr(err.text, EXPECTED));
}

static void test_files_that_are_none(void **unused)
{
	char expected[256];

	(void)unused;
	strcpy(limits.allow_file, "/nonexistent/allow");
	assert_int_equal(lists_read(&lists, &limits, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/allow: [limits] allow_file: cannot be opened: "
				      "No such file or directory");
	strcpy(limits.allow_file, dir);
	assert_int_equal(lists_read(&lists, &limits, &err), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s: [limits] allow_file: cannot be opened: it is no regular file", dir);
	assert_string_equal(err.text, expected);
	/* would not end, or not begin */
	strcpy(limits.allow_file, "/dev/zero");
	assert_int_equal(lists_read(&lists, &limits, &err), -EINVAL);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	strcpy(limits.allow_file, path);
	assert_int_equal(lists_read(&lists, &limits, &err), -EINVAL);
	unlink(path);
}

/* ---- lists together ----------------------------------------------------- */

static void test_both_lists(void **unused)
{
	(void)unused;
	add_prefix(&limits.allow, AF_INET, "192.0.2.0", 24);
	add_prefix(&limits.allow, AF_INET6, "2001:db8::", 32);
	assert_int_equal(read_text("192.0.2.0/25\n2001:db8::/33\n"), 0);
	assert_int_equal(read_text("198.51.100.1\n192.0.2.0/24\n"), -EINVAL);
	assert_string_equal(err.text, "[limits] refuse: 192.0.2.0/24 is to be allowed and refused");
	assert_int_equal(read_text("2001:db8::/32\n"), -EINVAL);
	assert_string_equal(err.text, "[limits] refuse: 2001:db8::/32 is to be allowed and refused");
}

static void test_nobody_allowed(void **unused)
{
	(void)unused;
	limits.refuse_unlisted = true;
	add_prefix(&limits.allow, AF_INET, "192.0.2.0", 24);
	assert_int_equal(read_text(""), 0);
	limits.allow.count = 0;
	strcpy(limits.allow_file, path);
	assert_int_equal(read_text("# all gone\n"), -EINVAL);
	assert_non_null(strstr(err.text, ": [limits] allow_file: is empty, and who is unlisted is refused"));
}

/* ---- the tries ---------------------------------------------------------- */

static int make_trie(size_t key)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "lists", key, 4, XNTS_MAX_LISTED, &opts);
}

static struct {
	int trie4, trie6;
} bpf;

static int open_tries(void **unused)
{
	bpf.trie4 = make_trie(sizeof(struct xnts_lpm4));
	bpf.trie6 = make_trie(sizeof(struct xnts_lpm6));
	return start(unused);
}

static int close_tries(void **unused)
{
	if (bpf.trie4 >= 0)
		close(bpf.trie4);
	if (bpf.trie6 >= 0)
		close(bpf.trie6);
	return end(unused);
}

static void need_tries(void)
{
	if (bpf.trie4 >= 0 && bpf.trie6 >= 0)
		return;
	print_message("no BPF maps here: %s\n", strerror(-bpf.trie4));
	skip();
}

static int listed4(const char *addr)
{
	struct xnts_lpm4 key = { .prefixlen = 32 };
	uint32_t list = 0;

	assert_int_equal(inet_pton(AF_INET, addr, key.addr), 1);
	return bpf_map_lookup_elem(bpf.trie4, &key, &list) ? 0 : (int)list;
}

static int listed6(const char *addr)
{
	struct xnts_lpm6 key = { .prefixlen = 128 };
	uint32_t list = 0;

	assert_int_equal(inet_pton(AF_INET6, addr, key.addr), 1);
	return bpf_map_lookup_elem(bpf.trie6, &key, &list) ? 0 : (int)list;
}

static void put_lists(void)
{
	assert_int_equal(lists_enter(lists, bpf.trie4, bpf.trie6), 0);
	lists_sweep(lists, bpf.trie4, bpf.trie6);
}

static void test_longest_match(void **unused)
{
	(void)unused;
	need_tries();
	add_prefix(&limits.allow, AF_INET, "192.0.2.128", 25);
	add_prefix(&limits.allow, AF_INET6, "2001:db8:1::", 48);
	assert_int_equal(read_text("192.0.0.0/16\n192.0.2.129\n2001:db8::/32\n2001:db8:1:1::/64\n"), 0);
	put_lists();
	assert_int_equal(listed4("192.0.2.1"), XNTS_REFUSE);
	assert_int_equal(listed4("192.0.2.128"), XNTS_ALLOW);
	assert_int_equal(listed4("192.0.2.129"), XNTS_REFUSE);
	assert_int_equal(listed4("192.1.2.129"), 0);
	assert_int_equal(listed6("2001:db8:2::1"), XNTS_REFUSE);
	assert_int_equal(listed6("2001:db8:1::1"), XNTS_ALLOW);
	assert_int_equal(listed6("2001:db8:1:1::1"), XNTS_REFUSE);
	assert_int_equal(listed6("2001:db9::1"), 0);
}

/* Before the sweep both count; after it the new ones alone. */
static void test_change(void **unused)
{
	(void)unused;
	need_tries();
	assert_int_equal(read_text("192.0.2.0/24\n198.51.100.0/24\n2001:db8::/32\n"), 0);
	put_lists();
	assert_int_equal(read_text("198.51.100.0/24\n203.0.113.0/24\n2001:db9::/32\n"), 0);
	assert_int_equal(lists_enter(lists, bpf.trie4, bpf.trie6), 0);
	assert_int_equal(listed4("192.0.2.1"), XNTS_REFUSE);
	assert_int_equal(listed4("203.0.113.1"), XNTS_REFUSE);
	assert_int_equal(listed6("2001:db8::1"), XNTS_REFUSE);
	lists_sweep(lists, bpf.trie4, bpf.trie6);
	assert_int_equal(listed4("192.0.2.1"), 0);
	assert_int_equal(listed4("198.51.100.1"), XNTS_REFUSE);
	assert_int_equal(listed4("203.0.113.1"), XNTS_REFUSE);
	assert_int_equal(listed6("2001:db8::1"), 0);
	assert_int_equal(listed6("2001:db9::1"), XNTS_REFUSE);
	assert_int_equal(read_text(""), 0);
	put_lists();
	assert_int_equal(listed4("203.0.113.1"), 0);
	assert_int_equal(listed6("2001:db9::1"), 0);
}

/* `count` addresses A.x.y.z/32, the last perhaps one too many. */
static int read_many(int a, int count)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (int i = 0; i < count; i++)
		fprintf(file, "%d.%d.%d.%d\n", a, i >> 16, i >> 8 & 255, i & 255);
	fclose(file);
	strcpy(limits.refuse_file, path);
	lists_free(lists);
	return lists_read(&lists, &limits, &err);
}

static void test_too_many(void **unused)
{
	(void)unused;
	assert_int_equal(read_many(10, LISTS_MAX), 0);
	assert_int_equal(read_many(10, LISTS_MAX + 1), -E2BIG);
	assert_non_null(strstr(err.text, ":100001: [limits] refuse_file: more than 100000 prefixes in all lists"));
}

/* Old and new do not fit the trie together; and it takes no longer than a person waits. */
static void test_full_change(void **unused)
{
	time_t since = time(NULL);

	(void)unused;
	need_tries();
	assert_int_equal(read_many(10, LISTS_MAX), 0);
	put_lists();
	assert_int_equal(read_many(11, LISTS_MAX), 0);
	put_lists();
	assert_int_equal(listed4("10.0.0.0"), 0);
	assert_int_equal(listed4("10.1.134.159"), 0);
	assert_int_equal(listed4("11.0.0.0"), XNTS_REFUSE);
	assert_int_equal(listed4("11.1.134.159"), XNTS_REFUSE);
	assert_in_range(time(NULL) - since, 0, 20);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, end)
#define TRIE_TEST(test) cmocka_unit_test_setup_teardown(test, open_tries, close_tries)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_files),
		TEST(test_bad_lines),
		TEST(test_bad_bytes),
		TEST(test_files_that_are_none),
		TEST(test_both_lists),
		TEST(test_nobody_allowed),
		TEST(test_too_many),
		TRIE_TEST(test_longest_match),
		TRIE_TEST(test_change),
		TRIE_TEST(test_full_change),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
