/*
 * Which certificates have which names (RFC 9525: only those in subjectAltName).
 * Every host name either stands in a certificate or is one of those that only
 * a wildcard has, so the sets can be made before any client asks.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_server_parts.h"

#define NAME_MAX_LEN	253

/* One name of one certificate. */
struct entry {
	char	*name;
	size_t	 host;
};

struct entries {
	struct entry	*e;
	size_t		 n, room;
};

/* Lower case, without a final dot; false when it is no host name. */
static bool
plain_host(const char *s, size_t len, char out[NAME_MAX_LEN + 1])
{
	size_t	 i;

	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len > NAME_MAX_LEN || s[0] == '.')
		return false;
	for (i = 0; i < len; i++) {
		if (!text_is_alnum(s[i]) && strchr("-_.", s[i]) == NULL)
			return false;
		out[i] = text_lower(s[i]);
	}
	out[len] = '\0';
	return true;
}

static void
add_entry(struct entries *all, const char *s, size_t len, size_t host)
{
	char	 name[1 + NAME_MAX_LEN + 1];
	bool	 wild = len > 2 && memcmp(s, "*.", 2) == 0;

	name[0] = '.';
	if (!(wild ? plain_host(s + 2, len - 2, name + 1) :
	    plain_host(s, len, name)))
		return;
	if (all->n == all->room) {
		all->room = all->room == 0 ? 16 : all->room * 2;
		all->e = xreallocarray(all->e, all->room, sizeof(*all->e));
	}
	all->e[all->n].name = xstrdup(name);
	all->e[all->n++].host = host;
}

static void
add_host(struct entries *all, const struct tls_server *s, size_t host)
{
	GENERAL_NAMES		*names;
	const GENERAL_NAME	*g;
	int			 i;

	names = X509_get_ext_d2i(s->host[host].cert->chain[0],
	    NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		g = sk_GENERAL_NAME_value(names, i);
		if (g->type != GEN_DNS)
			continue;
		add_entry(all,
		    (const char *)ASN1_STRING_get0_data(g->d.dNSName),
		    (size_t)ASN1_STRING_length(g->d.dNSName), host);
	}
	GENERAL_NAMES_free(names);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry	*x = a, *y = b;
	int			 c = strcmp(x->name, y->name);

	return c != 0 ? c : x->host < y->host ? -1 : x->host > y->host;
}

/* The first entry whose name is not less. */
static size_t
lower_bound(const struct entries *all, const char *name)
{
	size_t	 lo = 0, hi = all->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(all->e[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first host of each type with that very name, if sooner than best. */
static void
take_best(const struct tls_server *s, const struct entries *all,
    const char *name, size_t best[TLS_KEY_TYPES])
{
	enum tls_key_type	 type;
	size_t			 i;

	for (i = lower_bound(all, name); i < all->n &&
	    strcmp(all->e[i].name, name) == 0; i++) {
		type = s->host[all->e[i].host].type;
		if (all->e[i].host < best[type])
			best[type] = all->e[i].host;
	}
}

/* The set of these hosts, a new one if there is none. */
static size_t
find_set(struct tls_server *s, const size_t best[TLS_KEY_TYPES])
{
	size_t	 i;

	for (i = 0; i < s->nset; i++)
		if (memcmp(s->set[i].host, best, sizeof(s->set[i].host)) == 0)
			return i;
	s->set = xreallocarray(s->set, s->nset + 1, sizeof(*s->set));
	memset(&s->set[s->nset], 0, sizeof(*s->set));
	memcpy(s->set[s->nset].host, best, sizeof(s->set[i].host));
	return s->nset++;
}

static size_t
set_of(struct tls_server *s, const struct entries *all, const char *name)
{
	size_t		 best[TLS_KEY_TYPES] = { TLS_NO_HOST, TLS_NO_HOST };
	const char	*dot = strchr(name, '.');

	take_best(s, all, name, best);
	if (dot != NULL && dot != name)
		take_best(s, all, dot, best);
	return find_set(s, best);
}

/* The first certificate, and its fellow of the other type. */
static void
make_first_set(struct tls_server *s, const struct entries *all,
    const char *name)
{
	size_t	 best[TLS_KEY_TYPES] = { TLS_NO_HOST, TLS_NO_HOST };

	if (name != NULL)
		take_best(s, all, name, best);
	best[s->host[0].type] = 0;
	(void)find_set(s, best);
}

void
tls_server_sort_names(struct tls_server *s)
{
	struct entries	 all = { 0 };
	const char	*first = NULL;
	size_t		 i;

	for (i = 0; i < s->nhost; i++)
		add_host(&all, s, i);
	if (all.n > 0 && all.e[0].host == 0)
		first = all.e[0].name;
	if (all.n > 0)
		qsort(all.e, all.n, sizeof(*all.e), compare_entries);
	make_first_set(s, &all, first);
	s->name = xcalloc(all.n + 1, sizeof(*s->name));
	for (i = 0; i < all.n; i++) {
		if (i > 0 && strcmp(all.e[i].name, all.e[i - 1].name) == 0)
			continue;
		s->name[s->nname].name = xstrdup(all.e[i].name);
		s->name[s->nname++].set = set_of(s, &all, all.e[i].name);
	}
	for (i = 0; i < all.n; i++)
		free(all.e[i].name);
	free(all.e);
}

static int
compare_name(const void *key, const void *name)
{
	return strcmp(key, ((const struct tls_host_name *)name)->name);
}

size_t
tls_server_pick(const struct tls_server *s, const char *name)
{
	char				 host[NAME_MAX_LEN + 1];
	const char			*dot;
	const struct tls_host_name	*n = NULL;

	if (s->nset == 1 || !plain_host(name, strlen(name), host))
		return 0;
	n = bsearch(host, s->name, s->nname, sizeof(*s->name), compare_name);
	if (n == NULL && (dot = strchr(host, '.')) != NULL)
		n = bsearch(dot, s->name, s->nname, sizeof(*s->name),
		    compare_name);
	return n == NULL ? 0 : n->set;
}
