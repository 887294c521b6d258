/* Contract in resolver.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "resolver/resolver.h"

#define TTL_MAX		3600	/* an asker looks again within the hour */
#define TTL_DENIED	60	/* and soon when something was missing */
#define TTL_FAILED	5

static struct ipc_msg	 ans;

void
question_begin(struct question *q, struct resolver *r, struct ipc_client *c,
    uint64_t id, question_late_fn *late)
{
	struct timeval	 tv = { .tv_sec = r->conf->resolver.timeout };

	q->r = r;
	q->client = c;
	q->id = id;
	q->late = late;
	/* All have the same patience, so the list is in order. */
	q->deadline = io_monotonic_ms() + 1000 * tv.tv_sec;
	ipc_client_ref(c);
	if (TAILQ_EMPTY(&r->questions))
		evtimer_add(r->timer, &tv);
	TAILQ_INSERT_TAIL(&r->questions, q, entry);
	r->nquestion++;
}

void
question_end(struct question *q)
{
	TAILQ_REMOVE(&q->r->questions, q, entry);
	q->r->nquestion--;
	ipc_client_unref(q->client);
}

static void
bound_ttl(uint32_t *ttl, enum resolver_status status)
{
	uint32_t	 max = TTL_DENIED;

	switch (status) {
	case RESOLVER_OK:
		max = TTL_MAX;
		break;
	case RESOLVER_TEMP:
		max = TTL_FAILED;
		break;
	case RESOLVER_NONE:
	case RESOLVER_NULL_MX:
	case RESOLVER_LOOP:
		break;
	}
	if (*ttl > max)
		*ttl = max;
}

void
question_answer_route(struct question *q, const char *verb, const char *name,
    struct resolver_route *route)
{
	bound_ttl(&route->ttl, route->status);
	proto_resolver_put_route(&ans, q->id, route);
	if (route->status == RESOLVER_OK)
		log_debug("event=%s name=%s hosts=%zu first=%s ttl=%u", verb,
		    log_esc(name), route->nhost, log_esc(route->host[0].name),
		    route->ttl);
	else
		log_info("event=%s-failed name=%s code=%s text=%s", verb,
		    log_esc(name), route->code, log_esc(route->text));
	resolver_route_free(route);
	ipc_client_answer(q->client, &ans);
}

void
question_answer_texts(struct question *q, const char *verb, const char *name,
    struct resolver_texts *t)
{
	bound_ttl(&t->ttl, t->status);
	proto_resolver_put_texts(&ans, q->id, t);
	log_debug("event=%s name=%s status=%d texts=%zu ttl=%u", verb,
	    log_esc(name), t->status, t->n, t->ttl);
	resolver_texts_free(t);
	ipc_client_answer(q->client, &ans);
}

void
question_fail(struct resolver_route *route, enum resolver_status status,
    const char *code, const char *fmt, ...)
{
	va_list	 ap;
	size_t	 i;
	bool	 utf8;

	route->status = status;
	strlcpy(route->code, code, sizeof(route->code));
	va_start(ap, fmt);
	vsnprintf(route->text, sizeof(route->text), fmt, ap);
	va_end(ap);
	/* Names in it may be anything; a packet's text may not. */
	utf8 = text_is_utf8(slice_str(route->text));
	for (i = 0; route->text[i] != '\0'; i++)
		if (text_is_control(route->text[i]) ||
		    (!utf8 && (unsigned char)route->text[i] >= 0x80))
			route->text[i] = '?';
}
