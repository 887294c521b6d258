/*
 * The first try of a message: each recipient of the envelope becomes a
 * recipient of the state, an alias as many as it has results.  One question
 * after the other, so that the order, and with it every number, is that of the
 * envelope.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/message.h"

static void	 expand_step(struct message *);

/* Before its first try a recipient may have failed already: see attempt.c. */
static void
expand_refuse(struct message *m, const struct envelope_rcpt *r,
    const char *code, const char *text)
{
	state_note(state_add(&m->st, r->address, r->orcpt, NULL, r->notify),
	    -1, code, NULL, text);
}

/* A list's members answer to its owner: RFC 3461 5.2.7.3. */
void
expand_add(struct state *st, const struct auth_result *result,
    const char *orcpt, int notify)
{
	if (result->owner != NULL && *result->owner != '\0')
		state_add(st, result->address, orcpt, result->owner, 0);
	else
		state_add(st, result->address, orcpt, NULL, notify);
}

char *
expand_orcpt(const char *orcpt, const char *address)
{
	char	*made;

	if (orcpt != NULL)
		return xstrdup(orcpt);
	xasprintf(&made, "%s;%s",
	    text_is_ascii(slice_str(address)) ? "rfc822" : "utf-8", address);
	return made;
}

static void
expand_add_results(struct message *m, const struct envelope_rcpt *r,
    const struct auth_result *results, size_t n)
{
	char	*orcpt = expand_orcpt(r->orcpt, r->address);
	size_t	 i;

	for (i = 0; i < n; i++)
		expand_add(&m->st, &results[i], orcpt, r->notify);
	free(orcpt);
}

static void
expand_expanded(const char *status, const struct auth_result *results,
    size_t n, void *arg)
{
	struct message			*m = arg;
	const struct envelope_rcpt	*r = &m->env.rcpts[m->next];

	m->busy = 0;
	if (strcmp(status, "temp") == 0) {
		message_end_ours(m);
		return;
	}
	m->expanded = true;
	if (strcmp(status, "broken") == 0)
		/* The others need not wait for it: see attempt.c. */
		state_add(&m->st, r->address, r->orcpt, NULL,
		    r->notify)->expand = true;
	else if (strcmp(status, "loop") == 0)
		expand_refuse(m, r, "5.4.6", "the alias leads to itself");
	else if (strcmp(status, "toomany") == 0 ||
	    m->st.nrcpts + n > ENVELOPE_RCPTS)
		expand_refuse(m, r, "5.5.3",
		    "the alias has too many results");
	else if (strcmp(status, "ok") == 0 && n == 0)
		expand_refuse(m, r, "5.2.4", "the alias leads nowhere");
	else if (strcmp(status, "ok") == 0)
		expand_add_results(m, r, results, n);
	else
		state_add(&m->st, r->address, r->orcpt, NULL, r->notify);
	m->next++;
	expand_step(m);
}

static void
expand_found(enum auth_kind kind, struct mailbox *box, void *arg)
{
	struct message			*m = arg;
	const struct envelope_rcpt	*r = &m->env.rcpts[m->next];

	(void)box;
	switch (kind) {
	case AUTH_TEMP:
		m->busy = 0;
		message_end_ours(m);
		return;
	case AUTH_ALIAS:
		mailboxes_expand(m->q->mailboxes, r->address, expand_expanded,
		    m);
		return;
	case AUTH_USER:
	case AUTH_RELAY:
	case AUTH_REMOTE:
	case AUTH_UNKNOWN:
	case AUTH_BROKEN:
		break;
	}
	m->busy = 0;
	state_add(&m->st, r->address, r->orcpt, NULL, r->notify);
	m->next++;
	expand_step(m);
}

/* By address, then in the order of the envelope. */
static int
expand_compare(const void *a, const void *b)
{
	const struct state_rcpt *const	*x = a, *const *y = b;
	int				 c;

	c = strcasecmp((*x)->address, (*y)->address);
	if (c != 0)
		return c;
	return *x < *y ? -1 : *x > *y;
}

/*
 * Each address once; the first mention stands.  Case is ignored: no two of our
 * mailboxes differ by it, and elsewhere hardly any.
 */
static void
expand_unique(struct state *st)
{
	struct state_rcpt	**sorted;
	size_t			  i, n;

	if (st->nrcpts < 2)
		return;
	sorted = xreallocarray(NULL, st->nrcpts, sizeof(*sorted));
	for (i = 0; i < st->nrcpts; i++)
		sorted[i] = &st->rcpts[i];
	qsort(sorted, st->nrcpts, sizeof(*sorted), expand_compare);
	for (i = 1, n = 0; i < st->nrcpts; i++)
		if (strcasecmp(sorted[i]->address, sorted[n]->address) == 0 &&
		    sorted[i]->expand == sorted[n]->expand)
			sorted[i]->letter = STATE_DONE;	/* marks it */
		else
			n = i;
	free(sorted);
	for (i = 0, n = 0; i < st->nrcpts; i++) {
		if (st->rcpts[i].letter != STATE_DONE) {
			st->rcpts[n++] = st->rcpts[i];
			continue;
		}
		free(st->rcpts[i].address);
		free(st->rcpts[i].orcpt);
		free(st->rcpts[i].owner);
		free(st->rcpts[i].text);
	}
	st->nrcpts = n;
}

/*
 * Several recipients need a state before anything is tried, so that each is
 * tried under its number for ever.
 */
static void
expand_done(struct message *m)
{
	expand_unique(&m->st);
	m->next = 0;
	if (m->st.nrcpts > 1) {
		if (message_persist(m, true) == -1) {
			log_warn("event=state-write-failed id=%s", m->id);
			message_end_ours(m);
			return;
		}
		log_info("event=expanded id=%s rcpts=%zu", m->id,
		    m->st.nrcpts);
	}
	attempt_start(m);
}

static void
expand_step(struct message *m)
{
	const struct envelope_rcpt	*r;

	while (m->next < m->env.nrcpts) {
		r = &m->env.rcpts[m->next];
		if (!relay_takes(m->q, r->address) &&
		    mailboxes_known(m->q->mailboxes, r->address) == NULL) {
			m->busy = 1;
			mailboxes_lookup(m->q->mailboxes, r->address,
			    expand_found, m);
			return;
		}
		state_add(&m->st, r->address, r->orcpt, NULL, r->notify);
		m->next++;
	}
	expand_done(m);
}

void
expand_start(struct message *m)
{
	m->next = 0;
	m->st.arrived = m->env.arrived / 1000000;
	m->st.size = m->env.size;
	m->st.from = xstrdup(m->env.from);
	expand_step(m);
}
