/* mailctl certificate: what there is, and a new one in its place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "lib/net/proto_fields.h"
#include "lib/net/proto_key.h"
#include "lib/net/tls_files.h"
#include "mailctl/certs.h"
#include "mailctl/json.h"
#include "mailctl/mailctl.h"

static const char	 certificate_usage[] =
    "mailctl certificate [list] [--json] | install name chain key";

int
cert_reload(const struct config *cfg)
{
	struct key_client	 keyd;
	char			 path[600], error[PROTO_ERROR_MAX];
	bool			 ok;
	int			 n;

	snprintf(path, sizeof(path), "%s/keyd/keyd.sock", cfg->run_dir);
	key_client_init(&keyd, path);
	n = key_client_reload(&keyd, &ok, error, sizeof(error));
	key_client_close(&keyd);
	if (n == -1 && (errno == ENOENT || errno == ECONNREFUSED)) {
		printf("keyd does not run: it reads its files when it "
		    "starts\n");
		return EX_OK;
	}
	if (n == -1)
		return complain(errno == EPIPE || errno == ECONNRESET ||
		    errno == EACCES ? EX_NOPERM : EX_TEMPFAIL,
		    "keyd cannot be asked: %s", strerror(errno));
	if (!ok)
		return complain(EX_CONFIG, "keyd keeps what was good: %s",
		    shown(error));
	printf("certificates: read again\n");
	return EX_OK;
}

struct row {
	const char	*name, *names, *issuer, *type;
	char		 until[16];
	long		 days;
	bool		 ocsp;
};

static void
print_row(const struct config *cfg, const struct row *r)
{
	bool	 soon = r->days < (long)(cfg->keyd.warn / 86400);

	printf("%s\n  names      %s\n  key        %s\n  issued by  %s\n",
	    shown(r->name), shown(r->names), r->type, shown(r->issuer));
	if (r->days < 0)
		printf("  until      %s, EXPIRED\n", r->until);
	else
		printf("  until      %s, %s%ld day%s\n", r->until,
		    soon ? "ONLY " : "", r->days, r->days == 1 ? "" : "s");
	printf("  OCSP       %s\n", r->ocsp ? "stapled" : "none");
}

static void
json_row(struct json *j, const struct row *r)
{
	json_open(j, NULL, '{');
	json_string(j, "name", r->name);
	json_string(j, "names", r->names);
	json_string(j, "key", r->type);
	json_string(j, "issuer", r->issuer);
	json_string(j, "until", r->until);
	json_number(j, "days", r->days);
	json_bool(j, "ocsp", r->ocsp);
	json_close(j, '}');
}

static void
list_one(struct mailctl *m, struct json *j, const struct tls_certificate *c)
{
	struct row	 r = { .name = c->name };
	struct buf	 names, issuer;
	char		 type[TLS_KEY_TYPE];
	time_t		 until = tls_certificate_until(c);

	buf_init(&names, 65536);
	buf_init(&issuer, 65536);
	cert_names(c->chain[0], &names);
	cert_issuer(c->chain[0], &issuer);
	r.names = buf_cstr(&names);
	r.issuer = buf_cstr(&issuer);
	r.type = X509_get0_pubkey(c->chain[0]) == NULL ? "?" :
	    tls_key_type(X509_get0_pubkey(c->chain[0]), type);
	cert_date(until, r.until);
	r.days = tls_days_left(until, time(NULL));
	r.ocsp = c->ocsp != NULL;
	if (m->json)
		json_row(j, &r);
	else
		print_row(m->cfg, &r);
	buf_free(&names);
	buf_free(&issuer);
}

static int
list(struct mailctl *m)
{
	const struct config	*cfg = mailctl_config(m);
	struct tls_certificate	*all;
	struct json		 j;
	size_t			 i, n;

	if (certs_read(cfg, &all, &n) == -1)
		return complain(errno == ENOENT ? EX_UNAVAILABLE :
		    errno == EACCES ? EX_NOPERM : EX_PROTOCOL,
		    "%s/keyd/certificates: %s%s", cfg->run_dir,
		    strerror(errno), errno == ENOENT ?
		    ": has keyd started?" : "");
	json_list_begin(&j, m->json);
	for (i = 0; i < n; i++)
		list_one(m, &j, &all[i]);
	json_list_end(&j, m->json);
	tls_certificates_free(all, n);
	if (n < cfg->ncertificate)
		return complain(EX_UNAVAILABLE, "%zu of the configuration "
		    "cannot be used; keyd's log and mailctl check say why",
		    cfg->ncertificate - n);
	return EX_OK;
}

int
cmd_certificate(struct mailctl *m, int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "install") == 0)
		return cert_install(mailctl_config(m), argv[2], argv[3],
		    argv[4]);
	if (argc > 1 && strcmp(argv[1], "list") == 0) {
		argc--;
		argv++;
	}
	if (argc == 2 && strcmp(argv[1], "--json") == 0) {
		m->json = true;
		argc--;
	}
	if (argc != 1)
		return wrong_usage(certificate_usage);
	return list(m);
}
