/* Contract in app_log.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "authd/app_log.h"
#include "authd/tables.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/app_uses.h"

#define WRITE_SECONDS	60

struct app_log {
	struct app_uses		*uses;
	const struct tables	*tables;
	struct event		*timer;
	char			*path;
	bool			 changed;
};

int
app_log_print(const struct app_log *l, struct buf *out)
{
	return app_uses_print(l->uses, l->tables->apps, out);
}

static void
app_log_write(struct app_log *l)
{
	struct buf	 b;

	buf_init(&b, APP_USES_MAX);
	if (app_log_print(l, &b) == -1 ||
	    io_replace_file(l->path, buf_cstr(&b), b.len, 0600) == -1)
		log_warn("event=state-failed path=%s", log_esc(l->path));
	else
		l->changed = false;
	buf_free(&b);
}

static void
app_log_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	app_log_write(arg);
}

struct app_log *
app_log_new(struct event_base *base, const char *state,
    const struct tables *tables)
{
	struct app_log	*l = xcalloc(1, sizeof(*l));
	struct buf	 b;

	l->tables = tables;
	l->uses = app_uses_new();
	xasprintf(&l->path, "%s/" APP_USES_FILE, state);
	l->timer = event_new(base, -1, 0, app_log_timer, l);
	if (l->timer == NULL)
		fatalx("event=out-of-memory");
	buf_init(&b, APP_USES_MAX);
	if (io_read_file(AT_FDCWD, l->path, &b) == 0)
		app_uses_read(l->uses, buf_slice(&b));
	else if (errno != ENOENT)
		log_warn("event=state-failed path=%s", log_esc(l->path));
	buf_free(&b);
	return l;
}

void
app_log_free(struct app_log *l)
{
	if (l == NULL)
		return;
	if (l->changed)
		app_log_write(l);
	event_free(l->timer);
	app_uses_free(l->uses);
	free(l->path);
	free(l);
}

void
app_log_note(struct app_log *l, const char *user, const char *name,
    const char *service, const char *ip)
{
	struct timeval	 soon = { .tv_sec = WRITE_SECONDS };

	app_uses_note(l->uses, user, name, time(NULL), service, ip);
	l->changed = true;
	if (!event_pending(l->timer, EV_TIMEOUT, NULL))
		event_add(l->timer, &soon);
}
