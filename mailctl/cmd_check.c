/* mailctl check and reload: what is found before the programs find it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/net/proto_auth.h"
#include "mailctl/certs.h"
#include "mailctl/check.h"
#include "mailctl/mailctl.h"
#include "mailctl/services.h"
#include "mailctl/tables.h"

static void
finding(const char *kind, const char *fmt, va_list ap)
{
	fputs(kind, stderr);
	vfprintf(stderr, fmt, ap);
	putc('\n', stderr);
}

void
check_error(struct check *c, const char *fmt, ...)
{
	va_list	 ap;

	c->errors++;
	va_start(ap, fmt);
	finding("error: ", fmt, ap);
	va_end(ap);
}

void
check_warning(struct check *c, const char *fmt, ...)
{
	va_list	 ap;

	c->warnings++;
	va_start(ap, fmt);
	finding("warning: ", fmt, ap);
	va_end(ap);
}

void
check_lines(struct check *c, struct buf *err)
{
	const char	*p = buf_cstr(err), *nl;

	for (; (nl = strchr(p, '\n')) != NULL; p = nl + 1)
		check_error(c, "%.*s", (int)(nl - p), p);
	buf_clear(err);
}

static void
error_text(const char *text, void *arg)
{
	check_error(arg, "%s", text);
}

static void
warning_text(const char *text, void *arg)
{
	check_warning(arg, "%s", text);
}

void
check_tables(struct check *c)
{
	struct tables_findings	 f = { error_text, warning_text, c };
	struct users		*users;
	struct app_passwords	*apps;
	struct aliases		*aliases;
	struct buf		 err;

	buf_init(&err, 1024 * 1024);
	if ((users = tables_users(c->cfg, &err)) == NULL)
		check_lines(c, &err);
	if ((apps = tables_apps(c->cfg, &err)) == NULL)
		check_lines(c, &err);
	if (users != NULL && apps != NULL)
		tables_examine_proofs(c->cfg, users, apps, &f);
	if ((aliases = tables_aliases(c->cfg, &err)) == NULL)
		check_lines(c, &err);
	else
		tables_examine(c->cfg, users, aliases, &f);
	users_free(users);
	app_passwords_free(apps);
	aliases_free(aliases);
	buf_free(&err);
}

int
cmd_check(struct mailctl *m, int argc, char **argv)
{
	struct check	 c = { 0 };

	(void)argv;
	if (argc != 1)
		return wrong_usage("mailctl check");
	c.cfg = mailctl_config(m);
	check_tables(&c);
	check_files(&c);
	check_paths(&c);
	check_certificates(&c);
	check_listeners(&c);
	check_ports(&c);
	if (c.errors > 0)
		return complain(EX_CONFIG, "%zu error%s, %zu warning%s",
		    c.errors, c.errors == 1 ? "" : "s", c.warnings,
		    c.warnings == 1 ? "" : "s");
	printf("%s: good", c.cfg->file);
	if (c.warnings > 0)
		printf(", %zu warning%s", c.warnings,
		    c.warnings == 1 ? "" : "s");
	putchar('\n');
	return EX_OK;
}

static int
reload_tables(const struct config *cfg)
{
	struct auth_client	 authd;
	char			 path[600], error[4096];
	bool			 ok;
	int			 n;

	snprintf(path, sizeof(path), "%s/authd/authd.sock", cfg->run_dir);
	auth_client_init(&authd, path);
	n = auth_client_reload(&authd, &ok, error, sizeof(error));
	auth_client_close(&authd);
	if (n == -1)
		return complain(errno == EPIPE || errno == ECONNRESET ||
		    errno == EACCES ? EX_NOPERM : EX_TEMPFAIL,
		    "authd cannot be asked: %s", strerror(errno));
	if (!ok)
		return complain(EX_CONFIG, "authd found errors: %s",
		    error);
	return EX_OK;
}

/*
 * The programs read the configuration when they start.  One after the other,
 * each waited for: listening sockets stay open in s6-fdholder meanwhile,
 * and running sessions end with the code they began with.
 */
static int
restart_all(const struct config *cfg)
{
	struct service	 s[SERVICES_MAX];
	int		 n = services_find(cfg, s), i, code = EX_OK;

	if (n == -1)
		return complain(EX_NOPERM, "%s: %s", cfg->service_dir,
		    strerror(errno));
	for (i = 0; i < n; i++) {
		services_ask(&s[i]);
		/* One that somebody stopped stays so. */
		if (strcmp(s[i].name, "fdholder") == 0 ||
		    (s[i].known && !s[i].wanted))
			continue;
		/*
		 * It has read all anew.  Started anew it would have forgotten
		 * the keys of tickets, and those that it has just replaced.
		 */
		if (strcmp(s[i].name, "keyd") == 0 &&
		    services_is_current(cfg, &s[i]))
			continue;
		if (services_restart(&s[i]) == -1)
			code = complain(EX_TEMPFAIL, "%s was not restarted",
			    s[i].name);
		else
			printf("%s: restarted\n", s[i].name);
	}
	return code;
}

int
cmd_reload(struct mailctl *m, int argc, char **argv)
{
	struct check	 c = { .lenient = true };
	int		 code;

	(void)argv;
	if (argc != 1)
		return wrong_usage("mailctl reload");
	c.cfg = mailctl_config(m);
	check_tables(&c);
	check_files(&c);
	check_paths(&c);
	check_certificates(&c);
	if (c.errors > 0)
		return complain(EX_CONFIG,
		    "%zu error%s: nothing was reloaded", c.errors,
		    c.errors == 1 ? "" : "s");
	if ((code = reload_tables(c.cfg)) != EX_OK)
		return code;
	printf("users and aliases: read again\n");
	if ((code = cert_reload(c.cfg)) != EX_OK)
		return code;
	if (c.cfg->service_dir == NULL) {
		printf("service-dir is not set: restart the programs "
		    "yourself if %s changed\n", c.cfg->file);
		return EX_OK;
	}
	return restart_all(c.cfg);
}
