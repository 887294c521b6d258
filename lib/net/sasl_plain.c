/* PLAIN (RFC 4616), LOGIN and EXTERNAL (RFC 4422 A): a line or two. */
#include <bsd/string.h>

#include "lib/net/credentials.h"
#include "lib/net/sasl_name.h"
#include "lib/net/sasl_parts.h"

/* The octets before the next NUL, which is taken too. */
static bool
plain_part(struct slice *rest, struct slice *part)
{
	const char	*nul;

	if (rest->len == 0 ||
	    (nul = memchr(rest->ptr, '\0', rest->len)) == NULL)
		return false;
	part->ptr = rest->ptr;
	part->len = (size_t)(nul - rest->ptr);
	rest->ptr += part->len + 1;
	rest->len -= part->len + 1;
	return true;
}

/* authzid NUL authcid NUL password: two NULs, no third. */
enum sasl_status
sasl_plain_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	char		 as[AUTH_USER_MAX + 1];
	struct slice	 rest = message, authzid, authcid;

	(void)challenge;
	if (!plain_part(&rest, &authzid) || !plain_part(&rest, &authcid))
		return sasl_fail(s, SASL_MALFORMED, "a part missing");
	sasl_begin_check(s, AUTH_PASSWORD, check);
	/* It refuses a NUL, so a fourth part, in the password. */
	if (credentials_set(check, authcid, rest) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name and password");
	if (authzid.len == 0)
		return SASL_READY;
	memcpy(s->user, check->user, sizeof(s->user));	/* for the log */
	if (sasl_name_prepare(authzid, as) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name to act as");
	if (!slice_is(slice_str(as), check->user))
		return sasl_fail(s, SASL_FOREIGN, "as somebody else");
	return SASL_READY;
}

/*
 * A name, then a password (draft-murchison-sasl-login).  Its words are those
 * that every client expects.
 */
enum sasl_status
sasl_login_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	if (s->turn == 0) {
		if (sasl_name_prepare(message, s->user) == -1)
			return sasl_fail(s, SASL_MALFORMED, "no name");
		buf_addstr(challenge, "Password:");
		return SASL_MORE;
	}
	sasl_begin_check(s, AUTH_PASSWORD, check);
	if (credentials_set(check, slice_str(s->user), message) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no password");
	return SASL_READY;
}

/* Empty: whoever has the certificate. */
enum sasl_status
sasl_external_step(struct sasl_server *s, struct slice message,
    struct buf *challenge, struct auth_check *check)
{
	(void)challenge;
	sasl_begin_check(s, AUTH_CERTIFICATE, check);
	if (message.len > 0 && sasl_name_prepare(message, check->user) == -1)
		return sasl_fail(s, SASL_MALFORMED, "no name");
	if (strlcpy(check->secret, s->place->certificate,
	    sizeof(check->secret)) >= sizeof(check->secret))
		return sasl_fail(s, SASL_MALFORMED, "no fingerprint");
	return SASL_READY;
}
