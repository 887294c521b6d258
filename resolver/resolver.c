/* The loop: who asks, what, signals, deadlines.  Contract in resolver.h. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/peers.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/limits.h"
#include "resolver/resolver.h"

static struct ipc_msg	 ans;

static bool
allow(uid_t uid, gid_t gid, void *arg)
{
	static const struct peers_service	 services[] = {
		{ "merpati-smtpd", true },
		{ "merpati-queue", true },
		{ NULL, false },
	};
	static struct peers	 peers = { .services = services,
				    .admin = true };

	(void)arg;
	return peers_who(&peers, uid, gid) != 0;
}

/* Too many at once: these are told so, the others are not disturbed. */
static void
refuse(struct ipc_client *c, uint64_t id, bool texts)
{
	static struct resolver_route	 route;
	static struct resolver_texts	 none = { .status = RESOLVER_TEMP };

	log_warnx("event=too-many-questions uid=%lu",
	    (unsigned long)ipc_client_uid(c));
	if (texts)
		proto_resolver_put_texts(&ans, id, &none);
	else {
		resolver_route_init(&route);
		question_fail(&route, RESOLVER_TEMP, "4.4.3",
		    "too many DNS lookups at once");
		proto_resolver_put_route(&ans, id, &route);
	}
	ipc_client_answer(c, &ans);
}

static int
request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	static const struct {
		const char	*verb;
		bool		 texts;
		void		(*start)(struct resolver *,
				    struct ipc_client *, uint64_t,
				    const char *);
	}		 verbs[] = {
		{ "route", false, route_start },
		{ "addresses", false, addresses_start },
		{ "ptr", true, ptr_start },
		{ "txt", true, txt_start },
		{ "dnsbl", true, dnsbl_start },
		{ "tlsa", true, tlsa_start },
	};
	struct resolver	*r = arg;
	char		 name[RESOLVER_NAME_MAX];
	uint64_t	 id = m->id;
	size_t		 i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(m->verb, verbs[i].verb) == 0)
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0]) ||
	    proto_resolver_get_ask(m, name, sizeof(name)) == -1)
		return -1;
	asker_check(r->asker);
	if (r->nquestion >= QUESTIONS_MAX)
		refuse(c, id, verbs[i].texts);
	else
		verbs[i].start(r, c, id, name);
	return 0;
}

static void
deadline(evutil_socket_t fd, short what, void *arg)
{
	struct resolver	*r = arg;
	struct question	*q;
	struct timeval	 tv;
	int64_t		 left;

	(void)fd;
	(void)what;
	while ((q = TAILQ_FIRST(&r->questions)) != NULL) {
		left = q->deadline - io_monotonic_ms();
		if (left > 0) {
			tv.tv_sec = left / 1000;
			tv.tv_usec = left % 1000 * 1000;
			evtimer_add(r->timer, &tv);
			return;
		}
		q->late(q, false);
	}
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct resolver	*r = arg;

	(void)sig;
	(void)what;
	event_base_loopbreak(r->base);
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct resolver	*r = arg;

	(void)sig;
	(void)what;
	log_info("event=renewed");
	asker_renew(r->asker);
}

static struct event *
on_signal(struct resolver *r, int sig, event_callback_fn fn)
{
	struct event	*ev = evsignal_new(r->base, sig, fn, r);

	if (ev == NULL || event_add(ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return ev;
}

/*
 * Files that are read again, where one's own users are looked up, and outside
 * servers by TCP.
 */
static void
wall_in(const struct config_resolver *c)
{
	struct wall	 wall = { .tcp = true };
	size_t		 i;

	wall_let_names(&wall);
	if (*c->resolv_conf != '\0')
		wall_let_file(&wall, c->resolv_conf);
	for (i = 0; i < c->trust_anchor.n; i++)
		if (*c->trust_anchor.item[i] != '\0')
			wall_let_file(&wall, c->trust_anchor.item[i]);
	wall_settle(&wall, WALL_INET | WALL_LOOKUP);
}

static void
serve(struct resolver *r)
{
	char	*path;
	int	 fd;

	xasprintf(&path, "%s/resolver/resolver.sock", r->conf->run_dir);
	if ((fd = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	wall_in(&r->conf->resolver);
	r->server = ipc_server_new(r->base, fd, limits_clients(), allow,
	    request, r);
	ipc_server_share(r->server);
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	free(path);
}

int
resolver_main(const struct config *conf)
{
	struct resolver	 r = { .conf = conf };
	struct event	*ev[3];
	size_t		 i;

	TAILQ_INIT(&r.questions);
	limits_raise();
	if ((r.base = event_base_new()) == NULL ||
	    (r.timer = evtimer_new(r.base, deadline, &r)) == NULL)
		fatalx("event=no-event-base");
	signal(SIGPIPE, SIG_IGN);
	ev[0] = on_signal(&r, SIGTERM, on_stop);
	ev[1] = on_signal(&r, SIGINT, on_stop);
	ev[2] = on_signal(&r, SIGHUP, on_hup);
	r.asker = asker_new(r.base, conf);
	serve(&r);
	event_base_dispatch(r.base);
	log_info("event=stopping");
	while (!TAILQ_EMPTY(&r.questions)) {
		struct question	*q = TAILQ_FIRST(&r.questions);

		q->late(q, true);
	}
	ipc_server_free(r.server);
	asker_free(r.asker);
	event_free(r.timer);
	for (i = 0; i < 3; i++)
		event_free(ev[i]);
	event_base_free(r.base);
	return EX_OK;
}
