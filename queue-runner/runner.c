/* Contract in runner.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/bell.h"
#include "queue-runner/channel.h"
#include "queue-runner/control.h"
#include "queue-runner/message.h"
#include "queue-runner/scan.h"

#define ACTIVE		600	/* messages in flight */
#define OTHERS		400	/* descriptors for all else */
#define STARTS		4	/* messages a turn of the loop */
#define TICK		10	/* seconds */
#define STOP		5	/* seconds for what is in flight */
#define DUE		1000	/* entries a turn of the loop */
#define FILES		4096	/* descriptors wanted */
#define LOG_US		50000	/* lines about letters are gathered so long */

int64_t
runner_now(void)
{
	return io_time_us() / 1000000;
}

int64_t
runner_ours(const struct runner *q)
{
	unsigned int	 s = RUNNER_OURS;

	if (q->cfg->queue.retry.item[0] < s)
		s = q->cfg->queue.retry.item[0];
	return runner_now() + s;
}

bool
runner_remote_full(const struct runner *q)
{
	return q->remote_active >= q->most_active - q->most_active / 4;
}

/* Set the timer to the next try, if it is not. */
static void
runner_arm(struct runner *q)
{
	struct timeval	 tv;
	int64_t		 next = schedule_next(q->schedule), us;

	if (next == q->armed || q->stopping)
		return;
	q->armed = next;
	if (next == 0) {
		event_del(q->due);
		return;
	}
	us = next * 1000000 - io_time_us();
	/* A clock that jumps is noticed at the next tick. */
	if (us < 0)
		us = 0;
	if (us > TICK * INT64_C(1000000))
		us = TICK * INT64_C(1000000);
	tv.tv_sec = us / 1000000;
	tv.tv_usec = us % 1000000;
	if (event_add(q->due, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
runner_due(int fd, short what, void *arg)
{
	struct runner	*q = arg;

	(void)fd;
	(void)what;
	q->armed = 0;
	schedule_due(q->schedule, runner_now(), DUE);
	runner_arm(q);
	runner_dispatch(q);
}

void
runner_add(struct runner *q, const char *id, bool queued, bool again)
{
	struct entry	*e;

	if ((e = schedule_add(q->schedule, id, queued)) == NULL)
		return;
	e->again = again;
	schedule_ready(q->schedule, e);
}

void
runner_wait(struct runner *q, struct entry *e, int64_t when)
{
	schedule_wait(q->schedule, e, when);
	runner_arm(q);
}

void
runner_retry(struct runner *q, struct entry *e)
{
	if (e->state == ENTRY_WAITING)
		schedule_ready(q->schedule, e);
}

/* Messages that wait for room in turn with those nobody has looked at. */
static struct entry *
runner_choose(struct runner *q)
{
	struct entry	*e = NULL;

	if (q->active >= q->most_active)
		return NULL;
	if (++q->turn % 2 == 0)
		e = dests_unpark(q->dests, !runner_remote_full(q));
	if (e == NULL)
		e = schedule_pop(q->schedule);
	if (e == NULL)
		e = dests_unpark(q->dests, !runner_remote_full(q));
	return e;
}

void
runner_dispatch(struct runner *q)
{
	struct entry	*e;
	unsigned int	 n = 0;
	bool		 more;

	q->again = true;
	if (q->dispatching)
		return;
	q->dispatching = true;
	more = dests_pump(q->dests);
	while (q->again && !q->stopping && n < STARTS) {
		q->again = false;
		while (!q->stopping && n < STARTS &&
		    (e = runner_choose(q)) != NULL) {
			message_start(q, e);
			n++;
		}
	}
	q->dispatching = false;
	if (more || n == STARTS)
		event_active(q->more, EV_TIMEOUT, 0);
	if (q->stopping && q->active == 0)
		event_base_loopexit(q->base, NULL);
}

void
runner_dispatch_soon(struct runner *q)
{
	if (q->dispatching)
		q->again = true;
	else
		event_active(q->more, EV_TIMEOUT, 0);
}

static void
runner_more(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	runner_dispatch(arg);
}

static void
runner_tick(int fd, short what, void *arg)
{
	struct timeval	 tv = { .tv_sec = TICK };
	struct runner	*q = arg;
	struct dest	*d;

	(void)fd;
	(void)what;
	mailboxes_tick(q->mailboxes);
	finder_tick(q->finder);
	for (d = dests_next(q->dests, NULL); d != NULL;
	    d = dests_next(q->dests, d))
		dest_tick(d);
	dests_tick(q->dests);
	q->armed = 0;
	runner_arm(q);
	runner_dispatch(q);
	if (event_add(q->tick, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
runner_stop_now(int fd, short what, void *arg)
{
	struct runner	*q = arg;

	(void)fd;
	(void)what;
	log_warnx("event=stop-impatient active=%u", q->active);
	event_base_loopbreak(q->base);
}

static void
runner_signal(int sig, short what, void *arg)
{
	struct timeval	 tv = { .tv_sec = STOP };
	struct runner	*q = arg;
	struct dest	*d;

	(void)what;
	if (sig == SIGCHLD) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			control_lister_gone(q->control);
		return;
	}
	if (q->stopping)
		return;
	q->stopping = true;
	log_info("event=stopping active=%u", q->active);
	bell_free(q->bell);
	scan_free(q->scan);
	q->bell = NULL;
	q->scan = NULL;
	event_del(q->due);
	event_add(q->stop, &tv);
	for (d = dests_next(q->dests, NULL); d != NULL;
	    d = dests_next(q->dests, d))
		dest_fail_waiting(d, LOSS_OURS);
	runner_dispatch(q);
}

/* A line about each letter is a wake-up of the log's writer for each. */
static void
runner_log_begun(void *arg)
{
	struct timeval	 tv = { .tv_usec = LOG_US };
	struct runner	*q = arg;

	if (event_add(q->log, &tv) == -1)
		log_flush();
}

static void
runner_log(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	log_flush();
}

static struct event *
runner_event(struct runner *q, int fd, short what, event_callback_fn fn)
{
	struct event	*ev;

	if ((ev = event_new(q->base, fd, what, fn, q)) == NULL)
		fatalx("event=out-of-memory");
	return ev;
}

static void
runner_events(struct runner *q)
{
	static const int	 signals[] = { SIGTERM, SIGINT, SIGCHLD };
	struct event_config	*ec;
	size_t			 i;

	if ((ec = event_config_new()) == NULL ||
	    event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK) == -1 ||
	    (q->base = event_base_new_with_config(ec)) == NULL ||
	    event_base_priority_init(q->base, CHANNEL_PRIORITIES) == -1)
		fatalx("event=no-event-loop");
	event_config_free(ec);
	q->due = runner_event(q, -1, 0, runner_due);
	q->tick = runner_event(q, -1, 0, runner_tick);
	q->more = runner_event(q, -1, 0, runner_more);
	q->stop = runner_event(q, -1, 0, runner_stop_now);
	q->log = runner_event(q, -1, 0, runner_log);
	log_gather(runner_log_begun, q);
	for (i = 0; i < 3; i++) {
		q->signals[i] = runner_event(q, signals[i], EV_SIGNAL |
		    EV_PERSIST, runner_signal);
		if (event_add(q->signals[i], NULL) == -1)
			fatalx("event=out-of-memory");
	}
	signal(SIGPIPE, SIG_IGN);
}

/* A message in flight has two files. */
static void
runner_limits(struct runner *q)
{
	unsigned int	 files = service_descriptors(FILES);

	q->most_active = ACTIVE;
	if (files < 2 * ACTIVE + OTHERS)
		q->most_active = files < 2 * 50 + OTHERS ? 50 :
		    (files - OTHERS) / 2;
}

static char *
runner_path(const struct config *cfg, const char *name)
{
	char	*path;

	xasprintf(&path, "%s/%s", cfg->run_dir, name);
	return path;
}

static void
runner_free(struct runner *q)
{
	size_t	 i;

	log_gather(NULL, NULL);
	control_free(q->control);
	bell_free(q->bell);
	scan_free(q->scan);
	finder_free(q->finder);
	dests_free(q->dests);
	remotes_free(q->remotes);
	routes_free(q->routes);
	workers_free(q->workers);
	mailboxes_free(q->mailboxes);
	schedule_free(q->schedule);
	poison_close(q->poison);
	files_close_spool(&q->files);
	event_free(q->due);
	event_free(q->tick);
	event_free(q->stop);
	event_free(q->more);
	event_free(q->log);
	for (i = 0; i < 3; i++)
		event_free(q->signals[i]);
	event_base_free(q->base);
}

static void
runner_ready(void *arg)
{
	runner_dispatch_soon(arg);
}

int
runner_main(const struct config *cfg)
{
	struct remotes_calls	 calls = relay_calls;
	struct runner	 q;
	char		*authd = runner_path(cfg, "authd/authd.sock");
	char		*resolver = runner_path(cfg, "resolver/resolver.sock");
	char		*remote = runner_path(cfg, "remote/remote.sock");
	char		*control = runner_path(cfg, "queue/control.sock");

	memset(&q, 0, sizeof(q));
	q.cfg = cfg;
	q.started = runner_now();
	LIST_INIT(&q.messages);
	runner_limits(&q);
	if (files_open_spool(&q.files, cfg->spool_dir) == -1)
		fatal("event=spool-unusable path=%s", log_esc(cfg->spool_dir));
	if ((q.poison = poison_open(q.files.queuefd)) == NULL)
		fatal("event=ledger-unusable");
	runner_events(&q);
	q.schedule = schedule_new();
	q.mailboxes = mailboxes_new(q.base, authd);
	q.dests = dests_new(q.schedule, runner_ready, &q);
	q.workers = workers_new(q.base, q.mailboxes, q.dests,
	    cfg->queue.workers, &attempt_calls);
	calls.arg = &q;
	q.routes = routes_new(cfg);
	q.remotes = remotes_new(q.base, q.dests, cfg, remote, &calls);
	q.finder = finder_new(q.base, q.routes, q.remotes, q.dests,
	    q.schedule, resolver, runner_ready, &q);
	if ((q.control = control_new(&q, control)) == NULL)
		fatal("event=control-unusable path=%s", log_esc(control));
	if ((q.bell = bell_new(&q)) == NULL)
		fatal("event=trigger-unusable");
	q.scan = scan_new(&q);
	runner_tick(-1, 0, &q);
	log_info("event=started spool=%s", log_esc(cfg->spool_dir));
	service_ready();
	event_base_dispatch(q.base);
	log_info("event=stopped active=%u", q.active);
	while (!LIST_EMPTY(&q.messages))
		message_drop(LIST_FIRST(&q.messages));
	runner_free(&q);
	free(authd);
	free(resolver);
	free(remote);
	free(control);
	return EX_OK;
}
