/* Contract in sasl_server.h: which mechanisms there are, and which now. */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "lib/base/xmalloc.h"
#include "lib/net/sasl_parts.h"
#include "lib/net/tls_stream.h"

/* A channel binding's name, an authzid and the data. */
#define BINDING_MAX	1024

/* Best first. */
static const struct sasl_mechanism	 mechanisms[] = {
	{ .name = "SCRAM-SHA-256-PLUS", .step = sasl_scram_step,
	    .greeting = "", .hash = "SHA-256", .proof = 32, .bound = true },
	{ .name = "SCRAM-SHA-256", .step = sasl_scram_step,
	    .greeting = "", .hash = "SHA-256", .proof = 32 },
	{ .name = "SCRAM-SHA-1", .step = sasl_scram_step,
	    .greeting = "", .hash = "SHA-1", .proof = 20 },
	{ .name = "EXTERNAL", .step = sasl_external_step,
	    .greeting = "", .certificate = true },
	{ .name = "OAUTHBEARER", .step = sasl_oauthbearer_step,
	    .greeting = "", .refuse = sasl_oauthbearer_refuse,
	    .clear = true, .token = true },
	{ .name = "XOAUTH2", .step = sasl_xoauth2_step,
	    .greeting = "", .refuse = sasl_xoauth2_refuse,
	    .clear = true, .token = true },
	{ .name = "PLAIN", .step = sasl_plain_step,
	    .greeting = "", .clear = true },
	{ .name = "LOGIN", .step = sasl_login_step,
	    .greeting = "Username:", .clear = true },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool
has_binding(const struct stream *s)
{
	unsigned char	 data[TLS_BINDING];
	bool		 has;

	has = tls_binding(s, TLS_EXPORTER, data) > 0 ||
	    tls_binding(s, TLS_END_POINT, data) > 0 ||
	    tls_binding(s, TLS_UNIQUE, data) > 0;
	explicit_bzero(data, sizeof(data));
	return has;
}

/* Configured, and would TLS be enough to make it possible? */
static bool
known(const struct sasl_place *p, const struct sasl_mechanism *m)
{
	return config_list_has(&p->config->authd.mechanisms, m->name) &&
	    (!m->token || p->config->oauth.url != NULL) &&
	    (!m->certificate || p->config->tls.client_certificates);
}

static bool
possible(const struct sasl_place *p, const struct sasl_mechanism *m)
{
	bool	 tls = tls_on(p->stream);

	return known(p, m) && (!m->clear || tls || p->safe) &&
	    (!m->bound || (tls && has_binding(p->stream))) &&
	    (!m->certificate || p->certificate[0] != '\0');
}

void
sasl_server_list(const struct sasl_place *p, struct buf *out)
{
	size_t	 i;

	for (i = 0; i < COUNT(mechanisms); i++)
		if (possible(p, &mechanisms[i]))
			buf_addf(out, "%s%s", out->len > 0 ? " " : "",
			    mechanisms[i].name);
}

bool
sasl_can_bind(const struct sasl_place *p)
{
	size_t	 i;

	for (i = 0; i < COUNT(mechanisms); i++)
		if (mechanisms[i].bound && possible(p, &mechanisms[i]))
			return true;
	return false;
}

struct sasl_server *
sasl_server_start(const struct sasl_place *p, struct slice mechanism,
    bool *unsafe)
{
	const struct sasl_mechanism	*m = NULL;
	struct sasl_server		*s;
	size_t				 i;

	*unsafe = false;
	for (i = 0; i < COUNT(mechanisms) && m == NULL; i++)
		if (slice_is(mechanism, mechanisms[i].name))
			m = &mechanisms[i];
	if (m == NULL || !possible(p, m)) {
		*unsafe = m != NULL && !tls_on(p->stream) && known(p, m);
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->place = p;
	s->mech = m;
	s->reason = "";
	buf_init(&s->binding, BINDING_MAX);
	return s;
}

void
sasl_begin_check(const struct sasl_server *s, enum auth_method method,
    struct auth_check *c)
{
	explicit_bzero(c, sizeof(*c));
	c->method = method;
	strlcpy(c->service, s->place->service, sizeof(c->service));
	strlcpy(c->ip, s->place->ip, sizeof(c->ip));
}

enum sasl_status
sasl_fail(struct sasl_server *s, enum sasl_status st, const char *reason)
{
	s->reason = reason;
	return st;
}

enum sasl_status
sasl_fail_told(struct sasl_server *s, enum sasl_status st, const char *reason)
{
	s->told = true;
	return sasl_fail(s, st, reason);
}

enum sasl_status
sasl_server_step(struct sasl_server *s, const struct slice *message,
    struct buf *challenge, struct auth_check *check)
{
	enum sasl_status	 st;

	buf_clear(challenge);
	explicit_bzero(check, sizeof(*check));
	if (s->over || (message == NULL && s->turn > 0))
		return sasl_fail(s, SASL_MALFORMED, "one message too many");
	if (message == NULL) {
		buf_addstr(challenge, s->mech->greeting);
		return SASL_MORE;
	}
	if (message->len > SASL_MESSAGE_MAX)
		return sasl_fail(s, SASL_MALFORMED, "message too long");
	st = s->mech->step(s, *message, challenge, check);
	s->turn++;
	s->over = st != SASL_MORE;
	if (st != SASL_READY)
		explicit_bzero(check, sizeof(*check));
	return st;
}

bool
sasl_server_refused(struct sasl_server *s, struct buf *challenge)
{
	buf_clear(challenge);
	/* One that asked for the challenge with its first message has it. */
	if (s->mech->refuse == NULL || s->turn > 1)
		return false;
	s->mech->refuse(s, challenge);
	return true;
}

const char *
sasl_server_reason(const struct sasl_server *s)
{
	return s->reason;
}

void
sasl_server_free(struct sasl_server *s)
{
	if (s == NULL)
		return;
	if (s->binding.ptr != NULL)
		explicit_bzero(s->binding.ptr, s->binding.size);
	buf_free(&s->binding);
	freezero(s, sizeof(*s));
}
