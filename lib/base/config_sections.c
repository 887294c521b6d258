/* Contract in config_sections.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "lib/base/config_sections.h"
#include "lib/base/config_keys.h"
#include "lib/base/config_via.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define CERTIFICATE_NAME_MAX	64	/* TLS_CERTIFICATE_NAME is the same */

/* --- what is wrong with one of several --- */

__attribute__((format(printf, 2, 3)))
static void
found_wrong(const struct config_found *f, const char *fmt, ...)
{
	va_list	 ap;

	buf_addf(f->src->err, "%s:%d: %s: ", f->src->file, f->line,
	    f->section->name);
	va_start(ap, fmt);
	buf_vaddf(f->src->err, fmt, ap);
	va_end(ap);
	buf_addc(f->src->err, '\n');
}

/* The section whose daemon speaks this. */
static const char *
role_section(enum config_role role)
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

static void
judge_listen(const struct config_found *f, void *one)
{
	struct config_listen	*l = one;

	if (cfg_size(f->cfg, "role") == 0)
		l->role = f->section->role;
	if (strcmp(role_section(l->role), f->section->in) != 0)
		found_wrong(f, "%s has no such role", f->section->in);
	if (l->tls > TLS_OFF && cfg_size(f->src->top, "certificate") == 0)
		found_wrong(f, "tls needs a section certificate: \"%s\"",
		    l->address);
	if (!config_is_endpoint(l->address))
		found_wrong(f, "not HOST:PORT, [IPV6]:PORT or unix:PATH with "
		    "a numeric address: \"%s\"", l->address);
}

static bool
route_is_domain(const char *domain)
{
	if (strcmp(domain, "*") == 0)
		return true;
	return config_is_domain(domain + (*domain == '.'));
}

static const char *
route_wrong(const struct config_route *first, const struct config_route *r)
{
	struct config_via		 via;
	const struct config_route	*o;

	if (!route_is_domain(r->domain))
		return "not \"example.org\", \".example.org\" or \"*\"";
	for (o = first; o < r; o++)
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

static void
judge_route(const struct config_found *f, void *one)
{
	struct config_route	*r = one;
	const char		*why;

	text_lower_str(r->domain);
	if ((why = route_wrong(f->first, r)) != NULL)
		found_wrong(f, "%s: \"%s\"", why, r->domain);
}

static void
judge_stub(const struct config_found *f, void *one)
{
	static const struct config_key	 zone = { .type = KEY_DOMAIN };
	struct config_stub		*s = one;
	const char			*why;

	if ((why = config_key_check(&zone, s->zone)) != NULL)
		found_wrong(f, "%s: \"%s\"", why, s->zone);
	if (s->server.n == 0 && !s->insecure)
		found_wrong(f, "neither server nor insecure is set: \"%s\"",
		    s->zone);
	text_lower_str(s->zone);
}

/* It is a line of a file, and of logs. */
static bool
certificate_is_name(const char *s)
{
	size_t	 i;

	for (i = 0; s[i] != '\0'; i++)
		if (text_is_control(s[i]))
			return false;
	return i > 0 && i <= CERTIFICATE_NAME_MAX;
}

/* Later sections of the file may be of the same names: RSA beside ECDSA. */
static void
judge_certificate(const struct config_found *f, void *one)
{
	const struct config_certificate	*k = one;

	if (!certificate_is_name(k->name))
		found_wrong(f, "its name has 1 to %d octets and no control "
		    "octet", CERTIFICATE_NAME_MAX);
	if (k->chain == NULL || k->key == NULL)
		found_wrong(f, "chain and key must be set: \"%s\"", k->name);
}

/* --- the table --- */

#define ONE(sec)							      \
	{ .in = "", .name = #sec, .offset = offsetof(struct config, sec) }
#define SEVERAL(around, type, sec)					      \
	{ .in = around, .name = #sec, .offset = offsetof(struct type, sec),   \
	    .size = sizeof(struct config_##sec),			      \
	    .count = offsetof(struct type, n##sec), .judge = judge_##sec }
#define LISTEN(sec, what)						      \
	{ .in = #sec, .name = "listen",					      \
	    .offset = offsetof(struct config_##sec, net.listen),	      \
	    .size = sizeof(struct config_listen),			      \
	    .count = offsetof(struct config_##sec, net.nlisten),	      \
	    .judge = judge_listen, .role = what }

const struct config_section	 config_sections[] = {
	ONE(smtpd),
	ONE(pop3d),
	ONE(imapd),
	ONE(queue),
	ONE(authd),
	ONE(spawner),
	ONE(resolver),
	ONE(remote),
	SEVERAL("", config, route),
	ONE(tls),
	ONE(keyd),
	ONE(oauth),
	SEVERAL("", config, certificate),
	LISTEN(smtpd, ROLE_MX),
	LISTEN(pop3d, ROLE_POP3),
	LISTEN(imapd, ROLE_IMAP),
	SEVERAL("resolver", config_resolver, stub),
};
const size_t	 config_nsections = sizeof(config_sections) /
		    sizeof(config_sections[0]);

const struct config_section *
config_section_find(const char *in, const char *name)
{
	const struct config_section	*s;

	for (s = config_sections; s < config_sections + config_nsections; s++)
		if (strcmp(s->in, in) == 0 && strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* --- storing --- */

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

static void
config_store_keys(cfg_t *cfg, const char *section, void *base)
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

static void
config_store_several(const struct config_source *src, cfg_t *cfg,
    const struct config_section *s, char *base)
{
	struct config_found	 f = { .src = src, .section = s };
	size_t			 n = cfg_size(cfg, s->name);
	char			*one = xcalloc(n + 1, s->size);
	unsigned int		 i;

	f.first = one;
	memcpy(base + s->offset, &one, sizeof(one));
	memcpy(base + s->count, &n, sizeof(n));
	for (i = 0; i < n; i++, one += s->size) {
		f.cfg = cfg_getnsec(cfg, s->name, i);
		f.line = f.cfg->line > 0 ? f.cfg->line : cfg->line;
		*(char **)(void *)one = xstrdup(cfg_title(f.cfg));
		config_store(src, f.cfg, s->name, one);
		s->judge(&f, one);
	}
}

void
config_store(const struct config_source *src, cfg_t *cfg, const char *section,
    void *base)
{
	const struct config_section	*s;

	config_store_keys(cfg, section, base);
	for (s = config_sections; s < config_sections + config_nsections; s++)
		if (strcmp(s->in, section) != 0)
			continue;
		else if (s->size > 0)
			config_store_several(src, cfg, s, base);
		else
			config_store(src, cfg_getsec(cfg, s->name), s->name,
			    (char *)base + s->offset);
}

static void
config_free_several(const struct config_section *s, const char *base)
{
	char	*array;
	size_t	 i, n;

	memcpy(&array, base + s->offset, sizeof(array));
	memcpy(&n, base + s->count, sizeof(n));
	for (i = 0; i < n; i++) {
		free(*(char **)(void *)(array + i * s->size));
		config_free_section(s->name, array + i * s->size);
	}
	free(array);
}

void
config_free_section(const char *section, void *base)
{
	const struct config_key		*k;
	const struct config_section	*s;

	for (k = config_keys; k < config_keys + config_nkeys; k++)
		if (strcmp(k->section, section) == 0)
			config_key_free(k, (char *)base + k->offset);
	for (s = config_sections; s < config_sections + config_nsections; s++)
		if (strcmp(s->in, section) != 0)
			continue;
		else if (s->size > 0)
			config_free_several(s, base);
		else
			config_free_section(s->name, (char *)base + s->offset);
}
