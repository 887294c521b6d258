/* Contract in sasl_client.h.  The one file that knows GNU SASL. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsasl.h>

#include "lib/base/base64.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/sasl_client.h"

/*
 * PBKDF2's rounds.  RFC 7677 4 wants 4096 at least: fewer would be a
 * gift to the one who records the exchange.  A million cost about a second;
 * a server may not have us count to four thousand millions.
 */
#define ROUNDS_MIN	4096
#define ROUNDS_MAX	1000000

#define SECRET_MAX	512	/* octets of user and of password */

struct mechanism {
	const char	*name;
	bool		 scram;
	bool		 bound;		/* to the TLS channel */
	bool		 begins;	/* has an initial response */
};

/* Best first. */
static const struct mechanism	 mechanisms[] = {
	{ "SCRAM-SHA-256-PLUS",	true,	true,	true },
	{ "SCRAM-SHA-1-PLUS",	true,	true,	true },
	{ "SCRAM-SHA-256",	true,	false,	true },
	{ "SCRAM-SHA-1",	true,	false,	true },
	{ "PLAIN",		false,	false,	true },
	{ "LOGIN",		false,	false,	false },
};

struct sasl_client {
	Gsasl				*gsasl;
	Gsasl_session			*session;
	const struct mechanism		*mech;
	struct buf			 in;	/* the challenge, decoded */
	unsigned int			 steps;
	bool				 finished, failed;
	char				 error[160];
};

static bool
listed(struct slice list, const char *name)
{
	size_t		 i = 0, start;
	struct slice	 word;

	while (i < list.len) {
		while (i < list.len && (list.ptr[i] == ' ' ||
		    list.ptr[i] == '\t'))
			i++;
		start = i;
		while (i < list.len && list.ptr[i] != ' ' &&
		    list.ptr[i] != '\t')
			i++;
		word.ptr = list.ptr + start;
		word.len = i - start;
		if (word.len > 0 && slice_is(word, name))
			return true;
	}
	return false;
}

static const struct mechanism *
choose(Gsasl *g, struct slice list, const struct sasl_client_login *l)
{
	const struct mechanism	*m;
	size_t			 i;
	bool			 bind;

	bind = l->tls && (l->exporter.len > 0 || l->unique.len > 0);
	for (i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		m = &mechanisms[i];
		if ((m->bound && !bind) || (!m->scram && !l->tls))
			continue;
		if (listed(list, m->name) &&
		    gsasl_client_support_p(g, m->name))
			return m;
	}
	return NULL;
}

/* GNU SASL asks for what was not set: there is no more. */
static int
callback(Gsasl *g, Gsasl_session *s, Gsasl_property prop)
{
	(void)g;
	(void)s;
	(void)prop;
	return GSASL_NO_CALLBACK;
}

static int
set_binding(Gsasl_session *s, Gsasl_property prop, struct slice data)
{
	char	*text;
	int	 rc;

	if (data.len == 0)
		return GSASL_OK;
	text = xmalloc(BASE64_LEN(data.len) + 1);
	base64_print(data.ptr, data.len, text);
	rc = gsasl_property_set(s, prop, text);
	free(text);
	return rc;
}

static int
begin(struct sasl_client *c, const struct sasl_client_login *l)
{
	int	 rc;

	rc = gsasl_client_start(c->gsasl, c->mech->name, &c->session);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(c->session, GSASL_AUTHID, l->user);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(c->session, GSASL_PASSWORD,
		    l->password);
	/*
	 * Without PLUS the data should let us say "y", we could bind (RFC 5802
	 * 6), but GNU SASL 2.2 then makes no message at all: it is "n".
	 */
	if (rc != GSASL_OK || !c->mech->bound)
		return rc;
	rc = set_binding(c->session, GSASL_CB_TLS_EXPORTER, l->exporter);
	if (rc == GSASL_OK)
		rc = set_binding(c->session, GSASL_CB_TLS_UNIQUE, l->unique);
	return rc;
}

static const char *
unfit(const struct sasl_client_login *l)
{
	size_t	 user = strlen(l->user), password = strlen(l->password);

	if (user == 0 || user > SECRET_MAX)
		return "user name for SASL empty or too long";
	if (password == 0 || password > SECRET_MAX)
		return "password for SASL empty or too long";
	return NULL;
}

struct sasl_client *
sasl_client_new(struct slice list, const struct sasl_client_login *l,
    const char **error)
{
	struct sasl_client	*c;

	if ((*error = unfit(l)) != NULL)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	buf_init(&c->in, SASL_CLIENT_IN);
	if (gsasl_init(&c->gsasl) != GSASL_OK) {
		c->gsasl = NULL;
		*error = "SASL cannot be set up";
		goto fail;
	}
	gsasl_callback_set(c->gsasl, callback);
	if ((c->mech = choose(c->gsasl, list, l)) == NULL) {
		*error = l->tls ? "no SASL mechanism in common" :
		    "no SASL mechanism in common that hides the password, "
		    "and the connection is in clear";
		goto fail;
	}
	if (begin(c, l) != GSASL_OK) {
		*error = "SASL cannot be set up";
		goto fail;
	}
	return c;
fail:
	sasl_client_free(c);
	return NULL;
}

void
sasl_client_free(struct sasl_client *c)
{
	const char	*password;

	if (c == NULL)
		return;
	if (c->session != NULL) {
		/* The library frees its copy without wiping it. */
		password = gsasl_property_fast(c->session, GSASL_PASSWORD);
		if (password != NULL)
			explicit_bzero((void *)(uintptr_t)password,
			    strlen(password));
		gsasl_finish(c->session);
	}
	if (c->gsasl != NULL)
		gsasl_done(c->gsasl);
	buf_free(&c->in);
	free(c);
}

static enum sasl_client_status
give_up(struct sasl_client *c, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
	c->failed = true;
	return SASL_CLIENT_FAILED;
}

/*
 * The value of an attribute of a SCRAM message (RFC 5802 5.1): "i" in
 * "r=...,s=...,i=4096".
 */
static bool
scram_value(struct slice msg, char name, struct slice *value)
{
	const char	*p = msg.ptr, *end = msg.ptr + msg.len, *comma;

	while (p < end) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			comma = end;
		if (comma - p >= 2 && p[0] == name && p[1] == '=') {
			value->ptr = p + 2;
			value->len = (size_t)(comma - p) - 2;
			return true;
		}
		p = comma + 1;
	}
	return false;
}

/* What GNU SASL believes without asking. */
static enum sasl_client_status
scram_check(struct sasl_client *c, struct slice msg)
{
	struct slice	 value;
	uint64_t	 rounds;
	char		 why[64];
	size_t		 i;

	if (scram_value(msg, 'e', &value)) {
		for (i = 0; i < value.len && i < sizeof(why) - 1; i++)
			why[i] = value.ptr[i] > ' ' && value.ptr[i] < 0x7f ?
			    value.ptr[i] : '?';
		why[i] = '\0';
		return give_up(c, "the host refuses the login: %s", why);
	}
	if (!scram_value(msg, 'i', &value))
		return SASL_CLIENT_SEND;
	if (text_u64(value, UINT32_MAX, &rounds) == -1 ||
	    rounds < ROUNDS_MIN || rounds > ROUNDS_MAX)
		return give_up(c, "the host wants an unfit number of SCRAM "
		    "rounds");
	return SASL_CLIENT_SEND;
}

static enum sasl_client_status
take_challenge(struct sasl_client *c, struct slice challenge)
{
	buf_clear(&c->in);
	if (challenge.len > SASL_CLIENT_IN)
		return give_up(c, "the host's SASL challenge is too long");
	if (base64_decode(challenge, &c->in) == -1)
		return give_up(c, "the host's SASL challenge is not base 64");
	if (c->mech->scram)
		return scram_check(c, buf_slice(&c->in));
	return SASL_CLIENT_SEND;
}

static const char *
explain(int rc)
{
	switch (rc) {
	case GSASL_AUTHENTICATION_ERROR:
		return "the host does not know the password: "
		    "its SCRAM signature is wrong";
	case GSASL_MECHANISM_PARSE_ERROR:
		return "the host's SASL challenge is malformed";
	case GSASL_SASLPREP_ERROR:
		return "user name or password has characters SASL forbids";
	default:
		return gsasl_strerror(rc);
	}
}

/* One step of the library; its output as base 64 into out. */
static enum sasl_client_status
advance(struct sasl_client *c, struct buf *out)
{
	char	*data = NULL;
	size_t	 len = 0;
	int	 rc, added;

	rc = gsasl_step(c->session, c->in.len > 0 ? c->in.ptr : NULL,
	    c->in.len, &data, &len);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return give_up(c, "%s", explain(rc));
	c->finished = rc == GSASL_OK;
	added = base64_encode((struct slice){ data, len }, out);
	if (data != NULL)
		explicit_bzero(data, len);
	gsasl_free(data);
	if (added == -1)
		return give_up(c, "a SASL response became too long");
	return SASL_CLIENT_SEND;
}

enum sasl_client_status
sasl_client_step(struct sasl_client *c, const struct slice *challenge,
    struct buf *out)
{
	enum sasl_client_status	 st;

	buf_clear(out);
	if (c->failed)
		return SASL_CLIENT_FAILED;
	if (challenge == NULL && !c->mech->begins)
		return SASL_CLIENT_WAIT;
	if (c->finished || ++c->steps > SASL_CLIENT_STEPS) {
		c->finished = false;
		return give_up(c, "the host's SASL exchange does not end");
	}
	if (challenge != NULL) {
		st = take_challenge(c, *challenge);
		if (st != SASL_CLIENT_SEND)
			return st;
	}
	return advance(c, out);
}

bool
sasl_client_finished(const struct sasl_client *c)
{
	return c->finished;
}

bool
sasl_client_sends_password(const struct sasl_client *c)
{
	return !c->mech->scram;
}

const char *
sasl_client_mechanism(const struct sasl_client *c)
{
	return c->mech->name;
}

const char *
sasl_client_error(const struct sasl_client *c)
{
	return c->error;
}
