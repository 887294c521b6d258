/* Contract in helper_service.h. */
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include <event2/event.h>

#include "lib/base/helper_service.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"

static bool
allow(uid_t uid, gid_t gid, void *arg)
{
	(void)arg;
	return privilege_is_service(uid, "merpati-auth") ||
	    privilege_is_admin(uid, gid);
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

static struct event *
on_signal(struct event_base *base, int sig)
{
	struct event	*ev = evsignal_new(base, sig, on_stop, base);

	if (ev == NULL || event_add(ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return ev;
}

static struct ipc_server *
serve(struct helper_service *hs, struct event_base *base)
{
	struct ipc_server	*server;
	char			*path;
	int			 fd;

	xasprintf(&path, "%s/%s/%s.sock", hs->run_dir, hs->name, hs->name);
	if ((fd = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	if (hs->wall != NULL)
		wall_settle(hs->wall, WALL_INET | WALL_LOOKUP);
	server = ipc_server_new(base, fd, HELPER_SERVICE_CLIENTS, allow,
	    hs->request, hs->arg);
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	free(path);
	return server;
}

int
helper_service_run(struct helper_service *hs)
{
	struct event_base	*base = event_base_new();
	struct ipc_server	*server;
	struct event		*term, *interrupt;

	if (base == NULL)
		fatalx("event=no-event-base");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	term = on_signal(base, SIGTERM);
	interrupt = on_signal(base, SIGINT);
	if (hs->idle == NULL)
		hs->helpers = helpers_new(base, &hs->kind);
	else
		log_info("event=idle reason=\"%s\"", hs->idle);
	server = serve(hs, base);
	event_base_dispatch(base);
	log_info("event=stopping");
	ipc_server_free(server);
	helpers_free(hs->helpers);
	event_free(term);
	event_free(interrupt);
	event_base_free(base);
	return EX_OK;
}
