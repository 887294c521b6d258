/* imapd: see imapd(8). */
#include <sysexits.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/net/listener.h"
#include "imapd/login.h"

static void
usage(FILE *out)
{
	fprintf(out, "usage: imapd [-i] [-c file]\n");
}

static void
serve(struct listener_conn *conn, void *arg)
{
	login_serve(arg, conn);
}

/* A header of the PROXY protocol would look like a command to us. */
static void
refuse_proxy(const struct config *conf)
{
	size_t	 i;

	for (i = 0; i < conf->imapd.net.nlisten; i++) {
		if (!conf->imapd.net.listen[i].proxy)
			continue;
		fprintf(stderr, "imapd: %s: listen \"%s\": imapd does not know "
		    "the PROXY protocol\n", conf->file,
		    conf->imapd.net.listen[i].address);
		exit(EX_CONFIG);
	}
}

/*
 * Runs as merpati-imapd with the listening sockets from mailbind(8), and
 * talks to strangers.  Who takes over a child sees the passwords of the one
 * client it serves, and may try passwords at authd, with authd's delays; mail
 * and hashes are out of its reach.
 */
int
main(int argc, char **argv)
{
	static const struct option	 longopts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	struct listener_program		 prog = { .name = "imapd",
	    .max_uses = 1, .full_text = "* BYE [UNAVAILABLE] Too "
	    "many connections, try again later\r\n", .serve = serve };
	const struct config		*conf;
	const char			*file = NULL;
	bool				 inetd = false;
	int				 ch;

	log_init("imapd");
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "c:hi", longopts, NULL)) != -1) {
		switch (ch) {
		case 'c':
			file = optarg;
			break;
		case 'i':
			inetd = true;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return EX_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	privilege_harden();
	conf = config_need(file);
	refuse_proxy(conf);
	prog.arg = (void *)(uintptr_t)conf;
	prog.net = &conf->imapd.net;
	prog.exempt = &conf->trusted;
	prog.argv = argv;
	prog.config = conf->file;
	if (inetd)
		return listener_inetd(&prog, NULL);
	privilege_never_root("imapd");
	return listener_run(&prog, NULL, 0);
}
