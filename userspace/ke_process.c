/* SPDX-License-Identifier: GPL-2.0 */
#define _GNU_SOURCE
#include "ke_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM (4 * TLS_MAX_CERTIFICATES * KE_MAX_PEM) /* bytes, with the kernel's overhead */

/* The worker has stdio and its control socket, no other descriptor and no blocked signal of ours. */
static int spawn(pid_t *pid, int control)
{
	char *const argv[] = { "xntsd", "--ke-worker", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	rc = posix_spawn_file_actions_adddup2(&files, control, KE_CONTROL_FD);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(&files, KE_CONTROL_FD + 1);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!rc)
		rc = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static int tell(const struct ke_process *process, const struct ke_start *start)
{
	int fd = process->control, rc;

	rc = ke_control_send(fd, KE_SETUP, &start->setup, sizeof(start->setup), &start->fds);
	for (unsigned int i = 0; !rc && i < start->setup.certificates; i++) {
		rc = ke_control_send(fd, KE_CHAIN, start->pem[i]->chain, start->pem[i]->chain_len,
				     NULL);
		if (!rc)
			rc = ke_control_send(fd, KE_KEY, start->pem[i]->key, start->pem[i]->key_len,
					     NULL);
	}
	if (!rc && start->keys)
		rc = ke_process_set_keys(process, start->keys);
	return rc;
}

int ke_process_start(struct ke_process *process, const struct ke_start *start)
{
	int pair[2], rc;

	process->ready = false;
	process->draining = false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	rc = spawn(&process->pid, pair[1]);
	close(pair[1]);
	if (rc) {
		process->pid = 0;
		close(pair[0]);
		return rc;
	}
	/* All is sent at once, before the worker reads; without the right to it, 200 kB fit. */
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &(int){ ROOM }, sizeof(int));
	fcntl(pair[0], F_SETFL, O_NONBLOCK); /* of the daemon's end alone */
	process->control = pair[0];
	process->pidfd = pidfd_open(process->pid, 0);
	rc = process->pidfd < 0 ? -errno : tell(process, start);
	if (rc) {
		ke_process_kill(process);
		ke_process_reap(process, true, NULL);
	}
	return rc;
}

int ke_process_hear(struct ke_process *process)
{
	enum ke_message type;
	char body[1];
	ssize_t n = ke_control_receive(process->control, &type, body, sizeof(body), NULL);

	if (n == -EAGAIN)
		return 0;
	/* Who says more than READY, once, is no longer the program that was started. */
	if (n != 0 || type != KE_READY || process->ready)
		return -EPIPE;
	process->ready = true;
	return 0;
}

int ke_process_set_keys(const struct ke_process *process, const struct ke_sealing_keys *keys)
{
	return ke_control_send(process->control, KE_SEAL, keys, sizeof(*keys), NULL);
}

void ke_process_drain(struct ke_process *process)
{
	process->draining = true;
	if (ke_control_send(process->control, KE_DRAIN, NULL, 0, NULL))
		ke_process_kill(process);
}

void ke_process_kill(const struct ke_process *process)
{
	kill(process->pid, SIGKILL);
}

bool ke_process_reap(struct ke_process *process, bool wait, int *status)
{
	if (waitpid(process->pid, status, wait ? 0 : WNOHANG) == 0)
		return false;
	close(process->control);
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->pid = 0;
	return true;
}
