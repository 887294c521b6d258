/*
 * Expansion (contract in aliases.h).  Depth first; the recursion is at most
 * ALIASES_DEPTH deep, and an address is expanded once, so no table makes it
 * run long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/sys/tree.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/aliases.h"
#include "lib/mail/aliases_table.h"

struct seen {
	RB_ENTRY(seen)	 link;
	char		 key[];
};

RB_HEAD(seen_tree, seen);

static int
seen_compare(const struct seen *a, const struct seen *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(seen_tree, seen, link, seen_compare,
    __attribute__((unused)) static)

struct expansion {
	const struct aliases	*a;
	const char		*hostname;
	bool			(*is_local)(const char *, void *);
	bool			(*is_user)(const char *, const char *, void *);
	void			*arg;
	const char		*orcpt;
	struct aliases_result	*out;
	size_t			 n, size;
	struct seen_tree	 results;	/* already in out */
	struct seen_tree	 expanded;	/* already opened */
	bool			 looped;	/* a result was skipped */
};

/* An alias or include being expanded, and where it was named. */
struct step {
	struct expansion	*x;
	const struct step	*up;
	const char		*key;		/* its address */
	const char		*domain;	/* and where that lies */
	const char		*owner;		/* or NULL */
	unsigned int		 depth;
	enum aliases_status	 status;	/* of what failed below */
};

/* True when the key is new. */
static bool
note(struct seen_tree *tree, const char *key)
{
	size_t		 len = strlen(key) + 1;
	struct seen	*s = xmalloc(sizeof(*s) + len);

	memcpy(s->key, key, len);
	if (RB_INSERT(seen_tree, tree, s) == NULL)
		return true;
	free(s);
	return false;
}

static void
forget(struct seen_tree *tree)
{
	struct seen	*s;

	while ((s = RB_ROOT(tree)) != NULL) {
		RB_REMOVE(seen_tree, tree, s);
		free(s);
	}
}

void
aliases_results_free(struct aliases_result *r, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		free(r[i].address);
		free(r[i].owner);
		free(r[i].orcpt);
	}
	free(r);
}

static enum aliases_status
emit(struct expansion *x, const struct step *up, const char *key,
    const struct address *addr)
{
	struct aliases_result	*r;

	if (!note(&x->results, key))
		return ALIASES_OK;
	if (x->n == ALIASES_RESULTS)
		return ALIASES_TOOMANY;
	if (x->n == x->size) {
		x->size = x->size == 0 ? 8 : 2 * x->size;
		x->out = xreallocarray(x->out, x->size, sizeof(*x->out));
	}
	r = &x->out[x->n++];
	r->address = xstrdup(addr->text);
	r->owner = up->owner == NULL ? NULL : xstrdup(up->owner);
	r->orcpt = xstrdup(x->orcpt);
	return ALIASES_OK;
}

static bool
is_above(const struct step *s, const char *key)
{
	for (; s != NULL; s = s->up)
		if (strcmp(s->key, key) == 0)
			return true;
	return false;
}

static int	 expand_result(const char *, void *);

static enum aliases_status
expand_entry(struct step *s, const struct aliases_entry *e)
{
	size_t	 i;

	if (s->depth > ALIASES_DEPTH)
		return ALIASES_LOOP;
	if (e->bad) {
		errno = EINVAL;
		return ALIASES_ERROR;
	}
	for (i = 0; i < e->n; i++)
		if (expand_result(e->results[i], s) != 0)
			return s->status;
	return ALIASES_OK;
}

/* Of addr, by the "owner-" alias beside it, if there is one. */
static bool
find_owner(const struct aliases *a, const struct address *addr,
    struct address *owner)
{
	static const char	 prefix[] = "owner-";
	char			 local[sizeof(prefix) + ADDRESS_LOCAL_MAX];

	memcpy(local, prefix, sizeof(prefix));
	strcat(local, addr->local);
	return aliases_find(a, local, addr->domain) != NULL &&
	    address_make(local, addr->domain, owner) == 0;
}

/* addr has a domain.  NONE only at the top. */
static enum aliases_status
expand_address(struct expansion *x, const struct step *up,
    const struct address *addr)
{
	const struct aliases_entry	*e;
	struct step			 s = { .x = x, .up = up };
	struct address			 owner;
	char				 key[ALIASES_KEY_MAX];
	bool				 user;

	if (!x->is_local(addr->domain, x->arg) ||
	    aliases_key(addr->local, addr->domain, key) == -1)
		return up == NULL ? ALIASES_NONE :
		    emit(x, up, addr->text, addr);
	e = aliases_find(x->a, addr->local, addr->domain);
	user = (e == NULL || is_above(up, key)) &&
	    x->is_user(addr->local, addr->domain, x->arg);
	if (e != NULL && find_owner(x->a, addr, &owner))
		s.owner = owner.text;
	else if (up != NULL)
		s.owner = up->owner;
	if (e == NULL && !user)
		e = aliases_find_catchall(x->a, addr->domain);
	if (up == NULL && e == NULL)
		return ALIASES_NONE;
	if (user || e == NULL)
		return emit(x, up, key, addr);
	if (!note(&x->expanded, key)) {
		/* Named again: its results are there or on their way. */
		if (is_above(up, key))
			x->looped = true;
		return ALIASES_OK;
	}
	s.key = key;
	s.domain = addr->domain;
	s.depth = up == NULL ? 1 : up->depth + 1;
	return expand_entry(&s, e);
}

static enum aliases_status
expand_include(struct step *up, const char *path)
{
	struct step	 s = *up;
	int		 r;

	s.up = up;
	if (++s.depth > ALIASES_DEPTH)
		return ALIASES_LOOP;
	r = aliases_read_include(path, NULL, expand_result, &s);
	if (r == -1)
		return ALIASES_ERROR;
	return r > 0 ? s.status : ALIASES_OK;
}

static enum aliases_status
expand_name(struct step *s, const char *text)
{
	struct expansion	*x = s->x;
	struct address		 addr, full;
	const char		*domain;

	/* It was parsed when it was read: both cannot fail. */
	if (address_parse(slice_str(text), ADDRESS_LENIENT | ADDRESS_UTF8,
	    &addr) != ADDRESS_OK)
		return ALIASES_ERROR;
	if (addr.domain[0] != '\0')
		return expand_address(x, s, &addr);
	domain = s->domain;
	if (aliases_find(x->a, addr.local, domain) == NULL &&
	    !x->is_user(addr.local, domain, x->arg))
		domain = x->hostname;
	if (address_make(addr.local, domain, &full) == -1)
		return ALIASES_ERROR;
	return expand_address(x, s, &full);
}

/* One result: 0, or 1 with the reason in the step's status. */
static int
expand_result(const char *result, void *arg)
{
	struct step	*s = arg;

	if (result[0] == ':')
		s->status = expand_include(s, result +
		    strlen(ALIASES_INCLUDE));
	else
		s->status = expand_name(s, result);
	return s->status == ALIASES_OK ? 0 : 1;
}

enum aliases_status
aliases_expand(const struct aliases *a, const struct address *addr,
    const char *hostname, bool (*is_local)(const char *domain, void *),
    bool (*is_user)(const char *local, const char *domain, void *), void *arg,
    struct aliases_result **out, size_t *n)
{
	struct expansion	 x = {
		.a = a, .hostname = hostname, .is_local = is_local,
		.is_user = is_user, .arg = arg
	};
	struct address		 full = *addr;
	enum aliases_status	 st;
	int			 saved;

	*out = NULL;
	*n = 0;
	if (addr->local[0] == '\0')
		return ALIASES_NONE;
	if (addr->domain[0] == '\0' &&
	    address_make(addr->local, hostname, &full) == -1)
		return ALIASES_NONE;
	x.orcpt = full.text;
	RB_INIT(&x.results);
	RB_INIT(&x.expanded);
	st = expand_address(&x, NULL, &full);
	saved = errno;
	forget(&x.results);
	forget(&x.expanded);
	if (st == ALIASES_OK && x.n == 0) {
		st = x.looped ? ALIASES_LOOP : ALIASES_ERROR;
		saved = ENODATA;
	}
	if (st == ALIASES_OK) {
		*out = x.out;
		*n = x.n;
	} else
		aliases_results_free(x.out, x.n);
	errno = saved;
	return st;
}
