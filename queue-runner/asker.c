/* Contract in asker.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/asker.h"

#define KEPT		4096		/* slots of the cache, a power of 2 */
#define KEEP_MS		60000
#define OUTSTANDING	128		/* questions on the wire */
#define AGAIN_MS	1000		/* between two connects */

enum ask_kind { ASK_LOOKUP, ASK_EXPAND, ASK_WORKER };

struct ask {
	TAILQ_ENTRY(ask)	 entry;
	enum ask_kind		 kind;
	uint64_t		 id;
	int64_t			 since;
	char			*what;
	union {
		asker_found_fn		*found;
		asker_expanded_fn	*expanded;
		asker_worker_fn		*worker;
	} fn;
	void			*arg;
};

TAILQ_HEAD(ask_list, ask);

struct asker {
	struct event_base	*base;
	const char		*path;
	int			 sock;		/* -1 */
	struct event		*ev;		/* of the socket */
	struct event		*fail;		/* answers of an authd away */
	struct ask_list		 waiting;	/* not sent yet */
	struct ask_list		 sent;
	struct ask_list		 failed;	/* to be told so */
	unsigned int		 nsent;
	uint64_t		 last_id;
	int64_t			 not_before;	/* of the next connect */
	bool			 told;		/* that authd is away */
	struct route		*kept[KEPT];
};

void
route_ref(struct route *r)
{
	r->refs++;
}

void
route_unref(struct route *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	free(r->address);
	free(r->user);
	free(r->home);
	free(r);
}

static struct route **
asker_slot(struct asker *a, const char *address)
{
	uint32_t	 h = 2166136261u;

	for (; *address != '\0'; address++)
		h = (h ^ (unsigned char)*address) * 16777619u;
	return &a->kept[h & (KEPT - 1)];
}

struct route *
asker_known(struct asker *a, const char *address)
{
	struct route	**slot = asker_slot(a, address);

	if (*slot == NULL || strcmp((*slot)->address, address) != 0)
		return NULL;
	if ((*slot)->until > io_monotonic_ms())
		return *slot;
	route_unref(*slot);
	*slot = NULL;
	return NULL;
}

static struct route *
asker_keep(struct asker *a, const char *address,
    const struct auth_lookup *found)
{
	struct route	**slot = asker_slot(a, address), *r;

	r = xcalloc(1, sizeof(*r));
	r->refs = 1;
	r->until = io_monotonic_ms() + KEEP_MS;
	r->uid = found->uid;
	r->quota_octets = found->quota_octets;
	r->quota_count = found->quota_count;
	r->address = xstrdup(address);
	r->user = xstrdup(found->user);
	r->home = xstrdup(found->home);
	route_unref(*slot);
	*slot = r;
	return r;
}

static void
asker_end(struct ask *q)
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
		switch (q->kind) {
		case ASK_LOOKUP:
			q->fn.found(AUTH_TEMP, NULL, q->arg);
			break;
		case ASK_EXPAND:
			q->fn.expanded("temp", NULL, 0, q->arg);
			break;
		case ASK_WORKER:
			q->fn.worker(-1, q->arg);
			break;
		}
		asker_end(q);
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
		log_warnx("event=authd-unreachable path=%s reason=%s",
		    log_esc(a->path), log_esc(why));
	a->told = true;
	a->nsent = 0;
	TAILQ_CONCAT(&a->failed, &a->sent, entry);
	TAILQ_CONCAT(&a->failed, &a->waiting, entry);
	event_active(a->fail, EV_TIMEOUT, 0);
}

static int
asker_answer_found(struct asker *a, struct ask *q, struct ipc_msg *m)
{
	static struct auth_lookup	 found;
	struct route			*r = NULL;

	if (proto_auth_get_found(m, &found) == -1)
		return -1;
	if (found.kind == AUTH_USER) {
		r = asker_keep(a, q->what, &found);
		route_ref(r);
	}
	q->fn.found(found.kind, r, q->arg);
	route_unref(r);
	return 0;
}

static int
asker_answer_expanded(struct ask *q, struct ipc_msg *m)
{
	struct auth_result	*results = NULL;
	size_t			 n = 0;
	char			 status[16];
	int			 fd = -1;

	if (proto_auth_get_expanded(m, status, sizeof(status), &fd) == -1)
		return -1;
	if (fd != -1 && proto_auth_read_results(fd, &results, &n) == -1) {
		log_warn("event=expansion-unreadable");
		memcpy(status, "temp", 5);
	}
	io_close(fd);
	q->fn.expanded(status, results, n, q->arg);
	proto_auth_results_free(results, n);
	return 0;
}

static int
asker_answer_worker(struct ask *q, struct ipc_msg *m)
{
	int	 fd;

	if (proto_auth_get_worker(m, &fd) == -1)
		return -1;
	q->fn.worker(fd, q->arg);
	return 0;
}

static int
asker_answer(struct asker *a, struct ask *q, struct ipc_msg *m)
{
	switch (q->kind) {
	case ASK_LOOKUP:
		return asker_answer_found(a, q, m);
	case ASK_EXPAND:
		return asker_answer_expanded(q, m);
	case ASK_WORKER:
		return asker_answer_worker(q, m);
	}
	return -1;
}

/* Sending, connecting and reading call each other in a ring: one prototype. */
static int	 asker_connect(struct asker *);

static void
asker_flush(struct asker *a)
{
	static struct ipc_msg	 m;
	struct ask		*q;

	while (a->nsent < OUTSTANDING &&
	    (q = TAILQ_FIRST(&a->waiting)) != NULL) {
		if (a->sock == -1 && asker_connect(a) == -1)
			return;
		switch (q->kind) {
		case ASK_LOOKUP:
			proto_auth_put_lookup(&m, q->id, q->what);
			break;
		case ASK_EXPAND:
			proto_auth_put_expand(&m, q->id, q->what);
			break;
		case ASK_WORKER:
			proto_auth_put_deliver(&m, q->id, q->what);
			break;
		}
		if (ipc_send(a->sock, &m, 0) == -1) {
			if (errno == EAGAIN && a->nsent > 0)
				return;	/* after the next answer */
			asker_lost(a, strerror(errno));
			return;
		}
		TAILQ_REMOVE(&a->waiting, q, entry);
		TAILQ_INSERT_TAIL(&a->sent, q, entry);
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
	if (asker_answer(a, q, &m) == -1) {
		TAILQ_INSERT_TAIL(&a->failed, q, entry);
		asker_lost(a, "a malformed answer");
		return;
	}
	asker_end(q);
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
	if ((a->sock = ipc_connect(a->path)) == -1) {
		a->not_before = io_monotonic_ms() + AGAIN_MS;
		asker_lost(a, strerror(errno));
		return -1;
	}
	a->ev = event_new(a->base, a->sock, EV_READ | EV_PERSIST, asker_read,
	    a);
	if (a->ev == NULL || event_add(a->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	if (a->told)
		log_info("event=authd-back");
	a->told = false;
	return 0;
}

struct asker *
asker_new(struct event_base *base, const char *path)
{
	struct asker	*a;

	a = xcalloc(1, sizeof(*a));
	a->base = base;
	a->path = path;
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
	size_t		 i;

	if (a == NULL)
		return;
	TAILQ_CONCAT(&a->failed, &a->sent, entry);
	TAILQ_CONCAT(&a->failed, &a->waiting, entry);
	while ((q = TAILQ_FIRST(&a->failed)) != NULL) {
		TAILQ_REMOVE(&a->failed, q, entry);
		asker_end(q);
	}
	for (i = 0; i < KEPT; i++)
		route_unref(a->kept[i]);
	if (a->ev != NULL)
		event_free(a->ev);
	event_free(a->fail);
	io_close(a->sock);
	free(a);
}

static struct ask *
asker_ask(struct asker *a, enum ask_kind kind, const char *what, void *arg)
{
	struct ask	*q;

	q = xcalloc(1, sizeof(*q));
	q->kind = kind;
	q->id = ++a->last_id;
	q->since = io_monotonic_ms();
	q->what = xstrdup(what);
	q->arg = arg;
	TAILQ_INSERT_TAIL(&a->waiting, q, entry);
	return q;
}

void
asker_lookup(struct asker *a, const char *address, asker_found_fn *fn,
    void *arg)
{
	asker_ask(a, ASK_LOOKUP, address, arg)->fn.found = fn;
	asker_flush(a);
}

void
asker_expand(struct asker *a, const char *address, asker_expanded_fn *fn,
    void *arg)
{
	asker_ask(a, ASK_EXPAND, address, arg)->fn.expanded = fn;
	asker_flush(a);
}

void
asker_worker(struct asker *a, const char *user, asker_worker_fn *fn,
    void *arg)
{
	asker_ask(a, ASK_WORKER, user, arg)->fn.worker = fn;
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

	if (q != NULL && q->since + AUTH_TIMEOUT_MS < io_monotonic_ms())
		asker_lost(a, "no answer");
}
