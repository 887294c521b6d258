/* Contract in tokens.h; token_check()'s in check_parts.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "authd/check_parts.h"
#include "authd/tokens.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct tokens		*tokens;
	struct event		*late;
	uint64_t		 id;
	tokens_fn		*fn;
	void			*arg;
};

struct tokens {
	TAILQ_HEAD(, question)	 questions;
	struct event_base	*base;
	struct event		*read;		/* NULL: not connected */
	const char		*path;
	uint64_t		 last_id;
	unsigned int		 n;
	int			 fd;
	bool			 told;	/* in the log, that it is down */
};

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->tokens->questions, q, entry);
	q->tokens->n--;
	event_free(q->late);
	free(q);
}

static void
question_done(struct question *q, const struct token_answer *a)
{
	tokens_fn	*fn = q->fn;
	void		*arg = q->arg;

	question_free(q);
	fn(a, arg);
}

static void
question_late(int fd, short what, void *arg)
{
	struct token_answer	 a = { .status = TOKEN_LATER };

	(void)fd;
	(void)what;
	log_warnx("event=tokend-silent");
	question_done(arg, &a);
}

/* Whoever asked over this connection gets no answer any more. */
static void
tokens_disconnect(struct tokens *t)
{
	struct token_answer	 a = { .status = TOKEN_LATER };
	struct question		*q;
	uint64_t		 last = t->last_id;

	if (t->read != NULL)
		event_free(t->read);
	t->read = NULL;
	io_close(t->fd);
	t->fd = -1;
	while ((q = TAILQ_FIRST(&t->questions)) != NULL && q->id <= last)
		question_done(q, &a);
}

static void
tokens_answered(struct tokens *t, struct ipc_msg *m)
{
	struct token_answer	 a;
	struct question		*q;
	int			 r;

	TAILQ_FOREACH(q, &t->questions, entry)
		if (q->id == m->id)
			break;
	r = proto_token_get_answer(m, &a);
	/* It parses what other hosts say: no more trusted than they are. */
	if (r == -1)
		log_warnx("event=tokend-malformed");
	if (q != NULL)
		question_done(q, &a);
	if (r == -1)
		tokens_disconnect(t);
}

static void
tokens_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct tokens		*t = arg;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == 1)
		tokens_answered(t, &m);
	else if (n == 0 || errno != EAGAIN) {
		log_warnx("event=tokend-gone");
		tokens_disconnect(t);
	}
}

static bool
tokens_connect(struct tokens *t)
{
	if (t->fd != -1)
		return true;
	if ((t->fd = ipc_connect_now(t->path)) == -1) {
		if (!t->told)
			log_warn("event=tokend-down path=%s",
			    log_esc(t->path));
		t->told = true;
		return false;
	}
	t->told = false;
	t->read = event_new(t->base, t->fd, EV_READ | EV_PERSIST, tokens_read,
	    t);
	if (t->read == NULL || event_add(t->read, NULL) == -1)
		fatalx("event=out-of-memory");
	return true;
}

struct tokens *
tokens_new(struct event_base *base, const char *path)
{
	struct tokens	*t = xcalloc(1, sizeof(*t));

	TAILQ_INIT(&t->questions);
	t->base = base;
	t->path = path;
	t->fd = -1;
	return t;
}

void
tokens_free(struct tokens *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->questions))
		question_free(TAILQ_FIRST(&t->questions));
	tokens_disconnect(t);
	free(t);
}

static int
tokens_send(struct tokens *t, uint64_t id, const char *token)
{
	static struct ipc_msg	 m;
	int			 r;

	proto_token_put_ask(&m, id, token);
	r = ipc_send(t->fd, &m, 0);
	explicit_bzero(m.data, m.len);
	return r;
}

int
tokens_ask(struct tokens *t, const char *token, tokens_fn *fn, void *arg)
{
	struct timeval	 limit = { .tv_sec = TOKENS_MS / 1000 };
	struct question	*q;

	if (t->n == TOKENS_MAX) {
		errno = EAGAIN;
		return -1;
	}
	if (!tokens_connect(t))
		return -1;
	if (tokens_send(t, t->last_id + 1, token) == -1) {
		/* One that was started again meanwhile is worth a try. */
		if (errno != EPIPE && errno != ECONNRESET)
			return -1;
		tokens_disconnect(t);
		if (!tokens_connect(t) ||
		    tokens_send(t, t->last_id + 1, token) == -1)
			return -1;
	}
	q = xcalloc(1, sizeof(*q));
	q->tokens = t;
	q->id = ++t->last_id;
	q->fn = fn;
	q->arg = arg;
	q->late = event_new(t->base, -1, 0, question_late, q);
	if (q->late == NULL || event_add(q->late, &limit) == -1)
		fatalx("event=out-of-memory");
	TAILQ_INSERT_TAIL(&t->questions, q, entry);
	t->n++;
	return 0;
}

static void
token_answered(const struct token_answer *answer, void *arg)
{
	struct check		*k = arg;
	const struct auth_check	*c = &k->s.check;
	const struct user	*u;

	if (answer->status == TOKEN_LATER) {
		check_later(k, "tokend");
		return;
	}
	if (answer->status == TOKEN_INACTIVE) {
		check_wrong(k, "token");
		return;
	}
	u = check_user(k, answer->user);
	if (u == NULL)
		check_wrong(k, "unknown");
	else if (c->user[0] != '\0' && check_user(k, c->user) != u)
		check_wrong(k, "other-user");
	else
		check_right(k, u);
}

void
token_check(struct check *k)
{
	struct auth_check	*c = &k->s.check;
	int			 r;

	k->how = "token";
	if (c->secret[0] == '\0') {
		check_wrong(k, "token");
		return;
	}
	r = tokens_ask(k->a->tokens, c->secret, token_answered, k);
	explicit_bzero(c->secret, sizeof(c->secret));
	if (r == -1)
		check_later(k, errno == EAGAIN ? "busy" : "tokend");
}
