/* mailctl status: how the suite is, on one screen. */
#include <sys/statvfs.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/net/tls_files.h"
#include "mailctl/certs.h"
#include "mailctl/json.h"
#include "mailctl/mailctl.h"
#include "mailctl/queue_client.h"
#include "mailctl/services.h"

#define LINE_LEN	256

struct report {
	struct mailctl		*m;
	const struct config	*cfg;
	struct json		 j;
	bool			 bad;	/* something does not run */
};

static void
heading(struct report *r, const char *name, char bracket)
{
	if (r->m->json)
		json_open(&r->j, name, bracket);
	else
		printf("%s\n", name);
}

static void
ending(struct report *r, char bracket)
{
	if (r->m->json)
		json_close(&r->j, bracket);
}

static void
one_program(struct report *r, const struct service *s)
{
	if (!s->known || !s->up || !s->ready)
		r->bad = true;
	if (r->m->json) {
		json_open(&r->j, NULL, '{');
		json_string(&r->j, "name", s->name);
		json_bool(&r->j, "known", s->known);
		json_bool(&r->j, "up", s->up);
		json_bool(&r->j, "ready", s->ready);
		json_unsigned(&r->j, "pid", s->pid);
		json_unsigned(&r->j, "seconds", s->seconds);
		json_close(&r->j, '}');
		return;
	}
	printf("  %-14s ", s->name);
	if (!s->known)
		printf("unknown: s6 does not supervise it\n");
	else if (!s->up)
		printf("DOWN for %llu s\n", (unsigned long long)s->seconds);
	else
		printf("up for %llu s, pid %llu%s\n",
		    (unsigned long long)s->seconds,
		    (unsigned long long)s->pid,
		    s->ready ? "" : ", NOT READY");
}

static void
programs(struct report *r)
{
	struct service	 s[SERVICES_MAX];
	int		 n, i;

	heading(r, "programs", '[');
	n = services_find(r->cfg, s);
	for (i = 0; i < n; i++) {
		services_ask(&s[i]);
		one_program(r, &s[i]);
	}
	if (!r->m->json && n == 0)
		printf("  unknown: service-dir is not set\n");
	if (!r->m->json && n == -1)
		printf("  unknown: %s: %s\n", r->cfg->service_dir,
		    strerror(errno));
	ending(r, ']');
}

static void
one_socket(struct report *r, const char *name, bool answers, const char *line)
{
	if (!answers)
		r->bad = true;
	if (r->m->json) {
		json_open(&r->j, NULL, '{');
		json_string(&r->j, "name", name);
		json_bool(&r->j, "answers", answers);
		json_string(&r->j, "greeting", line);
		json_close(&r->j, '}');
	} else
		printf("  %-24s %s%s%s\n", name,
		    answers ? "answers" : "NO ANSWER",
		    line[0] != '\0' ? ": " : "", shown(line));
}

/* Who speaks first there is the client, in TLS. */
static void
implicit(struct report *r, const char *address)
{
	one_socket(r, address, services_listens(address), "");
}

static void
listeners(struct report *r, const struct config_listeners *net)
{
	char	 line[LINE_LEN];
	size_t	 i;
	bool	 yes;

	for (i = 0; i < net->nlisten; i++) {
		/* A listener behind a proxy waits for the proxy's header. */
		if (net->listen[i].proxy)
			continue;
		if (net->listen[i].tls == TLS_IMPLICIT) {
			implicit(r, net->listen[i].address);
			continue;
		}
		yes = services_answers(net->listen[i].address, line,
		    sizeof(line));
		one_socket(r, net->listen[i].address, yes, line);
	}
}

static void
sockets(struct report *r)
{
	/* spawner's is for authd alone: it would log us as an intruder. */
	static const char *const	 packet[] = { "authd/authd.sock",
	    "keyd/keyd.sock", "resolver/resolver.sock",
	    "queue/control.sock" };
	char				 path[600], line[LINE_LEN];
	size_t				 i;
	bool				 yes;

	heading(r, "sockets", '[');
	for (i = 0; i < sizeof(packet) / sizeof(packet[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->cfg->run_dir,
		    packet[i]);
		one_socket(r, packet[i], services_answers_packet(path), "");
	}
	if (config_list_has(&r->cfg->users, "system")) {
		snprintf(path, sizeof(path), "%s/pamd/pamd.sock",
		    r->cfg->run_dir);
		one_socket(r, "pamd/pamd.sock",
		    services_answers_packet(path), "");
	}
	if (r->cfg->oauth.url != NULL) {
		snprintf(path, sizeof(path), "%s/tokend/tokend.sock",
		    r->cfg->run_dir);
		one_socket(r, "tokend/tokend.sock",
		    services_answers_packet(path), "");
	}
	snprintf(path, sizeof(path), "%s/smtpd/submit.sock", r->cfg->run_dir);
	yes = services_answers_unix(path, line, sizeof(line));
	one_socket(r, "smtpd/submit.sock", yes, line);
	listeners(r, &r->cfg->smtpd.net);
	listeners(r, &r->cfg->pop3d.net);
	listeners(r, &r->cfg->imapd.net);
	ending(r, ']');
}

static void
one_certificate(struct report *r, const struct tls_certificate *c)
{
	long	 days = tls_days_left(tls_certificate_until(c), time(NULL));
	bool	 soon = days < (long)(r->cfg->keyd.warn / 86400);

	if (days < 0)
		r->bad = true;
	if (r->m->json) {
		json_open(&r->j, NULL, '{');
		json_string(&r->j, "name", c->name);
		json_number(&r->j, "days", days);
		json_bool(&r->j, "soon", soon);
		json_close(&r->j, '}');
	} else if (days < 0)
		printf("  %-24s EXPIRED\n", shown(c->name));
	else
		printf("  %-24s %s%ld day%s left\n", shown(c->name),
		    soon ? "ONLY " : "", days, days == 1 ? "" : "s");
}

static void
certificates(struct report *r)
{
	struct tls_certificate	*all;
	size_t			 i, n;

	heading(r, "certificates", '[');
	if (certs_read(r->cfg, &all, &n) == -1) {
		/* Without keyd that is said above, where the sockets are. */
		if (!r->m->json)
			printf("  unknown: %s\n", strerror(errno));
		ending(r, ']');
		return;
	}
	for (i = 0; i < n; i++)
		one_certificate(r, &all[i]);
	if (n < r->cfg->ncertificate) {
		r->bad = true;
		if (!r->m->json)
			printf("  %zu cannot be used: see keyd's log\n",
			    r->cfg->ncertificate - n);
	} else if (n == 0 && !r->m->json)
		printf("  none: no TLS\n");
	tls_certificates_free(all, n);
	ending(r, ']');
}

static int
ask_numbers(const struct config *cfg, struct control_status *st)
{
	static struct ipc_msg	 ans;
	struct control_request	 req = { .verb = CONTROL_STATUS, .fd = -1 };
	int			 sock = queue_connect(cfg), code;

	if (sock == -1)
		return -1;
	code = queue_ask(sock, &req, "numbers", &ans);
	close(sock);
	return code == EX_OK ? proto_control_get_numbers(&ans, st) : -1;
}

static void
queue(struct report *r)
{
	struct control_status	 st = { 0 };
	bool			 known = ask_numbers(r->cfg, &st) == 0;
	const struct {
		const char	*name;
		uint64_t	 value;
	} numbers[] = {
		{ "new", st.fresh }, { "deferred", st.deferred },
		{ "active", st.active }, { "hold", st.hold },
		{ "workers", st.workers },
		{ "connections", st.connections }, { "paused", st.paused },
		{ "delivered", st.delivered },
		{ "bounced", st.bounced }, { "uptime", st.uptime },
	};
	size_t			 i;

	heading(r, "queue", '{');
	if (!known && !r->m->json)
		printf("  unknown: queue-runner does not say\n");
	for (i = 0; known && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (r->m->json)
			json_unsigned(&r->j, numbers[i].name,
			    numbers[i].value);
		else
			printf("  %-14s %llu\n", numbers[i].name,
			    (unsigned long long)numbers[i].value);
	}
	if (known && !r->m->json && st.scanning != 0)
		printf("  the first scan still goes on\n");
	if (known && r->m->json)
		json_bool(&r->j, "scanning", st.scanning != 0);
	ending(r, '}');
}

static void
one_disk(struct report *r, const char *path)
{
	struct statvfs		 v;
	unsigned long long	 octets, total;

	if (statvfs(path, &v) == -1) {
		if (!r->m->json)
			printf("  %s: %s\n", path, strerror(errno));
		return;
	}
	octets = (unsigned long long)v.f_bavail * v.f_frsize;
	total = (unsigned long long)v.f_blocks * v.f_frsize;
	if (r->m->json) {
		json_open(&r->j, NULL, '{');
		json_string(&r->j, "path", path);
		json_unsigned(&r->j, "free", octets);
		json_unsigned(&r->j, "total", total);
		json_unsigned(&r->j, "inodes", v.f_favail);
		json_close(&r->j, '}');
		return;
	}
	printf("  %s: %s of %s free, %llu inodes%s\n", path,
	    shown_size(octets), shown_size(total),
	    (unsigned long long)v.f_favail,
	    octets < r->cfg->min_free ? ", BELOW min-free: no new mail is "
	    "taken" : "");
}

static void
disks(struct report *r)
{
	size_t	 i;

	heading(r, "disk", '[');
	one_disk(r, r->cfg->spool_dir);
	for (i = 0; i < r->cfg->spawner.mail_roots.n; i++)
		one_disk(r, r->cfg->spawner.mail_roots.item[i]);
	ending(r, ']');
}

static void
walls(struct report *r)
{
	bool	 up = services_walls(r->cfg);

	if (r->m->json) {
		json_bool(&r->j, "walls", up);
		return;
	}
	printf("walls\n");
	if (up)
		printf("  the programs run as users of their own\n");
	else
		printf("  DOWN: every program runs as the same uid; whoever "
		    "takes over one has all\n");
}

int
cmd_status(struct mailctl *m, int argc, char **argv)
{
	static const struct option	 longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	struct report			 r = { .m = m };
	int				 c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'j')
			return wrong_usage("mailctl status [--json]");
		m->json = true;
	}
	if (optind < argc)
		return wrong_usage("mailctl status [--json]");
	r.cfg = mailctl_config(m);
	json_init(&r.j, stdout);
	if (m->json)
		json_open(&r.j, NULL, '{');
	programs(&r);
	sockets(&r);
	certificates(&r);
	queue(&r);
	disks(&r);
	walls(&r);
	if (m->json) {
		json_close(&r.j, '}');
		json_line(&r.j);
	}
	return r.bad ? EX_UNAVAILABLE : EX_OK;
}
