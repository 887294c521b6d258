/* The blocking client of resolver; contract in proto_resolver.h. */
#include <errno.h>

#include "lib/base/io.h"
#include "lib/net/proto_resolver.h"

void
resolver_client_init(struct resolver_client *c, const char *path)
{
	c->path = path;
	c->sock = -1;
	c->last_id = 0;
}

void
resolver_client_close(struct resolver_client *c)
{
	io_close(c->sock);
	c->sock = -1;
}

/*
 * Ask the question.  A connection kept from an earlier one may be to
 * a resolver that is gone: then once more over a new one.  A connection that
 * failed is not used again, so a late answer meets nobody.
 */
static int
ask(struct resolver_client *c, const char *verb, const char *name)
{
	bool	 kept = c->sock != -1;

	proto_resolver_put_ask(&ipc_question, ++c->last_id, verb, name);
	for (;; kept = false) {
		if (c->sock == -1 && (c->sock = ipc_connect(c->path)) == -1)
			return -1;
		if (ipc_call(c->sock, &ipc_question, &ipc_answer, RESOLVER_TIMEOUT_MS) == 0)
			return 0;
		resolver_client_close(c);
		if (!kept || errno == ETIMEDOUT || errno == EBADMSG)
			return -1;
	}
}

/* What a decoder said: after a malformed answer nothing more is asked. */
static int
decoded(struct resolver_client *c, int result)
{
	if (result == -1)
		resolver_client_close(c);
	return result;
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
