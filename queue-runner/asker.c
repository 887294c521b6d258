/* Contract in asker.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/asker.h"

#define AGAIN_MS	1000		/* between two connects */

struct ask {
	TAILQ_ENTRY(ask)	 entry;
	uint64_t		 id;
	int64_t			 since;
	char			*what;
	asker_put_fn		*put;
	asker_got_fn		*got;
	asker_lost_fn		*lost;
	void			*arg;
};

TAILQ_HEAD(ask_list, ask);

struct asker {
	struct event_base	*base;
	struct asker_peer	 peer;
	int			 sock;		/* -1 */
	struct event		*ev;		/* of the socket */
	struct event		*fail;		/* answers of one away */
	struct ask_list		 waiting;	/* not sent yet */
	struct ask_list		 sent;
	struct ask_list		 failed;	/* to be told so */
	unsigned int		 nsent;
	uint64_t		 last_id;
	int64_t			 not_before;	/* of the next connect */
	bool			 told;		/* that it is away */
};

static void
ask_free(struct ask *q)
{
	free(q->what);
	free(q);
}

/* Tell those whose question was lost. */
static void
asker_tell_failed(int fd, short what, void *arg)
{
	struct asker	*a = arg;
	struct ask_list	 list;
	struct ask	*q;

	(void)fd;
	(void)what;
	TAILQ_INIT(&list);
	TAILQ_CONCAT(&list, &a->failed, entry);
	while ((q = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, q, entry);
		q->lost(q->what, q->arg);
		ask_free(q);
	}
}

/* The connection is no more: every question fails, later. */
static void
asker_lost(struct asker *a, const char *why)
{
	if (a->sock != -1) {
		event_free(a->ev);
		a->ev = NULL;
		close(a->sock);
		a->sock = -1;
	}
	if (!a->told)
		log_warnx("event=%s-unreachable path=%s reason=%s",
		    a->peer.name, log_esc(a->peer.path), log_esc(why));
	a->told = true;
	a->nsent = 0;
	TAILQ_CONCAT(&a->failed, &a->sent, entry);
	TAILQ_CONCAT(&a->failed, &a->waiting, entry);
	event_active(a->fail, EV_TIMEOUT, 0);
}

/* Sending, connecting and reading call each other in a ring: one prototype. */
static int	 asker_connect(struct asker *);

static void
asker_flush(struct asker *a)
{
	static struct ipc_msg	 m;
	struct ask		*q;

	while (a->nsent < a->peer.outstanding &&
	    (q = TAILQ_FIRST(&a->waiting)) != NULL) {
		if (a->sock == -1 && asker_connect(a) == -1)
			return;
		q->put(&m, q->id, q->what);
		if (ipc_send(a->sock, &m, 0) == -1) {
			if (errno == EAGAIN && a->nsent > 0)
				return;	/* after the next answer */
			asker_lost(a, strerror(errno));
			return;
		}
		TAILQ_REMOVE(&a->waiting, q, entry);
		TAILQ_INSERT_TAIL(&a->sent, q, entry);
		q->since = io_monotonic_ms();
		a->nsent++;
	}
}

static void
asker_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct asker		*a = arg;
	struct ask		*q;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n != 1) {
		asker_lost(a, n == 0 ? "closed" : strerror(errno));
		return;
	}
	TAILQ_FOREACH(q, &a->sent, entry)
		if (q->id == m.id)
			break;
	if (q == NULL) {
		ipc_drop(&m);
		asker_lost(a, "an answer to no question");
		return;
	}
	TAILQ_REMOVE(&a->sent, q, entry);
	a->nsent--;
	if (q->got(&m, q->what, q->arg) == -1) {
		TAILQ_INSERT_TAIL(&a->failed, q, entry);
		asker_lost(a, "a malformed answer");
		return;
	}
	ask_free(q);
	asker_flush(a);
}

static int
asker_connect(struct asker *a)
{
	if (io_monotonic_ms() < a->not_before) {
		errno = EAGAIN;
		asker_lost(a, "waiting before the next connect");
		return -1;
	}
	if ((a->sock = ipc_connect(a->peer.path)) == -1) {
		a->not_before = io_monotonic_ms() + AGAIN_MS;
		asker_lost(a, strerror(errno));
		return -1;
	}
	a->ev = event_new(a->base, a->sock, EV_READ | EV_PERSIST, asker_read,
	    a);
	if (a->ev == NULL || event_add(a->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	if (a->told)
		log_info("event=%s-back", a->peer.name);
	a->told = false;
	return 0;
}

struct asker *
asker_new(struct event_base *base, const struct asker_peer *peer)
{
	struct asker	*a;

	a = xcalloc(1, sizeof(*a));
	a->base = base;
	a->peer = *peer;
	a->sock = -1;
	TAILQ_INIT(&a->waiting);
	TAILQ_INIT(&a->sent);
	TAILQ_INIT(&a->failed);
	a->fail = event_new(base, -1, 0, asker_tell_failed, a);
	if (a->fail == NULL)
		fatalx("event=out-of-memory");
	return a;
}

void
asker_free(struct asker *a)
{
	struct ask	*q;

	if (a == NULL)
		return;
	TAILQ_CONCAT(&a->failed, &a->sent, entry);
	TAILQ_CONCAT(&a->failed, &a->waiting, entry);
	while ((q = TAILQ_FIRST(&a->failed)) != NULL) {
		TAILQ_REMOVE(&a->failed, q, entry);
		free(q->arg);
		ask_free(q);
	}
	if (a->ev != NULL)
		event_free(a->ev);
	event_free(a->fail);
	io_close(a->sock);
	free(a);
}

void
asker_ask(struct asker *a, asker_put_fn *put, const char *what,
    asker_got_fn *got, asker_lost_fn *lost, void *arg)
{
	struct ask	*q;

	q = xcalloc(1, sizeof(*q));
	q->id = ++a->last_id;
	q->what = xstrdup(what);
	q->put = put;
	q->got = got;
	q->lost = lost;
	q->arg = arg;
	TAILQ_INSERT_TAIL(&a->waiting, q, entry);
	asker_flush(a);
}

bool
asker_connected(const struct asker *a)
{
	return a->sock != -1;
}

void
asker_tick(struct asker *a)
{
	const struct ask	*q = TAILQ_FIRST(&a->sent);

	if (q != NULL && q->since + a->peer.patience < io_monotonic_ms())
		asker_lost(a, "no answer");
}
