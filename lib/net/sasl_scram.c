/*
 * SCRAM's server side (RFC 5802, RFC 7677) as far as it needs no key: authd has
 * those, makes the nonce and checks the proof.  What authd cannot know is done
 * here: that the client is bound to this very TLS connection.
 *
 *	turn 0	client-first	-> authd `scram` -> server-first
 *	turn 1	client-final	-> authd `check` -> server-final, with the
 *				   proof that we know the key too
 *	turn 2	""		-> SASL_READY with the pass of that check
 */
#include <bsd/string.h>

#include "lib/base/base64.h"
#include "lib/net/sasl_name.h"
#include "lib/net/sasl_parts.h"
#include "lib/net/scram.h"
#include "lib/net/tls_stream.h"

static const struct {
	const char		*name;
	enum tls_binding	 kind;
} bindings[] = {
	{ "tls-exporter", TLS_EXPORTER },		/* RFC 9266 */
	{ "tls-server-end-point", TLS_END_POINT },	/* RFC 5929 4 */
	{ "tls-unique", TLS_UNIQUE },			/* RFC 5929 3 */
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* The data of the binding of that name; 0: not to be had. */
static size_t
scram_data(const struct sasl_server *s, struct slice name,
    unsigned char data[TLS_BINDING])
{
	size_t	 i;

	for (i = 0; i < COUNT(bindings); i++)
		if (slice_eq(name, slice_str(bindings[i].name)))
			return tls_binding(s->place->stream, bindings[i].kind,
			    data);
	return 0;
}

/*
 * RFC 5802 6: is the client's word about binding what it must be?  Keep what
 * the final message shall repeat.
 */
static enum sasl_status
scram_bind(struct sasl_server *s, const struct sasl_gs2 *gs2)
{
	unsigned char	 data[TLS_BINDING];
	size_t		 len = 0;
	int		 r;

	if (s->mech->bound != (gs2->bind == SASL_GS2_BOUND))
		return sasl_fail(s, SASL_MALFORMED, "binding not as named");
	/* It can bind and does not see that we can: somebody took it out. */
	if (gs2->bind == SASL_GS2_UNSEEN && sasl_can_bind(s->place))
		return sasl_fail(s, SASL_WRONG, "binding hidden from client");
	if (s->mech->bound &&
	    (len = scram_data(s, gs2->binding, data)) == 0)
		return sasl_fail(s, SASL_MALFORMED, "unknown binding");
	r = buf_add(&s->binding, gs2->header.ptr, gs2->header.len);
	if (r == 0)
		r = buf_add(&s->binding, data, len);
	explicit_bzero(data, sizeof(data));
	return r == 0 ? SASL_MORE :
	    sasl_fail(s, SASL_MALFORMED, "message too long");
}

/* The user's name, and nobody else's. */
static enum sasl_status
scram_names(struct sasl_server *s, const struct scram_first *first)
{
	char	 name[AUTH_USER_MAX + 1], as[AUTH_USER_MAX + 1];

	if (sasl_gs2_name(first->user, name, sizeof(name)) == -1 ||
	    sasl_name_prepare(slice_str(name), s->user) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name");
	if (first->gs2.authzid.len == 0)
		return SASL_MORE;
	if (sasl_gs2_name(first->gs2.authzid, name, sizeof(name)) == -1 ||
	    sasl_name_prepare(slice_str(name), as) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name to act as");
	if (!slice_is(slice_str(as), s->user))
		return sasl_fail(s, SASL_FOREIGN, "as somebody else");
	return SASL_MORE;
}

/* "r=" the client's nonce and authd's, up to a comma. */
static bool
scram_keep_nonce(struct sasl_server *s, struct slice ours)
{
	struct slice	 m = slice_str(s->begun.message);
	const char	*comma;

	if (m.len < 2 || memcmp(m.ptr, "r=", 2) != 0 ||
	    (comma = memchr(m.ptr, ',', m.len)) == NULL)
		return false;
	s->nonce.ptr = m.ptr + 2;
	s->nonce.len = (size_t)(comma - m.ptr) - 2;
	return s->nonce.len > ours.len &&
	    memcmp(s->nonce.ptr, ours.ptr, ours.len) == 0;
}

static enum sasl_status
scram_begin(struct sasl_server *s, const struct scram_first *first,
    struct buf *challenge)
{
	struct auth_scram	 ask;

	if (first->nonce.len > AUTH_NONCE_MAX ||
	    first->gs2.rest.len > AUTH_MESSAGE_MAX)
		return sasl_fail(s, SASL_MALFORMED, "message too long");
	memset(&ask, 0, sizeof(ask));
	strlcpy(ask.user, s->user, sizeof(ask.user));
	strlcpy(ask.hash, s->mech->hash, sizeof(ask.hash));
	memcpy(ask.nonce, first->nonce.ptr, first->nonce.len);
	strlcpy(ask.service, s->place->service, sizeof(ask.service));
	strlcpy(ask.ip, s->place->ip, sizeof(ask.ip));
	memcpy(s->first, first->gs2.rest.ptr, first->gs2.rest.len);
	if (auth_client_scram(s->place->authd, &ask, &s->begun) == -1)
		return sasl_fail(s, SASL_LATER, "authd unreachable");
	if (s->begun.later)
		return sasl_fail_told(s, SASL_LATER, "authd not now");
	if (!scram_keep_nonce(s, first->nonce) ||
	    buf_addstr(challenge, s->begun.message) == -1)
		return sasl_fail(s, SASL_LATER, "authd's nonce");
	return SASL_MORE;
}

static enum sasl_status
scram_first(struct sasl_server *s, struct slice message,
    struct buf *challenge)
{
	struct scram_first	 first;
	enum sasl_status	 st;

	if (scram_parse_first(message, &first) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no first message");
	st = scram_names(s, &first);
	if (st == SASL_MORE)
		st = scram_bind(s, &first.gs2);
	if (st == SASL_MORE)
		st = scram_begin(s, &first, challenge);
	return st;
}

/* It takes as long wherever they differ. */
static bool
scram_equal(const char *a, const char *b, size_t len)
{
	const volatile char	*x = a, *y = b;
	unsigned char		 differ = 0;
	size_t			 i;

	for (i = 0; i < len; i++)
		differ |= (unsigned char)(x[i] ^ y[i]);
	return differ == 0;
}

/* Does base 64 hold these octets? */
static bool
scram_same(struct slice text, struct slice octets)
{
	struct buf	 raw;
	bool		 same;

	buf_init(&raw, octets.len + 2);
	same = buf_reserve(&raw, octets.len + 2) != NULL &&
	    base64_decode(text, &raw) == 0 && raw.len == octets.len &&
	    scram_equal(raw.ptr, octets.ptr, octets.len);
	if (raw.ptr != NULL)
		explicit_bzero(raw.ptr, raw.size);
	buf_free(&raw);
	return same;
}

/* Base 64 of exactly so many octets. */
static bool
scram_proof_ok(struct slice text, size_t len)
{
	struct buf	 raw;
	bool		 ok;

	buf_init(&raw, len + 2);
	ok = base64_decode(text, &raw) == 0 && raw.len == len;
	buf_free(&raw);
	return ok;
}

static enum sasl_status
scram_ask(struct sasl_server *s, struct auth_check *check,
    struct buf *challenge)
{
	struct auth_answer	 a;
	enum auth_verdict	 v;

	memset(&a, 0, sizeof(a));
	if (auth_client_check(s->place->authd, check, &a) == -1)
		return sasl_fail(s, SASL_LATER, "authd unreachable");
	v = a.verdict;
	if (v == AUTH_OK) {
		strlcpy(s->user, a.user, sizeof(s->user));
		strlcpy(s->pass, a.pass, sizeof(s->pass));
		if (buf_addf(challenge, "v=%s", a.signature) == -1)
			v = AUTH_LATER;
	}
	explicit_bzero(&a, sizeof(a));
	switch (v) {
	case AUTH_OK:
		return SASL_MORE;
	case AUTH_BAD:
		return sasl_fail_told(s, SASL_WRONG, "proof");
	case AUTH_DISABLED:
		return sasl_fail_told(s, SASL_DISABLED, "disabled");
	case AUTH_LATER:
		break;
	}
	return sasl_fail_told(s, SASL_LATER, "authd not now");
}

static enum sasl_status
scram_final(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	struct scram_final	 final;

	if (scram_parse_final(message, &final) == -1 ||
	    final.unproven.len > AUTH_MESSAGE_MAX ||
	    !scram_proof_ok(final.proof, s->mech->proof))
		return sasl_fail(s, SASL_MALFORMED, "no final message");
	if (!slice_eq(final.nonce, s->nonce))
		return sasl_fail(s, SASL_WRONG, "another nonce");
	if (!scram_same(final.binding, buf_slice(&s->binding)))
		return sasl_fail(s, SASL_WRONG, "another connection's "
		    "binding");
	sasl_begin_check(s, AUTH_SCRAM, check);
	strlcpy(check->user, s->user, sizeof(check->user));
	memcpy(check->secret, final.proof.ptr, final.proof.len);
	strlcpy(check->exchange, s->begun.exchange, sizeof(check->exchange));
	strlcpy(check->first, s->first, sizeof(check->first));
	memcpy(check->last, final.unproven.ptr, final.unproven.len);
	return scram_ask(s, check, challenge);
}

enum sasl_status
sasl_scram_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	switch (s->turn) {
	case 0:
		return scram_first(s, message, challenge);
	case 1:
		return scram_final(s, message, challenge, check);
	default:
		break;
	}
	if (message.len > 0)
		return sasl_fail(s, SASL_MALFORMED, "one message too many");
	sasl_begin_check(s, AUTH_PASS, check);
	strlcpy(check->user, s->user, sizeof(check->user));
	strlcpy(check->secret, s->pass, sizeof(check->secret));
	return SASL_READY;
}
