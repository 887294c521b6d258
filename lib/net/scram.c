/* Contract in scram.h. */
#include <errno.h>
#include <stdbool.h>

#include "lib/base/text.h"
#include "lib/net/scram.h"

struct attribute {
	char		 name;
	struct slice	 value;
};

/*
 * The next attr-val, up to a comma or the end; *more: there was a comma, so
 * another one must follow.  Values are octets but for NUL and comma, at
 * least one.
 */
static bool
scram_next(struct slice *rest, struct attribute *a, bool *more)
{
	const char	*comma;
	size_t		 len = rest->len;

	if (len == 0)
		return false;
	comma = memchr(rest->ptr, ',', len);
	*more = comma != NULL;
	if (*more)
		len = (size_t)(comma - rest->ptr);
	if (len < 3 || !text_is_alpha(rest->ptr[0]) || rest->ptr[1] != '=' ||
	    memchr(rest->ptr, '\0', len) != NULL)
		return false;
	a->name = rest->ptr[0];
	a->value.ptr = rest->ptr + 2;
	a->value.len = len - 2;
	rest->ptr += len + *more;
	rest->len -= len + *more;
	return true;
}

/* What is mandatory stands first and in this order. */
static bool
scram_expect(struct slice *rest, char name, struct slice *value, bool *more)
{
	struct attribute	 a;

	if (!scram_next(rest, &a, more) || a.name != name)
		return false;
	*value = a.value;
	return true;
}

/* printable = %x21-2B / %x2D-7E */
static bool
scram_nonce_ok(struct slice nonce)
{
	size_t	 i;

	for (i = 0; i < nonce.len; i++)
		if (nonce.ptr[i] <= ' ' || nonce.ptr[i] > '~')
			return false;
	return true;
}

int
scram_parse_first(struct slice message, struct scram_first *out)
{
	struct attribute	 a;
	struct slice		 rest;
	bool			 more;

	if (sasl_gs2_parse(message, &out->gs2) == -1)
		return -1;
	rest = out->gs2.rest;
	if (!text_is_utf8(rest) ||
	    !scram_expect(&rest, 'n', &out->user, &more) || !more ||
	    !scram_expect(&rest, 'r', &out->nonce, &more) ||
	    !scram_nonce_ok(out->nonce))
		goto bad;
	while (more)
		if (!scram_next(&rest, &a, &more) || a.name == 'm')
			goto bad;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

int
scram_parse_final(struct slice message, struct scram_final *out)
{
	struct attribute	 a;
	struct slice		 rest = message;
	bool			 more;

	if (!text_is_utf8(message) ||
	    !scram_expect(&rest, 'c', &out->binding, &more) || !more ||
	    !scram_expect(&rest, 'r', &out->nonce, &more) || !more ||
	    !scram_nonce_ok(out->nonce))
		goto bad;
	do {
		out->unproven.ptr = message.ptr;
		out->unproven.len = message.len - rest.len - 1;
		if (!scram_next(&rest, &a, &more) || a.name == 'm')
			goto bad;
	} while (a.name != 'p');
	/* The proof is last, so nothing is left that it does not cover. */
	if (more)
		goto bad;
	out->proof = a.value;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}
