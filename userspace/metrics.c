/* SPDX-License-Identifier: GPL-2.0 */
#include "metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "metrics_text.h"

/* For a scraper or two; more wait in the listen queue. */
#define CONNECTIONS 8
#define TIMEOUT     5          /* s */
#define MEMORY      (16 << 10) /* bytes a connection: the longest request */

struct metrics {
	struct MHD_Daemon *http;
	struct dataplane *dp;
	int epoll_fd;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *text, size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *why)
{
	char *text = strdup(why);

	return text ? answer(connection, status, "text/plain", text, strlen(text)) : MHD_NO;
}

/* What the drivers of the live links count; a device that goes away meanwhile is left out. */
static int read_nics(const struct snapshot *s, struct nic_stats nics[DATAPLANE_MAX_LINKS])
{
	int n = 0;

	for (int i = 0; i < s->link_count; i++)
		if (s->links[i].ifindex && !nic_stats_read(s->links[i].ifname, &nics[n]))
			n++;
	return n;
}

static int print_to_memory(enum metrics_format format, const struct snapshot *s, char **text,
			   size_t *len)
{
	struct nic_stats nics[DATAPLANE_MAX_LINKS];
	FILE *out = open_memstream(text, len);
	int nic_count, err;

	if (!out)
		return -ENOMEM;
	nic_count = read_nics(s, nics);
	metrics_print(out, format, s, nics, nic_count);
	for (int i = 0; i < nic_count; i++)
		nic_stats_free(&nics[i]);
	err = fclose(out) ? -ENOMEM : 0;
	if (err)
		free(*text);
	return err;
}

static enum MHD_Result answer_metrics(const struct metrics *m, struct MHD_Connection *connection)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	enum metrics_format format = metrics_negotiate(accept);
	static struct snapshot s; /* large, and there is one thread */
	char *text = NULL;
	size_t len;

	if (snapshot_read(m->dp, &s))
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "the maps cannot be read\n");
	if (print_to_memory(format, &s, &text, &len))
		return MHD_NO;
	return answer(connection, MHD_HTTP_OK, metrics_content_type(format), text, len);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **state)
{
	(void)version;
	(void)upload;
	(void)state;
	if (*upload_len ||
	    (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD)))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET it\n");
	if (strcmp(url, "/metrics"))
		return refuse(connection, MHD_HTTP_NOT_FOUND, "try /metrics\n");
	return answer_metrics(arg, connection);
}

int metrics_start(struct metrics **out, const struct config_address *listen, struct dataplane *dp)
{
	unsigned int flags = MHD_USE_EPOLL | (listen->sa.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	const union MHD_DaemonInfo *info;
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->dp = dp;
	errno = 0;
	m->http = MHD_start_daemon(flags, 0, NULL, NULL, on_request, m, MHD_OPTION_SOCK_ADDR,
				   &listen->sa, MHD_OPTION_LISTENING_ADDRESS_REUSE,
				   1U /* a reload may widen the address */, MHD_OPTION_CONNECTION_LIMIT,
				   (unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				   (unsigned int)TIMEOUT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				   (size_t)MEMORY, MHD_OPTION_END);
	info = m->http ? MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		int err = errno ? -errno : -EIO;

		log_error("[metrics] listen: cannot serve there: %s", strerror(-err));
		metrics_stop(m);
		return err;
	}
	m->epoll_fd = info->epoll_fd;
	*out = m;
	return 0;
}

void metrics_stop(struct metrics *m)
{
	if (m && m->http)
		MHD_stop_daemon(m->http);
	free(m);
}

int metrics_fd(const struct metrics *m)
{
	return m->epoll_fd;
}

void metrics_dispatch(struct metrics *m)
{
	MHD_run(m->http);
}
