/* Contract in compose.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/compose.h"
#include "deliver/qualify.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"

#define HEAD_ROOM	65536		/* for what we add */
#define WORD_MAX	75		/* RFC 2047 2: an encoded word */

/* What the message has; the resent ones count when any of them is there. */
struct found {
	bool	 resent;
	bool	 from, date, id;
	bool	 resent_from, resent_date, resent_id;
};

static bool
is_phrase_octet(char c)
{
	return text_is_alnum(c) || c == ' ' ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int
add_quoted(struct buf *out, const char *s)
{
	int	 n = buf_addc(out, '"');

	for (; *s != '\0' && n == 0; s++) {
		if (*s == '"' || *s == '\\')
			n = buf_addc(out, '\\');
		if (n == 0)
			n = buf_addc(out, text_is_control(*s) ? ' ' : *s);
	}
	return n == 0 ? buf_addc(out, '"') : -1;
}

/* Octets of the UTF-8 sequence that starts with c. */
static size_t
sequence_len(char c)
{
	unsigned char	 u = (unsigned char)c;

	return u < 0x80 ? 1 : u < 0xe0 ? 2 : u < 0xf0 ? 3 : 4;
}

/* RFC 2047 4.2 in words that each hold whole characters. */
static int
add_encoded(struct buf *out, const char *s)
{
	static const char	 start[] = "=?UTF-8?Q?";
	size_t			 used = 0, len, i;
	int			 n = 0;

	for (; *s != '\0' && n == 0; s += len) {
		len = sequence_len(*s);
		if (used + 3 * len + 2 > WORD_MAX) {
			n = buf_addstr(out, "?= ");
			used = 0;
		}
		if (used == 0 && n == 0) {
			n = buf_addstr(out, start);
			used = sizeof(start) - 1;
		}
		for (i = 0; i < len && n == 0; i++) {
			if (text_is_alnum(s[i])) {
				n = buf_addc(out, s[i]);
				used++;
			} else {
				n = buf_addf(out, "=%02X",
				    (unsigned int)(unsigned char)s[i]);
				used += 3;
			}
		}
	}
	return n == 0 ? buf_addstr(out, "?=") : -1;
}

int
compose_phrase(struct buf *out, const char *name)
{
	const char	*p;
	bool		 plain = true, ascii = true;

	for (p = name; *p != '\0'; p++) {
		plain = plain && is_phrase_octet(*p);
		ascii = ascii && (unsigned char)*p < 0x80;
	}
	/* Octets in some other character set: better none than wrong ones. */
	if (!ascii && !text_is_utf8(slice_str(name)))
		return 0;
	if (!ascii)
		return add_encoded(out, name);
	return plain ? buf_addstr(out, name) : add_quoted(out, name);
}

static void
note_field(struct found *f, struct slice name)
{
	struct {
		const char	*name;
		bool		*seen;
	} known[] = {
		{ "From", &f->from }, { "Date", &f->date },
		{ "Message-ID", &f->id }, { "Resent-From", &f->resent_from },
		{ "Resent-Date", &f->resent_date },
		{ "Resent-Message-ID", &f->resent_id },
	};
	size_t	 i;

	if (name.len > 7 && slice_is((struct slice){ name.ptr, 7 }, "Resent-"))
		f->resent = true;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is(name, known[i].name))
			*known[i].seen = true;
}

/* RFC 5322 3.6.6: a message sent again gets a new block of its own. */
static int
add_missing(struct compose *c, const struct found *f)
{
	const char	*again = f->resent ? "Resent-" : "";
	char		 date[DATE_MAX];
	struct buf	 from;
	int		 n = 0;

	if (!(f->resent ? f->resent_date : f->date)) {
		date_format(c->now, date);
		n = buf_addf(&c->head, "%sDate: %s\r\n", again, date);
	}
	if (n == 0 && !(f->resent ? f->resent_from : f->from)) {
		buf_init(&from, 4096);
		n = compose_phrase(&from, c->name);
		if (n == 0)
			n = buf_addf(&from, from.len > 0 ? " <%s>" : "%s",
			    c->sender);
		if (n == 0)
			n = header_add(&c->head, f->resent ? "Resent-From" :
			    "From", buf_cstr(&from), false);
		buf_free(&from);
	}
	if (n == 0 && !(f->resent ? f->resent_id : f->id))
		n = buf_addf(&c->head, "%sMessage-ID: <%s@%s>\r\n", again,
		    c->unique, c->hostname);
	return n;
}

static int
add_rcpt(const struct address *a, void *arg)
{
	struct compose	*c = arg;
	struct address	 full = *a;

	if (a->text[0] == '\0')
		return 0;
	if (a->domain[0] == '\0' &&
	    address_make(a->local, c->hostname, &full) == -1)
		return -1;
	if (c->nrcpt == COMPOSE_RCPTS) {
		errno = E2BIG;
		return -1;
	}
	if (c->nrcpt == c->rcpt_size) {
		c->rcpt_size = c->rcpt_size == 0 ? 16 : c->rcpt_size * 2;
		c->rcpt = xreallocarray(c->rcpt, c->rcpt_size,
		    sizeof(c->rcpt[0]));
	}
	c->rcpt[c->nrcpt++] = xstrdup(full.text);
	return 0;
}

static bool
is_blank(struct slice v)
{
	size_t	 i;

	for (i = 0; i < v.len; i++)
		if (memchr(" \t\r\n", v.ptr[i], 4) == NULL)
			return false;
	return true;
}

static int
note_utf8(const struct address *a, void *arg)
{
	bool	*utf8 = arg;

	*utf8 = *utf8 || a->utf8;
	return 0;
}

static bool
names_recipients(const struct found *f, struct slice name)
{
	return f->resent ? slice_is(name, "Resent-To") ||
	    slice_is(name, "Resent-Cc") || slice_is(name, "Resent-Bcc") :
	    slice_is(name, "To") || slice_is(name, "Cc") ||
	    slice_is(name, "Bcc");
}

static bool
is_dropped(const struct compose *c, struct slice name)
{
	/* RFC 5321 4.4: only the final delivery writes Return-Path. */
	return slice_is(name, "Return-Path") || (c->recipients &&
	    (slice_is(name, "Bcc") || slice_is(name, "Resent-Bcc")));
}

static int
copy_field(struct compose *c, const struct header_field *field)
{
	const char	*colon;
	size_t		 n;

	if (c->complete && is_dropped(c, field->name))
		return 0;
	if (!c->complete || !qualify_is_address_field(field->name))
		return buf_add(&c->head, field->whole.ptr, field->whole.len);
	colon = memchr(field->whole.ptr, ':', field->whole.len);
	n = colon == NULL ? 0 : (size_t)(colon + 1 - field->whole.ptr);
	if (buf_add(&c->head, field->whole.ptr, n) == -1 ||
	    qualify_value(&c->head, field->value, c->hostname) == -1)
		return -1;
	return buf_addstr(&c->head, "\r\n");
}

static int
one_field(struct compose *c, const struct found *f,
    const struct header_field *field, char err[COMPOSE_ERROR_MAX])
{
	const int	 flags = ADDRESS_LENIENT | ADDRESS_UTF8;

	if (c->recipients && names_recipients(f, field->name) &&
	    !is_blank(field->value) &&
	    address_list(field->value, flags, add_rcpt, c) != 0) {
		snprintf(err, COMPOSE_ERROR_MAX, errno == E2BIG ?
		    "too many recipients" : "cannot understand the addresses "
		    "in the %.*s field", (int)(field->name.len < 40 ?
		    field->name.len : 40), field->name.ptr);
		return -1;
	}
	if (!c->utf8 && !text_is_ascii(field->value) &&
	    qualify_is_address_field(field->name))
		(void)address_list(field->value, flags, note_utf8, &c->utf8);
	if (copy_field(c, field) == -1) {
		snprintf(err, COMPOSE_ERROR_MAX, "the header is too large");
		return -1;
	}
	return 0;
}

int
compose_message(struct compose *c, struct slice msg,
    char err[COMPOSE_ERROR_MAX])
{
	struct found		 f = { 0 };
	struct header_field	 field;
	const char		*nl;
	size_t			 pos = 0;

	err[0] = '\0';
	/* The separator line of an mbox, from programs that paste from one. */
	if (msg.len > 5 && memcmp(msg.ptr, "From ", 5) == 0 &&
	    (nl = memchr(msg.ptr, '\n', msg.len)) != NULL) {
		msg.len -= (size_t)(nl + 1 - msg.ptr);
		msg.ptr = nl + 1;
	}
	buf_init(&c->head, 2 * msg.len + HEAD_ROOM);
	while (header_next(msg, &pos, &field))
		note_field(&f, field.name);
	c->body.ptr = msg.ptr + pos;
	c->body.len = msg.len - pos;

	if (c->complete && add_missing(c, &f) == -1) {
		snprintf(err, COMPOSE_ERROR_MAX, "the header is too large");
		return -1;
	}
	for (pos = 0; header_next(msg, &pos, &field);)
		if (one_field(c, &f, &field, err) == -1)
			return -1;
	return buf_addstr(&c->head, "\r\n");
}

void
compose_free(struct compose *c)
{
	size_t	 i;

	for (i = 0; i < c->nrcpt; i++)
		free(c->rcpt[i]);
	free(c->rcpt);
	c->rcpt = NULL;
	c->nrcpt = c->rcpt_size = 0;
	buf_free(&c->head);
}
