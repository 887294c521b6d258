/*
 * Contract in config.h.  libconfuse parses; what it lets pass (a missing last
 * brace, repeated keys, ${VAR}) is caught by config_scan.c before it, and
 * values are checked while it still knows their line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <confuse.h>

#include "lib/base/config.h"
#include "lib/base/config_keys.h"
#include "lib/base/config_scan.h"
#include "lib/base/config_via.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define CONFIG_MAX	(1024 * 1024)

/* libconfuse's callbacks carry no argument of ours. */
static const char	*config_file;
static struct buf	*config_err;

static void
config_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	buf_addf(config_err, "%s:%d: ", config_file, cfg->line);
	buf_vaddf(config_err, fmt, ap);
	buf_addc(config_err, '\n');
}

static int
config_validate(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_key	*key;
	const char		*value, *why;
	unsigned int		 n = cfg_opt_size(opt);

	key = config_key_find(cfg_name(cfg), opt->name);
	if (key == NULL || n == 0)
		return 0;
	value = cfg_opt_getnstr(opt, n - 1);
	if (value == NULL)
		return 0;
	why = config_key_check(key, value);
	if (key->type == KEY_TIMES && n == CONFIG_TIMES + 1)
		why = "more than 16 of them";
	if (why == NULL)
		return 0;
	buf_addf(config_err, "%s:%d: %s: %s: \"%s\"\n", config_file,
	    cfg->line, opt->name, why, value);
	return 0;	/* go on: report every error of the file */
}

/* The options of one section, from the table of keys. */
static cfg_opt_t *
config_options(const char *section, cfg_opt_t *subsections, size_t nsub)
{
	const struct config_key	*k;
	cfg_opt_t		*opts;
	size_t			 n = 0, i;

	opts = xcalloc(config_nkeys + nsub + 1, sizeof(*opts));
	for (k = config_keys; k < config_keys + config_nkeys; k++) {
		cfg_opt_t	 str = CFG_STR(k->name, NULL, CFGF_NODEFAULT);
		cfg_opt_t	 list = CFG_STR_LIST(k->name, NULL,
				    CFGF_NODEFAULT);

		if (strcmp(k->section, section) == 0)
			opts[n++] = config_key_is_list(k) ? list : str;
	}
	for (i = 0; i < nsub; i++)
		opts[n++] = subsections[i];
	opts[n] = (cfg_opt_t)CFG_END();
	for (i = 0; i < n; i++)
		if (opts[i].type == CFGT_STR)
			opts[i].validcb = config_validate;
	return opts;
}

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
static void
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
static void
config_store_listen(cfg_t *top, const char *section, enum config_role role,
    struct config_listeners *net)
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
			buf_addf(config_err, "%s:%d: listen: %s has no such "
			    "role\n", config_file, l->line > 0 ? l->line :
			    line, section);
		if (!config_is_endpoint(address))
			buf_addf(config_err, "%s:%d: listen: not HOST:PORT, "
			    "[IPV6]:PORT or unix:PATH with a numeric address: "
			    "\"%s\"\n", config_file, l->line > 0 ? l->line :
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

static void
config_store_routes(cfg_t *cfg, struct config *c)
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
			buf_addf(config_err, "%s:%d: route: %s: \"%s\"\n",
			    config_file, sec->line, why, r->domain);
	}
}

static void
config_store_stubs(cfg_t *cfg, struct config_resolver *r)
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
			buf_addf(config_err, "%s:%d: stub: %s: \"%s\"\n",
			    config_file, line, why, cfg_title(s));
		if (r->stub[i].server.n == 0 && !r->stub[i].insecure)
			buf_addf(config_err, "%s:%d: stub: neither server "
			    "nor insecure is set: \"%s\"\n", config_file,
			    line, cfg_title(s));
	}
}

static void
config_missing(const char *name, const char *what)
{
	buf_addf(config_err, "%s:1: %s is missing: %s\n", config_file, name,
	    what);
}

static void
config_check(struct config *c)
{
	if (c->hostname == NULL)
		config_missing("hostname", "the name this host has in the "
		    "mail world, like mail.example.org");
	if (c->postmaster == NULL)
		config_missing("postmaster", "the address of the person who "
		    "answers for this host (RFC 5321 4.5.1)");
	if (c->mailbox_mbox && c->mbox_path == NULL)
		config_missing("mbox-path", "mailbox = \"mbox\" needs it");
	if (c->queue.warn_after > c->queue.expire)
		buf_addf(config_err, "%s:1: queue: warn-after is later than "
		    "expire\n", config_file);
	if (!c->remote.ipv4 && !c->remote.ipv6)
		buf_addf(config_err, "%s:1: remote: ipv4 and ipv6 are both "
		    "no\n", config_file);
	if (c->remote.helo == NULL && c->hostname != NULL)
		c->remote.helo = xstrdup(c->hostname);
	if (c->spawner.mail_roots.n == 0 && c->mail_home != NULL) {
		size_t	 len = strcspn(c->mail_home, "%");

		while (len > 1 && c->mail_home[len - 1] == '/')
			len--;
		free(c->spawner.mail_roots.item);
		c->spawner.mail_roots.item = xcalloc(2, sizeof(char *));
		c->spawner.mail_roots.item[0] = xstrndup(c->mail_home, len);
		c->spawner.mail_roots.n = 1;
	}
}

static int
config_parse(const char *text, struct config *c)
{
	cfg_opt_t	*listen, *smtpd, *pop3d, *imapd, *queue, *authd,
			*spawner, *resolver, *stub, *remote, *route, *top;
	cfg_t		*cfg;
	int		 r;

	listen = config_options("listen", NULL, 0);
	{
		cfg_opt_t	 sub = CFG_SEC("listen", listen,
				    CFGF_MULTI | CFGF_TITLE |
				    CFGF_NO_TITLE_DUPES);

		smtpd = config_options("smtpd", &sub, 1);
		pop3d = config_options("pop3d", &sub, 1);
		imapd = config_options("imapd", &sub, 1);
	}
	queue = config_options("queue", NULL, 0);
	authd = config_options("authd", NULL, 0);
	spawner = config_options("spawner", NULL, 0);
	stub = config_options("stub", NULL, 0);
	{
		cfg_opt_t	 sub = CFG_SEC("stub", stub, CFGF_MULTI |
				    CFGF_TITLE | CFGF_NO_TITLE_DUPES);

		resolver = config_options("resolver", &sub, 1);
	}
	remote = config_options("remote", NULL, 0);
	route = config_options("route", NULL, 0);
	{
		cfg_opt_t	 subs[] = {
			CFG_SEC("smtpd", smtpd, CFGF_NONE),
			CFG_SEC("pop3d", pop3d, CFGF_NONE),
			CFG_SEC("imapd", imapd, CFGF_NONE),
			CFG_SEC("queue", queue, CFGF_NONE),
			CFG_SEC("authd", authd, CFGF_NONE),
			CFG_SEC("spawner", spawner, CFGF_NONE),
			CFG_SEC("resolver", resolver, CFGF_NONE),
			CFG_SEC("remote", remote, CFGF_NONE),
			CFG_SEC("route", route, CFGF_MULTI | CFGF_TITLE |
			    CFGF_NO_TITLE_DUPES),
		};

		top = config_options("", subs, sizeof(subs) / sizeof(*subs));
	}
	cfg = cfg_init(top, CFGF_NONE);
	if (cfg == NULL)
		fatalx("event=out-of-memory");
	cfg_set_error_function(cfg, config_error);
	r = cfg_parse_buf(cfg, text);
	if (r == CFG_SUCCESS && config_err->len == 0) {
		config_store(cfg, "", c);
		config_store(cfg_getsec(cfg, "smtpd"), "smtpd", &c->smtpd);
		config_store_listen(cfg, "smtpd", ROLE_MX, &c->smtpd.net);
		config_store(cfg_getsec(cfg, "pop3d"), "pop3d", &c->pop3d);
		config_store_listen(cfg, "pop3d", ROLE_POP3, &c->pop3d.net);
		config_store(cfg_getsec(cfg, "imapd"), "imapd", &c->imapd);
		config_store_listen(cfg, "imapd", ROLE_IMAP, &c->imapd.net);
		config_store(cfg_getsec(cfg, "queue"), "queue", &c->queue);
		config_store(cfg_getsec(cfg, "authd"), "authd", &c->authd);
		config_store(cfg_getsec(cfg, "spawner"), "spawner",
		    &c->spawner);
		config_store(cfg_getsec(cfg, "resolver"), "resolver",
		    &c->resolver);
		config_store_stubs(cfg_getsec(cfg, "resolver"), &c->resolver);
		config_store(cfg_getsec(cfg, "remote"), "remote", &c->remote);
		config_store_routes(cfg, c);
		config_check(c);
	} else if (config_err->len == 0)
		buf_addf(config_err, "%s:1: cannot be parsed\n", config_file);
	cfg_free(cfg);
	free(top);
	free(smtpd);
	free(pop3d);
	free(imapd);
	free(queue);
	free(authd);
	free(spawner);
	free(resolver);
	free(stub);
	free(remote);
	free(route);
	free(listen);
	return config_err->len == 0 ? 0 : -1;
}

int
config_load(const char *path, struct config *out, struct buf *err)
{
	struct buf	 text;
	int		 r = -1;

	memset(out, 0, sizeof(*out));
	buf_init(&text, CONFIG_MAX);
	config_file = path;
	config_err = err;
	if (io_read_file(AT_FDCWD, path, &text) == -1)
		buf_addf(err, "%s:1: cannot be read: %s\n", path,
		    strerror(errno));
	else if (memchr(buf_cstr(&text), '\0', text.len) != NULL)
		buf_addf(err, "%s:1: holds a NUL octet\n", path);
	else if (config_scan(path, buf_cstr(&text), err) == 0)
		r = config_parse(buf_cstr(&text), out);
	if (r == 0)
		out->file = xstrdup(path);
	else
		config_free(out);
	buf_free(&text);
	return r;
}

const char *
config_path(const char *arg)
{
	const char	*env;

	if (arg != NULL)
		return arg;
	if ((env = getenv("MERPATI_CONF")) != NULL && *env != '\0')
		return env;
	return SYSCONFDIR "/merpati.conf";
}

const struct config *
config_need(const char *arg)
{
	static struct config	 config;
	struct buf		 err;

	buf_init(&err, 65536);
	if (config_load(config_path(arg), &config, &err) == -1) {
		/* A log line each where the supervisor listens, and plain. */
		fprintf(stderr, "%s", buf_cstr(&err));
		exit(EX_CONFIG);
	}
	buf_free(&err);
	if (strcmp(config.log_level, "debug") == 0)
		log_set_level(LOG_LEVEL_DEBUG);
	else if (strcmp(config.log_level, "warn") == 0)
		log_set_level(LOG_LEVEL_WARN);
	return &config;
}

static void
config_free_section(const char *section, void *base)
{
	const struct config_key	*k;

	for (k = config_keys; k < config_keys + config_nkeys; k++)
		if (strcmp(k->section, section) == 0)
			config_key_free(k, (char *)base + k->offset);
}

static void
config_free_listen(struct config_listeners *net)
{
	size_t	 i;

	for (i = 0; i < net->nlisten; i++)
		free(net->listen[i].address);
	free(net->listen);
}

static void
config_free_routes(struct config *c)
{
	size_t	 i;

	for (i = 0; i < c->nroute; i++) {
		free(c->route[i].domain);
		config_free_section("route", &c->route[i]);
	}
	free(c->route);
}

static void
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
config_free(struct config *c)
{
	config_free_section("", c);
	config_free_section("smtpd", &c->smtpd);
	config_free_listen(&c->smtpd.net);
	config_free_section("pop3d", &c->pop3d);
	config_free_listen(&c->pop3d.net);
	config_free_section("imapd", &c->imapd);
	config_free_listen(&c->imapd.net);
	config_free_section("queue", &c->queue);
	config_free_section("authd", &c->authd);
	config_free_section("spawner", &c->spawner);
	config_free_section("resolver", &c->resolver);
	config_free_stubs(&c->resolver);
	config_free_section("remote", &c->remote);
	config_free_routes(c);
	free(c->file);
	memset(c, 0, sizeof(*c));
}

static bool
config_in(const struct config_list *l, const char *domain)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		if (strcasecmp(l->item[i], domain) == 0)
			return true;
	return false;
}

bool
config_is_local(const struct config *c, const char *domain)
{
	return strcasecmp(domain, c->hostname) == 0 ||
	    config_in(&c->domains, domain);
}

bool
config_is_relay(const struct config *c, const char *domain)
{
	return config_in(&c->relay_domains, domain);
}

static bool
config_safe_part(const char *s)
{
	if (*s == '\0' || *s == '.')
		return false;
	for (; *s != '\0'; s++)
		if (*s == '/' || text_is_control(*s))
			return false;
	return true;
}

int
config_expand(const char *pattern, const char *local, const char *domain,
    struct buf *out)
{
	int	 r = 0;

	if (!config_safe_part(local) || !config_safe_part(domain)) {
		errno = EINVAL;
		return -1;
	}
	for (; *pattern != '\0' && r == 0; pattern++) {
		if (*pattern != '%') {
			r = buf_addc(out, *pattern);
			continue;
		}
		switch (*++pattern) {
		case 'd':
			r = buf_addstr(out, domain);
			break;
		case 'n':
			r = buf_addstr(out, local);
			break;
		case '%':
			r = buf_addc(out, '%');
			break;
		default:
			errno = EINVAL;
			return -1;
		}
	}
	return r;
}
