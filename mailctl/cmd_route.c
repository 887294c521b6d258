/* mailctl route: where DNS sends a domain's mail, as resolver sees it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/net/proto_resolver.h"
#include "mailctl/json.h"
#include "mailctl/mailctl.h"

static const char	 route_usage[] =
    "mailctl route [--json] [--host] domain";

static const char *
dane_name(enum resolver_dane dane)
{
	switch (dane) {
	case DANE_NONE:
		break;
	case DANE_TLSA:
		return "dane";
	case DANE_FAILED:
		return "unusable: its TLSA records cannot be had";
	}
	return "";
}

static const char *
status_name(enum resolver_status status)
{
	switch (status) {
	case RESOLVER_OK:
		break;
	case RESOLVER_NONE:
		return "none";
	case RESOLVER_NULL_MX:
		return "null-mx";
	case RESOLVER_LOOP:
		return "loop";
	case RESOLVER_TEMP:
		return "later";
	}
	return "ok";
}

/* "3 1 1 0123..." */
static void
tlsa_text(const struct resolver_tlsa *t, char *out, size_t size)
{
	size_t	 n, i;

	n = (size_t)snprintf(out, size, "%u %u %u ", t->usage, t->selector,
	    t->matching);
	for (i = 0; i < t->len && n + 2 < size; i++, n += 2)
		snprintf(out + n, size - n, "%02x", t->data[i]);
}

static void
print_host(const struct resolver_host *h)
{
	char	 tlsa[RESOLVER_TLSA_DATA * 2 + 16];
	size_t	 i;

	printf("%5u %s", h->preference, shown(h->name));
	if (h->secure)
		printf(" (DNSSEC)");
	if (h->dane != DANE_NONE)
		printf(" (%s)", dane_name(h->dane));
	printf("\n");
	for (i = 0; i < h->naddr; i++)
		printf("      %s\n", shown(h->addr[i]));
	for (i = 0; i < h->ntlsa; i++) {
		tlsa_text(&h->tlsa[i], tlsa, sizeof(tlsa));
		printf("      TLSA %s\n", tlsa);
	}
}

static void
print_route(const struct resolver_route *r, const char *name)
{
	size_t	 i;

	if (r->status != RESOLVER_OK) {
		printf("%s: %s failure %s: %s\n", shown(name),
		    r->status == RESOLVER_TEMP ? "temporary" : "permanent",
		    r->code, shown(r->text));
		return;
	}
	for (i = 0; i < r->nhost; i++)
		print_host(&r->host[i]);
}

static void
json_host(struct json *j, const struct resolver_host *h)
{
	char	 tlsa[RESOLVER_TLSA_DATA * 2 + 16];
	size_t	 i;

	json_open(j, NULL, '{');
	json_string(j, "host", h->name);
	json_unsigned(j, "preference", h->preference);
	json_bool(j, "secure", h->secure);
	json_bool(j, "usable", h->dane != DANE_FAILED);
	json_open(j, "addresses", '[');
	for (i = 0; i < h->naddr; i++)
		json_string(j, NULL, h->addr[i]);
	json_close(j, ']');
	json_open(j, "tlsa", '[');
	for (i = 0; i < h->ntlsa; i++) {
		tlsa_text(&h->tlsa[i], tlsa, sizeof(tlsa));
		json_string(j, NULL, tlsa);
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
json_route(const struct resolver_route *r, const char *name)
{
	struct json	 j;
	size_t		 i;

	json_init(&j, stdout);
	json_open(&j, NULL, '{');
	json_string(&j, "name", name);
	json_string(&j, "status", status_name(r->status));
	json_string(&j, "code", r->code);
	json_string(&j, "text", r->text);
	json_unsigned(&j, "ttl", r->ttl);
	json_open(&j, "hosts", '[');
	for (i = 0; i < r->nhost; i++)
		json_host(&j, &r->host[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	json_line(&j);
}

static int
route(struct mailctl *m, const char *name, bool host)
{
	static struct resolver_route	 r;
	const struct config		*cfg = mailctl_config(m);
	struct resolver_client		 c;
	enum resolver_status		 status;
	char				 path[600];
	int				 n;

	snprintf(path, sizeof(path), "%s/resolver/resolver.sock",
	    cfg->run_dir);
	resolver_client_init(&c, path);
	n = host ? resolver_client_addresses(&c, name, &r) :
	    resolver_client_route(&c, name, &r);
	resolver_client_close(&c);
	if (n == -1)
		return complain(errno == EBADMSG ? EX_PROTOCOL :
		    errno == EACCES ? EX_NOPERM : EX_TEMPFAIL,
		    "resolver cannot be asked: %s", strerror(errno));
	if (m->json)
		json_route(&r, name);
	else
		print_route(&r, name);
	status = r.status;
	resolver_route_free(&r);
	return status == RESOLVER_OK ? EX_OK : status == RESOLVER_TEMP ?
	    EX_TEMPFAIL : EX_NOHOST;
}

int
cmd_route(struct mailctl *m, int argc, char **argv)
{
	static const struct option	 longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "host", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	const char			*at;
	bool				 host = false;
	int				 c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			m->json = true;
		else if (c == 'h')
			host = true;
		else
			return wrong_usage(route_usage);
	}
	if (argc - optind != 1 || strlen(argv[optind]) >= RESOLVER_NAME_MAX)
		return wrong_usage(route_usage);
	/* Of an address, its domain. */
	at = strrchr(argv[optind], '@');
	return route(m, at == NULL ? argv[optind] : at + 1, host);
}
