/*
 * queue-runner(8): decides what is tried when.  Started by mailbind(8) as
 * merpati-queue.  Reads what smtpd wrote into the spool (envelopes, strictly;
 * the start of a message when it reports on it), ids from a FIFO, answers of
 * authd and workers, requests of admins.  A takeover gains the mail in the
 * spool and the right to have messages written into mailboxes; no passwords,
 * no mailboxes, no network.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "queue-runner/runner.h"

static void
usage(FILE *out)
{
	fputs("usage: queue-runner [-c file]\n", out);
}

int
main(int argc, char **argv)
{
	const char	*file = NULL;
	int		 c;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return EX_OK;
	}
	while ((c = getopt(argc, argv, "c:h")) != -1)
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	if (optind != argc) {
		usage(stderr);
		return EX_USAGE;
	}
	log_init("queue-runner");
	privilege_never_root("queue-runner");
	privilege_harden();
	return runner_main(config_need(file));
}
