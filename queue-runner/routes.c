/* Contract in routes.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "queue-runner/routes.h"

struct routes {
	struct route	*route;		/* the last one is for the rest */
	size_t		 n;
};

/* Titles may have U-labels, with a dot before them. */
static char *
route_title(const char *title)
{
	char	 ascii[ADDRESS_DOMAIN_MAX + 1], *s;
	bool	 dot = *title == '.';

	if (strcmp(title, "*") == 0 ||
	    address_domain_ascii(title + dot, ascii) == -1)
		return xstrdup(title);
	xasprintf(&s, "%s%s", dot ? "." : "", ascii);
	return s;
}

static enum remote_tls
route_tls(const char *name, const char *otherwise)
{
	enum remote_tls	 tls;

	if (remote_tls_named(name == NULL ? otherwise : name, &tls) == -1)
		return REMOTE_TLS_OPPORTUNISTIC;
	return tls;
}

static void
route_fill(struct route *r, const struct config_route *from,
    const struct config *cfg)
{
	r->domain = route_title(from->domain);
	(void)config_via_parse(from->via, &r->via);
	r->port = r->via.port != 0 ? r->via.port : (uint16_t)cfg->remote.port;
	r->user = from->user == NULL ? "" : from->user;
	r->password_file = from->password_file == NULL ? "" :
	    from->password_file;
	r->tls = route_tls(from->tls, from->user != NULL ? "required" :
	    cfg->remote.tls);
}

struct routes *
routes_new(const struct config *cfg)
{
	char			 title[] = "", via[] = "mx";
	struct config_route	 rest = { .domain = title, .via = via };
	struct routes		*all;
	size_t			 i;

	all = xcalloc(1, sizeof(*all));
	all->n = cfg->nroute;
	all->route = xcalloc(all->n + 1, sizeof(*all->route));
	for (i = 0; i < all->n; i++)
		route_fill(&all->route[i], &cfg->route[i], cfg);
	route_fill(&all->route[all->n], &rest, cfg);
	return all;
}

void
routes_free(struct routes *all)
{
	size_t	 i;

	if (all == NULL)
		return;
	for (i = 0; i <= all->n; i++)
		free(all->route[i].domain);
	free(all->route);
	free(all);
}

/* How exactly does the title fit?  0: not at all. */
static size_t
route_fits(const char *title, const char *domain)
{
	size_t	 t = strlen(title), d = strlen(domain);

	if (strcmp(title, domain) == 0)
		return SIZE_MAX;
	if (strcmp(title, "*") == 0)
		return 1;
	if (*title == '.' && d > t && strcmp(domain + d - t, title) == 0)
		return t;
	return 0;
}

const struct route *
routes_find(const struct routes *all, const char *domain)
{
	const struct route	*best = &all->route[all->n];
	size_t			 i, fit, most = 0;

	for (i = 0; i < all->n; i++) {
		fit = route_fits(all->route[i].domain, domain);
		if (fit > most) {
			most = fit;
			best = &all->route[i];
		}
	}
	return best;
}
