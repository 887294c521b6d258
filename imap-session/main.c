/* imap-session: see imap-session(8). */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "imap-session/session.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/net/session_server.h"

static void
usage(FILE *out)
{
	fprintf(out, "usage: imap-session -S [-c file]\n"
	    "       imap-session -i -u user -m home [-c file]\n");
}

/* RFC 9051 7.1.5; RFC 5530 3 */
static void
refuse(const struct auth_handed *who, enum session_refusal why,
    struct buf *out)
{
	const char	*text = why == SESSION_REFUSAL_USER ?
	    "[LIMIT] You have too many sessions already" :
	    "[UNAVAILABLE] Too many sessions, try again later";

	buf_addf(out, "%s NO %s\r\n* BYE %s\r\n", who->tag, text, text);
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
		.name = "imap",
		.max_sessions = conf->imapd.net.max_connections,
		.max_per_user = conf->imapd.max_per_user,
		.drain_timeout = conf->imapd.net.drain_timeout,
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

	if (strlcpy(who.user, user, sizeof(who.user)) >= sizeof(who.user) ||
	    strlcpy(who.home, home, sizeof(who.home)) >= sizeof(who.home)) {
		log_warnx("event=argument-too-long");
		return EX_USAGE;
	}
	stream_stop_on(SIGTERM);
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
	bool				 handed = false, inetd = false;
	int				 ch;

	log_init("imap-session");
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "Sc:him:u:", longopts, NULL)) !=
	    -1) {
		switch (ch) {
		case 'S':
			handed = true;
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
	if (optind != argc || handed == inetd ||
	    inetd != (user != NULL) || inetd != (home != NULL)) {
		usage(stderr);
		return EX_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	if (handed)
		privilege_never_root("imap-session");
	privilege_harden();
	conf = config_need(file);
	return handed ? server(conf) : by_hand(conf, user, home);
}
