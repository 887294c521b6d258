/*
 * Contract in users.h.  The table is two blocks and an array: the file's
 * octets with NULs for colons, and the names in lower case with their
 * domains.  100,000 users load in a tenth of a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/extra.h"
#include "lib/store/proofs.h"
#include "lib/store/secret.h"
#include "lib/store/users.h"
#include "lib/base/config.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/net/proto_auth.h"

#define FIELDS		8
#define ERRORS_MAX	20
#define CLASSES		32	/* of hash costs that are told apart */

/* The one reason to which the name is not shown. */
static const char	 blank[] = "blank or control octet in user name";

struct users {
	char		*text;		/* the file, cut into fields */
	size_t		 text_len;
	char		*names;
	size_t		 names_len;
	struct user	*user;
	size_t		 n, room;
	size_t		 nbad;
	uint32_t	*uid;		/* sorted, each once */
	size_t		 nuid;
	struct users_class {
		const char	*secret;	/* the first of its kind */
		size_t		 n;
	}		 class[CLASSES];
	size_t		 nclass;
	struct proofs	*proofs;
};

/* What is the same for every line. */
struct users_load {
	const char		*file;
	const struct config	*conf;
	const struct users_ids	*ids;
	struct buf		*err;
	struct buf		 home;
	uint32_t		 line, errors;
};

static void
users_error(struct users_load *l, const char *reason, const char *what)
{
	/* The first ones tell enough; err has its own bound too. */
	if (l->errors++ < ERRORS_MAX &&
	    buf_addf(l->err, "%s:%u: %s%s%.100s\n", l->file, l->line, reason,
	    what == NULL ? "" : ": ", what == NULL ? "" : what) == -1)
		return;
}

static int
user_compare(const void *a, const void *b)
{
	const struct user	*x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
user_compare_line(const void *a, const void *b)
{
	const struct user	*x = a, *y = b;
	int			 c = user_compare(a, b);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
uid_compare(const void *a, const void *b)
{
	uint32_t	 x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The name into the names block, checked.  NULL and why when it is refused. */
static const char *
users_name(struct users *us, const struct users_load *l, const char *field,
    const char **why)
{
	char		*name = us->names + us->names_len, *at;
	const char	*domain = strrchr(field, '@'), *p;
	size_t		 len = strlen(field);

	*why = "bad user name";
	if (len == 0 || len > AUTH_USER_MAX ||
	    (domain != NULL && (domain == field || domain[1] == '\0')))
		return NULL;
	*why = blank;
	for (p = field; *p != '\0'; p++)
		if (text_is_control(*p) || *p == ' ')
			return NULL;
	memcpy(name, field, len + 1);
	if (domain == NULL) {
		at = name + len;
		*at = '@';
		memcpy(at + 1, l->conf->hostname,
		    strlen(l->conf->hostname) + 1);
		domain = at;
	}
	text_lower_str(name);
	*why = "user name too long";
	if (strlen(name) > AUTH_USER_MAX)
		return NULL;
	*why = "the domain is not in domains";
	if (!config_is_local(l->conf, strrchr(name, '@') + 1))
		return NULL;
	us->names_len += strlen(name) + 1;
	return name;
}

static bool
users_number(struct users_load *l, const char *field, uint32_t other,
    const char *what, uint32_t *out)
{
	uint64_t	 n;

	*out = other;
	if (field[0] == '\0') {
		if (!l->ids->known)
			users_error(l, "no value and the system user "
			    "mail-user does not exist", what);
		return l->ids->known;
	}
	/* The last number is the kernel's "leave as it is". */
	if (text_u64(slice_str(field), UINT32_MAX - 1, &n) == -1) {
		users_error(l, "not a number", what);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

static bool
users_home(struct users_load *l, const char *home, struct user *u)
{
	if (home[0] == '\0')
		return true;
	if (home[0] != '/' || strlen(home) >= AUTH_HOME_MAX ||
	    strstr(home, "/../") != NULL) {
		users_error(l, "home is not an absolute path", home);
		return false;
	}
	u->home = home;
	return true;
}

/* Does mail_home give a path for a name without a home of its own? */
static bool
users_has_home(struct users_load *l, const struct user *u)
{
	char	 local[AUTH_USER_MAX + 1];
	size_t	 len = (size_t)(strrchr(u->name, '@') - u->name);

	if (u->home != NULL)
		return true;
	memcpy(local, u->name, len);
	local[len] = '\0';
	buf_clear(&l->home);
	if (config_expand(l->conf->mail_home, local, u->name + len + 1,
	    &l->home) == 0)
		return true;
	users_error(l, "no home, and mail-home cannot be made of the name",
	    u->name);
	return false;
}

static void
users_count_class(struct users *us, const char *secret)
{
	size_t	 i, len = secret_class(secret);

	for (i = 0; i < us->nclass; i++)
		if (secret_class(us->class[i].secret) == len &&
		    memcmp(us->class[i].secret, secret, len) == 0) {
			us->class[i].n++;
			return;
		}
	if (us->nclass < CLASSES)
		us->class[us->nclass++] = (struct users_class){ secret, 1 };
}

/* What stands behind the name.  False when it is refused. */
static bool
users_fields(struct users_load *l, char *const *field, struct user *u)
{
	const char	*reason;

	u->secret = secret_normal(field[1], &reason);
	if (u->secret == NULL) {
		users_error(l, reason, field[0]);
		return false;
	}
	if (!users_number(l, field[2], l->ids->uid, "uid", &u->uid) ||
	    !users_number(l, field[3], l->ids->gid, "gid", &u->gid) ||
	    !users_home(l, field[5], u))
		return false;
	u->locked = field[1][0] == '*' || field[1][0] == '!';
	u->extra = field[7];
	if ((reason = extra_parse(field[7], u)) != NULL) {
		users_error(l, reason, field[0]);
		return false;
	}
	return users_has_home(l, u);
}

static void
users_spoil(struct users *us, struct user *u)
{
	us->nbad += !u->bad;
	*u = (struct user){ .name = u->name, .secret = "", .extra = "",
	    .line = u->line, .locked = true, .bad = true };
}

/* One line, NUL-terminated, ours to cut. */
static void
users_line(struct users *us, struct users_load *l, char *line)
{
	char		*field[FIELDS], *p = line;
	struct user	 u = { .line = l->line };
	const char	*why;
	bool		 colon = strchr(line, ':') != NULL;
	size_t		 i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = p;
		p += i == FIELDS - 1 ? strlen(p) : strcspn(p, ":");
		if (*p == ':')
			*p++ = '\0';
	}
	if (us->n == USERS_MAX) {
		users_error(l, "too many users", NULL);
		return;
	}
	u.name = users_name(us, l, field[0], &why);
	if (!colon)
		users_error(l, "no ':'", NULL);
	else if (u.name == NULL)
		users_error(l, why, why == blank ? NULL : field[0]);
	if (u.name == NULL)
		return;
	if (!colon || !users_fields(l, field, &u))
		users_spoil(us, &u);
	else if (u.secret[0] != '\0')
		users_count_class(us, u.secret);
	if (us->n == us->room) {
		us->room = us->room == 0 ? 64 : 2 * us->room;
		us->user = xreallocarray(us->user, us->room,
		    sizeof(*us->user));
	}
	us->user[us->n++] = u;
}

static void
users_lines(struct users *us, struct users_load *l)
{
	char	*p = us->text, *end = us->text + us->text_len, *nl;

	for (l->line = 1; p < end; l->line++, p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		*nl = '\0';
		if (memchr(p, '\0', (size_t)(nl - p)) != NULL) {
			users_error(l, "NUL octet", NULL);
			continue;
		}
		if (nl > p && nl[-1] == '\r')
			nl[-1] = '\0';
		if (p[strspn(p, " \t")] != '\0' && *p != '#')
			users_line(us, l, p);
	}
}

/* Nobody can say which of two lines is meant: they count as a wrong one. */
static void
users_sort(struct users *us, struct users_load *l)
{
	size_t	 i, n = 0;

	if (us->n == 0)
		return;
	qsort(us->user, us->n, sizeof(*us->user), user_compare_line);
	for (i = 0; i < us->n; i++)
		if (n > 0 && user_compare(&us->user[n - 1],
		    &us->user[i]) == 0) {
			l->line = us->user[i].line;
			users_error(l, "user named twice", us->user[i].name);
			us->nbad -= us->user[i].bad;
			users_spoil(us, &us->user[n - 1]);
		} else
			us->user[n++] = us->user[i];
	us->n = n;
}

static void
users_uids(struct users *us)
{
	size_t	 i, n = 0;

	if (us->n == us->nbad)
		return;
	us->uid = xreallocarray(NULL, us->n - us->nbad, sizeof(*us->uid));
	for (i = 0; i < us->n; i++)
		if (!us->user[i].bad)
			us->uid[n++] = us->user[i].uid;
	qsort(us->uid, n, sizeof(*us->uid), uid_compare);
	for (i = 0; i < n; i++)
		if (us->nuid == 0 || us->uid[us->nuid - 1] != us->uid[i])
			us->uid[us->nuid++] = us->uid[i];
}

static void
users_proofs(struct users *us, struct users_load *l)
{
	const struct user	*twice;

	us->proofs = proofs_new(us->user, us->n);
	while ((twice = proofs_twice(us->proofs)) != NULL) {
		l->line = twice->line;
		users_error(l, "a certificate is another user's too",
		    twice->name);
	}
}

struct users *
users_parse(const char *file, const char *data, size_t len,
    const struct config *conf, const struct users_ids *ids, struct buf *err)
{
	struct users_load	 l = { .file = file, .conf = conf,
	    .ids = ids, .err = err };
	struct users		*us = xcalloc(1, sizeof(*us));
	size_t			 i, lines = 1;

	for (i = 0; i < len; i++)
		lines += data[i] == '\n';
	buf_init(&l.home, AUTH_HOME_MAX - 1);
	us->text = xmalloc(len + 1);
	memcpy(us->text, data, len);
	us->text[len] = '\0';
	us->text_len = len;
	/* Each name may get "@hostname" and a NUL. */
	us->names = xmalloc(len + lines * (strlen(conf->hostname) + 2));
	users_lines(us, &l);
	users_sort(us, &l);
	users_uids(us);
	users_proofs(us, &l);
	buf_free(&l.home);
	if (l.errors > ERRORS_MAX)
		(void)buf_addf(err, "%s: %u errors\n", file, l.errors);
	return us;
}

void
users_free(struct users *us)
{
	if (us == NULL)
		return;
	explicit_bzero(us->text, us->text_len);
	free(us->text);
	free(us->names);
	free(us->user);
	free(us->uid);
	proofs_free(us->proofs);
	free(us);
}

size_t
users_count(const struct users *us)
{
	return us->n - us->nbad;
}

const struct user *
users_all(const struct users *us, size_t *n)
{
	*n = us->n;
	return us->user;
}

struct user *
users_find(const struct users *us, const char *name)
{
	char		 key[AUTH_USER_MAX + 1];
	struct user	 want = { .name = key };
	size_t		 len = strlen(name);

	if (us->n == 0 || len > AUTH_USER_MAX)
		return NULL;
	memcpy(key, name, len + 1);
	text_lower_str(key);
	return bsearch(&want, us->user, us->n, sizeof(*us->user),
	    user_compare);
}

bool
users_has_uid(const struct users *us, uint32_t uid)
{
	return us->nuid > 0 && bsearch(&uid, us->uid, us->nuid,
	    sizeof(*us->uid), uid_compare) != NULL;
}

const char *
users_typical(const struct users *us)
{
	size_t	 i, best = 0;

	for (i = 1; i < us->nclass; i++)
		if (us->class[i].n > us->class[best].n)
			best = i;
	return us->nclass == 0 ? NULL : us->class[best].secret;
}

struct user *
users_by_certificate(const struct users *us, const char *hex)
{
	return proofs_certificate(us->proofs, hex);
}

bool
users_typical_scram(const struct users *us, enum scram_hash hash,
    uint32_t *iterations, size_t *salt_len)
{
	return proofs_typical(us->proofs, hash, iterations, salt_len);
}

void
users_keep_usage(struct users *us, const struct users *old)
{
	size_t	 i, k = 0;
	int	 c;

	/* Both are sorted: one walk over the two. */
	for (i = 0; i < us->n && k < old->n; ) {
		c = user_compare(&us->user[i], &old->user[k]);
		if (c == 0) {
			us->user[i].used_octets = old->user[k].used_octets;
			us->user[i].used_count = old->user[k].used_count;
		}
		i += c <= 0;
		k += c >= 0;
	}
}
