/*
 * deliver(1): a command for people and programs, also called sendmail, mailq
 * and newaliases; with -w the worker that writes into mailboxes.
 *
 * As a command it runs as its caller, talks to smtpd's submit socket (which
 * learns the caller's uid from the kernel), and can do nothing that the
 * caller could not.  As worker it runs as the mailboxes' uid with a socket
 * from authd's spawner as descriptor 0; what it reads is a stranger's
 * letter and the user's forward file; who takes it over has that uid's
 * mailboxes and nothing else.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/admin.h"
#include "deliver/options.h"
#include "deliver/pump.h"
#include "deliver/report.h"
#include "deliver/send.h"
#include "deliver/worker.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"

static void
usage(FILE *f)
{
	fprintf(f, "usage: deliver [-Gitv] [-c file] [-F name] [-f sender] "
	    "[-N notify] [-R ret]\n"
	    "               [-V envid] recipient ...\n"
	    "       deliver [-v] -bv recipient ...\n"
	    "       deliver -bs | -bp | -bi | -q\n"
	    "       deliver [-c file] -w\n"
	    "       sendmail ...\n"
	    "       mailq\n"
	    "       newaliases\n");
}

static int
run_worker(const char *file)
{
	log_init("deliver");
	privilege_never_root("deliver");
	privilege_harden();
	return worker_run(config_need(file), STDIN_FILENO);
}

int
main(int argc, char **argv)
{
	struct deliver_options	 o;
	char			 err[DELIVER_ERROR_MAX];

	log_init("deliver");
	if (options_parse(argc, argv, &o, err) == -1) {
		if (err[0] != '\0')
			(void)report(0, "%s", err);
		usage(stderr);
		return EX_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	switch (o.mode) {
	case MODE_HELP:
		usage(stdout);
		return EX_OK;
	case MODE_WORKER:
		return run_worker(o.config);
	case MODE_LIST:
	case MODE_ALIASES:
	case MODE_FLUSH:
		return admin_exec(&o);
	case MODE_SMTP:
		return pump_run(config_need(o.config));
	case MODE_VERIFY:
		return send_verify(config_need(o.config), &o);
	case MODE_SEND:
		return send_message(config_need(o.config), &o);
	}
	return EX_SOFTWARE;
}
