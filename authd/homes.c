/* Contract in homes.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <bsd/string.h>

#include "authd/homes.h"
#include "authd/spawn.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct homes_wait {
	homes_fn	*fn;
	void		*arg;
	char		 path[SPAWN_PATH_MAX];
};

static void
homes_made(const struct spawn_answer *a, void *arg)
{
	struct homes_wait	*w = arg;

	io_close(a->fd);
	if (a->status != SPAWN_OK)
		log_warnx("event=home-failed path=%s reason=%s",
		    log_esc(w->path), log_esc(a->text));
	w->fn(a->status, w->arg);
	free(w);
}

void
homes_ensure(struct spawn *s, const char *home, uint32_t uid, uint32_t gid,
    homes_fn *fn, void *arg)
{
	struct spawn_home	 ask = { .uid = uid, .gid = gid };
	struct homes_wait	*w;
	struct stat		 st;

	/*
	 * Only a home that is surely missing is made.  What cannot be seen from
	 * here (EACCES) is judged by the program that runs in it.
	 */
	if (stat(home, &st) == 0 || errno != ENOENT) {
		fn(SPAWN_OK, arg);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	strlcpy(w->path, home, sizeof(w->path));
	strlcpy(ask.path, home, sizeof(ask.path));
	spawn_ask_home(s, &ask, homes_made, w);
}
