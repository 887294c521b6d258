/* mailctl app-password: the one writer of the file of app passwords. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "lib/base/io.h"
#include "lib/net/proto_auth.h"
#include "lib/store/app_passwords.h"
#include "lib/store/app_uses.h"
#include "mailctl/json.h"
#include "mailctl/password.h"
#include "mailctl/tables.h"
#include "mailctl/user_parts.h"

#define LINE_LEN	1024

bool
app_file_good(const struct config *cfg, struct slice text, struct buf *err)
{
	size_t	 had = err->len;

	app_passwords_free(app_passwords_parse(cfg->app_passwords_file,
	    text.ptr, text.len, err));
	return err->len == had;
}

/* The line of that name; its fields are those of users_file.h. */
static bool
find_line(struct slice text, const char *user, const char *name,
    struct users_line *l)
{
	size_t	 pos = 0;

	while (users_file_next(text, &pos, l))
		if (slice_is(l->field[0], user) &&
		    (name == NULL || slice_eq(l->field[1], slice_str(name))))
			return true;
	return false;
}

static int
add_line(struct change *c, const char *user, const char *name,
    const char *services, const char *password)
{
	char	 line[LINE_LEN], hash[APP_PASSWORD_HASH];
	char	 when[APP_USES_TIME];

	app_password_hash(password, hash);
	app_uses_time(time(NULL), when);
	if (snprintf(line, sizeof(line), "%s:%s:%s:%s%s%s", user, name, hash,
	    when, services == NULL ? "" : ":",
	    services == NULL ? "" : services) >= (int)sizeof(line))
		return complain(EX_DATAERR, "the line is too long");
	return user_line_add(c, line);
}

/* The name under which authd looks for it; false: there is no such user. */
static bool
login_name(const struct config *cfg, struct address *a)
{
	char	 local[SYSTEM_NAME_MAX + 1];

	if (user_is_there(cfg, a->text))
		return true;
	return tables_account(cfg, a->text, local) &&
	    address_make(local, cfg->hostname, a) == 0;
}

static int
app_add(struct mailctl *m, const char *arg, const char *name,
    const char *services)
{
	const struct config	*cfg = mailctl_config(m);
	char			 password[AUTH_PASSWORD_MAX + 1] = "";
	struct change		 c;
	struct users_line	 l;
	struct address		 a;
	unsigned int		 bits;
	int			 code;

	if ((code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	if (!app_password_name_ok(name))
		return complain(EX_DATAERR, "%s: a name has 1 to %d octets of "
		    "UTF-8, no colons, no blanks at its ends", shown(name),
		    APP_PASSWORD_NAME);
	if (services != NULL && !app_password_services(services, &bits))
		return complain(EX_USAGE, "%s: services are smtp, pop3 and "
		    "imap, with commas between", shown(services));
	if (!login_name(cfg, &a))
		return complain(EX_NOUSER, "no user %s", shown(a.text));
	if ((code = password_get(PASSWORD_GENERATE, password)) != EX_OK)
		return code;
	code = change_begin(&c, cfg, cfg->app_passwords_file, app_file_good);
	if (code == EX_OK && find_line(buf_slice(&c.old), a.text, name, &l))
		code = complain(EX_CANTCREAT, "%s has %s already",
		    shown(a.text), shown(name));
	else if (code == EX_OK)
		code = add_line(&c, a.text, name, services, password);
	change_end(&c);
	if (code == EX_OK)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	return code;
}

static int
app_revoke(struct mailctl *m, const char *arg, const char *name)
{
	const struct config	*cfg = mailctl_config(m);
	struct change		 c;
	struct users_line	 l;
	struct address		 a;
	int			 code;

	if ((code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	(void)login_name(cfg, &a);
	code = change_begin(&c, cfg, cfg->app_passwords_file, app_file_good);
	if (code != EX_OK)
		;
	else if (!find_line(buf_slice(&c.old), a.text, name, &l))
		code = complain(EX_NOUSER, "%s has no app password %s",
		    shown(a.text), shown(name));
	else
		code = user_line_del(&c, &l);
	change_end(&c);
	return code;
}

int
app_passwords_remove_all(const struct config *cfg, const char *address)
{
	struct change		 c;
	struct users_line	 l;
	struct buf		 swap;
	struct stat		 st;
	int			 code;
	bool			 some = false;

	if (stat(cfg->app_passwords_file, &st) == -1 && errno == ENOENT)
		return EX_OK;
	code = change_begin(&c, cfg, cfg->app_passwords_file, app_file_good);
	while (code == EX_OK &&
	    find_line(buf_slice(&c.old), address, NULL, &l)) {
		some = true;
		buf_clear(&c.new);
		if (users_file_del(&c.new, buf_slice(&c.old), &l) == -1)
			code = complain(EX_DATAERR, "the file is too large");
		swap = c.old;
		c.old = c.new;
		c.new = swap;
	}
	if (code == EX_OK && some) {
		swap = c.old;
		c.old = c.new;
		c.new = swap;
		code = change_write(&c);
	}
	change_end(&c);
	return code;
}

/* authd knows; when it is down its file does, up to a minute behind. */
static struct app_uses *
read_uses(const struct config *cfg)
{
	struct app_uses		*uses = app_uses_new();
	struct auth_client	 authd;
	struct buf		 text;
	char			 path[600];
	int			 fd;

	buf_init(&text, APP_USES_MAX);
	snprintf(path, sizeof(path), "%s/authd/authd.sock", cfg->run_dir);
	auth_client_init(&authd, path);
	if (auth_client_app_uses(&authd, &fd) == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		(void)io_read_file(AT_FDCWD, path, &text);
		io_close(fd);
	} else {
		snprintf(path, sizeof(path), "%s/" APP_USES_FILE,
		    cfg->authd.state);
		(void)io_read_file(AT_FDCWD, path, &text);
	}
	auth_client_close(&authd);
	app_uses_read(uses, buf_slice(&text));
	buf_free(&text);
	return uses;
}

static const char *
services_words(unsigned int bits)
{
	static char	 out[32];

	if (bits == 0)
		return "all";
	snprintf(out, sizeof(out), "%s%s%s", bits & APP_IMAP ? "imap," : "",
	    bits & APP_POP3 ? "pop3," : "", bits & APP_SMTP ? "smtp," : "");
	out[strlen(out) - 1] = '\0';
	return out;
}

static void
print_app(const struct mailctl *m, struct json *j,
    const struct app_password *a, const struct app_use *u)
{
	if (!m->json) {
		printf("%s  %s  %s  created %s  ", shown(a->user),
		    shown(a->name), services_words(a->services),
		    shown(a->created));
		if (u == NULL)
			printf("never used\n");
		else
			printf("last used %s by %s from %s\n",
			    shown(u->time), shown(u->service), shown(u->ip));
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "user", a->user);
	json_string(j, "name", a->name);
	json_string(j, "services", services_words(a->services));
	json_string(j, "created", a->created);
	json_string(j, "used", u == NULL ? NULL : u->time);
	json_string(j, "service", u == NULL ? NULL : u->service);
	json_string(j, "ip", u == NULL ? NULL : u->ip);
	json_close(j, '}');
}

static int
app_list(struct mailctl *m, const char *arg)
{
	const struct config		*cfg = mailctl_config(m);
	struct app_passwords		*all;
	struct app_uses			*uses;
	const struct app_password	*one;
	struct address			 a;
	struct json			 j;
	struct buf			 err;
	size_t				 i, n;
	int				 code;

	if (arg != NULL && (code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	buf_init(&err, 65536);
	all = tables_apps(cfg, &err);
	fputs(buf_cstr(&err), stderr);
	buf_free(&err);
	if (all == NULL)
		return EX_CONFIG;
	uses = read_uses(cfg);
	one = arg == NULL ? app_passwords_all(all, &n) :
	    app_passwords_of(all, a.text, &n);
	json_list_begin(&j, m->json);
	for (i = 0; i < n; i++)
		print_app(m, &j, &one[i],
		    app_uses_find(uses, one[i].user, one[i].name));
	json_list_end(&j, m->json);
	app_uses_free(uses);
	app_passwords_free(all);
	return EX_OK;
}

static const char	 app_usage[] =
    "mailctl app-password add address name [--services imap,smtp]\n"
    "       mailctl app-password list [--json] [address]\n"
    "       mailctl app-password revoke address name";

int
cmd_app_password(struct mailctl *m, int argc, char **argv)
{
	static const struct option	 longs[] = {
		{ "services", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	const char			*what, *services = NULL;
	int				 c, n;

	if (argc < 2)
		return wrong_usage(app_usage);
	what = argv[1];
	optind = 0;
	while ((c = getopt_long(argc - 1, argv + 1, "", longs, NULL)) != -1) {
		if (c == 's')
			services = optarg;
		else if (c == 'j')
			m->json = true;
		else
			return wrong_usage(app_usage);
	}
	argv += 1 + optind;
	n = argc - 1 - optind;
	if (n == 2 && strcmp(what, "add") == 0)
		return app_add(m, argv[0], argv[1], services);
	if (services != NULL)
		return wrong_usage(app_usage);
	if (n <= 1 && strcmp(what, "list") == 0)
		return app_list(m, n == 1 ? argv[0] : NULL);
	if (n == 2 && strcmp(what, "revoke") == 0)
		return app_revoke(m, argv[0], argv[1]);
	return wrong_usage(app_usage);
}
