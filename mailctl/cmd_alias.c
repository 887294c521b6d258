/* mailctl alias: what the aliases file says, and whether it works. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "mailctl/json.h"
#include "mailctl/mailctl.h"
#include "mailctl/tables.h"

static const char	 alias_usage[] =
    "mailctl alias list [--json]\n       mailctl alias check";

struct listing {
	bool		 json;
	struct json	 j;
	size_t		 n;
};

static void
print_alias(const char *name, const char *results, void *arg)
{
	struct listing	*l = arg;

	l->n++;
	if (!l->json) {
		printf("%s: %s\n", shown(name), results);
		return;
	}
	json_open(&l->j, NULL, '{');
	json_string(&l->j, "name", name);
	json_string(&l->j, "results", results);
	json_close(&l->j, '}');
}

static int
alias_list(struct mailctl *m)
{
	const struct config	*cfg = mailctl_config(m);
	struct listing		 l = { .json = m->json };
	struct aliases		*a;
	struct buf		 err;
	int			 code;

	buf_init(&err, 65536);
	a = aliases_load(cfg->aliases_file, &err);
	code = err.len > 0 ? EX_CONFIG : EX_OK;
	fputs(buf_cstr(&err), stderr);
	buf_free(&err);
	if (a == NULL)
		return code;
	json_list_begin(&l.j, m->json);
	aliases_each(a, print_alias, &l);
	json_list_end(&l.j, m->json);
	aliases_free(a);
	return code;
}

static void
count(const char *name, const char *results, void *arg)
{
	(void)name;
	(void)results;
	++*(size_t *)arg;
}

static void
print_error(const char *text, void *arg)
{
	fprintf(stderr, "error: %s\n", text);
	++*(size_t *)arg;
}

static void
print_warning(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "warning: %s\n", text);
}

static int
alias_check(struct mailctl *m)
{
	const struct config	*cfg = mailctl_config(m);
	size_t			 errors = 0, n = 0;
	struct tables_findings	 f = { print_error, print_warning, &errors };
	struct users		*users;
	struct aliases		*a;
	struct buf		 err;

	buf_init(&err, 65536);
	if ((a = tables_aliases(cfg, &err)) == NULL) {
		fputs(buf_cstr(&err), stderr);
		buf_free(&err);
		return EX_CONFIG;
	}
	/* Whoever may not read the users file can still check the rest. */
	users = tables_users(cfg, &err);
	tables_examine(cfg, users, a, &f);
	aliases_each(a, count, &n);
	printf("%s: %zu alias%s\n", cfg->aliases_file, n,
	    n == 1 ? "" : "es");
	users_free(users);
	aliases_free(a);
	buf_free(&err);
	return errors > 0 ? EX_CONFIG : EX_OK;
}

int
cmd_alias(struct mailctl *m, int argc, char **argv)
{
	const char	*word = only_word(m, argc, argv, alias_usage);

	if (word == NULL)
		return EX_USAGE;
	if (strcmp(word, "list") == 0)
		return alias_list(m);
	if (strcmp(word, "check") == 0)
		return alias_check(m);
	return wrong_usage(alias_usage);
}
