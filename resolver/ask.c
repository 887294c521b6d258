/*
 * Contract in ask.h.
 *
 *	ask_start -> queue -> pump: libunbound -> answered -> ask_fn
 *
 * libunbound may answer before its call returns, and its callbacks are no
 * place to start questions or to delete a context: what they start is queued,
 * and the pump, which only the event loop or itself calls, does the rest.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "lib/base/file_stamp.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/limits.h"
#include "resolver/upstream.h"

#define CHECK_MS	5000	/* between two looks at resolv.conf */

struct ask {
	TAILQ_ENTRY(ask)	 entry;		/* of queue or out */
	struct asker		*asker;
	struct upstream		*upstream;	/* NULL while queued */
	struct ask		**slot;		/* NULL when forgotten */
	ask_fn			*fn;
	void			*arg;
	uint16_t		 type;
	char			 name[RESOLVER_NAME_MAX];
};

struct old {
	SLIST_ENTRY(old)	 entry;
	struct upstream		*upstream;
};

struct asker {
	struct event_base		*base;
	const struct config_resolver	*conf;
	struct upstream			*upstream;
	SLIST_HEAD(, old)		 olds;	/* some questions are out */
	TAILQ_HEAD(askq, ask)		 queue;
	TAILQ_HEAD(, ask)		 out;	/* sent */
	struct event			*pump;
	struct ask			*probe;
	unsigned int			 sent;
	unsigned int			 sockets;
	int64_t				 checked;
	struct file_stamp		 seen;	/* of resolv.conf */
};

static void
replace(struct asker *a, bool believe)
{
	struct upstream	*u;
	struct old	*old;

	u = upstream_new(a->base, a->conf, believe, a->sockets, true);
	if (u == NULL)
		return;		/* logged; the old one goes on */
	old = xcalloc(1, sizeof(*old));
	old->upstream = a->upstream;
	SLIST_INSERT_HEAD(&a->olds, old, entry);
	a->upstream = u;
	event_active(a->pump, EV_TIMEOUT, 0);
}

/* What became of the question whether upstream knows DNSSEC. */
static void
probed(void *arg, struct dns_answer *answer)
{
	struct asker	*a = arg;

	if (answer->status != DNS_BOGUS)
		return;
	/*
	 * Servers that strip signatures would make every domain bogus.  Who
	 * would rather have no mail sets dnssec = yes.
	 */
	log_warnx("event=dnssec-stripped reason=%s", log_esc(answer->why));
	replace(a, false);
}

static void
probe(struct asker *a)
{
	ask_forget(&a->probe);
	if (a->upstream->probe)
		ask_start(a, &a->probe, "", ns_t_soa, probed, a);
}

void
asker_renew(struct asker *a)
{
	(void)file_stamp_changed(&a->seen, a->conf->resolv_conf);
	replace(a, true);
	probe(a);
}

void
asker_check(struct asker *a)
{
	const char	*path;
	int64_t		 now = io_monotonic_ms();

	if (now - a->checked < CHECK_MS || a->conf->forward.n > 0 ||
	    *a->conf->resolv_conf == '\0')
		return;
	a->checked = now;
	path = a->conf->resolv_conf;
	if (!file_stamp_rested(&a->seen, &path, 1))
		return;
	log_info("event=upstream-changed path=%s",
	    log_esc(a->conf->resolv_conf));
	asker_renew(a);
}

static void
ask_finish(struct ask *k, struct dns_answer *answer)
{
	if (k->slot != NULL) {
		*k->slot = NULL;
		k->fn(k->arg, answer);
	}
	free(k);
}

/* The question is ours again. */
static void
back(struct ask *k)
{
	struct asker	*a = k->asker;

	TAILQ_REMOVE(&a->out, k, entry);
	k->upstream->sent--;
	if (a->sent-- == ASK_SENT_MAX || k->upstream != a->upstream)
		event_active(a->pump, EV_TIMEOUT, 0);
}

/* libunbound's callback. */
static void
answered(void *arg, int rcode, void *packet, int len, int secure, char *why,
    int limited)
{
	struct dns_answer	 answer;
	struct ask		*k = arg;

	back(k);
	if (k->slot == NULL) {
		free(k);
		return;
	}
	if (limited)
		wire_failed(&answer, k->name, "too many questions");
	else if (rcode != 0 && secure != 1)
		wire_failed(&answer, k->name, "server failure");
	else
		wire_read(packet, len > 0 ? (size_t)len : 0, k->name, k->type,
		    &answer);
	answer.secure = secure == 2;
	if (secure == 1) {
		answer.status = DNS_BOGUS;
		answer.why = why != NULL ? why : "DNSSEC validation failed";
	}
	ask_finish(k, &answer);
}

static void
send_one(struct asker *a, struct ask *k)
{
	struct dns_answer	 answer;

	k->upstream = a->upstream;
	k->upstream->sent++;
	a->sent++;
	TAILQ_INSERT_TAIL(&a->out, k, entry);
	if (upstream_send(a->upstream, k->name, k->type, answered, k) == 0)
		return;
	back(k);
	wire_failed(&answer, k->name, "cannot be asked");
	ask_finish(k, &answer);
}

static void
free_olds(struct asker *a)
{
	struct old	*old, *next;

	for (old = SLIST_FIRST(&a->olds); old != NULL; old = next) {
		next = SLIST_NEXT(old, entry);
		if (old->upstream->sent > 0)
			continue;
		SLIST_REMOVE(&a->olds, old, old, entry);
		upstream_free(old->upstream);
		free(old);
	}
}

static void
pump(evutil_socket_t fd, short what, void *arg)
{
	struct asker	*a = arg;
	struct ask	*k;

	(void)fd;
	(void)what;
	while (a->sent < ASK_SENT_MAX &&
	    (k = TAILQ_FIRST(&a->queue)) != NULL) {
		TAILQ_REMOVE(&a->queue, k, entry);
		send_one(a, k);
	}
	free_olds(a);
}

void
ask_start(struct asker *a, struct ask **slot, const char *name, uint16_t type,
    ask_fn *fn, void *arg)
{
	struct ask	*k = xcalloc(1, sizeof(*k));

	k->asker = a;
	k->slot = slot;
	*slot = k;
	k->fn = fn;
	k->arg = arg;
	k->type = type;
	strlcpy(k->name, name, sizeof(k->name));
	if (TAILQ_EMPTY(&a->queue))
		event_active(a->pump, EV_TIMEOUT, 0);
	TAILQ_INSERT_TAIL(&a->queue, k, entry);
}

void
ask_forget(struct ask **slot)
{
	struct ask	*k = *slot;

	if (k == NULL)
		return;
	*slot = NULL;
	k->slot = NULL;
	if (k->upstream != NULL)
		return;		/* libunbound's until answered */
	TAILQ_REMOVE(&k->asker->queue, k, entry);
	free(k);
}

struct asker *
asker_new(struct event_base *base, const struct config *conf)
{
	struct asker	*a = xcalloc(1, sizeof(*a));

	TAILQ_INIT(&a->queue);
	TAILQ_INIT(&a->out);
	SLIST_INIT(&a->olds);
	a->base = base;
	a->conf = &conf->resolver;
	a->sockets = limits_sockets();
	if ((a->pump = event_new(base, -1, 0, pump, a)) == NULL)
		fatalx("event=out-of-memory");
	(void)file_stamp_changed(&a->seen, a->conf->resolv_conf);
	a->upstream = upstream_new(base, a->conf, true, a->sockets, false);
	probe(a);
	return a;
}

void
asker_free(struct asker *a)
{
	struct ask	*k;
	struct old	*old;

	while ((k = TAILQ_FIRST(&a->queue)) != NULL) {
		TAILQ_REMOVE(&a->queue, k, entry);
		free(k);
	}
	while ((old = SLIST_FIRST(&a->olds)) != NULL) {
		SLIST_REMOVE_HEAD(&a->olds, entry);
		upstream_free(old->upstream);
		free(old);
	}
	upstream_free(a->upstream);
	while ((k = TAILQ_FIRST(&a->out)) != NULL) {
		TAILQ_REMOVE(&a->out, k, entry);
		free(k);
	}
	event_free(a->pump);
	free(a);
}
