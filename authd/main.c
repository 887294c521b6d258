/*
 * authd: knows the users, domains and aliases; checks passwords; hands
 * authenticated connections to the session servers.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "authd/app_log.h"
#include "authd/asks.h"
#include "authd/authd.h"
#include "authd/buckets.h"
#include "authd/cache.h"
#include "authd/delay.h"
#include "authd/derived.h"
#include "authd/hashers.h"
#include "authd/once.h"
#include "authd/passes.h"
#include "authd/salts.h"
#include "authd/scram.h"
#include "authd/serve.h"
#include "authd/sessions.h"
#include "authd/spawn.h"
#include "lib/base/config.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"

#define CLIENTS_MAX	8192U

/*
 * Whose mailboxes are, where a line does not say: mail-user's when the suite's
 * accounts are in use, else (all runs as one uid) our own.
 */
static struct users_ids
mailbox_ids(const struct config *conf)
{
	struct users_ids	 ids = { true, getuid(), getgid() };
	const struct passwd	*pw;

	pw = getpwnam("merpati-auth");
	if (pw == NULL || pw->pw_uid != getuid())
		return ids;
	if ((pw = getpwnam(conf->mail_user)) == NULL) {
		ids.known = false;
		return ids;
	}
	ids.uid = pw->pw_uid;
	ids.gid = pw->pw_gid;
	return ids;
}

/* Every client and every session on its way holds a descriptor. */
static unsigned int
descriptors(void)
{
	unsigned int	 n = service_descriptors(4 * CLIENTS_MAX) / 4;

	return n < 16 ? 16 : n < CLIENTS_MAX ? n : CLIENTS_MAX;
}

static void
load_or_exit(struct authd *a)
{
	struct buf	 err;

	buf_init(&err, 65536);
	if (tables_load(&a->tables, &err) == -1)
		tables_log_errors(&err);
	if (!tables_complete(&a->tables))
		exit(EX_CONFIG);
	buf_free(&err);
}

static void
stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

static void
on_signals(struct event_base *base)
{
	static const int	 sigs[] = { SIGTERM, SIGINT };
	struct event		*ev;
	size_t			 i;

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 2; i++) {
		ev = evsignal_new(base, sigs[i], stop, base);
		if (ev == NULL || event_add(ev, NULL) == -1)
			fatalx("event=out-of-memory");
	}
}

/*
 * The helpers are forked first: they need neither the descriptors nor the state
 * that come after.
 */
static void
begin(struct authd *a, const char *spawner)
{
	const struct config	*conf = a->conf;

	a->hashers = hashers_new(a->base, conf->authd.hashers);
	a->cache = cache_new(conf->authd.cache);
	a->derived = derived_new(a->cache, conf->authd.cache);
	a->delay = delay_new();
	a->buckets = buckets_new(conf->smtpd.user_messages,
	    conf->smtpd.user_recipients);
	a->exchanges = once_new(scram_drop);
	a->passes = once_new(pass_drop);
	TAILQ_INIT(&a->held);
	a->salts = salts_new(conf->authd.state);
	a->app_log = app_log_new(a->base, conf->authd.state, &a->tables);
	a->spawn = spawn_new(a->base, spawner);
	a->tokend = asks_new(a->base, conf->run_dir, "tokend");
	a->pamd = asks_new(a->base, conf->run_dir, "pamd");
	a->sessions = sessions_new(a->base, a->spawn, conf->spawner.idle);
}

/* What holds secrets is wiped, what is to be kept written; helpers end. */
static void
finish(struct authd *a)
{
	helpers_free(a->hashers);
	spawn_free(a->spawn);
	sessions_free(a->sessions);
	asks_free(a->tokend);
	asks_free(a->pamd);
	app_log_free(a->app_log);
	derived_free(a->derived);
	cache_free(a->cache);
	delay_free(a->delay);
	buckets_free(a->buckets);
	once_free(a->exchanges);
	once_free(a->passes);
	salts_free(a->salts);
	tables_free(&a->tables);
}

/*
 * User merpati-auth.  Descriptors: the listening socket, spawner's,
 * tokend's, pamd's, one a client and a session server.  Hostile: the packets of
 * smtpd and pop3d, which strangers may have taken over; the passwords and
 * names in them.  A takeover gains the password hashes and every mailbox,
 * but no root.
 */
int
main(int argc, char **argv)
{
	struct authd		 a;
	struct users_ids	 ids;
	char			*path, *spawner;
	unsigned int		 clients;
	int			 fd;

	service_title_init(argc, argv);
	log_init("authd");
	memset(&a, 0, sizeof(a));
	a.conf = config_need(service_options(argc, argv, "authd"));
	privilege_never_root("authd");
	privilege_harden();
	clients = descriptors();
	ids = mailbox_ids(a.conf);
	tables_init(&a.tables, a.conf, &ids);
	load_or_exit(&a);
	if ((a.base = event_base_new()) == NULL)
		fatalx("event=no-event-base");
	xasprintf(&spawner, "%s/spawner/spawner.sock", a.conf->run_dir);
	xasprintf(&path, "%s/authd/authd.sock", a.conf->run_dir);
	begin(&a, spawner);
	if ((fd = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	a.server = ipc_server_new(a.base, fd, clients, serve_allow,
	    serve_request, &a);
	ipc_server_share(a.server);
	on_signals(a.base);
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	event_base_dispatch(a.base);
	log_info("event=stopping");
	ipc_server_free(a.server);
	finish(&a);
	free(path);
	free(spawner);
	return EX_OK;
}
