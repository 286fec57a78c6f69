/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A KE worker process.  It is told everything over its control socket (ke_control.h),
 * gives up its privileges (sandbox.h) and serves (ke_server.h) until it is
 * drained or the daemon is gone.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "ke.h"
#include "ke_control.h"
#include "ke_seal.h"
#include "log.h"
#include "sandbox.h"

/* Freed memory that is kept for the next handshakes: giving it back after each costs 3 %. */
#define KEEP_FREE (4 << 20) /* bytes */

/* Descriptors beside connections: stdio, control, epoll, listeners, some to spare. */
#define SPARE_FDS (KE_MAX_LISTENERS + 16)

struct worker {
	struct ke_server server; /* first: on_control() gets its address */
	struct ke_sealer *sealer;
	struct ke_setup setup;
	struct tls_choice tls;
	struct xnts_ke_counters *counters; /* all entries */
};

static int failed(const char *what, int rc)
{
	log_error("ke worker: %s: %s", what, strerror(-rc));
	return rc;
}

/* ---- what the daemon sends ---------------------------------------------- */

static int map_counters(struct worker *w, int fd)
{
	struct xnts_ke_counters *map;

	if (w->setup.entry >= XNTS_KE_WORKERS)
		return -EPROTO;
	map = mmap(NULL, XNTS_KE_WORKERS * sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	w->counters = map;
	w->server.service.counters = &map[w->setup.entry];
	return 0;
}

static int receive_setup(struct worker *w)
{
	enum ke_message type;
	struct ke_fds fds;
	ssize_t n = ke_control_receive(KE_CONTROL_FD, &type, &w->setup, sizeof(w->setup), &fds);
	int rc;

	if (n < 0)
		return (int)n;
	if (type != KE_SETUP || n != sizeof(w->setup) || fds.count < 2)
		return -EPROTO;
	w->server.listener_count = fds.count - 1;
	memcpy(w->server.listeners, fds.fd, (fds.count - 1) * sizeof(int));
	rc = map_counters(w, fds.fd[fds.count - 1]);
	close(fds.fd[fds.count - 1]);
	return rc;
}

static ssize_t receive_pem(enum ke_message wanted, char *text)
{
	enum ke_message type;
	ssize_t n = ke_control_receive(KE_CONTROL_FD, &type, text, KE_MAX_PEM, NULL);

	return n >= 0 && type != wanted ? -EPROTO : n;
}

/* The PEM text is wiped as soon as OpenSSL has the key. */
static int receive_certificate(SSL_CTX **ctx)
{
	static char chain[KE_MAX_PEM], key[KE_MAX_PEM];
	struct tls_pem pem = { .chain = chain, .key = key };
	char reason[TLS_REASON];
	ssize_t n = receive_pem(KE_CHAIN, chain);

	pem.chain_len = n < 0 ? 0 : (size_t)n;
	if (n >= 0)
		n = receive_pem(KE_KEY, key);
	pem.key_len = n < 0 ? 0 : (size_t)n;
	if (n >= 0)
		*ctx = tls_server(&pem, reason);
	OPENSSL_cleanse(key, sizeof(key));
	if (n < 0)
		return (int)n;
	if (*ctx)
		return 0;
	log_error("ke worker: certificate: %s", reason);
	return -EINVAL;
}

static int receive_certificates(struct worker *w)
{
	int rc = 0;

	if (w->setup.certificates < 1 || w->setup.certificates > TLS_MAX_CERTIFICATES)
		return -EPROTO;
	while (!rc && w->tls.count < w->setup.certificates)
		rc = receive_certificate(&w->tls.ctx[w->tls.count++]);
	if (!rc && w->tls.count > 1)
		tls_choose_by_name(&w->tls);
	w->server.service.tls = w->tls.ctx[0];
	return rc;
}

/* Everything that comes after the start. */
static bool on_control(struct ke_server *server)
{
	struct worker *w = (struct worker *)server;
	struct ke_sealing_keys keys;
	enum ke_message type;
	ssize_t n = ke_control_receive(KE_CONTROL_FD, &type, &keys, sizeof(keys), NULL);

	if (n < 0)
		return n == -EINTR || n == -EAGAIN;
	if (type == KE_SEAL && n == sizeof(keys)) {
		ke_sealer_set(w->sealer, &keys);
		ke_server_listen(server);
	} else if (type == KE_DRAIN) {
		ke_server_drain(server);
	}
	OPENSSL_cleanse(&keys, sizeof(keys));
	return true;
}

/* ---- serving ------------------------------------------------------------ */

static int seal(void *arg, const uint8_t c2s[TLS_EXPORT_LEN], const uint8_t s2c[TLS_EXPORT_LEN],
		uint8_t cookies[KE_COOKIES][XNTS_COOKIE_LEN])
{
	return ke_sealer_seal(arg, time(NULL), c2s, s2c, cookies);
}

/* The sandbox allows no open(): what OpenSSL reads or seeds at first use, it does now. */
static int warm_up(const struct worker *w)
{
	unsigned char byte;
	SSL *ssl = SSL_new(w->server.service.tls);
	bool ok = ssl && RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1;

	SSL_free(ssl);
	return ok ? 0 : -EIO;
}

/* Above the hard limit only root may; with fewer the oldest connections give way sooner. */
static void raise_fd_limit(const struct worker *w)
{
	rlim_t wanted = w->setup.limits.max_connections + SPARE_FDS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < wanted &&
	    !setrlimit(RLIMIT_NOFILE, &(struct rlimit){ wanted, wanted }))
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
		log_warning("ke worker: %u connections need %llu open files, the limit is %llu",
			    w->setup.limits.max_connections, (unsigned long long)wanted,
			    (unsigned long long)limit.rlim_max);
}

static int prepare(struct worker *w)
{
	int rc = receive_setup(w);

	if (rc)
		return failed("setup", rc);
	log_set_level((enum log_level)w->setup.log_level);
	raise_fd_limit(w);
	w->server.limits = w->setup.limits;
	w->server.control = KE_CONTROL_FD;
	w->server.on_control = on_control;
	w->server.service.seal = seal;
	w->server.service.seal_arg = w->sealer;
	w->server.service.ntp_server = w->setup.ntp_server;
	w->server.service.ntp_port = w->setup.ntp_port;
	w->server.service.max_bytes = w->setup.max_bytes;
	rc = receive_certificates(w);
	if (rc)
		return failed("certificate", rc);
	rc = warm_up(w);
	if (rc)
		return failed("OpenSSL", rc);
	rc = ke_server_init(&w->server);
	return rc ? failed("event loop", rc) : 0;
}

static int serve(struct worker *w)
{
	int rc = sandbox_enter(w->setup.uid, w->setup.gid);

	if (rc)
		return rc;
	__atomic_fetch_add(&w->server.service.counters->worker_starts, 1, __ATOMIC_RELAXED);
	rc = ke_control_send(KE_CONTROL_FD, KE_READY, NULL, 0, NULL);
	if (!rc)
		rc = ke_server_run(&w->server);
	return rc;
}

int ke_worker_main(void)
{
	static struct worker w;
	int rc;

	log_open();
	prctl(PR_SET_NAME, "xntsd-ke"); /* else it is called "exe", after /proc/self/exe */
	/* The daemon decides when a worker ends, also when ^C goes to the whole group. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	w.server.epoll = -1;
	w.sealer = ke_sealer_new();
	rc = w.sealer ? sandbox_hide_memory() : -ENOMEM;
	if (rc)
		failed("start", rc);
	else
		rc = prepare(&w);
	if (!rc)
		rc = serve(&w);
	ke_server_free(&w.server);
	for (unsigned int i = 0; i < w.tls.count; i++)
		SSL_CTX_free(w.tls.ctx[i]);
	ke_sealer_free(w.sealer);
	return rc ? 1 : 0;
}
