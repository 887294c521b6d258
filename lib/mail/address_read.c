/* Contract in address_read.h. */
#include <stdbool.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/mail/address_read.h"

#define END	-1	/* what peek() says at the end */

struct reader {
	struct slice	 s;
	size_t		 pos;
	/* The member at hand. */
	struct buf	 name;		/* words so far, as a display name */
	struct buf	 local;		/* the last of them, as a local part */
	bool		 words;		/* there are some */
	bool		 several;	/* ... more than the local part */
	struct buf	 domain, route;
	bool		 has_domain;
	struct buf	 comment;	/* the last one */
	bool		 in_group;
	size_t		 count;
	int		 (*fn)(const struct address_item *, void *);
	void		*arg;
};

static int
peek(const struct reader *r)
{
	return r->pos < r->s.len ? (unsigned char)r->s.ptr[r->pos] : END;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What ends a word, but for blanks.  A NUL does not. */
static bool
is_special(int c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '@': case ',': case ':':
	case ';': case '"':
		return true;
	default:
		return false;
	}
}

/* Nothing is longer than the value, so that appending cannot fail. */
static void
put(struct buf *b, int c)
{
	if (c != '\r' && c != '\n')
		(void)buf_addc(b, (char)c);
}

static void
read_comment(struct reader *r)
{
	size_t	 depth = 1;
	int	 c;

	buf_clear(&r->comment);
	for (r->pos++; (c = peek(r)) != END; r->pos++) {
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0) {
			r->pos++;
			return;
		} else if (c == '\\' && r->pos + 1 < r->s.len) {
			r->pos++;
			c = peek(r);
		}
		put(&r->comment, c);
	}
}

/* Skip blanks and comments.  True if there were any. */
static bool
skip(struct reader *r)
{
	size_t	 from = r->pos;

	for (;;) {
		while (is_blank(peek(r)))
			r->pos++;
		if (peek(r) != '(')
			return r->pos > from;
		read_comment(r);
	}
}

static void
read_string(struct reader *r, struct buf *out)
{
	int	 c;

	for (r->pos++; (c = peek(r)) != END; r->pos++) {
		if (c == '"') {
			r->pos++;
			return;
		}
		if (c == '\\' && r->pos + 1 < r->s.len) {
			r->pos++;
			c = peek(r);
		}
		put(out, c);
	}
}

/* A word: quoted, or a run of what means nothing here. */
static void
read_word(struct reader *r, struct buf *out)
{
	size_t	 from = r->pos;
	int	 c;

	if (peek(r) == '"') {
		read_string(r, out);
		return;
	}
	while ((c = peek(r)) != END && !is_blank(c) && !is_special(c))
		r->pos++;
	(void)buf_add(out, r->s.ptr + from, r->pos - from);
}

static bool
ends_in_dot(const struct buf *b)
{
	return b->len > 0 && b->ptr[b->len - 1] == '.';
}

/* --- what stands behind "@" and within "<>" ------------------------------- */

static void
read_literal(struct reader *r, struct buf *out)
{
	int	 c;

	while ((c = peek(r)) != END && c != '>' && c != ',') {
		if (!is_blank(c))
			put(out, c);
		r->pos++;
		if (c == ']')
			return;
	}
}

/* Words with dots between, up to what ends them. */
static void
read_domain(struct reader *r)
{
	bool	 gap;
	int	 c;

	r->has_domain = true;
	buf_clear(&r->domain);
	for (;;) {
		gap = skip(r);
		c = peek(r);
		if (c == '[') {
			read_literal(r, &r->domain);
			continue;
		}
		/* A NUL is in no name. */
		if (c == END || c == '\0' || is_special(c))
			return;
		if (gap && r->domain.len > 0 && c != '.' &&
		    !ends_in_dot(&r->domain))
			return;
		read_word(r, &r->domain);
	}
}

/* The "@" at hand, and more: what was a domain is local then. */
static void
read_domains(struct reader *r)
{
	while (peek(r) == '@') {
		if (r->has_domain) {
			put(&r->local, '@');
			(void)buf_add(&r->local, buf_cstr(&r->domain),
			    r->domain.len);
		}
		r->pos++;
		read_domain(r);
	}
}

/* RFC 5322 4.4 obs-route "@a,@b:", or nothing. */
static void
read_route(struct reader *r)
{
	size_t	 from = r->pos;

	while (peek(r) == '@' || peek(r) == ',') {
		if (peek(r) == ',') {
			if (r->route.len > 0 && !ends_in_dot(&r->route))
				put(&r->route, ',');
			r->pos++;
			(void)skip(r);
			continue;
		}
		r->pos++;
		read_domain(r);
		put(&r->route, '@');
		(void)buf_add(&r->route, buf_cstr(&r->domain), r->domain.len);
		(void)skip(r);
	}
	r->has_domain = false;
	buf_clear(&r->domain);
	if (peek(r) == ':') {
		r->pos++;
		return;
	}
	buf_clear(&r->route);
	r->pos = from;
}

/* From "<" to ">", or to what shows that it was forgotten. */
static void
read_angle(struct reader *r)
{
	bool	 gap;
	int	 c;

	r->pos++;
	buf_clear(&r->local);
	(void)skip(r);
	if (peek(r) == '@')
		read_route(r);
	for (;;) {
		gap = skip(r);
		c = peek(r);
		if (c == END || c == ',' || c == ';')
			return;
		if (c == '>') {
			r->pos++;
			return;
		}
		if (c == '@') {
			read_domains(r);
		} else if (c == ':') {
			buf_clear(&r->local);	/* mailto: */
			r->pos++;
		} else if (c == '<' || c == ')' ||
		    c == '\0' || r->has_domain) {
			r->pos++;
		} else {
			if (gap && r->local.len > 0 && c != '.' &&
			    !ends_in_dot(&r->local))
				put(&r->local, ' ');
			read_word(r, &r->local);
		}
	}
}

/* --- members ------------------------------------------------------------ */

static struct slice
whole(const struct buf *b)
{
	struct slice	 none = { NULL, 0 };

	return b->len > 0 ? buf_slice(b) : none;
}

static int
give(struct reader *r, enum address_item_kind kind)
{
	struct address_item	 item;

	memset(&item, 0, sizeof(item));
	item.kind = kind;
	if (kind != ADDRESS_ITEM_GROUP_END)
		item.name = whole(&r->name);
	if (kind == ADDRESS_ITEM_MAILBOX) {
		item.route = whole(&r->route);
		item.local = whole(&r->local);
		item.domain = whole(&r->domain);
	}
	r->count++;
	return r->fn(&item, r->arg);
}

/* Skip what belongs to no address; a name may be in a comment there. */
static void
skip_rest(struct reader *r)
{
	struct buf	*drop = &r->domain;
	size_t		 len;
	int		 c;

	for (;;) {
		(void)skip(r);
		c = peek(r);
		if (c == END || c == ',' || c == ';')
			return;
		if (c == '"') {
			len = drop->len;
			read_string(r, drop);
			drop->len = len;
		} else {
			r->pos++;
		}
	}
}

static int
end_mailbox(struct reader *r)
{
	skip_rest(r);
	if (r->name.len == 0 && r->comment.len > 0)
		(void)buf_add(&r->name, r->comment.ptr, r->comment.len);
	return give(r, ADDRESS_ITEM_MAILBOX);
}

/*
 * Words up to something that says what they are.  In name they are all, in
 * local those after the last gap that no dot is at; *before: where that starts
 * in name.
 */
static int
read_words(struct reader *r, size_t *before)
{
	size_t	 from;
	bool	 gap, dot;
	int	 c;

	*before = 0;
	for (;;) {
		gap = skip(r);
		c = peek(r);
		if (c == '>' || c == '\0' || c == ')') {
			r->pos++;
			continue;
		}
		if (c == END || strchr("<@,:;", c) != NULL)
			return c;
		dot = c == '.' || ends_in_dot(&r->local);
		if (gap && r->words) {
			if (!dot) {
				r->several = true;
				*before = r->name.len;
				buf_clear(&r->local);
			}
			if (r->name.len > 0)
				put(&r->name, ' ');
		}
		from = r->name.len;
		read_word(r, &r->name);
		(void)buf_add(&r->local, buf_cstr(&r->name) + from,
		    r->name.len - from);
		r->words = true;
	}
}

static void
truncate_name(struct reader *r, size_t len)
{
	if (r->name.ptr == NULL)
		return;
	r->name.len = len;
	r->name.ptr[len] = '\0';
}

/* An address without "<", unless that comes yet: then it was a name. */
static int
read_bare(struct reader *r, size_t before)
{
	size_t	 from = r->pos, keep = r->name.len;

	read_domains(r);
	(void)skip(r);
	if (peek(r) != '<') {
		truncate_name(r, before);
		return end_mailbox(r);
	}
	truncate_name(r, keep);
	(void)buf_add(&r->name, r->s.ptr + from, r->pos - from);
	while (r->name.len > 0 && is_blank(r->name.ptr[r->name.len - 1]))
		truncate_name(r, r->name.len - 1);
	r->has_domain = false;
	buf_clear(&r->domain);
	read_angle(r);
	return end_mailbox(r);
}

static int
read_member(struct reader *r)
{
	size_t	 before;
	int	 c;

	buf_clear(&r->name);
	buf_clear(&r->local);
	buf_clear(&r->domain);
	buf_clear(&r->route);
	buf_clear(&r->comment);
	r->words = r->several = r->has_domain = false;

	c = read_words(r, &before);
	/* What names an address stands behind it. */
	if (c == '<' || c == '@')
		buf_clear(&r->comment);
	switch (c) {
	case '<':
		read_angle(r);
		return end_mailbox(r);
	case '@':
		return read_bare(r, before);
	case ':':
		r->pos++;
		if (r->in_group || r->name.len == 0)
			return 0;
		r->in_group = true;
		return give(r, ADDRESS_ITEM_GROUP);
	}
	/* A comma, a semicolon or the end. */
	if (!r->words)
		return 0;
	if (r->several)
		buf_clear(&r->local);
	else
		buf_clear(&r->name);
	return end_mailbox(r);
}

int
address_read(struct slice value,
    int (*fn)(const struct address_item *, void *arg), void *arg)
{
	struct reader	 r = { .s = value, .fn = fn, .arg = arg };
	struct buf	*all[] = { &r.name, &r.local, &r.domain, &r.route,
			    &r.comment };
	size_t		 i;
	int		 rc = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_init(all[i], value.len * 2 + 16);
	while (rc == 0 && r.count < ADDRESS_READ_MAX) {
		(void)skip(&r);
		if (peek(&r) == END)
			break;
		if (peek(&r) == ',') {
			r.pos++;
		} else if (peek(&r) == ';') {
			r.pos++;
			if (r.in_group)
				rc = give(&r, ADDRESS_ITEM_GROUP_END);
			r.in_group = false;
		} else {
			rc = read_member(&r);
		}
	}
	if (rc == 0 && r.in_group)
		rc = give(&r, ADDRESS_ITEM_GROUP_END);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_free(all[i]);
	return rc;
}
