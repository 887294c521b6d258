/* Contract in keyd.h: start, timers, signals. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <event2/event.h>

#include "keyd/keyd.h"
#include "keyd/serve.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"

#define CLIENTS_MAX	8192U	/* handshakes at once */
#define LINGER		1	/* seconds, with certificates just changed */

static unsigned int
descriptors(void)
{
	unsigned int	 n = service_descriptors(CLIENTS_MAX + 64);

	return n < 128 ? 64 : n - 64 < CLIENTS_MAX ? n - 64 : CLIENTS_MAX;
}

static void
timer_set(struct event *ev, int64_t ms)
{
	struct timeval	 tv = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };

	if (event_add(ev, &tv) == -1)
		fatalx("event=out-of-memory");
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct keyd	*k = arg;

	(void)fd;
	(void)what;
	(void)keys_look(&k->keys);
	/* Also when nothing changed: the last time may have failed. */
	publish_keys(&k->publish, &k->keys);
	timer_set(k->look, (int64_t)k->conf.keyd.check * 1000);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct keyd	*k = arg;

	(void)fd;
	(void)what;
	timer_set(k->turn, tickets_turn(k->tickets, tickets_now()) + 1);
}

static void
log_lines(const struct buf *err)
{
	const char	*p = buf_cstr(err);
	size_t		 len;

	for (; *p != '\0'; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		log_warnx("event=config-error text=%s",
		    log_esc_slice((struct slice){ p, len }));
	}
}

int
keyd_reload(struct keyd *k, struct buf *err)
{
	struct config	 conf;

	memset(&conf, 0, sizeof(conf));
	if (config_load(k->path, &conf, err) == -1) {
		log_lines(err);
		return -1;
	}
	/* The socket and the file stay where they are. */
	config_free(&k->conf);
	k->conf = conf;
	keys_load(&k->keys, &k->conf, err);
	tickets_set_life(k->tickets, k->conf.keyd.ticket_life,
	    tickets_now());
	publish_keys(&k->publish, &k->keys);
	timer_set(k->look, (int64_t)k->conf.keyd.check * 1000);
	on_turn(-1, 0, k);
	log_info("event=reloaded certificates=%zu of=%zu",
	    keys_good(&k->keys), k->keys.n);
	return err->len == 0 ? 0 : -1;
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct buf	 err;

	(void)sig;
	(void)what;
	buf_init(&err, 65536);
	(void)keyd_reload(arg, &err);	/* which logs what is wrong */
	buf_free(&err);
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	static const struct timeval	 linger = { .tv_sec = LINGER };
	struct keyd			*k = arg;
	bool				 changed;

	(void)sig;
	(void)what;
	/*
	 * The next keyd has only what the files say now: no handshake shall
	 * begin with anything else, and those that have begun are finished.
	 */
	changed = keys_look(&k->keys);
	publish_keys(&k->publish, &k->keys);
	event_base_loopexit(k->base, changed ? &linger : NULL);
}

static struct event *
on_signal(struct keyd *k, int sig, event_callback_fn fn)
{
	struct event	*ev = evsignal_new(k->base, sig, fn, k);

	if (ev == NULL || event_add(ev, NULL) == -1)
		fatalx("event=out-of-memory");
	return ev;
}

/* The first look: all bad is an error that a person must mend. */
static void
load_or_exit(struct keyd *k)
{
	keys_load(&k->keys, &k->conf, NULL);
	if (k->keys.n > 0 && keys_good(&k->keys) == 0) {
		log_warnx("event=no-good-certificate of=%zu", k->keys.n);
		exit(EX_CONFIG);
	}
	if (k->keys.n == 0)
		log_info("event=no-certificates reason=\"no section "
		    "certificate: nothing to do\"");
	publish_init(&k->publish, k->conf.run_dir);
	publish_keys(&k->publish, &k->keys);
}

/* A reload may name keys anywhere: it reads what its uid may. */
static void
wall_in(const struct config *conf)
{
	struct wall	 wall = { .n = 0 };
	char		*own;

	xasprintf(&own, "%s/keyd", conf->run_dir);
	wall_let(&wall, "/", WALL_READ);
	wall_let(&wall, own, WALL_CHANGE);
	wall_settle(&wall, 0);
	free(own);
}

static void
serve(struct keyd *k)
{
	char	*path;
	int	 fd;

	xasprintf(&path, "%s/keyd/keyd.sock", k->conf.run_dir);
	if ((fd = ipc_listen(path, 0666)) == -1)
		fatal("event=listen-failed path=%s", log_esc(path));
	wall_in(&k->conf);
	k->server = ipc_server_new(k->base, fd, k->clients, serve_allow,
	    serve_request, k);
	ipc_server_share(k->server);
	service_ready();
	log_info("event=ready path=%s", log_esc(path));
	free(path);
}

int
keyd_main(const char *path)
{
	struct keyd	 k = { .path = path };
	struct event	*ev[3];
	size_t		 i;

	/* The values of the first look; each reload makes its own. */
	k.conf = *config_need(path);
	k.clients = descriptors();
	if ((k.base = event_base_new()) == NULL ||
	    (k.look = evtimer_new(k.base, on_look, &k)) == NULL ||
	    (k.turn = evtimer_new(k.base, on_turn, &k)) == NULL)
		fatalx("event=no-event-base");
	signal(SIGPIPE, SIG_IGN);
	ev[0] = on_signal(&k, SIGTERM, on_stop);
	ev[1] = on_signal(&k, SIGINT, on_stop);
	ev[2] = on_signal(&k, SIGHUP, on_hup);
	k.tickets = tickets_new(k.conf.keyd.ticket_life, tickets_now());
	load_or_exit(&k);
	serve(&k);
	timer_set(k.look, (int64_t)k.conf.keyd.check * 1000);
	on_turn(-1, 0, &k);
	event_base_dispatch(k.base);
	log_info("event=stopping");
	ipc_server_free(k.server);
	tickets_free(k.tickets);
	keys_free(&k.keys);
	publish_free(&k.publish);
	event_free(k.look);
	event_free(k.turn);
	for (i = 0; i < 3; i++)
		event_free(ev[i]);
	event_base_free(k.base);
	config_free(&k.conf);
	return EX_OK;
}
