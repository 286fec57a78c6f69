/* SPDX-License-Identifier: GPL-2.0 */
/* What a KE worker can no longer do, and what it still can. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <openssl/rand.h>

#include "ke_daemon.h"
#include "sandbox.h"

/* ---- what a worker may do ----------------------------------------------- */

static long status_field(pid_t pid, const char *name, int base)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtol(line + strlen(name) + 1, NULL, base);
	fclose(f);
	return value;
}

static void workers_have_no_privileges(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	pid_t pids[2];

	(void)state;
	wait_for_starts(2);
	assert_int_equal(children(pids, 2), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(status_field(pids[i], "CapPrm", 16), 0);
		assert_int_equal(status_field(pids[i], "CapEff", 16), 0);
		assert_int_equal(status_field(pids[i], "CapInh", 16), 0);
		assert_int_equal(status_field(pids[i], "NoNewPrivs", 10), 1);
		assert_int_equal(status_field(pids[i], "Seccomp", 10), 2);
		if (geteuid() != 0)
			continue;
		assert_int_equal(status_field(pids[i], "CapBnd", 16), 0);
		assert_int_equal(status_field(pids[i], "Uid", 10), nobody->pw_uid);
		assert_int_equal(status_field(pids[i], "Gid", 10), nobody->pw_gid);
	}
}

/* Descriptors: stdio, sockets (control, listener) and epoll; no file, no map. */
static void workers_hold_sockets_only(void **state)
{
	char path[64], target[PATH_MAX], file[320];
	struct dirent *entry;
	pid_t pid;
	DIR *fds;

	(void)state;
	if (geteuid() != 0) /* an undumpable process shows its descriptors to root alone */
		skip();
	wait_for_starts(2);
	children(&pid, 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds))) {
		ssize_t n;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) <= 2)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		n = readlink(file, target, sizeof(target) - 1);
		assert_true(n > 0);
		target[n] = 0;
		assert_true(!strncmp(target, "socket:", 7) ||
			    !strcmp(target, "anon_inode:[eventpoll]"));
	}
	closedir(fds);
}

/* ---- system calls ------------------------------------------------------- */

/* Enters the sandbox in a child and does something there.  How it ended (wait(2)). */
static int in_sandbox(void (*act)(int fd))
{
	const struct passwd *nobody = getpwnam("nobody");
	bool root = geteuid() == 0;
	int fd = open("/dev/null", O_RDWR), status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(root ? nobody->pw_uid : geteuid(),
				  root ? nobody->pw_gid : getegid()))
			_exit(99);
		act(fd);
		syscall(SYS_exit_group, 0); /* _exit() of the address sanitizer does more */
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void work(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	char *memory =
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct timespec moment = { .tv_nsec = 1 };
	struct timespec t;

	memset(memory, 1, 1 << 20);
	munmap(memory, 1 << 20);
	if (getrandom(&event.data, 4, 0) != 4 || write(fd, "x", 1) != 1 ||
	    read(fd, &event, 1) != 0 || clock_gettime(CLOCK_REALTIME, &t) || time(NULL) == 0 ||
	    nanosleep(&moment, NULL))
		_exit(1);
	close(fd);
}

/* OpenSSL's generators take new seeds in the course of time, an hour at the latest. */
static void reseed(int fd)
{
	unsigned char bytes[32];

	if (EVP_RAND_reseed(RAND_get0_primary(NULL), 1, NULL, 0, NULL, 0) != 1 ||
	    EVP_RAND_reseed(RAND_get0_public(NULL), 1, NULL, 0, NULL, 0) != 1 ||
	    EVP_RAND_reseed(RAND_get0_private(NULL), 1, NULL, 0, NULL, 0) != 1 ||
	    RAND_bytes(bytes, sizeof(bytes)) != 1)
		syscall(SYS_exit_group, 1);
	(void)fd;
}

static void open_file(int fd)
{
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
	(void)fd;
}

static void open_socket(int fd)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	(void)fd;
}

static void connect_out(int fd)
{
	syscall(SYS_connect, fd, NULL, 0);
}

static void fork_child(int fd)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	(void)fd;
}

static void exec_program(int fd)
{
	char *const none[] = { NULL };

	syscall(SYS_execve, "/bin/true", none, none);
	(void)fd;
}

static void trace(int fd)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
	(void)fd;
}

static void use_bpf(int fd)
{
	syscall(SYS_bpf, 0, NULL, 0);
	(void)fd;
}

static void kill_parent(int fd)
{
	syscall(SYS_kill, getppid(), 0);
	(void)fd;
}

static void map_code(int fd)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)fd;
}

static void ordinary_work_goes_on(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(work), 0);
	assert_int_equal(in_sandbox(reseed), 0);
}

static void all_else_ends_the_process(void **state)
{
	void (*const acts[])(int) = { open_file, open_socket, connect_out, fork_child, exec_program,
				      trace,     use_bpf,     kill_parent, map_code };

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = in_sandbox(acts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		assert_false(WCOREDUMP(status));
	}
}

static void memory_is_hidden(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct rlimit core;

		if (sandbox_hide_memory() || prctl(PR_GET_DUMPABLE) != 0 ||
		    getrlimit(RLIMIT_CORE, &core) || core.rlim_max != 0)
			_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* Who may not change the user is told so, and does not go on as it is. */
static void another_user_is_refused(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(1);
		_exit(sandbox_enter(1, 1) == -EPERM ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	int status;

	if (is_worker(argc, argv, &status))
		return status;
	const struct CMUnitTest tests[] = {
		T(workers_have_no_privileges),
		T(workers_hold_sockets_only),
		cmocka_unit_test(ordinary_work_goes_on),
		cmocka_unit_test(all_else_ends_the_process),
		cmocka_unit_test(memory_is_hidden),
		cmocka_unit_test(another_user_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
