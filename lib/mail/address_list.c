/*
 * RFC 5322 3.4 address lists (contract in address.h), with the old forms of
 * RFC 5322 4.4 that still arrive: routes, blanks around dots, empty members,
 * dots in display names.
 */
#include <errno.h>

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/lex.h"

#define END	-1	/* what peek() says at the end */

struct scan {
	struct slice	 s;
	size_t		 pos;
};

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

static int
peek(const struct scan *sc)
{
	return sc->pos < sc->s.len ? (unsigned char)sc->s.ptr[sc->pos] : END;
}

static bool
skip(struct scan *sc)
{
	return lex_skip_cfws(sc->s, &sc->pos);
}

/* Skip a phrase, perhaps an empty one.  0, or -1 at what is no phrase. */
static int
skip_phrase(struct scan *sc)
{
	int	 c;

	for (;;) {
		if (!skip(sc))
			return -1;
		c = peek(sc);
		if (c == END || (c != '\0' && strchr(",;:<>@", c) != NULL))
			return 0;
		if (c == '.')
			sc->pos++;
		else if (lex_word(sc->s, &sc->pos, NULL, 0, NULL) == -1)
			return -1;
	}
}

/*
 * word *("." word), blanks and comments anywhere between; a word may be a
 * quoted string in a local part, never in a domain.
 */
static int
scan_words(struct scan *sc, bool quoted, char *out, size_t max, size_t *len)
{
	for (;;) {
		if (!skip(sc) || (peek(sc) == '"' && !quoted) ||
		    lex_word(sc->s, &sc->pos, out, max, len) == -1 ||
		    !skip(sc))
			return -1;
		if (peek(sc) != '.')
			return 0;
		if (*len == max)
			return -1;
		out[(*len)++] = '.';
		sc->pos++;
	}
}

static int
scan_literal(struct scan *sc, char *out, size_t max, size_t *len)
{
	char	 c;

	do {
		if (sc->pos == sc->s.len || *len == max)
			return -1;
		c = sc->s.ptr[sc->pos++];
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			out[(*len)++] = c;
	} while (c != ']');
	return 0;
}

/* What stands after "@". */
static int
scan_domain(struct scan *sc, char *out, size_t max, size_t *len)
{
	if (!skip(sc))
		return -1;
	if (peek(sc) == '[')
		return scan_literal(sc, out, max, len);
	return scan_words(sc, false, out, max, len);
}

static int
scan_spec(struct scan *sc, int flags, struct address *out)
{
	char		 l[ADDRESS_LOCAL_MAX], d[ADDRESS_DOMAIN_MAX];
	struct slice	 local = { l, 0 }, domain = { d, 0 };

	if (scan_words(sc, true, l, sizeof(l), &local.len) == -1)
		return -1;
	if (peek(sc) == '@') {
		sc->pos++;
		if (scan_domain(sc, d, sizeof(d), &domain.len) == -1 ||
		    domain.len == 0)
			return -1;
	}
	if (address_check(local, domain, flags, out) != ADDRESS_OK)
		return -1;
	return 0;
}

/* RFC 5322 4.4 obs-route: "@a, @b:". */
static int
skip_route(struct scan *sc)
{
	char	 d[ADDRESS_DOMAIN_MAX];
	size_t	 len;

	if (peek(sc) != '@')
		return 0;
	while (peek(sc) == '@' || peek(sc) == ',') {
		if (sc->s.ptr[sc->pos++] == '@') {
			len = 0;
			if (scan_domain(sc, d, sizeof(d), &len) == -1)
				return -1;
		}
		if (!skip(sc))
			return -1;
	}
	if (peek(sc) != ':')
		return -1;
	sc->pos++;
	return 0;
}

static int
scan_angle(struct scan *sc, int flags, struct address *out)
{
	sc->pos++;
	if (!skip(sc))
		return -1;
	if (peek(sc) == '>' && (flags & ADDRESS_NULL) != 0) {
		sc->pos++;
		return address_make("", "", out);
	}
	if (skip_route(sc) == -1 || scan_spec(sc, flags, out) == -1 ||
	    !skip(sc) || peek(sc) != '>')
		return -1;
	sc->pos++;
	return 0;
}

/*
 * A mailbox: 1 with *out filled; or a group's start: 0; or -1.  The octet that
 * ends the leading phrase tells which it is; without "<" or ":" the phrase was
 * the local part, so go back to it.
 */
static int
scan_member(struct scan *sc, int flags, bool in_group, struct address *out)
{
	struct scan	 ahead = *sc;

	if (skip_phrase(&ahead) == -1)
		return -1;
	if (peek(&ahead) == ':') {
		if (in_group || ahead.pos == sc->pos)
			return -1;
		sc->pos = ahead.pos + 1;
		return 0;
	}
	if (peek(&ahead) == '<') {
		*sc = ahead;
		if (scan_angle(sc, flags, out) == -1)
			return -1;
	} else if (scan_spec(sc, flags, out) == -1)
		return -1;
	if (!skip(sc))
		return -1;
	if (peek(sc) != END && peek(sc) != ',' && peek(sc) != ';')
		return -1;
	return 1;
}

int
address_list(struct slice value, int flags,
    int (*fn)(const struct address *, void *arg), void *arg)
{
	struct scan	 sc = { value, 0 };
	struct address	 addr;
	bool		 in_group = false;
	int		 r;

	for (;;) {
		if (!skip(&sc))
			return invalid();
		switch (peek(&sc)) {
		case END:
			return in_group ? invalid() : 0;
		case ',':
			sc.pos++;
			continue;
		case ';':
			if (!in_group)
				return invalid();
			in_group = false;
			sc.pos++;
			continue;
		}
		if ((r = scan_member(&sc, flags, in_group, &addr)) == -1)
			return invalid();
		if (r == 0)
			in_group = true;
		else if ((r = fn(&addr, arg)) != 0)
			return r;
	}
}
