/* Contract in tables.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/accounts.h"
#include "authd/tables.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/slice.h"
#include "lib/mail/aliases.h"
#include "lib/mail/relays.h"
#include "lib/store/app_passwords.h"

void
tables_init(struct tables *t, const struct config *conf,
    const struct users_ids *ids)
{
	memset(t, 0, sizeof(*t));
	t->conf = conf;
	t->ids = *ids;
	if (config_list_has(&conf->users, "system"))
		t->accounts = accounts_new(conf);
}

static void
tables_drop(struct tables *t)
{
	users_free(t->users);
	app_passwords_free(t->apps);
	aliases_free(t->aliases);
	relays_free(t->relays);
	t->users = NULL;
	t->apps = NULL;
	t->aliases = NULL;
	t->relays = NULL;
}

void
tables_free(struct tables *t)
{
	tables_drop(t);
	accounts_free(t->accounts);
	t->accounts = NULL;
}

static void
tables_paths(const struct config *conf, const char *path[TABLES_FILES])
{
	path[TABLES_USERS] = conf->users_file;
	path[TABLES_APPS] = conf->app_passwords_file;
	path[TABLES_ALIASES] = conf->aliases_file;
	path[TABLES_RELAYS] = conf->relay_recipients;
}

static int
tables_read(const char *path, size_t max, struct buf *b, struct buf *err)
{
	buf_init(b, max);
	if (io_read_file(AT_FDCWD, path, b) == 0)
		return 0;
	(void)buf_addf(err, "%s:1: %s\n", path, strerror(errno));
	buf_free(b);
	return -1;
}

static struct users *
tables_load_users(const struct tables *t, struct buf *err)
{
	const char	*path = t->conf->users_file;
	struct users	*us;
	struct buf	 b;

	if (tables_read(path, USERS_FILE_MAX, &b, err) == -1)
		return NULL;
	us = users_parse(path, buf_cstr(&b), b.len, t->conf, &t->ids, err);
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.len);
	buf_free(&b);
	return us;
}

/* No file is an empty one. */
static struct app_passwords *
tables_load_apps(const struct config *conf, struct buf *err)
{
	const char		*path = conf->app_passwords_file;
	struct app_passwords	*apps;
	struct buf		 b;

	buf_init(&b, APP_PASSWORDS_FILE_MAX);
	if (io_read_file(AT_FDCWD, path, &b) == -1 && errno != ENOENT) {
		(void)buf_addf(err, "%s:1: %s\n", path, strerror(errno));
		apps = NULL;
	} else
		apps = app_passwords_parse(path, buf_cstr(&b), b.len, err);
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.len);
	buf_free(&b);
	return apps;
}

/* NULL without such a file in the configuration, too. */
static struct relays *
tables_load_relays(const struct config *conf, struct buf *err)
{
	const char	*path = conf->relay_recipients;
	struct relays	*r;
	struct buf	 b;

	if (path == NULL || tables_read(path, RELAYS_FILE_MAX, &b, err) == -1)
		return NULL;
	r = relays_parse(path, buf_cstr(&b), b.len, err);
	buf_free(&b);
	return r;
}

static void
tables_count_one(const char *name, const char *results, void *arg)
{
	(void)name;
	(void)results;
	++*(size_t *)arg;
}

static size_t
tables_count_aliases(const struct aliases *aliases)
{
	size_t	 n = 0;

	aliases_each(aliases, tables_count_one, &n);
	return n;
}

static void
tables_take_users(struct tables *t, struct users *users)
{
	if (users == NULL)
		return;
	if (t->users != NULL)
		users_keep_usage(users, t->users);
	users_free(t->users);
	t->users = users;
}

static void
tables_take_apps(struct tables *t, struct app_passwords *apps)
{
	if (apps == NULL)
		return;
	app_passwords_free(t->apps);
	t->apps = apps;
}

static void
tables_take_aliases(struct tables *t, struct aliases *aliases)
{
	if (aliases == NULL)
		return;
	aliases_free(t->aliases);
	t->aliases = aliases;
}

static void
tables_take_relays(struct tables *t, struct relays *relays)
{
	if (relays == NULL)
		return;
	relays_free(t->relays);
	t->relays = relays;
}

bool
tables_complete(const struct tables *t)
{
	return t->users != NULL && t->apps != NULL && t->aliases != NULL &&
	    (t->relays != NULL || t->conf->relay_recipients == NULL);
}

int
tables_load(struct tables *t, struct buf *err)
{
	const char	*path[TABLES_FILES];
	int64_t		 start = io_monotonic_ms();
	size_t		 i, had = err->len;

	/*
	 * Stamps first: a change while the files are being read shows at the
	 * next look.  They are kept even after an error, or a broken file
	 * would be read and logged with every question.
	 */
	tables_paths(t->conf, path);
	for (i = 0; i < TABLES_FILES; i++)
		(void)file_stamp_changed(&t->stamp[i], path[i]);
	tables_take_users(t, tables_load_users(t, err));
	tables_take_apps(t, tables_load_apps(t->conf, err));
	tables_take_aliases(t, aliases_load(t->conf->aliases_file, err));
	tables_take_relays(t, tables_load_relays(t->conf, err));
	if (tables_complete(t))
		log_info("event=tables-loaded users=%zu aliases=%zu relays=%zu "
		    "ms=%lld", users_count(t->users),
		    tables_count_aliases(t->aliases),
		    t->relays == NULL ? 0 : relays_count(t->relays),
		    (long long)(io_monotonic_ms() - start));
	return err->len == had ? 0 : -1;
}

void
tables_refresh(struct tables *t)
{
	const char	*path[TABLES_FILES];
	struct buf	 err;
	int64_t		 now = io_monotonic_ms();

	if (now - t->checked < TABLES_CHECK_MS)
		return;
	t->checked = now;
	tables_paths(t->conf, path);
	if (!file_stamp_rested(t->stamp, path, TABLES_FILES))
		return;
	buf_init(&err, 65536);
	if (tables_load(t, &err) == -1)
		tables_log_errors(&err);
	buf_free(&err);
}

void
tables_log_errors(const struct buf *err)
{
	const char	*p = buf_cstr(err);
	size_t		 len;

	for (; *p != '\0'; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		log_warnx("event=tables-error text=%s",
		    log_esc_slice((struct slice){ p, len }));
	}
}
