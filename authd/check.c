/* Contract in check.h and check_parts.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "authd/check_parts.h"
#include "authd/delay.h"
#include "authd/homes.h"
#include "authd/lookup.h"
#include "authd/passes.h"
#include "authd/sessions.h"
#include "authd/sources.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

static void
check_free(struct check *k)
{
	ipc_client_unref(k->client);
	io_close(k->s.fd);
	if (k->timer != NULL)
		event_free(k->timer);
	if (k->secret != NULL) {
		explicit_bzero(k->secret, strlen(k->secret));
		free(k->secret);
	}
	free(k->app);
	free(k->message);
	explicit_bzero(k, sizeof(*k));
	free(k);
}

/* Answer, and forget everything. */
static void
check_answer(struct check *k, const struct auth_answer *answer)
{
	static struct ipc_msg	 m;

	proto_auth_put_verdict(&m, k->id, answer);
	ipc_client_answer(k->client, &m);
	explicit_bzero(m.data, m.len);
	check_free(k);
}

static void
check_end(struct check *k, enum auth_verdict v, const char *user)
{
	struct auth_answer	 answer = { .verdict = v };

	strlcpy(answer.user, user, sizeof(answer.user));
	k->a->checks--;
	check_answer(k, &answer);
}

static void
check_log(const struct check *k, const char *event, const char *reason)
{
	const struct auth_check	*c = &k->s.check;

	log_info("event=%s service=%s user=%s ip=%s%s%s method=%s%s%s", event,
	    c->service, log_esc(c->user),
	    c->ip[0] == '\0' ? "-" : log_esc(c->ip),
	    reason == NULL ? "" : " reason=", reason == NULL ? "" : reason,
	    k->how, k->app == NULL ? "" : " app=",
	    k->app == NULL ? "" : log_esc(k->app));
}

void
check_later(struct check *k, const char *reason)
{
	check_log(k, "auth-later", reason);
	check_end(k, AUTH_LATER, "");
}

static void
check_let_go(struct check *k)
{
	struct auth_answer	 bad = { .verdict = AUTH_BAD };

	TAILQ_REMOVE(&k->a->held, k, entry);
	k->a->nheld--;
	check_answer(k, &bad);
}

static void
check_held(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	check_let_go(arg);
}

/*
 * The answer's time counts from the question: it is the same whether a hash was
 * computed or not, whichever method and user it was.
 */
void
check_wrong(struct check *k, const char *reason)
{
	struct authd	*a = k->a;
	struct timeval	 tv;
	int64_t		 now = io_monotonic_ms(), ms;

	check_log(k, "auth-failed", reason);
	ms = delay_failed(a->delay, k->s.check.ip, k->s.check.user, now);
	ms = now - k->start < ms ? ms - (now - k->start) : 0;
	explicit_bzero(k->s.check.secret, sizeof(k->s.check.secret));
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	k->timer = event_new(a->base, -1, 0, check_held, k);
	if (k->timer == NULL || event_add(k->timer, &tv) == -1)
		fatalx("event=out-of-memory");
	a->checks--;
	if (a->nheld == CHECKS_HELD)
		check_let_go(TAILQ_FIRST(&a->held));
	TAILQ_INSERT_TAIL(&a->held, k, entry);
	a->nheld++;
}

void
check_unknown(struct check *k)
{
	if (k->a->tables.unsure)
		check_later(k, "unsure");
	else
		check_wrong(k, "unknown");
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

	u = sources_find(&k->a->tables, k->s.check.user);
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

/*
 * SCRAM's proof is right; the door opens to the pass.  Who only tried whether a
 * password is right goes away with the signature.
 */
static void
check_proved(struct check *k, const struct user *u)
{
	struct auth_answer	 answer = { .verdict = AUTH_OK };

	check_log(k, "auth-proved", NULL);
	strlcpy(answer.user, u->name, sizeof(answer.user));
	strlcpy(answer.signature, k->signature, sizeof(answer.signature));
	pass_new(k, u, answer.pass);
	k->a->checks--;
	check_answer(k, &answer);
	explicit_bzero(&answer, sizeof(answer));
}

void
check_right(struct check *k, const struct user *u)
{
	char	 home[AUTH_HOME_MAX];

	explicit_bzero(k->s.check.secret, sizeof(k->s.check.secret));
	delay_passed(k->a->delay, k->s.check.user);
	strlcpy(k->s.check.user, u->name, sizeof(k->s.check.user));
	if (u->nologin) {
		check_log(k, "auth-disabled", NULL);
		check_end(k, AUTH_DISABLED, "");
	} else if (k->s.check.method == AUTH_SCRAM)
		check_proved(k, u);
	else if (!k->session) {
		check_log(k, "auth-ok", NULL);
		check_end(k, AUTH_OK, u->name);
	} else {
		lookup_home(k->a->conf, u, home);
		homes_ensure(k->a->spawn, home, u->uid, u->gid, check_at_home,
		    k);
	}
}

const struct user *
check_user(const struct check *k, const char *name)
{
	const struct user	*u = lookup_login(&k->a->tables, name);

	return u == NULL || u->locked ? NULL : u;
}

/* Whoever has the certificate's key; a name given must be his. */
static void
certificate_check(struct check *k)
{
	const struct auth_check	*c = &k->s.check;
	const struct user	*u;

	k->how = "certificate";
	u = users_by_certificate(k->a->tables.users, c->secret);
	if (u == NULL || u->locked)
		check_wrong(k, "unknown");
	else if (c->user[0] != '\0' && check_user(k, c->user) != u)
		check_wrong(k, "other-user");
	else
		check_right(k, u);
}

static void
check_run(struct check *k)
{
	/* Too many are at work: their memory and descriptors are bounded. */
	if (k->a->checks > CHECKS_MAX) {
		check_later(k, "busy");
		return;
	}
	/* Whoever cannot be told from nobody is not told to be nobody. */
	if (k->s.check.user[0] != '\0' &&
	    check_user(k, k->s.check.user) == NULL && k->a->tables.unsure) {
		check_unknown(k);
		return;
	}
	switch (k->s.check.method) {
	case AUTH_PASSWORD:
		password_check(k);
		break;
	case AUTH_SCRAM:
		scram_check(k);
		break;
	case AUTH_TOKEN:
		token_check(k);
		break;
	case AUTH_CERTIFICATE:
		certificate_check(k);
		break;
	case AUTH_PASS:
		pass_check(k);
		break;
	}
}

static struct check *
check_new(struct authd *a, struct ipc_client *client, uint64_t id)
{
	struct check	*k = xcalloc(1, sizeof(*k));

	k->a = a;
	k->client = client;
	k->id = id;
	k->start = io_monotonic_ms();
	k->how = "password";
	k->s.fd = -1;
	ipc_client_ref(client);
	a->checks++;
	return k;
}

bool
check_service_known(const char *service)
{
	static const char	*const services[] = { "smtp", "pop3", "imap" };
	size_t			 i;

	for (i = 0; i < 3; i++)
		if (strcmp(service, services[i]) == 0)
			return true;
	return false;
}

int
check_start(struct authd *a, struct ipc_client *client, uint64_t id,
    struct auth_check *c)
{
	struct check	*k;
	bool		 known = check_service_known(c->service);

	if (known) {
		k = check_new(a, client, id);
		k->s.check = *c;
		check_run(k);
	}
	explicit_bzero(c, sizeof(*c));
	return known ? 0 : -1;
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
	check_run(k);
	return 0;
}
