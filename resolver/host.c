/* Contract in host.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/host.h"
#include "resolver/name.h"

static void	 ask_tlsa(struct host *, const char *base);

static void
least(struct host *h, const struct dns_answer *a)
{
	if (a->ttl < h->ttl)
		h->ttl = a->ttl;
}

static void
finish(struct host *h)
{
	h->fn(h, h->arg);
}

static void
dane_is(struct host *h, enum resolver_dane dane)
{
	h->dane = dane;
	finish(h);
}

/* Keep all the records that we can use; they are few. */
static void
take_tlsa(struct host *h, struct dns_answer *a)
{
	struct dns_record	 r;
	int			 at = 0;

	h->tlsa = xcalloc(RESOLVER_TLSA, sizeof(*h->tlsa));
	while (h->ntlsa < RESOLVER_TLSA && wire_next(a, &at, &r))
		if (wire_tlsa(&r, &h->tlsa[h->ntlsa]))
			h->ntlsa++;
}

static void
tlsa_answered(void *arg, struct dns_answer *a)
{
	struct host	*h = arg;

	least(h, a);
	switch (a->status) {
	case DNS_OK:
		if (!a->secure)
			break;
		take_tlsa(h, a);
		/* Records that cannot be read promise TLS all the same. */
		if (h->ntlsa == 0) {
			free(h->tlsa);
			h->tlsa = NULL;
		}
		dane_is(h, h->ntlsa > 0 ? DANE_TLSA : DANE_FAILED);
		return;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		break;
	case DNS_FAILED:
	case DNS_BOGUS:
		dane_is(h, DANE_FAILED);
		return;
	}
	if (!h->again) {
		dane_is(h, DANE_NONE);
		return;
	}
	/* RFC 7672 2.2.2: the alias's end first, then its beginning. */
	h->again = false;
	ask_tlsa(h, h->name);
}

static void
ask_tlsa(struct host *h, const char *base)
{
	char	 name[2 * RESOLVER_NAME_MAX];

	strlcpy(h->base, base, sizeof(h->base));
	snprintf(name, sizeof(name), "_%u._tcp.%s", h->port, base);
	if (!name_is_host(name)) {
		dane_is(h, DANE_NONE);
		return;
	}
	ask_start(h->asker, &h->tlsa_ask, name, ns_t_tlsa, tlsa_answered, h);
}

/*
 * The addresses are insecure, but perhaps only behind the alias: then the
 * alias's own name may have TLSA records.
 */
static void
cname_answered(void *arg, struct dns_answer *a)
{
	struct host	*h = arg;

	switch (a->status) {
	case DNS_OK:
		if (a->secure)
			ask_tlsa(h, h->name);
		else
			dane_is(h, DANE_NONE);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		dane_is(h, DANE_NONE);
		break;
	case DNS_FAILED:
	case DNS_BOGUS:
		dane_is(h, DANE_FAILED);
		break;
	}
}

static bool
has_failed(const struct host_family *f)
{
	return f->status == DNS_FAILED || f->status == DNS_BOGUS;
}

/* What the two families say of the host: its state, secure. */
static void
decide(struct host *h)
{
	const struct host_family	*f;
	int				 i;
	bool				 some = false, failed = false;

	h->secure = true;
	for (i = 0; i < 2; i++) {
		f = &h->family[i];
		failed = failed || has_failed(f);
		if (f->n == 0)
			continue;
		some = true;
		if (!f->secure)
			h->secure = false;
	}
	h->state = some ? HOST_OK : failed ? HOST_TEMP : HOST_NONE;
	if (!some)
		h->secure = false;
}

static void
addresses_done(struct host *h)
{
	const struct host_family	*f;

	decide(h);
	f = &h->family[h->family[0].n > 0 ? 0 : 1];
	if (h->state != HOST_OK || !h->want_dane)
		finish(h);
	else if (h->secure) {
		h->again = f->alias;
		ask_tlsa(h, f->end);
	} else if (f->alias)
		ask_start(h->asker, &h->cname, h->name, ns_t_cname,
		    cname_answered, h);
	else
		finish(h);
}

/* A fair choice of all the addresses, however many, in random order. */
static void
take_address(struct host_family *f, const char *addr)
{
	uint32_t	 i;

	if (!name_usable(addr))
		return;
	i = arc4random_uniform((uint32_t)++f->seen);
	if (f->n < RESOLVER_ADDRS) {
		if (i < f->n)
			strlcpy(f->addr[f->n], f->addr[i], sizeof(*f->addr));
		else
			i = (uint32_t)f->n;
		f->n++;
	}
	if (i < RESOLVER_ADDRS)
		strlcpy(f->addr[i], addr, sizeof(*f->addr));
}

static void
answered(struct host *h, struct host_family *f, struct dns_answer *a)
{
	struct dns_record	 r;
	char			 addr[RESOLVER_ADDR_MAX];
	int			 at = 0;

	f->status = a->status;
	f->secure = a->secure;
	f->alias = a->alias;
	strlcpy(f->end, a->name, sizeof(f->end));
	while (wire_next(a, &at, &r)) {
		if (wire_address(a, &r, addr))
			take_address(f, addr);
		else
			f->status = DNS_FAILED;
	}
	if (!has_failed(f))
		least(h, a);
	else if (h->why[0] == '\0')
		strlcpy(h->why, *a->why != '\0' ? a->why :
		    "malformed answer", sizeof(h->why));
	if (h->ask[0] == NULL && h->ask[1] == NULL)
		addresses_done(h);
}

static void
a_answered(void *arg, struct dns_answer *a)
{
	struct host	*h = arg;

	answered(h, &h->family[0], a);
}

static void
aaaa_answered(void *arg, struct dns_answer *a)
{
	struct host	*h = arg;

	answered(h, &h->family[1], a);
}

void
host_start(struct host *h, struct asker *asker, unsigned int port, bool dane,
    host_fn *fn, void *arg)
{
	h->asker = asker;
	h->port = port;
	h->want_dane = dane;
	h->fn = fn;
	h->arg = arg;
	h->ttl = UINT32_MAX;
	h->family[0].status = h->family[1].status = DNS_FAILED;
	ask_start(asker, &h->ask[0], h->name, ns_t_a, a_answered, h);
	ask_start(asker, &h->ask[1], h->name, ns_t_aaaa, aaaa_answered, h);
}

static void
forget(struct host *h)
{
	ask_forget(&h->ask[0]);
	ask_forget(&h->ask[1]);
	ask_forget(&h->cname);
	ask_forget(&h->tlsa_ask);
}

void
host_late(struct host *h)
{
	bool	 waited = h->ask[0] != NULL || h->ask[1] != NULL;
	bool	 dane = h->cname != NULL || h->tlsa_ask != NULL;

	forget(h);
	if (!waited && !dane)
		return;
	decide(h);
	h->ttl = 0;
	if (h->state == HOST_TEMP && h->why[0] == '\0')
		strlcpy(h->why, "no answer in time", sizeof(h->why));
	/* Nobody said that there are none: RFC 7672 2.1.2. */
	if (dane || (h->want_dane && (h->secure || h->family[0].alias ||
	    h->family[1].alias)))
		h->dane = DANE_FAILED;
}

void
host_stop(struct host *h)
{
	forget(h);
	free(h->tlsa);
	h->tlsa = NULL;
}

void
host_move(struct host *h, struct resolver_host *out)
{
	size_t	 i, k;

	memset(out, 0, sizeof(*out));
	strlcpy(out->name, h->dane == DANE_TLSA ? h->base : h->name,
	    sizeof(out->name));
	out->preference = h->preference;
	out->secure = h->secure;
	/* IPv6 and IPv4 in turn, so that neither crowds the other out. */
	for (i = 0; i < RESOLVER_ADDRS; i++)
		for (k = 2; k-- > 0;)
			if (i < h->family[k].n && out->naddr < RESOLVER_ADDRS)
				strlcpy(out->addr[out->naddr++],
				    h->family[k].addr[i],
				    sizeof(out->addr[0]));
	out->dane = h->dane;
	out->ntlsa = h->ntlsa;
	out->tlsa = h->tlsa;
	h->tlsa = NULL;
	h->ntlsa = 0;
}
