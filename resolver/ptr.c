/*
 * ptr: the name of an address that has the address in turn.  Anybody may
 * write any name into his reverse zone, so only such a name says something.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/name.h"
#include "resolver/resolver.h"

#define NAMES	5	/* PTR records looked at */

struct ptr;

struct candidate {
	struct ptr	*ptr;
	struct ask	*ask;
	char		 name[RESOLVER_NAME_MAX];
	bool		 confirmed, failed, secure;
};

struct ptr {
	struct question		 q;		/* first */
	struct ask		*ask;
	char			 addr[RESOLVER_ADDR_MAX];
	uint32_t		 ttl;
	bool			 secure;
	size_t			 n, busy;
	struct candidate	 name[NAMES];
};

static struct resolver_texts	 answer;

static void
ptr_free(struct ptr *p)
{
	size_t	 i;

	ask_forget(&p->ask);
	for (i = 0; i < p->n; i++)
		ask_forget(&p->name[i].ask);
	question_end(&p->q);
	free(p);
}

static void
ptr_answer(struct ptr *p, enum resolver_status status)
{
	answer.status = status;
	answer.ttl = p->ttl;
	question_answer_texts(&p->q, "ptr", p->addr, &answer);
	ptr_free(p);
}

/* The first name that is confirmed counts. */
static void
ptr_done(struct ptr *p)
{
	const struct candidate	*c;
	bool			 failed = false;
	size_t			 i;

	memset(&answer, 0, sizeof(answer));
	for (i = 0; i < p->n; i++) {
		c = &p->name[i];
		failed = failed || c->failed;
		if (!c->confirmed)
			continue;
		answer.text[0] = xstrdup(c->name);
		answer.len[0] = strlen(c->name);
		answer.n = 1;
		answer.secure = p->secure && c->secure;
		ptr_answer(p, RESOLVER_OK);
		return;
	}
	ptr_answer(p, failed ? RESOLVER_TEMP : RESOLVER_NONE);
}

static void
name_answered(void *arg, struct dns_answer *a)
{
	struct candidate	*c = arg;
	struct ptr		*p = c->ptr;
	struct dns_record	 r;
	char			 addr[RESOLVER_ADDR_MAX];
	int			 at = 0;

	c->secure = a->secure;
	c->failed = a->status == DNS_FAILED || a->status == DNS_BOGUS;
	if (!c->failed && a->ttl < p->ttl)
		p->ttl = a->ttl;
	while (wire_next(a, &at, &r))
		if (wire_address(a, &r, addr) && strcmp(addr, p->addr) == 0)
			c->confirmed = true;
	if (--p->busy == 0)
		ptr_done(p);
}

static void
ask_names(struct ptr *p)
{
	uint16_t	 type;
	size_t		 i;

	type = strchr(p->addr, ':') == NULL ? ns_t_a : ns_t_aaaa;
	p->busy = p->n;
	for (i = 0; i < p->n; i++)
		ask_start(p->q.r->asker, &p->name[i].ask, p->name[i].name,
		    type, name_answered, &p->name[i]);
}

static void
ptr_answered(void *arg, struct dns_answer *a)
{
	struct ptr		*p = arg;
	struct dns_record	 r;
	struct candidate	*c;
	int			 at = 0;

	p->ttl = a->ttl;
	p->secure = a->secure;
	while (p->n < NAMES && wire_next(a, &at, &r)) {
		c = &p->name[p->n];
		c->ptr = p;
		if (wire_name(a, &r, c->name) && name_is_host(c->name))
			p->n++;
	}
	if (p->n > 0) {
		ask_names(p);
		return;
	}
	memset(&answer, 0, sizeof(answer));
	ptr_answer(p, a->status == DNS_FAILED || a->status == DNS_BOGUS ?
	    RESOLVER_TEMP : RESOLVER_NONE);
}

static void
ptr_late(struct question *q, bool unanswered)
{
	struct ptr	*p = (struct ptr *)q;
	size_t		 i;

	if (unanswered) {
		ptr_free(p);
		return;
	}
	for (i = 0; i < p->n; i++)
		if (p->name[i].ask != NULL)
			p->name[i].failed = true;
	if (p->n > 0)
		ptr_done(p);
	else {
		memset(&answer, 0, sizeof(answer));
		ptr_answer(p, RESOLVER_TEMP);
	}
}

void
ptr_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	struct ptr	*p = xcalloc(1, sizeof(*p));
	char		 reverse[RESOLVER_NAME_MAX];

	question_begin(&p->q, r, c, id, ptr_late);
	if (name_address(name, p->addr) && name_reverse(p->addr, reverse)) {
		ask_start(r->asker, &p->ask, reverse, ns_t_ptr, ptr_answered,
		    p);
		return;
	}
	memset(&answer, 0, sizeof(answer));
	ptr_answer(p, RESOLVER_NONE);
}
