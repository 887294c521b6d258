/* pop3-session: see pop3-session(8). */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/net/session_server.h"
#include "pop3-session/session.h"

static void
usage(FILE *out)
{
	fprintf(out, "usage: pop3-session -S [-c file]\n"
	    "       pop3-session -i -u user -m home [-c file]\n");
}

static void
stop(int sig)
{
	(void)sig;
	stream_stop();
}

static void
refuse(const struct auth_handed *who, enum session_refusal why,
    struct buf *out)
{
	(void)who;
	buf_addstr(out, why == SESSION_REFUSAL_USER ?
	    "-ERR [SYS/TEMP] You have too many sessions already\r\n" :
	    "-ERR [SYS/TEMP] Too many sessions, try again later\r\n");
}

static void
serve(const struct auth_handed *who, int fd, void *arg)
{
	session_serve(arg, who, fd, fd);
}

static int
server(const struct config *conf)
{
	const struct session_server	 s = {
		.name = "pop3",
		.max_sessions = conf->pop3d.net.max_connections,
		.max_per_user = conf->pop3d.max_per_user,
		.drain_timeout = conf->pop3d.net.drain_timeout,
		.refuse = refuse, .serve = serve,
		.arg = (void *)(uintptr_t)conf
	};

	return session_server_run(&s, STDIN_FILENO);
}

/* One session on descriptors 0 and 1 for a user who needs no password. */
static int
by_hand(const struct config *conf, const char *user, const char *home)
{
	static struct auth_handed	 who;
	struct sigaction		 sa = { .sa_handler = stop };

	if (strlcpy(who.user, user, sizeof(who.user)) >= sizeof(who.user) ||
	    strlcpy(who.home, home, sizeof(who.home)) >= sizeof(who.home)) {
		log_warnx("event=argument-too-long");
		return EX_USAGE;
	}
	sigaction(SIGTERM, &sa, NULL);
	session_serve(conf, &who, STDIN_FILENO, STDOUT_FILENO);
	return EX_OK;
}

/*
 * Runs as the uid that owns the mailboxes it serves, with authd's socket as
 * descriptor 0, and talks to clients that have logged in.  Who takes
 * over a child has the mailboxes of that uid, no hash and no key.
 */
int
main(int argc, char **argv)
{
	static const struct option	 longopts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	const struct config		*conf;
	const char			*file = NULL, *user = NULL,
					*home = NULL;
	bool				 serving = false, inetd = false;
	int				 ch;

	log_init("pop3-session");
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "Sc:him:u:", longopts, NULL)) !=
	    -1) {
		switch (ch) {
		case 'S':
			serving = true;
			break;
		case 'c':
			file = optarg;
			break;
		case 'i':
			inetd = true;
			break;
		case 'm':
			home = optarg;
			break;
		case 'u':
			user = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind != argc || serving == inetd ||
	    inetd != (user != NULL) || inetd != (home != NULL)) {
		usage(stderr);
		return EX_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	if (serving)
		privilege_never_root("pop3-session");
	privilege_harden();
	conf = config_need(file);
	return serving ? server(conf) :
	    by_hand(conf, user, home);
}
