/* Contract in session_program.h. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/boot.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/net/session_program.h"
#include "lib/net/stream.h"

/* What serve() of the server gets. */
struct session_start {
	const struct session_program	*prog;
	const struct config		*conf;
};

struct session_options {
	const char	*file, *user, *home;
	bool		 handed, inetd;		/* -S, -i */
};

static int
session_usage(FILE *out, const char *name, int code)
{
	fprintf(out, "usage: %s -S [-c file]\n"
	    "       %s -i -u user -m home [-c file]\n", name, name);
	return code;
}

static void
session_serve(const struct auth_handed *who, int fd,
    const struct session_parked *parked, void *arg)
{
	const struct session_start	*start = arg;

	start->prog->serve(start->conf, who, fd, fd, parked);
}

static int
session_server(const struct session_program *p, const struct config *conf)
{
	struct session_start		 start = { p, conf };
	const struct config_listeners	*net = p->role == ROLE_POP3 ?
	    &conf->pop3d.net : &conf->imapd.net;
	const struct session_server	 s = {
		.name = p->service,
		.max_sessions = net->max_connections,
		.max_per_user = p->role == ROLE_POP3 ?
		    conf->pop3d.max_per_user : conf->imapd.max_per_user,
		.drain_timeout = net->drain_timeout,
		.refuse = p->refuse, .serve = session_serve, .arg = &start
	};

	return session_server_run(&s, STDIN_FILENO);
}

/* One session on descriptors 0 and 1 for a user who needs no password. */
static int
session_by_hand(const struct session_program *p, const struct config *conf,
    const struct session_options *o)
{
	static struct auth_handed	 who;

	if (strlcpy(who.user, o->user, sizeof(who.user)) >=
	    sizeof(who.user) ||
	    strlcpy(who.home, o->home, sizeof(who.home)) >=
	    sizeof(who.home)) {
		log_warnx("event=argument-too-long");
		return EX_USAGE;
	}
	stream_stop_on(SIGTERM);
	p->serve(conf, &who, STDIN_FILENO, STDOUT_FILENO, NULL);
	return EX_OK;
}

static int
session_run(const struct session_program *p, const struct session_options *o)
{
	const struct config	*conf;

	signal(SIGPIPE, SIG_IGN);
	if (o->handed)
		privilege_never_root(p->name);
	privilege_harden();
	conf = config_need(o->file);
	wall_start(0);
	(void)boot_id();	/* once for all sessions */
	return o->handed ? session_server(p, conf) :
	    session_by_hand(p, conf, o);
}

int
session_program_main(const struct session_program *p, int argc, char **argv)
{
	static const struct option	 longopts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	struct session_options		 o = { .handed = false };
	int				 ch;

	log_init(p->name);
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "Sc:him:u:", longopts, NULL)) !=
	    -1) {
		switch (ch) {
		case 'S':
			o.handed = true;
			break;
		case 'c':
			o.file = optarg;
			break;
		case 'i':
			o.inetd = true;
			break;
		case 'm':
			o.home = optarg;
			break;
		case 'u':
			o.user = optarg;
			break;
		case 'h':
			return session_usage(stdout, p->name, EX_OK);
		default:
			return session_usage(stderr, p->name, EX_USAGE);
		}
	}
	if (optind != argc || o.handed == o.inetd ||
	    o.inetd != (o.user != NULL) || o.inetd != (o.home != NULL))
		return session_usage(stderr, p->name, EX_USAGE);
	return session_run(p, &o);
}
