/* Contract in command.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/store/envelope.h"
#include "smtpd/command.h"

struct param {
	struct slice	 key;
	struct slice	 value;
	bool		 has_value;
};

/* What a parameter does to out; false with *err set when it is wrong. */
struct param_kind {
	const char	*key;
	bool		 needs_value;
	bool		(*take)(void *out, struct slice value, bool utf8,
			    struct command_error *err);
};

static bool
refuse(struct command_error *err, int code, const char *enhanced,
    const char *text)
{
	*err = (struct command_error){ code, enhanced, text };
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void
command_split(struct slice line, struct slice *verb, struct slice *arg)
{
	size_t	 n;

	line = text_trim(line);
	for (n = 0; n < line.len && !is_blank(line.ptr[n]); n++)
		;
	*verb = (struct slice){ line.ptr, n };
	*arg = text_trim((struct slice){ line.ptr + n, line.len - n });
}

int
command_parse_helo(struct slice arg, char out[COMMAND_HELO_MAX + 1],
    struct command_error *err)
{
	size_t	 i;

	out[0] = '\0';
	if (arg.len == 0) {
		refuse(err, 501, "5.5.4", "say your host name");
		return -1;
	}
	for (i = 0; i < arg.len; i++)
		if (arg.ptr[i] <= ' ' || arg.ptr[i] > '~') {
			refuse(err, 501, "5.5.4", "this is no host name");
			return -1;
		}
	if (arg.len > COMMAND_HELO_MAX) {
		refuse(err, 501, "5.5.4", "host name too long");
		return -1;
	}
	memcpy(out, arg.ptr, arg.len);
	out[arg.len] = '\0';
	return 0;
}

/* "FROM:" or "TO:" at the front; blanks after it are tolerated. */
static bool
take_keyword(struct slice *arg, const char *keyword)
{
	size_t	 n = strlen(keyword);

	if (arg->len < n || strncasecmp(arg->ptr, keyword, n) != 0)
		return false;
	*arg = text_trim((struct slice){ arg->ptr + n, arg->len - n });
	return true;
}

static int
parse_path(struct slice *arg, int flags, struct address *out, bool sender,
    struct command_error *err)
{
	size_t	 used = 0;

	switch (address_parse_path(*arg, flags | ADDRESS_UTF8, out, &used)) {
	case ADDRESS_OK:
		break;
	case ADDRESS_LONG:
		refuse(err, 553, sender ? "5.1.7" : "5.1.3",
		    "address too long");
		return -1;
	case ADDRESS_NEEDS_UTF8:
	case ADDRESS_SYNTAX:
		if (sender)
			refuse(err, 501, "5.1.7", "malformed sender address");
		else
			refuse(err, 501, "5.1.3",
			    "malformed recipient address");
		return -1;
	}
	arg->ptr += used;
	arg->len -= used;
	if (arg->len > 0 && !is_blank(arg->ptr[0])) {
		refuse(err, 501, "5.5.4", "a blank must follow the address");
		return -1;
	}
	return 0;
}

/* RFC 5321 4.1.2: esmtp-param. */
static bool
next_param(struct slice *arg, struct param *p, struct command_error *err)
{
	size_t	 i, n;

	*arg = text_trim(*arg);
	memset(p, 0, sizeof(*p));
	for (n = 0; n < arg->len && !is_blank(arg->ptr[n]); n++)
		;
	for (i = 0; i < n && (text_is_alnum(arg->ptr[i]) ||
	    (i > 0 && arg->ptr[i] == '-')); i++)
		;
	p->key = (struct slice){ arg->ptr, i };
	if (i < n && arg->ptr[i] == '=') {
		p->has_value = true;
		p->value = (struct slice){ arg->ptr + i + 1, n - i - 1 };
	} else if (i < n)
		return refuse(err, 501, "5.5.4", "malformed parameter");
	if (p->key.len == 0 || (p->has_value && p->value.len == 0))
		return refuse(err, 501, "5.5.4", "malformed parameter");
	for (i = 0; i < p->value.len; i++)
		if (p->value.ptr[i] == '=' || text_is_control(p->value.ptr[i]))
			return refuse(err, 501, "5.5.4",
			    "malformed parameter value");
	arg->ptr += n;
	arg->len -= n;
	return true;
}

/* All parameters, each at most once, by the table. */
static int
parse_params(struct slice arg, const struct param_kind *kinds, size_t nkinds,
    void *out, bool utf8, struct command_error *err)
{
	struct param	 p;
	unsigned int	 seen = 0, count = 0;
	size_t		 k;

	for (arg = text_trim(arg); arg.len > 0; arg = text_trim(arg)) {
		if (++count > COMMAND_PARAMS_MAX) {
			refuse(err, 501, "5.5.4", "too many parameters");
			return -1;
		}
		if (!next_param(&arg, &p, err))
			return -1;
		for (k = 0; k < nkinds && !slice_is(p.key, kinds[k].key); k++)
			;
		if (k == nkinds) {
			refuse(err, 555, "5.5.4", "parameter not known here");
			return -1;
		}
		if (seen & 1u << k) {
			refuse(err, 501, "5.5.4", "parameter given twice");
			return -1;
		}
		seen |= 1u << k;
		if (p.has_value != kinds[k].needs_value) {
			refuse(err, 501, "5.5.4", p.has_value ?
			    "this parameter takes no value" :
			    "this parameter needs a value");
			return -1;
		}
		if (!kinds[k].take(out, p.value, utf8, err))
			return -1;
	}
	return 0;
}

static bool
take_size(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;

	(void)utf8;
	if (value.len > 20)
		return refuse(err, 501, "5.5.4", "malformed SIZE");
	if (text_u64(value, UINT64_MAX, &m->size) == -1) {
		if (errno != ERANGE)
			return refuse(err, 501, "5.5.4", "malformed SIZE");
		m->size = UINT64_MAX;	/* larger than any limit */
	}
	return true;
}

static bool
take_body(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;

	(void)utf8;
	if (slice_is(value, "8BITMIME"))
		m->eightbit = true;
	else if (slice_is(value, "BINARYMIME"))
		return refuse(err, 555, "5.6.1", "BINARYMIME is not offered");
	else if (!slice_is(value, "7BIT"))
		return refuse(err, 501, "5.5.4", "BODY is 7BIT or 8BITMIME");
	return true;
}

static bool
take_utf8(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;

	(void)value;
	(void)utf8;
	(void)err;
	m->utf8 = true;
	return true;
}

static bool
take_ret(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;

	(void)utf8;
	if (slice_is(value, "FULL"))
		m->ret = RET_FULL;
	else if (slice_is(value, "HDRS"))
		m->ret = RET_HDRS;
	else
		return refuse(err, 501, "5.5.4", "RET is FULL or HDRS");
	return true;
}

/* Decode xtext into a string without control octets.  False when it is none. */
static bool
decode(struct slice value, char *out, size_t size, bool utf8)
{
	struct buf	 b;
	bool		 ok;
	size_t		 i;

	for (i = 0; i < value.len; i++)
		if ((value.ptr[i] & 0x80) != 0 && !utf8)
			return false;
	buf_init(&b, size - 1);
	ok = text_xdecode(&b, value) == 0;
	for (i = 0; ok && i < b.len; i++)
		if (text_is_control(b.ptr[i]) ||
		    ((b.ptr[i] & 0x80) != 0 && !utf8))
			ok = false;
	if (ok && utf8)
		ok = text_is_utf8(buf_slice(&b));
	if (ok) {
		memcpy(out, buf_cstr(&b), b.len);
		out[b.len] = '\0';
	}
	buf_free(&b);
	return ok;
}

static bool
take_envid(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;

	(void)utf8;
	if (value.len > COMMAND_ENVID_MAX ||
	    !decode(value, m->envid, sizeof(m->envid), false))
		return refuse(err, 501, "5.5.4", "malformed ENVID");
	m->has_envid = true;
	return true;
}

static bool
take_notify(void *out, struct slice value, bool utf8,
    struct command_error *err)
{
	static const struct { const char *word; int bit; } words[] = {
		{ "SUCCESS", NOTIFY_SUCCESS },
		{ "FAILURE", NOTIFY_FAILURE },
		{ "DELAY", NOTIFY_DELAY },
	};
	struct command_rcpt	*r = out;
	struct slice		 word;
	size_t			 i, n;

	(void)utf8;
	if (slice_is(value, "NEVER")) {
		r->notify = NOTIFY_NEVER;
		return true;
	}
	for (;;) {
		for (n = 0; n < value.len && value.ptr[n] != ','; n++)
			;
		word = (struct slice){ value.ptr, n };
		for (i = 0; i < 3 && !slice_is(word, words[i].word); i++)
			;
		if (i == 3)
			return refuse(err, 501, "5.5.4", "malformed NOTIFY");
		r->notify |= words[i].bit;
		if (n == value.len)
			return true;
		value.ptr += n + 1;
		value.len -= n + 1;
	}
}

static bool
take_orcpt(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_rcpt	*r = out;
	size_t			 n;

	for (n = 0; n < value.len && (text_is_alnum(value.ptr[n]) ||
	    value.ptr[n] == '-'); n++)
		;
	if (value.len > COMMAND_ORCPT_MAX || n == 0 || n + 1 >= value.len ||
	    value.ptr[n] != ';' ||
	    !decode((struct slice){ value.ptr + n + 1, value.len - n - 1 },
	    r->orcpt + n + 1, sizeof(r->orcpt) - n - 1, utf8))
		return refuse(err, 501, "5.5.4", "malformed ORCPT");
	memcpy(r->orcpt, value.ptr, n + 1);
	r->has_orcpt = true;
	return true;
}

/*
 * RFC 4954 5: "<>" or an address, in xtext.  What is no address says
 * nothing, and is no reason to lose a letter.
 */
static bool
take_auth(void *out, struct slice value, bool utf8, struct command_error *err)
{
	struct command_mail	*m = out;
	struct address		 a;
	char			 text[ADDRESS_MAX + 1];

	(void)utf8;
	/* SMTPUTF8 may follow, so UTF-8 is taken here. */
	if (value.len > 3 * ADDRESS_MAX ||
	    !decode(value, text, sizeof(text), true))
		return refuse(err, 501, "5.5.4", "malformed AUTH");
	if (address_parse(slice_str(text), ADDRESS_UTF8, &a) == ADDRESS_OK)
		memcpy(m->auth, a.text, sizeof(m->auth));
	return true;
}

int
command_parse_mail(struct slice arg, int flags, struct command_mail *out,
    struct command_error *err)
{
	static const struct param_kind	 kinds[] = {
		{ "SIZE", true, take_size },
		{ "BODY", true, take_body },
		{ "SMTPUTF8", false, take_utf8 },
		{ "RET", true, take_ret },
		{ "ENVID", true, take_envid },
		{ "AUTH", true, take_auth },
	};

	memset(out, 0, sizeof(*out));
	if (!take_keyword(&arg, "FROM:")) {
		refuse(err, 501, "5.5.4", "syntax: MAIL FROM:<address>");
		return -1;
	}
	if (parse_path(&arg, flags | ADDRESS_NULL, &out->from, true,
	    err) == -1 || parse_params(arg, kinds,
	    sizeof(kinds) / sizeof(kinds[0]), out, false, err) == -1)
		return -1;
	if (out->from.utf8 && !out->utf8) {
		refuse(err, 553, "5.6.7", "this address needs SMTPUTF8");
		return -1;
	}
	return 0;
}

int
command_parse_rcpt(struct slice arg, int flags, bool utf8,
    struct command_rcpt *out, struct command_error *err)
{
	static const struct param_kind	 kinds[] = {
		{ "NOTIFY", true, take_notify },
		{ "ORCPT", true, take_orcpt },
	};

	memset(out, 0, sizeof(*out));
	if (!take_keyword(&arg, "TO:")) {
		refuse(err, 501, "5.5.4", "syntax: RCPT TO:<address>");
		return -1;
	}
	if (parse_path(&arg, flags | ADDRESS_POSTMASTER, &out->to, false,
	    err) == -1 || parse_params(arg, kinds,
	    sizeof(kinds) / sizeof(kinds[0]), out, utf8, err) == -1)
		return -1;
	if (out->to.utf8 && !utf8) {
		refuse(err, 553, "5.6.7", "this address needs SMTPUTF8");
		return -1;
	}
	return 0;
}

int
command_parse_bdat(struct slice arg, uint64_t *size, bool *last,
    struct command_error *err)
{
	struct slice	 number, rest;

	command_split(arg, &number, &rest);
	*last = slice_is(rest, "LAST");
	if (text_u64(number, INT64_MAX, size) == -1 ||
	    (rest.len > 0 && !*last)) {
		refuse(err, 501, "5.5.4", "syntax: BDAT octets [LAST]");
		return -1;
	}
	return 0;
}

int
command_parse_auth(struct slice arg, struct slice *mechanism,
    struct slice *initial, struct command_error *err)
{
	size_t	 i;

	command_split(arg, mechanism, initial);
	if (mechanism->len == 0) {
		refuse(err, 501, "5.5.4", "syntax: AUTH mechanism [response]");
		return -1;
	}
	for (i = 0; i < initial->len; i++)
		if (is_blank(initial->ptr[i])) {
			refuse(err, 501, "5.5.4",
			    "syntax: AUTH mechanism [response]");
			return -1;
		}
	return 0;
}
