/* Contract in mime_param.h. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/lex.h"
#include "lib/mail/mime_param.h"

#define VALUE_MAX	(256 * 1024)	/* of a field: more is cut off */

/*
 * Everything is copied to the store, which never moves: made large enough for
 * the value, and for the value percent-encoded.
 */
struct scan {
	struct slice		 s;
	size_t			 pos;
	struct mime_params	*p;
};

static void
put(struct scan *sc, char c)
{
	(void)buf_addc(&sc->p->store, c);
}

static size_t
mark(const struct scan *sc)
{
	return sc->p->store.len;
}

static struct slice
since(const struct scan *sc, size_t from)
{
	struct slice	 s = { sc->p->store.ptr + from, mark(sc) - from };

	return s;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What may be in a name or type; more than RFC 2045 5.1 allows. */
static bool
is_token(char c)
{
	switch (c) {
	case '\0': case '(': case ')': case ';': case '/': case '=': case '"':
		return false;
	default:
		return !is_blank(c);
	}
}

static bool
skip(struct scan *sc)
{
	return lex_skip_cfws(sc->s, &sc->pos) && sc->pos < sc->s.len;
}

static struct slice
take_token(struct scan *sc)
{
	size_t	 from = mark(sc), first;

	if (skip(sc)) {
		first = sc->pos;
		while (sc->pos < sc->s.len && is_token(sc->s.ptr[sc->pos]))
			sc->pos++;
		(void)buf_add(&sc->p->store, sc->s.ptr + first,
		    sc->pos - first);
	}
	return since(sc, from);
}

static struct slice
take_string(struct scan *sc)
{
	size_t	 from = mark(sc);
	char	 c;

	for (sc->pos++; sc->pos < sc->s.len; sc->pos++) {
		c = sc->s.ptr[sc->pos];
		if (c == '"') {
			sc->pos++;
			break;
		}
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && sc->pos + 1 < sc->s.len)
			c = sc->s.ptr[++sc->pos];
		put(sc, c);
	}
	return since(sc, from);
}

/*
 * Blanks end a value without quotes if a semicolon, a comment or nothing comes
 * then, or another parameter whose semicolon was forgotten.  *after: where the
 * blanks end.
 */
static bool
blanks_end(const struct scan *sc, size_t *after)
{
	size_t	 i = sc->pos;

	while (i < sc->s.len && is_blank(sc->s.ptr[i]))
		i++;
	*after = i;
	if (i == sc->s.len || sc->s.ptr[i] == ';' || sc->s.ptr[i] == '(')
		return true;
	while (i < sc->s.len && is_token(sc->s.ptr[i]))
		i++;
	return i < sc->s.len && sc->s.ptr[i] == '=';
}

static struct slice
take_bare(struct scan *sc)
{
	size_t	 from = mark(sc), after;
	char	 c;

	while (sc->pos < sc->s.len && (c = sc->s.ptr[sc->pos]) != ';') {
		if (!is_blank(c)) {
			put(sc, c);
			sc->pos++;
			continue;
		}
		if (blanks_end(sc, &after))
			break;
		for (; sc->pos < after; sc->pos++)
			if (sc->s.ptr[sc->pos] != '\r' &&
			    sc->s.ptr[sc->pos] != '\n')
				put(sc, sc->s.ptr[sc->pos]);
	}
	return since(sc, from);
}

static void
take_params(struct scan *sc)
{
	struct mime_params	*p = sc->p;
	struct mime_param	*m;

	while (p->n < MIME_PARAMS_MAX && skip(sc)) {
		m = &p->param[p->n];
		m->name = take_token(sc);
		if (m->name.len == 0 || !skip(sc) ||
		    sc->s.ptr[sc->pos] != '=') {
			/* No parameter: go on behind what cannot be one. */
			if (m->name.len == 0 && sc->pos < sc->s.len)
				sc->pos++;
			continue;
		}
		sc->pos++;
		m->value = SLICE_LIT("");
		if (skip(sc))
			m->value = sc->s.ptr[sc->pos] == '"' ?
			    take_string(sc) : take_bare(sc);
		p->n++;
	}
}

/* --- RFC 2231 3 and 4.1: NAME*NUMBER and NAME*NUMBER* ------------------- */

/* True: name is a piece, its NAME is base, its number at most 999. */
static bool
is_piece(struct slice name, struct slice *base, unsigned int *number,
    bool *encoded)
{
	const char	*star;
	size_t		 i;

	*encoded = name.len > 0 && name.ptr[name.len - 1] == '*';
	if (*encoded)
		name.len--;
	if ((star = memchr(name.ptr, '*', name.len)) == NULL)
		return false;
	base->ptr = name.ptr;
	base->len = (size_t)(star - name.ptr);
	*number = 0;
	for (i = base->len + 1; i < name.len; i++) {
		if (!text_is_digit(name.ptr[i]))
			return false;
		*number = *number * 10 + (unsigned int)(name.ptr[i] - '0');
		if (*number > 999)
			return false;
	}
	return base->len > 0 && name.len > base->len + 1;
}

static bool
same(struct slice a, struct slice b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* The piece with the number, or n. */
static size_t
find_piece(const struct mime_params *p, struct slice base,
    unsigned int number, bool *encoded)
{
	struct slice	 b;
	unsigned int	 k;
	size_t		 i;

	for (i = 0; i < p->n; i++)
		if (is_piece(p->param[i].name, &b, &k, encoded) &&
		    k == number && same(b, base))
			return i;
	return p->n;
}

static void
put_percent(struct scan *sc, struct slice v)
{
	static const char	 hex[] = "0123456789ABCDEF";
	unsigned char		 c;
	size_t			 i;

	for (i = 0; i < v.len; i++) {
		c = (unsigned char)v.ptr[i];
		if (text_is_alnum((char)c) || c == '.' || c == '-' ||
		    c == '_') {
			put(sc, (char)c);
			continue;
		}
		put(sc, '%');
		put(sc, hex[c >> 4]);
		put(sc, hex[c & 15]);
	}
}

/* Put the pieces that belong to param[first], number 0, into it. */
static void
join(struct scan *sc, size_t first, struct slice base)
{
	struct mime_params	*p = sc->p;
	struct mime_param	 whole;
	size_t			 i, from;
	unsigned int		 k;
	bool			 encoded, any = false;

	for (k = 0; (i = find_piece(p, base, k, &encoded)) < p->n; k++)
		any = any || encoded;
	from = mark(sc);
	for (i = 0; i < base.len; i++)
		put(sc, base.ptr[i]);
	if (any)
		put(sc, '*');
	whole.name = since(sc, from);
	from = mark(sc);
	for (k = 0; (i = find_piece(p, base, k, &encoded)) < p->n; k++) {
		if (any && !encoded) {
			/* Encoded, but without a charset in front. */
			if (k == 0) {
				put(sc, '\'');
				put(sc, '\'');
			}
			put_percent(sc, p->param[i].value);
		} else if (p->param[i].value.len > 0) {
			(void)buf_add(&p->store, p->param[i].value.ptr,
			    p->param[i].value.len);
		}
		/* Taken: it must not be found again. */
		if (i != first)
			p->param[i].name.len = 0;
	}
	whole.value = since(sc, from);
	p->param[first] = whole;
}

static void
join_all(struct scan *sc)
{
	struct mime_params	*p = sc->p;
	struct slice		 base;
	size_t			 i, n;
	unsigned int		 k;
	bool			 encoded;

	for (i = 0; i < p->n; i++)
		if (is_piece(p->param[i].name, &base, &k, &encoded) && k == 0)
			join(sc, i, base);
	for (i = n = 0; i < p->n; i++)
		if (p->param[i].name.len > 0)
			p->param[n++] = p->param[i];
	p->n = n;
}

void
mime_params_init(struct mime_params *p)
{
	p->n = 0;
	buf_init(&p->store, VALUE_MAX * 6);
}

void
mime_params_parse(struct mime_params *p, struct slice value,
    enum mime_params_kind kind)
{
	struct scan	 sc = { value, 0, p };

	if (sc.s.len > VALUE_MAX)
		sc.s.len = VALUE_MAX;
	p->n = 0;
	p->type = p->subtype = SLICE_LIT("");
	buf_clear(&p->store);
	/* As written, and joined: names, values thrice, and their marks. */
	(void)buf_reserve(&p->store, sc.s.len * 5 + 3 * MIME_PARAMS_MAX);
	p->type = take_token(&sc);
	if (kind == MIME_PARAMS_TYPE && skip(&sc) &&
	    sc.s.ptr[sc.pos] == '/') {
		sc.pos++;
		p->subtype = take_token(&sc);
	}
	take_params(&sc);
	join_all(&sc);
}

void
mime_params_free(struct mime_params *p)
{
	buf_free(&p->store);
	p->n = 0;
}
