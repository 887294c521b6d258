/* Contract in remote.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/share.h"

#define HUNG_MS		7200000	/* one job: all hosts, all time-outs */
#define PAUSE_MS	60000	/* the first one, if retries are not faster */
#define HANDED_ON	2	/* times a job may change its connection */

/* Until the pause is over. */
static int64_t
far_pause(const struct far *f)
{
	int64_t	 ms = f->window.until - io_monotonic_ms();

	return f->window.until == 0 || ms < 0 ? 0 : ms;
}

static void
remote_put(struct channel *k, struct job *j, struct ipc_msg *m,
    struct job **rest)
{
	static struct remote_job	 job;
	static struct remote_rcpt	 r;
	struct remotes			*all = far_of(k->dest)->all;
	size_t				 i, left;

	share_busy(k);
	memset(&job, 0, offsetof(struct remote_job, rcpt));
	all->calls.fill(j, &job);
	proto_remote_put_job(m, j->ipc_id, &job);
	for (i = 0; i < j->n && i < REMOTE_RCPTS; i++) {
		all->calls.rcpt(j, i, &r);
		if (!proto_remote_put_rcpt(m, &r))
			break;
	}
	if (i == j->n)
		return;
	left = j->n - i;
	*rest = job_new(j->owner, j->id, left);
	memcpy((*rest)->number, j->number + i, left * sizeof(j->number[0]));
	j->n = i;
}

static void
remote_report(struct dest *d, struct job *j, enum job_loss loss,
    const struct remote_result *r)
{
	far_of(d)->all->calls.done(j, d, loss, r);
	job_free(j);
}

/* No message is to blame for what died because all of remote was stopped. */
static bool
remotes_stopped(struct remotes *all)
{
	int	 sock = ipc_connect_now(all->path);
	bool	 stopped = sock == -1 && errno != EAGAIN;

	io_close(sock);
	return stopped;
}

static void
remote_lost(struct dest *d, struct job *j, enum job_loss loss)
{
	if (loss == LOSS_SUSPECT && remotes_stopped(far_of(d)->all))
		loss = LOSS_OURS;
	remote_report(d, j, loss, NULL);
}

/* What is to be said of messages that are not tried because of it. */
static void
far_remember(struct far *f, const struct remote_result *r)
{
	const struct remote_outcome	*o = &r->outcome[0];

	strlcpy(f->code, o->code, sizeof(f->code));
	free(f->text);
	free(f->host);
	f->text = xstrdup(o->text);
	f->host = o->said && r->host[0] != '\0' ? xstrdup(r->host) : NULL;
}

/* Nothing goes there for now. */
static void
far_pause_begins(struct far *f)
{
	struct entry	*e;
	int64_t		 ms = far_pause(f);

	log_warnx("event=destination-paused to=%s seconds=%lld code=%s "
	    "reason=%s", log_esc(f->dest->key), (long long)(ms + 999) / 1000,
	    log_esc(f->code), log_esc(f->text));
	share_sate(f);
	dest_fail_waiting(f->dest, LOSS_PAUSED);
	while ((e = dest_unpark(f->dest)) != NULL)
		f->all->calls.later(e, ms, f->all->calls.arg);
}

static int64_t
remotes_longest_pause(const struct remotes *all)
{
	const struct config_times	*t = &all->cfg->queue.retry;

	return t->item[t->n - 1] * INT64_C(1000);
}

/* True: it is another connection's turn to try. */
static bool
far_failed(struct far *f, struct job *j, int64_t began,
    const struct remote_result *r)
{
	int64_t	 last = remotes_longest_pause(f->all);
	bool	 was = window_state(&f->window, io_monotonic_ms()) ==
		    WINDOW_PAUSED;

	far_remember(f, r);
	if (!window_failed(&f->window, io_monotonic_ms(), began,
	    f->dest->given, last < PAUSE_MS ? last : PAUSE_MS, last))
		return j->handed_on < HANDED_ON;
	if (!was && remote_state(f->dest) == WINDOW_PAUSED)
		far_pause_begins(f);
	return false;
}

/*
 * Somebody answered, but not to hang up (RFC 5321 3.8), or at least one
 * recipient was decided upon.
 */
static bool
result_well(const struct remote_result *r)
{
	const struct remote_outcome	*o;
	size_t				 i;

	for (i = 0; i < r->noutcome; i++) {
		o = &r->outcome[i];
		if (o->verdict != MAIL_TEMP ||
		    (o->said && strncmp(o->text, "421", 3) != 0))
			return true;
	}
	return false;
}

static void
far_worked(struct far *f, const struct remote_result *r)
{
	if (!result_well(r)) {
		window_bad(&f->window);
		return;
	}
	if (window_state(&f->window, io_monotonic_ms()) != WINDOW_OPEN)
		log_info("event=destination-open to=%s",
		    log_esc(f->dest->key));
	window_well(&f->window, io_monotonic_ms());
	f->code[0] = '\0';
}

static int
remote_got(struct channel *k, struct job *j, struct ipc_msg *m)
{
	static struct remote_result	 r;
	struct dest			*d = k->dest;
	struct far			*f = far_of(d);
	int64_t				 began = k->since;
	bool				 hand_on = false;

	if (proto_remote_get_result(m, &r) == -1 || r.noutcome == 0 ||
	    memcmp(r.id, j->id, SPOOL_ID_LEN) != 0)
		return -1;
	channel_took(k, j);
	share_result(k, k->since - began);
	if (!r.kept || share_yields(k))
		channel_close(k);
	else
		share_idle(k);
	if (r.destination_failed)
		hand_on = far_failed(f, j, began, &r);
	else
		far_worked(f, &r);
	if (hand_on) {
		j->handed_on++;
		TAILQ_INSERT_HEAD(&d->waiting, j, entry);
		d->load++;
		return 0;
	}
	remote_report(d, j, LOSS_NONE, &r);
	return 0;
}

static void
remote_free(struct dest *d)
{
	struct far	*f = far_of(d);

	share_forget(f);
	free(f->open);
	free(f->host);
	free(f->text);
	free(f);
}

struct remotes *
remotes_new(struct event_base *base, struct dests *dests,
    const struct config *cfg, const char *path,
    const struct remotes_calls *calls)
{
	struct remotes	*all;

	all = xcalloc(1, sizeof(*all));
	all->base = base;
	all->dests = dests;
	all->cfg = cfg;
	all->path = path;
	all->calls = *calls;
	share_init(all);
	all->kind = (struct channel_kind){
		.name = "remote",
		.remote = true,
		.depth = 1,
		/* Before remote leaves by itself. */
		.idle_ms = cfg->remote.idle * INT64_C(1000) / 3,
		.hung_ms = HUNG_MS,
		.room = share_room,
		.limit = share_limit,
		.want = share_want,
		.put = remote_put,
		.got = remote_got,
		.lost = remote_lost,
		.closed = share_closed,
		.free = remote_free,
	};
	return all;
}

void
remotes_free(struct remotes *all)
{
	if (all == NULL)
		return;
	share_end(all);
	free(all);
}

static int
compare_hosts(const void *a, const void *b)
{
	const struct resolver_host *const	*x = a, *const *y = b;

	if ((*x)->preference != (*y)->preference)
		return (*x)->preference < (*y)->preference ? -1 : 1;
	return strcmp((*x)->name, (*y)->name);
}

/*
 * Which hosts, which of them are preferred ("/" stands before worse ones), and
 * how they are spoken to; whatever their addresses and the order of equal
 * ones.  Whether DNSSEC vouches for a host is a matter of the domain, too: mail
 * for one whose zone is signed must not travel by what an unsigned one with
 * the same hosts brought, RFC 7672 2.2.
 */
static void
remotes_key(const struct route *r, const struct resolver_host *host,
    size_t nhost, struct buf *key)
{
	static const char *const	 dane[] = {
		[DANE_NONE] = "",
		[DANE_TLSA] = "+dane",
		[DANE_FAILED] = "+dane-unknown",
	};
	const struct resolver_host	*sorted[REMOTE_HOSTS];
	size_t				 i;

	buf_addstr(key, r->via.lmtp ? "lmtp:" : "smtp:");
	for (i = 0; i < nhost; i++)
		sorted[i] = &host[i];
	qsort(sorted, nhost, sizeof(sorted[0]), compare_hosts);
	for (i = 0; i < nhost; i++)
		buf_addf(key, "%s%s%s", i == 0 ? "" : sorted[i]->preference ==
		    sorted[i - 1]->preference ? "," : "/", sorted[i]->name,
		    dane[sorted[i]->dane]);
	if (nhost == 0)
		buf_addf(key, "unix:%s", r->via.path);
	else
		buf_addf(key, ":%u", r->port);
	if (r->tls != REMOTE_TLS_OPPORTUNISTIC && nhost > 0)
		buf_addf(key, ";tls=%s", remote_tls_name(r->tls));
	if (*r->user != '\0')
		buf_addf(key, ";user=%s", r->user);
}

/* The newest addresses count. */
static void
far_set_open(struct far *f, const struct route *r, struct resolver_host *host,
    size_t nhost)
{
	static struct ipc_msg	 m;
	struct remote_open	 o = { .lmtp = r->via.lmtp, .tls = r->tls,
	    .port = r->port, .nhost = nhost, .host = host };

	strlcpy(o.unix_path, r->via.path, sizeof(o.unix_path));
	strlcpy(o.user, r->user, sizeof(o.user));
	strlcpy(o.password_file, r->password_file, sizeof(o.password_file));
	if (nhost == 0) {
		o.tls = REMOTE_TLS_OFF;
		o.port = 0;
	}
	proto_remote_put_open(&m, 0, &o);
	free(f->open);
	f->open = xmalloc(m.len);
	memcpy(f->open, m.data, m.len);
	f->open_len = m.len;
}

struct dest *
remotes_dest(struct remotes *all, const struct route *r,
    struct resolver_host *host, size_t nhost)
{
	struct buf	 key;
	struct dest	*d;
	struct far	*f;
	bool		 made;

	buf_init(&key, 16384);
	remotes_key(r, host, nhost, &key);
	d = dests_get(all->dests, &all->kind, buf_cstr(&key), &made);
	buf_free(&key);
	if (d == NULL)
		return NULL;
	if (made) {
		f = xcalloc(1, sizeof(*f));
		f->all = all;
		f->dest = d;
		window_init(&f->window, all->cfg->remote.max_per_destination);
		d->more = f;
	}
	far_set_open(far_of(d), r, host, nhost);
	return d;
}

unsigned int
remotes_count(const struct remotes *all)
{
	return all->count;
}

bool
remotes_reachable(const struct remotes *all)
{
	return !all->told;
}

bool
remote_is(const struct dest *d)
{
	return d->kind->remote;
}

enum window_state
remote_state(const struct dest *d)
{
	return window_state(&far_of(d)->window, io_monotonic_ms());
}

void
remote_view(const struct dest *d, struct remote_view *v)
{
	const struct far	*f = far_of(d);

	v->state = remote_state(d);
	v->connections = d->nchannels;
	v->window = window_jobs(&f->window, io_monotonic_ms());
	v->waiting = d->load - d->given + dest_parked(d);
	v->pause_ms = far_pause(f);
	v->code = f->code;
	v->host = f->host == NULL ? "" : f->host;
	v->text = f->text == NULL ? "" : f->text;
}

void
remote_lift(struct dest *d)
{
	window_lift(&far_of(d)->window, io_monotonic_ms());
	dest_wake(d);
}
