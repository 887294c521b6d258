/* The blocking client of resolver; contract in proto_resolver.h. */
#include "lib/net/proto_resolver.h"

void
resolver_client_init(struct resolver_client *c, const char *path)
{
	ipc_link_init(&c->link, path);
}

void
resolver_client_close(struct resolver_client *c)
{
	ipc_link_close(&c->link);
}

static int
ask(struct resolver_client *c, const char *verb, const char *name)
{
	proto_resolver_put_ask(&ipc_question, ipc_link_id(&c->link), verb,
	    name);
	return ipc_link_ask(&c->link, RESOLVER_TIMEOUT_MS, true);
}

static int
decoded(struct resolver_client *c, int result)
{
	return ipc_link_decoded(&c->link, result);
}

static int
ask_route(struct resolver_client *c, const char *verb, const char *name,
    struct resolver_route *r)
{
	resolver_route_init(r);
	if (ask(c, verb, name) == -1)
		return -1;
	return decoded(c, proto_resolver_get_route(&ipc_answer, r));
}

int
resolver_client_route(struct resolver_client *c, const char *domain,
    struct resolver_route *r)
{
	return ask_route(c, "route", domain, r);
}

int
resolver_client_addresses(struct resolver_client *c, const char *host,
    struct resolver_route *r)
{
	return ask_route(c, "addresses", host, r);
}

int
resolver_client_texts(struct resolver_client *c, const char *verb,
    const char *name, struct resolver_texts *t)
{
	*t = (struct resolver_texts){ .status = RESOLVER_TEMP };
	if (ask(c, verb, name) == -1)
		return -1;
	return decoded(c, proto_resolver_get_texts(&ipc_answer, t));
}
