/* Contract in app_uses.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <bsd/sys/tree.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/app_uses.h"

#define FIELDS	5

struct use {
	RB_ENTRY(use)	 entry;
	struct app_use	 u;
	char		 text[];	/* the two names */
};

RB_HEAD(uses, use);

struct app_uses {
	struct uses	 tree;
};

static int
use_compare(const struct use *a, const struct use *b)
{
	int	 c = strcmp(a->u.user, b->u.user);

	return c != 0 ? c : strcmp(a->u.name, b->u.name);
}

RB_GENERATE_INTERNAL(uses, use, entry, use_compare,
    __attribute__((unused)) static)

struct app_uses *
app_uses_new(void)
{
	struct app_uses	*a = xcalloc(1, sizeof(*a));

	RB_INIT(&a->tree);
	return a;
}

void
app_uses_free(struct app_uses *a)
{
	struct use	*u;

	if (a == NULL)
		return;
	while ((u = RB_ROOT(&a->tree)) != NULL) {
		RB_REMOVE(uses, &a->tree, u);
		free(u);
	}
	free(a);
}

static struct use *
use_find(const struct app_uses *a, const char *user, const char *name)
{
	struct use	 key = { .u = { .user = user, .name = name } };

	/* The macro's function takes no const. */
	return RB_FIND(uses, (struct uses *)(uintptr_t)&a->tree, &key);
}

static struct use *
use_get(struct app_uses *a, const char *user, const char *name)
{
	struct use	*u = use_find(a, user, name);
	size_t		 n = strlen(user) + 1, m = strlen(name) + 1;

	if (u != NULL)
		return u;
	u = xcalloc(1, sizeof(*u) + n + m);
	memcpy(u->text, user, n);
	memcpy(u->text + n, name, m);
	u->u.user = u->text;
	u->u.name = u->text + n;
	RB_INSERT(uses, &a->tree, u);
	return u;
}

static void
use_set(struct use *u, const char *time, const char *service, const char *ip)
{
	strlcpy(u->u.time, time, sizeof(u->u.time));
	strlcpy(u->u.service, service, sizeof(u->u.service));
	strlcpy(u->u.ip, ip[0] == '\0' ? "-" : ip, sizeof(u->u.ip));
}

/* What is shown to an admin holds nothing that moves a cursor. */
static bool
line_ok(char *line, char *field[FIELDS])
{
	size_t	 i;
	char	*p;

	for (p = line; *p != '\0'; p++)
		if (text_is_control(*p))
			return false;
	for (i = 0, p = line; i < FIELDS; i++) {
		field[i] = p;
		if (i == FIELDS - 1)
			break;
		p += strcspn(p, ":");
		if (*p == '\0')
			return false;
		*p++ = '\0';
	}
	return field[0][0] != '\0' && app_password_name_ok(field[1]) &&
	    strlen(field[2]) < APP_USES_TIME && strlen(field[3]) < 16 &&
	    strlen(field[4]) < 64;
}

void
app_uses_read(struct app_uses *a, struct slice text)
{
	const char	*nl;
	char		 line[1024], *field[FIELDS];
	size_t		 len;

	while (text.len > 0) {
		nl = memchr(text.ptr, '\n', text.len);
		len = nl == NULL ? text.len : (size_t)(nl - text.ptr);
		if (len < sizeof(line)) {
			memcpy(line, text.ptr, len);
			line[len] = '\0';
			if (strlen(line) == len && line_ok(line, field))
				use_set(use_get(a, field[0], field[1]),
				    field[2], field[3], field[4]);
		}
		len += nl != NULL;
		text.ptr += len;
		text.len -= len;
	}
}

void
app_uses_time(time_t when, char out[APP_USES_TIME])
{
	struct tm	 tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(out, APP_USES_TIME, "%Y%m%dT%H%M%SZ", &tm) == 0)
		strlcpy(out, "-", APP_USES_TIME);
}

void
app_uses_note(struct app_uses *a, const char *user, const char *name,
    time_t when, const char *service, const char *ip)
{
	char	 time[APP_USES_TIME];

	app_uses_time(when, time);
	use_set(use_get(a, user, name), time, service, ip);
}

const struct app_use *
app_uses_find(const struct app_uses *a, const char *user, const char *name)
{
	const struct use	*u = use_find(a, user, name);

	return u == NULL ? NULL : &u->u;
}

int
app_uses_print(const struct app_uses *a, const struct app_passwords *still,
    struct buf *out)
{
	const struct app_password	*one;
	const struct app_use		*u;
	size_t				 i, n;

	one = app_passwords_all(still, &n);
	for (i = 0; i < n; i++) {
		u = app_uses_find(a, one[i].user, one[i].name);
		if (u != NULL && buf_addf(out, "%s:%s:%s:%s:%s\n", u->user,
		    u->name, u->time, u->service, u->ip) == -1)
			return -1;
	}
	return 0;
}
