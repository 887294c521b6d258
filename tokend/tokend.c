/* Contract in tokend.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include "lib/base/helper_service.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_token.h"
#include "tokend/cache.h"
#include "tokend/claims.h"
#include "tokend/introspect.h"
#include "tokend/tokend.h"

struct tokend {
	const struct config	*conf;
	struct helper_service	 service;
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
	r = helpers_ask(t->service.helpers, &m, false, asked, q);
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
	if (t->service.helpers == NULL ||
	    cache_has(t->cache, digest, io_monotonic_ms(), &a) ||
	    ask(t, c, id, token, digest) == -1)
		answer(c, id, &a);
	explicit_bzero(token, sizeof(token));
	return 0;
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

int
tokend_main(const struct config *conf)
{
	struct tokend	 t = { .conf = conf };
	struct wall	 wall = { .tcp = true, .parent = true };
	int		 code;

	t.service = (struct helper_service){ .name = "tokend",
	    .run_dir = conf->run_dir, .request = request, .arg = &t,
	    .kind = { .title = "introspection", .max = TOKEND_HELPERS,
	    .queue = TOKEND_QUEUE, .work = work, .arg = &t } };
	/* A turn of waiting, and the asking with a little time to spare. */
	t.service.kind.limit_ms = conf->oauth.timeout * 1000 + 2000;
	if (conf->oauth.url == NULL)
		t.service.idle = "no introspection-url";
	else
		read_secret(&t);
	/* What libcurl reads, and getaddrinfo(3) for it. */
	wall_let_names(&wall);
	wall_let_file(&wall, "/etc/resolv.conf");
	if (conf->oauth.ca_file != NULL)
		wall_let_file(&wall, conf->oauth.ca_file);
	t.service.wall = &wall;
	t.cache = cache_new();
	code = helper_service_run(&t.service);
	cache_free(t.cache);
	explicit_bzero(t.secret, sizeof(t.secret));
	return code;
}
