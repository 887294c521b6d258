/*
 * mailctl(8): the admin's tool.  Runs as its caller, reads the configuration
 * and asks the programs over their control sockets, which check who asks;
 * `user', `app-password' and `certificate' alone write files.  Hostile here:
 * what strangers put into messages and logs, which is shown without control
 * characters.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/log.h"
#include "mailctl/mailctl.h"
#include "mailctl/user_parts.h"

static const struct {
	const char	*name;
	int		(*fn)(struct mailctl *, int argc, char **argv);
} commands[] = {
	{ "user", cmd_user },
	{ "app-password", cmd_app_password },
	{ "alias", cmd_alias },
	{ "queue", cmd_queue },
	{ "certificate", cmd_certificate },
	{ "check", cmd_check },
	{ "status", cmd_status },
	{ "reload", cmd_reload },
	{ "trace", cmd_trace },
	{ "route", cmd_route },
	{ "dns", cmd_dns },
	{ "client-config", cmd_client_config },
};

static void
usage(FILE *f)
{
	fprintf(f, "usage: mailctl [-c file] user add | del | passwd | list | "
	    "show |\n"
	    "               certificate ...\n"
	    "       mailctl [-c file] app-password add | list | revoke ...\n"
	    "       mailctl [-c file] alias list | check\n"
	    "       mailctl [-c file] queue list | destinations | show | "
	    "retry | hold |\n"
	    "               release | remove | reroute ...\n"
	    "       mailctl [-c file] certificate [list] | install ...\n"
	    "       mailctl [-c file] check | status | reload\n"
	    "       mailctl [-c file] trace id\n"
	    "       mailctl [-c file] route domain\n"
	    "       mailctl [-c file] dns [domain]\n"
	    "       mailctl [-c file] client-config thunderbird | outlook | "
	    "apple ...\n");
}

int
main(int argc, char **argv)
{
	struct mailctl	 m = { 0 };
	size_t		 i;
	int		 at, code;

	log_init("mailctl");
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;	/* each command prints its own usage */
	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "-h") == 0 ||
		    strcmp(argv[at], "--help") == 0) {
			usage(stdout);
			return EX_OK;
		}
		if (strcmp(argv[at], "--json") == 0)
			m.json = true;
		else if (strcmp(argv[at], "-c") == 0 && at + 1 < argc)
			m.file = argv[++at];
		else
			break;
	}
	for (i = 0; at < argc && i < sizeof(commands) / sizeof(commands[0]);
	    i++) {
		if (strcmp(argv[at], commands[i].name) != 0)
			continue;
		code = commands[i].fn(&m, argc - at, argv + at);
		if (fflush(stdout) == EOF && errno != EPIPE && code == EX_OK)
			code = complain(EX_IOERR, "standard output: %s",
			    strerror(errno));
		return code;
	}
	usage(stderr);
	return EX_USAGE;
}
