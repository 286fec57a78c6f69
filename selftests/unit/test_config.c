/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../config_file.h"

/* ---- the file as a whole ------------------------------------------------ */

static void test_layout(void **unused)
{
	(void)unused;
	/* comments, a BOM, CRLF, a section in two parts, a list over two lines, no last newline */
	assert_int_equal(load("\xef\xbb\xbf# c\r\n[ke]\r\nenabled = no ; c\r\n[ntp]\n; c\nports = 1 2\n"
			      "    3 4\n\t5\n[log]\nlevel=error\n[ntp]\n  ttl : 9"), 0);
	assert_int_equal(config.ntp.ports.count, 5);
	assert_int_equal(config.ntp.ports.item[4], 5);
	assert_int_equal(config.ntp.ttl, 9);
	assert_int_equal(config.log.level, LEVEL_ERROR);
}

static void test_refused_files(void **unused)
{
	(void)unused;
	expect_error("", ": [ke] certificate: is missing; expected the path of a PEM certificate chain, "
			 "or enabled = no");
	expect_error("[limits]\nunlisted = refuse\n[ke]\nenabled = no\n",
		     ":2: [limits] unlisted: \"refuse\" refuses everybody; expected allow, or refuse "
		     "beside an allow list");
	expect_error("[ke]\ncertificate = /c\n", ": [ke] key: is missing; expected the path of the "
		     "certificate's PEM private key, or enabled = no");
	expect_error("\nttl = 1\n", ":2: [] ttl: a key before any section; expected one of [server] [ntp] [limits] [ke] "
		     "[keys] [clock] [metrics] [log] first");
	expect_error("[nts]\nttl = 1\n", ":2: [nts] ttl: unknown section; expected one of [server] [ntp] [limits] [ke] "
		     "[keys] [clock] [metrics] [log]");
	expect_error("[keys]\n\n# c\nkept = 1\n", ":4: [keys] kept: unknown key; expected one of state "
		     "epoch keep preload");
	expect_error("[ntp]\nttl\n", ":2: the line makes no sense; expected [section], key = value or "
		     "# comment");
	expect_error("[ntp\nttl = 1\n", ":1: the line makes no sense; expected [section], key = value "
		     "or # comment");
	expect_error("[ntp]\nports = 1\n ttl = 1\n", ":3: [ntp] ports: \"ttl\" is not a number (an indented "
		     "line continues the one above); expected 1 to 8 UDP ports from 1 to 65535");
	expect_error("[ntp]\nttl = 1\n 2\n", ":3: [ntp] ttl: there is one in line 2 already; expected it once");
	expect_error("[ntp]\nports = 1\n[ntp]\n ports = 2\n", ":4: [ntp] ports: there is one in line 2 "
		     "already; expected it once");
}

/* How an error begins that is found later. */
static void test_where(void **unused)
{
	char where[CONFIG_WHERE], wanted[CONFIG_WHERE];

	(void)unused;
	assert_int_equal(load("[ke]\nenabled = no\n[ntp]\nttl = 9\ninterfaces = eth0\n\teth1\n"), 0);
	snprintf(wanted, sizeof(wanted), "%s:5: [ntp] interfaces", config.path);
	assert_string_equal(config_where(&config, "ntp", "interfaces", where), wanted);
	snprintf(wanted, sizeof(wanted), "%s: [keys] state", config.path);
	assert_string_equal(config_where(&config, "keys", "state", where), wanted);
}

/* The first error is told, not what follows from it or comes after. */
static void test_first_error(void **unused)
{
	(void)unused;
	expect_error("[ntp]\nttl = 0\nnonsense\n[x]\ny = z\n", ":2: [ntp] ttl: \"0\" is out of range; "
		     "expected a number from 1 to 255");
}

static void test_long_lines(void **unused)
{
	char text[1024] = "[ke]\nenabled = no\n[ntp]\n";
	size_t len = strlen(text);

	(void)unused;
	memset(text + len, 'x', 900);
	memcpy(text + len, "ttl = 1 ; ", 10);
	assert_int_equal(load(text), -EINVAL);
	assert_non_null(strstr(err.text, ":4: the line is longer than 198 characters"));
	text[len + 190] = 0;
	assert_int_equal(load(text), 0);
	assert_int_equal(config.ntp.ttl, 1);
}

static void test_zero_byte(void **unused)
{
	static const char text[] = "[ntp]\nttl = 1\0\n";

	(void)unused;
	assert_int_equal(load_bytes(text, sizeof(text) - 1), -EINVAL);
	assert_non_null(strstr(err.text, ":2: the line holds a zero byte"));
}

/* Lists hold what they promise, and one more is refused. */
static void test_list_limits(void **unused)
{
	static const struct {
		const char *section, *name, *word;
		int room;
	} lists[] = { { "ntp", "interfaces", "eth%d", CONFIG_INTERFACES },
		      { "ntp", "addresses", "192.0.2.%d", 256 },
		      { "ntp", "macs", "02:00:00:00:00:%02x", XNTS_MACS },
		      { "limits", "allow", "192.0.2.%d", 256 },
		      { "limits", "refuse", "192.0.2.%d", 256 } };
	static char text[16384];

	(void)unused;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char *to = text + sprintf(text, "[ke]\nenabled=no\n[%s]\n%s =", lists[i].section,
					   lists[i].name);
		int n;

		for (n = 0; n < lists[i].room; n++) {
			to = stpcpy(to, n ? "\n " : " ");
			to += sprintf(to, lists[i].word, n);
		}
		assert_int_equal(load(text), 0);
		to = stpcpy(to, "\n ");
		sprintf(to, lists[i].word, 1);
		assert_int_equal(load(text), -EINVAL);
		assert_non_null(strstr(err.text, "is one more than xnts has room for"));
	}
	assert_int_equal(load("[ke]\nlisten = 0.0.0.0:1 0.0.0.0:2 0.0.0.0:3 0.0.0.0:4 0.0.0.0:5 0.0.0.0:6 "
			      "0.0.0.0:7 0.0.0.0:8\n 0.0.0.0:9 0.0.0.0:10 0.0.0.0:11 0.0.0.0:12 0.0.0.0:13 "
			      "0.0.0.0:14 0.0.0.0:15 0.0.0.0:16 0.0.0.0:17\n"), -EINVAL);
	assert_non_null(strstr(err.text, "\"0.0.0.0:17\" is one more than"));
}

static void test_unreadable(void **unused)
{
	(void)unused;
	assert_int_equal(config_load("/nonexistent/xnts.conf", &config, &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/xnts.conf: cannot be opened: No such file or directory");
	assert_int_equal(config_load(dir, &config, &err), -EIO);
	assert_non_null(strstr(err.text, ": cannot be read"));
}

/* Cut off anywhere, a file is taken or refused with an error that names it. */
static void test_truncation(void **unused)
{
	static const char text[] = "[ntp]\nports = 123 124\naddresses = 192.0.2.0/24\n[ke]\n"
				   "listen = [::]:4460\nenabled = no\n[clock]\nsource = ntp ::1\n";

	(void)unused;
	for (size_t len = 0; len < sizeof(text); len++)
		if (load_bytes(text, len))
			assert_ptr_equal(strstr(err.text, path), err.text);
}

/* ---- the manual page and the example ------------------------------------ */

#define SOURCE(name) SOURCE_(__FILE__, name)
static const char *SOURCE_(const char *here, const char *name)
{
	static char file[512];

	snprintf(file, sizeof(file), "%.*s../../userspace/%s", (int)(strrchr(here, '/') + 1 - here), here,
		 name);
	return file;
}

static void read_file(const char *file, char *text, size_t size)
{
	FILE *stream = fopen(file, "r");
	size_t len;

	if (!stream)
		fail_msg("%s: %s", file, strerror(errno));
	len = fread(text, 1, size - 1, stream);
	assert_true(len < size - 1);
	text[len] = 0;
	fclose(stream);
}

/* ".It Cm ttl Li = 64": each key with its default, in the table's order. */
static void test_manual_page(void **unused)
{
	static char text[65536];
	const char *at = text;

	(void)unused;
	read_file(SOURCE("xnts.conf.5"), text, sizeof(text));
	for (size_t i = 0; i < config_table_len; i++) {
		const struct config_entry *entry = &config_table[i];
		char line[128];

		if (entry->fallback[0])
			snprintf(line, sizeof(line), "\n.It Cm %s Li = %s\n", entry->name, entry->fallback);
		else
			snprintf(line, sizeof(line), "\n.It Cm %s\n", entry->name);
		at = strstr(at, line);
		if (!at)
			fail_msg("xnts.conf.5 lacks, or has out of order: %s", line);
	}
}

/* The example differs from the defaults in nothing but what a user must set. */
static void test_example(void **unused)
{
	static struct config example;

	(void)unused;
	assert_int_equal(config_load(SOURCE("xnts.conf"), &example, &err), 0);
	assert_int_equal(load("[ntp]\ninterfaces = eth0\n[ke]\ncertificate = /etc/xnts/certificate.pem\n"
			      "key = /etc/xnts/key.pem\n"), 0);
	assert_memory_equal(&example, &config, offsetof(struct config, path));
}

/* Is there a line that begins so, in its section? */
static bool section_has(const char *text, const char *section, const char *line)
{
	const char *start = strstr(text, section), *end, *found;

	if (!start)
		return false;
	end = strstr(start + 1, "\n[");
	found = strstr(start, line);
	return found && (!end || found < end);
}

/* "# ttl = 64": each key with its default in a comment, or set; without a default, either. */
static void test_example_is_complete(void **unused)
{
	static char text[65536];

	(void)unused;
	read_file(SOURCE("xnts.conf"), text, sizeof(text));
	for (size_t i = 0; i < config_table_len; i++) {
		const struct config_entry *entry = &config_table[i];
		char section[64], comment[128], set[128];

		snprintf(section, sizeof(section), "\n[%s]\n", entry->section);
		snprintf(comment, sizeof(comment), entry->fallback[0] ? "\n# %s = %s\n" : "\n# %s =",
			 entry->name, entry->fallback);
		snprintf(set, sizeof(set), "\n%s = ", entry->name);
		if (!section_has(text, section, comment) && !section_has(text, section, set))
			fail_msg("xnts.conf lacks [%s] %s", entry->section, entry->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_first_error),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_list_limits),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_manual_page),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_example_is_complete),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
