/* Contract in config_sections.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/config_sections.h"
#include "lib/base/config_keys.h"
#include "lib/base/config_via.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define CERTIFICATE_NAME_MAX	64	/* TLS_CERTIFICATE_NAME is the same */

static void
config_store_list(cfg_t *cfg, const char *name, struct config_list *list)
{
	unsigned int	 i;

	list->n = cfg_size(cfg, name);
	list->item = xcalloc(list->n + 1, sizeof(*list->item));
	for (i = 0; i < list->n; i++)
		list->item[i] = xstrdup(cfg_getnstr(cfg, name, i));
}

static void
config_store_times(cfg_t *cfg, const struct config_key *k, void *field)
{
	unsigned int	 i, n = cfg_size(cfg, k->name);

	for (i = 0; i < n; i++)
		config_key_store(k, cfg_getnstr(cfg, k->name, i), field);
	if (n == 0)
		config_key_store(k, k->value, field);
}

/* Store every key of a section, the given value or the default. */
void
config_store(cfg_t *cfg, const char *section, void *base)
{
	const struct config_key	*k;
	const char		*value;

	for (k = config_keys; k < config_keys + config_nkeys; k++) {
		char	*field = (char *)base + k->offset;

		if (strcmp(k->section, section) != 0)
			continue;
		if (k->type == KEY_TIMES) {
			config_store_times(cfg, k, field);
			continue;
		}
		if (config_key_is_list(k)) {
			config_store_list(cfg, k->name,
			    (struct config_list *)(void *)field);
			if (((struct config_list *)(void *)field)->n == 0)
				config_key_default_list(k,
				    (struct config_list *)(void *)field);
			continue;
		}
		value = cfg_size(cfg, k->name) > 0 ?
		    cfg_getstr(cfg, k->name) : k->value;
		config_key_store(k, value, field);
	}
}

/* The section whose daemon speaks this. */
static const char *
config_role_section(enum config_role role)
{
	switch (role) {
	case ROLE_POP3:
		return "pop3d";
	case ROLE_IMAP:
		return "imapd";
	case ROLE_MX:
	case ROLE_SUBMISSION:
	case ROLE_LMTP:
	case ROLE_SUBMIT:
		break;
	}
	return "smtpd";
}

/* role: what is spoken when the file does not say. */
void
config_store_listen(const struct config_source *src, cfg_t *top,
    const char *section, enum config_role role, struct config_listeners *net)
{
	cfg_t		*cfg = cfg_getsec(top, section);
	const char	*address;
	unsigned int	 i;
	int		 line = cfg->line;

	net->nlisten = cfg_size(cfg, "listen");
	net->listen = xcalloc(net->nlisten + 1, sizeof(*net->listen));
	for (i = 0; i < net->nlisten; i++) {
		cfg_t	*l = cfg_getnsec(cfg, "listen", i);

		address = cfg_title(l);
		net->listen[i].address = xstrdup(address);
		config_store(l, "listen", &net->listen[i]);
		if (cfg_size(l, "role") == 0)
			net->listen[i].role = role;
		if (strcmp(config_role_section(net->listen[i].role),
		    section) != 0)
			buf_addf(src->err, "%s:%d: listen: %s has no such "
			    "role\n", src->file, l->line > 0 ? l->line :
			    line, section);
		if (net->listen[i].tls > TLS_OFF &&
		    cfg_size(top, "certificate") == 0)
			buf_addf(src->err, "%s:%d: listen: tls needs a "
			    "section certificate: \"%s\"\n", src->file,
			    l->line > 0 ? l->line : line, address);
		if (!config_is_endpoint(address))
			buf_addf(src->err, "%s:%d: listen: not HOST:PORT, "
			    "[IPV6]:PORT or unix:PATH with a numeric address: "
			    "\"%s\"\n", src->file, l->line > 0 ? l->line :
			    line, address);
	}
}

static bool
config_is_route(const char *domain)
{
	if (strcmp(domain, "*") == 0)
		return true;
	return config_is_domain(domain + (*domain == '.'));
}

static const char *
config_route_wrong(const struct config *c, const struct config_route *r)
{
	struct config_via		 via;
	const struct config_route	*o;

	if (!config_is_route(r->domain))
		return "not \"example.org\", \".example.org\" or \"*\"";
	for (o = c->route; o < r; o++)
		if (strcmp(o->domain, r->domain) == 0)
			return "set twice";
	if (r->user != NULL && r->password_file == NULL)
		return "user needs a password-file";
	if (r->user == NULL && r->password_file != NULL)
		return "password-file needs a user";
	(void)config_via_parse(r->via, &via);
	if (r->user != NULL && (via.kind == VIA_MX || via.kind == VIA_UNIX))
		return "user needs a host in via that knows it";
	if (r->tls != NULL && via.kind == VIA_UNIX)
		return "tls means nothing on a local socket";
	return NULL;
}

void
config_store_routes(const struct config_source *src, cfg_t *cfg,
    struct config *c)
{
	struct config_route	*r;
	const char		*why;
	unsigned int		 i;

	c->nroute = cfg_size(cfg, "route");
	c->route = xcalloc(c->nroute + 1, sizeof(*c->route));
	for (i = 0; i < c->nroute; i++) {
		cfg_t	*sec = cfg_getnsec(cfg, "route", i);

		r = &c->route[i];
		r->domain = xstrdup(cfg_title(sec));
		text_lower_str(r->domain);
		config_store(sec, "route", r);
		if ((why = config_route_wrong(c, r)) != NULL)
			buf_addf(src->err, "%s:%d: route: %s: \"%s\"\n",
			    src->file, sec->line, why, r->domain);
	}
}

void
config_store_stubs(const struct config_source *src, cfg_t *cfg,
    struct config_resolver *r)
{
	static const struct config_key	 zone = { .type = KEY_DOMAIN };
	const char			*why;
	unsigned int			 i;

	r->nstub = cfg_size(cfg, "stub");
	r->stub = xcalloc(r->nstub + 1, sizeof(*r->stub));
	for (i = 0; i < r->nstub; i++) {
		cfg_t	*s = cfg_getnsec(cfg, "stub", i);
		int	 line = s->line > 0 ? s->line : cfg->line;

		config_store(s, "stub", &r->stub[i]);
		config_key_store(&zone, cfg_title(s), &r->stub[i].zone);
		if ((why = config_key_check(&zone, cfg_title(s))) != NULL)
			buf_addf(src->err, "%s:%d: stub: %s: \"%s\"\n",
			    src->file, line, why, cfg_title(s));
		if (r->stub[i].server.n == 0 && !r->stub[i].insecure)
			buf_addf(src->err, "%s:%d: stub: neither server "
			    "nor insecure is set: \"%s\"\n", src->file,
			    line, cfg_title(s));
	}
}

/* It is a line of a file, and of logs. */
static bool
config_is_certificate_name(const char *s)
{
	size_t	 i;

	for (i = 0; s[i] != '\0'; i++)
		if (text_is_control(s[i]))
			return false;
	return i > 0 && i <= CERTIFICATE_NAME_MAX;
}

/* Later sections of the file may be of the same names: RSA beside ECDSA. */
void
config_store_certificates(const struct config_source *src, cfg_t *cfg,
    struct config *c)
{
	struct config_certificate	*k;
	unsigned int			 i;

	c->ncertificate = cfg_size(cfg, "certificate");
	c->certificate = xcalloc(c->ncertificate + 1, sizeof(*c->certificate));
	for (i = 0; i < c->ncertificate; i++) {
		cfg_t	*sec = cfg_getnsec(cfg, "certificate", i);

		k = &c->certificate[i];
		k->name = xstrdup(cfg_title(sec));
		config_store(sec, "certificate", k);
		if (!config_is_certificate_name(k->name))
			buf_addf(src->err, "%s:%d: certificate: its name has "
			    "1 to %d octets and no control octet\n",
			    src->file, sec->line, CERTIFICATE_NAME_MAX);
		if (k->chain == NULL || k->key == NULL)
			buf_addf(src->err, "%s:%d: certificate: chain and key "
			    "must be set: \"%s\"\n", src->file, sec->line,
			    k->name);
	}
}

void
config_free_section(const char *section, void *base)
{
	const struct config_key	*k;

	for (k = config_keys; k < config_keys + config_nkeys; k++)
		if (strcmp(k->section, section) == 0)
			config_key_free(k, (char *)base + k->offset);
}

void
config_free_listen(struct config_listeners *net)
{
	size_t	 i;

	for (i = 0; i < net->nlisten; i++)
		free(net->listen[i].address);
	free(net->listen);
}

void
config_free_routes(struct config *c)
{
	size_t	 i;

	for (i = 0; i < c->nroute; i++) {
		free(c->route[i].domain);
		config_free_section("route", &c->route[i]);
	}
	free(c->route);
}

void
config_free_stubs(struct config_resolver *r)
{
	size_t	 i;

	for (i = 0; i < r->nstub; i++) {
		config_free_section("stub", &r->stub[i]);
		free(r->stub[i].zone);
	}
	free(r->stub);
}

void
config_free_certificates(struct config *c)
{
	size_t	 i;

	for (i = 0; i < c->ncertificate; i++) {
		free(c->certificate[i].name);
		config_free_section("certificate", &c->certificate[i]);
	}
	free(c->certificate);
}
