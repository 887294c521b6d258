/* Contract in tokend.h. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include <event2/event.h>

#include "lib/base/helpers.h"
#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_token.h"
#include "tokend/cache.h"
#include "tokend/claims.h"
#include "tokend/introspect.h"
#include "tokend/tokend.h"

#define CLIENTS_MAX	64

struct tokend {
	const struct config	*conf;
	struct event_base	*base;
	struct ipc_server	*server;
	struct helpers		*helpers;	/* NULL: no server to ask */
	struct cache		*cache;
	char			 secret[SECRET_MAX + 1];
};

/* A question that is not answered yet. */
struct question {
	struct tokend		*t;
	struct ipc_client	*client;
	uint64_t		 id;
	unsigned char		 digest[CACHE_DIGEST];
};

/* --- in a helper --- */

static void
ask_server(const struct tokend *t, const char *token,
    struct token_answer *a)
{
	static struct introspect	*in;
	static struct buf		 body;
	const char			*reason;
	char				 why[INTROSPECT_WHY];

	memset(a, 0, sizeof(*a));
	a->status = TOKEN_LATER;
	if (in == NULL) {
		buf_init(&body, INTROSPECT_BODY);
		in = introspect_new(&t->conf->oauth, t->secret);
	}
	if (in == NULL) {
		log_warnx("event=introspection-failed reason=\"libcurl "
		    "cannot be set up\"");
		return;
	}
	if (introspect_ask(in, token, &body, why) == -1) {
		log_warnx("event=introspection-failed reason=%s",
		    log_esc(why));
		return;
	}
	claims_judge(&t->conf->oauth, buf_slice(&body), time(NULL), a,
	    &reason);
	if (a->status == TOKEN_LATER)
		log_warnx("event=introspection-failed reason=\"%s\"", reason);
	else if (a->status == TOKEN_INACTIVE)
		log_info("event=token-refused reason=\"%s\"", reason);
	else
		log_debug("event=token-active user=%s seconds=%u",
		    log_esc(a->user), a->seconds);
}

static int
work(struct ipc_msg *m, void *arg)
{
	static char		 token[TOKEN_MAX + 1];
	struct token_answer	 a;
	uint64_t		 id = m->id;

	if (proto_token_get_ask(m, token) == -1)
		return -1;
	ask_server(arg, token, &a);
	explicit_bzero(token, sizeof(token));
	proto_token_put_answer(m, id, &a);
	return 0;
}

/* --- in the loop --- */

static void
answer(struct ipc_client *c, uint64_t id, const struct token_answer *a)
{
	static struct ipc_msg	 m;

	proto_token_put_answer(&m, id, a);
	ipc_client_answer(c, &m);
}

static void
asked(struct ipc_msg *m, void *arg)
{
	struct question		*q = arg;
	struct token_answer	 a = { .status = TOKEN_LATER };

	if (m != NULL && proto_token_get_answer(m, &a) == -1)
		log_warnx("event=helper-malformed");
	if (m != NULL)
		cache_add(q->t->cache, q->digest, io_monotonic_ms(), &a);
	answer(q->client, q->id, &a);
	ipc_client_unref(q->client);
	free(q);
}

static int
ask(struct tokend *t, struct ipc_client *c, uint64_t id, const char *token,
    const unsigned char digest[CACHE_DIGEST])
{
	static struct ipc_msg	 m;
	static uint64_t		 last;
	struct question		*q = xcalloc(1, sizeof(*q));
	int			 r;

	q->t = t;
	q->client = c;
	q->id = id;
	memcpy(q->digest, digest, CACHE_DIGEST);
	proto_token_put_ask(&m, ++last, token);
	ipc_client_ref(c);
	r = helpers_ask(t->helpers, &m, asked, q);
	explicit_bzero(m.data, m.len);
	if (r == -1) {
		log_warn("event=token-not-asked");
		ipc_client_unref(c);
		free(q);
	}
	return r;
}

static int
request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	static char		 token[TOKEN_MAX + 1];
	unsigned char		 digest[CACHE_DIGEST];
	struct token_answer	 a = { .status = TOKEN_LATER };
	struct tokend		*t = arg;
	uint64_t		 id = m->id;

	if (proto_token_get_ask(m, token) == -1)
		return -1;
	cache_digest(token, digest);
	if (t->helpers == NULL ||
	    cache_has(t->cache, digest, io_monotonic_ms(), &a) ||
	    ask(t, c, id, token, digest) == -1)
		answer(c, id, &a);
	explicit_bzero(token, sizeof(token));
	return 0;
}

static bool
allow(uid_t uid, gid_t gid, void *arg)
{
	(void)arg;
	return privilege_is_service(uid, "merpati-auth") ||
	    privilege_is_admin(uid, gid);
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

/* A secret that cannot be read is a fault that a person must mend. */
static void
read_secret(struct tokend *t)
{
	const char	*path = t->conf->oauth.client_secret_file;
	struct stat	 st;

	if (path == NULL)
		return;
	if (introspect_secret(path, t->secret) == -1) {
		log_warn("event=no-client-secret file=%s", log_esc(path));
		exit(EX_CONFIG);
	}
	if (stat(path, &st) == 0 && (st.st_mode & 07) != 0)
		log_warnx("event=client-secret-exposed file=%s "
		    "reason=\"everybody on this host may use it\"",
		    log_esc(path));
}

static void
start_helpers(struct tokend *t)
{
	struct helpers_kind	 kind = { .title = "introspection",
	    .max = TOKEND_HELPERS, .queue = TOKEND_QUEUE, .work = work,
	    .arg = t };

	if (t->conf->oauth.url == NULL) {
		log_info("event=no-server reason=\"no introspection-url: "
		    "nothing to do\"");
		return;
	}
	read_secret(t);
	/* A turn of waiting, and the asking with a little time to spare. */
	kind.limit_ms = t->conf->oauth.timeout * 1000 + 2000;
	if (kind.limit_ms > AUTH_TIMEOUT_MS - 2000)
		kind.limit_ms = AUTH_TIMEOUT_MS - 2000;
	t->helpers = helpers_new(t->base, &kind);
}

static void
serve(struct tokend *t)
{
	char	*path;
	int	 fd;

	xasprintf(&path, "%s/tokend/tokend.sock", t->conf->run_dir);
	if ((fd = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	t->server = ipc_server_new(t->base, fd, CLIENTS_MAX, allow, request,
	    t);
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	free(path);
}

int
tokend_main(const struct config *conf)
{
	struct tokend	 t = { .conf = conf };
	struct event	*ev[2];
	size_t		 i;

	if ((t.base = event_base_new()) == NULL ||
	    (ev[0] = evsignal_new(t.base, SIGTERM, on_stop, t.base)) == NULL ||
	    (ev[1] = evsignal_new(t.base, SIGINT, on_stop, t.base)) == NULL ||
	    event_add(ev[0], NULL) == -1 || event_add(ev[1], NULL) == -1)
		fatalx("event=no-event-base");
	signal(SIGPIPE, SIG_IGN);
	t.cache = cache_new();
	start_helpers(&t);
	serve(&t);
	event_base_dispatch(t.base);
	log_info("event=stopping");
	ipc_server_free(t.server);
	helpers_free(t.helpers);
	cache_free(t.cache);
	for (i = 0; i < 2; i++)
		event_free(ev[i]);
	event_base_free(t.base);
	explicit_bzero(t.secret, sizeof(t.secret));
	return EX_OK;
}
