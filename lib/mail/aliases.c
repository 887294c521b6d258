/* The alias table: loading and looking up (contract in aliases.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/aliases.h"
#include "lib/mail/aliases_table.h"

/* Growing, before it is sorted. */
struct loader {
	struct aliases	*a;
	size_t		 size;		/* entries allocated */
	struct buf	*err;
	size_t		 line;
	bool		 open;		/* an entry takes continuations */
	bool		 skip;		/* ... but its name was wrong */
};

static void
complain(struct loader *l, size_t line, const char *why, const char *what)
{
	/* A full buffer has had enough examples. */
	(void)buf_addf(l->err, "%s:%zu: %s%s\n", l->a->path, line, why, what);
}

/* The same, of the alias that is open. */
static void
spoil(struct loader *l, const char *why)
{
	complain(l, l->line, why, "");
	l->a->entries[l->a->n - 1].bad = true;
	l->skip = true;
}

static void
entry_free(struct aliases_entry *e)
{
	size_t	 i;

	for (i = 0; i < e->n; i++)
		free(e->results[i]);
	free(e->results);
	free(e->key);
	free(e->name);
}

void
aliases_free(struct aliases *a)
{
	size_t	 i;

	if (a == NULL)
		return;
	for (i = 0; i < a->n; i++)
		entry_free(&a->entries[i]);
	free(a->entries);
	free(a->path);
	free(a);
}

static int
add_result(const char *result, void *arg)
{
	struct loader		*l = arg;
	struct aliases_entry	*e = &l->a->entries[l->a->n - 1];

	if (l->skip)
		return 0;
	if (e->n == ALIASES_RESULTS) {
		spoil(l, "too many results");
		return 0;
	}
	/* Grow at powers of two: 1, 2, 4 ... are where the array is full. */
	if ((e->n & (e->n - 1)) == 0)
		e->results = xreallocarray(e->results,
		    e->n == 0 ? 1 : 2 * e->n, sizeof(*e->results));
	e->results[e->n++] = xstrdup(result);
	return 0;
}

static void
close_entry(struct loader *l)
{
	struct aliases_entry	*e;

	if (l->open && !l->skip) {
		e = &l->a->entries[l->a->n - 1];
		if (e->n == 0) {
			complain(l, e->line, "no result for ", e->name);
			e->bad = true;
		}
	}
	l->open = l->skip = false;
}

static void
open_entry(struct loader *l, struct slice *line)
{
	struct aliases		*a = l->a;
	struct aliases_entry	*e;
	char			 key[ALIASES_KEY_MAX], name[ALIASES_KEY_MAX];
	const char		*why;
	size_t			 used;

	l->open = true;
	if (aliases_parse_name(*line, key, name, &used, &why) == -1) {
		complain(l, l->line, why, "");
		l->skip = true;
		line->len = 0;
		return;
	}
	line->ptr += used;
	line->len -= used;
	if (a->n == l->size) {
		l->size = l->size == 0 ? 64 : 2 * l->size;
		a->entries = xreallocarray(a->entries, l->size,
		    sizeof(*a->entries));
	}
	e = &a->entries[a->n++];
	memset(e, 0, sizeof(*e));
	e->key = xstrdup(key);
	e->name = xstrdup(name);
	e->line = l->line;
}

static void
load_line(struct loader *l, struct slice line)
{
	const char	*why;

	if (line.len == 0)
		return;
	if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
		if (!l->open) {
			complain(l, l->line, "continues nothing: a name "
			    "starts in the first column", "");
			return;
		}
	} else {
		close_entry(l);
		open_entry(l, &line);
	}
	if (l->skip)
		return;
	if (aliases_parse_results(line, &why, add_result, l) == -1)
		spoil(l, why);
}

static int
compare(const void *left, const void *right)
{
	const struct aliases_entry	*a = left, *b = right;
	int				 r = strcmp(a->key, b->key);

	if (r != 0)
		return r;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Nobody can say which of two is meant. */
static void
finish(struct loader *l)
{
	struct aliases		*a = l->a;
	struct aliases_entry	*e;
	size_t			 i, n = 0;

	close_entry(l);
	if (a->n == 0)
		return;
	qsort(a->entries, a->n, sizeof(*a->entries), compare);
	for (i = 0; i < a->n; i++) {
		e = &a->entries[i];
		if (n == 0 || strcmp(e->key, a->entries[n - 1].key) != 0) {
			a->entries[n++] = *e;
			continue;
		}
		complain(l, e->line, "a second alias for ", e->name);
		a->entries[n - 1].bad = true;
		entry_free(e);
	}
	a->n = n;
}

struct aliases *
aliases_load(const char *path, struct buf *err)
{
	struct loader	 l = { .err = err };
	struct buf	 b;
	struct slice	 text, line;
	bool		 failed = false;

	l.a = xcalloc(1, sizeof(*l.a));
	l.a->path = xstrdup(path == NULL ? "" : path);
	buf_init(&b, ALIASES_FILE_MAX);
	if (path != NULL && io_read_file(AT_FDCWD, path, &b) == -1 &&
	    errno != ENOENT) {
		(void)buf_addf(err, "%s: %s\n", path, strerror(errno));
		failed = true;
	}
	text = buf_slice(&b);
	/* To the end: one error does not hide the next. */
	while (aliases_next_line(&text, &line)) {
		l.line++;
		load_line(&l, line);
	}
	finish(&l);
	buf_free(&b);
	if (failed) {
		aliases_free(l.a);
		return NULL;
	}
	return l.a;
}

static int
compare_key(const void *key, const void *entry)
{
	return strcmp(key, ((const struct aliases_entry *)entry)->key);
}

static const struct aliases_entry *
find_key(const struct aliases *a, const char *local, const char *domain)
{
	char	 key[ALIASES_KEY_MAX];

	if (a->n == 0 || aliases_key(local, domain, key) == -1)
		return NULL;
	return bsearch(key, a->entries, a->n, sizeof(*a->entries),
	    compare_key);
}

const struct aliases_entry *
aliases_find(const struct aliases *a, const char *local, const char *domain)
{
	const struct aliases_entry	*e = NULL;

	if (local[0] == '\0')
		return NULL;
	if (domain[0] != '\0')
		e = find_key(a, local, domain);
	return e != NULL ? e : find_key(a, local, "");
}

const struct aliases_entry *
aliases_find_catchall(const struct aliases *a, const char *domain)
{
	return domain[0] == '\0' ? NULL : find_key(a, "", domain);
}

bool
aliases_has(const struct aliases *a, const char *local, const char *domain,
    bool catchall)
{
	return aliases_find(a, local, domain) != NULL ||
	    (catchall && aliases_find_catchall(a, domain) != NULL);
}

void
aliases_each(const struct aliases *a, void (*fn)(const char *name,
    const char *results, void *arg), void *arg)
{
	struct buf	 b;
	size_t		 i, k;

	buf_init(&b, ALIASES_FILE_MAX);
	for (i = 0; i < a->n; i++) {
		buf_clear(&b);
		for (k = 0; k < a->entries[i].n; k++)
			(void)buf_addf(&b, "%s%s", k > 0 ? ", " : "",
			    a->entries[i].results[k]);
		fn(a->entries[i].name, buf_cstr(&b), arg);
	}
	buf_free(&b);
}

static int
ignore(const char *result, void *arg)
{
	(void)result;
	(void)arg;
	return 0;
}

int
aliases_check_includes(const struct aliases *a, struct buf *err)
{
	const char	*r;
	size_t		 i, k;
	int		 status = 0;

	for (i = 0; i < a->n; i++) {
		for (k = 0; k < a->entries[i].n; k++) {
			r = a->entries[i].results[k];
			if (r[0] == ':' && aliases_read_include(r +
			    strlen(ALIASES_INCLUDE), err, ignore, NULL) != 0)
				status = -1;
		}
	}
	return status;
}
