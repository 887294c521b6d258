/* Contract in share.h. */
#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "queue-runner/share.h"

#define TURN		20	/* jobs, when others want a connection */
#define WORTH_MS	100	/* of waiting: another connection pays */
#define IDLE_MS		1000	/* then a connection may go to another */
#define AGAIN_MS	100	/* remote accepts slower than we connect */

struct far *
far_of(const struct dest *d)
{
	return d->more;
}

unsigned int
share_limit(const struct dest *d)
{
	return window_jobs(&far_of(d)->window, io_monotonic_ms());
}

static void
far_feed_later(struct remotes *all, int ms)
{
	struct timeval	 tv = { .tv_usec = ms * 1000 };

	if (!event_pending(all->feed, EV_TIMEOUT, NULL) &&
	    event_add(all->feed, &tv) == -1)
		fatalx("event=out-of-memory");
}

static struct far_list *
far_queue(struct far *f)
{
	return &f->all->hungry[f->last_in];
}

static void
far_starve(struct far *f)
{
	if (f->is_hungry)
		return;
	f->last_in = f->window.failures > 0;
	f->starving = f->dest->nchannels == 0;
	f->all->starving += f->starving;
	TAILQ_INSERT_TAIL(far_queue(f), f, hungry);
	f->is_hungry = true;
}

void
share_sate(struct far *f)
{
	if (!f->is_hungry)
		return;
	TAILQ_REMOVE(far_queue(f), f, hungry);
	f->all->starving -= f->starving;
	f->is_hungry = false;
}

void
share_idle(struct channel *k)
{
	TAILQ_INSERT_TAIL(&far_of(k->dest)->all->idle, k, idle);
	k->is_idle = true;
}

void
share_busy(struct channel *k)
{
	if (k->is_idle)
		TAILQ_REMOVE(&far_of(k->dest)->all->idle, k, idle);
	k->is_idle = false;
}

/* When there are not enough connections, each destination has as many. */
static unsigned int
remotes_share(const struct remotes *all)
{
	unsigned int	 n = all->served + all->starving;
	unsigned int	 max = all->cfg->remote.max_connections;

	return n == 0 ? max : n >= max ? 1 : max / n;
}

/*
 * Close a connection that is idle: another destination may need it in a
 * moment, so one that has its share takes only what was idle for a while.
 */
static bool
far_takes_idle(const struct far *f)
{
	struct channel	*k = TAILQ_FIRST(&f->all->idle);

	if (k == NULL || (f->dest->nchannels >= remotes_share(f->all) &&
	    io_monotonic_ms() - k->since < IDLE_MS))
		return false;
	channel_close(k);
	return true;
}

/*
 * A quarter of all connections is for destinations that have been seen to
 * work, half for those and new ones: however many hang, others go on.
 */
static bool
far_may_connect(struct far *f)
{
	struct remotes	*all = f->all;
	unsigned int	 max = all->cfg->remote.max_connections;

	if (max > 3 && ((f->window.failures > 0 && all->fresh >= max / 2) ||
	    (f->window.went_well == 0 && all->fresh >= max - max / 4)))
		return false;
	return all->count < max || far_takes_idle(f);
}

/*
 * Messages in sight, not more than can be on their way, and one that is at
 * hand when one of them has gone.
 */
bool
share_room(const struct dest *d)
{
	const struct far	*f = far_of(d);
	unsigned int		 jobs = share_limit(d), most;

	if (jobs > 1 && f->window.went_well == 0)
		jobs = 1;
	if (f->all->count >= f->all->cfg->remote.max_connections) {
		most = remotes_share(f->all);
		if (most < d->nchannels)
			most = d->nchannels;
		if (jobs > most)
			jobs = most;
	}
	return d->load < jobs + (d->nchannels > 0 &&
	    f->window.went_well != 0 && jobs > 0);
}

static int
far_open(struct far *f, int sock)
{
	static struct ipc_msg	 m;

	ipc_start(&m, "open", 0);
	memcpy(m.data, f->open, f->open_len);
	m.len = f->open_len;
	m.data[m.len] = '\0';
	return ipc_send(sock, &m, 0);
}

static void
remotes_away(struct remotes *all)
{
	if (!all->told)
		log_warn("event=remote-unreachable path=%s",
		    log_esc(all->path));
	all->told = true;
}

/* A new connection; 0, -1: none now, and waiting makes sense only if EAGAIN. */
static int
far_connect(struct far *f)
{
	struct remotes	*all = f->all;
	int		 sock;

	if ((sock = ipc_connect_now(all->path)) == -1)
		return -1;
	if (far_open(f, sock) == -1) {
		io_close(sock);
		return -1;
	}
	if (all->told)
		log_info("event=remote-back");
	all->told = false;
	all->count++;
	all->fresh++;
	all->served += f->dest->nchannels == 0;
	share_idle(channel_new(all->base, f->dest, sock));
	return 0;
}

/* Look again when a job may have taken too long. */
static void
far_wait(struct far *f)
{
	struct timeval	 tv = { .tv_usec = WORTH_MS * 1000 };
	struct remotes	*all = f->all;

	if (f->is_patient)
		return;
	f->is_patient = true;
	TAILQ_INSERT_TAIL(&all->patient, f, patient);
	if (!event_pending(all->hurry, EV_TIMEOUT, NULL) &&
	    event_add(all->hurry, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
remotes_hurry(int fd, short what, void *arg)
{
	struct remotes	*all = arg;
	struct far	*f, *last = TAILQ_LAST(&all->patient, far_list);
	bool		 end = last == NULL;

	(void)fd;
	(void)what;
	while (!end && (f = TAILQ_FIRST(&all->patient)) != NULL) {
		end = f == last;
		TAILQ_REMOVE(&all->patient, f, patient);
		f->is_patient = false;
		dest_pump(f->dest);
	}
}

/*
 * Is there so much to do, or a job under way for so long, that a connection
 * more is worth its while?
 */
static bool
far_worth(const struct far *f)
{
	const struct dest	*d = f->dest;
	const struct channel	*k;
	int64_t			 now = io_monotonic_ms();
	int64_t			 n = d->load - d->given + dest_parked(d);

	if (n * f->job_ms16 / 16 >= (int64_t)d->nchannels * WORTH_MS)
		return true;
	LIST_FOREACH(k, &d->channels, entry)
		if (k->njobs > 0 && now - k->since >= WORTH_MS)
			return true;
	return d->nchannels == 0;
}

void
share_want(struct dest *d)
{
	struct far	*f = far_of(d);

	/* One that came back from a lost connection: nobody will wake it. */
	if (share_limit(d) == 0) {
		dest_fail_waiting(d, LOSS_PAUSED);
		return;
	}
	if (d->nchannels >= share_limit(d))
		return;
	if (!far_worth(f)) {
		far_wait(f);
		return;
	}
	/* One until it has answered: it may be one of many that hang. */
	if (f->window.went_well == 0 && d->nchannels > 0)
		return;
	if (!far_may_connect(f)) {
		if (d->nchannels < remotes_share(f->all))
			far_starve(f);
		else
			far_wait(f);
		return;
	}
	if (far_connect(f) == 0) {
		share_sate(f);
		dest_pump(d);
		return;
	}
	if (errno == EAGAIN) {
		far_starve(f);
		far_feed_later(f->all, AGAIN_MS);
		return;
	}
	remotes_away(f->all);
	share_sate(f);
	if (d->nchannels == 0)
		dest_fail_waiting(d, LOSS_OURS);
}

static void
far_list_feed(struct far_list *list)
{
	struct far	*f, *last = TAILQ_LAST(list, far_list);
	bool		 end;

	while ((f = TAILQ_FIRST(list)) != NULL && far_may_connect(f)) {
		end = f == last;
		share_sate(f);
		dest_pump(f->dest);
		if (end || f->all->told)
			break;
	}
}

static bool
remotes_hungry(const struct remotes *all)
{
	return !TAILQ_EMPTY(&all->hungry[0]) || !TAILQ_EMPTY(&all->hungry[1]);
}

/* There may be a connection for those who want one. */
static void
remotes_feed(int fd, short what, void *arg)
{
	struct remotes	*all = arg;

	(void)fd;
	(void)what;
	far_list_feed(&all->hungry[0]);
	far_list_feed(&all->hungry[1]);
}

void
share_closed(struct channel *k)
{
	struct remotes	*all = far_of(k->dest)->all;

	share_busy(k);
	all->count--;
	all->served -= k->dest->nchannels == 0;
	if (k->done == 0)
		all->fresh--;
	if (remotes_hungry(all))
		far_feed_later(all, 0);
}

bool
share_yields(const struct channel *k)
{
	const struct remotes	*all = far_of(k->dest)->all;
	unsigned int		 max = all->cfg->remote.max_connections;

	return remotes_hungry(all) && all->count >= max &&
	    (k->dest->nchannels > remotes_share(all) ||
	    (k->done % TURN == 0 && all->served + all->starving > max));
}

void
share_result(struct channel *k, int64_t ms)
{
	struct far	*f = far_of(k->dest);

	f->job_ms16 += (ms * 16 - f->job_ms16) / 8;
	if (k->done != 1)
		return;
	f->all->fresh--;
	if (remotes_hungry(f->all))
		far_feed_later(f->all, 0);
}

void
share_forget(struct far *f)
{
	share_sate(f);
	if (f->is_patient)
		TAILQ_REMOVE(&f->all->patient, f, patient);
}

void
share_init(struct remotes *all)
{
	TAILQ_INIT(&all->idle);
	TAILQ_INIT(&all->hungry[0]);
	TAILQ_INIT(&all->hungry[1]);
	TAILQ_INIT(&all->patient);
	all->feed = event_new(all->base, -1, 0, remotes_feed, all);
	all->hurry = event_new(all->base, -1, 0, remotes_hurry, all);
	if (all->feed == NULL || all->hurry == NULL)
		fatalx("event=out-of-memory");
}

void
share_end(struct remotes *all)
{
	event_free(all->feed);
	event_free(all->hurry);
}
