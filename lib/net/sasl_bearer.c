/*
 * OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner, which the same clients
 * speak: a bearer token (RFC 6750 2.1) among pairs that end in ^A.
 *
 *	OAUTHBEARER	n,a=USER,^Ahost=HOST^Aport=143^Aauth=Bearer TOKEN^A^A
 *	XOAUTH2		user=USER^Aauth=Bearer TOKEN^A^A
 *
 * A no is told by a challenge in JSON; the client answers it with ^A or
 * nothing, and only then fails.
 */
#include "lib/base/text.h"
#include "lib/net/sasl_gs2.h"
#include "lib/net/sasl_name.h"
#include "lib/net/sasl_parts.h"

#define SEPARATOR	'\1'
#define PAIRS_MAX	32

struct pair {
	struct slice	 key, value;
};

struct bearer {
	struct slice	 user;		/* len 0: not said */
	struct slice	 auth;
	bool		 has_user, has_auth;
};

/* VCHAR / SP / HTAB / CR / LF; a name may be in UTF-8, as XOAUTH2 has it. */
static bool
pair_value_ok(const struct pair *p)
{
	size_t	 i;
	char	 c;

	for (i = 0; i < p->value.len; i++) {
		c = p->value.ptr[i];
		if ((unsigned char)c >= 0x80) {
			if (!slice_eq(p->key, SLICE_LIT("user")))
				return false;
		} else if (text_is_control(c) && c != '\t' && c != '\r' &&
		    c != '\n')
			return false;
	}
	return true;
}

static bool
pair_next(struct slice *rest, struct pair *p)
{
	const char	*end;
	size_t		 n = 0, len;

	if (rest->len == 0 ||
	    (end = memchr(rest->ptr, SEPARATOR, rest->len)) == NULL)
		return false;
	len = (size_t)(end - rest->ptr);
	while (n < len && text_is_alpha(rest->ptr[n]))
		n++;
	if (n == 0 || n == len || rest->ptr[n] != '=')
		return false;
	p->key = (struct slice){ rest->ptr, n };
	p->value = (struct slice){ rest->ptr + n + 1, len - n - 1 };
	rest->ptr += len + 1;
	rest->len -= len + 1;
	return pair_value_ok(p);
}

/* Once each; what else there is (host, port) binds nothing and is not used. */
static bool
pair_take(const struct pair *p, struct bearer *b)
{
	if (slice_eq(p->key, SLICE_LIT("auth"))) {
		if (b->has_auth)
			return false;
		b->has_auth = true;
		b->auth = p->value;
	} else if (slice_eq(p->key, SLICE_LIT("user"))) {
		if (b->has_user)
			return false;
		b->has_user = true;
		b->user = p->value;
	}
	return true;
}

/* *kvpair kvsep, and nothing after it. */
static bool
pairs_read(struct slice rest, struct bearer *b)
{
	struct pair	 p;
	size_t		 n;

	for (n = 0; n < PAIRS_MAX; n++) {
		if (rest.len == 1 && rest.ptr[0] == SEPARATOR)
			return b->has_auth;
		if (!pair_next(&rest, &p) || !pair_take(&p, b))
			return false;
	}
	return false;
}

/* b64token = 1*( ALPHA / DIGIT / "-._~+/" ) *"=" */
static bool
token_ok(struct slice t)
{
	size_t	 i = 0;

	while (i < t.len && (text_is_alnum(t.ptr[i]) ||
	    (t.ptr[i] != '\0' && strchr("-._~+/", t.ptr[i]) != NULL)))
		i++;
	if (i == 0 || t.len > AUTH_SECRET_MAX)
		return false;
	while (i < t.len && t.ptr[i] == '=')
		i++;
	return i == t.len;
}

/* "Bearer" in any case, blanks, the token. */
static bool
bearer_token(struct slice auth, struct slice *token)
{
	static const char	 scheme[] = "bearer ";
	size_t			 n = sizeof(scheme) - 1;

	if (auth.len < n ||
	    !slice_is((struct slice){ auth.ptr, n }, scheme))
		return false;
	while (n < auth.len && auth.ptr[n] == ' ')
		n++;
	*token = (struct slice){ auth.ptr + n, auth.len - n };
	return token_ok(*token);
}

/* user: prepared, or "". */
static enum sasl_status
bearer_check(struct sasl_server *s, const struct bearer *b,
    struct buf *challenge, struct auth_check *check)
{
	struct slice	 token;

	/* A client that wants to see the challenge (RFC 7628 4.3). */
	if (b->auth.len == 0) {
		s->mech->refuse(s, challenge);
		return SASL_MORE;
	}
	if (!bearer_token(b->auth, &token))
		return sasl_fail(s, SASL_MALFORMED, "no bearer token");
	sasl_begin_check(s, AUTH_TOKEN, check);
	memcpy(check->user, s->user, sizeof(check->user));
	memcpy(check->secret, token.ptr, token.len);
	return SASL_READY;
}

enum sasl_status
sasl_oauthbearer_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	char		 name[AUTH_USER_MAX + 1];
	struct bearer	 b = { .has_auth = false };
	struct sasl_gs2	 gs2;

	if (s->turn > 0)
		return sasl_fail(s, SASL_WRONG, "no token");
	/* There is nothing to bind: no -PLUS of it exists. */
	if (sasl_gs2_parse(message, &gs2) == -1 ||
	    gs2.bind == SASL_GS2_BOUND || gs2.rest.len == 0 ||
	    gs2.rest.ptr[0] != SEPARATOR)
		return sasl_fail(s, SASL_MALFORMED, "no header");
	if (gs2.authzid.len > 0 &&
	    (sasl_gs2_name(gs2.authzid, name, sizeof(name)) == -1 ||
	    sasl_name_prepare(slice_str(name), s->user) == -1))
		return sasl_fail(s, SASL_MALFORMED, "no name");
	gs2.rest.ptr++;
	gs2.rest.len--;
	if (!pairs_read(gs2.rest, &b))
		return sasl_fail(s, SASL_MALFORMED, "no pairs");
	return bearer_check(s, &b, challenge, check);
}

enum sasl_status
sasl_xoauth2_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	struct bearer	 b = { .has_auth = false };

	if (s->turn > 0)
		return sasl_fail(s, SASL_WRONG, "no token");
	if (!pairs_read(message, &b) || !b.has_user)
		return sasl_fail(s, SASL_MALFORMED, "no pairs");
	if (sasl_name_prepare(b.user, s->user) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name");
	return bearer_check(s, &b, challenge, check);
}

/* A JSON string of the scope; its octets are the administrator's. */
static void
put_scope(const struct sasl_server *s, struct buf *out)
{
	const char	*p = s->place->config->oauth.scope;

	if (p == NULL || *p == '\0')
		return;
	buf_addstr(out, ",\"scope\":\"");
	for (; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || text_is_control(*p))
			buf_addf(out, "\\u%04x", (unsigned char)*p);
		else
			buf_addc(out, *p);
	buf_addc(out, '"');
}

/* RFC 7628 3.2.2 */
void
sasl_oauthbearer_refuse(const struct sasl_server *s, struct buf *out)
{
	buf_addstr(out, "{\"status\":\"invalid_token\"");
	put_scope(s, out);
	buf_addc(out, '}');
}

/* As the providers that invented it write it. */
void
sasl_xoauth2_refuse(const struct sasl_server *s, struct buf *out)
{
	buf_addstr(out, "{\"status\":\"401\",\"schemes\":\"bearer\"");
	put_scope(s, out);
	buf_addc(out, '}');
}
