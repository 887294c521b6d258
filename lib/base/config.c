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
#include "lib/base/config_sections.h"
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

/* The options of one section and of those in it, from the tables. */
static cfg_opt_t *
config_options(const char *section)
{
	const struct config_key		*k;
	const struct config_section	*s;
	cfg_opt_t			*opts;
	size_t				 n = 0;

	opts = xcalloc(config_nkeys + config_nsections + 1, sizeof(*opts));
	for (k = config_keys; k < config_keys + config_nkeys; k++) {
		cfg_opt_t	 str = CFG_STR(k->name, NULL, CFGF_NODEFAULT);
		cfg_opt_t	 list = CFG_STR_LIST(k->name, NULL,
				    CFGF_NODEFAULT);

		if (strcmp(k->section, section) != 0)
			continue;
		opts[n] = config_key_is_list(k) ? list : str;
		opts[n++].validcb = config_validate;
	}
	for (s = config_sections; s < config_sections + config_nsections; s++) {
		cfg_opt_t	 one = CFG_SEC(s->name, NULL, CFGF_NONE);

		if (strcmp(s->in, section) != 0)
			continue;
		one.subopts = config_options(s->name);
		if (s->size > 0)
			one.flags = CFGF_MULTI | CFGF_TITLE |
			    CFGF_NO_TITLE_DUPES;
		opts[n++] = one;
	}
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static void
config_options_free(cfg_opt_t *opts)
{
	cfg_opt_t	*o;

	for (o = opts; o->name != NULL; o++)
		if (o->type == CFGT_SEC)
			config_options_free(o->subopts);
	free(opts);
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
	if (c->oauth.client_secret_file != NULL && c->oauth.client_id == NULL)
		config_missing("client-id", "client-secret-file of section "
		    "oauth needs it");
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
	cfg_opt_t		*opts = config_options("");
	cfg_t			*cfg = cfg_init(opts, CFGF_NONE);
	struct config_source	 src = { config_file, config_err, cfg };
	int			 r;

	if (cfg == NULL)
		fatalx("event=out-of-memory");
	cfg_set_error_function(cfg, config_error);
	r = cfg_parse_buf(cfg, text);
	if (r == CFG_SUCCESS && config_err->len == 0) {
		config_store(&src, cfg, "", c);
		config_check(c);
	} else if (config_err->len == 0)
		buf_addf(config_err, "%s:1: cannot be parsed\n", config_file);
	cfg_free(cfg);
	config_options_free(opts);
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

void
config_free(struct config *c)
{
	config_free_section("", c);
	free(c->file);
	memset(c, 0, sizeof(*c));
}

enum config_tls
config_listen_tls(const struct config *c, const struct config_listen *l)
{
	if (l->tls != TLS_AUTO)
		return l->tls;
	return c->ncertificate > 0 && strncmp(l->address, "unix:", 5) != 0 ?
	    TLS_STARTTLS : TLS_OFF;
}

bool
config_list_has(const struct config_list *l, const char *name)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		if (strcasecmp(l->item[i], name) == 0)
			return true;
	return false;
}

bool
config_is_local(const struct config *c, const char *domain)
{
	return strcasecmp(domain, c->hostname) == 0 ||
	    config_list_has(&c->domains, domain);
}

bool
config_is_relay(const struct config *c, const char *domain)
{
	return config_list_has(&c->relay_domains, domain);
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
