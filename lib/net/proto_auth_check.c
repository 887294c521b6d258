/*
 * The questions about who somebody is and what he may send; contract in
 * proto_auth.h, the fields in doc/protocols.md.
 */
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_auth_parts.h"

static const char	*const verdicts[] = {
	[AUTH_OK] = "ok",
	[AUTH_BAD] = "bad",
	[AUTH_LATER] = "later",
	[AUTH_DISABLED] = "disabled",
};

static const char	*const methods[] = {
	[AUTH_PASSWORD] = "password",
	[AUTH_SCRAM] = "scram",
	[AUTH_TOKEN] = "token",
	[AUTH_CERTIFICATE] = "certificate",
	[AUTH_PASS] = "pass",
};

static const char	*const mays[] = {
	[AUTH_MAY] = "yes",
	[AUTH_MAY_NOT] = "no",
	[AUTH_MAY_LATER] = "later",
};

static const char	*const hashes[] = { "SHA-256", "SHA-1" };

/* ipc_put_text() leaves no copy of a secret in the heap. */
static void
put_proof(struct ipc_msg *m, const struct auth_check *c)
{
	ipc_put(m, "method", methods[c->method]);
	ipc_put_text(m, "user", c->user);
	ipc_put_text(m, "secret", c->secret);
	ipc_put(m, "service", c->service);
	ipc_put(m, "ip", c->ip);
	if (c->method != AUTH_SCRAM)
		return;
	ipc_put_text(m, "exchange", c->exchange);
	ipc_put_text(m, "first", c->first);
	ipc_put_text(m, "last", c->last);
}

static void
get_proof(struct ipc_msg *m, struct auth_check *c)
{
	memset(c, 0, sizeof(*c));
	c->method = (enum auth_method)ipc_get_word(m, "method", methods,
	    PROTO_AUTH_COUNT(methods));
	ipc_get_text(m, "user", c->user, sizeof(c->user));
	ipc_get_text(m, "secret", c->secret, sizeof(c->secret));
	ipc_get(m, "service", c->service, sizeof(c->service));
	ipc_get(m, "ip", c->ip, sizeof(c->ip));
	/* Tokens are longer than passwords are taken anywhere. */
	if (c->method == AUTH_PASSWORD &&
	    strlen(c->secret) > AUTH_PASSWORD_MAX)
		m->bad = true;
	if (c->method != AUTH_SCRAM)
		return;
	ipc_get_text(m, "exchange", c->exchange, sizeof(c->exchange));
	ipc_get_text(m, "first", c->first, sizeof(c->first));
	ipc_get_text(m, "last", c->last, sizeof(c->last));
}

void
proto_auth_put_check(struct ipc_msg *m, uint64_t id,
    const struct auth_check *c)
{
	ipc_start(m, "check", id);
	put_proof(m, c);
}

int
proto_auth_get_check(struct ipc_msg *m, struct auth_check *c)
{
	ipc_expect(m, "check");
	get_proof(m, c);
	return ipc_end_secret(m, c, sizeof(*c));
}

void
proto_auth_put_session(struct ipc_msg *m, uint64_t id,
    const struct auth_session *s)
{
	ipc_start(m, "session", id);
	put_proof(m, &s->check);
	ipc_put_text(m, "tag", s->tag);
	ipc_put_octets(m, "ahead", (struct slice){ s->ahead, s->ahead_len });
	ipc_attach(m, s->fd);
}

int
proto_auth_get_session(struct ipc_msg *m, struct auth_session *s)
{
	int	 fd;

	ipc_expect(m, "session");
	get_proof(m, &s->check);
	proto_auth_get_tag(m, s->tag, sizeof(s->tag));
	s->ahead_len = proto_auth_get_ahead(m, s->ahead);
	s->fd = fd = proto_auth_get_socket(m);
	/* The server's signature would never reach the client. */
	if (s->check.method == AUTH_SCRAM)
		m->bad = true;
	if (ipc_end_secret(m, s, sizeof(*s)) == 0)
		return 0;
	io_close(fd);
	s->fd = -1;
	return -1;
}

void
proto_auth_put_verdict(struct ipc_msg *m, uint64_t id,
    const struct auth_answer *a)
{
	ipc_start(m, "verdict", id);
	ipc_put(m, "verdict", verdicts[a->verdict]);
	ipc_put_text(m, "user", a->user);
	ipc_put_text(m, "signature", a->signature);
	ipc_put_text(m, "pass", a->pass);
}

int
proto_auth_get_verdict(struct ipc_msg *m, struct auth_answer *a)
{
	memset(a, 0, sizeof(*a));
	ipc_expect(m, "verdict");
	a->verdict = (enum auth_verdict)ipc_get_word(m, "verdict", verdicts,
	    PROTO_AUTH_COUNT(verdicts));
	ipc_get_text(m, "user", a->user, sizeof(a->user));
	ipc_get_text(m, "signature", a->signature, sizeof(a->signature));
	ipc_get_text(m, "pass", a->pass, sizeof(a->pass));
	if (ipc_end_secret(m, a, sizeof(*a)) == 0)
		return 0;
	a->verdict = AUTH_LATER;	/* never OK by accident */
	return -1;
}

void
proto_auth_put_scram(struct ipc_msg *m, uint64_t id,
    const struct auth_scram *s)
{
	ipc_start(m, "scram", id);
	ipc_put_text(m, "user", s->user);
	ipc_put(m, "hash", s->hash);
	ipc_put_text(m, "nonce", s->nonce);
	ipc_put(m, "service", s->service);
	ipc_put(m, "ip", s->ip);
}

int
proto_auth_get_scram(struct ipc_msg *m, struct auth_scram *s)
{
	size_t	 hash;

	memset(s, 0, sizeof(*s));
	ipc_expect(m, "scram");
	ipc_get_text(m, "user", s->user, sizeof(s->user));
	hash = ipc_get_word(m, "hash", hashes, PROTO_AUTH_COUNT(hashes));
	strlcpy(s->hash, m->bad ? "" : hashes[hash], sizeof(s->hash));
	ipc_get_text(m, "nonce", s->nonce, sizeof(s->nonce));
	ipc_get(m, "service", s->service, sizeof(s->service));
	ipc_get(m, "ip", s->ip, sizeof(s->ip));
	return ipc_end(m);
}

void
proto_auth_put_first(struct ipc_msg *m, uint64_t id,
    const struct auth_scram_first *f)
{
	ipc_start(m, "first", id);
	ipc_put_u64(m, "later", f->later);
	ipc_put(m, "exchange", f->exchange);
	ipc_put_text(m, "message", f->message);
}

int
proto_auth_get_first(struct ipc_msg *m, struct auth_scram_first *f)
{
	uint64_t	 later;

	memset(f, 0, sizeof(*f));
	ipc_expect(m, "first");
	ipc_get_u64(m, "later", 1, &later);
	f->later = later == 1;
	ipc_get(m, "exchange", f->exchange, sizeof(f->exchange));
	ipc_get_text(m, "message", f->message, sizeof(f->message));
	return ipc_end(m);
}

void
proto_auth_put_submit(struct ipc_msg *m, uint64_t id,
    const struct auth_submit *s)
{
	ipc_start(m, "submit", id);
	ipc_put_text(m, "user", s->user);
	ipc_put_text(m, "sender", s->sender);
	ipc_put_u64(m, "count", s->count);
}

int
proto_auth_get_submit(struct ipc_msg *m, struct auth_submit *s)
{
	memset(s, 0, sizeof(*s));
	ipc_expect(m, "submit");
	ipc_get_text(m, "user", s->user, sizeof(s->user));
	ipc_get_text(m, "sender", s->sender, sizeof(s->sender));
	ipc_get_u64(m, "count", UINT32_MAX, &s->count);
	return ipc_end(m);
}

void
proto_auth_put_may(struct ipc_msg *m, uint64_t id, enum auth_may may)
{
	ipc_start(m, "may", id);
	ipc_put(m, "may", mays[may]);
}

int
proto_auth_get_may(struct ipc_msg *m, enum auth_may *may)
{
	ipc_expect(m, "may");
	*may = (enum auth_may)ipc_get_word(m, "may", mays,
	    PROTO_AUTH_COUNT(mays));
	if (ipc_end(m) == 0)
		return 0;
	*may = AUTH_MAY_LATER;		/* never yes by accident */
	return -1;
}
