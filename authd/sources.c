/* Contract in sources.h. */
#include <string.h>

#include "authd/accounts.h"
#include "authd/sources.h"
#include "lib/base/config.h"

struct source {
	const char	*name;		/* in the configuration */
	struct user	*(*find)(struct tables *, const char *name);
	bool		 (*has_uid)(struct tables *, uint32_t uid);
};

static struct user *
file_find(struct tables *t, const char *name)
{
	return users_find(t->users, name);
}

static bool
file_has_uid(struct tables *t, uint32_t uid)
{
	return users_has_uid(t->users, uid);
}

static struct user *
system_find(struct tables *t, const char *name)
{
	return accounts_find(t->accounts, name, &t->unsure);
}

static bool
system_has_uid(struct tables *t, uint32_t uid)
{
	return accounts_has_uid(t->accounts, uid);
}

static const struct source	 sources[] = {
	{ "file", file_find, file_has_uid },
	{ "system", system_find, system_has_uid },
};

/* The n-th that is configured, or NULL. */
static const struct source *
source_at(const struct tables *t, size_t n)
{
	size_t	 i;

	if (n >= t->conf->users.n)
		return NULL;
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].name, t->conf->users.item[n]) == 0)
			return &sources[i];
	return NULL;
}

struct user *
sources_find(struct tables *t, const char *name)
{
	const struct source	*s;
	struct user		*u = NULL;
	size_t			 n;

	for (n = 0; u == NULL && (s = source_at(t, n)) != NULL; n++)
		u = s->find(t, name);
	if (u != NULL && u->bad) {
		t->unsure = t->broken = true;
		return NULL;
	}
	return u;
}

bool
sources_has_uid(struct tables *t, uint32_t uid)
{
	const struct source	*s;
	size_t			 n;

	for (n = 0; (s = source_at(t, n)) != NULL; n++)
		if (s->has_uid(t, uid))
			return true;
	return false;
}
