/* Contract in control.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/control.h"
#include "queue-runner/lister.h"
#include "queue-runner/message.h"
#include "queue-runner/reroute.h"
#include "queue-runner/scan.h"

#define CLIENTS		16
#define LISTERS		4

struct control {
	struct runner		*q;
	struct ipc_server	*server;
	unsigned int		 listers;	/* children */
	LIST_HEAD(, pick)	 picks;
};

/* Messages that a child is selecting, and what is to be done to each. */
struct pick {
	LIST_ENTRY(pick)	 entry;
	struct control		*c;
	struct ipc_client	*client;
	uint64_t		 id;
	struct control_request	 req;
	struct event		*ev;
	int			 fd;
	struct buf		 in;
	uint64_t		 count;
	bool			 whole;
};

static struct ipc_msg	 answer;

static int
control_hold(struct runner *q, struct entry *e, enum files_place place,
    const char *id, const char *reason)
{
	int	 rc;

	if (*reason == '\0')
		reason = "put aside by an admin";
	rc = files_hold(&q->files, place, id, reason);
	if (rc == -1 && !files_stands(&q->files, PLACE_HOLD, id))
		return -1;
	if (e != NULL)
		schedule_forget(q->schedule, e);
	log_info("event=held id=%s reason=%s", id, log_esc(reason));
	return rc;
}

static int
control_release(struct runner *q, enum files_place place, const char *id)
{
	int	 rc;

	if (place != PLACE_HOLD) {
		errno = ENOENT;
		return -1;
	}
	rc = files_release(&q->files, id);
	/* Even if only the fsync failed: no scan looks into queue/ again. */
	if (rc == -1 && !files_stands(&q->files, PLACE_QUEUE, id))
		return -1;
	poison_clear(q->poison, id);
	runner_add(q, id, true, true);
	log_info("event=released id=%s", id);
	return rc;
}

static int
control_remove(struct runner *q, struct entry *e, enum files_place place,
    const char *id)
{
	if (files_remove(&q->files, place, id) == -1)
		return -1;
	if (e != NULL)
		schedule_forget(q->schedule, e);
	poison_clear(q->poison, id);
	log_info("event=removed id=%s by=admin", id);
	return 0;
}

static int
control_retry(struct runner *q, struct entry *e, enum files_place place,
    const char *id)
{
	struct dest	*d;

	if (place == PLACE_HOLD) {
		errno = ENOENT;
		return -1;
	}
	if (e != NULL) {
		if ((d = dests_find(q->dests, e->dest)) != NULL &&
		    remote_is(d))
			remote_lift(d);
		runner_retry(q, e);
	} else
		runner_add(q, id, place == PLACE_QUEUE, true);
	return 0;
}

int
control_apply(struct runner *q, const struct control_request *r,
    const char *id)
{
	enum files_place	 place;
	struct message		*m;
	struct entry		*e = schedule_find(q->schedule, id);

	if (e != NULL && e->state == ENTRY_ACTIVE) {
		if (r->verb == CONTROL_RETRY)
			return 0;
		if ((m = message_find(q, e)) != NULL) {
			if (m->later == NULL)
				m->later = xmalloc(sizeof(*m->later));
			*m->later = *r;
			return 0;
		}
	}
	if (files_find(&q->files, id, &place) == -1)
		return -1;
	switch (r->verb) {
	case CONTROL_RETRY:
		return control_retry(q, e, place, id);
	case CONTROL_HOLD:
		return control_hold(q, e, place, id, r->text);
	case CONTROL_RELEASE:
		return control_release(q, place, id);
	case CONTROL_REMOVE:
		return control_remove(q, e, place, id);
	case CONTROL_REROUTE:
		return reroute(q, e, place, id, r);
	case CONTROL_LIST:
	case CONTROL_SHOW:
	case CONTROL_DESTINATIONS:
	case CONTROL_STATUS:
		break;
	}
	errno = EINVAL;
	return -1;
}

static void
control_error(struct ipc_client *client, uint64_t id, const char *text)
{
	proto_control_put_error(&answer, id, text);
	ipc_client_answer(client, &answer);
}

static void
control_done(struct ipc_client *client, uint64_t id, uint64_t count)
{
	proto_control_put_done(&answer, id, count);
	ipc_client_answer(client, &answer);
}

static void
pick_end(struct pick *p)
{
	LIST_REMOVE(p, entry);
	if (p->whole)
		control_done(p->client, p->id, p->count);
	else
		control_error(p->client, p->id,
		    "the queue could not be read to its end");
	event_free(p->ev);
	close(p->fd);
	buf_free(&p->in);
	ipc_client_unref(p->client);
	free(p);
}

static void
pick_line(struct pick *p, struct slice line)
{
	struct queue_item	 item;
	uint64_t		 count;

	if (queue_item_end(line, &count))
		p->whole = true;
	else if (queue_item_parse(line, &item) == 0 &&
	    control_apply(p->c->q, &p->req, item.id) == 0)
		p->count++;
}

static void
pick_read(int fd, short what, void *arg)
{
	struct pick	*p = arg;
	struct slice	 line;
	const char	*nl;
	ssize_t		 n;
	char		*room;

	(void)what;
	if ((room = buf_reserve(&p->in, 16384)) == NULL) {
		pick_end(p);
		return;
	}
	n = read(fd, room, 16384);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pick_end(p);
		return;
	}
	p->in.len += (size_t)n;
	line.ptr = p->in.ptr;
	while ((nl = memchr(line.ptr, '\n', (size_t)(p->in.ptr + p->in.len -
	    line.ptr))) != NULL) {
		line.len = (size_t)(nl - line.ptr);
		pick_line(p, line);
		line.ptr = nl + 1;
	}
	buf_consume(&p->in, (size_t)(line.ptr - p->in.ptr));
	runner_dispatch(p->c->q);
}

static const char *
control_reason(void)
{
	return errno == EBUSY ? "too many listings at once, try again" :
	    strerror(errno);
}

/* which NULL: of destinations. */
static int
control_lister(struct control *c, const struct queue_selector *which, int fd)
{
	if (c->listers >= LISTERS) {
		errno = EBUSY;
		return -1;
	}
	if ((which == NULL ? lister_start_dests(c->q, fd) :
	    lister_start(c->q, which, fd)) == -1)
		return -1;
	c->listers++;
	return 0;
}

static void
control_pick(struct control *c, struct ipc_client *client, uint64_t id,
    const struct control_request *r)
{
	struct pick	*p;
	int		 fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1) {
		control_error(client, id, strerror(errno));
		return;
	}
	if (control_lister(c, &r->which, fds[1]) == -1) {
		control_error(client, id, control_reason());
		close(fds[0]);
		close(fds[1]);
		return;
	}
	close(fds[1]);
	p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->client = client;
	ipc_client_ref(client);
	p->id = id;
	p->req = *r;
	p->fd = fds[0];
	buf_init(&p->in, 65536);
	(void)fcntl(p->fd, F_SETFL, O_NONBLOCK);
	p->ev = event_new(c->q->base, p->fd, EV_READ | EV_PERSIST, pick_read,
	    p);
	if (p->ev == NULL || event_add(p->ev, NULL) == -1)
		fatalx("event=out-of-memory");
	LIST_INSERT_HEAD(&c->picks, p, entry);
}

/* The domain's way may have been mended: in DNS, or there. */
static void
control_lift(struct runner *q, const char *domain)
{
	struct finding	 f;

	if (finder_known(q->finder, domain, &f) && f.status == FOUND)
		remote_lift(f.dest);
	finder_forget(q->finder, domain);
}

static void
control_act(struct control *c, struct ipc_client *client, uint64_t id,
    const struct control_request *r)
{
	if (r->verb == CONTROL_REROUTE && reroute_check(r->text) == -1) {
		control_error(client, id, "the new recipient is no address");
		return;
	}
	if (r->verb == CONTROL_RETRY && r->which.by == BY_DOMAIN)
		control_lift(c->q, r->which.value);
	if (r->which.by != BY_ID) {
		control_pick(c, client, id, r);
		return;
	}
	if (!spool_id_valid(r->which.value))
		control_error(client, id, "that is no id");
	else if (control_apply(c->q, r, r->which.value) == 0)
		control_done(client, id, 1);
	else if (errno == ENOENT)
		control_error(client, id, r->verb == CONTROL_RETRY ?
		    "no such message in the queue, or it is held" :
		    r->verb == CONTROL_RELEASE ?
		    "no such message is held" : "no such message");
	else
		control_error(client, id, strerror(errno));
	runner_dispatch(c->q);
}

static void
control_show(struct runner *q, struct ipc_client *client, uint64_t id,
    const struct control_request *r)
{
	static const enum queue_where	 where[] = {
		[PLACE_NEW] = QUEUE_NEW,
		[PLACE_QUEUE] = QUEUE_DEFERRED,
		[PLACE_HOLD] = QUEUE_HOLD,
	};
	const struct entry		*e;
	enum files_place		 place;
	struct control_shown		 s = { .message = -1, .state = -1 };

	if (r->which.by != BY_ID || !spool_id_valid(r->which.value) ||
	    files_find(&q->files, r->which.value, &place) == -1 ||
	    (s.message = files_open_message(&q->files, place,
	    r->which.value)) == -1) {
		control_error(client, id, "no such message");
		return;
	}
	s.state = files_open_state(&q->files, place, r->which.value,
	    O_RDONLY);
	s.where = where[place];
	e = schedule_find(q->schedule, r->which.value);
	if (e != NULL && e->state == ENTRY_ACTIVE)
		s.where = QUEUE_ACTIVE;
	if (place == PLACE_HOLD)
		files_reason(&q->files, r->which.value, s.reason,
		    sizeof(s.reason));
	proto_control_put_shown(&answer, id, &s);
	ipc_client_answer(client, &answer);
	io_close(s.message);
	io_close(s.state);
}

static uint64_t
control_paused(const struct runner *q)
{
	const struct dest	*d;
	uint64_t		 n = 0;

	for (d = dests_next(q->dests, NULL); d != NULL;
	    d = dests_next(q->dests, d))
		n += remote_is(d) && remote_state(d) != WINDOW_OPEN;
	return n;
}

static void
control_status(struct runner *q, struct ipc_client *client, uint64_t id)
{
	struct schedule_counts	 n;
	struct control_status	 s;

	schedule_count(q->schedule, &n);
	s.fresh = n.fresh;
	s.deferred = n.deferred;
	s.active = n.active;
	s.hold = files_count_held(&q->files);
	s.workers = workers_count(q->workers);
	s.connections = remotes_count(q->remotes);
	s.paused = control_paused(q);
	s.uptime = (uint64_t)(runner_now() - q->started);
	s.delivered = q->delivered;
	s.bounced = q->bounced;
	s.scanning = q->scan != NULL && scan_first(q->scan);
	s.resolver = finder_connected(q->finder);
	s.remote = remotes_reachable(q->remotes);
	s.authd = mailboxes_connected(q->mailboxes);
	proto_control_put_numbers(&answer, id, &s);
	ipc_client_answer(client, &answer);
}

static int
control_request(struct ipc_client *client, struct ipc_msg *msg, void *arg)
{
	static struct control_request	 r;
	struct control			*c = arg;
	uint64_t			 id = msg->id;

	if (proto_control_get_request(msg, &r) == -1)
		return -1;
	switch (r.verb) {
	case CONTROL_LIST:
	case CONTROL_DESTINATIONS:
		if (control_lister(c, r.verb == CONTROL_LIST ? &r.which :
		    NULL, r.fd) == -1)
			control_error(client, id, control_reason());
		else
			control_done(client, id, 0);
		close(r.fd);
		break;
	case CONTROL_SHOW:
		control_show(c->q, client, id, &r);
		break;
	case CONTROL_STATUS:
		control_status(c->q, client, id);
		break;
	case CONTROL_RETRY:
	case CONTROL_HOLD:
	case CONTROL_RELEASE:
	case CONTROL_REMOVE:
	case CONTROL_REROUTE:
		control_act(c, client, id, &r);
		break;
	}
	return 0;
}

static bool
control_allow(uid_t uid, gid_t gid, void *arg)
{
	(void)arg;
	return privilege_is_admin(uid, gid);
}

struct control *
control_new(struct runner *q, const char *path)
{
	struct control	*c;
	int		 fd;

	/* Open to all: who the peer is decides. */
	if ((fd = ipc_listen(path, 0666)) == -1)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->q = q;
	LIST_INIT(&c->picks);
	c->server = ipc_server_new(q->base, fd, CLIENTS, control_allow,
	    control_request, c);
	return c;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	while (!LIST_EMPTY(&c->picks))
		pick_end(LIST_FIRST(&c->picks));
	ipc_server_free(c->server);
	free(c);
}

void
control_lister_gone(struct control *c)
{
	if (c->listers > 0)
		c->listers--;
}
