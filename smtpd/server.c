/* Contract in server.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/net/listener.h"
#include "smtpd/server.h"

#define ROOM_MS		1000	/* how long an answer about room is good */
#define INODES_MIN	100
#define SWEEP_SECONDS	86400	/* no message takes a day to come */

int
server_init(struct server *sv, const struct config *config, struct buf *err)
{
	int	 n, k, m;

	memset(sv, 0, sizeof(*sv));
	sv->config = config;
	n = snprintf(sv->auth_path, sizeof(sv->auth_path),
	    "%s/authd/authd.sock", config->run_dir);
	k = snprintf(sv->resolver_path, sizeof(sv->resolver_path),
	    "%s/resolver/resolver.sock", config->run_dir);
	m = snprintf(sv->key_path, sizeof(sv->key_path), "%s/keyd/keyd.sock",
	    config->run_dir);
	if (n < 0 || (size_t)n >= sizeof(sv->auth_path) || k < 0 ||
	    (size_t)k >= sizeof(sv->resolver_path) || m < 0 ||
	    (size_t)m >= sizeof(sv->key_path)) {
		(void)buf_addf(err, "%s: run-dir is too long for a socket "
		    "below it\n", config->file);
		return -1;
	}
	lookup_init(&sv->lookup, sv->auth_path);
	resolver_client_init(&sv->resolver, sv->resolver_path);
	sv->client = access_new(&config->smtpd.access_client, true, err);
	sv->sender = access_new(&config->smtpd.access_sender, false, err);
	sv->recipient = access_new(&config->smtpd.access_recipient, false,
	    err);
	return sv->client == NULL || sv->sender == NULL ||
	    sv->recipient == NULL ? -1 : 0;
}

int
server_tls(struct server *sv, const struct config_listen *listen, size_t n,
    char error[TLS_TEXT])
{
	bool	 hosts = false, users = false;
	size_t	 i;

	for (i = 0; i < n; i++)
		if (listen[i].role != ROLE_SUBMIT &&
		    config_listen_tls(sv->config, &listen[i]) != TLS_OFF) {
			users |= listen[i].role == ROLE_SUBMISSION;
			hosts |= listen[i].role != ROLE_SUBMISSION;
		}
	if (users && !sv->config->tls.client_certificates)
		hosts = true;
	if (hosts && (sv->tls = tls_server_new(sv->config, ROLE_MX,
	    error)) == NULL)
		return -1;
	if (!users || !sv->config->tls.client_certificates)
		sv->tls_users = sv->tls;
	else if ((sv->tls_users = tls_server_new(sv->config, ROLE_SUBMISSION,
	    error)) == NULL)
		return -1;
	return 0;
}

void
server_sweep(const struct server *sv)
{
	int	 n = spool_sweep(sv->config->spool_dir, SWEEP_SECONDS);

	if (n > 0)
		log_info("event=swept dir=%s files=%d",
		    log_esc(sv->config->spool_dir), n);
}

/* For as long as the program lives. */
static const char *
below(const char *dir, const char *name)
{
	char	*path;

	xasprintf(&path, "%s/%s", dir, name);
	return path;
}

static void
let_lists(struct wall *wall, const struct config_list *files)
{
	size_t	 i;

	for (i = 0; i < files->n; i++)
		wall_let_file(wall, files->item[i]);
}

void
server_wall(const struct server *sv, struct wall *wall)
{
	const struct config	*c = sv->config;

	/* Not the spool itself: there are others' messages. */
	wall_let(wall, below(c->spool_dir, "tmp"), WALL_CHANGE);
	wall_let(wall, below(c->spool_dir, "new"), WALL_CHANGE);
	wall_let(wall, below(c->spool_dir, "trigger"), WALL_CHANGE);
	let_lists(wall, &c->smtpd.access_client);
	let_lists(wall, &c->smtpd.access_sender);
	let_lists(wall, &c->smtpd.access_recipient);
	if (sv->tls != NULL || sv->tls_users != NULL)
		wall_let(wall, below(c->run_dir, "keyd"), WALL_READ);
}

void
server_start(void *arg)
{
	struct server	*sv = arg;

	if (server_spool(sv) != NULL)
		return;
	log_warn("event=spool-unavailable dir=%s",
	    log_esc(sv->config->spool_dir));
	listener_last();
}

struct spool *
server_spool(struct server *sv)
{
	if (!sv->has_spool) {
		if (spool_open(&sv->spool, sv->config->spool_dir) == -1)
			return NULL;
		sv->has_spool = true;
	}
	return &sv->spool;
}

bool
server_has_room(struct server *sv, uint64_t size)
{
	uint64_t	 octets, inodes;
	int64_t		 now = io_monotonic_ms();

	/* Only room is remembered: a refusal must be true now. */
	if (sv->room_asked == 0 || now - sv->room_asked >= ROOM_MS ||
	    sv->room <= size) {
		sv->room = 0;
		if (spool_free(&sv->spool, &octets, &inodes) == -1)
			log_warn("event=spool-unavailable dir=%s",
			    log_esc(sv->config->spool_dir));
		else if (octets > sv->config->min_free &&
		    inodes >= INODES_MIN)
			sv->room = octets - sv->config->min_free;
		sv->room_asked = now;
	}
	return sv->room > size;
}
