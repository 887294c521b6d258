/*
 * mailbind: the first link of a service's chain.  Opens the listening sockets
 * that the configuration names, becomes the service's user, empties the
 * environment, executes the program.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/xmalloc.h"
#include "mailbind/chain.h"
#include "mailbind/restore.h"

#define HOLDER	"fdholder/fdholder.sock"	/* below run-dir */
#define HOLDER_WAIT_MS	1000	/* they start at the same time */

static void
usage(FILE *to)
{
	fputs("usage: mailbind [-c file] service program [arg ...]\n"
	    "       mailbind [-c file] -r\n"
	    "services: authd imapd keyd pamd pop3d queue-runner remote "
	    "resolver smtpd spawner tokend\n", to);
}

/* Open, drop, execute. */
static int
start(const struct chain_service *service, struct sockets *s,
    const struct config *cf, char **program)
{
	struct buf	 listen;

	sockets_open(s);
	buf_init(&listen, 65536);
	if (sockets_format(s, &listen) == -1)
		fatal("event=listen-list service=%s", service->name);
	sockets_only(s, chain_notify_fd());
	/* A connection is a descriptor. */
	(void)service_descriptors(65536);
	chain_environment(buf_cstr(&listen), cf->file);
	if (service->user != NULL)
		privilege_drop(service->user);
	execvp(program[0], program);
	log_warn("event=exec-failed service=%s program=%s", service->name,
	    log_esc(program[0]));
	return EX_UNAVAILABLE;
}

/*
 * Runs as root until privilege_drop(), reads the configuration and the
 * environment, both root's own; no input from anybody else.  Descriptors:
 * standard ones, NOTIFY_FD, and those of s6-fdholder-getdump(1).
 */
int
main(int argc, char **argv)
{
	const struct chain_service	*service = NULL;
	const struct config		*cf;
	struct sockets			 s = { 0 };
	char				*holder;
	const char			*file = NULL;
	int				 c, restore = 0;

	log_init("mailbind");
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return EX_OK;
	}
	while ((c = getopt(argc, argv, "+c:hr")) != -1) {
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		case 'r':
			restore = 1;
			break;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (restore ? argc != optind : argc - optind < 2 ||
	    (service = chain_find(argv[optind])) == NULL) {
		usage(stderr);
		return EX_USAGE;
	}
	cf = config_need(file);
	xasprintf(&holder, "%s/" HOLDER, cf->run_dir);
	s.holder = holder;
	if (service != NULL) {
		s.service = service->name;
		chain_want(&s, cf);
	}
	/* The holder's own tool gets the descriptors and comes back here. */
	if ((restore || s.n > 0) && !sockets_have_dump() &&
	    sockets_holder_answers(holder, HOLDER_WAIT_MS))
		sockets_get_dump(&s, argv);
	if (restore) {
		if (sockets_have_dump())
			restore_all(cf, holder);
		return EX_OK;
	}
	return start(service, &s, cf, argv + optind + 1);
}
