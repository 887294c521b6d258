/* Contract in check.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "authd/cache.h"
#include "authd/check.h"
#include "authd/delay.h"
#include "authd/hashers.h"
#include "authd/homes.h"
#include "authd/lookup.h"
#include "lib/store/secret.h"
#include "authd/sessions.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct check {
	struct authd		*a;
	struct ipc_client	*client;
	uint64_t		 id;
	struct event		*timer;
	struct auth_session	 s;
	char			*secret;	/* what it was compared with */
	bool			 known;		/* the secret is the user's */
	bool			 session;
	enum spawn_kind		 kind;
};

/* Answer, and forget everything. */
static void
check_end(struct check *k, enum auth_verdict v, const char *user)
{
	static struct ipc_msg	 m;
	struct auth_answer	 answer = { .verdict = v };

	strlcpy(answer.user, user, sizeof(answer.user));
	proto_auth_put_verdict(&m, k->id, &answer);
	ipc_client_answer(k->client, &m);
	ipc_client_unref(k->client);
	io_close(k->s.fd);
	if (k->timer != NULL)
		event_free(k->timer);
	if (k->secret != NULL) {
		explicit_bzero(k->secret, strlen(k->secret));
		free(k->secret);
	}
	k->a->checks--;
	explicit_bzero(k, sizeof(*k));
	free(k);
}

static void
check_log(const struct check *k, const char *event, const char *reason)
{
	const struct auth_check	*c = &k->s.check;

	log_info("event=%s service=%s user=%s ip=%s%s%s", event, c->service,
	    log_esc(c->user), c->ip[0] == '\0' ? "-" : log_esc(c->ip),
	    reason == NULL ? "" : " reason=", reason == NULL ? "" : reason);
}

static void
check_later(struct check *k, const char *reason)
{
	check_log(k, "auth-later", reason);
	check_end(k, AUTH_LATER, "");
}

static void
check_waited(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	check_end(arg, AUTH_BAD, "");
}

static void
check_wrong(struct check *k, const char *reason)
{
	struct timeval	 tv;
	int		 ms;

	check_log(k, "auth-failed", reason);
	ms = delay_failed(k->a->delay, k->s.check.ip, k->s.check.user,
	    io_monotonic_ms());
	explicit_bzero(k->s.check.secret, sizeof(k->s.check.secret));
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	k->timer = event_new(k->a->base, -1, 0, check_waited, k);
	if (k->timer == NULL || event_add(k->timer, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
check_handed(bool handed, void *arg)
{
	struct check	*k = arg;

	if (!handed) {
		check_later(k, "session-server");
		return;
	}
	check_log(k, "auth-ok", NULL);
	check_end(k, AUTH_OK, k->s.check.user);
}

static void
check_at_home(enum spawn_status home, void *arg)
{
	static struct auth_handed	 h;
	struct check			*k = arg;
	const struct user		*u;
	struct spawn_server		 what;

	u = users_find(k->a->tables.users, k->s.check.user);
	if (home != SPAWN_OK || u == NULL || ipc_client_gone(k->client)) {
		check_later(k, home != SPAWN_OK ? "home" : "gone");
		return;
	}
	memset(&h, 0, sizeof(h));
	strlcpy(h.user, u->name, sizeof(h.user));
	lookup_home(k->a->conf, u, h.home);
	strlcpy(h.ip, k->s.check.ip, sizeof(h.ip));
	h.quota_octets = u->quota_octets;
	h.quota_count = u->quota_count;
	memcpy(h.tag, k->s.tag, sizeof(h.tag));
	memcpy(h.ahead, k->s.ahead, k->s.ahead_len);
	h.ahead_len = k->s.ahead_len;
	h.fd = k->s.fd;
	k->s.fd = -1;
	what = (struct spawn_server){ k->kind, u->uid, u->gid };
	sessions_hand(k->a->sessions, &what, &h, check_handed, k);
	explicit_bzero(&h, sizeof(h));
}

static void
check_right(struct check *k, const struct user *u)
{
	char	 home[AUTH_HOME_MAX];

	explicit_bzero(k->s.check.secret, sizeof(k->s.check.secret));
	delay_passed(k->a->delay, k->s.check.user);
	strlcpy(k->s.check.user, u->name, sizeof(k->s.check.user));
	if (u->nologin) {
		check_log(k, "auth-disabled", NULL);
		check_end(k, AUTH_DISABLED, "");
	} else if (!k->session) {
		check_log(k, "auth-ok", NULL);
		check_end(k, AUTH_OK, u->name);
	} else {
		lookup_home(k->a->conf, u, home);
		homes_ensure(k->a->spawn, home, u->uid, u->gid, check_at_home,
		    k);
	}
}

static void
check_hashed(enum hash_result result, void *arg)
{
	struct check		*k = arg;
	struct auth_check	*c = &k->s.check;
	const struct user	*u = lookup_login(&k->a->tables, c->user);

	if (result == HASH_FAILED) {
		check_later(k, "hasher");
		return;
	}
	/* The tables may be others than those when it began. */
	if (!k->known || u == NULL || result != HASH_FITS) {
		check_wrong(k, !k->known || u == NULL ? "unknown" :
		    "password");
		return;
	}
	if (strcmp(u->secret, k->secret) != 0) {
		check_later(k, "changed");
		return;
	}
	cache_add(k->a->cache, u->name, u->secret, c->secret,
	    io_monotonic_ms());
	check_right(k, u);
}

static void
check_run(struct check *k)
{
	struct authd		*a = k->a;
	struct auth_check	*c = &k->s.check;
	const struct user	*u = lookup_login(&a->tables, c->user);
	const char		*secret;

	k->known = u != NULL && u->secret[0] != '\0';
	if (k->known && cache_has(a->cache, u->name, u->secret, c->secret,
	    io_monotonic_ms())) {
		check_right(k, u);
		return;
	}
	/* Nobody's password is compared with somebody's: same time, no way
	 * in. */
	secret = k->known ? u->secret : users_typical(a->tables.users);
	if (secret == NULL)
		secret = secret_dummy();
	k->secret = xstrdup(secret);
	if (hashers_ask(a->hashers, k->secret, c->secret, check_hashed,
	    k) == -1)
		check_later(k, "busy");
}

static struct check *
check_new(struct authd *a, struct ipc_client *client, uint64_t id)
{
	struct check	*k = xcalloc(1, sizeof(*k));

	k->a = a;
	k->client = client;
	k->id = id;
	k->s.fd = -1;
	ipc_client_ref(client);
	a->checks++;
	return k;
}

/* Too many wait already: their timers and descriptors are bounded. */
static void
check_run_bounded(struct check *k)
{
	if (k->a->checks > CHECKS_MAX)
		check_later(k, "busy");
	else if (k->s.check.method != AUTH_PASSWORD)
		check_wrong(k, "method");
	else
		check_run(k);
}

int
check_start(struct authd *a, struct ipc_client *client, uint64_t id,
    struct auth_check *c)
{
	static const char	*const services[] = { "smtp", "pop3", "imap" };
	struct check		*k;
	size_t			 i;

	for (i = 0; i < 3 && strcmp(c->service, services[i]) != 0; i++)
		;
	if (i < 3) {
		k = check_new(a, client, id);
		k->s.check = *c;
		check_run_bounded(k);
	}
	explicit_bzero(c, sizeof(*c));
	return i < 3 ? 0 : -1;
}

int
check_start_session(struct authd *a, struct ipc_client *client, uint64_t id,
    struct auth_session *s)
{
	struct check	*k;
	bool		 imap = strcmp(s->check.service, "imap") == 0;

	if (!imap && strcmp(s->check.service, "pop3") != 0) {
		io_close(s->fd);
		explicit_bzero(s, sizeof(*s));
		return -1;
	}
	k = check_new(a, client, id);
	k->s = *s;
	k->session = true;
	k->kind = imap ? SPAWN_IMAP : SPAWN_POP3;
	explicit_bzero(s, sizeof(*s));
	check_run_bounded(k);
	return 0;
}
