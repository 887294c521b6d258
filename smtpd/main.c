/* smtpd: takes mail by SMTP and LMTP into the spool.  smtpd(8). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <getopt.h>

#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/net/listener.h"
#include "smtpd/server.h"
#include "smtpd/session.h"

static void
usage(FILE *out)
{
	fprintf(out, "usage: smtpd [-c file]\n"
	    "       smtpd -i [-p] [-c file] [-r role]\n");
}

static int
role_parse(const char *name, enum config_role *role)
{
	static const struct { const char *name; enum config_role role; }
	roles[] = {
		{ "mx", ROLE_MX },
		{ "submission", ROLE_SUBMISSION },
		{ "lmtp", ROLE_LMTP },
		{ "submit", ROLE_SUBMIT },
	};
	size_t	 i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(name, roles[i].name) == 0) {
			*role = roles[i].role;
			return 0;
		}
	return -1;
}

/* Wait for keyd, and build what all processes share. */
static bool
begin_tls(struct server *sv, const struct config_listen *listen, size_t n,
    struct listener_program *program)
{
	const struct tls_server	*first;
	char			 error[TLS_TEXT];

	if (server_tls(sv, listen, n, error) == -1) {
		log_warnx("event=tls-unavailable text=%s", log_esc(error));
		return false;
	}
	/* One file for both; the first one's look is the earlier. */
	first = sv->tls != NULL ? sv->tls : sv->tls_users;
	if (first != NULL) {
		program->watch = tls_server_file(first);
		program->watched = tls_server_file_stat(first);
	}
	return true;
}

/*
 * Runs as merpati-smtpd.  Descriptors: the listening sockets, or with -i one
 * connection on 0 and 1; the log on 2.  Everything a client sends is hostile.
 * Who takes it over can put messages into the spool, ask authd whether an
 * address exists, try passwords there, and have keyd sign handshakes; it sees
 * the password of the client it serves, and no other.  It cannot read
 * mailboxes, hashes, keys or the queue.
 */
int
main(int argc, char **argv)
{
	static const struct option	 longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	static struct server		 server;
	static struct listener_program	 program;
	static struct wall		 wall = { .lasting = true };
	struct config_listen		 one = { .role = ROLE_MX };
	struct buf			 err;
	const char			*file = NULL;
	char				 submit[128], stdio[] = "-";
	bool				 inetd = false;
	int				 ch;

	log_init("smtpd");
	service_title_init(argc, argv);
	while ((ch = getopt_long(argc, argv, "c:hipr:", longs, NULL)) != -1)
		switch (ch) {
		case 'c':
			file = optarg;
			break;
		case 'i':
			inetd = true;
			break;
		case 'p':
			one.proxy = true;
			break;
		case 'r':
			if (role_parse(optarg, &one.role) == 0)
				break;
			usage(stderr);
			return EX_USAGE;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	if (optind != argc) {
		usage(stderr);
		return EX_USAGE;
	}
	privilege_never_root("smtpd");
	privilege_harden();
	signal(SIGPIPE, SIG_IGN);
	buf_init(&err, 65536);
	if (server_init(&server, config_need(file), &err) == -1) {
		fputs(buf_cstr(&err), stderr);
		return EX_CONFIG;
	}
	program = (struct listener_program){
		.name = "smtpd",
		.net = &server.config->smtpd.net,
		.exempt = &server.config->trusted,
		.config = server.config->file,
		.max_uses = 1000,
		.full_text = "421 4.7.0 too many connections, try again "
		    "later\r\n",
		.start = server_start,
		.serve = session_serve,
		.arg = &server,
		.argv = argv,
	};
	one.address = stdio;
	if (!begin_tls(&server, inetd ? &one : program.net->listen,
	    inetd ? 1 : program.net->nlisten, &program))
		return EX_TEMPFAIL;
	server_wall(&server, &wall);
	program.wall = &wall;
	if (inetd)
		return listener_inetd(&program, &one);
	snprintf(submit, sizeof(submit), "unix:%s/smtpd/submit.sock",
	    server.config->run_dir);
	one = (struct config_listen){ .address = submit, .role = ROLE_SUBMIT };
	server_sweep(&server);
	return listener_run(&program, &one, 1);
}
