/* Contract in workers.h. */
#include <stdlib.h>

#include "authd/homes.h"
#include "authd/lookup.h"
#include "authd/spawn.h"
#include "authd/workers.h"
#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

struct worker_wait {
	struct authd		*a;
	struct ipc_client	*client;
	uint64_t		 id;
	struct spawn_server	 what;
};

static void
worker_end(struct worker_wait *w, int fd)
{
	static struct ipc_msg	 m;

	proto_auth_put_worker(&m, w->id, fd);
	ipc_client_answer(w->client, &m);
	ipc_client_unref(w->client);
	io_close(fd);
	free(w);
}

static void
worker_up(const struct spawn_answer *a, void *arg)
{
	struct worker_wait	*w = arg;

	if (a->status != SPAWN_OK)
		log_warnx("event=worker-failed uid=%lu reason=%s",
		    (unsigned long)w->what.uid, log_esc(a->text));
	worker_end(w, a->fd);
}

static void
worker_at_home(enum spawn_status home, void *arg)
{
	struct worker_wait	*w = arg;

	if (home != SPAWN_OK)
		worker_end(w, -1);
	else
		spawn_ask_server(w->a->spawn, &w->what, worker_up, w);
}

void
workers_start(struct authd *a, struct ipc_client *client, uint64_t id,
    const char *user)
{
	struct worker_wait	*w = xcalloc(1, sizeof(*w));
	const struct user	*u = lookup_login(&a->tables, user);
	char			 home[AUTH_HOME_MAX];

	w->a = a;
	w->client = client;
	w->id = id;
	ipc_client_ref(client);
	if (u == NULL) {
		log_warnx("event=worker-failed user=%s reason=\"no such "
		    "user\"", log_esc(user));
		worker_end(w, -1);
		return;
	}
	w->what = (struct spawn_server){ SPAWN_DELIVER, u->uid, u->gid };
	lookup_home(a->conf, u, home);
	homes_ensure(a->spawn, home, u->uid, u->gid, worker_at_home, w);
}
