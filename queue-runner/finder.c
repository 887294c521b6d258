/* Contract in finder.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <bsd/sys/queue.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "queue-runner/asker.h"
#include "queue-runner/finder.h"

#define KEPT		8192	/* slots of the cache, a power of 2 */
#define KEEP_LEAST	1	/* seconds */
#define KEEP_MOST	3600
#define KEEP_OURS	1
#define OUTSTANDING	500	/* questions on the wire */
#define ASKING		256	/* slots of what is asked, a power of 2 */

/*
 * Domains of one route with a host in via have one answer: the key is the
 * domain, or "=" and the route's title.
 */
struct known {
	char			*key;
	int64_t			 until;		/* monotonic ms */
	enum finding_status	 status;
	uint32_t		 dest;
	char			 code[12];
	char			*text;
};

struct waiter {
	TAILQ_ENTRY(waiter)	 entry;
	finder_fn		*fn;
	void			*arg;
};

struct question {
	LIST_ENTRY(question)	 entry;
	const struct route	*route;
	char			*key;
	TAILQ_HEAD(, waiter)	 waiters;
	struct entry_list	 parked;
};

/* asker.h frees this, not the question. */
struct asked {
	struct finder	*f;
	struct question	*q;
};

struct finder {
	const struct routes	*routes;
	struct remotes		*remotes;
	struct dests		*dests;
	struct schedule		*schedule;
	struct asker		*asker;
	finder_ready_fn		*ready;
	void			*arg;
	struct known		*kept[KEPT];
	LIST_HEAD(, question)	 asking[ASKING];
};

/* The route, the key and what the resolver is asked. */
static const struct route *
finder_route(const struct finder *f, const char *domain,
    char key[ADDRESS_DOMAIN_MAX + 2], char name[RESOLVER_NAME_MAX])
{
	const struct route	*r;
	size_t			 len;

	if (address_domain_ascii(domain, name) == -1)
		strlcpy(name, domain, RESOLVER_NAME_MAX);
	r = routes_find(f->routes, name);
	if (r->via.kind == VIA_MX) {
		memcpy(key, name, strlen(name) + 1);
		return r;
	}
	snprintf(key, ADDRESS_DOMAIN_MAX + 2, "=%s", r->domain);
	len = strlcpy(name, r->via.host, RESOLVER_NAME_MAX);
	/* Whose TLSA records: RFC 7672 2.2.3 has the port in their name. */
	if (len + sizeof(":65535") <= RESOLVER_NAME_MAX)
		snprintf(name + len, RESOLVER_NAME_MAX - len, ":%u", r->port);
	return r;
}

static void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	free(k->key);
	free(k->text);
	free(k);
}

static struct known **
finder_slot(struct finder *f, const char *key)
{
	return &f->kept[hash_str(key) & (KEPT - 1)];
}

static struct known *
finder_keep(struct finder *f, const char *key, enum finding_status status,
    int64_t seconds)
{
	struct known	**slot = finder_slot(f, key), *k;

	k = xcalloc(1, sizeof(*k));
	k->key = xstrdup(key);
	k->status = status;
	k->until = io_monotonic_ms() + seconds * 1000;
	known_free(*slot);
	*slot = k;
	return k;
}

/* False when it is no longer so. */
static bool
finder_tell(const struct finder *f, const struct known *k,
    struct finding *out)
{
	memset(out, 0, sizeof(*out));
	out->status = k->status;
	out->code = k->code;
	out->text = k->text == NULL ? "" : k->text;
	if (k->status == FOUND)
		out->dest = dests_find(f->dests, k->dest);
	return k->status != FOUND || out->dest != NULL;
}

static struct known *
finder_found(struct finder *f, const char *key, struct dest *d, int64_t keep)
{
	struct known	*k;

	if (d == NULL) {
		log_warnx("event=too-many-destinations");
		return finder_keep(f, key, FOUND_OURS, KEEP_OURS);
	}
	k = finder_keep(f, key, FOUND, keep);
	k->dest = d->number;
	return k;
}

/* No question is needed for an address or a local socket. */
static struct known *
finder_direct(struct finder *f, const struct route *r, const char *key)
{
	static struct resolver_host	 host;
	bool				 local = r->via.kind == VIA_UNIX;

	if (!local && r->via.kind != VIA_ADDRESS)
		return NULL;
	memset(&host, 0, sizeof(host));
	if (!local) {
		snprintf(host.name, sizeof(host.name), "[%s%.46s]",
		    strchr(r->via.host, ':') != NULL ? "IPv6:" : "",
		    r->via.host);
		strlcpy(host.addr[0], r->via.host, sizeof(host.addr[0]));
		host.naddr = 1;
	}
	return finder_found(f, key, remotes_dest(f->remotes, r, &host,
	    local ? 0 : 1), KEEP_MOST);
}

bool
finder_known(struct finder *f, const char *domain, struct finding *out)
{
	char			 key[ADDRESS_DOMAIN_MAX + 2];
	char			 name[RESOLVER_NAME_MAX];
	const struct route	*r = finder_route(f, domain, key, name);
	struct known		*k = *finder_slot(f, key);

	if (k != NULL && strcmp(k->key, key) == 0 &&
	    k->until > io_monotonic_ms() && finder_tell(f, k, out))
		return true;
	k = finder_direct(f, r, key);
	return k != NULL && finder_tell(f, k, out);
}

static void
question_end(struct finder *f, struct question *q, const struct known *k)
{
	struct finding	 found;
	struct waiter	*w;
	struct entry	*e;
	char		 code[sizeof(k->code)], *text;

	if (!finder_tell(f, k, &found))
		found.status = FOUND_OURS;
	/* What is told may lead to an answer that takes this one's place. */
	memcpy(code, found.code, sizeof(code));
	text = xstrdup(found.text);
	found.code = code;
	found.text = text;
	LIST_REMOVE(q, entry);
	while ((e = schedule_unpark(f->schedule, &q->parked)) != NULL)
		schedule_ready(f->schedule, e);
	while ((w = TAILQ_FIRST(&q->waiters)) != NULL) {
		TAILQ_REMOVE(&q->waiters, w, entry);
		w->fn(&found, w->arg);
		free(w);
	}
	free(text);
	free(q->key);
	free(q);
	f->ready(f->arg);
}

/* The answer says no, now or for ever. */
static struct known *
finder_refused(struct finder *f, const struct question *q,
    const struct resolver_route *a, int64_t keep)
{
	struct known	*k;
	bool		 temp = a->status == RESOLVER_TEMP;

	/* A relay that has no address is our mistake, not the sender's. */
	temp = temp || q->route->via.kind != VIA_MX || a->code[0] == '4';
	k = finder_keep(f, q->key, temp ? FOUND_LATER : FOUND_NOT, keep);
	snprintf(k->code, sizeof(k->code), "%c%s", temp ? '4' : '5',
	    a->code[0] != '\0' ? a->code + 1 : ".4.4");
	if (q->route->via.kind == VIA_MX)
		k->text = xstrdup(a->text[0] != '\0' ? a->text :
		    "the domain takes no mail");
	else
		xasprintf(&k->text, "the relay %s is not to be found: %s",
		    q->route->via.host, a->text);
	return k;
}

static int64_t
finder_ttl(const struct resolver_route *a)
{
	return a->ttl < KEEP_LEAST ? KEEP_LEAST : a->ttl > KEEP_MOST ?
	    KEEP_MOST : a->ttl;
}

static int
finder_got(struct ipc_msg *m, const char *what, void *arg)
{
	static struct resolver_route	 a;
	struct asked			*asked = arg;
	struct finder			*f = asked->f;
	struct question			*q = asked->q;
	struct known			*k;

	(void)what;
	if (proto_resolver_get_route(m, &a) == -1)
		return -1;
	free(asked);
	if (a.status != RESOLVER_OK || a.nhost == 0)
		k = finder_refused(f, q, &a, finder_ttl(&a));
	else
		k = finder_found(f, q->key, remotes_dest(f->remotes, q->route,
		    a.host, a.nhost), finder_ttl(&a));
	resolver_route_free(&a);
	question_end(f, q, k);
	return 0;
}

static void
finder_lost(const char *what, void *arg)
{
	struct asked	*asked = arg;
	struct finder	*f = asked->f;
	struct question	*q = asked->q;

	(void)what;
	free(asked);
	question_end(f, q, finder_keep(f, q->key, FOUND_OURS, KEEP_OURS));
}

static void
finder_put_route(struct ipc_msg *m, uint64_t id, const char *what)
{
	proto_resolver_put_ask(m, id, "route", what);
}

static void
finder_put_addresses(struct ipc_msg *m, uint64_t id, const char *what)
{
	proto_resolver_put_ask(m, id, "addresses", what);
}

/* The one that is being asked, or a new one. */
static struct question *
finder_question(struct finder *f, const char *domain)
{
	char			 key[ADDRESS_DOMAIN_MAX + 2];
	char			 name[RESOLVER_NAME_MAX];
	const struct route	*r = finder_route(f, domain, key, name);
	unsigned int		 h = hash_str(key) & (ASKING - 1);
	struct question		*q;
	struct asked		*asked;

	LIST_FOREACH(q, &f->asking[h], entry)
		if (strcmp(q->key, key) == 0)
			return q;
	q = xcalloc(1, sizeof(*q));
	q->route = r;
	q->key = xstrdup(key);
	TAILQ_INIT(&q->waiters);
	LIST_INSERT_HEAD(&f->asking[h], q, entry);
	asked = xcalloc(1, sizeof(*asked));
	asked->f = f;
	asked->q = q;
	asker_ask(f->asker, r->via.kind == VIA_HOST ? finder_put_addresses :
	    finder_put_route, name, finder_got, finder_lost, asked);
	return q;
}

void
finder_ask(struct finder *f, const char *domain, finder_fn *fn, void *arg)
{
	struct question	*q = finder_question(f, domain);
	struct waiter	*w;

	w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&q->waiters, w, entry);
}

void
finder_park(struct finder *f, const char *domain, struct entry *e)
{
	schedule_park(f->schedule, &finder_question(f, domain)->parked, e);
}

void
finder_forget(struct finder *f, const char *domain)
{
	char		 key[ADDRESS_DOMAIN_MAX + 2];
	char		 name[RESOLVER_NAME_MAX];
	struct known	**slot;

	(void)finder_route(f, domain, key, name);
	slot = finder_slot(f, key);
	if (*slot == NULL || strcmp((*slot)->key, key) != 0)
		return;
	known_free(*slot);
	*slot = NULL;
}

bool
finder_connected(const struct finder *f)
{
	return asker_connected(f->asker);
}

void
finder_tick(struct finder *f)
{
	asker_tick(f->asker);
}

struct finder *
finder_new(struct event_base *base, const struct routes *routes,
    struct remotes *remotes, struct dests *dests, struct schedule *schedule,
    const char *path, finder_ready_fn *ready, void *arg)
{
	const struct asker_peer	 resolver = { .name = "resolver",
	    .path = path, .outstanding = OUTSTANDING,
	    .patience = RESOLVER_TIMEOUT_MS };
	struct finder		*f;

	f = xcalloc(1, sizeof(*f));
	f->routes = routes;
	f->remotes = remotes;
	f->dests = dests;
	f->schedule = schedule;
	f->ready = ready;
	f->arg = arg;
	f->asker = asker_new(base, &resolver);
	return f;
}

void
finder_free(struct finder *f)
{
	struct question	*q;
	struct waiter	*w;
	size_t		 i;

	if (f == NULL)
		return;
	asker_free(f->asker);
	for (i = 0; i < ASKING; i++)
		while ((q = LIST_FIRST(&f->asking[i])) != NULL) {
			LIST_REMOVE(q, entry);
			while ((w = TAILQ_FIRST(&q->waiters)) != NULL) {
				TAILQ_REMOVE(&q->waiters, w, entry);
				free(w);
			}
			free(q->key);
			free(q);
		}
	for (i = 0; i < KEPT; i++)
		known_free(f->kept[i]);
	free(f);
}
