/* Contract in tables.h. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/store/secret.h"
#include "lib/store/system_user.h"
#include "mailctl/mailctl.h"
#include "mailctl/tables.h"

/* As authd has it: mail-user's where the suite has its own accounts. */
static struct users_ids
mailbox_ids(const struct config *cfg)
{
	struct users_ids	 ids = { true, getuid(), getgid() };
	const struct passwd	*pw;

	if (geteuid() != 0)
		return ids;
	if ((pw = getpwnam(cfg->mail_user)) == NULL) {
		ids.known = false;
		return ids;
	}
	ids.uid = pw->pw_uid;
	ids.gid = pw->pw_gid;
	return ids;
}

struct users *
tables_users_text(const struct config *cfg, struct slice text,
    struct buf *err)
{
	struct users_ids	 ids = mailbox_ids(cfg);
	size_t			 had = err->len;
	struct users		*us;

	us = users_parse(cfg->users_file, text.ptr, text.len, cfg, &ids, err);
	if (err->len == had)
		return us;
	users_free(us);
	return NULL;
}

struct users *
tables_users(const struct config *cfg, struct buf *err)
{
	struct users	*us = NULL;
	struct buf	 text;

	buf_init(&text, USERS_FILE_MAX);
	if (io_read_file(AT_FDCWD, cfg->users_file, &text) == -1)
		(void)buf_addf(err, "%s:1: %s\n", cfg->users_file,
		    strerror(errno));
	else
		us = tables_users_text(cfg, buf_slice(&text), err);
	if (text.ptr != NULL)
		explicit_bzero(text.ptr, text.len);
	buf_free(&text);
	return us;
}

struct app_passwords *
tables_apps(const struct config *cfg, struct buf *err)
{
	const char		*path = cfg->app_passwords_file;
	struct app_passwords	*all = NULL;
	size_t			 had = err->len;
	struct buf		 text;

	buf_init(&text, APP_PASSWORDS_FILE_MAX);
	if (io_read_file(AT_FDCWD, path, &text) == -1 && errno != ENOENT)
		(void)buf_addf(err, "%s:1: %s\n", path, strerror(errno));
	else
		all = app_passwords_parse(path, buf_cstr(&text), text.len,
		    err);
	if (text.ptr != NULL)
		explicit_bzero(text.ptr, text.len);
	buf_free(&text);
	if (err->len == had)
		return all;
	app_passwords_free(all);
	return NULL;
}

struct aliases *
tables_aliases(const struct config *cfg, struct buf *err)
{
	size_t		 had = err->len;
	struct aliases	*a = aliases_load(cfg->aliases_file, err);

	if (a != NULL && aliases_check_includes(a, err) == 0 &&
	    err->len == had)
		return a;
	aliases_free(a);
	return NULL;
}

struct examine {
	const struct config		*cfg;
	const struct users		*users;
	const struct aliases		*aliases;
	const struct tables_findings	*f;
};

static bool
is_local(const char *domain, void *arg)
{
	const struct examine	*x = arg;

	return config_is_local(x->cfg, domain);
}

bool
tables_account(const struct config *cfg, const char *name,
    char local[SYSTEM_NAME_MAX + 1])
{
	const char	*at = strrchr(name, '@');
	uint32_t	 uid, gid;

	if (!config_list_has(&cfg->users, "system") || at == NULL ||
	    (size_t)(at - name) > SYSTEM_NAME_MAX ||
	    !config_is_local(cfg, at + 1))
		return false;
	memcpy(local, name, (size_t)(at - name));
	local[at - name] = '\0';
	text_lower_str(local);
	return system_user_find(cfg, local, &uid, &gid) == SYSTEM_USER_FOUND;
}

/* In the file, or where else users come from (authd/sources.h). */
static bool
is_there(const struct config *cfg, const struct users *us, const char *name)
{
	char	 local[SYSTEM_NAME_MAX + 1];

	return users_find(us, name) != NULL ||
	    tables_account(cfg, name, local);
}

/* user+tag is the user. */
static bool
is_user(const char *local, const char *domain, void *arg)
{
	const struct examine	*x = arg;
	char			 name[ADDRESS_MAX + 1];
	size_t			 len = strlen(local);
	const char		*tag;

	if (x->users == NULL)
		return false;
	if (snprintf(name, sizeof(name), "%s@%s", local, domain) >=
	    (int)sizeof(name))
		return false;
	if (is_there(x->cfg, x->users, name))
		return true;
	if (x->cfg->tag[0] == '\0' ||
	    (tag = strstr(local, x->cfg->tag)) == NULL || tag == local)
		return false;
	len = (size_t)(tag - local);
	snprintf(name, sizeof(name), "%.*s@%s", (int)len, local, domain);
	return is_there(x->cfg, x->users, name);
}

static void
say(void (*fn)(const char *, void *), void *arg, const char *name,
    const char *text, const char *more)
{
	char	 line[1024];

	snprintf(line, sizeof(line), "alias %s: %s%s", shown(name), text,
	    shown(more));
	fn(line, arg);
}

static void
examine_results(struct examine *x, const char *name,
    const struct aliases_result *r, size_t n)
{
	struct address	 a;
	size_t		 i;

	for (i = 0; i < n && x->users != NULL; i++) {
		if (address_parse(slice_str(r[i].address), ADDRESS_LENIENT |
		    ADDRESS_UTF8, &a) != ADDRESS_OK)
			continue;
		if (config_is_local(x->cfg, a.domain) &&
		    !is_user(a.local, a.domain, x))
			say(x->f->warning, x->f->arg, name,
			    "leads to nobody: ", r[i].address);
	}
}

static void
expand(struct examine *x, const char *name, const struct address *a)
{
	struct aliases_result	*r = NULL;
	size_t			 n = 0;

	switch (aliases_expand(x->aliases, a, x->cfg->hostname, is_local,
	    is_user, x, &r, &n)) {
	case ALIASES_OK:
		examine_results(x, name, r, n);
		break;
	case ALIASES_NONE:
		break;
	case ALIASES_LOOP:
		say(x->f->error, x->f->arg, name, "goes round in a loop", "");
		break;
	case ALIASES_TOOMANY:
		say(x->f->error, x->f->arg, name, "has too many results", "");
		break;
	case ALIASES_ERROR:
		say(x->f->error, x->f->arg, name, "an include is unusable: ",
		    strerror(errno));
		break;
	}
	aliases_results_free(r, n);
}

static void
examine_alias(const char *name, const char *results, void *arg)
{
	struct examine	*x = arg;
	struct address	 parsed, a;

	(void)results;
	/* A catch-all is examined by a name that nobody has. */
	if (name[0] == '@') {
		if (address_make("no-such-name", name + 1, &a) == -1)
			return;
	} else if (address_parse(slice_str(name), ADDRESS_LENIENT |
	    ADDRESS_UTF8, &parsed) != ADDRESS_OK ||
	    address_make(parsed.local, parsed.domain[0] == '\0' ?
	    x->cfg->hostname : parsed.domain, &a) == -1)
		return;
	if (!config_is_local(x->cfg, a.domain)) {
		say(x->f->warning, x->f->arg, name,
		    "its domain is not in domains", "");
		return;
	}
	expand(x, name, &a);
}

void
tables_examine(const struct config *cfg, const struct users *users,
    const struct aliases *aliases, const struct tables_findings *f)
{
	struct examine	 x = { cfg, users, aliases, f };
	struct address	 pm;

	aliases_each(aliases, examine_alias, &x);
	if (!aliases_has(aliases, "root", cfg->hostname, true) &&
	    (users == NULL || !is_user("root", cfg->hostname, &x)))
		f->warning("no alias root: mail of cron and other system "
		    "programs has no reader", f->arg);
	if (users == NULL || address_parse(slice_str(cfg->postmaster),
	    ADDRESS_LENIENT | ADDRESS_UTF8, &pm) != ADDRESS_OK ||
	    !config_is_local(cfg, pm.domain))
		return;
	if (!is_user(pm.local, pm.domain, &x) &&
	    !aliases_has(aliases, pm.local, pm.domain, true))
		f->error("postmaster names no user and no alias", f->arg);
}

/* With a password, but nothing that SCRAM could work with. */
static bool
lacks_keys(const struct user *u)
{
	struct scram_keys	 k;
	bool			 has;

	if (u->secret[0] == '\0' || u->nologin ||
	    secret_word(u->secret) != NULL)
		return false;
	has = user_scram(u, SCRAM_SHA_256, &k);
	explicit_bzero(&k, sizeof(k));
	return !has;
}

void
tables_examine_proofs(const struct config *cfg, const struct users *users,
    const struct app_passwords *apps, const struct tables_findings *f)
{
	const struct user		*u;
	const struct app_password	*a;
	char				 text[512];
	size_t				 i, n, lack = 0;

	u = users_all(users, &n);
	for (i = 0; i < n; i++)
		lack += lacks_keys(&u[i]);
	if (lack > 0 && (config_list_has(&cfg->authd.mechanisms,
	    "SCRAM-SHA-256") || config_list_has(&cfg->authd.mechanisms,
	    "SCRAM-SHA-256-PLUS"))) {
		snprintf(text, sizeof(text), "%zu user%s with a password ha%s "
		    "no keys for SCRAM, which is offered: set mechanisms of "
		    "authd without it, or let them change their password",
		    lack, lack == 1 ? "" : "s", lack == 1 ? "s" : "ve");
		f->warning(text, f->arg);
	}
	a = app_passwords_all(apps, &n);
	for (i = 0; i < n; i++)
		if (!is_there(cfg, users, a[i].user)) {
			snprintf(text, sizeof(text),
			    "%s:%lu: no user %.200s",
			    cfg->app_passwords_file,
			    (unsigned long)a[i].line, shown(a[i].user));
			f->warning(text, f->arg);
		}
}
