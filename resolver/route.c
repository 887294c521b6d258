/*
 * route and addresses: where a domain's mail goes (RFC 5321 5.1, RFC 7505,
 * RFC 7672 2.2), and the addresses of one host.
 *
 *	MX -> hosts chosen -> all looked up at once -> answer
 *
 * A failure is permanent only when DNS said so for certain; one host that
 * answers is enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/host.h"
#include "resolver/local.h"
#include "resolver/name.h"
#include "resolver/resolver.h"

#define CHOSEN	20	/* hosts looked up: some may have no address */

struct route {
	struct question	 q;		/* first */
	const char	*verb;
	char		 name[RESOLVER_NAME_MAX];	/* A-labels */
	unsigned int	 port;
	bool		 loops;		/* we may be one of the hosts */
	bool		 has_mx;
	bool		 secure;	/* MX and aliases, or nothing asked */
	bool		 cut;		/* hosts from us on were dropped */
	struct ask	*mx;
	uint32_t	 ttl;
	struct host	*host;
	size_t		 nhost;
	size_t		 busy;
};

static struct resolver_route	 answer;

static void
route_free(struct route *t)
{
	size_t	 i;

	ask_forget(&t->mx);
	for (i = 0; i < t->nhost; i++)
		host_stop(&t->host[i]);
	free(t->host);
	question_end(&t->q);
	free(t);
}

static void
route_answer(struct route *t)
{
	question_answer_route(&t->q, t->verb, t->name, &answer);
	route_free(t);
}

/* Does a connection to the host come back to us? */
static bool
host_is_local(const struct route *t, const struct host *h)
{
	size_t	 i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < h->family[k].n; i++)
			if (local_address(t->q.r->conf, h->family[k].addr[i],
			    t->port))
				return true;
	return false;
}

/* RFC 5321 5.1: from our own preference on, nobody is nearer than we are. */
static void
cut_local(struct route *t)
{
	size_t	 i, k;

	for (i = 0; i < t->nhost; i++) {
		if (t->host[i].state != HOST_OK ||
		    !host_is_local(t, &t->host[i]))
			continue;
		t->cut = true;
		for (k = i; k > 0 && t->host[k - 1].preference ==
		    t->host[i].preference; k--)
			;
		for (i = k; i < t->nhost; i++)
			host_stop(&t->host[i]);
		t->nhost = k;
	}
}

static void
no_host(struct route *t)
{
	const struct host	*temp = NULL;
	size_t			 i;

	for (i = 0; i < t->nhost && temp == NULL; i++)
		if (t->host[i].state == HOST_TEMP)
			temp = &t->host[i];
	if (temp != NULL)
		question_fail(&answer, RESOLVER_TEMP, "4.4.3",
		    "DNS lookup of the host %s failed: %s", temp->name,
		    temp->why);
	else if (t->cut)
		question_fail(&answer, RESOLVER_LOOP, "5.4.6",
		    "mail for %s loops back to this host", t->name);
	else if (t->has_mx)
		question_fail(&answer, RESOLVER_NONE, "5.4.4",
		    "none of the mail hosts of %s has an address", t->name);
	else if (!t->loops)
		question_fail(&answer, RESOLVER_NONE, "5.4.4",
		    "the host %s has no address", t->name);
	else
		question_fail(&answer, RESOLVER_NONE, "5.1.2",
		    "the domain %s has neither a mail host nor an address",
		    t->name);
	answer.ttl = t->ttl;
}

static void
route_done(struct route *t)
{
	struct host	*h;
	size_t		 i;

	resolver_route_init(&answer);
	if (t->loops)
		cut_local(t);
	for (i = 0; i < t->nhost; i++) {
		h = &t->host[i];
		if (h->ttl < t->ttl)
			t->ttl = h->ttl;
		if (h->state != HOST_OK || answer.nhost == RESOLVER_HOSTS)
			continue;
		h->secure = h->secure && t->secure;
		host_move(h, &answer.host[answer.nhost++]);
	}
	answer.ttl = t->ttl;
	if (answer.nhost > 0)
		answer.status = RESOLVER_OK;
	else
		no_host(t);
	route_answer(t);
}

static void
host_done(struct host *h, void *arg)
{
	struct route	*t = arg;

	(void)h;
	if (--t->busy == 0)
		route_done(t);
}

static void
ask_hosts(struct route *t)
{
	size_t	 i;

	t->busy = t->nhost;
	for (i = 0; i < t->nhost; i++)
		host_start(&t->host[i], t->q.r->asker, t->port, t->secure,
		    host_done, t);
}

/* The name itself is the host. */
static void
ask_itself(struct route *t, const char *name)
{
	t->host = xcalloc(1, sizeof(*t->host));
	t->nhost = 1;
	strlcpy(t->host[0].name, name, sizeof(t->host[0].name));
	ask_hosts(t);
}

static bool
is_before(const struct host *a, const struct host *b)
{
	if (a->preference != b->preference)
		return a->preference < b->preference;
	return a->order < b->order;
}

/* Insert in order; the worst falls out when there are too many. */
static void
choose(struct route *t, const char *name, uint16_t preference)
{
	struct host	 h;
	size_t		 i;

	memset(&h, 0, sizeof(h));
	strlcpy(h.name, name, sizeof(h.name));
	h.preference = preference;
	h.order = arc4random();
	for (i = 0; i < t->nhost; i++)
		if (strcmp(t->host[i].name, name) == 0)
			break;
	if (i < t->nhost) {		/* named twice: the better counts */
		if (!is_before(&h, &t->host[i]))
			return;
		memmove(&t->host[i], &t->host[i + 1],
		    (t->nhost - i - 1) * sizeof(h));
		t->nhost--;
	}
	if (t->nhost == CHOSEN) {
		if (is_before(&t->host[CHOSEN - 1], &h))
			return;
		t->nhost--;
	}
	for (i = t->nhost; i > 0 && is_before(&h, &t->host[i - 1]); i--)
		t->host[i] = t->host[i - 1];
	t->host[i] = h;
	t->nhost++;
}

/* The preference we have by name, or one worse than any. */
static uint32_t
own_preference(const struct route *t, struct dns_answer *a)
{
	struct dns_record	 r;
	char			 name[RESOLVER_NAME_MAX];
	uint32_t		 best = UINT16_MAX + 1;
	uint16_t		 preference;
	int			 at = 0;

	while (wire_next(a, &at, &r))
		if (wire_mx(a, &r, &preference, name) && preference < best &&
		    local_name(t->q.r->conf, name))
			best = preference;
	return best;
}

/* Counts the null records (RFC 7505 3) and those that cannot be read. */
static void
choose_hosts(struct route *t, struct dns_answer *a, size_t *null,
    size_t *malformed)
{
	struct dns_record	 r;
	char			 name[RESOLVER_NAME_MAX];
	uint32_t		 own = own_preference(t, a);
	uint16_t		 preference;
	int			 at = 0;

	*null = *malformed = 0;

	t->cut = own <= UINT16_MAX;
	t->host = xcalloc(CHOSEN, sizeof(*t->host));
	while (wire_next(a, &at, &r)) {
		if (!wire_mx(a, &r, &preference, name))
			(*malformed)++;
		else if (*name == '\0')
			(*null)++;
		else if (preference < own && name_is_host(name))
			choose(t, name, preference);
	}
}

static void
mx_failed(struct route *t, const char *why)
{
	resolver_route_init(&answer);
	question_fail(&answer, RESOLVER_TEMP, "4.4.3",
	    "DNS lookup of the mail hosts of %s failed: %s", t->name, why);
	route_answer(t);
}

static void
mx_found(struct route *t, struct dns_answer *a)
{
	size_t	 null, malformed;

	t->has_mx = true;
	choose_hosts(t, a, &null, &malformed);
	if (t->nhost > 0) {
		t->host = xreallocarray(t->host, t->nhost, sizeof(*t->host));
		ask_hosts(t);
		return;
	}
	if (malformed > 0) {
		mx_failed(t, "malformed answer");
		return;
	}
	if (null > 0 && !t->cut) {
		resolver_route_init(&answer);
		answer.ttl = t->ttl;
		question_fail(&answer, RESOLVER_NULL_MX, "5.1.10",
		    "the domain %s takes no mail (null MX)", t->name);
		route_answer(t);
		return;
	}
	route_done(t);
}

/*
 * The domain is its own host, behind its aliases.  Those may end anywhere; what
 * is no host's name is none that commands, logs or packets could carry.
 */
static void
mx_missing(struct route *t, struct dns_answer *a)
{
	if (name_is_host(a->name)) {
		ask_itself(t, a->name);
		return;
	}
	resolver_route_init(&answer);
	answer.ttl = a->ttl;
	question_fail(&answer, RESOLVER_NONE, "5.1.2",
	    "the domain %s is an alias of what is no host", t->name);
	route_answer(t);
}

static void
mx_answered(void *arg, struct dns_answer *a)
{
	struct route	*t = arg;

	t->ttl = a->ttl;
	t->secure = a->secure;
	switch (a->status) {
	case DNS_OK:
		mx_found(t, a);
		break;
	case DNS_NODATA:
		mx_missing(t, a);
		break;
	case DNS_NXDOMAIN:
		resolver_route_init(&answer);
		answer.ttl = a->ttl;
		question_fail(&answer, RESOLVER_NONE, "5.1.2",
		    "the domain %s does not exist", t->name);
		route_answer(t);
		break;
	case DNS_FAILED:
	case DNS_BOGUS:
		mx_failed(t, a->why);
		break;
	}
}

static void
route_late(struct question *q, bool unanswered)
{
	struct route	*t = (struct route *)q;
	size_t		 i;

	if (unanswered)
		route_free(t);
	else if (t->mx != NULL)
		mx_failed(t, "no answer in time");
	else {
		for (i = 0; i < t->nhost; i++)
			host_late(&t->host[i]);
		route_done(t);
	}
}

/* An address instead of a name: nothing to ask. */
static void
route_literal(struct route *t, const char *literal, const char *addr)
{
	struct resolver_host	*h = &answer.host[0];

	resolver_route_init(&answer);
	strlcpy(t->name, literal, sizeof(t->name));
	if (t->loops && local_address(t->q.r->conf, addr, t->port)) {
		question_fail(&answer, RESOLVER_LOOP, "5.4.6",
		    "mail for %s loops back to this host", literal);
		route_answer(t);
		return;
	}
	answer.status = RESOLVER_OK;
	answer.ttl = UINT32_MAX;
	answer.nhost = 1;
	memset(h, 0, sizeof(*h));
	snprintf(h->name, sizeof(h->name), strchr(addr, ':') == NULL ?
	    "[%s]" : "[IPv6:%s]", addr);
	strlcpy(h->addr[h->naddr++], addr, sizeof(h->addr[0]));
	route_answer(t);
}

static struct route *
route_new(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *verb, bool loops)
{
	struct route	*t = xcalloc(1, sizeof(*t));

	question_begin(&t->q, r, c, id, route_late);
	t->verb = verb;
	t->loops = loops;
	t->secure = true;
	t->ttl = UINT32_MAX;
	t->port = r->conf->remote.port;
	return t;
}

/* True when name is one to be looked up; else it is answered. */
static bool
route_takes(struct route *t, const char *name)
{
	char	 work[RESOLVER_NAME_MAX], addr[RESOLVER_ADDR_MAX];

	strlcpy(work, name, sizeof(work));
	if (name_take_port(work, &t->port)) {
		if (name_literal(work, addr) && name_usable(addr)) {
			route_literal(t, work, addr);
			return false;
		}
		if (name_parse(work, t->name))
			return true;
	}
	strlcpy(t->name, name, sizeof(t->name));
	resolver_route_init(&answer);
	question_fail(&answer, RESOLVER_NONE, *name == '[' ? "5.1.3" :
	    "5.1.2", *name == '[' ? "%s is no address" :
	    "%s is no domain name", name);
	route_answer(t);
	return false;
}

void
route_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	struct route	*t = route_new(r, c, id, "route", true);

	if (route_takes(t, name))
		ask_start(r->asker, &t->mx, t->name, ns_t_mx, mx_answered, t);
}

void
addresses_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	struct route	*t = route_new(r, c, id, "addresses", false);

	if (route_takes(t, name))
		ask_itself(t, t->name);
}
