/* imap-session: see imap-session(8). */
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
#include "imap-session/session.h"

static void
usage(FILE *out)
{
	fprintf(out, "usage: imap-session -i -u user -m home [-c file]\n");
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
 * Runs as the uid that owns the mailboxes it serves and talks to clients that
 * have logged in.  Who takes
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
	bool				 inetd = false;
	int				 ch;

	log_init("imap-session");
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "c:him:u:", longopts, NULL)) !=
	    -1) {
		switch (ch) {
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
	if (optind != argc || !inetd || user == NULL || home == NULL) {
		usage(stderr);
		return EX_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	privilege_harden();
	conf = config_need(file);
	return by_hand(conf, user, home);
}
