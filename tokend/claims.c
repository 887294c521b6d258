/* Contract in claims.h. */
#include <bsd/string.h>
#include <jansson.h>

#include "lib/base/text.h"
#include "tokend/claims.h"

#define SKEW	60	/* seconds that two clocks may differ */

/*
 * A member that is a time: 0, or -1 when it is no number.  *there tells whether
 * it is there at all.
 */
static int
claims_time(const json_t *o, const char *name, bool *there, double *t)
{
	const json_t	*v = json_object_get(o, name);

	*there = v != NULL && !json_is_null(v);
	if (!*there)
		return 0;
	if (!json_is_number(v))
		return -1;
	*t = json_number_value(v);
	return 0;
}

/* Is word one of text's, separated by blanks (RFC 6749 3.3)? */
static bool
claims_has_word(const char *text, const char *word)
{
	size_t	 len = strlen(word), n;

	for (; *text != '\0'; text += n) {
		text += strspn(text, " ");
		n = strcspn(text, " ");
		if (n == len && memcmp(text, word, n) == 0)
			return true;
	}
	return false;
}

/* Each word of the configured scope. */
static bool
claims_has_scope(const json_t *o, const char *wanted)
{
	const char	*scope, *end;
	char		 word[256];
	size_t		 n;

	if (wanted == NULL || wanted[0] == '\0')
		return true;
	if ((scope = json_string_value(json_object_get(o, "scope"))) == NULL)
		return false;
	for (; *wanted != '\0'; wanted = end) {
		wanted += strspn(wanted, " ");
		end = wanted + (n = strcspn(wanted, " "));
		if (n == 0)
			break;
		if (n >= sizeof(word))
			return false;
		memcpy(word, wanted, n);
		word[n] = '\0';
		if (!claims_has_word(scope, word))
			return false;
	}
	return true;
}

/*
 * An access token that whoever has it may use?  Servers answer about refresh
 * tokens too, and about some that only the holder of a key may use (RFC 7800,
 * RFC 8705, RFC 9449), which a mail client cannot show.
 */
static bool
claims_is_bearer(const json_t *o)
{
	const json_t	*type = json_object_get(o, "token_type");
	const json_t	*use = json_object_get(o, "token_use");
	const char	*s;

	if (json_object_get(o, "cnf") != NULL)
		return false;
	if (type != NULL && !json_is_null(type) &&
	    ((s = json_string_value(type)) == NULL ||
	    (strcasecmp(s, "bearer") != 0 &&
	    strcasecmp(s, "access_token") != 0)))
		return false;
	return use == NULL || json_is_null(use) ||
	    ((s = json_string_value(use)) != NULL &&
	    (strcasecmp(s, "access_token") == 0 ||
	    strcasecmp(s, "access") == 0));
}

/* A name as proto_token wants it. */
static bool
claims_user(const json_t *o, const char *claim, char *user, size_t size)
{
	const char	*s = json_string_value(json_object_get(o, claim));
	size_t		 i;

	if (s == NULL || s[0] == '\0' || strlcpy(user, s, size) >= size)
		return false;
	for (i = 0; user[i] != '\0'; i++)
		if (text_is_control(user[i]))
			return false;
	return text_is_utf8(slice_str(user));
}

/* NULL when its time is now; seconds: at most so long. */
static const char *
claims_when(const json_t *o, time_t now, unsigned int *seconds)
{
	double	 t;
	bool	 there;

	if (claims_time(o, "nbf", &there, &t) == -1 ||
	    (there && t > (double)now + SKEW))
		return "not yet valid";
	if (claims_time(o, "exp", &there, &t) == -1 ||
	    (there && t <= (double)now))
		return "expired";
	if (there && t - (double)now < *seconds)
		*seconds = (unsigned int)(t - (double)now);
	return NULL;
}

/* The reason why it is no good, or NULL and *out is filled. */
static const char *
claims_examine(const struct config_oauth *c, const json_t *o, time_t now,
    struct token_answer *out)
{
	const char	*why;

	out->seconds = c->cache;
	if (!claims_is_bearer(o))
		return "no bearer token";
	if ((why = claims_when(o, now, &out->seconds)) != NULL)
		return why;
	if (!claims_has_scope(o, c->scope))
		return "without the scope";
	if (!claims_user(o, c->user_claim, out->user, sizeof(out->user)))
		return "without a user's name";
	return NULL;
}

void
claims_judge(const struct config_oauth *c, struct slice body, time_t now,
    struct token_answer *out, const char **why)
{
	const json_t	*active;
	json_t		*o;

	memset(out, 0, sizeof(*out));
	out->status = TOKEN_LATER;
	*why = "no JSON";
	o = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL)
		return;
	active = json_object_get(o, "active");
	if (!json_is_boolean(active)) {
		*why = "no member active";
		goto out;
	}
	out->status = TOKEN_INACTIVE;
	*why = "inactive";
	if (json_is_true(active))
		*why = claims_examine(c, o, now, out);
	if (*why == NULL)
		out->status = TOKEN_ACTIVE;
	else {
		out->user[0] = '\0';
		out->seconds = 0;
	}
out:
	json_decref(o);
}
