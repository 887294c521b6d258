/* Contract in serve.h.  The table is proto_auth.h's list. */
#include <stdlib.h>
#include <string.h>

#include "authd/app_log.h"
#include "authd/authd.h"
#include "authd/check.h"
#include "authd/homes.h"
#include "authd/lookup.h"
#include "authd/scram.h"
#include "authd/serve.h"
#include "authd/sources.h"
#include "authd/submit.h"
#include "authd/workers.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/peers.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_fields.h"
#include "lib/store/app_uses.h"

#define MAILBOX_CLIENTS	64	/* connections of one mailbox uid */

enum peer {
	PEER_SMTPD = 1,
	PEER_QUEUE = 2,
	PEER_POP3D = 4,
	PEER_IMAPD = 8,
	PEER_ADMIN = 16,
	PEER_MAILBOX = 32	/* some mailbox's uid; its own users only */
};

typedef int	 serve_fn(struct authd *, struct ipc_client *,
		    struct ipc_msg *, unsigned int who);

static struct ipc_msg	 ans;

/* What the accounts say. */
static const struct peers_service	 services[] = {
	{ "merpati-smtpd", PEER_SMTPD },
	{ "merpati-queue", PEER_QUEUE },
	{ "merpati-pop3d", PEER_POP3D },
	{ "merpati-imapd", PEER_IMAPD },
	{ NULL, 0 },
};
static struct peers	 peers = { .services = services, .admin = PEER_ADMIN };

static unsigned int
peer_who(struct authd *a, uid_t uid, gid_t gid)
{
	return peers_who(&peers, uid, gid) |
	    (sources_has_uid(&a->tables, uid) ? PEER_MAILBOX : 0);
}

bool
serve_allow(uid_t uid, gid_t gid, void *arg)
{
	struct authd	*a = arg;
	unsigned int	 who = peer_who(a, uid, gid);

	/* A user's programs may not keep the services out. */
	if (who == PEER_MAILBOX)
		return ipc_server_count(a->server, uid) < MAILBOX_CLIENTS;
	return who != 0;
}

/* A found mailbox whose home is being made. */
struct lookup_wait {
	struct ipc_client	*client;
	uint64_t		 id;
	struct auth_lookup	 found;
};

static void
lookup_at_home(enum spawn_status home, void *arg)
{
	struct lookup_wait	*w = arg;

	/*
	 * While spawner is away that is our own failure, not the mailbox's.
	 * A home that spawner refuses is judged by the worker, in words.
	 */
	if (home == SPAWN_LATER)
		w->found.kind = AUTH_TEMP;
	proto_auth_put_found(&ans, w->id, &w->found);
	ipc_client_answer(w->client, &ans);
	ipc_client_unref(w->client);
	free(w);
}

static int
serve_lookup(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	static struct auth_lookup	 found;
	struct lookup_wait		*w;
	char				 address[AUTH_USER_MAX + 2];
	uint64_t			 id = m->id;

	if (proto_auth_get_lookup(m, address, sizeof(address)) == -1)
		return -1;
	lookup_address(&a->tables, address, &found);
	if (found.kind == AUTH_USER && (who & PEER_QUEUE)) {
		/*
		 * A delivery follows, perhaps by a worker of the uid that
		 * runs already and may not make homes itself.
		 */
		w = xcalloc(1, sizeof(*w));
		w->client = c;
		w->id = id;
		w->found = found;
		ipc_client_ref(c);
		homes_ensure(a->spawn, found.home, found.uid, found.gid,
		    lookup_at_home, w);
		return 0;
	}
	proto_auth_put_found(&ans, id, &found);
	ipc_client_answer(c, &ans);
	return 0;
}

static int
serve_expand(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	char		 address[AUTH_USER_MAX + 1];
	const char	*status;
	uint64_t	 id = m->id;
	int		 fd;

	(void)who;
	if (proto_auth_get_expand(m, address, sizeof(address)) == -1)
		return -1;
	status = lookup_expand(&a->tables, address, &fd);
	proto_auth_put_expanded(&ans, id, status, fd);
	ipc_client_answer(c, &ans);
	io_close(fd);
	return 0;
}

static int
serve_check(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	static struct auth_check	 check;
	uint64_t			 id = m->id;

	(void)who;
	if (proto_auth_get_check(m, &check) == -1)
		return -1;
	return check_start(a, c, id, &check);
}

static int
serve_session(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	static struct auth_session	 s;
	uint64_t			 id = m->id;

	(void)who;
	if (proto_auth_get_session(m, &s) == -1)
		return -1;
	return check_start_session(a, c, id, &s);
}

static int
serve_deliver(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	char		 user[AUTH_USER_MAX + 1];
	uint64_t	 id = m->id;

	(void)who;
	if (proto_auth_get_deliver(m, user, sizeof(user)) == -1)
		return -1;
	workers_start(a, c, id, user);
	return 0;
}

static int
serve_usage(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	char		 name[AUTH_USER_MAX + 1];
	struct user	*u;
	uint64_t	 id = m->id, octets, count;

	if (proto_auth_get_usage(m, name, sizeof(name), &octets, &count) ==
	    -1)
		return -1;
	u = lookup_login(&a->tables, name);
	if (u != NULL && !(who & PEER_ADMIN) && u->uid != ipc_client_uid(c))
		return -1;
	if (u != NULL) {
		u->used_octets = octets;
		u->used_count = count;
	}
	proto_put_done(&ans, id, u == NULL ? "no such user" : NULL);
	ipc_client_answer(c, &ans);
	return 0;
}

static int
serve_reload(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	struct buf	 err;
	uint64_t	 id = m->id;
	int		 r;

	(void)who;
	if (ipc_end(m) == -1)
		return -1;
	buf_init(&err, 4096);
	if ((r = tables_load(&a->tables, &err)) == -1)
		tables_log_errors(&err);
	proto_put_done(&ans, id, r == 0 ? NULL : buf_cstr(&err));
	ipc_client_answer(c, &ans);
	buf_free(&err);
	return 0;
}

static int
serve_scram(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	struct auth_scram	 s;
	uint64_t		 id = m->id;

	(void)who;
	if (proto_auth_get_scram(m, &s) == -1)
		return -1;
	return scram_begin(a, c, id, &s);
}

static int
serve_submit(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	struct auth_submit	 s;
	uint64_t		 id = m->id;

	(void)who;
	if (proto_auth_get_submit(m, &s) == -1)
		return -1;
	proto_auth_put_may(&ans, id, submit_may(a, &s));
	ipc_client_answer(c, &ans);
	return 0;
}

static int
serve_app_uses(struct authd *a, struct ipc_client *c, struct ipc_msg *m,
    unsigned int who)
{
	struct buf	 b;
	uint64_t	 id = m->id;
	int		 fd = -1;

	(void)who;
	if (ipc_end(m) == -1)
		return -1;
	buf_init(&b, APP_USES_MAX);
	if (app_log_print(a->app_log, &b) == 0)
		fd = lookup_sealed("app-uses", &b);
	buf_free(&b);
	proto_auth_put_used(&ans, id, fd);
	ipc_client_answer(c, &ans);
	io_close(fd);
	return 0;
}

int
serve_request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	static const struct {
		const char	*verb;
		serve_fn	*fn;
		unsigned int	 who;
	}		 verbs[] = {
		{ "lookup", serve_lookup,
		    PEER_SMTPD | PEER_QUEUE | PEER_ADMIN },
		{ "expand", serve_expand,
		    PEER_SMTPD | PEER_QUEUE | PEER_ADMIN },
		{ "check", serve_check,
		    PEER_SMTPD | PEER_POP3D | PEER_IMAPD | PEER_ADMIN },
		{ "scram", serve_scram,
		    PEER_SMTPD | PEER_POP3D | PEER_IMAPD | PEER_ADMIN },
		{ "submit", serve_submit, PEER_SMTPD | PEER_ADMIN },
		{ "app-uses", serve_app_uses, PEER_ADMIN },
		{ "session", serve_session, PEER_POP3D | PEER_IMAPD },
		{ "deliver", serve_deliver, PEER_QUEUE | PEER_ADMIN },
		{ "usage", serve_usage, PEER_MAILBOX | PEER_ADMIN },
		{ "reload", serve_reload, PEER_ADMIN },
	};
	struct authd	*a = arg;
	unsigned int	 who;
	size_t		 i;

	tables_refresh(&a->tables);
	who = peer_who(a, ipc_client_uid(c), ipc_client_gid(c));
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(m->verb, verbs[i].verb) == 0 &&
		    (who & verbs[i].who) != 0)
			return verbs[i].fn(a, c, m, who);
	/* It may hold a password. */
	explicit_bzero(m->data, m->len);
	log_warnx("event=forbidden uid=%lu verb=%s",
	    (unsigned long)ipc_client_uid(c), log_esc(m->verb));
	return -1;
}
