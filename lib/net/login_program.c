/* Contract in login_program.h. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/net/login_program.h"
#include "lib/net/tls_server.h"

const struct config_listeners *
login_program_net(const struct config *conf, enum config_role role)
{
	return role == ROLE_POP3 ? &conf->pop3d.net : &conf->imapd.net;
}

unsigned int
login_program_timeout(const struct config *conf, enum config_role role)
{
	return role == ROLE_POP3 ? conf->pop3d.login_timeout :
	    conf->imapd.login_timeout;
}

static void
login_usage(FILE *out, const char *name)
{
	fprintf(out, "usage: %s [-i] [-c file]\n", name);
}

static void
login_serve(struct listener_conn *conn, void *arg)
{
	struct login_server	*server = arg;

	server->prog->serve(server, conn);
}

/* A header of the PROXY protocol would look like a command to us. */
static void
login_refuse_proxy(const struct config *conf, const char *name,
    const struct config_listeners *net)
{
	size_t	 i;

	for (i = 0; i < net->nlisten; i++) {
		if (!net->listen[i].proxy)
			continue;
		fprintf(stderr, "%s: %s: listen \"%s\": %s does not know the "
		    "PROXY protocol\n", name, conf->file,
		    net->listen[i].address, name);
		exit(EX_CONFIG);
	}
}

/*
 * Certificates, where a listener shows them.  keyd may be on its way; the
 * supervisor tries again.
 */
static void
login_certificates(struct login_server *server, struct listener_program *prog)
{
	char	 error[TLS_TEXT];
	bool	 wanted = false;
	size_t	 i;

	for (i = 0; i < prog->net->nlisten; i++)
		if (config_listen_tls(server->conf, &prog->net->listen[i]) !=
		    TLS_OFF)
			wanted = true;
	if (!wanted)
		return;
	server->tls = tls_server_new(server->conf, server->prog->role, error);
	if (server->tls == NULL) {
		log_warnx("event=tls-unavailable text=%s", log_esc(error));
		exit(EX_TEMPFAIL);
	}
	prog->watch = tls_server_file(server->tls);
	prog->watched = tls_server_file_stat(server->tls);
}

/*
 * keyd's certificates are looked at in each handshake, and with -i OpenSSL is
 * set up for the first one.
 */
static void
login_wall(const struct login_server *server, struct wall *wall)
{
	char	*path;

	if (server->tls == NULL && !server->inetd)
		return;
	xasprintf(&path, "%s/keyd", server->conf->run_dir);	/* for ever */
	wall_let(wall, path, WALL_READ);
	if (server->inetd)
		wall_let(wall, "/etc/ssl", WALL_READ);
}

static int
login_run(const struct login_program *p, char **argv, const char *file,
    bool inetd)
{
	static struct login_server	 server;
	static struct wall		 wall;
	struct listener_program		 prog = { .name = p->name,
	    .max_uses = 1, .full_text = p->full_text, .serve = login_serve,
	    .arg = &server, .argv = argv };

	signal(SIGPIPE, SIG_IGN);
	privilege_harden();
	server.prog = p;
	server.conf = config_need(file);
	server.inetd = inetd;
	prog.net = login_program_net(server.conf, p->role);
	login_refuse_proxy(server.conf, p->name, prog.net);
	prog.exempt = &server.conf->trusted;
	prog.config = server.conf->file;
	prog.wall = &wall;
	if (inetd) {
		login_wall(&server, &wall);
		return listener_inetd(&prog, NULL);
	}
	privilege_never_root(p->name);
	login_certificates(&server, &prog);
	login_wall(&server, &wall);
	return listener_run(&prog, NULL, 0);
}

int
login_program_main(const struct login_program *p, int argc, char **argv)
{
	static const struct option	 longopts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	const char			*file = NULL;
	bool				 inetd = false;
	int				 ch;

	log_init(p->name);
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
			login_usage(stdout, p->name);
			return EX_OK;
		default:
			login_usage(stderr, p->name);
			return EX_USAGE;
		}
	}
	if (optind != argc) {
		login_usage(stderr, p->name);
		return EX_USAGE;
	}
	return login_run(p, argv, file, inetd);
}
